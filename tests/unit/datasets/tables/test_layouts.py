"""One trace, written in every layout that a lab may use: it is read back to the same numbers, or refused."""

import itertools
import time

import numpy as np
import pytest

from llgrad.datasets.reader import describe, read_trace
from llgrad.datasets.tables import body
from llgrad.datasets.tables.table import read_table

T = np.array([0.0, 0.125, 0.25, 0.5, 1.0, 12.5])  # ns
V = np.array([1.5, -2.25, 1e-3, 4.0, 123.0625, -0.5])  # mV
X = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])

SEPARATORS = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "blanks": "   ",
    "spaced comma": ", ",
    "spaced semicolon": " ; ",
}
DECIMALS = (".", ",")
UNITS = ("({})", "[{}]", " ({})", " / {}", " in {}", "_{}", "row", "bracketed row")
PREAMBLES = {
    "none": [],
    "comment": ["# made by hand", "# 7,5 mV at 3.5 K"],
    "keys": ["Model,MDO4014B-3", "Record Length,6", ""],
    "colons": ["Frame: DSO91304A", "Type: Normal"],
}
NAMES = {"English": ("time", "CH1", "T"), "German": ("Zeit", "U", "Temperatur"), "Japanese": ("時間", "電圧", "温度")}
ORDERS = list(itertools.permutations(range(3)))
LAYOUTS = list(itertools.product(SEPARATORS, DECIMALS, UNITS, PREAMBLES, NAMES, range(len(ORDERS))))
STYLES = ("repr", "exponent", "plus", "quoted", "trailing")


def cell(value, decimal, style):
    text = {"exponent": f"{value:.9E}", "plus": f"{value:+.9f}"}.get(style, repr(float(value))).replace(".", decimal)
    return f'"{text}"' if style == "quoted" else text


def written(layout, style):
    separator_name, decimal, unit, preamble, names, order = layout
    separator, order = SEPARATORS[separator_name], ORDERS[order]
    units = [("ns", "mV", "K")[k] for k in order]
    header = [NAMES[names][k] for k in order]
    columns = [(T, V, X)[k] for k in order]
    if "row" in unit:
        head = [separator.join(header), separator.join(f"({u})" if unit != "row" else u for u in units)]
    else:
        glue = separator.strip() or separator
        head = [separator.join(name + unit.format(u) for name, u in zip(header, units, strict=True))]
        if " " in unit and glue == separator and separator.strip() == "" and separator != "\t":
            return None  # blanks both in names and between them
    rows = [separator.join(cell(v, decimal, style) for v in row) for row in zip(*columns, strict=True)]
    if style == "trailing":
        head, rows = ([line + separator.strip() for line in lines] for lines in (head, rows))
    return "\n".join([*PREAMBLES[preamble], *head, *rows]) + "\n"


@pytest.mark.parametrize("seed", range(6))
def test_every_layout_gives_the_same_numbers_or_is_refused(tmp_path, seed):
    rng = np.random.default_rng(seed)
    path, refused = tmp_path / "lab.csv", []
    for number in rng.choice(len(LAYOUTS), 100, replace=False):
        layout, style = LAYOUTS[number], STYLES[rng.integers(len(STYLES))]
        text = written(layout, style)
        if text is None:
            continue
        path.write_bytes(
            ("\ufeff" * bool(rng.integers(2)) + text.replace("\n", rng.choice(["\n", "\r\n", "\r"]))).encode()
        )
        try:
            trace = read_trace(path)
        except ValueError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused.append((layout, style))
            continue
        where = f"{layout} {style}"
        assert trace.t == pytest.approx(T * 1e-9, rel=1e-12, abs=1e-24), where
        assert trace.columns["voltage"] == pytest.approx(V * 1e-3, rel=1e-9, abs=1e-12), where
        assert "1 other column left out" in describe(trace), where
    # a comma cannot be both
    assert all(
        layout[0] in ("comma", "spaced comma") and layout[1] == "," and style != "quoted" for layout, style in refused
    )


def table_of(rng):
    """A table with blanks, text and NaN here and there, as text and as numbers."""
    values = np.round(rng.normal(size=(23, 4)), 3)
    cells = [[repr(v) for v in row] for row in values.tolist()]
    for odd in ("", "  ", "NaN", "text", "1_0", "-"):
        row, column = rng.integers(23), rng.integers(1, 4)
        cells[row][column], values[row, column] = odd, np.nan
    return cells, values


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_is_the_same_however_it_is_cut_into_pieces(tmp_path, monkeypatch, seed, separator):
    rng = np.random.default_rng(seed)
    cells, values = table_of(rng)
    lines = [separator.join(row) for row in cells]
    numbers = np.arange(2, 25)
    for place, line in ((5, "# a note"), (17, ""), (11, separator * 3)):
        lines.insert(place, line)
        numbers[place - (place > 5) - (place > 17) :] += 1
    (tmp_path / "t.csv").write_text(separator.join("abcd") + "\n" + "\n".join(lines) + "\n")
    for size in (1, 2, 7, 20_000):
        monkeypatch.setattr(body, "CHUNK", size)
        table = read_table(tmp_path / "t.csv")
        assert np.array_equal(table.values, values, equal_nan=True) and table.notes == ("a note",)
        assert [table.source.cell(int(n), 0) for n in table.lines] == [row[0] for row in cells]


def test_a_header_below_thousands_of_lines_is_found(tmp_path):
    preamble = "".join(f"#{k},14-Mar-2012,{k}\nSegment {k},x\n" for k in range(3000))
    (tmp_path / "t.csv").write_text(f"{preamble}t (ns),mx\n0,1\n1,0\n")
    assert read_trace(tmp_path / "t.csv").columns["mx"].tolist() == [1, 0]


def test_300_000_rows_take_a_third_of_a_second_of_work(tmp_path, rng):
    """A million take half a second on one core; the bound leaves room for a slower one."""
    t, values = np.arange(300_000) * 1e-10, rng.normal(size=300_000)
    rows = "\n".join(map(",".join, zip(map(repr, t.tolist()), map(repr, values.tolist()), strict=True)))
    (tmp_path / "long.csv").write_text(f"t (s),voltage (V)\n{rows}\n")
    start = time.process_time()
    trace = read_trace(tmp_path / "long.csv")
    assert time.process_time() - start < 1.0
    assert np.array_equal(trace.columns["voltage"], values) and np.array_equal(trace.t, t)
