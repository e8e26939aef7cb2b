"""What an array does while it sees one image, in many small steps, to be looked at."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.devices.oscillator import Oscillator
from llgrad.devices.states.components import component_names
from llgrad.networks.bench.design import Design, Stage
from llgrad.networks.bench.response import begun, respond
from llgrad.solve.xla import XLA

SPIN: Final = ("m_x", "m_y", "m_z")
"""Components of the state of an oscillator."""


class Course(NamedTuple):
    """The states of an array over time, from the reset to the last read-out."""

    times: np.ndarray
    """(T,) [s], evenly spaced."""
    m: np.ndarray
    """Magnetisation (T, N, 3); of C components of a system's state (T, N, C)."""
    names: tuple[str, ...]
    """Of the components."""


def courses(design: Design, image: Any, points: int = 100) -> list[Course]:
    """The course of each array of a design while it sees an image (H, W) in [0, 1], or a signal (T, F).

    The time step is the design's own, or a whole part of it where that gives less than `points` times.
    """
    found = []
    with jax.enable_x64(False):
        pixels = jnp.asarray(image, jnp.float32)[None]
        design.check(pixels, "the image has")
        frames = design.stages[0].timeline.frames.cut(pixels)
        for stage in design.stages:
            own = stage.timeline.steps * stage.timeline.readouts
            finer = max(1, math.ceil(points / (own * frames.shape[0])))
            states = _respond(stage, frames, own * finer)
            found.append(_course(stage, states))
            last = stage.timeline.steps * finer
            read = jax.tree.map(lambda part, last=last: part[:, last - 1 :: last], states)
            passed = stage.read(design.readout.signal.passed_on, read, frames)
            frames = passed.reshape(passed.shape[0], 1, -1)
    return found


def _course(stage: Stage, states: Any) -> Course:
    """The course of an array from its states (K, steps, 1, N, …) in many steps of each frame."""
    start = begun(stage.device, stage.timeline, stage.settings, 1)

    def joined(first: Any, later: Any) -> Any:
        return jnp.concatenate([first, later.reshape(-1, *later.shape[3:])])

    whole = jax.tree.map(joined, start, states)
    parts, names = (whole, SPIN) if isinstance(stage.device, Oscillator) else (_stacked(whole), component_names(whole))
    frames, steps = jax.tree.leaves(states)[0].shape[:2]
    return Course(np.arange(frames * steps + 1) * (stage.timeline.hold / steps), np.asarray(parts), names)


def _stacked(state: Any) -> Any:
    return jnp.stack(jax.tree.leaves(state), axis=-1)


def _respond(stage: Stage, frames: Any, steps: int) -> Any:
    """States (K, steps, 1, N, …) of an array for frames (K, 1, F), with so many steps in each frame."""
    timeline = stage.timeline.replace(readouts=steps, dt=stage.timeline.hold / steps, frames_read=frames.shape[0])
    return _by_xla(stage.device, stage.settings, timeline, frames)


@eqx.filter_jit
def _by_xla(device: Any, settings: Any, timeline: Any, frames: Any) -> Any:
    """By the XLA engine, which is compiled sooner than a kernel for a single image."""
    return respond(device, settings, timeline, frames, engine=XLA())
