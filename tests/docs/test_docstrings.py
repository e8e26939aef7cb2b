"""Every example in a docstring runs and prints what it says, under the settings that a user's process has."""

import doctest
import importlib
import pathlib

import pytest

SRC = pathlib.Path(__file__).parents[2] / "src"
MODULES = [
    ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(SRC.rglob("*.py"))
    if ">>> " in path.read_text()
]


def failures(test: doctest.DocTest) -> str:
    """The report of one docstring's failed examples: empty if all of them hold."""
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False)
    runner.run(test, out=report.append)
    return "".join(report)


@pytest.mark.float32
@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name.startswith("llgrad.torch."):
        importlib.import_module("tests.torch.pytorch")  # skips where there is no PyTorch
    tests = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
    report = "".join(failures(test) for test in tests)
    assert not report, report


def test_a_wrong_example_is_reported():
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert "Expected:\n    3\nGot:\n    2" in failures(test)
