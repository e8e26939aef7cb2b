"""The shape of the source: one idea a file, short functions, and nothing that has no place there."""

import ast
import pathlib
import re
from collections import Counter

import pytest

SRC = pathlib.Path(__file__).parents[2] / "src"
FILES = sorted(SRC.rglob("*.py"))

LONGEST_FILE = 400
LONGEST_FUNCTION = 50

# "llgrad/folder/file.py:function": "why it is better whole"
LONG_FUNCTIONS: dict[str, str] = {
    "llgrad/cli/fit.py:fit": "its length is the list of options that typer reads from the signature",
    "llgrad/cli/states/optimise.py:optimise": "its length is the list of options that typer reads from the signature",
    "llgrad/cli/networks/train.py:train": "its length is the list of options that typer reads from the signature",
}

PICKLES = {"pickle", "cPickle", "_pickle", "shelve", "dill", "cloudpickle", "joblib", "marshal"}


def relative(path: pathlib.Path) -> str:
    return path.relative_to(SRC).as_posix()


def number_of_lines(path: pathlib.Path) -> int:
    return len(path.read_text().splitlines())


def long_functions(tree: ast.AST) -> dict[str, int]:
    """Name and length, without the docstring, of every function that is too long."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            length = node.end_lineno - node.lineno + 1 - (docstring.count("\n") + 1 if docstring else 0)
            if length > LONGEST_FUNCTION:
                found[node.name] = length
    return found


def imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def swallows_everything(handler: ast.ExceptHandler) -> bool:
    broad = handler.type is None or getattr(handler.type, "id", "") in ("Exception", "BaseException")
    return broad and all(isinstance(line, ast.Pass | ast.Continue) for line in handler.body)


def out_of_place(tree: ast.AST) -> list[str]:
    """What must not stand in the library: assertions, pickles, star imports, swallowed exceptions."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            found.append(f"{node.lineno}: assert; a user's mistake deserves a sentence")
        if any(name.split(".")[0] in PICKLES for name in imported_names(node)):
            found.append(f"{node.lineno}: pickle; no file of ours may run code when it is read")
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            found.append(f"{node.lineno}: star import")
        if isinstance(node, ast.Global):
            found.append(f"{node.lineno}: global statement")
        if isinstance(node, ast.ExceptHandler) and swallows_everything(node):
            found.append(f"{node.lineno}: every exception is swallowed")
    return found


def test_no_file_is_long():
    assert [
        f"{relative(path)}: {number_of_lines(path)}" for path in FILES if number_of_lines(path) > LONGEST_FILE
    ] == []


def test_each_file_says_what_it_is_about_and_no_two_say_the_same():
    """Where a stranger looks for an idea, there is one file, and its first line names it."""
    first = {path: (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0] for path in FILES}
    assert [relative(path) for path, line in first.items() if not line] == []
    said = Counter(first.values())
    assert [f"{relative(path)}: {line}" for path, line in first.items() if said[line] > 1] == []


def test_no_function_is_long():
    found = {}
    for path in FILES:
        for name, length in long_functions(ast.parse(path.read_text())).items():
            found[f"{relative(path)}:{name}"] = length
    assert {name: length for name, length in found.items() if name not in LONG_FUNCTIONS} == {}
    assert [name for name in LONG_FUNCTIONS if name not in found] == [], "no longer long: remove from the table"
    assert all(LONG_FUNCTIONS.values()), "an exception needs its reason"


def test_every_package_has_an_init():
    folders = {path.parent for path in FILES}
    assert [relative(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_nothing_is_out_of_place():
    assert [f"{relative(path)}:{row}" for path in FILES for row in out_of_place(ast.parse(path.read_text()))] == []


def test_nothing_is_left_to_do():
    unfinished = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    assert [relative(path) for path in FILES if unfinished.search(path.read_text())] == []


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("assert x", "assert"),
        ("import pickle", "pickle"),
        ("from dill.settings import x", "pickle"),
        ("from math import *", "star"),
        ("def f():\n    global x", "global"),
        ("try:\n    f()\nexcept Exception:\n    pass", "swallowed"),
    ],
)
def test_the_checks_can_fail(line, word):
    assert [word in row for row in out_of_place(ast.parse(line))] == [True]


def test_the_length_of_a_function_leaves_out_its_docstring():
    body = "    x = 1\n" * LONGEST_FUNCTION
    assert long_functions(ast.parse(f"def f():\n{body}")) == {"f": LONGEST_FUNCTION + 1}
    assert long_functions(ast.parse('def f():\n    """One.\n\n    Two.\n    """\n' + body[10:])) == {}
