"""Gain and offset of a voltage in a plan: what the fit found is marginalised, what it held is held."""

import math

import jax
import numpy as np
import pytest
from tests.planning.conftest import QUICK

import llgrad as lg
from llgrad.fitting.planning.known import known_from_file, known_from_result
from llgrad.fitting.targets.recording import TILTS

JUNCTION = lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0)
STO = lg.presets.kubota2013().replace(junction=JUNCTION)
LINES = {
    # what is free, what is given
    "held": ([], {"gain": 0.5, "offset": 0.1}),
    "found": (["gain"], {"offset": 0.1}),
}
NOISE = 0.02


@pytest.fixture(scope="module")
def fits():
    """Of one voltage of known noise and without any, so that the values found are exact."""
    with jax.enable_x64(True):
        m0 = np.asarray(lg.solvers.default_start(STO).stack())
        run = lg.simulate(STO, duration=1e-9, dt=2e-12, save=lg.Every(5), m0=m0)
        clean = np.asarray(lg.observables.voltage(run))
    found = {}
    for name, (free, given) in LINES.items():
        data = lg.Experiment(lg.Trace(run.t, {"voltage": 0.5 * clean + 0.1}), m0=m0, noise=NOISE, **given)
        found[name] = lg.fit(STO, data, free=["current", "alpha", *TILTS, *free], **QUICK)
    return found


@pytest.mark.parametrize("line", LINES)
def test_a_plan_of_the_same_trace_once_more_halves_the_variance(fits, line):
    """The errors that a plan promises are those of a fit of the same trace, whatever it says of gain and offset."""
    result = fits[line]
    found = lg.fitting.plan(result, {"current": [STO.current]}, duration=1e-9, settling=0.0)
    expected = [result.errors[name] / math.sqrt(2) for name in ("current", "alpha")]
    assert found.names == ("current", "alpha")
    assert found.best.after.errors == pytest.approx(expected, rel=1e-4)


def test_what_is_found_makes_less_sure(fits):
    plans = {line: lg.fitting.plan(fits[line], {"current": [2.6e-3]}, duration=1e-9, settling=0.0) for line in LINES}
    for place, name in enumerate(("current", "alpha")):
        assert fits["found"].errors[name] > fits["held"].errors[name]
        assert plans["found"].best.after.errors[place] > plans["held"].best.after.errors[place]


def test_a_file_tells_what_was_held(fits, tmp_path):
    for (name, result), line in zip(fits.items(), [(0.5, 0.1), (None, 0.1)], strict=True):
        result.save(tmp_path / f"{name}.json")
        stored, known = known_from_file(tmp_path / f"{name}.json"), known_from_result(result)
        assert stored.held == known.held == line and stored.gain == known.gain and known.gain == pytest.approx(0.5)
