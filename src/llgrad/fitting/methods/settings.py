"""The counts and sizes that a user gives to a search, refused in a sentence where they mean nothing."""

from __future__ import annotations

import math
from typing import Any

from llgrad.core.record import as_count, as_number


def checked_count(name: str, value: Any, least: int) -> int:
    """A whole number, also of NumPy or JAX, as an `int`. Raises ValueError for another, and for one below `least`.

    >>> checked_count("points", 13, 5)
    13
    """
    found = as_count(value)
    if isinstance(found, bool) or not isinstance(found, int) or found < least:
        raise ValueError(f"{name} = {value!r}, expected a whole number, {least} or more")
    return found


def checked_size(name: str, value: Any, below: float = math.inf) -> float:
    """A positive number below a limit, also of NumPy or JAX, as a `float`. Raises ValueError for another.

    >>> checked_size("span", 3, 100.0)
    3.0
    """
    found = as_number(value)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < below:
        limit = "" if below == math.inf else f" below {below:g}"
        raise ValueError(f"{name} = {value!r}, expected a positive number{limit}")
    return float(found)
