"""IDX files: what is read, and the sentence for each way in which one can be damaged."""

import gzip

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings

from llgrad.datasets.images.idx import idx_bytes, parse_idx, read_idx

ARRAY = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
DATA = idx_bytes(ARRAY)


def test_the_layout_of_the_format():
    assert DATA[:16].hex(" ", 4) == "00000803 00000004 00000002 00000003" and DATA[16:] == ARRAY.tobytes()


@settings(max_examples=30)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0)))
def test_what_is_written_is_read(array):
    found = parse_idx(idx_bytes(array), "made.idx")
    assert found.shape == array.shape and np.array_equal(found, array)


@pytest.mark.parametrize("name", ["images.gz", "images"])
@pytest.mark.parametrize("packed", [True, False])
def test_gzip_is_told_by_the_bytes_and_not_by_the_name(tmp_path, name, packed):
    (tmp_path / name).write_bytes(gzip.compress(DATA) if packed else DATA)
    found = read_idx(tmp_path / name)
    assert np.array_equal(found, ARRAY) and not found.flags.writeable


BAD = {
    "empty": (b"", "is not an IDX file: it begins with nothing, expected 00 00"),
    "short magic": (DATA[:3], "is not an IDX file: it begins with 00 00 08"),
    "other magic": (b"\x89PNG" + DATA, "is not an IDX file: it begins with 89 50 4e 47"),
    "no dimensions": (b"\0\0\x08\0", "is not an IDX file: it begins with 00 00 08 00"),
    "other type": (b"\0\0\x0d\x01" + DATA[4:], "has the IDX type 0x0d, expected unsigned bytes, 0x08"),
    "cut in the header": (DATA[:9], "is cut short: it ends within its header, after 9 bytes"),
    "cut in the data": (DATA[:-1], "is cut short: it declares 4×2×3 = 24 bytes and has 23; fetch the file again"),
    "too long": (DATA + b"\0\0", "is too long: it declares 4×2×3 = 24 bytes and has 26"),
    "cut gzip": (gzip.compress(DATA)[:-9], "is gzipped and damaged"),
    "cut gzip header": (gzip.compress(DATA)[:5], "is gzipped and damaged"),
    "flipped gzip": (bytes(b ^ (i == 20) for i, b in enumerate(gzip.compress(DATA))), "is gzipped and damaged"),
    "wrong sum in gzip": (gzip.compress(DATA)[:-8] + bytes(8), r"is gzipped and damaged \(CRC check failed"),
    "tail after gzip": (gzip.compress(DATA) + b"tail", "is gzipped and damaged"),
    "gzip of something else": (gzip.compress(b"words"), "is not an IDX file: it begins with 77 6f 72 64"),
}


@pytest.mark.parametrize(("data", "sentence"), BAD.values(), ids=BAD)
def test_a_damaged_file_gets_a_sentence(tmp_path, data, sentence):
    (tmp_path / "bad").write_bytes(data)
    with pytest.raises(ValueError, match=sentence) as error:
        read_idx(tmp_path / "bad")
    assert str(error.value).startswith(str(tmp_path / "bad")) and "\n" not in str(error.value)


@pytest.mark.parametrize("packed", [True, False])
def test_any_changed_byte_gives_an_array_or_a_sentence(tmp_path, packed):
    whole = gzip.compress(DATA, mtime=0) if packed else DATA
    for place in range(len(whole)):
        for change in (0x01, 0x80, 0xFF):
            (tmp_path / "changed").write_bytes(bytes(b ^ (change * (i == place)) for i, b in enumerate(whole)))
            try:
                assert read_idx(tmp_path / "changed").dtype == np.uint8
            except ValueError as error:
                assert str(error).startswith(str(tmp_path / "changed"))


@pytest.mark.parametrize(("name", "sentence"), [("none", "does not exist"), (".", "it is no file")])
def test_a_missing_file_and_a_folder(tmp_path, name, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_idx(tmp_path / name)
