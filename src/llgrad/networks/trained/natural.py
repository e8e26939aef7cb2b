"""What is large and what is small for a device that is fed for a while: scales and limits where nobody says."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import get_leaf, leaf_units
from llgrad.devices.oscillator import Oscillator
from llgrad.networks.bench.readout import OutputSignals
from llgrad.networks.bench.response import begun, input_of, respond
from llgrad.networks.bench.settings import Settings
from llgrad.networks.bench.timeline import Timeline
from llgrad.networks.bench.wiring import Device, DeviceWiring
from llgrad.networks.trained.layer import Limits, Scales, TrainedLayer
from llgrad.solve.systems import groups_of
from llgrad.solve.xla import XLA

STEPS = 16
"""Time steps while a frame is held, where nobody says."""
LOOKS = 16
"""Moments of a frame at which it is looked how far a state has gone."""


def natural_field(device: Oscillator, hold: float, frames: int = 1) -> float:
    """The field [T] that turns the magnetisation by about half a turn while an image is shown: π/(γ · hold · √frames),
    as the turns of many frames add up like steps of a random walk.
    """
    return math.pi / (device.gamma * hold * math.sqrt(frames))


def natural_scales(device: Device, wiring: DeviceWiring, timeline: Timeline, frames: int = 1) -> Scales:
    """The input, and the coupling per unit emitted, that change the state as much while an image is shown.

    At the field of an oscillator it is `natural_field`; elsewhere what changes the state by its own size in a frame, by
    its slope, over √frames: of the input in the device left alone, of the coupling in one that is fed with that input.
    Raises ValueError where it changes nothing.
    """
    fields = Scales(*(2 * [natural_field(device, timeline.hold, frames)])) if isinstance(device, Oscillator) else None
    if fields is not None and wiring.input != "current":
        return fields
    values = {
        setting.name: jnp.asarray([get_leaf(device, setting.path) if setting.path in leaf_units(device) else 0.0])
        for setting in wiring.own
    }
    zero = jnp.zeros((1, 1))
    settings = Settings(gains=zero, offset=zero[0], input_limit=math.inf, coupling=zero, own=values, wiring=wiring)
    fine = timeline.replace(readouts=LOOKS, dt=min(timeline.dt, timeline.hold / LOOKS))
    groups = ((0, 1, 2),) if isinstance(device, Oscillator) else groups_of(device, device.start())

    def scale(fed: float, place: int) -> float:
        states, slopes = (
            np.asarray(part, float) for part in _run_with_slopes(device, settings, fine, jnp.asarray(fed))
        )
        sizes, changes = (
            np.array([np.linalg.norm(part[list(group)], axis=0).max() for group in groups])
            for part in (states, slopes[place])
        )
        felt = (sizes > 0) & (changes > 0) & np.isfinite(changes)
        if not felt.any():
            kind = type(device).__name__
            raise ValueError(
                f"nothing of {kind} changes with {wiring.input!r} where it starts; feed another terminal, or give "
                "another start, or unit"
                if place == 0
                else f"the coupling {wiring.coupling} changes nothing of {kind}, also where it is fed; couple another "
                "component, or give coupling=False, or coupling_unit"
            )
        return float((sizes[felt] / changes[felt]).min()) / math.sqrt(frames)

    fed = scale(0.0, 0)
    if fields is not None or wiring.coupling is None:
        return Scales(fed, 1.0 if fields is None else fields.coupling)
    return Scales(fed, scale(fed, 1))


@eqx.filter_jit
def _run_with_slopes(device: Device, settings: Settings, timeline: Timeline, fed: Any) -> tuple[Any, Any]:
    """Components (C, T) of one device with an input, and their slopes (2, C, T) in input and coupling."""

    def run(offset: Any, weight: Any) -> Any:
        given = settings.replace(offset=settings.offset + offset, coupling=settings.coupling + weight)
        states = respond(device, given, timeline, jnp.zeros((1, 1, 1), offset.dtype), engine=XLA())
        first = begun(device, timeline, given, 1)
        both = jax.tree.map(lambda one, later: jnp.concatenate([one[None], later[0]]), first, states)
        parts = [both[..., axis] for axis in range(3)] if isinstance(device, Oscillator) else jax.tree.leaves(both)
        return jnp.stack([part[:, 0, 0] for part in parts])

    point = (jnp.asarray(fed), jnp.zeros(()))
    slopes = jax.vmap(lambda one, other: jax.jvp(run, point, (one, other))[1])(*jnp.eye(2))
    return run(*point), slopes


def usual_limits(device: Device, hold: float, frames: int = 1, scales: Scales | None = None) -> Limits:
    """Limits in proportion to the natural scales. Of an oscillator with the natural field B_0 and the current I:
    input ±3 B_0, coupling 8 B_0, field ±B_0, current ±2 I; of a system input and coupling alone.
    """
    if not isinstance(device, Oscillator):
        if scales is None:
            raise ValueError(f"the limits of {type(device).__name__} follow from its natural scales; give these")
        return Limits(3 * scales.input, 8 * scales.coupling)
    unit = natural_field(device, hold, frames)
    current = 2 * abs(device.current) or 5e-3
    fed = 3 * unit if scales is None else 3 * scales.input
    return Limits(fed, 8 * unit, (-unit, unit), (-current, current))


def natural_step(device: Device, hold: float) -> float:
    """A 16th of a frame [s]; of a system at most the time in which the fastest of it turns by 1 rad."""
    fastest = None if isinstance(device, Oscillator) else device.fastest()
    return hold / STEPS if fastest is None else min(hold / STEPS, 1.0 / float(fastest))


def in_their_spread(outputs: OutputSignals, layer: TrainedLayer, frames: Any, named: bool) -> OutputSignals:
    """The outputs of an array as drawn, less their mean over their spread, for frames (K, B, F).

    One that does not change is left out where nobody has `named` them. Raises ValueError where one that is named does
    not change, or where one is not finite.
    """
    device: Any = layer.device
    settings, timeline = layer.settings(()), layer.timeline
    read = np.asarray(_reading(outputs, device, settings, timeline, frames), float).reshape(-1, outputs.width)
    found = []
    for name, mean, spread in zip(outputs.names, read.mean(axis=0), read.std(axis=0), strict=True):
        if not (np.isfinite(mean) and np.isfinite(spread)):
            raise ValueError(
                f"{name!r} of {type(device).__name__} is not finite in the array as drawn; give a smaller unit, or dt"
            )
        if spread > 1e-6 * abs(mean):
            found.append((name, float(np.float32(mean)), float(np.float32(spread))))
        elif named:
            raise ValueError(
                f"{name!r} of {type(device).__name__} is {mean:g} whatever the input; read another signal of "
                f"{', '.join(device.signals(device.start()))}"
            )
    if not found:
        raise ValueError(f"no component of {type(device).__name__} changes with the input; name other signals")
    return OutputSignals(*zip(*found, strict=True))


@eqx.filter_jit
def _reading(outputs: OutputSignals, device: Any, settings: Settings, timeline: Timeline, frames: Any) -> Any:
    states = respond(device, settings, timeline, frames)
    return outputs.read(states, device, settings, input_of(settings, frames)[:, None])
