"""What an engine is given, and what it gives back."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.core.random import normals
from llgrad.core.status import Outcome
from llgrad.core.vector import Vec3
from llgrad.devices.coupling import Coupling
from llgrad.drives.drive import Drive
from llgrad.kernels.steppers import Stepper
from llgrad.kernels.tableaux import Tableau
from llgrad.physics.equation import Equation
from llgrad.solve.saving import Grid


class Noise(eqx.Module):
    """Thermal field: σ [T] of each component in a step (scalar or (N,)), and the two 32-bit words of the key."""

    sigma: Any
    key0: Any
    key1: Any


class Task(eqx.Module):
    """One run: an equation of motion, where it starts, what acts on it, and the grid of times.

    Components of `m0` and leaves of `equation` are scalars, or (N,) for an array of `count` = N oscillators.
    """

    equation: Equation
    m0: Vec3
    coupling: Coupling | None
    drive: Drive | None
    noise: Noise | None
    stepper: Stepper
    grid: Grid = eqx.field(static=True)
    count: int | None = eqx.field(static=True)

    @property
    def tableau(self) -> Tableau:
        """The stepper's numbers, with the stages of its polynomial where the grid uses it."""
        tableau = self.stepper.tableau
        return tableau.interpolating() if self.grid.polynomial else tableau

    def times(self, index: Any, dt: Any = None) -> Any:
        """Times [s] (…, nodes) at which the drive is sampled in the steps of an index (…), of the grid's length or
        another."""
        nodes = jnp.asarray(self.tableau.nodes, self.m0.x.dtype).reshape((1,) * index.ndim + (-1,))
        times = (index[..., None].astype(nodes.dtype) + nodes) * (self.grid.dt if dt is None else dt)
        return times + self.grid.start if self.grid.start else times


class Solution(NamedTuple):
    """States kept after the initial one, components (S,) or (S, N), and the outcome."""

    m: Vec3
    code: Any
    """An `Outcome` as an integer."""
    bad_step: Any
    """Index of the first bad step, −1 where there is none."""
    engine: str
    reason: str
    stepper: str = ""
    """What took the steps, where it was not the task's stepper."""


class Engine(eqx.Module):
    """Integrates a task. Engines are frozen values: `XLA()`, `Diffrax(rtol=1e-8)`."""

    @abc.abstractmethod
    def run(self, task: Task) -> Solution:
        """Integrate; never raises for a run that goes wrong: the outcome says so."""


def as_arrays(task: Task) -> Task:
    """Every float of the task in the default float type, so that new values do not compile anew."""
    dtype = jnp.result_type(float)

    def convert(leaf: Any) -> Any:
        is_float = isinstance(leaf, float) or (hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating))
        return jnp.asarray(leaf, dtype) if is_float else leaf

    return jax.tree.map(convert, task)


def outcome_of(m: Vec3, bad_step: Any) -> Any:
    """The `Outcome`, as an integer, of states (S, …) whose first bad step has an index (−1: none)."""
    finite = jnp.isfinite(m.x[-1:]).all() & jnp.isfinite(m.y[-1:]).all() & jnp.isfinite(m.z[-1:]).all()
    failed = jnp.where(finite, int(Outcome.TOO_COARSE), int(Outcome.NON_FINITE))
    return jnp.where(bad_step < 0, int(Outcome.FINISHED), failed)


def thermal_field(task: Task, index: Any) -> Vec3:
    """The thermal field [T] of a step, held for all its stages; zero without noise."""
    if task.noise is None:
        return Vec3(0.0, 0.0, 0.0)
    lane = jnp.zeros((), jnp.uint32) if task.count is None else jnp.arange(task.count, dtype=jnp.uint32)
    unit = normals(task.noise.key0, task.noise.key1, lane, index.astype(jnp.uint32), task.m0.x.dtype)
    return unit * task.noise.sigma


def with_tail(run: Callable[[Task], tuple[Vec3, Any]], task: Task) -> tuple[Vec3, Any]:
    """States kept (S, …) and the first bad step of the equal steps of a grid, and of the shorter one after them."""
    m, bad = run(task)
    if not task.grid.tail:
        return m, bad
    last = jax.tree.map(lambda c: c[-1], m)
    rest, late = run(eqx.tree_at(lambda t: t.m0, dataclasses.replace(task, grid=task.grid.last()), last))
    m = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), m, rest)
    return m, jnp.where((bad < 0) & (late >= 0), task.grid.steps, bad)
