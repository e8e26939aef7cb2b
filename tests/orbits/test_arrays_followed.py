"""Arrays of systems are followed like a device: their Hopf points are those of the modes of their coupling."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from tests.orbits.families import UNIT, turning

import llgrad as lg

STRENGTH = 0.1


class Member(lg.System):
    """r′ = (μ − r²) r with 1 GHz, pushed."""

    mu: float = lg.quantity("1", default=0.3)
    inputs: ClassVar = {"push": "1/s", "pull": "1/s"}

    def start(self):
        return {"x": 0.5, "y": 0.1}

    def rate(self, state, inputs):
        x, y = state["x"], state["y"]
        own = turning(x, y, self.mu - x * x - y * y)
        return {"x": own["x"] + inputs.push, "y": own["y"] + inputs.pull}

    def emit(self, state):
        return {"x": state["x"], "y": state["y"]}


def array(count, **changes):
    weights = STRENGTH * UNIT * (np.ones((count, count)) - np.eye(count))
    mixes = [lg.systems.DenseMix(weights, of=of, to=to) for of, to in (("x", "push"), ("y", "pull"))]
    return lg.systems.SystemArray(Member(**changes), count, mixes)


def test_an_array_of_one_is_its_member():
    one = lg.follow(Member(), "mu", -0.2, 0.3)
    found = lg.follow(lg.systems.SystemArray(Member(), 1), "mu", -0.2, 0.3)
    assert [(p.kind, p.supercritical) for p in found.thresholds] == [("Hopf", True)]
    assert found.thresholds[0].held == pytest.approx(one.thresholds[0].held, abs=1e-12)
    (branch,), (same,) = found.cycles, one.cycles
    assert branch.highs[-1] == pytest.approx(same.highs[-1], rel=1e-8)
    assert branch.frequencies[-1] == pytest.approx(same.frequencies[-1], rel=1e-9)
    assert found.names == ("x0", "y0") and found.complete


@pytest.mark.slow
def test_hopf_points_are_those_of_the_modes():
    """The weights' eigenvalues are s (in step) and −s (out of step): each grows from μ = −s and s."""
    found = lg.follow(array(2), "mu", -0.3, 0.3)
    assert [p.held for p in found.thresholds] == pytest.approx([-STRENGTH, STRENGTH], abs=1e-10)
    (branch,) = [one for one in found.cycles if one.ends[0].value == found.thresholds[0].held]
    assert branch.stable[1:].all() and branch.frequencies == pytest.approx(np.full(len(branch.values), UNIT), rel=1e-8)
    assert branch.highs[-1] == pytest.approx(np.full(4, np.sqrt(0.3 + STRENGTH)), rel=1e-6), "both in step"


def test_what_cannot_be_followed_is_told():
    free = lg.follow(lg.systems.SystemArray(Member(), 2), "mu", -0.2, 0.3)
    assert "are not coupled, so each has a phase of its own" in free.note and free.cycles == ()
    with pytest.raises(ValueError, match=r"have each a mu of its own, from 0\.1 to 0\.2"):
        lg.follow(array(2, mu=[0.1, 0.2]), "mu", -0.2, 0.3)
    with pytest.raises(ValueError, match="has no number 'nu' to follow; it has mu"):
        lg.follow(array(2), "nu", -0.2, 0.3)
