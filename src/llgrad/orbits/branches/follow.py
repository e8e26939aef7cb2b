"""`lg.follow` and `lg.orbits.thresholds`: branches over a range of one number, and their critical points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import as_count
from llgrad.core.speed.starting import check_platform
from llgrad.core.units import show
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.orbits.branches.critical import Critical, branch_point, fold_point, hertz, hopf_point, is_crossing, moved
from llgrad.orbits.branches.cycles.following import with_cycles
from llgrad.orbits.branches.family import Family, FollowedRange, family_of, local_at, range_of, set_value
from llgrad.orbits.branches.indices import wrong_sums
from llgrad.orbits.branches.normal_form import first_lyapunov
from llgrad.orbits.branches.result import Branch, Branches, Threshold
from llgrad.orbits.branches.standing import told_of_curves
from llgrad.orbits.branches.tracing import Trail, trail_through
from llgrad.orbits.carried import held, is_traced
from llgrad.orbits.equilibria.domain import domain_of
from llgrad.orbits.equilibria.equilibria import equilibria
from llgrad.orbits.equilibria.modes import ROUNDED, eigen, rounding_of
from llgrad.orbits.equilibria.result import columns_of
from llgrad.orbits.flow import Model, depends_on_time, is_coupled
from llgrad.orbits.results.signals import Observable

BEGUN: Final = (0.0007, 0.9991, 0.5003, 0.2411, 0.7603, 0.1207, 0.8809)
"""Parts of the range at which all fixed points are looked for: none of a round number, at which a symmetry may hold."""
ON_BRANCH: Final = 2e-3
"""A fixed point this near to a branch is on it."""
SOLVED: Final = 1e-8
ROUNDING: Final = 1e-12
SLOWEST: Final = 1e-6
"""Least frequency of a Hopf point, relative to its two eigenvalues beside it: at none two real ones meet at 0."""
MOST_DOUBLINGS: Final = 6
UNTOLD: Final = "the rate on the faces of the box points in and out, so that there is no sum of indices to check with"
AT_EDGE: Final = 1e-9
"""A Hopf point so near to an end of the range, in parts of it, is at it but for rounding."""
SAME, APART = 1e-7, 1e-4
"""Critical points nearer than this, in parts of the range and in radians or units of their scale, are one."""


class Searched(NamedTuple):
    """What looking for fixed points at several values told."""

    curved: list[float]
    """At which of them there are curves of fixed points, which are not followed."""
    unsure: tuple[str, ...]
    """What kept the search from telling whether one is missing, at the first of them where that is so."""


def follow(
    device: Model,
    parameter: str,
    start: float,
    stop: float,
    *,
    within: Mapping[str, tuple[float, float]] | None = None,
    time: float | None = None,
    cycles: bool = True,
    doublings: int = 0,
    observable: Observable | str | None = None,
) -> Branches:
    """All branches of fixed points and limit cycles as one number of the device goes from `start` to `stop`, with their
    critical points.

    Each branch is followed by pseudo-arclength, so it goes on round folds, where two fixed points or two cycles meet
    and vanish, and through unstable parts. Branches of fixed points begin at all that there are at seven values of the
    number; those of cycles at each Hopf point, and at the cycles that are found by looking at three values (round each
    state at rest, and from the start of a run). A branch that closes on itself between those values is not found.

    Critical points of fixed points are solved by their own equations (`thresholds`); those of cycles along their
    branch: "fold of cycles", "period doubling", "torus" (Neimark–Sacker) and "branch point of cycles". A branch of
    cycles ends at the edge of the range, at a Hopf point, where its period grows without bound, or says why.

    Where cycles of every size stand at one value, as round a centre, they are one branch with that value
    (`CycleBranch.stands`) and no critical points; it is followed as far as `within` reaches, and branches that cross it
    are followed from there. Curves of states at rest are told by a sentence (`Branches.notes`).

    Args:
        device: Oscillator, OscillatorArray, System or SystemArray.
        parameter: path of the number that is followed, such as "current" or "field.z", of an array that of all members
            alike.
        start: first value, in SI units.
        stop: last value.
        within: of a System, the range in which a component without a constraint is looked for, as in `equilibria`, and
            how far a family of cycles that stands at one value is followed.
        time: moment [s] at which a System whose rate depends on the time is frozen; it has no cycles then.
        cycles: whether cycles are followed too.
        doublings: how many times branches are followed that begin at a period doubling: 1 for the cycles of two turns.
        observable: what the extremes of a cycle are told of, as in `Orbit.harmonics`: by default m·p of a device.

    Raises ValueError for a number that the device has not, for equal ends, and inside jax.jit or jax.vmap. The critical
    points of fixed points have derivatives in the numbers of the device, cycles have none: differentiate with
    cycles=False.

    >>> import llgrad as lg
    >>> branches = lg.follow(lg.presets.kubota2013(), "current", 0.2e-3, 1e-3)
    >>> [threshold.kind for threshold in branches.thresholds]
    ['Hopf']
    >>> (orbit,) = branches.orbits(0.5e-3)
    >>> round(float(orbit.frequency) / 1e9, 4), branches.cycles[0].ends[1].kind
    (1.1362, 'edge')
    """
    kinds = (Oscillator, OscillatorArray, System, SystemArray)
    check_kind("device", device, kinds, "see llgrad.presets, or write a System")
    check_platform()
    _check(device, cycles, doublings)
    numbers = held(device, "follow")
    with jax.enable_x64(True):
        span = range_of(numbers, parameter, start, stop)
        family = family_of(numbers, span, time)
        trails, searched = _trails(family, span, within, time)
        critical = [_critical(family, span, trail) for trail in trails]
        branches = tuple(_branch(family, *pair) for pair in zip(trails, critical, strict=True))
        found = _unique(family, [threshold for points in critical for _, threshold in points])
        names = columns_of(family.flow(span.start))
        span = span._replace(box=_box(family, span, within))
        notes, complete = _completeness(family, span, branches, found, within, searched)
    if is_traced(device):
        found = [_carried(device, family, point) for point in found]
    points = tuple(sorted(found, key=lambda point: point.held))
    over = span.start, span.stop
    result = Branches(branches, points, parameter, span.unit, over, numbers, names, notes=notes, complete=complete)
    note = _no_cycles(numbers, family, span.start) if cycles else "cycles were not followed"
    return replace(result, note=note) if note else with_cycles(result, span, observable, doublings)


def _check(device: Any, cycles: Any, doublings: Any) -> None:
    count = as_count(doublings)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MOST_DOUBLINGS:
        raise ValueError(f"doublings = {doublings!r}, expected a whole number from 0 to {MOST_DOUBLINGS}")
    if count and not cycles:
        raise ValueError(f"doublings = {count} are of cycles, which are left out; leave out cycles=False")
    if cycles and is_traced(device):
        raise ValueError("cycles have no derivative on their branches; to differentiate thresholds give cycles=False")


def _no_cycles(device: Any, family: Family, start: float) -> str:
    """Why a device has no cycles to follow; empty where it may have some."""
    if family.time is not None and depends_on_time(family.flow(start)):
        return "cycles were not followed: the rate depends on the time"
    if isinstance(device, (OscillatorArray, SystemArray)) and device.count > 1 and not is_coupled(device):
        return "cycles were not followed: the oscillators of this array are not coupled, so each has a phase of its own"
    return "" if family.shape.freedom > 1 else "no cycles: the state is one number"


def thresholds(
    device: Model,
    parameter: str,
    start: float,
    stop: float,
    *,
    within: Mapping[str, tuple[float, float]] | None = None,
    time: float | None = None,
) -> tuple[Threshold, ...]:
    """Where fixed points begin to oscillate, meet, or change their stability as one number goes from `start` to `stop`.

    A Hopf point, from which a cycle grows, solves dq/dt = 0 and A x = iω x; a fold, at which two fixed points meet,
    dq/dt = 0 and A x = 0, with A the exact slope of the rate. Their values are exact to rounding, and can be
    differentiated once in every number of the device. For the arguments and errors see `follow`.

    >>> import llgrad as lg
    >>> (onset,) = lg.orbits.thresholds(lg.presets.kubota2013(), "current", 0.2e-3, 1e-3)
    >>> onset.kind, round(float(onset.value) * 1e3, 5), onset.supercritical
    ('Hopf', 0.396, True)
    """
    return follow(device, parameter, start, stop, within=within, time=time, cycles=False).thresholds


def _trails(family: Family, span: FollowedRange, within: Any, time: float | None) -> tuple[list[Trail], Searched]:
    """The branches through every fixed point at several values of the number, and what the search told there."""
    trails: list[Trail] = []
    curved: list[float] = []
    unsure: tuple[str, ...] = ()
    for part in BEGUN:
        value = span.start + part * (span.stop - span.start)
        points = equilibria(set_value(family.device, span.path, value), within=within, time=time)
        if not points.complete and not unsure:
            at = show(float(f"{value:.5g}"), span.unit)
            unsure = tuple(
                f"at {span.path} = {at}: {note}" for note in points.notes if not note.startswith("searched in")
            )
        for point in points:
            if point.curve:
                curved.append(value)
            elif not any(_is_on(family, trail, point.y, value) for trail in trails):
                trails.append(trail_through(family, span, point.y, value))
    return trails, Searched(curved, unsure)


def _box(family: Family, span: FollowedRange, within: Any) -> tuple[np.ndarray, np.ndarray]:
    """The range of each number of a state, infinite of unit vectors."""
    domain, plain = domain_of(family.flow(span.start), within), list(family.shape.plain)
    low, high = np.full(family.shape.size, -np.inf), np.full(family.shape.size, np.inf)
    low[plain], high[plain] = domain.centre - domain.half_width, domain.centre + domain.half_width
    return low, high


def _is_on(family: Family, trail: Trail, y: np.ndarray, value: float) -> bool:
    """Whether a fixed point is on a branch, which is straight enough between two of its points."""
    side = np.sign(trail.values - value)
    scale = np.ones(len(y))
    scale[list(family.shape.plain)] = np.asarray(family.scale)
    for i in np.flatnonzero(side[:-1] * side[1:] <= 0).tolist():
        gap = trail.values[i + 1] - trail.values[i]
        part = 0.5 if gap == 0 else (value - trail.values[i]) / gap
        near = (1 - part) * trail.y[i] + part * trail.y[i + 1]
        if np.linalg.norm((near - y) / scale) < ON_BRANCH:
            return True
    return False


def _completeness(
    family: Family, span: FollowedRange, branches: Any, found: list[Threshold], within: Any, searched: Searched
) -> tuple[tuple[str, ...], bool]:
    """What there is to say of curves of states at rest, and of branches that are missing; whether none is."""
    notes = told_of_curves(family, span, found, searched.curved)
    wrong = [] if searched.curved else wrong_sums(family, span, branches, found, within)
    for one in wrong:
        if one.expected is None:
            continue
        at = show(float(f"{one.value:.5g}"), span.unit)
        notes += (
            f"at {span.path} = {at} the indices of the states at rest add up to {one.total}, and must to "
            f"{one.expected}: a branch is missing there",
        )
    complete = not (searched.unsure or wrong or searched.curved)
    if not (complete or notes):
        untold = (f"whether every branch was found is not known: {UNTOLD}",)
        notes += searched.unsure or untold
    return notes, complete


def _branch(family: Family, trail: Trail, critical: list[tuple[int, Threshold]]) -> Branch:
    """A branch with its critical points among its points, each as stable as the more stable of its neighbours."""
    plain = bool(family.shape.plain)
    growing = np.array([_growing(matrix, plain) for matrix in trail.matrices])
    neutral = _neighbouring([_is_neutral(matrix, plain) for matrix in trail.matrices])
    values, y, matrices = trail.values, trail.y, trail.matrices
    for i, point in sorted(critical, key=lambda pair: -pair[0]):
        slope = np.asarray(local_at(family, jnp.asarray(point.y), point.held).slope)[:, :-1]
        growing = np.insert(growing, i + 1, min(growing[i], growing[i + 1]))
        neutral = np.insert(neutral, i + 1, neutral[i] and neutral[i + 1])
        values, y = np.insert(values, i + 1, point.held), np.insert(y, i + 1, point.y, axis=0)
        matrices = np.insert(matrices, i + 1, slope, axis=0)
    return Branch(values, y, growing, matrices, trail.ends, neutral)


def _is_neutral(matrix: np.ndarray, plain: bool) -> bool:
    return bool((np.abs(eigen(matrix)[0].real) <= rounding_of(matrix, plain)).any())


def _neighbouring(flags: list[bool]) -> np.ndarray:
    """Which of the flags (P,) a neighbour has too: one alone is a critical point that was met exactly."""
    padded = np.concatenate([[False], flags, [False]])
    return padded[1:-1] & (padded[:-2] | padded[2:])


def _growing(matrix: np.ndarray, plain: bool) -> int:
    return int((eigen(matrix)[0].real > rounding_of(matrix, plain)).sum())


def _critical(family: Family, span: FollowedRange, trail: Trail) -> list[tuple[int, Threshold]]:
    """The critical points between the points of a branch. At one of its ends only a Hopf point is told: what else is
    there may be a curve of fixed points, as a ring without a current.
    """
    found = []
    growing = [_growing(matrix, bool(family.shape.plain)) for matrix in trail.matrices]
    for i in range(len(growing) - 1):
        # det A, the number's part of the tangent and the side of the branch: each is the product of the other two
        folds = trail.tangents[i, -1] * trail.tangents[i + 1, -1] < 0
        crosses = trail.sides[i] != trail.sides[i + 1]
        if folds or crosses:
            place = _nearest(trail, i, folds)
            kind = branch_point if crosses else fold_point
            source = trail.y[place], float(trail.values[place]), trail.matrices[place]
            found.append((i, _told(family, kind(family, *source), trail, i)))
        if abs(growing[i + 1] - growing[i]) >= 2 or (growing[i] != growing[i + 1] and not (folds or crosses)):
            found += [(i, point) for point in _hopf_points(family, trail, i)]
    inside = [(i, point) for i, point in found if point is not None]
    apart = [np.abs(trail.values[[0, -1]] - point.held).min() for _, point in inside]
    between = [pair for pair, far in zip(inside, apart, strict=True) if far > AT_EDGE * family.size]
    return between + _hopfs_at_ends(family, span, trail)


def _hopfs_at_ends(family: Family, span: FollowedRange, trail: Trail) -> list[tuple[int, Threshold]]:
    """Hopf points at an end of the range itself: a pair of eigenvalues is on the axis there, and not beside it."""
    found, count = [], len(trail.values)
    for place, beside, i in ((0, 1, 0), (count - 1, count - 2, count - 2)) if count > 1 else ():
        edge = float(trail.values[place])
        pairs = [len(_neutral_pairs(trail.matrices[j], bool(family.shape.plain))) for j in (place, beside)]
        if edge in (span.start, span.stop) and pairs[0] > pairs[1]:
            points = [point for point in _hopfs_from(family, trail, i, place) if point is not None]
            near = [point for point in points if abs(point.held - edge) <= AT_EDGE * family.size]
            found += [(i, replace(point, value=edge, held=edge)) for point in near]
    return found


def _neutral_pairs(matrix: np.ndarray, plain: bool) -> list[complex]:
    """The eigenvalues, one of each pair, that turn and neither grow nor decay."""
    values = eigen(matrix)[0]
    still, slowest = np.abs(values.real) <= rounding_of(matrix, plain), SLOWEST * np.abs(values).max()
    return values[still & (values.imag > slowest)].tolist()


def _turns(trail: Trail, i: int, omega: float) -> bool:
    """Whether a pair of eigenvalues ±iω turns: the two nearest to it at both points beside it tell what is little."""
    beside = [eigen(matrix)[0] for matrix in trail.matrices[i : i + 2]]
    pairs = [values[np.argsort(np.abs(values - sign * 1j * omega))[0]] for values in beside for sign in (1, -1)]
    fastest = max(np.abs(values).max() for values in beside)
    return omega > max(SLOWEST * np.abs(pairs).max(), ROUNDED * fastest)


def _nearest(trail: Trail, i: int, folds: bool) -> int:
    """Which of two points is nearer to the critical one between them."""
    if folds:
        return i + int(abs(trail.tangents[i + 1, -1]) < abs(trail.tangents[i, -1]))
    sizes = [np.linalg.svd(matrix, compute_uv=False)[-1] for matrix in trail.matrices[i : i + 2]]
    return i + int(sizes[1] < sizes[0])


def _hopf_points(family: Family, trail: Trail, i: int) -> list[Threshold | None]:
    """Hopf points, where a pair of eigenvalues crosses the imaginary axis."""
    rates = [np.abs(eigen(matrix)[0].real).min() for matrix in trail.matrices[i : i + 2]]
    return _hopfs_from(family, trail, i, i + int(rates[1] < rates[0]))


def _hopfs_from(family: Family, trail: Trail, i: int, place: int) -> list[Threshold | None]:
    """Those that are solved from one of two points of a branch, for each pair that turns there."""
    y, value, matrix = trail.y[place], float(trail.values[place]), trail.matrices[place]
    values, vectors = eigen(matrix)
    turning = [j for j in np.argsort(np.abs(values.real)).tolist() if values[j].imag > ROUNDED * np.abs(values).max()]
    found = [hopf_point(family, y, value, vectors[:, j], float(values[j].imag)) for j in turning]
    return [_told(family, point, trail, i) for point in found]


def _told(family: Family, point: Critical, trail: Trail, i: int) -> Threshold | None:
    """A critical point as it is told; None where the equations led elsewhere."""
    value, y, left, kind = float(point.value), np.asarray(point.y), float(point.left), point.source.kind
    places = [np.append(trail.y[j], trail.values[j] / family.size) for j in (i, i + 1)]
    near = np.linalg.norm(np.append(y, value / family.size) - places[0])
    if not (np.isfinite(y).all() and left < SOLVED * np.abs(trail.slopes[i]).max()):
        return None
    if kind == "branch point" and not is_crossing(point, trail.slopes[i]):
        return None
    if near > 2 * np.linalg.norm(places[1] - places[0]) or (
        kind == "Hopf" and not _turns(trail, i, float(point.omega))
    ):
        return None
    lyapunov = first_lyapunov(family, y, value, float(point.omega)) if kind == "Hopf" else None
    value = 0.0 if abs(value) < ROUNDING * family.size else value
    return Threshold(kind, value, value, float(hertz(point.omega)), y, lyapunov, point)


def _unique(family: Family, found: list[Threshold]) -> list[Threshold]:
    """Each critical point once: two branches that cross have one in common."""
    kept: list[Threshold] = []
    scale = np.ones(family.shape.size)
    scale[list(family.shape.plain)] = np.asarray(family.scale)
    for one in found:
        if not any(
            one.kind == other.kind
            and abs(one.held - other.held) <= SAME * family.size
            and np.abs((one.y - other.y) / scale).max() < APART
            for other in kept
        ):
            kept.append(one)
    return kept


def _carried(device: Any, family: Family, point: Threshold) -> Threshold:
    """A critical point with its derivatives."""
    if point.kind == "branch point":
        raise ValueError("a branch point, where a symmetry breaks, has no derivative here; leave it out of the range")
    traced = Family(device, jnp.asarray(family.scale), family.size, family.time, family.path, family.shape)
    value, omega = moved(traced, point.source)
    return Threshold(point.kind, value, point.held, hertz(omega), point.y, point.lyapunov, point.source)
