"""Switching by current, against the critical currents of Slonczewski for a layer and a polariser across the plane."""

import pytest
from scipy.constants import e, hbar, mu_0

import llgrad as lg

Ms, VOLUME, ALPHA, ETA, H_K = 8e5, 3e-24, 0.02, 0.6, 1.3


@pytest.mark.parametrize(("lambda_", "field"), [(0.0, 0.0), (0.0, 0.05), (0.3, -0.1)])
def test_a_perpendicular_layer_switches_at_slonczewskis_currents(lambda_, field):
    """B_s(I) = α (H_k − µ0 Ms ± H), with the angular factor 1 ± λ of the state that is left."""
    junction = lg.devices.LinearJunction(R_P=1000.0, delta_R=1000.0)
    own = {"Ms": Ms, "volume": VOLUME, "alpha": ALPHA, "H_k": H_K, "polarization": ETA, "lambda_": lambda_}
    device = lg.Oscillator(**own, polariser=(0, 0, 1), field=(0, 0, field), junction=junction)
    per_tesla = 2 * e * Ms * VOLUME / (hbar * ETA)
    to_ap = ALPHA * per_tesla * (H_K - mu_0 * Ms + field) * (1 + lambda_)
    to_p = -ALPHA * per_tesla * (H_K - mu_0 * Ms - field) * (1 - lambda_)
    found = lg.experiments.loop(device, "current", 1.5 * to_ap, 1.5 * to_p, steps=40)
    assert [float(value) for way in found.switching for value in way] == pytest.approx([to_p, to_ap], rel=1e-7)
    assert [found.resistance.min(), found.resistance.max()] == pytest.approx([1000.0, 2000.0])
