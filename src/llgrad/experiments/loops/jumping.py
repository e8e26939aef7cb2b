"""Where a stable state ends, exactly, and what it goes to: the equation of motion, run until the device rests."""

from __future__ import annotations

import math
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import leaf_units
from llgrad.core.units import show
from llgrad.experiments.loops.relaxing import fastest, relaxed
from llgrad.experiments.loops.swept import OF_THE_FIELD, Swept
from llgrad.experiments.loops.walking import RestPlace
from llgrad.orbits.branches.critical import Critical, branch_point, fold_point, hertz, hopf_point
from llgrad.orbits.branches.family import local_at
from llgrad.orbits.equilibria.modes import eigen

CROSSING: Final = 1e-4
"""A point where what is swept moves no state along the direction that costs nothing is no fold."""
NEAR: Final = 1e-6
"""So near (in parts of the range) the exact point is to where the branch was followed to."""
SOLVED: Final = 1e-8


class NoRest(ValueError):
    """A device oscillates where a state at rest was looked for."""


def critical_point(family: Swept, last: RestPlace) -> tuple[str, float, float]:
    """Kind ("fold", "branch point", "Hopf"), value and frequency [Hz] of the end of a branch next to its last state."""
    kind, point, value = end_of(family, last)
    return kind, value, float(hertz(point.omega)) if kind == "Hopf" else 0.0


def end_of(family: Swept, last: RestPlace) -> tuple[str, Critical, float]:
    """Kind of the end of a branch next to its last state, the point that was solved for, and its value: the exact one,
    or where the equations are singular that to which the branch was followed."""
    y, value, matrix = np.asarray(last.y), float(last.value), np.asarray(last.matrix)
    values, vectors = eigen(matrix)
    place, rate = int(values.real.argmax()), float(fastest(family, value))
    if abs(values[place].imag) > NEAR * rate:
        omega = abs(float(values[place].imag))
        vector = vectors[:, place] if values[place].imag > 0 else vectors[:, place].conj()
        point = hopf_point(family, y, value, vector, omega)
        return "Hopf", point, _solved(family, point, value, rate)
    slope = np.asarray(local_at(family, jnp.asarray(y), value).slope)
    across = np.linalg.svd(slope[:, :-1].T)[2][-1]
    crosses = abs(across @ slope[:, -1]) < CROSSING * rate
    point = (branch_point if crosses else fold_point)(family, y, value, matrix)
    return ("branch point" if crosses else "fold"), point, _solved(family, point, value, rate)


def _solved(family: Swept, point: Critical, followed: float, fastest: float) -> float:
    """The exact value, or, where a direction costs nothing and the equations are singular, where the branch ended."""
    value = float(point.value)
    good = math.isfinite(value) and float(point.left) < SOLVED * fastest
    return value if good and abs(value - followed) <= NEAR * float(family.size) else followed


def settled(family: Swept, y: Any, value: float) -> RestPlace:
    """The state at rest that the device goes to from a state (d,), a little pushed, by its own damping.

    Raises NoRest where it oscillates.
    """
    found = relaxed(family, jnp.asarray(y), value)
    if not found.rests:
        unit = (leaf_units(family.device) | OF_THE_FIELD)[family.path]
        raise NoRest(no_rest(family.path, value, unit))
    return jax.tree.map(np.asarray, found.place)


def no_rest(path: str, value: float, unit: str) -> str:
    """A sentence on a device that oscillates at a value of what is swept."""
    return (
        f"at {path} = {show(float(f'{value:.6g}'), unit)} this device does not come to rest but oscillates, so that it "
        "has no quasi-static loop there; sweep less far, or see lg.follow and lg.sweep for its cycles"
    )
