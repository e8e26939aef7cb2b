"""Where a stable state ends, exactly, and what it goes to: the equation of motion, run until the device rests."""

from __future__ import annotations

import math
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import leaf_units
from llgrad.core.units import show
from llgrad.experiments.loops.swept import OF_THE_FIELD, Swept
from llgrad.experiments.loops.walking import RestPlace, rest_near
from llgrad.orbits.branches.critical import Critical, branch_point, fold_point, hertz, hopf_point
from llgrad.orbits.branches.family import local_at
from llgrad.orbits.equilibria.modes import eigen
from llgrad.orbits.flow import Flow

CROSSING: Final = 1e-4
"""A point where what is swept moves no state along the direction that costs nothing is no fold."""
NEAR: Final = 1e-6
"""So near (in parts of the range) the exact point is to where the branch was followed to."""
SOLVED: Final = 1e-8
STEPS: Final = 4096
"""Of a piece of a run, after each of which the device is looked at."""
SAVED: Final = 64
LOOKED_AT: Final = 64
TURN: Final = 0.3
"""Angle [rad] of the fastest precession in one step."""
PIECES: Final = 1024
TREMBLE: Final = 1e-2
"""By which a state is pushed [rad] before it is let go: an unstable one does not leave by itself."""
SAME: Final = 1e-8
"""States nearer than this are one."""
STEADY, LIVELY, ALIKE = 1e-3, 1e-3, 12
"""A motion whose mean square is the same to this for so many pieces, and is no slow creep, goes on for ever."""


def critical_point(family: Swept, last: RestPlace) -> tuple[str, float, float]:
    """Kind ("fold", "branch point", "Hopf"), value and frequency [Hz] of the end of a branch next to its last state."""
    y, value, matrix = np.asarray(last.y), float(last.value), np.asarray(last.matrix)
    values, vectors = eigen(matrix)
    place, fastest = int(values.real.argmax()), float(_fastest(family.flow(value)))
    if abs(values[place].imag) > NEAR * fastest:
        omega = abs(float(values[place].imag))
        vector = vectors[:, place] if values[place].imag > 0 else vectors[:, place].conj()
        point = hopf_point(family, y, value, vector, omega)
        return "Hopf", _solved(family, point, value, fastest), float(hertz(point.omega))
    slope = np.asarray(local_at(family, jnp.asarray(y), value).slope)
    across = np.linalg.svd(slope[:, :-1].T)[2][-1]
    crosses = abs(across @ slope[:, -1]) < CROSSING * fastest
    point = (branch_point if crosses else fold_point)(family, y, value, matrix)
    return ("branch point" if crosses else "fold"), _solved(family, point, value, fastest), 0.0


def _solved(family: Swept, point: Critical, followed: float, fastest: float) -> float:
    """The exact value, or, where a direction costs nothing and the equations are singular, where the branch ended."""
    value = float(point.value)
    good = math.isfinite(value) and float(point.left) < SOLVED * fastest
    return value if good and abs(value - followed) <= NEAR * float(family.size) else followed


def settled(family: Swept, y: Any, value: float) -> RestPlace:
    """The state at rest that the device goes to from a state (d,), a little pushed, by its own damping.

    Raises ValueError where it oscillates.
    """
    now = _pushed(family, jnp.asarray(y), value)
    flow = family.flow(value)
    rate, before, seen, same = float(_fastest(flow)), 0.0, (np.zeros(0), np.inf), 0
    for _ in range(PIECES):
        now, square = _run(flow, now, STEPS * TURN / rate)
        mean = float(square)
        found = rest_near(family, now, value)
        if found.good:
            # a state that is passed by is not come nearer to
            state, far = np.asarray(found.y), float(jnp.linalg.norm(found.y - now))
            if seen[0].shape == state.shape and np.abs(seen[0] - state).max() < SAME and far <= max(seen[1], SAME):
                return jax.tree.map(np.asarray, found)
            seen = state, far
        same = same + 1 if abs(mean - before) < STEADY * mean else 0
        before = mean
        if same >= ALIKE and mean > (LIVELY * rate) ** 2:
            break
    unit = (leaf_units(family.device) | OF_THE_FIELD)[family.path]
    what = f"{family.path} = {show(float(f'{value:.6g}'), unit)}"
    raise ValueError(
        f"at {what} this device does not come to rest but oscillates, so that it has no quasi-static loop there; sweep "
        "less far, or see lg.follow and lg.sweep for its cycles"
    )


@jax.jit
def _pushed(family: Swept, y: Any, value: Any) -> Any:
    """A state pushed a little, in all its directions at once."""
    flow = family.flow(value)
    n = flow.shape.freedom
    away = TREMBLE * np.cos(np.arange(n) + 0.5)
    return flow.on_sphere(y + flow.basis(y) @ jnp.asarray(away, y.dtype))


@jax.jit
def _fastest(flow: Flow) -> Any:
    """How fast [rad/ns] a device may turn: the largest slope of its rate at states in all directions."""
    turns = np.cos(2.4 * np.outer(np.arange(LOOKED_AT) + 0.5, 1 + math.sqrt(2) * np.arange(flow.size)))
    states = jax.vmap(flow.on_sphere)(jnp.asarray(turns))
    return jnp.max(jnp.sqrt(jnp.sum(jax.vmap(jax.jacfwd(flow.slope))(states) ** 2, axis=(1, 2))))


@jax.jit
def _run(flow: Flow, y: Any, duration: Any) -> tuple[Any, Any]:
    """The end of a piece of a run, and the mean square of its rate."""
    states = flow.run(y, duration, STEPS, STEPS // SAVED)
    moves = jax.vmap(flow.slope)(states)
    return states[-1], jnp.mean(jnp.sum(moves**2, axis=1))
