"""A benchmark whose training is stopped tells so in a sentence, and the mean of the seeds that were finished."""

import pathlib
import re
import sys

import jax
import pytest
from benchmarks import images
from benchmarks.finished import finished

import llgrad as lg

FOLDER = pathlib.Path(__file__).parents[2] / "benchmarks"
TRAINING = [path for path in sorted(FOLDER.glob("*.py")) if re.search(r"\blg\.(training\.)?train\(", path.read_text())]
RECIPE = lg.Recipe(epochs=2, batch=64, learning_rate=0.1)


def trained(recipe):
    digits = lg.load_images("digits")
    small = lg.data.ImageSet("some digits", digits.train.take(range(128)), digits.test, {})
    with jax.enable_x64(False):
        return lg.train(lg.networks.SoftmaxNetwork.create((8, 8), 10), small, recipe)


def test_a_finished_run_is_itself():
    run = trained(RECIPE)
    assert finished(run) is run


def test_a_stopped_run_ends_the_script_in_a_sentence():
    with pytest.raises(SystemExit, match=r"out of time after 0 of 2 epochs\), so nothing was tested"):
        finished(trained(RECIPE.replace(time_limit=1e-9)))


def test_the_mean_of_the_finished_seeds_is_told(monkeypatch, capsys):
    def run_case(name, seed, options):
        if seed == 2:
            raise SystemExit("stopped")
        return {"case": name, "seed": seed, "accuracy": 0.5 + 0.5 * seed, "seconds": 1.0}

    monkeypatch.setattr(images, "run_case", run_case)
    monkeypatch.setattr(sys, "argv", ["images", "--case", "digits", "--seeds", "5"])
    with pytest.raises(SystemExit, match="stopped"):
        images.main()
    assert "digits: 75.00% ± 35.36% over 2 seeds" in capsys.readouterr().out


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_each_trained_figure_is_of_a_finished_run(path):
    calls = re.findall(r"(\S*)\blg\.(?:training\.)?(?:train|resume)\(", path.read_text())
    assert calls and set(calls) == {"finished("}
