"""How a number changes with the voltage across a barrier: a polynomial, or a measured curve."""

from __future__ import annotations

import abc
from typing import Any

import jax.numpy as jnp

from llgrad.core.record import Record, quantity, table


class VoltageLaw(Record):
    """By how much a pure number changes with a voltage. One of your own is one small class with `change`."""

    @abc.abstractmethod
    def change(self, voltage: Any) -> Any:
        """What is added at a voltage [V]."""


class VoltagePolynomial(VoltageLaw):
    """linear V + quadratic V².

    >>> VoltagePolynomial(linear=0.1, quadratic=-0.2).change(0.5)
    0.0
    """

    linear: float = quantity("1/V", default=0.0, about="change with V")
    quadratic: float = quantity("1/V²", default=0.0, about="change with V²")

    def change(self, voltage: Any) -> Any:
        return self.linear * voltage + self.quadratic * voltage * voltage


class VoltageTable(VoltageLaw):
    """A measured curve, by straight lines between its points, and constant beyond its ends."""

    voltages: Any = table("V", ascending=True, about="voltages")
    changes: Any = table("1", about="change at each")

    def __check_init__(self) -> None:
        if len(self.voltages) != len(self.changes):
            raise ValueError(
                f"VoltageTable: {len(self.voltages)} voltages and {len(self.changes)} changes, expected one change for "
                "each voltage"
            )

    def change(self, voltage: Any) -> Any:
        return jnp.interp(voltage, self.voltages, self.changes)
