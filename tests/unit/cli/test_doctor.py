"""`llgrad doctor`."""

import importlib.metadata
import json
import os
import subprocess
import sys

import jax
import pytest

from llgrad.cli.installation import health
from llgrad.kernels.machine import cache
from llgrad.solve import native

WRITTEN = ["jax>=0.10", "numpy>=2", 'blackjax>=1.2; extra == "posterior"', 'pytest>=8.3; extra == "test"']
INSTALLED = {"jax": "0.10.2", "numpy": "2.4.6", "blackjax": "1.7.1", "pytest": "9.2.0"}


@pytest.fixture
def installed(monkeypatch):
    """An installation with these versions of libraries; None where one is not there."""

    class Metadata:
        def get_all(self, name):
            return {"Provides-Extra": ["posterior", "test"]}[name]

    def set_versions(**changed):
        versions = INSTALLED | changed

        def version(name):
            if versions.get(name, "1.0") is None:
                raise importlib.metadata.PackageNotFoundError(name)
            return versions.get(name, "1.0")

        monkeypatch.setattr(importlib.metadata, "version", version)
        monkeypatch.setattr(importlib.metadata, "requires", lambda name: WRITTEN)
        monkeypatch.setattr(importlib.metadata, "metadata", lambda name: Metadata())

    set_versions()
    return set_versions


def findings_of(ended):
    return {finding["part"]: finding for finding in json.loads(ended.out)["findings"]}


def test_a_sound_installation(llgrad, installed):
    ended = llgrad("doctor")
    assert ended.status == 0, ended.out
    lines = ended.out.splitlines()
    assert lines[-1] == "llgrad is sound here"
    assert [line.split()[0] for line in lines[:-1]] == ["✓"] * (len(lines) - 1)
    entry = json.loads(llgrad("doctor", "--json").out)
    assert entry["format"] == "llgrad.doctor" and entry["sound"] is True
    assert "native kernels for" in findings_of(llgrad("doctor", "--json"))["engine"]["text"]


@pytest.mark.parametrize(
    ("changed", "part", "text", "status"),
    [
        ({"jax": "0.4.30"}, "libraries", "jax is 0.4.30, expected >=0.10", 1),
        ({"numpy": None}, "libraries", "numpy is not installed", 1),
        ({"blackjax": None}, "extra posterior", "blackjax is not installed", 0),
        ({"pytest": None}, None, None, 0),
    ],
)
def test_what_is_missing_is_told_with_its_remedy(llgrad, installed, monkeypatch, changed, part, text, status):
    installed(**changed)
    monkeypatch.setattr(health, "PARTS", (health.libraries,))
    ended = llgrad("doctor", "--json")
    assert ended.status == status
    remedies = {name: finding for name, finding in findings_of(ended).items() if finding["remedy"]}
    if part is None:
        assert not remedies
        return
    assert list(remedies) == [part]
    assert remedies[part]["text"] == text and "pip install" in remedies[part]["remedy"]
    assert remedies[part]["fault"] is bool(status)
    assert "→ pip install" in llgrad("doctor").out


def test_a_folder_of_kernels_that_cannot_be_written(llgrad, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "kernels"))
    (found,) = health.folder()
    assert found.fault and cache.VARIABLE in found.remedy


def test_an_engine_that_cannot_run_is_a_fault(monkeypatch):
    monkeypatch.setattr(native, "_reason_against", lambda task: "LLVM is not there")
    (found,) = health.engines()
    assert found.fault and "LLVM is not there" in found.text


def test_engines_that_disagree_are_a_fault(monkeypatch):
    monkeypatch.setattr(health, "AGREE", -1.0)
    (found,) = health.engines()
    assert found.fault and "do not trust" in found.remedy


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (AssertionError(), "JAX does not start with JAX_PLATFORMS = cuda: it finds no such device"),
        (RuntimeError("no backend 'cuda' (set JAX_PLATFORMS='' to …)"), "JAX_PLATFORMS = cuda: no backend 'cuda'"),
    ],
)
def test_platforms_that_are_not_there_are_a_fault(error, said, llgrad, monkeypatch):
    def devices():
        raise error

    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    monkeypatch.setattr(jax, "devices", devices)
    (found,) = health.engines()
    assert found.fault and found.text.endswith(said) and found.remedy == "unset it, or set it to cpu"
    (gpu,) = health.gpu()
    assert gpu.text == "not looked for: JAX_PLATFORMS is cuda"


def test_a_command_says_where_jax_does_not_start():
    run = [sys.executable, "-m", "llgrad", "simulate", "kubota2013", "--duration", "1ns"]
    done = subprocess.run(run, env=os.environ | {"JAX_PLATFORMS": "abacus"}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("llgrad: JAX does not start with JAX_PLATFORMS = abacus: ")
    assert done.stderr.endswith("; unset it, or set it to cpu\n")
