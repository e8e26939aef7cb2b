"""What an array does with a batch of inputs."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.base import Waveform
from llgrad.drives.drive import Drive
from llgrad.drives.step import Step
from llgrad.kernels.steppers import RK4
from llgrad.networks.bench.settings import Settings
from llgrad.networks.bench.timeline import Timeline
from llgrad.networks.bench.wiring import Device, terminals_of
from llgrad.networks.frames.backward import WHOLE, Backward, over_frames, over_frames_read
from llgrad.networks.frames.together import states_together
from llgrad.solve.native import Native
from llgrad.solve.saving import End, Every
from llgrad.solve.simulate import simulate_quietly
from llgrad.solve.task import Engine

COARSEST = 2.5
"""Largest angle γ|B|dt [rad] of a step: a network's time step is checked by comparing its accuracy with a finer one."""

RECEIVED: Final = 4
"""Numbers that a gradient keeps of what an oscillator receives in a step: one a stage."""


class Disturbance(NamedTuple):
    """What differs from run to run of one array: slow edges, timing errors, thermal noise, drifting inputs."""

    rise_time: float
    """10–90 % rise time of the input [s]; 0 for an ideal edge."""
    jitter: Any
    """Error of the time of each edge [s], (K, B)."""
    keys: Any
    """Keys of the noise, (K, B); None without."""
    drift: Any = None
    """What is added to the inputs, (K, B, N), in their unit; None without."""


def input_of(settings: Settings, frames: Any, disturbance: Disturbance | None = None) -> Any:
    """Inputs (K, B, N) of frames (K, B, F), in the unit of the terminal where they enter, with their drift."""
    given = jnp.matmul(frames, settings.gains) + settings.offset[None, None]
    held = jnp.clip(given, -settings.input_limit, settings.input_limit)
    return held if disturbance is None or disturbance.drift is None else held + disturbance.drift


def begun(device: Device, timeline: Timeline, settings: Settings, batch: int) -> Any:
    """The state after the reset, as `respond` tells states: (B, N, 3) of oscillators, else a tree of (B, N)."""
    dtype, shape = settings.offset.dtype, (batch, settings.count)
    if isinstance(device, Oscillator):
        return jnp.broadcast_to(cast(Vec3, timeline.start).stack().astype(dtype), (*shape, 3))
    leaves = [
        jnp.broadcast_to(jnp.asarray(number, dtype), shape)
        for _, number in cast(tuple[tuple[str, float], ...], timeline.start)
    ]
    return jax.tree.unflatten(jax.tree.structure(device.start()), leaves)


def respond(
    device: Device,
    settings: Settings,
    timeline: Timeline,
    frames: Any,
    disturbance: Disturbance | None = None,
    engine: Engine | None = None,
    active: Any = None,
    backward: Backward = WHOLE,
    read: range | None = None,
) -> Any:
    """States at the R read-outs of each of K frames (K, B, F), or of those `read`: m (K, R, B, N, 3) of oscillators,
    else a tree of (K, R, B, N). Where frames are not `active` (K, B), because their signal has not begun, the array
    stays as it is.
    """
    inputs = input_of(settings, frames, disturbance)
    start = begun(device, timeline, settings, inputs.shape[1])
    given = inputs if disturbance is None else disturbed(inputs, timeline, disturbance)

    def frame(state: Any, given: Any) -> tuple[Any, Any]:
        steady, edges, keys, active = given
        return held(device, settings, timeline, state, steady, edges, keys, active, engine)

    if disturbance is None and active is None and backward == WHOLE:
        chosen = range(len(inputs)) if read is None else read
        together = states_together(device, settings, timeline, inputs, RK4(limit=COARSEST), engine, chosen)
        if together is not None:
            return together
    edges, keys = (None, None) if disturbance is None else given[1:]
    steady = given if disturbance is None else given[0]
    received = 0 if settings.wiring.coupling is None else RECEIVED * inputs[0].size
    kept = (sum(part.size for part in jax.tree.leaves(start)) + received) * timeline.steps * timeline.readouts
    rows = (steady, edges, keys, active)
    if jax.dtypes.canonicalize_dtype(np.float64) == np.float64:  # a run of float32 numbers may be one of float64
        later = jax.eval_shape(frame, start, jax.tree.map(lambda row: row[0], rows))[0]
        start = jax.tree.map(lambda part, like: part.astype(like.dtype), start, later)
    if read is not None:
        return over_frames_read(frame, start, rows, kept, backward, read)
    return over_frames(frame, start, rows, kept, backward)[1]


def held(
    device: Device,
    settings: Settings,
    timeline: Timeline,
    state: Any,
    steady: Any,
    edges: Any = None,
    keys: Any = None,
    active: Any = None,
    engine: Engine | None = None,
) -> tuple[Any, Any]:
    """(the state after a frame, those at its read-outs (R, B, …)) while inputs (B, N) are held, from a state (B, …)."""

    def one(state: Any, given: Any) -> Any:
        steady, edges, key = given
        run = simulate_quietly(
            settings.array(device, steady),
            duration=timeline.hold,
            dt=timeline.hold / (timeline.steps * timeline.readouts),
            m0=Vec3(state[:, 0], state[:, 1], state[:, 2]) if isinstance(device, Oscillator) else state,
            drive=None if edges is None else _drive(device, settings, edges),
            save=End() if timeline.readouts == 1 else Every(timeline.steps),
            stepper=RK4(limit=COARSEST),
            engine=engine or Native(),
            key=key,
            throw=False,
        )
        states = run.m if isinstance(device, Oscillator) else run.state
        return jax.tree.map(lambda part: part[-timeline.readouts :], states)

    states = jax.vmap(one, out_axes=1)(state, (steady, edges, keys))
    if active is not None:

        def kept(new: Any, old: Any) -> Any:
            return jnp.where(active.reshape(1, -1, *[1] * (new.ndim - 2)), new, old[None])

        states = jax.tree.map(kept, states, state)
    return jax.tree.map(lambda part: part[-1], states), states


def _drive(device: Device, settings: Settings, edges: Waveform) -> Any:
    """Edges of the input as a drive. Raises ValueError where the input is no terminal, which a drive could act on."""
    terminal = settings.wiring.input
    if terminal not in (known := terminals_of(device)):
        raise ValueError(
            f"the input is the value {terminal!r} of {type(device).__name__}, which no drive can change in the course "
            f"of a run, so it has no slow or late edges; feed a terminal ({', '.join(known)}), or leave rise_time and "
            "jitter out"
        )
    return Drive(**{terminal: edges}) if isinstance(device, Oscillator) else {terminal: edges}


def disturbed(
    inputs: Any, timeline: Timeline, disturbance: Disturbance, previous: Any = None
) -> tuple[Any, Waveform | None, Any]:
    """What stands at the start of each frame (K, B, N), the edges in it, and the keys.

    `previous` is the input (B, N) of the frame before the first; None is none, after the reset. An edge is half-way at
    the start of its frame, so its first half falls into the frame before; the first one is cut by the end of the reset.
    """
    rise_time, jitter, keys, _ = disturbance
    if rise_time == 0.0:
        return inputs, None, keys
    first = jnp.zeros_like(inputs[:1]) if previous is None else previous[None]
    before = jnp.concatenate([first, inputs[:-1]])
    rises = jnp.full_like(jitter, rise_time)
    edges = Step(inputs - before, jitter, rises)
    if inputs.shape[0] > 1:
        after = jnp.concatenate([inputs[1:], inputs[-1:]])
        late = timeline.hold + jnp.concatenate([jitter[1:], jitter[-1:]])
        edges = edges + Step(after - inputs, late, rises)
    return before, edges, keys
