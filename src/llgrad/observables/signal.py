"""What an observable looks at: evenly spaced samples of a signal, from a simulated run, a lab trace or an array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.arrays import array_of, is_foreign
from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import is_concrete
from llgrad.core.speed.namespace import namespace
from llgrad.core.trajectory import SystemSignal, SystemTrajectory, Trajectory
from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.sampled import is_even

FEWEST_SAMPLES: Final = 8
ROUNDED: Final = 64
"""A unit vector at rest still moves by so many units of its last digit: each step is rounded, and so is its length."""


@runtime_checkable
class HasColumns(Protocol):
    """A table of samples with its times, as `datasets.Trace` is."""

    t: Any
    columns: Any
    units: Any


Source = Trajectory | SystemTrajectory | SystemSignal | HasColumns | jax.Array | np.ndarray | Sequence[float]
"""What an observable takes: a run, a signal of one, a trace, or samples (…, T), time last."""


class SampledSignal(NamedTuple):
    """Evenly spaced samples: `values` (…, T), time last; `dt` [s]; `start`, the time of the first sample [s]."""

    values: Any
    dt: Any
    start: Any
    rounding: float = 0.0
    """What varies less than this from peak to peak is at rest: rounding of a unit vector, beside that of the values."""


def signal_of(source: Any, dt: Any = None) -> SampledSignal:
    """The signal of a source, for an array of N oscillators (N, T).

    A `Trajectory` gives m·p, the component along the polariser, which is what a junction sees; a run of a `System` its
    only signal, or the one that is chosen by `run.signal(name)`; a `Trace` gives its only column (unevenly spaced
    samples are brought to an even grid by a cubic spline); an array (…, T), with time along the last axis, needs `dt`,
    the time between samples in seconds.

    Raises ValueError for a missing, superfluous or impossible `dt`, fewer than 8 samples, a value that is not finite,
    and a signal that does not change.
    """
    if isinstance(source, (Trajectory, SystemTrajectory, HasColumns)) and dt is not None:
        raise ValueError(f"dt = {dt} is superfluous: a {type(source).__name__} knows its times; leave it out")
    if isinstance(source, Trajectory):
        return _checked(_of_run(source))
    if isinstance(source, (SystemTrajectory, SystemSignal)):
        return _checked(_of_system(source))
    if isinstance(source, HasColumns):
        return _checked(_of_trace(source))
    source = array_of(source) if is_foreign(source) else source
    if isinstance(source, (str, bytes)) or not isinstance(source, (jax.Array, np.ndarray, Sequence)):
        check_kind("source", source, (Trajectory, jax.Array), "give a run, a trace, or samples with dt")
    if dt is None:
        raise ValueError("an array of samples needs dt, the time between two samples in seconds (1 ps is 1e-12)")
    if is_concrete(dt) and not 0 < float(dt) < np.inf:
        raise ValueError(f"dt = {dt} is out of range; expected a positive time in seconds (1 ps is 1e-12)")
    values = source if isinstance(source, jax.Array) else np.asarray(source)
    if values.dtype.kind != "f":
        values = values.astype(float)
    return _checked(SampledSignal(values, dt, 0.0))


def each_run(function: Callable[..., Any], run: Trajectory, *others: Any) -> Any:
    """`function(run, *others)`, or, for a run that `vmap` made of many, the same of each of them: (batch…, …)."""
    if np.ndim(run.t) <= 1:
        return function(run, *others)
    return eqx.filter_vmap(lambda single: each_run(function, single, *others))(run)


def device_of(run: Trajectory) -> Oscillator:
    """The oscillator of a run, or the record of the N oscillators of an array."""
    return run.model.oscillator if isinstance(run.model, OscillatorArray) else run.model


def cosine(run: Trajectory) -> Any:
    """m·p, (T,) or (T, N), of one run."""
    polariser = device_of(run).polariser
    xp = namespace(run.m, polariser)
    m = Vec3(*(xp.asarray(run.m)[..., axis] for axis in range(3)))
    return m.dot(jax.tree.map(lambda component: per_oscillator(component, m.x), polariser))


def per_oscillator(leaf: Any, like: Any) -> Any:
    """A leaf () or (N,), or samples (T,), in the dtype and rank of `like`, (T,) or (T, N)."""
    leaf = (jnp if isinstance(like, jax.Array) else np).asarray(leaf, like.dtype)
    if leaf.ndim in (0, like.ndim):
        return leaf
    return leaf[None, :] if leaf.shape[0] == like.shape[-1] else leaf[:, None]


def _check_even(run: Trajectory | SystemSignal) -> None:
    """Raise ValueError for a run whose saved times are not evenly spaced."""
    length = np.shape(run.t)[-1]
    if length > 1 and is_concrete(run.t) and not is_even(np.asarray(run.t).reshape(-1, length)[0]):
        raise ValueError(
            "the saved times of this run are not evenly spaced; save every k-th step to look at its signal"
        )


def _of_system(source: SystemTrajectory | SystemSignal) -> SampledSignal:
    signal = source if isinstance(source, SystemSignal) else source.signal()
    _check_even(signal)
    known = is_concrete(signal.values) and signal.values.size
    largest = float(np.abs(np.asarray(signal.values)).max()) if known else 0.0
    rounding = ROUNDED * float(jnp.finfo(signal.values.dtype).eps) * largest
    values = namespace(signal.values).moveaxis(signal.values, np.ndim(signal.t) - 1, -1)
    return SampledSignal(values, signal.dt, namespace(signal.t).asarray(signal.t).reshape(-1)[0], rounding)


def _of_run(run: Trajectory) -> SampledSignal:
    _check_even(run)
    values = each_run(cosine, run)
    values = namespace(values).moveaxis(values, np.ndim(run.t) - 1, -1)
    start = namespace(run.t).asarray(run.t).reshape(-1)[0]
    return SampledSignal(values, run.dt, start, ROUNDED * float(jnp.finfo(values.dtype).eps))


def _of_trace(trace: HasColumns) -> SampledSignal:
    if len(trace.columns) != 1:
        names = ", ".join(trace.columns)
        raise ValueError(
            f"the trace has the columns {names}, expected one; "
            f"choose it first, as in trace.select({names.split(', ')[0]!r})"
        )
    (values,) = trace.columns.values()
    t = np.asarray(trace.t)
    dt = float((t[-1] - t[0]) / (t.size - 1))
    if not is_even(t):
        import scipy.interpolate  # slow to import, and rarely needed

        values = scipy.interpolate.CubicSpline(t, values)(np.linspace(t[0], t[-1], t.size))
    return SampledSignal(np.asarray(values), dt, float(t[0]))


def _checked(signal: SampledSignal) -> SampledSignal:
    shape = np.shape(signal.values)
    if not shape or shape[-1] < FEWEST_SAMPLES:
        raise ValueError(
            f"a signal of shape {shape} is too short: "
            f"expected at least {FEWEST_SAMPLES} samples along the last axis, which is time"
        )
    if not is_concrete(signal.values):
        return signal
    values = np.asarray(signal.values)
    if (bad := np.argwhere(~np.isfinite(values))).size:
        raise ValueError(
            f"sample {bad[0][-1]} of the signal is {values[tuple(bad[0])]}, "
            "expected finite numbers; remove or mend it first"
        )
    spread, size = np.ptp(values, axis=-1), np.max(np.abs(values), axis=-1)
    if np.all(spread <= 16 * np.finfo(values.dtype).eps * size):
        raise ValueError(
            f"the signal is constant ({float(values.flat[0]):g}): nothing oscillates; "
            "is the device below its threshold?"
        )
    return signal
