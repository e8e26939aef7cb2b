"""`torque_at`: the parts add up to the equation of motion, and other programs' formulas, written out, give the same."""

import numpy as np
import pytest

import llgrad as lg
from llgrad.core.constants import ELEMENTARY_CHARGE, HBAR, MU_0
from llgrad.physics.equation import equation_of_motion

THICKNESS = 2e-9
STO = lg.presets.kubota2013().replace(alpha=0.03, current=-1.7e-3, field=(0.01, -0.02, 0.03))

DEVICES = {
    "reference": lg.presets.kubota2013(),
    "asymmetry": STO,
    "field-like": STO.replace(lambda_=0.0, field_like=-0.4),
    "both": STO.replace(field_like=0.25, polariser=(0.0, 0.6, 0.8)),
    "second order": STO.replace(H_k2=-0.1, demag=(0.02, 0.05, 0.93)),
    "own term": STO.replace(terms=(lg.physics.UniaxialAnisotropy(H_k=0.05, axis=(0.0, 1.0, 0.0)),)),
    "no current": STO.replace(current=0.0),
}


@pytest.fixture
def m(rng):
    m = rng.normal(size=3)
    return m / np.linalg.norm(m)


@pytest.mark.parametrize("name", DEVICES)
def test_the_parts_add_up_to_the_equation_of_motion(name, m):
    slope = equation_of_motion(DEVICES[name])(lg.Vec3(*map(float, m)), lg.Vec3(0.0, 0.0, 0.0), 0.0)
    torques = lg.physics.torque_at(DEVICES[name], m)
    assert torques.total * 1e-9 == pytest.approx([float(slope.x), float(slope.y), float(slope.z)], rel=1e-12, abs=1e-12)
    for program, last, unit in (("cmtj", "all three [1/s]", 1.0), ("OOMMF", "dm/dt [rad/s]", 1.0),
                                ("mumax3", "torque [T]", DEVICES[name].gamma)):  # fmt: skip
        assert torques.programs[program][last] * unit == pytest.approx(torques.total, rel=1e-12)


@pytest.mark.parametrize("name", [name for name in DEVICES if name not in ("own term", "both")])
@pytest.mark.parametrize(
    ("program", "read", "missing"),
    [
        ("cmtj", lg.Oscillator.from_cmtj, {}),
        ("mumax3", lg.Oscillator.from_mumax, {"demag": lambda device: device.demag}),
    ],
)
def test_the_settings_are_the_device(name, program, read, missing):
    device = DEVICES[name]
    settings = lg.physics.torque_at(device, (0.0, 0.0, 1.0), thickness=THICKNESS).settings[program]
    if program == "mumax3" and device.field_like and device.lambda_:
        pytest.skip("mumax3 has no such device")
    back = read(**settings, **{key: of(device) for key, of in missing.items()})
    for leaf in ("Ms", "volume", "alpha", "gamma", "H_k", "H_k2", "polarization", "lambda_", "field_like", "current"):
        assert getattr(back, leaf) == pytest.approx(getattr(device, leaf), rel=1e-10, abs=1e-12), leaf
    for leaf in ("field", "demag", "polariser"):
        assert np.asarray(getattr(back, leaf).stack()) == pytest.approx(np.asarray(getattr(device, leaf).stack()))


def oommf_spin_torque(m, s) -> np.ndarray:
    """OOMMF 2.1a0's output "Spin torque" (spinxferevolve.cc, UpdateSpinTorqueOutputs) from its own settings."""
    p, Lambda2, alpha = np.array(s["mp"]), s["Lambda"] ** 2, s["alpha"]
    beta = HBAR / (MU_0 * ELEMENTARY_CHARGE) * s["J"] / (s["thickness"] * s["Ms"])
    be = beta * s["P"] * Lambda2 / ((Lambda2 + 1) + (Lambda2 - 1) * (m @ p))
    bp = beta * s["eps_prime"]
    mxp = np.cross(m, p)
    return s["gamma_G"] / (1 + alpha**2) * (np.cross((be + alpha * bp) * mxp, m) + (alpha * be - bp) * mxp)


def mumax_spin_torque(m, s) -> np.ndarray:
    """mumax 3.11.1's STTorque [T] (slonczewski2.cu) from its own settings."""
    p, Lambda2, alpha = np.array(s["FixedLayer"]), s["Lambda"] ** 2, s["alpha"]
    beta = HBAR / ELEMENTARY_CHARGE * s["J"] / (s["FreeLayerThickness"] * s["Msat"])
    A = beta * s["Pol"] * Lambda2 / ((Lambda2 + 1) + (Lambda2 - 1) * (p @ m))
    B = beta * s["EpsilonPrime"]
    pxm = np.cross(p, m)
    return ((A + alpha * B) * np.cross(m, pxm) + (B - alpha * A) * pxm) / (1 + alpha**2)


@pytest.mark.parametrize("name", DEVICES)
def test_what_the_other_programs_print(name, m):
    torques = lg.physics.torque_at(DEVICES[name], m, thickness=THICKNESS)
    theirs = oommf_spin_torque(m, torques.settings["OOMMF"])
    assert torques.programs["OOMMF"]["Spin torque [rad/s]"] == pytest.approx(theirs, rel=1e-9, abs=1e-3)
    theirs = mumax_spin_torque(m, torques.settings["mumax3"])
    assert torques.programs["mumax3"]["STTorque [T]"] == pytest.approx(theirs, rel=1e-9, abs=1e-15)


def test_a_positive_current_pushes_m_away_from_the_polariser_and_a_positive_J_pulls_it_there():
    device, m = lg.presets.kubota2013(), np.array([0.6, 0.0, 0.8])
    torques = lg.physics.torque_at(device, m, thickness=THICKNESS)
    assert device.current > 0 > torques.parts["damping-like spin torque"][0]
    assert all(torques.settings[program]["J"] < 0 for program in ("cmtj", "mumax3", "OOMMF"))


def test_it_prints_as_tables():
    text = str(lg.physics.torque_at(DEVICES["own term"], (0.0, 0.0, 1.0)))
    for words in (
        "applied field",
        "terms.0 UniaxialAnisotropy",
        "damping-like spin torque",
        "STTorque [T]",
        "Spin torque [rad/s]",
        "sttTerm",
        "J times area [A] = 0.0017",
        "FIXEDLAYER_TOP",
        "note:",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: lg.physics.torque_at(STO, (0.0, 0.0, 2.0)), "m = .* has length 2, expected a unit vector"),
        (lambda: lg.physics.torque_at(STO, (0.0, 1.0)), "m = .*, expected three finite components"),
        (lambda: lg.physics.torque_at(STO, (0.0, 0.0, float("nan"))), "expected three finite components"),
        (
            lambda: lg.physics.torque_at(lg.OscillatorArray(STO, 2), (0.0, 0.0, 1.0)),
            "got OscillatorArray",
        ),
        (
            lambda: lg.physics.torque_at(STO.replace(alpha=np.array([0.1, 0.2])), (0.0, 0.0, 1.0)),
            "a device of plain numbers",
        ),
        (lambda: lg.physics.torque_at(STO, (0.0, 0.0, 1.0), thickness=0.0), "thickness = 0.0, expected the thickness"),
    ],
)
def test_what_has_no_torque_gets_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
