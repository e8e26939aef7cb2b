"""`llgrad cache`."""

import json

import pytest

from llgrad.kernels.machine import cache


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache with two forward kernels, one adjoint with compiled code, and one program of XLA."""
    path = tmp_path / "kernels"
    monkeypatch.setenv(cache.VARIABLE, str(path))
    (path / "xla").mkdir(parents=True)
    for name, size in {"forward_1.py": 10, "forward_2.py": 20, "adjoint_3.py": 40, "xla/program": 7}.items():
        (path / name).write_bytes(b"#" * size)
    (path / "adjoint_3.o").write_bytes(b"0" * 2**20)
    return path


def test_what_is_there(llgrad, folder):
    lines = llgrad("cache").out.splitlines()
    assert lines[0] == f"{folder}: 4 files, 1.0 MB"
    assert [line.split() for line in lines[1:]] == [
        ["adjoint", "1", "1.0", "MB"],
        ["forward", "2", "0.0", "kB"],
        ["xla", "1", "0.0", "kB"],
    ]
    assert len(list(folder.glob("*.py"))) == 3


def test_as_json(llgrad, folder):
    entry = json.loads(llgrad("cache", "--json").out)
    assert entry["folder"] == str(folder) and entry["cleared"] is False
    assert entry["kinds"]["forward"] == {"files": 2, "bytes": 30}
    assert entry["kinds"]["adjoint"] == {"files": 1, "bytes": 2**20 + 40}
    assert json.loads(llgrad("cache", "--clear", "--json").out)["cleared"] is True


def test_clear(llgrad, folder):
    assert llgrad("cache", "--clear").out == f"{folder}: 4 files deleted, 1.0 MB\n"
    assert list(folder.rglob("*")) == []
    assert llgrad("cache").out == f"{folder}: nothing is kept\n"
    assert llgrad("cache", "--clear").status == 0


def test_a_folder_that_is_not_there(llgrad, tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "none"))
    assert llgrad("cache").out == f"{tmp_path / 'none'}: nothing is kept\n"
    assert not (tmp_path / "none").exists()
