"""Losses of many settings of a reservoir at once: one program, whose lanes are the settings. Every run is counted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.numbers import checked_number
from llgrad.reservoir.checking import check_varies, checked_input
from llgrad.reservoir.estimator import Reservoir
from llgrad.reservoir.running import begun, operands, run
from llgrad.reservoir.tuning.aims import TuningAim
from llgrad.reservoir.tuning.free import Tunable, with_values, zeros_off_diagonal


class Judge:
    """The loss of settings: unbounded numbers u by name, each with a first axis of settings."""

    def __init__(self, reservoir: Reservoir, aim: TuningAim, free: tuple[Tunable, ...]) -> None:
        self.reservoir, self.aim, self.free = reservoir, aim, free
        self.washout = checked_number("washout", reservoir.washout, low=0, whole=True)
        if aim.cut - self.washout < 2:
            raise ValueError(
                f"the read-out is fitted on the symbols {self.washout} to {aim.cut} of the signal: too few; give a "
                "longer one, or a shorter washout"
            )
        check_varies(np.asarray(aim.targets[aim.cut :]))
        features = aim.signal.shape[1]
        wiring = reservoir.wiring(features)
        self.model, self.wiring = operands(reservoir.model), jax.tree.map(jnp.asarray, wiring)
        self.held = begun(reservoir.model, wiring, reservoir.reading)
        self.channel, self.reading, self.key = (
            checked_input(reservoir.model, reservoir.input),
            reservoir.reading,
            reservoir._key(),
        )
        noise = checked_number("noise", reservoir.noise, low=0.0)
        self.noise = jnp.asarray(noise)
        self.seed = jax.random.key(reservoir.seed)
        self.simulations = 0
        self.seconds = {"values": 0.0, "gradients": 0.0}
        """Time in programs, without their compilation."""
        self.runs = {"values": 0, "gradients": 0}

    def physical(self, u: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that unbounded ones stand for."""
        return {one.name: zeros_off_diagonal(one.name, one.physical(u[one.name])) for one in self.free}

    def values(self, u: Mapping[str, Any]) -> np.ndarray:
        """Losses (S,), infinite where a run fails."""
        return np.asarray(self._timed("values", _losses, u))

    def gradients(self, u: Mapping[str, Any]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Losses (S,) and their derivatives."""
        losses, slopes = self._timed("gradients", _slopes, u)
        return np.asarray(losses), {name: np.asarray(value) for name, value in slopes.items()}

    def _timed(self, kind: str, program: Any, u: Mapping[str, Any]) -> Any:
        given = {name: jnp.asarray(value) for name, value in u.items()}
        count = len(next(iter(given.values())))
        arguments = (self._fixed(), self._moving(), given)
        begun = time.perf_counter()
        found = jax.block_until_ready(program(*arguments))
        taken = time.perf_counter() - begun
        if self.runs[kind]:  # the first call compiles
            self.seconds[kind] += taken
        self.runs[kind] += 1
        self.simulations += count
        return found

    def _fixed(self) -> tuple[Any, ...]:
        return self.free_static(), self.channel, self.reading, self.washout

    def free_static(self) -> tuple[tuple[str, float, float], ...]:
        """Names and ranges, which programs are made for."""
        return tuple((one.name, one.low, one.high) for one in self.free)

    def _moving(self) -> tuple[Any, ...]:
        aim = jax.tree.map(lambda part: jnp.asarray(part) if isinstance(part, np.ndarray) else part, self.aim)
        return self.model, self.wiring, self.held, aim, self.noise, self.seed, self.key


def _loss(fixed: Any, moving: Any, u: Any) -> Any:
    free, channel, reading, washout = fixed
    model, wiring, held, aim, noise, seed, key = moving
    values = {
        name: zeros_off_diagonal(name, Tunable(name, low, high, np.zeros(())).physical(u[name]))
        for name, low, high in free
    }
    model, wiring = with_values(model, wiring, values)
    course = run(model, wiring, channel, reading, aim.signal, held, key)
    read = course.read
    spread = jnp.sqrt(read[washout:].var(axis=0).mean())
    read = read + noise * spread * jax.random.normal(seed, read.shape, read.dtype)
    return aim.of(read, washout)


@eqx.filter_jit
def _losses(fixed: Any, moving: Any, u: Any) -> Any:
    found = jax.vmap(lambda one: _loss(fixed, moving, one))(u)
    return jnp.where(jnp.isfinite(found), found, jnp.inf)


@eqx.filter_jit
def _slopes(fixed: Any, moving: Any, u: Any) -> Any:
    return jax.vmap(jax.value_and_grad(lambda one: _loss(fixed, moving, one)))(u)
