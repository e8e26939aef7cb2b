"""A check that no fixed point was missed: the states are cut into cells, and each is shown to hold none, or one that
is known.

In the coordinates q of a cell's centre, |q| ≤ r, with v = dq/dt, A = ∂v/∂q and H = ∂²v/∂q² at the centre and a bound
T on the third derivative, v has no zero in the cell if |v| > |A| r + ½|H| r² + T r³/6 in any row, or in any row of
A⁻¹v; and at most one if |A⁻¹H| r + |A⁻¹T| r²/2 < 1. Cells that neither test decides are cut again. T is the largest
that was met at many states, doubled: a bound by trial, not by proof.
"""

from __future__ import annotations

import itertools
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.orbits.chart import Chart, chart_at
from llgrad.orbits.equilibria.domain import Domain
from llgrad.orbits.equilibria.search import find
from llgrad.orbits.flow import Flow

BATCH: Final = 512
KNOWN: Final = 16
"""Known points are repeated to a multiple of this, so that one program serves all."""
MOST_CELLS: Final = 6_000
"""Cells of one generation: more are not cut again, and remain undecided."""
GENERATIONS: Final = 24
APART: Final = 0.01
"""Step of the coordinates over which second derivatives are compared."""
AROUND: Final = 1.5
"""A fixed point is looked for so many times as far from a centre as the cell reaches."""


class Cells(NamedTuple):
    """Cells of equal size: on the faces of a cube round each sphere, and in a box."""

    faces: np.ndarray
    """(C, K), 0 to 5."""
    places: np.ndarray
    """Coordinates of the centres (C, 2K + P), each from −1 to 1."""
    half: float

    def states(self, flow: Flow, domain: Domain) -> tuple[np.ndarray, np.ndarray]:
        """The centres (C, d), and how far each cell reaches in each coordinate of its chart (C, n)."""
        k = len(flow.shape.spins)
        count = len(self.places)
        found, reach = np.zeros((count, flow.shape.size)), np.full((count, flow.shape.freedom), self.half)
        for spin, columns in enumerate(flow.shape.spins):
            u = self.places[:, 2 * spin : 2 * spin + 2]
            face = self.faces[:, spin]
            cube = np.zeros((count, 3))
            cube[np.arange(count), face % 3] = 1 - 2 * (face // 3)
            for shift in (1, 2):
                cube[np.arange(count), (face + shift) % 3] = u[:, shift - 1]
            length = np.sqrt((cube**2).sum(axis=1))
            found[:, columns] = cube / length[:, None]
            side = np.sqrt(2) * self.half
            with np.errstate(divide="ignore", invalid="ignore"):
                far = np.where(length > side, side / (length - side), np.inf)
            reach[:, 2 * spin : 2 * spin + 2] = far[:, None]
        found[:, list(flow.shape.plain)] = domain.centre + domain.half_width * self.places[:, 2 * k :]
        reach[:, 2 * k :] = self.half * domain.half_width / np.asarray(flow.scale)
        return found, reach

    def cut(self, kept: np.ndarray) -> Cells:
        """The halves, along every coordinate, of the cells that are kept."""
        corners = np.array(list(itertools.product((-0.5, 0.5), repeat=self.places.shape[1]))) * self.half
        places = (self.places[kept][:, None] + corners).reshape(-1, self.places.shape[1])
        return Cells(np.repeat(self.faces[kept], len(corners), axis=0), places, self.half / 2)


class Leftover(NamedTuple):
    """What the cells tell: fixed points (E, d) that were not known, and centres (C, d) of cells that stay undecided."""

    missed: np.ndarray
    centres: np.ndarray


def left_over(flow: Flow, domain: Domain, known: np.ndarray, starts: np.ndarray) -> Leftover:
    """Cut the states into cells until each holds no fixed point, or one that is known; `starts` (S, d): many states."""
    limit = 2 * _third(flow, starts)
    cells = _whole(flow)
    missed = np.zeros((0, known.shape[1]))
    centres, reach = cells.states(flow, domain)
    open_ = np.ones(len(centres), bool)
    for _ in range(GENERATIONS):
        empty, single, coordinates = _tested(flow, centres, reach, limit, np.concatenate([known, missed]))
        near = np.any(np.all(np.abs(coordinates) <= AROUND * reach[:, None], axis=2), axis=1)
        open_ = ~empty & ~(single & near)
        alone = single & open_
        if alone.any():
            new = find(flow, _padded(centres[alone]))
            missed = np.concatenate([missed, new.states])
        if not open_.any() or 2**flow.shape.freedom * open_.sum() > MOST_CELLS:
            break
        cells = cells.cut(open_)
        centres, reach = cells.states(flow, domain)
    rest = centres[open_]
    if len(rest):
        missed = np.concatenate([missed, find(flow, rest[np.linspace(0, len(rest) - 1, BATCH).astype(int)]).states])
    return Leftover(missed, rest)


def _whole(flow: Flow) -> Cells:
    k, plain = len(flow.shape.spins), len(flow.shape.plain)
    faces = np.array(list(itertools.product(range(6), repeat=k)), int).reshape(6**k, k)
    return Cells(faces, np.zeros((len(faces), 2 * k + plain)), 1.0).cut(np.ones(len(faces), bool))


def _tested(
    flow: Flow, centres: np.ndarray, reach: np.ndarray, limit: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which cells (C,) hold none, which at most one, and the known points in the charts of the centres (C, E, n)."""
    parts = []
    held = np.resize(known, (max(1, -(-len(known) // KNOWN)) * KNOWN, known.shape[1]))
    still = jnp.zeros((BATCH, flow.shape.freedom))
    for begin in range(0, len(centres), BATCH):
        piece = _padded(centres[begin : begin + BATCH])
        size = len(centres[begin : begin + BATCH])
        parts.append(
            [np.asarray(part)[:size] for part in _expanded(flow, jnp.asarray(piece), still, jnp.asarray(held))]
        )
    v, slope, bend, coordinates = (np.concatenate(part) for part in zip(*parts, strict=True))

    def sums(slope: Any, bend: Any, third: Any, r: Any) -> tuple[Any, Any]:
        total = np.where(np.isfinite(r), r, 1e30)
        squares = 0.5 * np.einsum("cijk,cj,ck->ci", np.abs(bend), total, total)
        cubes = third * total.max(axis=1, keepdims=True) ** 3 / 6
        turn = np.einsum("cijk,ck->cij", np.abs(bend), total).sum(axis=2)
        return np.einsum("cij,cj->ci", np.abs(slope), total) + squares + cubes, turn + third * total.max(
            axis=1, keepdims=True
        ) ** 2 / 2

    plain, _ = sums(slope, bend, limit[None], reach)
    smooth = np.abs(np.linalg.det(slope)) > 1e-12 * np.abs(slope).max(axis=(1, 2)) ** slope.shape[1]
    inverse = np.linalg.inv(np.where(smooth[:, None, None], slope, np.eye(slope.shape[1])))
    third = np.einsum("cij,j->ci", np.abs(inverse), limit)
    turned, curved = np.einsum("cij,cj->ci", inverse, v), np.einsum("cij,cjkl->cikl", inverse, bend)
    unit = np.broadcast_to(np.eye(slope.shape[1]), slope.shape)
    whole, _ = sums(unit, curved, third, reach)
    _, turn = sums(unit, curved, third, AROUND * reach)
    empty = (np.abs(v) > plain).any(axis=1) | (smooth & (np.abs(turned) > whole).any(axis=1))
    return empty, smooth & (turn < 1).all(axis=1), coordinates


def _third(flow: Flow, starts: np.ndarray) -> np.ndarray:
    """The largest sum of the absolute third derivatives (n,) of each row of dq/dt at many states (S, d)."""
    centres = jnp.asarray(_padded(starts)[:BATCH])
    none = jnp.asarray(_padded(starts)[:KNOWN])
    still = np.zeros((BATCH, flow.shape.freedom))
    bend = np.asarray(_expanded(flow, centres, jnp.asarray(still), none)[2])
    total = np.zeros((BATCH, flow.shape.freedom))
    for i in range(flow.shape.freedom):
        moved = still.copy()
        moved[:, i] = APART
        change = np.asarray(_expanded(flow, centres, jnp.asarray(moved), none)[2]) - bend
        total += np.abs(change).sum(axis=(2, 3)) / APART
    return total.max(axis=0)


def _padded(points: np.ndarray) -> np.ndarray:
    """Points repeated to a whole number of batches, so that one program serves all."""
    return np.resize(points, (-(-len(points) // BATCH) * BATCH, points.shape[1]))


@jax.jit
def _expanded(flow: Flow, centres: Any, places: Any, known: Any) -> tuple[Any, Any, Any, Any]:
    """v, ∂v/∂q and ∂²v/∂q² at q (C, n) in the charts of the centres (C, d), and known points (E, d) in these charts."""

    def one(y: Any, q: Any) -> tuple[Any, Any, Any, Any]:
        chart = chart_at(flow, y)

        def rate(q: Any) -> Any:
            return chart.velocity(flow, q)

        points = jax.vmap(lambda other: _in_chart(flow, chart, other))(known)
        return rate(q), jax.jacfwd(rate)(q), jax.jacfwd(jax.jacfwd(rate))(q), points

    return jax.vmap(one)(centres, places)


def _in_chart(flow: Flow, chart: Chart, y: Any) -> Any:
    """Coordinates (n,) of a state; far away where it is on the other side of a sphere."""
    places = np.array(flow.shape.spins, int).reshape(-1, 3)
    along = jnp.sum(y[places] * chart.y[places], axis=1, keepdims=True)
    across = jnp.einsum("kc,kac->ka", y[places], chart.frames)
    turns = jnp.where(along > 1e-6, across / jnp.where(along > 1e-6, along, 1.0), 1e30)
    plain = np.array(flow.shape.plain, int)
    return jnp.concatenate([turns.reshape(-1), (y[plain] - chart.y[plain]) / flow.scale])
