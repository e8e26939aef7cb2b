"""Where branches of cycles begin: at a Hopf point, at a period doubling, and from cycles that were found by looking."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.orbits.branches.cycles.critical import multipliers_at
from llgrad.orbits.branches.cycles.stepping import (
    BranchStep,
    CycleFamily,
    Direction,
    OrbitPlace,
    deviations,
    length_of,
    unit,
)
from llgrad.orbits.branches.cycles.tracing import step_at
from llgrad.orbits.cycle.guess import spiral
from llgrad.orbits.cycle.settling import SettlingOutcome, settle
from llgrad.orbits.cycle.solving import FLAT, first_turn, turns_round

COUNT: Final = 64
NEAR: Final = 0.1
"""How far from a state at rest looking for a cycle begins, in units of its components that are of no unit vector."""


class Origin(NamedTuple):
    """Where a branch begins at a cycle of no size, or at a cycle that is taken twice."""

    step: BranchStep
    """Whose direction leads into the branch; its linearisation is not filled in."""
    multipliers: np.ndarray
    """(d − 1,)"""


def from_hopf(family: CycleFamily, y: np.ndarray, value: float, omega: float) -> Origin:
    """A state at rest (n,) whose deviations turn at ω [rad/ns], as the first point of the branch of its cycles: its
    direction is the turn, whose frequency that of the eigenvalue iω."""
    matrix, basis = jax.device_get(_linear(family, jnp.asarray(y, float), jnp.asarray(value)))
    values, vectors = np.linalg.eig(matrix)
    place = int(np.abs(values - 1j * omega).argmin())
    turn = basis @ vectors[:, place]
    angles = 2 * math.pi * np.arange(COUNT) / COUNT
    moves = np.real(turn[None] * np.exp(1j * angles)[:, None])
    states = np.tile(np.asarray(y, float), (COUNT, 1))
    length = length_of(family, states)
    period = 2 * math.pi / omega
    others = np.exp(np.delete(values, [place, int(np.abs(values + 1j * omega).argmin())]) * period)
    return _origin(OrbitPlace(states, period, value), Direction(moves, 0.0, 0.0), length, np.append(others, 1.0))


def stiffness_at(family: CycleFamily, y: np.ndarray, value: float, omega: float) -> float:
    """The fastest rate at a state at rest (n,) over that of its turning ω [rad/ns]."""
    matrix, _ = jax.device_get(_linear(family, jnp.asarray(y, float), jnp.asarray(value)))
    return float(np.abs(np.linalg.eigvals(matrix)).max() / omega)


@quick_jit
def _linear(family: CycleFamily, y: Any, value: Any) -> tuple[Any, Any]:
    """The linear motion (d, d) [1/ns] near a state (n,), and its basis (n, d)."""
    flow = family.flow(value)
    basis = flow.basis(y)
    moved = jax.vmap(lambda v: jax.jvp(flow.slope, (y,), (v,))[1], 1, 1)(basis)
    return basis.T @ moved, basis


def from_doubling(family: CycleFamily, step: BranchStep) -> Origin:
    """The first point of the branch of doubled cycles at a period doubling: the cycle twice, and the direction of the
    multiplier −1."""
    place = step.place
    given = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), place)
    steps, basis = jax.device_get(deviations(family, given))
    values, vectors = np.linalg.eig(steps[-1])
    first = np.real(vectors[:, int(np.abs(values + 1).argmin())])
    moves = np.einsum("kni,kij,j->kn", basis, steps[:-1], first)
    doubled = OrbitPlace(np.tile(place.states, (2, 1)), 2 * place.period, place.value)
    direction = Direction(np.concatenate([moves, -moves]), 0.0, 0.0)
    return _origin(doubled, direction, step.length, multipliers_at(step) ** 2)


def _origin(place: OrbitPlace, along: Direction, length: np.ndarray, multipliers: np.ndarray) -> Origin:
    along = jax.tree.map(np.asarray, unit(along, length))
    none = np.zeros(0)
    return Origin(BranchStep(place, along, length, 0.0, 0.0, none, none, none), multipliers)


def found_at(family: CycleFamily, value: float, states: list[np.ndarray]) -> list[BranchStep]:
    """Cycles at a value of the number that are found by looking: round each of some states at rest (n,), and as what a
    run from the model's own start falls onto."""
    flow = family.flow(jnp.asarray(value))
    moved = np.where(family.turned, 0.0, NEAR * np.asarray(family.scale))
    guesses = [spiral(flow, jnp.asarray(y + moved), COUNT, jnp.zeros(2)) for y in states]
    places = [OrbitPlace(np.asarray(g.states), float(g.period), value) for g in guesses if bool(g.found)]
    settled = settle(flow, family.start, COUNT)
    if settled.outcome is SettlingOutcome.CYCLE and settled.found is not None:
        places.append(OrbitPlace(np.asarray(settled.found.states), float(settled.found.period), value))
    steps = [step_at(family, place) for place in places]
    steps = [_once_round(family, step) for step in steps if step is not None and _has_size(step)]
    return [step for step in steps if step is not None]


def _has_size(step: BranchStep) -> bool:
    return bool((np.ptp(step.place.states, axis=0) / step.length).max() > FLAT)


def _once_round(family: CycleFamily, step: BranchStep) -> BranchStep | None:
    """The cycle once round, where it was found several times round."""
    flow, place = family.flow(jnp.asarray(step.place.value)), step.place
    states, period = jnp.asarray(place.states), jnp.asarray(place.period)
    turns = int(turns_round(flow, states, period))
    if turns == 1:
        return step
    single, period = first_turn(flow, states, period, jnp.asarray(float(turns)))
    return step_at(family, OrbitPlace(np.asarray(single), float(period), place.value))
