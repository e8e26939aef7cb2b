"""`lg.experiments.dwell_times`: how long a device stays in each of its wells, without a simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.constants import BOLTZMANN
from llgrad.core.units import show
from llgrad.devices.oscillator import Oscillator
from llgrad.experiments.switching.axial import Axial, Valleys, axial_of, drift, log_rates, valleys_of
from llgrad.experiments.switching.ensemble import at_temperature, check_model
from llgrad.experiments.switching.sphere import converged_modes, sphere_of
from llgrad.experiments.switching.wells import Wells, settled, told_state, wells_of
from llgrad.orbits.carried import held
from llgrad.orbits.chart import chart_at
from llgrad.orbits.equilibria.energy import hessians, moment_of
from llgrad.orbits.flow import flow_of
from llgrad.physics.stacks.stack import Stack

SLOPE: Final = 1e-5
ASIDE: Final = 1e-2
"""So far off a saddle [rad] a run begins that tells where it leads."""
LONG: Final = 1e3
"""A time [s] that is told without a prefix."""
LOW: Final = 3.0
"""A barrier [k_B T] below which an asymptotic rate is no more than a size."""
HIGHEST: Final = 22.0
"""A barrier [k_B T] over which a rate is lost in the rounding of the Fokker–Planck operator."""
SEPARATE: Final = 10.0
"""So many times faster than a jump is the motion in a well, where a dwell time means something."""


@dataclass(frozen=True)
class DwellTimes:
    """How long a device stays in each of its stable states.

    >>> import llgrad as lg
    >>> bit = lg.Oscillator(Ms=1e6, volume=5e-25, H_k=1.4, alpha=0.05, temperature=300.0)
    >>> found = lg.experiments.dwell_times(bit.replace(field=(0.0, 0.0, 5e-3)))
    >>> found.states.shape, found.occupation.round(3).tolist()
    ((2, 3), [0.245, 0.755])
    """

    device: Oscillator | Stack
    states: np.ndarray
    """(W, n)."""
    log_rates: np.ndarray
    """Natural logarithm of the rates from a state to another (W, W), of 1/s: no barrier is too high for it; −∞ where
    there is no way."""
    asymptotic: np.ndarray
    """The same by the formula for high barriers (W, W) [1/s]; NaN where there is none, as of a spin torque."""
    barriers: np.ndarray
    """Lowest barrier (W,) out of each [k_B T]; NaN where the torques have no energy."""
    method: str
    """What the rates are, in a sentence."""

    @property
    def rates(self) -> np.ndarray:
        """From a state to another (W, W) [1/s]; 0 where it is below the smallest number."""
        return np.exp(self.log_rates)

    @property
    def log_times(self) -> np.ndarray:
        """Natural logarithm of the mean dwell times (W,), of seconds."""
        return -np.logaddexp.reduce(self.log_rates, axis=1)

    @property
    def times(self) -> np.ndarray:
        """Mean dwell time (W,) [s], 1/(sum of the rates out of a state); ∞ above the largest number."""
        with np.errstate(over="ignore"):
            return np.exp(self.log_times)

    @property
    def occupation(self) -> np.ndarray:
        """Probability (W,) of each state in the long run; NaN where there is no way between some of them."""
        return np.exp(_stationary(self.log_rates))

    def __repr__(self) -> str:
        lines = [f"dwell times at {show(float(self.device.temperature or 0.0), 'K')}"]
        columns = (self.states, self.times, self.log_times, self.occupation, self.barriers)
        for state, time, log, part, barrier in zip(*columns, strict=True):
            told = f"{_shown(time, log)}, {part:.4g} of the time"
            high = f", barrier {barrier:.4g} k_B T" if np.isfinite(barrier) else ""
            lines.append(f"  {told_state(state)}: {told}{high}")
        return "\n".join([*lines, f"  {self.method}"])


def _shown(time: float, log: float) -> str:
    """A time with its unit, however long."""
    if math.isfinite(time):
        return show(float(f"{time:.5g}"), "s") if time < LONG else f"{time:.5g} s"
    return f"10^{log / math.log(10):.0f} s" if math.isfinite(log) else "for ever"


def _stationary(log_rates: np.ndarray) -> np.ndarray:
    """Logarithm of the probabilities (W,) that rates (W, W) keep: states are taken out one by one, in sums of positive
    numbers only (W. Grassmann, M. Taksar, D. Heyman, Oper. Res. 33, 1107 (1985), recalled)."""
    a = np.array(log_rates)
    count = len(a)
    with np.errstate(invalid="ignore"):
        for last in range(count - 1, 0, -1):
            a[:last, last] -= np.logaddexp.reduce(a[last, :last])
            through = a[:last, last, None] + a[last, :last]
            a[:last, :last] = np.logaddexp(a[:last, :last], through)
        found = np.zeros(count)
        for place in range(1, count):
            found[place] = np.logaddexp.reduce(found[:place] + a[:place, place])
        return found - np.logaddexp.reduce(found)


def dwell_times(device: Oscillator | Stack, *, temperature: float | None = None) -> DwellTimes:
    """Mean dwell times of a bistable device (a telegraph junction, a p-bit), its direct current and field acting.

    Of an Oscillator that is symmetric about z and has two wells exactly: λ₁, the smallest eigenvalue of the
    Fokker–Planck operator (`llgrad.experiments.switching.axial`), is the sum of both rates, and detailed balance shares
    it, Γ₁ = λ₁ P₂. For high barriers Δ it goes over into Brown's, of each well of a uniaxial device without a field

        Γ = (α γ H_k/(1 + α²)) √(Δ/π) e^{−Δ},   Δ = Ms V H_k/(2 k_B T),   λ₁ = 2 Γ.

    Of any other Oscillator exactly too, where its barriers are not above 22 k_B T: wells may differ, the
    damping may be low, a spin torque may act. The rates are those of the slowest eigenfunctions of the Fokker–Planck
    operator on the sphere (`llgrad.experiments.switching.sphere`).

    Of a Stack, and over higher barriers, by the rate over a saddle, each well with its own, for damping that is not low
    (the energy lost in a turn near the top exceeds k_B T),

        Γ = (λ₊/2π) √(det H_well/|det H_saddle|) e^{−ΔE/k_B T},

    λ₊ the growth rate at the saddle, H the curvature of the energy: W. F. Brown, IEEE Trans. Magn. 15, 1196 (1979);
    J. S. Langer, Ann. Phys. 54, 258 (1969) (recalled). A spin torque has no energy, so there it is refused.
    `asymptotic` has it beside exact rates.

    Args:
        device: Oscillator or Stack with two stable states or more.
        temperature: [K], by default the device's own.

    Raises ValueError for one stable state, without temperature, and for a device whose rates neither way gives.

    >>> import llgrad as lg
    >>> bit = lg.Oscillator(Ms=1e6, volume=5e-25, H_k=1.4, alpha=0.05, temperature=300.0)
    >>> found = lg.experiments.dwell_times(bit)
    >>> [round(float(time) * 1e9, 1) for time in found.times], round(float(found.barriers[0]), 2)
    ([3148.3, 3148.3], 8.65)
    """
    check_model(device)
    device = at_temperature(held(device, "dwell_times"), temperature, "a dwell time")
    if (axial := axial_of(device)) is not None and _rests_at_poles(valleys_of(axial)):
        return _exact(device, axial)
    wells = wells_of(device, 2, "a dwell time")
    saddles = [point for point in wells.found.points if point.growing == 1 and not point.curve]
    high = _over_saddles(wells, saddles) if saddles and wells.found.points[0].energy is not None else None
    return _on_sphere(wells, high) or high or _refused(wells)


def _rests_at_poles(valleys: Valleys) -> bool:
    """Whether both poles are stable, with one top between them."""
    return len(valleys.tops) == 1 and valleys.slope[0, 0] < 0 < valleys.slope[-1, -1]


def _exact(device: Any, axial: Axial) -> DwellTimes:
    valleys = valleys_of(axial)
    out = log_rates(axial, valleys) + math.log(1e9)
    top = float(valleys.tops[0])
    across = axial.diffusion * (1 - top**2)
    slope = np.diff(drift(axial, np.array([top - SLOPE, top + SLOPE])))[0] / (2 * SLOPE)
    u, v = valleys.grid.u.ravel(), valleys.potential.ravel()
    height = float(np.interp(top, u, v))
    pole = np.abs(valleys.slope.ravel()[[0, -1]]) / (axial.diffusion * (1 - u[[0, -1]] ** 2))
    barriers = height - v[[0, -1]] + pole * (1 - np.abs(u[[0, -1]]))
    formula = 1e9 * across * math.sqrt(slope / across / (2 * math.pi)) * pole * np.exp(-barriers)
    never = -math.inf
    rates, asymptotic = np.array([[never, out[0]], [out[1], never]]), np.array([[0.0, formula[0]], [formula[1], 0.0]])
    states = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]])
    method = "exact: the smallest eigenvalue of the Fokker–Planck operator, shared by detailed balance"
    return DwellTimes(device, states, rates, asymptotic, barriers, method)


def _on_sphere(wells: Wells, high: DwellTimes | None) -> DwellTimes | None:
    """By the Fokker–Planck equation on the sphere; None for what is not one magnetisation, and for higher barriers."""
    sphere, count = sphere_of(wells.device), len(wells.states)
    barrier = 0.0 if high is None else float(high.barriers.max())
    if sphere is None or barrier > HIGHEST:
        return None
    slopes = np.stack([np.asarray(point.matrix) for point in wells.found.stable])
    found = converged_modes(sphere, wells.states, slopes)
    if found is None:
        return None
    modes, _ = found
    rates = np.maximum(modes.rates * 1e9, 0.0) * (1 - np.eye(count))  # what is below 0 is rounding
    method = "exact: the slowest eigenfunctions of the Fokker–Planck operator on the sphere"
    if modes.gap < SEPARATE:
        method += (
            f"; motion within a well is only {modes.gap:.2g} times as fast as the slowest jumps: a dwell time has no "
            "sharp meaning"
        )
    with np.errstate(divide="ignore"):
        rates = np.log(rates)
    nothing = np.full((count, count), np.nan)
    asymptotic, barriers = (nothing, nothing[0]) if high is None else (high.asymptotic, high.barriers)
    return DwellTimes(wells.device, wells.states, rates, asymptotic, barriers, method)


def _refused(wells: Wells) -> DwellTimes:
    if wells.found.points[0].energy is None:
        raise ValueError(
            "the torques of this device have no energy, so that its barriers are not known, and they are too high, or "
            "its layers too many, for its Fokker–Planck equation; count jumps of a simulation with "
            "lg.observables.telegraph"
        )
    raise ValueError(
        "between the stable states of this device lies a whole curve of states and no single saddle, over which no "
        "rate is known; count jumps of a simulation with lg.observables.telegraph"
    )


def _over_saddles(wells: Wells, saddles: list[Any]) -> DwellTimes:
    device, found = wells.device, wells.found
    with jax.enable_x64(True):
        flow, moment = flow_of(device), moment_of(device)
        tops, bottoms = (
            np.linalg.det(np.asarray(hessians(flow, moment, jnp.asarray(np.stack([p.y for p in points])))) * 1e18)
            for points in (saddles, found.stable)
        )
        aside = np.concatenate([_beside(flow, point) for point in saddles])
    places = settled(wells, aside).reshape(-1, 2)
    thermal, count = BOLTZMANN * float(device.temperature), len(wells.states)
    rates, barriers = np.full((count, count), -np.inf), np.full(count, np.inf)
    for saddle, top, (one, two) in zip(saddles, tops, places, strict=True):
        if one == two or -1 in (one, two):
            continue
        for begin, end in ((one, two), (two, one)):
            barrier = (saddle.energy - found.stable[begin].energy) / thermal
            factor = float(saddle.growth) / (2 * math.pi) * math.sqrt(bottoms[begin] / abs(top))
            rates[begin, end] = np.logaddexp(rates[begin, end], math.log(factor) - barrier)
            barriers[begin] = min(barriers[begin], barrier)
    method = "the rate over a saddle, for high barriers and damping that is not low"
    if barriers.min() < LOW:
        method += f"; a barrier of {barriers.min():.2g} k_B T is not high: take it for a size"
    return DwellTimes(device, wells.states, rates, np.exp(rates), barriers, method)


def _beside(flow: Any, saddle: Any) -> np.ndarray:
    """States (2, n) on both sides of a saddle, along the direction that grows."""
    values, vectors = np.linalg.eig(saddle.matrix)
    q = np.real(vectors[:, np.real(values).argmax()])
    chart = chart_at(flow, jnp.asarray(saddle.y))
    return np.stack(
        [np.asarray(chart.state(flow, jnp.asarray(sign * ASIDE * q / np.abs(q).max()))) for sign in (1, -1)]
    )
