"""Any model as one flow dy/dt = f(y, u) of n numbers: what shooting, fixed points and their linearisation are written
in.

Time is in nanoseconds. A state is a vector y (n,): the components of a member of an array, then those of the next. A
period has a pace: the equation is multiplied by the period, so that a run of one unit of time is one period, the number
of steps can stay, and the period is a parameter like any other.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core as jex

from llgrad.core.speed.starting import check_platform
from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.mixing import Mixing, links_of_coupling
from llgrad.devices.arrays.system_array import SystemArray, links_of_array
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import NORMALS, TIME, Layout, Spin, System, equation_of_system, noise_strength
from llgrad.kernels.steppers import DormandPrince8, Stepper
from llgrad.orbits.variational import Derived, Variational
from llgrad.physics.equation import still_equation
from llgrad.physics.thermal import thermal_sigma
from llgrad.solve.native import Native
from llgrad.solve.saving import TimeGrid
from llgrad.solve.start import start_of
from llgrad.solve.systems import member_of, start_of_system
from llgrad.solve.task import Task, of_each
from llgrad.solve.xla import XLA

Model = Oscillator | OscillatorArray | System | SystemArray
STEPPER: Final[Stepper] = DormandPrince8()
AT_REST: Final = "state at rest"
UNIT: Final = 1e-9
"""A unit of a paced run [s]."""
FIELD_AXES: Final = ("field_x", "field_y", "field_z")
FIELD: Final = {"current": "A"} | dict.fromkeys(FIELD_AXES, "T")
"""Inputs of a macrospin, with their units."""


class StateShape(NamedTuple):
    """Which numbers of a state are what."""

    spins: tuple[tuple[int, int, int], ...]
    plain: tuple[int, ...]
    names: tuple[str, ...]
    """Of each unit vector, then of each other number."""

    @property
    def size(self) -> int:
        """Numbers of a state."""
        return 3 * len(self.spins) + len(self.plain)

    @property
    def freedom(self) -> int:
        """Coordinates without a constraint."""
        return 2 * len(self.spins) + len(self.plain)


class Paced(Derived):
    """An equation in units of `pace` nanoseconds."""

    pace: Any

    @property
    def layout(self) -> Layout:
        return self.equation.layout

    def slope(self, state: Sequence[Any], given: Mapping[str, Any], sigma: Any = None) -> list[Any]:
        return [self.pace * rate for rate in self.equation.slope(state, given, sigma)]


class Flow(eqx.Module):
    """What moves, with its states as vectors y (n,)."""

    equation: Any
    mixing: Mixing | None
    sigma: Any
    """What multiplies white noise of unit strength in √ns: scalar or (N,)."""
    scale: Any
    """Unit (P,) of each number that is of no unit vector."""
    time: Any
    """Moment [ns] at which a rate that depends on the time is frozen."""
    tree: Any = eqx.field(static=True)
    """Form of a state."""
    count: int | None = eqx.field(static=True)
    noises: int = eqx.field(static=True)
    """Number of white noises, of each member."""
    shape: StateShape = eqx.field(static=True)
    inner: int = eqx.field(static=True, default=1)
    """Steps that are taken for each step of a run that is asked for: more than one of what is stiff."""

    @property
    def inputs(self) -> dict[str, str]:
        """Unit of each input, by name."""
        known = getattr(self.equation, "system", None)
        return FIELD if known is None else dict(known.inputs)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(self.inputs)

    @property
    def wide(self) -> int:
        """Members."""
        return self.count or 1

    @property
    def size(self) -> int:
        """Numbers n of a state."""
        return self.shape.size

    # ---- states as vectors, as components, as trees

    def parts(self, y: Any) -> list[Any]:
        """The components (…, N) of y (…, n), of all members."""
        return list(jnp.moveaxis(y.reshape(*y.shape[:-1], self.wide, -1), -1, 0))

    def joined(self, parts: Sequence[Any]) -> Any:
        """y (…, n) of components (…, N)."""
        stacked = jnp.stack(parts, -1)
        return stacked.reshape(*stacked.shape[:-2], -1)

    def components(self, y: Any) -> list[Any]:
        """The components of y (…, n): (…), or (…, N) of an array."""
        return [part if self.count else part[..., 0] for part in self.parts(y)]

    def vector(self, components: Sequence[Any]) -> Any:
        """y (…, n) of components (…) or (…, N)."""
        return self.joined([jnp.asarray(c) if self.count else jnp.asarray(c)[..., None] for c in components])

    def state(self, y: Any) -> Any:
        """The state of y (…, n) as a tree of arrays (…) or (…, N)."""
        return jax.tree.unflatten(self.tree, self.components(y))

    # ---- the equation at a state

    def received(self, state: Sequence[Any]) -> dict[str, Any]:
        """What members of an array receive of each other, by name, at components of a state."""
        if self.mixing is None:
            return {}
        emitted = of_each(self.equation, self.count, lambda equation, state: equation.emitted(state), list(state))
        return dict(zip(self.equation.mixed, self.mixing(emitted), strict=True))

    def slope(self, y: Any, inputs: Mapping[str, Any] | None = None, noise: Any = None, sigma: Any = None) -> Any:
        """f (n,) [1/ns] at y (n,), with inputs by name and white noises (J,) times `sigma`, by default its own."""
        state = self.components(y)
        given = {TIME: jnp.asarray(self.time, y.dtype), **(inputs or {}), **self.received(state)}
        strength = None
        if noise is not None and self.noises:
            waves = noise.reshape(self.wide, self.noises).T
            given |= dict(zip(self.equation.normals, waves if self.count else waves[:, 0], strict=False))
            strength = self.sigma if sigma is None else sigma
        rates = of_each(
            self.equation,
            self.count,
            lambda equation, state, given, strength: list(equation.slope(state, given, strength)),
            state,
            given,
            strength,
        )
        shape = (self.count,) if self.count else ()
        return self.vector([jnp.broadcast_to(jnp.asarray(rate, y.dtype), shape) for rate in rates])

    def field(self, y: Any) -> Vec3:
        """Effective field [T] of macrospins at y (n,), coupling included: components (), or (N,)."""
        state = self.components(y)
        given = self.received(state)
        added = dict(zip(self.equation.receives, given.values(), strict=True))
        return self.equation.effective_field(Vec3(*state), Vec3(*(added.get(name, 0.0) for name in FIELD_AXES)), 0.0)

    def by_input(self, y: Any, name: str) -> Any:
        """∂f/∂u (n,) of an input of all members alike, at y."""
        zero = jnp.zeros((), y.dtype)
        return jax.jvp(lambda u: self.slope(y, {name: u}), (zero,), (zero + 1,))[1]

    def by_noise(self, y: Any, sigma: Any = None) -> Any:
        """Columns (n, J) [1/√ns]: what each white noise of unit strength (or of the strength `sigma`) does at y."""
        if not self.noises:
            return jnp.zeros((self.size, 0), y.dtype)
        zero = jnp.zeros(self.wide * self.noises, y.dtype)
        return jax.jacfwd(lambda noise: self.slope(y, noise=noise, sigma=sigma))(zero)

    def intensity(self) -> Any:
        """Spectral density (J,) [its unit squared/Hz], over both signs of the frequency, of each noise: T² of a thermal
        field, 1 of a system's."""
        strength = jnp.broadcast_to(jnp.asarray(self.sigma), (self.wide,)) ** 2 * UNIT
        return jnp.repeat(strength, self.noises)

    # ---- where a state can move

    def basis(self, y: Any) -> Any:
        """Orthonormal directions (n, d) in which the state y can move: two of each unit vector, then the others."""
        k, plain = len(self.shape.spins), self.shape.plain
        columns = jnp.zeros((self.size, self.shape.freedom), y.dtype)
        if k:
            places = np.array(self.shape.spins)
            rows, turns = np.broadcast_arrays(places[:, None, :], np.arange(2 * k).reshape(k, 2, 1))
            columns = columns.at[rows, turns].set(frames_across(y[places]))
        if plain:
            columns = columns.at[np.array(plain), np.arange(2 * k, 2 * k + len(plain))].set(1.0)
        return columns

    def on_sphere(self, y: Any) -> Any:
        """y (n,) with its unit vectors brought back to length 1."""
        parts = self.parts(y)
        for spin in self.equation.layout.spins:
            scale = jax.lax.rsqrt(sum(parts[i] * parts[i] for i in spin))
            for i in spin:
                parts[i] = parts[i] * scale
        return self.joined(parts)

    # ---- runs

    def run(self, y: Any, duration: Any, steps: int, every: int = 1) -> Any:
        """States (steps/every, n) after every so-many steps of a run of a duration [ns] from y (n,)."""
        return self._solved(self.equation, y, duration, steps, every)

    def linearised(self, y: Any, basis: Any, duration: Any, steps: int) -> tuple[Any, Any]:
        """The end (n,) of a run from y, and what it makes of directions (n, k) there: by the variational equation,
        whose result is differentiable as any run's is."""
        k = basis.shape[1]
        if self.count is not None:
            return jax.vmap(
                lambda v: jax.jvp(lambda y: self._end(y, duration, steps, exact=True), (y,), (v,)), 1, (None, 1)
            )(basis)
        states = self._solved(
            Variational(self.equation, k), jnp.concatenate([y, basis.T.ravel()]), duration, steps, steps
        )
        end = states[-1]
        return end[: self.size], end[self.size :].reshape(k, self.size).T

    def _end(self, y: Any, duration: Any, steps: int, exact: bool = False) -> Any:
        return self._solved(self.equation, y, duration, steps, steps, XLA() if exact else None)[-1]

    def _solved(self, equation: Any, y: Any, duration: Any, steps: int, every: int, engine: Any = None) -> Any:
        start = self.components(y)
        task = Task(
            equation=Paced(equation, jnp.asarray(duration, y.dtype)),
            m0=jax.tree.unflatten(self.tree, start) if self.count else start,
            mixing=self.mixing,
            drive=None,
            noise=None,
            stepper=STEPPER,
            grid=TimeGrid(steps * self.inner, UNIT / (steps * self.inner), every * self.inner, False),
            count=self.count,
        )
        return self.vector(jax.tree.leaves((engine or Native()).run(task).m))


def frames_across(m: Any) -> Any:
    """Two unit vectors (…, 2, 3) across unit vectors (…, 3). What is computed in them must not depend on them.

    Source: T. Duff et al., J. Comput. Graph. Tech. 6, 1 (2017).
    """
    x, y, z = jnp.moveaxis(m, -1, 0)
    side = jnp.where(z >= 0, 1, -1).astype(z.dtype)
    a = -1 / (side + z)
    b = x * y * a
    first = jnp.stack([1 + side * x * x * a, side * b, -side * x], -1)
    return jnp.stack([first, jnp.stack([b, side + y * y * a, -y], -1)], -2)


def flow_of(model: Model, time: float | None = None, scale: Any = None, *, what: str = AT_REST) -> Flow:
    """The flow of a model, in which `what` is looked for.

    Raises ValueError for any other device, and for one whose rate depends on the time, where none is given.

    Args:
        model: whose rate it is.
        time: moment [s] at which the rate of a System that depends on it is frozen; 0 for one that does not.
        scale: unit of each number that is of no unit vector; by default its size in the start of the system.
        what: named in the sentence for a rate that depends on the time.
    """
    check_platform()
    if isinstance(model, (System, SystemArray)):
        return _of_system(model, what, time, scale)
    if time is not None:
        raise ValueError(f"time = {time} is for a System whose rate depends on it, got an {type(model).__name__}")
    if not isinstance(model, (Oscillator, OscillatorArray)):
        raise ValueError(
            f"device is {type(model).__name__}, expected an Oscillator, an OscillatorArray or a System of your own"
        )
    device, coupling = (model.oscillator, model.coupling) if isinstance(model, OscillatorArray) else (model, None)
    count = model.count if isinstance(model, OscillatorArray) else None
    links = None if coupling is None else links_of_coupling(coupling)
    emits, receives = ((), ()) if links is None else (links.emits, links.receives)
    return Flow(
        equation=still_equation(device, what, emits, receives),
        mixing=None if links is None else links.mixing,
        sigma=thermal_sigma(device, UNIT),
        scale=jnp.zeros(0),
        time=0.0,
        tree=jax.tree.structure(Vec3(0.0, 0.0, 0.0)),
        count=count,
        noises=len(NORMALS),
        shape=_shape(((0, 1, 2),), 3, ("m",), count),
    )


def _of_system(model: System | SystemArray, what: str, time: float | None, scale: Any) -> Flow:
    state = start_of_system(model, None)
    links = links_of_array(model) if isinstance(model, SystemArray) else None
    emits, receives = ((), ()) if links is None else (links.emits, links.receives)
    equation = equation_of_system(member_of(model), state, emits, receives)
    tree, count = jax.tree.structure(state), model.count if isinstance(model, SystemArray) else None
    shape = _shape(equation.layout.spins, tree.num_leaves, _names(state), count)
    flow = Flow(
        equation=equation,
        mixing=None if links is None else links.mixing,
        sigma=noise_strength(UNIT),
        scale=jnp.zeros(0),
        time=0.0 if time is None else time * 1e9,
        tree=tree,
        count=count,
        noises=member_of(model).noises,
        shape=shape,
    )
    if scale is None:
        scale = usual_scale(flow.vector(jax.tree.leaves(state))[np.array(shape.plain, int)])
    flow = dataclasses.replace(flow, scale=jnp.asarray(scale, float))
    if time is None and depends_on_time(flow):
        raise ValueError(_of_time(type(member_of(model)).__name__, what))
    return flow


def _of_time(kind: str, what: str) -> str:
    if what == AT_REST:
        return (
            f"the rate of {kind} depends on the time, so that it has no fixed points; give the moment at which to "
            "freeze it, time=0.0 (in seconds)"
        )
    return (
        f"the rate of {kind} depends on the time, so its orbits are not closed; write the drive as an input, and the "
        "system without it"
    )


def _shape(spins: Sequence[tuple[int, int, int]], size: int, names: Sequence[str], count: int | None) -> StateShape:
    """The shape of all members, from the places of one's unit vectors and the names of its unit vectors and others."""
    turned = {place for spin in spins for place in spin}
    plain = [place for place in range(size) if place not in turned]
    members = range(count or 1)
    of_one = [f"{name}{member}" if count else name for member in members for name in names[: len(spins)]]
    of_one += [f"{name}{member}" if count else name for member in members for name in names[len(spins) :]]
    return StateShape(
        tuple((x + size * member, y + size * member, z + size * member) for member in members for x, y, z in spins),
        tuple(place + size * member for member in members for place in plain),
        tuple(of_one),
    )


def _names(state: Any) -> tuple[str, ...]:
    """Names of the unit vectors of a state, then of its other numbers."""
    nodes, _ = jax.tree_util.tree_flatten_with_path(state, is_leaf=lambda node: isinstance(node, Spin))
    names: tuple[list[str], list[str]] = ([], [])
    for path, node in nodes:
        names[not isinstance(node, Spin)].append(jax.tree_util.keystr(path, simple=True, separator="."))
    return tuple(names[0] + names[1])


def usual_scale(start: Any) -> Any:
    """The size (P,) of each number in a start; of one that is zero there, the largest size."""
    size = jnp.abs(jax.lax.stop_gradient(start))
    largest = jnp.max(size, initial=0.0)
    return jnp.where(size == 0.0, jnp.where(largest == 0.0, 1.0, largest), size)


def depends_on_time(flow: Flow) -> bool:
    """Whether any number of the rate is computed from the time, as it is written."""
    y, noise = jnp.full(flow.size, 1 / math.sqrt(3.0)), jnp.zeros(flow.wide * flow.noises)
    closed = jax.make_jaxpr(lambda time, y, noise: dataclasses.replace(flow, time=time).slope(y, noise=noise))(
        jnp.zeros(()), y, noise
    )
    reached = {closed.jaxpr.invars[0]}
    for step in closed.jaxpr.eqns:
        if any(not isinstance(atom, jex.Literal) and atom in reached for atom in step.invars):
            reached |= set(step.outvars)
    return any(not isinstance(atom, jex.Literal) and atom in reached for atom in closed.jaxpr.outvars)


def begun(flow: Flow, model: Model, m0: Any = None) -> Any:
    """The state y (n,) in which a run of a model begins, by default as in `simulate`. Raises ValueError as it does."""
    start = start_of_system if isinstance(model, (System, SystemArray)) else start_of
    return flow.vector(jax.tree.leaves(start(model, m0)))  # type: ignore[operator]


def is_coupled(model: OscillatorArray | SystemArray) -> bool:
    """Whether the members of an array feel each other."""
    return model.coupling is not None if isinstance(model, OscillatorArray) else bool(model.mixes)
