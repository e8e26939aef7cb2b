"""Lines, their errors, and the sweeps that carry none."""

import numpy as np
import pytest
from tests.resonance.synthetic import line

from llgrad.datasets.sweeps import Sweep
from llgrad.fitting.resonance.lorentzian import Background, FieldWindow, fit_line
from llgrad.fitting.resonance.usable import reason_unusable

FIELD = np.linspace(0.1, 0.9, 161)


def tell(field):
    return f"{1e3 * field:.0f} mT"


def sweep(volts):
    return Sweep(5e9, FIELD, volts)


@pytest.mark.parametrize(("resonance", "width"), [(0.3, 0.02), (0.55, 0.004), (0.7, 0.1), (0.12, 0.015)])
@pytest.mark.parametrize(("symmetric", "antisymmetric"), [(1e-6, 0.0), (0.0, -3e-6), (-2e-6, 1e-6)])
def test_an_exact_line_is_found_exactly(resonance, width, symmetric, antisymmetric):
    volts = line(FIELD, resonance, width, symmetric, antisymmetric) + 1e-6 - 2e-6 * FIELD
    found = fit_line(sweep(volts))
    assert found.resonance == pytest.approx(resonance, rel=1e-7)
    assert found.half_width == pytest.approx(width, rel=1e-6)
    assert found.symmetric == pytest.approx(symmetric, abs=1e-12)
    assert found.antisymmetric == pytest.approx(antisymmetric, abs=1e-12)
    assert found.curve == pytest.approx(volts, abs=1e-13)


@pytest.mark.parametrize("background", Background)
def test_standard_errors_cover_the_truth(background, rng):
    deviations = []
    for _ in range(200):
        volts = (
            line(FIELD, 0.5, 0.02) + 1e-6 * (FIELD - 0.5) ** int(background) + 1e-7 * rng.standard_normal(FIELD.size)
        )
        found = fit_line(sweep(volts), background=background)
        deviations.append(
            [(found.resonance - 0.5) / found.resonance_error, (found.half_width - 0.02) / found.half_width_error]
        )
    assert np.std(deviations, axis=0) == pytest.approx([1, 1], abs=0.15)
    assert np.mean(deviations, axis=0) == pytest.approx([0, 0], abs=0.25)


def test_the_window_is_kept():
    found = fit_line(sweep(line(FIELD, 0.5, 0.02) + 1e-4 * (FIELD < 0.3)), FieldWindow(0.3, 0.8))
    assert found.sweep.field.min() >= 0.3 and found.sweep.field.max() <= 0.8
    assert found.resonance == pytest.approx(0.5, rel=1e-9)
    with pytest.raises(ValueError, match="3 points lie in the window, expected at least 8"):
        fit_line(sweep(line(FIELD, 0.5, 0.02)), FieldWindow(0.3, 0.311))


@pytest.mark.parametrize(
    ("volts", "window", "reason"),
    [
        (1e-6 * FIELD, FieldWindow(), "the background alone explains it as well"),
        (line(FIELD, 0.3, 0.03), FieldWindow(0.4), "lies below the fitted fields"),
        (line(FIELD, 0.7, 0.03), FieldWindow(high=0.6), "lies above the fitted fields"),
        (line(FIELD, 0.42, 0.03), FieldWindow(0.4), "only 20 mT from the lower end of the fitted fields"),
    ],
)
def test_a_sweep_that_cannot_be_used_says_why(volts, window, reason, rng):
    noisy = volts + 2e-8 * rng.standard_normal(FIELD.size)
    assert reason in str(reason_unusable(fit_line(sweep(noisy), window), tell))


def test_a_good_sweep_is_used(rng):
    noisy = line(FIELD, 0.5, 0.02) + 2e-7 * rng.standard_normal(FIELD.size)
    assert reason_unusable(fit_line(sweep(noisy)), tell) is None


def test_noise_is_not_a_line(rng):
    reasons = [reason_unusable(fit_line(sweep(1e-6 * rng.standard_normal(FIELD.size))), tell) for _ in range(40)]
    assert sum(reason is None for reason in reasons) <= 1
