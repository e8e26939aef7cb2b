"""How long an array remembers: what a short pulse in its input changes, and for how long."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_number
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.timeline import Frames
from llgrad.networks.course import SPIN, courses

POINTS: Final = 400
"""Least times that are looked at."""


class PulseResponse(NamedTuple):
    """What a pulse changes in an array, from the start of the pulse.

    >>> import numpy as np
    >>> times = np.linspace(0, 5e-9, 51)
    >>> found = PulseResponse(times, np.exp(-times / 1e-9)[:, None], 1e-10)
    >>> found.time_constants.round(10).tolist()
    [1e-09]
    """

    times: np.ndarray
    """(T,) [s], evenly spaced; 0 is the start of the pulse."""
    deviations: np.ndarray
    """(T, N): |m − m′| of each oscillator, m′ without the pulse; of another system the root of the sum over its
    components of their changes squared, each over the largest change of that component in the array."""
    pulse: float
    """How long the pulse is [s]."""

    @property
    def time_constants(self) -> np.ndarray:
        """Of each oscillator (N,) [s]: from when its deviation is largest until it has fallen to 1/e of that for good,
        between two times interpolated as an exponential. Infinite where it does not while it is looked at: an
        oscillator that goes round by itself never forgets the phase that a pulse has given it.
        """
        found = np.full(self.deviations.shape[1], np.inf)
        for number, course in enumerate(self.deviations.T):
            top = int(np.argmax(course))
            below = course[top] / np.e
            late = np.flatnonzero(course > below)
            if not late.size or late[-1] + 1 >= len(course):
                continue
            last = int(late[-1])
            ratio = course[last] / max(course[last + 1], np.finfo(float).tiny)
            part = np.log(course[last] / below) / np.log(ratio)
            found[number] = self.times[last] - self.times[top] + part * (self.times[1] - self.times[0])
        return found


def pulse_response(
    design: Design, frame: Float[ArrayLike, "F"], height: Float[ArrayLike, "F"], *, before: int = 40, after: int = 80
) -> tuple[PulseResponse, ...]:
    """What one frame that differs changes in each array of a network, and for how long: the array as it is, coupled,
    at its own settings, in an input that is otherwise steady.

    Args:
        design: of a network on signals, as network.design() makes one.
        frame: the steady input (F,), such as `data.train.mean`.
        height: what is added to it during one frame (F,), such as `data.train.spread`.
        before: frames from the reset to the pulse, in which the reset is forgotten.
        after: frames that are looked at, the pulse among them.

    Raises ValueError for a network on images, frames of another length, and a pulse that changes nothing.

    >>> import jax, llgrad as lg
    >>> with jax.enable_x64(False):  # networks compute in float32
    ...     network = lg.networks.OscillatorClassifier.create(
    ...         lg.presets.kubota2013().replace(alpha=0.05), shape=(10, 1), classes=3, key=jax.random.key(0),
    ...         oscillators=4, hold=0.1e-9, frames=lg.networks.Frames.SIGNAL,
    ...     )
    ...     found = pulse_response(network.design(), [0.0], [0.3])[0]
    >>> found.deviations.shape[1], bool(found.deviations[-1].max() < found.deviations.max() / 2)
    (4, True)
    """
    check_kind("design", design, Design, "give (design, frame, height), as network.design() makes one")
    line = design.stages[0].timeline
    if line.frames is not Frames.SIGNAL:
        raise ValueError("this network is made for images, which have no course in time; give one that takes signals")
    steady, added = (_frame(name, given, design.features) for name, given in (("frame", frame), ("height", height)))
    first = checked_number("before", before, low=1, whole=True)
    count = checked_number("after", after, low=2, whole=True)
    signal = np.repeat(steady[None], first + count, axis=0)
    changed = signal.copy()
    changed[first] += added
    points = max(POINTS, 4 * len(signal))
    found = []
    for without, with_pulse in zip(courses(design, signal, points), courses(design, changed, points), strict=True):
        start = first * (len(without.times) - 1) // len(signal)
        deviations = _size(with_pulse.m[start:] - without.m[start:], without.names)
        if not deviations.max() > 0:
            raise ValueError("the pulse changes nothing in the array; give a larger height")
        found.append(PulseResponse(without.times[start:] - without.times[start], deviations, line.hold))
    return tuple(found)


def _frame(name: str, given: Any, features: int) -> np.ndarray:
    array = np.asarray(given, np.float32)
    if array.shape != (features,) or not np.isfinite(array).all():
        raise ValueError(f"{name} has the shape {array.shape}, expected finite numbers ({features},), one a feature")
    return array


def _size(changes: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The size of changes (T, N, C)."""
    if names != SPIN:
        largest = np.abs(changes).max(axis=(0, 1))
        changes = changes / np.where(largest > 0, largest, 1.0)
    return np.sqrt(np.square(changes.astype(float)).sum(axis=2))
