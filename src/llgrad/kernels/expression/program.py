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
    carries: bool = False
    """Whether the second half of the state is a tangent of the first, which unit vectors are in."""

    @property
    def bare(self) -> int:
        """Number of components of the state, without those of a tangent."""
        return len(self.state) // (1 + self.carries)

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

    def columns(self, wanted: Sequence[int]) -> Callable[..., list[Any]]:
        """(arguments…) → derivatives of the slope by each component of the state and by each wanted argument, one after
        the other.
        """
        count, kind = len(self.state) + len(wanted), np.dtype(self.dtype).type
        push = self.push_forward(wanted)

        def columns(*scalars: Any) -> list[Any]:
            return [value for j in range(count) for value in push(*scalars, *(kind(i == j) for i in range(count)))]

        return columns

    def duals(self, wanted: Sequence[str]) -> dict[str, str]:
        """By the names of the initial state and of what is wanted, those of their tangents in `with_tangents`."""
        found = {start: f"{start}_t" for start in self.starts}
        found |= {name: f"{name}_t" for name in self.channels if name in wanted}
        for kind, names in (("p", self.names), ("table", tuple(self.tables))):
            some = [name for name in names if name in wanted]
            found |= {name: f"{kind}{len(names) + place}" for place, name in enumerate(some)}
        return found

    def with_tangents(self, wanted: Sequence[str]) -> Program:
        """Its state together with a tangent of it, as one state: dy/dt = f(y, p), dv/dt = (∂f/∂y) v + (∂f/∂p) q.

        The tangents q of the wanted parameters, channels and tables are parameters, channels and tables too. A member
        of an array emits those of what it emits as well, and receives those of what it receives. `digest` is that of
        this program.
        """
        size, duals = len(self.state), self.duals(wanted)
        channels, tables = (tuple(name for name in names if name in wanted) for names in (self.channels, self.tables))
        received = {name: f"{name}_t" for name in self.mixed}
        duals |= received

        def pushed(program: Program, doubled: Program, moved: Sequence[str]) -> Slope:
            """A function of one program and its tangent, as a function of the other's arguments."""
            names, places = doubled.arguments, [program.arguments.index(name) for name in moved]

            def function(*scalars: Any) -> list[Any]:
                given = dict(zip(names, scalars, strict=True))
                tangents = [*scalars[size : 2 * size], *(given[duals[name]] for name in moved)]
                own = [given[name] for name in program.arguments]
                slope, values, _ = _of_wanted(program.function, size, len(own), places, own)
                found, along = jax.jvp(slope, values, tangents)
                return [*found, *along]

            return function

        doubled = replace(
            self,
            state=(*self.state, *(f"{name}_t" for name in self.state)),
            channels=(*self.channels, *(duals[name] for name in channels)),
            mixed=(*self.mixed, *received.values()),
            emits=2 * self.emits,
            parameters=self.parameters + sum(name in wanted for name in self.names),
            sizes=(*self.sizes, *(self.tables[name] for name in tables)),
            title=f"the tangent of {self.title}",
            carries=True,
        )
        moved = [name for name in (*self.varied, *self.mixed) if name in wanted or name in received]
        emitting = [name for name in moved if name in self.of_emission.arguments]
        return replace(
            doubled,
            function=pushed(self, doubled, moved),
            emission=pushed(self.of_emission, doubled.of_emission, emitting) if self.emits else self.emission,
        )

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
