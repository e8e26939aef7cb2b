"""`llgrad demo`: both methods find the truth, the grid is counted, digits are learned, the files are there."""

import json

import pytest

from llgrad.cli.demo import command, digits
from llgrad.cli.demo.teacher import TRUTH, teacher_device
from llgrad.cli.networks.defaults import BY_SET, Defaults
from llgrad.fitting.methods.descent import GradientDescent
from llgrad.fitting.methods.grid import GridSearch
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.training.recipe import Recipe


@pytest.fixture
def quick(monkeypatch, tmp_path, trace):
    """The demo with a few Adam steps, a tiny grid and four oscillators, on the trace of the repository."""
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / trace.name).write_text(trace.read_text())
    methods = {
        "Levenberg-Marquardt": LevenbergMarquardt(),
        "Adam": GradientDescent(steps=60),
        "coarse grid": GridSearch(points=2, batch=8),
    }
    monkeypatch.setattr(command, "METHODS", methods)
    monkeypatch.setattr(digits, "DEFAULTS", Defaults(Recipe(epochs=2, batch=100, learning_rate=1e-2), (4,)))


def test_the_demo_in_words_and_in_json(llgrad, quick, tmp_path):
    ended = llgrad("demo")
    assert ended.status == 0 and ended.err == ""
    for part in ("synthetic", "true", "Levenberg-Marquardt", "Adam", "coarse grid", "simulations", "computed, not run"):
        assert part in ended.out
    assert all(name in ended.out for name in digits.NETWORKS)
    written = sorted(file.name for file in (tmp_path / "llgrad-demo").iterdir())
    assert written == sorted(["digits", "fit.json", *(f"{name}.png" for name in command.PICTURES)])
    assert len(list((tmp_path / "llgrad-demo" / "digits" / "pictures").iterdir())) == 5
    again = json.loads(llgrad("evaluate", "llgrad-demo/digits", "--json").out)

    entry = json.loads(llgrad("demo", "--json").out)
    assert entry["folder"] == "llgrad-demo-2" and entry["format"] == "llgrad.demo"
    learned = entry["digits"]["networks"]
    assert learned["coupled oscillators"]["accuracy"] == again["accuracy"]
    assert learned["linear softmax of the pixels"]["trained_numbers"] == 650
    found = entry["methods"]["Levenberg-Marquardt"]
    for name, true in TRUTH.items():
        assert abs(found["values"][name] - true) < 4 * found["errors"][name]
        assert 0.3 <= abs(entry["start"][name] / true - 1) <= 0.5 + 1e-12
    assert found["simulations"] < 1000
    grid = entry["grid"]
    assert grid["simulations_for_the_accuracy_of_the_first_method"] > 1e8
    needed = grid["simulations_for_the_accuracy_of_the_first_method"] / grid["simulations_per_second"]
    assert grid["seconds_that_would_take"] == pytest.approx(needed)

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "fit.json").write_text("old")
    refused = llgrad("demo", "--out", "mine")
    assert refused.status == 2 and "mine/fit.json exists already and is kept" in refused.err


def test_no_value_of_the_coarse_grid_is_the_true_one():
    for name, off in command.OFF.items():
        start = TRUTH[name] * off
        grid = [start * (0.5 + k / (command.GRID_POINTS - 1)) for k in range(command.GRID_POINTS)]
        assert min(abs(value / TRUTH[name] - 1) for value in grid) > 0.01, name
        assert grid[0] < TRUTH[name] < grid[-1]


def test_the_teacher_is_the_reference_device():
    device = teacher_device()
    assert (device.current, device.field.z, device.alpha) == (2.5e-3, 0.02, 0.005)


def test_the_demo_trains_on_digits_as_the_command_does():
    assert BY_SET["digits"] == digits.DEFAULTS
