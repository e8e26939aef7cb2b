"""Traces in `.npz` and `.mat` files."""

import jax
import numpy as np
import pytest
import scipy.io

from llgrad import presets
from llgrad.core.files import write_npz
from llgrad.core.run_record import run_record
from llgrad.datasets.reader import describe, read_trace
from llgrad.drives.drive import Drive
from llgrad.drives.sampled import Sampled
from llgrad.kernels.steppers import DormandPrince8
from llgrad.solve.saving import Every, Interval
from llgrad.solve.simulate import simulate

T = 1e-11 * np.arange(5)
M = np.random.default_rng(0).normal(size=(5, 3))


def saved(path, **arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        scipy.io.savemat(path, arrays)
    return path


@pytest.mark.parametrize("ending", ["npz", "mat"])
@pytest.mark.parametrize(
    "arrays",
    [
        {"t": T, "mx": M[:, 0], "my": M[:, 1], "mz": M[:, 2], "seed": 3},
        {"time": T, "m": M},
        {"t_ns": 1e9 * T, "m": M.T, "comment": "made up"},
    ],
    ids=["components", "one array", "nanoseconds, transposed"],
)
def test_components(tmp_path, ending, arrays):
    trace = read_trace(saved(tmp_path / f"run.{ending}", **arrays))
    assert np.allclose(trace.t, T, rtol=1e-12, atol=0)
    assert np.array_equal([trace.columns[name] for name in ("mx", "my", "mz")], M.T)
    assert describe(trace).startswith(f"arrays of {'NumPy' if ending == 'npz' else 'MATLAB'}; t")
    assert describe(trace).endswith("5 samples from 0 s to 40 ps, every 10 ps")


def test_a_voltage_in_its_unit_and_a_choice(tmp_path):
    path = saved(tmp_path / "run.mat", time=T, voltage_mV=np.arange(5.0), mx=M[:, 0])
    trace = read_trace(path, columns=["voltage"])
    assert trace.columns["voltage"] == pytest.approx(1e-3 * np.arange(5))
    assert "t from 'time' in s, voltage in mV" in describe(trace)


def test_a_structure_of_matlab(tmp_path):
    trace = read_trace(saved(tmp_path / "run.mat", data={"t": T, "mx": M[:, 0]}))
    assert trace.columns["mx"].tolist() == M[:, 0].tolist()


LINES = Drive(current=Sampled(np.array([0.0, 0.1234e-9, 0.31e-9, 0.777e-9]), np.array([0.0, 1e-3, -1e-3, 1e-3])))
SAVED = {
    "after steps": {"dt": 1e-12, "save": Every(10)},
    "between the steps": {"dt": 50e-12, "save": Interval(1e-11), "stepper": DormandPrince8()},
    "steps cut at edges": {"dt": 5e-12, "save": Every(2), "stepper": DormandPrince8(), "drive": LINES},
    "both": {"dt": 50e-12, "save": Interval(1e-11), "stepper": DormandPrince8(), "drive": LINES},
}


@pytest.mark.parametrize("x64", [True, False])
@pytest.mark.parametrize("name", SAVED)
def test_a_run_of_ours(tmp_path, x64, name):
    with jax.enable_x64(x64):
        run = simulate(presets.kubota2013(), duration=1e-9, **SAVED[name])
        record = run_record("trajectory", device=run.model) | {"stats": run.stats._asdict()}
        write_npz(tmp_path / "run.npz", record, {"t": run.t, "m": run.m})
        trace = read_trace(tmp_path / "run.npz")
        assert np.allclose(trace.t, 1e-11 * np.arange(101), rtol=1e-12, atol=0), "no rounding of float32"
        assert trace.columns["mz"].tolist() == np.asarray(run.mz, float).tolist()
        assert describe(trace).startswith("a run that llgrad wrote; t in s, mx from 'm'")


BAD = {
    "no time": ({"mx": M[:, 0]}, "has no array of times; it has mx; name it t or time"),
    "nothing known": ({"t": T, "R": T}, "has none of the arrays mx, my, mz, voltage, m; it has t, R"),
    "lengths": ({"t": T, "mx": M[:3, 0]}, "mx has 3 values, and there are 5 times"),
    "not seconds": ({"t": np.arange(5.0), "mx": M[:, 0]}, "the times go up to 4, which cannot be seconds"),
    "wrong unit": ({"t": T, "voltage_ns": T}, "voltage is in s, expected a unit of V"),
    "several oscillators": ({"t": T, "m": np.zeros((5, 2, 3))}, "holds 2 oscillators; a trace is that of one"),
    "shape": ({"t": T, "m": np.zeros((5, 2))}, r"m has the shape \(5, 2\), expected \(T, 3\)"),
    "not finite": ({"t": T, "mx": [0, 1, np.nan, 2, 3]}, "sample 2 of 'mx' is nan"),
    "time goes back": ({"t": T[::-1].copy(), "mx": M[:, 0]}, "t does not increase after sample 0"),
}


@pytest.mark.parametrize(("arrays", "sentence"), BAD.values(), ids=BAD)
def test_wrong_arrays_get_a_sentence(tmp_path, arrays, sentence):
    path = saved(tmp_path / "run.npz", **arrays)
    with pytest.raises(ValueError, match=sentence) as error:
        read_trace(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("run.npz", b"nothing", "is not an NPZ file of plain arrays"),
        ("run.mat", b"nothing", "cannot be read as a MATLAB file"),
        ("run.mat", b"MATLAB 7.3 MAT-file, Platform".ljust(124) + b"\x00\x02IM", r"version 7.3 \(HDF5\).*'-v7'"),
        ("run.npz", None, "does not exist; check the name and the folder"),
    ],
)
def test_files_that_are_none(tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        read_trace(tmp_path / name)


def test_objects_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "run.npz", t=T, mx=np.array([{}] * 5, dtype=object))
    with pytest.raises(ValueError, match="is not an NPZ file of plain arrays"):
        read_trace(tmp_path / "run.npz")


def test_columns_that_are_not_there(tmp_path):
    path = saved(tmp_path / "run.npz", t=T, mx=M[:, 0])
    with pytest.raises(ValueError, match="has no array 'mz'; it has t, mx"):
        read_trace(path, columns=["mz"])
    with pytest.raises(ValueError, match="a trace has no column 'mw'"):
        read_trace(path, columns=["mw"])


def test_a_damaged_matlab_file_is_looked_through_before_scipy_reads_it(tmp_path):
    """Every single byte of a file of version 5, flipped: SciPy 1.17 alone ends in a segmentation fault for some."""
    import scipy.io
    import scipy.sparse

    whole = {
        "t": np.arange(4) * 1e-9,
        "voltage": np.arange(4.0),
        "more": {"note": "abc", "cells": np.array([1, "a"], object)},
    }
    path = tmp_path / "trace.mat"
    for compressed in (False, True):
        scipy.io.savemat(path, whole, do_compression=compressed)
        assert read_trace(path).columns["voltage"].tolist() == [0, 1, 2, 3]
        good = path.read_bytes()
        for place in range(124, len(good)):
            path.write_bytes(good[:place] + bytes([good[place] ^ 0x28]) + good[place + 1 :])
            try:
                assert np.isfinite(read_trace(path).t).all()
            except ValueError as error:
                assert str(path) in str(error) and "\n" not in str(error)
    scipy.io.savemat(path, whole | {"sparse": scipy.sparse.eye(3)})
    assert list(read_trace(path).columns) == ["voltage"]
    path.write_bytes(good[:-9])
    with pytest.raises(ValueError, match=r"cannot be read as a MATLAB file \(cut off"):
        read_trace(path)


def test_a_record_of_5_ms(tmp_path):
    trace = read_trace(saved(tmp_path / "scope.npz", t=np.linspace(0, 5e-3, 11), voltage=np.arange(11.0)))
    assert trace.t[-1] == 5e-3 and repr(trace) == "Trace: voltage; 11 samples from 0 s to 5 ms, every 500 µs"
    long = saved(tmp_path / "long.npz", t=np.linspace(0, 5, 11), voltage=np.arange(11.0))
    with pytest.raises(ValueError, match=r"go up to 5, which cannot be seconds; .* t_ns \(t_s where they are seconds"):
        read_trace(long)
    assert read_trace(saved(tmp_path / "said.npz", t_s=np.linspace(0, 5, 11), mx=np.zeros(11))).t[-1] == 5


@pytest.mark.parametrize(
    ("arrays", "sentence", "columns", "values"),
    [
        ({"t": T, "voltage": T, "v": 2 * T}, "2 arrays for voltage, voltage, v; choose one, as in columns", "v", 2 * T),
        ({"t": T, "mx": T, "m": M}, "2 arrays for mx, mx, m; choose one", "mx", T),
        ({"t": T, "voltage_mV": 1e3 * T, "U": 2 * T}, "2 arrays for voltage, voltage_mV, U", "voltage_mV", T),
    ],
)
def test_two_arrays_that_mean_the_same_are_refused_and_chosen(tmp_path, arrays, sentence, columns, values):
    path = saved(tmp_path / "run.npz", **arrays)
    with pytest.raises(ValueError, match=sentence):
        read_trace(path)
    trace = read_trace(path, columns=[columns])
    assert next(iter(trace.columns.values())) == pytest.approx(values) and "left out: " in describe(trace)


def test_two_arrays_of_times_are_refused(tmp_path):
    with pytest.raises(ValueError, match="2 arrays for t, t, time; save one of them"):
        read_trace(saved(tmp_path / "run.npz", t=T, time=2 * T, mx=T))


def test_a_channel_in_each_of_two_structures_of_matlab(tmp_path):
    path = saved(tmp_path / "run.mat", t=T, ch1={"voltage": T}, ch2={"voltage": 2 * T})
    with pytest.raises(ValueError, match=r"2 arrays for voltage, ch1\.voltage, ch2\.voltage; choose one"):
        read_trace(path)
    assert read_trace(path, columns=["ch2.voltage"]).columns["voltage"] == pytest.approx(2 * T)


def test_times_in_single_precision_are_counted(tmp_path):
    t = (1e-10 * np.arange(100_000)).astype(np.float32)
    trace = read_trace(saved(tmp_path / "scope.npz", t=t, voltage=np.zeros(t.size)))
    assert trace.t == pytest.approx(1e-10 * np.arange(t.size), rel=1e-6, abs=1e-15) and trace.evenly_spaced
    assert "times in float32, counted from the first without its rounding" in describe(trace)
