"""`lg.optimising.pareto_front`: the best of one aim for each value of another."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import ArrayLike, Float, PyTree

from llgrad.core.arguments.kinds import wrong_kind
from llgrad.core.files import write_json
from llgrad.core.record import as_count
from llgrad.core.run_record import run_record
from llgrad.core.units import show
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.drive import Drive
from llgrad.optimising.aims import Aim
from llgrad.optimising.answers.card import FEASIBLE, how_of
from llgrad.optimising.answers.sentences import nothing_within, told_front
from llgrad.optimising.asking import OptimumRequest, asked_for, goal_of
from llgrad.optimising.evaluation import Values
from llgrad.optimising.limits import Conditions
from llgrad.optimising.optimise import STARTS, STEPS, checked_starts, kept, started
from llgrad.optimising.search import Goal, SearchEnd, SearchLimit, search

POINTS: Final = 9
BETTER: Final = 1e-6
"""A point that another beats by less is kept: rounding."""
FROM: Final = 3
"""Searches for each point of the front, from the ends that lie nearest."""


@dataclass(frozen=True)
class Trade:
    """A point of the front: no design that was found is better in both aims."""

    values: tuple[float, float]
    """Of the two aims [SI]."""
    parameters: dict[str, float]
    """[SI]"""
    device: PyTree
    drive: Drive | None


@dataclass(frozen=True)
class Front:
    """The Pareto front of two aims, from the best of the first to the best of the second.

    >>> import llgrad as lg
    >>> def heat(sto):
    ...     return sto.current**2
    >>> def pull(sto):
    ...     return sto.current * sto.polarization
    >>> front = lg.optimising.pareto_front(
    ...     lg.presets.kubota2013(), [lg.minimise(heat), lg.maximise(pull)], {"current": ("1mA", "3mA")}, points=3
    ... )
    >>> front.names, front.senses, len(front.points)
    (('heat', 'pull'), ('smallest', 'largest'), 3)
    """

    points: tuple[Trade, ...]
    names: tuple[str, str]
    units: tuple[str, str]
    senses: tuple[str, str]
    parameter_units: dict[str, str]
    notes: tuple[str, ...]
    evaluations: int
    seconds: float

    def __repr__(self) -> str:
        rows: list[tuple[str, ...]] = [(*self.names, *self.parameter_units)]
        for one in self.points:
            told = [show(value, unit) for value, unit in zip(one.values, self.units, strict=True)]
            rows.append((*told, *(show(v, self.parameter_units[name]) for name, v in one.parameters.items())))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        head = (
            f"Front of {self.senses[0]} {self.names[0]} and {self.senses[1]} {self.names[1]}: {len(self.points)} points"
        )
        foot = f"{self.evaluations} evaluations in {self.seconds:.2f} s"
        return "\n".join([head, *("  " + line for line in lines), foot, *self.notes])

    __str__ = __repr__

    def to_json(self) -> dict[str, Any]:
        """A dictionary that begins with the versioned run record; `core.files.plain` makes it JSON."""
        return run_record("front", device=self.points[0].device, dtype="float64") | {
            "names": self.names,
            "units": self.units,
            "senses": self.senses,
            "points": [{"values": one.values, "parameters": one.parameters} for one in self.points],
            "parameter_units": self.parameter_units,
            "notes": self.notes,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
        }

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the result as JSON; an existing file is kept unless `overwrite`."""
        write_json(path, self.to_json(), overwrite)
        return Path(path)


def pareto_front(
    device: Oscillator | OscillatorArray | System,
    aims: Sequence[Aim],
    free: Mapping[str, Any],
    limits: Conditions | None = None,
    *,
    points: int = POINTS,
    drive: Drive | None = None,
    starts: int = STARTS,
    seed: int = 0,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
    steps: int = STEPS,
) -> Front:
    """What of one aim has to be given up for the other: the designs of which none is better in both.

    Each aim is searched for by itself; between its two ends the second is held at evenly spaced values (of its
    logarithm, where it has one sign), and the first is made as good as it can be (the ε-constraint method, which finds
    the hollow parts of a front too). Of what was found, points that another beats are left out.

    Args:
        device, free, limits, drive, starts, seed, m0, steps: as in `lg.optimise`.
        aims: two, as [lg.minimise("line_width"), lg.maximise("power")].
        points: number of points, both ends included.

    Raises ValueError as `lg.optimise` does.

    >>> import llgrad as lg
    >>> def heat(sto):
    ...     return sto.current**2
    >>> def pull(sto):
    ...     return sto.current * sto.polarization
    >>> front = lg.optimising.pareto_front(
    ...     lg.presets.kubota2013(), [lg.minimise(heat), lg.maximise(pull)], {"current": ("1mA", "3mA")}, points=3
    ... )
    >>> [round(one.parameters["current"] * 1e3, 2) for one in front.points]
    [1.0, 1.73, 3.0]
    """
    began = time.perf_counter()
    if isinstance(aims, Aim) or not isinstance(aims, Sequence) or len(aims) != 2:
        got = f"{len(aims)} aims" if isinstance(aims, Sequence) and not isinstance(aims, (str, Aim)) else "aims"
        raise ValueError(wrong_kind(got, aims, "two aims", "as [lg.minimise('line_width'), lg.maximise('power')]"))
    count = as_count(points)
    if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= 1000:
        raise ValueError(f"points = {points!r}, expected a number of points, from 2 to 1000")
    asked = asked_for(device, aims, free, limits, drive, None, m0, steps)
    first = started(asked, checked_starts(starts), seed)
    goals = [goal_of(asked, first, aim) for aim in (0, 1)]
    both = [goal for goal in goals for _ in range(int(first.fine.sum()))]
    values = Values(*(np.concatenate([part, part]) for part in kept(first)))
    ends = search(asked.ask, both, np.concatenate([first.x[first.fine]] * 2), values, _quiet)
    own = [[end for end, goal in zip(ends, both, strict=True) if goal is one and _holds(one, end)] for one in goals]
    if not all(own):
        raise ValueError(nothing_within(ends, goals[0], asked.measures))
    edges = [
        min(some, key=lambda end, g=goal: g.sign * g.value(end.numbers)) for some, goal in zip(own, goals, strict=True)
    ]
    edges = _ties(asked, goals, edges)
    middle, hows = _between(asked, goals, edges, [*own[0], *own[1]], count)
    hows = [*(how_of(g, e) for g, e in zip(goals, edges, strict=True)), *hows]
    chosen = _undominated([edges[0], *middle, edges[1]], goals)
    return _front(asked, chosen, count, hows, time.perf_counter() - began)


def _quiet(number: int, found: Any) -> None:
    """Nobody is told."""


def _holds(goal: Goal, end: SearchEnd) -> bool:
    return goal.violation(end.numbers) <= FEASIBLE


def _ties(asked: OptimumRequest, goals: Sequence[Goal], edges: Sequence[SearchEnd]) -> list[SearchEnd]:
    """The ends of the front: of designs that are as good in the one aim, the best in the other."""
    held = []
    for own, other, edge in zip(goals, goals[::-1], edges, strict=True):
        tamed, value = own.tamed, float(own.tamed.value(edge.numbers[own.place])) + own.sign * BETTER
        best = float(tamed.scale * np.sinh(value))
        span = (-np.inf, best) if own.sign > 0 else (best, np.inf)
        held.append(other._replace(rows=(*other.rows, SearchLimit(own.place, *span, tamed))))
    values = Values(*(np.stack([getattr(end, name) for end in edges]) for name in ("numbers", "slopes", "health")))
    found = search(asked.ask, held, np.stack([end.x for end in edges]), values, _quiet)
    return [new if _holds(goal, new) else old for goal, new, old in zip(held, found, edges, strict=True)]


def _between(
    asked: OptimumRequest, goals: Sequence[Goal], edges: Sequence[SearchEnd], ends: Sequence[SearchEnd], count: int
) -> tuple[list[SearchEnd], list[str]]:
    """The best of the first aim at each value of the second, and how each search ended."""
    second = goals[1]
    low, high = (float(second.tamed.value(edge.numbers[second.place])) for edge in edges)
    held: list[Goal] = []
    begins: list[SearchEnd] = []
    for level in np.linspace(low, high, count)[1:-1]:
        value = float(second.tamed.scale * np.sinh(level))
        span = (-np.inf, value) if second.sign > 0 else (value, np.inf)
        goal = goals[0]._replace(rows=(*goals[0].rows, SearchLimit(second.place, *span, second.tamed)))
        near = sorted(ends, key=lambda end, at=level: abs(float(second.tamed.value(end.numbers[second.place])) - at))
        for end in near[:FROM]:
            held.append(goal)
            begins.append(end)
    if not held:
        return [], []
    values = Values(*(np.stack([getattr(end, name) for end in begins]) for name in ("numbers", "slopes", "health")))
    found = search(asked.ask, held, np.stack([end.x for end in begins]), values, _quiet)
    best: list[SearchEnd] = []
    hows: list[str] = []
    for first in range(0, len(found), len(found) // (count - 2)):
        some = [e for e in found[first : first + len(found) // (count - 2)] if _holds(held[first], e)]
        hows.append("outside the limits")
        if some:
            best.append(min(some, key=lambda end: goals[0].sign * goals[0].value(end.numbers)))
            hows[-1] = how_of(held[first], best[-1])
    return best, hows


def _undominated(ends: Sequence[SearchEnd], goals: Sequence[Goal]) -> list[SearchEnd]:
    """Those that none beats in both, by their second aim; of equal ones the first."""
    tamed = np.array([[g.sign * float(g.tamed.value(end.numbers[g.place])) for g in goals] for end in ends])
    kept_: list[int] = []
    for i, own in enumerate(tamed):
        beaten = any(((other <= own + BETTER).all() and (other < own - BETTER).any()) for other in tamed)
        twice = any(np.abs(tamed[j] - own).max() < BETTER for j in kept_)
        if not beaten and not twice:
            kept_.append(i)
    return [ends[i] for i in sorted(kept_, key=lambda i: -tamed[i, 1])]


def _front(
    asked: OptimumRequest, chosen: Sequence[SearchEnd], count: int, hows: Sequence[str], seconds: float
) -> Front:
    box, points = asked.box, []
    for end in chosen:
        device, drive = asked.evaluator.device_at(end.x)
        parameters = dict(zip(box.names, box.values(end.x).tolist(), strict=True))
        points.append(Trade((float(end.numbers[0]), float(end.numbers[1])), parameters, device, drive))
    first, second = asked.aims
    healths = np.stack([end.health for end in chosen])
    return Front(
        points=tuple(points),
        names=(first.measure.name, second.measure.name),
        units=(first.measure.unit, second.measure.unit),
        senses=(first.word, second.word),
        parameter_units=dict(zip(box.names, box.units, strict=True)),
        notes=tuple(told_front(asked.measures, healths, hows, count)),
        evaluations=asked.evaluator.count,
        seconds=seconds,
    )
