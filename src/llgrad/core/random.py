"""Random numbers that are a pure function of (key, lane, step): nothing is stored, and every engine gets the same.

Threefry-2x32 with 20 rounds: J. K. Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, SC11 (2011).
"""

from __future__ import annotations

import math
from typing import Any, Final

import jax
import jax.numpy as jnp

from llgrad.core.speed.namespace import namespace
from llgrad.core.vector import Vec3

_ROTATIONS: Final = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY: Final = 0x1BD11BDA


def checked_key(key: Any, name: str = "key") -> Any:
    """A key of `jax.random`. Raises ValueError for anything else, such as a seed.

    >>> checked_key(0)
    Traceback (most recent call last):
        ...
    ValueError: key = 0, expected a key for random numbers; give key=jax.random.key(0)
    """
    try:
        jax.random.key_data(key)
    except TypeError:
        raise ValueError(
            f"{name} = {key!r}, expected a key for random numbers; give {name}=jax.random.key(0)"
        ) from None
    return key


def key_words(key: Any) -> tuple[Any, Any]:
    """The two 32-bit words of a JAX key. Keys of wider generators are folded to two words by exclusive or."""
    data = jax.random.key_data(key)
    words = namespace(data).asarray(data, jnp.uint32).reshape(-1, 2)
    first, second = words[0, 0], words[0, 1]
    for row in range(1, words.shape[0]):
        first, second = first ^ words[row, 0], second ^ words[row, 1]
    return jnp.asarray(first), jnp.asarray(second)


def threefry2x32(key0: Any, key1: Any, counter0: Any, counter1: Any) -> tuple[Any, Any]:
    """Two random 32-bit words from two key words and two counter words (all uint32, elementwise)."""
    keys = (key0, key1, key0 ^ key1 ^ jnp.uint32(_PARITY))
    x0, x1 = counter0 + keys[0], counter1 + keys[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = (x1 << jnp.uint32(rotation)) | (x1 >> jnp.uint32(32 - rotation))
            x1 = x0 ^ x1
        x0 = x0 + keys[(group + 1) % 3]
        x1 = x1 + keys[(group + 2) % 3] + jnp.uint32(group + 1)
    return x0, x1


def normals(key0: Any, key1: Any, lane: Any, step: Any, dtype: Any) -> Vec3:
    """Three independent standard normal numbers for each (lane, step): the thermal field's direction and size.

    Box–Muller on two Threefry blocks; float32 and float64 give the same numbers to rounding. `lane` and `step` are
    uint32,
    `step` below 2³¹.
    """
    twice = step + step
    a0, a1 = threefry2x32(key0, key1, lane, twice)
    b0, b1 = threefry2x32(key0, key1, lane, twice + jnp.uint32(1))
    radius_a, radius_b = _radius(a0, dtype), _radius(b0, dtype)
    angle_a, angle_b = _angle(a1, dtype), _angle(b1, dtype)
    return Vec3(radius_a * jnp.cos(angle_a), radius_a * jnp.sin(angle_a), radius_b * jnp.cos(angle_b))


BLOCK: Final = 1 << 28
"""Lanes are below this number, so that lanes from its multiples on give further numbers of a step."""
MOST: Final = 16
"""So many times three numbers there are of each step."""


def many_normals(key0: Any, key1: Any, lane: Any, step: Any, dtype: Any, count: int) -> list[Any]:
    """`count` independent standard normal numbers for each (lane, step); the first three are those of `normals`."""
    found = []
    for block in range(-(-count // 3)):
        three = normals(key0, key1, lane + jnp.uint32(block * BLOCK) if block else lane, step, dtype)
        found += [three.x, three.y, three.z]
    return found[:count]


def _radius(bits: Any, dtype: Any) -> Any:
    uniform = bits.astype(dtype) * jnp.asarray(2.0**-32, dtype) + jnp.asarray(2.0**-33, dtype)
    return jnp.sqrt(jnp.asarray(-2.0, dtype) * jnp.log(uniform))


def _angle(bits: Any, dtype: Any) -> Any:
    return bits.astype(dtype) * jnp.asarray(math.tau * 2.0**-32, dtype)
