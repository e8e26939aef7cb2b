"""Arguments under another program's names: which there are, which is meant, and what is refused."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def named(function: str, values: Callable[..., Any], given: Mapping[str, Any], aliases: Mapping[str, str]) -> Any:
    """`values(**given)`, with each name as the other program spells it, in any case where no two differ by case alone.

    Raises ValueError for a name that is not known, that comes twice, or that is missing.
    """
    known = inspect.signature(values).parameters
    folded = {name.casefold(): name for name in known}
    found: dict[str, Any] = {}
    for name, value in given.items():
        meant = name if name in known else folded.get(name.casefold(), aliases.get(name, ""))
        if meant not in known:
            near = difflib.get_close_matches(name, known, n=1)
            advice = meant or (f"did you mean {near[0]!r}?" if near else "")
            raise ValueError(f"{function} has no argument {name!r}; {advice} it takes {', '.join(known)}")
        if meant in found:
            raise ValueError(f"{function}: {meant} is given twice, as {name!r} too; give it once")
        found[meant] = value
    missing = [name for name, p in known.items() if p.default is inspect.Parameter.empty and name not in found]
    if missing:
        raise ValueError(f"{function} needs {', '.join(missing)}; its arguments are {', '.join(known)}")
    return values(**found)


def vector_of(name: str, value: Any) -> np.ndarray:
    """The three components of a vector argument."""
    array = np.asarray(getattr(value, "stack", lambda: value)(), dtype=float)
    if array.shape != (3,) or not np.isfinite(array).all():
        raise ValueError(f"{name} = {value!r}, expected three finite components (x, y, z)")
    return array


def direction_of(name: str, value: Any, program: str) -> tuple[float, float, float]:
    """The unit vector along a vector argument."""
    array = vector_of(name, value)
    length = float(np.linalg.norm(array))
    if length == 0:
        raise ValueError(f"{name} = (0, 0, 0), with which {program} has no torque at all; give its direction")
    return tuple(float(component) / length for component in array)  # type: ignore[return-value]


def check_axis(name: str, value: Any, field: str) -> None:
    """Raise ValueError unless the easy axis lies along z, which is where llgrad's H_k is."""
    array = vector_of(name, value)
    if array[2] == 0 or array[0] != 0 or array[1] != 0:
        raise ValueError(
            f"{name} = {value!r}: the record's anisotropy lies along z; for another axis leave the constants out "
            f"and give terms=(lg.physics.UniaxialAnisotropy(H_k={field}, axis=…),)"
        )
