"""`lg.equilibria`: every state in which a device can rest, whether it would stay there, and how it would ring."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.orbits.carried import carry, held, is_traced
from llgrad.orbits.chart import chart_at
from llgrad.orbits.equilibria.cover import left_over
from llgrad.orbits.equilibria.domain import Domain, domain_of, meant, rates, sum_of_indices
from llgrad.orbits.equilibria.energy import energies, has_energy, moment_of
from llgrad.orbits.equilibria.modes import eigen, rounding_of
from llgrad.orbits.equilibria.result import Equilibria, Equilibrium, columns_of
from llgrad.orbits.equilibria.search import StatesFound, covering, find
from llgrad.orbits.flow import Flow, Model, flow_of

MOST_STARTS: Final = 2048
ROUNDING: Final = 1e-12
"""Energies this near to each other, relative to the largest, are equal."""


def equilibria(
    device: Model,
    *,
    within: Mapping[str, tuple[float, float]] | None = None,
    time: float | None = None,
    starts: int | None = None,
) -> Equilibria:
    """All states in which nothing moves, dy/dt = 0, each with its stability, energy, frequencies, widths,
    ellipticities.

    For an Oscillator these are the states with m × B(m, I) = 0, spin torque included. They are found by Newton's method
    from starts that cover all directions of every unit vector (and a box of other components), at once; each is exact
    to rounding, and its modes are those of the exact slope of the rate. That none is missing is checked: the indices of
    the fixed points must add up to 2 on a sphere (Poincaré–Hopf), and where the state has two degrees of freedom it is
    cut into cells, each shown to hold none but the known ones. `notes` says what was checked, `complete` whether it
    held.

    Every result can be differentiated once in every number of the device (`jax.grad`, `jax.jacfwd`): the states by the
    implicit function theorem, the modes by first-order perturbation. Eigenvalues that meet have no derivative of
    their own and are refused. Computes in float64; derivatives have the precision of JAX.

    Args:
        device: Oscillator, OscillatorArray, System or SystemArray; its direct current is the one that flows.
        within: of a System, the range (low, high) in which a component without a constraint is looked for, by its name;
            by default four times its size in the start of the system, to both sides.
        time: moment [s] at which a System whose rate depends on the time is frozen.
        starts: number of starts, by default 64 · 2ⁿ, at most 2048, for n degrees of freedom.

    Raises ValueError for another kind of device, a name or range that is none, a device that nothing moves, and inside
    jax.jit or jax.vmap.

    >>> import llgrad as lg
    >>> found = lg.equilibria(lg.presets.kubota2013().replace(current=0.3e-3))
    >>> [point.kind for point in found], found.complete
    (['stable', 'unstable', 'unstable', 'saddle'], True)
    >>> round(float(found[0].frequencies[0]) / 1e9, 4), round(float(found[0].widths[0]) / 1e6, 3)
    (1.7283, 4.198)
    """
    numbers = held(device, "equilibria")
    with jax.enable_x64(True):
        flow = flow_of(numbers, time)
        domain = domain_of(flow, within)
        found, begun = _searched(flow, domain, starts)
        found, notes, complete = _checked(flow, domain, found, begun)
        energy = _energies(flow, moment_of(numbers), found, begun)
        order = _order(flow, found, energy)
        found, energy = StatesFound(*(part[order] for part in found)), None if energy is None else energy[order]
    linear = _Linear(device, time, flow, found, energy) if is_traced(device) else None
    points = tuple(_point(device, flow, found, energy, linear, place) for place in range(len(found.states)))
    return Equilibria(points, notes, complete, columns_of(flow), numbers, time, within)


def _order(flow: Flow, found: StatesFound, energy: np.ndarray | None) -> np.ndarray:
    """The stable states first, then by energy, or by growth where there is none."""
    rates = [eigen(matrix)[0].real for matrix in found.stiffness]
    small = [rounding_of(matrix, bool(flow.shape.plain)) for matrix in found.stiffness]
    growth = np.array([part.max() for part in rates])
    grows = np.array([(part > limit).any() for part, limit in zip(rates, small, strict=True)], bool)
    return np.lexsort((growth if energy is None else energy, grows))


def _searched(flow: Flow, domain: Domain, starts: int | None) -> tuple[StatesFound, np.ndarray]:
    """The fixed points that starts (S, d) lead to."""
    if starts is not None and not (isinstance(starts, int) and starts > 0):
        raise ValueError(f"starts = {starts!r}, expected a number of starting states, a positive integer")
    number = min(64 * 2 ** min(flow.shape.freedom, 16), MOST_STARTS) if starts is None else starts
    begun = covering(flow, domain.centre, domain.half_width, number)
    if not rates(flow, begun).any():
        raise ValueError(
            "nothing moves this device, whatever its state: every state is an equilibrium; give it a field"
        )
    return _found(flow, begun), begun


def _found(flow: Flow, starts: np.ndarray) -> StatesFound:
    """The fixed points that starts (S, d) lead to, those with a meaning."""
    found = find(flow, starts)
    return StatesFound(*(part[meant(flow, found.states)] for part in found))


def _checked(
    flow: Flow, domain: Domain, found: StatesFound, begun: np.ndarray
) -> tuple[StatesFound, tuple[str, ...], bool]:
    """The fixed points with those that the checks found, what was checked, and whether all was well."""
    notes, complete = [], True
    if flow.shape.freedom <= 2:
        rest = left_over(flow, domain, found.states, begun)
        if len(rest.missed):
            found = _found(flow, np.concatenate([begun, found.states, rest.missed]))
        decided = not len(rest.centres) or bool((found.degenerate & (found.family > 1)).any())
        complete &= decided
        notes.append(
            "searched cell by cell: no other state is an equilibrium"
            if decided
            else "searched cell by cell: near a state where two equilibria meet the search could not decide"
        )
    curves = found.degenerate & (found.family > 1)
    if curves.any():
        notes.append("a direction that costs nothing: states lie on curves, each told by one of its states")
    expected = sum_of_indices(flow, domain, begun)
    inside = domain.holds(flow, found.states) & ~found.degenerate
    total = int(np.sign(np.linalg.det(found.stiffness[inside])).sum())
    if expected is None:
        complete = False
        notes.append("the rate on the faces of the box points in and out: no sum of indices to check with")
    elif (found.degenerate & ~curves).any():
        complete &= flow.shape.freedom <= 2  # where cells have told
        notes.append("two equilibria meet here, or nearly: their index is not told")
    else:
        complete &= total == expected
        notes.append(
            f"the indices add up to {total}, as they must"
            if total == expected
            else f"the indices add up to {total}, and must to {expected}: an equilibrium is missing; give more starts"
        )
    if flow.shape.plain:
        notes.append(f"searched in {_told_box(flow, domain)}")
    return found, tuple(notes), complete


def _told_box(flow: Flow, domain: Domain) -> str:
    names = flow.shape.names[len(flow.shape.spins) :]
    ends = zip(names, domain.centre - domain.half_width, domain.centre + domain.half_width, strict=True)
    return ", ".join(f"{name} from {low:.4g} to {high:.4g}" for name, low, high in ends)


def _energies(flow: Flow, moment: Any, found: StatesFound, begun: np.ndarray) -> np.ndarray | None:
    """Energies (E,) [J] above the lowest, or None."""
    if moment is None or not len(found.states):
        return None
    if not has_energy(flow, moment, np.concatenate([found.states, begun[:64]])):
        return None
    first = np.asarray(energies(flow, moment, jnp.asarray(found.states)))
    lowest = int(first.argmin())
    order = [lowest, *(place for place in range(len(first)) if place != lowest)]
    above = np.empty(len(first))
    above[order] = np.asarray(energies(flow, moment, jnp.asarray(found.states[order])))
    return np.where(np.abs(above) < ROUNDING * above.max(), 0.0, above)


class _Linear:
    """The derivatives of what was found of a traced device."""

    def __init__(
        self, device: Any, time: float | None, flow: Flow, found: StatesFound, energy: np.ndarray | None
    ) -> None:
        if found.degenerate.any():
            raise ValueError("a curve of equilibria, or two that meet, has no derivative; break its symmetry")
        traced = flow_of(device, time, np.asarray(flow.scale))
        dtype = jnp.result_type(float)
        at, inverse = (jnp.asarray(part, dtype) for part in (found.states, np.linalg.inv(found.stiffness)))
        states, slopes = _moved(traced, at, inverse)
        self.states, self.stiffness = carry(found.states, states), carry(found.stiffness, slopes)
        self.energies = None
        if energy is not None:
            lowest = int(energy.argmin())
            order = np.array([lowest, *(i for i in range(len(energy)) if i != lowest)])
            self.energies = carry(energy, energies(traced, moment_of(device), self.states[order])[np.argsort(order)])


@partial(quick_jit, compiled=jax.jit)
def _moved(flow: Flow, states: Any, inverse: Any) -> tuple[Any, Any]:
    """Fixed points (E, d) after one more step of Newton's method with a held inverse, and their stiffness (E, n, n)."""

    def one(y: Any, inverse: Any) -> tuple[Any, Any]:
        chart = chart_at(flow, y)

        def velocity(q: Any) -> Any:
            return chart.velocity(flow, q)

        q = -inverse @ velocity(jnp.zeros(flow.shape.freedom, y.dtype))
        return chart.state(flow, q), jax.jacfwd(velocity)(q)

    return jax.vmap(one)(states, inverse)


def _point(
    device: Any, flow: Flow, found: StatesFound, energy: np.ndarray | None, linear: _Linear | None, place: int
) -> Equilibrium:
    matrix = found.stiffness[place]
    index = None if found.degenerate[place] else int(np.sign(np.linalg.det(matrix)))
    curve = bool(found.degenerate[place] and found.family[place] > 1)
    y = found.states[place]
    worth = None if energy is None else float(energy[place])
    if linear is None:
        return Equilibrium(in_form(flow, device, y), worth, index, curve, y, matrix, len(flow.shape.spins))
    worth = None if linear.energies is None else linear.energies[place]
    state = in_form(flow, device, linear.states[place])
    return Equilibrium(state, worth, index, curve, y, matrix, len(flow.shape.spins), linear.stiffness[place])


def in_form(flow: Flow, device: Any, y: Any) -> Any:
    """A state as `simulate` takes it."""
    if isinstance(device, (Oscillator, OscillatorArray)):
        return y.reshape(-1, 3) if flow.count else y
    if not isinstance(y, np.ndarray):
        return flow.state(y)
    parts = y.reshape(flow.wide, -1).T
    return jax.tree.unflatten(flow.tree, list(parts) if flow.count else [float(part[0]) for part in parts])
