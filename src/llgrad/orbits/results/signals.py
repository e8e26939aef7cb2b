"""What is seen of an orbit: an observable round it, its harmonics, and how a deviation changes amplitude and phase."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import is_concrete
from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.devices.junction import Junction
from llgrad.devices.oscillator import Oscillator
from llgrad.orbits.flow import Flow

Observable = Callable[[Any], Any]


class Seen(NamedTuple):
    """An observable at the states of an orbit: values (N,), and its derivative by the state (N, n)."""

    values: Any
    slopes: Any

    @property
    def harmonics(self) -> Any:
        """C_k (N/2 + 1,) of s(t) = C₀ + 2 Re Σ C_k e^{ikωt}."""
        return jnp.fft.rfft(self.values) / len(self.values)

    def demodulation(self) -> Any:
        """w (N,), complex: of a small δs the mean of δs w is relative amplitude + i phase [rad] of the fundamental."""
        count = len(self.values)
        wave = jnp.exp(-2j * jnp.pi * jnp.arange(count) / count)
        return wave / jnp.mean(self.values * wave)


def seen_of(flow: Flow, states: Any, observable: Observable) -> Seen:
    """An observable, a function of the state to a number, round an orbit (N, n)."""

    def one(y: Any) -> Any:
        value = jnp.asarray(observable(flow.state(y)))
        if value.shape:
            raise ValueError(f"the observable has the shape {value.shape}, expected one number of one state")
        return value.astype(y.dtype)

    return Seen(*jax.vmap(jax.value_and_grad(one))(states))


class Along(eqx.Module):
    """m·p, added up over an array. What is seen is data, so that all polarisers and all calls share a program."""

    polariser: Vec3

    def __call__(self, m: Vec3) -> Any:
        return jnp.sum(m.dot(self.polariser))


class Part(eqx.Module):
    """A number of the state, added up over an array: of a name, or the first."""

    name: str | None = eqx.field(static=True)
    of: str = eqx.field(static=True)
    """What the model is called."""

    def __call__(self, state: Any) -> Any:
        if self.name is None:
            return jnp.sum(jax.tree.leaves(state)[0])
        return jnp.sum(getattr(state, self.name) if isinstance(state, Vec3) else _named(self.of, state, self.name))


class Resistance(eqx.Module):
    """R [Ω] of a junction."""

    law: Any
    along: Along

    def __call__(self, m: Vec3) -> Any:
        return self.law.resistance(self.along(m))


class Voltage(eqx.Module):
    """I R [V] of a junction."""

    current: Any
    resistance: Resistance

    def __call__(self, m: Vec3) -> Any:
        return self.current * self.resistance(m)


def observable_of(model: Any, wanted: Any) -> Observable:
    """A function of the state: as given, of a name, or the model's own: m·p of a device, the sum of those of an array,
    the first
    number of a system's state, added up over an array.

    Raises ValueError for a name that there is not.
    """
    if callable(wanted):
        return wanted
    if isinstance(model, (Oscillator, OscillatorArray)):
        device = model.oscillator if isinstance(model, OscillatorArray) else model
        if wanted is None:
            return Along(_as_data(device.polariser))
        if wanted in ("x", "y", "z"):
            return Part(wanted, type(model).__name__)
        raise ValueError(f"observable = {wanted!r}, expected 'x', 'y', 'z', or a function of the state m")
    if wanted is None or isinstance(wanted, str):
        return Part(wanted, type(model).__name__)
    raise ValueError(f"observable = {wanted!r}, expected a name in the state, or a function of it")


def _as_data(tree: Any) -> Any:
    """Floats as arrays, which are given to a program and not built into it."""
    return jax.tree.map(lambda leaf: np.asarray(leaf) if isinstance(leaf, float) else leaf, tree)


def _named(model: str, state: Any, name: str) -> Any:
    if not isinstance(state, dict) or name not in state or isinstance(state[name], Vec3):
        known = [key for key, value in state.items() if not isinstance(value, Vec3)] if isinstance(state, dict) else []
        raise ValueError(f"the state of {model} has no number {name!r}; it has {', '.join(known) or 'none'}")
    return state[name]


def load_observable(model: Any, junction: Junction | None, load: Any) -> tuple[Observable, Observable]:
    """Voltage I R [V] and resistance [Ω] of a device's junction, as functions of its state.

    Raises ValueError for a model without a junction, and for a load that is none.
    """
    if not isinstance(model, Oscillator):
        raise ValueError(f"the power of {type(model).__name__} is not known; give harmonics(observable) a voltage")
    law = junction or model.junction
    if law is None:
        raise ValueError(
            "this device has no junction, so its voltage is not known; give one, as in "
            "junction=ConductanceJunction(R_P=1e3, tmr=1.0), here or in device.replace(junction=…)"
        )
    if is_concrete(load) and not 0 < float(np.asarray(load)) < math.inf:
        raise ValueError(f"load = {load}, expected an impedance in ohms, a positive number such as 50.0")

    resistance = Resistance(_as_data(law), Along(_as_data(model.polariser)))
    return Voltage(_as_data(model.current), resistance), resistance
