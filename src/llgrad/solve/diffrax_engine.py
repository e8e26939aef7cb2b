"""The Diffrax engine: the same equation by an adaptive solver, with an error that the user sets.

The only file that imports diffrax. For checking a fixed step, and for runs whose rates differ by orders of magnitude.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import as_count
from llgrad.core.status import Outcome
from llgrad.solve.task import Engine, KeptStates, Task, as_arrays, unit_normals

LONGEST_DRIVEN_STEP: Final = 20
"""Longest adaptive step of a driven run, in steps of the grid: a short pulse is not stepped over."""

SHORTEST_STEP: Final = 1e-6
"""Adaptive step, in steps of the grid, below which a run counts as non-finite."""


class Diffrax(Engine):
    """An adaptive solve by diffrax. The stepper and dt of `simulate` are not used: dt only places the saved times.

    Nothing is projected: |m| stays 1 within the tolerance, so it measures the error. With noise the solver is diffrax's
    Heun on the fixed grid, with the same thermal field as every engine: it agrees to rounding with `XLA()` and
    `Heun(project=False)`.

    Args:
        solver: a diffrax solver of ordinary differential equations with an error estimate.
        rtol, atol: tolerances of a step; not taken finer than 50 units in the last place of the float type. Reverse
            mode recomputes the steps, whose lengths follow the error estimate and, below 1e-10, its rounding: gradients
            are then right to about 1e-7 only. Forward mode is not concerned.
        max_steps: largest number of steps, accepted and rejected; beyond it the status says so.
        adjoint: how derivatives are taken. `DirectAdjoint` has forward and reverse mode;
            `diffrax.RecursiveCheckpointAdjoint()` (reverse mode only) and `diffrax.ForwardMode()` are faster.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12, engine=lg.solvers.Diffrax(rtol=1e-5))
    >>> run.stats.engine, bool(abs((run.m**2).sum(-1) - 1).max() < 1e-3)
    ('Diffrax', True)
    """

    solver: diffrax.AbstractSolver = diffrax.Tsit5()
    rtol: float = eqx.field(static=True, default=1e-8)
    atol: float = eqx.field(static=True, default=1e-10)
    max_steps: int = eqx.field(static=True, default=65536, converter=as_count)
    adjoint: diffrax.AbstractAdjoint = diffrax.DirectAdjoint()

    def __check_init__(self) -> None:
        if not (self.rtol > 0 and self.atol > 0):
            raise ValueError(f"rtol = {self.rtol} and atol = {self.atol}, expected positive tolerances such as 1e-8")
        if not isinstance(self.max_steps, int) or self.max_steps < 1:
            raise ValueError(f"max_steps = {self.max_steps!r}, expected a positive number of steps")

    def run(self, task: Task) -> KeptStates:
        task = as_arrays(task)
        if task.grid.steps == 0:
            nothing = jax.tree.map(lambda c: jnp.zeros((0, *c.shape), c.dtype), task.m0)
            return KeptStates(nothing, jnp.asarray(int(Outcome.FINISHED)), jnp.asarray(-1), "Diffrax", "")
        m, code, bad = _integrate(self, task)
        return KeptStates(m, code, bad, "Diffrax", "", "Heun" if task.noise is not None else type(self.solver).__name__)


class _ThermalTerm(diffrax.AbstractTerm):
    """The random numbers of a step as a control with the increment n dt: a rate is linear in its noise."""

    task: Task

    def vf(self, t: Any, y: Any, args: Any) -> Any:
        return y

    def contr(self, t0: Any, t1: Any, **kwargs: Any) -> Any:
        index = jnp.round(t0 / _step_of(self.task)).astype(jnp.int32)
        return {name: number * (t1 - t0) for name, number in unit_normals(self.task, index).items()}

    def prod(self, vf: Any, control: Any) -> Any:
        def slope(random: Any) -> Any:
            return jnp.stack(self.task.slope(list(vf), {}, jnp.zeros((), self.task.dtype), random))

        none = jax.tree.map(jnp.zeros_like, control)
        return jax.jvp(slope, (none,), (control,))[1]


def _packed(state: Any) -> Any:
    """The components of a state as one array (n, …), the state of the solver.

    One array, not many: XLA then recomputes the steps of the reverse pass more often bit by bit as they were.
    """
    return jnp.stack(jax.tree.leaves(state))


def _step_of(task: Task) -> Any:
    """The grid's step [ns]."""
    return jnp.asarray(task.grid.dt * 1e9, task.dtype)


def _slope(task: Task, t: Any, y: Any, args: Any) -> Any:
    """d/dt [1/ns] of the state at the time t [ns], without noise."""
    quiet = eqx.tree_at(lambda one: one.noise, task, None, is_leaf=lambda node: node is None)
    return jnp.stack(quiet.slope(list(y), task.samples(t * 1e-9), t, {}))


@eqx.filter_jit
def _integrate(engine: Diffrax, task: Task) -> tuple[Any, Any, Any]:
    """States kept (S, …), the outcome, and the index of the grid's step in which the run went wrong."""
    grid, h = task.grid, _step_of(task)
    times = jnp.asarray(np.arange(1, grid.saves + 1) * (grid.interval * 1e9), h.dtype)
    begin = jnp.asarray(task.first, h.dtype) * h
    times = begin + times
    terms: Any = diffrax.ODETerm(partial(_slope, task))
    solver, controller, max_steps = engine.solver, _controller(engine, task), engine.max_steps
    if task.noise is not None:
        terms = diffrax.MultiTerm(terms, _ThermalTerm(task))
        solver, controller, max_steps = diffrax.Heun(), diffrax.ConstantStepSize(), grid.steps + 1
    solution = diffrax.diffeqsolve(
        terms,
        solver,
        begin,
        times[-1],
        h,
        _packed(task.m0),
        saveat=diffrax.SaveAt(subs=(diffrax.SubSaveAt(ts=times), diffrax.SubSaveAt(t1=True))),
        stepsize_controller=controller,
        adjoint=engine.adjoint,
        max_steps=max_steps,
        throw=False,
    )
    states: Any = solution.ys
    times_reached: Any = solution.ts
    m = jax.tree.unflatten(jax.tree.structure(task.m0), list(jnp.moveaxis(states[0], 1, 0)))
    t_end = times_reached[1][0]
    finite = jnp.isfinite(states[1]).all()
    failed = jnp.where(
        solution.result == diffrax.RESULTS.max_steps_reached, int(Outcome.TOO_MANY_STEPS), int(Outcome.NON_FINITE)
    )
    good = finite & (solution.result == diffrax.RESULTS.successful)
    bad = jnp.where(good, -1, jnp.floor((t_end - begin) / h).astype(jnp.int32))
    return m, jnp.where(good, int(Outcome.FINISHED), failed), bad


def _controller(engine: Diffrax, task: Task) -> diffrax.AbstractStepSizeController:
    h = _step_of(task)
    finest = 50 * float(jnp.finfo(h.dtype).eps)
    longest = None if task.drive is None else LONGEST_DRIVEN_STEP * h
    return diffrax.PIDController(
        rtol=max(engine.rtol, finest),
        atol=max(engine.atol, finest),
        dtmax=longest,
        dtmin=SHORTEST_STEP * h,
        force_dtmin=False,
    )
