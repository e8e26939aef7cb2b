"""What an oscillator or an array does with a signal: pieces of nodes, each one run of an engine, one after the other.

Within a node what acts is constant, also at the stages of a step that ends where the next node begins: steps end at the
edges of the signal, and no stage sees what comes after.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from llgrad.core.record import tables_of
from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.states.components import component_names
from llgrad.devices.system import System
from llgrad.kernels.steppers import RK4, Heun
from llgrad.reservoir.wiring import Wiring
from llgrad.solve.native import Native
from llgrad.solve.saving import TimeGrid
from llgrad.solve.simulate import task_of_device
from llgrad.solve.start import start_of
from llgrad.solve.systems import start_of_system, task_of_system
from llgrad.solve.task import Engine, Task

Model = Oscillator | OscillatorArray | System | SystemArray
Reading = Callable[[Any], Any]

SAMPLES: Final = 2**22
"""Bytes of drive samples in a piece: they stay in a cache."""
NODES: Final = 4096
"""Most nodes in a piece: what a gradient keeps of one is small beside a long signal."""


class HeldState(NamedTuple):
    """Where a run stands after a number of nodes, so that the signal can go on."""

    state: Any
    """Of the oscillators: a Vec3, or what a system has; components () or (N,)."""
    past: Any
    """What was read at the last `delay` nodes and acts again, (delay, N)."""
    node: Any
    """Number of nodes so far."""


class SignalCourse(NamedTuple):
    """What was read of a signal."""

    read: Any
    """(T, M N Q): of each symbol the nodes, of each node the oscillators, of each the Q numbers that are read."""
    held: HeldState
    failed: Any
    """Number of the symbol in which a step went wrong; −1 where none did."""


class HeldTask(Task):
    """A run whose drive is constant during each node, (P,) or (P, N) values for its P nodes."""

    channel: str = eqx.field(static=True, default="")
    values: Any = None
    per: int = eqx.field(static=True, default=1)
    """Steps in a node."""

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel, *super().channels)

    def times(self, index: Any, dt: Any = None) -> Any:
        """As of any task; where nobody asks for the time since the first piece, from the start of this one: a number
        of steps in single precision is exact there."""
        return super().times(index if self.equation.uses_time else index - self.first, dt)

    def samples(self, times: Any) -> dict[str, Any]:
        begin = self.first if self.equation.uses_time else 0
        step = jnp.round(times[..., :1] / jnp.asarray(self.grid.dt, times.dtype)).astype(jnp.int32) - begin
        node = jnp.clip(step // self.per, 0, self.values.shape[0] - 1)
        return {self.channel: self.values[jnp.broadcast_to(node, times.shape)]}


def operands(model: Model) -> Model:
    """The same model as arguments of a program: what is 0 or 1 stays a number, which kernels build in, and what all
    members of an array have alike is one number."""
    if not isinstance(model, (OscillatorArray, SystemArray)):
        return jax.tree.map(_operand, model)
    name = "oscillator" if isinstance(model, OscillatorArray) else "system"
    member = getattr(model, name)
    leaves, tree = jax.tree.flatten(member)
    alike = [leaf if table else _alike(leaf) for leaf, table in zip(leaves, tables_of(tree), strict=True)]
    coupling = jax.tree.map(_operand, model)
    return eqx.tree_at(lambda m: getattr(m, name), coupling, jax.tree.map(_operand, jax.tree.unflatten(tree, alike)))


def _alike(leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray) and leaf.size and (leaf == leaf.flat[0]).all():
        return float(leaf.flat[0])
    return leaf


def _operand(leaf: Any) -> Any:
    if isinstance(leaf, Tracer) or (isinstance(leaf, float) and leaf in (0.0, 1.0)):
        return leaf
    return jnp.asarray(leaf, jnp.result_type(float)) if eqx.is_inexact_array_like(leaf) else leaf


def count_of(model: Model) -> int:
    """Number of oscillators."""
    return model.count if isinstance(model, (OscillatorArray, SystemArray)) else 1


def begun(model: Model, wiring: Wiring, reading: Reading, state: Any = None) -> HeldState:
    """Where a run stands before its first symbol: what was read before is what is read of that state."""
    state = start_of_system(model, state) if isinstance(model, (System, SystemArray)) else start_of(model, state)
    first = _read(reading, jax.tree.map(lambda part: part[None], state), count_of(model))[..., 0]
    past = jnp.broadcast_to(first, (max(wiring.delay, 1), first.shape[1]))
    return HeldState(state, past, jnp.asarray(0, jnp.int32))


def run(
    model: Model,
    wiring: Wiring,
    channel: str,
    reading: Reading,
    signal: Any,
    held: HeldState | None = None,
    key: Any = None,
    engine: Engine | None = None,
) -> SignalCourse:
    """What is read while a signal (T, F) is shown. Differentiable in the model, the wiring and the signal."""
    held = begun(model, wiring, reading) if held is None else held
    acting = wiring.drive(signal)
    total, count = acting.shape
    size = min(_piece(wiring, count), max(total, 1))
    if wiring.delay:
        size = min(size, wiring.delay)

    def advance(held: HeldState, values: Any) -> tuple[HeldState, tuple[Any, Any]]:
        length = values.shape[0]
        if wiring.delay:
            values = values + wiring.feedback * held.past[:length]
        states, bad = _states(model, wiring, channel, values, held, key, engine)
        found = _read(reading, states, count)
        past = held.past
        if wiring.delay:
            past = jnp.concatenate([past[length:], found[..., 0]])
        end = jax.tree.map(lambda part: part[-1], states)
        place = jnp.where(bad < 0, -1, held.node + bad // wiring.steps)
        return HeldState(end, past, held.node + length), (found, place)

    advance = jax.checkpoint(advance, prevent_cse=False)
    whole = total // size
    parts = acting[: whole * size].reshape(whole, size, count)
    held, (found, places) = jax.lax.scan(advance, held, parts)
    found = found.reshape(whole * size, *found.shape[2:])
    if total % size:
        held, (rest, place) = advance(held, acting[whole * size :])
        found, places = jnp.concatenate([found, rest]), jnp.append(places, place)
    never = jnp.iinfo(jnp.int32).max
    first = jnp.where(places < 0, never, places).min()
    failed = jnp.where(first == never, -1, first // wiring.nodes)
    return SignalCourse(found.reshape(signal.shape[0], -1), held, failed)


def _piece(wiring: Wiring, count: int) -> int:
    """Nodes in a piece."""
    stages = len(RK4.tableau.nodes)
    return max(1, min(NODES, SAMPLES // (8 * stages * wiring.steps * count)))


def _states(
    model: Model, wiring: Wiring, channel: str, values: Any, held: HeldState, key: Any, engine: Engine | None
) -> tuple[Any, Any]:
    """The states at the ends of nodes, (P,) or (P, N), and the first bad step, −1 for none."""
    nodes = values.shape[0]
    grid = TimeGrid(nodes * wiring.steps, wiring.dt, wiring.steps, keep_initial=False)
    stepper = RK4() if key is None else Heun()
    if isinstance(model, (System, SystemArray)):
        task = task_of_system(model, {}, stepper, grid, held.state, key)
    else:
        device = model.oscillator if isinstance(model, OscillatorArray) else model
        task = task_of_device(model, device, None, stepper, grid, held.state, key)
    array = isinstance(model, (OscillatorArray, SystemArray))
    fields = {name: getattr(task, name) for name in Task.__dataclass_fields__}
    fields["first"] = held.node * wiring.steps
    given = HeldTask(**fields, channel=channel, values=values if array else values[:, 0], per=wiring.steps)
    solution = (engine or Native()).run(given)
    return solution.m, solution.bad_step


def _read(reading: Reading, states: Any, count: int) -> Any:
    """What is read of states (P,) or (P, N): (P, N, Q)."""
    found = reading(states)
    columns = found if isinstance(found, (tuple, list)) else (found,)
    length = jax.tree.leaves(states)[0].shape[0]
    wrong = [f"the shape {np.shape(column)}" for column in columns if np.size(column) != length * count]
    if wrong or not columns:
        raise ValueError(
            f"read gives {wrong[0] if wrong else 'nothing'} of states ({length}, {count}), expected a number for each "
            "of them, or a tuple of such"
        )
    return jnp.stack([jnp.reshape(column, (length, count)) for column in columns], axis=-1)


def reading_of(model: Model, names: tuple[str, ...]) -> Reading:
    """What reads components of the state by their names: mx, my, mz of a device, or those of a system.

    Raises ValueError for a name that there is not.
    """
    known = component_places(model)
    for name in names:
        if name not in known:
            raise ValueError(f"read has {name!r}, which is no component of the state; it has {', '.join(known)}")
    return _Components(tuple(known[name] for name in names))


def component_places(model: Model) -> dict[str, int]:
    """The components of a state by name, with their places."""
    if isinstance(model, (Oscillator, OscillatorArray)):
        return {"mx": 0, "my": 1, "mz": 2}
    member = model.system if isinstance(model, SystemArray) else model
    return {name: place for place, name in enumerate(component_names(member.start()))}


class _Components(NamedTuple):
    """A function of states, equal to another one of the same places: programs are found again by it."""

    places: tuple[int, ...]

    def __call__(self, states: Any) -> tuple[Any, ...]:
        leaves = [states.x, states.y, states.z] if isinstance(states, Vec3) else jax.tree.leaves(states)
        return tuple(leaves[place] for place in self.places)
