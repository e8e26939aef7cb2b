"""What an array does while it sees one image, in many small steps, to be looked at."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.networks.bench.design import Design, Stage
from llgrad.networks.bench.response import respond
from llgrad.solve.xla import XLA


class Course(NamedTuple):
    """The magnetisation of an array over time, from the reset to the last read-out."""

    times: np.ndarray
    """(T,) [s], evenly spaced."""
    m: np.ndarray
    """(T, N, 3)."""


def courses(design: Design, image: Any, points: int = 100) -> list[Course]:
    """The course of each array of a design while it sees an image (H, W) in [0, 1].

    The time step is the design's own, or a whole part of it where that gives less than `points` times.
    """
    found = []
    with jax.enable_x64(False):
        pixels = jnp.asarray(image, jnp.float32)[None]
        if pixels.shape[1:] != design.shape:
            given, made = ("×".join(map(str, shape)) for shape in (pixels.shape[1:], design.shape))
            raise ValueError(f"the image has {given} pixels, and the network is made for {made}")
        frames = design.stages[0].timeline.frames.cut(pixels)
        for stage in design.stages:
            own = stage.timeline.steps * stage.timeline.readouts
            finer = max(1, math.ceil(points / (own * frames.shape[0])))
            course, m = _course(stage, frames, own * finer)
            found.append(course)
            read = m[:, stage.timeline.steps * finer - 1 :: stage.timeline.steps * finer]
            frames = read.reshape(read.shape[0], 1, -1)
    return found


def _course(stage: Stage, frames: Any, steps: int) -> tuple[Course, Any]:
    """The course of an array for frames (K, 1, F), and its m (K, steps, N, 3), with so many steps in each frame."""
    timeline = stage.timeline.replace(readouts=steps, dt=stage.timeline.hold / steps, frames_read=frames.shape[0])
    m = _respond(stage.device, stage.settings, timeline, frames)[:, :, 0]
    start = jnp.broadcast_to(timeline.start.stack().astype(m.dtype), (1, *m.shape[2:]))
    times = np.array([0.0, *timeline.read_times(frames.shape[0])])
    return Course(times, np.asarray(jnp.concatenate([start, m.reshape(-1, *m.shape[2:])]))), m


@eqx.filter_jit
def _respond(device: Any, settings: Any, timeline: Any, frames: Any) -> Any:
    """By the XLA engine, which is compiled sooner than a kernel for a single image."""
    return respond(device, settings, timeline, frames, engine=XLA())
