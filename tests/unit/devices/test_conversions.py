"""Numbers of other conventions: CGS, mumax3, cmtj, Λ and λ. The torque that comes out is the one that was meant."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import llgrad as lg
from llgrad.core.constants import ELEMENTARY_CHARGE, HBAR, MU_0
from llgrad.devices.oscillator import Lambda_from_lambda, lambda_from_Lambda
from llgrad.physics.equation import equation_of_motion

CGS = {"Ms": 1448.3, "volume": 2.2619e-17, "H_k": 18616.0, "field": (0, 0, 200), "current": 2.5, "gamma": 1.764e7}


def test_from_cgs():
    sto = lg.Oscillator.from_cgs(**CGS)
    assert (sto.Ms, sto.volume, sto.gamma) == pytest.approx((1.4483e6, 2.2619e-23, 1.764e11))
    assert (sto.H_k, sto.field.z, sto.current) == pytest.approx((1.8616, 20e-3, 2.5e-3))


def test_from_cgs_refuses_gamma_in_SI():
    with pytest.raises(ValueError, match=r"from_cgs takes rad/\(Oe s\): 1\.764e7 for 1\.764e11 rad/\(T s\)"):
        lg.Oscillator.from_cgs(**{**CGS, "gamma": 1.764e11})


def test_the_preset_is_the_published_device():
    sto = lg.presets.kubota2013()
    assert lg.presets.names() == list(lg.presets.PRESETS)
    assert lg.presets.load("kubota2013").Ms == sto.Ms == pytest.approx(1.4483e6)
    assert sto.volume == lg.ellipse_volume(60e-9, 60e-9, 2e-9) == pytest.approx(2.2619e-23, rel=1e-5)
    assert MU_0 * sto.Ms == pytest.approx(1.820, abs=5e-4)
    assert sto.H_k - MU_0 * sto.Ms == pytest.approx(41.6125e-3, abs=1e-6)
    assert (sto.polarization, sto.lambda_, sto.field_like, sto.alpha, sto.gamma) == (0.537, 0.288, 0.0, 0.005, 1.764e11)
    assert (sto.polariser.x, sto.demag.z, sto.field.z) == (1.0, 1.0, 0.02)


def test_an_unknown_preset():
    with pytest.raises(
        ValueError, match=r"unknown device 'kubota'; the presets are kubota2013, or give a .json or .toml"
    ):
        lg.presets.load("kubota")


@given(st.floats(0.05, 20), st.floats(0.01, 1))
def test_Lambda_and_lambda_are_inverse(Lambda, P):
    assert Lambda_from_lambda(*lambda_from_Lambda(Lambda, P)) == pytest.approx((Lambda, P), rel=1e-9)


@given(st.floats(0.2, 5), st.floats(0.01, 1), st.floats(-1, 1))
def test_the_efficiency_is_the_same(Lambda, P, cosine):
    """ε = PΛ²/[(Λ²+1) + (Λ²−1) m·p] = (η/2)/(1 + λ m·p)."""
    lambda_, eta = lambda_from_Lambda(Lambda, P)
    epsilon = P * Lambda**2 / ((Lambda**2 + 1) + (Lambda**2 - 1) * cosine)
    assert eta / 2 / (1 + lambda_ * cosine) == pytest.approx(epsilon, rel=1e-9)


@pytest.mark.parametrize("Lambda", [0.0, -1.0])
def test_Lambda_is_positive(Lambda):
    with pytest.raises(ValueError, match=r"Lambda = .* is out of range; expected a positive number"):
        lambda_from_Lambda(Lambda, 0.5)


@pytest.mark.parametrize("lambda_", [-1.0, 1.0, 1.345])
def test_lambda_is_below_one(lambda_):
    with pytest.raises(ValueError, match=r"lambda_ = .* is out of range; expected −1 < λ < 1"):
        Lambda_from_lambda(lambda_, 0.5)


MUMAX = {
    "Msat": 1.1e6, "area": 7e-15, "thickness": 1.8e-9, "Ku1": 5e5, "Ku2": 1e4, "Pol": 0.6, "J": -3e11,
    "fixedlayer": (0.0, 0.6, 0.8), "B_ext": (0.01, 0.0, 0.05), "alpha": 0.02, "gamma": 1.7595e11,
}  # fmt: skip


def mumax_slope(m, p, Lambda, epsilon_prime) -> np.ndarray:
    """dm/dt [1/s] as mumax3 computes it (slonczewski2.cu), anisotropy, demagnetisation and applied field included."""
    g, a = MUMAX["gamma"], MUMAX["alpha"]
    B = np.array(MUMAX["B_ext"]) - MU_0 * MUMAX["Msat"] * m * np.array([0, 0, 1])
    B[2] += 2 * MUMAX["Ku1"] / MUMAX["Msat"] * m[2] + 4 * MUMAX["Ku2"] / MUMAX["Msat"] * (1 - m[2] ** 2) * m[2]
    precession = -g / (1 + a * a) * (np.cross(m, B) + a * np.cross(m, np.cross(m, B)))
    beta = HBAR * MUMAX["J"] / (ELEMENTARY_CHARGE * MUMAX["thickness"] * MUMAX["Msat"])
    epsilon = MUMAX["Pol"] * Lambda**2 / ((Lambda**2 + 1) + (Lambda**2 - 1) * (m @ p))
    A, secondary = beta * epsilon, beta * epsilon_prime
    torque = (A + a * secondary) * np.cross(m, np.cross(p, m)) + (secondary - a * A) * np.cross(p, m)
    return precession + g / (1 + a * a) * torque


@pytest.mark.parametrize(("Lambda", "epsilon_prime"), [(1.0, 0.0), (1.0, 0.04), (1.7, 0.0)])
def test_from_mumax_gives_the_slope_of_mumax(Lambda, epsilon_prime, rng):
    sto = lg.Oscillator.from_mumax(**MUMAX, Lambda=Lambda, EpsilonPrime=epsilon_prime)
    equation = equation_of_motion(sto)
    for _ in range(5):
        m = rng.normal(size=3)
        m /= np.linalg.norm(m)
        slope = equation(lg.Vec3(*m), lg.Vec3(0.0, 0.0, 0.0), 0.0)
        expected = mumax_slope(m, np.array(MUMAX["fixedlayer"]), Lambda, epsilon_prime) * 1e-9
        assert np.array([slope.x, slope.y, slope.z]) == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_from_mumax_refuses_a_secondary_torque_with_asymmetry():
    with pytest.raises(ValueError, match=r"EpsilonPrime = 0.04 with Lambda = 1.7 has no field-like β in this torque"):
        lg.Oscillator.from_mumax(**MUMAX, Lambda=1.7, EpsilonPrime=0.04)


def test_from_cmtj():
    sto = lg.Oscillator.from_cmtj(Ms=1.5, Ku=8e5, area=7e-15, thickness=2e-9, J=-3e11, alpha=0.02)
    assert (sto.Ms, sto.volume, sto.current) == pytest.approx((1.5 / MU_0, 1.4e-23, 2.1e-3))
    assert sto.H_k == pytest.approx(2 * 8e5 * MU_0 / 1.5)


def test_from_cmtj_refuses_Ms_in_A_per_m():
    with pytest.raises(ValueError, match=r"cmtj takes µ0 Ms in tesla; 1\.4e\+06 A/m is 1.759 T"):
        lg.Oscillator.from_cmtj(Ms=1.4e6, area=7e-15, thickness=2e-9)


@pytest.mark.parametrize("flip", ["current", "polariser"])
def test_the_sign_of_the_current_and_the_side_of_the_layer_each_flip_the_torque(flip):
    """Both together give the same torque where λ = 0."""
    sto = lg.presets.kubota2013().replace(lambda_=0.0, field=(0.0, 0.0, 0.0))
    both = sto.replace(current=-sto.current, polariser=(-1.0, 0.0, 0.0))
    one = both.replace(**{flip: getattr(sto, flip)})
    m, nothing = lg.Vec3(0.48, 0.6, 0.64), lg.Vec3(0.0, 0.0, 0.0)
    torque = lambda d: np.asarray(equation_of_motion(d).terms[3].field(m, d.current).stack())  # noqa: E731
    assert torque(both) == pytest.approx(torque(sto))
    assert torque(one) == pytest.approx(-torque(sto))
    assert math.isfinite(equation_of_motion(one)(m, nothing, 0.0).x)
