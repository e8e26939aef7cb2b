"""Voltage-controlled magnetic anisotropy: linear in the voltage, and by a measured curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from llgrad.core.field_term import FieldTerm, Inputs
from llgrad.core.record import quantity, table, vector
from llgrad.core.vector import Vec3
from llgrad.devices.ranges import check_unit_vector


class VoltageControlledAnisotropy(FieldTerm):
    """An anisotropy that follows the voltage V across the barrier: B = k V (m·n) n.

    With an interface energy that changes by ξ V/d per area, H_k = 2 K/Ms changes by k V, k = 2 ξ/(Ms t d). V is I R(m)
    of the barrier that the layer touches: it follows the resistance. It is positive where the current from the first
    layer to the last is, that is, where the first layer's side is the positive electrode.

    Source of the linear law: T. Nozaki et al., Micromachines 10, 327 (2019), section 2 (recalled).

    >>> import llgrad as lg
    >>> term = lg.physics.VoltageControlledAnisotropy.of_interface(
    ...     xi=60e-15, Ms=625e3, thickness=1.1e-9, barrier=1.4e-9
    ... )
    >>> round(term.per_volt, 4)  # T/V: 2 ξ/(Ms t d)
    0.1247
    """

    per_volt: float = quantity("T/V", about="anisotropy field per voltage, 2ξ/(Ms t d)")
    axis: Vec3 = vector("1", default=(0.0, 0.0, 1.0), about="easy axis n")
    terminals: ClassVar[Mapping[str, str]] = {"voltage": "V"}

    def __check_init__(self) -> None:
        check_unit_vector("VoltageControlledAnisotropy: axis", self.axis)

    @classmethod
    def of_interface(cls, xi: float, *, Ms: float, thickness: float, barrier: float) -> Self:
        """From ξ [J/(V m)], Ms [A/m], the layer's thickness and that of the barrier [m].

        >>> import llgrad as lg
        >>> vcma = lg.physics.VoltageControlledAnisotropy.of_interface(100e-15, Ms=1e6, thickness=1e-9, barrier=1e-9)
        >>> round(vcma.per_volt, 6)
        0.2
        """
        return cls(2e15 * xi / ((Ms * 1e-6) * (thickness * 1e9) * (barrier * 1e9)) * 1e-3)

    def field(self, m: Vec3, inputs: Inputs) -> Vec3:
        return self.axis * (self.per_volt * inputs.voltage * m.dot(self.axis))


class VoltageAnisotropyTable(FieldTerm):
    """An anisotropy field that is measured against the voltage: B = H(V) (m·n) n, H by straight lines between points.

    Beyond the ends of the table H stays as it is there. V as for `VoltageControlledAnisotropy`.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> term = lg.physics.VoltageAnisotropyTable(np.array([-1.0, 0.0, 1.0]), np.array([0.02, 0.0, -0.05]))
    >>> term.fields.tolist()  # T at −1, 0 and 1 V
    [0.02, 0.0, -0.05]
    """

    voltages: Float[np.ndarray | jax.Array, "K"] = table("V", ascending=True, about="voltages")
    fields: Float[np.ndarray | jax.Array, "K"] = table("T", about="anisotropy field at each")
    axis: Vec3 = vector("1", default=(0.0, 0.0, 1.0), about="easy axis n")
    terminals: ClassVar[Mapping[str, str]] = {"voltage": "V"}

    def __check_init__(self) -> None:
        check_unit_vector("VoltageAnisotropyTable: axis", self.axis)
        if len(self.voltages) != len(self.fields):
            raise ValueError(
                f"VoltageAnisotropyTable: {len(self.voltages)} voltages and {len(self.fields)} fields, expected one "
                "field for each voltage"
            )

    def field(self, m: Vec3, inputs: Inputs) -> Vec3:
        strength = jnp.interp(inputs.voltage, self.voltages, self.fields)
        return self.axis * (strength * m.dot(self.axis))
