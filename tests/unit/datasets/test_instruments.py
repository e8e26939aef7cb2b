"""Text files as instruments write them: what is understood, and that the reader says so.

The files are made up here after the instruments' own formats.
"""

import numpy as np
import pytest

from llgrad.datasets.reader import describe, read_trace, read_waveform
from llgrad.datasets.tables.headers import header_of
from llgrad.datasets.tables.symbols import symbol_of
from llgrad.datasets.trace import Trace

# name: (text, times [s], voltages [V], what the reader says)
FILES = {
    "Tektronix, 3 lines of header": (
        "Model,MDO4014B-3\nFirmware Version,3.22\n\nWaveform Type,ANALOG\nPoint Format,Y\nHorizontal Units,S\n"
        "Sample Interval,4e-10\nRecord Length,3\nGating,0.0% to 100.0%\nVertical Units,V\n,\n,\nLabel,\nTIME,CH2\n"
        "-4.0e-10,3.25\n0,3.5\n4.0e-10,3.75\n",
        [-4e-10, 0, 4e-10],
        [3.25, 3.5, 3.75],
        "preamble of 10 entries (MDO4014B-3); units from the preamble; t from 'TIME' in s, voltage from 'CH2' in V",
    ),
    "Tektronix, keys beside the numbers": (
        '"Record Length",4,"Points",0.0,0.25,\nSample Interval,4e-10,,4e-10,0.5,\nVertical Units,mV,,8e-10,0.75,\n'
        "Model Number,TDS2024C,,1.2e-9,1.0,\n",
        [0, 4e-10, 8e-10, 1.2e-9],
        [0.25e-3, 0.5e-3, 0.75e-3, 1e-3],
        "(TDS2024C); units from the preamble; t from 'time' in s, voltage in mV; 4 samples from 0 s to 1.2 ns",
    ),
    "LeCroy": (
        "LECROYWM610Zi,12345,Waveform\nSegments,1,SegmentSize,2\nSegment,TrigTime,TimeSinceSegment1\n"
        "#1,14-Mar-2012 10:15:32,0\nTime,Ampl\n-5e-09,0.0012\n-4e-09,0.0013\n",
        [-5e-9, -4e-9],
        [1.2e-3, 1.3e-3],
        "units s and V, as oscilloscopes write them; t from 'Time' in s, voltage from 'Ampl' in V",
    ),
    "LeCroy, two segments": (
        "LECROYWM610Zi,12345,Waveform\nSegments,2,SegmentSize,2\nSegment,TrigTime,TimeSinceSegment1\n"
        "#1,14-Mar-2012 10:15:32,0\n#2,14-Mar-2012 10:15:33,1\nTime,Ampl\n-5e-09,0.0012\n-4e-09,0.0013\n"
        "-5e-09,0.0022\n-4e-09,0.0023\n",
        [-5e-9, -4e-9],
        [1.2e-3, 1.3e-3],
        "the first of 2 segments, the others left out",
    ),
    "Rigol, numbers of samples": (
        "X,CH1,Start,Increment,\nSequence,Volt,-6.0e-9,2.0e-9\n0,1.2e-01,,\n1,1.3e-01,,\n2,1.5e-01,,\n",
        [-6e-9, -4e-9, -2e-9],
        [0.12, 0.13, 0.15],
        "t from 'time' in s, voltage from 'CH1' in V",
    ),
    "Rigol, times": (
        "Time(s),CH1(V),\n-6.0e-9,1.2e-01,\n-4.0e-9,1.3e-01,\n",
        [-6e-9, -4e-9],
        [0.12, 0.13],
        "t from 'Time' in s, voltage from 'CH1' in V",
    ),
    "Keysight, units in a row": (
        "x-axis,1\nsecond,Volt\n-5.0E-09,+1.25E-03\n-4.0E-09,+1.50E-03\n",
        [-5e-9, -4e-9],
        [1.25e-3, 1.5e-3],
        "t from 'x-axis' in s, voltage from '1' in V",
    ),
    "Keysight, no header": (
        "Revision:,0\nType:,Normal\nXInc:,5e-11\nXOrg:,-5e-9\nYUnits:,Volt\nXUnits:,second\nFrame:,DSO91304A:MY1\n"
        "Data:,\n-5e-9,0.001\n-4.95e-9,0.002\n",
        [-5e-9, -4.95e-9],
        [1e-3, 2e-3],
        "(DSO91304A:MY1); units from the preamble",
    ),
    "Keysight, no times": (
        "Revision:,0\nXInc:,5e-11\nXOrg:,-5e-9\nYUnits:,Volt\nXUnits:,second\nData:,\n0.001\n0.002\n0.004\n",
        [-5e-9, -4.95e-9, -4.9e-9],
        [1e-3, 2e-3, 4e-3],
        "times from XOrg and XInc",
    ),
    "Rohde & Schwarz": ("in ns,CH1 in mV\n0,1\n1,2\n", [0, 1e-9], [1e-3, 2e-3], "voltage from 'CH1' in mV"),
    "PicoScope": (
        "Time,Channel A\n(ns),(mV)\n\n-1,1.5\n0,2.5\n",
        [-1e-9, 0],
        [1.5e-3, 2.5e-3],
        "voltage from 'Channel A' in mV",
    ),
    "a spreadsheet in Germany": (
        "Zeit / ns;U / mV\n0,0;1,5\n0,5;1,75\n",
        [0, 5e-10],
        [1.5e-3, 1.75e-3],
        "cells separated by semicolons, decimal commas; t from 'Zeit' in ns, voltage from 'U' in mV",
    ),
    "quoted decimal commas": (
        '"t (ns)","voltage (mV)"\n"0,0","1,5"\n"0,5","1,75"\n',
        [0, 5e-10],
        [1.5e-3, 1.75e-3],
        "cells separated by commas, decimal commas",
    ),
    "blanks": ("t [ns]   voltage [mV]\n0,0  1,5\n0,5  1,75\n", [0, 5e-10], [1.5e-3, 1.75e-3], "separated by blanks"),
    "comments of percent signs": (
        "% made by hand\n% t (ns) voltage (mV)\n0 1.5\n0.5 1.75\n",
        [0, 5e-10],
        [1.5e-3, 1.75e-3],
        "cells separated by blanks",
    ),
}


@pytest.mark.parametrize(("text", "t", "voltage", "said"), FILES.values(), ids=FILES)
def test_an_instrument_is_understood_and_the_reader_says_how(tmp_path, text, t, voltage, said):
    (tmp_path / "scope.csv").write_text(text)
    trace = read_trace(tmp_path / "scope.csv")
    assert np.allclose(trace.t, t, rtol=1e-12, atol=1e-24)
    assert list(trace.columns) == ["voltage"] and trace.columns["voltage"] == pytest.approx(voltage, rel=1e-12)
    assert said in describe(trace) and f"{len(t)} samples from" in describe(trace)
    assert "\n" not in describe(trace)


def test_a_preamble_becomes_notes(tmp_path):
    (tmp_path / "scope.csv").write_text(next(iter(FILES.values()))[0])
    notes = read_trace(tmp_path / "scope.csv").notes
    assert notes[0] == "model: MDO4014B-3" and "gating: 0.0% to 100.0%" in notes


def test_gaps_are_counted(tmp_path):
    (tmp_path / "gap.csv").write_text("t (ns),mx\n0,0\n1,1\n2,0\n5,1\n6,0\n")
    assert describe(read_trace(tmp_path / "gap.csv")).endswith("5 samples from 0 s to 6 ns, every 1 ns with 1 gap")


def test_mumax_with_its_other_columns(tmp_path):
    (tmp_path / "table.txt").write_text(
        "# t (s)\tmx ()\tmy ()\tmz ()\tB_extx (T)\tE_total (J)\n0\t1\t0\t0\t0.1\t-1e-18\n1e-12\t0\t1\t0\t0.1\t-1e-18\n"
    )
    trace = read_trace(tmp_path / "table.txt")
    assert list(trace.columns) == ["mx", "my", "mz"] and trace.t.tolist() == [0.0, 1e-12]
    assert "cells separated by tabs; t in s, mx, my, mz; 2 other columns left out" in describe(trace)


def test_a_table_of_oommf(tmp_path):
    (tmp_path / "run.odt").write_text(
        "# ODT 1.0\n# Table Start\n# Title: mmArchive Data Table, Wed Nov 25\n"
        "# Columns: {Oxs_RungeKuttaEvolve:evolver:Total energy} {Oxs_TimeDriver::Simulation time} "
        "{Oxs_TimeDriver::mx} {Oxs_TimeDriver::my} {Oxs_TimeDriver::mz}\n# Units: {J} {s} {} {} {}\n"
        "  -1e-18  1e-12  1  0  0\n  -2e-18  2e-12  0  1  0\n# Table End\n"
    )
    trace = read_trace(tmp_path / "run.odt")
    assert list(trace.columns) == ["mx", "my", "mz"] and trace.t.tolist() == [1e-12, 2e-12]
    assert trace.columns["my"].tolist() == [0.0, 1.0] and "1 other column left out" in describe(trace)


FOUR_CHANNELS = (
    "Model,MSO54,,\nHorizontal Units,s,,\nVertical Units,V,V,A\nSample Interval,1e-9\nTIME,CH1,CH2,CH3\n"
    "0,1,2,3\n1e-9,1,3,3\n"
)


def test_one_of_several_channels_is_chosen_by_its_name(tmp_path):
    (tmp_path / "scope.csv").write_text(FOUR_CHANNELS)
    assert read_trace(tmp_path / "scope.csv", columns=["CH2"]).columns["voltage"].tolist() == [2.0, 3.0]
    with pytest.raises(ValueError, match=r"has several voltages \(CH1, CH2\); choose one, as in columns=\['CH1'\]"):
        read_trace(tmp_path / "scope.csv")
    with pytest.raises(ValueError, match="a trace has no column 'CH3'"):
        read_trace(tmp_path / "scope.csv", columns=["CH3"])


def test_a_single_channel_is_the_voltage_that_was_asked_for(tmp_path):
    (tmp_path / "scope.csv").write_text("t (ns),CH1 (mV)\n0,1\n1,2\n")
    assert read_trace(tmp_path / "scope.csv", columns=["voltage"]).columns["voltage"].tolist() == [1e-3, 2e-3]


def test_a_waveform_with_a_preamble(tmp_path):
    (tmp_path / "wave.csv").write_text("Model,AWG\nName,pulse\nt,current\n(ns),(mA)\n0,1\n1,2\n")
    assert read_waveform(tmp_path / "wave.csv").values.tolist() == [1e-3, 2e-3]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "t (ns);voltage (mV)\n0,1;1,5\n0,2;1.5\n",
            r"has a decimal comma in line 2 and a decimal point in line 3; export it with one of them",
        ),
        (
            "t (ns),voltage (mV)\n0,1,1,5\n0,2,1,5\n",
            "got 4; are these decimal commas. separate the cells by semicolons",
        ),
        ("time (s),CH1\n0,1\n1,2\n", r"it has time, CH1; if CH1 is a voltage, write its unit .* 'CH1 \(mV\)'"),
        ("t (ns),mx\n,1\n1,2\n2,3\n", "line 2: the cell of 't' is blank"),
        ("Model,X\nt (ns),mx\nfirst,1\n1,2\n", "line 3: 'first' in the column 't' is not a number"),
        ("1.234,5 1.300,5\n", "line 1: expected a header"),
    ],
)
def test_what_is_ambiguous_or_wrong_gets_a_sentence(tmp_path, text, sentence):
    (tmp_path / "lab.csv").write_text(text)
    with pytest.raises(ValueError, match=sentence) as error:
        read_trace(tmp_path / "lab.csv")
    assert "\n" not in str(error.value) and str(tmp_path / "lab.csv") in str(error.value)


@pytest.mark.parametrize(
    ("cell", "name", "unit"),
    [
        ("t (ns)", "t", "ns"),
        ('"V(CH1) [mV]"', "V(CH1)", "mV"),
        ("H/Oe", "H", "Oe"),
        ("mx/Ms", "mx/Ms", None),
        ("dV/dI", "dV/dI", None),
        ("mx ()", "mx", ""),
        ("Time (Seconds)", "Time", "s"),
    ],
)
def test_headers(cell, name, unit):
    assert header_of(cell) == (name, unit)


def test_words_of_units():
    assert [symbol_of(word) for word in ("Volts", "(ms)", "hertz", "parsec")] == ["V", "ms", "Hz", None]


def test_a_trace_that_was_not_read_describes_itself():
    trace = Trace([0.0, 1e-9], {"mx": [0.0, 1.0]})
    assert describe(trace) == repr(trace)
    assert Trace([0.0, 1.0], {"mx": [0.0, 1.0]}, understood=("so",)).select("mx").understood == ("so",)
