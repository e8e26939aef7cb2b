"""Branches of states at rest are complete where their indices add up (Poincaré and Hopf): one less is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.orbits.families import Pitchfork
from tests.orbits.systems import Lorenz, Pair
from tests.orbits.test_standing import Line

import llgrad as lg
from llgrad.orbits.branches.family import family_of, range_of
from llgrad.orbits.branches.indices import wrong_sums

STO = lg.presets.kubota2013()
MEMBERS = {
    "magnet, current": (STO, "current", 0.0, 5e-3, None),
    "magnet, field": (STO.replace(current=0.5e-3), "field.x", -0.3, 0.3, None),
    "two magnets": (Pair(0.1, 0.2, 0.05, alpha=0.02), "field_x", 0.01, 0.6, None),
    "Lorenz": (Lorenz(), "rho", 0.5, 30.0, None),
    "cycles beside": (Pitchfork(), "mu", -0.4, 0.4, {"x": (-2, 2), "y": (-2, 2), "s": (-2, 2)}),
}


@pytest.mark.parametrize("name", MEMBERS)
def test_indices_add_up_and_a_branch_less_is_seen(name):
    device, number, start, stop, within = MEMBERS[name]
    found = lg.follow(device, number, start, stop, within=within, cycles=False)
    span = range_of(device, number, start, stop)
    family = family_of(device, span, None)
    wrong = wrong_sums(family, span, found.branches, found.thresholds, within)
    unknown = [one for one in wrong if one.expected is None]
    assert wrong == unknown, "none has another sum"
    assert found.complete == (not wrong)
    assert found.complete or found.notes, "what is not complete says why"
    # one that goes round a fold has as many points of each index at any value, and is not seen
    across = [i for i, branch in enumerate(found.branches) if abs(branch.values[-1] - branch.values[0]) == stop - start]
    assert across
    for i in across if not unknown else ():
        fewer = found.branches[:i] + found.branches[i + 1 :]
        assert wrong_sums(family, span, fewer, found.thresholds, within), f"without branch {i}"


def test_a_missing_branch_is_a_sentence(monkeypatch):
    from llgrad.orbits.branches import follow

    searched = follow.equilibria
    monkeypatch.setattr(
        follow, "equilibria", lambda *given, **named: replace(e := searched(*given, **named), points=e[1:])
    )
    found = lg.follow(STO, "current", 0.2e-3, 0.3e-3, cycles=False)
    assert not found.complete and not found.to_json()["complete"]
    assert "the indices of the states at rest add up to 1, and must to 2: a branch is missing there" in str(found)


def test_a_curve_that_is_not_followed_is_not_complete():
    ring = STO.replace(field=(0.0, 0.0, 0.1), H_k=0.5, current=0.0)
    found = lg.follow(ring, "field.z", -0.1, 0.3, cycles=False)
    assert not found.complete and "they are not followed" in str(found)
    assert lg.follow(Line(), "mu", -0.5, 1.0, cycles=False).branches
