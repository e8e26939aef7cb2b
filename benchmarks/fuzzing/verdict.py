"""What a reader may do with a damaged file: refuse it in a sentence, or give what is finite."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

LONGEST = 1500


def fault_of(result: Any) -> str | None:
    """What is wrong with an exception that a reader raised, or with what it gave; None where nothing is."""
    if isinstance(result, Exception):
        text = str(result)
        if not isinstance(result, ValueError):
            return f"{type(result).__name__}: {text[:200]}"
        if not text.strip() or "\n" in text or "\r" in text or len(text) > LONGEST:
            return f"no sentence, but {text[:200]!r} of {len(text)} signs"
        return None
    for where, array in arrays_of(result):
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            return f"{type(result).__name__}{where} is not finite"
    return None


def arrays_of(value: Any, where: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Every number and array in a result, with its place."""
    if isinstance(value, (float, complex, np.ndarray, np.generic, jax.Array)):
        yield where, np.asarray(value)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from arrays_of(one, f"{where}[{key!r}]")
    elif isinstance(value, (tuple, list)):
        for index, one in enumerate(value):
            yield from arrays_of(one, f"{where}[{index}]")
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from arrays_of(getattr(value, field.name), f"{where}.{field.name}")
