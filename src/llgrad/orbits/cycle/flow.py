"""Any model as one flow dy/dt = f(y, u) of n numbers: what shooting and its linearisation are written in.

Time is in nanoseconds. A period has a pace: the equation is multiplied by the period, so that a run of one unit of time
is one period, the number of steps can stay, and the period is a parameter like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.mixing import Mixing, links_of_coupling
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import NORMALS, TIME, Layout, System, equation_of_system, noise_strength
from llgrad.kernels.steppers import DormandPrince8, Stepper
from llgrad.orbits.cycle.clock import asks_for_time
from llgrad.orbits.cycle.variational import Derived, Variational
from llgrad.physics.equation import still_equation
from llgrad.physics.thermal import thermal_sigma
from llgrad.solve.native import Native
from llgrad.solve.saving import Grid
from llgrad.solve.start import start_of
from llgrad.solve.systems import start_of_system
from llgrad.solve.task import Task
from llgrad.solve.xla import XLA

STEPPER: Final[Stepper] = DormandPrince8()
UNIT: Final = 1e-9
"""A unit of a paced run [s]."""


class Paced(Derived):
    """An equation in units of `pace` nanoseconds."""

    pace: Any

    @property
    def layout(self) -> Layout:
        return self.equation.layout

    def slope(self, state: Sequence[Any], given: Mapping[str, Any], sigma: Any = None) -> list[Any]:
        return [self.pace * rate for rate in self.equation.slope(state, given, sigma)]


class Flow(eqx.Module):
    """What is integrated, with its states as vectors y (n,): component after component, of all oscillators of an array.

    On the sphere of each unit vector a state moves in two directions: `basis` are the d directions in which it can.
    """

    equation: Any
    mixing: Mixing | None
    sigma: Any
    """What multiplies white noise of unit strength in √ns: scalar or (N,)."""
    tree: Any = eqx.field(static=True)
    """Form of a state."""
    count: int | None = eqx.field(static=True)
    noises: int = eqx.field(static=True)
    """Number of white noises, of each oscillator."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(name for name in self.equation.channels if name != TIME)

    @property
    def wide(self) -> int:
        """Numbers of each component."""
        return self.count or 1

    @property
    def size(self) -> int:
        """Numbers n of a state."""
        return len(self.equation.layout.names) * self.wide

    @property
    def freedom(self) -> int:
        """Directions d in which a state can move."""
        return self.size - len(self.equation.layout.spins) * self.wide

    # ---- states as vectors, as components, as trees

    def components(self, y: Any) -> list[Any]:
        """The components of y (n,): numbers, or (N,)."""
        parts = y.reshape(-1, self.wide)
        return [part if self.count else part[0] for part in parts]

    def vector(self, components: Sequence[Any]) -> Any:
        """y (…, n) of components (…) or (…, N)."""
        parts = [jnp.asarray(c) for c in components]
        return jnp.concatenate(parts, -1) if self.count else jnp.stack(parts, -1)

    def state(self, y: Any) -> Any:
        """The state of y (…, n) as a tree of arrays (…) or (…, N)."""
        parts = y.reshape(*y.shape[:-1], -1, self.wide)
        parts = [parts[..., i, :] if self.count else parts[..., i, 0] for i in range(parts.shape[-2])]
        return jax.tree.unflatten(self.tree, parts)

    # ---- the equation at a state

    def slope(self, y: Any, inputs: Mapping[str, Any] | None = None, noise: Any = None) -> Any:
        """f (n,) [1/ns] at y (n,), with inputs by name and white noises (noises,) or (noises, N)."""
        state, given = self.components(y), {TIME: jnp.zeros((), y.dtype), **(inputs or {})}
        if self.mixing is not None:
            given |= dict(zip(self.equation.mixed, self.mixing(self.equation.emitted(state)), strict=True))
        if noise is not None:
            given |= dict(zip(self.equation.normals, noise, strict=False))
        rates = self.equation.slope(state, given, None if noise is None else self.sigma)
        shape = (self.count,) if self.count else ()
        return self.vector([jnp.broadcast_to(jnp.asarray(rate, y.dtype), shape) for rate in rates])

    def by_input(self, y: Any, name: str) -> Any:
        """∂f/∂u (n,) of an input of all oscillators alike, at y."""
        zero = jnp.zeros((), y.dtype)
        return jax.jvp(lambda u: self.slope(y, {name: u}), (zero,), (zero + 1,))[1]

    def by_noise(self, y: Any) -> Any:
        """Columns (n, J) [1/√ns]: what each white noise of unit strength does at y."""
        if not self.noises:
            return jnp.zeros((self.size, 0), y.dtype)
        zero = jnp.zeros((self.noises, self.count) if self.count else (self.noises,), y.dtype)
        return jax.jacfwd(lambda noise: self.slope(y, noise=noise))(zero).reshape(self.size, -1)

    # ---- where a state can move

    def basis(self, y: Any) -> Any:
        """Orthonormal directions (n, d) in which the state y can move."""
        parts = y.reshape(-1, self.wide)
        spins = self.equation.layout.spins
        turned = {i: spin for spin in spins for i in spin}
        columns = []
        for spin in spins:
            m = [parts[i] for i in spin]
            for frame in _across(m):
                columns += [self._column(dict(zip(spin, frame, strict=True)), k) for k in range(self.wide)]
        for i in range(len(parts)):
            if i not in turned:
                columns += [self._column({i: jnp.ones_like(parts[i])}, k) for k in range(self.wide)]
        return jnp.stack(columns, -1)

    def _column(self, rows: Mapping[int, Any], k: int) -> Any:
        column = jnp.zeros((self.size // self.wide, self.wide), jnp.asarray(next(iter(rows.values()))).dtype)
        for i, row in rows.items():
            column = column.at[i, k].set(row[k])
        return column.ravel()

    def on_sphere(self, y: Any) -> Any:
        """y (n,) with its unit vectors brought back to length 1."""
        parts = list(y.reshape(-1, self.wide))
        for spin in self.equation.layout.spins:
            scale = jax.lax.rsqrt(sum(parts[i] * parts[i] for i in spin))
            for i in spin:
                parts[i] = parts[i] * scale
        return jnp.stack(parts).ravel()

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
        names = len(equation.layout.names)
        parts = y.reshape(names, self.wide)
        start = [part if self.count else part[0] for part in parts]
        task = Task(
            equation=Paced(equation, jnp.asarray(duration, y.dtype)),
            m0=Vec3(*start) if self.count else start,
            mixing=self.mixing,
            drive=None,
            noise=None,
            stepper=STEPPER,
            grid=Grid(steps, UNIT / steps, every, False),
            count=self.count,
        )
        return self.vector(jax.tree.leaves((engine or Native()).run(task).m))


def _across(m: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Two unit vectors across a unit vector, by components.

    Source: T. Duff et al., J. Comput. Graph. Tech. 6, 1 (2017).
    """
    x, y, z = m
    side = jnp.where(z >= 0, 1.0, -1.0).astype(z.dtype)
    a = -1 / (side + z)
    b = x * y * a
    return [1 + side * x * x * a, side * b, -side * x], [b, side + y * y * a, -y]


def flow_of(model: Oscillator | OscillatorArray | System, start: Any = None) -> tuple[Flow, Any]:
    """The flow of a model, and the state y (n,) in which a run of it begins.

    Raises ValueError for a model that asks for the time: its orbits are not closed.
    """
    if isinstance(model, System):
        state = start_of_system(model, start)
        equation = equation_of_system(model, state)
        if asks_for_time(equation, jax.tree.leaves(state)):
            raise ValueError(
                f"the rate of {type(model).__name__} depends on the time, so its orbits are not closed; write the "
                "drive as an input, and the system without it"
            )
        flow = Flow(equation, None, noise_strength(UNIT), jax.tree.structure(state), None, model.noises)
        return flow, flow.vector(jax.tree.leaves(state))
    device = model.oscillator if isinstance(model, OscillatorArray) else model
    still_equation(device, "closed orbit")
    state = start_of(model, start)
    coupling = model.coupling if isinstance(model, OscillatorArray) else None
    links = None if coupling is None else links_of_coupling(coupling)
    emits, receives = ((), ()) if links is None else (links.emits, links.receives)
    flow = Flow(
        equation=still_equation(device, "closed orbit", emits, receives),
        mixing=None if links is None else links.mixing,
        sigma=thermal_sigma(device, UNIT),
        tree=jax.tree.structure(state),
        count=model.count if isinstance(model, OscillatorArray) else None,
        noises=len(NORMALS),
    )
    return flow, flow.vector([state.x, state.y, state.z])
