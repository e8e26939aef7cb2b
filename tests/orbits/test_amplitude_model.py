"""The amplitude model that is derived from a device: the device's own as its current comes near to the threshold."""

import math

import numpy as np
import pytest
from tests.physics.test_models import DRIVEN, MODEL, closed_form

import llgrad as lg
from llgrad.orbits.branches.amplitude import model_of
from llgrad.orbits.branches.family import FollowedRange
from llgrad.orbits.branches.normal_form import NormalForm
from llgrad.orbits.branches.result import Threshold

STO = lg.presets.kubota2013().replace(field=(0.0, 0.0, 0.2), temperature=300.0)


def solid_angle(m):
    """What unit vectors (N, 3) draw round their mean."""
    axis = m.mean(0) / np.linalg.norm(m.mean(0))
    after = np.roll(m, -1, 0)
    across, along = np.cross(m, after) @ axis, 1 + m @ axis + after @ axis + (m * after).sum(1)
    return abs(2 * np.arctan2(across, along).sum())


def errors_near_the_threshold(model, found):
    """What the model misses of frequency, power, return rate and line width 4, 2 and 1 % above the threshold, in parts
    of each; of the frequency in parts of its change with the current."""
    errors = []
    for over in (0.04, 0.02, 0.01):
        here = model.replace(current=(1 + over) * model.threshold)
        frequency, *rest = found(here.current)
        shift = here.frequency - (model.omega_0 + model.tuning * model.threshold) / (2 * math.pi)
        expected = here.power, here.return_rate, here.line_width
        parts = [value / of - 1 for value, of in zip(rest, expected, strict=True)]
        errors.append([(frequency - here.frequency) / shift, *parts])
    return np.array(errors)


def check_first_order(errors):
    assert np.abs(errors[-1]).max() < 0.04
    assert np.log2(errors[1] / errors[2]) == pytest.approx(np.ones(4), abs=0.15)


def test_the_model_is_a_macrospin_near_its_threshold():
    model = lg.orbits.amplitude_model(STO.replace(current=3e-3))
    assert model.current == 3e-3

    def found(current):
        orbit = lg.orbit(STO.replace(current=current))
        power = solid_angle(np.asarray(orbit.m)) / (4 * math.pi)  # (1 − cosθ)/2 of a circle
        return float(orbit.frequency), power, float(orbit.return_rate), float(orbit.line_width)

    check_first_order(errors_near_the_threshold(model, found))


def test_the_model_is_a_vortex_near_its_threshold():
    vortex = DRIVEN.replace(chirality=-1)
    model = lg.orbits.amplitude_model(vortex)
    assert model.threshold == pytest.approx(vortex.threshold, rel=1e-9)

    def found(current):
        s, *rest = closed_form(vortex.replace(current=current))
        return rest[0], s * s, *rest[1:]

    check_first_order(errors_near_the_threshold(model, found))


def test_the_model_of_the_amplitude_model_is_itself():
    found = lg.orbits.amplitude_model(MODEL)
    for name in ("omega_0", "N", "Gamma_G", "sigma", "Q", "current", "tuning", "D_n"):
        assert getattr(found, name) == pytest.approx(getattr(MODEL, name), rel=1e-9), name


NO_MODEL = {
    "no onset": (lambda: lg.orbits.amplitude_model(MODEL, stop=-1e-3), "no Hopf point, .* current from 0 A to -1 mA"),
    "no current": (
        lambda: lg.orbits.amplitude_model(MODEL.replace(current=0.0)),
        "give stop=…, where it may oscillate",
    ),
    "no such number": (lambda: lg.orbits.amplitude_model(MODEL, "curent"), "has no number 'curent' to follow; it has"),
    "subcritical": (
        lambda: lg.orbits.amplitude_model(lg.presets.kubota2013().replace(field=(0, 0, 4e-3), current=0.5e-3)),
        "is subcritical: a cycle of finite size appears at once",
    ),
}


@pytest.mark.parametrize(
    ("held", "changes", "sentence"),
    [
        (0.0, {}, "is at zero, so that there is no damping"),
        (1e-3, {"shift": -1e11 + 0j}, "as current goes towards zero"),
        (1e-3, {"slowest": 0.1}, "is unstable without it too"),
    ],
)
def test_an_onset_that_is_not_one_of_a_current_says_so(held, changes, sentence):
    onset = Threshold("Hopf", held, held, 1e9, np.zeros(2), -1.0, source=None)
    form = NormalForm(6.0, -1.0 + 0j, 1e2 + 0j, 1.0, 0.0, -math.inf)._replace(**changes)
    with pytest.raises(ValueError, match=sentence):
        model_of(onset, form, FollowedRange("current", 0.0, 2e-3, "A"), 2e-3)


@pytest.mark.parametrize("name", NO_MODEL)
def test_a_device_without_a_model_says_why(name):
    make, sentence = NO_MODEL[name]
    with pytest.raises(ValueError, match=sentence):
        make()
