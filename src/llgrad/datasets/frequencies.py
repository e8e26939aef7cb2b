"""A table of frequencies: what a spectrum analyser gives while a current or a field is swept."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import numpy as np


class FrequencyTable(eqx.Module):
    """The frequency [Hz] of an oscillator at K values [SI] of one setting, such as "current" or "field.z".

    >>> table = FrequencyTable("current", [1e-3, 2e-3], [6.1e8, 4.9e8])
    >>> table
    FrequencyTable: 2 frequencies against current
    """

    setting: str = eqx.field(static=True)
    values: np.ndarray
    frequencies: np.ndarray

    def __init__(self, setting: str, values: Any, frequencies: Any):
        self.setting = setting
        self.values = np.array(values, dtype=np.float64)
        self.frequencies = np.array(frequencies, dtype=np.float64)

    def __check_init__(self) -> None:
        if self.values.ndim != 1 or self.values.shape != self.frequencies.shape or not self.values.size:
            raise ValueError(
                f"a frequency table needs as many values as frequencies, got {self.values.shape} of {self.setting} and "
                f"{self.frequencies.shape}"
            )
        if not (np.isfinite(self.values).all() and np.isfinite(self.frequencies).all()):
            raise ValueError("a frequency table has a number that is not finite; remove its row")
        if not ((self.frequencies > 1e6) & (self.frequencies < 1e12)).all():
            raise ValueError(
                f"frequencies from {self.frequencies.min():g} to {self.frequencies.max():g} Hz cannot be meant; they are "
                "in hertz: 1 GHz is 1e9"
            )

    def __repr__(self) -> str:
        return f"FrequencyTable: {self.values.size} frequencies against {self.setting}"
