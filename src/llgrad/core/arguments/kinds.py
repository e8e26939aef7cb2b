"""Arguments that are objects: a run where a device belongs, or the other way round, is refused in a sentence."""

from __future__ import annotations

import os
import pathlib
from typing import Any


def check_kind(name: str, value: Any, kind: type | tuple[type, ...], how: str) -> None:
    """Raise ValueError for an argument `name` that is none of the kinds; `how` says what to give instead.

    >>> check_kind("run", 3.0, dict, "give what made it")
    Traceback (most recent call last):
        ...
    ValueError: run is a float, expected a dict; give what made it
    """
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise ValueError(wrong_kind(name, value, " or ".join(with_article(one.__name__) for one in kinds), how))


def check_parts(name: str, value: Any, parts: tuple[str, ...], expected: str) -> None:
    """Raise ValueError for an argument without the attributes that are drawn of it."""
    if not all(hasattr(value, part) for part in parts):
        raise ValueError(wrong_kind(name, value, expected, "give that"))


def checked_path(name: str, value: Any) -> pathlib.Path:
    """A path. Raises ValueError for anything else, such as what is to be written there."""
    if not isinstance(value, (str, os.PathLike)):
        raise ValueError(wrong_kind(name, value, "the path of a file", 'give a string, such as "name.csv", or a Path'))
    return pathlib.Path(value)


def wrong_kind(name: str, value: Any, expected: str, how: str) -> str:
    """The sentence about an argument of another kind."""
    got = "None" if value is None else with_article(type(value).__name__)
    return f"{name} is {got}, expected {expected}; {how}"


def counted(count: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "row"), counted(0, "row")
    ('1 row', '0 rows')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def with_article(word: str) -> str:
    """The word with a or an."""
    return f"{'an' if word[:1].lower() in 'aeio' else 'a'} {word}"
