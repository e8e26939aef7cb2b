"""`lg.orbits.resonance`: how a device at rest answers a small drive, and how it trembles at a temperature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Complex, Float, PyTree

from llgrad.core.speed.quick import quick_jit
from llgrad.core.units import show
from llgrad.orbits.carried import carry, held, is_traced
from llgrad.orbits.chart import chart_at
from llgrad.orbits.equilibria.equilibria import equilibria, in_form
from llgrad.orbits.equilibria.modes import Modes, modes_of
from llgrad.orbits.equilibria.result import Equilibrium, columns_of
from llgrad.orbits.equilibria.search import find
from llgrad.orbits.flow import Flow, Model, flow_of

NEAR = 0.3
"""A state is given so near to the fixed point, in radians or units of their scale."""


@dataclass(frozen=True)
class Resonance:
    """The linear response of a device at a fixed point.

    >>> import llgrad as lg
    >>> ringing = lg.orbits.resonance(lg.presets.kubota2013().replace(current=0.0, temperature=300.0))
    >>> ringing.names, ringing.inputs["field_x"]
    (('m.x', 'm.y', 'm.z'), 'T')
    >>> round(float(ringing.modes.frequencies[0]) / 1e9, 3)
    1.73
    """

    state: PyTree[Float[ArrayLike, "..."]]
    """The fixed point, in the form that `simulate` takes."""
    names: tuple[str, ...]
    """Of the numbers of a state (d)."""
    inputs: dict[str, str]
    """Unit of each input, by its name (c)."""
    matrix: np.ndarray
    """∂(dq/dt)/∂q (n, n) [1/ns], without derivatives."""
    spins: int
    slope: Float[np.ndarray | jax.Array, "n n"]
    """The same with derivatives."""
    directions: Float[np.ndarray | jax.Array, "d n"]
    """∂(state)/∂q (d, n)."""
    push: Float[np.ndarray | jax.Array, "n c"]
    """∂(dq/dt)/∂(input) (n, c) [1/ns over its unit]."""
    kick: Float[np.ndarray | jax.Array, "n w"]
    """∂(dq/dt)/∂(noise) (n, w) [1/ns over its unit]."""
    intensity: Float[np.ndarray | jax.Array, "w"]
    """Spectral density (w,) [its unit squared/Hz] of each noise, over both signs of the frequency."""

    @property
    def modes(self) -> Modes:
        """Eigenvalues, frequencies, widths and ellipticities of the free motion."""
        return modes_of(self.matrix, self.spins, None if isinstance(self.slope, np.ndarray) else self.slope)

    def susceptibility(
        self, frequencies: Sequence[float] | Float[ArrayLike, "F"]
    ) -> Complex[np.ndarray | jax.Array, "F d c"]:
        """χ(f) (F, d, c), complex: what 1 (A, T, …) · e^{2πift} at each input makes of each number of the state, ∝
        e^{2πift}.

        χ = (∂y/∂q) (iω − A)⁻¹ (∂q̇/∂u). Of a macrospin the inputs are current [A], field_x, field_y and field_z [T].
        """
        return self._through(frequencies, self.push)

    def fluctuations(
        self, frequencies: Sequence[float] | Float[ArrayLike, "F"]
    ) -> Float[np.ndarray | jax.Array, "F d"]:
        """Spectral density (F, d) [1/Hz] of each number of the state by its noise, over positive frequencies only.

        S = 2 |(∂y/∂q) (iω − A)⁻¹ (∂q̇/∂ξ)|² · (density of the noise). Without a current it is, by the
        fluctuation–dissipation theorem, −4 k_B T Im χ/(ω Ms V). Holds while the deviations are small.

        Raises ValueError where deviations grow, and where there is no noise (at 0 K).
        """
        self._check_trembles()
        xp = np if isinstance(self.slope, np.ndarray) else jnp
        moved = self._through(frequencies, self.kick)
        return 2 * xp.sum((moved.real**2 + moved.imag**2) * self.intensity[None, None], axis=2)

    def covariance(self) -> np.ndarray:
        """Covariance (d, d) of the numbers of the state: A C + C Aᵀ = −(noise), the integral of the fluctuations.

        Without derivatives. Raises ValueError as `fluctuations` does.
        """
        from scipy.linalg import solve_continuous_lyapunov  # takes a while to import

        self._check_trembles()
        kick, intensity, along = (
            np.asarray(jax.lax.stop_gradient(part), float) for part in (self.kick, self.intensity, self.directions)
        )
        # intensities are per second, rates per nanosecond
        source = (kick * intensity) @ kick.T * 1e9
        return along @ solve_continuous_lyapunov(self.matrix, -source) @ along.T

    def _through(self, frequencies: Any, push: Any) -> Any:
        """(∂y/∂q) (iω − A)⁻¹ push (F, d, c)."""
        xp: Any = np if isinstance(self.slope, np.ndarray) else jnp
        omega = xp.atleast_1d(xp.asarray(frequencies, self.slope.dtype)) * (math.tau * 1e-9)
        n = self.matrix.shape[0]
        kind = np.result_type(self.slope.dtype, np.complex64)
        turning = xp.asarray(1j, kind) * omega.astype(kind)[:, None, None] * xp.eye(n, dtype=kind)[None]
        inertia = turning - self.slope.astype(kind)[None]
        moved = xp.linalg.solve(inertia, xp.broadcast_to(push, (omega.shape[0], *push.shape)).astype(kind))
        return self.directions.astype(kind) @ moved

    def _check_trembles(self) -> None:
        if not np.asarray(jax.lax.stop_gradient(self.intensity)).any():
            raise ValueError("this device has no noise: give it a temperature, as in device.replace(temperature=300)")
        if np.linalg.eigvals(self.matrix).real.max() >= 0:
            raise ValueError(
                "deviations from this state grow, so it has no fluctuations to tell; see lg.orbit for a cycle"
            )

    def __repr__(self) -> str:
        modes = modes_of(self.matrix, self.spins)
        rows = zip(modes.frequencies, modes.widths, strict=True)
        told = [f"  {show(float(f'{f:.6g}'), 'Hz')}, width {show(float(f'{w:.5g}'), 'Hz')}" for f, w in rows]
        return "\n".join([f"Resonance with {len(told)} mode{'s' if len(told) > 1 else ''}", *told])


def resonance(
    device: Model, state: Equilibrium | PyTree[Float[ArrayLike, "..."]] = None, *, time: float | None = None
) -> Resonance:
    """Modes, susceptibility χ(f) and thermal fluctuations of a device at rest, from its linearised equation of motion.

    Args:
        device: Oscillator, OscillatorArray, System or SystemArray.
        state: near which fixed point: a state in the form that `simulate` takes, or an `Equilibrium`; by default the
        only stable one, or that of the lowest energy.
        time: moment [s] at which a System whose rate depends on the time is frozen.

    Everything but `covariance` can be differentiated once in every number of the device.

    Raises ValueError where no state is stable, where several are and none has an energy, where no fixed point is near
    the given state, and inside jax.jit or jax.vmap.

    >>> import llgrad as lg
    >>> ringing = lg.orbits.resonance(lg.presets.kubota2013().replace(current=0.0, temperature=300.0))
    >>> chi = ringing.susceptibility([1.7297e9])
    >>> round(float(abs(chi[0, 0, 1])), 0), round(float(ringing.covariance()[0, 0]), 5)
    (1623.0, 0.00205)
    """
    numbers = held(device, "resonance")
    with jax.enable_x64(True):
        y = _chosen(numbers, time) if state is None else _near(numbers, state, time)
        flow = flow_of(numbers, time)
        parts = _linearised(flow, jnp.asarray(y), jnp.zeros((flow.shape.freedom, flow.shape.freedom)))
        values = [np.asarray(part) for part in parts]
    inverse = np.linalg.inv(values[1]) if np.linalg.cond(values[1]) < 1e12 else None
    told = values
    if is_traced(device):
        if inverse is None:
            raise ValueError("a curve of equilibria, or two that meet, has no derivative; break its symmetry")
        traced = flow_of(device, time, np.asarray(flow.scale))
        dtype = jnp.result_type(float)
        linear = _linearised(traced, jnp.asarray(y, dtype), jnp.asarray(inverse, dtype))
        told = [carry(value, part) for value, part in zip(values, linear, strict=True)]
    found, slope, *rest = told
    spins = len(flow.shape.spins)
    return Resonance(in_form(flow, device, found), columns_of(flow), flow.inputs, values[1], spins, slope, *rest)


@partial(quick_jit, compiled=jax.jit)
def _linearised(flow: Flow, y: Any, inverse: Any) -> tuple[Any, ...]:
    """State, A, ∂y/∂q, ∂q̇/∂u, ∂q̇/∂ξ and the density of the noise, after a step with a held inverse of A."""
    chart = chart_at(flow, y)
    zero = jnp.zeros(flow.shape.freedom, y.dtype)
    q = -inverse @ chart.velocity(flow, zero)
    slope = jax.jacfwd(lambda q: chart.velocity(flow, q))(q)
    directions = jax.jacfwd(lambda q: chart.state(flow, q))(q)
    state = chart.state(flow, q)
    none = jnp.zeros((flow.size, 0), y.dtype)
    pushes = jnp.concatenate([none, *(flow.by_input(state, name)[:, None] for name in flow.channels)], axis=1)
    push, kick = (
        jax.vmap(lambda rate: chart.moves(flow, q, rate), 1, 1)(columns)
        for columns in (pushes, flow.by_noise(state, sigma=1.0))
    )
    return state, slope, directions, push, kick, jnp.asarray(flow.intensity(), y.dtype)


def _chosen(device: Any, time: float | None) -> np.ndarray:
    """The stable state (d,), that of the lowest energy where there are several."""
    stable = list(equilibria(device, time=time).stable)
    if not stable:
        raise ValueError(
            "no state of this device is stable, so it does not rest; give state=… for the response near an unstable "
            "one (lg.equilibria lists them), or see lg.orbit for its cycle"
        )
    if len(stable) > 1 and stable[0].energy is None:
        raise ValueError(
            f"{len(stable)} states of this device are stable; choose one with state=… (lg.equilibria lists them)"
        )
    return stable[0].y


def _near(device: Any, state: Any, time: float | None) -> np.ndarray:
    """The fixed point (d,) near a given state."""
    flow = flow_of(device, time)
    if isinstance(state, Equilibrium):
        begun = state.y
    elif jax.tree.structure(state) == flow.tree:
        leaves = np.broadcast_arrays(*(np.asarray(leaf, float) for leaf in jax.tree.leaves(state)))
        begun = np.stack([np.broadcast_to(leaf, (flow.wide,)) for leaf in leaves], -1).reshape(-1)
    else:
        leaves = [np.asarray(leaf, float).reshape(-1) for leaf in jax.tree.leaves(state)]
        begun = np.concatenate(leaves) if leaves else np.zeros(0)
    if begun.shape != (flow.shape.size,) or not np.isfinite(begun).all():
        raise ValueError(
            f"state has {begun.size} finite numbers, expected {flow.shape.size}: {', '.join(columns_of(flow))}"
        )
    found = find(flow, begun[None]).states
    scale = np.ones(len(begun))
    scale[list(flow.shape.plain)] = np.asarray(flow.scale)
    if not len(found) or np.linalg.norm((found[0] - begun) / scale) > NEAR:
        raise ValueError("no fixed point is near the given state; lg.equilibria lists all")
    return found[0]
