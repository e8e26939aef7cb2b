"""A trace: what an oscilloscope, or a simulation, gives of one oscillator in the course of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import equinox as eqx
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.trajectory import SystemTrajectory, Trajectory
from llgrad.core.units import show
from llgrad.devices.system import System
from llgrad.drives.sampled import is_even
from llgrad.observables.resistance import voltage

COLUMNS: Final[dict[str, str]] = {"mx": "1", "my": "1", "mz": "1", "voltage": "V"}
"""What a trace can hold, with its unit."""


class Trace(eqx.Module):
    """Samples of one oscillator: increasing times `t` (T,) in seconds and columns (T,) in SI units, NumPy float64.

    The columns are any of mx, my, mz (components of the unit vector m) and voltage [V], and those of a `System` whose
    `units` are given by their names. Times may be unevenly spaced.

    Raises ValueError for a column without a unit, different lengths, fewer than two samples, a number that is not
    finite, a time that does not increase.

    >>> trace = Trace([0.0, 1e-11, 2e-11], {"mx": [1.0, 0.9, 0.7], "mz": [0.0, 0.1, 0.2]})
    >>> trace
    Trace: mx, mz; 3 samples from 0 s to 20 ps, every 10 ps
    >>> trace.select("mz").columns["mz"].tolist()
    [0.0, 0.1, 0.2]
    """

    t: np.ndarray
    columns: dict[str, np.ndarray]
    notes: tuple[str, ...] = eqx.field(static=True)
    understood: tuple[str, ...] = eqx.field(static=True)
    """How the file was understood that this was read from."""
    own: tuple[tuple[str, str], ...] = eqx.field(static=True)
    """Names and units of the columns that are a system's."""

    def __init__(
        self,
        t: Any,
        columns: Mapping[str, Any],
        notes: tuple[str, ...] = (),
        understood: tuple[str, ...] = (),
        units: Mapping[str, str] | None = None,
    ):
        self.t = _own_copy(t)
        given = dict(units or {})
        if strange := [name for name in given if name not in columns]:
            raise ValueError(f"units names {strange[0]!r}, which is no column; there are {', '.join(columns)}")
        if wrong := [name for name, unit in given.items() if COLUMNS.get(name, unit) != unit]:
            raise ValueError(f"the column {wrong[0]} is in {COLUMNS[wrong[0]]}, and units has it in {given[wrong[0]]}")
        self.own = tuple((name, given[name]) for name in columns if name in given and name not in COLUMNS)
        self.columns = {name: _own_copy(values) for name, values in columns.items()}
        self.notes = tuple(notes)
        self.understood = tuple(understood)

    def __check_init__(self) -> None:
        if unknown := [name for name in self.columns if name not in self._known]:
            raise ValueError(
                f"a trace has no column {unknown[0]!r}; it can hold {', '.join(COLUMNS)}, and those of a System with "
                f"their units: units={{{unknown[0]!r}: …}}"
            )
        if not self.columns:
            raise ValueError(f"a trace needs at least one column: {', '.join(COLUMNS)}")
        if self.t.ndim != 1 or self.t.size < 2:
            raise ValueError(f"t has the shape {self.t.shape}, expected at least two times, (T,)")
        for name, values in {"t": self.t, **self.columns}.items():
            if values.shape != self.t.shape:
                raise ValueError(f"column {name!r} has the shape {values.shape}, expected that of t, {self.t.shape}")
            if (bad := np.flatnonzero(~np.isfinite(values))).size:
                raise ValueError(f"sample {bad[0]} of {name!r} is {values[bad[0]]}; remove the row or fill it in")
        if (late := np.flatnonzero(np.diff(self.t) <= 0)).size:
            raise ValueError(
                f"t does not increase after sample {late[0]}; sort the samples by time; where the instrument rounded "
                "equal times, give first + step * np.arange(count)"
            )

    @property
    def units(self) -> dict[str, str]:
        """The unit of each column."""
        return {name: self._known[name] for name in self.columns}

    @property
    def _known(self) -> dict[str, str]:
        return COLUMNS | dict(self.own)

    def with_columns(self, t: Float[ArrayLike, "T"] | Sequence[float], columns: Mapping[str, Any]) -> Trace:
        """Other samples of some of the columns, with their units."""
        units = {name: unit for name, unit in self.own if name in columns}
        return Trace(t, columns, self.notes, self.understood, units)

    @property
    def dt(self) -> float:
        """Mean time between two samples [s]."""
        return float((self.t[-1] - self.t[0]) / (self.t.size - 1))

    @property
    def evenly_spaced(self) -> bool:
        """Whether the times are evenly spaced, within a thousandth of a step."""
        return is_even(self.t)

    def select(self, *names: str) -> Trace:
        """The trace with the named columns only, in their order. Raises ValueError for one that is not there."""
        for name in names:
            if name not in self.columns:
                raise ValueError(f"the trace has no column {name!r}; it has {', '.join(self.columns)}")
        return self.with_columns(self.t, {name: self.columns[name] for name in names})

    def first(self, count: int) -> Trace:
        """The trace of the first `count` samples."""
        columns = {name: values[:count] for name, values in self.columns.items()}
        return self.with_columns(self.t[:count], columns)

    def __repr__(self) -> str:
        first, last, step = (show(float(time), "s") for time in (self.t[0], self.t[-1], self.dt))
        spacing = f"every {step}" if self.evenly_spaced else f"unevenly spaced, {step} on average"
        return f"Trace: {', '.join(self.columns)}; {self.t.size} samples from {first} to {last}, {spacing}"


def _own_copy(values: Any) -> np.ndarray:
    """Numbers in float64 that nobody else can change: a copy, where they are not that already."""
    is_frozen = isinstance(values, np.ndarray) and values.base is None and not values.flags.writeable
    return np.array(values, dtype=np.float64, copy=None if is_frozen else True)


def trace_of(
    run: Trajectory | SystemTrajectory, columns: tuple[str, ...] | None = None, notes: tuple[str, ...] = ()
) -> Trace:
    """The trace of a simulated run of one oscillator; "voltage" needs a device with a junction.

    `columns`: mx, my and mz if not given; of a run of a `System` its outputs, or, where it declares none, all
    components of its state.

    Raises ValueError for an array of oscillators, a batch of runs, and an unknown column.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12)
    >>> lg.trace_of(run, ("mx", "mz"))
    Trace: mx, mz; 501 samples from 0 s to 1 ns, every 2 ps
    """
    check_kind("run", run, (Trajectory, SystemTrajectory), "give what lg.simulate gives")
    if columns is not None:
        check_kind("columns", columns, (tuple, list), 'name them, as in ("mx", "voltage")')
    if isinstance(run, SystemTrajectory):
        if not isinstance(run.model, System):
            raise ValueError(f"a trace is that of one oscillator, and this is a run of {run.model.count}; choose one")
        return _of_system(run, tuple(columns or run.model.outputs or run.signals), notes)
    if run.m.ndim != 2:
        raise ValueError(f"a trace is that of one oscillator, and this run has m of shape {run.m.shape}; choose one")
    columns = ("mx", "my", "mz") if columns is None else columns
    if unknown := [name for name in columns if name not in COLUMNS]:
        raise ValueError(f"a trace has no column {unknown[0]!r}; it can hold {', '.join(COLUMNS)}")
    return Trace(
        _times(run), {name: voltage(run) if name == "voltage" else getattr(run, name) for name in columns}, notes
    )


def _of_system(run: SystemTrajectory, columns: tuple[str, ...], notes: tuple[str, ...]) -> Trace:
    if np.ndim(run.t) != 1:
        raise ValueError(f"a trace is that of one run, and this is a batch with t of shape {run.t.shape}; choose one")
    signals = [run.signal(name) for name in columns]
    units = {signal.name: signal.unit for signal in signals}
    return Trace(_times(run), {signal.name: signal.values for signal in signals}, notes, units=units)


def _times(run: Trajectory | SystemTrajectory) -> np.ndarray:
    """The saved times in float64, without the rounding of a float32 run where they are evenly spaced."""
    t = np.asarray(run.t)
    return float(t[0]) + run.dt * np.arange(t.size) if t.size > 1 and is_even(t) else t
