"""`orbit`: convert, check, find."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import eval_context
from jaxtyping import ArrayLike, Float, PyTree

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import as_count, as_number
from llgrad.core.speed.namespace import fixed
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.orbits.carried import check_once
from llgrad.orbits.cycle.guess import ANGLE as SPIRAL_ANGLE
from llgrad.orbits.cycle.guess import STEPS as SPIRAL_STEPS
from llgrad.orbits.cycle.guess import smallest_radius, spiral
from llgrad.orbits.cycle.newton import NewtonEnd, newton
from llgrad.orbits.cycle.reasons import NoCycle, reason_of
from llgrad.orbits.cycle.settling import Settled, SettlingOutcome, settle
from llgrad.orbits.cycle.solving import (
    attracts,
    closed_of,
    closes,
    error_of,
    is_cycle,
    once_round,
    refined,
    turns_round,
)
from llgrad.orbits.flow import Flow, Model, begun, flow_of, is_coupled
from llgrad.orbits.results.orbit import Orbit
from llgrad.orbits.results.precision import in_default, searching, working
from llgrad.orbits.results.status import NOTES, OrbitStatus, SearchOutcome
from llgrad.solve.step_size import is_traced
from llgrad.solve.systems import caution_of

COUNT: Final = 64
"""States round an orbit to begin with."""
ACCURACY: Final = 1e-9
STIFF: Final = 8.0
"""Where the fastest motion at rest is so many times faster than the turning, a step of the orbit is several steps."""
STIFFEST: Final = 20_000.0
"""For motion that is faster than this there are no more."""
STIFFER: Final = STIFFEST / 2 * SPIRAL_STEPS * SPIRAL_ANGLE / (2 * math.pi)
"""And of motion that is faster than this so many steps are no turn."""
NEARLY: Final = 1e-2
"""Newton's method that has come so near goes on, where it took all of its iterations."""
INNERMOST: Final = 1e-2
"""Smaller cycles than those that are looked at first are looked for down to this part of the smallest."""
ZOOMS: Final = 3
"""Guesses, each 31 times as near as the one before."""


def orbit(
    model: Model,
    *,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
    near: Orbit | None = None,
    accuracy: float = ACCURACY,
    steps: int | None = None,
) -> Orbit:
    """The attracting limit cycle of a self-oscillation, m(t + T) = m(t), found by shooting over one period, and all
    that its linearisation tells: frequency, multipliers, phase response, line width, locking, spectra.

    Every result is differentiable once in every leaf of `model` (`jax.grad`, `jacfwd`), by the implicit function
    theorem, and may be computed under `jit` and `vmap`. Values that are known are computed in float64; under `jit` and
    `vmap` in JAX's default float type, with `steps` states, and where no attracting cycle is found every result is NaN,
    `orbit.found` false, and `orbit.status.sentence` says how the search ended.

    Args:
        model: a device, an array of coupled devices, a `System` of your own, or a `SystemArray` of such.
        m0: where to start looking: (3,), (N, 3), or a state of the system; by default where `simulate` starts.
        near: an orbit of a similar model, to start from in place of looking.
        accuracy: largest relative error of the period and of the states, by steps of half the length (`orbit.error`).
        steps: number of states round the orbit, in place of an accuracy.

    Returns:
        Orbit.

    Raises:
        NoCycle (a ValueError): one sentence that says why there is none: below threshold, beyond oscillation death, the
            wrong sign of the current, at rest in which state, neither periodic nor at rest. ValueError: for an argument
            that cannot be meant.

    Sources: shooting: K. S. Kundert, J. K. White, A. Sangiovanni-Vincentelli, Steady-State Methods for Simulating
    Analog and Microwave Circuits (1990); phase response and noise: A. Demir, A. Mehrotra, J. Roychowdhury, IEEE Trans.
    Circuits Syst. I 47, 655 (2000).

    >>> import llgrad as lg
    >>> found = lg.orbit(lg.presets.kubota2013())
    >>> round(float(found.frequency) / 1e9, 4), round(float(found.return_rate) / 1e9, 4)
    (0.4402, 0.3759)
    """
    check_kind("model", model, (Oscillator, OscillatorArray, System, SystemArray), "see llgrad.presets")
    if near is not None:
        check_kind("near", near, Orbit, "give an orbit that lg.orbit found")
    _check(accuracy, steps)
    check_once((model, m0), "orbit")
    if isinstance(model, (OscillatorArray, SystemArray)) and model.count > 1 and not is_coupled(model):
        raise NoCycle(
            "no common cycle: the oscillators of this array are not coupled, so each has a phase of its own; find the "
            "orbit of one of them"
        )
    with searching(model, m0, near):
        flow, start = _flow_and_start(model, m0, near)
        held, begin, known = fixed((flow, start, near))
        if is_traced(held, begin, known):
            found, code = _looked_for(held, begin, known, steps or COUNT)
            return Orbit(model, flow, closed_of(flow, found), error_of(held, found), "", OrbitStatus(code))
        with eval_context():  # in derivatives by the programs that are there already
            found, code, inner = _found(model, held, begin, known, steps or COUNT)
            held = dataclasses.replace(held, inner=inner)
            note = NOTES[code]
            error = float(error_of(held, found))
            if steps is None:
                found, error = refined(held, found, accuracy)
                if not error <= accuracy:
                    above = f"its error is about {error:.1g}, above the {accuracy:g} asked for"
                    note = "; ".join(filter(None, (note, above)))
    with working(model, m0, near):
        # where the search is more exact than what is differentiated, the flow is that of the other type
        flow = dataclasses.replace(_flow_and_start(model, m0, near)[0], inner=inner)
        status = OrbitStatus(jnp.asarray(int(code), jnp.int32))
        note = "; ".join(filter(None, (note, caution_of(model, flow.state(found.states)))))
        return Orbit(model, flow, closed_of(flow, in_default(found)), jnp.asarray(error), note, status)


def _flow_and_start(model: Model, m0: Any, near: Orbit | None) -> tuple[Flow, Any]:
    flow = flow_of(model, what="closed orbit")
    start = begun(flow, model, m0)
    flow = with_arrays(flow)
    return (flow if near is None else dataclasses.replace(flow, inner=near.flow.inner)), start


def _check(accuracy: Any, steps: Any) -> None:
    accuracy, count = as_number(accuracy), as_count(steps)
    if isinstance(accuracy, bool) or not (isinstance(accuracy, (int, float)) and 1e-13 <= accuracy < 1):
        raise ValueError(f"accuracy = {accuracy!r}, expected a relative error between 1e-13 and 1, such as 1e-9")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or not 8 <= count <= 8192):
        raise ValueError(f"steps = {steps!r}, expected the number of states round an orbit, from 8 to 8192")


def with_arrays(flow: Flow) -> Flow:
    """Every float an array, so that new values do not compile anew; zeros and ones stay, for they are built in."""
    dtype = jnp.result_type(float)

    def convert(leaf: Any) -> Any:
        if isinstance(leaf, float):
            return leaf if leaf in (0.0, 1.0) else jnp.asarray(leaf, dtype)
        return jnp.asarray(leaf, dtype) if jnp.issubdtype(jnp.result_type(leaf), jnp.floating) else leaf

    return jax.tree.map(convert, flow)


def _looked_for(flow: Flow, start: Any, near: Orbit | None, count: int) -> tuple[NewtonEnd, Any]:
    """The orbit of traced values, and a `SearchOutcome`; its period is NaN where there is none."""
    if near is None:
        states, period, there, bistable, *_ = spiral(flow, start, count, jnp.zeros(2, start.dtype))
    else:
        states, period, there, bistable = near.closed.states, near.closed.period, True, False
    found = newton(flow, states, period)
    code = jnp.where(bistable, int(SearchOutcome.BISTABLE), int(SearchOutcome.FOUND))
    for fails, why in (
        (~attracts(found), SearchOutcome.STRAYED if near is None else SearchOutcome.REPELS),
        (turns_round(flow, found.states, found.period) > 1, SearchOutcome.SEVERAL_TURNS),
        (~is_cycle(flow, found), SearchOutcome.FELL_OFF),
        (~closes(found), SearchOutcome.NOT_CLOSED),
        (~jnp.asarray(there), SearchOutcome.NO_TURN),
    ):
        code = jnp.where(fails, int(why), code)
    period = jnp.where(OrbitStatus(code).found, found.period, jnp.nan)
    return found._replace(period=period), code.astype(jnp.int32)


def _found(model: Any, flow: Flow, start: Any, near: Orbit | None, count: int) -> tuple[NewtonEnd, SearchOutcome, int]:
    """The orbit of known values, what there is to say about it, and how many steps each of its steps is (`Flow.inner`).

    Raises NoCycle.
    """
    if near is not None:
        found = newton(flow, near.closed.states, near.closed.period)
        if not bool(is_cycle(flow, found)):
            raise NoCycle("from the orbit that is given as `near` none of this model was reached; leave it out")
        return found, SearchOutcome.FOUND if bool(attracts(found)) else SearchOutcome.REPELS, flow.inner
    searched = _searched(flow, start, count)
    if isinstance(searched, _NoneFound):
        raise NoCycle(reason_of(model, searched.flow, start, searched.settled, searched.stiffness))
    return searched


class _NoneFound(NamedTuple):
    """How a search ended that found no cycle."""

    flow: Flow
    settled: Settled
    stiffness: float


def cycle_from(model: Model, m0: Any, count: int) -> tuple[np.ndarray, float] | None:
    """The attracting cycle that a search from a state comes to, as `count` states or more and a period [ns]; None where
    it comes to none, without the reason that `orbit` looks for. For values that are known."""
    with searching(model, m0), eval_context():
        searched = _searched(*_flow_and_start(model, m0, None), count)
    return None if isinstance(searched, _NoneFound) else (np.asarray(searched[0].states), float(searched[0].period))


def inner_steps(stiffness: float) -> int:
    """How many steps each step between states is, where the fastest motion is so many times faster than the turning."""
    return math.ceil(min(stiffness, STIFFEST) / 2) if STIFF < stiffness < math.inf else 1


def _searched(flow: Flow, start: Any, count: int) -> tuple[NewtonEnd, SearchOutcome, int] | _NoneFound:
    guess = spiral(flow, start, count, jnp.zeros(2))
    if (inner := inner_steps(stiff := float(guess.stiffness))) > 1:
        if stiff > STIFFER:
            return _NoneFound(flow, Settled(SettlingOutcome.STIFF, None, start, 0.0), stiff)
        flow = dataclasses.replace(flow, inner=inner)
        guess = spiral(flow, start, count, jnp.zeros(2))
    if not bool(guess.found):  # near a threshold a cycle is small
        smallest = smallest_radius(flow, start)
        guess = spiral(flow, start, count, jnp.asarray([INNERMOST * smallest, smallest]))
    for _ in range(ZOOMS):
        if not bool(guess.found):
            break
        found = newton(flow, guess.states, guess.period)
        if not bool(closes(found)) and float(found.last) < NEARLY:
            found = newton(flow, found.states, found.period)
        found = once_round(flow, found)
        if bool(is_cycle(flow, found)) and bool(attracts(found)):
            return found, SearchOutcome.BISTABLE if bool(guess.bistable) else SearchOutcome.FOUND, flow.inner
        guess = spiral(flow, start, count, guess.between)  # near a fold the guess must be a good one
    settled = settle(flow, start, count)
    if settled.outcome is SettlingOutcome.CYCLE and settled.found is not None:
        return once_round(flow, settled.found), SearchOutcome.FOUND, flow.inner
    return _NoneFound(flow, settled, stiff)
