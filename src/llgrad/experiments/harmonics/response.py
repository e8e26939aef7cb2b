"""What an alternating current does to a signal of a device at rest, to the second order in it, at any frequency.

In coordinates q of the state and the current s that is added, dq/dt = F(q, s). With s = Re(S e^{iωt}) and
Z = (Q, S), Q = (iω − A)⁻¹ ∂F/∂s S, a signal V(q, s) has the phasors

    at ω:  DV · Z,
    at 2ω: ∂V/∂q · (2iω − A)⁻¹ D²F[Z, Z]/4 + D²V[Z, Z]/4,
    and at 0 in addition: −∂V/∂q · A⁻¹ D²F[Z, Z*]/4 + D²V[Z, Z*]/4.

At ω = 0 these are the derivatives of the state at rest. The states are improved by one step of Newton's method, which
gives them the derivatives of the root.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from llgrad.core.field_term import Inputs
from llgrad.experiments.loops.swept import Swept
from llgrad.experiments.loops.walking import FREE
from llgrad.orbits.chart import chart_at


class Phasors(NamedTuple):
    """Of a signal, for a current s = Re(S e^{iωt}): V = direct + Re(first e^{iωt} + second e^{2iωt})."""

    direct: Any
    first: Any
    second: Any
    swing: Any
    """By how much [rad] the current turns the layer that turns most."""


def phasors(family: Swept, value: Any, y: Any, signal: str, terminal: str, amplitude: Any, frequency: Any) -> Phasors:
    """The phasors of a signal [its unit] for a current of a real amplitude [A] and a frequency [Hz] at a terminal."""
    flow, device = family.flow(value), family.placed(value)
    n = flow.shape.freedom
    zero = jnp.zeros(n + 1, jnp.asarray(y).dtype)
    chart = chart_at(flow, _improved(flow, y))

    def rate(z: Any) -> Any:
        return chart.velocity(flow, z[:n], {terminal: z[n]})

    def volts(z: Any) -> Any:
        given = dict.fromkeys(device.inputs, 0.0) | {terminal: z[n]}
        state = flow.state(chart.state(flow, z[:n]))
        return jnp.asarray(device.observe(state, Inputs(0.0, (0.0,) * device.noises, given))[signal])

    slope, across = jax.jacfwd(rate)(zero), jax.grad(volts)(zero)
    a, push = slope[:, :n], slope[:, n]
    omega = frequency * (math.tau * 1e-9)

    def moved(by: Any, times: int) -> Any:
        return jnp.linalg.solve(lax.complex(-a, times * omega * jnp.eye(n, dtype=a.dtype)), by)

    z = jnp.append(moved(_complex(push), 1), jnp.ones(1, complex)) * _complex(amplitude)

    def second(f: Any, conjugate: bool) -> Any:
        """D²f[Z, Z]/4, or D²f[Z, Z*]/4."""

        def of(u: Any, v: Any) -> Any:
            return jax.jvp(lambda at: jax.jvp(f, (at,), (u,))[1], (zero,), (v,))[1] / 4

        squares = of(z.real, z.real), of(z.imag, z.imag)
        if conjugate:
            return _complex(squares[0] + squares[1])
        return lax.complex(squares[0] - squares[1], 2 * of(z.real, z.imag))

    direct, double = (
        _complex(across[:n]) @ moved(second(rate, still), 0 if still else 2) + second(volts, still)
        for still in (True, False)
    )
    turns = jnp.abs(z[: 2 * len(flow.shape.spins)]).reshape(-1, 2)
    return Phasors(volts(zero) + direct.real, _complex(across) @ z, double, jnp.sqrt(jnp.max(jnp.sum(turns**2, 1))))


def _complex(x: Any) -> Any:
    return lax.complex(x, jnp.zeros_like(x))


def _improved(flow: Any, y: Any) -> Any:
    """A state at rest (n,), one step of Newton's method later."""
    chart = chart_at(flow, jax.lax.stop_gradient(y))
    zero = jnp.zeros(flow.shape.freedom, jnp.asarray(y).dtype)

    def rate(q: Any) -> Any:
        return chart.velocity(flow, q)

    slope = jax.lax.stop_gradient(jax.jacfwd(rate)(zero))
    return chart.state(flow, -jnp.linalg.pinv(slope, rtol=FREE) @ rate(zero))
