"""Families that stand at one value of the number that is followed: what is rounding there is told as nothing else.

Of a centre, every size has a cycle at the value; of a ring of states, every azimuth rests there. The number does not
change along them, so folds, crossings and Hopf points on them would be those of rounding.
"""

import math

import numpy as np
import pytest
from tests.orbits.families import UNIT, turning

import llgrad as lg

WITHIN = {"x": (-3.0, 3.0), "v": (-3.0, 3.0)}
STO = lg.presets.kubota2013()


class Centre(lg.System):
    """x″ = −x − c x³ + μ (1 − w x²) x′: at μ = 0 neither grows nor decays."""

    mu: float = lg.quantity("1", default=0.3)
    cubic: float = lg.quantity("1", default=0.0)
    limit: float = lg.quantity("1", default=0.0)

    def start(self):
        return {"x": 0.5, "v": 0.0}

    def rate(self, state, inputs):
        x, v = state["x"], state["v"]
        push = self.mu * (1 - self.limit * x * x) * v
        return {"x": UNIT * v, "v": UNIT * (push - x - self.cubic * x**3)}


class Line(lg.System):
    """x′ = μx(1 − x²), y′ = x − y: at μ = 0 all x = y are at rest."""

    mu: float = lg.quantity("1", default=0.3)

    def start(self):
        return {"x": 0.5, "y": 0.2}

    def rate(self, state, inputs):
        x, y = state["x"], state["y"]
        return {"x": UNIT * self.mu * x * (1 - x * x), "y": UNIT * (x - y)}


class Beside(lg.System):
    """r′ = (μ − r²)r beside a pair u, w that turns and is never damped, or beside a number that never changes."""

    mu: float = lg.quantity("1", default=0.3)
    turn: float = lg.quantity("1", default=2.3)

    def start(self):
        return {"x": 0.5, "y": 0.0, "u": 0.1, "w": 0.0}

    def rate(self, state, inputs):
        x, y = state["x"], state["y"]
        beside = {"u": UNIT * self.turn * state["w"], "w": -UNIT * self.turn * state["u"]}
        return turning(x, y, self.mu - x * x - y * y) | beside


CENTRES = {
    "van der Pol": (Centre(limit=1.0), 1, 2.0),
    "linear": (Centre(), 0, None),
    "Duffing": (Centre(cubic=1.0), 0, None),
}
"""The system, how many branches cross the family, and at which amplitude."""


def assert_nothing_of_rounding(found):
    """What stands has no critical points, one value, and a sentence."""
    for branch in found.cycles:
        if branch.stands is not None:
            assert branch.critical == () and (branch.values == branch.stands).all()
            assert branch.neutral.all() and not branch.stable.any()
            assert any("a whole family of cycles stands" in note for note in branch.notes)
        for point in branch.critical:
            assert point.value == 0 or abs(point.value) > 1e-9 * float(branch.family.size)
    assert "could not be solved" not in str(found)


@pytest.mark.parametrize("name", ["van der Pol", "linear", pytest.param("Duffing", marks=pytest.mark.slow)])
def test_a_centre_is_one_family_at_one_value(name):
    model, crossing, amplitude = CENTRES[name]
    found = lg.follow(model, "mu", -0.5, 1.0, within=WITHIN)
    assert_nothing_of_rounding(found)
    (hopf,) = found.thresholds
    assert (hopf.kind, hopf.held, hopf.lyapunov, hopf.supercritical) == ("Hopf", 0.0, 0.0, None)
    assert "degenerate" in str(found) and "at mu = 0 a whole family of cycles stands" in str(found)
    family, *others = found.cycles
    assert (family.stands, family.ends[1].kind, len(others)) == (0.0, "outside", crossing)
    assert 3.0 < family.highs[-1].max() < 3.2, "as far as states are looked for, and no farther"
    assert len(found.orbits(0.5)) == crossing
    with pytest.raises(ValueError, match="a whole family of cycles"):
        found.orbits(0.0)
    for branch in others:
        (point,) = branch.critical
        assert (point.kind, point.value) == ("branch point of cycles", 0.0)
        assert branch.high[point.place] == pytest.approx(amplitude, rel=1e-6)
        assert branch.values.min() == -0.5 and branch.values.max() == 1.0
        assert branch.stable[branch.values > 1e-3].all() and not branch.stable[branch.values < -1e-3].any()
        assert "crosses it where the observable goes from -2 to 2" in family.notes[-1]


def test_the_family_leads_to_a_branch_that_nothing_else_finds():
    """A range in which the start of a run is at no cycle that attracts: below 0, van der Pol's repels."""
    found = lg.follow(Centre(limit=1.0).replace(mu=-0.1), "mu", -0.5, 1e-4, within=WITHIN)
    family, other = found.cycles
    assert family.stands == 0.0 and other.stands is None and other.values.min() == -0.5
    (point,) = other.critical
    assert family.critical == () and (point.kind, point.value) == ("branch point of cycles", 0.0)
    assert not other.stable[other.values < -1e-3].any()


def test_a_range_may_begin_where_a_family_stands():
    found = lg.follow(Centre(limit=1.0), "mu", 0.0, 1.0, within=WITHIN)
    assert_nothing_of_rounding(found)
    (hopf,) = found.thresholds
    family, branch = found.cycles
    assert (hopf.held, family.stands, branch.stands) == (0.0, 0.0, None)
    assert [end.kind for end in branch.ends] == ["edge", "edge"] and branch.critical == () == branch.notes
    assert branch.values[0] == pytest.approx(0.0, abs=1e-6) and branch.high[0] == pytest.approx(2.0, abs=1e-6)
    lines = lg.plot.branches(found).axes[0].get_lines()
    assert "neutral cycle" in [line.get_label() for line in lines]
    whole = [line for line in lines if line.get_linestyle() == "-" and len(set(line.get_xdata())) == 1]
    assert not any(np.isfinite(line.get_ydata()).any() for line in whole), "no family is drawn as stable"


@pytest.mark.slow
def test_a_magnet_without_damping_stands_at_no_current():
    found = lg.follow(STO.replace(alpha=0.0), "current", -1e-3, 1e-3)
    assert_nothing_of_rounding(found)
    poles = [point for point in found.thresholds if point.kind == "Hopf"]
    assert [point.held for point in poles] == [0.0, 0.0] and all(point.lyapunov == 0 for point in poles)
    families = [branch for branch in found.cycles if branch.stands is not None]
    assert sorted(np.sign(branch.places[0].states[0, 2]) for branch in families) == [-1, 1], "one round each pole"
    assert [branch.ends[1].kind for branch in families] == ["infinite period"] * 2
    assert "at current = 0 A a whole curve of states at rest stands" in " ".join(found.notes), "the cone between them"


def test_a_line_of_states_at_rest_stands():
    found = lg.follow(Line(), "mu", -0.5, 1.0, cycles=False)
    assert [(point.kind, point.held) for point in found.thresholds] == [("branch point", 0.0)] * 3
    (note,) = found.notes
    assert note.startswith("at mu = 0 a whole curve of states at rest stands") and note in str(found)
    assert found.to_json()["notes"] == [note]


def test_a_ring_at_every_value_is_told_and_not_followed():
    ring = STO.replace(field=(0.0, 0.0, 0.1), H_k=0.5, current=0.0)
    found = lg.follow(ring, "field.z", -0.1, 0.3, cycles=False)
    assert found.thresholds == () and len(found) == 2, "the poles"
    assert "states at rest lie on curves" in found.notes[0]


@pytest.mark.slow
def test_a_pair_on_the_axis_all_along_tells_nothing():
    """It is no Hopf point and no torus, and the coefficient of the pair that crosses is not its own."""
    found = lg.follow(Beside(), "mu", -0.2, 0.3)
    (hopf,) = found.thresholds
    (branch,) = found.cycles
    assert (hopf.held, hopf.supercritical) == (0.0, True) and hopf.frequency == pytest.approx(UNIT, rel=1e-9)
    assert branch.critical == () and branch.notes == () and branch.stable.all()
    assert branch.highs[-1].max() == pytest.approx(math.sqrt(0.3), rel=1e-8)


def test_a_number_that_never_changes_leaves_no_branch_and_a_sentence():
    found = lg.follow(Beside(turn=0.0), "mu", -0.2, 0.3)
    assert len(found) == 0 and found.thresholds == ()
    assert "states at rest lie on curves" in str(found)
    assert all(branch.critical == () for branch in found.cycles)
