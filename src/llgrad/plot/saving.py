"""A figure to a file, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llgrad.core.arguments.kinds import check_parts, checked_path
from llgrad.core.files import Path, writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".pdf", ".svg")


def save(figure: Figure, path: Path, overwrite: bool = False) -> None:
    """Write a figure as PNG, PDF or SVG, by the ending of `path`; an existing file stays unless `overwrite` is true.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12)
    >>> _ = lg.plot.save(lg.plot.trace(run), "run.svg")
    """
    check_parts("figure", figure, ("savefig",), "a figure of matplotlib, as lg.plot gives them")
    ending = checked_path("path", path).suffix.lower()
    if ending not in FORMATS:
        raise ValueError(f"a picture can be {', '.join(FORMATS)}, got {str(path)!r}; change its ending")
    with writing(path, overwrite) as file:
        figure.savefig(file, format=ending[1:], facecolor="white")
