"""Newton's method for closed orbits, natively where that can be."""

from __future__ import annotations

from typing import Any

import jax
from jax.extend import backend

from llgrad.kernels.steppers import Stepper
from llgrad.solve.native import reason_against_processor


def closed_orbit(
    equation: Any,
    states: Any,
    period: Any,
    *,
    stepper: Stepper,
    inner: int,
    closed: float,
    rounding: float,
    most: int,
    longest: float,
) -> Any:
    """The closed orbit near N states (N, n) of an equation and a period [ns], as `kernels.closing.calls.ClosedOrbit`,
    without derivatives; None where no kernel finds it.

    Args:
        equation: of one member.
        states: round the orbit.
        period: a guess of it.
        stepper: what takes the steps.
        inner: how many from a state to the next.
        closed: size of the last correction of an orbit that is closed.
        rounding: size of a correction that need not be made.
        most: iterations at most.
        longest: largest relative change of a state in one of them.
    """
    if set(backend.backends()) != {"cpu"} or reason_against_processor():
        return None  # a program may be for any device that there is, and this kernel is for processors
    from llgrad.kernels.closing import calls
    from llgrad.kernels.closing.newton import Ending

    ending = Ending(closed, rounding, most, longest)
    return calls.closed_orbit(equation, states, period, stepper=stepper, inner=inner, ending=ending)
