"""llms.txt: the site's pages as plain text, for programs, in the form of llmstxt.org."""

from __future__ import annotations

import pathlib
import re
from typing import Any

SECTIONS = {
    "start": "Start",
    "users": "Start",
    "for_programs": "Start",
    "how_to": "How do I …?",
    "gallery": "Examples",
    "theory": "Theory",
    "conventions": "Theory",
    "not_there": "Theory",
    "reference": "Reference",
    "changes": "Reference",
}
"""Heading of each folder, or page, of docs/."""
HEAD = """# llgrad

> Simulates spin-torque oscillators and any other oscillator, differentiates through the dynamics, and finds parameters
> from data. Python on JAX, and a command.

In an installation `llgrad guide` prints a short guide of its version, and `llgrad guide NAME` the docstring of any
public name."""
MOST = 200
"""Letters of what is said of a page."""


def setup(app: Any) -> dict[str, Any]:
    """Sphinx calls this."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write(app: Any, failed: Exception | None) -> None:
    """Write llms.txt beside the site's index."""
    if failed is None:
        titles = {name: node.astext() for name, node in app.env.titles.items()}
        (pathlib.Path(app.outdir) / "llms.txt").write_text(text_of(app.srcdir, titles), encoding="utf-8")


def text_of(folder: Any, titles: dict[str, str]) -> str:
    """The list of pages by section, each with its plain text and its first words."""
    sections: dict[str, list[str]] = {heading: [] for heading in SECTIONS.values()}
    for name in sorted(titles):
        if name == "index" or name.endswith("/index"):
            continue
        source = (pathlib.Path(folder) / f"{name}.md").read_text(encoding="utf-8")
        said = first_words(source)
        line = f"- [{titles[name]}](_sources/{name}.md.txt)" + (f": {said}" if said else "")
        sections[SECTIONS[name.partition("/")[0]]].append(line)
    parts = [f"## {heading}\n\n" + "\n".join(lines) for heading, lines in sections.items() if lines]
    return "\n\n".join([HEAD, *parts]) + "\n"


def first_words(source: str) -> str:
    """The first sentence of a page, without its markup; empty where it begins with code or a table."""
    body = re.sub(r"\A---\n.*?\n---\n", "", source, flags=re.DOTALL)
    body = re.sub(r"\A\s*# [^\n]*\n", "", body).lstrip()
    if not body or body[0] in "`|#:<":
        return ""
    paragraph = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(body.split("\n\n")[0].split()))
    sentence = re.match(r".{30,}?[.?](?= |$)", paragraph)
    said = sentence.group() if sentence else paragraph
    return said if len(said) <= MOST else said[:MOST].rsplit(" ", 1)[0] + " …"
