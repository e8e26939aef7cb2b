"""Numbers of other conventions: CGS, mumax3, cmtj, Λ and λ. The torque that comes out is the one that was meant."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import llgrad as lg
from llgrad.core.constants import ELEMENTARY_CHARGE, HBAR, MU_0
from llgrad.core.field_term import inputs_of_term
from llgrad.devices.conversions.asymmetry import Lambda_from_lambda, lambda_from_Lambda
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
    assert sto.volume == lg.devices.ellipse_volume(60e-9, 60e-9, 2e-9) == pytest.approx(2.2619e-23, rel=1e-5)
    assert MU_0 * sto.Ms == pytest.approx(1.820, abs=5e-4)
    assert sto.H_k - MU_0 * sto.Ms == pytest.approx(41.6125e-3, abs=1e-6)
    assert (sto.polarization, sto.lambda_, sto.field_like, sto.alpha, sto.gamma) == (0.537, 0.288, 0.0, 0.005, 1.764e11)
    assert (sto.polariser.x, sto.demag.z, sto.field.z) == (1.0, 1.0, 0.02)


def test_an_unknown_preset():
    with pytest.raises(
        ValueError, match=r"unknown device 'kubota'; the presets are kubota2013, .*, or give a .json or .toml"
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
    "Msat": 1.1e6, "area": 7e-15, "FreeLayerThickness": 1.8e-9, "Ku1": 5e5, "Ku2": 1e4, "Pol": 0.6, "J": -3e11,
    "FixedLayer": (0.0, 0.6, 0.8), "B_ext": (0.01, 0.0, 0.05), "alpha": 0.02,
}  # fmt: skip


def mumax_slope(m, given) -> np.ndarray:
    """dm/dt [1/s] as mumax 3.11.1 computes it: cuda/lltorque2.cu, uniaxialanisotropy2.cu, slonczewski2.cu."""
    g, a, Ms, p = 1.7595e11, given["alpha"], given["Msat"], np.array(given["FixedLayer"])
    u = np.array([0, 0, 1])
    B = np.array(given["B_ext"]) - MU_0 * Ms * m * u
    B = B + 2 * given["Ku1"] / Ms * (m @ u) * u + 4 * given["Ku2"] / Ms * (m @ u) ** 3 * u
    precession = -g / (1 + a * a) * (np.cross(m, B) + a * np.cross(m, np.cross(m, B)))
    side = {"FIXEDLAYER_TOP": 1, "FIXEDLAYER_BOTTOM": -1}[given.get("FixedLayerPosition", "FIXEDLAYER_TOP")]
    beta = HBAR / ELEMENTARY_CHARGE * given["J"] / (side * given["FreeLayerThickness"] * Ms)
    Lambda2 = given.get("Lambda", 1.0) ** 2
    A = beta * given["Pol"] * Lambda2 / ((Lambda2 + 1) + (Lambda2 - 1) * (p @ m))
    B2 = beta * given.get("EpsilonPrime", 0.0)
    torque = (A + a * B2) * np.cross(m, np.cross(p, m)) + (B2 - a * A) * np.cross(p, m)
    return precession + g / (1 + a * a) * torque


MUMAX_CASES = {
    "plain": {},
    "ε′": {"EpsilonPrime": 0.04},
    "Λ": {"Lambda": 1.7},
    "fixed layer below": {"FixedLayerPosition": "FIXEDLAYER_BOTTOM"},
    "below, with ε′": {"FixedLayerPosition": "FIXEDLAYER_BOTTOM", "EpsilonPrime": -0.1, "J": 4e11},
    "only Ku2": {"Ku1": 0.0, "Ku2": -6e4},
}


@pytest.mark.parametrize("name", MUMAX_CASES)
def test_from_mumax_gives_the_slope_of_mumax(name, rng):
    given = MUMAX | MUMAX_CASES[name]
    equation = equation_of_motion(lg.Oscillator.from_mumax(**given))
    for _ in range(5):
        m = rng.normal(size=3)
        m /= np.linalg.norm(m)
        slope = equation(lg.Vec3(*m), lg.Vec3(0.0, 0.0, 0.0), 0.0)
        assert np.array([slope.x, slope.y, slope.z]) == pytest.approx(
            mumax_slope(m, given) * 1e-9, rel=1e-10, abs=1e-12
        )


def test_the_second_order_of_mumax_is_no_sin4():
    """4 Ku2/Msat (m·u)³ u: along the axis 2 Ku1/Msat + 4 Ku2/Msat; for small m·u, 2 Ku1/Msat (m·u)."""
    sto = lg.Oscillator.from_mumax(**MUMAX)
    assert sto.H_k == pytest.approx(2 * 5e5 / 1.1e6 + 4 * 1e4 / 1.1e6)
    assert sto.H_k2 == pytest.approx(-4 * 1e4 / 1.1e6)


def test_from_mumax_takes_names_in_any_case_and_vectors_of_any_length():
    loud = {name.upper(): value for name, value in MUMAX.items()} | {"FIXEDLAYER": (0.0, 3.0, 4.0), "J": (0, 0, -3e11)}
    assert lg.Oscillator.from_mumax(**loud) == lg.Oscillator.from_mumax(**MUMAX)


MISTAKES = {
    "a secondary torque with asymmetry": (
        lambda: lg.Oscillator.from_mumax(**MUMAX, Lambda=1.7, EpsilonPrime=0.04),
        r"EpsilonPrime = 0.04 with Lambda = 1.7 .* has no field-like β in this torque",
    ),
    "no fixed layer": (
        lambda: lg.Oscillator.from_mumax(Msat=1e6, area=1e-14, FreeLayerThickness=2e-9, J=1e11),
        "mumax3 has no torque without it",
    ),
    "a fixed layer of no length": (
        lambda: lg.Oscillator.from_mumax(**MUMAX | {"FixedLayer": (0, 0, 0)}),
        "no torque at all",
    ),
    "the side in other words": (
        lambda: lg.Oscillator.from_mumax(**MUMAX, FixedLayerPosition="below"),
        "expected one of FIXEDLAYER_TOP, FIXEDLAYER_BOTTOM",
    ),
    "a current in the plane": (lambda: lg.Oscillator.from_mumax(**MUMAX | {"J": (1e11, 0, 0)}), "flows in the plane"),
    "an axis in the plane": (
        lambda: lg.Oscillator.from_mumax(**MUMAX, anisU=(1, 0, 0)),
        "lg.physics.UniaxialAnisotropy",
    ),
    "a name that there is not": (
        lambda: lg.Oscillator.from_mumax(**MUMAX, Ku3=1.0),
        "no argument 'Ku3'; did you mean 'Ku",
    ),
    "a name twice": (lambda: lg.Oscillator.from_mumax(**MUMAX, fixedlayer=(1, 0, 0)), "FixedLayer is given twice"),
    "a name that is missing": (lambda: lg.Oscillator.from_mumax(Msat=1e6), "needs area, FreeLayerThickness"),
    "Ms in A/m": (
        lambda: lg.Oscillator.from_cmtj(**CMTJ | {"Ms": 1.4e6}),
        r"cmtj takes µ0 Ms in tesla; 1\.4e\+06 A/m is 1.759 T",
    ),
    "no reference layer": (
        lambda: lg.Oscillator.from_cmtj(**CMTJ, J=1e11, spinPolarisation=0.5),
        "cmtj has no torque without",
    ),
    "a long reference layer": (
        lambda: lg.Oscillator.from_cmtj(**CMTJ, referenceLayer=(2, 0, 0)),
        "would scale its torque",
    ),
    "Λ for λ": (
        lambda: lg.Oscillator.from_cmtj(**CMTJ, alternativeSTT=True),
        "SlonczewskiSpacerLayerParameter = 1.0 with alternativeSTT: there cmtj takes it as λ itself",
    ),
    "a tensor off its axes": (
        lambda: lg.Oscillator.from_cmtj(**CMTJ, demagTensor=((0, 0.1, 0), (0.1, 0, 0), (0, 0, 1))),
        "entries off its diagonal",
    ),
    "half a junction": (lambda: lg.Oscillator.from_cmtj(**CMTJ, Rp=100.0), "Rp and Rap belong together"),
    "llgrad's η": (lambda: lg.Oscillator.from_cmtj(**CMTJ, polarization=0.5), "give spinPolarisation as cmtj takes it"),
    "a field in tesla": (lambda: lg.Oscillator.from_cmtj(**CMTJ, field=(0, 0, 0.1)), "give Hext in A/m"),
    "an axis of another length": (
        lambda: lg.Oscillator.from_cmtj(**CMTJ, Ku=1e5, anis=(0, 0, 2)),
        "scale Ku with its square",
    ),
    "only field-like, undamped": (
        lambda: lg.Oscillator.from_cmtj(**CMTJ | {"damping": 0.0}, kappa=0.0, beta=0.5),
        "purely field-like torque",
    ),
}
CMTJ = {"Ms": 1.5, "thickness": 2e-9, "cellSurface": 7e-15, "damping": 0.02}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_conversion_gets_its_sentence(name):
    make, sentence = MISTAKES[name]
    with pytest.raises(ValueError, match=sentence):
        make()


def test_from_cmtj():
    sto = lg.Oscillator.from_cmtj(
        **CMTJ, Ku=8e5, J=-3e11, spinPolarisation=0.4, referenceLayer=(1, 0, 0), Hext=(0, 0, 8e3)
    )
    assert (sto.Ms, sto.volume, sto.current) == pytest.approx((1.5 / 12.566e-7, 1.4e-23, 2.1e-3))
    assert sto.H_k == pytest.approx(2 * 8e5 * MU_0 / 1.5)
    assert sto.gamma == pytest.approx(220880 / MU_0) and sto.field.z == pytest.approx(8e3 * MU_0)
    assert sto.field_like == pytest.approx(-0.02) and sto.polarization == pytest.approx(0.4 / (1 + 0.02**2), rel=1e-4)


@pytest.mark.parametrize("flip", ["current", "polariser"])
def test_the_sign_of_the_current_and_the_side_of_the_layer_each_flip_the_torque(flip):
    """Both together give the same torque where λ = 0."""
    sto = lg.presets.kubota2013().replace(lambda_=0.0, field=(0.0, 0.0, 0.0))
    both = sto.replace(current=-sto.current, polariser=(-1.0, 0.0, 0.0))
    one = both.replace(**{flip: getattr(sto, flip)})
    m, nothing = lg.Vec3(0.48, 0.6, 0.64), lg.Vec3(0.0, 0.0, 0.0)
    torque = lambda d: np.asarray(equation_of_motion(d).terms[3].field(m, inputs_of_term(d.current, nothing)).stack())  # noqa: E731
    assert torque(both) == pytest.approx(torque(sto))
    assert torque(one) == pytest.approx(-torque(sto))
    assert math.isfinite(equation_of_motion(one)(m, nothing, 0.0).x)
