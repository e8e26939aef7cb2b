"""Published sets in four IDX files: every spelling of their names, and each way in which they can be wrong."""

import gzip

import numpy as np
import pytest

from llgrad.datasets.images.known import FILES, KNOWN, MNIST, read_known
from llgrad.datasets.images.load import load_images

SPELLINGS = {
    "bare": lambda name, data: (name, data),
    "gzipped": lambda name, data: (f"{name}.gz", gzip.compress(data)),
    "dotted": lambda name, data: (name.replace("-idx", ".idx"), data),
    "dotted and gzipped": lambda name, data: (name.replace("-idx", ".idx") + ".gz", gzip.compress(data)),
    "gzipped under the bare name": lambda name, data: (name, gzip.compress(data)),
}


def written(folder, files, spelling="bare"):
    for name, data in files.items():
        spelled, stored = SPELLINGS[spelling](name, data)
        (folder / spelled).write_bytes(stored)
    return folder


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling(tmp_path, small, spelling):
    made, arrays, files = small
    found = read_known(made, written(tmp_path, files, spelling))
    assert repr(found) == "ImageSet small: 6 images to train and 4 to test, of 3×4 pixels, 2 classes"
    for part, images, labels in ((found.train, *FILES[:2]), (found.test, *FILES[2:])):
        assert np.array_equal(part.pixels, arrays[images]) and np.array_equal(part.labels, arrays[labels])
    assert found.train.scale == 255 and found.train.classes == ("zero", "one")
    assert found.sha256 == dict(zip(FILES, made.sha256, strict=True))


def test_a_folder_of_the_name_within(tmp_path, small):
    _, _, files = small
    (tmp_path / "small").mkdir()
    written(tmp_path / "small", files)
    assert len(load_images("Small", data_dir=tmp_path).train) == 6


def test_a_missing_file_is_named(tmp_path, small):
    made, _, files = small
    written(tmp_path, files)
    (tmp_path / FILES[1]).unlink()
    with pytest.raises(ValueError, match=f"has no file {FILES[1]} or {FILES[1]}.gz, which Small needs; give the fold"):
        read_known(made, tmp_path)


def test_other_bytes_are_refused_with_both_hashes(tmp_path, small):
    made, _, files = small
    written(tmp_path, files | {FILES[2]: files[FILES[2]][:-1] + b"\0"})
    with pytest.raises(ValueError, match="the SHA-256 of its unpacked bytes is") as error:
        read_known(made, tmp_path)
    said = str(error.value)
    assert said.startswith(f"{tmp_path / FILES[2]} is not {FILES[2]} of Small") and "\n" not in said
    assert f"expected {made.sha256[2]}; fetch the file again" in said


def test_the_files_of_another_set_are_recognised(tmp_path, small):
    _, _, files = small
    with pytest.raises(ValueError, match="it is of Small: ask for small"):
        read_known(MNIST, written(tmp_path, files))


def test_a_file_that_is_cut_short_is_called_so(tmp_path, small):
    made, _, files = small
    written(tmp_path, files | {FILES[0]: files[FILES[0]][:-5]})
    with pytest.raises(ValueError, match=f"{FILES[0]} is cut short: it declares 6×3×4 = 72 bytes and has 67"):
        read_known(made, tmp_path)


@pytest.mark.parametrize(("name", "first"), [("mnist", [5, 0, 4, 1, 9]), ("fashion-mnist", [9, 0, 0, 3, 0])])
def test_the_real_files(shared_folder, name, first):
    found = load_images(name, data_dir=shared_folder(name))
    assert (len(found.train), len(found.test), found.train.shape) == (60_000, 10_000, (28, 28))
    assert found.train.labels[:5].tolist() == first
    assert found.test.counts.sum() == 10_000 and found.train.counts.min() > 5_000
    assert found.sha256 == dict(zip(FILES, KNOWN[name].sha256, strict=True))
    batch = found.train.scaled(np.arange(100))
    assert batch.dtype == np.float32 and (batch.min(), batch.max()) == (0, 1)


def test_the_real_files_of_the_other_set_are_recognised(shared_folder):
    with pytest.raises(
        ValueError, match=r"is not train-images-idx3-ubyte of MNIST.*it is of Fashion-MNIST: ask for fas"
    ):
        load_images("mnist", data_dir=shared_folder("fashion-mnist"))
