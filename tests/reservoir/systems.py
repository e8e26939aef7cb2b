"""Systems whose response to a signal is known exactly."""

from __future__ import annotations

import llgrad as lg


class Leaky(lg.System):
    """dx/dt = −rate x + drive: x decays to drive/rate."""

    inputs = {"drive": "1/s"}  # noqa: RUF012
    rate_: float = lg.quantity("1/s", default=1e9)

    def start(self):
        return {"x": 0.0}

    def rate(self, state, inputs):
        return {"x": -self.rate_ * state["x"] + inputs.drive}

    def fastest(self):
        return self.rate_


class TwoWells(lg.System):
    """dx/dt = rate (x − x³) + drive: two states at rest, which a weak signal does not join."""

    inputs = {"drive": "1/s"}  # noqa: RUF012
    rate_: float = lg.quantity("1/s", default=1e9)

    def start(self):
        return {"x": 0.5}

    def rate(self, state, inputs):
        x = state["x"]
        return {"x": self.rate_ * (x - x * x * x) + inputs.drive}

    def fastest(self):
        return 3 * self.rate_
