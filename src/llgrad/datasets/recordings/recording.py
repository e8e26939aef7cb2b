"""A recording: the channels of a file, each in segments of samples that are read when they are asked for.

A reader of a format gives an `InstrumentRecording`; which channel, segment and window become a trace is decided in
`choosing.py`, once for all formats.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from llgrad.core.units import show

NEAR: Final = 1e-6
"""The part of a step by which an end of a window may miss the sample that is meant."""
LONGEST: Final = 200
"""Signs of a message, a name or a note that are quoted."""


class Unreadable(ValueError):
    """A sentence about a file that is to reach the user as it is."""


class Even(NamedTuple):
    """Times that an instrument says by a first one and an interval [s]."""

    start: float
    step: float
    size: int

    def part(self, window: tuple[float, float] | None) -> slice:
        """The samples within a window, both ends included."""
        if window is None:
            return slice(0, self.size)
        first, last = ((time - self.start) / self.step for time in window)
        low = min(max(first - NEAR, 0.0), float(self.size))
        high = min(max(last + NEAR, -1.0), float(self.size - 1))
        return slice(math.ceil(low), math.floor(high) + 1)

    def times(self, part: slice) -> np.ndarray:
        """The times of samples [s]."""
        return self.start + self.step * np.arange(part.start, part.stop, dtype=np.float64)

    @property
    def ends(self) -> tuple[float, float]:
        return self.start, self.start + self.step * (self.size - 1)

    def __str__(self) -> str:
        return f"from {show(self.ends[0], 's')} to {show(self.ends[1], 's')}, every {show(self.step, 's')}"


class Listed(NamedTuple):
    """Times that stand in a column of their own."""

    name: str
    size: int
    take: Callable[[slice], np.ndarray]
    """The times of samples [s]."""
    single: bool = False
    """Whether they were rounded to single precision."""

    def part(self, window: tuple[float, float] | None) -> slice:
        """The samples within a window, both ends included, found by bisection."""
        if window is None:
            return slice(0, self.size)
        low, high = (self._place(time) for time in (window[0], math.nextafter(window[1], math.inf)))
        return slice(low, high)

    def _place(self, time: float) -> int:
        low, high = 0, self.size
        while low < high:
            middle = (low + high) // 2
            if self._at(middle) < time:
                low = middle + 1
            else:
                high = middle
        return low

    def _at(self, index: int) -> float:
        return float(self.take(slice(index, index + 1))[0])

    def times(self, part: slice) -> np.ndarray:
        """The times of samples [s]."""
        return self.take(part)

    @property
    def ends(self) -> tuple[float, float]:
        return self._at(0), self._at(self.size - 1)

    def __str__(self) -> str:
        return f"from {show(self.ends[0], 's')} to {show(self.ends[1], 's')}, in {self.name!r}"


class Segment(NamedTuple):
    """Samples that were taken in one go."""

    size: int
    times: Even | Listed | None
    """None where the file does not say them."""
    take: Callable[[slice], np.ndarray]
    """The values of samples, in the unit of the channel; NaN where there is none."""


class Channel(NamedTuple):
    """What one input of an instrument recorded."""

    name: str
    unit: str | None
    """As written; None where the file says none."""
    segments: tuple[Segment, ...]
    said: str = ""
    """What else is known of it, for a table."""


class InstrumentRecording(NamedTuple):
    """What a file holds."""

    path: Path | str
    kind: str
    """What the file is, for a sentence: "a trace of LeCroy"."""
    channels: tuple[Channel, ...]
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    """How the file was understood."""
    named: bool = False
    """Whether arrays named mx or voltage are in SI units where no unit is said, as in files of arrays."""
    left_out: tuple[str, ...] = ()
    """What else is in the file, and is no channel: name and reason."""

    def legible(self) -> InstrumentRecording:
        """The same with names, units and notes that a sentence can quote, whatever bytes stand there in the file."""
        channels = tuple(
            one._replace(name=_legible(one.name), unit=None if one.unit is None else _legible(one.unit) or None)
            for one in self.channels
        )
        notes, left = (tuple(_legible(line) for line in lines) for lines in (self.notes, self.left_out))
        return self._replace(channels=channels, notes=notes, left_out=left)

    def listed(self) -> str:
        """The channels by place, name and unit, for a sentence."""
        shown = [
            f"#{index} {channel.name!r}" + (f" ({channel.unit})" if channel.unit else "")
            for index, channel in enumerate(self.channels[:12], start=1)
        ]
        return ", ".join(shown) + (f" and {len(self.channels) - 12} more" if len(self.channels) > 12 else "")


def _legible(text: str) -> str:
    """Text on one line, without signs that cannot be printed, and no longer than a name or a note is."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text).strip()
    return plain if len(plain) <= LONGEST else plain[:LONGEST] + "…"


def scaled(values: np.ndarray, scale: float, offset: float = 0.0) -> np.ndarray:
    """scale · values + offset, in place: a record may fill half of the memory."""
    if scale != 1.0:
        values *= scale
    if offset != 0.0:
        values += offset
    return values


def checked_step(path: Path | str, start: float, step: float, count: int) -> Even:
    """Evenly spaced times. Raises Unreadable where these cannot be."""
    if not (math.isfinite(start) and math.isfinite(step) and 0 < step < 1e6 and abs(start) < 1e12):
        raise Unreadable(f"{path} says a time of {start:g} s and an interval of {step:g} s; it is damaged")
    return Even(start, step, count)


@contextlib.contextmanager
def reading(path: Path | str, kind: str) -> Iterator[None]:
    """In this block, whatever a library raises for damaged bytes is one sentence, and nothing is printed."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.ExitStack() as quiet:
            quiet.enter_context(contextlib.redirect_stdout(io.StringIO()))
            quiet.enter_context(contextlib.redirect_stderr(io.StringIO()))
            warnings.simplefilter("ignore")
            yield
    except FileNotFoundError as error:
        if not Path(path).exists():
            raise
        raise Unreadable(f"{path} is read with another file beside it, which is not there ({error})") from None
    except Unreadable as error:
        raise Unreadable("".join(sign if sign.isprintable() else " " for sign in str(error))) from None
    except MemoryError:
        raise ValueError(f"{path} needs more memory than there is; choose a window of it, or it is damaged") from None
    except Exception as error:  # libraries raise any kind for bytes that are not what they expect
        said = " ".join(str(error).split())[:LONGEST]
        why = f"{type(error).__name__}: {said}" if said else type(error).__name__
        raise Unreadable(f"{path} cannot be read as {kind}: it is damaged or cut off ({why})") from None
