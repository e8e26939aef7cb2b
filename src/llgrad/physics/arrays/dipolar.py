"""The stray field between the members of an array, from where they are, what they are made of and how they are
shaped."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.constants import MU_0
from llgrad.core.record import is_concrete, quantity
from llgrad.core.units import read_vector
from llgrad.core.vector import Number
from llgrad.devices.arrays.mix import DenseMix
from llgrad.devices.coupling import LinearCoupling
from llgrad.devices.geometry import Ellipse
from llgrad.physics.arrays.bodies import Shape, checked_shape, pair_tensors, size_of, volume_of
from llgrad.physics.dipolar import dipolar_tensors

FAR: Final = 10.0
"""So many sizes apart two bodies are two points."""


class DipolarCoupling(LinearCoupling):
    """The stray field of each member of an array in every other, from their positions:

        B_i = Σ_j W_ij m_j,   W_ij = −µ0 Ms_j N_ij,   V_i N_ij = V_j N_jiᵀ,

    N_ij the magnetometric tensor of the two shapes (`prism_tensor`), or V_j (1 − 3 r̂ r̂ᵀ)/(4π r³) of point dipoles
    where there are no shapes (by quadrature: to 1e-4 of the tensor where a gap is above a sixth of the edges that face
    each other, to 1 % above a twentieth; nearer ones `StrayField.of_prisms` has exactly), and between bodies further
    apart than `far` sizes (where a body is a point to about 1 %). Made by `from_positions`; its numbers, positions
    among them, are leaves: differentiable and trainable. An array of oscillators takes it as it is, one of systems
    takes its `mix`.

    Sources: A. J. Newell, W. Williams, D. J. Dunlop, J. Geophys. Res. 98, 9551 (1993); J. D. Jackson, Classical
    Electrodynamics, 3rd edition, eq. 5.56.

    >>> import llgrad as lg
    >>> positions = [[0.0, 0.0, 0.0], [200e-9, 0.0, 0.0]]
    >>> coupling = lg.physics.DipolarCoupling.from_positions(positions, Ms=1.4483e6, volume=2.2619e-23)
    >>> coupling.count, [round(1e3 * float(b), 3) for b in coupling.tensors()[0, 1].diagonal()]  # mT
    (2, [0.819, -0.409, -0.409])
    """

    positions: Float[np.ndarray | jax.Array, "N 3"] = quantity("m", about="centres of the members, (N, 3)")
    Ms: Float[np.ndarray | jax.Array, "N"] = quantity("A/m", about="saturation magnetisation of each member, (N,)")
    volume: Float[np.ndarray | jax.Array, "N"] = quantity("m³", about="volume of each member, (N,)")
    shapes: tuple[Shape, ...] | None = eqx.field(static=True, default=None)
    far: float = eqx.field(static=True, default=FAR)

    @classmethod
    def from_positions(
        cls,
        positions: Float[ArrayLike, "N 3"] | Sequence[Sequence[float] | str],
        *,
        Ms: Number | Sequence[float],
        volume: Number | Sequence[float] | None = None,
        shapes: Shape | Sequence[Shape] | None = None,
        far: float = FAR,
    ) -> Self:
        """From where the members are.

        Args:
            positions: centres (N, 3) [m], or a list of texts with units such as "200nm, 0nm, 0nm".
            Ms: of each member [A/m], one number or (N,), such as `device.Ms`.
            volume: of each member [m³], one number or (N,); that of its shape where shapes are given.
            shapes: of all members or of each: edges (l_x, l_y, l_z) [m] of a prism, or an elliptic cylinder
                (`lg.devices.ellipse`); None takes point dipoles.
            far: bodies further apart than so many times the larger one's size are point dipoles. Traced positions take
                shapes throughout.

        Raises ValueError for other shapes of arrays, lengths that are not metres, members that overlap, and where
        neither volume nor shapes are given.

        >>> import llgrad as lg
        >>> disc = lg.devices.ellipse(diameters=(60e-9, 60e-9), thickness=2e-9)
        >>> places = ["0nm, 0nm, 0nm", "100nm, 0nm, 0nm", "0nm, 100nm, 0nm"]
        >>> stray = lg.physics.DipolarCoupling.from_positions(places, Ms=1.4483e6, shapes=disc)
        >>> [round(float(b) * 1e3, 3) for b in np.diag(stray.tensors()[0, 1])]  # in mT
        [1.921, -0.884, -1.037]
        >>> array = lg.OscillatorArray(lg.presets.kubota2013(), 3, stray)
        """
        places = _positions(positions)
        count = places.shape[0]
        each = None if shapes is None else _shapes(shapes, count)
        if (volume is None) == (each is None):
            said = "neither is" if volume is None else "both are"
            raise ValueError(f"volume and shapes: {said} given, expected one of them, volume [m³] of point dipoles")
        volume = [volume_of(one) for one in each] if each is not None else volume
        return cls(places, _of_each("Ms", Ms, count), _of_each("volume", volume, count), each, float(far))

    def __check_init__(self) -> None:
        if self.shapes is not None and is_concrete(self.positions):
            _check_apart(np.asarray(self.positions, float), self.shapes)

    @property
    def count(self) -> int:
        return np.shape(self.positions)[0]

    def tensors(self) -> Float[jax.Array, "N N 3 3"]:
        dipoles = dipolar_tensors(self.positions, self.Ms * self.volume)
        if self.shapes is None:
            return dipoles
        pairs = self._near()
        if not pairs:
            return dipoles
        found = self._of_shapes(pairs, dipoles.dtype)
        first, second = (np.array(places) for places in zip(*pairs, strict=True))
        Ms = jnp.asarray(self.Ms, dipoles.dtype) * (-MU_0)
        sizes = np.asarray([volume_of(one) for one in self.shapes])
        back = jnp.asarray(sizes[first] / sizes[second], dipoles.dtype)  # reciprocity
        dipoles = dipoles.at[first, second].set(Ms[second][:, None, None] * found)
        dipoles = dipoles.at[second, first].set((Ms[first] * back)[:, None, None] * found)
        return dipoles

    def mix(self, of: str = "m", to: str = "field") -> DenseMix:
        """The same between the members of a `SystemArray`: of what each emits, a direction ("free" of a Stack), to
        what it receives, a field."""
        return DenseMix(self.tensors(), of=of, to=to)

    def _near(self) -> list[tuple[int, int]]:
        """The pairs whose shapes count."""
        shapes = self.shapes or ()
        pairs = list(itertools.combinations(range(len(shapes)), 2))
        if not is_concrete(self.positions):
            return pairs
        at = np.asarray(self.positions, float)
        reach = [self.far * size_of(one) for one in shapes]
        return [(i, j) for i, j in pairs if np.linalg.norm(at[i] - at[j]) < max(reach[i], reach[j])]

    def _of_shapes(self, pairs: Sequence[tuple[int, int]], dtype: Any) -> Any:
        """N_ij (P, 3, 3) of pairs: those of the same two shapes in one program."""
        shapes, found = self.shapes or (), jnp.zeros((len(pairs), 3, 3), dtype)
        positions = jnp.asarray(self.positions, dtype) * 1e9
        kinds: dict[tuple[Shape, Shape], list[int]] = {}
        for place, (i, j) in enumerate(pairs):
            kinds.setdefault((shapes[i], shapes[j]), []).append(place)
        for (target, source), places in kinds.items():
            first, second = (np.array([pairs[place][end] for place in places]) for end in (0, 1))
            tensors = pair_tensors(target, source, positions[first] - positions[second])
            found = found.at[np.array(places)].set(tensors)
        return found


def _positions(given: Any) -> Any:
    if isinstance(given, (list, tuple)) and any(isinstance(one, str) for one in given):
        given = [read_vector(one, "m") for one in given]
    positions = given if hasattr(given, "dtype") else np.asarray(given, float)
    if len(np.shape(positions)) != 2 or np.shape(positions)[1] != 3:
        raise ValueError(f"positions has the shape {np.shape(positions)}, expected (N, 3) in metres")
    if is_concrete(positions):
        largest = float(np.max(np.abs(np.asarray(positions, float)), initial=0.0))
        if not largest <= 1e-2:
            raise ValueError(
                f"positions reach {largest:g} m, expected metres, up to 10 mm; did you mean nm? 200 nm is 200e-9"
            )
    return positions


def _of_each(name: str, given: Any, count: int) -> Any:
    shape = np.shape(given)
    if shape not in ((), (count,)):
        raise ValueError(f"{name} has the shape {shape}, expected one number, or ({count},) of the members")
    if is_concrete(given) or isinstance(given, list):
        array = np.broadcast_to(np.asarray(given, float), (count,))
        if not (array > 0).all():
            raise ValueError(f"{name} = {float(array.min()):g} of a member, expected a positive number")
        return array
    return jnp.broadcast_to(given, (count,))


def _shapes(given: Any, count: int) -> tuple[Shape, ...]:
    one = isinstance(given, Ellipse) or all(isinstance(part, (int, float)) for part in given)
    each = (given,) * count if one else tuple(given)
    if len(each) != count:
        raise ValueError(f"{len(each)} shapes for {count} positions; give one for all, or one for each")
    return tuple(checked_shape(shape) for shape in each)


def _check_apart(positions: np.ndarray, shapes: tuple[Shape, ...]) -> None:
    """Raise ValueError where two members overlap: boxes about them do, or two cylinders' ellipses."""
    half = np.array([_extent(shape) for shape in shapes]) / 2
    for i, j in itertools.combinations(range(len(shapes)), 2):
        apart, reach = np.abs(positions[i] - positions[j]), half[i] + half[j]
        touching = bool((apart < reach * (1 - 1e-9)).all())
        if touching and all(isinstance(shapes[k], Ellipse) for k in (i, j)):
            touching = bool(np.sum((apart[:2] / reach[:2]) ** 2) < 1 - 1e-9)
        if touching:
            raise ValueError(
                f"members {i} and {j} overlap at the positions {positions[i].tolist()} and {positions[j].tolist()}; "
                "move them apart, as lg.physics.keep_apart does"
            )


def _extent(shape: Shape) -> tuple[float, float, float]:
    """Extents along x, y and z [m]."""
    if isinstance(shape, Ellipse):
        return 2 * shape.semi_axes[0], 2 * shape.semi_axes[1], shape.thickness
    return shape
