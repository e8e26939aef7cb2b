"""Branches of fixed points and their critical points: published figures, closed forms, laws, derivatives."""

import math

import jax
import numpy as np
import pytest
from tests.orbits.systems import Lorenz
from tests.unit.solve.systems import MEMBERS, Hopf

import llgrad as lg
from llgrad.core.constants import ELEMENTARY_CHARGE, HBAR, MU_0
from llgrad.physics.slonczewski import torque_per_ampere

STO = lg.presets.kubota2013()
B = STO.H_k - MU_0 * STO.Ms
PER_AMPERE = torque_per_ampere(STO.polarization, STO.Ms, STO.volume)


def averaged_threshold(device):
    """I_c = 4αeMV/(ħηλ) (H + H_k − 4πM): T. Taniguchi et al., Appl. Phys. Express 6, 123003 (2013)."""
    moment = device.Ms * device.volume
    factor = 4 * device.alpha * ELEMENTARY_CHARGE * moment / (HBAR * device.polarization * device.lambda_)
    return factor * (device.field.z + B)


def onset(device):
    """The Hopf point of the upper state."""
    expected = averaged_threshold(device)
    found = lg.orbits.thresholds(device, "current", 0.8 * expected, 1.2 * expected)
    (point,) = (point for point in found if point.kind == "Hopf" and point.y[2] > 0.9)
    return point


@pytest.mark.parametrize(("field", "expected"), [(0.02, 0.3959976e-3), (0.2, 1.5538392e-3)])
def test_the_exact_hopf_currents(field, expected):
    """From the eigenvalues of the Jacobian, by an independent program."""
    device = STO.replace(field=(0.0, 0.0, field))
    point = onset(device)
    assert point.value == pytest.approx(expected, rel=1e-6)
    found = lg.equilibria(device.replace(current=point.value))
    growth = min(abs(one.growth) for one in found if one.y[2] > 0.9)
    assert growth < 1e-6 * point.frequency, "deviations neither grow nor decay there"


def test_the_averaged_threshold_is_the_limit_of_small_damping_of_the_second_order():
    """B_s at the threshold is proportional to α, so both become small together."""
    errors = []
    for alpha in (0.005, 0.0025):
        device = STO.replace(alpha=alpha)
        errors.append(1 - onset(device).value / averaged_threshold(device))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.01)


def test_the_onset_is_subcritical_below_the_averaged_critical_field():
    """H_c = 3λ²b/(2 − 3λ²) = 59.1 Oe: the first Lyapunov coefficient changes its sign there, to the order α²."""
    critical = 3 * STO.lambda_**2 * B / (2 - 3 * STO.lambda_**2)
    assert critical == pytest.approx(5.91e-3, rel=1e-3)
    errors = []
    for alpha in (0.005, 0.0025):
        ends = np.array([0.98, 1.06]) * critical
        signs = [onset(STO.replace(alpha=alpha, field=(0.0, 0.0, h))).lyapunov for h in ends]
        assert signs[0] > 0 > signs[1]
        errors.append(np.interp(0.0, signs[::-1], ends[::-1]) / critical - 1)
    assert math.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)


def test_oscillation_dies_at_a_fold():
    """I = a√(1 − λ²) over B_s/I, where two states with m_z = 0 appear: exact."""
    (fold,) = (p for p in lg.orbits.thresholds(STO, "current", 3.4e-3, 3.6e-3) if p.kind == "fold")
    assert fold.value == pytest.approx(STO.field.z * math.sqrt(1 - STO.lambda_**2) / PER_AMPERE, rel=1e-12)
    assert fold.y == pytest.approx([-STO.lambda_, -math.sqrt(1 - STO.lambda_**2), 0.0], abs=1e-7)


def test_all_branches_of_the_reference_device():
    """Each fixed point at any current is on one branch; the branches of m_x = 0 and m_z = 0 meet at B_s = a."""
    found = lg.follow(STO, "current", 0.0, 5e-3)
    assert [point.kind for point in found.thresholds] == ["Hopf", "Hopf", "fold", "fold", "branch point"]
    assert found.thresholds[-1].value == pytest.approx(STO.field.z / PER_AMPERE, rel=1e-9)
    assert found.thresholds[2].y[0] == pytest.approx(0.0, abs=1e-9)
    assert not any("lost" in branch.ends for branch in found.branches)
    for current in (0.3e-3, 1.2e-3, 2.5e-3, 3.6e-3, 4.5e-3):
        crossings = sum(int((np.diff(np.sign(branch.values - current)) != 0).sum()) for branch in found.branches)
        assert crossings == len(lg.equilibria(STO.replace(current=current))), current
    assert "supercritical, 1.7273 GHz" in str(found)


def test_every_threshold_has_its_derivative():
    def value(x, low, high):
        device = STO.replace(alpha=x[0], field=lg.Vec3(x[1], 0.0, 0.02))
        return lg.orbits.thresholds(device, "current", low, high)[0].value

    for span in ((0.38e-3, 0.41e-3), (3.4e-3, 3.65e-3)):
        slope = jax.grad(value)([0.005, 1e-5], *span)
        for i in range(2):
            ahead, behind = (value([0.005 + s * (i == 0), 1e-5 + s * (i == 1)], *span) for s in (1e-8, -1e-8))
            assert float(slope[i]) == pytest.approx((ahead - behind) / 2e-8, rel=1e-6, abs=1e-9)


def test_switching_fields_are_those_of_stoner_and_wohlfarth():
    """H_sw = b (cos^⅔ψ + sin^⅔ψ)^(−3/2), where the reversed state meets the saddle: both branches, so a hysteresis."""
    psi = math.radians(30)
    along = lg.Vec3(math.sin(psi), 0.0, math.cos(psi))

    class Tilted(lg.System):
        strength: float = lg.quantity("T")

        def start(self):
            return {"m": lg.systems.Spin(0.0, 0.0, 1.0)}

        def rate(self, state, inputs):
            m = state["m"]
            torque = m.cross(along * self.strength + lg.Vec3(0.0, 0.0, B * m.z))
            return {"m": (torque + m.cross(torque) * 0.05) * -1.76e11}

    found = lg.orbits.thresholds(Tilted(0.0), "strength", -0.05, 0.05)
    expected = B * (math.cos(psi) ** (2 / 3) + math.sin(psi) ** (2 / 3)) ** -1.5
    assert [point.value for point in found if point.kind == "fold"] == pytest.approx([-expected, expected], rel=1e-11)


def test_thresholds_of_systems():
    """The normal form at no gain, supercritical; Lorenz' system at ρ = 1 and σ(σ+β+3)/(σ−β−1), subcritical."""
    (point,) = lg.orbits.thresholds(Hopf(1e9, 2e9, 1.2e9), "gain", -1e9, 1e9)
    assert (point.kind, point.supercritical) == ("Hopf", True)
    assert abs(point.value) < 1e-3 and point.frequency == pytest.approx(1.2e9, rel=1e-12)
    found = lg.orbits.thresholds(Lorenz(), "rho", 0.5, 30.0)
    assert [p.kind for p in found] == ["branch point", "Hopf", "Hopf"]
    assert found[0].value == pytest.approx(1.0, rel=1e-9)
    assert [p.value for p in found[1:]] == pytest.approx([10 * (10 + 8 / 3 + 3) / (10 - 8 / 3 - 1)] * 2, rel=1e-11)
    assert not found[1].supercritical


def test_mistakes_are_sentences():
    for call, word in (
        (lambda: lg.follow(STO, "curent", 0.0, 1e-3), "no number 'curent'"),
        (lambda: lg.follow(STO, "current", 1e-3, 1e-3), "two different values"),
        (lambda: lg.orbits.thresholds(MEMBERS["Stack"], "exchange", 0.0, 0.1), "depends on the time"),
    ):
        with pytest.raises(ValueError, match=word):
            call()
