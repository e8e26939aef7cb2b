"""CSV files of a lab: what is read, what is written, and the sentence for everything that is wrong with them."""

import equinox as eqx
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import llgrad as lg
from llgrad.datasets.reader import read_trace, read_waveform, write_trace
from llgrad.datasets.trace import COLUMNS, Trace

GOOD = {
    "plain": "t (s),mx,my,mz\n0,1,0,0\n1e-12,0,1,0\n3e-12,0,0,1\n",
    "prefixed": "t (ps),mx,my,mz\n0,1,0,0\n1,0,1,0\n3,0,0,1\n",
    "semicolons and decimal commas": "time [ns]; mx; my; mz\n0,000; 1,0; 0; 0\n0,001; 0; 1; 0\n0,003; 0; 0; 1\n",
    "tabs": "Time (ns)\tm_x\tm_y\tm_z\n0\t1\t0\t0\n0.001\t0\t1\t0\n0.003\t0\t0\t1\n",
    "mumax3": "# t (s)\tmx ()\tmy ()\tmz ()\n0\t1\t0\t0\n1e-12\t0\t1\t0\n3e-12\t0\t0\t1\n",
    "quotes, notes and empty lines": '# made up\n\n"t (ps)","mx","my","mz"\n0,1,0,0\n\n1,0,1,0\n# end\n3,0,0,1\n\n',
    "a mark of byte order": "\ufefft (ps),mx,my,mz\n0,1,0,0\n1,0,1,0\n3,0,0,1\n",
    "Windows": "t (ps),mx,my,mz\r\n0,1,0,0\r\n1,0,1,0\r\n3,0,0,1\r\n",
    "another order, another column": "mz,T (K),my,mx,t (ps)\n0,300,0,1,0\n0,300,1,0,1\n1,300,0,0,3\n",
}


def write(folder, text, name="lab.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_many_ways_to_write_the_same_trace(tmp_path, text):
    trace = read_trace(write(tmp_path, text))
    assert np.allclose(trace.t, [0, 1e-12, 3e-12], rtol=1e-12, atol=0)
    assert list(trace.columns) == ["mx", "my", "mz"] or set(trace.columns) == {"mx", "my", "mz"}
    assert np.array_equal([trace.columns[name] for name in ("mx", "my", "mz")], np.eye(3))
    assert not trace.evenly_spaced


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8"])
@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_text_in_unicode_with_its_mark(tmp_path, text, order):
    """As Excel's "Unicode Text" and PowerShell write it; the mark says the order of the bytes."""
    marked = write(tmp_path, ("\ufeff" + text.removeprefix("\ufeff")).encode(order), "marked.csv")
    plain, found = read_trace(write(tmp_path, text)), read_trace(marked)
    assert np.array_equal(found.t, plain.t) and found.notes == plain.notes and found.understood == plain.understood
    assert all(np.array_equal(found.columns[name], column) for name, column in plain.columns.items())


def test_every_reader_of_text_takes_the_mark(tmp_path):
    """Devices and results in JSON and TOML too, which `llgrad devices sto > sto.json` writes so in a Windows shell."""
    lg.save_device(tmp_path / "sto.json", lg.presets.kubota2013())
    lg.save_device(tmp_path / "sto.toml", lg.presets.kubota2013())
    files = {
        "t.csv": ("I (µA);f (GHz)\r\n1,5;2\r\n2,5;3\r\n", lg.data.read_frequencies),
        "s.csv": ("RBW,1 MHz\nf (GHz),P (dBm)\n1.0,-80\n1.1,-70\n1.2,-80\n", lg.data.read_spectrum),
        "d.csv": ("t (ns), field (Oe)\n0, 0\n0.1, 100\n", lg.data.read_waveform),
        "w.csv": ("H (Oe) 5 GHz;V (µV) 5 GHz\n100;1\n200;2\n300;1\n", lg.read_sweeps),
        "x.s1p": ("# MHz S RI R 50\n1 0.5 0.1\n2 0.4 0.2\n", lg.data.read_touchstone),
        "sto.json": ((tmp_path / "sto.json").read_text(), lg.load_device),
        "sto.toml": ((tmp_path / "sto.toml").read_text(), lg.load_device),
    }
    for name, (text, read) in files.items():
        plain = read(write(tmp_path, text, name))
        assert eqx.tree_equal(read(write(tmp_path, text.encode("utf-16"), name)), plain), name


def test_notes_are_kept_without_the_header(tmp_path):
    assert read_trace(write(tmp_path, GOOD["quotes, notes and empty lines"])).notes == ("made up", "end")
    assert read_trace(write(tmp_path, GOOD["mumax3"])).notes == ()


def test_units_of_a_lab(tmp_path):
    trace = read_trace(write(tmp_path, "t (ns),V (mV),mz (%)\n0,1,50\n1,2,60\n"))
    assert trace.columns["voltage"].tolist() == [1e-3, 2e-3]
    assert trace.columns["mz"].tolist() == [0.5, 0.6]
    latin = "t (ns);voltage (µV)\n0;1\n1;2\n".encode("latin-1")
    assert read_trace(write(tmp_path, latin)).columns["voltage"] == pytest.approx([1e-6, 2e-6])


def test_columns_are_chosen(tmp_path):
    trace = read_trace(write(tmp_path, GOOD["plain"]), columns=("mz", "mx"))
    assert list(trace.columns) == ["mz", "mx"]


numbers = st.lists(st.floats(-1e300, 1e300), min_size=3, max_size=3)


@settings(max_examples=50)
@given(
    st.sets(st.floats(-1.0, 1.0), min_size=3, max_size=3).map(sorted),
    st.dictionaries(st.sampled_from(sorted(COLUMNS)), numbers, min_size=1),
)
def test_what_is_written_is_read_again_to_the_last_digit(tmp_path_factory, t, columns):
    path = tmp_path_factory.mktemp("trace") / "trace.csv"
    trace = Trace(t, columns, notes=("first", "second"))
    write_trace(path, trace, note="synthetic")
    again = read_trace(path)
    assert again.t.tolist() == trace.t.tolist()
    assert {name: values.tolist() for name, values in again.columns.items()} == {
        name: values.tolist() for name, values in trace.columns.items()
    }
    assert again.notes == ("synthetic", "first", "second")


def test_nothing_is_overwritten_unasked(tmp_path):
    path = tmp_path / "trace.csv"
    one, other = Trace([0.0, 1.0], {"mx": [1.0, 2.0]}), Trace([0.0, 1.0], {"mx": [3.0, 4.0]})
    write_trace(path, one)
    with pytest.raises(FileExistsError, match=r"trace\.csv exists already"):
        write_trace(path, other)
    assert read_trace(path).columns["mx"].tolist() == [1.0, 2.0]
    write_trace(path, other, overwrite=True)
    assert read_trace(path).columns["mx"].tolist() == [3.0, 4.0]
    assert [file.name for file in tmp_path.iterdir()] == ["trace.csv"]


BAD = {
    "empty": (b"", "lab.csv is empty"),
    "only comments": (b"# a\n# b\n", "lab.csv has only comments"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x00", "lab.csv is a binary file"),
    "UTF-16 without a mark": ("t (ns),mx\n0,1\n1,2\n".encode("utf-16-le"), "is a binary file .or UTF-16 text"),
    "half of UTF-16": (
        "t (ns),mx\n0,1\n".encode("utf-16")[:-1],
        "begins as utf-16-le text and goes on as none",
    ),
    "no header": (b"0,1,2\n1,2,3\n", "lab.csv, line 1: expected a header"),
    "header only": (b"t (ns),mx\n", "lab.csv has 0 rows of numbers"),
    "one row": (b"t (ns),mx\n0,1\n", "lab.csv has 1 rows of numbers"),
    "no time": (
        b"x,mx\n0,1\n1,2\n",
        "lab.csv has no time column: its header is x, mx; name the first column t or time",
    ),
    "no unit of time": (
        b"t,mx\n0,1\n1,2\n",
        r"lab.csv: the column 't' has no unit; write it in the header, as in 't \(ns\)'",
    ),
    "wrong unit of time": (b"t (mA),mx\n0,1\n1,2\n", "lab.csv: the column 't' is in A, expected a unit of s"),
    "unknown unit": (b"t (parsec),mx\n0,1\n1,2\n", "lab.csv: the column 't': unknown unit 'parsec'"),
    "no unit of voltage": (b"t (ns),voltage\n0,1\n1,2\n", "the column 'voltage' has no unit.*'voltage .mV.'"),
    "nothing known": (
        b"t (ns),R (Ohm)\n0,1\n1,2\n",
        "lab.csv has none of the columns mx, my, mz, voltage; it has t, R",
    ),
    "blank cell": (b"t (ns),mx\n0,1\n\n1,\n2,3\n", "lab.csv, line 4: the cell of 'mx' is blank"),
    "NaN": (b"t (ns),mx\n0,1\n1,NaN\n2,3\n", "lab.csv, line 3: the cell of 'mx' is NaN; remove the row or fill it in"),
    "infinite": (b"t (ns),mx\n0,1\n1,inf\n2,3\n", "lab.csv, line 3: the cell of 'mx' is inf"),
    "text": (b"t (ns),mx\n0,1\n1,high\n2,3\n", "lab.csv, line 3: 'high' in the column 'mx' is not a number"),
    "short row": (b"t (ns),mx,my\n0,1,2\n1,2\n", r"lab.csv, line 3: expected 3 cells \(t, mx, my\), got 2"),
    "time stands still": (b"# note\nt (ns),mx\n0,1\n1,2\n1,3\n", "lab.csv, line 5: the time does not increase"),
    "time goes back": (b"t (ns),mx\n0,1\n2,2\n1,3\n", "lab.csv, line 4: the time does not increase"),
}


@pytest.mark.parametrize(("content", "sentence"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("read", [read_trace, read_waveform])
def test_a_bad_file_gets_one_clear_sentence(tmp_path, read, content, sentence):
    if read is read_waveform:
        content = content.replace(b"mx", b"current (mA)").replace(b"voltage", b"field")
        sentence = sentence.replace("mx", "current").replace("voltage", "field")
    path = write(tmp_path, content)
    if read is read_waveform and ("none of" in sentence or "field" in sentence):
        sentence = "the column '(R|field)' is neither a current nor a field; write its unit in the header"
    with pytest.raises(ValueError, match=sentence) as error:
        read(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("read", [read_trace, read_waveform])
def test_a_missing_file_and_a_folder_get_a_sentence(tmp_path, read):
    with pytest.raises(ValueError, match=r"none\.csv does not exist; check the name"):
        read(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="cannot be read: Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (("voltage",), "lab.csv has no column 'voltage'; it has t, mx, my, mz"),
        (("mw",), "a trace has no column 'mw'; it can hold mx, my, mz, voltage"),
    ],
)
def test_a_missing_column_gets_a_sentence(tmp_path, columns, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_trace(write(tmp_path, GOOD["plain"]), columns=columns)


@pytest.mark.parametrize(
    ("header", "factor"), [("current (mA)", 1e-3), ("I [A]", 1.0), ("field (Oe)", 1e-4), ("B (mT)", 1e-3)]
)
def test_a_waveform_is_read_in_si_units(tmp_path, header, factor):
    found = read_waveform(write(tmp_path, f"t (ns), {header}\n0, 1\n0.5, 3\n"))
    assert found.t.tolist() == [0.0, 5e-10]
    assert found.values == pytest.approx([factor, 3 * factor])
    assert float(found(0.25e-9)) == pytest.approx(2 * factor)


def test_more_columns_are_more_oscillators(tmp_path):
    found = read_waveform(write(tmp_path, "a (mA), t (ns), b (mA)\n1, 0, 2\n3, 1, 4\n"))
    assert np.allclose(found.values, [[1e-3, 2e-3], [3e-3, 4e-3]])


@pytest.mark.parametrize(
    ("text", "unit", "sentence"),
    [
        ("t (ns), current (mA)\n0, 1\n1, 2\n", "T", "the column 'current' is in A, expected a unit of T"),
        ("t (ns)\n0\n1\n", None, "has only the column t; expected a second, as in 'current .mA.'"),
        ("t (ns), a (mA), b (mT)\n0, 1, 2\n1, 2, 3\n", None, "the column 'b' is in T, expected a unit of A"),
    ],
)
def test_a_waveform_of_the_wrong_kind_gets_a_sentence(tmp_path, text, unit, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_waveform(write(tmp_path, text), unit)
