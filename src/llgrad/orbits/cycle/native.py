"""Searches for closed orbits, natively where that can be: `None` where no kernel does it, and JAX has to."""

from __future__ import annotations

from typing import Any

from jax.extend import backend

from llgrad.kernels.steppers import Stepper
from llgrad.solve.native import reason_against_processor


def closed_orbit(equation: Any, states: Any, period: Any, *, stepper: Stepper, inner: int, **ending: Any) -> Any:
    """The closed orbit near N states (N, n) of an equation of one member and a period [ns], as
    `kernels.closing.calls.ClosedOrbit`, without derivatives.

    Args:
        equation: of one member.
        states: round the orbit.
        period: a guess of it.
        stepper: what takes the steps.
        inner: how many from a state to the next.
        ending: of `kernels.closing.newton.ClosingLimits`.
    """
    if not _for_processors():
        return None
    from llgrad.kernels.closing import calls
    from llgrad.kernels.closing.newton import ClosingLimits

    return calls.closed_orbit(equation, states, period, stepper=stepper, inner=inner, ending=ClosingLimits(**ending))


def spiral_guess(
    equation: Any, start: Any, between: Any, *, stepper: Stepper, count: int, inner: int, **spirals: Any
) -> Any:
    """A guess of a cycle round the focus near a state (n,), as `kernels.closing.calls.SpiralGuess`.

    Args:
        equation: of one member.
        start: near the focus.
        between: distances (2,) from the state at rest, where the second is not 0.
        stepper: what takes the steps.
        count: how many states round the cycle.
        inner: how many steps are taken for one.
        spirals: of `kernels.closing.spiral.Spirals`.
    """
    if not _for_processors():
        return None
    from llgrad.kernels.closing import calls
    from llgrad.kernels.closing.spiral import Spirals

    how = Spirals(**spirals)
    return calls.spiral_guess(equation, start, between, stepper=stepper, count=count, inner=inner, spirals=how)


def _for_processors() -> bool:
    """Whether a program that is made here can be for processors only, and these can use kernels."""
    return set(backend.backends()) == {"cpu"} and not reason_against_processor()
