"""A simulated run or a recorded trace as what a picture needs: times, named columns, units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from llgrad.core.trajectory import SystemSignal, SystemTrajectory, Trajectory
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.observables.signal import HasColumns

UNITS = {"voltage": "V"}
Plotted = Trajectory | SystemTrajectory | SystemSignal | HasColumns
"""What is drawn against time: a run, a signal of one, or a trace."""


class PlottedColumns(NamedTuple):
    """Times [s] (T,), and columns (T,) or (T, N) by their names."""

    t: np.ndarray
    values: dict[str, np.ndarray]
    units: Mapping[str, str] = {}
    """Those that are known; see `unit`."""

    def unit(self, name: str) -> str:
        """SI unit of a column, empty for a pure number, such as a component of the magnetisation."""
        unit = self.units.get(name, UNITS.get(name, ""))
        return "" if unit == "1" else unit


def columns_of(source: Any) -> PlottedColumns:
    """The columns of a Trajectory (mx, my, mz), of a run of a `System` (its outputs, or the components of its state),
    or of a Trace (those that it has).

    Raises ValueError for anything else, and for a batch of runs.
    """
    if isinstance(source, SystemTrajectory):
        return _of_signals(signals_of(source))
    if isinstance(source, SystemSignal):
        return _of_signals([source])
    if hasattr(source, "columns"):
        values = {name: np.asarray(c, float) for name, c in source.columns.items()}
        return PlottedColumns(np.asarray(source.t, float), values, dict(getattr(source, "units", {})))
    if not hasattr(source, "m"):
        raise ValueError(f"expected a Trajectory or a Trace, got {type(source).__name__}")
    t, m = np.asarray(source.t, float), np.asarray(source.m, float)
    if m.ndim not in (2, 3) or t.ndim != 1 or m.shape[0] != t.size:
        raise ValueError(f"m has the shape {m.shape}, expected (T, 3) or (T, N, 3); plot one run of a batch at a time")
    return PlottedColumns(t, {f"m{axis}": m[..., i] for i, axis in enumerate("xyz")})


def signals_of(run: SystemTrajectory) -> list[SystemSignal]:
    """What a picture of a run of a system shows: its outputs, or, where it declares none, the components of its state.

    Raises ValueError for a batch of runs.
    """
    if np.ndim(run.t) != 1:
        raise ValueError(f"t has the shape {np.shape(run.t)}, expected (T,); plot one run of a batch at a time")
    member = run.model.system if isinstance(run.model, SystemArray) else run.model
    known = run.signals
    return [run.signal(name) for name in ([one for one in member.outputs if one in known] or known)]


def _of_signals(signals: list[SystemSignal]) -> PlottedColumns:
    t = signals[0].t
    if np.ndim(t) != 1:
        raise ValueError(f"t has the shape {np.shape(t)}, expected (T,); plot one run of a batch at a time")
    values = {signal.name: np.asarray(signal.values, float) for signal in signals}
    return PlottedColumns(np.asarray(t, float), values, {signal.name: signal.unit for signal in signals})
