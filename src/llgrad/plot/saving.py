"""A figure to a file, whole or not at all."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from llgrad.core.files import Path, writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".pdf", ".svg")


def save(figure: Figure, path: Path, overwrite: bool = False) -> None:
    """Write a figure as PNG, PDF or SVG, by the ending of `path`; an existing file stays unless `overwrite` is true."""
    ending = pathlib.Path(path).suffix.lower()
    if ending not in FORMATS:
        raise ValueError(f"a picture can be {', '.join(FORMATS)}, got {str(path)!r}; change its ending")
    with writing(path, overwrite) as file:
        figure.savefig(file, format=ending[1:], facecolor="white")
