"""Power spectra from files, their units, and their strongest line."""

import math

import numpy as np
import pytest

from llgrad.datasets.analyser.levels import level_of
from llgrad.datasets.peaks import peak_of
from llgrad.datasets.reader import describe
from llgrad.datasets.spectra import looks_like_spectrum, read_spectrum
from llgrad.observables.receiver import Receiver
from llgrad.observables.spectrum import Spectrum

G = math.sqrt(math.pi / math.log(16))
"""Noise bandwidth of a Gaussian filter over its width of 3 dB: 1.0645."""
FSV = "Type;FSV;\nRBW;1000000;Hz\nx-Unit;Hz;\ny-Unit;dBm;\nValues;3;\n1e9;-80;\n1.1e9;-70;\n1.2e9;-80;\n"
KEYSIGHT = (
    "Trace\nSwept SA\nA.19.55,N9020B\n508 AB2 B25 ,01\nSegment,0\nNumber of Points,5\nStart Frequency,1000000000\n"
    "Stop Frequency,1004000000\nAverage Type,LogPower(Video)\nRBW,3000000\nRBW Filter,Gaussian\nRBW Filter BW,3dB\n"
    "VBW,3000000\nTrace Name,Trace1\nTrace Type,ClearWrite\nDetector,Normal\nX Axis Units,Hz\nY Axis Units,dBm\nDATA\n"
    "1000000000,-80\n1001000000,-70\n1002000000,-60\n1003000000,-70\n1004000000,-80\n"
)
FSW = (
    "Type;R&S FSW;\nRBW;100000;Hz\nx-Unit;Hz;\ny-Unit;dBm;\nTrace 1;;\nTrace Mode;AVERAGE;\nDetector;AUTOPEAK;\n"
    "Values; 4;\n1000000000;-70.3;-75.7\n1000100000;-60.5;-66.9\n1000200000;-72.0;-77.4\n1000300000;-72.0;-77.4\n"
)
MIN_MAX = "RBW,1 MHz\nFrequency (GHz),Min (dBm),Max (dBm)\n1.0,-90,-80\n1.1,-85,-60\n1.2,-90,-80\n"

# text, settings, first frequency [Hz], first density [V²/Hz]
GOOD = {
    "an analyser's preamble": (FSV, {}, 1e9, 1e-11 * 50 / 1e6 / G),
    "a comment": ("# RBW: 2 MHz\nfreq (MHz), P (dBm)\n1000,-80\n1100,-70\n", {}, 1e9, 1e-11 * 50 / 2e6 / G),
    "a bandwidth that is given": ("f (GHz),P (dBm)\n1,-80\n2,-70\n", {"rbw": 1e3}, 1e9, 1e-11 * 50 / 1e3 / G),
    "another load": ("f (GHz),P (dBm/Hz)\n1,-180\n2,-170\n", {"load": 75.0}, 1e9, 1e-21 * 75),
    "V²/Hz": ("f (Hz),S (V²/Hz)\n1e9,2e-18\n2e9,3e-18\n", {}, 1e9, 2e-18),
    "nV^2/Hz": ("f (GHz);S (nV^2/Hz)\n1,0;2,5\n1,1;3\n", {}, 1e9, 2.5e-18),
    "nV²/Hz per mA²": ("f (GHz),S (nV²/(Hz mA²))\n1,2\n2,3\n", {"current": 2e-3}, 1e9, 8e-18),
    "an amplitude": ("f (GHz),S (nV/√Hz)\n1,3\n2,4\n", {}, 1e9, 9e-18),
    "watts": ("f (GHz),S (fW/MHz)\n1,3\n2,4\n", {}, 1e9, 3e-21 * 50),
    "a unit that is given": ("f (GHz),level\n1,3\n2,4\n", {"unit": "V²/Hz"}, 1e9, 3.0),
    "levels first": ("S (V²/Hz),f (GHz)\n2e-18,1\n3e-18,2\n", {}, 1e9, 2e-18),
    "a current that stays": ("I (mA),f (GHz),S (V²/Hz)\n2,1,2e-18\n2,2,3e-18\n", {}, 1e9, 2e-18),
    "Keysight": (KEYSIGHT, {}, 1e9, 1e-11 * 50 / 3e6 / G),
    "R&S": (FSW, {}, 1e9, 10**-7.03 * 1e-3 * 50 / 1e5 / G),
    "one of two": (MIN_MAX, {"level": "max"}, 1e9, 1e-11 * 50 / 1e6 / G),
}


@pytest.mark.parametrize(("text", "settings", "frequency", "density"), GOOD.values(), ids=GOOD)
def test_units(tmp_path, text, settings, frequency, density):
    (tmp_path / "s.csv").write_text(text)
    assert looks_like_spectrum(tmp_path / "s.csv") or "unit" in settings
    found = read_spectrum(tmp_path / "s.csv", **settings)
    assert found.unit == "V²/Hz"
    assert (found.frequency[0], found.density[0]) == (pytest.approx(frequency), pytest.approx(density))
    assert describe(found) in repr(found) and "levels in" in describe(found) and "\n" not in describe(found)


SAME = {
    # one density, 4e-18 V²/Hz at 50 Ω and in 1 MHz of noise bandwidth, in every unit; a level in dB
    "dBm": (10 * math.log10(4e-18 / 50 * 1e6 / 1e-3), False),
    "dBm/Hz": (10 * math.log10(4e-18 / 50 / 1e-3), True),
    "dBm/MHz": (10 * math.log10(4e-18 / 50 * 1e6 / 1e-3), True),
    "DBM": (10 * math.log10(4e-18 / 50 * 1e6 / 1e-3), False),
    "dBW": (10 * math.log10(4e-18 / 50 * 1e6), False),
    "dBµV": (10 * math.log10(4e-18 * 1e6 / 1e-12), False),
    "dBuV": (10 * math.log10(4e-18 * 1e6 / 1e-12), False),
    "dBmV": (10 * math.log10(4e-18 * 1e6 / 1e-6), False),
    "dBV/√Hz": (10 * math.log10(4e-18), True),
    "mW": (4e-18 / 50 * 1e6 / 1e-3, False),
    "pW": (4e-18 / 50 * 1e6 / 1e-12, False),
    "W": (4e-18 / 50 * 1e6, False),
    "W/Hz": (4e-18 / 50, True),
    "fW/MHz": (4e-18 / 50 * 1e6 / 1e-15, True),
    "V²/Hz": (4e-18, True),
    "V^2/Hz": (4e-18, True),
    "V2/Hz": (4e-18, True),
    "nV²/Hz": (4.0, True),
    "nV/√Hz": (2.0, True),
    "nV/sqrt(Hz)": (2.0, True),
    "nV per rtHz": (2.0, True),
    "µV²/GHz": (4e-18 * 1e9 / 1e-12, True),
}


@pytest.mark.parametrize("unit", SAME)
@pytest.mark.parametrize("header", ["S ({})", "S [{}]"])
def test_one_density_in_every_unit(tmp_path, unit, header):
    level, per_hertz = SAME[unit]
    (tmp_path / "s.csv").write_text(f"f (GHz);{header.format(unit)}\n1;{level!r}\n2;{level!r}\n")
    settings = {} if per_hertz else {"rbw": 1e6, "filter": "flat"}
    assert read_spectrum(tmp_path / "s.csv", **settings).density == pytest.approx([4e-18, 4e-18])
    if per_hertz:
        with pytest.raises(ValueError, match="a density already, and has no use for rbw, filter; leave it out"):
            read_spectrum(tmp_path / "s.csv", rbw=1e6, filter="flat")
    else:
        with pytest.raises(ValueError, match="a power in the resolution bandwidth, which it does not say; give rbw="):
            read_spectrum(tmp_path / "s.csv")


def test_levels_of_instruments(tmp_path):
    (tmp_path / "k.csv").write_text(KEYSIGHT)
    found = read_spectrum(tmp_path / "k.csv")
    assert found.frequency == pytest.approx(np.linspace(1e9, 1.004e9, 5))
    assert found.receiver is not None
    assert found.dbm(found.receiver.noise_bandwidth) == pytest.approx([-80, -70, -60, -70, -80])
    (tmp_path / "r.csv").write_text(FSW)
    found = read_spectrum(tmp_path / "r.csv")
    assert found.receiver is not None and found.frequency[1] == 1.0001e9
    assert found.dbm(found.receiver.noise_bandwidth) == pytest.approx([-70.3, -60.5, -72.0, -72.0])
    for part in (
        "the larger of the two levels of auto peak",
        "detector auto peak (from the file)",
        "1.064 × RBW",
        "averaging of power assumed; of levels in dB, noise reads 2.51 dB low",
        "peaks read noise too high",
    ):
        assert part in describe(found)


def test_frequencies_from_the_preamble_alone(tmp_path):
    text = "RBW,1 MHz\nStart,1 GHz\nStop,3 GHz\nPoints,3\nP (dBm)\n-80\n-70\n-80\n"
    (tmp_path / "s.csv").write_text(text)
    assert read_spectrum(tmp_path / "s.csv").frequency == pytest.approx([1e9, 2e9, 3e9])
    (tmp_path / "s.csv").write_text(text.replace("P (dBm)", "Y Axis Units,dBm\nDATA"))
    assert read_spectrum(tmp_path / "s.csv").frequency == pytest.approx([1e9, 2e9, 3e9])


# settings, lines of a preamble, what the density is over that of dBm in 1 MHz
RECEIVERS = {
    "nothing said": ({}, "", 1 / G),
    "a digital filter": ({"filter": 1.055}, "", 1 / 1.055),
    "flat": ({"filter": "flat"}, "", 1.0),
    "five poles": ({"filter": "5 poles"}, "", 1 / 1.1138),
    "four poles": ({"filter": "4 poles"}, "", 1 / 1.1285),
    "log": ({"averaging": "log"}, "", 10**0.25068 / G),
    "voltage": ({"averaging": "voltage"}, "", 4 / math.pi / G),
    "log of peaks is not put right": ({"averaging": "log", "detector": "peak"}, "", 1 / G),
    "a file's filter": ({}, "RBW Filter,Flattop\n", 1.0),
    "a width of 6 dB": ({}, "RBW Filter,Gaussian\nRBW Filter BW,6dB\n", math.sqrt(2) / G),
    "a video filter": ({}, "VBW,10 kHz\nAverage Type,LogPower(Video)\n", 10**0.25068 / G),
    "averages that are none": ({}, "Average Type,LogPower(Video)\nTrace Type,ClearWrite\n", 1 / G),
    "averages of sweeps": (
        {},
        "Average Type,LogPower(Video)\nTrace Type,TraceAverage\nDetector,Sample\n",
        10**0.25068 / G,
    ),
    "averages of power": ({}, "Average Type,Power(RMS)\nDetector,Average\n", 1 / G),
}


@pytest.mark.parametrize(("settings", "preamble", "factor"), RECEIVERS.values(), ids=RECEIVERS)
def test_what_the_analyser_does_to_noise(tmp_path, settings, preamble, factor):
    (tmp_path / "s.csv").write_text(f"RBW,1 MHz\n{preamble}f (GHz),P (dBm)\n1,-80\n2,-70\n")
    found = read_spectrum(tmp_path / "s.csv", **settings)
    assert found.density[0] == pytest.approx(1e-11 * 50 / 1e6 * factor, rel=2e-4)
    assert found.receiver is not None and "× RBW" in describe(found)


def test_averages_of_noise_are_what_they_are_said_to_be(rng):
    """The envelope of Gaussian noise is Rayleigh's, its power exponential."""
    power = rng.exponential(size=400_000)
    read = {"power": power.mean(), "voltage": np.sqrt(power).mean() ** 2, "log": np.exp(np.log(power).mean())}
    for averaging, level in read.items():
        assert Receiver(1.0, averaging=averaging).bias == pytest.approx(10 * np.log10(level), abs=0.02)


def test_filters_are_as_wide_as_they_are_said_to_be():
    f = np.linspace(-60, 60, 1_200_001)
    shapes = {
        "gaussian": np.exp(-4 * np.log(2) * f**2),
        "4 poles": (1 + (2 * f) ** 2 * (2**0.25 - 1)) ** -4,
        "5 poles": (1 + (2 * f) ** 2 * (2**0.2 - 1)) ** -5,
    }
    for name, shape in shapes.items():
        assert shape[np.argmin(np.abs(f - 0.5))] == pytest.approx(0.5)
        assert Receiver(1.0, name).noise_bandwidth == pytest.approx(shape.sum() * (f[1] - f[0]), rel=1e-6)
    amplitude = np.sqrt(shapes["gaussian"])
    assert amplitude[np.argmin(np.abs(f - 0.5 * math.sqrt(2)))] == pytest.approx(0.5, rel=1e-4)  # 6 dB
    impulse = amplitude.sum() * (f[1] - f[0])
    assert Receiver(impulse, "gaussian, impulse").noise_bandwidth == pytest.approx(G, rel=1e-6)
    assert Receiver(math.sqrt(2), "gaussian, 6 dB").noise_bandwidth == pytest.approx(G, rel=1e-6)


def test_decibels_go_both_ways(tmp_path):
    (tmp_path / "s.csv").write_text("f (GHz),P (dBm)\n1,-80\n2,-71.5\n3,-70\n")
    found = read_spectrum(tmp_path / "s.csv", rbw=3e5, filter="flat")
    assert found.dbm(bandwidth=3e5) == pytest.approx([-80, -71.5, -70])


DBM = "f (GHz),P (dBm)\n1,-80\n2,-70\n"


@pytest.mark.parametrize(
    ("text", "settings", "sentence"),
    [
        (DBM, {}, "is in dBm, a power in the resolution bandwidth, which it does not say; give rbw="),
        (MIN_MAX, {}, r"several levels for one frequency \(Min in dBm, Max in dBm\); choose one, as in level='Min'"),
        (MIN_MAX, {"level": "mean"}, "has no column 'mean'; it has Frequency, Min, Max"),
        (MIN_MAX, {"level": "frequency"}, "the column 'frequency' is that of the frequencies; choose one of levels"),
        (MIN_MAX.replace("Max", "Min"), {}, "choose one, as in level='#2'"),
        (MIN_MAX.replace("-60", "nan"), {"level": "#3"}, "line 4: the cell of 'Max' is nan; remove the row"),
        (MIN_MAX.replace("-60", ""), {"level": "Max"}, "line 4: the cell of 'Max' is blank"),
        (KEYSIGHT.replace("Points,5", "Points,9"), {}, "says 9 points, and has 5 rows; it is cut off"),
        (KEYSIGHT.replace("y,10", "y,20"), {}, "the preamble says 2 GHz to .* mend the unit of one of them"),
        (KEYSIGHT, {"rbw": 1e6}, "says RBW = 3 MHz, and rbw says 1 MHz; leave one out"),
        (DBM, {"rbw": -1}, "rbw = -1 Hz, expected a positive resolution bandwidth"),
        (DBM, {"rbw": 1e6, "filter": "round"}, "filter = 'round' is unknown; expected 'gaussian'"),
        (DBM, {"rbw": 1e6, "filter": 0.0}, "filter = 0, expected noise bandwidth over RBW"),
        (DBM, {"rbw": 1e6, "detector": "eye"}, "detector = 'eye' is unknown; expected 'sample'"),
        (DBM, {"rbw": 1e6, "averaging": "mean"}, "averaging = 'mean' is unknown; expected 'power'"),
        (DBM, {"rbw": 1e6, "load": 0.0}, "load = 0 Ω, expected a positive resistance"),
        (DBM, {"rbw": 1e6, "current": 1e-3}, "has no use for current; leave it out"),
        (DBM, {"rbw": 1e6, "unit": "V²/Hz"}, "has its levels in dBm, and unit says V²/Hz; leave one out"),
        (DBM.replace("-80", "8000"), {"rbw": 1e6}, "line 2: a level of 8000 dBm cannot be meant"),
        (DBM.replace("GHz", "nHz"), {"rbw": 1e6}, "cannot be meant; look at their unit"),
        ("f (GHz),S (nV/√Hz)\n1,3\n2,-4\n", {}, "has an amplitude below zero"),
        ("f (GHz),S (nV²/Hz/mA²)\n1,2\n2,3\n", {}, "give the direct current of the measurement"),
        ("f (GHz),S (furlong)\n1,2\n2,3\n", {}, "is in 'furlong', which is no unit of a spectrum; expected dBm"),
        ("f (GHz),S\n1,2\n2,3\n", {}, r"the column 'S' has no unit; write it in the header, as in 'S \(dBm\)'"),
        ("f (GHz),S,U\n1,2,3\n2,3,4\n", {"unit": "dBm"}, "several levels for one frequency"),
        ("x (m),S (dBm)\n1,2\n2,3\n", {}, "the column 'x' is in m, expected a unit of Hz"),
        ("y (m),S (dBm)\n1,2\n2,3\n", {}, "has no column of frequencies; it has y, S"),
        ("f (GHz),g,f_peak (GHz)\n1,2,3\n2,3,4\n", {}, "is no spectrum but a table of peaks, as it has the column"),
        ("I (mA),f (GHz),S (nV²/Hz)\n1,2,3\n2,3,4\n", {}, "as it has the column 'I', which varies; use read_freq"),
        ("f (GHz),S (nV²/Hz),linewidth (MHz)\n1,2,3\n2,3,4\n", {}, "is no spectrum but a table of peaks"),
        ("f (GHz),freq (MHz),S (dBm)\n1,2,3\n2,3,4\n", {}, "has several columns of frequencies"),
        ("f (GHz)\n1\n2\n", {}, "has only the column f; expected a second with the levels"),
        ("f (GHz),S (V²/Hz)\n2,2\n1,3\n", {}, "line 3: the frequency does not increase"),
        ("RBW,wide\nf (GHz),S (dBm)\n1,2\n2,3\n", {}, "RBW: 'wide' is not a quantity"),
    ],
)
def test_bad_spectra_get_a_sentence(tmp_path, text, settings, sentence):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(ValueError, match=sentence) as error:
        read_spectrum(tmp_path / "s.csv", **settings)
    assert (str(tmp_path / "s.csv") in str(error.value)) or settings
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("unit", ["V/Hz", "V²/√Hz", "dB", "Oe", "mV", "dBµ", "dBW/√Hz", "W/√Hz", "mW/mA²", ""])
def test_no_units_of_a_spectrum(unit):
    assert level_of(unit) is None


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
