"""What a weak microwave does to a device at rest, to the second order in it: absorbed power, rectified voltage.

In coordinates q of the state and the strength s of the microwave, dq/dt = F(q, s). With z = (δq, δs) e^{iωt},
δq = (iω − A)⁻¹ ∂F/∂s δs, the state shifts by q₂ = −A⁻¹ ⟨D²F[z, z]⟩/2 and the voltage V(q, s) by
∂V/∂q · q₂ + ⟨D²V[z, z]⟩/2. Nothing is left out to this order: a direct current and a drive by the voltage included.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from llgrad.core.field_term import Inputs
from llgrad.experiments.loops.swept import Swept
from llgrad.experiments.rectification import Microwave
from llgrad.orbits.chart import chart_at
from llgrad.physics.stacks.stack import Stack


@jax.jit
def responses(family: Swept, value: Any, y: Any, frequencies: Any, microwave: Microwave) -> tuple[Any, Any]:
    """Absorbed power (F,) [W] and rectified voltage (F,) [V] at a state at rest (d,)."""
    flow, device = family.flow(value), family.placed(value)
    chart, n = chart_at(flow, y), flow.shape.freedom
    patterns = _patterns(microwave)

    def given(s: Any) -> dict[str, Any]:
        return {name: s[0] * first + s[1] * second for name, (first, second) in patterns.items()}

    def rate(z: Any) -> Any:
        return chart.velocity(flow, z[:n], given(z[n:]))

    def volts(z: Any) -> Any:
        return voltage_of(device, flow.state(chart.state(flow, z[:n])), given(z[n:]))

    zero = jnp.zeros(n + 2, y.dtype)
    slope = jax.jacfwd(rate)(zero)
    a, push = slope[:, :n], slope[:, n:]
    turned = jax.jacfwd(lambda q: chart.state(flow, q))(zero[:n])
    across = jax.grad(volts)(zero)[:n]

    def second(f: Any, v: Any) -> Any:
        return jax.jvp(lambda z: jax.jvp(f, (z,), (v,))[1], (zero,), (v,))[1]

    def at(frequency: Any) -> tuple[Any, Any]:
        omega = frequency * (math.tau * 1e-9)
        eye = jnp.eye(n, dtype=y.dtype)
        # (iω − A)(x + iw) = b + ic in real numbers; the second pattern is a quarter of a period ahead
        whole = jnp.block([[-a, -omega * eye], [omega * eye, -a]])
        moved = jnp.linalg.solve(whole, jnp.concatenate([push[:, 0], push[:, 1]]))
        one, none = jnp.ones(1, y.dtype), jnp.zeros(1, y.dtype)
        real, imaginary = (
            jnp.concatenate([moved[:n], one, none]),
            jnp.concatenate([moved[n:], none, one]),
        )
        shift = -jnp.linalg.solve(a, (second(rate, real) + second(rate, imaginary)) / 4)
        direct = across @ shift + (second(volts, real) + second(volts, imaginary)) / 4
        return _absorbed(device, flow, turned @ moved[:n], turned @ moved[n:], patterns, frequency), direct

    return jax.vmap(at)(frequencies)


def _patterns(microwave: Microwave) -> dict[str, tuple[Any, Any]]:
    """In-phase part, and that a quarter of a period ahead, of what is sent in, by the name of the input."""
    cosine, sine = jnp.cos(microwave.phase), jnp.sin(microwave.phase)
    field = {f"field_{axis}": getattr(microwave.field, axis) for axis in "xyz"}
    return {"current": (microwave.current, 0.0)} | {name: (b * cosine, b * sine) for name, b in field.items()}


def voltage_of(device: Any, state: Any, given: dict[str, Any]) -> Any:
    """The voltage [V] across a device in a state, where `given` is added to its current; 0 without a junction."""
    if isinstance(device, Stack):
        inputs = Inputs(0.0, (0.0,) * device.noises, dict.fromkeys(device.inputs, 0.0) | given)
        return jnp.asarray(device.observe(state, inputs)["voltage"]) if device.barriers else given["current"] * 0.0
    if device.junction is None:
        return given["current"] * 0.0
    current = device.current + given["current"]
    return current * device.junction.at_current(state.dot(device.polariser), current)


def _absorbed(device: Any, flow: Any, real: Any, imaginary: Any, patterns: dict[str, Any], frequency: Any) -> Any:
    """−⟨M · dB/dt⟩ = −(ω/2) Σ Ms V Im(δm · b*) [W]."""
    layers = device.free if isinstance(device, Stack) else (device,)
    total = jnp.zeros((), real.dtype)
    for layer, places in zip(layers, _places(device, flow), strict=True):
        moment = layer.Ms * layer.volume
        for axis, place in zip("xyz", places, strict=True):
            b, c = patterns[f"field_{axis}"]
            total = total + moment * (imaginary[place] * b - real[place] * c)
    return -math.pi * frequency * total


def _places(device: Any, flow: Any) -> list[tuple[int, int, int]]:
    """Of each free layer the places of its direction in a state, in the order of the layers."""
    if not isinstance(device, Stack):
        return list(flow.shape.spins)
    of = dict(zip(flow.shape.names, flow.shape.spins, strict=True))
    return [of[layer.name] for layer in device.free]
