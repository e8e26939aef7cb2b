"""What many runs through a pulse tell: probabilities with their intervals, and times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from llgrad.core.files import plain
from llgrad.core.record import to_json
from llgrad.core.run_record import run_record
from llgrad.core.units import show
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.base import Waveform
from llgrad.drives.drive import Drive
from llgrad.experiments.sweeps.axes import Axis
from llgrad.experiments.switching.wells import told_state
from llgrad.observables.estimators.counting import CONFIDENCE, IntervalEnds, probability_interval
from llgrad.physics.stacks.stack import Stack


@dataclass(frozen=True)
class Switching:
    """Switching by a pulse. Arrays have the shape (), (P,) or (P, Q) of the scan's axes, then what is said.

    >>> import jax, llgrad as lg
    >>> bit = lg.Oscillator(
    ...     Ms=1e6, volume=5e-25, H_k=1.45, alpha=0.05, polariser=(0, 0, 1), polarization=0.6, temperature=300.0
    ... )
    >>> pulse = lg.Drive(current=lg.Pulse(amplitude=60e-6, start=0.1e-9, width=1e-9))
    >>> found = lg.experiments.switching(bit, pulse, runs=1000, key=jax.random.key(0))
    >>> int(found.counts.sum()), found.runs, bool(found.error_rate == 1 - found.probability)
    (1000, 1000, True)
    """

    device: Oscillator | Stack
    drive: Drive | Mapping[str, Waveform]
    axes: tuple[Axis, ...]
    states: np.ndarray
    """The stable states (W, n)."""
    start: int
    """Place of that in which runs begin."""
    runs: int
    """Number N of runs at each point."""
    counts: np.ndarray
    """Runs (…, W + 1) that ended in each stable state; the last number those that came to none."""
    times: np.ndarray
    """Switching times (…, N) [s]; NaN for a run that did not switch, or had not crossed when it was last looked at."""
    names: tuple[str, ...]
    """Of the numbers of a state."""

    @property
    def switched(self) -> np.ndarray:
        """Runs that ended in another stable state than they began."""
        others = [place for place in range(len(self.states)) if place != self.start]
        return self.counts[..., others].sum(axis=-1)

    @property
    def probability(self) -> np.ndarray:
        """Part of the runs that switched."""
        return self.switched / self.runs

    def interval(self, confidence: float = CONFIDENCE) -> IntervalEnds:
        """The interval of the probability (Jeffreys; one-sided where none or all of the runs switched)."""
        return probability_interval(self.switched, self.runs, confidence)

    @property
    def low(self) -> np.ndarray:
        """Lower end of the interval at 95 %."""
        return self.interval().low

    @property
    def high(self) -> np.ndarray:
        """Upper end of the interval at 95 %."""
        return self.interval().high

    @property
    def error_rate(self) -> np.ndarray:
        """Part of the runs that did not switch: the write-error rate."""
        return 1 - self.probability

    def error_interval(self, confidence: float = CONFIDENCE) -> IntervalEnds:
        """The interval of the error rate; with no error of N from 0 to near 3/N at 95 %."""
        return probability_interval(self.runs - self.switched, self.runs, confidence)

    def __getitem__(self, name: str) -> np.ndarray:
        """The values of an axis. Raises ValueError for a name that there is not."""
        found = {axis.name: axis.values for axis in self.axes}
        if name not in found:
            raise ValueError(f"{name!r} was not scanned; there are {', '.join(found) or 'no axes'}")
        return found[name]

    def to_json(self) -> dict[str, Any]:
        """What was found, in SI units, with its run record."""
        drive = to_json(self.drive) if isinstance(self.drive, Drive) else {k: to_json(v) for k, v in self.drive.items()}
        low, high = self.interval()
        worst, best = self.error_interval()
        middle, quartiles = self._quantiles()
        return run_record("switching", device=self.device) | {
            "drive": drive,
            "axes": [{"name": a.name, "unit": a.unit, "values": a.values.tolist()} for a in self.axes],
            "states": [dict(zip(self.names, state, strict=True)) for state in self.states.tolist()],
            "start": self.start,
            "runs": self.runs,
            "counts": self.counts.tolist(),
            "probability": plain(self.probability),
            "interval": [plain(low), plain(high)],
            "error_rate": plain(self.error_rate),
            "error_interval": [plain(worst), plain(best)],
            "time_median": plain(middle),
            "time_quartiles": [plain(part) for part in quartiles],
        }

    def _quantiles(self) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Median and quartiles (…,) of the switching times [s]; NaN where nothing switched."""
        flat = self.times.reshape(-1, self.times.shape[-1])
        known = [row[np.isfinite(row)] for row in flat]
        found = [np.quantile(row, [0.25, 0.5, 0.75]) if row.size else np.full(3, np.nan) for row in known]
        low, middle, high = np.array(found).T.reshape(3, *self.times.shape[:-1])
        return middle, (low, high)

    def __repr__(self) -> str:
        head = f"switching of {type(self.device).__name__} at {show(float(self.device.temperature or 0.0), 'K')}, "
        each = " at each point" if self.axes else ""
        lines = [head + f"{self.runs} runs{each}, from {told_state(self.states[self.start])}"]
        if not self.axes:
            return "\n".join([*lines, *(f"  {line}" for line in self._told(()))])
        middle, _ = self._quantiles()
        rows = [(*(axis.name for axis in self.axes), "switched", "95 % interval", "median time")]
        low, high = self.interval()
        for point in np.ndindex(*self.counts.shape[:-1]):
            values = [show(float(f"{a.values[i]:.6g}"), a.unit) for a, i in zip(self.axes, point, strict=True)]
            time = "–" if np.isnan(middle[point]) else show(float(f"{middle[point]:.4g}"), "s")
            rows.append((*values, f"{self.probability[point]:.6g}", f"{low[point]:.4g} to {high[point]:.4g}", time))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        if (lost := int(self.counts[..., -1].sum())) > 0:
            lines.append(f"  {lost} runs came to no stable state; they count as not switched")
        return "\n".join(lines)

    def _told(self, point: tuple[int, ...]) -> list[str]:
        count, (low, high) = int(self.switched[point]), self.interval()
        lines = [f"switched: {count} of {self.runs}, probability {self.probability[point]:.6g}"]
        lines[0] += f" ({low[point]:.4g} to {high[point]:.4g} at 95 %)"
        errors, (best, worst) = self.runs - count, self.error_interval()
        if errors == 0:
            lines.append(f"error rate: 0 of {self.runs}, below {worst[point]:.3g} at 95 %")
        else:
            lines.append(f"error rate: {errors / self.runs:.6g} ({best[point]:.4g} to {worst[point]:.4g} at 95 %)")
        for place, state in enumerate(self.states):
            if place != self.start and len(self.states) > 2:
                lines.append(f"to {told_state(state)}: {int(self.counts[(*point, place)])}")
        if count and np.isfinite(self.times[point]).any():
            middle, (early, late) = self._quantiles()
            lines.append(
                f"time: median {show(float(f'{middle[point]:.4g}'), 's')}, quartiles "
                f"{show(float(f'{early[point]:.4g}'), 's')} and {show(float(f'{late[point]:.4g}'), 's')}"
            )
        if self.counts[(*point, -1)]:
            lines.append(f"{int(self.counts[(*point, -1)])} came to no stable state; they count as not switched")
        return lines
