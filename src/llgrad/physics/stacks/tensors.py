"""Magnetometric tensors of the stray field between two uniformly magnetised bodies, computed from their shapes.

The field of a source, averaged over a target, is B = −µ0 Ms N m with

    N_ab = −1/(4π V) ∫_target d³r ∫_source d³r′ ∂_a ∂_b 1/|r − r′|,   V the volume of the target.

N is symmetric; its trace is 1 of a body on itself and 0 of two bodies apart; and V_i N_ij = V_j N_ji (reciprocity).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.devices.geometry import Ellipse

NODES: Final = 14
"""Points along each part of an edge where bodies are far apart: the error is below 1e-15 of the tensor."""
SIGNS: Final = (-1, 1, 1, -1)
PAIRS: Final = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def prism_tensor(target: Sequence[float], source: Sequence[float], offset: Sequence[float]) -> np.ndarray:
    """The tensor N of the field of a rectangular prism in another, edges along x, y, z: B = −µ0 Ms N m.

    Near each other by the closed form of A. J. Newell, W. Williams, D. J. Dunlop, J. Geophys. Res. 98, 9551 (1993),
    eqs. (27) and (32), summed over the 64 pairs of corners of prisms of different edges. Far from each other, where its
    terms cancel, by Gauss's quadrature of the field of dipoles, exact to rounding as well.

    Args:
        target, source: edges (l_x, l_y, l_z) [m].
        offset: centre of the target minus that of the source [m]. (0, 0, 0) of equal edges gives the demagnetising
            factors of one prism.

    Returns:
        N (3, 3).

    Raises ValueError for edges that are not positive lengths, and for prisms that overlap in part.

    >>> import llgrad as lg
    >>> film = (100e-9, 60e-9, 2e-9)
    >>> tensor = lg.stacks.prism_tensor(film, film, (0.0, 0.0, 3e-9))
    >>> [round(float(n), 5) for n in np.diag(tensor)]
    [0.01584, 0.02709, -0.04293]
    """
    edges = [_edges(name, given) for name, given in (("target", target), ("source", source))]
    away = np.asarray(offset, float)
    if away.shape != (3,) or not np.isfinite(away).all():
        raise ValueError(f"offset = {offset!r}, expected the three components of a distance in metres")
    _check_apart(edges, away)
    scale = max(map(max, edges))
    (a, b), d = (np.asarray(one) / scale for one in edges), away / scale
    gap = float(np.max(np.abs(d) - (a + b) / 2))
    values = _far(a, b, d) if gap >= float(np.max(a + b)) / 2 else _near(a, b, d)
    tensor = np.zeros((3, 3))
    for (i, j), value in zip(PAIRS, values, strict=True):
        tensor[i, j] = tensor[j, i] = value / (4 * math.pi * np.prod(a))
    return tensor


def ellipse_tensor(target: Ellipse, source: Ellipse, gap: float) -> np.ndarray:
    """The tensor N of the field of an elliptic layer in another of the same axes above or below it: B = −µ0 Ms N m.

    Exact by the factors of one elliptic cylinder (see `Ellipse.demag`): with W(t) = t N(t) of a cylinder of thickness
    t, a cylinder that is cut in three, of thicknesses t₁, g and t₂, has the energy of its parts and their pairs, so

        2 t₁ N₁₂ = W(t₁ + g + t₂) + W(g) − W(t₁ + g) − W(g + t₂).

    Args:
        target, source: elliptic layers of the same axes, by `lg.devices.ellipse`.
        gap: distance g [m] between the faces that are turned to each other.

    Raises ValueError for other axes, and for a gap that is negative.

    >>> import llgrad as lg
    >>> dot = lg.devices.ellipse(diameters=(100e-9, 60e-9), thickness=2e-9)
    >>> [round(float(n), 4) for n in lg.stacks.ellipse_tensor(dot, dot, 1e-9).diagonal()]  # of trace 0
    [0.0153, 0.0299, -0.0452]
    """
    for name, given in (("target", target), ("source", source)):
        if not isinstance(given, Ellipse):
            raise ValueError(
                f"{name} is {type(given).__name__}, expected an elliptic layer; give lg.devices.ellipse(…)"
            )
    if not np.allclose(target.semi_axes, source.semi_axes, rtol=1e-9, atol=0):
        raise ValueError(
            f"the ellipses have the semi-axes {target.semi_axes} and {source.semi_axes}, expected equal ones one above "
            "the other; take prism_tensor of prisms of the same area"
        )
    if not (isinstance(gap, (int, float)) and 0 <= gap < 1e-3):
        raise ValueError(f"gap = {gap!r}, expected the distance of the two faces in metres, such as 1e-9")
    t1, t2 = target.thickness, source.thickness
    ends = ((t1 + gap + t2, 1), (gap, 1), (t1 + gap, -1), (gap + t2, -1))
    return np.diag(sum(sign * _factors_times(target, t) for t, sign in ends)) / (2 * t1)


def _factors_times(layer: Ellipse, thickness: float) -> np.ndarray:
    """t N(t) (3,) of a cylinder with the axes of a layer."""
    if not thickness:
        return np.zeros(3)
    found = Ellipse(layer.semi_axes, thickness).demag
    return thickness * np.array([found.x, found.y, found.z])


def _edges(name: str, given: Sequence[float]) -> np.ndarray:
    edges = np.asarray(given, float)
    if edges.shape != (3,) or not ((edges > 0) & (edges <= 1e-3)).all():
        raise ValueError(f"{name} = {given!r}, expected three edges (x, y, z) in metres, positive, such as 100e-9")
    return edges


def _check_apart(edges: Sequence[np.ndarray], away: np.ndarray) -> None:
    """Raise ValueError where two prisms overlap and are not the same one."""
    scale = max(map(max, edges))
    same = np.allclose(edges[0], edges[1], rtol=1e-9, atol=0) and bool((np.abs(away) <= 1e-9 * scale).all())
    if not same and bool((np.abs(away) < (edges[0] + edges[1]) / 2 * (1 - 1e-9)).all()):
        raise ValueError(
            f"prisms of the edges {edges[0].tolist()} and {edges[1].tolist()} overlap at the offset {away.tolist()}; "
            "give the distance of their centres"
        )


def _near(a: np.ndarray, b: np.ndarray, d: np.ndarray) -> list[float]:
    """4π V N of pairs of axes by the closed form: signed sums over the distances of corners."""
    parts = [[d[k] + (a[k] * s + b[k] * t) / 2 for s, t in ((-1, -1), (-1, 1), (1, -1), (1, 1))] for k in range(3)]
    terms: list[list[float]] = [[] for _ in PAIRS]
    for i, j, k in itertools.product(range(4), repeat=3):
        x, y, z = parts[0][i], parts[1][j], parts[2][k]
        sign = SIGNS[i] * SIGNS[j] * SIGNS[k]
        values = _f(x, y, z), _f(y, z, x), _f(z, x, y), _g(y, z, x), _g(z, x, y), _g(x, y, z)
        for row, value in zip(terms, values, strict=True):
            row.append(sign * value)
    return [math.fsum(row) for row in terms]


def _f(x: float, y: float, z: float) -> float:
    """Newell's f, eq. (27)."""
    xx, yy, zz = x * x, y * y, z * z
    r = math.sqrt(xx + yy + zz)
    total = (2 * xx - yy - zz) * r / 6
    total += y / 2 * (zz - xx) * _asinh(y, xx + zz) + z / 2 * (yy - xx) * _asinh(z, xx + yy)
    return total - x * y * z * _atan(y * z, x * r)


def _g(x: float, y: float, z: float) -> float:
    """Newell's g, eq. (32)."""
    xx, yy, zz = x * x, y * y, z * z
    r = math.sqrt(xx + yy + zz)
    total = -x * y * r / 3 + x * y * z * _asinh(z, xx + yy)
    total += y / 6 * (3 * zz - yy) * _asinh(x, yy + zz) + x / 6 * (3 * zz - xx) * _asinh(y, xx + zz)
    total -= z * zz / 6 * _atan(x * y, z * r) + z * yy / 2 * _atan(x * z, y * r) + z * xx / 2 * _atan(y * z, x * r)
    return total


def _asinh(value: float, square: float) -> float:
    """asinh(value/√square); 0 where the square is, for its factor vanishes there."""
    return math.asinh(value / math.sqrt(square)) if square > 0 else 0.0


def _atan(value: float, over: float) -> float:
    """atan(value/over); 0 where `over` is, for its factor vanishes there."""
    return math.atan(value / over) if over else 0.0


def _far(a: np.ndarray, b: np.ndarray, d: np.ndarray) -> list[float]:
    """4π V N of pairs of axes by quadrature of the field of dipoles over all distances, each as often as it occurs."""
    axes = [_distances(a[k], b[k], d[k]) for k in range(3)]
    r = np.meshgrid(*(places for places, _ in axes), indexing="ij")
    weight = np.einsum("i,j,k->ijk", *(weights for _, weights in axes))
    square = r[0] ** 2 + r[1] ** 2 + r[2] ** 2
    return [float(np.sum(weight * ((i == j) * square - 3 * r[i] * r[j]) / square**2.5)) for i, j in PAIRS]


def _distances(a: float, b: float, d: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of an integral over x in an edge a and x′ in an edge b of what depends on x − x′ + d."""
    ends = np.array([-(a + b), -abs(a - b), abs(a - b), a + b]) / 2
    x, w = np.polynomial.legendre.leggauss(NODES)
    places, weights = [], []
    for low, high in itertools.pairwise(ends):
        at = low + (high - low) * (x + 1) / 2
        often = np.minimum(min(a, b), (a + b) / 2 - np.abs(at))
        places.append(d + at)
        weights.append(w * (high - low) / 2 * often)
    return np.concatenate(places), np.concatenate(weights)


def dipole_tensor(volume: float, offset: Sequence[float] | Float[ArrayLike, "3"]) -> np.ndarray:
    """The tensor N (3, 3) of the field of a point dipole of a body of that volume [m³] at an offset [m].

    N = V (1 − 3 r̂ r̂ᵀ)/(4π r³): what bodies far apart come near, as (size/distance)². J. D. Jackson, Classical
    Electrodynamics, 3rd edition, eq. 5.56.

    Raises ValueError for a volume that is not positive, and for no distance.

    >>> import llgrad as lg
    >>> N = lg.stacks.dipole_tensor(1e-23, (100e-9, 0.0, 0.0))
    >>> (1e3 * N.diagonal()).round(4).tolist()  # in 1e-3: V/(4π r³) times −2, 1, 1
    [-1.5915, 0.7958, 0.7958]
    """
    r = np.asarray(offset, float)
    size = float(np.linalg.norm(r)) if r.shape == (3,) else math.nan
    if not (size > 0 and math.isfinite(size)):
        raise ValueError(f"offset = {offset!r}, expected the three components of a distance in metres, not all zero")
    if not volume > 0:
        raise ValueError(f"volume = {volume!r}, expected the volume of the source in m³, a positive number")
    along = r / size
    return volume / (4 * math.pi * size**3) * (np.eye(3) - 3 * np.outer(along, along))
