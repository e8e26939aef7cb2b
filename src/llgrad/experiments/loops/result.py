"""A loop as it is told: the states of both sweeps, what is measured of them, and every jump."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from llgrad.core.files import Path, write_result
from llgrad.core.run_record import run_record
from llgrad.core.units import show
from llgrad.experiments.loops.swept import Device


@dataclass(frozen=True)
class Jump:
    """Where a state ended, and what the device went to.

    >>> import llgrad as lg
    >>> film = lg.Oscillator(Ms=1e6, volume=1e-24, alpha=0.05, H_k=0.1, demag=(0.0, 0.0, 0.0))
    >>> found = lg.experiments.loop(film, "field", 0.2, -0.2, angle=(0.7853981633974483, 0.0))
    >>> jump = found.jumps[0]
    >>> jump.kind, round(jump.value * 1e3, 6)  # mT
    ('fold', -50.0)
    """

    way: int
    """0 on the sweep from start to stop, 1 on the way back."""
    kind: str
    """"fold" (the state meets a saddle and both vanish), "branch point" (a symmetry breaks), or "Hopf"."""
    value: float
    """At which the state ends, exact to rounding, whatever the steps."""
    frequency: float
    """Frequency [Hz] with which deviations begin to grow at a Hopf point; 0 of others."""
    let_go: float
    """The value, just beyond, at which the equation of motion was run."""
    before: np.ndarray
    after: np.ndarray
    """Numbers of the states (d,)."""
    drop: float | None = None
    """By how much [J] the energy fell; None where there is none."""


@dataclass(frozen=True)
class Loop:
    """A quasi-static loop. The first axis of everything is the sweep: from start to stop, and back (in its order).

    >>> import llgrad as lg
    >>> film = lg.Oscillator(Ms=1e6, volume=1e-24, alpha=0.05, H_k=0.1, demag=(0.0, 0.0, 0.0))
    >>> found = lg.experiments.loop(film, "field", 0.2, -0.2, angle=(0.7853981633974483, 0.0))
    >>> round(float(found.coercive[0]) * 1e3, 6), found.magnetisation.shape
    (-50.0, (2, 201, 3))
    """

    device: Device
    parameter: str
    unit: str
    angle: tuple[float, float]
    """Of the field's axis [rad], from z and from x."""
    values: np.ndarray
    """Of what is swept (W, P)."""
    y: np.ndarray
    """Numbers of the states (W, P, d)."""
    names: tuple[str, ...]
    """Of those numbers."""
    magnetisation: np.ndarray
    """Moment of all layers over its largest (W, P, 3)."""
    along: np.ndarray
    """The same along the field's axis (W, P)."""
    resistance: np.ndarray | None
    """[Ω] (W, P); None without a junction."""
    frequencies: np.ndarray
    """Of the modes (W, P, M) [Hz], the lowest first; NaN where one creeps."""
    widths: np.ndarray
    """Of their lines (W, P, M), full, [Hz]."""
    jumps: tuple[Jump, ...]
    closed: bool
    checked: bool
    """Whether every state is a minimum of the energy and every jump goes down, or all is stable where there is none."""
    notes: tuple[str, ...]

    @property
    def switching(self) -> tuple[tuple[float, ...], ...]:
        """The critical values of each sweep, in its order: those of every jump."""
        return tuple(tuple(jump.value for jump in self.jumps if jump.way == way) for way in range(len(self.values)))

    @property
    def coercive(self) -> tuple[float, ...]:
        """The value of each sweep at which M along the axis goes through 0; NaN where it does not.

        Where it does so in a jump this is the value of the jump.
        """
        return tuple(self._zero(way) for way in range(len(self.values)))

    def _zero(self, way: int) -> float:
        values, along = self.values[way], self.along[way]
        changes = np.flatnonzero(np.sign(along[:-1]) * np.sign(along[1:]) < 0)
        if not len(changes):
            return float("nan")
        i = int(changes[0])
        step = abs(values[i + 1] - values[i])
        for jump in self.jumps:
            if jump.way == way and abs(jump.value - (values[i] + values[i + 1]) / 2) <= 0.6 * step:
                return jump.value
        part = along[i] / (along[i] - along[i + 1])
        return float(values[i] + part * (values[i + 1] - values[i]))

    def table(self) -> dict[str, np.ndarray]:
        """Every point as columns (W·P,): sweep, what is swept, states, M, resistance, modes."""
        count = self.values.shape[1]
        found: dict[str, np.ndarray] = {"sweep": np.repeat(np.arange(len(self.values)), count)}
        found[self.parameter] = self.values.ravel()
        found["m_along"] = self.along.ravel()
        found |= {f"m_{axis}": self.magnetisation[..., i].ravel() for i, axis in enumerate("xyz")}
        if self.resistance is not None:
            found["resistance"] = self.resistance.ravel()
        found |= {name: self.y[..., i].ravel() for i, name in enumerate(self.names)}
        for mode in range(self.frequencies.shape[-1]):
            found[f"frequency_{mode}"] = self.frequencies[..., mode].ravel()
            found[f"width_{mode}"] = self.widths[..., mode].ravel()
        return found

    def to_json(self) -> dict[str, Any]:
        """What was found, in SI units, with its run record."""
        columns = {
            name: [None if value != value else value for value in column.tolist()]
            for name, column in self.table().items()
        }
        return run_record("loop", device=self.device) | {
            "parameter": self.parameter,
            "unit": self.unit,
            "angle_rad": list(self.angle),
            "closed": self.closed,
            "checked": self.checked,
            "notes": list(self.notes),
            "coercive": [None if value != value else value for value in self.coercive],
            "jumps": [
                {
                    "sweep": jump.way,
                    "kind": jump.kind,
                    "value": jump.value,
                    "frequency_Hz": jump.frequency,
                    "before": jump.before.tolist(),
                    "after": jump.after.tolist(),
                    "energy_drop_J": jump.drop,
                }
                for jump in self.jumps
            ],
            "columns": columns,
        }

    def save(self, path: Path, *, overwrite: bool = False) -> pathlib.Path:
        """Write it as .json (`to_json`), or the columns of `table` as .npz or .csv.

        Raises ValueError for another ending, FileExistsError and others as `core.files.check_target` does.
        """
        return write_result(path, self.to_json, run_record("loop", device=self.device), self.table, overwrite)

    def __repr__(self) -> str:
        ends = " to ".join(show(float(f"{end:.6g}"), self.unit) for end in self.values[0, [0, -1]])
        count = len(self.jumps)
        lines = [f"Loop over {self.parameter} from {ends}{' and back' if len(self.values) > 1 else ''}: {count} jumps"]
        for jump in self.jumps:
            where = f"{self.parameter} = {show(float(f'{jump.value:.8g}'), self.unit)}"
            fell = "" if jump.drop is None else f", energy falls by {show(float(f'{jump.drop:.4g}'), 'J')}"
            lines.append(f"  {'back, ' if jump.way else ''}{where}: {jump.kind}{fell}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])
