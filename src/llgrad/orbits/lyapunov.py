"""`lg.orbits.lyapunov`: how fast two neighbouring runs part, which tells chaos from order."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, PyTree

from llgrad.core.arguments.kinds import check_kind
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.orbits.flow import Model, depends_on_time, flow_of
from llgrad.solve.saving import End
from llgrad.solve.simulate import simulate
from llgrad.solve.start import start_of
from llgrad.solve.systems import member_of, start_of_system

SEGMENTS: Final = 400
BLOCKS: Final = 20
"""The standard error is that of the mean of so many parts of the run."""


class Lyapunov(NamedTuple):
    """The largest Lyapunov exponent of an attractor.

    >>> import llgrad as lg
    >>> found = lg.orbits.lyapunov(lg.presets.kubota2013().replace(current=0.0, alpha=0.05), 10e-9, settling=20e-9)
    >>> round(found.exponent * 1e-9, 2), found.error < 0.01 * abs(found.exponent)
    (-0.54, True)
    """

    exponent: float
    """Mean rate [1/s] at which neighbouring runs part: positive in chaos, 0 on a cycle, negative at rest."""
    error: float
    """Standard error [1/s] of that mean, from the spread between parts of the run."""
    rates: np.ndarray
    """Mean rate [1/s] of each segment."""

    def __repr__(self) -> str:
        clear = abs(self.exponent) > 3 * self.error
        told = "" if not clear else ": chaos" if self.exponent > 0 else ": runs come together"
        value = f"{self.exponent * 1e-9:.4g} ± {self.error * 1e-9:.2g} /ns"
        return f"largest Lyapunov exponent {value} over {len(self.rates)} segments{told}"


def lyapunov(
    device: Model,
    duration: float,
    *,
    settling: float | None = None,
    segments: int = SEGMENTS,
    dt: float | None = None,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
) -> Lyapunov:
    """The largest Lyapunov exponent: the mean rate at which a small deviation grows, λ = ⟨ln |δ(t + τ)|/|δ(t)|⟩/τ.

    A deviation is carried along a run by the exact tangent of the time loop, and brought back to length 1 after every
    segment. Its standard error is that of the mean over parts of the run: on a cycle λ is 0 within a few of them.

    Source: G. Benettin, L. Galgani, A. Giorgilli, J.-M. Strelcyn, Meccanica 15, 9 (1980).

    Args:
        device: Oscillator, OscillatorArray, System or SystemArray, without a rate that depends on the time.
        duration: length of the run [s] over which the mean is taken.
        settling: length of the run [s] before, in which the attractor is reached; by default a tenth of `duration`.
        segments: number of segments, at least 20; a segment must be short beside the time in which a deviation bends.
        dt: time step [s], by default as in `simulate`.
        m0: starting state, by default as in `simulate`.

    Raises ValueError for a duration or a number of segments that is none, SimulationError where a run fails.

    >>> import llgrad as lg
    >>> settled = lg.orbits.lyapunov(lg.presets.kubota2013().replace(current=0.0, alpha=0.05), 10e-9, settling=20e-9)
    >>> round(settled.exponent * 1e-9, 2), str(settled).endswith("runs come together")
    (-0.54, True)
    """
    check_kind("device", device, (Oscillator, OscillatorArray, System, SystemArray), "give (device, duration)")
    if not (math.isfinite(duration) and duration > 0):
        raise ValueError(f"duration = {duration}, expected a positive time in seconds")
    if not isinstance(segments, int) or segments < BLOCKS:
        raise ValueError(f"segments = {segments!r}, expected a whole number, at least {BLOCKS}")
    settling = duration / 10 if settling is None else settling
    if not (math.isfinite(settling) and settling >= 0):
        raise ValueError(f"settling = {settling}, expected a time in seconds, 0 or more")
    with jax.enable_x64(True):
        if isinstance(device, (System, SystemArray)) and depends_on_time(flow_of(device, 0.0)):
            kind = type(member_of(device)).__name__
            raise ValueError(f"the rate of {kind} depends on the time; write the drive as a state of its own")
        state = _begun(device, m0)
        if settling > 0:
            state = _end(simulate(device, duration=settling, dt=dt, m0=state, save=End()), device)
        rates = _rates(device, state, duration / segments, segments, dt)
    blocks = np.array([block.mean() for block in np.array_split(rates, BLOCKS)])
    return Lyapunov(float(rates.mean()), float(blocks.std(ddof=1) / math.sqrt(BLOCKS)), rates)


def _rates(device: Any, state: Any, segment: float, segments: int, dt: float | None) -> np.ndarray:
    """The growth rate [1/s] of a deviation in each segment, after a few in which it turns to the fastest one."""

    def run(state: Any) -> Any:
        return _end(simulate(device, duration=segment, dt=dt, m0=state, save=End()), device)

    @jax.jit
    def carried(state: Any, deviation: Any) -> tuple[Any, Any, Any]:
        there, moved = jax.jvp(run, (state,), (deviation,))
        size = jnp.sqrt(sum(jnp.sum(part**2) for part in jax.tree.leaves(moved)))
        return there, jax.tree.map(lambda part: part / size, moved), size

    leaves, form = jax.tree.flatten(state)
    key = np.random.default_rng(0)
    deviation = jax.tree.unflatten(form, [jnp.asarray(key.standard_normal(np.shape(leaf))) for leaf in leaves])
    sizes = []
    turning = segments // 10
    for _ in range(turning + segments):
        state, deviation, size = carried(state, deviation)
        sizes.append(float(size))
    return np.log(np.array(sizes[turning:])) / segment


def _begun(device: Any, m0: Any) -> Any:
    """The state in which the run begins, of arrays."""
    if isinstance(device, (System, SystemArray)):
        return start_of_system(device, m0)
    return start_of(device, m0).stack()


def _end(run: Any, device: Any) -> Any:
    """The last state of a run, in the form of a start."""
    return jax.tree.map(lambda part: part[-1], run.state if isinstance(device, (System, SystemArray)) else run.m)
