"""Branches of limit cycles: closed forms, figures of others' programs, laws, simulations."""

import math

import jax
import numpy as np
import pytest
from tests.orbits.devices import AMPLITUDE, closed_form
from tests.orbits.families import Homoclinic, Langford, Lure, OnCircle, Pitchfork, Quintic, Rossler

import llgrad as lg

STO = lg.presets.kubota2013()
WEAK = STO.replace(field=(0.0, 0.0, 3e-3))
"""Below H_c = 59.1 Oe: its onset is subcritical."""


def critical(found):
    return [(point.kind, point.value) for branch in found.cycles for point in branch.critical]


@pytest.fixture(scope="module")
def quintic():
    return lg.follow(Quintic(), "mu", -0.5, 0.5)


@pytest.fixture(scope="module")
def weak():
    return lg.follow(WEAK, "current", 0.0, 0.55e-3)


def test_the_quintic_normal_form_folds_at_minus_a_quarter(quintic):
    (branch,) = quintic.cycles
    ((kind, value),) = critical(quintic)
    assert branch.notes == ()
    assert kind == "fold of cycles" and value == pytest.approx(-0.25, abs=1e-8)
    assert [end.kind for end in branch.ends] == ["Hopf", "edge"] and branch.ends[0].value == pytest.approx(
        0.0, abs=1e-9
    )
    r = branch.highs[:, 0]
    assert branch.values == pytest.approx(r**4 - r**2, abs=1e-8), "the closed form, at every point"
    assert branch.multipliers[:, 0].real == pytest.approx(np.exp(branch.values + 3 * r**2 - 5 * r**4), abs=1e-7)
    place = branch.critical[0].place
    assert not branch.stable[:place].any() and branch.stable[place:].all()
    assert branch.frequencies == pytest.approx(1e9, rel=1e-9)
    assert branch.amplitudes == pytest.approx(r, abs=1e-9), "of the first number of the state"


def test_hysteresis_is_two_cycles_beside_a_state_at_rest(quintic):
    small, large = sorted(quintic.orbits(-0.2), key=lambda orbit: float(np.abs(orbit.state["x"]).max()))
    assert not small.attracts and large.attracts and small.note and not large.note
    for orbit, sign in ((small, -1), (large, 1)):
        r = math.sqrt(0.5 + sign * math.sqrt(0.25 - 0.2))
        assert float(orbit.multipliers[0].real) == pytest.approx(math.exp(-0.2 + 3 * r**2 - 5 * r**4), rel=1e-8)
    assert quintic.orbits(-0.3) == () and len(quintic.orbits(0.3)) == 1
    with pytest.raises(ValueError, match="Hopf point, where the cycle has no size"):
        quintic.cycles[0].orbit(0)


@pytest.mark.slow
def test_the_amplitude_model_has_its_closed_form():
    found = lg.follow(AMPLITUDE, "supercriticality", 0.5, 2.5)
    (branch,) = found.cycles
    assert [end.kind for end in branch.ends] == ["Hopf", "edge"] and branch.stable.all()
    for i in range(1, len(branch.values), 7):
        known = closed_form(AMPLITUDE.replace(supercriticality=float(branch.values[i])))
        assert branch.frequencies[i] == pytest.approx(known["frequency"], rel=1e-8)
        rate = -math.log(branch.multipliers[i, 0].real) / branch.periods[i]
        assert rate == pytest.approx(known["return_rate"], rel=1e-8, abs=1e-3)
        assert branch.high[i] ** 2 == pytest.approx(known["p"], rel=1e-8)


def test_a_torus_begins_where_the_trace_vanishes():
    found = lg.follow(Langford(), "c", -0.6, 1.8)
    a, b, e = Langford.a, Langford.b, Langford.e
    ((kind, value),) = critical(found)
    assert kind == "torus" and value == pytest.approx((a - b * b) * (1 + e * b) / e + b**3 / 3 - a * b, rel=1e-8)
    (point,) = found.cycles[0].critical
    turn = math.sqrt(2 * (a - b * b) / e * (1 + e * b)) * 2 * math.pi / 3.5
    assert point.multipliers[0] == pytest.approx(np.exp(1j * turn), abs=1e-7) or point.multipliers[0] == pytest.approx(
        np.exp(-1j * turn), abs=1e-7
    )


@pytest.mark.slow
def test_a_crossing_of_cycles_is_no_fold():
    found = lg.follow(Pitchfork(), "mu", -0.1, 1.0)
    assert critical(found) == [("branch point of cycles", pytest.approx(0.5, abs=1e-8))] * 2
    assert sorted(branch.turns for branch in found.cycles) == [1, 1]


def test_period_doublings_are_those_of_matcont():
    """MatCont's manual (7.4, the adaptive control example): 0.6303020, where the period is 6.364071."""
    found = lg.follow(Lure(), "alpha", 0.5, 1.2, doublings=1)
    single, double = found.cycles
    (first,), (second,) = single.critical, double.critical
    assert (first.kind, first.value) == ("period doubling", pytest.approx(0.6303020, abs=1e-7))
    assert 1e9 / first.frequency == pytest.approx(6.364071, abs=1e-6)
    assert double.turns == 2 and double.ends[0].value == first.value
    assert double.periods[0] == pytest.approx(2 / first.frequency, rel=1e-12)
    assert not single.stable[single.values < first.value].any() and double.stable[double.values > second.value].all()
    (point,) = found.thresholds
    assert point.supercritical and single.stable[1], "a stable cycle grows from a supercritical Hopf point"


@pytest.mark.slow
def test_unstable_cycles_of_chaos_are_those_of_chaosbook():
    """P. Cvitanović et al., chaosbook.org, Rössler's model at c = 5.7: its cycles of one turn and of two."""
    found = lg.follow(Rossler(), "c", 1.0, 5.7, within={"x": (-1, 8), "y": (-40, 1), "z": (-1, 40)})
    single, double = sorted(found.cycles, key=lambda branch: branch.turns)
    for branch, period, multiplier in ((single, 5.88108845586, -2.403953527), (double, 11.7586260717, -3.512006980)):
        place = int(branch.values.argmax())
        assert branch.periods[place] * 1e9 == pytest.approx(period, rel=1e-9)
        assert branch.multipliers[place, 0].real == pytest.approx(multiplier, rel=1e-8)
    assert [p.kind for p in single.critical] == ["period doubling"]
    ends = {end.kind: end.value for end in double.ends}
    assert ends["period doubling"] == single.critical[0].value, "found by looking, and it knows where it begins"


@pytest.mark.slow
def test_a_homoclinic_orbit_is_an_end_in_words():
    """Strogatz: μ_c ≈ −0.8645."""
    (branch,) = lg.follow(Homoclinic(), "mu", -1.2, -0.5).cycles
    assert (
        branch.ends[1].kind == "infinite period"
        and "unstable state at rest (0.0000, 0.0000)" in branch.ends[1].sentence
    )
    assert branch.values[-1] == pytest.approx(-0.8645, abs=1e-4) and branch.critical == ()
    assert (np.diff(branch.periods[-5:]) > 0).all() and branch.stable.all()


@pytest.mark.slow
def test_a_cycle_without_a_hopf_point_is_found_and_dies_on_a_fold():
    (branch,) = lg.follow(OnCircle(), "mu", 0.9, 2.5).cycles
    low, high = branch.ends
    assert (low.kind, high.kind) == ("infinite period", "edge")
    assert low.value == pytest.approx(1.0, abs=1e-9) and "two states at rest appear on it" in low.sentence
    assert branch.periods * 1e9 == pytest.approx(2 * math.pi / np.sqrt(branch.values**2 - 1), rel=1e-7)


def test_the_subcritical_onset_and_its_fold(weak):
    (branch,) = (branch for branch in weak.cycles if branch.critical)
    (hopf,) = (p for p in weak.thresholds if p.kind == "Hopf" and p.y[2] > 0.9)
    (fold,) = branch.critical
    assert not hopf.supercritical and branch.ends[0].value == hopf.held
    assert fold.kind == "fold of cycles" and fold.value < hopf.held
    assert not branch.stable[: fold.place].any() and branch.stable[fold.place :].all()
    between = (fold.value + hopf.held) / 2
    assert sorted(bool(orbit.attracts) for orbit in branch.orbits(between)) == [False, True]
    assert "fold of cycles" in str(weak)


@pytest.mark.parametrize(("part", "persists"), [(1 + 1e-4, True), (1 - 1e-3, False)])
def test_simulations_beside_the_fold(weak, part, persists):
    """From the cycle at the fold a run grows to the stable one above, and falls to rest below."""
    (branch,) = (branch for branch in weak.cycles if branch.critical)
    (fold,) = branch.critical
    orbit = branch.orbit(fold.place)
    start = orbit.m[0]
    assert "two cycles meet here" in orbit.note and float(orbit.multipliers[0].real) == pytest.approx(1.0, abs=1e-9)
    run = lg.simulate(WEAK.replace(current=fold.value * part), duration=18e-6, m0=start, dt=10e-12)
    swing = float(np.ptp(np.asarray(run.m)[-2000:, 0]))
    assert (swing > 1.24) if persists else (swing < 0.5)


def test_frequencies_are_those_of_orbits(weak):
    for current in (0.3e-3, 0.5e-3):
        (mine,) = (orbit for orbit in weak.orbits(current) if orbit.attracts)
        known = lg.orbit(WEAK.replace(current=current))
        assert float(mine.frequency) == pytest.approx(float(known.frequency), rel=1e-8)
        assert float(mine.return_rate) == pytest.approx(float(known.return_rate), rel=1e-7)
        near = lg.orbit(WEAK.replace(current=1.01 * current), near=mine)
        assert float(near.frequency) == pytest.approx(float(known.frequency), rel=0.1)


def test_both_ways_in_which_a_period_grows_without_bound(weak):
    """The unstable cycle runs into a saddle; the stable one dies where two states at rest appear on it, at
    B_s = a√(1 − λ²)."""
    unstable, stable = sorted(weak.cycles, key=lambda branch: bool(branch.critical))
    assert [branch.ends[1].kind for branch in (unstable, stable)] == ["infinite period"] * 2
    assert "a homoclinic orbit" in unstable.ends[1].sentence and not unstable.stable.any()
    (death,) = (p for p in weak.thresholds if p.kind == "fold")
    assert stable.ends[1].value == death.held
    power = np.diff(np.log(stable.periods[-2:])) / np.diff(np.log(death.held - stable.values[-2:]))
    assert power == pytest.approx(-0.5, abs=0.05), "T ∝ 1/√distance"


def test_points_are_saved(quintic, tmp_path):
    for ending in ("npz", "csv", "json"):
        quintic.save(tmp_path / f"branches.{ending}")
    columns = dict(np.load(tmp_path / "branches.npz"))
    cycles = columns["kind"] == "cycle"
    assert columns["mu"][cycles] == pytest.approx(quintic.cycles[0].values)
    assert columns["x_high"][cycles] == pytest.approx(quintic.cycles[0].highs[:, 0])
    comment, head, *lines = (tmp_path / "branches.csv").read_text().splitlines()
    assert comment.startswith("# run record: {") and head.startswith("branch,kind,mu,growing,turns,frequency_Hz")
    assert len(lines) == len(cycles) and lines[0].split(",")[5] == ""
    with pytest.raises(ValueError, match=r"ends in \.json, \.npz or \.csv"):
        quintic.save(tmp_path / "branches.txt")
    with pytest.raises(FileExistsError):
        quintic.save(tmp_path / "branches.npz")


def test_mistakes_are_sentences():
    for call, word in (
        (lambda: lg.follow(STO, "current", 0.0, 1e-4, doublings=-1), "doublings = -1, expected a whole number"),
        (lambda: lg.follow(STO, "current", 0.0, 1e-4, doublings=1, cycles=False), "leave out cycles=False"),
        (lambda: lg.follow(STO, "current", 0.0, 1e-4, observable="w"), "observable = 'w'"),
        (lambda: jax.grad(lambda a: lg.follow(STO.replace(alpha=a), "current", 0.0, 1e-4))(0.01), "give cycles=False"),
    ):
        with pytest.raises(ValueError, match=word):
            call()


class Stiff(lg.System):
    """A Hopf point at 0 beside a number that moves so many times faster than the cycle turns."""

    gain: float = lg.quantity("1")
    ratio: float = lg.quantity("1")

    def start(self):
        return {"x": 0.1, "y": 0.0, "z": 0.0}

    def rate(self, state, inputs):
        x, y, z = state["x"], state["y"], state["z"]
        p = x * x + y * y
        return {
            "x": 1e9 * ((self.gain - p) * x - y),
            "y": 1e9 * ((self.gain - p) * y + x),
            "z": 1e9 * self.ratio * (x - z),
        }


BOX = dict.fromkeys("xyz", (-2.0, 2.0))


def test_what_is_a_thousand_times_faster_is_followed():
    branches = lg.follow(Stiff(0.1, 1e3), "gain", -0.5, 0.5, within=BOX)
    (orbit,) = branches.orbits(0.2)
    (cycles,) = branches.cycles
    assert [end.kind for end in cycles.ends] == ["Hopf", "edge"]
    np.testing.assert_allclose(cycles.highs[:, 0], np.sqrt(np.abs(cycles.values)), atol=1e-8)
    np.testing.assert_allclose([orbit.frequency, orbit.return_rate], [1e9 / (2 * np.pi), 0.4e9], rtol=1e-7)


def test_a_branch_of_which_nothing_but_its_hopf_point_is_reached_is_told():
    branches = lg.follow(Stiff(0.1, 3e6), "gain", -0.5, 0.5, within=BOX)
    (cycles,) = branches.cycles
    assert len(cycles.values) == 1 and cycles.ends[0].kind == "Hopf" and cycles.ends[1].kind == "lost"
    assert "beyond 0 it could not be followed" in str(branches) and not branches.orbits(0.2)
    assert len(branches.table()["branch"]) == len(branches[0].values) + 1
    lg.plot.branches(branches)


@pytest.mark.parametrize("ratio", [1e6, 1e7, 1e9, 1e10])
def test_states_at_rest_beside_what_follows_at_once_are_judged_by_their_own_rates(ratio):
    """Their stability, and where it changes, is that of x and y: z hangs on them and acts on neither."""
    for gain, kind in ((-0.3, "stable"), (0.3, "saddle")):
        (point,) = found = lg.equilibria(Stiff(gain, ratio), within=BOX)
        assert point.kind == kind and found.complete
        np.testing.assert_allclose(point.eigenvalues[0], (gain + 1j) * 1e9, rtol=1e-5)
    branches = lg.follow(Stiff(0.1, ratio), "gain", -0.5, 0.5, within=BOX)
    (point,) = branches.thresholds
    assert branches.complete and point.kind == "Hopf" and point.supercritical
    assert abs(point.value) < 1e-12 and point.frequency == pytest.approx(1e9 / (2 * np.pi))


def test_the_orbit_of_every_value_followed_is_there(weak, quintic):
    """At the ends of the range and at the points of a branch too; at a Hopf point a cycle has no size, and is none."""
    low, high = quintic.over
    (branch,) = quintic.cycles
    for value in (*branch.values[1:-1:5].tolist(), 0.25, high):
        states = [orbit.state["x"] for orbit in quintic.orbits(value)]
        radii = sorted(float(np.max(np.abs(x))) for x in states)
        squares = [s for s in ((1 - math.sqrt(1 + 4 * value)) / 2, (1 + math.sqrt(1 + 4 * value)) / 2) if s > 0]
        np.testing.assert_allclose(radii, np.sqrt(squares), rtol=1e-3)  # a sample need not be at the top
    assert len(quintic.orbits(0.0)) == 1 and not quintic.orbits(low)
    (hopf,) = [point for point in weak.thresholds if point.kind == "Hopf" and point.held > 0.25e-3][-1:]
    assert len(weak.orbits(hopf.held)) == 1  # the one beyond the fold


@pytest.mark.parametrize("value", [0.6, -0.6, math.nan, "0.1", None, True])
def test_an_orbit_of_a_value_that_was_not_followed_is_a_sentence(quintic, value):
    with pytest.raises(ValueError, match=r"expected one of mu that was followed, -0\.5 to 0\.5, in SI"):
        quintic.orbits(value)


def test_orbits_where_cycles_were_left_out_are_a_sentence():
    with pytest.raises(ValueError, match="there are no orbits here: cycles were not followed"):
        lg.follow(STO, "current", 0.2e-3, 0.5e-3, cycles=False).orbits(0.4e-3)
