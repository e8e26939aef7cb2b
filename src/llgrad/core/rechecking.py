"""Checking a record again after numbers inside it were set by their paths."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from llgrad.core.record import Record

Kept = TypeVar("Kept", bound=Record)


def rechecked(record: Kept) -> Kept:
    """A copy that has passed the checks that it was made with, and so have the records in it, from the inside out.

    `set_leaf` puts a number in its place and asks nothing; `record.replace()` asks the outermost record alone. Raises
    ValueError with the path of the record that refuses, such as "layers.1.terms.0".
    """
    return _rechecked(record, "")


def _rechecked(record: Record, path: str) -> Any:
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        value, inner = getattr(record, field.name), f"{path}{field.name}."
        if isinstance(value, Record):
            changes[field.name] = _rechecked(value, inner)
        elif isinstance(value, tuple) and any(isinstance(part, Record) for part in value):
            changes[field.name] = tuple(
                _rechecked(part, f"{inner}{place}.") if isinstance(part, Record) else part
                for place, part in enumerate(value)
            )
    try:
        return record.replace(**changes)
    except ValueError as error:
        where = path.removesuffix(".")
        raise ValueError(f"{where}: {error}" if where else str(error)) from None
