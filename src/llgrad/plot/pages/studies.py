"""A study on one page: populations, wafer maps, distributions, correlations, outliers, failures."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.units import show, show_with_error
from llgrad.plot.pages.html import heat_table, page, picture, section, sentences, table
from llgrad.plot.populations.distributions import distributions
from llgrad.plot.populations.wafers import is_placed, wafer
from llgrad.studies.result import Study

PARTS: Final = {
    "populations": "Populations",
    "wafer": "Wafer",
    "distributions": "Distributions",
    "correlations": "Correlations",
    "outliers": "Outliers",
    "failures": "Failures",
    "record": "Record",
}
"""Anchor and heading of each section, in order."""
MOST: Final = 200
"""Rows of a table on the page; all are in the study's own table."""


def study_page(found: Study, *, heading: str = "") -> str:
    """The page as HTML. It loads nothing: pictures and style are inside; `save_report` writes it.

    Args:
        found: what `lg.studies.study` found.
        heading: of the page; by default the kind of the study and its folder.

    >>> import llgrad as lg
    >>> work = lg.studies.Evaluations(lambda n: {"f": 1e9 * n}, [{"n": n} for n in range(9)], described={"f": "Hz"})
    >>> text = lg.plot.study_page(lg.studies.study(work, "demo", workers=0))
    >>> lg.plot.save_report(text, "demo.html")
    """
    check_kind("found", found, Study, "give what lg.studies.study found")
    heading = heading or f"{found.record['kind'].capitalize()} of {found.folder.name}"
    contents = {
        "populations": [*_populations(found)],
        "wafer": [*_wafer(found)],
        "distributions": [*_distributions(found)],
        "correlations": [*_correlations(found)],
        "outliers": [*_outliers(found)],
        "failures": [*_failures(found)],
        "record": [*_record(found)],
    }
    contents = {name: parts for name, parts in contents.items() if parts}
    good, failed = int(found.good.sum()), len(found.failures)
    badge = f'<span class="badge{" bad" if failed else ""}">{good} of {len(found)} good</span>'
    links = "".join(f'<a href="#{name}">{PARTS[name]}</a>' for name in contents)
    top = f"<header><h1>{escape(heading)} {badge}</h1>{sentences(found.counts())}<nav>{links}</nav></header>"
    return page(heading, [top, *(section(name, PARTS[name], *parts) for name, parts in contents.items())])


def _populations(found: Study) -> Iterator[str]:
    populations, rows = found.populations, []
    for name, unit in found.units.items():
        values, _ = found.numbers(name)
        values = values[np.isfinite(values)]
        if not values.size:
            continue
        middle = show(float(f"{np.median(values):.6g}"), unit)
        if name not in populations:
            scatter = show(float(f"{np.std(values):.4g}"), unit)
            rows.append([name, show(float(f"{np.mean(values):.6g}"), unit), "", scatter, middle, str(values.size)])
            continue
        one = populations[name]
        known = np.isfinite(one.spread_error)
        spread = show_with_error(one.spread, one.spread_error, unit) if known else show(one.spread, unit)
        observed = show(float(f"{one.observed:.4g}"), unit)
        mean = show_with_error(one.mean, one.mean_error, unit)
        rows.append([name, mean, spread, observed, middle, str(one.members)])
    if rows:
        yield table(
            "population-table", ["", "mean", "spread of the devices", "spread as found", "median", "rows"], rows
        )
    if populations:
        yield (
            '<p class="soft">The spread of the devices is that of the true values: the standard errors of the '
            "measurements are taken out (REML estimate of x ~ N(μ, τ² + σ²)).</p>"
        )


def _wafer(found: Study) -> Iterator[str]:
    if not is_placed(found):
        return
    for name in found.units:
        if np.isfinite(found.numbers(name)[0]).any():
            yield picture(f"wafer-{name}", wafer(found, name), f"{name} of every device at its place.")


def _distributions(found: Study) -> Iterator[str]:
    if any(np.isfinite(found.numbers(name)[0]).any() for name in found.units):
        words = "Values as found; the line is the distribution of the true values, where the errors are known."
        yield picture("distribution-picture", distributions(found), words)


def _correlations(found: Study) -> Iterator[str]:
    names, between = found.correlations()
    if between is not None:
        yield heat_table("correlation-table", names, between.matrix.tolist(), between.errors.tolist())
        yield (
            f'<p class="soft">Between the true values of {between.members} devices: {found.errors_told} (REML estimate '
            "of x ~ N(μ, T + S)). Their standard errors stand below; “edge” where what was found is no wider than the "
            "errors allow.</p>"
        )


def _outliers(found: Study) -> Iterator[str]:
    rows = [
        [name, ", ".join(f"{column} ({far:+.1f} robust standard deviations)" for column, far in columns.items())]
        for name, columns in found.outliers.items()
    ]
    if rows:
        yield table("outlier-table", ["", "far from the median"], rows[:MOST])
        yield from _more(rows)


def _failures(found: Study) -> Iterator[str]:
    rows = [[name, sentence] for name, sentence in found.failures.items()]
    columns = found.table.column_names
    if "explanation" in columns:
        told = zip(found.names, found.good.tolist(), found.table["explanation"].to_pylist(), strict=True)
        rows += [[name, sentence] for name, good, sentence in told if not good and sentence]
    if rows:
        yield table("failure-table", ["", "why it has no number, or none that means anything"], rows[:MOST])
        yield from _more(rows)


def _more(rows: list[list[str]]) -> Iterator[str]:
    if len(rows) > MOST:
        yield f'<p class="soft">The first {MOST} of {len(rows)}; the table of the study has all.</p>'


def _record(found: Study) -> Iterator[str]:
    record = found.record
    words = [f"llgrad {record['llgrad']}, jax {record['jax']}, {record['platform']}; begun {record['created']}"]
    words += [f"command: {record['command']}"] if record["command"] else []
    yield "".join(f'<p class="soft">{escape(one)}</p>' for one in words)
