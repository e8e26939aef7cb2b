"""What is applied to a device: one waveform for the current and one for each component of the field."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import Record, is_concrete, leaf_units, rows_of
from llgrad.core.speed.starting import check_platform
from llgrad.core.units import show
from llgrad.core.vector import Number, Vec3
from llgrad.drives.base import DRIVEN, Waveform

CHANNEL_UNITS: Final = {"current": "A", "field_x": "T", "field_y": "T", "field_z": "T"}


class Samples(NamedTuple):
    """The values of a drive: `current` [A] and the components of `field` [T]; an absent channel is None."""

    current: Any
    field: Vec3

    def filled(self) -> Samples:
        """The same with 0.0 in place of None, ready for the equation of motion."""
        current, x, y, z = (
            0.0 if part is None else part for part in (self.current, self.field.x, self.field.y, self.field.z)
        )
        return Samples(current, Vec3(x, y, z))


class Drive(Record):
    """Waveforms that are added to the direct current and the field of a device, as through a bias tee and a field line.

    Each channel is a `Waveform` or None: `current` in ampere, `field_x`, `field_y`, `field_z` in tesla.

    Raises ValueError where a channel is not a waveform, or is far from what a device can be given.

    >>> from llgrad.drives.sine import Sine
    >>> from llgrad.drives.step import Step
    >>> drive = Drive(current=Step(1e-3, start=1e-9) + Sine(1e-4, frequency=5e9))
    >>> drive
    Drive
      current.parts.0.amplitude  1 mA    value long after the start
      current.parts.0.start      1 ns    when half of the amplitude is reached
      current.parts.0.rise_time  10 ps   time from 10 to 90 % of the amplitude
      current.parts.1.amplitude  100 µA  half of peak to peak
      current.parts.1.frequency  5 GHz   frequency
      current.parts.1.phase      0 rad   phase of the sine at t = 0
    """

    current: Waveform | None = None
    field_x: Waveform | None = None
    field_y: Waveform | None = None
    field_z: Waveform | None = None

    def __check_init__(self) -> None:
        for name, value in ((name, getattr(self, name)) for name in CHANNEL_UNITS):
            if value is not None and not isinstance(value, Waveform):
                raise ValueError(f"{name} = {value!r} is not a waveform; for a steady value write Constant({value!r})")
        for name, waveform in self.channels().items():
            _check_peak(name, waveform)

    def channels(self) -> dict[str, Waveform]:
        """The waveforms that are present, by the name of their channel."""
        found = {name: getattr(self, name) for name in CHANNEL_UNITS}
        return {name: waveform for name, waveform in found.items() if waveform is not None}

    def sample(self, times: Float[ArrayLike, "..."]) -> Samples:
        """Current [A] and field [T] at the times [s]: of shape times.shape, or times.shape + (N,); absent ones None."""
        return self._each(lambda waveform: waveform(times))

    def peak(self) -> Samples:
        """Bounds on the absolute values at all times, absent channels None."""
        return self._each(lambda waveform: waveform.peak())

    def shortest_time(self) -> Number:
        """The shortest period [s] that matters in any channel; infinity without one."""
        return min((waveform.shortest_time() for waveform in self.channels().values()), default=math.inf)

    def calmest_time(self) -> Number:
        """The shortest period [s] between the knots of all channels and outside their edges; infinity without one."""
        return min((waveform.calmest_time() for waveform in self.channels().values()), default=math.inf)

    def units(self) -> dict[str, str]:
        """The unit of every leaf by its path, with ampere and tesla told apart: {"current.amplitude": "A", …}."""
        return {
            path: CHANNEL_UNITS[path.split(".")[0]] if unit == DRIVEN else unit
            for path, unit in leaf_units(self).items()
        }

    def _each(self, function: Any) -> Samples:
        found: dict[str, Any] = {
            name: None if (channel := getattr(self, name)) is None else function(channel) for name in CHANNEL_UNITS
        }
        return Samples(found["current"], Vec3(found["field_x"], found["field_y"], found["field_z"]))

    def __repr__(self) -> str:
        units = self.units()
        rows = [(path, show(value, units[path]), about) for path, value, _, about in rows_of(self)]
        widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
        lines = [f"  {path:<{widths[0]}}  {value:<{widths[1]}}  {about}".rstrip() for path, value, about in rows]
        return "\n".join([type(self).__name__, *lines])


def check_drive(drive: Any) -> Drive | None:
    """A Drive or None as it is. Raises ValueError for anything else, such as a waveform alone."""
    if drive is not None:
        check_kind(
            "drive", drive, Drive, "name the channel of a waveform, as in Drive(current=Sine(1e-4, frequency=5e9))"
        )
    return drive


def _check_peak(name: str, waveform: Waveform) -> None:
    if not all(is_concrete(value) for _, value, _, _ in rows_of(waveform)):
        return
    check_platform()
    peak, unit = float(np.max(np.asarray(waveform.peak()))), CHANNEL_UNITS[name]
    if unit == "A" and peak > 0.1:
        raise ValueError(
            f"the drive's current reaches {show(peak, 'A')}, far outside a nanopillar's range "
            f"(µA to tens of mA); did you mean {peak:g} mA?"
        )
    if unit == "T" and peak > 20:
        raise ValueError(
            f"the drive's {name} reaches {show(peak, 'T')}, expected at most 20 T; "
            f"is it in oersted? then it is {peak / 1e4:g} T"
        )
