"""Signals read from WAV files, arrays and tables, and what is said of those that are not right."""

import io
import zipfile

import numpy as np
import pytest
from scipy.io import wavfile

from llgrad.datasets.signals.reading import read_signals

RAMP = np.arange(-4, 4, dtype=np.int16) * 4096


def wav(samples=RAMP, rate=8000):
    stream = io.BytesIO()
    wavfile.write(stream, rate, samples)
    return stream.getvalue()


FILES = {"10_s1_0.wav": wav(), "9_s2_1.wav": wav(RAMP[:5]), "9_s1_10.wav": wav(RAMP[2:]), "9_s1_9.WAV": wav(RAMP[1:])}


def folder(tmp_path, files):
    for name, data in files.items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(data)
    return tmp_path / "set"


def packed(tmp_path, files, how=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(tmp_path / "set.zip", "w", how) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return tmp_path / "set.zip"


@pytest.mark.parametrize("make", [folder, packed])
@pytest.mark.parametrize("inside", ["", "recordings/"])
def test_recordings(tmp_path, make, inside):
    beside = {"README.md": b"", "__MACOSX/._9_s1_9.wav": b"x", ".hidden.wav": b"x"}
    signals = read_signals(make(tmp_path, {inside + name: data for name, data in (FILES | beside).items()}))
    assert repr(signals) == "Signals: 4 of 5 to 8 frames of 1 feature, 2 classes, 2 groups, 8 kHz"
    assert signals.classes == ("9", "10") and signals.labels.tolist() == [0, 0, 0, 1]
    assert signals.indices.tolist() == [9, 10, 1, 0] and signals.groups.tolist() == [0, 0, 1, 0]
    assert np.array_equal(signals.one(3)[:, 0], RAMP / 32768) and np.array_equal(signals.one(0), signals.one(3)[1:])
    assert signals.name == "set" and len(signals.sha256) == 1


@pytest.mark.parametrize(
    ("samples", "tolerance"),
    [
        (np.array([0, 64, 128, 192], np.uint8), 0),
        (np.array([-1, -0.5, 0, 0.5]) * 2**15, 0),
        (np.array([-1, -0.5, 0, 0.5]) * 2**31, 0),
        (np.array([-1, -0.5, 0, 0.5], np.float32), 0),
    ],
)
def test_full_scale_is_one(tmp_path, samples, tolerance):
    kinds = {2**15: np.int16, 2**31: np.int32}
    samples = samples.astype(kinds.get(int(np.abs(samples).max()), samples.dtype))
    signals = read_signals(folder(tmp_path, {"a_b_0.wav": wav(samples)}))
    assert signals.one(0)[:, 0].tolist() == [-1, -0.5, 0, 0.5]


ONE = {"7_s1_0.wav": wav()}
BAD_FILES = {
    "rate": (
        ONE | {"7_s1_1.wav": wav(rate=16000)},
        "7_s1_1.wav has 16000 samples per second, and .*7_s1_0.wav has 8000",
    ),
    "stereo": ({"7_s1_0.wav": wav(np.stack([RAMP, RAMP], 1))}, "7_s1_0.wav has 2 channels, expected one; mix them"),
    "no label": ({"seven.wav": wav()}, "seven.wav: the name says no label; expected LABEL_SPEAKER_INDEX.wav, as in"),
    "no index": ({"7_s1_x.wav": wav()}, "the name says no label"),
    "twice": (ONE | {"more/7_s1_00.wav": wav()}, "has label, speaker and index of .*7_s1_0.wav; number them"),
    "no samples": ({"7_s1_0.wav": wav(RAMP[:0])}, "7_s1_0.wav"),
    "text": ({"7_s1_0.wav": b"hello, world"}, "7_s1_0.wav is no WAV file of plain samples, or it is damaged"),
    "empty": ({"7_s1_0.wav": b""}, "7_s1_0.wav is no WAV file"),
    "nan": ({"7_s1_0.wav": wav(np.array([0, np.nan], np.float32))}, "7_s1_0.wav: sample 1 is nan; repair it"),
    "whole numbers as fractions": (
        ONE | {"7_s1_1.wav": wav(np.array([0, 8000], np.float32))},
        "7_s1_1.wav holds fractions of full scale that go to 8000, expected 1 at most; divide them",
    ),
    "nothing": ({"notes.txt": b""}, "holds no WAV file; expected LABEL_SPEAKER_INDEX.wav"),
}


@pytest.mark.parametrize("make", [folder, packed])
@pytest.mark.parametrize(("files", "sentence"), BAD_FILES.values(), ids=BAD_FILES)
def test_recordings_that_are_not_right(tmp_path, make, files, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        read_signals(make(tmp_path, files))
    assert "\n" not in str(raised.value)


def test_another_rate_than_was_given(tmp_path):
    with pytest.raises(ValueError, match=r"has 8000 samples per second, and rate = 16000 Hz was given; resample it"):
        read_signals(folder(tmp_path, ONE), rate=16000)
    for given in ("8kHz", -1, np.nan):
        with pytest.raises(ValueError, match=r"rate = .*, expected frames per second \[Hz\], a positive number"):
            read_signals(tmp_path, rate=given)


def test_every_length_of_a_cut_file_gets_a_sentence(tmp_path):
    for length in range(0, len(wav())):
        with pytest.raises(ValueError, match=r"7_s1_0.wav (is cut short|is no WAV file|holds no sample)"):
            read_signals(folder(tmp_path, {"7_s1_0.wav": wav()[:length]}))


@pytest.mark.parametrize(
    "name", ["../7_s1_1.wav", "/tmp/7_s1_1.wav", "a/../../7_s1_1.wav", "..\\x.wav", "C:/7_s1_1.wav"]
)
def test_a_zip_that_leads_outside(tmp_path, name):
    with pytest.raises(ValueError, match=r"set.zip holds .*, a path that leads outside; expected files within"):
        read_signals(packed(tmp_path, ONE | {name: wav()}))


def test_damaged_zips_get_a_sentence(tmp_path):
    path = packed(tmp_path, FILES)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(bytes(b ^ (0xFF * (i == place)) for i, b in enumerate(whole)))
        try:
            assert 1 <= len(read_signals(path)) <= 4
        except ValueError as error:
            assert str(path) in str(error) and "\n" not in str(error)
    path.write_bytes(whole[:100])
    with pytest.raises(ValueError, match="is no zip, or it is damaged"):
        read_signals(path)


SIGNALS = np.arange(24.0).reshape(3, 4, 2)
ARRAYS = {"signals": SIGNALS, "labels": [1, 0, 1]}


def saved(tmp_path, **arrays):
    np.savez(tmp_path / "mine.npz", **arrays)
    return tmp_path / "mine.npz"


def test_arrays(tmp_path):
    more = {
        "mask": [[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]],
        "groups": ["a", "b", "a"],
        "indices": [0, 1, 2],
        "rate": 5.0,
    }
    signals = read_signals(saved(tmp_path, **ARRAYS, **more, classes=["x", "y"]))
    assert repr(signals) == "Signals: 3 of 1 to 4 frames of 2 features, 2 classes, 2 groups, 5 Hz"
    assert np.array_equal(signals.one(0), SIGNALS[0, :2]) and signals.name == "mine"
    other = read_signals(saved(tmp_path, signals=SIGNALS, lengths=[2, 4, 1], labels=["y", "x", "y"]), rate=5.0)
    assert np.array_equal(other.values, signals.values) and other.labels.tolist() == signals.labels.tolist()
    assert other.rate == 5.0 and other.classes == ("x", "y")


BAD_ARRAYS = {
    "labels missing": ({"signals": SIGNALS}, "has no array 'labels'; it has signals; expected signals and labels, and"),
    "strange": (
        ARRAYS | {"speakers": ["a"] * 3},
        "has an array 'speakers', which has no meaning; expected signals, la",
    ),
    "nan": (
        ARRAYS | {"signals": SIGNALS * np.nan},
        "feature 0 of frame 0 of signal 0 is nan; repair it, or give lengt",
    ),
    "both": (ARRAYS | {"lengths": [1, 1, 1], "mask": np.ones((3, 4))}, "lengths and a mask, which say the same; keep"),
    "a hole": (ARRAYS | {"mask": [[1, 0, 1, 1]] * 3}, "the mask of signal 0 has a hole"),
    "one mask": ({"signals": np.ones(3), "labels": [0], "mask": [1, 1, 1]}, r"mask has the shape \(3,\) and signals"),
    "a label missing": (ARRAYS | {"labels": ["a", "", "a"]}, "the label of signal 1 is missing; fill it in"),
    "groups": (ARRAYS | {"groups": [0.5, 1, 2]}, "groups have the type float64 and the shape"),
    "no mask": (ARRAYS | {"mask": np.ones((3, 3))}, r"mask has the shape \(3, 3\) and signals .* expected yes or no"),
    "unknown label": (ARRAYS | {"labels": ["a", "b", "a"], "classes": ["a"]}, "the label 'b' is none of the classes a"),
    "rates": (ARRAYS | {"rate": [1.0, 2.0]}, r"rate has the shape \(2,\) and the type float64, expected one number"),
    "other rate": (ARRAYS | {"rate": 7.0}, "its rate is 7 Hz, and rate = 5.0 was given; leave it out"),
    "objects": (ARRAYS | {"signals": np.array([[1], [2, 3]], object)}, "is not an NPZ file of plain arrays"),
}


@pytest.mark.parametrize(("arrays", "sentence"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_arrays_that_are_not_right(tmp_path, arrays, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        read_signals(saved(tmp_path, **arrays), rate=5.0)
    assert "mine.npz" in str(raised.value) and "\n" not in str(raised.value)


LONG = "sample,label,speaker,index,x,y\n1,up,a,0,1,2\n1,up,a,0,3,4\n2,down,b,1,5,6\n"
WIDE = "label;group;0;1;2\nup;a;1,5;2;3\ndown;b;4;;\n"


def written(tmp_path, text):
    (tmp_path / "mine.csv").write_text(text)
    return tmp_path / "mine.csv"


def test_a_frame_in_each_row(tmp_path):
    signals = read_signals(written(tmp_path, LONG), rate=10.0)
    assert repr(signals) == "Signals: 2 of 1 to 2 frames of 2 features, 2 classes, 2 groups, 10 Hz"
    assert [piece.tolist() for piece in signals.pieces()] == [[[1, 2], [3, 4]], [[5, 6]]]
    assert (
        signals.classes == ("down", "up") and signals.labels.tolist() == [1, 0] and signals.indices.tolist() == [0, 1]
    )


def test_a_signal_in_each_row(tmp_path):
    signals = read_signals(written(tmp_path, WIDE))
    assert [piece[:, 0].tolist() for piece in signals.pieces()] == [[1.5, 2, 3], [4]]
    assert signals.group_names == ("a", "b") and signals.indices is None and signals.rate is None


BAD_TABLES = {
    "no label": ("x,y\n1,2\n", "has no column 'label'; it has x, y; say which class a signal is"),
    "label missing": ("label,x\n,2\n", "line 2: the label is missing; fill it in"),
    "nan": (LONG.replace("3,4", "nan,4"), "line 3: 'nan' in column 'x' is no finite number; mend it"),
    "a gap": (WIDE.replace("1,5;2", "1,5;"), "line 2: '' in column '1' is no finite number"),
    "another length": (LONG.replace("3,4", "3"), "line 3: 5 cells, expected the 6 of the header"),
    "two labels": (LONG.replace("1,up,a,0,3", "1,down,a,0,3"), "line 3: sample 1 is label down, .* here and label up"),
    "apart": (LONG + "1,up,a,0,7,8\n", "line 5: sample 1 comes again below another; keep its rows together"),
    "times": ("sample,label,t (s),x\n1,a,0,1\n", r"has a column of times, 't \(s\)', .* leave it out and give rate="),
    "two of one": ("label,group,speaker,x\na,b,c,1\n", "has two columns for group; keep one"),
    "index": (LONG.replace("b,1,", "b,-1,"), "line 4: the index '-1' is no whole number from 0"),
    "no feature": ("sample,label\n1,2\n", "has no column of values besides sample, label"),
    "no rows": ("label,x\n", "has no rows; expected a header with 'label'"),
    "an empty row": ("label,x,y\na,,\n", "line 2: the signal has no value; remove the row"),
}


@pytest.mark.parametrize(("text", "sentence"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_tables_that_are_not_right(tmp_path, text, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        read_signals(written(tmp_path, text))
    assert "mine.csv" in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no.zip", "no.zip does not exist"),
        ("x.wav", "put it into a folder, as LABEL_"),
        ("x.mp3", "is no set of signals"),
    ],
)
def test_what_is_no_set(tmp_path, name, sentence):
    if name != "no.zip":
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=sentence):
        read_signals(tmp_path / name)
