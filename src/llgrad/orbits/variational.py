"""The variational equation: a state together with tangents to it, as an equation of its own.

Its derivatives are the second derivatives of a run. Every engine integrates it like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax

from llgrad.devices.system import Layout


class Derived(eqx.Module):
    """An equation that is made of another, and has its inputs."""

    equation: Any

    @property
    def channels(self) -> tuple[str, ...]:
        """What a drive can act on."""
        return self.equation.channels

    @property
    def timed(self) -> bool:
        """Whether the slope depends on the time."""
        return self.equation.timed

    @property
    def uses_time(self) -> bool:
        """Whether kernels take the time as a channel."""
        return self.equation.uses_time

    @property
    def for_one(self) -> bool:
        """Whether it is written for one member of an array."""
        return self.equation.for_one

    @property
    def mixed(self) -> tuple[str, ...]:
        """Names of what is received from others."""
        return self.equation.mixed

    @property
    def normals(self) -> tuple[str, ...]:
        """Names of the random numbers of a step."""
        return self.equation.normals

    def emitted(self, state: Sequence[Any]) -> list[Any]:
        """What others receive."""
        return self.equation.emitted(state[: len(self.equation.layout.names)])


class Variational(Derived):
    """dy/dt = f(y), dv_k/dt = (∂f/∂y) v_k for k < `directions`: the components of y, then those of v_0, v_1, …

    The unit vectors of y are brought back on the sphere. A tangent needs no such care: one that begins along the sphere
    stays along it, for f does.
    """

    directions: int = eqx.field(static=True)

    @property
    def layout(self) -> Layout:
        """The components of state and tangents."""
        names, spins = self.equation.layout
        return Layout((*names, *(f"{name}_{k}" for k in range(self.directions) for name in names)), spins)

    def slope(self, state: Sequence[Any], given: Mapping[str, Any], sigma: Any = None) -> list[Any]:
        """d/dt [1/ns] of state and tangents."""
        size = len(state) // (1 + self.directions)

        def rate(*values: Any) -> tuple[Any, ...]:
            return tuple(self.equation.slope(values, given, sigma))

        found, push = jax.linearize(rate, *state[:size])
        rates = list(found)
        for k in range(1, self.directions + 1):
            rates += push(*state[size * k : size * (k + 1)])
        return rates
