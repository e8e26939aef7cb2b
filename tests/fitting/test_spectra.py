"""Power spectra as targets: the frequency and the width of a line, alone and beside other recordings."""

import numpy as np
import pytest
from tests.fitting.conftest import TRUTH

import llgrad as lg

STO = lg.presets.kubota2013()
AVERAGES = 100
F0 = 0.44021e9
"""Frequency of the reference device at 2.5 mA and 200 Oe, from a simulation."""
GRID = np.arange(0.1e9, 1.2e9, 1e6)


def measured(f0=F0, width=3.5e7, seed=0, averages=AVERAGES):
    """A line on a floor in V²/Hz; each reading the average of so many exponential ones."""
    rng = np.random.default_rng(seed)
    density = 4e-17 / (1 + (2 * (GRID - f0) / width) ** 2) + 1e-18
    return lg.observables.Spectrum(GRID, density * rng.gamma(averages, 1 / averages, GRID.size), "V²/Hz")


def slope():
    """df/dI [Hz/A], README's figure."""
    return -0.193e12


@pytest.fixture(scope="module")
def found():
    experiment = lg.Experiment(measured(), noise=AVERAGES**-0.5)
    return lg.fit(STO.replace(current=2.0e-3), experiment, free=["current"])


def test_current_and_width_lie_within_their_errors(found):
    assert abs(found.values["current"] - 2.5e-3) < 3 * found.errors["current"]
    assert abs(found.values["line_width"] - 3.5e7) < 3 * found.errors["line_width"]
    assert found.quality[0].chi2_per_freedom == pytest.approx(1, abs=0.2)
    assert found.converged and found.quality[0].warnings == ()


def test_the_error_is_that_of_the_peak(found):
    """One parameter of the device: its error is that of the line's frequency over the slope."""
    peak = lg.data.peak_of(measured())
    assert found.errors["current"] == pytest.approx(peak.frequency_error / abs(slope()), rel=0.2)
    assert found.errors["line_width"] == pytest.approx(peak.line_width_error, rel=0.2)
    assert found.prediction["density"].shape == found.data.frequency.shape


def test_errors_are_honest_over_draws():
    """12 draws, 24 squared scores of mean 1: the standard error of their mean is 0.29."""
    scores = []
    for seed in range(12):
        experiment = lg.Experiment(measured(seed=seed), noise=AVERAGES**-0.5)
        result = lg.fit(STO, experiment, free=["current"])
        scores.append((result.values["line_width"] - 3.5e7) / result.errors["line_width"])
        scores.append((result.values["current"] - 2.5e-3) / result.errors["current"])
    assert 0.4 < np.mean(np.square(scores)) < 1.9


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_a_spectrum_beside_a_trace(teacher, rng, noise):
    trace = lg.Trace(teacher.t, {name: c + rng.normal(0, noise, c.size) for name, c in teacher.columns.items()})
    experiments = [lg.Experiment(trace, label="trace"), lg.Experiment(measured(), label="spectrum")]
    result = lg.fit(STO.replace(alpha=0.006), experiments, free=["alpha", "current"])
    for name in ("alpha", "current"):
        assert abs(result.values[name] - TRUTH[name]) < (3 * result.errors[name] if noise else 1e-6 * TRUTH[name])
    assert "line_width[spectrum]" in result.names and result.errors["line_width[spectrum]"] < 2e6


def test_a_spectrum_has_no_drive():
    with pytest.raises(ValueError, match="a spectrum is that of free oscillations, without a drive; leave it out"):
        lg.fit(STO, measured(), free=["current"], drive=lg.Drive(current=lg.drives.Constant(1e-4)))


def test_a_flat_spectrum_is_refused():
    flat = lg.observables.Spectrum(GRID, np.full(GRID.size, 1e-18), "V²/Hz")
    with pytest.raises(ValueError, match="the spectrum is flat: there is no line in it"):
        lg.fit(STO, flat, free=["current"])
