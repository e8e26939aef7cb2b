"""Against cmtj (C++, an independent program), step by step: what `from_cmtj` gives is what cmtj simulates.

Both take RK4 steps and then set |m| to 1. Within a step |m| is not quite 1, and there the two write the cross terms of
the spin torque differently: what is left beyond rounding falls with a high power of the step. cmtj's log is one
step late (row k holds the state after step k + 1, beside the time before it), and `writeFrequency` is cut down to whole
steps, 99 of 0.1 ps by default: rows are written at every step here.
"""

import math

import numpy as np
import pytest
from tests.physics import reference

import llgrad as lg
from llgrad.core.constants import CMTJ_GYROMAGNETIC_RATIO, CMTJ_MU_0, MU_0
from llgrad.devices.conversions.asymmetry import Lambda_from_lambda
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate

cmtj = pytest.importorskip("cmtj", reason="cmtj is not installed (pip install llgrad[test])")

DT = 0.2e-12
STEPS = 4000
START = lg.direction(math.radians(40), math.radians(25))

FILM = {
    "Ms": 1.82, "thickness": 2e-9, "cellSurface": 1.131e-14, "Ku": 1.348e6, "damping": 0.02, "J": -1.2e11,
    "spinPolarisation": 0.4, "referenceLayer": (0.6, 0.0, 0.8), "Hext": (8e3, -5e3, 2e4),
}  # fmt: skip

# What of cmtj each one switches on.
DEVICES = {
    "no current": {"J": 0.0},
    "cross terms dropped": {},
    "beta": {"beta": 0.3},
    "beta and strong damping": {"beta": -0.6, "damping": 0.2},
    "Λ": {"SlonczewskiSpacerLayerParameter": 1.6, "beta": 0.1},
    "alternative torque": {"alternativeSTT": True, "SlonczewskiSpacerLayerParameter": 0.3, "beta": 0.1},
    "kappa": {"kappa": 0.4, "beta": 0.2},
    "no damping-like torque": {"kappa": 0.0, "beta": 0.5, "damping": 0.05},
    "second-order anisotropy": {"K2": 6e4},
    "negative second order": {"Ku": 1.2e6, "K2": -9e4},
    "demagnetising tensor": {"demagTensor": ((0.02, 0, 0), (0, 0.05, 0), (0, 0, 0.93))},
    "current the other way": {"J": 1.2e11},
    "resistance": {"Rp": 150.0, "Rap": 310.0},
}


def vector(values):
    return cmtj.CVector(*(float(v) for v in values))


def by_cmtj(given: dict, steps: int = STEPS, dt: float = DT) -> dict[str, np.ndarray]:
    """cmtj's log of a device in its own names, from START, a row for each step."""
    zero = ((0, 0, 0), (0, 0, 0), (0, 0, 1))
    layer = cmtj.Layer.createSTTLayer(
        id="free",
        mag=vector((START.x, START.y, START.z)),
        anis=vector((0, 0, 1)),
        demagTensor=[vector(row) for row in given.get("demagTensor", zero)],
        **{name: given[name] for name in ("Ms", "thickness", "cellSurface", "damping", "spinPolarisation")},
        **{name: given[name] for name in ("SlonczewskiSpacerLayerParameter", "beta") if name in given},
    )
    layer.setReferenceLayer(vector(given["referenceLayer"]))
    layer.setAlternativeSTT(given.get("alternativeSTT", False))
    layer.setKappa(given.get("kappa", 1.0)) if hasattr(layer, "setKappa") else None
    junction = cmtj.Junction([layer], given["Rp"], given["Rap"]) if "Rp" in given else cmtj.Junction([layer])
    junction.setLayerAnisotropyDriver("free", cmtj.constantDriver(given["Ku"]))
    junction.setLayerSecondOrderAnisotropyDriver("free", cmtj.constantDriver(given.get("K2", 0.0)))
    junction.setLayerExternalFieldDriver("free", cmtj.AxialDriver(vector(given["Hext"])))
    junction.setLayerCurrentDriver("free", cmtj.constantDriver(given["J"]))
    junction.runSimulation((steps + 0.5) * dt, dt, dt)
    return {name: np.asarray(column) for name, column in junction.getLog().items()}


def magnetisation(log: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack([log[f"free_m{axis}"] for axis in "xyz"], axis=1)


def by_llgrad(device: lg.Oscillator, steps: int = STEPS, dt: float = DT) -> lg.solvers.Trajectory:
    return simulate(device, duration=steps * dt, dt=dt, m0=START)


@pytest.mark.parametrize("name", DEVICES)
def test_the_device_of_cmtj_to_rounding(name):
    given = FILM | DEVICES[name]
    theirs = magnetisation(by_cmtj(given))
    run = by_llgrad(lg.Oscillator.from_cmtj(**given))
    assert run.m.shape == (STEPS + 1, 3) and theirs.shape == (STEPS, 3)
    assert np.abs(theirs - np.asarray(run.m[1:])).max() < 1e-10
    assert np.abs(theirs - theirs[0]).max() > 0.5


@pytest.mark.parametrize(
    "name", [name for name in DEVICES if name not in ("no current", "resistance", "cross terms dropped")]
)
def test_every_switch_is_one(name):
    """What a member switches on changes the run by far more than the tolerance: none of the agreements is empty."""
    given = FILM | DEVICES[name]
    plain = {key: value for key, value in given.items() if key not in DEVICES[name]} | {
        key: FILM[key] for key in DEVICES[name] if key in FILM
    }
    assert np.abs(magnetisation(by_cmtj(given)) - magnetisation(by_cmtj(plain))).max() > 1e-3


def test_the_log_is_one_step_late():
    log = by_cmtj(FILM, steps=5)
    run = by_llgrad(lg.Oscillator.from_cmtj(**FILM), steps=5)
    assert log["time"][:2] == pytest.approx([0.0, DT])
    assert magnetisation(log)[0] == pytest.approx(np.asarray(run.m[1]), abs=1e-13)
    assert np.abs(magnetisation(log)[0] - np.asarray(run.m[0])).max() > 1e-4


def test_the_resistance_of_cmtj():
    given = FILM | DEVICES["resistance"]
    device = lg.Oscillator.from_cmtj(**given)
    assert by_cmtj(given)["R"] == pytest.approx(np.asarray(lg.observables.resistance(by_llgrad(device)))[1:], rel=1e-9)


def test_the_constants_of_cmtj_are_those_of_its_library():
    constants = cmtj.constants.PhysicalConstants
    assert constants.gyromagnetic_ratio() == CMTJ_GYROMAGNETIC_RATIO
    assert constants.magnetic_permeability() == CMTJ_MU_0


REFERENCE = {
    "Ms": MU_0 * reference.STO.Ms,
    "thickness": 2e-9,
    "cellSurface": reference.STO.volume / 2e-9,
    "Ku": reference.STO.H_k * reference.STO.Ms / 2,
    "damping": reference.STO.alpha,
    "J": -reference.STO.current / (reference.STO.volume / 2e-9),
    "referenceLayer": (1.0, 0.0, 0.0),
    "Hext": (0.0, 0.0, reference.STO.field.z / MU_0),
} | dict(
    zip(
        ("SlonczewskiSpacerLayerParameter", "spinPolarisation"),
        Lambda_from_lambda(reference.STO.lambda_, reference.STO.polarization),
        strict=True,
    )
)


def late_frequency(m: np.ndarray) -> float:
    return reference.frequency(m[len(m) // 2 :, 0], 4e-12)


@pytest.mark.parametrize(("beta", "expected"), [(0.0, 0.4708e9), (reference.STO.alpha, None)])
def test_the_frequency_of_the_reference_device_in_cmtj(beta, expected):
    """Without the cross terms 0.4708 GHz; beta = α puts them back, and it is llgrad's own device at cmtj's γ."""
    given = REFERENCE | {"beta": beta}
    theirs = late_frequency(magnetisation(by_cmtj(given, 25_000, 4e-12)))
    device = lg.Oscillator.from_cmtj(**given)
    run = simulate(device, duration=100e-9, dt=4e-12, m0=START, save=Every(1))
    assert late_frequency(np.asarray(run.m[1:])) == pytest.approx(theirs, rel=1e-7)
    if expected:
        assert theirs == pytest.approx(expected, rel=2e-3)
    else:
        assert device.field_like == 0.0 and device.polarization == pytest.approx(reference.STO.polarization, rel=1e-4)
