"""`fit_each`: the same fit of many recordings, traces of one shape side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import jax
import numpy as np

from llgrad.core.arguments.kinds import check_kind, wrong_kind
from llgrad.core.status import SimulationError
from llgrad.datasets.trace import Trace
from llgrad.devices.bounds import Bound
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.fitting.arguments import check_search, checked_free
from llgrad.fitting.assembly import as_experiments
from llgrad.fitting.fit import fit
from llgrad.fitting.many.answers import summaries_of
from llgrad.fitting.many.batch import batch_of, shape_of
from llgrad.fitting.many.search import search_lanes
from llgrad.fitting.many.summary import FitSummary, summary_of
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.targets.checks import check_data, check_dependence, check_targets
from llgrad.fitting.targets.experiment import Data, Experiment

OF_EXPERIMENT: Final = ("m0", "drive", "noise", "segment")
OF_BATCHES: Final = {"dt", "stepper", "method"}
"""What of a fit's arguments a batch serves; with others, recordings are fitted one after another."""


def fit_each(
    model: Oscillator | System,
    data: Iterable[Data | Experiment],
    *,
    free: Mapping[str, Bound | None] | Iterable[str],
    progress: Callable[[int], object] | None = None,
    **options: Any,
) -> list[FitSummary | str]:
    """Fit every recording on its own, as `fit` does: many of them side by side.

    Evenly spaced traces of one device, of one length and with the same columns, whose state at the first sample is
    known, share one compiled program: `least_squares` steps (JᵀJ + μ diag JᵀJ) δ = −Jᵀr of dozens of traces at a time,
    the next trace in the place of one that has converged. What this does not explain, and all other recordings, are
    fitted one by one by `fit`. The numbers of a recording are the same bits whatever others it is fitted beside.

    Args:
        model: the device, or a `System`, with the known values and the start of the free ones, as in `fit`.
        data: recordings: traces, tables, spectra, or `Experiment`s of them.
        free: what to find in each, as in `fit`.
        progress: called with the number of recordings that are done.
        options: the other arguments of `fit`.

    Returns:
        for each recording its `FitSummary`, or the sentence that says why it could not be fitted.

    Raises ValueError for a model that is none.

    >>> import llgrad as lg
    >>> device = lg.presets.kubota2013().replace(current=0.6e-3)
    >>> runs = [lg.simulate(device.replace(alpha=a), duration=1e-9, dt=2e-12, m0=(0.6, 0, 0.8)) for a in (0.008, 0.01)]
    >>> found = lg.fitting.fit_each(device, map(lg.trace_of, runs), free=["alpha"])
    >>> [round(one.values["alpha"], 6) for one in found]
    [0.008, 0.01]
    """
    check_kind("model", model, (Oscillator, System), "give (model, data), the device first")
    free = checked_free(free)
    check_search(options.get("method"), options.get("stepper"), options.get("guess"), options.get("starts"))
    if isinstance(data, (str, os.PathLike, Mapping)) or not isinstance(data, Iterable):
        raise ValueError(wrong_kind("data", data, "recordings", "give a list of them, as [lg.read_trace(file), …]"))
    free = dict(free) if isinstance(free, Mapping) else dict.fromkeys([free] if isinstance(free, str) else free)
    told: dict[int, FitSummary | str] = {}
    groups: dict[Any, list[tuple[int, Experiment]]] = {}
    common = {name: options.get(name) for name in OF_EXPERIMENT}
    given = list(data)
    for number, one in enumerate(given):
        try:
            (experiment,) = as_experiments(one, **({} if isinstance(one, Experiment) else common))
        except ValueError as error:
            told[number] = str(error)
            continue
        groups.setdefault(_group(model, experiment, options), []).append((number, experiment))
    for key, members in groups.items():
        alone = [number for number, _ in members]
        if key is not None:
            with jax.enable_x64(True):
                alone = _side_by_side(model, members, free, options, told)  # pyright: ignore[reportArgumentType]
        if progress is not None:
            progress(len(told))
        for number in alone:
            told[number] = _alone(model, given[number], free, options)
            if progress is not None:
                progress(len(told))
    return [told[number] for number in range(len(given))]


def _group(model: Oscillator | System, experiment: Experiment, options: Mapping[str, Any]) -> Any:
    """What the experiments of a batch have in common; None of one that is fitted alone."""
    used = {name for name, value in options.items() if value is not None} - set(OF_EXPERIMENT) - OF_BATCHES
    trace, method = experiment.data, options.get("method")
    if used or not isinstance(model, Oscillator) or not isinstance(trace, Trace) or not trace.evenly_spaced:
        return None
    if experiment.segment is not None or experiment.delay or experiment.bandwidth is not None:
        return None
    if method is not None and not isinstance(method, LevenbergMarquardt):
        return None
    leaves, structure = jax.tree.flatten((experiment.drive, experiment.m0))
    beside = repr((dict(experiment.settings), experiment.noise, experiment.gain, experiment.offset, experiment.apart))
    return shape_of(trace), beside, structure, tuple(np.asarray(leaf, float).tobytes() for leaf in leaves)


def _side_by_side(
    model: Oscillator,
    members: Sequence[tuple[int, Experiment]],
    free: Mapping[str, Bound | None],
    options: Mapping[str, Any],
    told: dict[int, FitSummary | str],
) -> list[int]:
    """Fit the traces of one shape; the numbers of those that are to be fitted alone."""
    kept = []
    for number, experiment in members:
        try:
            check_data(experiment)
        except ValueError as error:
            told[number] = str(error)
            continue
        kept.append((number, experiment))
    if not kept:
        return []
    how = {name: options.get(name) for name in ("dt", "stepper")}
    try:
        batch, failed = batch_of(model, [experiment for _, experiment in kept], free, **how)
        if batch is None:
            return [number for number, _ in kept]
        check_targets(batch.problem, (), free)
        check_dependence(batch.problem, batch.prepared.values, batch.m0[0])
    except ValueError as error:
        told |= {number: str(error) for number, _ in kept}
        return []
    found = search_lanes(batch, options.get("method") or LevenbergMarquardt())
    alone = []
    for place, ((number, _), summary) in enumerate(zip(kept, summaries_of(batch, found, model), strict=True)):
        if place in failed:
            told[number] = failed[place]
        elif summary.converged and summary.explained and (found.mostly[place] or not summary.in_part):
            told[number] = summary
        else:
            alone.append(number)
    return alone


def _alone(model: Any, one: Any, free: Mapping[str, Bound | None], options: Mapping[str, Any]) -> FitSummary | str:
    kept = {
        n: v for n, v in options.items() if v is not None and not (isinstance(one, Experiment) and n in OF_EXPERIMENT)
    }
    try:
        return summary_of(fit(model, one, free=free, **kept))
    except (ValueError, SimulationError) as error:
        return str(error)
