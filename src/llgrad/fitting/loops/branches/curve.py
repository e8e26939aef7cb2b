"""One curve at one device, on its way: the branches that the device was found on, and what is to be asked next."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.experiments.loops.sweeping import BEYOND, MOST_JUMPS, VERY_NEAR
from llgrad.experiments.loops.walking import SHORTEST_STEP
from llgrad.fitting.loops.branches.programs import Answered, WayEnd

REACH: Final = 0.25
"""Part of the fields' range by which a branch is followed on beyond where the device is on it."""
INSIDE: Final = -1
OUTSIDE: Final = -2
NEAREST: Final = 2.0**-14
"""In parts of the range: so near to its end a branch is followed first, before the end is solved for."""
SAME: Final = 1e-4
"""Parts of the fields' range by which the end of a branch may be elsewhere than where it was found."""
ROUNDS: Final = 64
"""In so many parts a branch is gone along at most."""


class SoughtCurve(NamedTuple):
    """One curve at one device."""

    own: np.ndarray
    """Parameters [SI] (q,)."""
    axis: np.ndarray
    """As it was set (2,) [rad]."""
    fields: np.ndarray
    """As they were set (K,) [T]."""
    offset: float
    """Beside them."""
    start: np.ndarray
    """The state (d,) that relaxes to the first one."""
    size: float
    """Unit of the field [T]."""


class LoopBranchEnd(NamedTuple):
    """Where a branch ends."""

    field: float
    """[T], with what there is beside it,"""
    set_field: float
    """and as it is set."""
    kind: str
    way: float
    """1 where it ends for larger fields, −1 for smaller ones."""
    y: np.ndarray
    told: float
    """What is read out there,"""
    told_slopes: np.ndarray
    """and how the parameters [SI] move that (q,),"""
    slopes: np.ndarray
    """and the field (q,)."""


class LoopBranch(NamedTuple):
    """States at rest, at the rows of a curve (K,)."""

    first: int
    """The device is on it from this row,"""
    last: int
    """to this one, by its history."""
    y: np.ndarray
    """(K, d), of those rows where it exists."""
    end: np.ndarray
    """(K,) `INSIDE` where it exists, `OUTSIDE` where it was not looked for, else which of the ends a row is beyond."""
    ends: list[LoopBranchEnd]
    told: np.ndarray
    """What is read out (K,), beyond an end that of the end; NaN where it was not looked for."""
    slopes: np.ndarray
    """By the parameters [SI] (K, q)."""


class _Branch:
    """The branch that is being followed: its rows, and both its ends."""

    def __init__(self, found: Answered, lane: int, count: int):
        self.count = count
        self.inside, self.good, self.y, self.told, self.slopes = (part.copy() for part in self._rows(found, lane))
        self.ways = [WayEnd(*(part[lane] for part in way)) for way in found.ways]
        self.last_told = [found.rows.told[lane, -2], found.rows.told[lane, -1]]
        self.rate = float(found.rate[lane])

    def _rows(self, found: Answered, lane: int) -> list[np.ndarray]:
        return [part[lane, : self.count] for part in found.rows]

    def goes_on(self, found: Answered, lane: int, side: int) -> None:
        """Go on with what was found further on one side."""
        further = self._rows(found, lane)
        new = further[0] & ~self.inside
        for mine, theirs in zip((self.inside, self.good, self.y, self.told, self.slopes), further, strict=True):
            mine[new] = theirs[new]
        self.ways[side] = WayEnd(*(part[lane] for part in found.ways[side]))
        self.last_told[side] = found.rows.told[lane, side - 2]


class Question(NamedTuple):
    """What is asked of a round, of one curve."""

    y: np.ndarray
    value: float
    let_go: bool
    low: float
    high: float
    nearest: float


class CurveOnItsWay:
    """A curve whose branches are found one after the other."""

    def __init__(self, sought: SoughtCurve):
        self.sought = sought
        self.fields = sought.fields + sought.offset
        self.limits = (float(self.fields.min()), float(self.fields.max()))
        self.spacing = float(np.median(np.abs(np.diff(self.fields))))
        self.row, self.jumps, self.rounds = 0, 0, 0
        self.branch: _Branch | None = None
        self.side: int | None = None
        """Of the branch that is gone on with; None at its beginning."""
        self.fine = False
        self.found: list[tuple[int, int, _Branch, list[LoopBranchEnd]]] = []
        self.oscillates: float | None = None
        """A field at which the device does not rest."""
        self.done = False
        self.begun = self._let_go(sought.start, float(self.fields[0]))

    # ---- questions

    def _let_go(self, y: np.ndarray, value: float) -> Question:
        self.branch, self.side, self.fine, self.rounds = None, None, False, 0
        self.question = Question(np.asarray(y), value, True, *self.limits, NEAREST * self.sought.size)
        return self.question

    def _further(self, side: int, fine: bool) -> None:
        """Ask for more of the branch on one side of it."""
        if self.branch is None:
            raise ValueError("nothing to go on with")
        way = self.branch.ways[side]
        at = float(way.value)
        low, high = (self.limits[0], at) if side == 0 else (at, self.limits[1])
        nearest = (SHORTEST_STEP if fine else NEAREST) * self.sought.size
        self.side, self.fine = side, fine
        self.question = Question(way.y, at, False, low, high, nearest)

    def answered(self, found: Answered, lane: int) -> bool:
        """Take the answer to a question; whether the branch is known, but for the ends themselves."""
        self.rounds += 1
        if self.side is not None and self.branch is not None:
            self.branch.goes_on(found, lane, self.side)
        else:
            if self.question.let_go and not found.rests[lane]:
                self.oscillates, self.done = self.question.value, True
                return False
            self.branch = _Branch(found, lane, len(self.fields))
            self.begun = self.question._replace(y=found.y[lane], let_go=False)
        return not self._asks_more(self.branch)

    def _asks_more(self, branch: _Branch) -> bool:
        """Whether more of the branch has to be found; the question is then put."""
        if self.rounds > ROUNDS:
            raise ValueError("a branch of this device could not be followed; is its start right?")
        bad = self.fields[branch.inside & ~branch.good]
        if bad.size:  # it ended in between: it is gone along again, to there
            at = self.begun.value
            low = max([self.limits[0], *bad[bad <= at]])
            high = min([self.limits[1], *bad[bad >= at]])
            self.branch, self.side = None, None
            self.question = self.begun._replace(low=low, high=high)
            return True
        for side, (way, limit) in enumerate(zip(branch.ways, self.limits, strict=True)):
            sign = 2 * side - 1
            if not way.ended and sign * (limit - float(way.value)) > 0:
                self._further(side, self.fine)
                return True
            between = (sign * (self.fields - float(way.value)) > 0) & (sign * (float(way.beyond) - self.fields) >= 0)
            if way.ended and between.any() and not self.is_fine(way):
                self._further(side, True)  # to the next row itself
                nearest = float(sign * (sign * self.fields[between]).min())
                self.question = self.question._replace(**{"high" if side else "low": nearest})
                return True
        return False

    def is_fine(self, way: WayEnd) -> bool:
        """Whether an end is known as well as it can be followed to."""
        return abs(float(way.beyond) - float(way.value)) <= 2 * SHORTEST_STEP * self.sought.size

    # ---- ends

    def ended(self, ends: list[tuple[str, Any] | None]) -> None:
        """Take the ends of the branch (down, up; None where it has none), and jump on."""
        branch = self.branch
        if branch is None:
            return
        told: list[LoopBranchEnd] = []
        for side, (way, end) in enumerate(zip(branch.ways, ends, strict=True)):
            if end is None:
                continue
            kind, point = end
            value, low, high = float(point.value), *sorted((float(way.value), float(way.beyond)))
            slack = 1e-12 * self.sought.size
            solved = math.isfinite(value) and float(point.left) < 1e-8 * branch.rate
            solved = solved and low - slack <= value <= high + slack
            if not solved and not self.is_fine(way):
                self._further(side, True)
                return
            field = value if solved else float(way.value)
            by, seen_by = np.asarray(point.slopes)
            at, seen = np.asarray(point.told)
            good = np.isfinite([*by, *seen_by, seen]).all()
            good = good and abs(float(at) - (field - self.sought.offset)) < SAME * self.sought.size
            nothing = np.zeros_like(by)
            told.append(
                LoopBranchEnd(
                    field, field - self.sought.offset, kind, 2.0 * side - 1, np.asarray(point.y) if solved else way.y,
                    float(seen if good else branch.last_told[side]), *((seen_by, by) if good else (nothing, nothing)),
                )
            )  # fmt: skip
        self._jump(branch, told)

    def _jump(self, branch: _Branch, ends: list[LoopBranchEnd]) -> None:
        """Take the rows that the device is on the branch at, and let it go where they end."""
        outside = np.append(~branch.inside[self.row :], True)
        count = int(outside.argmax())
        if count:
            self.found.append((self.row, self.row + count - 1, branch, ends))
            self.row += count
        if self.row == len(self.fields):
            self.done = True
            return
        self.jumps += 1
        if self.jumps > MOST_JUMPS:
            raise ValueError("this device jumps at every field of the loop; is its start right?")
        target = float(self.fields[self.row])
        last = branch.ways[int(target > float(branch.ways[1].value))]
        way = float(np.sign(target - float(last.value)))
        end = next((one for one in ends if one.way == way), None)
        if way == 0 or end is None:
            self._let_go(self.begun.y, target)
            return
        near = abs(target - end.field) < VERY_NEAR * self.spacing
        self._let_go(end.y, end.field + BEYOND * self.spacing * way if near else target)

    # ---- what was found

    def branches(self) -> list[LoopBranch]:
        """All branches, each as far as its neighbours reach."""
        told = []
        for number, (first, last, branch, ends) in enumerate(self.found):
            before = self.found[number - 1][0] if number else first
            after = self.found[number + 1][1] + 1 if number + 1 < len(self.found) else last + 1
            end = np.full(len(self.fields), OUTSIDE)
            end[first : last + 1] = INSIDE
            rows = np.arange(len(self.fields))
            for here, way in ((first, rows[before:first][::-1]), (last, rows[last + 1 : after])):
                far = np.abs(self.fields[way] - self.fields[here]) > REACH * np.ptp(self.fields)
                way = way[: int(np.append(far, True).argmax())]
                end[way] = [self._place_of(branch, ends, row) for row in way]
            told.append(self._branch(first, last, branch, end, ends))
        return told

    def _place_of(self, branch: _Branch, ends: list[LoopBranchEnd], row: int) -> int:
        if branch.inside[row]:
            return INSIDE
        upward = self.fields[row] > float(branch.ways[1].value)
        return next(i for i, one in enumerate(ends) if (one.way > 0) == upward)

    def _branch(self, first: int, last: int, branch: _Branch, end: np.ndarray, ends: list[LoopBranchEnd]) -> LoopBranch:
        seen = np.where(end == INSIDE, branch.told, np.nan)
        slopes = np.where((end == INSIDE)[:, None], branch.slopes, np.nan)
        for place, one in enumerate(ends):
            seen[end == place], slopes[end == place] = one.told, one.told_slopes
        return LoopBranch(first, last, branch.y, end, ends, seen, slopes)
