"""Harmonic voltages as they are told, over what is swept."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from llgrad.core.files import Path, write_result
from llgrad.core.run_record import run_record
from llgrad.core.units import show
from llgrad.experiments.loops.result import Loop


@dataclass(frozen=True)
class HarmonicHall:
    """What a lock-in amplifier reads of a device at rest, (P,) each, for a current I₀ sin ωt:

    V = direct + first_sine sin ωt + first_cosine cos ωt + second_sine sin 2ωt + second_cosine cos 2ωt.

    At a low frequency the first harmonic is in phase (`first_sine`, V_ω), the second a quarter of a period out of phase
    (`second_cosine`, V_2ω), and the other two vanish.

    >>> import llgrad as lg
    >>> film = lg.Layer("free", Ms=1e6, thickness=1e-9, area=1e-12, H_k=1.5, demag=(0, 0, 0), m=(0, 0, 1),
    ...     terms=(lg.physics.SpinOrbitTorque(1.0, field_like=0.5),))  # 1 mT per mA towards y
    >>> film_of_bar = lg.readout.Film(200.0, (lg.readout.AHE(1.0), lg.readout.PHE(0.4)))
    >>> bar = lg.readout.HallBar(film_of_bar, length=20e-6, width=5e-6)
    >>> found = lg.experiments.harmonic_hall(lg.Stack(film, readouts=bar), "field", -0.05, 0.05, current=1e-3,
    ...     angle=(1.5707963267948966, 0.0), steps=2, m0={"free": lg.systems.Spin(0.0, 0.0, 1.0)})
    >>> round(float(found.first_sine[-1]) * 1e3, 3)  # mV: I₀ R_AHE m_z
    0.999
    """

    loop: Loop
    """The states at rest, their modes and jumps: one sweep."""
    current: float
    """Amplitude I₀ [A]."""
    frequency: float
    """[Hz]; 0 is the limit of a slow current."""
    signal: str
    direct: Float[np.ndarray | jax.Array, "P"]
    first_sine: Float[np.ndarray | jax.Array, "P"]
    first_cosine: Float[np.ndarray | jax.Array, "P"]
    second_sine: Float[np.ndarray | jax.Array, "P"]
    second_cosine: Float[np.ndarray | jax.Array, "P"]
    """[V]; NaN where the current turns a layer so far that the second order says nothing."""
    swing: Float[np.ndarray | jax.Array, "P"]
    """Amplitude [rad] by which the current turns the layer that turns most."""

    @property
    def values(self) -> np.ndarray:
        """Of what is swept (P,)."""
        return self.loop.values[0]

    def table(self) -> dict[str, np.ndarray]:
        """Every point as columns (P,): what is swept, M, the voltages [V]."""
        found = {self.loop.parameter: self.values}
        found |= {f"m_{axis}": self.loop.magnetisation[0, :, i] for i, axis in enumerate("xyz")}
        names = ("direct", "first_sine", "first_cosine", "second_sine", "second_cosine", "swing")
        return found | {name: np.asarray(getattr(self, name)) for name in names}

    def to_json(self) -> dict[str, Any]:
        """What was found, in SI units, with its run record."""
        loop = self.loop.to_json()
        return run_record("harmonic_hall", device=self.loop.device) | {
            "parameter": self.loop.parameter,
            "unit": self.loop.unit,
            "signal": self.signal,
            "current_A": self.current,
            "frequency_Hz": self.frequency,
            "columns": {
                name: [None if value != value else value for value in column.tolist()]
                for name, column in self.table().items()
            },
            "sweep": {name: loop[name] for name in ("angle_rad", "notes", "jumps")},
        }

    def save(self, path: Path, *, overwrite: bool = False) -> pathlib.Path:
        """Write it as .json (`to_json`), or the columns of `table` as .npz or .csv.

        Raises ValueError for another ending, FileExistsError and others as `core.files.check_target` does.
        """
        return write_result(
            path, self.to_json, run_record("harmonic_hall", device=self.loop.device), self.table, overwrite
        )

    def __repr__(self) -> str:
        one = self.loop
        ends = " to ".join(show(float(f"{end:.6g}"), one.unit) for end in self.values[[0, -1]])
        how = "slowly" if self.frequency == 0 else f"at {show(self.frequency, 'Hz')}"
        amplitude = show(float(f"{self.current:.6g}"), "A")
        lines = [f"Harmonics of {self.signal} over {one.parameter} from {ends}, {amplitude} {how}"]
        for name in ("first_sine", "first_cosine", "second_sine", "second_cosine"):
            part = np.asarray(getattr(self, name))
            if np.isfinite(part).any() and np.nanmax(np.abs(part)) > 0:
                low, high = (show(float(f"{edge:.5g}"), "V") for edge in (np.nanmin(part), np.nanmax(part)))
                lines.append(f"  {name.replace('_', ' harmonic, ')}: {low} to {high}")
        lines += [f"  jumps at {one.parameter} = {show(float(f'{jump.value:.6g}'), one.unit)}" for jump in one.jumps]
        beyond = int(np.isnan(np.asarray(self.direct)).sum())
        if beyond:
            lines.append(
                f"  at {beyond} of {len(self.values)} points the current turns a layer too far for the second order"
            )
        return "\n".join(lines)
