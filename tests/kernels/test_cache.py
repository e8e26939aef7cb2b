"""The folder of compiled kernels: found again, private, and never in the way."""

import os
import pathlib
import stat
import subprocess
import sys
import textwrap

import pytest
from llvmlite import ir

from llgrad.kernels.builder.code import WORD
from llgrad.kernels.machine import cache
from llgrad.kernels.machine.ffi import HANDLER


def adding(number):
    """A module whose function adds a number."""
    module = ir.Module("test")
    function = ir.Function(module, ir.FunctionType(WORD, [WORD]), "handler")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    builder.ret(builder.add(function.args[0], WORD(number)))
    return module


def load(number):
    return HANDLER(cache.load(f"adds {number}", "test", lambda: adding(number)))(1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "kernels"))
    monkeypatch.setattr(cache, "_LOADED", {})
    return tmp_path / "kernels"


def forget(monkeypatch):
    monkeypatch.setattr(cache, "_LOADED", {})


def compiled_files(folder):
    return sorted(folder.glob("test_*.o"))


def test_source_and_compiled_code_are_kept_in_a_private_folder(folder, monkeypatch):
    assert load(2) == 3
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (path, size), *rest = cache.entries()
    assert rest == []
    assert "; adds 2" in path.read_text()
    assert "add i64 %" in path.read_text()
    assert size > path.stat().st_size
    before = [p.stat().st_mtime_ns for p in compiled_files(folder)]
    forget(monkeypatch)
    assert load(2) == 3
    assert [p.stat().st_mtime_ns for p in compiled_files(folder)] == before


def text_of(number):
    return cache.ptx(f"adds {number}", "test", lambda: adding(number))


def test_the_text_for_a_gpu_is_kept_beside_its_module(folder, monkeypatch):
    text = text_of(2)
    assert ".target sm_" in text
    (path,) = folder.glob("test_*.ptx")
    assert cache.entries() == [(path.with_suffix(".ll"), path.stat().st_size + path.with_suffix(".ll").stat().st_size)]
    forget(monkeypatch)
    monkeypatch.setattr(cache, "PTX", cache.PTX._replace(made=lambda module: b"made anew"))
    assert text_of(2) == text
    assert load(2) == 3  # the same for the processors is another file
    path.write_bytes(path.read_bytes()[:-1])
    forget(monkeypatch)
    with pytest.warns(UserWarning, match="compiled anew"):
        assert text_of(2) == "made anew"
    assert cache.clear() == 2
    assert list(folder.glob("test_*")) == []


def test_clear(folder):
    load(3)
    load(4)
    assert cache.clear() == 2
    assert cache.entries() == []
    assert cache.clear() == 0


def changed(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [lambda _: b"", lambda _: b"not what it was", lambda c: c[:-1], changed])
def test_damaged_compiled_code_does_not_break_a_run(folder, monkeypatch, damage):
    load(5)
    (path,) = compiled_files(folder)
    path.write_bytes(damage(path.read_bytes()))
    forget(monkeypatch)
    with pytest.warns(UserWarning, match="compiled anew"):
        assert load(5) == 6


def test_a_kernel_whose_object_file_cannot_be_kept_runs(folder, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "_write", full)
    with pytest.warns(UserWarning, match="cannot be written .*No space left"):
        assert load(8) == 9
    assert compiled_files(folder) == []


def test_a_damaged_text_is_in_nobodys_way(folder, monkeypatch):
    load(6)
    cache.entries()[0][0].write_text("nonsense")
    forget(monkeypatch)
    assert load(6) == 7


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "kernels"))
    monkeypatch.setattr(cache, "_LOADED", {})
    with pytest.warns(UserWarning, match="cannot be written"):
        assert load(7) == 8


def test_what_is_compiled_is_keyed_by_everything_it_depends_on(monkeypatch):
    key = cache._key("text")
    assert key != cache._key("text ")
    monkeypatch.setattr(cache, "_versions", lambda: "another LLVM")
    assert key != cache._key("text")


def test_processes_that_write_the_same_kernel_at_once(tmp_path):
    program = textwrap.dedent("""
        from tests.kernels.test_cache import load
        for number in range(3):
            assert load(number) == number + 1
    """)
    environment = {**os.environ, cache.VARIABLE: str(tmp_path / "kernels")}
    running = [subprocess.Popen([sys.executable, "-W", "error", "-c", program], env=environment) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert len(list(pathlib.Path(tmp_path / "kernels").glob("*.ll"))) == 3
    assert list(pathlib.Path(tmp_path / "kernels").glob("*.tmp")) == []
