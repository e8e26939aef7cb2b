"""The rate of any device as a function of plain numbers, and coordinates without constraints near a state.

A state is a vector of numbers y (d,), three of them for each unit vector. Near a state it is told by n coordinates q
without a constraint: two in the tangent plane of each unit vector, m = (m₀ + q₁ e₁ + q₂ e₂)/√(1 + q²), and one, in
units of its scale, for each other component. Rates are per nanosecond.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.constants import BOLTZMANN
from llgrad.core.field_term import Inputs
from llgrad.core.vector import Vec3, unstack
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import TIME, Spin, System, SystemEquation, equation_of_system
from llgrad.physics.equation import Equation, still_equation
from llgrad.physics.llg import llg

FIELD: Final = {"current": "A", "field_x": "T", "field_y": "T", "field_z": "T"}
"""Inputs of a macrospin, with their units."""


class Shape(NamedTuple):
    """Which numbers of a state are what."""

    spins: tuple[tuple[int, int, int], ...]
    plain: tuple[int, ...]
    names: tuple[str, ...]
    """Of each unit vector, then of each other component."""

    @property
    def size(self) -> int:
        """Numbers of a state."""
        return 3 * len(self.spins) + len(self.plain)

    @property
    def freedom(self) -> int:
        """Coordinates without a constraint."""
        return 2 * len(self.spins) + len(self.plain)


class Macrospins(eqx.Module):
    """One oscillator, or N of an array."""

    equation: Equation
    coupling: Any
    noise: Any
    """Intensity 2D [T² s] of each component of the thermal field."""
    moment: Any
    """Ms V [A m²]."""
    count: int | None = eqx.field(static=True)
    inputs: ClassVar = FIELD
    timed: ClassVar = False

    @property
    def noises(self) -> int:
        return 3 * (self.count or 1)

    def intensity(self) -> Any:
        """Spectral density (w,) [T²/Hz], over both signs of the frequency, of each noise."""
        return jnp.repeat(jnp.atleast_1d(jnp.asarray(self.noise)), 3)

    def field(self, y: Any, inputs: Any, noise: Any) -> Vec3:
        """Effective field [T] at a state (d,). Noise is no field that a term of the device's own sees."""
        m, added = unstack(self._apart(y)), unstack(inputs[1:])
        if self.coupling is not None:
            added = added + self.coupling.field(m)
        return self.equation.effective_field(m, added, inputs[0]) + unstack(self._apart(noise))

    def force(self, y: Any) -> Any:
        """Ms V B (d,) [J] of each component, without a drive and noise."""
        still = jnp.zeros(len(self.inputs), y.dtype), jnp.zeros(self.noises, y.dtype)
        field = self.field(y, *still).stack() * jnp.asarray(self.moment, y.dtype)[..., None]
        return jnp.broadcast_to(field, (self.count or 1, 3)).reshape(-1)

    def rate(self, y: Any, inputs: Any, noise: Any) -> Any:
        """dy/dt (d,) [1/ns]."""
        total = self.field(y, inputs, noise)
        return llg(unstack(self._apart(y)), total, self.equation.gamma, self.equation.alpha).stack().reshape(-1)

    def _apart(self, y: Any) -> Any:
        return y if self.count is None else y.reshape(self.count, 3)


class Own(eqx.Module):
    """A system of one's own at a moment."""

    equation: SystemEquation
    time: Any
    """[s]."""

    @property
    def inputs(self) -> dict[str, str]:
        return dict(self.equation.system.inputs)

    @property
    def noises(self) -> int:
        return self.equation.system.noises

    def force(self, y: Any) -> Any:
        """Ms V B (d,) [J] of each component, without a drive and noise; None where the system does not tell."""
        equation = self.equation
        still = Inputs(self.time, (0.0,) * self.noises, dict.fromkeys(self.inputs, 0.0))
        found = equation.system.forces(jax.tree.unflatten(equation.structure, list(y)), still)
        return None if found is None else jnp.stack([jnp.asarray(c, y.dtype) for c in jax.tree.leaves(found)])

    def intensity(self) -> Any:
        """Spectral density (w,) of each noise, over both signs of the frequency: 1."""
        return jnp.ones(self.noises)

    def rate(self, y: Any, inputs: Any, noise: Any) -> Any:
        """dy/dt (d,) [1/ns]."""
        given: dict[str, Any] = dict(zip(self.inputs, inputs, strict=True)) | {TIME: self.time * 1e9}
        given |= dict(zip(self.equation.normals, noise, strict=False))
        slope = self.equation.slope(list(y), given, 1.0 if self.noises else None)
        return jnp.stack([jnp.asarray(part, y.dtype) for part in slope])


class Flow(eqx.Module):
    """What moves: a rate, and which numbers it moves."""

    body: Macrospins | Own
    scale: Any
    """Unit (len(plain),) of each component that is no unit vector."""
    shape: Shape = eqx.field(static=True)

    def rate(self, y: Any, inputs: Any = None, noise: Any = None) -> Any:
        """dy/dt (d,) [1/ns] at a state (d,), with what is added to the inputs (c,) and noises (w,)."""
        inputs = jnp.zeros(len(self.body.inputs), y.dtype) if inputs is None else inputs
        noise = jnp.zeros(self.body.noises, y.dtype) if noise is None else noise
        return self.body.rate(y, inputs, noise)


class Chart(NamedTuple):
    """Coordinates q (n,) near a state: q = 0 is the state."""

    y: Any
    frames: Any
    """Of each unit vector two tangent unit vectors (k, 2, 3)."""

    def state(self, flow: Flow, q: Any) -> Any:
        """The state (d,) at q (n,)."""
        k = len(flow.shape.spins)
        found = self.y
        if flow.shape.plain:
            found = found.at[np.array(flow.shape.plain)].add(q[2 * k :] * flow.scale)
        if k:
            places = np.array(flow.shape.spins)
            turns = q[: 2 * k].reshape(k, 2)
            m = self.y[places] + jnp.einsum("ka,kac->kc", turns, self.frames)
            found = found.at[places].set(m / jnp.sqrt(1 + jnp.sum(turns**2, axis=1, keepdims=True)))
        return found

    def moves(self, flow: Flow, q: Any, rate: Any) -> Any:
        """dq/dt (n,) of dy/dt (d,), exact at any q."""
        k = len(flow.shape.spins)
        parts = []
        if k:
            places = np.array(flow.shape.spins)
            turns = q[: 2 * k].reshape(k, 2)
            along = jnp.sum(rate[places] * self.y[places], axis=1, keepdims=True)
            across = jnp.einsum("kc,kac->ka", rate[places], self.frames) - turns * along
            parts.append((across * jnp.sqrt(1 + jnp.sum(turns**2, axis=1, keepdims=True))).reshape(-1))
        if flow.shape.plain:
            parts.append(rate[np.array(flow.shape.plain)] / flow.scale)
        return jnp.concatenate(parts)

    def velocity(self, flow: Flow, q: Any, inputs: Any = None, noise: Any = None) -> Any:
        """dq/dt (n,) [1/ns]."""
        return self.moves(flow, q, flow.rate(self.state(flow, q), inputs, noise))


def chart_at(flow: Flow, y: Any) -> Chart:
    """Coordinates near a state (d,).

    Source of the frames: T. Duff et al., J. Comput. Graph. Tech. 6, 1 (2017). What is computed in them must not
    depend on them.
    """
    places = np.array(flow.shape.spins, int).reshape(-1, 3)
    x, y_, z = jnp.moveaxis(y[places], 1, 0)
    side = jnp.where(z >= 0, 1, -1).astype(y.dtype)
    a = -1 / (side + z)
    b = x * y_ * a
    first = jnp.stack([1 + side * x * x * a, side * b, -side * x], axis=1)
    return Chart(y, jnp.stack([first, jnp.stack([b, side + y_ * y_ * a, -y_], axis=1)], axis=1))


def stiffness_at(flow: Flow, y: Any) -> Any:
    """∂(dq/dt)/∂q (n, n) [1/ns] in the coordinates of `chart_at`."""
    chart = chart_at(flow, y)
    return jax.jacfwd(lambda q: chart.velocity(flow, q))(jnp.zeros(flow.shape.freedom, y.dtype))


def flow_of(device: Any, time: float | None = None, scale: Any = None) -> Flow:
    """The flow of an Oscillator, an OscillatorArray or a System. Raises ValueError for anything else.

    Args:
        device: whose rate it is.
        time: moment [s] at which a rate that depends on the time is frozen.
        scale: unit of each component that is no unit vector; by default its size in the start of the system.
    """
    if isinstance(device, System):
        return _of_system(device, time, scale)
    if time is not None:
        raise ValueError(f"time = {time} is for a System whose rate depends on it, got an {type(device).__name__}")
    if isinstance(device, Oscillator):
        shape = Shape(((0, 1, 2),), (), ("m",))
        return Flow(_macrospins(device, None, None), jnp.zeros(0), shape)
    if isinstance(device, OscillatorArray):
        places = tuple((3 * i, 3 * i + 1, 3 * i + 2) for i in range(device.count))
        shape = Shape(places, (), tuple(f"m{i}" for i in range(device.count)))
        return Flow(_macrospins(device.oscillator, device.coupling, device.count), jnp.zeros(0), shape)
    raise ValueError(
        f"device is {type(device).__name__}, expected an Oscillator, an OscillatorArray or a System of your own"
    )


def _macrospins(device: Oscillator, coupling: Any, count: int | None) -> Macrospins:
    moment = device.Ms * device.volume
    thermal = BOLTZMANN * 1e18 * device.temperature / ((device.Ms * 1e-6) * (device.volume * 1e24))
    noise = 2 * device.alpha * thermal / device.gamma
    return Macrospins(still_equation(device, "state at rest"), coupling, noise, moment, count)


def _of_system(system: System, time: float | None, scale: Any) -> Flow:
    start = system.start()
    nodes, _ = jax.tree_util.tree_flatten_with_path(start, is_leaf=lambda node: isinstance(node, Spin))
    spins, plain, names = [], [], ([], [])
    place = 0
    for path, node in nodes:
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        if isinstance(node, Spin):
            spins.append((place, place + 1, place + 2))
            names[0].append(name)
            place += 3
        else:
            plain.append(place)
            names[1].append(name)
            place += 1
    shape = Shape(tuple(spins), tuple(plain), tuple(names[0] + names[1]))
    if scale is None:
        scale = usual_scale(np.array([float(leaf) for leaf in jax.tree.leaves(start)])[plain])
    body = Own(equation_of_system(system, start), 0.0 if time is None else time)
    flow = Flow(body, jnp.asarray(scale, float), shape)
    if time is None and depends_on_time(flow):
        raise ValueError(
            f"the rate of {type(system).__name__} depends on the time, so that it has no fixed points; give the moment "
            "at which to freeze it, time=0.0 (in seconds)"
        )
    return flow


def usual_scale(start: np.ndarray) -> np.ndarray:
    """The size of each component in a start; of one that is zero there, the largest size."""
    largest = float(np.abs(start).max(initial=0.0)) or 1.0
    return np.where(start == 0.0, largest, np.abs(start))


def depends_on_time(flow: Flow) -> bool:
    """Whether any number of the rate is computed from the time."""
    y = jnp.full(flow.shape.size, 1 / math.sqrt(3.0))
    jaxpr = jax.make_jaxpr(lambda time: eqx.tree_at(lambda f: f.body.time, flow, time).rate(y))(0.0).jaxpr
    # what does not depend on the time is computed while it is traced, so the equations left are those that do
    made = {var for equation in _live(jaxpr) for var in equation.outvars}
    return any(var in made for var in jaxpr.outvars if not hasattr(var, "val"))


def _live(jaxpr: Any) -> list[Any]:
    """The equations of a jaxpr whose results depend on its arguments."""
    known, found = set(jaxpr.invars), []
    for equation in jaxpr.eqns:
        if any(var in known for var in equation.invars if not hasattr(var, "val")):
            known |= set(equation.outvars)
            found.append(equation)
    return found
