"""The tests of residuals: noise is not accused, whatever its strength and length, and each shape is seen."""

import numpy as np
import pytest
import scipy.stats

import llgrad as lg
from llgrad.fitting.answers.explanation import shape
from llgrad.fitting.answers.explanation.judge import judged
from llgrad.fitting.answers.explanation.sentences import explanation, shown_r_squared
from llgrad.fitting.answers.quality import quality


def turning(size):
    """A unit vector that turns at 1.3 GHz, 10 ps a sample, and slopes (3 T, 3) of amplitude, phase and frequency."""
    t = 1e-11 * np.arange(size)
    phase = 2 * np.pi * 1.3e9 * t
    m = np.stack([0.6 * np.cos(phase), 0.6 * np.sin(phase), np.full(size, 0.8)], axis=1)
    along, across = np.stack([m[:, 0], m[:, 1]], 1).ravel(), np.stack([-m[:, 1], m[:, 0]], 1).ravel()
    planes = [along, across, across * np.repeat(t / t[-1], 2)]
    slopes = np.zeros((size, 3, 3))
    slopes[:, :2] = np.stack(planes, axis=1).reshape(size, 2, 3)
    return t, m, slopes.reshape(-1, 3)


def fitted(size, sigma, rng, given=True, noise=None, extra=0.0):
    """The quality of a linear least-squares fit to the turning vector with noise and something `extra`."""
    t, m, slopes = turning(size)
    drawn = rng.normal(0, sigma, m.shape) if noise is None else noise(rng, m.shape) * sigma
    axes = np.linalg.qr(slopes)[0]
    left = (drawn + extra).ravel()
    left = (left - axes @ (axes.T @ left)).reshape(m.shape)
    experiment = lg.Experiment(lg.Trace(t, dict(zip(["mx", "my", "mz"], (m + drawn + extra).T, strict=True))))
    weights = np.full(m.shape, sigma)
    found = quality(-left, weights if given else None, 3, float(m.std()), None)
    return judged(found, experiment, -left, weights, slopes / sigma, 3), experiment


@pytest.mark.parametrize("size", [31, 64, 300, 2000])
@pytest.mark.parametrize("sigma", [0.003, 0.2])
def test_noise_is_not_accused(size, sigma, rng):
    """160 fits, each looked at in some ten ways at a chance of 1e-4: 0.16 of them, more than 2 one time in 1000."""
    flat = lambda rng, shape: rng.uniform(-(3**0.5), 3**0.5, shape)  # noqa: E731  (the noise of a digitiser)
    draws = 160 if size < 2000 else 40
    found = [fitted(size, sigma, rng, k % 2 == 0, flat if k % 4 == 1 else None)[0] for k in range(draws)]
    accused = [one for one in found if one.doubtful or one.failure or one.warnings]
    assert len(accused) <= 2, [(one.warnings, one.failure) for one in accused]


def test_what_is_no_noise_is_seen(rng):
    t, _, _ = turning(500)
    ramp, line = np.linspace(-1, 1, 500)[:, None], np.sin(2 * np.pi * 3.0e9 * t)[:, None]
    for extra, words in (
        (0.01, "the residuals are not about zero"),
        (0.015 * ramp, "the residuals are not about zero"),
        (0.01 * line, "the residuals oscillate: mx at 3 GHz"),
        (0.05 * line**9, "the residuals oscillate"),
    ):
        one, experiment = fitted(500, 0.01, rng, extra=extra)
        said = explanation([one], [experiment])
        assert one.doubtful and not one.failure and words in " ".join(said), said
        assert said[0].startswith("the model explains the data only in part: R² = 0.9")
        assert fitted(500, 0.01, rng, given=False, extra=extra)[0].doubtful


def test_outliers_are_said_and_are_no_noise(rng):
    spikes = np.zeros((500, 3))
    spikes[[7, 100, 433], 1] = 0.3
    one, _ = fitted(500, 0.01, rng, extra=spikes)
    assert "3 of 500 values of my lie farther from the model than noise brings any" in " ".join(one.warnings)
    assert one.doubtful and "look like noise" not in " ".join(one.warnings)


@pytest.mark.parametrize("given", [0.5, 2.0])
def test_white_residuals_of_another_size_are_a_matter_of_the_noise(given, rng):
    _, m, _ = turning(300)
    left = rng.normal(0, 0.01, m.shape)
    found = quality(left, 0.01 * given, 3, 0.3, None)
    word = "larger" if given < 1 else "smaller"
    assert f"the residuals are {word} than the noise given" in found.warnings[0] and not found.doubtful
    assert ("they look like noise" in found.warnings[0]) == (given < 1)


def test_the_length_of_m_is_found_in_noise(rng):
    _, m, _ = turning(400)
    for length, sigma in ((1.0, 0.3), (1.0, 0.01), (0.84, 0.1), (1.1, 0.05)):
        found = [shape.length_of(length * m + rng.normal(0, sigma, m.shape)) for _ in range(40)]
        scores = [(value - length) / error for value, error in found]
        assert abs(np.mean(scores)) < 1 and np.std(scores) < 1.3, (length, sigma)


def test_probabilities_are_the_textbook_ones():
    above, below = shape.chi2_tail(9.0, 4.0)
    assert above == pytest.approx(scipy.stats.chi2.sf(9, 4)) and above + below == pytest.approx(1)
    assert shape.chi2_edge(1e-3, 4) == pytest.approx(scipy.stats.chi2.isf(1e-3, 4))
    assert shape.f_tail(3.0, 2, 7) == pytest.approx(scipy.stats.f.sf(3, 2, 7))
    assert shape.normal_quantile(0.05) == pytest.approx(1.959964, abs=1e-6)


def test_a_smooth_part_is_that_beyond_the_model(rng):
    """A parabola left by a straight line is seen; what the model's own slopes can make is not counted."""
    x = np.linspace(1, 2, 12)
    slopes = np.stack([np.ones(12), x], axis=1)
    axes = np.linalg.qr(slopes)[0]
    bent = (x - 1.5) ** 2 + rng.normal(0, 0.005, 12)
    left = bent - axes @ (axes.T @ bent)
    assert shape.smooth_part(left, x, 2, slopes, 10) > 0.9
    chance = [rng.normal(size=12) for _ in range(300)]
    assert not any(shape.smooth_part(r - axes @ (axes.T @ r), x, 2, slopes, 10) for r in chance)


def test_r_squared_is_told_with_what_is_missing():
    assert [shown_r_squared(v) for v in (0.5, 0.98765, 1 - 2e-7, -0.31, -314.0)] == [
        "0.5",
        "0.9877",
        "1 − 2e-07",
        "−0.31",
        "−314",
    ]
