"""What stands at an end of the range that is followed, or hardly within it, of systems whose points are known."""

from __future__ import annotations

import numpy as np
import pytest
from tests.orbits.families import Pitchfork, Quintic
from tests.orbits.test_standing import WITHIN, Centre

import llgrad as lg

STO = lg.presets.kubota2013().replace(field=(0.0, 0.0, 0.02))
ONSET = lg.orbits.thresholds(STO, "current", 0.2e-3, 1e-3)[0].held
HOPFS = {
    "quintic, subcritical": (Quintic(), "mu", 0.0, 0.2, -1),
    "pitchfork": (Pitchfork(), "mu", 0.0, 0.2, 1),
    "magnet": (STO, "current", ONSET, 0.2e-3, 1),
}
"""The system, its number, the value of its Hopf point, a range, and on which side of the point its cycles are."""


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("name", HOPFS)
def test_a_hopf_point_at_an_end_is_told_and_its_cycles_where_they_are(name, side):
    device, number, value, size, cycles = HOPFS[name]
    found = lg.follow(device, number, value, value + side * size)
    (point,) = [one for one in found.thresholds if one.kind == "Hopf"]
    assert point.held == value and point.supercritical == ("subcritical" not in name)
    grown = [branch for branch in found.cycles if any(end == ("Hopf", end.sentence, value) for end in branch.ends)]
    assert len(grown) == (side == cycles)
    assert all(end.kind != "lost" for branch in found.cycles for end in branch.ends)
    everything = [branch.values for branch in (*found.branches, *found.cycles)]
    assert np.min([values.min() for values in everything]) >= min(value, value + side * size)
    assert np.max([values.max() for values in everything]) <= max(value, value + side * size)


@pytest.mark.parametrize("name", HOPFS)
def test_cycles_of_a_hopf_point_beyond_the_end_go_to_the_end(name):
    device, number, value, size, cycles = HOPFS[name]
    edge = value + cycles * 1e-5 * size
    found = lg.follow(device, number, edge, value + cycles * size)
    assert not any(point.kind == "Hopf" for point in found.thresholds)
    kinds = {end.kind for branch in found.cycles for end in branch.ends}
    assert kinds == {"edge"} and any(edge in branch.values for branch in found.cycles)


CROSSINGS = {
    "cycles where a symmetry breaks": (Pitchfork(), 0.5, None),
    "van der Pol's": (Centre(limit=1.0), 0.0, WITHIN),
}
"""The system, where branches of its cycles cross, and where states are looked for."""


@pytest.mark.parametrize(("side", "part"), [(-1, 1e-4), (1, 1e-5)])
@pytest.mark.parametrize("name", CROSSINGS)
def test_a_crossing_hardly_within_the_range_is_solved(name, side, part):
    device, value, within = CROSSINGS[name]
    found = lg.follow(device, "mu", value - side * 0.3, value + side * part, within=within)
    points = [point for branch in found.cycles for point in branch.critical]
    assert points and {point.kind for point in points} == {"branch point of cycles"}
    assert [point.value for point in points] == pytest.approx([value] * len(points), abs=1e-7)
    assert "could not be solved" not in str(found)
