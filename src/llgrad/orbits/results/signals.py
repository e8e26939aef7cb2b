"""What is seen of an orbit: an observable round it, its harmonics, and how a deviation changes amplitude and phase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, PyTree

from llgrad.core.arguments.kinds import with_article
from llgrad.core.field_term import Inputs
from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.devices.junction import Junction
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.states.components import component_names
from llgrad.devices.system import System
from llgrad.orbits.flow import Flow

Observable = Callable[[PyTree], ArrayLike]
"""A function of a state to a number."""


class SeenAlongOrbit(NamedTuple):
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


def seen_of(flow: Flow, states: Any, observable: Observable) -> SeenAlongOrbit:
    """An observable, a function of the state to a number, round an orbit (N, n)."""

    def one(y: Any) -> Any:
        given = observable(flow.state(y))
        if not jax.tree_util.all_leaves([given]):
            raise ValueError(
                f"the observable is {with_article(type(given).__name__)}, expected one number of one state"
            )
        value = jnp.asarray(given)
        if value.shape:
            raise ValueError(f"the observable has the shape {value.shape}, expected one number of one state")
        return value.astype(y.dtype)

    return SeenAlongOrbit(*jax.vmap(jax.value_and_grad(one))(states))


class AlongPolariser(eqx.Module):
    """m·p, added up over an array. What is seen is data, so that all polarisers and all calls share a program."""

    polariser: Vec3

    def __call__(self, m: Vec3) -> Any:
        return jnp.sum(m.dot(self.polariser))


class StateNumber(eqx.Module):
    """A number of the state, added up over an array: of a name, or the first."""

    name: str | None = eqx.field(static=True)
    of: str = eqx.field(static=True)
    """What the model is called."""
    outputs: tuple[str, ...] = eqx.field(static=True, default=())
    """Names that it has beside those of its state."""

    def __call__(self, state: Any) -> Any:
        if self.name is None:
            return jnp.sum(jax.tree.leaves(state)[0])
        components = _components(state)
        if self.name not in components:
            known = ", ".join(dict.fromkeys([*self.outputs, *components]))
            raise ValueError(f"{self.of} has no signal {self.name!r}; it has {known}")
        return jnp.sum(components[self.name])


class Output(eqx.Module):
    """A signal of a system by name, without drive and noise."""

    system: System
    name: str = eqx.field(static=True)

    def __call__(self, state: Any) -> Any:
        if self.name in (components := _components(state)):
            return components[self.name]
        nothing = Inputs(0.0, (0.0,) * self.system.noises, dict.fromkeys(self.system.inputs, 0.0))
        return jnp.asarray(self.system.observe(state, nothing)[self.name])


class Resistance(eqx.Module):
    """R [Ω] of a junction."""

    law: Any
    along: AlongPolariser
    current: Any
    """What flows [A]."""

    def __call__(self, m: Vec3) -> Any:
        return self.law.at_current(self.along(m), self.current)


class Voltage(eqx.Module):
    """I R [V] of a junction."""

    current: Any
    resistance: Resistance

    def __call__(self, m: Vec3) -> Any:
        return self.current * self.resistance(m)


def observable_of(model: Any, wanted: Observable | str | None) -> Observable:
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
            return AlongPolariser(_as_data(device.polariser))
        if wanted in ("x", "y", "z"):
            return StateNumber(wanted, type(model).__name__)
        raise ValueError(f"observable = {wanted!r}, expected 'x', 'y', 'z', or a function of the state m")
    if isinstance(wanted, str) and isinstance(model, System) and wanted in model.outputs:
        return Output(_as_data(model), wanted)
    if wanted is None or isinstance(wanted, str):
        return StateNumber(wanted, type(model).__name__, tuple(model.outputs) if isinstance(model, System) else ())
    raise ValueError(f"observable = {wanted!r}, expected the name of a signal, or a function of the state")


def _as_data(tree: Any) -> Any:
    """Floats as arrays, which are given to a program and not built into it."""
    return jax.tree.map(lambda leaf: np.asarray(leaf) if isinstance(leaf, float) else leaf, tree)


def _components(state: Any) -> dict[str, Any]:
    """The numbers of a state by name."""
    return dict(zip(component_names(state), jax.tree.leaves(state), strict=True))


def load_observable(model: Any, junction: Junction | None) -> tuple[Observable, Observable]:
    """Voltage I R [V] and resistance [Ω] of a device's junction, or the outputs "voltage" and "resistance" of a system,
    as functions of its state.

    Raises ValueError for a model without a junction, or without these outputs.
    """
    if isinstance(model, System) and {"voltage": "V", "resistance": "Ω"}.items() <= dict(model.outputs).items():
        if junction is not None:
            raise ValueError(f"a junction is given, and {type(model).__name__} has its own resistance; leave it out")
        return Output(_as_data(model), "voltage"), Output(_as_data(model), "resistance")
    if not isinstance(model, Oscillator):
        raise ValueError(
            f"{type(model).__name__} has no outputs 'voltage' and 'resistance', so that a bias tee's power is not "
            "known; take harmonics(…) of another signal"
        )
    law = junction or model.junction
    if law is None:
        raise ValueError(
            "this device has no junction, so its voltage is not known; give one, as in "
            "junction=ConductanceJunction(R_P=1e3, tmr=1.0), here or in device.replace(junction=…)"
        )
    current = _as_data(model.current)
    resistance = Resistance(_as_data(law), AlongPolariser(_as_data(model.polariser)), current)
    return Voltage(current, resistance), resistance
