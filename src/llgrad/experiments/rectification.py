"""The direct voltage that a device at rest makes of a microwave, from the linearised equation of motion.

The microwave's current and field move the magnetisation, hence the resistance; the current times that resistance has a
mean. To the second order in the microwave, the lowest that rectifies, this is exact and costs one small linear system.
Where the device oscillates by itself, or the microwave is strong, see `simulated_rectification.py`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.core.record import Record, quantity, vector
from llgrad.core.vector import Vec3
from llgrad.devices.junction import Junction
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.base import check_finite, check_phases
from llgrad.orbits.chart import solve_small
from llgrad.orbits.equilibria.relaxed import growth_of, rest_of
from llgrad.orbits.flow import flow_of
from llgrad.solve.start import start_of


class Microwave(Record):
    """What is sent into the device: current · cos(2πft), and a field · cos(2πft + phase).

    >>> import llgrad as lg
    >>> lg.experiments.Microwave(current=10e-6, field=(1e-4, 0.0, 0.0)).field
    Vec3(0.0001, 0.0, 0.0)
    """

    current: float = quantity("A", default=0.0, about="amplitude of the microwave current, half of peak to peak")
    field: Vec3 = vector("T", default=(0.0, 0.0, 0.0), about="amplitude of the microwave field")
    phase: float = quantity("rad", default=0.0, about="phase of the field, ahead of the current")

    def __check_init__(self) -> None:
        check_finite(self, "current")
        check_phases(self, "phase")


class Response(NamedTuple):
    """What a microwave does to a device at rest."""

    voltage: Any
    """Direct voltage [V] with the microwave minus that without it."""
    swing: Any
    """Largest angle [rad] of the precession: the answer is exact where it is small."""
    growth: Any
    """Rate [1/s] at which deviations grow without the microwave: the answer holds where it is negative."""


def rectified(device: Oscillator, microwave: Microwave, frequency: Any, m0: Any = None) -> Response:
    """The rectified voltage to the second order in the microwave, exact in everything else.

    With x = (δq, δI, δB) the small deviations at the frequency, δq = (iω − A)⁻¹ (B δI + C δB) from the linearised
    equation of motion and the mean second-order shift ⟨q₂⟩ = −A⁻¹ ½⟨D²(dq/dt)[x, x]⟩,

        V_dc = I R′⟨q₂⟩ + ½⟨D²(I R)[x, x]⟩.

    Without a direct current only ½ Re(δI* δR) is left, as in A. A. Tulapurkar et al., Nature 438, 339 (2005).
    May be batched by `jax.vmap` and differentiated in every leaf.

    Args:
        device: at its field and direct current, with a junction.
        microwave: current and field amplitudes.
        frequency: frequency f [Hz].
        m0: state (3,) that relaxes to the static one; by default 1° off the axis of lowest energy.

    Raises ValueError for a device without a junction.
    """
    junction_of(device)
    return _rectified(device, None if m0 is None else start_of(device, m0), microwave, frequency)


@jax.jit
def _rectified(device: Oscillator, start: Vec3 | None, microwave: Microwave, frequency: Any) -> Response:
    flow, junction = flow_of(device, what="spin-diode response"), junction_of(device)
    chart, q = rest_of(flow, start_of(device, start).stack())
    at_rest = jnp.concatenate([q, jnp.zeros(4, q.dtype)])

    def motion_and_volts(x: Any) -> Any:
        inputs = dict(zip(flow.channels, x[2:], strict=True))
        m = flow.state(chart.state(flow, x[:2]))
        current = device.current + inputs["current"]
        volts = current * junction.at_current(m.dot(device.polariser), current)
        return jnp.append(chart.velocity(flow, x[:2], inputs), volts)

    slope = jax.jacfwd(motion_and_volts)(at_rest)
    stiffness = slope[:2, :2]
    waves = _deviations(slope[:2], microwave, frequency, q.dtype)
    bends = jax.vmap(lambda wave: _second(motion_and_volts, at_rest, wave))(waves)
    mean = (bends[0] + bends[1]) / 4
    shift = -solve_small(stiffness, mean[:2])
    return Response(slope[2, :2] @ shift + mean[2], _largest(*waves[:, :2]), growth_of(stiffness))


def _deviations(slope: Any, microwave: Microwave, frequency: Any, dtype: Any) -> Any:
    """Real and imaginary part (2, 6) of the deviations (q₁, q₂, I, B_x, B_y, B_z) ∝ e^{iωt}, from the slope (2, 6)."""
    omega = jnp.asarray(frequency, dtype) * (math.tau * 1e-9)
    field = jnp.stack([jnp.asarray(part, dtype) for part in (microwave.field.x, microwave.field.y, microwave.field.z)])
    current = jnp.asarray(microwave.current, dtype)[None]
    phase = jnp.asarray(microwave.phase, dtype)
    real = jnp.concatenate([current, field * jnp.cos(phase)])
    imaginary = jnp.concatenate([0 * current, field * jnp.sin(phase)])
    push = jax.lax.complex(slope[:, 2:] @ real, slope[:, 2:] @ imaginary)
    inertia = jax.lax.complex(-slope[:, :2], omega * jnp.eye(2, dtype=dtype))
    q = solve_small(inertia, push)
    return jnp.stack([jnp.concatenate([q.real, real]), jnp.concatenate([q.imag, imaginary])])


def _second(function: Any, at: Any, direction: Any) -> Any:
    """The second derivative of a function along a direction."""

    def slope(x: Any) -> Any:
        return jax.jvp(function, (x,), (direction,))[1]

    return jax.jvp(slope, (at,), (direction,))[1]


def _largest(real: Any, imaginary: Any) -> Any:
    """The longer half-axis of the ellipse Re[(real + i imaginary) e^{iωt}]; differentiable on a circle too."""
    total = jnp.sum(real * real) + jnp.sum(imaginary * imaginary)
    area = real[0] * imaginary[1] - real[1] * imaginary[0]
    return jnp.sqrt((total + jnp.sqrt(jnp.maximum(total * total - 4 * area * area, 0.0))) / 2)


def junction_of(device: Oscillator) -> Junction:
    """The junction of a device. Raises ValueError where there is none."""
    if device.junction is None:
        raise ValueError(
            "this device has no junction, so no voltage can be told; give one, as in "
            "device.replace(junction=ConductanceJunction(R_P=1e3, tmr=1.0))"
        )
    return device.junction
