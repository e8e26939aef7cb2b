"""`lg.optimise`: convert, check, search, and tell what the answer hangs on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import ArrayLike, Float, PyTree

from llgrad.core.record import as_count
from llgrad.core.speed.starting import check_platform
from llgrad.core.units import show
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.drive import Drive
from llgrad.optimising.aims import Aim
from llgrad.optimising.answers.card import answer_of
from llgrad.optimising.answers.result import Optimum
from llgrad.optimising.asking import OptimumRequest, asked_for, goal_of
from llgrad.optimising.limits import Conditions, value_at
from llgrad.optimising.robust import Expected
from llgrad.optimising.search import Goal, search
from llgrad.optimising.starts import SearchStarts, begun
from llgrad.orbits.cycle.finding import orbit as find
from llgrad.orbits.cycle.reasons import NoCycle

STARTS: Final = 8
STEPS: Final = 64
Progress = Callable[[dict[str, Any]], None]


def optimise(
    device: Oscillator | OscillatorArray | System,
    aim: Aim,
    free: Mapping[str, Any],
    limits: Conditions | None = None,
    *,
    drive: Drive | None = None,
    over: Expected | None = None,
    starts: int = STARTS,
    seed: int = 0,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
    steps: int = STEPS,
    progress: Progress | None = None,
) -> Optimum:
    """The device of which a number is smallest or largest, within what may be chosen and what must hold.

    Many searches at once, by sequential quadratic programming with exact derivatives (of orbits by the implicit
    function theorem, of simulations through the time loop); the number of evaluations is told in full.

    Args:
        device: where all that is not free is taken from; of coupled oscillators functions of your own only, no
            numbers of the orbit.
        aim: `lg.minimise("line_width")`, `lg.maximise("power", load=50.0)`, or of a function of your own.
        free: (low, high) by parameter, numbers in SI or text: {"field.z": (0, "5kOe"), "current": "0:3mA"}. With a
            drive its numbers too, as "drive.current.amplitude"; the name of an array stands for all of its numbers.
        limits: what must hold, by number of the orbit, parameter, `lg.optimising.of_orbit(…)` or function of the
        device:
            {"frequency": "6GHz ± 1MHz", "noise_ratio": "≤ 0.1", "power_dbm": ("-40dBm", None)}; a single value is an
            equality.
        drive: given to functions of your own, as function(device, drive).
        over: `lg.optimising.Expected(…)` or `lg.optimising.Worst(…)`: the mean, or the worst, over devices drawn with a
        spread. starts: number of searches: one from the device as given, where it lies in the ranges, others drawn.
        seed: of the drawn starts.
        m0: where an orbit is looked for, as in `lg.orbit`.
        steps: number of states round an orbit.
        progress: told {"fraction", "remark"} after each batch.

    Returns:
        Optimum. Its `notes` say where a value is not to be used as it is: at a threshold or a fold, and where first
        order in the noise does not hold.

    Raises ValueError for a name that there is not, a range or a limit that contradicts itself or the device, an aim
    that is no number, and where no start oscillates or no design holds the limits.

    Source: SLSQP, D. Kraft, DFVLR-FB 88-28 (1988), by scipy.

    >>> import llgrad as lg
    >>> best = lg.optimise(
    ...     lg.presets.kubota2013(), lg.minimise(lambda sto: (sto.current - 1e-3) ** 2), {"current": (0, "0.8mA")}
    ... )
    >>> round(best.device.current * 1e3, 6), best.parameters["current"].at
    (0.8, 'upper end')
    """
    check_platform()
    began = time.perf_counter()
    asked = asked_for(device, (aim,), free, limits, drive, over, m0, steps)
    tell = _Teller(progress, starts)
    first = started(asked, checked_starts(starts), seed)
    goal = goal_of(asked, first)
    ends = search(
        asked.ask, [goal] * int(first.fine.sum()), first.x[first.fine], kept(first), tell.searching(goal, asked)
    )
    return answer_of(asked, goal, first, ends, tell.history, time.perf_counter() - began)


def checked_starts(starts: Any) -> int:
    """A number of starts. Raises ValueError for what is none."""
    count = as_count(starts)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 10_000:
        raise ValueError(f"starts = {starts!r}, expected a number of searches, from 1 to 10,000")
    return count


def started(asked: OptimumRequest, starts: int, seed: int) -> SearchStarts:
    """Where the searches begin. Raises ValueError where no start has a number."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed = {seed!r}, expected a whole number, 0 or more")
    box, evaluator = asked.box, asked.evaluator
    given = box.places(np.array([value_at(evaluator.device, evaluator.drive, name) for name in box.names]))
    inside = bool(((given >= 0) & (given <= 1)).all())
    found = begun(asked.ask, starts, len(box.names), seed, given if inside else None)
    if not found.fine.any():
        raise ValueError(_no_number(asked, found))
    return found


def _no_number(asked: OptimumRequest, found: SearchStarts) -> str:
    """Why no start has a number."""
    evaluator, names = asked.evaluator, ", ".join(dict.fromkeys(m.name for m in asked.measures))
    if not evaluator.program.of_orbit:
        why = f" (the last: {evaluator.reason})" if evaluator.reason else ""
        return (
            f"{names}: not a number, or without a finite derivative, at all {found.tried} designs tried{why}; "
            "widen what is free, or see what the function does at one of them"
        )
    device, _ = evaluator.device_at(found.x[0])
    try:
        orbit = find(device, m0=evaluator.m0)
        why = f"its orbit is there, f = {show(float(orbit.frequency), 'Hz')}, but {names} has no finite value or slope"
    except NoCycle as reason:
        why = str(reason)
    return f"no start oscillates, of {found.tried} designs that were tried; at the first: {why}"


def kept(first: SearchStarts) -> Any:
    """Values of the starts that have numbers."""
    return type(first.values)(*(part[first.fine] for part in first.values))


class _Teller:
    """The history of a search, and who is told of its progress."""

    def __init__(self, progress: Progress | None, starts: int) -> None:
        self.progress, self.starts = progress, starts
        self.history: list[dict[str, Any]] = []

    def searching(self, goal: Goal, asked: OptimumRequest) -> Any:
        """What is told after each batch."""
        unit, best = asked.aims[0].measure.unit, [np.inf]

        def report(number: int, found: Sequence[tuple[int, np.ndarray, np.ndarray]]) -> None:
            values = [
                goal.sign * goal.value(n) for _, _, n in found if np.isfinite(n).all() and goal.violation(n) < 1e-6
            ]
            best[0] = min([best[0], *values])
            value = goal.sign * best[0] if np.isfinite(best[0]) else None
            self.history.append({"evaluations": asked.evaluator.count, "best": value, "searching": len(found)})
            if self.progress is not None:
                remark = f"{len(found)} searching, {asked.evaluator.count} evaluations"
                remark += "" if value is None else f", best {show(value, unit)}"
                self.progress({"fraction": 1 - len(found) / (self.starts + 1), "remark": remark})

        return report
