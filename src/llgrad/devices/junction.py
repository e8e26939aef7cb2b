"""The electrical side of an oscillator: how the resistance follows the angle between free layer and polariser."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import numpy as np

from llgrad.core.record import Record, is_concrete, quantity
from llgrad.core.units import show
from llgrad.core.vector import Number
from llgrad.devices.bias import Law, Linear, Tangent, polished, settled, still


class Junction(Record):
    """A law for the resistance as a function of c = m·p.

    >>> import llgrad as lg
    >>> class Squared(lg.devices.Junction):
    ...     R_P: float = lg.quantity("Ohm")
    ...     def resistance(self, c):
    ...         return self.R_P * (2 - c**2)
    >>> Squared(300.0).resistance(0.5)  # a law of one's own, of c = m·p
    525.0

    One whose resistance follows the voltage has an `at_voltage` of its own, and a current V/R(c, V) that rises with V.
    """

    steps: ClassVar[int] = 12
    """Of Newton's method, where its voltage is found."""

    def __check_init__(self) -> None:
        kind = type(self)
        if kind.at_current is not Junction.at_current and kind.at_voltage is Junction.at_voltage:
            raise ValueError(
                f"{kind.__name__} has an at_current and no at_voltage of its own, so that its voltage is known where "
                "its current is and not the other way; give it at_voltage(cosine, voltage), from which at_current "
                "follows"
            )

    @abc.abstractmethod
    def resistance(self, cosine: Number) -> Number:
        """Resistance [Ω] at c = m·p, any shape, without bias."""

    @property
    def follows_voltage(self) -> bool:
        """Whether the resistance follows the voltage across the junction."""
        return type(self).at_voltage is not Junction.at_voltage

    def at_current(self, cosine: Number, current: Number) -> Number:
        """Resistance [Ω] where a current [A] flows: V/I of the V at which it does."""
        if not self.follows_voltage:
            return self.resistance(cosine)

        volts = settled(*_alone(still(self), still(cosine), still(current)), self.steps)
        laws, linear = _alone(self, cosine, current)
        return self.at_voltage(cosine, linear(polished(laws, linear, volts))[0][0])

    def at_voltage(self, cosine: Number, voltage: Number) -> Number:
        """Resistance [Ω] at a voltage [V] across the junction; here it does not depend on it."""
        return self.resistance(cosine)

    def current(self, cosine: Number, voltage: Number) -> Number:
        """Current [A] at a voltage [V] across the junction."""
        return voltage / self.at_voltage(cosine, voltage)


def check_junction(of: str, junction: Any) -> None:
    """Raise ValueError for what has no resistance; a placeholder of a transformation passes."""
    if isinstance(junction, (bool, int, float, str, list, tuple)):
        raise ValueError(
            f"{of}: junction = {junction!r}, expected a law of its resistance, such as "
            "lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0)"
        )


def _check_positive(name: str, value: Any) -> None:
    """Raise ValueError unless a concrete resistance is positive and finite."""
    if is_concrete(value) and not np.all((np.asarray(value) > 0) & np.isfinite(value)):
        raise ValueError(f"{name} = {show(value, 'Ω')}, expected a positive resistance")


def _alone(junction: Junction, cosine: Any, current: Any) -> tuple[list[Law], Linear]:
    """A junction and the network that gives it a current, as `settled` and `polished` take them."""

    def linear(tangents: list[Tangent]) -> list[tuple[Any, Any]]:
        (at,) = tangents
        return [(at.source + current / at.conductance, current)]

    return [lambda voltage: junction.current(cosine, voltage)], linear


class ConductanceJunction(Junction):
    """A tunnel junction, whose *conductance* is linear in m·p: G = G_0 (1 + λ_G m·p).

    R_P = 1/(G_0 (1 + λ_G)), R_AP = 1/(G_0 (1 − λ_G)), TMR = (R_AP − R_P)/R_P = 2 λ_G/(1 − λ_G).
    Source: J. C. Slonczewski, Phys. Rev. B 39, 6995 (1989).

    >>> import llgrad as lg
    >>> junction = lg.devices.ConductanceJunction(R_P=300.0, tmr=1.0)
    >>> [round(float(junction.resistance(c)), 3) for c in (1.0, 0.0, -1.0)]  # Ω; G is the mean at 90°
    [300.0, 400.0, 600.0]
    """

    R_P: float = quantity("Ω", about="resistance of the parallel state")
    tmr: float = quantity("1", about="(R_AP − R_P)/R_P")

    def __check_init__(self) -> None:
        _check_positive("ConductanceJunction: R_P", self.R_P)
        if is_concrete(self.tmr) and not np.all(np.asarray(self.tmr) > -1):
            raise ValueError(
                f"ConductanceJunction: tmr = {self.tmr}, expected more than −1, as R_AP = R_P (1 + tmr) is positive; "
                "100 % is 1.0"
            )

    def resistance(self, cosine: Number) -> Number:
        asymmetry = self.tmr / (2 + self.tmr)
        return self.R_P * (1 + asymmetry) / (1 + asymmetry * cosine)


class LinearJunction(Junction):
    """The often used alternative, whose *resistance* is linear: R = R_P + ΔR (1 − m·p)/2, ΔR = R_AP − R_P.

    >>> import llgrad as lg
    >>> junction = lg.devices.LinearJunction(R_P=300.0, delta_R=300.0)
    >>> [round(float(junction.resistance(c)), 3) for c in (1.0, 0.0, -1.0)]  # Ω
    [300.0, 450.0, 600.0]
    """

    R_P: float = quantity("Ω", about="resistance of the parallel state")
    delta_R: float = quantity("Ω", about="R_AP − R_P")

    def __check_init__(self) -> None:
        _check_positive("LinearJunction: R_P", self.R_P)
        if is_concrete(self.R_P) and is_concrete(self.delta_R):
            _check_positive("LinearJunction: R_P + delta_R", np.asarray(self.R_P) + np.asarray(self.delta_R))

    def resistance(self, cosine: Number) -> Number:
        return self.R_P + self.delta_R * (1 - cosine) / 2
