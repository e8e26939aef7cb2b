"""A fit as a function: unbounded parameters in, residuals out.

The device with its free leaves, the drive, the starting state, the recorded trace and the time grid together make one
frozen `Problem`; every method works on its `evaluate`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import get_leaf, is_concrete, leaf_units, set_leaf
from llgrad.core.status import Outcome
from llgrad.core.vector import Vec3
from llgrad.datasets.trace import Trace
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.drive import Drive
from llgrad.fitting.bounds import Bound, default_bound
from llgrad.fitting.measurement import best_line, interpolate, tilt
from llgrad.kernels.steppers import RK4, Stepper
from llgrad.observables.resistance import voltage
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate
from llgrad.solve.start import default_start, start_of
from llgrad.solve.step_size import ANGLE, check_dt, largest_rate, suggest_dt
from llgrad.solve.task import Engine

TILTS = ("m0.polar", "m0.azimuthal")
"""Free parameters of the starting state: its tilts [rad] from the reference state along θ̂ and φ̂."""

FINER = 0.4
"""A fit's step, as a fraction of the suggested one: the integration error must stay below the data's information."""


class Problem(eqx.Module):
    """Residuals of a trace as a function of the unbounded parameters u (p,)."""

    model: Oscillator
    drive: Drive | None
    m0: Vec3
    t: Any
    """Times since the first sample [s], (T,)."""
    data: Any
    """Recorded values, (T, C)."""
    bounds: tuple[Bound, ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    columns: tuple[str, ...] = eqx.field(static=True)
    stepper: Stepper
    engine: Engine | None
    step: float = eqx.field(static=True)
    """Time step [s]."""
    save_every: int = eqx.field(static=True)
    """Steps between samples, or 0 where the samples are uneven and the states are interpolated."""
    duration: float = eqx.field(static=True)
    rate: float = eqx.field(static=True)
    """Largest precession rate γ|B| [rad/s] near the start: the fastest thing to follow."""

    def physical(self, u: Any) -> Any:
        """Physical values (p,) [SI] of the unbounded parameters."""
        return jnp.stack([bound.physical(u[i]) for i, bound in enumerate(self.bounds)])

    def bind(self, values: Any) -> tuple[Oscillator, Drive | None, Vec3]:
        """The device, the drive and the starting state with physical values (p,) put in."""
        model, drive, tilts = self.model, self.drive, [0.0, 0.0]
        for i, name in enumerate(self.names):
            if name in TILTS:
                tilts[TILTS.index(name)] = values[i]
            elif name.startswith("drive."):
                drive = set_leaf(drive, name.removeprefix("drive."), values[i])
            else:
                model = set_leaf(model, name, values[i])
        return model, drive, tilt(self.m0, *tilts) if set(TILTS) & set(self.names) else self.m0

    def predict(self, u: Any, mask: Any) -> tuple[Any, Any]:
        """Predicted columns (T, C) at the trace's times, and whether the run went well."""
        model, drive, m0 = self.bind(self.physical(u))
        every = self.save_every or 1
        run = simulate(
            model, duration=self.duration, dt=self.step, m0=m0, drive=drive, save=Every(every), stepper=self.stepper,
            engine=self.engine, throw=False,
        )  # fmt: skip
        columns = [self._column(run, name) for name in self.columns]
        if not self.save_every:
            columns = [interpolate(column, run.dt, self.t) for column in columns]
        if "voltage" in self.columns and model.junction is None:
            place = self.columns.index("voltage")
            columns[place] = best_line(columns[place], self.data[:, place], mask)
        return jnp.stack(columns, axis=1), run.status.code == Outcome.FINISHED

    def _column(self, run: Any, name: str) -> Any:
        if name != "voltage":
            return run.m[..., "xyz".index(name[-1])]
        if run.model.junction is not None:
            return voltage(run)
        p = run.model.polariser
        return run.mx * p.x + run.my * p.y + run.mz * p.z

    def residuals(self, u: Any, mask: Any) -> tuple[Any, Any]:
        """Predicted minus recorded, (T·C,), zero where `mask` (T,) is False; and whether the run went well."""
        predicted, fine = self.predict(u, mask)
        return jnp.where(mask[:, None], predicted - self.data, 0.0).ravel(), fine


class Evaluation(eqx.Module):
    """Cost Σr², gradient Jᵀr and JᵀJ of a batch of parameter sets: shapes (S,), (S, p), (S, p, p)."""

    cost: Any
    gradient: Any
    curvature: Any


@eqx.filter_jit
def evaluate(problem: Problem, u: Any, mask: Any) -> Evaluation:
    """Value and forward sensitivities of a batch u (S, p): one simulation and p tangents each."""

    def one(u: Any) -> Evaluation:
        def f(u: Any) -> tuple[Any, Any]:
            r, fine = problem.residuals(u, mask)
            return r, (r, fine)

        jacobian, (r, fine) = jax.jacfwd(f, has_aux=True)(u)
        fine = fine & jnp.isfinite(r).all() & jnp.isfinite(jacobian).all()
        return Evaluation(jnp.where(fine, r @ r, jnp.inf), jacobian.T @ r, jacobian.T @ jacobian)

    return jax.vmap(one)(u)


@eqx.filter_jit
def costs(problem: Problem, u: Any, mask: Any) -> Any:
    """Costs Σr² (S,) of a batch u (S, p), without sensitivities: one simulation each."""

    def one(u: Any) -> Any:
        r, fine = problem.residuals(u, mask)
        return jnp.where(fine & jnp.isfinite(r).all(), r @ r, jnp.inf)

    return jax.vmap(one)(u)


@eqx.filter_jit
def jacobian_at(problem: Problem, u: Any) -> tuple[Any, Any, Any]:
    """Residuals (M,), their Jacobian (M, p) with respect to the *physical* values, and the prediction (T, C), at one
    u."""
    mask = jnp.ones(problem.t.shape, bool)
    predicted, _ = problem.predict(u, mask)
    jacobian = jax.jacfwd(lambda u: problem.residuals(u, mask)[0])(u)
    slopes = jnp.diag(jax.jacfwd(problem.physical)(u))
    return (predicted - problem.data).ravel(), jacobian / slopes[None, :], predicted


def make_problem(
    model: Oscillator,
    data: Trace,
    free: Mapping[str, Bound] | Iterable[str],
    *,
    m0: Any = None,
    drive: Drive | None = None,
    dt: float | None = None,
    stepper: Stepper | None = None,
    engine: Engine | None = None,
) -> tuple[Problem, np.ndarray]:
    """The problem, and the starting values (p,) [SI] of its parameters: those of the device, the drive and the tilts.

    Raises ValueError for an unknown parameter, a bound that excludes the start, or too few samples.
    """
    if not isinstance(model, Oscillator):
        raise ValueError(f"a fit needs an Oscillator, got {type(model).__name__}; see llgrad.presets")
    reference, tilts = _reference_state(model, data, m0)
    bounds, starts = _free_parameters(model, drive, free, tilts)
    columns = np.stack([np.asarray(values, dtype=float) for values in data.columns.values()], axis=1)
    if columns.size <= len(bounds):
        raise ValueError(f"the trace has {columns.size} values for {len(bounds)} free parameters; record more samples")
    stepper = stepper or RK4()
    rate = _largest_rate_near(model, drive, dict(zip(bounds, starts, strict=True)))
    if dt is not None:
        check_dt(dt, model, drive, stepper)
    step = dt or min(FINER * ANGLE[stepper.tableau.order] / rate, suggest_dt(model, drive, stepper))
    t = np.asarray(data.t, dtype=float) - float(data.t[0])
    even = bool(data.evenly_spaced)
    save_every = max(1, math.ceil(data.dt / step * (1 - 1e-9))) if even else 0
    model, drive = _with_free_leaves(model, drive, bounds)
    problem = Problem(
        model=model,
        drive=drive,
        m0=jax.tree.map(jnp.asarray, reference),
        t=jnp.asarray(t),
        data=jnp.asarray(columns),
        bounds=tuple(bounds.values()),
        names=tuple(bounds),
        columns=tuple(data.columns),
        stepper=stepper,
        engine=engine,
        step=data.dt / save_every if even else step,
        save_every=save_every,
        duration=data.dt * (t.size - 1) if even else float(t[-1]) + 3 * step,
        rate=rate,
    )
    return problem, np.array(starts)


def _with_free_leaves(model: Oscillator, drive: Drive | None, names: Iterable[str]) -> tuple[Oscillator, Drive | None]:
    """The device and the drive with arrays in place of the free numbers: only these are traced, all others are built
    in."""
    for name in names:
        if name.startswith("drive."):
            drive = set_leaf(drive, name.removeprefix("drive."), jnp.asarray(0.0))
        elif name not in TILTS:
            model = set_leaf(model, name, jnp.asarray(0.0))
    return model, drive


def _reference_state(model: Oscillator, data: Trace, m0: Any) -> tuple[Vec3, tuple[str, ...]]:
    """The state at the first sample, and which of its tilts are fitted as nuisance parameters."""
    if m0 is not None:
        return start_of(model, m0), ()
    if not {"mx", "my", "mz"} <= set(data.columns):
        return default_start(model), ()
    first = np.array([float(data.columns[name][0]) for name in ("mx", "my", "mz")])
    length = float(np.linalg.norm(first))
    if not 0.5 < length < 1.5:
        raise ValueError(
            f"the first sample (mx, my, mz) has the length {length:.3g}, expected about 1; is the trace a unit vector?"
        )
    return Vec3(*(float(c) for c in first / length)), TILTS


def units_of(model: Oscillator, drive: Drive | None) -> dict[str, str]:
    """The unit of everything that can be a free parameter, by its name."""
    of_drive = {f"drive.{path}": unit for path, unit in drive.units().items()} if drive else {}
    return leaf_units(model) | of_drive | dict.fromkeys(TILTS, "rad")


def _free_parameters(
    model: Oscillator, drive: Drive | None, free: Mapping[str, Bound] | Iterable[str], tilts: tuple[str, ...]
) -> tuple[dict[str, Bound], list[float]]:
    units = units_of(model, drive)
    given = dict(free) if isinstance(free, Mapping) else dict.fromkeys([free] if isinstance(free, str) else free)
    if not given:
        raise ValueError("no free parameter: name at least one, such as free=['alpha', 'current', 'field.z']")
    bounds: dict[str, Bound] = {}
    starts: list[float] = []
    for name in (*given, *(name for name in tilts if name not in given)):
        if name not in units:
            raise ValueError(f"unknown parameter {name!r}; the free parameters can be {', '.join(units)}")
        start = (
            0.0 if name in TILTS else get_leaf(drive, name[6:]) if name.startswith("drive.") else get_leaf(model, name)
        )
        if not is_concrete(start) or np.ndim(start):
            raise ValueError(f"{name} = {start!r} is not one number, so it cannot be a free parameter")
        bound = given.get(name) or default_bound(name, units[name], float(start))
        if not bound.contains(float(start)):
            raise ValueError(
                f"the start {name} = {float(start):g} {units[name]} is outside its bound "
                f"({bound.describe(units[name])}); "
                "move the start or widen the bound"
            )
        bounds[name] = bound
        starts.append(float(start))
    return bounds, starts


def _largest_rate_near(model: Oscillator, drive: Drive | None, starts: dict[str, float]) -> float:
    """The largest precession rate [rad/s] at the start and at one and a half times the starting field and current."""
    wider = model
    for name, value in starts.items():
        if name == "current" or name.startswith(("field.", "terms.")):
            wider = set_leaf(wider, name, 1.5 * value)
    return max(largest_rate(model, drive), largest_rate(wider, drive))
