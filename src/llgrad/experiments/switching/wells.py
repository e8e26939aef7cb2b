"""The stable states of a device, which of them a run has come to, and how it is agitated in one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.core.units import show
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.ranges import check_unit_vector
from llgrad.experiments.switching.ensemble import quiet_step, run_many
from llgrad.orbits.chart import chart_at
from llgrad.orbits.cycle.finding import with_arrays
from llgrad.orbits.equilibria.equilibria import equilibria
from llgrad.orbits.equilibria.result import Equilibria
from llgrad.orbits.flow import Flow, begun, flow_of

NEAR: Final = 0.02
"""A run has come to a stable state where it is this near to it, relative to the distance to any other state at rest."""
BLOCK: Final = 2.0
"""Decay times of the slowest stable state that runs relax between two looks."""
MOST_BLOCKS: Final = 40
SETTLING: Final = 3.0
"""Decay times for which runs are agitated in their well before they are counted as in equilibrium there."""


class Wells(NamedTuple):
    """The stable states at the bias of a device."""

    device: Any
    found: Equilibria
    states: np.ndarray
    """(W, n)."""
    near: np.ndarray
    """Distance (W,) within which a run has come to each."""
    decay: np.ndarray
    """Slowest decay (W,) [1/s] of each."""
    turned: np.ndarray
    """Which of the numbers of a state are those of unit vectors: distances are theirs."""

    @property
    def slowest(self) -> float:
        """The longest decay time [s]."""
        return float(1 / self.decay.min())

    def apart(self, states: np.ndarray) -> np.ndarray:
        """Distances (…, W) of states (…, n) from each stable one."""
        return np.linalg.norm((states[..., None, :] - self.states)[..., self.turned], axis=-1)


def wells_of(device: Any, least: int, what: str) -> Wells:
    """The stable states of a device. Raises ValueError where there are fewer than `least`."""
    found = equilibria(device)
    stable = found.stable
    if any(point.curve for point in found.points if point.growing == 0):
        raise ValueError(
            f"this device rests on a whole curve of states, which {what} cannot tell apart; give it an anisotropy or a "
            "field that breaks its symmetry"
        )
    if len(stable) < least:
        count = f"{len(stable)} stable state{'' if len(stable) == 1 else 's'}"
        flows = float(device.current)
        why = f"; a direct current of {show(flows, 'A')} flows: set it to 0 where only a pulse shall" if flows else ""
        raise ValueError(
            f"this device has {count} at its direct current and field, and {what} needs {least} or more{why}; see "
            "lg.equilibria of it"
        )
    states = np.stack([point.y for point in stable])
    everything = np.stack([point.y for point in found.points])
    with jax.enable_x64(True):
        turned = np.array(flow_of(device).shape.spins).ravel()
    apart = np.linalg.norm((states[:, None] - everything)[..., turned], axis=-1)
    nearest = np.where(apart < 1e-9, np.inf, apart).min(axis=1)
    decay = np.array([-float(point.growth) for point in stable])
    return Wells(device, found, states, NEAR * np.minimum(nearest, 2.0), decay, turned)


def start_in(wells: Wells, m0: Any) -> int:
    """The place of the stable state that is nearest to a state, by default to that in which a run would start."""
    device = wells.device
    if isinstance(device, Oscillator) and m0 is not None:
        m0 = Vec3(*(float(part) for part in (m0 if not isinstance(m0, Vec3) else (m0.x, m0.y, m0.z))))
        check_unit_vector("m0", m0)
    with jax.enable_x64(True):
        given = np.asarray(begun(flow_of(device), device, m0), float)
    return int(wells.apart(given).argmin())


def told_state(state: Sequence[float]) -> str:
    """A state for a reader."""
    return "(" + ", ".join(f"{0.0 if abs(part) < 5e-7 else part:.4g}" for part in state) + ")"


def settled(wells: Wells, states: np.ndarray) -> np.ndarray:
    """The place (N,) of the stable state to which each of `states` (N, n) relaxes without noise and drive; −1 where it
    does not come to any, such as on a cycle."""
    found = np.full(len(states), -1)
    dt, length = quiet_step(wells.device), BLOCK * wells.slowest
    for _ in range(MOST_BLOCKS):
        apart = wells.apart(states)
        place = apart.argmin(axis=1)
        found = np.where(apart[np.arange(len(states)), place] < wells.near[place], place, found)
        if (found >= 0).all():
            break
        states = run_many(wells.device, states, length, dt)[1][-1]
    return found


def in_equilibrium(wells: Wells, start: int, runs: int, dt: float, key: Any) -> np.ndarray:
    """States (N, n) in thermal equilibrium in one well.

    They are drawn from the normal distribution of small deviations, whose covariance Σ solves A Σ + Σ Aᵀ + G Gᵀ = 0
    with the slope A of the rate and the columns G of the noise; then agitated for a few decay times, so that large
    deviations have their weight too. Runs that left the well are replaced by others, drawn among those that stayed.
    """
    drawn, noise, again = jax.random.split(key, 3)
    begin = _normal(wells, start, runs, drawn)
    states = run_many(wells.device, begin, SETTLING / float(wells.decay[start]), dt, key=noise)[1][-1]
    stayed = np.flatnonzero(settled(wells, states) == start)
    if not len(stayed):
        raise ValueError(
            "no run stayed in its well while it came to thermal equilibrium there: the barrier is below the thermal "
            "energy, and there is no state to switch from"
        )
    if len(stayed) < runs:
        others = np.asarray(jax.random.choice(again, len(stayed), (runs,)))
        left = np.ones(runs, bool)
        left[stayed] = False
        states = np.array(states)
        states[left] = states[stayed[others[left]]]
    return states


def _normal(wells: Wells, start: int, runs: int, key: Any) -> np.ndarray:
    from scipy.linalg import solve_continuous_lyapunov

    with jax.enable_x64(True):
        flow = with_arrays(flow_of(wells.device))
        y = jnp.asarray(wells.states[start])
        columns = np.asarray(_shaken(flow, y))
        matrix = np.asarray(wells.found.stable[start].matrix)
        covariance = solve_continuous_lyapunov(matrix, -columns @ columns.T)
        size, turned = np.linalg.eigh(covariance)
        widths = np.minimum(np.sqrt(np.maximum(size, 0.0)), 0.3)
        q = np.asarray(jax.random.normal(key, (runs, len(size)), float)) * widths @ turned.T
        return np.asarray(_beside(flow, y, q))


@quick_jit
def _shaken(flow: Flow, y: Any) -> Any:
    """What each white noise of unit strength does at a state y (n,), in its directions: (d, J)."""
    return flow.basis(y).T @ flow.by_noise(y)


@quick_jit
def _beside(flow: Flow, y: Any, q: Any) -> Any:
    """States (runs, n) beside y (n,), at coordinates (runs, d)."""
    return jax.vmap(lambda q: chart_at(flow, y).state(flow, q))(q)
