"""What is to be said of the branches of a fitted loop: where it was begun, and where it was seen to jump."""

from __future__ import annotations

import numpy as np

from llgrad.core.units import show
from llgrad.experiments.loops.jumping import NoRest, settled
from llgrad.fitting.loops.branches.curve import INSIDE
from llgrad.fitting.loops.recording import LoopRecording, ReadCurve, family_of
from llgrad.fitting.loops.switching import SwitchingRecording
from llgrad.fitting.problem import Problem
from llgrad.orbits.results.precision import working

SAME = 1e-3
"""States nearer than this are one."""
CLEAR = 5.0
"""Standard deviations of a reading by which two branches are told apart."""
WORST = 1.0
"""Standard deviations of a reading by which a row beyond its branch must be moved to be told."""


def doubtful_loops(problem: Problem, values: np.ndarray) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
    """For each recording a sentence where its rows are on branches that the device has not there, at parameters (p,)
    [SI]; and sentences on where it begins and jumps."""
    wrong, said = [], []
    for recording in problem.recordings:
        wrong.append(None)
        if not isinstance(recording, LoopRecording) or isinstance(recording, SwitchingRecording):
            continue
        curves = recording.followed(values)
        paths = recording.paths(curves)
        wrong[-1] = _beyond(recording, curves, paths)
        said += [*_begun(recording, values), *_jumps(recording, curves, paths)]
    return tuple(wrong), tuple(said)


def _beyond(recording: LoopRecording, curves: list[ReadCurve], paths: list[np.ndarray]) -> str | None:
    """A sentence where rows were measured on branches that have ended there."""
    sigma, found = np.asarray(recording.sigma)[:, 0], []
    for curve, path in zip(curves, paths, strict=True):
        rows = np.arange(len(path))
        end = np.array([curve.branches[branch].end[row] for row, branch in enumerate(path)])
        moved = np.abs(recording.options(curve)[0][path, rows] - curve.told[path, rows])
        found += [int(row) + curve.rows.start for row in rows[(end != INSIDE) & (moved > WORST * sigma[curve.rows])]]
    if not found:
        return None
    field = show(float(f"{recording.field[found[0]]:.4g}"), "T")
    return (
        f"{len(found)} rows, the first at {field}, were measured where the fitted device has jumped already: it cannot "
        "hold that state there, whatever the temperature"
    )


@working()
def _begun(recording: LoopRecording, values: np.ndarray) -> list[str]:
    """A sentence where the device has several states at the first field of a curve."""
    if recording.begun is not None:
        return []
    for (first, _), axis in zip(recording.curves, np.asarray(recording.axes), strict=True):
        family, offset = family_of(recording, values, axis)
        field = float(np.asarray(recording.field)[first])
        start = recording.start(np.array([field]), axis)
        try:
            ends = [settled(family, sign * start, field + float(offset)).y for sign in (1.0, -1.0)]
        except NoRest:
            continue
        if np.abs(ends[0] - ends[1]).max() > SAME:
            return [
                f"at the first field, {show(float(f'{field:.4g}'), 'T')}, the fitted device has several states at "
                "rest: it was taken to come from saturation along the field; give m0 where it came from elsewhere"
            ]
    return []


def _jumps(recording: LoopRecording, curves: list[ReadCurve], paths: list[np.ndarray]) -> list[str]:
    """A sentence on jumps that were measured earlier than the branches end."""
    early = []
    for curve, path in zip(curves, paths, strict=True):
        fields, told = np.asarray(recording.field)[curve.rows], curve.told
        for row in np.flatnonzero(np.diff(path) > 0):
            branch = curve.branches[path[row]]
            way = float(np.sign(fields[row + 1] - fields[row]))
            ends = [end.set_field for end in branch.ends if end.way == way]
            step = abs(float(fields[row + 1] - fields[row]))
            apart = abs(told[path[row], row + 1] - told[path[row + 1], row + 1])
            clear = apart > CLEAR * float(np.asarray(recording.sigma)[curve.rows][row, 0])
            if clear and ends and way * (ends[0] - fields[row + 1]) > step:
                early.append((float(fields[row + 1]), ends[0]))
    if not early:
        return []
    measured, own = (show(float(f"{field:.4g}"), "T") for field in max(early, key=lambda pair: abs(pair[1] - pair[0])))
    return [
        f"{len(early)} jumps were measured before the fitted branches end (that at {measured} by {own}): agitation by "
        "temperature is not in this model, and where a device jumps was not used"
    ]
