"""Where a run begins, as numbers: a reference state, and the free parameters that move it.

A unit vector is tilted along its θ̂ and φ̂ ("m0.polar", "m0.free.azimuthal"), any other component is shifted ("m0.x").
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import get_leaf, set_leaf
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.states.components import component_names
from llgrad.devices.system import Spin, System
from llgrad.fitting.targets.measurement import tilt
from llgrad.solve.simulate import simulate_quietly
from llgrad.solve.start import start_of
from llgrad.solve.systems import start_of_system

START: Final = "m0."
"""How the names of parameters of a starting state begin."""
ANGLES: Final = ("polar", "azimuthal")


def is_start(name: str) -> bool:
    """Whether a parameter, perhaps with the label of its experiment, is one of a starting state."""
    return name.startswith(START)


def plain_numbers(record: Any) -> Any:
    """A record with Python floats and NumPy arrays for leaves."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, dtype=float) if np.ndim(leaf) else float(leaf), record)


class Move(NamedTuple):
    """A parameter that moves one component of a state, or tilts one unit vector."""

    unit: str
    place: int
    """Of the component, or of the first one of the unit vector."""
    angle: int | None
    """0 for the tilt along θ̂, 1 for that along φ̂, None for a shift."""


class StateForm(eqx.Module):
    """The form of a model's state: a tree, and the names of its components."""

    structure: Any = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    units: tuple[str, ...] = eqx.field(static=True)
    spins: tuple[int, ...] = eqx.field(static=True)
    """The place of the first component of each unit vector."""

    @property
    def moves(self) -> dict[str, Move]:
        """All parameters that can move a state, by name."""
        found: dict[str, Move] = {}
        of_spins = {place + i for place in self.spins for i in range(3)}
        for place, (name, unit) in enumerate(zip(self.names, self.units, strict=True)):
            if place in self.spins:
                path = START + name.removesuffix("x")
                found |= {path + word: Move("rad", place, angle) for angle, word in enumerate(ANGLES)}
            elif place not in of_spins:
                found[START + name] = Move(unit, place, None)
        return found

    def state(self, reference: Any, changes: Mapping[str, Any]) -> Any:
        """The state at a reference (n,), moved by the values of parameters."""
        leaves, moves = [reference[..., i] for i in range(len(self.names))], self.moves
        tilts: dict[int, list[Any]] = {}
        for name, value in changes.items():
            move = moves[name]
            if move.angle is None:
                leaves[move.place] = leaves[move.place] + value
            else:
                tilts.setdefault(move.place, [0.0, 0.0])[move.angle] = value
        for place, (polar, azimuthal) in tilts.items():
            spin = tilt(Vec3(*leaves[place : place + 3]), polar, azimuthal)
            leaves[place : place + 3] = [spin.x, spin.y, spin.z]
        return jax.tree.unflatten(self.structure, leaves)

    def numbers(self, state: Any) -> np.ndarray:
        """The components (n,) of a state, which has no traced one."""
        return np.array([float(leaf) for leaf in jax.tree.leaves(state)])


def form_of(model: Oscillator | System) -> StateForm:
    """The form of the state of a device, or of a system."""
    if isinstance(model, Oscillator):
        return _form_of_device()
    state = model.start()
    names, spins, place = component_names(state), [], 0
    for node in jax.tree.leaves(state, is_leaf=lambda node: isinstance(node, Spin)):
        spins += [place] if isinstance(node, Spin) else []
        place += len(jax.tree.leaves(node))
    units = tuple(model.outputs.get(name, "1") for name in names)
    return StateForm(jax.tree.structure(state), names, units, tuple(spins))


@functools.cache
def _form_of_device() -> StateForm:
    return StateForm(jax.tree.structure(Vec3(0.0, 0.0, 0.0)), ("x", "y", "z"), ("1",) * 3, (0,))


def given_start(model: Oscillator | System, m0: Any) -> Any:
    """The state in which a run begins that was given m0, or nothing."""
    return start_of_system(model, m0) if isinstance(model, System) else start_of(model, m0)


def states_of(model: System, form: StateForm, reference: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """States (K, n) that a run from a reference goes through, those that are finite; the reference comes first.

    They tell how large each component is, and where else a recording may have begun.
    """
    run = simulate_quietly(model, m0=form.state(reference, {}), throw=False, **settings)
    states = np.stack([np.asarray(leaf, dtype=float) for leaf in jax.tree.leaves(run.state)], axis=1)
    return np.concatenate([reference[None], states[np.isfinite(states).all(axis=1)]])


def starts_by_itself(model: Oscillator | System, paths: list[str]) -> bool:
    """Whether the state in which a system begins follows from its free parameters, at paths."""
    if isinstance(model, Oscillator) or not paths:
        return False

    def start(values: Any) -> Any:
        system = model
        for i, path in enumerate(paths):
            system = set_leaf(system, path, values[i])
        return jnp.stack(jax.tree.leaves(given_start(system, None)))

    values = np.array([float(get_leaf(model, path)) for path in paths])
    places = values, 1.01 * values + 1e-3 * (values == 0)  # a slope may be nothing at one place
    return any(bool(np.any(np.asarray(jax.jacfwd(start)(jnp.asarray(place))) != 0)) for place in places)
