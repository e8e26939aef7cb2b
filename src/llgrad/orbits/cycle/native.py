"""Searches for closed orbits, natively where that can be: `None` where no kernel does it, and JAX has to."""

from __future__ import annotations

from typing import Any

from jax.extend import backend

from llgrad.kernels.steppers import Stepper
from llgrad.orbits.flow import Flow
from llgrad.solve.native import reason_against_processor


def closed_orbit(flow: Flow, states: Any, period: Any, *, stepper: Stepper, **ending: Any) -> Any:
    """The closed orbit of a flow near N states (N, n) and a period [ns], as
    `kernels.closing.calls.ClosedOrbit`, without derivatives.

    Args:
        flow: of the device.
        states: round the orbit.
        period: a guess of it.
        stepper: what takes the steps.
        ending: of `kernels.closing.newton.ClosingLimits`.
    """
    if not _suits(flow):
        return None
    from llgrad.kernels.closing import calls
    from llgrad.kernels.closing.newton import ClosingLimits

    ends = ClosingLimits(**ending)
    return calls.closed_orbit(flow.equation, states, period, stepper=stepper, inner=flow.inner, ending=ends)


def spiral_guess(flow: Flow, start: Any, between: Any, *, stepper: Stepper, count: int, **spirals: Any) -> Any:
    """A guess of a cycle round the focus near a state (n,), as `kernels.closing.calls.SpiralGuess`.

    Args:
        flow: of the device.
        start: near the focus.
        between: distances (2,) from the state at rest, where the second is not 0.
        stepper: what takes the steps.
        count: how many states round the cycle.
        spirals: of `kernels.closing.spiral.Spirals`.
    """
    if not _suits(flow):
        return None
    from llgrad.kernels.closing import calls
    from llgrad.kernels.closing.spiral import Spirals

    how = Spirals(**spirals)
    return calls.spiral_guess(
        flow.equation, start, between, stepper=stepper, count=count, inner=flow.inner, spirals=how
    )


def _suits(flow: Flow) -> bool:
    """Whether it is of one member with two coordinates, and programs that are made here are for processors only, and
    these can use kernels.
    """
    return (
        flow.count is None
        and flow.shape.freedom == 2
        and set(backend.backends()) == {"cpu"}
        and not reason_against_processor()
    )
