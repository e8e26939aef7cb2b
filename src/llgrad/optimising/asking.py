"""What a user asks for: converted and checked, for every way of looking for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from llgrad.core.arguments.kinds import check_kind, wrong_kind
from llgrad.core.record import as_count
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.drive import check_drive
from llgrad.optimising.aims import Aim, Measure
from llgrad.optimising.answers.sentences import is_of_noise
from llgrad.optimising.evaluation import Evaluator
from llgrad.optimising.limits import Box, Limit, box_of, known, limits_of, value_at
from llgrad.optimising.robust import Expected, Scattered, spread_paths
from llgrad.optimising.search import Goal, SearchLimit, tamed_by
from llgrad.optimising.starts import SearchStarts


class OptimumRequest(NamedTuple):
    """What a user asked for, checked."""

    aims: tuple[Aim, ...]
    """Whose measures are known."""
    limits: tuple[Limit, ...]
    box: Box
    evaluator: Evaluator
    ask: Any
    """The evaluator, or what it is over drawn devices."""

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Of the numbers that each design is asked for."""
        return self.evaluator.program.measures


def asked_for(
    device: Any,
    aims: Sequence[Any],
    free: Any,
    limits: Any,
    drive: Any,
    over: Any,
    m0: Any,
    steps: Any,
) -> OptimumRequest:
    """What was asked for. Raises ValueError for what cannot be meant."""
    check_kind("device", device, (Oscillator, OscillatorArray, System), "see llgrad.presets, or write a System")
    check_drive(drive)
    for one in aims:
        if not isinstance(one, Aim):
            how = 'say which way, as lg.minimise("line_width") or lg.maximise("power")'
            raise ValueError(wrong_kind("aim", one, "an aim", how))
    if over is not None:
        check_kind("over", over, Expected, "as lg.optimising.Expected({'alpha': '5%'}, key=jax.random.key(0))")
    count = as_count(steps)
    if isinstance(count, bool) or not isinstance(count, int) or not 8 <= count <= 8192:
        raise ValueError(f"steps = {steps!r}, expected the number of states round an orbit, from 8 to 8192")
    box = box_of(device, drive, free)
    holding, box = limits_of(device, drive, limits, box)
    whole = tuple(one._replace(measure=known(one.measure, device, drive)) for one in aims)
    measures = (*(one.measure for one in whole), *(limit.measure for limit in holding))
    _check_heat(device, box, measures)
    if isinstance(device, OscillatorArray) and any(measure.of_orbit for measure in measures):
        raise ValueError(
            "numbers of an orbit are optimised of one oscillator or a System, not of coupled oscillators, whose exact "
            "derivatives in a batch do not compile in minutes; give a function of the array, or look with lg.sweep"
        )
    evaluator = Evaluator(device, drive, box, measures, count, m0, spread_paths(device, drive, over))
    return OptimumRequest(whole, holding, box, evaluator, evaluator if over is None else Scattered(evaluator, over, 0))


def _check_heat(device: Any, box: Box, measures: Sequence[Measure]) -> None:
    """Raise ValueError where a number of the noise is asked for and nothing makes noise."""
    asked = [measure.name for measure in measures if is_of_noise(measure)]
    may_be_cold = isinstance(device, Oscillator) and "temperature" not in box.names
    if asked and may_be_cold and value_at(device, None, "temperature") == 0.0:
        raise ValueError(f"{asked[0]} is 0 at 0 K, whatever is chosen: give the device a temperature, such as 300 K")


def goal_of(asked: OptimumRequest, first: SearchStarts, aim: int = 0) -> Goal:
    """What the searches make small, its numbers tamed by those of the starts."""
    numbers, aims = first.values.numbers[first.fine], len(asked.aims)
    rows = tuple(
        SearchLimit(aims + i, *limit.interval, tamed_by(numbers[:, aims + i], *limit.interval))
        for i, limit in enumerate(asked.limits)
    )
    sign, count = asked.aims[aim].sign, len(asked.measures)
    if not isinstance(asked.ask, Scattered):
        return Goal(aim, sign, tamed_by(numbers[:, aim]), rows)
    tamed = tamed_by(numbers[:, count:].ravel())
    if asked.ask.is_worst:
        return Goal(aim, sign, tamed, rows, tuple(range(count, numbers.shape[1])))
    return Goal(count, sign, tamed, rows)
