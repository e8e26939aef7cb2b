"""Power spectra from files, their units, and their strongest line."""

import numpy as np
import pytest

from llgrad.datasets.peaks import peak_of
from llgrad.datasets.spectra import read_spectrum, reading_of
from llgrad.observables.spectrum import Spectrum

FSV = "Type;FSV;\nRBW;1000000;Hz\nx-Unit;Hz;\ny-Unit;dBm;\nValues;3;\n1e9;-80;\n1.1e9;-70;\n1.2e9;-80;\n"

# text, settings, first frequency [Hz], first density [V²/Hz]
GOOD = {
    "an analyser's preamble": (FSV, {}, 1e9, 1e-11 * 50 / 1e6),
    "a comment": ("# RBW: 2 MHz\nfreq (MHz), P (dBm)\n1000,-80\n1100,-70\n", {}, 1e9, 1e-11 * 50 / 2e6),
    "a bandwidth that is given": ("f (GHz),P (dBm)\n1,-80\n2,-70\n", {"bandwidth": 1e3}, 1e9, 1e-11 * 50 / 1e3),
    "another load": ("f (GHz),P (dBm/Hz)\n1,-180\n2,-170\n", {"load": 75.0}, 1e9, 1e-21 * 75),
    "V²/Hz": ("f (Hz),S (V²/Hz)\n1e9,2e-18\n2e9,3e-18\n", {}, 1e9, 2e-18),
    "nV^2/Hz": ("f (GHz);S (nV^2/Hz)\n1,0;2,5\n1,1;3\n", {}, 1e9, 2.5e-18),
    "nV²/Hz per mA²": ("f (GHz),S (nV²/(Hz mA²))\n1,2\n2,3\n", {"current": 2e-3}, 1e9, 8e-18),
    "an amplitude": ("f (GHz),S (nV/√Hz)\n1,3\n2,4\n", {}, 1e9, 9e-18),
    "watts": ("f (GHz),S (fW/MHz)\n1,3\n2,4\n", {}, 1e9, 3e-21 * 50),
    "a unit that is given": ("f (GHz),level\n1,3\n2,4\n", {"unit": "V²/Hz"}, 1e9, 3.0),
}


@pytest.mark.parametrize(("text", "settings", "frequency", "density"), GOOD.values(), ids=GOOD)
def test_units(tmp_path, text, settings, frequency, density):
    (tmp_path / "s.csv").write_text(text)
    found = read_spectrum(tmp_path / "s.csv", **settings)
    assert found.unit == "V²/Hz"
    assert (found.frequency[0], found.density[0]) == (pytest.approx(frequency), pytest.approx(density))


def test_decibels_go_both_ways(tmp_path):
    (tmp_path / "s.csv").write_text("f (GHz),P (dBm)\n1,-80\n2,-71.5\n3,-70\n")
    found = read_spectrum(tmp_path / "s.csv", bandwidth=3e5)
    assert found.dbm(bandwidth=3e5) == pytest.approx([-80, -71.5, -70])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("f (GHz),P (dBm)\n1,-80\n2,-70\n", "is in dBm, a power in the resolution bandwidth, which it does not say"),
        ("f (GHz),S (nV²/Hz/mA²)\n1,2\n2,3\n", "give the direct current of the measurement"),
        ("f (GHz),S (furlong)\n1,2\n2,3\n", "is in 'furlong', which is no unit of a spectrum; expected dBm"),
        ("f (GHz),S\n1,2\n2,3\n", r"the column 'S' has no unit; write it in the header, as in 'S \(dBm\)'"),
        ("x (m),S (dBm)\n1,2\n2,3\n", "the column 'x' is in m, expected a unit of Hz"),
        ("y (m),S (dBm)\n1,2\n2,3\n", "has no column of frequencies; it has y, S"),
        ("f (GHz)\n1\n2\n", "has only the column f; expected a second with the levels"),
        ("f (GHz),S (V²/Hz)\n2,2\n1,3\n", "line 3: the frequency does not increase"),
        ("RBW,wide\nf (GHz),S (dBm)\n1,2\n2,3\n", "RBW: 'wide' is not a quantity"),
    ],
)
def test_bad_spectra_get_a_sentence(tmp_path, text, sentence):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(ValueError, match=sentence) as error:
        read_spectrum(tmp_path / "s.csv")
    assert str(tmp_path / "s.csv") in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("unit", ["V/Hz", "V²/√Hz", "dB", "Oe", "mV"])
def test_no_units_of_a_spectrum(unit):
    assert reading_of(unit) is None


F = np.linspace(1e9, 3e9, 801)
FLAT = np.ones(F.size)


def line(frequency=1.63e9, width=4e7, height=5e-17, background=1e-18):
    return background + height / (1 + (2 * (F - frequency) / width) ** 2)


NOISES = {
    "of a receiver": lambda clean, rng: clean + 2e-18 * rng.normal(size=F.size),
    "of a random signal": lambda clean, rng: clean * rng.gamma(10, 1 / 10, F.size),
    "of both": lambda clean, rng: clean * rng.gamma(20, 1 / 20, F.size) + 1e-18 * rng.normal(size=F.size),
}


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_a_line_is_found_with_honest_errors(noise, rng):
    peaks = [peak_of(Spectrum(F, noise(line(), rng), "V²/Hz")) for _ in range(60)]
    for name, truth in (("frequency", 1.63e9), ("line_width", 4e7)):
        scores = np.array([(getattr(p, name) - truth) / getattr(p, f"{name}_error") for p in peaks])
        assert abs(scores.mean()) < 0.5 and 0.75 < scores.std() < 1.4
    assert np.mean([p.power for p in peaks]) == pytest.approx(np.pi / 2 * 5e-17 * 4e7, rel=0.03)


def test_correlated_readings_widen_the_errors(rng):
    """A window function makes neighbours vary together; errors that ignore it would be too small."""
    kernel = np.array([0.25, 0.5, 0.25])
    scores = []
    for _ in range(60):
        white = rng.normal(size=F.size + 2)
        peak = peak_of(Spectrum(F, line() + 4e-18 * np.convolve(white, kernel, "valid"), "V²/Hz"))
        scores.append((peak.frequency - 1.63e9) / peak.frequency_error)
    assert 0.75 < np.std(scores) < 1.4


def test_the_curve_and_the_note_of_an_unresolved_line():
    peak = peak_of(Spectrum(F, line(), "V²/Hz"))
    assert np.allclose(peak(F), line(), rtol=1e-6) and peak.notes == ()
    narrow = peak_of(Spectrum(F, line(width=2.5e6), "V²/Hz"))
    assert "no wider than the resolution of 2.5 MHz: the width is an upper bound" in repr(narrow)


def test_a_window_chooses_among_lines(rng):
    both = Spectrum(F, line() + line(2.5e9, height=2e-17) + 1e-19 * rng.normal(size=F.size), "V²/Hz")
    assert peak_of(both).frequency == pytest.approx(1.63e9, rel=1e-3)
    assert peak_of(both, (2.2e9, 2.8e9)).frequency == pytest.approx(2.5e9, rel=1e-3)


@pytest.mark.parametrize("kind", ["normal", "averaged"])
def test_noise_alone_has_no_line(kind, rng):
    for _ in range(20):
        noise = rng.normal(size=F.size) if kind == "normal" else rng.gamma(10, 0.1, F.size)
        with pytest.raises(ValueError, match=r"no line stands out of the spectrum .*; give the window where it lies"):
            peak_of(Spectrum(F, noise, "V²/Hz"))


@pytest.mark.parametrize(
    ("density", "window", "sentence"),
    [
        (FLAT, None, "the spectrum is flat"),
        (-FLAT, None, "the spectrum is flat"),
        (np.where(F > 2e9, np.nan, 1.0), None, "a density that is not finite"),
        (FLAT, (1e9, 1.01e9), r"the window from 1e\+09 to 1.01e\+09 Hz has 5 readings, expected at least 8"),
        (np.ones((2, F.size)), None, r"the spectrum has the shape \(2, 801\), expected that of one signal"),
    ],
)
def test_what_has_no_line_gets_a_sentence(density, window, sentence):
    with pytest.raises(ValueError, match=sentence):
        peak_of(Spectrum(F, density, "V²/Hz"), window)
