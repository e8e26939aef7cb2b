"""The closed orbit of a self-oscillation near a state: its period, exactly, and how that depends on the device.

One period is simulated instead of hundreds: the orbit is where m comes back to itself, and Newton's method finds it
from a state on it, roughly, and a period, roughly.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.core.record import set_leaf
from llgrad.core.vector import Vec3, unstack
from llgrad.devices.oscillator import Oscillator
from llgrad.experiments.tangent import Plane, solve_in_plane
from llgrad.kernels.steppers import Stepper
from llgrad.physics.equation import still_equation
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate
from llgrad.solve.task import Engine

ITERATIONS: Final = 6
LARGEST_STEP: Final = 0.1
"""Largest change of the state [rad] and of the period, relative, in one iteration."""

TICK: Final = 1e-12
"""A time step [s], of no meaning: see `_turned`."""


class ClosedOrbit(NamedTuple):
    """An orbit that comes back to itself."""

    period: Any
    """[s]; its derivative by the leaves of the device is that of the orbit."""
    state: Any
    """A state on it (3,)."""
    multiplier: Any
    """By which a deviation from it has changed after one period (its Floquet multiplier): it attracts where this is
    within ±1."""
    gap: Any
    """How far [rad] m is from where it began, after one period: the orbit is none where this is not small."""


class Steps(NamedTuple):
    """How one period is stepped."""

    number: int
    stepper: Stepper
    engine: Engine | None


def closed_orbit(device: Oscillator, state: Any, period: Any, steps: Steps) -> ClosedOrbit:
    """The closed orbit near a state (3,) and a period [s], at most a few per cent off, by Newton's method.

    With m(T; m₀) the state a time T after m₀, it solves m(T; m₀) = m₀ for T and for m₀ across the orbit: two numbers on
    the sphere. The period is differentiable once, forward, by the leaves of the device (the implicit function theorem);
    the state is not.
    """
    held = jax.lax.stop_gradient(device)
    at, period = jax.lax.stop_gradient((jnp.asarray(state), jnp.asarray(period)))

    def newton(_: Any, found: tuple[Any, Any]) -> tuple[Any, Any]:
        at, period = found
        plane = _across(held, at)
        x, _, _ = _step(held, held, plane, period, steps)
        x = jnp.clip(x, -LARGEST_STEP, LARGEST_STEP)
        return plane.state(jnp.stack([jnp.zeros_like(x[0]), x[0]])).stack(), period * (1 + x[1])

    at, period = jax.lax.stop_gradient(jax.lax.fori_loop(0, ITERATIONS, newton, (at, period)))
    x, gap, slope = _step(device, held, _across(held, at), period, steps)
    return ClosedOrbit(period * (1 + x[1]), at, 1 + slope[1, 0], jnp.sqrt(jnp.sum(jax.lax.stop_gradient(gap) ** 2)))


def _across(device: Oscillator, at: Any) -> Plane:
    """The tangent plane at a state, its first vector along the motion."""
    m = unstack(at)
    motion = still_equation(device, "closed orbit")(m, Vec3(0.0, 0.0, 0.0), 0.0)
    along = motion * (1 / jnp.sqrt(motion.norm2()))
    return Plane(m, along, m.cross(along))


def _step(device: Oscillator, held: Oscillator, plane: Plane, period: Any, steps: Steps) -> tuple[Any, Any, Any]:
    """Newton's step (across the orbit [rad], of the period, relative), what remains (2,), and its slope (2, 2)."""
    start = jnp.zeros(2, jnp.asarray(period).dtype)
    slope = jax.lax.stop_gradient(jax.jacfwd(lambda x: _remaining(held, plane, period, x, steps))(start))
    remaining = _remaining(device, plane, period, start, steps)
    return -solve_in_plane(slope, remaining), remaining, slope


def _remaining(device: Oscillator, plane: Plane, period: Any, x: Any, steps: Steps) -> Any:
    """From where a period began to where it ended, in the plane (2,)."""
    begun = jnp.stack([jnp.zeros_like(x[0]), x[0]])
    end = unstack(_turned(device, plane.state(begun), period * (1 + x[1]), 1, steps)[0])
    return jnp.stack([end.dot(plane.e1), end.dot(plane.e2)]) / end.dot(plane.m0) - begun


def distances_after(device: Oscillator, state: Any, period: Any, turns: int, steps: Steps) -> Any:
    """How far (turns,) m is from a state (3,) after one, two, … periods [s]."""
    return jnp.sqrt(jnp.sum((_turned(device, unstack(state), period, turns, steps) - state[None]) ** 2, axis=1))


def _turned(device: Oscillator, start: Vec3, period: Any, turns: int, steps: Steps) -> Any:
    """The states (turns, 3) after one, two, … periods."""
    # gamma is the unit of time of the whole equation: it is scaled, so that the number of steps can stay
    run = simulate(
        set_leaf(device, "gamma", device.gamma * period / (steps.number * TICK)),
        duration=turns * steps.number * TICK,
        dt=TICK,
        m0=start,
        save=Every(steps.number),
        stepper=steps.stepper,
        engine=steps.engine,
        throw=False,
    )
    return run.m[1:]
