"""What switches: waveforms by the inputs of a device, two of whose numbers may be scanned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import equinox as eqx
import numpy as np

from llgrad.core.rechecking import rechecked
from llgrad.core.record import as_number, get_leaf, leaf_units, set_leaf
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.base import DRIVEN, Waveform
from llgrad.drives.drive import Drive, check_drive
from llgrad.experiments.sweeps.axes import Axis, axis_of
from llgrad.solve.systems import drive_of_system, waveforms_of

MOST_AXES: Final = 2


class Pulses(NamedTuple):
    """The drives of all points of a scan."""

    drive: Any
    """As it was given."""
    axes: tuple[Axis, ...]
    drives: tuple[Any, ...]
    """One for each point, the last axis first."""
    onset: float
    """When the earliest of the waveforms begins [s]."""
    end: float
    """When the latest of all is over [s]."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of values of the axes."""
        return tuple(len(axis.values) for axis in self.axes)


def pulses_of(device: Any, pulse: Any, scan: Mapping[str, Any] | None, duration: Any) -> Pulses:
    """The drives of a scan. Raises ValueError for a drive that the device has not, one without an end, a name of which
    there is no number, and for more than two.
    """
    drive = _checked(device, pulse)
    scan = {} if scan is None else scan
    if not isinstance(scan, Mapping) or len(scan) > MOST_AXES:
        raise ValueError(
            f"scan = {scan!r}, expected up to two numbers of the pulse with their values, as in "
            "{'current.amplitude': '0:1mA:11'}"
        )
    known = units_of(device, drive)
    axes = tuple(axis_of(known, name, values) for name, values in scan.items())
    grids = np.meshgrid(*(axis.values for axis in axes), indexing="ij")
    drives = tuple(
        _with(drive, dict(zip([axis.name for axis in axes], point, strict=True)))
        for point in zip(*(grid.ravel().tolist() for grid in grids), strict=True)
    ) or (drive,)
    given = None if duration is None else _time("duration", duration)
    parts = [waveform for one in drives for waveform in waveforms(one).values()]
    onset = min((float(start) for w in parts if (start := getattr(w, "start", None)) is not None), default=0.0)
    return Pulses(drive, axes, drives, onset, max(map(_end, parts)) if given is None else given)


def _time(name: str, given: Any) -> float:
    value = as_number(given)
    if isinstance(value, bool) or not (isinstance(value, (int, float)) and 0 <= value < 1e-2):
        raise ValueError(f"{name} = {given!r}, expected a time in seconds, such as 5e-9")
    return float(value)


checked_time = _time


def _checked(device: Any, pulse: Any) -> Any:
    if isinstance(pulse, Waveform):
        raise ValueError(
            f"pulse is a {type(pulse).__name__} of an input that is not named; write lg.Drive(current={pulse!r:.40}…), "
            "or field_z=… for a field"
        )
    if isinstance(device, Oscillator):
        drive: Any = check_drive(pulse)
    else:
        drive = drive_of_system(device, waveforms_of(device, pulse))
    if drive is None or not waveforms(drive):
        raise ValueError(
            "no pulse is given; give such as lg.Drive(current=lg.Pulse(amplitude=1e-3, start=0.2e-9, width=2e-9))"
        )
    return drive


def waveforms(drive: Any) -> dict[str, Waveform]:
    """The waveforms of a drive by their inputs."""
    return drive.channels() if isinstance(drive, Drive) else dict(drive)


def units_of(device: Any, drive: Any) -> dict[str, str]:
    """The unit of every number of a drive, by its name."""
    if isinstance(drive, Drive):
        return drive.units()
    return {
        f"{name}.{path}": device.inputs[name] if unit == DRIVEN else unit
        for name, waveform in drive.items()
        for path, unit in leaf_units(waveform).items()
    }


def _with(drive: Any, values: Mapping[str, float]) -> Any:
    for name, value in values.items():
        if isinstance(drive, Drive):
            drive = set_leaf(drive, name, value)
        else:
            drive = eqx.tree_at(lambda tree, name=name: get_leaf(tree, name), drive, value)
    if isinstance(drive, Drive):
        return rechecked(drive)
    return {name: rechecked(waveform) for name, waveform in drive.items()}


def _end(waveform: Waveform) -> float:
    """When a waveform is over [s]. Raises ValueError for one that goes on for ever."""
    times = [float(np.max(edge[1])) for edge in waveform.edges()] + [float(np.max(knot)) for knot in waveform.knots()]
    end = max(times, default=0.0)
    if not times or abs(float(np.max(np.abs(np.asarray(waveform(end + 1e-6)))))) > 1e-9 * float(
        np.max(np.asarray(waveform.peak()))
    ):
        raise ValueError(
            f"this {type(waveform).__name__} does not end by itself; give duration=… in seconds, after which it is "
            "switched off"
        )
    return end
