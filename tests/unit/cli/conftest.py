"""The command `llgrad` in this process: what it prints, and how it ends."""

from __future__ import annotations

import pathlib
import sys
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from llgrad.cli.main import app

TRACE = pathlib.Path(__file__).parents[3] / "examples" / "teacher_trace.csv"


class Ended(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def llgrad(tmp_path, monkeypatch):
    """Run `llgrad ARGUMENTS` in an empty folder; anything but an exit is a traceback, and fails the test."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ended:
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr(sys, "argv", ["llgrad", *words])
        result = CliRunner().invoke(app, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def refused(llgrad, tmp_path):
    """Run a command that must be refused: exit status 2, one sentence on stderr, nothing on stdout, no new file."""

    def run(*arguments: object) -> str:
        before = sorted(tmp_path.rglob("*"))
        ended = llgrad(*arguments)
        assert (ended.status, ended.out) == (2, ""), ended
        assert ended.err.startswith("llgrad: ") and ended.err.count("\n") == 1
        assert "Traceback" not in ended.err
        assert sorted(tmp_path.rglob("*")) == before
        return ended.err.removeprefix("llgrad: ").strip()

    return run


@pytest.fixture
def trace() -> pathlib.Path:
    return TRACE


@pytest.fixture
def short_trace(tmp_path) -> pathlib.Path:
    """The first 60 samples of the teacher's trace."""
    lines = TRACE.read_text().splitlines()
    body = [line for line in lines if not line.startswith("#")]
    file = tmp_path / "short.csv"
    file.write_text("\n".join(body[:61]) + "\n")
    return file
