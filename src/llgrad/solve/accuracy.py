"""The time step from an accuracy: the longest whose error in the end state, estimated by Richardson's extrapolation, is
small enough.

The run is taken with a step h and with h/2. For a method of order p the first is wrong by |m_h − m_{h/2}|/(1 − 2⁻ᵖ)
(Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, section II.4). Where that is too much, h becomes
shorter by the p-th root. The step is a number that derivatives do not see.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import is_concrete
from llgrad.core.speed.namespace import fixed
from llgrad.core.trajectory import Stats
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.system import System
from llgrad.drives.base import Waveform
from llgrad.drives.drive import Drive
from llgrad.kernels.steppers import DormandPrince8, Stepper, Tsitouras5
from llgrad.solve.native import Native, end_of, reason_against
from llgrad.solve.parts.division import parts_of, steps_of_a_part
from llgrad.solve.saving import MOST_PIECES, Edges, End, Every, Interval, TimeGrid, cut_at, grid_of
from llgrad.solve.step_size import ANGLE, is_traced, largest_rate
from llgrad.solve.systems import rate_of_system
from llgrad.solve.task import Engine, Task
from llgrad.solve.xla import XLA

LOOSE: Final = 1e-4
"""From this accuracy on the fifth order is cheaper than the eighth."""
OF_THE_DRIVE: Final = 5
"""A first step is at most this part of a drive's shortest time: a rise is not stepped over unseen."""
TRIES: Final = 12
MOST_STEPS: Final = 4_000_000
WORTH: Final = 1.15
"""A step that can be so many times as long is tried."""
MOST_PIECES_OF_A_SCAN: Final = 8
HIGH: Final = 5
"""From this order of the stepper on steps end at the edges of a drive."""
STEPS_OF_AN_EDGE: Final = 20
"""A step in an edge is at most this part of the shortest time in it, where the step is given."""
TRACED: Final = "the knots of the drive are traced, so they may fall within steps, where no method keeps its order"
WITHIN: Final = (
    "the knots of the drive fall within steps, where no method keeps its order; a duration and samples on a common "
    "grid avoid it"
)
UNALIGNED: Final = 2.0
"""What a difference is multiplied by where knots fall within steps: the order is at least 1 then."""
SEARCHED: Final = 2000
"""Numbers of steps that are tried until the knots of a drive fall on ends of steps."""


class ChosenGrid(NamedTuple):
    """A grid, the estimated error of its end state (NaN where it cannot be told, None where nobody asks), and what
    there is to say."""

    grid: TimeGrid
    error: float | None
    reason: str


def stepper_for(accuracy: float) -> Stepper:
    """The cheapest stepper for an accuracy."""
    return DormandPrince8() if accuracy < LOOSE else Tsitouras5()


def checked_accuracy(accuracy: Any, dt: Any, key: Any, engine: Any) -> float:
    """The accuracy itself, where it is one.

    Raises ValueError where it is none, or comes with a step, with noise, or with an engine that chooses its steps.
    """
    number = isinstance(accuracy, (int, float)) and not isinstance(accuracy, bool)
    if not number or not 0 < accuracy < 1:
        raise ValueError(f"accuracy = {accuracy!r}, expected the largest error of the end state, such as 1e-6")
    if dt is not None:
        raise ValueError("accuracy chooses the time step, and dt gives it; leave one of the two out")
    if key is not None:
        raise ValueError("accuracy is that of a run without noise; with a key give dt, or leave both out")
    if engine is not None and not isinstance(engine, (Native, XLA)):
        raise ValueError(f"accuracy chooses the steps of Native() and XLA(); {type(engine).__name__} has its own rtol")
    least = 1e3 * float(jnp.finfo(jnp.result_type(float)).eps)
    if accuracy < least:
        raise ValueError(
            f"accuracy = {accuracy:g} is below the rounding of a run in {jnp.result_type(float)}, about {least:.1g}"
            + ("" if least < 1e-9 else '; in float64 (jax.config.update("jax_enable_x64", True)) it can be reached')
        )
    return float(accuracy)


class Wanted(NamedTuple):
    """A run without its grid: the task on one, from a start, of a model and a drive; and what it is for."""

    task: Callable[[TimeGrid, Any, Any, Any], Task]
    model: Any
    drive: Drive | Mapping[str, Waveform] | None
    start: Any
    duration: float
    save: Every | End | Interval
    polynomial: bool
    groups: tuple[tuple[int, ...], ...] | None = None
    """Of a system: which components of its state are measured together, relative to the size of the largest state; a
    device's m is measured as it is."""


class _Plan(NamedTuple):
    """What is known before the first try: the edges of the drive, a sentence on them, the longest step that may be
    tried, and the first one."""

    edges: Edges
    traced: str
    longest: float
    begun: float


Heard = Callable[[], None] | None
"""What is called every tenth of a second while runs are taken, so that Ctrl-C is heard; None takes each in one go."""


def choose_step(wanted: Wanted, accuracy: float, engine: Engine, heard: Heard = None) -> ChosenGrid:
    """The grid with the longest steps whose end state is right within `accuracy`.

    Raises ValueError where values are traced.
    """
    model, drive, start = fixed((wanted.model, wanted.drive, wanted.start))
    first = wanted.task(TimeGrid(1, 1e-12, 1, False), start, model, drive)
    if is_traced(first):
        raise ValueError(
            "accuracy= chooses the step from known values, and here some are traced by jit or vmap; give stepper= and "
            "dt=, for example those of stats of one run with accuracy= outside"
        )
    plan = _plan_of(wanted, first, model, drive, accuracy, engine)
    order, dt = first.stepper.tableau.order, plan.begun
    grid, good = first.grid, None
    errors: list[float] = []
    for _ in range(TRIES):
        grid, said = _aligned(wanted, dt, plan.edges.scaled(min(dt / plan.begun, 1.0)), most_pieces(engine))
        said = said or plan.traced
        if 2 * grid.whole > MOST_STEPS or (good is not None and grid.dt <= good.grid.dt):
            break
        run = dataclasses.replace(first, grid=grid)
        error = _difference(run, engine, heard, wanted.groups) * (UNALIGNED if said else 1 / (1 - 2.0**-order))
        factor = (0.5 * accuracy / error) ** (1 / order) if 0 < error < math.inf else 2.0 if error == 0 else 0.5
        errors.append(error)
        if error <= accuracy:
            good, dt = ChosenGrid(grid, error, said), min(plan.longest, grid.dt * min(factor, 2.0))
            if factor < WORTH:
                break
        elif good is None and _stays(errors):
            break
        else:
            dt = min(grid.dt, dt) * min(max(factor, 0.2), 0.9)
            if good is not None and dt < WORTH * good.grid.dt:
                break
    return good or ChosenGrid(grid, math.nan, _unreachable(accuracy, grid, errors))


def _plan_of(wanted: Wanted, first: Task, model: Any, drive: Any, accuracy: float, engine: Engine) -> _Plan:
    rate = rate_of_system(model, first) if isinstance(model, (System, SystemArray)) else largest_rate(model, drive)
    rate, order = max(rate, 1e3), first.stepper.tableau.order
    edges, traced = edges_of(drive, wanted.duration, OF_THE_DRIVE)
    few = len(edges.knots) <= most_pieces(engine)
    times = [float(one.calmest_time() if few else one.shortest_time()) for one in _waveforms(drive)]
    longest = min([first.stepper.limit / rate, *(time / OF_THE_DRIVE for time in times)])
    return _Plan(edges, traced, longest, min(longest, ANGLE[order] / rate * (accuracy / 1e-5) ** (1 / order)))


def grid_again(wanted: Wanted, stats: Stats, engine: Engine) -> TimeGrid | None:
    """The grid that `choose_step` found for a run of these numbers; None where they do not tell."""
    edges, _ = edges_of(fixed(wanted.drive), wanted.duration, OF_THE_DRIVE)
    if edges.slow:
        return None
    grid, _ = _aligned(wanted, stats.dt * (1 + 1e-12), edges, most_pieces(engine))
    same = (grid.whole, grid.save_every, grid.samples) == (stats.steps, stats.save_every, stats.samples)
    return grid if not edges.knots or (same and grid.dt == stats.dt) else None


def _stays(errors: list[float]) -> bool:
    """Whether shorter steps have not helped three times."""
    return len(errors) > 3 and not min(errors[-3:]) < 0.5 * errors[-4]


def _unreachable(accuracy: float, grid: TimeGrid, errors: list[float]) -> str:
    least = min((error for error in errors if math.isfinite(error)), default=math.nan)
    return (
        f"the end state cannot be told within {accuracy:g}: with steps down to {grid.dt * 1e12:.3g} ps two runs still "
        f"differ by {least:.2g}; the run is chaotic, or so long that rounding grows to that; ask for a shorter "
        "duration or a larger accuracy"
    )


def _waveforms(drive: Drive | Mapping[str, Waveform] | None) -> list[Waveform]:
    """The waveforms of a device's drive, or of a system's inputs."""
    if drive is None:
        return []
    return list(drive.values() if isinstance(drive, Mapping) else drive.channels().values())


def edges_of(drive: Drive | Mapping[str, Waveform] | None, duration: float, part: float) -> tuple[Edges, str]:
    """What a drive asks of the steps of a run, those in an edge at most a `part` of its shortest time; and a sentence
    where its knots are not known."""
    knots: set[float] = set()
    slow: list[tuple[float, float, float]] = []
    waveforms = _waveforms(drive)
    traced = any(not is_concrete(knot) for waveform in waveforms for knot in waveform.knots())
    for waveform in waveforms:
        knots |= {float(knot) for knot in np.ravel(np.asarray([] if traced else waveform.knots(), dtype=float))}
        for edge in waveform.edges():
            if all(map(is_concrete, edge)):
                lanes = np.broadcast_arrays(*(np.ravel(np.asarray(time, dtype=float)) for time in edge))
                slow += [
                    (a, b, shortest / part) for a, b, shortest in zip(*(lane.tolist() for lane in lanes), strict=True)
                ]
    inside = tuple(sorted(knot for knot in knots if 0 < knot < duration))
    return Edges(inside, tuple(slow)), TRACED if traced else ""


def most_pieces(engine: Engine) -> int:
    """Pieces that a run may have: a scan compiles each anew."""
    return MOST_PIECES_OF_A_SCAN if isinstance(engine, XLA) else MOST_PIECES


def cut(
    grid: TimeGrid, drive: Drive | Mapping[str, Waveform] | None, order: int, duration: float, engine: Engine, key: Any
) -> ChosenGrid:
    """The grid with steps that end at the edges of a drive, where the order is high enough for that to matter; and a
    sentence where it has none. With noise, or an engine of its own steps, it stays as it is."""
    if order < HIGH or not drive or not grid.steps or key is not None or not isinstance(engine, (Native, XLA)):
        return ChosenGrid(grid, None, "")
    edges, said = edges_of(drive, duration, STEPS_OF_AN_EDGE)
    found = cut_at(grid, edges, most_pieces(engine))
    if found is None and edges.within(grid):
        said = said or WITHIN
    return ChosenGrid(found or grid, None, said)


def _difference(run: Task, engine: Engine, heard: Heard, groups: tuple[tuple[int, ...], ...] | None) -> float:
    """|Δm| of the end state between steps of a grid and steps of half their length, the largest of all oscillators; of
    a system the largest of its groups."""
    a, b = (_end(run, engine, n, heard) for n in (1, 2))
    parts = [x - y for x, y in zip(a, b, strict=True)]
    if groups is None:
        return float(np.max(_length(parts)))
    begun, found = _numbers(run.m0), []
    for group in groups:
        size = max(float(np.max(_length([state[i] for i in group]))) for state in (begun, b))
        change = float(np.max(_length([parts[i] for i in group])))
        found.append(change / size if size > 0 else change)
    return math.nan if any(map(math.isnan, found)) else max(found)


def _length(parts: list[np.ndarray]) -> np.ndarray:
    return np.sqrt(sum(part**2 for part in parts))


def _numbers(state: Any) -> list[np.ndarray]:
    return [np.asarray(leaf, dtype=float) for leaf in jax.tree.leaves(state)]


def _end(run: Task, engine: Engine, n: int, heard: Heard) -> list[np.ndarray]:
    """The end state with `n` steps in place of each."""
    other, state = reason_against(engine, run), run.m0
    for piece in run.grid.pieces:
        grid = TimeGrid(n * piece.steps, piece.dt / n, n * piece.steps, False, start=piece.start)
        most = grid.steps if heard is None else steps_of_a_part(dataclasses.replace(run, grid=grid), engine)
        for part in parts_of(grid, most):
            if heard is not None:
                heard()
            first = jnp.asarray(part.first, jnp.int32) if part.first else 0
            task = eqx.tree_at(lambda t: t.m0, dataclasses.replace(run, grid=part.grid, first=first), state)
            if other:
                state = jax.tree.map(lambda component: component[-1], engine.run(task).m)
            else:
                state = end_of(task, part.grid.steps, grid.dt, grid.start)
    return _numbers(state)


def _aligned(wanted: Wanted, dt: float, edges: Edges, most: int) -> tuple[TimeGrid, str]:
    """The grid with steps up to `dt` that end at the edges of the drive: cut there, or with equal steps on whose ends
    its knots fall, where these are no more; and a sentence where there is none."""
    first = grid_of(wanted.duration, dt, wanted.save, wanted.polynomial)
    if edges.knots and not edges.slow and not edges.within(first):
        return first, ""
    found, knots = cut_at(first, edges, most), np.array(edges.knots)
    if found is None:
        dt = min([dt, *(step for *_, step in edges.slow)])
        first = grid_of(wanted.duration, dt, wanted.save, wanted.polynomial)
    if knots.size and (found is None or (found.cuts and not edges.slow)):
        longest = float(np.diff(np.concatenate([[0.0], knots])).min())
        for grid in _grids(wanted, min(dt, longest)):
            if found is not None and grid.whole > found.whole:
                break
            if not edges.within(grid):
                return grid, ""
    if found is None and knots.size:
        return first, WITHIN
    return found or first, ""


def _grids(wanted: Wanted, dt: float) -> Iterator[TimeGrid]:
    """Grids with steps of `dt` and less, the longest first."""
    duration, save = wanted.duration, wanted.save
    if isinstance(save, Interval):
        most = max(int(dt / save.time * (1 + 1e-9)), 1)
        lengths = [*(r * save.time for r in range(min(most, SEARCHED), 0, -1)), *(save.time / k for k in range(2, 100))]
    else:
        count = max(math.ceil(duration / dt * (1 - 1e-9)), 1)
        lengths = [duration / n for n in range(count, count + SEARCHED)]
    seen = None
    for length in lengths:
        grid = grid_of(duration, min(length, dt) * (1 + 1e-12), save, wanted.polynomial)
        if grid != seen:
            yield grid
        seen = grid
