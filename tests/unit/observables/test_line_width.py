"""Frequency and line width from one trace: white noise, a nonlinear shift, a noisy recorder, too short a trace."""

import numpy as np
import pytest

from llgrad.datasets.trace import Trace
from llgrad.observables.line_width import line_width

F, WIDTH, DT = 1e9, 8e6, 5e-11


def traces(count, size, rng, corner=None, ratio=0.0):
    """cos φ(t), (count, size), whose phase diffuses: white frequency noise, or noise that relaxes at 2π·corner."""
    white = rng.normal(0, np.sqrt(2 * np.pi * WIDTH / DT), (count, size))  # rad/s
    if corner is not None:
        decay, slow = np.exp(-2 * np.pi * corner * DT), np.empty_like(white)
        slow[:, 0] = 0.0
        for k in range(1, size):
            slow[:, k] = decay * slow[:, k - 1] + (1 - decay) * white[:, k]
        white = slow + np.sqrt(ratio) * rng.normal(0, np.sqrt(2 * np.pi * WIDTH / DT), (count, size))
    return np.cos(np.cumsum(2 * np.pi * F + white, axis=1) * DT)


def coverage(signals, width=WIDTH):
    """Part of the 95 % intervals of the frequency and of the line width that hold the truth."""
    found = [line_width(signal, dt=DT) for signal in signals]
    inside = [one.interval()[0] < width < one.interval()[1] for one in found]
    near = [abs(one.frequency - F) < 1.96 * one.frequency_error for one in found]
    return float(np.mean(near)), float(np.mean(inside))


@pytest.mark.parametrize("size", [2000, 8000])
def test_white_frequency_noise(size, rng):
    """40 draws each: a rate of 0.95 has the standard error 0.034, and a short trace's interval may be too wide."""
    of_frequency, of_width = coverage(traces(40, size, rng))
    assert of_frequency > 0.85 and of_width > 0.85


def test_a_nonlinear_shift_with_a_slow_return(rng):
    of_frequency, of_width = coverage(traces(40, 16_000, rng, corner=2e7, ratio=0.02), WIDTH * 1.02)
    assert of_frequency > 0.85 and of_width > 0.85


def test_noise_of_the_recorder_is_no_line_width(rng):
    signals = traces(40, 16_000, rng)
    signals = signals + rng.normal(0, 0.5, signals.shape)
    of_frequency, of_width = coverage(signals)
    assert of_frequency > 0.85 and of_width > 0.85


def test_the_interval_shrinks_with_the_length(rng):
    (signal,) = traces(1, 64_000, rng)
    long, short = line_width(signal, dt=DT), line_width(signal[:4000], dt=DT)
    ratios = [one.interval()[1] / one.interval()[0] for one in (long, short)]
    assert ratios[0] < 2 and ratios[1] > 1.5 * ratios[0]
    assert long.frequency_error == pytest.approx(np.sqrt(long.line_width / (2 * np.pi * 64_000 * DT)), rel=0.1)


def test_an_exact_tone_is_narrow():
    found = line_width(np.cos(2 * np.pi * F * DT * np.arange(8000) + 0.3), dt=DT)
    assert found.frequency == pytest.approx(F, rel=1e-9) and found.interval()[1] < 10.0


def test_it_says_what_it_found(rng):
    found = line_width(Trace(DT * np.arange(16_000), {"mx": traces(1, 16_000, rng)[0]}))
    assert repr(found).startswith("frequency 1.00") and "(95 %)" in repr(found)
    assert found.to_json()["interval_95"] == list(found.interval(0.95))
    assert found.interval(0.5)[0] > found.interval(0.95)[0]


@pytest.mark.parametrize(
    ("signal", "sentence"),
    [
        (np.cos(np.arange(100.0)), r"the trace holds 15.9 periods of .* a line width needs at least 20: record longer"),
        (np.cos(np.arange(2000.0)).reshape(2, 1000), r"the shape \(2, 1000\), expected that of one oscillator"),
        (np.ones(100), "the signal is constant"),
    ],
)
def test_bad_input_gets_a_sentence(signal, sentence):
    with pytest.raises(ValueError, match=sentence):
        line_width(signal, dt=DT)


def test_an_impossible_probability(rng):
    with pytest.raises(ValueError, match=r"expected a probability such as 0\.95"):
        line_width(traces(1, 2000, rng)[0], dt=DT).interval(95)
