"""Frames in one run of the kernels, against the same frames one by one: the same bits, the same gradient."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.networks.small import CLASSES, ROWS, XLA_ENGINE, bits, classifier, pixels

import llgrad as lg
from llgrad.kernels.steppers import RK4
from llgrad.networks.bench.response import input_of
from llgrad.networks.frames.backward import Backward
from llgrad.networks.frames.together import states_together

SIGNAL: dict[str, Any] = {"frames": lg.networks.Frames.SIGNAL, "shape": (7, 3)}
TAKEN: dict[str, dict[str, Any]] = {
    "the last frame": SIGNAL,
    "the last three": SIGNAL | {"frames_read": 3},
    "every third from the first": SIGNAL | {"frames_read": None, "every": 3},
    "every third from a later one": SIGNAL | {"frames_read": 2, "every": 3},
    "every fourth, three steps in": SIGNAL | {"frames_read": None, "every": 4},
    "all, with two read-outs": SIGNAL | {"frames_read": None, "readouts": 2},
    "an input along z, which has a field": SIGNAL | {"input": "field_z", "frames_read": None},
}
LEFT: dict[str, dict[str, Any]] = {
    "two read-outs of the last frames": ROWS,
    "one frame": {},
    "no coupling": SIGNAL | {"coupling": False},
    "a current, which is hoisted out of kernels": SIGNAL | {"input": "current"},
    "the XLA engine": SIGNAL | {"engine": XLA_ENGINE},
}


def answer(network: Any, given: Any) -> Any:
    def loss(network: Any) -> Any:
        logits = network(given)
        return jnp.sum(network.losses(logits, jnp.arange(len(given)) % CLASSES)), logits

    return eqx.filter_jit(eqx.filter_value_and_grad(loss, has_aux=True))(network)


class Turning(lg.physics.FieldTerm):
    """A field along x that turns with the time of a frame."""

    def field(self, m: Any, inputs: Any) -> Any:
        return lg.Vec3(0.01 * jnp.sin(2e10 * inputs.t), 0.0, 0.0)


def together(network: Any, given: Any, **changes: Any) -> Any:
    stage = network.design().stages[0]
    stage = dataclasses.replace(stage, device=stage.device.replace(**changes))
    frames, _ = stage.timeline.frames.laid_out(given)
    read = stage.timeline.read(len(frames))
    inputs = input_of(stage.settings, frames)
    return states_together(stage.device, stage.settings, stage.timeline, inputs, RK4(limit=2.5), network.engine, read)


CASES = {name: (options, 4) for name, options in TAKEN.items()} | {"a single signal": (SIGNAL, 1)}


@pytest.mark.parametrize(("options", "count"), CASES.values(), ids=CASES)
def test_the_bits_are_those_of_frames_one_by_one(options: dict[str, Any], count: int):
    network = classifier(None, **options)
    given = pixels(count, (7, 3))
    assert together(network, given) is not None
    (_, found), gradient = answer(network, given)
    (_, expected), parts = answer(dataclasses.replace(network, backward=Backward(segment=1)), given)
    assert bits(found) == bits(expected)
    for own, other in zip(jax.tree.leaves(gradient), jax.tree.leaves(parts), strict=True):
        np.testing.assert_allclose(own, other, atol=2e-6 * float(jnp.abs(other).max()))


@pytest.mark.parametrize("options", LEFT.values(), ids=LEFT)
def test_what_no_kernel_takes_together_goes_frame_by_frame(options: dict[str, Any]):
    network = classifier(**{"engine": None, **options})
    assert together(network, pixels(2, network.shape)) is None


def test_a_field_that_changes_with_the_time_of_a_frame_begins_with_each():
    network = classifier(None, **SIGNAL)
    assert together(network, pixels(2, (7, 3)), terms=(Turning(),)) is None
