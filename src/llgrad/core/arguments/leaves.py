"""What the numbers of a record become when it is made: floats, arrays and vectors, whatever they were given as."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from llgrad.core.arguments.arrays import array_of, is_foreign
from llgrad.core.vector import Vec3


def is_concrete(value: Any) -> bool:
    """Whether a leaf has a value now (it is a number or an array, not a tracer or a placeholder)."""
    return isinstance(value, (float, int, np.ndarray, np.generic)) or (
        isinstance(value, jax.Array) and not isinstance(value, Tracer)
    )


def given(convert: Callable[[Any], Any], what: str) -> Callable[[Any], Any]:
    """A conversion of what must be given: None is none."""

    def converted(value: Any) -> Any:
        if value is None:
            raise ValueError(f"expected {what}, got None; give it in SI units, or leave it out for its default")
        return convert(value)

    return converted


def as_leaf(value: Any) -> Any:
    """Numbers become Python floats, sequences become arrays; vectors, tracers and placeholders pass."""
    if isinstance(value, (bool, str)):
        raise ValueError(f"expected a number, got {value!r}; give a number in SI units")
    if isinstance(value, (int, float, np.integer, np.floating)):
        return float(value)
    if isinstance(value, np.ndarray) or (isinstance(value, (list, tuple)) and value):
        array = np.asarray(value, dtype=float)
        return float(array) if array.ndim == 0 else array
    if isinstance(value, jax.Array) and not isinstance(value, Tracer) and jnp.issubdtype(value.dtype, jnp.integer):
        return value.astype(float)
    return as_leaf(array_of(value)) if is_foreign(value) else value


def as_temperature(value: Any) -> Any:
    """A temperature as a leaf; none where it is 0."""
    leaf = as_leaf(value)
    return None if isinstance(leaf, float) and leaf == 0 else leaf


def as_vector(value: Any) -> Any:
    """A Vec3, or anything with three components along its last axis."""
    if isinstance(value, Vec3):
        return Vec3(as_leaf(value.x), as_leaf(value.y), as_leaf(value.z))
    value = array_of(value) if is_foreign(value) else value
    if isinstance(value, (list, tuple)) and len(value) == 3:
        return Vec3(*(as_leaf(component) for component in value))
    if isinstance(value, (np.ndarray, jax.Array)) and value.shape[-1:] == (3,):
        return Vec3(*(as_leaf(value[..., axis]) for axis in range(3)))
    if hasattr(value, "shape") or isinstance(value, (int, float, str, list, tuple)):
        raise ValueError(f"expected a vector of three components, got {value!r}; give (x, y, z)")
    return value


def as_table(value: Any, unit: str, ascending: bool) -> Any:
    """A list of numbers as an array; tracers and placeholders pass."""
    if not isinstance(value, (list, tuple, int, float)) and not hasattr(value, "shape"):
        return value
    array = value if isinstance(value, jax.Array) else np.asarray(value, dtype=float)
    if array.ndim != 1 or array.size < 2:
        raise ValueError(f"a table [{unit}] of the shape {array.shape}, expected a list of two numbers or more")
    if not is_concrete(array):
        return array
    numbers = np.asarray(array, dtype=float)
    if not np.isfinite(numbers).all():
        raise ValueError(f"number {int(np.argmin(np.isfinite(numbers)))} of a table [{unit}] is not finite")
    if ascending and (np.diff(numbers) <= 0).any():
        place = int(np.argmax(np.diff(numbers) <= 0))
        raise ValueError(
            f"a table [{unit}] goes from {numbers[place]:g} to {numbers[place + 1]:g} at its numbers {place} and "
            f"{place + 1}, expected an ascending one; sort it, and what belongs to it alike"
        )
    return numbers if isinstance(value, (list, tuple)) else array
