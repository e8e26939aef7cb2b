"""The loop: order, metrics, validation, what is told, and how it ends."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest
from tests.training.conftest import (
    numbers,
    poisoned,
    random_images,
    strict_network,
    with_white_pixels,
    without_time,
)

from llgrad.core.interrupts import Interrupted
from llgrad.datasets.images.images import ImageSet
from llgrad.datasets.images.parts import validation
from llgrad.training.evaluation import evaluate
from llgrad.training.loop import MOST_REJECTED, order_of
from llgrad.training.recipe import Recipe
from llgrad.training.stopping import Ending, Stop, TrainingError
from llgrad.training.train import train


def test_a_network_learns(data):
    result = train(strict_network(), data, Recipe(epochs=12, batch=16, learning_rate=0.03))
    assert result.ending is Ending.finished
    assert result.accuracy == evaluate(result.network, data.test).accuracy > 0.9
    assert result.history[-1]["loss"] < 0.5 * result.history[0]["loss"]
    assert "finished after 12 of 12 epochs" in str(result) and "test: accuracy" in str(result)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(data, recipe):
    one, two = (train(strict_network(), data, recipe) for _ in range(2))
    other = train(strict_network(), data, recipe.replace(seed=6))
    assert numbers(one.network) == numbers(two.network) != numbers(other.network)
    assert without_time(one.history) == without_time(two.history)


def test_the_network_given_is_not_changed(data, recipe):
    network = strict_network()
    before = numbers(network)
    train(network, data, recipe)
    assert numbers(network) == before


def test_every_image_has_its_turn_in_an_order_of_seed_and_epoch():
    first = order_of(1, 0, 50)
    assert sorted(first) == list(range(50))
    np.testing.assert_array_equal(first, order_of(1, 0, 50))
    assert (first != order_of(1, 1, 50)).any() and (first != order_of(2, 0, 50)).any()


def test_the_rows_of_the_history(data, recipe):
    result = train(strict_network(), data, recipe)
    assert [row["epoch"] for row in result.history] == [1, 2, 3]
    assert [row["step"] for row in result.history] == [6, 12, 18]
    last = result.history[-1]
    assert set(last) == {
        "epoch", "step", "loss", "accuracy", "learning_rate", "gradient_norm", "rejected", "validation_accuracy",
        "validation_loss", "seconds",
    }  # fmt: skip
    _, held_out = validation(data.train, recipe.validation, recipe.seed)
    assert last["validation_accuracy"] == evaluate(result.network, held_out).accuracy
    assert last["learning_rate"] < result.history[0]["learning_rate"] < recipe.learning_rate


def test_progress_is_told_after_each_step(data, recipe):
    told = []
    train(strict_network(), data, recipe, progress=told.append)
    assert [entry["step"] for entry in told] == list(range(1, 19))
    assert told[-1]["fraction"] == 1.0 and told[0]["fraction"] == pytest.approx(1 / 18)
    assert told[7]["epoch"] == 2 and told[7]["epochs"] == 3
    assert all(np.isfinite(entry["loss"]) and 0 <= entry["accuracy"] <= 1 for entry in told)
    assert told[0]["seconds_left"] is None and told[-1]["seconds_left"] == 0
    assert "validation_accuracy" not in told[4] and "validation_accuracy" in told[6]


def test_ctrl_c_stops_after_the_step_that_runs(data, recipe):
    before = signal.getsignal(signal.SIGINT)

    def tell(entry):
        if entry["step"] == 8:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted) as stop:
        train(strict_network(), data, recipe, progress=tell)
    result = stop.value.result
    assert (result.ending, result.accuracy, result.result["steps"]) == (Ending.interrupted, None, 8)
    assert result.result["status"] == "interrupted" and result.result["test"] is None
    assert [row["epoch"] for row in result.history] == [1]
    assert str(result).startswith("interrupted after 1 of 3 epochs")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_interrupts_at_once(data, recipe):
    def tell(entry):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)

    stop = Stop()
    with pytest.raises(KeyboardInterrupt), stop.listening():
        tell({})
    assert stop.ending is Ending.interrupted


def test_a_callback_that_raises_keyboard_interrupt_stops_the_run(data, recipe):
    def tell(entry):
        if entry["step"] == 3:
            raise KeyboardInterrupt

    assert train(strict_network(), data, recipe, progress=tell).result["steps"] == 3


def test_a_time_limit_stops_the_run(data, recipe):
    result = train(strict_network(), data, recipe.replace(epochs=100_000, time_limit=0.2))
    assert result.ending is Ending.out_of_time and result.accuracy is None
    assert 0 < result.result["steps"] < 100_000


@pytest.mark.parametrize(("in_gradient", "what"), [(False, "loss"), (True, "gradient")])
def test_steps_that_are_not_finite_are_left_out_and_told(data, in_gradient, what):
    recipe = Recipe(epochs=2, batch=16, learning_rate=0.02)
    bad = with_white_pixels(data, 17)
    result = train(poisoned(in_gradient), bad, recipe)
    steps = [epoch * 6 + int(np.flatnonzero(order_of(0, epoch, 96) == 17)[0]) // 16 + 1 for epoch in range(2)]
    assert result.result["rejected"] == 2
    assert [row["rejected"] for row in result.history] == [1, 1]
    assert all(np.isfinite(row["loss"]) for row in result.history)
    assert all(np.isfinite(np.asarray(result.network.weights)).ravel())  # type: ignore[attr-defined]
    assert "left out: 2 steps" in str(result)
    told = []
    train(poisoned(in_gradient), bad, recipe, progress=told.append)
    assert len(told) == 12 and steps[0] <= 6 < steps[1]


def test_where_no_step_is_finite_the_run_ends_with_a_sentence(data):
    recipe = Recipe(epochs=4, batch=16)
    with pytest.raises(TrainingError, match=f"not finite in {MOST_REJECTED} steps in a row, 1 to 10 of 24") as error:
        train(poisoned(), with_white_pixels(data, slice(None)), recipe)
    assert "smaller learning rate" in str(error.value) and "\n" not in str(error.value)


def test_images_and_networks_that_do_not_fit(data):
    with pytest.raises(ValueError, match="batch = 97, expected at most the 96 images that there are to train on"):
        train(strict_network(), data, Recipe(batch=97))
    with pytest.raises(ValueError, match="shift = 5 pixels, expected less than the 5 of an image"):
        train(strict_network(), data, Recipe(batch=4, shift=5))
    small = random_images(12)
    wider = small.__class__(np.pad(small.pixels, ((0, 0), (0, 0), (0, 1))), small.labels, 255.0, "abc")
    with pytest.raises(ValueError, match="the network cannot take images of 6×6 pixels"):
        train(strict_network(), ImageSet("wide", wider, wider, {}), Recipe(batch=4))
    more = small.__class__(small.pixels, small.labels, 255.0, "abcd")
    with pytest.raises(ValueError, match="the network has 3 outputs and the images 4 classes"):
        train(strict_network(), ImageSet("more", more, more, {}), Recipe(batch=4))
