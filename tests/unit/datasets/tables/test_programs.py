"""What LabVIEW, cmtj, mumax3 and OOMMF write."""

import numpy as np
import pytest

from llgrad.datasets.reader import describe, read_trace

FILE_TAGS = "LabVIEW Measurement\t\nWriter_Version\t2\nReader_Version\t2\nSeparator\tTab\n"
END = "***End_of_Header***"


def labview(x_columns, segment, rows, decimal=".", headings="Yes"):
    """A file after NI's specification."""
    text = f"{FILE_TAGS}Decimal_Separator\t{decimal}\nMulti_Headings\t{headings}\nX_Columns\t{x_columns}\n"
    return f"{text}Date\t2024/01/02\nTime\t10:45:47{decimal}03525\n{END}\t\n\t\n{segment}{END}\t\t\n{rows}"


ONE_CHANNEL = (
    "Channels\t1\t\nSamples\t3\t\nY_Unit_Label\tVolts\t\nX_Dimension\tTime\t\nX0\t0.0E+0\t\nDelta_X\t1.0E-9\t\n"
)
TWO = (
    "Channels\t2\t\t\t\nSamples\t3\t\t3\t\nY_Unit_Label\tmV\t\tVolts\t\nX_Dimension\tTime\t\tTime\t\n"
    "X0\t0.0E+0\t\t2.5E-10\t\nDelta_X\t1.0E-9\t\t2.0E-9\t\n"
)
TWO_NARROW = TWO.replace("\t\t", "\t").replace("\t\n", "\n")
WRITTEN = {
    # name: (text, columns, t [ns], voltage [mV], what is said)
    "no X values": (
        labview("No", ONE_CHANNEL, "X_Value\tSTO\tComment\n\t0.001\n\t0.002\n\t0.003\n"),
        None,
        [0, 1, 2],
        [1, 2, 3],
        "its times from X0 and Delta_X; t from 'X_Value' in s, voltage from 'STO' in V",
    ),
    "no X values, decimal commas": (
        labview("No", ONE_CHANNEL.replace(".", ","), "X_Value\tSTO\tComment\n\t0,001\n\t0,002\n\t0,003\n", ","),
        None,
        [0, 1, 2],
        [1, 2, 3],
        "separated by tabs, decimal commas",
    ),
    "one column of X values, comments": (
        labview(
            "One", ONE_CHANNEL, "X_Value\tSTO\tComment\n0.5E-9\t0.001\ton, 1.5 mA\n1.5E-9\t0.002\n2.5E-9\t0.003\t\n"
        ),
        None,
        [0.5, 1.5, 2.5],
        [1, 2, 3],
        "its times as written",
    ),
    "each channel has X values, the first": (
        labview(
            "Multi",
            TWO,
            "X_Value\tA\tX_Value\tB\tComment\n0\t1\t2.5E-10\t5\n1E-9\t2\t2.25E-9\t6\n2E-9\t3\t4.25E-9\t7\n",
        ),
        ["A"],
        [0, 1, 2],
        [1, 2, 3],
        "voltage from 'A' in mV",
    ),
    "each channel has X values, the second": (
        labview(
            "Multi",
            TWO,
            "X_Value\tA\tX_Value\tB\tComment\n0\t1\t2.5E-10\t5\n1E-9\t2\t2.25E-9\t6\n2E-9\t3\t4.25E-9\t7\n",
        ),
        ["B"],
        [0.25, 2.25, 4.25],
        [5000, 6000, 7000],
        "voltage from 'B' in V",
    ),
    "no X values, the second": (
        labview("No", TWO_NARROW, "X_Value\tA\tB\tComment\n\t1\t5\n\t2\t6\n\t3\t7\n"),
        ["B"],
        [0.25, 2.25, 4.25],
        [5000, 6000, 7000],
        "voltage from 'B' in V",
    ),
    "X values of the first channel only": (
        labview("One", TWO_NARROW, "X_Value\tA\tB\tComment\n0\t1\t5\n1E-9\t2\t6\n2E-9\t3\t7\n"),
        ["B"],
        [0.25, 2.25, 4.25],
        [5000, 6000, 7000],
        "voltage from 'B' in V",
    ),
    "a shorter channel": (
        labview("One", ONE_CHANNEL, "X_Value\tSTO\tComment\n0\t0.001\n1E-9\t0.002\n2E-9\t\n"),
        None,
        [0, 1],
        [1, 2],
        "the last 1 row left out, for blank cells of STO",
    ),
    "two segments": (
        labview("No", ONE_CHANNEL, "X_Value\tSTO\tComment\n\t0.001\n\t0.002\n\n")
        + f"{ONE_CHANNEL}{END}\t\t\nX_Value\tSTO\tComment\n\t0.008\n\t0.009\n",
        None,
        [0, 1],
        [1, 2],
        "the first of 2 segments, the others left out",
    ),
}


@pytest.mark.parametrize(("text", "columns", "t", "voltage", "said"), WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_labview(tmp_path, text, columns, t, voltage, said, ends):
    (tmp_path / "sto.lvm").write_bytes(text.replace("\n", ends).encode())
    trace = read_trace(tmp_path / "sto.lvm", columns)
    assert trace.t == pytest.approx(np.array(t) * 1e-9, rel=1e-12, abs=1e-24)
    assert trace.columns["voltage"] == pytest.approx(np.array(voltage) * 1e-3, rel=1e-12)
    assert said in describe(trace) and "a LabVIEW measurement file" in describe(trace)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (FILE_TAGS, "without rows below its second"),
        (labview("Some", ONE_CHANNEL, "X_Value\tSTO\n0\t1\n1\t2\n"), "X_Columns is 'some', expected No, One or Multi"),
        (labview("No", "Channels\t1\n", "X_Value\tSTO\n\t1\n\t2\n"), "neither X0 and Delta_X of the channel 'STO'"),
        (labview("No", ONE_CHANNEL, "X_Value\tSTO\tComment\n"), "without rows|0 rows"),
        (labview("No", ONE_CHANNEL, "X_Value\tSTO\tComment\n\tx\n\ty\n"), "'x' in the column 'STO' is not a number"),
        (labview("No", ONE_CHANNEL, "X_Value\tSTO\tComment\n\t1\t\t5\n\t2\n"), "expected 3 cells"),
        (labview("No", ONE_CHANNEL, "X_Value\tSTO\n\t1\n\t2\n").replace("Tab", "Pipe"), "Separator is 'Pipe'"),
        (
            labview("No", ONE_CHANNEL.replace("Time", "Frequency"), "X_Value\tSTO\n\t1\n\t2\n"),
            "no time column: its header is X_Value, STO",
        ),
    ],
)
def test_labview_files_that_are_refused(tmp_path, text, sentence):
    (tmp_path / "sto.lvm").write_text(text)
    with pytest.raises(ValueError, match=sentence) as error:
        read_trace(tmp_path / "sto.lvm")
    assert "\n" not in str(error.value)


CMTJ = "time;free_mx;free_my;free_mz;R_free_bottom;\n0;0.1;0;1;117;\n1e-12;0.2;0;1;118;\n2e-12;0.3;0;1;119;\n"


def test_a_log_of_cmtj(tmp_path):
    (tmp_path / "log.csv").write_text(CMTJ)
    trace = read_trace(tmp_path / "log.csv")
    assert trace.t.tolist() == [0, 1e-12, 2e-12]
    assert {name: values.tolist() for name, values in trace.columns.items()} == {
        "mx": [0.1, 0.2, 0.3],
        "my": [0, 0, 0],
        "mz": [1, 1, 1],
    }
    assert "a log of cmtj, its times in s; each row is the state one step of integration after its time" in describe(
        trace
    )
    (tmp_path / "other.csv").write_text(CMTJ.replace(";\n", "\n"))
    with pytest.raises(ValueError, match="the column 'time' has no unit"):
        read_trace(tmp_path / "other.csv")


def test_two_layers_of_cmtj_are_told_apart(tmp_path):
    text = "time;bottom_mx;bottom_my;bottom_mz;free_mx;free_my;free_mz;\n0;1;0;0;0;0;1;\n1e-12;1;0;0;0;1;0;\n"
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(ValueError, match=r"2 columns of mx: #2 'bottom_mx', #5 'free_mx'; choose one"):
        read_trace(tmp_path / "log.csv")
    trace = read_trace(tmp_path / "log.csv", columns=["free_mx", "free_my", "free_mz"])
    assert trace.columns["mz"].tolist() == [1, 0] and "3 other columns left out" in describe(trace)


def test_what_cmtj_writes_is_the_state_one_step_after_its_time(tmp_path):
    cmtj = pytest.importorskip("cmtj", reason="cmtj is not installed (pip install llgrad[test])")
    v, path = cmtj.CVector, tmp_path / "log.csv"
    saturation, step = 1.0, 1e-12
    free = cmtj.Layer("free", v(1, 0, 0), v(0, 0, 1), saturation, 2e-9, 1e-14, [v(0, 0, 0)] * 3, 0.0)
    junction = cmtj.Junction([free])
    field = 1e5  # [A/m], along z: m turns about it at an even rate
    junction.setLayerExternalFieldDriver("free", cmtj.AxialDriver(v(0, 0, field)))
    for sampling in (step, 5 * step):
        junction.clearLog()
        junction.setLayerMagnetisation("free", v(1, 0, 0))
        junction.runSimulation(50 * step, step, sampling)
        junction.saveLog(str(path))
        trace = read_trace(path)
        assert "a log of cmtj" in describe(trace) and trace.dt == pytest.approx(sampling, rel=1e-3)
        angle = np.unwrap(np.arctan2(trace.columns["my"], trace.columns["mx"]))
        rate = cmtj.constants.PhysicalConstants.gyromagnetic_ratio() * field
        assert angle == pytest.approx(rate * (trace.t + step), rel=1e-3)


def test_mumax_and_oommf_with_regions_and_steps(tmp_path):
    (tmp_path / "table.txt").write_text(
        "# t (s)\tmx ()\tmy ()\tmz ()\tm.region1x ()\tB_extx (T)\tdt (s)\tLastErr ()\n"
        "0\t1\t0\t0\t0.5\t0.1\t1e-13\t1e-5\n1e-12\t0\t1\t0\t0.5\t0.1\t1e-13\t1e-5\n"
    )
    trace = read_trace(tmp_path / "table.txt")
    assert list(trace.columns) == ["mx", "my", "mz"] and trace.t.tolist() == [0, 1e-12]
    assert trace.columns["mx"].tolist() == [1, 0]
    (tmp_path / "run.odt").write_text(
        "# ODT 1.0\n# Table Start\n# Columns: {Oxs_TimeDriver::Iteration} {Oxs_TimeDriver::Last time step} "
        "{Oxs_TimeDriver::Simulation time} {Oxs_TimeDriver::mx} {Oxs_TimeDriver::my} {Oxs_TimeDriver::mz}\n"
        "# Units: {} {s} {s} {} {} {}\n 1 1e-13 1e-12  1  0  0\n 2 1e-13 2e-12  0  1  0\n# Table End\n"
    )
    assert read_trace(tmp_path / "run.odt").t.tolist() == [1e-12, 2e-12]
