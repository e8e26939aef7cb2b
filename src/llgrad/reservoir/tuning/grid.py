"""The same question answered by asking everywhere, as papers do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_number
from llgrad.core.speed.starting import check_platform
from llgrad.reservoir.estimator import Reservoir
from llgrad.reservoir.tasks.task import SignalTask
from llgrad.reservoir.tuning.aims import TuningAim, aim_of_task
from llgrad.reservoir.tuning.free import EDGE, free_of, tuned
from llgrad.reservoir.tuning.judging import Judge

LANES: Final = 64
"""Settings side by side."""


@dataclass(frozen=True)
class TuningGrid:
    """What a grid found.

    >>> import llgrad as lg
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 0.3))
    >>> reservoir = lg.reservoir.Reservoir(device, hold=1e-9, input="field_x", gain=0.02, nodes=5, washout=20)
    >>> ranges = {"gain": (0, 0.5), "field.z": (0.1, 1)}
    >>> found = lg.reservoir.tuning_grid(reservoir, lg.reservoir.narma(2, length=200), ranges, points=4)
    >>> list(found.axes), bool(found.loss == found.losses.min())
    (['gain', 'field.z'], True)
    """

    reservoir: Reservoir
    loss: float
    axes: dict[str, np.ndarray]
    losses: np.ndarray
    """One axis for each name."""
    simulations: int
    seconds: float
    aim: TuningAim = field(repr=False)

    def __repr__(self) -> str:
        size = " × ".join(str(len(axis)) for axis in self.axes.values())
        finite = int(np.isfinite(self.losses).sum())
        return (
            f"grid of {size} in {', '.join(self.axes)}: {self.aim.told(self.loss)} at best; {finite} of "
            f"{self.losses.size} runs of use, in {self.seconds:.1f} s"
        )

    __str__ = __repr__

    def to_json(self) -> dict[str, Any]:
        """Numbers by name."""
        return {
            "loss": self.loss,
            "axes": self.axes,
            "losses": [None if not np.isfinite(one) else float(one) for one in self.losses.ravel()],
            "simulations": self.simulations,
            "seconds": self.seconds,
        }


def _alike(values: np.ndarray) -> bool:
    """Whether many numbers are one."""
    return bool((values == values.flat[0]).all())


def tuning_grid(
    reservoir: Reservoir,
    aim: TuningAim | SignalTask,
    free: Mapping[str, Any],
    *,
    points: int = 1000,
    progress: Callable[[dict[str, Any]], object] | None = None,
) -> TuningGrid:
    """The loss of a reservoir on a regular grid over ranges of single numbers (of an array one value for all), of as
    many points at most, and the best of them: the same signal, noise, steps and read-out as `tune`.

    64 settings run side by side, as fast as a processor can. Raises ValueError for a range of many numbers: a mask or a
    coupling has no grid.

    >>> import llgrad as lg
    >>> from llgrad.reservoir import Reservoir, narma
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 0.3))
    >>> reservoir = Reservoir(device, hold=1e-9, input="field_x", gain=0.02, nodes=5, washout=20)
    >>> found = tuning_grid(reservoir, narma(2, length=200), {"gain": (0, 0.5), "field.z": (0.1, 1)}, points=4)
    >>> found.losses.shape, found.simulations
    ((2, 2), 4)
    """
    check_kind("reservoir", reservoir, Reservoir, "give a Reservoir")
    check_platform()
    check_kind("aim", aim, (TuningAim, SignalTask), "give a task, such as narma(10), or a capacity_aim")
    aim = aim_of_task(aim) if isinstance(aim, SignalTask) else aim
    known = free_of(reservoir, free, aim.signal.shape[1])
    if many := [one.name for one in known if one.name == "mask" or not _alike(one.start)]:
        raise ValueError(f"{many[0]!r} is many numbers, which have no grid; leave it out, or tune it")
    known = tuple(one._replace(start=np.asarray(one.start.flat[0])) for one in known)
    count = int(checked_number("points", points, low=1, whole=True) ** (1 / len(known)) + 1e-9)
    fractions = np.linspace(EDGE, 1 - EDGE, count) if count > 1 else np.array([0.5])
    axes = {one.name: one.low + (one.high - one.low) * fractions for one in known}
    places = np.stack(np.meshgrid(*[fractions] * len(known), indexing="ij"), axis=-1).reshape(-1, len(known))
    u = np.log(places / (1 - places))
    judge, begun = Judge(reservoir, aim, known), time.perf_counter()
    losses: list[np.ndarray] = []
    for first in range(0, len(u), LANES):
        some = u[first : first + LANES]
        padded = np.concatenate([some, np.repeat(some[-1:], min(LANES, len(u)) - len(some), axis=0)])
        found = judge.values({one.name: padded[:, i] for i, one in enumerate(known)})
        losses.append(found[: len(some)])
        if progress is not None:
            progress({"fraction": min(1.0, (first + LANES) / len(u)), "cost": float(np.min(np.concatenate(losses)))})
    every = np.concatenate(losses)
    if not np.isfinite(every).any():
        raise ValueError(
            f"none of the {len(every)} points gives a finite loss: the runs diverge, or the read-out cannot be solved; "
            "narrow the ranges, or give a shorter dt"
        )
    best = int(np.argmin(every))
    values = {one.name: np.asarray(one.low + (one.high - one.low) * places[best, i]) for i, one in enumerate(known)}
    shape = tuple(len(axis) for axis in axes.values())
    seconds = time.perf_counter() - begun
    return TuningGrid(tuned(reservoir, values), float(every[best]), axes, every.reshape(shape), len(u), seconds, aim)
