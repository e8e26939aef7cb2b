"""The report of a fit: everything that a reader needs to judge it, on one page in one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import jax
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.files import writing
from llgrad.core.record import leaf_units, rows_of
from llgrad.core.run_record import LIBRARIES
from llgrad.core.units import show, show_with_error
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.trace import Trace
from llgrad.devices.system import System
from llgrad.fitting.answers.explanation.sentences import short, shown_r_squared, shown_rms
from llgrad.fitting.answers.profile import Profile
from llgrad.fitting.answers.result import FitResult
from llgrad.fitting.loops.measured import OfLoop
from llgrad.fitting.orbits.tables.table import OrbitTable
from llgrad.fitting.targets.recording import LINE, recorder_path
from llgrad.fitting.targets.starting import form_of, is_start
from llgrad.plot.fits import fit
from llgrad.plot.histories import history
from llgrad.plot.pages.html import heat_table, page, picture, section, sentences, table
from llgrad.plot.pages.pictures import View, correlations, ending, profiles, spectra

PARTS: Final = {
    "parameters": "Parameters",
    "data": "Data and fit",
    "spectra": "Spectra",
    "profiles": "Profiles",
    "quality": "Quality",
    "search": "Search",
    "record": "Record",
}
"""Anchor and heading of each section, in order."""


def report(
    result: FitResult,
    *,
    profiles: Sequence[Profile] = (),
    intervals: Mapping[str, tuple[float, float]] | None = None,
    remark: str = "",
    command: str | None = None,
    source: str | None = None,
) -> str:
    """The page as HTML. It loads nothing: pictures and style are inside.

    Args:
        result: FitResult.
        profiles: what `profile` gave of the parameters that are to have one.
        intervals: what `lg.fitting.intervals` gave: those of 95 % by the likelihood.
        remark: why there are none, where there are none.
        command: the command line that made the fit.
        source: name of the data, for the heading.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> trace = lg.trace_of(lg.simulate(sto, duration=1e-9, dt=2e-12, save=lg.Every(5)))
    >>> result = lg.fit(sto.replace(alpha=0.006), trace, free=["alpha"], dt=2e-12)
    >>> page = lg.plot.report(result)
    >>> page.startswith("<!doctype html>"), "http" in page.split("<body")[0]
    (False, True)
    """
    check_kind("result", result, FitResult, "give what lg.fit gives")
    recordings = zip(result.experiments, result.predictions, result.quality, strict=True)
    views = [View(experiment.data, curve, result.model, (one,)) for experiment, curve, one in recordings]
    labels = [e.label or str(i + 1) for i, e in enumerate(result.experiments)]
    with jax.enable_x64(True):
        contents = {
            "parameters": _parameters(result, profiles, intervals or {}),
            "data": _data(result, views, labels),
            "spectra": _spectra(views, labels),
            "profiles": _profiles(profiles, remark),
            "quality": _quality(result, views, labels),
            "search": _search(result, labels),
            "record": _record(result, command),
        }
    links = "".join(f'<a href="#{name}">{heading}</a>' for name, heading in PARTS.items())
    heading = f"Fit of {', '.join(_searched(result))}" + (f" to {source}" if source else "")
    fine = result.converged and result.explained
    badge = f'<span class="badge{"" if fine else " bad"}">{escape(result.status)}</span>'
    parts = [section(name, PARTS[name], *content) for name, content in contents.items()]
    first = result.explanation
    said = sentences(first, bad=not result.explained) + sentences(one for one in result.verdict if one not in first)
    top = f"<header><h1>{escape(heading)} {badge}</h1>{said}<nav>{links}</nav></header>"
    return page(heading, [top, *parts])


def save_report(text: str, path: str | Path, overwrite: bool = False) -> None:
    """Write a page; the file appears whole or not at all, and an existing one is kept unless `overwrite`.

    >>> import llgrad as lg
    >>> _ = lg.plot.save_report("<!doctype html><p>A page", "fit.html")
    """
    check_kind("text", text, str, "give (text, path), the text as lg.plot.report gives it")
    with writing(path, overwrite) as file:
        file.write_text(text, encoding="utf-8")


def _searched(result: FitResult) -> list[str]:
    line = [recorder_path(result.model, name) for name in LINE]
    return [name for name in result.names if not is_start(name) and name.split("[")[0] not in line]


def _parameters(
    result: FitResult, profiles: Sequence[Profile], intervals: Mapping[str, tuple[float, float]]
) -> Iterable[str]:
    edges = {"95 % by the likelihood": intervals, "95 % by profile": {one.name: one.interval(0.95) for one in profiles}}
    edges = {heading: found for heading, found in edges.items() if found}
    head = ["parameter", result.heading, "relative", *edges, "start", ""]
    rows = []
    for name in result.names:
        value, error, unit = result.values[name], result.errors[name], result.units[name]
        relative = f"{100 * abs(error / value):.2g} %" if np.isfinite(error) and value else "–"
        between = [_interval(value, found[name], unit) if name in found else "" for found in edges.values()]
        start = show(result.start[name], unit) if name in result.start else "profiled"
        rows.append([name, show_with_error(value, error, unit), relative, *between, start, result.remark(name)])
    yield table("parameter-table", head, rows)
    if len(result.names) > 1:
        yield "<h3>Correlations of the errors</h3>"
        yield heat_table("correlation-table", result.names, np.asarray(result.correlation, float).tolist())


def _interval(best: float, edges: tuple[float, float], unit: str) -> str:
    """Where an interval ends, as distances from the best value."""
    if not np.isfinite(edges).any():
        return "open on both sides"
    ends = [f"{sign}{show(float(f'{abs(edge - best):.2g}'), unit)}" if np.isfinite(edge) else f"{sign}∞"
            for sign, edge in zip("−+", edges, strict=True)]  # fmt: skip
    return " / ".join(ends)


def _data(result: FitResult, views: list[View], labels: list[str]) -> Iterable[str]:
    units = leaf_units(result.model)
    for number, (view, label) in enumerate(zip(views, labels, strict=True)):
        if len(views) > 1:
            settings = ", ".join(f"{n} = {show(v, units[n])}" for n, v in result.experiments[number].settings.items())
            yield f"<h3>Experiment {escape(label)}{escape(f': {settings}' if settings else '')}</h3>"
        yield f'<p class="soft">{escape(repr(view.data))}</p>'
        if not isinstance(view.data, Trace):
            words = "Recorded values with their errors (dots), the fit (line), and the residuals."
            yield picture(f"fit-{number + 1}", fit(view), words)
            continue
        yield picture(
            f"fit-{number + 1}", fit(view), "Recorded values (dots), the fitted model (line), and the residuals."
        )
        if (late := ending(view)) is not None:
            yield picture(f"ending-{number + 1}", fit(late), "The last periods of the same trace.")


def _spectra(views: list[View], labels: list[str]) -> Iterable[str]:
    for number, (view, label) in enumerate(zip(views, labels, strict=True)):
        drawn = spectra(view) if isinstance(view.data, Trace) else None
        if drawn is not None:
            words = f"Spectra of experiment {label}" if len(views) > 1 else "Spectra"
            yield picture(f"spectra-{number + 1}", drawn, f"{words}: recorded, fitted, and what is left.")
        elif isinstance(view.data, Trace):
            yield f"<p>Experiment {escape(label)} has no spectrum: it is unevenly sampled, too short or constant.</p>"
        else:
            kind = "a table of frequencies" if isinstance(view.data, FrequencyTable) else "a spectrum itself"
            kind = "a table" if isinstance(view.data, OrbitTable) else kind
            kind = "a measured loop" if isinstance(view.data, OfLoop) else kind
            yield f"<p>Experiment {escape(label)} is {kind}.</p>"


def _profiles(found: Sequence[Profile], remark: str) -> Iterable[str]:
    if not found:
        yield f"<p>{escape(remark or 'No profiles were asked for.')}</p>"
        return
    words = (
        "The lowest χ² where one parameter is held and all others follow (dots), and the parabola of its standard "
        "error (dashed). Where the two part, the interval of the profile is the one to trust."
    )
    yield picture("profile-plots", profiles(found), words)
    if any(not one.settled.all() for one in found):
        yield "<p>At a cross the search for the other parameters had not ended: χ² may be lower there.</p>"


def _quality(result: FitResult, views: list[View], labels: list[str]) -> Iterable[str]:
    head = [
        "experiment",
        "rms of the residuals",
        "noise given",
        "χ² per degree of freedom",
        "R²",
        "autocorrelation",
        "growth",
    ]
    rows = []
    for one, experiment, label in zip(result.quality, result.experiments, labels, strict=True):
        chi2 = "–" if one.chi2_per_freedom is None else f"{one.chi2_per_freedom:.3g}"
        noise = "none: estimated" if experiment.noise is None else short(experiment.noise, one.unit)
        part = "–" if one.r_squared is None else shown_r_squared(one.r_squared)
        growth = "–" if one.growth is None else f"×{one.growth:.2f}"
        rows.append([label, shown_rms(one), noise, chi2, part, f"{one.autocorrelation:.3f}", growth])
    yield table("quality-table", head, rows)
    if any(len(one.columns) > 1 for one in result.quality):
        yield _columns_table(result, labels)
    yield sentences(result.explanation, bad=not result.explained)
    yield (
        '<p class="soft">The autocorrelation is that of neighbouring residuals, near 0 for independent noise. Growth '
        "is given where they are correlated: their rms over that of a fit of the first part alone, near 1 for a wrong "
        "model, and larger for noise in the device or a wrong frequency. Where no noise was given, the standard "
        "errors come from the residuals, and χ² says nothing. R² is the part of what varies in the data that the "
        "model gives: 1 where it gives all, 0 where constants do as well.</p>"
    )
    for number, view in enumerate(views):
        if isinstance(view.data, Trace) and (drawn := correlations(view)) is not None:
            yield picture(f"correlation-{number + 1}", drawn, _band(labels[number] if len(views) > 1 else ""))


def _columns_table(result: FitResult, labels: list[str]) -> str:
    """What each column of each recording leaves."""
    rows = []
    for one, label in zip(result.quality, labels, strict=True):
        for column in one.columns:
            part = "–" if column.r_squared is None else shown_r_squared(column.r_squared)
            rows.append([label, column.name, short(column.rms, column.unit), short(column.spread, column.unit), part])
    head = ["experiment", "column", "rms of the residuals", "rms of the signal about its mean", "R²"]
    return table("columns-table", head, rows)


def _band(label: str) -> str:
    of = f" of experiment {label}" if label else ""
    return f"Autocorrelation of the residuals{of}; grey: where 95 % of those of independent noise lie."


def _search(result: FitResult, labels: list[str]) -> Iterable[str]:
    yield (
        f"<p>{escape(result.method)}: {escape(result.status)}. {result.simulations} simulations (each tangent counted "
        f"as one) in {result.seconds:.2f} s.</p>"
    )
    yield "<h3>Starting states</h3>"
    names, own = [n for n in result.names if is_start(n)], isinstance(result.model, System)
    found = "Found, with its parts as parameters." if own else "Found, with the tilts as parameters."
    yield f'<p class="soft">{found if names else "As given."}</p>'
    rows = [[label, *(_component(c, own) for c in state)] for label, state in zip(labels, result.m0, strict=True)]
    heads = form_of(result.model).names if own else ("m_x", "m_y", "m_z")
    yield table("start-table", ["experiment", *heads], rows)
    if any(row["cost"] is not None for row in result.history):
        yield picture("history", history(result), "The search: sum of squared residuals against the iteration.")


def _component(value: float, own: bool) -> str:
    """Of a unit vector, or of a state of any size."""
    return f"{value:.6g}" if own else f"{value:+.6f}"


def _record(result: FitResult, command: str | None) -> Iterable[str]:
    entry: dict[str, Any] = result.to_json()
    if command:
        yield f'<pre id="command">{escape(command)}</pre>'
    wanted = ["llgrad", "python", *LIBRARIES, "platform", "created", "format", "format_version", "data_hash", "dtype"]
    yield table("record-table", ["entry", "value"], [[name, str(entry[name])] for name in wanted])
    yield f"<h3>The {'system' if isinstance(result.model, System) else 'device'} with the values found</h3>"
    rows = [[path, show(value, unit), about] for path, value, unit, about in rows_of(result.model)]
    yield table("device-table", ["quantity", "value", ""], rows)
    notes = [note for one in result.experiments for note in getattr(one.data, "notes", ())]
    if notes:
        yield "<h3>Notes in the data</h3>"
        yield f"<pre>{escape(chr(10).join(notes))}</pre>"
