"""`plan`: which current and field to measure next, from the Fisher information of every candidate's trace."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from llgrad.core.arguments.doors import by_door
from llgrad.core.record import get_leaf, leaf_units
from llgrad.datasets.trace import COLUMNS
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.answers.result import FitResult
from llgrad.fitting.answers.uncertainty import Uncertainty, uncertainty
from llgrad.fitting.methods.base import Progress
from llgrad.fitting.planning.information import Recorder, corners, fisher_of
from llgrad.fitting.planning.known import KnownParameters, known_from_result, known_of_device
from llgrad.fitting.planning.result import Candidate, Plan
from llgrad.solve.task import Engine


def plan(
    source: FitResult | KnownParameters | Oscillator,
    settings: Mapping[str, Sequence[float] | np.ndarray],
    *,
    free: Iterable[str] = (),
    duration: float = 20e-9,
    interval: float = 10e-12,
    noise: float | None = None,
    columns: Iterable[str] | None = None,
    settling: float = 60e-9,
    apart: Iterable[str] = (),
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Of all combinations of `settings`, the one whose trace would shrink the worst relative standard error most.

    The information JᵀJ/σ² of a candidate's trace is added to that of what is measured already; the covariance is the
    inverse of the sum. The starting state of a new trace is unknown, and so are the gain and the offset of a voltage
    that the fit found, or of a device without a junction; all are marginalised, and what the fit held is held. Where a
    setting is itself a free parameter, its free part is common to all traces: the change from one trace to the next is
    known (put `apart` what is not). A fit of both traces says so by the drive of the new one: `Experiment(trace,
    drive=Drive(current=Constant(1e-3)))`.

    Args:
        source: a result of `fit`; or a device with free parameters, of which one trace at its own settings, recorded
            likewise, counts as measured.
        settings: values [SI] of each knob: {"current": [1e-3, 2e-3], "field.z": [0.02, 0.2]}.
        free: for a device: the parameters that are unknown, by their paths.
        duration: time [s] that is recorded.
        interval: time [s] between two samples.
        noise: standard deviation of a recorded value; None takes that of the fit.
        columns: any of mx, my, mz, voltage; None takes those of the fit, or mx, my and mz.
        settling: time [s] from the default start of each candidate to its first sample; 0 records the transient.
        apart: free parameters that each new trace has for itself.
        progress: called with a dictionary (stage, fraction).

    Raises:
        ValueError: for an unknown setting or parameter, no noise, or settings none of which can be simulated.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> proposal = lg.fitting.plan(sto, {"current": [2e-3, 3e-3]}, free=["alpha"], duration=1e-9, noise=0.01)
    >>> proposal.best.settings
    {'current': 0.003}
    """
    began = time.perf_counter()
    known = _known(source, free)
    own = tuple(dict.fromkeys([*known.apart, *_check_apart(apart, known)]))
    recorder = _recorder(known, duration, interval, noise, columns, settling)
    grid = _grid(known.model, settings)
    names = tuple(settings)

    def report(fraction: float) -> None:
        if progress is not None:
            progress({"stage": "candidates", "fraction": fraction, "cost": None})

    with jax.enable_x64(True):
        fisher = fisher_of(known, names, _with_own(grid, names, source, known), recorder, engine, report)
    information, fine = fisher.told(known, own)[: len(grid)], fisher.fine[: len(grid)]
    if isinstance(source, Oscillator) and not fisher.fine[-1]:
        raise ValueError("the device's own settings cannot be simulated; check its values")
    measured = fisher.told(known, ())[-1] if isinstance(source, Oscillator) else known.information()
    if not fine.any():
        raise ValueError("no candidate can be simulated: every run becomes non-finite; check the settings")
    before = _sure(known, measured)
    rows = [dict(zip(names, row, strict=True)) for row in grid.tolist()]
    found = [_candidate(known, rows[k], measured + information[k]) for k in np.flatnonzero(fine)]
    return Plan(
        model=known.model,
        names=known.names,
        units=known.units,
        before=before,
        relative=before.errors / known.scale,
        candidates=tuple(sorted(found, key=_order)),
        failed=tuple(rows[k] for k in np.flatnonzero(~fine)),
        recorder=recorder,
        setting_units={name: leaf_units(known.model)[name] for name in names},
        simulations=fisher.simulations,
        seconds=time.perf_counter() - began,
    )


def _known(source: Any, free: Iterable[str]) -> KnownParameters:
    if isinstance(source, (FitResult, KnownParameters)):
        if tuple(free):
            raise ValueError("free= is for a device; the parameters of a fit are those that it had")
        return known_from_result(source) if isinstance(source, FitResult) else source
    return known_of_device(source, free)


def _check_apart(apart: Iterable[str], known: KnownParameters) -> list[str]:
    names = [apart] if isinstance(apart, str) else list(apart)
    if unknown := [name for name in names if name not in known.names]:
        raise ValueError(f"apart = {unknown[0]!r} is not free; the free parameters are {', '.join(known.names)}")
    if len(names) == len(known.names):
        raise ValueError("every parameter is apart: then a new trace tells nothing of the old ones")
    return names


def _recorder(
    known: KnownParameters, duration: float, interval: float, noise: float | None, columns: Any, settling: float
) -> Recorder:
    if not (0 < interval < duration < 1e-3) or not 8 <= duration / interval <= 1e6:
        raise ValueError(
            f"duration = {duration:g} s with a sample every {interval:g} s, expected 8 to a million samples; both are "
            "in seconds: 20 ns is 20e-9"
        )
    if not 0 <= settling < 1e-3:
        raise ValueError(f"settling = {settling:g} s, expected a time in seconds, zero or more, such as 60e-9")
    chosen = known.columns if columns is None else tuple([columns] if isinstance(columns, str) else columns)
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"columns = {', '.join(chosen)}: one comes twice, and would count as two recordings of it")
    if unknown := [name for name in chosen if name not in COLUMNS]:
        raise ValueError(f"a trace has no column {unknown[0]!r}; it can hold {', '.join(COLUMNS)}")
    sigma = known.noise if noise is None and chosen == known.columns else noise
    if sigma is None:
        option = by_door("noise=…", "--noise …")
        raise ValueError(
            f"a plan needs the noise of a recorded value; give {option}, such as 0.01 for a component of m"
        )
    if not 0 < sigma < np.inf:
        raise ValueError(f"noise = {sigma:g}, expected a positive standard deviation")
    return Recorder(duration, interval, float(sigma), chosen, settling, known.gain)


def _grid(model: Oscillator, settings: Mapping[str, Sequence[float] | np.ndarray]) -> np.ndarray:
    """All combinations (K, settings), each checked at the edges."""
    units = leaf_units(model)
    if not isinstance(settings, Mapping) or not settings or not all(_is_list(values) for values in settings.values()):
        raise ValueError("a plan needs at least one setting with values, such as {'current': [1e-3, 2e-3]}")
    if unknown := [name for name in settings if name not in units]:
        raise ValueError(f"unknown setting {unknown[0]!r}; it can be {', '.join(units)}")
    grid = np.array(list(itertools.product(*settings.values())), dtype=float)
    if not np.isfinite(grid).all():
        raise ValueError("a setting is not a finite number")
    corners(model, settings)
    return grid


def _is_list(values: Any) -> bool:
    """Whether these are one value or more of a setting, in SI."""
    array = np.asarray(values)
    return array.ndim == 1 and array.size > 0 and array.dtype.kind in "fiu"


def _with_own(grid: np.ndarray, names: tuple[str, ...], source: Any, known: KnownParameters) -> np.ndarray:
    """The grid; with a device's own settings as the last row, the trace that counts as measured."""
    if not isinstance(source, Oscillator):
        return grid
    return np.vstack([grid, [float(get_leaf(known.model, name)) for name in names]])


def _candidate(known: KnownParameters, settings: dict[str, float], information: np.ndarray) -> Candidate:
    sure = _sure(known, information)
    return Candidate(settings, sure, sure.errors / known.scale)


def _sure(known: KnownParameters, information: np.ndarray) -> Uncertainty:
    """Errors, correlations and verdict of an information on relative changes, by way of its square root."""
    eigenvalues, vectors = np.linalg.eigh((information + information.T) / 2)
    root = np.sqrt(np.maximum(eigenvalues, 0.0))[:, None] * vectors.T
    return uncertainty(known.names, known.values, root / known.scale)


def _order(candidate: Candidate) -> tuple[int, float]:
    finite = np.isfinite(candidate.relative)
    return int((~finite).sum()), float(candidate.relative[finite].max(initial=0.0))
