"""What an engine is given, and what it gives back."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.core.random import many_normals
from llgrad.core.status import Outcome
from llgrad.devices.arrays.mixing import Mixing
from llgrad.devices.system import TIME
from llgrad.drives.base import Waveform
from llgrad.kernels.steppers import Stepper
from llgrad.kernels.tableaux import Tableau
from llgrad.solve.saving import TimeGrid


class Noise(eqx.Module):
    """What multiplies the unit normal numbers of a step (scalar or (N,); σ [T] of a thermal field, 1/√dt of a system's
    white noise), and the two 32-bit words of the key.
    """

    sigma: Any
    key0: Any
    key1: Any


class Task(eqx.Module):
    """One run: an equation of motion, where it starts, what acts on it, and the grid of times.

    `m0` is a tree of the components of the state: a Vec3, or what a system has. They and the leaves of `equation` are
    scalars, or (N,) for an array of `count` = N oscillators. `drive` has waveforms by the names of the equation's
    channels.
    """

    equation: Any
    """What has a `layout`, `channels` and a `slope`: an Equation, a SystemEquation, or what is made of one."""
    m0: Any
    mixing: Mixing | None
    drive: dict[str, Waveform] | None
    noise: Noise | None
    stepper: Stepper
    grid: TimeGrid = eqx.field(static=True)
    count: int | None = eqx.field(static=True)
    first: Any = 0
    """Number of steps that were taken before, which times and noise go on from; an array where it is not known yet."""

    @property
    def dtype(self) -> Any:
        """The float type of the run."""
        return jax.tree.leaves(self.m0)[0].dtype

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of what kernels take as samples: the drive's, and the time where the equation takes it so."""
        return (*(self.drive or ()), *([TIME] if self.equation.uses_time else []))

    def samples(self, times: Any) -> dict[str, Any]:
        """The drive at the times [s], by channel: of times.shape, or times.shape + (N,)."""
        return {name: waveform(times) for name, waveform in (self.drive or {}).items()}

    def slope(self, state: Sequence[Any], samples: Mapping[str, Any], time: Any, normals: Mapping[str, Any]) -> Any:
        """d/dt [1/ns] of the components of the state, with the drive's samples of a moment [ns] and the unit normal
        numbers of its step, none without noise.
        """
        given = {**samples, **normals, TIME: time}
        if self.mixing is not None:
            emitted = of_each(self.equation, self.count, lambda equation, state: equation.emitted(state), list(state))
            given |= dict(zip(self.equation.mixed, self.mixing(emitted), strict=True))
        sigma = None if self.noise is None else self.noise.sigma
        return of_each(
            self.equation,
            self.count,
            lambda equation, state, given, sigma: list(equation.slope(state, given, sigma)),
            list(state),
            given,
            sigma,
        )

    @property
    def tableau(self) -> Tableau:
        """The stepper's numbers, with the stages of its polynomial where the grid uses it."""
        tableau = self.stepper.tableau
        return tableau.interpolating() if self.grid.polynomial else tableau

    def times(self, index: Any, dt: Any = None) -> Any:
        """Times [s] (…, nodes) at which the drive is sampled in the steps of an index (…), of the grid's length or
        another."""
        nodes = jnp.asarray(self.tableau.nodes, self.dtype).reshape((1,) * index.ndim + (-1,))
        times = (index[..., None].astype(nodes.dtype) + nodes) * (self.grid.dt if dt is None else dt)
        return times + self.grid.start if self.grid.start else times


def of_each(equation: Any, count: int | None, function: Callable[..., Any], *values: Any) -> Any:
    """A function of an equation and of numbers, for every member of an array; a system of a user's is for one."""
    if count is None or not equation.for_one:
        return function(equation, *values)
    leaves, tree = jax.tree.flatten((equation, *values))

    def one(*leaves: Any) -> Any:
        return function(*jax.tree.unflatten(tree, leaves))

    axes = [0 if jnp.ndim(leaf) else None for leaf in leaves]
    return jax.vmap(one, in_axes=axes, axis_size=count)(*leaves)


class KeptStates(NamedTuple):
    """States kept after the initial one, components (S,) or (S, N), and the outcome."""

    m: Any
    """As a tree of the form of the task's `m0`."""
    code: Any
    """An `Outcome` as an integer."""
    bad_step: Any
    """Index of the first bad step of the task's, −1 where there is none."""
    engine: str
    reason: str
    stepper: str = ""
    """What took the steps, where it was not the task's stepper."""
    taken: int | None = None
    """Steps that were taken, where the run was interrupted."""


class Engine(eqx.Module):
    """Integrates a task. Engines are frozen values: `XLA()`, `Diffrax(rtol=1e-8)`."""

    @abc.abstractmethod
    def run(self, task: Task) -> KeptStates:
        """Integrate; never raises for a run that goes wrong: the outcome says so."""


def as_arrays(task: Task) -> Task:
    """Every float of the task in the default float type, so that new values do not compile anew."""
    dtype = jnp.result_type(float)

    def convert(leaf: Any) -> Any:
        is_float = isinstance(leaf, float) or (hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating))
        return jnp.asarray(leaf, dtype) if is_float else leaf

    return jax.tree.map(convert, task)


def outcome_of(m: Any, bad_step: Any) -> Any:
    """The `Outcome`, as an integer, of states (S, …) whose first bad step has an index (−1: none)."""
    finite = jnp.stack([jnp.isfinite(component[-1:]).all() for component in jax.tree.leaves(m)]).all()
    failed = jnp.where(finite, int(Outcome.TOO_COARSE), int(Outcome.NON_FINITE))
    return jnp.where(bad_step < 0, int(Outcome.FINISHED), failed)


def unit_normals(task: Task, index: Any) -> dict[str, Any]:
    """The random numbers of a step, by name, held for all its stages; none without noise."""
    if task.noise is None:
        return {}
    lane = jnp.zeros((), jnp.uint32) if task.count is None else jnp.arange(task.count, dtype=jnp.uint32)
    names, words = task.equation.normals, (task.noise.key0, task.noise.key1, lane, index.astype(jnp.uint32))
    return dict(zip(names, many_normals(*words, task.dtype, len(names)), strict=True))


def in_pieces(run: Callable[[Task], tuple[Any, Any]], task: Task) -> tuple[Any, Any]:
    """States kept (S, …) and the first bad step of a grid, by a function of grids of equal steps."""
    m0, kept, bad, before = task.m0, [], jnp.asarray(-1, jnp.int32), 0
    for piece in task.grid.pieces:
        m, late = run(eqx.tree_at(lambda t: t.m0, dataclasses.replace(task, grid=piece), m0))
        kept += [m] if piece.kept else []
        bad = jnp.where((bad < 0) & (late >= 0), before + late, bad)
        before += piece.steps
        m0 = jax.tree.map(lambda c, now: c[-1] if c.shape[0] else now, m, m0)
    return kept[0] if len(kept) == 1 else jax.tree.map(lambda *parts: jnp.concatenate(parts), *kept), bad
