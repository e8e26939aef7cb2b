"""A Touchstone file taken apart: its option line, its keywords, its rows of numbers.

Source: Touchstone File Format Specification, version 2.1, IBIS Open Forum, 2024 (versions 1.0, 1.1, 2.0 and 2.1).
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Final, NamedTuple

from llgrad.datasets.tables.layout import text_of

UNITS: Final = {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9}
PARAMETERS: Final = ("s", "y", "z", "g", "h")
FORMATS: Final = ("ma", "db", "ri")
KEYWORDS: Final = (
    "version",
    "number of ports",
    "two-port data order",
    "number of frequencies",
    "number of noise frequencies",
    "reference",
    "matrix format",
    "mixed-mode order",
    "network data",
    "noise data",
    "begin information",
    "end information",
    "end",
)
_KEYWORD: Final = re.compile(r"\[\s*([^\]]*?)\s*\]\s*(.*)")
_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)

Row = tuple[int, list[float]]
"""The number of a line, from 1, and the numbers in it."""


class Options(NamedTuple):
    """What the option line says, or what it leaves to the defaults of the format."""

    unit: str = "ghz"
    parameter: str = "s"
    form: str = "ma"
    reference: tuple[float, ...] = (50.0,)


class TouchstoneText(NamedTuple):
    """A file taken apart, before its numbers are put together."""

    options: Options
    said: dict[str, str]
    """What stands behind a keyword of version 2, by the keyword in lower case."""
    rows: list[Row]
    notes: tuple[str, ...]

    @property
    def version(self) -> int:
        """1, or 2 where the file says so."""
        return 2 if self.said.get("version", "1").startswith("2") else 1


def parts_of(path: Path) -> TouchstoneText:
    """Take a file apart. Raises ValueError, in one sentence that names file and line, for what is no Touchstone."""
    options, said, rows, notes = None, {}, [], []
    key, skipping = "", False
    for number, line in enumerate(text_of(path).splitlines(), start=1):
        body, mark, note = line.partition("!")
        if mark and note.strip():
            notes.append(note.strip())
        body = body.strip()
        if (match := _KEYWORD.match(body)) is not None:
            key = _keyword(path, number, match[1])
            said[key] = match[2].strip()
            skipping = key in ("begin information", "noise data", "end")
        elif skipping or not body:
            continue
        elif body.startswith("#"):
            options = options or options_of(path, number, body)  # the format lets later ones pass
        elif key == "reference":
            said[key] = f"{said[key]} {body}".strip()
        else:
            rows.append((number, _numbers(path, number, body)))
    if not rows:
        raise ValueError(f"{path} has no rows of network parameters; expected lines such as '5.0 0.9 -12'")
    return TouchstoneText(options or Options(), said, rows, tuple(notes))


def options_of(path: Path, number: int, line: str) -> Options:
    """The option line `# unit parameter format R ohms`, its words in any order, each of which may be missing.

    >>> options_of(Path("line.s1p"), 1, "# MHz R 75")
    Options(unit='mhz', parameter='s', form='ma', reference=(75.0,))
    """
    words = line.lstrip("#").lower().split()
    found: dict[str, str] = {}
    reference: tuple[float, ...] = ()
    while words:
        word = words.pop(0)
        kind = next(
            (k for k, known in (("unit", UNITS), ("parameter", PARAMETERS), ("form", FORMATS)) if word in known), ""
        )
        if word == "r" and not reference:
            while words and _NUMBER.fullmatch(words[0]):
                reference += (float(words.pop(0)),)
            if not reference or not all(0 < ohms < math.inf for ohms in reference):
                raise ValueError(f"{path}, line {number}: R stands without a positive resistance, as in 'R 50'")
        elif kind and kind not in found:
            found[kind] = word
        else:
            what = "stands there twice" if kind or word == "r" else "is no word of it"
            raise ValueError(
                f"{path}, line {number}: in the option line, {word[:40]!r} {what}; expected '# GHz S MA R 50'"
            )
    return Options()._replace(**found, reference=reference or Options().reference)


def positive_integer(path: Path, said: dict[str, str], key: str) -> int | None:
    """The number behind a keyword; None where it is not there."""
    if key not in said:
        return None
    if not said[key].isdecimal() or int(said[key]) < 1:
        raise ValueError(f"{path}: [{key.title()}] {said[key]!r} is not a positive whole number; mend the file")
    return int(said[key])


def numbers_behind(path: Path, said: dict[str, str], key: str) -> list[float]:
    """The numbers behind a keyword."""
    return _numbers(path, 0, said[key])


def _keyword(path: Path, number: int, written: str) -> str:
    key = " ".join(written.lower().split())
    if key not in KEYWORDS:
        raise ValueError(f"{path}, line {number}: [{written}] is no keyword of a Touchstone file; mend the line")
    return key


def _numbers(path: Path, number: int, body: str) -> list[float]:
    where = f"{path}, line {number}" if number else f"{path}"
    values = []
    for cell in body.split():
        value = float(cell) if _NUMBER.fullmatch(cell) else math.nan
        if not math.isfinite(value):
            raise ValueError(f"{where}: {cell[:40]!r} is not a finite number; mend or remove the frequency")
        values.append(value)
    return values
