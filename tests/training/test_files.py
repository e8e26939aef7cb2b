"""The files of a run: written whole, read back exactly, and what is said of those that are damaged."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.training.conftest import numbers, random_images, random_set, tanh_network

import llgrad.core.files
from llgrad.core.files import read_json, read_npz, write_npz
from llgrad.core.run_record import FORMAT_VERSION
from llgrad.networks.files import load_network, network_from_spec
from llgrad.training.evaluation import evaluate
from llgrad.training.files.checkpoint import (
    network_of,
    position_of,
    read_checkpoint,
    read_start,
    save_checkpoint,
    with_arrays,
)
from llgrad.training.files.history import History, read_metrics
from llgrad.training.files.run_folder import FILES, data_hash, open_run
from llgrad.training.loop import Position, Tally
from llgrad.training.recipe import Recipe
from llgrad.training.schedules import EverySeconds
from llgrad.training.step import TrainingStep
from llgrad.training.train import Trained, load_run, resume, train

pytestmark = pytest.mark.float32

RECORD = {"format": "llgrad.checkpoint", "format_version": FORMAT_VERSION, "data_hash": None}


@pytest.fixture
def run(tmp_path, data, recipe) -> Trained:
    return train(tanh_network(), data, recipe, out=tmp_path / "run", command="llgrad train rows")


def test_a_run_leaves_its_files(run, data, recipe):
    folder = run.folder
    assert sorted(os.listdir(folder)) == sorted(FILES)
    entry = read_json(folder / "run.json", "run")
    assert (entry["seed"], entry["dtype"], entry["command"]) == (5, "float32", "llgrad train rows")
    assert entry["data_hash"] == data_hash(data) and entry["images"]["shape"] == [6, 5]
    assert Recipe.from_json(entry["recipe"]) == recipe
    assert entry["network"] == tanh_network().spec()
    result = read_json(folder / "result.json", "result")
    assert (result["status"], result["accuracy"], result["steps"]) == ("finished", run.accuracy, 18)
    assert result["trained_numbers"] == sum(leaf.size for leaf in jax.tree.leaves(run.network))
    record, rows = read_metrics(folder / "metrics.jsonl")
    assert record["format"] == "llgrad.metrics" and rows == run.history
    assert numbers(read_start(folder / "start.npz", network_from_spec(entry["network"]))) == numbers(tanh_network())
    opened, network = load_run(folder)
    assert numbers(network) == numbers(run.network)
    assert evaluate(network, data.test).accuracy == run.accuracy
    assert opened.recipe == recipe


def test_a_run_is_not_replaced_unless_asked(run, data, recipe):
    other = run.folder / "notes.txt"
    other.write_text("mine")
    before = (run.folder / "metrics.jsonl").read_bytes()
    with pytest.raises(FileExistsError, match=r"holds a run already \(run.json\) and is kept; resume it"):
        train(tanh_network(), data, recipe, out=run.folder)
    assert (run.folder / "metrics.jsonl").read_bytes() == before
    again = train(tanh_network(), data, recipe.replace(epochs=1), out=run.folder, overwrite=True)
    assert again.result["steps"] == 6 and other.read_text() == "mine"
    with pytest.raises(NotADirectoryError, match=r"notes.txt is a file, expected the name of a folder"):
        train(tanh_network(), data, recipe, out=other)


def test_a_checkpoint_goes_out_and_back_to_the_bit(tmp_path):
    step = TrainingStep(tanh_network(), Recipe(batch=8), 4)
    images = random_images(8)
    state, _ = step(step.begin(), images.scaled(slice(0, 8)), images.labels, 0)
    at = Position(state, 3, Tally(1 / 3, 5.0, 0.1, 2, 1), 1, 12.25)
    save_checkpoint(tmp_path / "c.npz", RECORD, step, at)
    record, arrays = read_checkpoint(tmp_path / "c.npz")
    network = network_of(tmp_path / "c.npz", arrays, tanh_network())
    back = position_of(tmp_path / "c.npz", record, arrays, TrainingStep(network, Recipe(batch=8), 4))
    assert (back.step, back.tally, back.rejected_in_a_row, back.seconds) == (3, at.tally, 1, 12.25)
    assert jax.tree.structure(back.state) == jax.tree.structure(at.state)
    for old, new in zip(jax.tree.leaves(at.state), jax.tree.leaves(back.state), strict=True):
        assert (old.dtype, np.asarray(old).tobytes()) == (new.dtype, np.asarray(new).tobytes())


def test_a_checkpoint_of_another_network(run, data):
    path = run.folder / "checkpoint.npz"
    record, arrays = read_checkpoint(path)
    with pytest.raises(
        ValueError, match=r"network\.gains is float32 \(30, 7\), expected float32 \(30, 9\): it belongs"
    ):
        network_of(path, arrays, tanh_network(9))
    with pytest.raises(ValueError, match=r"has no network\.more: it belongs to a network of another kind"):
        with_arrays(path, "network", {"more": jnp.zeros(3)}, {})
    with pytest.raises(ValueError, match=r"has an array more, network\.gains"):
        with_arrays(path, "network", {}, {"network.gains": np.zeros(3)})
    with pytest.raises(ValueError, match="was saved in a run of 6 steps an epoch, and these images make 5"):
        position_of(path, record, arrays, TrainingStep(tanh_network(), Recipe(), 5))


def rewrite(path, **changes):
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    record = json.loads(str(arrays.pop("record"))) | changes
    write_npz(path, record, arrays, overwrite=True)


def stopped(tmp_path, data, recipe, step=8):
    def tell(entry):
        if entry["step"] == step:
            raise KeyboardInterrupt

    return train(tanh_network(), data, recipe, out=tmp_path / "run", progress=tell).folder


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format_version": FORMAT_VERSION + 1}, "checkpoint.npz: this file has version .* install a later llgrad"),
        ({"format": "llgrad.trajectory"}, "of the format llgrad.trajectory, expected llgrad.checkpoint"),
        ({"place": None}, "is damaged: it does not say where in the run it was saved"),
        ({"data_hash": "sha256:0"}, "is of another run than the run.json beside it"),
    ],
)
def test_a_checkpoint_that_cannot_be_resumed(tmp_path, data, recipe, changes, sentence):
    folder = stopped(tmp_path, data, recipe)
    rewrite(folder / "checkpoint.npz", **changes)
    with pytest.raises(ValueError, match=sentence):
        resume(folder, data)


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.98])
def test_a_checkpoint_that_was_cut_short(tmp_path, data, recipe, kept):
    folder = stopped(tmp_path, data, recipe)
    content = (folder / "checkpoint.npz").read_bytes()
    (folder / "checkpoint.npz").write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(ValueError, match=r"checkpoint.npz is not an NPZ file of plain arrays"):
        resume(folder, data)


def test_a_full_disk_ends_the_run_with_a_sentence_and_the_checkpoint_before_it(tmp_path, data, recipe, monkeypatch):
    real, calls = np.savez_compressed, []

    def full(stream, **arrays):
        calls.append(1)
        if len(calls) < 6:
            return real(stream, **arrays)
        stream.write(b"PK half a file")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(llgrad.core.files.np, "savez_compressed", full)
    often = recipe.replace(checkpoint=EverySeconds(0.0))
    with pytest.raises(
        OSError, match=r"could not be written: No space left on device; the checkpoint\.npz before it"
    ) as e:
        train(tanh_network(), data, often, out=tmp_path / "run")
    assert str(e.value).endswith("is kept; make room, then resume the run")
    monkeypatch.undo()
    folder = tmp_path / "run"
    assert sorted(os.listdir(folder)) == ["checkpoint.npz", "metrics.jsonl", "run.json", "start.npz"]
    assert read_npz(folder / "checkpoint.npz", "checkpoint")[0]["place"]["step"] == 3
    done = resume(folder, data)
    assert numbers(done.network) == numbers(train(tanh_network(), data, recipe).network)


LIMITED = """
import resource, sys
from tests.training.conftest import random_set, tanh_network
from llgrad.training.recipe import Recipe
from llgrad.training.schedules import EverySeconds
from llgrad.training.train import train

def tell(entry):
    if entry["step"] == 4:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

recipe = Recipe(epochs=3, batch=14, learning_rate=0.02, shift=1, rotation=5.0, validation=0.1, seed=5,
                checkpoint=EverySeconds(0.0))
try:
    train(tanh_network(), random_set(), recipe, out=sys.argv[1], progress=tell)
except OSError as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_for_real(tmp_path, data, recipe):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LIMITED, str(tmp_path / "run")], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{tmp_path}/run/checkpoint.npz could not be written: File too large; the checkpoint")
    assert sorted(os.listdir(tmp_path / "run")) == ["checkpoint.npz", "metrics.jsonl", "run.json", "start.npz"]
    done = resume(tmp_path / "run", data)
    assert numbers(done.network) == numbers(train(tanh_network(), data, recipe).network)


def test_metrics_of_a_resumed_run_begin_where_its_checkpoint_is(tmp_path):
    path = tmp_path / "m.jsonl"
    history = History(path)
    history.begin({"format": "llgrad.metrics", "format_version": 1})
    for epoch in (1, 2, 3):
        history.add({"epoch": epoch, "step": 10 * epoch, "loss": 0.1 * epoch})
    history.add({"event": "step left out", "epoch": 4, "step": 33, "not_finite": "loss"})
    with path.open("a") as stream:
        stream.write('{"epoch": 4, "ste')
    again = History(path)
    again.resume(33)
    assert again.rows == history.rows and again.epochs == history.rows[:3]
    again.resume(20)
    assert [row["step"] for row in again.rows] == [10, 20]
    assert len(path.read_text().splitlines()) == 3 and path.read_text().endswith("}\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not a file of metrics, or is damaged"),
        ('{"format": "llgrad.fit"}\n', "of the format llgrad.fit, expected llgrad.metrics"),
        ('{"format": "llgrad.metrics", "format_version": 1}\nhello\n', "is damaged: a line is not JSON"),
        ('{"format": "llgrad.metrics", "format_version": 1}\n{}\n', "is damaged: a line has no number of its step"),
    ],
)
def test_metrics_that_cannot_be_read(tmp_path, text, sentence):
    (tmp_path / "m.jsonl").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        read_metrics(tmp_path / "m.jsonl")


def test_folders_that_hold_no_run(tmp_path, data):
    with pytest.raises(FileNotFoundError, match=r"the run .*nowhere does not exist: there is no such folder"):
        resume(tmp_path / "nowhere", data)
    with pytest.raises(FileNotFoundError, match=r"is no folder of a run: it has no run\.json"):
        open_run(tmp_path)
    (tmp_path / "run.json").write_text('{"format": "llgrad.run", "format_version": 1, "recipe": {"epochs": 0}}')
    with pytest.raises(ValueError, match=r"run\.json is damaged: its recipe cannot be read: epochs = 0"):
        open_run(tmp_path).recipe  # noqa: B018
    with pytest.raises(FileNotFoundError, match=r"has no network\.json: it was killed, or is still running"):
        load_run(tmp_path)


def test_the_hash_is_of_all_that_training_and_testing_see(data):
    assert data_hash(data) == data_hash(random_set())
    for other in (random_set(train=93), random_set(test=30)):
        assert data_hash(other) != data_hash(data)


def test_load_network_reads_what_training_wrote(run):
    assert load_network(run.folder / "network.json").spec() == run.network.spec()
