"""Arguments that are numbers, checked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def checked_number(name: str, value: Any, *, low: float = -math.inf, whole: bool = False, expected: str = "") -> Any:
    """A finite number of at least `low`.

    >>> checked_number("hold", 2.0, low=1, whole=True)
    2
    """
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < low or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise ValueError(
            f"{name} = {value!r}, expected {expected or kind + (f' of at least {low:g}' * (low > -1e300))}"
        )
    return int(value) if whole else float(value)
