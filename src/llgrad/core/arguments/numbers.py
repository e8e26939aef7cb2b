"""Arguments that are numbers: what means nothing is refused in a sentence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from llgrad.core.record import as_count, as_number


def checked_number(name: str, value: Any, *, low: float = -math.inf, whole: bool = False, expected: str = "") -> Any:
    """A finite number of at least `low`, also of NumPy or JAX. Raises ValueError for another.

    >>> checked_number("hold", 2.0, low=1, whole=True)
    2
    """
    found = as_number(value)
    number = isinstance(found, int | float) and not isinstance(found, bool)
    if not number or not math.isfinite(found) or found < low or (whole and found != int(found)):
        kind = "a whole number" if whole else "a number"
        raise ValueError(
            f"{name} = {value!r}, expected {expected or kind + (f' of at least {low:g}' * (low > -1e300))}"
        )
    return int(found) if whole else float(found)


def checked_count(name: str, value: Any, least: int, expected: str = "") -> int:
    """A whole number, also of NumPy or JAX, as an `int`. Raises ValueError for another, and for one below `least`.

    >>> checked_count("points", 13, 5)
    13
    """
    found = as_count(value)
    if isinstance(found, bool) or not isinstance(found, int) or found < least:
        raise ValueError(f"{name} = {value!r}, expected {expected or f'a whole number, {least} or more'}")
    return found


def checked_pair(name: str, value: Any, expected: str) -> tuple[int, int]:
    """Two whole numbers from 1, such as the size of an image. Raises ValueError for what is none.

    >>> checked_pair("shape", [8, 8], "the size (H, W) of an image")
    (8, 8)
    """
    given = tuple(map(as_count, value)) if isinstance(value, (tuple, list, np.ndarray)) else ()
    if len(given) != 2 or any(isinstance(one, bool) or not isinstance(one, int) or one < 1 for one in given):
        raise ValueError(f"{name} = {value!r}, expected {expected}, two whole numbers from 1")
    return given[0], given[1]


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
