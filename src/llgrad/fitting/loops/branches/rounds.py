"""All curves of all devices side by side: each round is one program for those that still ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from llgrad.core.speed.quick import for_many
from llgrad.fitting.loops.branches.curve import CurveOnItsWay, SoughtCurve
from llgrad.fitting.loops.branches.ending import EndKind, SolvedEnds, ends_of, kind_of
from llgrad.fitting.loops.branches.programs import Answered, RoundAsked, one_round


def all_followed(bare: Any, curves: Sequence[SoughtCurve], width: int) -> list[CurveOnItsWay]:
    """The branches of curves, so many of them side by side."""
    going = [CurveOnItsWay(one) for one in curves]
    longest = max(len(one.fields) for one in curves)
    with for_many():
        while asking := [one for one in going if not one.done]:
            for first in range(0, len(asking), width):
                _one_round(bare, asking[first : first + width], width, longest)
    return going


def _one_round(bare: Any, asking: list[CurveOnItsWay], width: int, longest: int) -> None:
    padded = asking + [asking[0]] * (width - len(asking))
    asked = [_asked(one, longest, number < len(asking)) for number, one in enumerate(padded)]
    found: Answered = jax.tree.map(np.asarray, one_round(bare, jax.tree.map(lambda *parts: np.stack(parts), *asked)))
    known = [one for lane, one in enumerate(asking) if one.answered(found, lane)]
    if known:
        for one, ends in zip(known, _ends(bare, known, width), strict=True):
            one.ended(ends)


def _asked(one: CurveOnItsWay, longest: int, wanted: bool) -> RoundAsked:
    """The question of a curve; of one that only fills the width, nothing."""
    sought, question = one.sought, one.question
    fields = np.resize(sought.fields, longest)
    fields[len(sought.fields) :] = sought.fields[-1]
    low, high = (question.low, question.high) if wanted else (question.value, question.value)
    numbers = (np.float64(number) for number in (low, high, question.nearest))
    let_go = np.bool_(question.let_go and wanted)
    return RoundAsked(sought.own, sought.axis, fields, question.y, np.float64(question.value), let_go, *numbers)


def _ends(bare: Any, known: list[CurveOnItsWay], width: int) -> list[list[tuple[str, Any] | None]]:
    """The ends of the branches of some curves, down and up, each with its kind."""
    found: list[list[tuple[str, Any] | None]] = [[None, None] for _ in known]
    wanted: list[tuple[int, int, EndKind]] = []
    for number, one in enumerate(known):
        branch = one.branch
        for side, way in enumerate(branch.ways if branch is not None else ()):
            if way.ended and branch is not None:
                wanted.append((number, side, kind_of(way.slope, branch.rate, one.is_fine(way))))
    for name in sorted({kind.name for _, _, kind in wanted}):
        places = [place for place in wanted if place[2].name == name]
        for first in range(0, len(places), width):
            part = places[first : first + width]
            padded = part + [part[0]] * (width - len(part))
            given = [_end_of(known[number], side, kind) for number, side, kind in padded]
            numbers = (np.stack(one) for one in zip(*given, strict=True))
            solved: SolvedEnds = jax.tree.map(np.asarray, ends_of(name, bare, *numbers))
            for lane, (number, side, _) in enumerate(part):
                found[number][side] = name, SolvedEnds(*(numbers[lane] for numbers in solved))
    return found


def _end_of(one: CurveOnItsWay, side: int, kind: EndKind) -> tuple[Any, ...]:
    if one.branch is None:
        raise ValueError("there is no branch")
    way = one.branch.ways[side]
    return one.sought.own, one.sought.axis, way.y, np.float64(way.value), kind.guess, kind.norm
