"""An array of systems: one record whose leaves have a leading axis of N members, and how they feel each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import PyTree

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import Record, as_count, tables_of
from llgrad.core.trajectory import SystemSignal, SystemTrajectory
from llgrad.core.vector import Number
from llgrad.devices.arrays.mix import Mix
from llgrad.devices.arrays.mixing import Link, Mixing
from llgrad.devices.states.components import component_names
from llgrad.devices.system import Inputs, Reception, System, chosen_signal, plain


def _as_mixes(given: Any) -> Any:
    return (given,) if isinstance(given, Mix) else tuple(given) if isinstance(given, (list, tuple)) else given


class SystemArray(Record):
    """`count` members of one kind, each with its own parameters, that feel each other: emit → mix → receive.

    Each member *emits* numbers of its state (`System.emit`), each *mix* takes those of all members to what each
    *receives*, and `System.receive` adds that to its inputs. Every leaf of `system` has a leading axis of `count`:
    given as one number it is the same for all. Gradients go to all of it, weights and starts included.

    Args:
        system: one member (all alike), or a system whose leaves have a leading axis of `count`.
        count: number of members N. For members in a list see `SystemArray.of`.
        mixes: `DenseMix`, `SumMix` or one of your own; several act together, none leaves the members alone.

    A run is a SystemTrajectory whose leaves are (T, N). Its step is that of the fastest member by itself: give `dt`
    where the mixes make it faster. Raises ValueError for what does not fit together.

    >>> import llgrad as lg
    >>> class Hopf(lg.System):
    ...     frequency: float = lg.quantity("Hz")
    ...     inputs = {"push": "1/s"}
    ...     def start(self):
    ...         return {"re": 1.0, "im": 0.0}
    ...     def rate(self, state, inputs):
    ...         re, im = state["re"], state["im"]
    ...         growth, omega = 1e9 * (1 - re * re - im * im), 2 * jnp.pi * self.frequency
    ...         return {"re": growth * re - omega * im + inputs.push, "im": growth * im + omega * re}
    ...     def emit(self, state):
    ...         return {"re": state["re"]}
    >>> weights = 1e8 * (np.ones((3, 3)) - np.eye(3))
    >>> mix = lg.systems.DenseMix(weights, of="re", to="push")
    >>> ring = lg.systems.SystemArray(Hopf(frequency=[1.0e9, 1.1e9, 1.2e9]), 3, mix)
    >>> lg.simulate(ring, duration=10e-9, dt=10e-12).re.shape
    (1001, 3)
    """

    system: System
    count: int = eqx.field(static=True)
    mixes: tuple[Mix, ...]

    def __init__(self, system: System, count: int, mixes: Mix | Sequence[Mix] = ()) -> None:
        count = as_count(count)
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"count = {count!r}, expected the number of members, a positive integer")
        check_kind("system", system, System, "for oscillators use OscillatorArray")
        self.count, self.mixes = count, _as_mixes(mixes)
        check_kind("mixes", self.mixes, tuple, "give a DenseMix, a SumMix, or several of them")
        for mix in self.mixes:
            check_kind("mixes", mix, Mix, "give a DenseMix, a SumMix, or several of them")
        leaves, tree = jax.tree.flatten(system)
        spread = [_spread(leaf, count, table) for leaf, table in zip(leaves, tables_of(tree), strict=True)]
        self.system = jax.tree.unflatten(tree, spread)

    def __check_init__(self) -> None:
        links_of_array(self)

    @classmethod
    def of(cls, members: Sequence[System], mixes: Mix | Sequence[Mix] = ()) -> Self:
        """The array of these members, all of one class."""
        if not isinstance(members, (list, tuple)) or not members:
            raise ValueError(f"members = {members!r}, expected a list of systems")
        kinds = [type(member).__name__ for member in members]
        if len({jax.tree.structure(member) for member in members}) > 1:
            raise ValueError(f"the members are {', '.join(kinds)}, expected systems of one class and one form")
        check_kind("members[0]", members[0], System, "give systems")
        return cls(jax.tree.map(lambda *leaves: _stacked(leaves), *members), len(members), mixes)

    def replace(self, **changes: Any) -> Self:
        """A copy with fields of the members changed (`frequency=…`, one number or one for each), or another `system` or
        `mixes`."""
        mixes = changes.pop("mixes", self.mixes)
        return type(self)(changes.pop("system", self.system).replace(**changes), self.count, mixes)

    def signals(self, state: PyTree[Number]) -> tuple[str, ...]:
        """The names of the signals of a run: the components of a member's state."""
        return component_names(state)

    def read(self, run: SystemTrajectory, name: str | None = None) -> SystemSignal:
        """A signal (T, N) of all members in a run; see `SystemTrajectory.signal`.

        Raises ValueError for what `observe` gives: it is of one system, and does not know what a member receives.
        """
        name = chosen_signal(self.system, run.state, name)
        known = dict(zip(component_names(run.state), jax.tree.leaves(run.state), strict=True))
        if name not in known:
            raise ValueError(
                f"{name!r} is what observe gives of one {type(self.system).__name__}, and this is a run of an array; "
                f"take a component: {', '.join(known)}"
            )
        return SystemSignal(
            run.t, known[name], name, self.system.outputs.get(name, "1"), run.dt, self.system.noises > 0
        )

    def each(self, function: Callable[[System], PyTree]) -> PyTree:
        """What a function of one member gives for all: leaves with a leading axis of `count`."""
        return jax.vmap(function, axis_size=self.count)(self.system)


def _spread(leaf: Any, count: int, table: bool) -> Any:
    """A number, or a table of them, for every member."""
    shape = np.shape(leaf)
    if len(shape) == table:
        xp = jnp if isinstance(leaf, Tracer) else np
        return xp.array(xp.broadcast_to(leaf, (count, *shape)), dtype=None if isinstance(leaf, Tracer) else float)
    if shape[:1] == (count,):
        return leaf
    one = "table" if table else "number"
    raise ValueError(
        f"a leaf of the system has the shape {shape}, expected one {one} for all, or {count} along its first axis"
    )


def _stacked(leaves: Sequence[Any]) -> Any:
    if len({np.shape(leaf) for leaf in leaves}) > 1:
        raise ValueError(f"a leaf of the members has the shapes {[np.shape(leaf) for leaf in leaves]}; expected one")
    traced = any(isinstance(leaf, jax.Array) for leaf in leaves)
    return jnp.stack(leaves) if traced else np.stack(leaves)


class ArrayLinks(NamedTuple):
    """How an array mixes, the names of what its members emit, in order, and what they receive."""

    mixing: Mixing
    emits: tuple[str, ...]
    receives: tuple[Reception, ...]


def links_of_array(array: SystemArray) -> ArrayLinks | None:
    """What the mixes of an array are for an engine; None where it has none. Raises ValueError, in one sentence, where
    the system emits or receives something else.
    """
    if not array.mixes:
        return None
    kind, count = type(array.system).__name__, array.count
    emitted = jax.eval_shape(lambda: array.each(lambda system: _emitted(system, system.start())))
    names = list(dict.fromkeys(mix.of for mix in array.mixes))
    for name in names:
        if name not in emitted:
            known = ", ".join(emitted) or "nothing"
            raise ValueError(f"a mix is of {name!r}, but {kind} emits {known}; give one of these in `of`, or add it")
    places, total = {}, 0
    for name in names:
        size = len(jax.tree.leaves(emitted[name]))
        places[name] = tuple(range(total, total + size))
        total += size
    links, receives = [], []
    for mix in array.mixes:
        form = jax.tree.structure(emitted[mix.of])
        mix.check(count, len(places[mix.of]))
        given = jax.eval_shape(mix.mixed, emitted[mix.of])
        if shapes := [leaf.shape for leaf in jax.tree.leaves(given) if leaf.shape != (count,)]:
            raise ValueError(f"{type(mix).__name__} to {mix.to!r} gives the shape {shapes[0]}, expected ({count},)")
        links.append(Link(places[mix.of], form))
        receives.append(Reception(mix.to, jax.tree.structure(given)))
    _check_reception(array, receives)
    return ArrayLinks(Mixing(array.mixes, tuple(links)), tuple(names), tuple(receives))


def _emitted(system: System, state: Any) -> dict[str, Any]:
    """What one member emits. Raises ValueError where it is no dictionary of numbers."""
    found, kind = system.emit(state), type(system).__name__
    if not isinstance(found, dict):
        raise ValueError(f"{kind}.emit gives {type(found).__name__}, expected what it emits by name, a dictionary")
    for name, value in found.items():
        for leaf in jax.tree.leaves(value):
            if jnp.shape(leaf):
                raise ValueError(f"{kind}.emit gives {name!r} of the shape {jnp.shape(leaf)}, expected numbers")
    return {name: plain(value) for name, value in found.items()}


def _check_reception(array: SystemArray, receives: Sequence[Reception]) -> None:
    """Raise ValueError where what is mixed is nothing that the system's rate could read."""

    def one(system: System) -> Any:
        mixed = [jnp.zeros(()) for reception in receives for _ in range(reception.form.num_leaves)]
        nothing = Inputs(jnp.zeros(()), (0.0,) * system.noises, dict.fromkeys(system.inputs, 0.0))
        return system.received(mixed, receives, nothing)

    jax.eval_shape(lambda: array.each(one))
