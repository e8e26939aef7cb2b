"""The time step: chosen from the largest field, and checked against it."""

from __future__ import annotations

import math
from typing import Any, Final

import jax
import numpy as np
from jax.core import Tracer

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import is_concrete, tables_of
from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.drive import Drive, check_drive
from llgrad.kernels.steppers import RK4, Stepper
from llgrad.physics.equation import BUILT_IN, Equation, equation_of_motion

ANGLE: Final = {2: 0.02, 4: 0.05, 5: 0.1, 8: 0.7}
"""Precession angle γ|B|dt [rad] of a suggested step, by the order of the stepper: errors near 1e-5 after 50 ns."""

MOMENTS: Final = (0.0, *np.geomspace(1e-3, 1e3, 64).tolist())
"""Times [ns] at which a field that changes with time is looked at."""


def is_traced(*trees: Any) -> bool:
    """Whether any leaf of the trees is a tracer."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(trees))


def largest_rate(model: Oscillator | OscillatorArray, drive: Drive | None = None) -> float:
    """The largest precession rate γ|B| [rad/s] over the sphere, drive peaks and coupling included.

    |B| is evaluated with the device's own terms at 258 directions, at the highest and lowest current; where a term asks
    for the time, at 65 times from 0 and 1 ps to 1 µs.
    """
    array = isinstance(model, OscillatorArray)
    device = _map_but_tables(_row, model.oscillator if array else model)
    equation = equation_of_motion(device)
    peak = (drive or Drive()).peak().filled()
    extra = np.sqrt(np.asarray(peak.field.norm2(), dtype=float))
    weights = getattr(model.coupling, "weights", None) if array else None
    if weights is not None and is_concrete(weights):
        extra = extra + _largest_fields(np.asarray(weights))
    worst = 0.0
    for swing in (-np.asarray(peak.current), np.asarray(peak.current)):
        field = _field(equation, swing)
        size = np.sqrt(np.asarray(field.x) ** 2 + np.asarray(field.y) ** 2 + np.asarray(field.z) ** 2)
        worst = max(worst, float(np.max(np.asarray(equation.gamma) * 1e9 * (size + extra))))
    return worst


def _row(leaf: Any) -> Any:
    """A leaf (N,) as a row (1, N), or as one number where all are alike."""
    if not np.ndim(leaf):
        return leaf
    values = np.ravel(np.asarray(leaf, dtype=float))
    return float(values[0]) if values.size and (values == values[0]).all() else values[None]


def _map_but_tables(function: Any, tree: Any) -> Any:
    """`jax.tree.map` that leaves tables as they are."""
    leaves, structure = jax.tree.flatten(tree)
    tables = tables_of(structure)
    found = [leaf if table else function(leaf) for leaf, table in zip(leaves, tables, strict=True)]
    return jax.tree.unflatten(structure, found)


def _largest_fields(weights: np.ndarray) -> np.ndarray:
    """A bound on the coupling field of each oscillator [T], (N,), of one weight or a matrix for each pair."""
    size = np.abs(weights) if weights.ndim == 2 else np.linalg.norm(weights, axis=(2, 3))
    return size.sum(axis=1)


def _field(equation: Equation, current: Any) -> Vec3:
    """The effective field [T] in all directions, components (258, 1), or (258, N); with a first axis of several times
    where a term asks for the time."""
    if len(equation.terms) == BUILT_IN:
        return equation.effective_field(_directions(), Vec3(0.0, 0.0, 0.0), current)
    # A term of the user's is written for scalars, with jax.numpy, which traces inside jit even on plain numbers.
    with jax.ensure_compile_time_eval():
        leaves, tree = jax.tree.flatten(equation)
        spread = [
            isinstance(leaf, np.ndarray) and not table for leaf, table in zip(leaves, tables_of(tree), strict=True)
        ]
        size = max((leaf.size for leaf, own in zip(leaves, spread, strict=True) if own), default=1)
        wide = [np.broadcast_to(leaf.ravel(), size) if own else None for leaf, own in zip(leaves, spread, strict=True)]

        def one(m: Vec3, current: Any, given: list[Any], time: Any) -> Vec3:
            filled = [leaf if value is None else value for leaf, value in zip(leaves, given, strict=True)]
            return jax.tree.unflatten(tree, filled).effective_field(m, Vec3(0.0, 0.0, 0.0), current, time)

        currents = np.broadcast_to(np.ravel(current), size).astype(float)
        lanes = jax.vmap(one, in_axes=(None, 0, 0, None))
        turned = jax.vmap(lanes, in_axes=(0, None, None, None))
        directions = jax.tree.map(np.ravel, _directions())
        if not equation.uses_time:
            return turned(directions, currents, wide, 0.0)
        moments = np.array(MOMENTS)
        return jax.vmap(turned, in_axes=(None, None, None, 0))(directions, currents, wide, moments)


def suggest_dt(
    model: Oscillator | OscillatorArray, drive: Drive | None = None, stepper: Stepper | None = None
) -> float:
    """A time step [s] for this device and drive: γ|B|max·dt = 0.05 rad for RK4 (0.02 for Heun, 0.1 for fifth order,
    0.7 for eighth).

    A drive's fastest period or rise takes at least 20 steps. Raises ValueError where a value is traced.

    >>> import llgrad as lg
    >>> round(lg.solvers.suggest_dt(lg.presets.kubota2013()) * 1e12, 1)
    4.4
    """
    check_kind("model", model, (Oscillator, OscillatorArray), "see llgrad.presets")
    check_drive(drive)
    if is_traced(model, drive):
        raise ValueError(
            "the step cannot be chosen from traced values; under jit, vmap and grad give dt=… (suggest_dt "
            "outside gives one)"
        )
    stepper = stepper or RK4()
    dt = ANGLE[stepper.tableau.order] / max(largest_rate(model, drive), 1e3)
    return dt if drive is None else min(dt, float(drive.shortest_time()) / 20)


def check_dt_is_time(dt: Any) -> float:
    """The time step itself; raises ValueError where it is no time."""
    if isinstance(dt, bool) or not (isinstance(dt, (int, float)) and dt > 0 and math.isfinite(dt)):
        raise ValueError(f"dt = {dt!r}, expected a positive number of seconds known before the run, such as 1e-12")
    return float(dt)


def check_dt(dt: Any, model: Oscillator | OscillatorArray, drive: Drive | None, stepper: Stepper) -> float:
    """The time step itself, where it is one.

    Raises ValueError where dt turns m by more than the stepper's limit in one step, with the largest dt that does not.
    Nothing is checked where a value is traced: the run's status tells then.
    """
    dt = check_dt_is_time(dt)
    if is_traced(model, drive):
        return dt
    rate = largest_rate(model, drive)
    if rate * dt > stepper.limit:
        raise ValueError(
            f"dt = {dt * 1e12:.4g} ps turns m by {rate * dt:.3g} rad in a step at the largest field, more "
            f"than {stepper.limit} rad; "
            f"the largest safe dt is {stepper.limit / rate * 1e12:.4g} ps, and suggest_dt gives "
            f"{suggest_dt(model, drive, stepper) * 1e12:.4g} ps"
        )
    return float(dt)


def _directions() -> Vec3:
    """258 directions spread evenly over the sphere (a Fibonacci lattice and the poles), components (258, 1)."""
    index = np.arange(256) + 0.5
    z = np.concatenate([1 - 2 * index / 256, [1.0, -1.0]])
    azimuth = np.concatenate([math.pi * (1 + math.sqrt(5)) * index, [0.0, 0.0]])
    radius = np.sqrt(1 - z * z)
    return Vec3((radius * np.cos(azimuth))[:, None], (radius * np.sin(azimuth))[:, None], z[:, None])
