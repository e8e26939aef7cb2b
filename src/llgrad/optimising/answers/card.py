"""From where searches ended to the answer: the best of them, and what it hangs on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from llgrad.optimising.answers.hanging import Balance, Bend, balance, bend, could_gain, followed, settled
from llgrad.optimising.answers.result import (
    ChosenParameter,
    Constraint,
    Curvature,
    LocalOptimum,
    Optimum,
    SearchRecord,
    Sensitivity,
)
from llgrad.optimising.answers.sentences import (
    nothing_within,
    told_bend,
    told_limits,
    told_optima,
    told_starts,
    warnings_of,
)
from llgrad.optimising.asking import OptimumRequest
from llgrad.optimising.robust import Scattered
from llgrad.optimising.search import Goal, SearchEnd
from llgrad.optimising.starts import SearchStarts

FEASIBLE: Final = 1e-6
APART: Final = 0.01
"""Optima nearer than this, in parts of the ranges, are one."""
GAIN: Final = 1e-3
"""What is no optimum would still improve by more than this part of its value."""
COST: Final = 0.01
"""How much worse the aim is at the end of a move that is told."""


def answer_of(
    asked: OptimumRequest,
    goal: Goal,
    first: SearchStarts,
    ends: Sequence[SearchEnd],
    history: Sequence[dict[str, Any]],
    seconds: float,
) -> Optimum:
    """The answer. Raises ValueError where no search ended within the limits."""
    within = [end for end in ends if goal.violation(end.numbers) <= FEASIBLE]
    if not within:
        raise ValueError(nothing_within(ends, goal, asked.measures))
    hows = {id(end): how_of(goal, end) for end in ends}
    best = min(within, key=lambda end: goal.sign * goal.value(end.numbers))
    one = balance(goal, best)
    curved = bend(goal, best, one, asked.ask)
    if curved is not None and could_gain(one, curved) > GAIN * abs(goal.value(best.numbers)):
        hows[id(best)] = "at the edge" if best.at_edge else "stalled"
    parameters, constraints = _chosen(asked, goal, best, one), _constraints(asked, goal, best, one)
    curvatures = None if curved is None else _curvatures(asked, goal, best, curved)
    starts, optima = _starts(asked, goal, first, ends, hows), _optima(asked, goal, ends, hows)
    aim, units = asked.aims[0], dict(zip(asked.box.names, asked.box.units, strict=True))
    steps = asked.evaluator.program.steps
    notes = [
        *warnings_of(asked.measures, best.health, hows[id(best)], aim.measure.name, steps),
        *told_limits(parameters, constraints, aim.measure.unit),
        *told_bend(curvatures, units),
        *told_optima(optima, aim.measure.name, aim.measure.unit, units),
        *told_starts(starts, first.tried),
    ]
    if asked.evaluator.one_by_one:
        notes.append(f"designs went one by one, for {aim.measure.name} searches itself or looks at numbers")
    device, drive = asked.evaluator.device_at(best.x)
    return Optimum(
        device=device,
        drive=drive,
        value=goal.value(best.numbers),
        name=aim.measure.name,
        unit=aim.measure.unit,
        sense=f"{aim.word} {asked.ask.over.word}" if isinstance(asked.ask, Scattered) else aim.word,
        parameters=parameters,
        constraints=constraints,
        sensitivities=_sensitivities(asked, goal, best, one, parameters),
        curvatures=curvatures or (),
        optima=optima,
        starts=starts,
        history=tuple(history),
        notes=tuple(notes),
        evaluations=asked.evaluator.count,
        seconds=seconds,
    )


def how_of(goal: Goal, end: SearchEnd) -> str:
    """How a search ended."""
    if goal.violation(end.numbers) > FEASIBLE:
        return "outside the limits"
    if settled(goal, end):
        return "converged"
    return "at the edge" if end.at_edge else "stalled"


def _chosen(asked: OptimumRequest, goal: Goal, end: SearchEnd, one: Balance) -> dict[str, ChosenParameter]:
    box = asked.box
    ends, prices = [""] * len(box.names), np.zeros(len(box.names))
    for held, multiplier in zip(one.held, one.multipliers, strict=True):
        if held.free is not None:
            ends[held.free] = "lower end" if held.side > 0 else "upper end"
            prices[held.free] = goal.sign * held.side * multiplier / box.width[held.free]
    values = box.values(end.x)
    return {
        name: ChosenParameter(
            float(values[k]), float(box.low[k]), float(box.high[k]), box.units[k], ends[k], float(prices[k])
        )
        for k, name in enumerate(box.names)
    }


def _constraints(asked: OptimumRequest, goal: Goal, end: SearchEnd, one: Balance) -> tuple[Constraint, ...]:
    held = {h.row: (h.side, m) for h, m in zip(one.held, one.multipliers, strict=True) if h.row is not None}
    words = {0: "equality", 1: "lower end", -1: "upper end"}
    found = []
    for i, (limit, row) in enumerate(zip(asked.limits, goal.rows, strict=True)):
        side, multiplier = held.get(i, (None, 0.0))
        price = 0.0 if side is None else goal.sign * (side or 1) * float(multiplier)
        name, unit = limit.measure.name, limit.measure.unit
        value = float(end.numbers[row.place])
        found.append(Constraint(name, value, row.low, row.high, unit, "" if side is None else words[side], price))
    return tuple(found)


def _curvatures(asked: OptimumRequest, goal: Goal, end: SearchEnd, curved: Bend) -> tuple[Curvature, ...]:
    worse = COST * abs(goal.value(end.numbers))
    found = []
    for value, direction in zip(curved.values, curved.directions, strict=True):
        length = math.sqrt(2 * worse / value) if value > 0 else math.inf
        shown = length if math.isfinite(length) and length < 1e3 else math.inf
        moves = {
            name: float(shown * part * width) if math.isfinite(shown) and abs(part) > 1e-3 else 0.0
            for name, part, width in zip(asked.box.names, direction, asked.box.width, strict=True)
        }
        found.append(Curvature(moves, float(shown), goal.sign * float(value)))
    return tuple(found)


def _sensitivities(
    asked: OptimumRequest, goal: Goal, end: SearchEnd, one: Balance, parameters: dict[str, ChosenParameter]
) -> tuple[Sensitivity, ...]:
    evaluator = asked.evaluator
    plain, best = followed(goal, end, one, asked.ask.by_parts(end.x))
    p = evaluator.parameters(end.x[None])[0]
    units = asked.evaluator.units
    for k, name in enumerate(asked.box.names):
        best[k] = parameters[name].price * p[k]
    found = [
        Sensitivity(
            name,
            float(p[k]),
            units[name],
            float(plain[k]) / 100,
            float(best[k]) / 100,
            name in parameters,
        )
        for k, name in enumerate(evaluator.paths)
    ]
    return tuple(sorted(found, key=lambda s: -abs(s.per_percent)))


def _starts(
    asked: OptimumRequest, goal: Goal, first: SearchStarts, ends: Sequence[SearchEnd], hows: dict[int, str]
) -> tuple[SearchRecord, ...]:
    box, ended, found = asked.box, iter(ends), []

    def named(x: np.ndarray) -> dict[str, float]:
        return dict(zip(box.names, box.values(x).tolist(), strict=True))

    for x, fine, led in zip(first.x, first.fine, first.led, strict=True):
        if not fine:
            found.append(SearchRecord(named(x), named(x), None, "no number", False, 1))
            continue
        end = next(ended)
        found.append(
            SearchRecord(named(x), named(end.x), goal.value(end.numbers), hows[id(end)], bool(led), end.evaluations)
        )
    return tuple(found)


def _optima(
    asked: OptimumRequest, goal: Goal, ends: Sequence[SearchEnd], hows: dict[int, str]
) -> tuple[LocalOptimum, ...]:
    """The places where searches converged, each once."""
    good = sorted((e for e in ends if hows[id(e)] == "converged"), key=lambda e: goal.sign * goal.value(e.numbers))
    groups: list[list[SearchEnd]] = []
    for end in good:
        near = [group for group in groups if np.abs(group[0].x - end.x).max() < APART]
        if near:
            near[0].append(end)
        else:
            groups.append([end])
    return tuple(
        LocalOptimum(
            goal.value(group[0].numbers),
            dict(zip(asked.box.names, asked.box.values(group[0].x).tolist(), strict=True)),
            len(group),
        )
        for group in groups
    )
