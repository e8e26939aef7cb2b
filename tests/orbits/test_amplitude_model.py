"""The amplitude model that is derived from a device: the device's own as its current comes near to the threshold."""

import math

import numpy as np
import pytest
from tests.physics.test_models import DRIVEN, MODEL
from tests.unit.solve.systems import Hopf

import llgrad as lg

STO = lg.presets.kubota2013().replace(field=(0.0, 0.0, 0.2), temperature=300.0)
VORTEX = DRIVEN.replace(temperature=300.0, chirality=-1)


def solid_angle(m):
    """What unit vectors (N, 3) draw round their mean."""
    axis = m.mean(0) / np.linalg.norm(m.mean(0))
    after = np.roll(m, -1, 0)
    across, along = np.cross(m, after) @ axis, 1 + m @ axis + after @ axis + (m * after).sum(1)
    return abs(2 * np.arctan2(across, along).sum())


def power_of(orbit):
    """(1 − cosθ)/2 of a precession, s² of a vortex."""
    if isinstance(orbit.model, lg.Oscillator):
        return solid_angle(np.asarray(orbit.m)) / (4 * math.pi)
    x, y = (np.asarray(orbit.state[name]) for name in "xy")
    return float(np.mean(x * x + y * y))


# Errors at 4, 2 and 1 % above the threshold, of what the model says of each: halved by each step, but the frequency's,
# whose change is of the first order itself.
@pytest.mark.parametrize("device", [STO, VORTEX], ids=["macrospin", "vortex"])
def test_the_model_is_the_device_near_its_threshold(device):
    model = lg.amplitude_model(device.replace(current=3e-3))
    assert model.current == 3e-3
    errors = []
    for over in (0.04, 0.02, 0.01):
        found = lg.orbit(device.replace(current=(1 + over) * model.threshold))
        here = model.replace(current=(1 + over) * model.threshold)
        shift = here.frequency - (model.omega_0 + model.tuning * model.threshold) / (2 * math.pi)
        errors.append(
            [
                (float(found.frequency) - here.frequency) / shift,
                power_of(found) / here.power - 1,
                float(found.return_rate) / here.return_rate - 1,
                float(found.line_width) / here.line_width - 1,
                float(found.nonlinearity()) / here.nonlinearity - 1,
            ]
        )
    errors = np.array(errors)
    assert np.abs(errors[-1]).max() < 0.04
    orders = np.log2(errors[1] / errors[2])
    assert orders == pytest.approx(np.ones(5), abs=0.15)


def test_the_model_of_the_amplitude_model_is_itself():
    found = lg.amplitude_model(MODEL)
    for name in ("omega_0", "N", "Gamma_G", "sigma", "Q", "current", "tuning", "D_n"):
        assert getattr(found, name) == pytest.approx(getattr(MODEL, name), rel=1e-9), name


NO_MODEL = {
    "no onset": (lambda: lg.amplitude_model(MODEL, stop=-1e-3), "no Hopf point, .* current from 0 A to -1 mA"),
    "no current": (lambda: lg.amplitude_model(MODEL.replace(current=0.0)), "give stop=…, where it may oscillate"),
    "no such number": (lambda: lg.amplitude_model(MODEL, "curent"), "has no number 'curent' to follow; it has"),
    "at zero": (lambda: lg.amplitude_model(Hopf(1e9, 2e9, 1.2e9), "gain", -1e9), "is at zero"),
    "subcritical": (
        lambda: lg.amplitude_model(lg.presets.kubota2013().replace(field=(0, 0, 4e-3), current=0.5e-3)),
        "is subcritical: a cycle of finite size appears at once",
    ),
}


@pytest.mark.parametrize("name", NO_MODEL)
def test_a_device_without_a_model_says_why(name):
    make, sentence = NO_MODEL[name]
    with pytest.raises(ValueError, match=sentence):
        make()
