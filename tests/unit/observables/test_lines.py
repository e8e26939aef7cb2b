"""Lines in noise: intervals that hold the truth, no line where there is none, and one answer everywhere."""

import math

import numpy as np
import pytest
import scipy.signal
from benchmarks.lines import FREQUENCY, coverage, signals

from llgrad import plot
from llgrad.datasets.peaks import peak_of
from llgrad.datasets.trace import Trace
from llgrad.observables.estimators.line import evidence_of_noise, strongest_box
from llgrad.observables.estimators.steadiness import excess, width_excess
from llgrad.observables.frequency import frequency
from llgrad.observables.line_width import line_of, line_width
from llgrad.observables.oscillation import oscillation_of
from llgrad.observables.spectrum import spectrum

DT = 1e-10


@pytest.fixture(scope="module")
def broad():
    """1 GHz, 100 MHz wide, 10 dB above the noise, for 100 coherence times."""
    return signals("gaussian", 0.1 * FREQUENCY, 10.0, 3183, 1, np.random.default_rng(3))[0]


@pytest.mark.parametrize("kind", ["oscillator", "gaussian"])
@pytest.mark.parametrize(("relative", "level", "length"), [(0.1, 20.0, 10), (0.3, 10.0, 100), (0.01, 20.0, 30)])
def test_intervals_hold_the_truth(kind, relative, level, length):
    """20 draws: fewer than 16 of them would come once in 3,000 tests of a true 95 %."""
    found, near, inside = coverage(kind, relative * FREQUENCY, level, length, 20)
    assert found > 0.9 and near > 0.77 and inside > 0.77


def test_noise_has_no_line():
    found = line_width(np.random.default_rng(0).normal(size=2000), dt=DT)
    assert not found.found and math.isnan(found.frequency) and np.isnan(found.interval()).all()
    assert repr(found) == "no line stands out of the noise (which passes for one once in 1000 traces)"


def test_noise_passes_for_a_line_once_in_a_thousand():
    """Of 4,000 exponential spectra 4 are expected; more than 12 would come once in 3,000 tests."""
    spectra = np.random.default_rng(8).exponential(size=(4000, 300))
    assert sum(strongest_box(one).evidence > evidence_of_noise(300) for one in spectra) <= 12


def test_a_steady_amplitude_scatters_the_frequency_of_whittles_likelihood_as_derived():
    """The score Σ g(ν) P(ν) of the likelihood at the true parameters, of 600 oscillators and 600 Gaussian signals."""
    width, level = 0.01, 13.0
    variances = []
    for kind in ("oscillator", "gaussian"):
        x = signals(kind, width, level, 8192, 600, np.random.default_rng(6))
        d = 2 * (np.fft.rfftfreq(8192) - FREQUENCY) / width
        score = d / (d**2 + 1 + 10 ** (level / 10)) ** 2
        variances.append(np.var(np.abs(np.fft.rfft(x)) ** 2 @ score))
    assert variances[0] / variances[1] == pytest.approx(1 + excess(10 ** (-level / 10)), rel=0.2)


def test_a_steady_amplitude_scatters_the_width_of_whittles_likelihood_less_as_derived():
    """The score of ln Δ that height and background leave, in a band of 12 widths to each side."""
    width, level = 0.004, 20.0
    f = np.fft.rfftfreq(8192)
    near = np.abs(f - FREQUENCY) < 12 * width
    bell = 1 / (1 + (2 * (f[near] - FREQUENCY) / width) ** 2)
    density = bell + 10 ** (-level / 10)
    slope, others = 2 * (bell - bell**2) / density, np.stack([bell, np.ones_like(bell)], axis=1) / density[:, None]
    score = (slope - others @ np.linalg.lstsq(others, slope, rcond=None)[0]) / density
    variances = []
    for kind in ("oscillator", "gaussian"):
        x = signals(kind, width, level, 8192, 600, np.random.default_rng(6))
        variances.append(np.var(np.abs(np.fft.rfft(x)[:, near]) ** 2 @ score))
    assert variances[0] / variances[1] == pytest.approx(1 + width_excess(0.01, 24.0), rel=0.2)


T = DT * np.arange(10_000)
NOISE = 0.01 * np.random.default_rng(4).normal(size=T.size)


def test_a_sweep_has_no_line():
    signal = np.cos(2 * np.pi * (5e8 + 5e14 * T) * T) + NOISE
    found = line_width(signal, dt=DT)
    assert found.changes and not found.found
    assert "its frequency is 7" in repr(found) and "cut away what is not steady" in repr(found)
    with pytest.raises(ValueError, match="is not steady, and has no line width"):
        peak_of(spectrum(signal, DT))


@pytest.mark.parametrize("tau", [2e-8, 5e-8])
def test_the_width_of_a_ring_down_is_that_of_its_resonance(tau):
    """1/(πτ)"""
    found = line_width(np.exp(-T / tau) * np.cos(2 * np.pi * 1e9 * T) + NOISE, dt=DT)
    assert found.interval()[0] < 1 / (np.pi * tau) < found.interval()[1]


def test_a_burst_before_a_thermal_line_does_not_widen_it(broad):
    """A decay from a large angle to thermal motion: the burst holds most of the power, and would tell its own line."""
    burst = 30 * np.exp(-np.arange(broad.size) / 20) * np.cos(2 * np.pi * 0.08 * np.arange(broad.size))
    found = line_width(broad + burst, dt=DT)
    assert found.changes and "from before to after 20 ns the power near 900 MHz is ×0.067" in repr(found)
    after = line_width((broad + burst)[400:], dt=DT)
    assert after.interval()[0] < 1e8 < after.interval()[1]


def test_steady_lines_seldom_pass_for_changing_ones():
    """Of 40, 0.04 are expected, and two or more come once in 1000 tests."""
    changing = sum(
        line_width(signal, dt=DT).changes
        for kind in ("oscillator", "gaussian")
        for signal in signals(kind, 0.1 * FREQUENCY, 20.0, 955, 20, np.random.default_rng(12))
    )
    assert changing <= 1


def test_a_drift_is_no_line():
    """Red noise of rest, centred at zero, once ended in an error of its own."""
    rng, decay = np.random.default_rng(2), 0.99
    for _ in range(8):
        x = np.asarray(scipy.signal.lfilter([1.0], [1.0, -decay], rng.normal(size=3000)))
        found = line_of(x, DT)
        assert not found.found or found.line_width < found.frequency


def test_every_answer_is_the_same(broad):
    """The sentence, the picture's label, lg.observables.line_width and lg.data.peak_of."""
    found, peak = line_width(broad, dt=DT), peak_of(spectrum(broad, DT))
    assert (peak.frequency, peak.line_width) == (found.frequency, found.line_width)
    assert peak.power == pytest.approx(1.0, rel=0.3) and peak.background > 0
    sentence = oscillation_of(broad, DT).sentence("m·p")
    assert sentence.startswith("m·p oscillates at 1.0") and "line width" in sentence
    drawn = plot.spectrum(Trace(DT * np.arange(broad.size), {"mx": broad}))
    (label,) = [text.get_text() for text in drawn.axes[0].get_legend().get_texts()]
    told = label.split(": ")[1]
    assert all(part in sentence for part in told.split(", "))
    assert drawn.axes[0].get_xlim()[1] == pytest.approx(5.0, rel=0.01)


def test_a_tone_is_told_as_a_tone():
    x = np.cos(2 * np.pi * 1.234e9 * DT * np.arange(1000))
    found = oscillation_of(x, DT)
    assert found.frequency == float(frequency(x, DT)) and found.line is None
    assert found.sentence("V", "V") == "V oscillates at 1.234 GHz with the amplitude 1 V"


def test_a_slow_decay_of_a_run_without_noise_is_one(make_run):
    """Less than a tenth from the first to the last quarter, of 33 periods."""
    t = np.arange(1000) / 1000
    x, y = (0.1 * np.exp(-0.095 * t) * part(2 * np.pi * 33.3 * t) for part in (np.cos, np.sin))
    run = make_run(np.stack([x, y, np.sqrt(1 - x**2 - y**2)], axis=-1))
    assert "rings at" in oscillation_of(run).sentence("m·p") and "decays" in oscillation_of(run).sentence("m·p")


def test_a_decay_is_told_with_its_end():
    t = np.arange(1000) / 1000
    slow, fast = (0.2 + np.exp(-rate * t) * np.cos(2 * np.pi * 50 * t) for rate in (1.5, 20))
    told = [oscillation_of(x, DT).sentence("m·p") for x in (slow, fast, 0.2 + np.exp(-20 * t))]
    assert told[0].startswith("m·p rings at 500 MHz and decays to 0.19") or "decays to 0.2" in told[0]
    assert told[1].startswith("m·p rings at 499.9") and "decays to 0.2, from" in told[1]
    assert told[2].startswith("m·p decays without ringing to 0.2")
