"""What can be integrated: a system of your own, and the layout of a state as numbers."""

from __future__ import annotations

import abc
import dataclasses
import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from llgrad.core.field_term import Inputs
from llgrad.core.random import MOST
from llgrad.core.record import Record, is_concrete
from llgrad.core.speed.starting import check_platform
from llgrad.core.trajectory import SystemSignal, SystemTrajectory
from llgrad.core.units import show
from llgrad.core.vector import Number, Vec3
from llgrad.devices.bounds import Bound
from llgrad.devices.states.components import component_names

NORMALS: Final = ("normal_x", "normal_y", "normal_z")
"""Names of the random numbers of a step, of what has up to three noises."""
TIME: Final = "time"
"""Name of the time [ns] among what changes during a run."""


def normal_names(noises: int) -> tuple[str, ...]:
    """Names of the random numbers of a step, of what has so many noises: three, or a multiple of it."""
    return NORMALS + tuple(f"normal{place}" for place in range(3, -(-noises // 3) * 3))


def mixed_names(count: int) -> tuple[str, ...]:
    """Names of what a member of an array receives, among what changes during a run."""
    return tuple(f"mixed{place}" for place in range(count))


class Layout(NamedTuple):
    """The components of a state, in order."""

    names: tuple[str, ...]
    spins: tuple[tuple[int, int, int], ...]
    """Places of the components of each unit vector, which is brought back on the sphere after every step."""


class Reception(NamedTuple):
    """What a member of an array receives of one mix: by which name, and in which form."""

    to: str
    form: Any


class Spin(Vec3):
    """A unit vector in the state of a `System`: brought back on the sphere after every step, its derivative with it.

    >>> import llgrad as lg
    >>> start = {"free": lg.systems.Spin(0.6, 0.0, 0.8)}  # the start of a System with one unit vector
    >>> start["free"].z
    0.8
    """


class System(Record):
    """A record of parameters with one rate: anything that can be written as dy/dt = f(y, inputs).

    A system of your own is one class. Its parameters are fields declared with `quantity(unit)`, `start` gives the state
    in which a run begins, `rate` its derivative per second; both are trees of one form: a dictionary of numbers and of
    `Spin`s (unit vectors), say. Write `rate` with arithmetic and `jax.numpy` on scalars. `inputs` names what a drive
    can act on, with its unit, and `noises` how many independent white noises there are: `inputs.noise[k]` has
    ⟨ξ(t) ξ(t′)⟩ = δ(t − t′), unit 1/√s, and is held during a step (with Heun's method the Stratonovich solution).
    What members of a `SystemArray` feel of each other is what `emit` gives, and what `receive` makes inputs of.

    What a laboratory records of it is in `outputs`, with its unit: components of the state ("x", "free.z"), and what
    `observe` gives by name, a voltage say. `run.signal("x")` is one of them, which `frequency` and its like, `fit` and
    the pictures take. A parameter that has a meaning in a range only says so, as in `quantity("1", bound=positive())`.

    >>> import llgrad as lg
    >>> class Hopf(lg.System):
    ...     gain: float = lg.quantity("1/s")
    ...     saturation: float = lg.quantity("1/s")
    ...     frequency: float = lg.quantity("Hz")
    ...     def start(self):
    ...         return {"re": 0.1, "im": 0.0}
    ...     def rate(self, state, inputs):
    ...         re, im = state["re"], state["im"]
    ...         growth = self.gain - self.saturation * (re * re + im * im)
    ...         omega = 2 * jnp.pi * self.frequency
    ...         return {"re": growth * re - omega * im, "im": growth * im + omega * re}
    ...     def fastest(self):
    ...         return 2 * jnp.pi * self.frequency
    >>> run = lg.simulate(Hopf(gain=1e8, saturation=1e8, frequency=1e9), duration=100e-9, dt=10e-12)
    >>> round(float(run.re[-1] ** 2 + run.im[-1] ** 2), 5)  # in float32
    1.0
    """

    inputs: ClassVar[Mapping[str, str]] = {}
    """Unit of each input, by name."""
    noises: ClassVar[int] = 0
    """Number of white noises."""
    outputs: ClassVar[Mapping[str, str]] = {}
    """Unit of each signal that is recorded, by name: a component of the state, or one that `observe` gives."""
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {}
    """Between which values a component has a meaning, by its name: a temperature is not below 0 K. There, and nowhere
    else, `equilibria` looks for it."""

    def __check_init__(self) -> None:
        for field in dataclasses.fields(self):
            bound, value = field.metadata.get("bound"), getattr(self, field.name)
            if bound is not None:
                check_platform()
                _check_within(f"{type(self).__name__}.{field.name}", value, bound, field.metadata["unit"])

    @abc.abstractmethod
    def start(self) -> PyTree[Number]:
        """The state in which a run begins: a tree of numbers and Spins."""

    @abc.abstractmethod
    def rate(self, state: PyTree[Number], inputs: Inputs) -> PyTree[Number]:
        """The derivative of the state per second, as a tree of the same form; of a Spin a Vec3."""

    def fastest(self) -> Number | None:
        """A bound on how fast the state may turn [rad/s], for the time step; None where nobody knows."""
        return None

    def observe(self, state: PyTree[Number], inputs: Inputs) -> Mapping[str, Any]:
        """What is recorded of a state, by the names in `outputs` that are no components of it; without noise."""
        return {}

    def signals(self, state: PyTree[Number]) -> tuple[str, ...]:
        """The names of all signals: the outputs, and the components of a state."""
        return tuple(dict.fromkeys([*self.outputs, *component_names(state)]))

    def read(self, run: SystemTrajectory, name: str | None = None) -> SystemSignal:
        """A signal of a run of this system; see `SystemTrajectory.signal`."""
        name = chosen_signal(self, run.state, name)
        values: Any = dict(zip(component_names(run.state), jax.tree.leaves(run.state), strict=True)).get(name)
        if name in self.outputs:
            observed = observed_of(run).get(name)
            if (values is None) == (observed is None):
                where = "neither a component of the state nor" if values is None else "a component of the state, and"
                raise ValueError(
                    f"the output {name!r} of {type(self).__name__} is {where} what observe gives; it must be one"
                )
            values = observed if values is None else values
        return SystemSignal(run.t, values, name, self.outputs.get(name, "1"), run.dt, self.noises > 0)

    def caution(self, state: PyTree[Number]) -> str:
        """In a sentence, why the equation does not hold for some of known states (arrays of any shape), and what to do;
        empty where it holds. `lg.simulate` warns by it, and it stands in the note of an orbit.
        """
        return ""

    def forces(self, state: PyTree[Number], inputs: Inputs) -> PyTree[Vec3]:
        """Ms V B [J] on each unit vector, B its effective field without noise, in the form of a state that has nothing
        but unit vectors; None where nobody knows. Where they derive from an energy, `equilibria` tells it.
        """
        return None

    def emit(self, state: PyTree[Number]) -> dict[str, Any]:
        """What the other members of a `SystemArray` may feel of this one: numbers and vectors by name."""
        return {}

    def receive(self, mixed: dict[str, Any], inputs: Inputs) -> Mapping[str, Any]:
        """What is added to the inputs, by name, for what the mixes of a `SystemArray` give; `inputs` has the rest.

        As it stands what is mixed is itself an input: `to` of a mix names it. A vector is taken apart here.
        """
        return mixed

    def received(self, numbers: Sequence[Number], receives: Sequence[Reception], inputs: Inputs) -> dict[str, Any]:
        """What is added to the inputs for the mixed numbers. Raises ValueError for what is no input, or no number."""
        mixed: dict[str, Any] = {}
        rest, kind = list(numbers), type(self).__name__
        for to, form in receives:
            new = jax.tree.unflatten(form, rest[: form.num_leaves])
            rest = rest[form.num_leaves :]
            if to in mixed and jax.tree.structure(mixed[to]) != form:
                raise ValueError(f"two mixes to {to!r} differ in form, expected two numbers or two vectors")
            mixed[to] = jax.tree.map(operator.add, mixed[to], new) if to in mixed else new
        found = self.receive(mixed, inputs)
        if not isinstance(found, Mapping):
            raise ValueError(f"{kind}.receive gives {type(found).__name__}, expected inputs by name, a dictionary")
        for name, value in found.items():
            if name not in self.inputs:
                known = ", ".join(self.inputs) or "none"
                raise ValueError(f"{kind} receives {name!r}, which is no input of its: it has {known}; see `receive`")
            if (
                not hasattr(value, "__jax_array__")
                and not isinstance(value, (int, float))
                and not hasattr(value, "dtype")
            ):
                raise ValueError(
                    f"{kind} receives a {type(value).__name__} for {name!r}, expected a number; see `receive`"
                )
        return dict(found)


def chosen_signal(system: System, state: Any, name: str | None) -> str:
    """The name of a signal, or of the only one for None. Raises ValueError where there is none, or several."""
    known, kind = system.signals(state), type(system).__name__
    usual = tuple(system.outputs) or known
    if name is None and len(usual) != 1:
        raise ValueError(
            f"a run of {kind} has several signals ({', '.join(known)}); name the one that is meant, as in "
            f"run.signal({usual[0]!r})"
        )
    name = usual[0] if name is None else name
    if name not in known:
        raise ValueError(f"a run of {kind} has no signal {name!r}; it has {', '.join(known)}")
    return name


def observed_of(run: SystemTrajectory) -> dict[str, Any]:
    """What `observe` gives in the course of a run, (batch…, T) by name.

    Raises ValueError for a name that `outputs` does not have.
    """
    if np.ndim(run.t) > 1:
        return eqx.filter_vmap(observed_of)(run)
    system: System = run.model
    acting = {name: waveform(run.t) for name, waveform in (run.drive or {}).items()}

    def at(t: Any, state: Any, acting: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: acting.get(name, 0.0) for name in system.inputs}
        found = dict(system.observe(state, Inputs(t, (0.0,) * system.noises, given)))
        if unknown := [name for name in found if name not in system.outputs]:
            raise ValueError(
                f"observe of {type(system).__name__} gives {unknown[0]!r}, whose unit is not known; name it in "
                f"outputs = {{{unknown[0]!r}: …}}"
            )
        return {name: jnp.asarray(value, run.t.dtype) for name, value in found.items()}

    return jax.vmap(at)(jnp.asarray(run.t), run.state, acting)


def _check_within(name: str, value: Any, bound: Bound, unit: str) -> None:
    """Raise ValueError for a concrete value outside a bound; its edges are allowed."""
    if not is_concrete(value):
        return
    with jax.ensure_compile_time_eval():
        low, high = bound.limits
    bad = [v for v in np.ravel(np.asarray(value, dtype=float)).tolist() if not low <= v <= high]
    if bad:
        raise ValueError(f"{name} = {show(bad[0], unit)} is out of range, expected a value {bound.describe(unit)}")


class SystemEquation(eqx.Module):
    """A system as what engines integrate: numbers in, numbers out, in nanoseconds."""

    system: System
    structure: Any = eqx.field(static=True)
    """Form of the state."""
    spins: tuple[tuple[int, int, int], ...] = eqx.field(static=True)
    emits: tuple[str, ...] = eqx.field(static=True, default=())
    """Names of what a member of an array emits, in the order of its numbers."""
    receives: tuple[Reception, ...] = eqx.field(static=True, default=())
    """What it receives, in the order of its numbers."""
    timed: ClassVar[bool] = True
    uses_time: ClassVar[bool] = False
    """Not as a channel: kernels find the time by themselves."""
    for_one: ClassVar[bool] = True
    """Written for one member of an array; other equations act on (N,) as they stand."""

    @property
    def mixed(self) -> tuple[str, ...]:
        """Names of the numbers that a member of an array receives."""
        return mixed_names(sum(reception.form.num_leaves for reception in self.receives))

    def emitted(self, state: Sequence[Any]) -> list[Any]:
        """The numbers that a member of an array emits."""
        found = self.system.emit(jax.tree.unflatten(self.structure, list(state))) if self.emits else {}
        return [jnp.asarray(leaf) for name in self.emits for leaf in jax.tree.leaves(found[name])]

    @property
    def layout(self) -> Layout:
        """The components of the state."""
        return Layout(tuple(f"s{place}" for place in range(self.structure.num_leaves)), self.spins)

    @property
    def normals(self) -> tuple[str, ...]:
        """Names of the random numbers of a step, where it has any."""
        return normal_names(self.system.noises)

    @property
    def channels(self) -> tuple[str, ...]:
        """What a drive can act on."""
        return tuple(self.system.inputs)

    def slope(self, state: Sequence[Any], given: Mapping[str, Any], sigma: Any = None) -> list[Any]:
        """d/dt [1/ns] of the components of the state.

        Raises ValueError where the rate has another form than the state.
        """
        noise = () if sigma is None else tuple(given[name] * sigma for name in self.normals[: self.system.noises])
        noise = noise or (0.0,) * self.system.noises
        acting = {name: given.get(name, 0.0) for name in self.channels}
        inputs = Inputs(given[TIME] * 1e-9, noise, acting)
        if self.receives:
            more = self.system.received([given[name] for name in self.mixed], self.receives, inputs)
            inputs = Inputs(inputs.t, noise, {name: acting[name] + more.get(name, 0.0) for name in acting})
        rate = self.system.rate(jax.tree.unflatten(self.structure, list(state)), inputs)
        found, structure = jax.tree.flatten(plain(rate))
        if structure != jax.tree.structure(plain(jax.tree.unflatten(self.structure, list(state)))):
            raise ValueError(
                f"the rate of {type(self.system).__name__} is {structure}, expected the form of its state: "
                f"{self.structure}"
            )
        return [jnp.asarray(value) * 1e-9 for value in found]


def plain(tree: Any) -> Any:
    """A tree with plain vectors in place of spins: what a derivative is."""
    return jax.tree.map(
        lambda node: Vec3(node.x, node.y, node.z) if isinstance(node, Vec3) else node,
        tree,
        is_leaf=lambda node: isinstance(node, Vec3),
    )


def equation_of_system(
    system: System, state: Any, emits: tuple[str, ...] = (), receives: tuple[Reception, ...] = ()
) -> SystemEquation:
    """What engines integrate of a system whose state has a form, and of one that is a member of an array what it emits
    and receives. Raises ValueError where it is not a system's.
    """
    if not 0 <= system.noises <= 3 * MOST:
        raise ValueError(f"{type(system).__name__} declares {system.noises} noises, expected up to {3 * MOST}")
    nodes = jax.tree.leaves(state, is_leaf=lambda node: isinstance(node, Spin))
    spins, place = [], 0
    for node in nodes:
        if isinstance(node, Spin):
            spins.append((place, place + 1, place + 2))
        place += len(jax.tree.leaves(node))
    return SystemEquation(system, jax.tree.structure(state), tuple(spins), emits, receives)


def noise_strength(dt: float) -> float:
    """Standard deviation [1/√s] of white noise of unit strength that is held for a step of dt seconds: 1/√dt."""
    return 1 / math.sqrt(dt)
