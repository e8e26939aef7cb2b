"""Every example in a docstring runs and prints what it says, under the settings that a user's process has."""

import doctest
import importlib
import importlib.util
import inspect
import pathlib

import pytest

import llgrad as lg

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
    module = importlib.import_module(name)
    # classes of an example are a user's, of his module, not llgrad's
    own = vars(module) | {"__name__": "__main__"}
    tests = doctest.DocTestFinder(exclude_empty=True).find(module, globs=own)
    report = "".join(failures(test) for test in tests)
    assert not report, report


def public_names() -> list[tuple[str, str]]:
    """Room and name of every public class and function; what is data has no docstring. PyTorch's room needs PyTorch."""
    there = [room for room in lg.ROOMS if room != "torch" or importlib.util.find_spec("torch")]
    rooms = {room: importlib.import_module(f"llgrad.{room}") for room in there}
    return [(room, name) for room in rooms for name in rooms[room].__all__ if callable(getattr(rooms[room], name))]


def has_example(room: str, name: str) -> bool:
    """Whether an example shows a name: in its docstring, in that of a function of its own, or in its room's."""
    module = importlib.import_module(f"llgrad.{room}")
    value = getattr(module, name)
    parts = [member for key, member in vars(value).items() if key[:1] != "_"] if inspect.isclass(value) else []
    parts = [getattr(part, "__func__", part) for part in parts]
    own = [value, *(part for part in parts if inspect.isfunction(part) or isinstance(part, property))]
    if any(">>> " in (part.__doc__ or "") for part in own):
        return True
    shown = [line for line in inspect.getdoc(module).splitlines() if line.startswith((">>> ", "... "))]
    return any(f"lg.{room}.{name}(" in line for line in shown)


def test_every_public_name_has_an_example_that_runs():
    names = public_names()
    assert len(names) > 300
    assert [f"lg.{room}.{name}" for room, name in names if not has_example(room, name)] == []


def test_a_name_without_an_example_is_seen(monkeypatch):
    assert has_example("systems", "vector")  # in its room's
    monkeypatch.setattr(lg.devices.Ellipse, "__doc__", "An ellipse.")
    assert not has_example("devices", "Ellipse")


def test_a_wrong_example_is_reported():
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert "Expected:\n    3\nGot:\n    2" in failures(test)
