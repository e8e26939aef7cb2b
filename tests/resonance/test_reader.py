"""Wide tables of field sweeps: what is understood, and what is refused."""

import numpy as np
import pytest

from llgrad.datasets.sweeps import Sweep, Sweeps, looks_like_sweeps, read_sweeps

ROWS = "100\t1e-6\t110\t5e-6\n200\t2e-6\t210\t6e-6\n300\t3e-6\t310\t7e-6\n"


def write(folder, text):
    file = folder / "sweeps.txt"
    file.write_text(text)
    return file


def test_pairs_with_the_frequency_in_their_names_and_units_as_given(tmp_path):
    file = write(tmp_path, "run_10.0_GHz\trun_10.0_GHz\trun_500_MHz\trun_500_MHz\n\n" + ROWS)
    sweeps = read_sweeps(file, field_unit="Oe", voltage_unit="V")
    assert sweeps.frequencies == pytest.approx([0.5e9, 10e9])
    assert sweeps.sweeps[1].field == pytest.approx([0.01, 0.02, 0.03])
    assert sweeps.sweeps[0].voltage == pytest.approx([5e-6, 6e-6, 7e-6])
    assert sweeps.notes == (
        "2 pairs of columns, field and voltage: 10, 0.5 GHz (from the header); 3 points each",
        "fields in Oe (as given), voltages in V (as given)",
    )
    assert looks_like_sweeps(file)


@pytest.mark.parametrize(
    "text",
    [
        "H (Oe),V (uV) 5 GHz,H (Oe),V (uV) 6 GHz\n1000,1,1000,2\n2000,3,2000,4\n3000,5,3000,6\n",
        "# a note\nH [Oe] 5GHz;V [uV] 5GHz;H [Oe] 6GHz;V [uV] 6GHz\n1000;1,0;1000;2,0\n2000;3;2000;4\n3000;5;3000;6\n",
        "H\tV 5 GHz\tH\tV 6 GHz\nOe\tuV\tOe\tuV\n1000\t1\t1000\t2\n2000\t3\t2000\t4\n3000\t5\t3000\t6\n",
        "H (kOe)\tV (uV) 5 GHz\tV (uV) 6 GHz\n1\t1\t2\n2\t3\t4\n3\t5\t6\n",
        "H (Oe)\tV (uV) 5 GHz\tH (Oe)\tV (uV) 6 GHz\n1000\t1\t1000\t2\n2000\t3\t2000\t4\n"
        "3000\t5\t3000\t6\n4000\t7\t\t\n",
    ],
)
def test_ways_to_write_the_same(tmp_path, text):
    first, second = read_sweeps(write(tmp_path, text)).sweeps
    assert (first.frequency, second.frequency) == (5e9, 6e9)
    assert first.field[:3] == pytest.approx([0.1, 0.2, 0.3]) and first.voltage[:3] == pytest.approx([1e-6, 3e-6, 5e-6])
    assert second.field == pytest.approx([0.1, 0.2, 0.3]) and second.voltage == pytest.approx([2e-6, 4e-6, 6e-6])


def test_frequencies_and_field_strengths_can_be_given(tmp_path):
    sweeps = read_sweeps(
        write(tmp_path, "a\tb\tc\td\n" + ROWS), field_unit="kA/m", voltage_unit="mV", frequencies=[2e9, 1e9]
    )
    assert sweeps.frequencies.tolist() == [1e9, 2e9]
    assert sweeps.sweeps[1].field[0] == pytest.approx(0.1256637, rel=1e-6)
    assert "2, 1 GHz (as given)" in sweeps.notes[0]


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        (
            "a 5 GHz\tb 5 GHz\n1\t1\n2\t2\n3\t3\n",
            {},
            "says no unit for its fields; write it in the header, as in 'field",
        ),
        ("H (Oe)\tV (V)\n1\t1\n2\t2\n3\t3\n", {}, "the columns 'H (Oe)' and 'V (V)' name no frequency"),
        ("H 5 GHz\tV 6 GHz\n1\t1\n2\t2\n3\t3\n", {}, "name different frequencies"),
        ("H (Oe)\tV (V) 5 GHz\n1\t1\n2\tx\n3\t3\n", {}, "line 3: 'x' is not a number"),
        ("H (Oe)\tV (V) 5 GHz\n1\t1\n2\t\n3\t3\n4\t4\n", {}, "there is a field or a voltage without its partner"),
        ("H (Oe)\tV (V) 5 GHz\n1\t1\n2\t2\t3\n3\t3\n", {}, "line 3: expected 2 cells as in the header, got 3"),
        (
            "H (Oe)\tV (V) 5 GHz\n1\t1\n2\t2\n3\t3\n",
            {"field_unit": "mT"},
            "has its fields in Oe, and field_unit says mT",
        ),
        ("H (ns)\tV (V) 5 GHz\n1\t1\n2\t2\n3\t3\n", {}, "the fields: ns is a unit of s, expected one of T"),
        ("H (Oe)\tV (V) 5 GHz\n1\t1\n2\t2\n3\t3\n", {"frequencies": [1e9, 2e9]}, "has 1 sweep, got 2 frequencies"),
        ("H (Oe)\tV (V) 5 GHz\n1\t1\n", {}, "expected a header and at least 3 rows"),
        ("H (Oe)\n1\n2\n3\n", {}, "has one column"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(tmp_path, text, options, sentence):
    with pytest.raises(ValueError) as caught:
        read_sweeps(write(tmp_path, text), **options)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_a_trace_is_no_table_of_sweeps(tmp_path):
    assert not looks_like_sweeps(write(tmp_path, "t (ns),mx,my,mz\n0,0,0,1\n1,0,0,1\n2,0,0,1\n"))
    assert not looks_like_sweeps(tmp_path / "nothing.csv")


def test_a_sweep_is_checked():
    with pytest.raises(ValueError, match=r"frequency = -1\.0 Hz, expected a positive number"):
        Sweep(-1.0, [0.1, 0.2, 0.3], [0, 0, 0])
    with pytest.raises(ValueError, match="expected two columns of the same length, at least 3"):
        Sweep(1e9, [0.1, 0.2], [0, 0])
    with pytest.raises(ValueError, match="voltage 1 is nan"):
        Sweep(1e9, [0.1, 0.2, 0.3], [0, np.nan, 0])
    with pytest.raises(ValueError, match="two sweeps have the frequency 1 GHz"):
        Sweeps([Sweep(1e9, [0.1, 0.2, 0.3], [0, 0, 0])] * 2)
