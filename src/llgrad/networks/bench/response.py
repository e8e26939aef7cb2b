"""What an array does with a batch of inputs."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.drive import Drive
from llgrad.drives.step import Step
from llgrad.kernels.steppers import RK4
from llgrad.networks.bench.settings import Settings
from llgrad.networks.bench.timeline import Timeline
from llgrad.solve.native import Native
from llgrad.solve.saving import End, Every
from llgrad.solve.simulate import simulate
from llgrad.solve.task import Engine

COARSEST = 2.5
"""Largest angle γ|B|dt [rad] of a step: a network's time step is checked by comparing its accuracy with a finer one."""


class Disturbance(NamedTuple):
    """What differs from run to run of one array: slow edges, timing errors, thermal noise."""

    rise_time: float
    """10–90 % rise time of the input field [s]; 0 for an ideal edge."""
    jitter: Any
    """Error of the time of each edge [s], (K, B)."""
    keys: Any
    """Keys of the thermal noise, (K, B); None at zero temperature."""


def input_field(settings: Settings, frames: Any) -> Any:
    """Input fields (K, B, N) [T] of frames (K, B, F)."""
    field = jnp.matmul(frames, settings.gains) + settings.offset[None, None]
    return jnp.clip(field, -settings.input_limit, settings.input_limit)


def respond(
    device: Oscillator,
    settings: Settings,
    timeline: Timeline,
    frames: Any,
    disturbance: Disturbance | None = None,
    engine: Engine | None = None,
) -> Any:
    """Magnetisation (K, R, B, N, 3) at the R read-outs of each of K frames, for frames (K, B, F)."""
    fields = input_field(settings, frames)
    start = jnp.broadcast_to(timeline.start.stack().astype(fields.dtype), (*fields.shape[1:], 3))

    def one(m: Any, given: Any) -> Any:
        field, drive, key = given if disturbance is not None else (given, None, None)
        return simulate(
            settings.array(device, field),
            duration=timeline.hold,
            dt=timeline.hold / (timeline.steps * timeline.readouts),
            m0=Vec3(m[:, 0], m[:, 1], m[:, 2]),
            drive=drive,
            save=End() if timeline.readouts == 1 else Every(timeline.steps),
            stepper=RK4(limit=COARSEST),
            engine=engine or Native(),
            key=key,
            throw=False,
        ).m[-timeline.readouts :]

    def frame(m: Any, given: Any) -> tuple[Any, Any]:
        states = jax.vmap(one, out_axes=1)(m, given)
        return states[-1], states

    given = fields if disturbance is None else _disturbed(fields, timeline, disturbance)
    if fields.shape[0] == 1:
        return frame(start, jax.tree.map(lambda value: value[0], given))[1][None]
    return jax.lax.scan(frame, start, given)[1]


def _disturbed(fields: Any, timeline: Timeline, disturbance: Disturbance) -> tuple[Any, Drive | None, Any]:
    """What stands at the start of each frame (K, B, N) [T], the edges in it, and the keys.

    An edge is half-way at the start of its frame, so its first half falls into the frame before; the first edge is cut
    by the end of the reset.
    """
    rise_time, jitter, keys = disturbance
    if rise_time == 0.0:
        return fields, None, keys
    before = jnp.concatenate([jnp.zeros_like(fields[:1]), fields[:-1]])
    rises = jnp.full_like(jitter, rise_time)
    edges = Step(fields - before, jitter, rises)
    if fields.shape[0] > 1:
        after = jnp.concatenate([fields[1:], fields[-1:]])
        late = timeline.hold + jnp.concatenate([jitter[1:], jitter[-1:]])
        edges = edges + Step(after - fields, late, rises)
    return before, Drive(field_x=edges), keys
