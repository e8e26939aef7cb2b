"""A program: a right-hand side as a function of scalars, its push-forward and its pull-back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np

from llgrad.devices.system import TIME

Slope = Callable[..., list[Any]]


@dataclass(frozen=True)
class Program:
    """A right-hand side ready to be compiled: the slope of scalars (the state), inputs of the moment, and hoisted
    parameters.

    Programs are equal where their slopes, push-forwards and pull-backs are: that is what `digest` tells.
    """

    digest: str
    dtype: str
    channels: tuple[str, ...]
    mixed: tuple[str, ...]
    """Names of the numbers that an oscillator of an array receives from the others."""
    emits: int
    """How many numbers it emits."""
    normals: tuple[str, ...]
    """Names of the random numbers of a step."""
    timed: bool
    parameters: int
    state: tuple[str, ...]
    """Names of the components of the state."""
    spins: tuple[tuple[int, int, int], ...]
    """Places of the components of each unit vector."""
    function: Callable[..., list[Any]] = field(compare=False, repr=False)
    """(arguments…) → the slope."""
    emission: Callable[..., list[Any]] = field(compare=False, repr=False)
    """(state and parameters) → what is emitted."""
    title: str = field(default="the equation of motion", compare=False)
    """What a user knows it by."""
    sizes: tuple[int, ...] = ()
    """How many numbers each table has: a parameter that stands in memory."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what changes during a run: drive channels, time, what is received, random numbers."""
        return self.channels + (TIME,) * self.timed + self.mixed + self.normals

    @property
    def coupled(self) -> bool:
        """Whether it is of oscillators that feel each other."""
        return bool(self.mixed)

    @property
    def starts(self) -> tuple[str, ...]:
        """Names of the initial state."""
        return tuple(f"m_{name}" for name in self.state)

    @property
    def noisy(self) -> bool:
        """Whether it has random numbers."""
        return bool(self.normals)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(f"p{index}" for index in range(self.parameters))

    @property
    def tables(self) -> dict[str, int]:
        """The tables among the parameters, by name, and how many numbers each has."""
        return {f"table{index}": size for index, size in enumerate(self.sizes)}

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of all arguments of `function`, in order."""
        return self.state + self.inputs + self.names + tuple(self.tables)

    @property
    def varied(self) -> tuple[str, ...]:
        """Names of what a run is differentiated by beside its initial state, in order."""
        return self.channels + self.names + tuple(self.tables)

    def pull_back(self, wanted: Sequence[int]) -> Callable[..., list[Any]]:
        """(arguments…, cotangents of the slope) → cotangents of the state and of the wanted arguments, by number."""
        return pull_back_of(self.function, len(self.state), len(self.arguments), wanted)

    def push_forward(self, wanted: Sequence[int]) -> Callable[..., list[Any]]:
        """(arguments…, tangents of the state and of the wanted arguments) → tangent of the slope."""
        return push_forward_of(self.function, len(self.state), len(self.arguments), wanted)

    @property
    def of_emission(self) -> Program:
        """The emission as if it were the slope of a state that nothing acts on."""
        return replace(self, channels=(), mixed=(), normals=(), timed=False, function=self.emission)

    def trace(self, function: Callable[..., Any], more: Sequence[str] = ()) -> Any:
        """The jaxpr of a function of the arguments, and of more that are like those of these names."""
        shapes = [(self.tables[name],) if name in self.tables else () for name in (*self.arguments, *more)]
        return jax.make_jaxpr(function)(*(jax.ShapeDtypeStruct(shape, np.dtype(self.dtype)) for shape in shapes))


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
