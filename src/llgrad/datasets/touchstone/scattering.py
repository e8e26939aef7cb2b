"""S parameters: what a network analyser gives, and the spectra that a resonance is seen in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import equinox as eqx
import numpy as np

from llgrad.core.units import show
from llgrad.observables.spectrum import Spectrum

LARGEST: Final = 1e6
"""No S parameter of a sample, an amplifier or a mistuned calibration is larger."""
HIGHEST: Final = 1e14
"""Frequencies [Hz] above this are not meant."""


class Scattering(eqx.Module):
    """S parameters of a network analyser: complex `s` (F, ports, ports) at increasing `frequency` (F,) [Hz].

    Raises ValueError for shapes that do not fit, fewer than two frequencies, one that does not increase, and a number
    that is not finite or cannot be.

    >>> Scattering([1e9, 2e9], [[[0.5]], [[0.4]]]).power("S11").density
    array([0.25, 0.16])
    """

    frequency: np.ndarray
    s: np.ndarray
    reference: tuple[float, ...] = eqx.field(static=True)
    """What each port is matched to [Ω]."""
    notes: tuple[str, ...] = eqx.field(static=True)
    understood: tuple[str, ...] = eqx.field(static=True)
    """How the file was understood that this was read from."""

    def __init__(
        self,
        frequency: Any,
        s: Any,
        reference: Sequence[float] = (50.0,),
        notes: Sequence[str] = (),
        understood: Sequence[str] = (),
    ):
        self.frequency = np.array(frequency, dtype=np.float64)
        self.s = np.array(s, dtype=np.complex128)
        ports = self.s.shape[1] if self.s.ndim == 3 else 0
        self.reference = tuple(reference) if len(reference) != 1 else tuple(reference) * ports
        self.notes = tuple(notes)
        self.understood = tuple(understood)

    def __check_init__(self) -> None:
        f, s = self.frequency, self.s
        if s.ndim != 3 or s.shape[1] != s.shape[2] or f.shape != s.shape[:1]:
            raise ValueError(
                f"S parameters of shape {s.shape} do not go with frequencies of shape {f.shape}; "
                "expected (F, ports, ports) and (F,)"
            )
        if f.size < 2:
            raise ValueError(f"there are S parameters at {f.size} frequencies, expected at least two")
        if not (np.isfinite(f).all() and f.min() >= 0 and f.max() < HIGHEST):
            raise ValueError(f"frequencies from {f.min():g} to {f.max():g} Hz cannot be meant; they are in hertz")
        if (late := np.flatnonzero(np.diff(f) <= 0)).size:
            raise ValueError(f"the frequency does not increase after {show(float(f[late[0]]), 'Hz')}; sort the rows")
        if not np.isfinite(s).all() or np.abs(s).max() > LARGEST:
            worst = float(f[np.argmax(np.where(np.isfinite(s), np.abs(s), np.inf).max(axis=(1, 2)))])
            raise ValueError(
                f"an S parameter at {show(worst, 'Hz')} is not finite or above {LARGEST:g}, which cannot be; "
                "remove the frequency"
            )

    def power(self, name: str = "S21") -> Spectrum:
        """|S|² of one parameter, such as "S21": the part of the incident power that arrives."""
        return Spectrum(self.frequency, np.abs(self._one(name)) ** 2, "1")

    def lost(self, port: int = 1) -> Spectrum:
        """1 − Σ|S|² of the waves that leave when `port` is driven: the part of the power that is absorbed.

        A resonance is a peak of it: `peak_of(scattering.lost())`.
        """
        if not 1 <= port <= self.s.shape[1]:
            raise ValueError(f"port = {port}, expected 1 to {self.s.shape[1]}")
        return Spectrum(self.frequency, 1 - np.sum(np.abs(self.s[:, :, port - 1]) ** 2, axis=1), "1")

    def _one(self, name: str) -> np.ndarray:
        ports = self.s.shape[1]
        match = re.fullmatch(r"[sS](\d)(\d)|[sS](\d+),(\d+)", name)
        row, column = (int(port) for port in match.groups() if port) if match else (0, 0)
        if not (1 <= row <= ports and 1 <= column <= ports):
            raise ValueError(
                f"there is no parameter {name!r} among those of {ports} ports; expected S11 to S{ports}{ports}"
            )
        return self.s[:, row - 1, column - 1]

    def __repr__(self) -> str:
        ends = [show(float(f), "Hz") for f in (self.frequency[0], self.frequency[-1])]
        return f"Scattering: {self.s.shape[1]} ports, {self.frequency.size} frequencies from {ends[0]} to {ends[1]}"
