"""A tunnel junction whose magnetoresistance falls with the voltage across it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from llgrad.core.record import is_concrete, quantity
from llgrad.devices.junction import Junction

STEPS: Final = 7
"""Of Newton's method: from the resistance without bias to rounding, for any bias (see the test)."""


class BiasedJunction(Junction):
    """A tunnel junction, whose conductance is linear in m·p, with a TMR that falls with the voltage V across it:

        TMR(V) = TMR₀/(1 + (V/V_h)²),   G(V) = (1 + a c)/(R_P (1 + a)),   a = TMR(V)/(2 + TMR(V)),   c = m·p.

    The parallel state keeps its resistance; at V_h the TMR is half of TMR₀. Where a current I flows, V solves
    V G(V) = I, whose one root is found by Newton's method; so the voltage follows current and state exactly, and is
    differentiable. The law is that of compact models (recalled): Y. Zhang et al., IEEE Trans. Electron Devices 59, 819
    (2012).

    >>> junction = BiasedJunction(R_P=1e3, tmr=1.0, half_voltage=0.5)
    >>> round(junction.at_voltage(-1.0, 0.5), 3), round(float(junction.at_current(-1.0, 0.5 / 1500)), 3)
    (1500.0, 1500.0)
    """

    R_P: float = quantity("Ω", about="resistance of the parallel state")
    tmr: float = quantity("1", about="TMR₀ without bias, (R_AP − R_P)/R_P")
    half_voltage: float = quantity("V", about="voltage V_h at which the TMR is half of it")

    def __check_init__(self) -> None:
        for name in ("R_P", "half_voltage"):
            value = getattr(self, name)
            if is_concrete(value) and not (np.asarray(value, float) > 0).all():
                raise ValueError(f"{name} = {value} of a BiasedJunction, expected a positive number")

    def resistance(self, cosine: Any) -> Any:
        """Resistance [Ω] at c = m·p, any shape, without bias."""
        return self.at_voltage(cosine, 0.0)

    def at_voltage(self, cosine: Any, voltage: Any) -> Any:
        twice = self._twice(voltage / self.half_voltage)
        return self.R_P * (twice + 2 * self.tmr) / (twice + self.tmr * (1 + cosine))

    def at_current(self, cosine: Any, current: Any) -> Any:
        # x = V/V_h solves x (2 (1 + x²) + b) = i (2 (1 + x²) + 2 TMR₀), i = I R_P/V_h: I rises with V, so there is one
        part = self.tmr * (1 + cosine)
        i = current * self.R_P / self.half_voltage
        x = i * (2 + 2 * self.tmr) / (2 + part)
        for _ in range(STEPS):
            twice = self._twice(x)
            above, below = twice + part, twice + 2 * self.tmr
            # of x above/below − i, whose slope is positive everywhere
            slope = (above + 4 * x * x * (1 - above / below)) / below
            x = x - (x * above / below - i) / slope
        return self.at_voltage(cosine, x * self.half_voltage)

    @staticmethod
    def _twice(x: Any) -> Any:
        return 2 * (1 + x * x)
