"""One experiment: what was recorded, and what was set when it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import equinox as eqx
import numpy as np
from jaxtyping import ArrayLike, Float, PyTree

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.trajectory import SystemTrajectory, Trajectory
from llgrad.core.units import show
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.trace import Trace, trace_of
from llgrad.drives.base import Waveform
from llgrad.drives.drive import Drive, check_drive
from llgrad.fitting.loops.measured import MeasuredLoop, OfLoop, SwitchingFields
from llgrad.fitting.orbits.tables.table import OrbitTable
from llgrad.observables.spectrum import Spectrum

FEWEST_SEGMENTS: Final = 8
FEWEST_SAMPLES: Final = 5
"""Of a piece."""


def _as_data(data: Any) -> Any:
    return trace_of(data) if isinstance(data, (Trajectory, SystemTrajectory)) else data


def _as_names(names: Any) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


class Experiment(eqx.Module):
    """A recording, and the settings of the device that differ from the common ones.

    >>> import llgrad as lg
    >>> trace = lg.Trace([0.0, 1e-11, 2e-11], {"mx": [1.0, 0.9, 0.7]})
    >>> lg.Experiment(trace, settings={"current": 2e-3}, apart=("field.z",), label="2 mA").label
    '2 mA'
    """

    data: Trace | FrequencyTable | OrbitTable | Spectrum | MeasuredLoop | SwitchingFields = eqx.field(
        converter=_as_data
    )
    """A `Trajectory` is taken as the trace of its t and m, a run of a `System` as `trace_of` it."""
    settings: Mapping[str, float] = eqx.field(default_factory=dict)
    """Values [SI] of the device in this experiment, by the path of the leaf."""
    apart: tuple[str, ...] = eqx.field(default=(), converter=_as_names)
    """Free parameters that this experiment has for itself; all others are shared with the other experiments."""
    drive: Drive | Mapping[str, Waveform] | None = None
    """Of a `System` waveforms by its inputs."""
    m0: PyTree[Float[ArrayLike, "..."]] = None
    """State at the first sample, (3,), or of the form of a system's start; None where it is not known. That which
    relaxes to the state at the first field of a loop; None takes all layers along it."""
    noise: float | None = None
    """Standard deviation of a recorded value, in its own unit; None estimates it from the residuals.

    That of a spectrum is relative: 1/√n for n averages. The errors of a table are scaled so that it is their rms; of
    several quantities each has its own."""
    delay: float = 0.0
    """Time [s] from the start of the simulation to the first sample; free under the name "delay"."""
    bandwidth: float | None = None
    """Bandwidth [Hz] of a first-order low-pass filter before the recorder; free under the name "bandwidth"."""
    segment: float | None = None
    """Length [s] of the pieces in which a trace is fitted whose phase diffuses, each with a start of its own."""
    label: str = ""
    gain: float | None = None
    """Of a recorded voltage: recorded = gain · V + offset, V that of the junction, or m·p in volt without one; and of
    what was measured of a loop.

    None finds it where there is no junction, and takes 1 where there is one; free under the name "gain"."""
    offset: float | None = None
    """Of a recorded voltage [V]. None finds it without a junction, and takes 0 with one; free under the name
    "offset"."""

    def __check_init__(self) -> None:
        if not isinstance(self.data, (Trace, FrequencyTable, OrbitTable, Spectrum, OfLoop)):
            raise ValueError(
                "an experiment needs a Trace, a FrequencyTable, an OrbitTable, a Spectrum or a MeasuredLoop, got "
                f"{type(self.data).__name__}; see read_trace"
            )
        if not isinstance(self.drive, Mapping):  # what a system can be driven by, the fit looks at
            check_drive(self.drive)
        if self.noise is not None and not self.noise > 0:
            raise ValueError(f"noise = {self.noise}, expected a positive standard deviation, or None to estimate it")
        if not 0 <= self.delay < 1e-6:
            raise ValueError(f"delay = {self.delay} s, expected a time in seconds from 0 to 1 µs")
        if self.bandwidth is not None and not self.bandwidth > 0:
            raise ValueError(f"bandwidth = {self.bandwidth} Hz, expected a positive frequency, or None for no filter")
        if self.gain is not None and not 0 < abs(self.gain) < np.inf:
            raise ValueError(f"gain = {self.gain}, expected a finite number that is not 0, or None; see Experiment")
        if self.offset is not None and not np.isfinite(self.offset):
            raise ValueError(f"offset = {self.offset} V, expected a finite number, or None; see Experiment")
        self._check_kind()
        if self.segment is not None:
            self._check_segment(self.segment)

    def _check_kind(self) -> None:
        """What belongs to another kind of recording would change nothing."""
        if isinstance(self.data, Trace):
            scaled = "voltage" in self.data.columns or (self.data.own and len(self.data.columns) == 1)
            if not scaled and not self.gain is self.offset is None:
                raise ValueError("gain and offset are those of a voltage, and this trace has none; leave them out")
            return
        word = "a measured loop" if isinstance(self.data, OfLoop) else "a spectrum"
        if isinstance(self.data, (FrequencyTable, OrbitTable)):
            word = "a table of frequencies" if isinstance(self.data, FrequencyTable) else "a table of orbits"
            several = isinstance(self.data, OrbitTable) and len(self.data.measured) > 1
            if several and self.noise not in (None, 1.0):  # 1 in units of their errors
                raise ValueError("noise= is one number, and this table has several quantities, each with its errors")
        if self.drive is not None:
            still = "at rest" if isinstance(self.data, OfLoop) else "of free oscillations"
            raise ValueError(f"{word} is that {still}, without a drive; leave it out")
        if self.segment is not None:
            raise ValueError("segment= is for a trace: it cuts it into pieces; leave it out")
        names = ("bandwidth",) if isinstance(self.data, OfLoop) else ("bandwidth", "gain", "offset")
        given = {"delay": self.delay or None, **{name: getattr(self, name) for name in names}}
        if used := [name for name, value in given.items() if value is not None]:
            raise ValueError(f"{used[0]} belongs to the recorder of a trace, and this is {word}; leave it out")

    def _check_segment(self, length: float) -> None:
        """A trace in pieces is evenly spaced, without a drive or a filter: each piece begins like the others."""
        if not isinstance(self.data, Trace):
            return
        if self.drive is not None or self.bandwidth is not None or self.m0 is not None or self.delay:
            raise ValueError(
                "a trace in segments has no drive, bandwidth, delay or m0, as every piece starts anew; leave them out"
            )
        if not self.data.evenly_spaced:
            raise ValueError("a trace in segments must be evenly spaced; cut it with segments(trace, length) instead")
        if not 0 < length < 1:
            raise ValueError(f"segment = {length} s, expected a time in seconds, about a period, such as 2e-9")
        samples = self.data.t.size // max(samples_of(self.data, length), 1)
        if samples_of(self.data, length) < FEWEST_SAMPLES or samples < FEWEST_SEGMENTS:
            raise ValueError(
                f"segment = {show(length, 's')} makes {samples} pieces of {samples_of(self.data, length)} samples, "
                f"expected at least {FEWEST_SEGMENTS} pieces of at least {FEWEST_SAMPLES} samples; choose a length of "
                "about a period, and a trace of many"
            )


Data = Trace | Trajectory | SystemTrajectory | FrequencyTable | OrbitTable | Spectrum | MeasuredLoop | SwitchingFields
Recorded = Data | Experiment | Sequence[Experiment | Data]
"""What a fit takes."""


def samples_of(trace: Trace, segment: float) -> int:
    """Number of samples of a piece of a trace."""
    return round(segment / trace.dt)


def segments(trace: Trace, length: float, **settings: Any) -> tuple[Experiment, ...]:
    """A trace cut into pieces of `length` [s], each an experiment with a starting state of its own.

    For a trace whose phase diffuses (thermal noise in the device): in a piece much shorter than the diffusion the
    orbit is nearly deterministic, and the pieces share the device. `settings` are those of `Experiment`, but for those
    of the beginning, which each piece has for itself, and the labels, which are its numbers.

    >>> import numpy as np
    >>> t = np.arange(1000) * 1e-11
    >>> len(segments(Trace(t, {"mx": np.cos(3e9 * t)}), 2e-9))
    5
    """
    check_kind("trace", trace, Trace, "give (trace, length), of a run lg.trace_of(run)")
    check_kind("length", length, (int, float, np.number), "give a time in seconds, such as 2e-9")
    if not 0 < length < trace.t[-1] - trace.t[0]:
        raise ValueError(f"length = {length:g} s, expected a time shorter than the trace, such as 2e-9")
    if own := [name for name in ("m0", "delay", "label", "segment", "data") if name in settings]:
        raise ValueError(f"{own[0]}= is not common to the pieces of a trace: each has its own; leave it out")
    drive = settings.get("drive")
    parts = list(drive.values()) if isinstance(drive, Mapping) else [] if drive is None else [drive]
    if any(np.isfinite(float(part.shortest_time())) for part in parts):
        raise ValueError("a drive that changes in time would begin anew in each piece of a trace; fit the whole trace")
    number = np.floor((trace.t - trace.t[0]) / length + 1e-9).astype(int)
    pieces = []
    for index in range(int(number[-1]) + 1):
        rows = number == index
        if rows.sum() > 8:
            piece = trace.with_columns(trace.t[rows], {name: values[rows] for name, values in trace.columns.items()})
            pieces.append(Experiment(piece, label=str(index + 1), **settings))
    if not pieces:
        raise ValueError(
            f"length = {show(length, 's')} holds {number.size / (number[-1] + 1):.2g} samples, expected more than "
            "8 in a piece; choose a longer one"
        )
    return tuple(pieces)
