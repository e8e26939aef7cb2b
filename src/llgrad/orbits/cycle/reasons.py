"""Why there is no cycle, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.core.units import show
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.orbits.cycle.guess import rest_near, spiral
from llgrad.orbits.cycle.newton import newton
from llgrad.orbits.cycle.settling import Settled, SettlingOutcome, rest_and_rates, settle
from llgrad.orbits.cycle.solving import attracts, is_cycle
from llgrad.orbits.flow import Flow

FARTHEST: Final = 30.0
"""Currents up to so many times the given one, and down to that part of it, are searched for a threshold."""
RATIO: Final = 1.05
COARSE: Final = 1.25
"""Ratio of the currents at which cycles are looked for below a given one."""
BELOW: Final = 1e-2
"""So far below the death of an oscillation, in parts of the current, its period is no longer very long."""
ROUNDING: Final = 1e-12
VERY: Final = 100.0
"""So much faster than the turning is said."""
HARDLY: Final = 1e-6
"""Deviations that grow more slowly than this part of their turning hardly grow."""
CLOSE: Final = 0.1
"""A run so near to a state at rest, in parts of it, has come to its neighbourhood."""


class NoCycle(ValueError):
    """There is no limit cycle to be found; the text says why."""


def reason_of(model: Any, flow: Flow, start: Any, settled: Settled, stiffness: float) -> str:
    """Why a model that a run of `settled` so has no cycle; how much faster its fastest motion is than its turning."""
    name = type(model).__name__
    if settled.outcome is SettlingOutcome.LOST:
        return f"no cycle: from its start {name} runs away to infinity within {settled.time:.3g} ns"
    if settled.outcome is SettlingOutcome.STIFF:
        return (
            f"no cycle was looked for: at rest near its start {_fastest_of(flow, start)} of {name} moves "
            f"{stiffness:.3g} times faster than the slowest motion turns, so that no run can follow both; make it "
            f"slower: from {VERY:g} times on, what is faster hardly changes an orbit"
        )
    if settled.outcome is SettlingOutcome.NEITHER:
        if (at_threshold := _of_threshold(model, flow, settled)) is not None:
            return at_threshold
        if VERY < stiffness < math.inf:
            return (
                f"no cycle was found: within {settled.time:.4g} ns {name} neither came to rest nor repeated itself, "
                f"and no longer run was made, as {_fastest_of(flow, start)} of it moves {stiffness:.3g} times faster "
                f"at rest near its start than the slowest motion turns; make that slower (from {VERY:g} times on, "
                "what is faster hardly changes an orbit), or give m0 near the cycle, or near=…"
            )
        return (
            f"no cycle was found: within {settled.time:.4g} ns {name} neither comes to rest nor repeats itself; it is "
            f"chaotic (see lg.orbits.lyapunov), moves with several periods, or returns too slowly; give m0 near the "
            "cycle, or near=…"
        )
    state, _, values = rest_and_rates(flow, settled.state)
    where = f"it comes to rest at {_told(flow, state)}, {_decay(values[0])}"
    if not isinstance(model, Oscillator):
        return f"no cycle: {where}"
    if float(model.current) == 0.0:
        return f"no cycle: no current flows, and {where}"
    return f"no cycle: {_of_current(flow, start, state)}; {where}"


def _fastest_of(flow: Flow, start: Any) -> str:
    """The name of what moves fastest at rest near a state, as sizes of its numbers go."""
    rest = rest_near(flow, start)
    values, vectors = map(np.asarray, jnp.linalg.eig(rest.matrix))
    sizes = np.abs(np.asarray(rest.basis) @ vectors[:, np.argmax(np.abs(values))])
    sizes[np.array(flow.shape.plain, int)] /= np.asarray(flow.scale)
    place = int(np.argmax(sizes))
    spins = [set(spin) for spin in flow.shape.spins]
    own = [i for i, spin in enumerate(spins) if place in spin]
    return flow.shape.names[own[0] if own else len(spins) + flow.shape.plain.index(place)]


def _of_threshold(model: Any, flow: Flow, settled: Settled) -> str | None:
    """A sentence where a run came near a state at rest whose deviations hardly grow or decay."""
    state, slope, values = rest_and_rates(flow, settled.state)
    rate, turn = float(values[0].real), abs(float(values[0].imag))
    near = float(jnp.max(jnp.abs(state - settled.state))) < CLOSE * max(1.0, float(jnp.max(jnp.abs(state))))
    if not (near and float(slope) < 1e-9 and abs(rate) * settled.time < 1 and abs(rate) < HARDLY * turn):
        return None
    current = float(model.current) if isinstance(model, Oscillator) else 0.0
    found = _threshold_near(flow, state, current) if current else None
    where = "" if found is None else f", {found * 1e3:.12g} mA,"
    return (
        f"no cycle: {type(model).__name__} is at a threshold{where} where deviations from rest at {_told(flow, state)} "
        f"turn at {turn / (2 * math.pi):.4g} GHz and hardly grow or decay ({rate:.2g} /ns): what begins there is too "
        "small to be told from rest; go a little away from it"
    )


def _threshold_near(flow: Flow, rest: Any, current: float) -> float | None:
    """The current about a given one at which a state at rest begins to be stable, or ends."""

    def holds(value: float, near: Any) -> tuple[bool, Any]:
        fine, state = _holds(flow, jnp.asarray(value), near)
        return bool(fine), state

    inside, outside = current / RATIO, current * RATIO
    (below, near), (above, other) = holds(inside, rest), holds(outside, rest)
    if below == above:
        return None
    return _bisected(holds, near, inside, outside) if below else _bisected(holds, other, outside, inside)


def _of_current(flow: Flow, start: Any, rest: Any) -> str:
    """What another current would do."""
    current = float(flow.equation.current)

    def with_current(value: float) -> Flow:
        return _with_current(flow, value)

    above = _first_unstable(flow, rest, current, RATIO)
    below = _first_unstable(flow, rest, current, 1 / RATIO)
    if below is not None and _oscillates(with_current(below * (1 - BELOW)), start):
        return f"{_ampere(current)} is beyond oscillation death, which is at {_ampere(below)}: the torque holds m"
    if (smaller := _smaller_that_oscillates(with_current, start, current)) is not None:
        return f"{_ampere(current)} is beyond oscillation death; it oscillates at {_ampere(smaller)}"
    wrong = f"a current of {_ampere(current)} has the wrong sign: reverse the current, or the polariser"
    if _oscillates(with_current(-current), start):
        return wrong
    if (smaller := _smaller_that_oscillates(with_current, start, -current)) is not None:
        return f"{wrong}, and make it smaller (it oscillates at {_ampere(smaller)})"
    reverse = _first_unstable(flow, rest_and_rates(with_current(-current), start)[0], -current, RATIO)
    if above is not None and (reverse is None or abs(above) <= abs(reverse)):
        return f"{_apart(current, above)[0]} is below the threshold, {_apart(current, above)[1]}"
    if reverse is not None and _oscillates(with_current(reverse * RATIO), start):
        return f"{wrong} (the threshold is {_ampere(reverse)})"
    if above is not None or reverse is not None:
        return f"at {_ampere(current)}, at smaller currents and at those of the other sign none was found"
    return f"no current up to {_ampere(FARTHEST * current)}, of either sign, makes this state unstable"


def _with_current(flow: Flow, current: Any) -> Flow:
    return eqx.tree_at(lambda f: f.equation.current, flow, jnp.asarray(current, jnp.result_type(float)))


@quick_jit
def _holds(flow: Flow, current: Any, near: Any) -> tuple[Any, Any]:
    """Whether a state at rest is still there at a current, and attracts; and the state."""
    state, slope, values = rest_and_rates(_with_current(flow, current), near)
    there = (slope < 1e-9) & (jnp.max(jnp.abs(state - near)) < 0.3)
    return there & (values[0].real < 0), state


def _first_unstable(flow: Flow, rest: Any, current: float, ratio: float) -> float | None:
    """The current, from the given one on, at which the state at rest is lost or becomes unstable; None within reach."""

    def holds(value: float, near: Any) -> tuple[bool, Any]:
        fine, state = _holds(flow, jnp.asarray(value), near)
        return bool(fine), state

    fine, near = holds(current, rest)
    if not fine:
        return current
    for _ in range(math.ceil(math.log(FARTHEST) / abs(math.log(ratio)))):
        fine, state = holds(current * ratio, near)
        if not fine:
            return _bisected(holds, near, current, current * ratio)
        current, near = current * ratio, state
    return None


def _bisected(holds: Callable[[float, Any], tuple[bool, Any]], near: Any, fine: float, lost: float) -> float:
    for _ in range(60):
        middle = (fine + lost) / 2
        well, state = holds(middle, near)
        if well:
            fine, near = middle, state
        else:
            lost = middle
        if abs(lost - fine) < 1e-13 * abs(fine):
            break
    return (fine + lost) / 2


def _smaller_that_oscillates(with_current: Callable[[float], Flow], start: Any, current: float) -> float | None:
    """A current of the same sign, smaller than the given one, with an attracting cycle; None where none was found."""
    for k in range(1, 1 + math.ceil(math.log(FARTHEST) / math.log(COARSE))):
        flow = with_current(current / COARSE**k)
        guess = spiral(flow, start, 64, jnp.zeros(2))
        if bool(guess.found):
            found = newton(flow, guess.states, guess.period)
            if bool(is_cycle(flow, found)) and bool(attracts(found)):
                return current / COARSE**k
    return None


def _oscillates(flow: Flow, start: Any) -> bool:
    if bool(spiral(flow, start, 64, jnp.zeros(2)).found):
        return True
    return settle(flow, start, 64).outcome is SettlingOutcome.CYCLE


def _decay(value: Any) -> str:
    rate, turn = -float(value.real), abs(float(value.imag)) / (2 * math.pi)
    rings = f" and ring at {turn:.4g} GHz" if turn > 1e-9 else ""
    return f"where deviations decay at {rate:.4g} /ns{rings}"


def _told(flow: Flow, state: Any) -> str:
    """A state for a reader."""
    tree = flow.state(state)
    leaves = jax.tree.leaves(tree, is_leaf=lambda node: isinstance(node, Vec3))
    shown = []
    for leaf in leaves[:3]:
        values = [leaf.x, leaf.y, leaf.z] if isinstance(leaf, Vec3) else [leaf]
        first = [float(np.ravel(np.asarray(v))[0]) for v in values]
        numbers = [f"{v if abs(v) > ROUNDING * max(map(abs, first)) else 0.0:.4g}" for v in first]
        shown.append(f"({', '.join(numbers)})" if len(numbers) > 1 else numbers[0])
    if isinstance(tree, dict):
        shown = [f"{name} = {text}" for name, text in zip(tree, shown, strict=False)]
    elif isinstance(tree, Vec3):
        shown = [f"m = {shown[0]}"]
    return ", ".join(shown) + (", …" if len(leaves) > 3 else "")


def _apart(*values: float) -> tuple[str, ...]:
    """Currents with as many digits as tell them apart."""
    told = tuple(map(_ampere, values))
    return told if len(set(told)) == len(told) else tuple(f"{value * 1e3:.12g} mA" for value in values)


def _ampere(value: float) -> str:
    return show(value, "A")
