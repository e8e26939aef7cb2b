"""`llgrad design`, and `llgrad evaluate` of designs and of drawn arrays: what they print, write and refuse."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest

from llgrad.core.files import read_json
from llgrad.datasets.images.load import load_images
from llgrad.networks.baselines import SoftmaxNetwork
from llgrad.training.recipe import Recipe
from llgrad.training.train import train

pytestmark = pytest.mark.float32


@pytest.fixture
def run(llgrad, tmp_path):
    """A run of a small network on images of the user's own: three classes, each with a bright row."""
    rng = np.random.default_rng(0)
    labels = np.arange(150) % 3
    pixels = rng.integers(0, 120, (150, 5, 4)).astype(np.uint8)
    pixels[np.arange(150), 2 * labels] += 100
    np.savez(tmp_path / "rows.npz", images=pixels, labels=labels)
    ended = llgrad("train", "rows.npz", "--out", "run", "--epochs", 2, "--oscillators", 3, "--batch", 20, "--seed", 4)
    assert ended.status == 0
    return tmp_path / "run"


def accuracy_of(llgrad, *arguments):
    return json.loads(llgrad("evaluate", *arguments, "--json").out)


def test_a_design_recognises_what_its_run_does(llgrad, refused, run, tmp_path):
    ended = llgrad("design", "run", "--out", "dir")
    assert (ended.status, ended.err) == (0, "")
    names = ["design.json", "oscillators.csv", "coupling.csv", "input_gains.csv", "readout.csv", "time_line.csv"]
    assert ended.out.splitlines() == [f"wrote dir/{name}" for name in names]
    assert sorted(path.name for path in (tmp_path / "dir").iterdir()) == sorted(names)
    entry, begun = read_json(tmp_path / "dir" / "design.json", "design"), read_json(run / "run.json", "run")
    assert entry["command"] == "llgrad design run --out dir" and entry["data_hash"] == begun["data_hash"]
    assert (entry["images"]["scale"], entry["images"]["classes"]) == (255.0, ["0", "1", "2"])
    found = accuracy_of(llgrad, "run")
    for name in ("dir", "dir/design.json"):
        again = accuracy_of(llgrad, name)
        assert (again["accuracy"], again["loss"]) == (found["accuracy"], found["loss"])
    assert refused("design", "run", "--out", "dir") == (
        "dir/design.json exists already and is kept; choose another --out, or add --force"
    )
    assert llgrad("design", "run", "--out", "dir", "--force").status == 0
    assert llgrad("design", "dir", "--out", "copy").status == 0
    copy = (tmp_path / "copy" / "design.json").read_text()
    assert json.loads(copy)["arrays"] == entry["arrays"] and json.loads(copy)["readout"] == entry["readout"]


def test_the_limits_of_a_bench_are_checked(llgrad, run):
    ended = llgrad("design", "run", "--out", "dir", "--max-field", "500Oe", "--max-current", "1mA", "--dac-bits", 8)
    lines = ended.out.splitlines()
    assert lines[0].startswith("beyond the bench: input field (worst image) of array 1: 3 of 3")
    assert lines[1].startswith("beyond the bench: ") and " exceed " in lines[1]
    said = [line for line in lines if line.startswith("test: accuracy ")]
    assert len(said) == 1 and said[0].endswith(" with settings cut off at the limits and rounded to 8 bits")
    entry = json.loads(llgrad("design", "run", "--out", "two", "--max-current", "1A", "--json").out)
    assert entry["exceeded"] == [] and entry["accuracy"] == entry["accuracy_on_bench"]


def test_drawn_arrays_are_told_as_a_table_and_a_curve(llgrad, run, tmp_path):
    harsh = ("--spread", "10%", "--temperature", "300K", "--read-noise", "1%", "--bits", "8", "--rise-time", "50ps")
    ended = llgrad("evaluate", "run", *harsh, "--jitter", "5ps", "--arrays", 3)
    lines = ended.out.splitlines()
    assert ended.status == 0 and lines[0].startswith("test: accuracy ")
    assert lines[1] == (
        "accuracy (%) of arrays with spread 10 %, temperature 300 K, read-out noise 1 %, rise time 50 ps, jitter 5 ps, "
        "8 bits:"
    )
    assert lines[2].split() == ["spread", "arrays", "mean", "std", "5", "%", "50", "%", "95", "%", "worst"]
    assert lines[3].split()[:3] == ["10", "%", "3"] and len(lines) == 4
    entry = accuracy_of(llgrad, "run", "--spread", "10%", "--arrays", 3, "--seed", 1)
    robust = entry["robustness"]
    assert len(robust["accuracies"]) == 3 and entry["imperfections"]["spread"]["value"] == 0.1
    assert robust["mean"] == pytest.approx(np.mean(robust["accuracies"]))
    drawn = llgrad("evaluate", "run", "--spread", "10%", "--arrays", 2, "--curve", "--plot", "pictures", "--json")
    rows = json.loads(drawn.out)["curve"]
    assert [row["spread"] for row in rows] == pytest.approx([0, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2])
    assert rows[0]["mean"] == entry["accuracy"]
    assert (tmp_path / "pictures" / "robustness.png").read_bytes().startswith(b"\x89PNG")


def test_mistakes_are_one_sentence(llgrad, refused, run, tmp_path):
    assert refused("evaluate", "nowhere") == "nowhere does not exist"
    assert refused("design", tmp_path, "--out", "dir").startswith(f"{tmp_path} is no folder of a run or of a design")
    assert refused("evaluate", "run", "--spread", "10ps") == (
        "--spread: '10ps' is in s, expected a quantity in 1, such as 0.005"
    )
    assert refused("evaluate", "run", "--rise-time", "50").startswith("--rise-time: '50' has no unit; expected")
    assert refused("evaluate", "run", "--spread", "10").startswith("spread = 10, expected a fraction below 0.5; 10 %")
    assert refused("evaluate", "run", "--arrays", 3) == (
        "--arrays is for arrays with imperfections; give one, such as --spread 10%"
    )
    assert refused("evaluate", "run", "--jitter", "5ps", "--curve").startswith("--curve is a curve of accuracy against")
    assert refused("evaluate", "run", "--spread", "10%", "--plot", "x").startswith("--plot draws the curve of accuracy")
    assert refused("design", "run", "--out", "dir", "--max-field", "3mA") == (
        "--max-field: '3mA' is in A, expected a quantity in T, such as 200Oe or 20mT"
    )
    assert refused("design", "run", "--out", "rows.npz").startswith("rows.npz is a file, expected the name of a folder")
    assert refused("evaluate", "rows.npz") == "rows.npz is not a JSON file"
    assert refused("evaluate", run / "run.json").endswith("is a file of the format llgrad.run, expected llgrad.design")


def test_damaged_designs_and_other_images_are_one_sentence(llgrad, refused, run, tmp_path):
    assert llgrad("design", "run", "--out", "dir").status == 0
    file = tmp_path / "dir" / "design.json"
    text = file.read_text()
    file.write_text(text[: len(text) // 2])
    assert refused("evaluate", "dir") == "dir/design.json is not a JSON file"
    file.write_text(text.replace('"stepper"', '"stopper"'))
    assert refused("evaluate", "dir") == "dir/design.json: this design has no entry 'stepper'; the file is damaged"
    file.write_text(text)
    stored = dict(np.load(tmp_path / "rows.npz"))
    np.savez(tmp_path / "rows.npz", images=stored["images"][:, ::-1], labels=stored["labels"])
    assert refused("evaluate", "dir") == (
        "dir was trained on other images of rows (split 0): the hash of these is another one; give the same images"
    )
    np.savez(tmp_path / "rows.npz", images=stored["images"][:, :4], labels=stored["labels"])
    assert refused("evaluate", "dir") == (
        "dir was trained on images of 5×4 pixels, and these have 4×4; give the images of rows"
    )


def test_a_baseline_has_no_design(refused, run, tmp_path):
    data = load_images(tmp_path / "rows.npz")
    with jax.enable_x64(False):
        network = SoftmaxNetwork.create((5, 4), 3)
    notes = {"source": str(tmp_path / "rows.npz")}
    train(network, data, Recipe(epochs=1, batch=20), out=tmp_path / "linear", notes=notes)
    for command in (("design", "linear", "--out", "dir"), ("evaluate", "linear", "--spread", "10%")):
        assert refused(*command) == "linear holds a SoftmaxNetwork, which has no oscillators to set up"
