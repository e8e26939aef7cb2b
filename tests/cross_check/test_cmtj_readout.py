"""Resistances in the plane against cmtj (an independent program), by the mapping of its conventions.

cmtj's R_xx = Rx0 + AMR m_x² + SMR m_y² and R_xy = Ry0 + AHE m_z/2 + (w/l) (AMR + SMR) m_x m_y, in ohms of the bar: its
AHE is what a reversal changes, twice ours; its SMR is less than zero where ours is positive, with Rx0 that of m along
the current. Its films do not share a current: "parallel" adds the reciprocals of R_xy, which has no meaning in a bar.
"""

import numpy as np
import pytest

import llgrad as lg

resistance = pytest.importorskip("cmtj.utils.resistance", reason="cmtj is not installed (pip install llgrad[test])")
LENGTH, WIDTH = 12e-6, 4e-6
SQUARES = LENGTH / WIDTH


def read(effects, m):
    bar = lg.readout.HallBar(lg.readout.Film(100.0, effects), length=LENGTH, width=WIDTH)
    return [
        np.asarray(value)
        for value in (lg.readout.longitudinal_resistance(m, bar), lg.readout.transverse_resistance(m, bar))
    ]


def of_cmtj(m, Rx0, AMR=0.0, AHE=0.0, SMR=0.0):
    return resistance.compute_resistance([Rx0], [0.0], [AMR], [AHE], [SMR], m.T[None], [LENGTH], [WIDTH])


@pytest.fixture
def m(rng):
    directions = rng.normal(size=(50, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def test_anisotropic_resistance_and_anomalous_hall_effect_are_cmtjs(m):
    """ΔR = AMR w/l, R_AHE = AHE/2."""
    along, across = read((lg.readout.AMR(1.5), lg.readout.AHE(0.4)), m)
    Rx, Ry = of_cmtj(m, 100.0 * SQUARES, AMR=1.5 * SQUARES, AHE=0.8)
    np.testing.assert_allclose(along, Rx[0], rtol=1e-14)
    np.testing.assert_allclose(across, Ry[0], atol=1e-14)


def test_spin_hall_resistance_is_cmtjs_but_for_the_sign_across(m):
    """SMR = −ΔR₁ l/w and Rx0 with ΔR₁ in it along the bar. Across it cmtj's (SMR + AMR) has the sign of a tensor's
    off-diagonal element for AMR only: of its own −SMR m_x m_y it writes + in `compute_resistance`, and (SMR − AMR), the
    other way round, in `Rxy_symbolic`."""
    along, across = read(lg.readout.SMR(0.7), m)
    Rx, Ry = of_cmtj(m, (100.0 + 0.7) * SQUARES, SMR=-0.7 * SQUARES)
    np.testing.assert_allclose(along, Rx[0], rtol=1e-14)
    np.testing.assert_allclose(across, -Ry[0], atol=1e-14)
    expression, theta, phi, _ = resistance.Rxy_symbolic(1, 0.0, 1.0, 0.0, 1.0)
    other, theta, phi, _ = resistance.Rxy_symbolic(1, 1.0, 0.0, 0.0, 1.0)
    at = {theta: 1.1, phi: 0.4}
    assert float(expression.subs(at)) == pytest.approx(-float(other.subs(at)))
