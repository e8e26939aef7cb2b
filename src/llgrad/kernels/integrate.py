"""What the engine calls: one run of an equation of motion through the native kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.devices.arrays.mix import Products
from llgrad.kernels.calls import MEMORY, CallPlan
from llgrad.kernels.coupled.calls import CoupledPlan
from llgrad.kernels.coupled.primitive import solve_p as coupled_solve_p
from llgrad.kernels.expression.equations import compile_equation, prepare
from llgrad.kernels.expression.graph import UnsupportedOperation
from llgrad.kernels.plain import failure_of
from llgrad.kernels.primitive import solve_p
from llgrad.kernels.steppers import Stepper


class Run(NamedTuple):
    """States after every so-many steps, as a tree as that of the initial one, of (S,) or (S, N); the final state; the
    first bad step of each, −1 for none.
    """

    saved: Any
    final: Any
    first_bad: Any


class NoiseWords(NamedTuple):
    """Size of the thermal field [T], scalar or (N,), and the two words of the key."""

    sigma: Any
    key0: Any
    key1: Any


def integrate(
    equation: Any,
    m0: Any,
    *,
    stepper: Stepper,
    h: float,
    steps: int,
    every: int,
    drive: Mapping[str, Any] | None = None,
    mix: Products | None = None,
    noise: NoiseWords | None = None,
    first: Any = 0,
    memory: int = MEMORY,
    samples: int | None = None,
    hold: int = 0,
) -> Run:
    """Integrate `steps` steps of `h` nanoseconds; differentiable in every leaf of `equation`, `m0`, the drive's
    samples, the weights of the mix and σ.

    `m0` is a tree of the components of the state: a Vec3, or what else the equation has. Each is a scalar, or (N,) for
    N independent oscillators; leaves of the equation are Python floats,
    scalars or (N,). A leaf that is the Python float 0.0 or 1.0 is built into the kernel. `drive` holds samples
    (steps, nodes) or (steps, nodes, N) by channel: "current" [A], "field_x", "field_y", "field_z" [T]. `mix`
    makes what each of N oscillators receives, in the order of the equation's `mixed`, of what all emit, in that of its
    `emitted`. `first` is the number of steps taken before, for noise and time.
    With `samples` every step (`every` is 1) gives so many states at equal fractions of it, by the stepper's polynomial.
    `memory` is how many bytes the states kept for a gradient may take. With `hold`, for coupled oscillators, the drive
    holds for so many steps each: samples (steps / hold, 1, N).

    Raises UnsupportedOperation where the equation has an operation that no kernel has.
    """
    components, tree = jax.tree.flatten(m0)
    dtype, shape = components[0].dtype, components[0].shape
    drive = dict(drive or {})
    sigma = None if noise is None else noise.sigma
    coupled = mix is not None
    program, parameters = compile_equation(equation, dtype, channels=tuple(drive), sigma=sigma)
    many = bool(shape)
    if steps == 0:
        none = jax.tree.map(lambda c: jnp.zeros((0, *c.shape), dtype), m0)
        return Run(none, m0, jnp.full(shape, -1, jnp.int32))
    tableau = stepper.tableau if samples is None else stepper.tableau.interpolating()
    settings = (program, tableau, stepper.project, steps, every, memory, samples or 1, hold)
    plan = CallPlan(*settings) if mix is None else CoupledPlan(*settings, mix.terms)
    operands = [jnp.asarray(first, jnp.uint32).reshape(1), jnp.asarray(h, dtype).reshape(1)]
    if samples is not None:
        operands.append(jnp.asarray(tableau.weights(np.arange(1, samples + 1) / samples), dtype))
    operands += [_lanes(component) for component in components]
    operands += [_lanes(value) for value in parameters[: program.parameters]]
    operands += [_lanes_of_table(value) for value in parameters[program.parameters :]]
    operands += [_samples(drive[name], dtype) for name in equation.channels if name in drive]
    if noise is not None:
        operands += [_lanes(noise.key0), _lanes(noise.key1)]
        operands += [] if coupled else [jnp.arange(components[0].size, dtype=jnp.uint32).reshape(1, -1)]
    if mix is not None and mix.matrices is not None:
        operands.append(jnp.asarray(mix.matrices, dtype))
    results = (coupled_solve_p if coupled else solve_p).bind(*operands, plan=plan, keep=False)
    shaped = [value[..., 0, :] if many else value[..., 0, 0] for value in results]
    size = len(components)
    saved, final = (jax.tree.unflatten(tree, part) for part in (shaped[:size], shaped[size : 2 * size]))
    return Run(saved, final, shaped[2 * size])


def reason_against(equation: Any, dtype: Any, *, channels: Sequence[str], noisy: bool) -> str:
    """Why an equation of motion has no native code, naming the operation and the term; empty where it has."""
    try:
        return failure_of(prepare(equation, dtype, channels=channels, noisy=noisy).program)
    except UnsupportedOperation as problem:
        return str(problem)


def _lanes(value: Any) -> Any:
    """() → (1, 1), (N,) → (1, N)."""
    return jnp.asarray(value).reshape(1, -1)


def _lanes_of_table(value: Any) -> Any:
    """(n,) → (n, 1, 1), (N, n) → (n, 1, N)."""
    value = jnp.asarray(value)
    return value[:, None, None] if value.ndim == 1 else value.T[:, None, :]


def _samples(value: Any, dtype: Any) -> Any:
    """(steps, nodes) → (steps, nodes, 1, 1), (steps, nodes, N) → (steps, nodes, 1, N)."""
    value = jnp.asarray(value, dtype)
    return value[:, :, None, None] if value.ndim == 2 else value[:, :, None, :]
