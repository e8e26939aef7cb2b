"""A simulated run or a recorded trace as what a picture needs: times, named columns, units."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

UNITS = {"voltage": "V"}


class Columns(NamedTuple):
    """Times [s] (T,), and columns (T,) or (T, N) by their names."""

    t: np.ndarray
    values: dict[str, np.ndarray]

    def unit(self, name: str) -> str:
        """SI unit of a column, empty for a component of the magnetisation."""
        return UNITS.get(name, "")


def columns_of(source: Any) -> Columns:
    """The columns of a Trajectory (mx, my, mz) or of a Trace (those that it has).

    Raises ValueError for anything else, and for a batch of runs.
    """
    if hasattr(source, "columns"):
        return Columns(np.asarray(source.t, float), {name: np.asarray(c, float) for name, c in source.columns.items()})
    if not hasattr(source, "m"):
        raise ValueError(f"expected a Trajectory or a Trace, got {type(source).__name__}")
    t, m = np.asarray(source.t, float), np.asarray(source.m, float)
    if m.ndim not in (2, 3) or t.ndim != 1 or m.shape[0] != t.size:
        raise ValueError(f"m has the shape {m.shape}, expected (T, 3) or (T, N, 3); plot one run of a batch at a time")
    return Columns(t, {f"m{axis}": m[..., i] for i, axis in enumerate("xyz")})
