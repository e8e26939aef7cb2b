"""Which kind a critical point is: normal forms, whose points are known, over ranges and units of any size."""

from __future__ import annotations

import pytest

import llgrad as lg

UNIT = 1e9


class Form(lg.System):
    """ds/dt = (a + b s) μ + c s − d s² − e s³ + f with μ = scale × number, and a second number that only decays."""

    mu: float = lg.quantity("1", default=0.1)
    scale: float = lg.quantity("1", default=1.0)
    a: float = lg.quantity("1", default=0.0)
    b: float = lg.quantity("1", default=0.0)
    c: float = lg.quantity("1", default=0.0)
    d: float = lg.quantity("1", default=0.0)
    e: float = lg.quantity("1", default=0.0)
    f: float = lg.quantity("1", default=0.0)

    def start(self):
        return {"s": 0.5, "r": 0.1}

    def rate(self, state, inputs):
        s, r, mu = state["s"], state["r"], self.scale * self.mu
        rate = (self.a + self.b * s) * mu + self.c * s - self.d * s * s - self.e * s**3 + self.f
        return {"s": UNIT * rate, "r": -UNIT * r}


CASES = {
    "fold": ({"a": 1.0, "d": 1.0}, [("fold", 0.0)]),
    "pitchfork": ({"b": 1.0, "e": 1.0}, [("branch point", 0.0)]),
    "transcritical": ({"b": 1.0, "d": 1.0}, [("branch point", 0.0)]),
    "two folds": ({"a": 1.0, "c": 1.0, "e": 1 / 3}, [("fold", -2 / 3), ("fold", 2 / 3)]),
    "almost a pitchfork": ({"b": 1.0, "e": 1.0, "f": 1e-6}, [("fold", 3 * (5e-7) ** (2 / 3))]),
}


@pytest.mark.parametrize("scale", [1.0, 1e6])
@pytest.mark.parametrize("name", CASES)
def test_normal_forms(name, scale):
    numbers, expected = CASES[name]
    device = Form(scale=scale, **numbers)
    found = lg.orbits.thresholds(device, "mu", -1.0 / scale, 0.9 / scale, within={"s": (-3, 3), "r": (-1, 1)})
    assert [point.kind for point in found] == [kind for kind, _ in expected]
    for point, (_, value) in zip(found, expected, strict=True):
        assert scale * point.held == pytest.approx(value, abs=1e-7)
