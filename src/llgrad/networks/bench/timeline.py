"""When an array is reset, fed and read."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from llgrad.core.arguments.leaves import as_vector
from llgrad.core.arguments.numbers import checked_count
from llgrad.core.record import Record, as_count, quantity
from llgrad.core.vector import Vec3
from llgrad.datasets.samples.sequences import Sequences


class Frames(enum.Enum):
    """How an image is cut into the frames that are fed one after the other.

    >>> import llgrad as lg
    >>> [(frames.value, frames.count((8, 8))) for frames in lg.networks.Frames]
    [('whole', 1), ('rows', 8), ('pixels', 64), ('signal', 8)]
    """

    WHOLE = "whole"
    """All pixels at once: one frame."""
    ROWS = "rows"
    """Row by row, from the top."""
    PIXELS = "pixels"
    """Pixel by pixel, along the rows."""
    SIGNAL = "signal"
    """A signal (frames, features), frame by frame: as many frames as it has."""

    def count(self, shape: tuple[int, int]) -> int:
        """Number of frames of an image (H, W)."""
        if self is Frames.SIGNAL:
            return shape[0]
        return {Frames.WHOLE: 1, Frames.ROWS: shape[0], Frames.PIXELS: shape[0] * shape[1]}[self]

    def cut(self, images: Float[np.ndarray | jax.Array, "B H W"]) -> Float[np.ndarray | jax.Array, "K B F"]:
        """Images (B, H, W) as frames (K, B, F)."""
        frames = images.reshape(images.shape[0], self.count((images.shape[1], images.shape[2])), -1)
        return jnp.swapaxes(frames, 0, 1)

    def laid_out(
        self, given: Float[np.ndarray | jax.Array, "B ..."] | Sequences
    ) -> tuple[Float[np.ndarray | jax.Array, "K B F"], Bool[jax.Array, "K B"] | None]:
        """Frames (K, B, F) of images (B, H, W), signals (B, T, F) or `Sequences`, and where they have begun (K, B);
        None for the second where all have one length.
        """
        if not isinstance(given, Sequences):
            return self.cut(given), None
        values, begun = given.ending_together()
        return self.cut(values), jnp.swapaxes(begun, 0, 1)


class Pooling(enum.Enum):
    """What becomes of the frames that are read, which a `Timeline` counts from the last.

    >>> import llgrad as lg
    >>> line = lg.networks.Timeline(hold=1e-9, dt=1e-10, frames_read=3, every=2, pooling=lg.networks.Pooling.MEAN)
    >>> list(line.read(8)), line.weighed(8)
    ([3, 5, 7], 1)
    """

    TOGETHER = "together"
    """One answer of all of them, each with weights of its own; a frame before a signal begins counts as zero."""
    MEAN = "mean"
    """One answer of their mean."""
    EACH = "each"
    """An answer at each of them."""


def _as_state(value: Any) -> Any:
    """A unit vector of three numbers; what is named stays so, in a form that compares."""
    if isinstance(value, Mapping):
        return tuple((str(name), float(number)) for name, number in value.items())
    named = isinstance(value, tuple) and all(isinstance(pair, tuple) for pair in value)
    return value if named else as_vector(value)


class Timeline(Record):
    """The course of one image: reset, then every frame held for `hold`, and `readouts` read-outs in it, evenly spaced.

    The reset leaves every oscillator in the state `start`, as a field pulse along that direction does: a unit vector,
    or of a `System` the components of its state by name. The state is not reset between the frames of one image. Of
    every `every`-th frame, counted from the end, the last `frames_read` are what the read-out sees; `pooling` says how.

    >>> import llgrad as lg
    >>> line = lg.networks.Timeline(hold=0.2e-9, dt=2e-12, readouts=2)
    >>> line.steps, line.frames.value
    (50, 'whole')
    """

    hold: float = quantity("s", about="time for which a frame is held")
    dt: float = quantity("s", about="time step")
    start: Vec3 | tuple[tuple[str, float], ...] = eqx.field(
        converter=_as_state,
        default=(0.6, 0.0, 0.8),
        metadata={"unit": "of the state", "about": "state after the reset"},
    )
    frames: Frames = eqx.field(static=True, default=Frames.WHOLE)
    readouts: int = eqx.field(static=True, default=1, converter=as_count)
    frames_read: int | None = eqx.field(static=True, default=1, converter=as_count)
    """None for all."""
    every: int = eqx.field(static=True, default=1, converter=as_count)
    pooling: Pooling = eqx.field(static=True, default=Pooling.TOGETHER)

    def __check_init__(self) -> None:
        if not (0 < self.dt <= self.hold < 1e-3):
            raise ValueError(
                f"hold = {self.hold!r} s and dt = {self.dt!r} s: expected 0 < dt <= hold, in seconds; 0.4 ns is 0.4e-9"
            )
        for name in ("readouts", "frames_read", "every"):
            if (number := getattr(self, name)) is not None or name != "frames_read":
                checked_count(name, number, 1, "one or more, a whole number")
        length = math.hypot(self.start.x, self.start.y, self.start.z) if isinstance(self.start, Vec3) else 1.0
        if abs(length - 1) > 1e-5:
            raise ValueError(f"start has the length {length:.6g}, expected a unit vector (x, y, z)")

    @property
    def steps(self) -> int:
        """Steps from one read-out to the next; the step is `hold`/(steps · readouts), at most `dt`."""
        return math.ceil(self.hold / self.readouts / self.dt * (1 - 1e-9))

    def read(self, frames: int) -> range:
        """Which of so many frames the read-out sees."""
        every = range((frames - 1) % self.every, frames, self.every)
        return every if self.frames_read is None else every[-self.frames_read :]

    def weighed(self, frames: int) -> int:
        """How many of so many frames the read-out has weights of their own for."""
        return len(self.read(frames)) if self.pooling is Pooling.TOGETHER else 1

    def read_times(self, frames: int) -> list[float]:
        """Times after the reset [s] at which the array is read, for images of so many frames."""
        return [
            (frame + (index + 1) / self.readouts) * self.hold
            for frame in self.read(frames)
            for index in range(self.readouts)
        ]
