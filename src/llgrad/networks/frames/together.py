"""Many frames in one run of the native kernels, which hold the input of each: what a frame costs is its steps alone."""

from __future__ import annotations

import dataclasses
from typing import Any, Final, cast

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import get_leaf, set_leaf
from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.kernels.steppers import Stepper
from llgrad.networks.bench.settings import Settings
from llgrad.networks.bench.timeline import Timeline
from llgrad.solve.held import can_hold, states_of_held
from llgrad.solve.native import Native
from llgrad.solve.saving import TimeGrid
from llgrad.solve.simulate import task_of_device
from llgrad.solve.task import Engine

FIELDS: Final = ("field_x", "field_y", "field_z")
"""Inputs whose sum with a field of the device is the same bits in a kernel and before it."""
MEMORY: Final = 2**30
"""Bytes that a gradient may keep of all frames. Of 784 frames of 128 oscillators and 100 samples it keeps 0.5 GiB, and
takes 1.13 s of processor, 1.46 s where the frames are taken again.
"""


def states_together(
    device: Any,
    settings: Settings,
    timeline: Timeline,
    steady: Any,
    stepper: Stepper,
    engine: Engine | None,
    read: range,
) -> Any:
    """The states (K, R, B, N, 3) at the read-outs of the frames that are `read`, the last frame the last of them, of
    an array after the reset whose inputs (K, B, N) are held; None where no kernel takes them all in one run.
    """
    count, per, whole, channel = len(steady), timeline.steps * timeline.readouts, len(read) == len(steady), ""
    if count > 1 and isinstance(device, Oscillator) and settings.wiring.coupling is not None:
        channel = settings.wiring.input
    if channel not in FIELDS or (timeline.readouts > 1 and not whole):
        return None
    array, steady = _without_field(cast(OscillatorArray, settings.array(device)), channel.replace("_", "."), steady)
    start = cast(Vec3, timeline.start)
    state = Vec3(*(jnp.full(steady.shape[1:], part, steady.dtype) for part in (start.x, start.y, start.z)))
    first = jax.tree.map(lambda component: component[0], state)
    grid = TimeGrid(per, timeline.hold / per, per, keep_initial=False)
    task = task_of_device(array, array.oscillator, None, stepper, grid, first, None)
    if not can_hold(engine or Native(), task):
        return None

    def run(state: Any, steady: Any, every: int) -> Any:
        """The states (S, B, N) after every so many steps."""
        part = dataclasses.replace(task, grid=grid._replace(steps=len(steady) * per, save_every=every))

        def one(state: Any, steady: Any) -> Any:
            given = dataclasses.replace(part, m0=state)
            return states_of_held(given, channel, steady, per, MEMORY * len(steady) // count)

        return jax.vmap(one, in_axes=(0, 1), out_axes=1)(state, steady)

    found = []
    for frames, every, kept in [(range(count), 1, True)] if whole else pieces_of(read):
        steps = timeline.steps if whole else every * per
        states = run(state, steady[frames.start : frames.stop], steps)
        state = jax.tree.map(lambda component: component[-1], states)
        found += [states] if kept else []
    stacked = jax.tree.map(lambda *parts: jnp.concatenate(parts), *found).stack()
    return stacked.reshape(len(read), timeline.readouts, *stacked.shape[1:])


def pieces_of(read: range) -> list[tuple[range, int, bool]]:
    """Frames that go in one run, how many of them go to a state, and whether that is one of those read.

    >>> pieces_of(range(5, 11, 3))
    [(range(0, 3), 3, False), (range(3, 9), 3, True)]
    >>> pieces_of(range(0, 7, 3))
    [(range(0, 1), 1, True), (range(1, 7), 3, True)]
    """
    first, count, early = read.start + 1, read[-1] + 1, read.start + 1 < read.step
    head = first if early else first - read.step
    pieces = [(range(head), head, early), (range(head, count), read.step, True)]
    return [piece for piece in pieces if piece[0]]


def _without_field(array: OscillatorArray, leaf: str, steady: Any) -> tuple[OscillatorArray, Any]:
    """The array without its own field along an axis, and inputs (K, B, N) with it."""
    own = get_leaf(array.oscillator, leaf)
    array = dataclasses.replace(array, oscillator=set_leaf(array.oscillator, leaf, 0.0))
    return array, (own[None, None] if np.ndim(own) else own) + steady
