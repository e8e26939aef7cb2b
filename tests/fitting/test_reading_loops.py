"""Measured loops from the files that labs have: what each column is, and one sentence for what is none."""

import numpy as np
import pytest

from llgrad.cli.answers.reading import read_data
from llgrad.fitting.loops.measured import MeasuredLoop
from llgrad.fitting.loops.reading import looks_like_loop, read_loop

ROWS = ((900, 1.0), (300, 1.0), (-300, 2.0), (-600, 2.0), (-900, 1.0))
X = (np.pi / 2, 0.0)


def written(tmp_path, header, rows=ROWS, separator=","):
    file = tmp_path / "loop.csv"
    file.write_text("\n".join([header, *(separator.join(map(str, row)) for row in rows)]) + "\n")
    return file


@pytest.mark.parametrize(
    ("header", "given", "quantity", "first"),
    [
        ("H (Oe),R (kOhm)", {}, "resistance", 1e3),
        ("B (G),Voltage (mV)", {}, "voltage", 1e-3),
        ("H (Oe),Moment (uemu)", {}, "moment", 1e-9),
        ("H (Oe),m", {"quantity": "along"}, "along", 1.0),
        *((f"H (Oe),{pure}", {}, "along", 1.0) for pure in ("M/Ms", "m/ms", "M (norm.)", "M_norm", "M (1)")),
        ("H (Oe),R", {"value_unit": "Ohm"}, "resistance", 1.0),
        ("H,R (Ohm)", {"field_unit": "Oe"}, "resistance", 1.0),
        ("H (Oe),R_xy (Ohm)", {"quantity": "transverse"}, "transverse", 1.0),
    ],
)
def test_columns_are_taken_for_what_they_are(tmp_path, header, given, quantity, first):
    loop = read_loop(written(tmp_path, header), angle=X, **given)
    assert loop.quantity == quantity and loop.values[0] == pytest.approx(first)
    assert loop.field.tolist() == pytest.approx([0.09, 0.03, -0.03, -0.06, -0.09])
    assert loop.unit == {"voltage": "V", "moment": "A m²", "along": "1"}.get(quantity, "Ω")


def test_what_a_computed_loop_writes_is_read(tmp_path):
    rows = [(0, h, h / 2, 0.0, 100.0 - h) for h in (0.2, 0.1, 0.0, -0.1, -0.2)]
    file = written(tmp_path, "sweep,field,m_along,m_x,resistance", rows)
    assert read_loop(file, angle=X).values[0] == 99.8 and read_loop(file, angle=X).quantity == "resistance"
    assert read_loop(file, angle=X, quantity="along").values[0] == 0.1
    assert read_loop(file, angle=X, value="m_along").quantity == "along"
    assert read_loop(file, angle=X, field_unit="mT").field[0] == pytest.approx(2e-4)


def test_rows_in_no_order_are_remarked_on(tmp_path):
    header, rows = "H (Oe),R (Ohm)", [(100 * h, 1.0) for h in (9, -2, 7, -8, 3, -6, 5, -4)]
    assert "the field turns 6 times in 8 rows" in read_loop(written(tmp_path, header, rows), angle=X).understood[-1]
    assert "turns" not in read_loop(written(tmp_path, header), angle=X).understood[-1]


def test_angles_may_stand_beside_and_each_begins_a_curve(tmp_path):
    rows = [(angle, 0, *row) for angle in (30, 60) for row in ROWS]
    loop = read_loop(written(tmp_path, "theta (deg),phi (deg),H (Oe),R (Ohm)", rows))
    assert loop.curves == ((0, 5), (5, 10))
    assert loop.angles[::5].tolist() == [[np.deg2rad(30), 0.0], [np.deg2rad(60), 0.0]]


@pytest.mark.parametrize(
    ("header", "rows", "given", "sentence"),
    [
        ("H (Oe),R (Ohm)", ROWS, {"angle": None}, "does not say along which axis the field is; give its polar and"),
        ("H (Oe),R", ROWS, {}, "the column 'R' has no unit; write it in the header, as in 'R (Ohm)'"),
        (
            "H (Oe),m",
            ROWS,
            {"quantity": "moment"},
            "the column 'm' has no unit; write it in the header, as in 'm (emu)'",
        ),
        ("H (Oe),M", ROWS, {}, "the column 'M' has no unit; write it in the header, as in 'M (emu)'"),
        ("H (Oe),M (a.u.)", ROWS, {}, "the column 'M': unknown unit 'a.u.'"),
        ("H (Oe),R (furlong)", ROWS, {}, "the column 'R': unknown unit 'furlong'"),
        (
            "H (Oe),T (K)",
            ROWS,
            {"quantity": "along"},
            "has no column of along; it has H, T; write 'M/Ms' in the header",
        ),
        ("H,R (Ohm)", ROWS, {}, "the column 'H' has no unit"),
        ("H (Oe),R (Ohm)", ROWS, {"field_unit": "mT"}, "'H' is in Oe, and field_unit is mT; leave it out"),
        ("T (K),R (Ohm)", ROWS, {}, "has no column of fields; it has T, R; write 'H (Oe)' in the header"),
        ("H (Oe),T (K)", ROWS, {}, "has no column of a resistance or a magnetisation; it has H, T"),
        ("H (Oe),R (Ohm)", ((900, 1.0), (300, "nan"), *ROWS[2:]), {}, "the cell of 'R' is nan; remove the row"),
        ("H (Oe),R (Ohm),R2 (Ohm)", [(*row, 1) for row in ROWS], {}, "has several columns that may have been read"),
        ("H (Oe),R (Ohm)", ROWS, {"quantity": "moment"}, "has no column of moment"),
        ("H (Oe),R (Ohm)", ((0, 1), *ROWS), {}, "begins at zero field"),
    ],
)
def test_a_file_that_is_no_loop_is_refused_in_a_sentence(tmp_path, header, rows, given, sentence):
    with pytest.raises(ValueError) as caught:
        read_loop(written(tmp_path, header, rows), **({"angle": X} | given))
    assert "loop.csv" in str(caught.value) and sentence in str(caught.value)


def test_the_command_reads_a_loop_where_it_is_told_so(tmp_path):
    file = written(tmp_path, "H (Oe),R (Ohm)")
    loop = read_data(file, None, {"loop": "resistance", "angle": "90deg,0deg"})
    assert loop.quantity == "resistance" and loop.angles[0].tolist() == pytest.approx([np.pi / 2, 0.0])
    for given, sentence in (
        ({"loop": "resistance", "angle": "90deg"}, "expected a polar and an azimuthal angle"),
        ({"loop": "resistance", "peak": "G1"}, "--read peak=G1: a loop is read by angle, field, value"),
    ):
        with pytest.raises(ValueError, match=sentence):
            read_data(file, None, given)


@pytest.mark.parametrize(
    ("header", "loop"),
    [
        ("H (Oe), R (Ohm)", True),
        ("field (mT), M/Ms", True),
        ("B (mT), m (uemu)", True),
        ("t (ns), H (Oe), R (Ohm)", False),
        ("H (Oe), f (GHz)", False),
        ("H (Oe), V (mV)", False),  # of a spin diode, say
        ("t (ns), mx", False),
    ],
)
def test_a_file_of_fields_without_times_is_a_loop_of_itself(tmp_path, header, loop):
    count = header.count(",") + 1
    rows = "".join(", ".join([f"{h}"] * count) + "\n" for h in (900, 300, -300, -600, -900))
    path = tmp_path / "measured.csv"
    path.write_text(f"{header}\n{rows}")
    assert looks_like_loop(path) is loop
    if loop:
        assert isinstance(read_data(path, None, {"angle": "90deg,0deg"}), MeasuredLoop)
