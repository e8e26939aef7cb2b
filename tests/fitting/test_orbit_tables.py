"""Tables of orbits: line widths at several temperatures, systems, spectra whose width is the device's own."""

import numpy as np
import pytest
from tests.unit.solve.systems import MEMBERS

import llgrad as lg

HOT = lg.presets.kubota2013().replace(field=(0, 0, 0.2), temperature=300.0)
COMPENSATED = HOT.replace(H_k=1.82, field=(0, 0, 0.1))
"""Its anisotropy field cancels the demagnetising field, so that ν is small and the width goes as α T/V. The frequency
goes by current/(α V). Where ν is large the width goes as T/(α V) too, and nothing tells α and V apart."""
LINES = np.array(
    [[2790176779.87, 39754.6866], [2780265468.89, 38750.1205], [2768113880.14, 38518.6259], [2736947844.56, 39099.2482]]
)
"""Frequency and line width [Hz] at 300 K for each of the currents."""
CURRENTS = np.array([2.0e-3, 2.5e-3, 3.0e-3, 4.0e-3])
FREQUENCIES = np.array([6.44245e9, 6.24004e9, 6.11088e9, 5.95540e9])
SYSTEM = MEMBERS["Amplitude"]
POWERS = np.linspace(1.4, 3.0, 8)


def closed_form(system, powers):
    """f = (ω + N p)/2π at p = (ζ − 1)/(ζ + Q)."""
    return (system.omega + system.shift * (powers - 1) / (powers + system.nonlinear)) / (2 * np.pi)


def closed_width(system, powers):
    """Δf = heat (1 + ν²)/(2π p), ν = N/(Γ (ζ + Q))."""
    p = (powers - 1) / (powers + system.nonlinear)
    nu = system.shift / (system.damping * (powers + system.nonlinear))
    return system.heat * (1 + nu**2) / (2 * np.pi * p)


def lines(currents, temperatures, rng=None, errors=(1e6, 0.05)):
    """A table of the frequencies and widths that `lg.orbit` gives of `COMPENSATED`, noisy where it is given `rng`."""
    f = np.tile(LINES[:, 0], len(temperatures))
    width = np.concatenate([LINES[:, 1] * t / 300 for t in temperatures])
    sigma = {"frequency": np.full(f.size, errors[0]), "line_width": errors[1] * width}
    off = np.zeros((2, f.size)) if rng is None else rng.normal(size=(2, f.size))
    settings = {"current": np.tile(currents, len(temperatures)), "temperature": np.repeat(temperatures, len(currents))}
    measured = {"frequency": f + sigma["frequency"] * off[0], "line_width": width + sigma["line_width"] * off[1]}
    return lg.data.OrbitTable(settings, measured, sigma)


def test_damping_and_volume_are_found_from_frequencies_and_widths_at_two_temperatures(rng):
    """Of data without noise exactly; else within three standard errors, which tell both apart."""
    start = COMPENSATED.replace(alpha=0.0055, volume=0.8 * COMPENSATED.volume)
    exact = lines(CURRENTS, (200.0, 300.0))
    exact.measured["line_width"][2] = np.nan
    found = lg.fit(start, exact, free=["alpha", "volume"])
    assert found.converged and found.explained
    assert found.values["alpha"] == pytest.approx(COMPENSATED.alpha, rel=1e-6)
    assert found.values["volume"] == pytest.approx(COMPENSATED.volume, rel=1e-6)
    assert np.isnan(found.prediction["line_width"][2]) and found.prediction["frequency"].shape == (8,)
    assert [one.name for one in found.quality[0].columns] == ["frequency", "line_width"]
    for _ in range(4):
        found = lg.fit(start, lines(CURRENTS, (200.0, 300.0), rng), free=["alpha", "volume"])
        assert found.converged and found.explained
        for name, largest in (("alpha", 0.02), ("volume", 0.006)):
            assert found.errors[name] < largest * found.values[name]
            assert abs(found.values[name] - getattr(COMPENSATED, name)) < 3 * found.errors[name]


def test_a_system_is_found_from_its_frequencies():
    table = lg.data.FrequencyTable("supercriticality", POWERS, closed_form(SYSTEM, POWERS), np.full(8, 1e4))
    start = SYSTEM.replace(omega=3.2e9, shift=-0.8e9, nonlinear=0.7)
    found = lg.fit(start, table, free=["omega", "shift", "nonlinear"])
    assert found.converged and found.explained
    for name in ("omega", "shift", "nonlinear"):
        assert found.values[name] == pytest.approx(getattr(SYSTEM, name), rel=1e-6)
    assert any("noise of Amplitude was left out" in line for line in found.verdict)


def test_a_system_is_found_from_a_spectrum_whose_width_is_its_own(rng):
    system = SYSTEM.replace(heat=2e5)
    f, width = closed_form(system, 2.0), closed_width(system, 2.0)
    grid = np.linspace(f - 12 * width, f + 12 * width, 241)
    density = 1e-10 / (1 + (2 * (grid - f) / width) ** 2) + 1e-13
    spectrum = lg.observables.Spectrum(grid, density * rng.gamma(100, 0.01, grid.size), "1/Hz")
    start = system.replace(omega=0.999 * system.omega, heat=3e5)
    found = lg.fit(start, lg.Experiment(spectrum, noise=0.1), free=["omega", "heat"])
    assert found.names == ("omega", "heat") and found.converged
    for name in found.names:
        assert abs(found.values[name] - getattr(system, name)) < 3 * found.errors[name]
    assert found.errors["heat"] < 0.05 * system.heat


SETTINGS = {"current": CURRENTS}
WRONG = {
    "an unknown quantity": ({"width": [1e6] * 4}, {}, {}, "'width' is no quantity of an orbit; it can be frequency"),
    "a negative width": ({"line_width": [1e6, -1e6, 1e6, 1e6]}, {}, {}, "line_width = -1 MHz, expected a positive"),
    "dBm given as W": ({"power": [-45.0] * 4}, {}, {}, "to -45 W cannot be meant; in dBm give them as 'power_dbm'"),
    "W given as dBm": ({"power_dbm": [1e-9] * 4}, {}, {}, "1e-09 dBm cannot be meant; in watts give them as 'power'"),
    "no drive": ({"locking": [1e6] * 4}, {}, {}, "a locking range is that of a drive, and none is given"),
    "no errors": ({"frequency": FREQUENCIES, "power": [1e-9] * 4}, {}, {}, "frequency has no errors, and only these"),
    "an option": ({"frequency": FREQUENCIES}, {}, {"frequency": {"load": 50.0}}, "'load' is no option of 'frequency'"),
    "a shape": ({"frequency": FREQUENCIES}, {"frequency": [1e6] * 3}, {}, r"has the shape \(3,\), expected \(4,\)"),
    "an error": ({"frequency": FREQUENCIES}, {"frequency": 0.0}, {}, "an error of frequency is 0, expected a positive"),
    "gigahertz": ({"frequency": [6.4] * 4}, {}, {}, "they are in hertz: 1 GHz is 1e9"),
    "an empty row": ({"frequency": [np.nan, 6e9, 6e9, 6e9]}, {}, {}, "row 0 holds no measurement; remove it"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_table_that_cannot_be_meant_is_refused(case):
    measured, errors, options, sentence = WRONG[case]
    with pytest.raises(ValueError, match=sentence):
        lg.data.OrbitTable(SETTINGS, measured, errors, options)


WIDTHS = lg.data.OrbitTable(SETTINGS, {"line_width": [2.9e7, 1.9e7, 1.1e7, 5e6]})
REFUSED = {
    "0 K": (HOT.replace(temperature=0.0), WIDTHS, {}, "a line_width at temperature = 0 K: without noise a line has no"),
    "a quiet system": (
        MEMBERS["Vortex"],
        lg.data.OrbitTable({"torque": CURRENTS * 1e10}, WIDTHS.measured),
        {"free": ["damping"]},
        "Vortex has no noise to make one",
    ),
    "a setting": (
        HOT,
        lg.data.OrbitTable({"curent": CURRENTS}, WIDTHS.measured),
        {},
        "setting 'curent' is none of the",
    ),
    "a time step": (HOT, WIDTHS, {"dt": 1e-12}, "dt is of runs in time, and tables and spectra are fitted through"),
    "one noise": (
        HOT,
        lg.data.OrbitTable(
            SETTINGS, {"frequency": FREQUENCIES, **WIDTHS.measured}, {"frequency": 1e6, "line_width": 1e6}
        ),
        {"noise": 2.0},
        "noise= is one number, and this table has several quantities",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_table_that_tells_nothing_of_a_model_is_refused(case):
    model, table, options, sentence = REFUSED[case]
    with pytest.raises(ValueError, match=sentence):
        lg.fit(model, table, **{"free": ["alpha"], **options})


def read(text, tmp_path, **options):
    path = tmp_path / "lab.csv"
    path.write_text(text, encoding="utf-8")
    return lg.data.read_orbit_table(path, **options)


FILE = """# made up
current (mA), H_z (Oe), T (K), f (GHz), f error (MHz), FWHM (MHz), FWHM error (MHz), power (dBm), power error (dB)
2.0, 2000, 300, 6.44, 1, 29, 1, -45.5, 0.5
2.5, 1900, 300, 6.24, 1, , 1, -44.0, 0.5
"""


def test_the_file_of_a_lab_is_read_with_its_gaps(tmp_path):
    table = read(FILE, tmp_path)
    assert {name: values.tolist() for name, values in table.settings.items()} == {
        "current": [2e-3, 2.5e-3],
        "field.z": [pytest.approx(0.2), pytest.approx(0.19)],
        "temperature": [300.0, 300.0],
    }
    assert list(table.measured) == ["frequency", "line_width", "power_dbm"]
    assert table.measured["line_width"][0] == 29e6 and np.isnan(table.measured["line_width"][1])
    assert table.errors["frequency"].tolist() == [1e6, 1e6] and table.errors["power_dbm"].tolist() == [0.5, 0.5]
    assert list(read(FILE, tmp_path, quantities="frequency", settings="current").settings) == ["current"]


def test_half_widths_and_locking_ranges_say_which_half_is_meant(tmp_path):
    text = "I (mA), {} (MHz)\n1, 2\n2, 4\n"
    drive = {"field_x": 1e-4}
    assert read(text.format("HWHM"), tmp_path).measured["line_width"].tolist() == [4e6, 8e6]
    assert read(text.format("half locking range"), tmp_path, drive=drive).measured["locking"].tolist() == [2e6, 4e6]
    assert read(text.format("full locking range"), tmp_path, drive=drive).measured["locking"].tolist() == [1e6, 2e6]
    with pytest.raises(ValueError, match="is a locking range, half of it or the whole"):
        read(text.format("locking range"), tmp_path, drive=drive)
    with pytest.raises(ValueError, match=r"lab\.csv: a locking range is that of a drive, and none is given"):
        read(text.format("half locking range"), tmp_path)
    with pytest.raises(ValueError, match="has no locking range that a drive would be for"):
        read(FILE, tmp_path, drive=drive)
    with pytest.raises(ValueError, match="'lines' is no quantity that is read from a table"):
        read(FILE, tmp_path, quantities="lines")
