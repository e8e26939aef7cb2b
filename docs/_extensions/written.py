"""Pages that nobody writes by hand: the gallery, of examples/, and the reference, of the rooms of llgrad.

Docstrings here are plain text with `code`, lists and indented blocks, not reStructuredText: what that would read as
markup is escaped before Sphinx sees it.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import importlib.util
import inspect
import pathlib
import re
from collections.abc import Iterator
from typing import Any

from sphinx.ext.autodoc.mock import mock

DOCS = pathlib.Path(__file__).parents[1]
EXAMPLES = DOCS.parent / "examples"
TOOLS = ("make_teacher_trace",)
"""Examples that write what the others read: they answer no question."""
ABSENT = [] if importlib.util.find_spec("torch") else ["torch"]
"""What the reference describes without it."""
NOTEBOOK = """---
jupytext:
  text_representation:
    format_name: myst
kernelspec:
  name: python3
---
"""


def setup(app: Any) -> dict[str, Any]:
    """Sphinx calls this."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", as_restructured_text)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app: Any) -> None:
    """Write docs/gallery and docs/reference anew."""
    gallery = {path.stem: gallery_page(path) for path in sorted(EXAMPLES.glob("*.py")) if path.stem not in TOOLS}
    _write(DOCS / "gallery", gallery | {"index": gallery_index(gallery)})
    reference = {name: room_page(name) for name in room_names()}
    _write(DOCS / "reference", reference | {"index": reference_index(list(reference))})


def _write(folder: pathlib.Path, pages: dict[str, str]) -> None:
    """Write pages into a folder; one that has not changed keeps its time, so that Sphinx need not read it again."""
    folder.mkdir(exist_ok=True)
    for stale in {path.stem for path in folder.glob("*.md")} - set(pages):
        (folder / f"{stale}.md").unlink()
    for name, text in pages.items():
        file = folder / f"{name}.md"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def gallery_page(path: pathlib.Path) -> str:
    """An example as a page: its question, what to expect, the program, and what it prints here."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    question, _, rest = (ast.get_docstring(tree) or "").partition("\n")
    runs = not path.stem.startswith("torch_") or not ABSENT
    code = "".join(source.splitlines(keepends=True)[tree.body[0].end_lineno :]).strip()
    return f"{NOTEBOOK}# {question.strip()}\n\n{rest.strip()}\n\n```python\n{code}\n```\n\n" + (
        f"`python examples/{path.name}` prints:\n\n"
        f"```{{code-cell}}\n:tags: [remove-input]\n\n%run ../../examples/{path.name}\n```\n"
        if runs
        else f"It is run where there is PyTorch: `python examples/{path.name}`.\n"
    )


def gallery_index(pages: dict[str, str]) -> str:
    """The gallery's list of questions."""
    names = "\n".join(pages)
    return (
        "# Gallery\nEach example asks a question, says the number to expect, and answers it as it runs here.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    )


def room_names() -> list[str]:
    """The rooms of llgrad, as its own table says."""
    return list(importlib.import_module("llgrad").ROOMS)


def room_page(name: str) -> str:
    """The reference of one room: what it is for, a list of its names, then each name in full."""
    with mock(ABSENT) if name == "torch" else contextlib.nullcontext():
        return _room_page(name, importlib.import_module(f"llgrad.{name}"))


def _room_page(name: str, room: Any) -> str:
    about = inspect.getdoc(room) or ""
    names = sorted(room.__all__, key=str.lower)
    rows = "\n".join(f"| [`{one}`](#llgrad.{name}.{one}) | {_first_line(getattr(room, one))} |" for one in names)
    head = f"# llgrad.{name}\n{about}\n\n| name | what it is |\n|---|---|\n{rows}\n\n"
    if name == "plot":
        shown = (f"```{{eval-rst}}\n{_directive(name, one, getattr(room, one))}```\n" + picture(one) for one in names)
        return (
            NOTEBOOK
            + head
            + _cell("%matplotlib inline\nimport os, tempfile\nos.chdir(tempfile.mkdtemp())")
            + "".join(shown)
        )
    parts = "\n".join(_directive(name, one, getattr(room, one)) for one in names)
    return head + f"```{{eval-rst}}\n{parts}\n```\n"


def _cell(code: str) -> str:
    return f"```{{code-cell}}\n:tags: [remove-input]\n\n{code}\n```\n"


def picture(name: str) -> str:
    """A cell that draws what the example in the docstring of `lg.plot.name` draws; empty where it draws nothing."""
    room = importlib.import_module("llgrad.plot")
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(getattr(room, name)) or "")
    code = "".join(example.source for example in examples)
    tree = ast.parse(code)
    for statement in tree.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"lg.plot.{name}":
                before = "".join(code.splitlines(keepends=True)[: statement.lineno - 1])
                return _cell(before + ast.unparse(node)) if _draws(getattr(room, name)) else ""
    return ""


def _draws(value: Any) -> bool:
    return inspect.signature(value).return_annotation in ("Figure", "plt.Figure")


def _first_line(value: Any) -> str:
    return (inspect.getdoc(value) or "").partition("\n")[0].replace("|", "\\|")


def _directive(room: str, name: str, value: Any) -> str:
    if inspect.isclass(value):
        return f".. autoclass:: llgrad.{room}.{name}\n   :members:\n"
    if callable(value):
        return f".. autofunction:: llgrad.{room}.{name}\n"
    return f".. py:data:: llgrad.{room}.{name}\n\n   A constant of type {type(value).__name__}.\n"


def reference_index(rooms: list[str]) -> str:
    """The reference's list of rooms."""
    lines = "\n".join(rooms)
    return f"# Reference\nEvery public name, room by room.\n\n```{{toctree}}\n:maxdepth: 1\n\n{lines}\n```\n"


MARKUP = re.compile(r"([*|\\])|(?<=\w)(_)(?=\W|$)")
SECTIONS = ("Args:", "Returns:", "Raises:", "Examples:", "Attributes:", "Yields:")


def as_restructured_text(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Escape what reStructuredText would take for markup, outside of `code` and of examples."""
    lines[:] = list(_escaped(lines))


def _escaped(lines: list[str]) -> Iterator[str]:
    example = inside = False
    for line in lines:
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        inside = inside and bool(line.strip())  # `code` may go on in the next line, not in the next paragraph
        if example:
            yield line
            continue
        written = ""
        for i, piece in enumerate(line.split("`")):
            if i:
                inside = not inside
                # A backtick stands beside a blank or an escaped one: "`Layer`s" would be no code.
                written += "\\ `" if inside and written[-1:].strip() else "`"
                written += "\\ " if not inside and piece[:1].strip() else ""
            written += piece if inside else MARKUP.sub(r"\\\1\2", piece)
        yield written
