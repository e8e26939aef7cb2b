"""The stray field between two layers of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Self

import equinox as eqx
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.constants import MU_0
from llgrad.core.field_term import Inputs
from llgrad.core.record import is_concrete, vector
from llgrad.core.vector import Vec3
from llgrad.devices.geometry import Ellipse
from llgrad.physics.stacks.coupling import Directions, LayerCoupling, Layers, check_pair
from llgrad.physics.stacks.tensors import dipole_tensor, ellipse_tensor, prism_tensor

TRACELESS: Final = 1e-6
"""A mutual tensor's trace is below this part of its largest entry."""


class StrayField(LayerCoupling):
    """The magnetostatic field of each of two layers in the other, by one magnetometric tensor N: with V = area · t,

        B₁ = −µ0 Ms₂ N m₂,   B₂ = −µ0 Ms₁ (V₁/V₂) N m₁,

    the second by reciprocity, V₁ N₁₂ = V₂ N₂₁, so that both follow from the energy µ0 Ms₁ Ms₂ V₁ m₁·N m₂. N is
    symmetric and its trace is 0, as of any two bodies apart. `of_prisms`, `of_ellipses` and `of_dipoles` compute it
    from the shapes (`prism_tensor`, `ellipse_tensor`); `from_tensor` takes one from elsewhere. It does not change with
    the thickness of a layer afterwards.

    Source: A. J. Newell, W. Williams, D. J. Dunlop, J. Geophys. Res. 98, 9551 (1993), eqs. (10) to (16).

    Args:
        between: names of two layers; the tensor is that of the second one's field in the first.
        diagonal: (N_xx, N_yy, N_zz). off_diagonal: (N_yz, N_xz, N_xy).

    Raises ValueError for a tensor whose trace is not 0.

    >>> import llgrad as lg
    >>> dots = (lg.devices.ellipse(diameters=(100e-9, 60e-9), thickness=2e-9),) * 2
    >>> stray = lg.stacks.StrayField.of_dipoles(("a", "b"), volume=dots[0].volume, offset=(200e-9, 0, 0))
    >>> round(stray.diagonal.x * 1e3, 4), round(stray.diagonal.y * 1e3, 4)
    (-0.1875, 0.0938)
    """

    between: tuple[str, str] = eqx.field(static=True, converter=lambda v: tuple(v) if isinstance(v, list) else v)
    diagonal: Vec3 = vector("1", about="N_xx, N_yy, N_zz of the second layer's field in the first")
    off_diagonal: Vec3 = vector("1", default=(0.0, 0.0, 0.0), about="N_yz, N_xz, N_xy")

    def __check_init__(self) -> None:
        check_pair("StrayField", self.between)
        parts = [getattr(part, axis) for part in (self.diagonal, self.off_diagonal) for axis in "xyz"]
        if not all(map(is_concrete, parts)):
            return
        trace = np.asarray(parts[0]) + np.asarray(parts[1]) + np.asarray(parts[2])
        if not np.all(np.abs(trace) <= TRACELESS * max(float(np.abs(part).max()) for part in parts)):
            raise ValueError(
                f"the tensor of StrayField between {self.between[0]!r} and {self.between[1]!r} has the trace "
                f"{float(np.ravel(trace)[0]):.6g}, expected 0, as of two bodies apart; a tensor of one layer by itself "
                "has the trace 1, and is its demag"
            )

    @classmethod
    def from_tensor(cls, between: Sequence[str], tensor: Sequence[Sequence[float]] | Float[ArrayLike, "3 3"]) -> Self:
        """From a symmetric tensor (3, 3) of the second layer's field in the first, B₁ = −µ0 Ms₂ N m₂."""
        n = np.asarray(tensor, float)
        if n.shape != (3, 3) or not np.allclose(n, n.T, rtol=0, atol=1e-9 * float(np.abs(n).max(initial=0.0))):
            raise ValueError(f"tensor = {n.tolist()}, expected a symmetric one of three rows of three numbers")
        return cls(tuple(between), Vec3(*np.diag(n)), Vec3(n[1, 2], n[0, 2], n[0, 1]))

    @classmethod
    def of_prisms(
        cls, between: Sequence[str], first: Sequence[float], second: Sequence[float], offset: Sequence[float]
    ) -> Self:
        """Of two rectangular layers of edges (l_x, l_y, l_z) [m]; offset: centre of the first minus that of the second.

        >>> import llgrad as lg
        >>> stray = lg.stacks.StrayField.of_prisms(
        ...     ("free", "reference"), (100e-9, 60e-9, 2e-9), (100e-9, 60e-9, 3e-9), offset=(0, 0, 3.5e-9)
        ... )
        >>> round(stray.diagonal.x, 4)
        0.0224
        """
        return cls.from_tensor(between, prism_tensor(first, second, offset))

    @classmethod
    def of_ellipses(cls, between: Sequence[str], first: Ellipse, second: Ellipse, gap: float) -> Self:
        """Of two elliptic layers of the same axes (`lg.devices.ellipse`), one above the other, a gap [m] between."""
        return cls.from_tensor(between, ellipse_tensor(first, second, gap))

    @classmethod
    def of_dipoles(cls, between: Sequence[str], volume: float, offset: Sequence[float]) -> Self:
        """Of two layers far apart: `volume` [m³] is that of the second one, `offset` as in `of_prisms`."""
        return cls.from_tensor(between, dipole_tensor(volume, offset))

    @property
    def names(self) -> tuple[str, ...]:
        return self.between

    def fields(self, layers: Layers, m: Directions, inputs: Inputs) -> dict[str, Vec3]:
        first, second = self.between
        one, other = layers.layer(first), layers.layer(second)
        # one ratio after the other: the square of a volume is below the smallest float32
        ratio = (one.area / other.area) * (one.thickness / other.thickness)
        return {
            first: self._times(m[second], -MU_0 * other.Ms),
            second: self._times(m[first], -MU_0 * one.Ms * ratio),
        }

    def _times(self, m: Vec3, factor: Any) -> Vec3:
        """factor N m: the factor goes into the tensor, which is made once, and not into every step."""
        d, o = self.diagonal * factor, self.off_diagonal * factor
        return Vec3(
            d.x * m.x + o.z * m.y + o.y * m.z,
            o.z * m.x + d.y * m.y + o.x * m.z,
            o.y * m.x + o.x * m.y + d.z * m.z,
        )
