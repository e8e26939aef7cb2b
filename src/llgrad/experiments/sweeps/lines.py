"""The lines of a map at which a state at rest begins to oscillate: Hopf points, by their own equations.

Between two neighbouring points at which a pair of eigenvalues has another sign lies a Hopf point. It is solved on the
edge between them as `lg.orbits.thresholds` solves it, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from llgrad.devices.system import System
from llgrad.experiments.sweeps.axes import Axis, at
from llgrad.experiments.sweeps.looking.resting import Resting
from llgrad.orbits.branches.critical import hertz, hopf_point
from llgrad.orbits.branches.family import Family, local_at
from llgrad.orbits.branches.follow import SLOWEST, SOLVED
from llgrad.orbits.branches.normal_form import first_lyapunov
from llgrad.orbits.equilibria.modes import eigen
from llgrad.orbits.flow import Flow, flow_of

NEAR: Final = 0.4
"""The same state, at neighbouring points, is nearer than this (radians, or units of its scale)."""


class Onsets(NamedTuple):
    """Hopf points."""

    values: np.ndarray
    """Of the axes (H, A), in SI."""
    frequencies: np.ndarray
    """(H,) [Hz]"""
    supercritical: np.ndarray
    """(H,): whether a stable orbit grows from it, without hysteresis."""


class AxisFlows(Family):
    """The flows of a device along one axis of a map."""

    name: str = eqx.field(static=True)

    def flow(self, value: Any) -> Flow:
        """The flow at a value."""
        return flow_of(at(self.device, [self.name], [value]), self.time, self.scale)


def onsets(model: Any, axes: Sequence[Axis], found: Resting) -> Onsets:
    """The Hopf points on all edges between neighbouring points."""
    shape = tuple(len(axis.values) for axis in axes)
    grid = np.arange(math.prod(shape)).reshape(shape)
    solved = []
    for place, axis in enumerate(axes):
        lines = np.moveaxis(grid, place, -1)
        for here, there, k in _crossings(found, lines[..., :-1].ravel(), lines[..., 1:].ravel()):
            at_axes = [float(other.values[i]) for other, i in zip(axes, np.unravel_index(here, shape), strict=True)]
            end = float(axis.values[np.unravel_index(there, shape)[place]])
            device = at(model, [other.name for other in axes], at_axes)
            point = _solved(device, axis, (at_axes[place], end), found.states[here, k])
            if point is not None:
                solved.append(([*at_axes[:place], point[0], *at_axes[place + 1 :]], *point[1:]))
    values = np.array([point[0] for point in solved]).reshape(-1, len(axes))
    return Onsets(values, np.array([p[1] for p in solved]), np.array([p[2] for p in solved], bool))


def _crossings(found: Resting, here: np.ndarray, there: np.ndarray) -> list[tuple[int, int, int]]:
    """Edges from a point to a neighbour between which a state at rest gains or loses a growing pair: (point, neighbour,
    number of the state at the point)."""
    one, other = found.states[here], found.states[there]
    before, after = found.growing[here], found.growing[there]
    gap = (np.abs(one[:, :, None] - other[:, None]) / found.scale).max(3)
    gap = np.where((before >= 0)[:, :, None] & (after >= 0)[:, None], gap, np.inf)
    nearest = gap.argmin(2)
    changed = np.take_along_axis(after, nearest, 1)
    pair = ((before == 0) & (changed == 2)) | ((before == 2) & (changed == 0))
    edges, states = np.nonzero(pair & (gap.min(2) < NEAR))
    return list(zip(here[edges].tolist(), there[edges].tolist(), states.tolist(), strict=True))


def _solved(device: Any, axis: Axis, edge: tuple[float, float], y: np.ndarray) -> tuple[float, float, bool] | None:
    """Value, frequency [Hz] and whether it is supercritical, of the Hopf point on an edge; None where it is not on
    it. The `device` is that of the edge's beginning, and y its state at rest."""
    flow = flow_of(device)
    size, time = float(np.ptp(axis.values)), 0.0 if isinstance(device, System) else None
    family = AxisFlows(device, flow.scale, size, time, "", flow.shape, axis.name)
    stiffness = np.asarray(local_at(family, jnp.asarray(y), edge[0]).slope)[:, :-1]
    values, vectors = eigen(stiffness)
    turning = np.where(values.imag > 0, np.abs(values.real), np.inf)
    j = int(turning.argmin())
    if not np.isfinite(turning[j]):
        return None
    point = hopf_point(family, y, edge[0], vectors[:, j], float(values[j].imag))
    value, scale = float(point.value), np.abs(stiffness).max()
    low, high = sorted(edge)
    room = 1e-6 * (high - low)
    if not (float(point.left) < SOLVED * scale and low - room <= value <= high + room):
        return None
    if not float(point.omega) > SLOWEST * scale:
        return None
    # where it is zero, as of a centre, nothing is said of a hysteresis
    return value, float(hertz(point.omega)), first_lyapunov(family, np.asarray(point.y), value, float(point.omega)) <= 0
