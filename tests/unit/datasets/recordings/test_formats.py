"""Every format of an instrument: right times and values, one channel, one window, and what must be told."""

import gc
import importlib.util
import signal
import weakref

import numpy as np
import pytest
from benchmarks.fuzzing.recordings import CODES, T, isf, keysight, lecroy, recordings, rigol, tektronix

from llgrad.datasets.hdf5.asking import LIBRARY
from llgrad.datasets.reader import describe, read_trace, read_waveform
from llgrad.datasets.recordings.opening import open_recording

VOLTS = {
    # name: (channel, segment, value of code 0, scale of a code)
    "sequence.trc": (None, 2, -0.25 + 1.0, 1e-3),
    "frames.wfm": (None, 2, 0.25 + 1.0, 1e-3),
    "internal.isf": (None, None, 0.25, 1e-3),
    "segments.bin": ("CH2", 2, 0.25, 1e-3),
    "classic.nc": (None, None, 0.0, 1e-3),
    "lab.h5": ("CH1", None, 0.0, 1e-3),
    "matlab.mat": (None, None, 0.0, 1e-3),
    "labview.tdms": ("AI0", None, 0.0, 1e-3),
    "qcodes.nc": (None, None, 0.5, 1e-3),
    "rigol.bin": ("CH1", None, 0.25, 1e-3),
}


def saved(folder, name, content=None):
    path = folder / name
    path.write_bytes(recordings()[name] if content is None else content)
    return path


def needs(module):
    return pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"{module} is not installed")


@pytest.mark.parametrize("name", recordings())
def test_times_and_values(tmp_path, name):
    channel, segment, zero, scale = VOLTS[name]
    path = saved(tmp_path, name)
    trace = read_trace(path, channel=channel, segment=segment)
    start = {"sequence.trc": -1.01e-9, "frames.wfm": -0.975e-9}.get(name, -1e-9)  # each from its own trigger
    size = trace.t.size
    assert size == T.size - (name == "qcodes.nc")  # the last one has the value of what is missing
    assert np.allclose(trace.t, start + 1e-10 * np.arange(size), rtol=0, atol=1e-18)
    assert np.allclose(trace.columns["voltage"], zero + scale * CODES[:size], rtol=2e-7, atol=1e-9)
    cut = read_trace(path, channel=channel, segment=segment, window=(float(trace.t[5]), float(trace.t[9])))
    assert np.array_equal(cut.t, trace.t[5:10])
    assert np.array_equal(cut.columns["voltage"], trace.columns["voltage"][5:10])
    assert "in the file" in describe(cut)


def test_every_format_is_in_the_table():
    assert set(recordings()) <= set(VOLTS)


@pytest.mark.parametrize("name", ["sequence.trc", "frames.wfm", "segments.bin"])
def test_of_several_segments_one_must_be_chosen(tmp_path, name):
    path, channel = saved(tmp_path, name), "CH1" if name == "segments.bin" else None
    with pytest.raises(ValueError, match=r"segments, each with times of its own; choose one, as in segment=1"):
        read_trace(path, channel=channel)
    with pytest.raises(ValueError, match=r"segment = 9, expected one of 1 to [23]"):
        read_trace(path, channel=channel, segment=9)


def test_several_voltages_need_a_choice(tmp_path):
    path = saved(tmp_path, "several.bin", keysight())
    with pytest.raises(ValueError, match=r"has several voltages \(CH1, CH2\); choose one, as in channel='CH1'"):
        read_trace(path)
    with pytest.raises(ValueError, match=r"has no channel 'CH3'; it has #1 'CH1' \(V\), #2 'CH2' \(V\)"):
        read_trace(path, channel="CH3")
    assert np.array_equal(read_trace(path, channel="#2").t, read_trace(path, ["ch2"]).t)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_and_order_of_tektronix(tmp_path, version, order):
    trace = read_trace(saved(tmp_path, "x.wfm", tektronix(1, version, order)))
    assert np.allclose(trace.columns["voltage"], 0.25 + 1e-3 * CODES, rtol=1e-12)


@pytest.mark.parametrize("part", [0.0, 0.83984375, 1.0])
def test_a_trigger_between_samples_moves_the_times(tmp_path, part):
    """As of the record of an MSO64 whose CSV says −9.99966406e-07 s for −1e-06 s, 40 ps and 0.83984375."""
    content = bytearray(tektronix())
    update = len(content) - 2 * CODES.size - 16 - 30 - 24
    content[update + 4 : update + 12] = np.array(part, "<f8").tobytes()
    t = read_trace(saved(tmp_path, "x.wfm", bytes(content))).t
    assert np.allclose(t, -1e-9 + (part + np.arange(CODES.size)) * 1e-10, rtol=0, atol=1e-20)


def with_number(content, at, kind, value):
    """A trace of LeCroy in which a number of its descriptor is another."""
    at += content.find(b"WAVEDESC")
    number = np.array(value, kind).tobytes()
    return content[:at] + number + content[at + len(number) :]


@pytest.mark.parametrize(
    ("at", "kind", "value", "sentence"),
    [
        *((316, "<i2", kind, "export it as text") for kind in (2, 3, 4, 5, 6, 8, 9, 10)),
        (64, "<i4", 80, "holds two numbers for each sample"),
        (132, "<i4", 7, r"a part of a record \(from sample 7 on, one of 1\)"),
        (136, "<i4", 4, r"a part of a record \(from sample 0 on, one of 4\)"),
        (124, "<i4", 60, "says valid samples from 60 to 39 of 40; it is damaged"),
    ],
)
def test_lecroy_records_of_another_kind_are_no_samples(tmp_path, at, kind, value, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_trace(saved(tmp_path, "x.trc", with_number(lecroy(), at, kind, value)))


@pytest.mark.parametrize("kind", [0, 1, 7])
def test_a_computed_trace_begins_and_ends_with_samples_that_are_none(tmp_path, kind):
    content = with_number(with_number(lecroy(), 124, "<i4", (3, 35)), 316, "<i2", kind)
    trace, whole = read_trace(saved(tmp_path, "x.trc", content)), read_trace(saved(tmp_path, "y.trc", lecroy()))
    assert np.array_equal(trace.columns["voltage"], whole.columns["voltage"][3:36])
    assert np.allclose(trace.t, whole.t[3:36], rtol=0, atol=1e-20)


def test_both_orders_of_lecroy(tmp_path):
    values = [read_trace(saved(tmp_path, "x.trc", lecroy(1, CODES, order))).columns["voltage"] for order in "<>"]
    assert np.array_equal(*values)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("last", [10, 13])
def test_a_last_sample_is_no_end_of_a_line(tmp_path, width, last):
    codes = np.array([1, 2, 3, last])
    for long in (False, True):
        trace = read_trace(saved(tmp_path, "x.isf", isf(codes, width, long)))
        assert np.allclose(trace.columns["voltage"], 0.25 + 1e-3 * codes)


@pytest.mark.parametrize("cookie", [b"AG01", b"AG03", b"AG10"])
def test_what_keysight_did_not_sample_is_missing_and_not_zero(tmp_path, cookie):
    values = np.linspace(1, 2, 9)
    values[[0, 8]] = np.nan
    trace = read_trace(saved(tmp_path, "x.bin", keysight(1, values, cookie)), channel="CH1")
    assert trace.t[0] == pytest.approx(-0.9e-9) and trace.columns["voltage"].min() > 1
    values[4] = np.nan
    with pytest.raises(ValueError, match=r"sample 4 of CH1, at -600 ps, is missing or not finite"):
        read_trace(saved(tmp_path, "x.bin", keysight(1, values, cookie)), channel="CH1")


def test_a_current_is_no_voltage_and_is_a_waveform(tmp_path):
    path = saved(tmp_path, "x.trc", lecroy(unit="A"))
    with pytest.raises(ValueError, match=r"'C2' is in A, and a trace holds"):
        read_trace(path, channel="C2")
    with pytest.raises(ValueError, match="no voltage"):
        read_trace(path)
    assert np.allclose(read_waveform(path, "A").values, -0.25 + 1e-3 * CODES)
    assert read_waveform(path, channel="C2", window=(0, 1e-9)).t.size == 11
    with pytest.raises(ValueError, match="expected a unit of T"):
        read_waveform(path, "T", channel="C2")


def test_a_unit_that_is_not_said_must_be_told(tmp_path):
    path = saved(tmp_path, "x.bin", keysight(unit=0))
    with pytest.raises(ValueError, match=r"'CH1' has no unit in the file.*where it is a voltage, give unit='V'"):
        read_trace(path, channel="CH1")
    assert np.allclose(read_trace(path, channel="CH1", unit="mV").columns["voltage"][0], 0.25e-3)
    with pytest.raises(ValueError, match=r"says that 'CH1' is in V, and unit = 'mV' would be another"):
        read_trace(saved(tmp_path, "y.bin", keysight()), channel="CH1", unit="mV")


def test_what_a_text_file_says_itself_is_not_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("t (ns),voltage (mV)\n0,1\n1,2\n2,3\n3,4\n")
    assert read_trace(path, window=(1e-9, 2.5e-9)).t.tolist() == [1e-9, 2e-9]
    for told in ({"segment": 1}, {"unit": "V"}, {"interval": 1e-9}):
        with pytest.raises(ValueError, match="says its times and units itself"):
            read_trace(path, **told)
    for window in ((2e-9, 1e-9), (1e-9,), "1ns", (0, np.nan)):
        with pytest.raises(ValueError, match="expected the first and the last time in seconds"):
            read_trace(path, window=window)
    with pytest.raises(ValueError, match="has no two samples from 5 ns to 6 ns; its samples go from 0 s to 3 ns"):
        read_trace(path, window=(5e-9, 6e-9))


def test_a_window_without_samples_tells_where_there_are_some(tmp_path):
    with pytest.raises(ValueError, match=r"no two samples from 1 s to 2 s; its samples go from -1 ns to 2.9 ns, every"):
        read_trace(saved(tmp_path, "x.isf", isf()), window=(1.0, 2.0))


@needs("RigolWFM")
def test_a_file_is_known_by_its_bytes(tmp_path):
    kinds = {"a.trc": isf(), "b.isf": lecroy(), "c.dat": tektronix(), "d.wfm": keysight(), "e.trc": rigol()}
    found = [open_recording(saved(tmp_path, name, content)).kind for name, content in kinds.items()]
    starts = (
        "a waveform of Tektronix (.isf)",
        "a trace of LeCroy",
        "a waveform of Tektronix",
        "a recording of Agilent",
    )
    assert all(kind.startswith(start) for kind, start in zip(found, (*starts, "a waveform that RigolWFM"), strict=True))


@needs("RigolWFM")
@pytest.mark.parametrize("name", ["x.trc", "x.wfm", "x.isf"])
def test_values_are_those_of_rigolwfm(tmp_path, name):
    from RigolWFM.wfm import Wfm

    made = {"x.trc": lecroy(), "x.wfm": tektronix(), "x.isf": isf()}
    path = saved(tmp_path, name, made[name])
    trace, theirs = read_trace(path), next(one for one in Wfm.from_file(str(path)).channels if one.volts is not None)
    assert np.allclose(trace.columns["voltage"], theirs.volts, rtol=1e-6)
    assert np.allclose(trace.t, theirs.times, rtol=0, atol=1e-16)


@needs("RigolWFM")
@pytest.mark.parametrize("parser", ["wfm1000z", "wfm2000"])
def test_voltages_that_another_library_misses_are_told(tmp_path, monkeypatch, parser):
    from RigolWFM.wfm import Wfm

    really = Wfm.from_file

    def said(path):
        wave = really(path)
        wave.parser_name = parser
        return wave

    monkeypatch.setattr(Wfm, "from_file", said)
    told = describe(read_trace(saved(tmp_path, "rigol.bin", rigol()), channel="CH1"))
    assert ("off by half a division" in told) is (parser == "wfm1000z")


@needs("RigolWFM")
def test_damaged_files_are_closed_and_read_in_silence(tmp_path, capfd, monkeypatch):
    opened, really = [], open

    def watched(*args, **options):
        file = really(*args, **options)
        opened.append(weakref.ref(file))
        return file

    monkeypatch.setattr("kaitaistruct.open", watched)  # by which RigolWFM opens
    good, kept = rigol(), []
    for at in (0, 8, 16, 24, 28, 51, 60, 68):  # marks, counts, units: some are refused by the library, some behind it
        for value in (0, 2, 255):
            path = saved(tmp_path, "x.bin", good[:at] + bytes([value]) + good[at + 1 :])
            try:
                read_trace(path)
            except ValueError as error:
                kept.append(error)  # with it, all that stood in its frames
    assert len(kept) > 6 and len(opened) > 9 and all(one() is None or one().closed for one in opened)
    assert capfd.readouterr() == ("", "")


@needs("RigolWFM")
def test_a_second_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"x\.wfm is read with another file beside it, which is not there \(.*\.wvf"):
        read_trace(saved(tmp_path, "x.wfm", b"$PublicInfo\n" + bytes(99)))


@needs("RigolWFM")
def test_files_are_closed_without_a_look_at_every_object(tmp_path, monkeypatch):
    path, seen = saved(tmp_path, "x.bin", rigol()), []
    read_trace(path)  # what is imported is new, too
    collect = gc.collect
    monkeypatch.setattr(gc, "collect", lambda: (seen.append(len(gc.get_objects())), collect()))
    read_trace(path)
    assert len(seen) == 1 and seen[0] < 0.1 * len(gc.get_objects()) and gc.get_freeze_count() == 0


@needs("h5py")
def test_hdf5_is_read_by_a_new_process_where_the_last_one_ended(tmp_path):
    path = saved(tmp_path, "lab.h5")
    first = read_trace(path)
    LIBRARY.process.kill()
    LIBRARY.process.wait()
    assert np.array_equal(read_trace(path).columns["voltage"], first.columns["voltage"])


@needs("h5py")
def test_hdf5_that_is_read_for_ever_is_told_damaged(tmp_path, monkeypatch):
    path = saved(tmp_path, "lab.h5")
    read_trace(path)
    monkeypatch.setattr("llgrad.datasets.hdf5.asking.SILENCE", 0.0)
    LIBRARY.process.send_signal(signal.SIGSTOP)
    with pytest.raises(ValueError, match=r"lab\.h5 is damaged: the HDF5 library ended where it read it"):
        read_trace(path)


def test_a_library_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for content, module, extra in (
        (b"TDSm" + bytes(40), "nptdms", "tdms"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "h5py", "hdf5"),
        (b"RG01" + bytes(40), "RigolWFM", "scopes"),
    ):
        with pytest.raises(ValueError, match=rf"read by {module}, which is not installed; .*'llgrad\[{extra}\]'"):
            read_trace(saved(tmp_path, "x.dat", content))
