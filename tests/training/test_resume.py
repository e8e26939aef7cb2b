"""A run that is stopped, or killed by SIGKILL in a process of its own, goes on to the bits of one that never was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tests.training.conftest import numbers, poisoned, random_set, tanh_network, with_white_pixels, without_time

from llgrad.core.files import read_json
from llgrad.datasets.images.images import Images, ImageSet
from llgrad.training.files.history import read_metrics
from llgrad.training.files.run_folder import FILES
from llgrad.training.recipe import Recipe
from llgrad.training.schedules import EveryEpochs, EverySeconds
from llgrad.training.stopping import Ending, TrainingError
from llgrad.training.train import resume, train

pytestmark = pytest.mark.float32


def stopping_at(step):
    def tell(entry):
        if entry["step"] == step:
            raise KeyboardInterrupt

    return tell


def saved_bits(path):
    """Every array of a checkpoint, and the place in the run apart from the seconds."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name].tobytes() for name in file.files if name != "record"}
        place = json.loads(str(file["record"]))["place"]
    return arrays, {name: value for name, value in place.items() if name != "seconds"}


@pytest.mark.parametrize("at", [1, 6, 8, 17])
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path, data, recipe, at):
    whole = train(tanh_network(), data, recipe, out=tmp_path / "whole")
    first = train(tanh_network(), data, recipe, out=tmp_path / "run", progress=stopping_at(at))
    assert (first.ending, first.result["steps"]) == (Ending.interrupted, at)
    assert read_json(tmp_path / "run" / "result.json", "result")["status"] == "interrupted"
    second = resume(tmp_path / "run", data)
    assert (second.ending, second.accuracy) == (Ending.finished, whole.accuracy)
    assert numbers(second.network) == numbers(whole.network)
    assert without_time(second.history) == without_time(whole.history)
    assert saved_bits(tmp_path / "run" / "checkpoint.npz") == saved_bits(tmp_path / "whole" / "checkpoint.npz")
    assert sorted(os.listdir(tmp_path / "run")) == sorted(FILES)


def test_a_run_out_of_time_is_resumed_without_its_limit(tmp_path, data, recipe):
    long = recipe.replace(epochs=40, time_limit=1e-6)
    first = train(tanh_network(), data, long, out=tmp_path / "run")
    assert (first.ending, first.result["steps"]) == (Ending.out_of_time, 0)
    again = resume(tmp_path / "run", data, time_limit=1e-6)
    assert again.ending is Ending.out_of_time
    assert numbers(resume(tmp_path / "run", data).network) == numbers(
        train(tanh_network(), data, long.replace(time_limit=None)).network
    )


def test_a_finished_run_is_read_and_not_tested_again(tmp_path, data, recipe, monkeypatch):
    done = train(tanh_network(), data, recipe, out=tmp_path / "run")
    monkeypatch.setattr(sys.modules["llgrad.training.train"], "evaluate", None)
    again = resume(tmp_path / "run", data)
    assert (again.ending, again.accuracy) == (Ending.finished, done.accuracy)
    assert again.history == done.history and numbers(again.network) == numbers(done.network)


def test_a_run_is_not_resumed_with_other_images(tmp_path, data, recipe):
    train(tanh_network(), data, recipe, out=tmp_path / "run", progress=stopping_at(4))
    with pytest.raises(ValueError, match="was begun with other images of rows: the hash of these is another one"):
        resume(tmp_path / "run", random_set(train=99))
    wide = Images(np.zeros((9, 6, 8), np.uint8), data.train.labels[:9], 255.0, "abc")
    with pytest.raises(ValueError, match="was begun with images of 6×5 pixels, and these have 6×8; resume it with the"):
        resume(tmp_path / "run", ImageSet("wide", wide, wide, {}))
    (tmp_path / "run" / "checkpoint.npz").unlink()
    with pytest.raises(FileNotFoundError, match="has no checkpoint: it ended before its first one; begin it again"):
        resume(tmp_path / "run", data)


def test_a_run_that_failed_is_saved_as_it_was_before(tmp_path, data):
    bad = with_white_pixels(data, slice(None))
    with pytest.raises(TrainingError, match="steps in a row, 1 to 10 of 24"):
        train(poisoned(), bad, Recipe(epochs=4, batch=16), out=tmp_path / "run")
    assert read_json(tmp_path / "run" / "result.json", "result")["status"] == "failed"
    arrays, place = saved_bits(tmp_path / "run" / "checkpoint.npz")
    assert (place["step"], place["rejected_in_a_row"]) == (10, 10)
    assert not np.frombuffer(arrays["network.weights"], np.float32).any()
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl")[1]
    assert [row["step"] for row in rows if row.get("event") == "step left out"] == list(range(1, 11))
    assert rows[0] == {"event": "step left out", "epoch": 1, "step": 1, "not_finite": "loss"}


def test_how_often_a_run_is_saved_changes_nothing(tmp_path, data, recipe, monkeypatch):
    saved = []
    monkeypatch.setattr(
        sys.modules["llgrad.training.train"], "save_checkpoint", lambda *arguments: saved.append(arguments[3].step)
    )
    found = []
    for often in (EveryEpochs(1), EveryEpochs(2), EverySeconds(0.0), EverySeconds(1e6)):
        saved.clear()
        result = train(tanh_network(), data, recipe.replace(checkpoint=often), out=tmp_path / str(len(found)))
        found.append((numbers(result.network), list(saved)))
    assert [steps for _, steps in found] == [[0, 6, 12, 18], [0, 12, 18], list(range(19)), [0, 18]]
    assert len({tuple(bits) for bits, _ in found}) == 1


KILLED = """
import sys, time
from tests.training.conftest import random_set, tanh_network
from llgrad.training.recipe import Recipe
from llgrad.training.schedules import EverySeconds
from llgrad.training.train import resume, train

def tell(entry):
    print(entry["step"], flush=True)
    time.sleep(0.002)

recipe = Recipe(epochs=30, batch=14, learning_rate=0.02, shift=1, rotation=5.0, validation=0.1, seed=5,
                checkpoint=EverySeconds(0.0))
if sys.argv[2] == "train":
    train(tanh_network(), random_set(), recipe, out=sys.argv[1], progress=tell)
else:
    resume(sys.argv[1], random_set(), progress=tell)
"""


def start(folder, how):
    command = [sys.executable, "-W", "error", "-c", KILLED, str(folder), how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def killed_at(process, step):
    """Wait for a step, then kill -9 wherever the process is."""
    for line in process.stdout:
        if int(line) >= step:
            time.sleep(0.003)
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_kill_9_twice_and_the_run_ends_with_the_same_bits(tmp_path, data, recipe):
    whole = train(tanh_network(), data, recipe.replace(epochs=30), out=tmp_path / "whole")
    killed_at(start(tmp_path / "run", "train"), 40)
    assert not (tmp_path / "run" / "network.json").exists()
    (tmp_path / "run" / ".checkpoint-0123abcd.npz").write_bytes(b"what a killed process was writing")
    killed_at(start(tmp_path / "run", "resume"), 97)
    last = start(tmp_path / "run", "resume")
    steps = [int(line) for line in last.stdout]
    last.stdout.close()
    assert last.wait() == 0
    assert 95 < steps[0] <= 110 and steps[-1] == 180
    result = read_json(tmp_path / "run" / "result.json", "result")
    assert (result["status"], result["accuracy"]) == ("finished", whole.accuracy)
    assert saved_bits(tmp_path / "run" / "checkpoint.npz") == saved_bits(tmp_path / "whole" / "checkpoint.npz")
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl")[1]
    assert without_time(rows) == without_time(whole.history)
    assert sorted(os.listdir(tmp_path / "run")) == sorted(FILES)
