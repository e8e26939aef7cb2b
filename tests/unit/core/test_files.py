"""Files appear whole or not at all, and replace nothing unless told to."""

import json
import os

import numpy as np
import pytest

from llgrad.core.files import check_target, plain, read_json, read_npz, write_json, write_npz, writing
from llgrad.core.run_record import run_record


def test_a_block_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="in between"), writing(tmp_path / "a.txt") as file:
        file.write_text("half")
        raise RuntimeError("in between")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_file_that_was_there(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(RuntimeError), writing(tmp_path / "a.txt", overwrite=True) as file:
        file.write_text("half")
        raise RuntimeError
    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("a.txt", "old")]


def test_an_existing_file_is_kept_unless_overwrite(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(FileExistsError, match=r"a\.txt exists already; it is kept"), writing(target) as file:
        file.write_text("new")
    assert target.read_text() == "old"
    with writing(target, overwrite=True) as file:
        file.write_text("new")
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_that_appeared_meanwhile_is_kept(tmp_path):
    with pytest.raises(FileExistsError), writing(tmp_path / "a.txt") as file:
        file.write_text("mine")
        (tmp_path / "a.txt").write_text("theirs")
    assert [f.read_text() for f in tmp_path.iterdir()] == ["theirs"]


def test_targets_that_cannot_be_written(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder, expected the name of a file"):
        check_target(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere does not exist; make it first"):
        check_target(tmp_path / "nowhere" / "a.txt")
    with pytest.raises(FileExistsError, match="not an ordinary file"):
        check_target("/dev/null", overwrite=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="permission denied"):
        check_target(tmp_path / "a.txt")


def test_json_goes_out_and_back(tmp_path):
    entry = run_record("fit", seed=1) | {"values": np.array([1.0, np.inf]), "flag": np.bool_(True), "pair": (1, 2)}
    write_json(tmp_path / "a.json", entry)
    read = read_json(tmp_path / "a.json", "fit")
    assert read["values"] == [1.0, None] and read["flag"] is True and read["pair"] == [1, 2]
    assert next(iter(json.loads((tmp_path / "a.json").read_text()))) == "format"


def test_npz_goes_out_and_back_and_begins_with_the_record(tmp_path):
    m = np.linspace(0, 1, 12).reshape(4, 3)
    write_npz(tmp_path / "a.npz", run_record("trajectory"), {"m": m})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert file.files == ["record", "m"]
    record, arrays = read_npz(tmp_path / "a.npz", "trajectory")
    assert record["format"] == "llgrad.trajectory"
    np.testing.assert_array_equal(arrays["m"], m)


def test_objects_are_never_written_nor_read(tmp_path):
    with pytest.raises(ValueError, match=r"[Oo]bject arrays cannot be saved"):
        write_npz(tmp_path / "a.npz", run_record("trajectory"), {"m": np.array([object()])})
    assert list(tmp_path.iterdir()) == []
    np.savez(tmp_path / "b.npz", record=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="is not an NPZ file of plain arrays"):
        read_npz(tmp_path / "b.npz", "trajectory")


def test_an_npz_without_record_and_a_json_of_bytes_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", m=np.zeros(3))
    with pytest.raises(ValueError, match=r"a\.npz has no run record"):
        read_npz(tmp_path / "a.npz", "trajectory")
    (tmp_path / "a.json").write_bytes(b"\xff\x00")
    with pytest.raises(ValueError, match=r"a\.json is not a JSON file"):
        read_json(tmp_path / "a.json", "fit")


def test_plain_numbers():
    assert plain({"a": np.float64(1.5), "b": float("nan"), "c": np.int64(3)}) == {"a": 1.5, "b": None, "c": 3}
