"""`llgrad train` and `llgrad evaluate`: what they print and write, what they refuse, and how they are stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import equinox as eqx
import jax
import numpy as np
import pytest
from tests.unit.cli.test_process import COMMAND, PLAIN

from llgrad.cli.networks.defaults import BY_SET, defaults_of
from llgrad.cli.networks.train import remark
from llgrad.core.files import read_json
from llgrad.networks.files import load_network

pytestmark = pytest.mark.float32

SMALL = ("--oscillators", "3", "--batch", "20", "--validation", "10%", "--seed", "4")


@pytest.fixture
def images(tmp_path):
    """Images of the user's own: three classes, each with a bright row."""
    rng = np.random.default_rng(0)
    labels = np.arange(150) % 3
    pixels = rng.integers(0, 120, (150, 5, 4)).astype(np.uint8)
    pixels[np.arange(150), 2 * labels] += 100
    file = tmp_path / "rows.npz"
    np.savez(file, images=pixels, labels=labels)
    return file


def weights(run):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(load_network(run / "network.json"), eqx.is_array))]


def test_train_tells_the_accuracy_that_evaluate_finds(llgrad, images, tmp_path):
    ended = llgrad(
        "train", images, "--out", "run", "--epochs", 2, "--rotation", "5deg", "--zoom", "10%", "--mirror", *SMALL
    )
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].startswith("finished after 2 of 2 epochs, ")
    assert lines[-2:] == ["run: run", "pictures: run/pictures"]
    assert [line.split(":")[0] for line in lines[1:4]] == ["training", "validation", "test"]
    run = read_json(tmp_path / "run" / "run.json", "run")
    assert run["command"].startswith("llgrad train ") and run["network"]["oscillators"] == [3]
    recipe = [run["recipe"][name] for name in ("rotation", "zoom", "mirror", "validation")]
    assert recipe == [5.0, 0.1, True, 0.1]
    assert run["images"]["source"] == str(images)
    found = llgrad("evaluate", "run", "--json")
    entry = json.loads(found.out)
    assert entry["accuracy"] == read_json(tmp_path / "run" / "result.json", "result")["accuracy"]
    assert entry["format"] == "llgrad.evaluation" and entry["data_hash"] == run["data_hash"]
    said = llgrad("evaluate", "run").out
    assert said.startswith(f"test: accuracy {entry['accuracy']:.2%} ({entry['correct']} of 30 images), loss ")
    again = json.loads(llgrad("train", "--resume", "run", "--json").out)
    assert (again["status"], again["accuracy"], again["run"]) == ("finished", entry["accuracy"], "run")


def test_a_time_limit_saves_and_says_how_to_go_on(llgrad, images, tmp_path):
    ended = llgrad("train", images, "--epochs", 2, "--time-limit", "1us", *SMALL)
    assert ended.status == 0
    assert ended.out.splitlines()[0].startswith("out of time after 0 of 2 epochs")
    assert ended.out.splitlines()[-1] == "saved; go on with: llgrad train --resume llgrad-rows"
    assert llgrad("evaluate", "llgrad-rows").status == 0


def test_what_cannot_be_trained_is_refused(llgrad, refused, images, tmp_path):
    assert refused("train") == (
        "which images? llgrad train digits, llgrad train mnist --data-dir DIR, or signals in a folder"
    )
    assert refused("train", "letters").startswith("'letters' is no set of images; expected digits, mnist")
    assert refused("train", images, "--oscillators", "many") == (
        "--oscillators many: expected a whole number, or one for each array, such as 128,64"
    )
    assert refused("train", images, "--oscillators", "0").startswith("oscillators = (0,), expected one or more")
    assert refused("train", images, "--epochs", "0") == "epochs = 0, expected a whole number of epochs, 1 or more"
    assert refused("train", images, "--batch", "500").startswith("batch = 500, expected at most the 120 images")
    assert refused("train", images, *SMALL, "--shift", "4").startswith("shift = 4 pixels, expected less than the 4")
    assert refused("train", images, "--rotation", "5deg5").startswith("--rotation: ")
    assert refused("train", images, "--rotation", "200deg") == "rotation = 200.0, expected degrees from 0 to 180"
    assert refused("train", images, "--device", "unheard").startswith("unknown device")
    assert refused("train", images, "--duration", "1ps", "--dt", "1ns").startswith("hold = ")
    assert refused("train", images, "--out", images) == f"{images} is a file, expected the name of a folder for the run"
    assert refused("train", "--resume", "nowhere") == "the run nowhere does not exist: there is no such folder"
    assert refused("evaluate", tmp_path) == (
        f"{tmp_path} is no folder of a run or of a design: it has neither run.json nor design.json"
    )


def test_a_run_is_kept(llgrad, refused, images, tmp_path):
    llgrad("train", images, "--out", "run", "--epochs", 2, "--time-limit", "1us", *SMALL)
    assert refused("train", images, "--out", "run", *SMALL) == (
        "run holds a run already and is kept; go on with it by --resume run, choose another --out, or add --force"
    )
    assert refused("train", "--resume", "run", "--learning-rate", "0.1") == (
        "--learning-rate cannot be changed in a run that was begun; leave it out with --resume"
    )
    with np.load(images) as file:
        np.savez(tmp_path / "other.npz", images=255 - file["images"], labels=file["labels"])
    assert "was begun with other images" in refused("train", tmp_path / "other.npz", "--resume", "run")
    replaced = llgrad("train", images, "--out", "run", "--epochs", 1, "--force", *SMALL)
    assert replaced.status == 0 and replaced.out.startswith("finished after 1 of 1 epochs")


def test_pixels_in_an_order_of_their_own(llgrad, refused, images, tmp_path):
    given = (images, "--permuted", 3, "--frames", "pixels", "--every", 5, "--frames-read", 4, *SMALL)
    assert llgrad("train", *given, "--out", "run", "--epochs", 1, "--no-pictures").status == 0
    run = read_json(tmp_path / "run" / "run.json", "run")
    assert (run["images"]["permuted"], run["recipe"]["shift"]) == (3, 0)
    assert (
        json.loads(llgrad("evaluate", "run", "--json").out)["accuracy"]
        == read_json(tmp_path / "run" / "result.json", "result")["accuracy"]
    )
    assert json.loads(llgrad("train", "--resume", "run", "--json", "--no-pictures").out)["status"] == "finished"
    neighbours = (("--shift", 1), ("--rotation", "5deg"), ("--zoom", "10%"), ("--mirror",), ("--patch", "2,1"))
    for option, *value in neighbours:
        assert refused("train", images, "--permuted", 3, option, *value) == (
            f"{option} is for pixels in their places, and --permuted moves them; leave it out"
        )


def begin(folder, *arguments):
    return subprocess.Popen(
        [*COMMAND, "train", *map(str, arguments)], cwd=folder, env=PLAIN, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def stop_after(process, run, lines, number):
    """Send a signal once the metrics have so many lines; (status, stdout, stderr)."""
    metrics = run / "metrics.jsonl"
    while process.poll() is None:
        if metrics.exists() and len(metrics.read_text().splitlines()) >= lines:
            process.send_signal(number)
            break
        time.sleep(0.01)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.slow
def test_ctrl_c_and_sigterm_save_and_a_resumed_run_has_the_same_bits(llgrad, images, tmp_path):
    long = (images, "--epochs", 1000, "--shift", "1", *SMALL)
    assert llgrad("train", *long, "--out", "whole").status == 0
    status, out, err = stop_after(begin(tmp_path, *long, "--out", "run"), tmp_path / "run", 3, signal.SIGINT)
    assert (status, err) == (130, "llgrad: stopping after this step; Ctrl-C again ends at once\n")
    assert out.startswith("interrupted after ") and out.endswith("go on with: llgrad train --resume run\n")
    steps = read_json(tmp_path / "run" / "result.json", "result")["steps"]
    done = steps // 5 + 1
    status, out, err = stop_after(begin(tmp_path, "--resume", "run"), tmp_path / "run", done + 4, signal.SIGTERM)
    assert status == 130 and out.startswith("interrupted after ")
    assert steps < read_json(tmp_path / "run" / "result.json", "result")["steps"] < 5000
    last = llgrad("train", "--resume", "run")
    assert last.status == 0 and last.out.startswith("finished after 1000 of 1000 epochs")
    for mine, theirs in zip(weights(tmp_path / "run"), weights(tmp_path / "whole"), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_words_beside_the_bar():
    entry = {"epoch": 2, "epochs": 30, "loss": 0.12341, "accuracy": 0.987, "seconds_left": 61.7}
    assert remark(entry) == "epoch 2/30, loss 0.1234, accuracy 98.7%, 62 s left"
    entry |= {"loss": None, "seconds_left": None, "validation_accuracy": 0.9}
    assert remark(entry) == "epoch 2/30, validation 90.0%"


def test_every_known_set_has_its_defaults():
    assert set(BY_SET) == {"digits", "mnist", "fashion-mnist"}
    assert defaults_of("MNIST") == BY_SET["mnist"] == defaults_of("my/own.npz")
