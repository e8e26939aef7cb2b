"""Which columns of a file become a trace: by what they are, by place where a name comes twice, with their own times."""

import numpy as np
import pytest

from llgrad.datasets.reader import describe, read_trace, read_waveform


def file_of(tmp_path, text):
    path = tmp_path / "lab.csv"
    path.write_text(text)
    return path


TWICE = (
    '"Sampling Frequency (Hz)=",500000000,\n"Channel Data","CH 1","CH 2"\n"Time (s)","Voltage (V)","Voltage (V)"\n'
    "0,1.5,9\n2E-9,-4.5,9\n4E-9,-4.5,8\n6E-9,1.5,8\n"
)


def test_a_name_that_comes_twice_is_refused_and_chosen_by_its_place(tmp_path):
    path = file_of(tmp_path, TWICE)
    with pytest.raises(ValueError, match=r"has 2 columns of voltage: #2 'Voltage' \(V\), #3 .*as in columns=\['#2'\]"):
        read_trace(path)
    with pytest.raises(ValueError, match=r"2 columns of the name 'Voltage'; choose one by its place: #2 'Voltage'"):
        read_trace(path, columns=["Voltage"])
    for place, values in (("#2", [1.5, -4.5, -4.5, 1.5]), ("#3", [9, 9, 8, 8])):
        trace = read_trace(path, columns=[place])
        assert trace.columns["voltage"].tolist() == values and trace.t.tolist() == [0, 2e-9, 4e-9, 6e-9]
        assert f"voltage from {place} 'Voltage' in V; 1 other column left out (Voltage)" in describe(trace)


@pytest.mark.parametrize(
    ("header", "twice"),
    [
        ("t (ns),mx,mx,mz", "mx: #2 'mx', #3 'mx'"),
        ("t (ns),mx,m_x,mz", "mx: #2 'mx', #3 'm_x'"),
        ("t (ns),free_mx,bottom_mx,mz", "mx: #2 'free_mx', #3 'bottom_mx'"),
        ("t (ns),voltage (V),V (mV),mz", r"voltage: #2 'voltage' \(V\), #3 'V' \(mV\)"),
    ],
)
def test_two_columns_that_mean_the_same_are_never_the_last_one(tmp_path, header, twice):
    path = file_of(tmp_path, f"{header}\n0,1,2,3\n1,4,5,6\n")
    with pytest.raises(ValueError, match=twice):
        read_trace(path)
    chosen = read_trace(path, columns=["#2", "mz"])
    assert next(iter(chosen.columns.values()))[1] == 4
    assert list(read_trace(path, columns=["mz"]).columns) == ["mz"]
    with pytest.raises(ValueError, match="would both be"):
        read_trace(path, columns=["#2", "#3"])
    for wrong in ("#0", "#5"):
        with pytest.raises(ValueError, match=f"has no column {wrong}; it has 4: #1 't'"):
            read_trace(path, columns=[wrong])


def test_a_name_of_its_own_is_taken_before_those_of_layers(tmp_path):
    path = file_of(tmp_path, "t (ns),mx,my,m.region1x,m.region1y\n0,1,0,0.5,0.5\n1,0,1,0.5,0.5\n")
    trace = read_trace(path)
    assert trace.columns["mx"].tolist() == [1, 0] and "(m.region1x, m.region1y)" in describe(trace)
    assert read_trace(path, columns=["m.region1x"]).columns["mx"].tolist() == [0.5, 0.5]


TWO_BASES = "Time (ns),CH1 (mV),Time (ns),CH2 (mV)\n0,1,0.25,5\n1,2,1.25,6\n2,3,2.25,7\n3,4,3.25,8\n"


@pytest.mark.parametrize(
    ("text", "channel", "t", "voltage"),
    [
        (TWO_BASES, "CH1", [0, 1, 2, 3], [1, 2, 3, 4]),
        (TWO_BASES, "CH2", [0.25, 1.25, 2.25, 3.25], [5, 6, 7, 8]),
        # a shorter one, another unit
        ("t1 (ns),A (mV),t2 (ps),B (mV)\n0,1,500,5\n1,2,1500,6\n2,3,,\n", "B", [0.5, 1.5], [5, 6]),
        ("t1 (ns),A (mV),t2 (ps),B (mV)\n0,1,500,5\n1,2,1500,6\n2,3,,\n", "A", [0, 1, 2], [1, 2, 3]),
    ],
)
def test_each_channel_has_the_times_before_it(tmp_path, text, channel, t, voltage):
    trace = read_trace(file_of(tmp_path, text), columns=[channel])
    assert trace.t == pytest.approx(np.array(t) * 1e-9, rel=1e-12)
    assert trace.columns["voltage"] == pytest.approx(np.array(voltage) * 1e-3, rel=1e-12)


def test_times_of_which_it_cannot_be_told_are_refused_and_chosen(tmp_path):
    path = file_of(tmp_path, "t (ns),Timestamp time (s),mx\n0,5,1\n1,6,0\n")
    with pytest.raises(ValueError, match=r"several columns of times.*#1 't' \(ns\), #2 'Timestamp time' \(s\); choose"):
        read_trace(path)
    assert read_trace(path, columns=["#1", "mx"]).t.tolist() == [0, 1e-9]
    two = file_of(tmp_path, "t (ns),mx,t (ns),my\n0,1,0.5,0\n1,0,1.5,1\n")
    with pytest.raises(ValueError, match=r"have times of their own, #1 .*; choose columns of the same times"):
        read_trace(two)
    assert read_trace(two, columns=["my"]).t == pytest.approx([0.5e-9, 1.5e-9])


def test_a_step_a_width_and_an_error_are_no_times(tmp_path):
    text = "dt (ps),t (ns),mx,pulse width (ns),t_err (ps)\n1,0,1,5,1\n1,1,0,5,1\n"
    assert read_trace(file_of(tmp_path, text)).t.tolist() == [0, 1e-9]


BLANK = (
    "x-axis,1,2\nsecond,Volt,Volt\n-2E-09,,+1.00E-03\n"
    "-1E-09,+2.0E-03,+1.50E-03\n+0E-09,+3.0E-03,+2.00E-03\n+1E-09,+4.0E-03,\n"
)


@pytest.mark.parametrize(
    ("channel", "t", "voltage", "said"),
    [
        ("2", [-2, -1, 0], [1, 1.5, 2], "the last 1 row left out, for blank cells of 2"),
        ("1", [-1, 0, 1], [2, 3, 4], "the first 1 row left out, for blank cells of 1"),
    ],
)
def test_blanks_at_the_ends_are_left_out_and_told(tmp_path, channel, t, voltage, said):
    trace = read_trace(file_of(tmp_path, BLANK), columns=[channel])
    assert trace.t == pytest.approx(np.array(t) * 1e-9) and said in describe(trace)
    assert trace.columns["voltage"] == pytest.approx(np.array(voltage) * 1e-3)


@pytest.mark.parametrize("cell", ["", "NaN", "text", "inf", "12:00", "1_0", "0x1F"])
@pytest.mark.parametrize("row", range(4))
def test_a_cell_matters_to_its_own_column_only(tmp_path, cell, row):
    rows = [["0", "1", "5"], ["1", "2", "6"], ["2", "3", "7"], ["3", "4", "8"]]
    rows[row][2] = cell
    path = file_of(tmp_path, "t (ns),mx,my\n" + "\n".join(map(",".join, rows)) + "\n")
    assert read_trace(path, columns=["mx"]).columns["mx"].tolist() == [1, 2, 3, 4]
    if cell in ("", "NaN") and row in (0, 3):
        left = read_trace(path)
        assert left.t.size == 3 and f"the {'last' if row else 'first'} 1 row left out" in describe(left)
        return
    with pytest.raises(ValueError, match=f"line {row + 2}: .*'my'"):
        read_trace(path)


@pytest.mark.parametrize("text", ["t (ns),mx\n0,1\n1,2\n,3\n", "t (ns),mx\n,1\n1,2\n3,3\n", "t (ns),mx\n0,\n1,2\n2,\n"])
def test_a_value_without_its_time_and_a_single_row_are_refused(tmp_path, text):
    with pytest.raises(ValueError, match=r"line [24]: the cell of '(t|mx)' is blank"):
        read_trace(file_of(tmp_path, text))


def test_a_waveform_takes_the_same_care(tmp_path):
    with pytest.raises(ValueError, match="have times of their own"):
        read_waveform(file_of(tmp_path, "t (ns),a (mA),t (ns),b (mA)\n0,1,0.5,0\n1,0,1.5,1\n"))
    found = read_waveform(file_of(tmp_path, "t (ns),I (mA),Comment\n0,1,on\n1,2,\n2,,\n"))
    assert found.t.tolist() == [0, 1e-9] and found.values.tolist() == [1e-3, 2e-3]
