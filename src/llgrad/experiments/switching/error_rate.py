"""`lg.experiments.write_error_rate`: the error rate of a device of one layer, below what runs can count."""

from __future__ import annotations

import itertools
import math
from typing import Any, Final, NamedTuple

import jax
import numpy as np
from jaxtyping import ArrayLike, Float, PyTree
from numpy.polynomial import legendre

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.speed.starting import check_platform
from llgrad.core.units import show
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.ranges import check_unit_vector
from llgrad.drives.base import Waveform
from llgrad.drives.drive import Drive
from llgrad.experiments.switching.axial import Axial, Valleys, axial_of, drifts, valleys_of
from llgrad.experiments.switching.ensemble import at_temperature
from llgrad.experiments.switching.polynomials import Basis, operators, polynomials
from llgrad.experiments.switching.pulses import checked_time, pulses_of, waveforms
from llgrad.experiments.switching.sphere import (
    MOST as WIDEST,
)
from llgrad.experiments.switching.sphere import (
    SlowModes,
    Sphere,
    carried,
    converged_modes,
    slow_modes,
    sphere_of,
)
from llgrad.experiments.switching.wells import start_in, wells_of
from llgrad.orbits.carried import held
from llgrad.solve.start import default_start

SLICES: Final = 48
"""Parts of an edge of a pulse, and of a stretch without one, in which the operator changes."""
FEWEST: Final = 64
MOST: Final = 1000
"""Legendre polynomials, from which on no more are tried."""
NARROW: Final = 60.0
"""A well with a density e^(−κ θ²/2) has coefficients below e^−30 from the order √(60 κ) on."""
SPARE: Final = 1.5
"""And half as many more for what a pulse makes of it."""
CONVERGED: Final = 1e-6
ROUNDING: Final = 1e-13
WAIT: Final = 2.0
AGREEING: Final = 1e-3
"""So much may a third more of spherical harmonics change, or half as many more polynomials where no more are tried."""


class ErrorRate(NamedTuple):
    """A write-error rate by the Fokker–Planck equation.

    >>> import llgrad as lg
    >>> bit = lg.Oscillator(
    ...     Ms=1e6, volume=5e-25, H_k=1.45, alpha=0.05, polariser=(0, 0, 1), polarization=0.6, temperature=300.0
    ... )
    >>> pulse = lg.Drive(current=lg.Pulse(amplitude=100e-6, start=0.1e-9, width=2e-9))
    >>> found = lg.experiments.write_error_rate(bit, pulse)
    >>> f"{found.rate:.1e}", bool(found.error < 0.01 * found.rate)
    ('1.6e-06', True)
    """

    rate: float
    """Probability that the device is where it was."""
    error: float
    """Of that number: what half as many polynomials more change, and rounding."""
    polynomials: int

    def __repr__(self) -> str:
        return f"write-error rate {self.rate:.6g} ± {self.error:.1g} (Fokker–Planck, {self.polynomials} polynomials)"


def write_error_rate(
    device: Oscillator,
    pulse: Drive,
    *,
    temperature: float | None = None,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
    duration: float | None = None,
    wait: float | None = None,
) -> ErrorRate:
    """The probability that a pulse does not switch a device of one layer, by its Fokker–Planck equation.

    It is what `lg.experiments.switching` counts with ever more runs, where their time step is short: from thermal
    equilibrium in the valley of the start, through the pulse, and `wait` after it; then every direction counts for the
    valley that it is in. The density is a sum of Legendre polynomials, carried through the pulse by exponentials of its
    operator (Magnus, fourth order, in a pulse's edges). It reaches down to error rates of 10⁻¹².

    That is a device which is symmetric about z. Of any other the density is a sum of spherical harmonics
    (`llgrad.experiments.switching.sphere`), from rest in one well, and in the end each direction counts by the
    probability with which it comes to rest in the well of the start.

    Args:
        device: Oscillator; of a Stack there is `lg.experiments.switching`.
        pulse: Drive of current or field, such as lg.Drive(current=lg.Pulse(…)).
        temperature: [K], by default the device's own.
        m0: a state in the valley in which it begins, by default `lg.solvers.default_start`.
        duration: time [s] after which the pulse is switched off; by default when it is over.
        wait: time [s] that is waited after it; by default two decay times.

    Raises ValueError for a device with a single valley, one with so narrow wells that too many polynomials or harmonics
    would be needed (at a low temperature, which the sentence tells), and without temperature.

    Source: W. H. Butler et al., IEEE Trans. Magn. 48, 4684 (2012), arXiv:1202.2621.

    >>> import llgrad as lg
    >>> bit = lg.Oscillator(
    ...     Ms=1e6, volume=5e-25, H_k=1.45, alpha=0.05, polariser=(0, 0, 1), polarization=0.6, temperature=300.0
    ... )
    >>> pulse = lg.Drive(current=lg.Pulse(amplitude=100e-6, start=0.1e-9, width=2e-9))
    >>> lg.experiments.write_error_rate(bit, pulse).rate < 1e-4
    True
    """
    check_platform()
    check_kind("device", device, Oscillator, "see llgrad.presets; for a Stack there is lg.experiments.switching")
    device = at_temperature(held(device, "write_error_rate"), temperature, "an error rate")
    pulses = pulses_of(device, pulse, None, duration)
    axial = axial_of(device, {name: float(w.peak()) for name, w in waveforms(pulses.drive).items()})
    if axial is None:
        return _without_symmetry(device, pulses, m0, wait)
    valleys = valleys_of(axial)
    if not len(valleys.tops):
        raise ValueError("this device has one stable state at its direct current and field, and no error to make")
    _check_narrow(axial, valleys, float(device.temperature))
    low, high = _valley(valleys, device, m0)
    rest = WAIT / _decay(valleys) * 1e-9 if wait is None else checked_time("wait", wait)
    return _converged(axial, valleys, (low, high), pulses.drive, pulses.end * 1e9, rest * 1e9)


def _without_symmetry(device: Any, pulses: Any, m0: Any, wait: float | None) -> ErrorRate:
    """By spherical harmonics, as many as the wells need."""
    wells, sphere = wells_of(device, 2, "an error rate"), sphere_of(device)
    start = start_in(wells, m0)
    slopes = np.stack([np.asarray(point.matrix) for point in wells.found.stable])
    found = None if sphere is None else converged_modes(sphere, wells.states, slopes)
    if sphere is None or found is None:
        raise ValueError(
            "the wells of this device are so narrow, or its barriers so high, that its error rate would need too many "
            "spherical harmonics; count it in runs with lg.experiments.switching"
        )
    rest = (WAIT * wells.slowest if wait is None else checked_time("wait", wait)) * 1e9
    modes, rate, change = found[0], _on_sphere(sphere, found[0], start, pulses, rest), math.inf
    while change > max(AGREEING * rate, ROUNDING) and modes.basis.order < WIDEST:  # a pulse may narrow the density
        modes = slow_modes(sphere, wells.states, min(modes.basis.order * 4 // 3, WIDEST))
        before, rate = rate, _on_sphere(sphere, modes, start, pulses, rest)
        change = abs(rate - before)
    return ErrorRate(max(rate, 0.0), max(change, ROUNDING), len(modes.basis.l))


def _on_sphere(sphere: Sphere, modes: SlowModes, start: int, pulses: Any, rest: float) -> float:
    density, basis = modes.resting[:, start], modes.basis
    nodes, lengths = _slices(pulses.drive, pulses.end * 1e9, rest)
    known: dict[tuple[float, ...], Any] = {}

    def operator(place: int) -> Any:
        given = tuple(float(values[place]) for values in nodes.values())
        if given not in known:
            known[given] = sphere.operator(basis, dict(zip(nodes, given, strict=True)))
        return known[given]

    for place, length in enumerate(lengths):
        density = carried(operator(place), operator(place + len(lengths)), density, float(length))
    return float(np.real(modes.fate[:, start] @ density))


def _valley(valleys: Valleys, device: Any, m0: Any) -> tuple[float, float]:
    """The ends of the valley in which a state is."""
    if m0 is None:
        start = default_start(device)
    else:
        start = m0 if isinstance(m0, Vec3) else Vec3(*(float(part) for part in m0))
        check_unit_vector("m0", start)
    u = float(start.z)
    ends = [-1.0, *valleys.tops.tolist(), 1.0]
    return next((low, high) for low, high in itertools.pairwise(ends) if u <= high)


def _decay(valleys: Valleys) -> float:
    """The slowest decay [1/ns] in a valley at a pole: |A| is that times the half square of the angle."""
    u, slope = valleys.grid.u, valleys.slope
    return float(min(abs(slope[0, 0] / (1 + u[0, 0])), abs(slope[-1, -1] / (1 - u[-1, -1]))) / 2)


def _check_narrow(axial: Axial, valleys: Valleys, temperature: float) -> None:
    """Raise ValueError for wells so narrow that no number of polynomials that is tried resolves them."""
    u, slope = valleys.grid.u, valleys.slope
    steepest = max(abs(slope[0, 0] / (1 + u[0, 0])), abs(slope[-1, -1] / (1 - u[-1, -1]))) / 2
    part = SPARE**2 * NARROW * steepest / axial.diffusion / MOST**2
    if part > 1:
        raise ValueError(
            f"at {show(temperature, 'K')} the wells of this device are too narrow for {MOST} Legendre polynomials; its "
            f"error rate is found from {float(f'{1.01 * part * temperature:.2g}'):g} K on, and below there is "
            "lg.experiments.switching"
        )


def _converged(
    axial: Axial, valleys: Valleys, valley: tuple[float, float], drive: Any, end: float, rest: float
) -> ErrorRate:
    count, before = FEWEST, math.inf
    rate = _rate(axial, valleys, valley, drive, end, rest, count)
    while count < MOST:
        count = count * 3 // 2
        before, rate = rate, _rate(axial, valleys, valley, drive, end, rest, count)
        if abs(rate - before) < max(CONVERGED * abs(rate), ROUNDING):
            break
    if abs(rate - before) > max(AGREEING * abs(rate), ROUNDING):
        raise ValueError(
            f"the error rate is {before:.3g} with {count * 2 // 3} Legendre polynomials and {rate:.3g} with {count}: "
            "the pulse makes the density too narrow for them; count it in runs with lg.experiments.switching"
        )
    return ErrorRate(max(rate, 0.0), max(abs(rate - before), ROUNDING), count)


def _rate(
    axial: Axial, valleys: Valleys, valley: tuple[float, float], drive: Any, end: float, rest: float, count: int
) -> float:
    density = _begin(valleys, valley, count)
    basis = Basis.of(count)
    nodes, lengths = _slices(drive, end, rest)
    acting = operators(basis, drifts(axial, basis.x, nodes).reshape(2, len(lengths), -1), axial.diffusion)
    for place, length in enumerate(lengths):
        density = acting.carried(density, place, float(length))
    x, w = legendre.leggauss(count)
    low, high = valley
    u = (low + high) / 2 + (high - low) / 2 * x
    return float(w @ (polynomials(u, count) @ density) * (high - low) / 2)


def _begin(valleys: Valleys, valley: tuple[float, float], count: int) -> np.ndarray:
    """The equilibrium within a valley, as coefficients (L,)."""
    u, w = valleys.grid.u.ravel(), valleys.grid.weights.ravel()
    inside = (u >= valley[0]) & (u <= valley[1])
    weight = np.where(inside, w * np.exp(-(valleys.potential - valleys.potential.ravel()[inside].min()).ravel()), 0.0)
    found = np.zeros(count)
    found[:] = weight @ polynomials(u, count)
    return found / weight.sum()


def _slices(drive: Any, end: float, rest: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Inputs (2 S,) at the two Gauss nodes of all parts of the pulse, and of the time after it, and the lengths (S,)
    [ns] of the parts; those with equal inputs are one.
    """
    parts = waveforms(drive)
    edges = [edge for waveform in parts.values() for edge in waveform.edges()]
    knots = [float(knot) * 1e9 for waveform in parts.values() for knot in waveform.knots()]
    times = {0.0, end, *(knot for knot in knots if 0 < knot < end), *np.linspace(0, end, SLICES + 1).tolist()}
    for first, last, _ in edges:
        inner = np.linspace(max(float(first) * 1e9, 0.0), min(float(last) * 1e9, end), SLICES + 1)
        times |= set(inner.tolist())
    ends = np.array(sorted(times))
    ends = ends[np.concatenate([[True], np.diff(ends) > 1e-9])]
    begin, lengths = ends[:-1], np.diff(ends)
    nodes = np.stack([begin + lengths * (0.5 + sign * math.sqrt(3) / 6) for sign in (-1, 1)])
    values = np.stack([_rounded(w, nodes) for w in parts.values()])
    if rest > 0:
        values = np.concatenate([values, np.zeros((len(values), 2, 1))], axis=2)
        lengths = np.append(lengths, rest)
    flat = (values[:, 0] == values[:, 1]).all(axis=0)
    joined: list[int] = []
    for place in range(len(lengths)):
        if joined and flat[place] and flat[joined[-1]] and (values[..., place] == values[..., joined[-1]]).all():
            lengths[joined[-1]] += lengths[place]
        else:
            joined.append(place)
    kept = values[..., joined].reshape(len(values), -1)
    return dict(zip(parts, kept, strict=True)), lengths[joined]


def _rounded(waveform: Waveform, times: np.ndarray) -> np.ndarray:
    """Values at times [ns], with twelve digits of the peak: what is constant is so in every bit."""
    peak = float(waveform.peak())
    with jax.enable_x64(True):
        values = np.asarray(waveform(times * 1e-9), float)
    return np.round(values / peak, 12) * peak if peak else 0.0 * values
