"""Tables of frequencies from files and from spectra."""

from itertools import permutations

import numpy as np
import pytest

from llgrad.core.constants import MU_0
from llgrad.datasets.frequencies import FrequencyTable, frequencies_of, looks_like_frequencies, read_frequencies
from llgrad.datasets.reader import describe
from llgrad.datasets.spectra import looks_like_spectrum, read_spectrum
from llgrad.observables.spectrum import Spectrum

# text: (setting, values, frequencies, errors)
GOOD = {
    "current": ("current (mA), f (GHz)\n1,1.5\n2,1.6\n", "current", [1e-3, 2e-3], [1.5e9, 1.6e9], None),
    "field, Germany": (
        "field.z [Oe]; frequency [GHz]\n100;1,5\n200;1,6\n",
        "field.z",
        [0.01, 0.02],
        [1.5e9, 1.6e9],
        None,
    ),
    "another axis, a width, an error": (
        "H_x (kA/m)\tFreq (GHz)\tlinewidth (MHz)\tf error (MHz)\n1\t2\t30\t1\n3\t4\t40\t2\n",
        "field.x",
        [1e3 * MU_0, 3e3 * MU_0],
        [2e9, 4e9],
        [1e6, 2e6],
    ),
    "units in a row, error first": (
        "I;σ;f\nmA;kHz;MHz\n1,5;10;1500\n2,5;20;1600\n",
        "current",
        [1.5e-3, 2.5e-3],
        [1.5e9, 1.6e9],
        [1e4, 2e4],
    ),
    "a comment as header": ("# B (mT)  f (GHz)\n1 2\n2 3\n", "field.z", [1e-3, 2e-3], [2e9, 3e9], None),
}


@pytest.mark.parametrize(("text", "setting", "values", "frequencies", "errors"), GOOD.values(), ids=GOOD)
def test_tables(tmp_path, text, setting, values, frequencies, errors):
    path = tmp_path / "table.csv"
    path.write_text(text)
    assert looks_like_frequencies(path)
    table = read_frequencies(path)
    assert table.setting == setting
    assert table.values == pytest.approx(values) and table.frequencies == pytest.approx(frequencies)
    assert (table.errors is None) == (errors is None) and (errors is None or table.errors == pytest.approx(errors))
    assert setting in describe(table) and "2 frequencies" in describe(table) and "\n" not in describe(table)


def test_a_setting_by_its_name(tmp_path):
    (tmp_path / "t.csv").write_text("H_k (T), current (mA), f (GHz)\n1,1,2\n2,1,3\n")
    assert read_frequencies(tmp_path / "t.csv", setting="H_k").values.tolist() == [1.0, 2.0]
    for name in ("B", "B in plane", "Happly"):
        (tmp_path / "t.csv").write_text(f"{name} (T), f (GHz)\n1,2\n2,3\n")
        assert read_frequencies(tmp_path / "t.csv", setting="field.x").setting == "field.x"


NAMES = {
    # what is written above the columns of frequencies, of line widths, of errors
    "short": ("f (GHz)", "Δf (MHz)", "σ_f (MHz)"),
    "long": ("Peak frequency [GHz]", "Line width [MHz]", "Frequency error [MHz]"),
    "glued": ("Peak_freq[GHz]", "Linewidth[MHz]", "Peak_freq_err[MHz]"),
    "German": ("Resonanzfrequenz / GHz", "Linienbreite / MHz", "Fehler / MHz"),
    "FWHM": ("f_res in GHz", "FWHM in MHz", "f_err in MHz"),
}
SETTINGS = {
    # what is written above the setting, three numbers there, the leaf, and its values in SI
    "current": ("I (mA)", (1.5, 2.0, 2.5), "current", (1.5e-3, 2e-3, 2.5e-3)),
    "microampere": ("current [µA]", (100, 200, 300), "current", (1e-4, 2e-4, 3e-4)),
    "flux density": ("flux density (mT)", (10, 20, 30), "field.z", (0.01, 0.02, 0.03)),
    "oersted": ("Field[Oe]", (1000, 1200, 1400), "field.z", (0.1, 0.12, 0.14)),
    "kilooersted": ("H / kOe", (1, 2, 3), "field.z", (0.1, 0.2, 0.3)),
    "kA/m": ("Hx (kA/m)", (10, 20, 30), "field.x", (1e4 * MU_0, 2e4 * MU_0, 3e4 * MU_0)),
    "an axis": ("B_ext_y (mT)", (10, 20, 30), "field.y", (0.01, 0.02, 0.03)),
    "a leaf": ("field.x (Oe)", (100, 200, 300), "field.x", (0.01, 0.02, 0.03)),
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("swept", SETTINGS.values(), ids=SETTINGS)
def test_columns_are_what_they_are_in_any_order(tmp_path, names, swept):
    """A law: neither the order, nor the separator, nor the decimal mark changes what is read."""
    header, values, setting, expected = swept
    columns = {header: values, names[0]: (5.1, 5.2, 5.3), names[1]: (20, 18, 15.5), names[2]: (1, 2, 3)}
    path = tmp_path / "table.csv"
    for number, order in enumerate(permutations(columns)):
        separator, mark = [(",", "."), (";", ","), ("\t", "."), (";", ".")][number % 4]
        rows = [separator.join(str(columns[name][row]).replace(".", mark) for name in order) for row in range(3)]
        path.write_text("\n".join([separator.join(order), *rows]) + "\n")
        assert looks_like_frequencies(path) and not looks_like_spectrum(path)
        table = read_frequencies(path)
        assert table.setting == setting and table.values == pytest.approx(expected)
        assert table.frequencies == pytest.approx([5.1e9, 5.2e9, 5.3e9])
        assert table.errors == pytest.approx([1e6, 2e6, 3e6])


PEAKS = (
    "Current[mA],Resistance[Ohm],Field[Oe],Peak_freq_G1[GHz],Peak_power_G1[nV2/Hz],Int_power_G1[pW],Linewidth_G1[MHz],"
    "Peak_freq_G2[GHz],Peak_freq_G2_err[MHz]\n"
    "-2.5,50,1000,5.10,12,3,20,10.2,1\n-2.5,50,1200,5.45,13,3,18,10.9,2\n-2.5,50,1400,5.80,11,3,15,11.6,3\n"
)


def test_peaks_against_the_column_that_varies(tmp_path):
    path = tmp_path / "peaks.csv"
    path.write_text(PEAKS)
    assert looks_like_frequencies(path) and not looks_like_spectrum(path)
    with pytest.raises(
        ValueError, match=r"several columns of frequencies \(Peak_freq_G1, Peak_freq_G2\); choose one, as in peak='G1'"
    ):
        read_frequencies(path)
    first, second = (read_frequencies(path, peak=peak) for peak in ("G1", "Peak_freq_G2"))
    for table in (first, second):
        assert table.setting == "field.z" and table.values == pytest.approx([0.1, 0.12, 0.14])
        assert "Current is -2.5 mA in all rows" in describe(table) and "along z, as its name has no axis" in describe(
            table
        )
    assert first.frequencies == pytest.approx([5.1e9, 5.45e9, 5.8e9]) and first.errors is None
    assert second.frequencies == pytest.approx([10.2e9, 10.9e9, 11.6e9]) and second.errors == pytest.approx(
        [1e6, 2e6, 3e6]
    )
    with pytest.raises(ValueError, match="no column of frequencies named 'G3'; it has Peak_freq_G1, Peak_freq_G2"):
        read_frequencies(path, peak="G3")
    with pytest.raises(ValueError, match="is no spectrum but a table of peaks, as it has the column"):
        read_spectrum(path)


@pytest.mark.parametrize(
    "angle", ["theta (deg)", "θ_H (°)", "phi_H", "Field angle (rad)", "Winkel (Grad)", "azimuth", "H tilt"]
)
@pytest.mark.parametrize("field", ["H (Oe)", "B (mT)", "Field [Oe]", "µ0H (T)"])
def test_the_angle_of_a_field_is_never_dropped(tmp_path, angle, field):
    """A field without an axis is along z, but not where a column has its angle: the user says its axis, or is asked."""
    path = tmp_path / "angle.csv"
    name = angle.partition(" (")[0]
    for values in ((0, 0, 0), (90, 90, 90), (30, 30, 30), (0, 45, 90)):
        rows = [f"{value},{strength},5.{strength}" for value, strength in zip(values, (1, 2, 3), strict=True)]
        path.write_text("\n".join([f"{angle},{field},f (GHz)", *rows]) + "\n")
        turning = len({*values}) > 1
        said = f"the angle '{name}' varies" if turning else rf"has the angle '{name}' \({values[0]}.*setting='field.x'"
        for setting in (None, "field"):
            with pytest.raises(ValueError, match=said):
                read_frequencies(path, setting)
        if turning:
            with pytest.raises(ValueError, match=said):
                read_frequencies(path, "field.x")
        else:
            table = read_frequencies(path, "field.x")
            assert table.setting == "field.x" and f"{name} is {values[0]}" in describe(table)
        path.write_text(path.read_text().replace(",1,", ",2,").replace(",3,", ",2,"))
        if turning:
            with pytest.raises(ValueError, match=f"the angle '{name}' varies|only the angle '{name}' varies"):
                read_frequencies(path)


def test_an_angle_beside_a_current_or_of_a_signal_is_told(tmp_path):
    path = tmp_path / "angle.csv"
    path.write_text("theta (deg),H (Oe),I (mA),f (GHz)\n85,200,1,5\n85,200,2,6\n")
    table = read_frequencies(path)
    assert table.setting == "current" and "theta is 85 deg in all rows" in describe(table)
    path.write_text("theta (deg),I (mA),f (GHz)\n80,2,5\n85,2,6\n")
    with pytest.raises(ValueError, match="only the angle 'theta' varies"):
        read_frequencies(path)
    path.write_text("phase (deg),H (Oe),f (GHz)\n85,200,5\n80,300,6\n")
    assert read_frequencies(path).setting == "field.z"
    path.write_text("theta (deg),H_x (Oe),f (GHz)\n85,200,5\n85,300,6\n")
    assert read_frequencies(path).setting == "field.x"


GRID = "I (mA),H (Oe),f (GHz)\n2.5,150,0.16\n2.5,200,0.44\n3.0,150,0.2\n"


def test_of_several_that_vary_the_user_names_one(tmp_path):
    path = tmp_path / "grid.csv"
    path.write_text(GRID)
    with pytest.raises(
        ValueError,
        match=r"several columns of currents or fields that vary \(I, H\); choose one, as in "
        "setting='current' or setting='field.z'",
    ):
        read_frequencies(path)
    for setting, leaf, values in (
        ("current", "current", [2.5e-3, 2.5e-3, 3e-3]),
        ("H", "field.z", [0.015, 0.02, 0.015]),
        ("field", "field.z", [0.015, 0.02, 0.015]),
        ("field.x", "field.x", [0.015, 0.02, 0.015]),
    ):
        table = read_frequencies(path, setting)
        assert table.setting == leaf and table.values == pytest.approx(values)
    assert "I varies too, from 2.5 mA to 3 mA" in describe(read_frequencies(path, "field"))
    path.write_text("H_x (Oe),H_y (Oe),f (GHz)\n1,150,0.16\n2,200,0.44\n")
    assert read_frequencies(path, "field.y").values == pytest.approx([0.015, 0.02])
    with pytest.raises(ValueError, match="has several columns of field; it has H_x, H_y, f"):
        read_frequencies(path, "field")
    with pytest.raises(ValueError, match="has no column of current"):
        read_frequencies(path, "current")


def test_a_current_density_needs_its_area(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("J (A/m²),f (GHz)\n1e11,1.5\n2e11,1.6\n")
    with pytest.raises(
        ValueError, match=r"the column 'J' is a current density; give area=… \[m²\] of the cross section"
    ):
        read_frequencies(path)
    assert read_frequencies(path, area=1e-14).values == pytest.approx([1e-3, 2e-3])
    path.write_text("I (mA),f (GHz)\n1,1.5\n2,1.6\n")
    with pytest.raises(ValueError, match="no current density that an area would be for; leave area out"):
        read_frequencies(path, area=1e-14)


def test_what_may_be_a_width_or_an_error_is_asked_for(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("I (mA),f (GHz),df (MHz)\n1,1.5,2\n2,1.6,3\n")
    with pytest.raises(
        ValueError, match="the column 'df' may be a line width or error; write 'line width' or 'error' above"
    ):
        read_frequencies(path)
    assert read_frequencies(path, error="df").errors == pytest.approx([2e6, 3e6])
    path.write_text("I (mA),f (GHz),f_err (MHz),f_std (MHz)\n1,1.5,2,2\n2,1.6,3,3\n")
    with pytest.raises(
        ValueError, match=r"several columns of errors \(f_err, f_std\); choose one, as in error='f_err'"
    ):
        read_frequencies(path)
    with pytest.raises(ValueError, match="has no column 'g'"):
        read_frequencies(path, error="g")


@pytest.mark.parametrize(
    "text",
    [
        "t (ns),mx\n0,1\n1,2\n",
        "f (GHz),S (dBm)\n1,2\n2,3\n",
        "f (GHz),S (dBm),I (mA)\n1,2,1\n2,3,1\n",
        "t (ns),current (mA),f (GHz)\n0,1,2\n1,2,3\n",
        "nonsense",
        "H (Oe);V (uV) 5 GHz\n1;2\n2;3\n",
    ],
)
def test_what_is_no_table_does_not_look_like_one(tmp_path, text):
    (tmp_path / "other.csv").write_text(text)
    assert not looks_like_frequencies(tmp_path / "other.csv")
    assert not looks_like_frequencies(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("current (mA), g\n1,2\n2,3\n", r"has no column of frequencies; it has current, g; write 'f \(GHz\)'"),
        ("x, f (GHz)\n1,2\n2,3\n", "has no column of currents or fields; it has x, f; write 'current"),
        ("I (mA), H (Oe), f (GHz)\n1,2,2\n2,3,3\n", "has several columns of currents or fields that vary"),
        ("I (mA), f (Hz)\n1,2\n2,3\n", "frequencies from 2 to 3 Hz cannot be meant; they are in hertz"),
        ("I (mA), f (GHz), error (MHz)\n1,2,0\n2,3,1\n", "the error of frequency 0 is 0 Hz, expected a positive"),
        ("I (mA), f (GHz)\n1,2\n2,\n", "line 3: the cell of 'f' is blank"),
        ("I (mA), frequency\n1,2\n2,3\n", "the column 'frequency' has no unit"),
        ("In-plane field (Oe), f (GHz)\n1,2\n2,3\n", "is a field in the plane, and does not say along which axis"),
        ("H_IP (mT); f (GHz)\n1;2\n2;3\n", "'H_IP' is a field in the plane, .* .--read setting=field.x"),
    ],
)
def test_bad_tables_get_a_sentence(tmp_path, text, sentence):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(ValueError, match=sentence) as error:
        read_frequencies(tmp_path / "table.csv")
    assert str(error.value).count(str(tmp_path / "table.csv")) == 1 and "\n" not in str(error.value)


def test_errors_belong_to_frequencies():
    with pytest.raises(ValueError, match="there are 1 errors for 2 frequencies"):
        FrequencyTable("current", [1e-3, 2e-3], [1e9, 2e9], errors=[1e6])


def test_a_table_from_spectra(rng):
    f = np.linspace(1e9, 3e9, 401)
    truth = [1.5e9, 1.8e9, 2.2e9]
    clean = [1e-18 + 3e-17 / (1 + (2 * (f - f0) / 5e7) ** 2) for f0 in truth]
    spectra = [Spectrum(f, s * rng.gamma(20, 1 / 20, f.size), "V²/Hz") for s in clean]
    table = frequencies_of(spectra, "current", [1e-3, 2e-3, 3e-3])
    assert table.errors is not None and (table.errors < 5e6).all()
    assert (np.abs(table.frequencies - truth) < 5 * table.errors).all()
    with pytest.raises(ValueError, match="spectrum 1: no line stands out"):
        frequencies_of([spectra[0], Spectrum(f, rng.gamma(10, 0.1, f.size), "V²/Hz")], "current", [1e-3, 2e-3])
