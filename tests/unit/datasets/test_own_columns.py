"""Columns of a system of one's own: their names, their units, and the way from a file and back."""

import numpy as np
import pytest

from llgrad.datasets.reader import describe, read_trace, write_trace
from llgrad.datasets.trace import Trace

UNITS = {"x": "m", "rate": "rad/s", "pure": "1", "v": "m/s", "voltage": "V"}
"""One that has prefixes, one that llgrad does not know, one without, one that is called as a voltage is, and one."""
T = 1e-10 * np.arange(5.0)
TRACE = Trace(T, {name: np.cos(1.0 + i + T * 1e9) for i, name in enumerate(UNITS)}, units=UNITS)


def assert_same(one, other):
    assert one.units == other.units
    for name in one.columns:
        assert np.array_equal(one.columns[name], other.columns[name])


def arrays_of(path, trace):
    np.savez(path, t=trace.t, **trace.columns)


@pytest.mark.parametrize(("file", "write"), [("t.csv", write_trace), ("t.npz", arrays_of)])
@pytest.mark.parametrize("names", [tuple(UNITS), ("x",), ("v", "voltage"), ("rate", "pure")])
def test_a_trace_comes_back_from_a_file(tmp_path, file, write, names):
    write(tmp_path / file, TRACE)
    units = {name: UNITS[name] for name in names}
    assert_same(read_trace(tmp_path / file, units=units), TRACE.select(*names))
    assert_same(read_trace(tmp_path / file, names[:1], UNITS), TRACE.select(names[0]))


def test_columns_of_both_kinds_are_chosen_together(tmp_path):
    write_trace(tmp_path / "t.csv", TRACE)
    assert_same(read_trace(tmp_path / "t.csv", ["voltage", "x"], {"x": "m"}), TRACE.select("voltage", "x"))


@pytest.mark.parametrize("header", ["t (ns),x (nm)", "t [ns];x [nm]"])
def test_another_multiple_of_the_unit_is_converted(tmp_path, header):
    mark = ";" if ";" in header else ","
    (tmp_path / "t.csv").write_text("\n".join([header, f"0{mark}1", f"1{mark}2"]))
    found = read_trace(tmp_path / "t.csv", units={"x": "m"})
    assert found.columns["x"] == pytest.approx([1e-9, 2e-9], rel=1e-15)
    assert "x in nm" in describe(found)


@pytest.mark.parametrize(
    ("units", "sentence"),
    [
        ({"x": "T"}, "the column 'x' is in m, expected a unit of T"),
        ({"y": "m"}, "has no column 'y'; it has t, x"),
        ({"rate": "1/s"}, "the column 'rate': unknown unit 'rad/s'"),
        ({"voltage": "A"}, "the column 'voltage' is in V, expected a unit of A"),
        (["x"], "expected the SI unit of each column by its name"),
        ({"x": 1}, "expected the SI unit of each column by its name"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path, units, sentence):
    write_trace(tmp_path / "t.csv", TRACE)
    with pytest.raises(ValueError, match=sentence):
        read_trace(tmp_path / "t.csv", units=units)
