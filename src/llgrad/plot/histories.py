"""The picture of a search: cost against iteration, stage by stage."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from llgrad.core.arguments.kinds import check_parts
from llgrad.fitting.answers.result import FitResult
from llgrad.plot.style import figure, in_order, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def history(result: FitResult) -> Figure:
    """The cost Σr² of a fit (sum of squared residuals) against the iteration, one colour for each stage of the search.

    Args:
        result: FitResult.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> trace = lg.trace_of(lg.simulate(sto, duration=1e-9, dt=2e-12, save=lg.Every(5)))
    >>> result = lg.fit(sto.replace(alpha=0.006), trace, free=["alpha"], dt=2e-12)
    >>> lg.plot.history(result).axes[0].get_yscale()
    'linear'
    """
    check_parts("result", result, ("history",), "the FitResult that lg.fit gives")
    rows = [row for row in result.history if row["cost"] is not None]
    if not rows:
        raise ValueError("this result has no history to draw")
    with figure(4.2) as drawn:
        axes = drawn.subplots()
        start, stages = 0, [(stage, list(part)) for stage, part in groupby(rows, key=lambda row: row["stage"])]
        for number, (stage, part) in enumerate(stages):
            x = range(start, start + len(part))
            colour = in_order(number, len(stages))
            marker = "o" if len(part) < 60 else None
            axes.plot(x, [row["cost"] for row in part], marker=marker, markersize=3.5, color=colour, label=stage)
            start += len(part)
        if all(row["cost"] > 0 for row in rows):
            axes.set_yscale("log")
        axes.set_xlabel("iteration")
        axes.set_ylabel("cost: sum of squared residuals")
        axes.locator_params(axis="x", integer=True)
        title(axes, "Search" if len(stages) == 1 else "Search: a longer window has more residuals to sum")
        if len(stages) > 1:
            drawn.legend(loc="outside right upper")
    return drawn
