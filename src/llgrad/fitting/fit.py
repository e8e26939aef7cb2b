"""`fit`: convert, check, search, and say how sure the answer is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import jax
import numpy as np

from llgrad.datasets.trace import Trace
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.drive import Drive
from llgrad.fitting.bounds import Bound
from llgrad.fitting.methods.base import Method, Progress, Search
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.problem import TILTS, Problem, jacobian_at, make_problem, units_of
from llgrad.fitting.result import FitResult
from llgrad.fitting.starts import Starts, draw_starts
from llgrad.fitting.uncertainty import uncertainty
from llgrad.kernels.steppers import Stepper
from llgrad.solve.task import Engine

UNFINISHED: Final = "the search ended before it converged: the standard errors hold at a minimum only"


def fit(
    model: Oscillator,
    data: Trace,
    *,
    free: Mapping[str, Bound] | Iterable[str],
    method: Method = LevenbergMarquardt(),
    starts: Starts = Starts(),
    key: Any = None,
    m0: Any = None,
    drive: Drive | None = None,
    dt: float | None = None,
    stepper: Stepper | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> FitResult:
    """Find parameters of a device, its drive and its starting state from a recorded trace, by least squares.

    Computes in float64 whatever the process default is. The starting values are those of `model` and `drive`.

    Args:
        model: the device, with the known values, and the start of the free ones.
        data: the recorded trace; its columns (any of mx, my, mz, or voltage) are what is fitted. A voltage of a device
            without a junction is fitted up to an unknown gain and offset.
        free: what to find, by the path of the leaf ("alpha", "current", "field.z", "drive.current.amplitude"), each
        with
            its bound: `positive()`, `between(low, high)`, `unbounded(scale)`; or the names alone.
        method: `LevenbergMarquardt()`, `GradientDescent()` (the paper's way) or `GridSearch()`.
        starts: `Starts(count, spread)` draws more starts around the given one; all run in one batch and the best is
        kept.
        key: a `jax.random.key` for the starts.
        m0: state at the first sample, (3,). None takes the first row where mx, my and mz are all recorded, and fits its
            tilts as nuisance parameters ("m0.polar", "m0.azimuthal"); else the device's default start.
        dt: time step [s]; None chooses it from the fields.
        progress: called with a dictionary (stage, iteration, cost, fraction) after each iteration.

    Raises:
        ValueError: for an unknown parameter, a bound that excludes the start, too few samples, or a start that cannot
            be simulated.
    """
    began = time.perf_counter()
    with jax.enable_x64(True):
        problem, values = make_problem(model, data, free, m0=m0, drive=drive, dt=dt, stepper=stepper, engine=engine)
        u = draw_starts(problem, values, starts, key)
        found = method.search(problem, u, progress)
        _check_simulated(problem, u, found)
        return _result(problem, values, found, method, model, drive, data, began)


def _check_simulated(problem: Problem, u: np.ndarray, found: Search) -> None:
    """Raise ValueError where no start could be simulated."""
    if np.isfinite(found.cost).any():
        return
    values = np.asarray(problem.physical(u[0]))
    listed = [f"{name} = {value:g}" for name, value in zip(problem.names, values, strict=True) if name not in TILTS]
    raise ValueError(
        f"the start ({', '.join(listed)}) cannot be simulated: the run is not finite; choose another start or a "
        "smaller dt"
    )


def _result(
    problem: Problem,
    start: np.ndarray,
    found: Search,
    method: Method,
    model: Oscillator,
    drive: Drive | None,
    data: Trace,
    began: float,
) -> FitResult:
    best = int(np.argmin(found.cost))
    u = found.u[best]
    values = np.asarray(problem.physical(u))
    residuals, jacobian, predicted = (np.asarray(part) for part in jacobian_at(problem, u))
    sure = uncertainty(problem.names, values, residuals, jacobian)
    units = units_of(model, drive)
    device, _, m0 = problem.bind(values)
    names = problem.names
    many = f", best of {len(found.u)} starts" if len(found.u) > 1 else ""
    return FitResult(
        values={n: float(v) for n, v in zip(names, values, strict=True)},
        errors={n: float(e) for n, e in zip(names, sure.errors, strict=True)},
        units={n: units[n] for n in names},
        start={n: float(v) for n, v in zip(names, start, strict=True)},
        at_bound={n: b.at_edge(float(v)) for n, b, v in zip(names, problem.bounds, values, strict=True)},
        status=("converged" if found.converged[best] else "ended before it converged") + many,
        converged=bool(found.converged[best]),
        verdict=sure.verdict if found.converged[best] else (*sure.verdict, UNFINISHED),
        names=names,
        correlation=sure.correlation,
        noise=sure.noise,
        history=found.history,
        simulations=found.simulations,
        seconds=time.perf_counter() - began,
        method=type(method).__name__,
        model=jax.tree.map(float, device),
        m0=(float(m0.x), float(m0.y), float(m0.z)),
        data=data,
        prediction={name: predicted[:, i] for i, name in enumerate(problem.columns)},
    )
