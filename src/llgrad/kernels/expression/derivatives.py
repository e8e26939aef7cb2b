"""The push-forward and the pull-back of a program, as functions of scalars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

Slope = Callable[..., list[Any]]


def pull_back_of(function: Slope, state: int, total: int, wanted: Sequence[int]) -> Slope:
    """(arguments…, cotangents of the slope) → cotangents of the state, the first `state` of the `total` arguments, and
    of the wanted ones.
    """

    def pull_back(*scalars: Any) -> list[Any]:
        slope, values, cotangents = _of_wanted(function, state, total, wanted, scalars)
        return list(jax.vjp(slope, *values)[1](cotangents))

    return pull_back


def push_forward_of(function: Slope, state: int, total: int, wanted: Sequence[int]) -> Slope:
    """(arguments…, tangents of the state and of the wanted ones of the `total` arguments) → tangent of the slope."""

    def push_forward(*scalars: Any) -> list[Any]:
        slope, values, tangents = _of_wanted(function, state, total, wanted, scalars)
        return list(jax.jvp(slope, values, tangents)[1])

    return push_forward


def _of_wanted(
    function: Slope, state: int, total: int, wanted: Sequence[int], scalars: Sequence[Any]
) -> tuple[Slope, list[Any], list[Any]]:
    """The slope as a function of the state and the wanted arguments alone, their values, and the scalars after the
    arguments.
    """
    given, places = list(scalars[:total]), [*range(state), *wanted]

    def slope(*values: Any) -> list[Any]:
        filled = list(given)
        for place, value in zip(places, values, strict=True):
            filled[place] = value
        return function(*filled)

    return slope, [given[place] for place in places], list(scalars[total:])
