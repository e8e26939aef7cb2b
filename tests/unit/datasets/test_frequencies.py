"""Tables of frequencies from files and from spectra."""

import numpy as np
import pytest

from llgrad.core.constants import MU_0
from llgrad.datasets.frequencies import FrequencyTable, frequencies_of, looks_like_frequencies, read_frequencies
from llgrad.datasets.reader import describe
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
    (tmp_path / "t.csv").write_text("B (T), f (GHz)\n1,2\n2,3\n")
    assert read_frequencies(tmp_path / "t.csv", setting="field.y").setting == "field.y"


@pytest.mark.parametrize(
    "text",
    [
        "t (ns),mx\n0,1\n1,2\n",
        "f (GHz),S (dBm)\n1,2\n2,3\n",
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
        ("I (mA), H (Oe), f (GHz)\n1,2,2\n2,3,3\n", "has several columns of currents or fields"),
        ("I (mA), f (Hz)\n1,2\n2,3\n", "frequencies from 2 to 3 Hz cannot be meant; they are in hertz"),
        ("I (mA), f (GHz), error (MHz)\n1,2,0\n2,3,1\n", "the error of frequency 0 is 0 Hz, expected a positive"),
        ("I (mA), f (GHz)\n1,2\n2,\n", "line 3: the cell of 'f' is blank"),
    ],
)
def test_bad_tables_get_a_sentence(tmp_path, text, sentence):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(ValueError, match=sentence) as error:
        read_frequencies(tmp_path / "table.csv")
    assert str(tmp_path / "table.csv") in str(error.value) and "\n" not in str(error.value)


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
