"""Arrays with attributes: which is the time of which, in what unit, scaled and masked; and a trace written and read."""

import numpy as np
import pytest

from llgrad.datasets.formats import ARRAY_FILES
from llgrad.datasets.reader import describe, read_trace, write_trace
from llgrad.datasets.recordings.opening import ENDINGS
from llgrad.datasets.trace import Trace

T = 1e-9 * np.arange(30)
V = np.sin(np.arange(30.0))


@pytest.fixture
def h5(tmp_path):
    h5py = pytest.importorskip("h5py")

    def made(arrays, root=None):
        path = tmp_path / "lab.h5"
        with h5py.File(path, "w") as file:
            file.attrs.update(root or {})
            for name, (values, attributes) in arrays.items():
                file[name] = values
                file[name].attrs.update(attributes)
        return path

    return made


@pytest.mark.parametrize(
    ("arrays", "root"),
    [
        ({"t": (T, {}), "voltage": (V, {})}, {}),
        ({"t_ns": (1e9 * T, {}), "CH1": (1e3 * V, {"units": "mV"})}, {}),
        ({"run/time": (1e9 * T, {"unit": "ns"}), "run/CH1": (V, {"unit": "Volts"})}, {}),
        ({"time": (np.round(1e9 * T).astype("i8") + 1_700_000_000 * 10**9, {"units": "ns since 1970-01-01"}),
          "CH1_V": (V, {})}, {}),
        ({"CH1": (V, {"units": "V", "dt": 1e-9})}, {}),
        ({"g/CH1": (V, {"units": "V"})}, {"Sample Rate (GS/s)": 1.0}),
        ({"g/CH1": (V, {"units": "V"})}, {"sampling_rate": "1 GHz", "x_increment": "1ns"}),
        ({"CH1": (V[None, :], {"units": "V"}), "t": (T[:, None], {})}, {}),
    ],
    ids=["names", "suffix", "groups", "dates", "interval", "rate", "two that agree", "columns"],
)  # fmt: skip
def test_times_and_units_in_every_wording(h5, arrays, root):
    trace = read_trace(h5(arrays, root))
    assert np.allclose(trace.t, T, rtol=0, atol=1e-18)
    assert np.allclose(trace.columns["voltage"], V, rtol=1e-12, atol=1e-15)


def test_components_and_rows(h5):
    m = np.random.default_rng(0).normal(size=(30, 3))
    path = h5({"m": (m, {}), "t": (T, {}), "lines": (np.stack([V, 2 * V]), {"units": "V"})})
    assert np.array_equal(np.stack([read_trace(path, ["mx", "my", "mz"]).columns[f"m{x}"] for x in "xyz"], 1), m)
    assert np.array_equal(read_trace(path, channel="lines[1]").columns["voltage"], 2 * V)


@pytest.mark.parametrize(
    ("arrays", "root", "sentence"),
    [
        (
            {"CH1": (V, {"units": "V"})},
            {},
            "does not say when the samples of 'CH1' were taken; give the time between two",
        ),
        ({"CH1": (V, {"units": "V", "dt": 1e-9, "fs": 2e9})}, {}, "says different intervals between samples"),
        ({"CH1": (V, {"units": "V"}), "t": (1e9 * T, {})}, {}, "have no unit, which cannot be seconds"),
        ({"CH1": (V, {"units": "V"}), "t": (T, {"units": "m"}), "time": (T, {})}, {}, None),
        ({"CH1": (V, {"units": "V"}), "a/x": (V, {})}, {}, "does not say when"),
        (
            {"codes": (np.arange(30, dtype="i2"), {"units": "V", "gain": 0.1})},
            {"dt": 1e-9},
            "'gain' says how they become V",
        ),
        ({"t": (T, {}), "CH1": (V, {"units": "V"}), "CH2": (V, {"units": "V"})}, {}, "several voltages"),
        ({"t": (T, {}), "note": (np.bytes_("made up"), {})}, {}, "holds no channel of samples"),
        ({"t": (T, {}), "CH1": (V, {"units": "V", "scale_factor": "x"})}, {}, "expected one number"),
    ],
)
def test_what_cannot_be_told_is_asked(h5, arrays, root, sentence):
    path = h5(arrays, root)
    if sentence is None:
        assert read_trace(path).t.size == 30
        return
    with pytest.raises(ValueError, match=sentence):
        read_trace(path)


def test_an_interval_that_is_told_and_one_that_is_said(h5):
    path = h5({"CH1": (V, {"units": "V"})})
    assert read_trace(path, interval=2e-9).t[-1] == pytest.approx(58e-9)
    with pytest.raises(ValueError, match=r"interval = -1, expected the time between two samples"):
        read_trace(path, interval=-1)
    with pytest.raises(ValueError, match=r"says its times itself .*leave interval out"):
        read_trace(h5({"CH1": (V, {"units": "V", "dt": 1e-9})}), interval=1e-9)


def test_single_precision_is_counted_from_the_first(h5):
    rng = np.random.default_rng(0)
    for start, step in ((0.0, 1e-9), (5e-6, 1e-12)):
        t = start + step * np.arange(9000)
        trace = read_trace(h5({"t": (t.astype("f4"), {}), "voltage": (rng.normal(size=9000), {})}))
        assert "times in single precision, rounded to" in describe(trace) and trace.evenly_spaced
        assert trace.dt == pytest.approx(step, rel=1e-5)
    with pytest.raises(ValueError, match="t does not increase"):
        read_trace(h5({"t": ((5e-3 + 1e-12 * np.arange(30)).astype("f4"), {}), "voltage": (V, {})}))


@pytest.mark.parametrize("ending", ["h5", "hdf", "nc", "nc4", "csv"])
def test_a_trace_comes_back_exactly(tmp_path, ending):
    pytest.importorskip("h5netcdf" if ending in ("nc", "nc4") else "h5py")
    rng = np.random.default_rng(1)
    t = np.cumsum(rng.uniform(1e-12, 1e-9, 20))
    trace = Trace(
        t,
        {"mx": rng.normal(size=20), "voltage": rng.normal(size=20), "x": rng.normal(size=20)},
        ("one", "two"),
        (),
        {"x": "m"},
    )
    write_trace(tmp_path / f"a.{ending}", trace)
    back = read_trace(tmp_path / f"a.{ending}", ["mx", "voltage", "x"], {"x": "m"})
    assert np.array_equal(back.t, trace.t) and back.notes[:2] == ("one", "two")
    assert all(np.array_equal(back.columns[name], trace.columns[name]) for name in trace.columns)
    with pytest.raises(FileExistsError):
        write_trace(tmp_path / f"a.{ending}", trace)


@pytest.mark.parametrize("ending", sorted({*ENDINGS, *ARRAY_FILES}))
def test_no_trace_is_written_that_cannot_be_read_back(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    try:
        write_trace(path, Trace(T, {"voltage": V}))
    except ValueError as error:
        assert f"no trace is written as {ending}; give a name that ends in .csv" in str(error) and not path.exists()
    else:
        assert np.array_equal(read_trace(path).columns["voltage"], V)


def test_frames_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"t (ns)": 1e9 * T, "CH1 (mV)": 1e3 * V, "who": ["x"] * 30})
    before = frame.copy()
    for given in (frame, frame.set_index("t (ns)")):
        trace = read_trace(given)
        assert np.allclose(trace.t, T, atol=1e-18) and np.allclose(trace.columns["voltage"], V)
    assert frame.equals(before)
    deltas = pandas.DataFrame({"CH1": V}, index=pandas.to_timedelta(np.arange(30), unit="ns"))
    deltas.attrs["units"] = {"CH1": "V"}
    assert np.allclose(read_trace(deltas).t, T, atol=1e-18)
    with pytest.raises(ValueError, match="does not say when"):
        read_trace(pandas.DataFrame({"CH1 (V)": V}))
    with pytest.raises(ValueError, match="'CH1' has no unit in the file"):
        read_trace(pandas.DataFrame({"t (ns)": 1e9 * T, "CH1": V}), channel="CH1")


def test_objects_of_xarray():
    xarray = pytest.importorskip("xarray")
    data = xarray.DataArray(
        np.stack([V, 2 * V]),
        dims=("bias", "time"),
        coords={"time": ("time", T, {"units": "s"})},
        attrs={"units": "V"},
        name="v",
    )
    assert np.array_equal(read_trace(data, channel="v[1]", window=(0, 5e-9)).columns["voltage"], 2 * V[:6])
    dataset = xarray.Dataset({"lock-in": data[0].drop_vars("time")})
    with pytest.raises(ValueError, match="does not say when"):
        read_trace(dataset)
    assert read_trace(dataset, interval=1e-9).t.size == 30
