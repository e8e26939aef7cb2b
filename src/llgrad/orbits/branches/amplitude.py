"""`amplitude_model`: the numbers of the amplitude model from a device."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import jax
import numpy as np
from jaxtyping import ArrayLike, Float, PyTree

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import get_leaf
from llgrad.core.units import show
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.orbits.branches.family import Family, FollowedRange, family_of, number_of, range_of
from llgrad.orbits.branches.follow import thresholds
from llgrad.orbits.branches.normal_form import NormalForm, normal_form
from llgrad.orbits.branches.result import Threshold
from llgrad.orbits.carried import held, is_traced
from llgrad.orbits.flow import begun
from llgrad.physics.models.amplitude import AmplitudeModel

NOTHING: Final = 1e-9
"""An onset nearer to zero than this part of the range is at zero."""
SAME: Final = 0.3
"""States that differ in distance by less than this, in radians or units of their scale, count as one."""


def amplitude_model(
    device: Oscillator | System,
    parameter: str = "current",
    start: float = 0.0,
    stop: float | None = None,
    *,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
    within: Mapping[str, tuple[float, float]] | None = None,
) -> AmplitudeModel:
    """The amplitude model of a device near its onset: ω₀, N, Γ_G, Q, σ, I_th and D_n, exact at the threshold.

    At the Hopf point I_th, at which the state at rest begins to oscillate, with λ the eigenvalue along the branch of
    the state at rest and c the cubic coefficient of the normal form dz/dt = λ z + c |z|² z, both from exact derivatives
    of the equation of motion (`thresholds`; Kuznetsov, eq. (5.34)), and |c|² = p = k |z|²:

        σ = Re dλ/dI,   Γ_G = σ I_th,   tuning = Im dλ/dI,   ω₀ = Im λ − tuning I_th,
        N = Im c/k,   Γ_G (1 + Q) = −Re c/k,   2 D_n = k Σ_j |left eigenvector · G_j|².

    So frequency, power, return rate and line width of the model are those of the device as I → I_th, with an error of
    first order in I/I_th − 1 relative to what vanishes there; farther away the model is a model. σ, Γ_G and ω₀ are
    those at the threshold and may differ from what is measured at rest without a current.

    What is called the power is a convention, on which N, Q and D_n depend and no measurement. Of unit vectors it is the
    solid angle that they draw over 4π, (1 − cosθ)/2 of a circular precession, added up over the layers; of a state
    without unit vectors the mean square of its deviation from rest: s² of a vortex, |c|² of an AmplitudeModel.

    Args:
        device: an Oscillator, or a System such as a Stack or a Vortex.
        parameter: path of the current; another number takes its place, in its own SI unit.
        start: where the device is at rest, by default without a current.
        stop: where it may oscillate, by default what the device has.
        m0: near which state the one at rest is that begins to oscillate, where there are several; by default where a
            run begins.
        within: of a System, the range in which a component without a constraint is looked for, as in `equilibria`.

    Returns:
        AmplitudeModel, at the current `stop`.

    Raises:
        ValueError: where the device has no such model: no Hopf point in the range, a subcritical onset (a cycle of
            finite size appears at once), an onset of a state that is unstable by itself, or one at zero.

    Sources: A. Slavin, V. Tiberkevich, IEEE Trans. Magn. 45, 1875 (2009) (recalled).

    >>> import llgrad as lg
    >>> model = lg.orbits.amplitude_model(lg.presets.kubota2013().replace(current=0.41e-3))
    >>> round(model.threshold * 1e3, 4), round(model.omega_0 / 6.2832e9, 2), round(model.Q, 1)
    (0.396, 1.73, -0.6)
    """
    check_kind("device", device, (Oscillator, System), "the amplitude model is of one oscillator")
    if is_traced(device):
        raise ValueError(
            "amplitude_model has no derivative; take differences of its numbers, or those of lg.orbits.thresholds"
        )
    numbers = held(device, "amplitude_model")
    with jax.enable_x64(True):
        number_of(numbers, parameter)
        current = float(np.asarray(get_leaf(numbers, parameter))) if stop is None else float(stop)
        if current == start:
            raise ValueError(
                f"{parameter} of the device is {current:g}, where it is said to be at rest; give stop=…, where it may "
                "oscillate"
            )
        span = range_of(numbers, parameter, start, current)
        family = family_of(numbers, span, None)
        begin = np.asarray(begun(family.flow(span.start), numbers, m0))
        found = thresholds(numbers, parameter, start, current, within=within)
        onset = _onset(found, family, begin, span, start, current)
        form = normal_form(family, onset.y, onset.held, 2e-9 * math.pi * float(onset.frequency))
    return model_of(onset, form, span, current)


def _onset(
    found: tuple[Threshold, ...], family: Family, begin: np.ndarray, span: FollowedRange, start: float, stop: float
) -> Threshold:
    """The Hopf point of the state that is nearest to where a run begins; of several the one that is met first.

    Raises ValueError where there is none.
    """
    hopf = [point for point in found if point.kind == "Hopf"]
    if not hopf:
        others = ", ".join(f"{point.kind} at {show(point.held, span.unit)}" for point in found) or "no critical point"
        raise ValueError(
            f"no amplitude model: there is no Hopf point, at which an oscillation begins, for {span.path} from "
            f"{show(start, span.unit)} to {show(stop, span.unit)} ({others}); give stop=… beyond the onset, or the "
            "other sign"
        )
    scale = np.ones(family.shape.size)
    scale[list(family.shape.plain)] = np.asarray(family.scale)
    away = [float(np.linalg.norm((point.y - begin) / scale)) for point in hopf]
    nearest = [point for point, far in zip(hopf, away, strict=True) if far <= min(away) + SAME]
    return min(nearest, key=lambda point: abs(point.held - start))


def model_of(onset: Threshold, form: NormalForm, span: FollowedRange, current: float) -> AmplitudeModel:
    """The model of an onset, at a current. Raises ValueError where there is none."""
    at = f"the onset at {span.path} = {show(onset.held, span.unit)}"
    if form.slowest > 0:
        raise ValueError(f"no amplitude model: the state that oscillates from {at} is unstable without it too")
    if form.cubic.real == 0:
        raise ValueError(
            f"no amplitude model: {at} is degenerate: its first Lyapunov coefficient is zero, so that nothing limits "
            "the oscillation in this order"
        )
    if form.cubic.real > 0:
        raise ValueError(
            f"no amplitude model: {at} is subcritical: a cycle of finite size appears at once, with hysteresis; "
            "lg.follow traces it"
        )
    if abs(onset.held) <= NOTHING * abs(span.stop - span.start):
        raise ValueError(f"no amplitude model: {at} is at zero, so that there is no damping for it to be compared with")
    sigma = form.shift.real * 1e9
    if sigma * onset.held <= 0:
        raise ValueError(
            f"no amplitude model: at {at} the oscillation begins as {span.path} goes towards zero, so that no current "
            "overcomes a damping there"
        )
    damping, tuning = sigma * onset.held, form.shift.imag * 1e9
    return AmplitudeModel(
        omega_0=form.omega * 1e9 - tuning * onset.held,
        N=form.cubic.imag * 1e9 / form.power,
        Gamma_G=damping,
        sigma=sigma,
        Q=-form.cubic.real * 1e9 / (form.power * damping) - 1,
        current=current,
        tuning=tuning,
        D_n=form.power * form.noise * 1e9 / 2,
    )
