"""One sweep and its way back, until the loop closes."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.experiments.loops.jumping import NoRest, critical_point, settled
from llgrad.experiments.loops.result import Jump
from llgrad.experiments.loops.swept import Swept, SweptRange
from llgrad.experiments.loops.walking import RestPlace, walked
from llgrad.orbits.branches.critical import hertz

ROUNDS: Final = 4
"""So often a loop is gone round at most, until it closes."""
CLOSED: Final = 1e-6
"""Largest difference [rad] of the states at both ends of a loop that is closed."""
BEYOND: Final = 0.5
"""How far past the end of a branch, in steps of the sweep, a device is let go where the next value is very near."""
VERY_NEAR: Final = 0.1
MOST_JUMPS: Final = 1000


class Way(NamedTuple):
    """One sweep (P values)."""

    y: np.ndarray
    matrices: np.ndarray
    jumps: list[Jump]
    end: RestPlace


class Round(NamedTuple):
    """A sweep, and the sweep back."""

    ways: tuple[Way, ...]
    closed: bool
    jumps: list[Jump]
    """Between which the width of the loop lies: of both sweeps, also where the one back was not asked for."""


def gone_round(family: Swept, span: SweptRange, begun: Any, back: bool) -> Round:
    """The loop that begins with what a state (d,) relaxes to at the first value."""
    place, rounds = settled(family, begun, span.start), 0
    while True:
        first = one_way(family, span, place, span.values, 0)
        if not back:
            return Round((first,), True, first.jumps + _jumps_back(family, span, first))
        second = one_way(family, span, first.end, span.values[::-1], 1)
        closed = bool(np.abs(second.end.y - place.y).max() < CLOSED)
        place, rounds = second.end, rounds + 1
        if closed or rounds == ROUNDS:
            return Round((first, second), closed, first.jumps + second.jumps)


def gone_once(family: Swept, span: SweptRange, begun: Any) -> Round:
    """One sweep, of whose points alone something is asked."""
    return Round((one_way(family, span, settled(family, begun, span.start), span.values, 0),), True, [])


def _jumps_back(family: Swept, span: SweptRange, first: Way) -> list[Jump]:
    """Where the device would jump on its way back; none where it did not jump, or would not rest on the way."""
    if not first.jumps:
        return []
    try:
        return one_way(family, span, first.end, span.values[::-1], 1).jumps
    except NoRest:
        return []


def one_way(family: Swept, span: SweptRange, begun: RestPlace, values: np.ndarray, way: int) -> Way:
    """The states at the values (P,), in their order, from a state at rest at the first of them."""
    found: list[RestPlace] = []
    jumps: list[Jump] = []
    direction = np.sign(values[-1] - values[0])
    while len(found) < len(values):
        count = len(values) - len(found)
        targets = np.resize(values[len(found) :], len(values))
        places, last = jax.tree.map(np.asarray, walked(family, _numbers(begun), jnp.asarray(targets), count))
        number = int(np.append(~places.good[:count], True).argmax())
        found += [RestPlace(*(part[i] for part in places)) for i in range(number)]
        if number == count:
            return Way(np.array([p.y for p in found]), np.array([p.matrix for p in found]), jumps, found[-1])
        target = float(values[len(found)])
        if number == 0 and (target - float(begun.value)) * direction < 0:
            begun = settled(family, begun.y, target)  # let go beyond the value, in a state that is not stable there
            continue
        kind, critical, omega = critical_point(family, last)
        near = abs(target - critical) < VERY_NEAR * span.spacing
        there = critical + BEYOND * span.spacing * direction if near else target
        begun = settled(family, last.y, there)
        jumps.append(Jump(way, kind, critical, omega, there, np.asarray(last.y), begun.y))
        if len(jumps) > MOST_JUMPS:
            raise ValueError(f"this device jumps at every step of {span.parameter}; give more steps")
    raise ValueError("a sweep has at least one value")


def _numbers(place: RestPlace) -> RestPlace:
    return jax.tree.map(jnp.asarray, place)


def modes(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and widths (…, M) [Hz] of the modes of stiffnesses (…, n, n) [1/ns], the lowest frequency first.

    A pair of complex eigenvalues is one mode; one that creeps is left out, and NaN keeps its place.
    """
    values = np.linalg.eigvals(matrices)
    count = matrices.shape[-1] // 2
    turning = values.imag > 0
    order = np.argsort(np.where(turning, values.imag, np.inf), axis=-1)[..., :count]
    chosen = np.take_along_axis(values, order, axis=-1)
    good = np.take_along_axis(turning, order, axis=-1)
    frequency = np.where(good, np.asarray(hertz(chosen.imag)), np.nan)
    return frequency, np.where(good, -chosen.real * 1e9 / np.pi, np.nan)
