"""How a number changes with the voltage across a barrier: a polynomial, or a measured curve."""

from __future__ import annotations

import abc

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from llgrad.core.record import Record, quantity, table
from llgrad.core.vector import Number


class VoltageLaw(Record):
    """By how much a pure number changes with a voltage. One of your own is one small class with `change`.

    >>> import llgrad as lg
    >>> class Rising(lg.stacks.VoltageLaw):
    ...     per_volt: float = lg.quantity("1/V")
    ...     def change(self, voltage):
    ...         return self.per_volt * voltage
    >>> Rising(0.1).change(0.5)
    0.05
    """

    @abc.abstractmethod
    def change(self, voltage: Number) -> Number:
        """What is added at a voltage [V]."""


class VoltagePolynomial(VoltageLaw):
    """linear V + quadratic V².

    >>> VoltagePolynomial(linear=0.1, quadratic=-0.2).change(0.5)
    0.0
    """

    linear: float = quantity("1/V", default=0.0, about="change with V")
    quadratic: float = quantity("1/V²", default=0.0, about="change with V²")

    def change(self, voltage: Number) -> Number:
        return self.linear * voltage + self.quadratic * voltage * voltage


class VoltageTable(VoltageLaw):
    """A measured curve, by straight lines between its points, and constant beyond its ends.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> table = lg.stacks.VoltageTable(np.array([-1.0, 0.0, 1.0]), np.array([0.02, 0.0, -0.05]))
    >>> round(float(table.change(0.5)), 4), round(float(table.change(3.0)), 4)
    (-0.025, -0.05)
    """

    voltages: Float[np.ndarray | jax.Array, "K"] = table("V", ascending=True, about="voltages")
    changes: Float[np.ndarray | jax.Array, "K"] = table("1", about="change at each")

    def __check_init__(self) -> None:
        if len(self.voltages) != len(self.changes):
            raise ValueError(
                f"VoltageTable: {len(self.voltages)} voltages and {len(self.changes)} changes, expected one change for "
                "each voltage"
            )

    def change(self, voltage: Number) -> Number:
        return jnp.interp(voltage, self.voltages, self.changes)
