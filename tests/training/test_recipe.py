"""Recipes: what they refuse, JSON, and the course of the learning rate."""

import json
import math

import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.training.recipe import Recipe


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"epochs": 0}, "epochs = 0, expected a whole number of epochs, 1 or more"),
        ({"epochs": 2.5}, "epochs = 2.5, expected a whole number"),
        ({"batch": True}, "batch = True, expected a whole number of images"),
        ({"batch": np.True_}, "batch = np.True_, expected a whole number of images"),
        ({"seed": -1}, "seed = -1, expected a whole number from 0"),
        ({"learning_rate": 0.0}, "learning_rate = 0, expected more than 0"),
        ({"learning_rate": math.nan}, "learning_rate = nan, expected a number above 0"),
        ({"learning_rate": "fast"}, "learning_rate = 'fast', expected a number above 0"),
        ({"weight_decay": -1e-4}, r"weight_decay = -0.0001, expected a number from 0 to 10"),
        ({"clip": 0.0}, "clip = 0, expected more than 0"),
        ({"clip": math.inf}, "clip = inf, expected a number above 0, or None"),
        ({"shift": 1.5}, "shift = 1.5, expected a whole number of pixels"),
        ({"rotation": 200.0}, "rotation = 200.0, expected degrees from 0 to 180"),
        ({"zoom": 1.0}, "zoom = 1.0, expected a part from 0 to 0.9"),
        ({"mirror": 1}, "mirror = 1, expected True or False"),
        ({"label_smoothing": 1.0}, "label_smoothing = 1.0, expected a part"),
        ({"validation": 1.0}, "validation = 1.0, expected a part of the training images"),
        ({"time_limit": 0.0}, "time_limit = 0, expected more than 0"),
        ({"schedule": "cosine"}, r"schedule = 'cosine', expected CosineSchedule"),
        ({"checkpoint": 30}, r"checkpoint = 30, expected EverySeconds"),
        ({"augmentation": 0.1}, r"augmentation = 0.1, expected SignalAugmentation"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_in_a_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        Recipe(**changes)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: lg.training.CosineSchedule(warmup=-1.0), "warmup = -1.0, expected epochs, 0 or more"),
        (lambda: lg.training.CosineSchedule(last=2.0), "last = 2.0, expected a part of the learning rate"),
        (lambda: lg.training.EverySeconds(math.nan), "seconds = nan, expected 0 or more"),
        (lambda: lg.training.EveryEpochs(0), "epochs = 0 between two checkpoints, expected 1 or more"),
    ],
)
def test_a_part_of_a_recipe_that_cannot_be_is_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_a_recipe_goes_to_json_and_back():
    recipe = Recipe(
        epochs=7,
        clip=None,
        schedule=lg.training.ConstantSchedule(0.5),
        checkpoint=lg.training.EveryEpochs(2),
        time_limit=60.0,
        augmentation=lg.training.SignalAugmentation(warp=0.1, time_mask=3),
    )
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    with pytest.raises(ValueError, match="a recipe has no 'speed'; it has epochs, batch"):
        Recipe.from_json({"speed": 1})
    with pytest.raises(ValueError, match="unknown type 'Sawtooth', expected one of CosineSchedule"):
        Recipe.from_json({"schedule": {"type": "Sawtooth"}})


def test_numbers_of_numpy_are_numbers():
    given = {"epochs": np.int64(7), "learning_rate": np.float32(0.5), "rotation": 5, "seed": np.uint32(3)}
    recipe = Recipe(**given)
    assert recipe == Recipe(epochs=7, learning_rate=0.5, rotation=5.0, seed=3)
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    assert recipe.augments and not Recipe(seed=3).augments
    changes = Recipe(augmentation=lg.training.SignalAugmentation(noise=0.1))
    assert changes.augments and not changes.moves_images
    assert not Recipe(augmentation=lg.training.SignalAugmentation()).augments


def test_the_cosine_rises_over_its_epochs_and_falls_to_its_last_value():
    schedule = lg.training.CosineSchedule(warmup=2.0, last=0.1)
    factors = [float(schedule.factor(jnp.float32(epoch), 10)) for epoch in (0, 1, 2, 6, 10)]
    assert factors == pytest.approx([0.0005, 0.5005, 1.0, 0.55, 0.1], abs=1e-6)
    assert float(lg.training.CosineSchedule(warmup=0.0).factor(jnp.float32(0), 10)) == 1.0


def test_the_constant_rate_rises_and_stays():
    assert float(lg.training.ConstantSchedule().factor(jnp.float32(0), 10)) == 1.0
    assert float(lg.training.ConstantSchedule(warmup=4.0).factor(jnp.float32(1), 10)) == pytest.approx(0.25025)
    assert float(lg.training.ConstantSchedule(warmup=4.0).factor(jnp.float32(9), 10)) == 1.0
