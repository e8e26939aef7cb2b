"""Switching fields as a target: the ends of the branches that a device goes along, each with its own derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from llgrad.core.units import show
from llgrad.fitting.loops.recording import LoopRecording, ReadCurve
from llgrad.fitting.targets.sought import LinePrediction, PredictedRecording


class SwitchingRecording(LoopRecording):
    """Fields (J, 1) [T] at which a loop jumps, after rows of it."""

    jumps: Any
    """(J,)"""

    @property
    def voltage_column(self) -> int | None:
        return None

    def check(self, values: Any) -> None:
        for (field, _), seen in zip(self.ends(self.followed(values)), np.asarray(self.data)[:, 0], strict=True):
            if not np.isfinite(field):
                raise ValueError(
                    f"the loop was seen to jump at {show(float(f'{seen:.4g}'), 'T')}, and the device at the start does "
                    "not in that sweep; start nearer, or fit the loop without its switching fields"
                )

    def seen_on(self, curves: list[ReadCurve], values: Any, near: Any) -> PredictedRecording:
        found = self.ends(curves)
        predicted, sigma = np.array([[field] for field, _ in found]), np.asarray(self.sigma)
        slopes = self._wide(np.array([by for _, by in found]), values)
        return PredictedRecording(predicted, ((predicted - self.data) / sigma).ravel(), slopes / sigma, near)

    def seen_on_line(self, values: Any, m0: Any, near: Any) -> LinePrediction:
        seen = self.seen(values, m0, near)
        return LinePrediction(np.zeros(0), seen.predicted, seen.slopes)

    def ends(self, curves: list[ReadCurve]) -> list[tuple[float, np.ndarray]]:
        """For each measured jump the field as it is set, with its slopes (q,), at which the device ends the branch it
        is on: of several in the same sweep the nearest; NaN where there is none."""
        found = []
        for row, field in zip(np.asarray(self.jumps), np.asarray(self.data)[:, 0], strict=True):
            curve = next(one for one in curves if one.rows.start <= row < one.rows.stop)
            fields, here = np.asarray(self.field)[curve.rows], int(row) - curve.rows.start
            way = float(np.sign(fields[here + 1] - fields[here]))
            sweep = _sweep(fields, here)
            own = [one for one in _ends(curve, fields, way) if one[2] in sweep]
            nothing = (np.nan, np.full(len(self.places), np.nan), 0)
            found.append(min(own, key=lambda one, field=field: abs(one[0] - field), default=nothing)[:2])
        return found


def _ends(curve: ReadCurve, fields: np.ndarray, way: float) -> list[tuple[float, np.ndarray, int]]:
    """Field, its slopes, and the last row of each branch that the device leaves one way."""
    found = []
    for one in curve.branches[:-1]:
        own = [(end.set_field, end.slopes, one.last) for end in one.ends if end.way == way]
        if own and np.sign(fields[one.last + 1] - fields[one.last]) == way:
            found.append(min(own, key=lambda end, one=one: abs(end[0] - fields[one.last])))
    return found


def _sweep(fields: np.ndarray, row: int) -> range:
    """The rows around a row between which the field goes on one way."""
    ways = np.sign(np.diff(fields))
    turns = np.flatnonzero(ways[1:] != ways[:-1]) + 1
    before, after = turns[turns <= row], turns[turns > row]
    return range(int(before[-1]) if before.size else 0, int(after[0]) if after.size else len(fields))
