"""`lg.optimising.grid_search`: the same question asked everywhere, for comparison; every device is counted."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import ArrayLike, Float, PyTree

from llgrad.core.files import write_json
from llgrad.core.record import as_count
from llgrad.core.run_record import run_record
from llgrad.core.units import show
from llgrad.devices.array import OscillatorArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.drives.drive import Drive
from llgrad.optimising.aims import Aim
from llgrad.optimising.asking import OptimumRequest, asked_for, goal_of
from llgrad.optimising.evaluation import Evaluator, Values
from llgrad.optimising.limits import Box, Conditions, Limit
from llgrad.optimising.optimise import STEPS
from llgrad.optimising.search import Goal
from llgrad.optimising.starts import SearchStarts

MOST: Final = 1_000_000
NEWTON: Final = 8
"""Steps of Newton's method at a point."""
MET: Final = 1e-9
"""An equality that is met, in parts of it."""
SEEDS: Final = 5
"""Points along each axis at which the equality is first solved, from as many values."""
HOLDS: Final = 1e-6


@dataclass(frozen=True)
class Grid:
    """What a grid found [SI].

    >>> import llgrad as lg
    >>> aim = lg.minimise(lambda sto: (sto.current - 1e-3) ** 2)
    >>> grid = lg.optimising.grid_search(lg.presets.kubota2013(), aim, {"current": (0, "3mA")}, points=4)
    >>> (1e3 * grid.axes["current"]).round(3).tolist(), grid.values.shape
    ([0.0, 1.0, 2.0, 3.0], (4,))
    """

    device: PyTree
    """The best; None where no point holds the limits."""
    drive: Drive | None
    value: float | None
    name: str
    unit: str
    axes: dict[str, np.ndarray]
    """Values along each axis."""
    values: np.ndarray
    """The aim at each point, one axis for each parameter; NaN where there is none, or a limit does not hold."""
    solved: np.ndarray | None
    """Of the parameter that was solved for, at each point."""
    evaluations: int
    seconds: float

    @property
    def within(self) -> int:
        """Points that hold the limits."""
        return int(np.isfinite(self.values).sum())

    def __repr__(self) -> str:
        size = " × ".join(str(len(axis)) for axis in self.axes.values())
        best = "no point holds the limits" if self.value is None else f"best {self.name} {show(self.value, self.unit)}"
        return (
            f"Grid of {size} in {', '.join(self.axes)}: {best}; {self.within} of {self.values.size} points hold the "
            f"limits; {self.evaluations} evaluations in {self.seconds:.2f} s"
        )

    __str__ = __repr__

    def to_json(self) -> dict[str, Any]:
        """A dictionary that begins with the versioned run record; `core.files.plain` makes it JSON."""
        return run_record("grid", device=self.device, dtype="float64") | {
            "name": self.name,
            "unit": self.unit,
            "value": self.value,
            "axes": self.axes,
            "values": self.values,
            "solved": self.solved,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
        }

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the result as JSON; an existing file is kept unless `overwrite`."""
        write_json(path, self.to_json(), overwrite)
        return Path(path)


def grid_search(
    device: Oscillator | OscillatorArray | System,
    aim: Aim,
    free: Mapping[str, Any],
    limits: Conditions | None = None,
    *,
    points: int | Mapping[str, int] = 11,
    solve: str | None = None,
    drive: Drive | None = None,
    m0: PyTree[Float[ArrayLike, "..."]] = None,
    steps: int = STEPS,
) -> Grid:
    """The aim at every point of a grid, the best of which holds the limits. It needs no derivative, but for `solve`.

    A grid meets an equality nowhere: name in `solve` the free parameter that is to be found at each point so that the
    equality (or the middle of the first limit that has two ends) holds, by Newton's method from the nearest point at
    which it was found. Each device that is asked for is counted.

    Args:
        device, aim, free, limits, drive, m0, steps: as in `lg.optimise`.
        points: number of values along each axis, ends included; or by parameter.
        solve: a free parameter that is no axis.

    Raises ValueError as `lg.optimise` does, and for more than a million points.

    >>> import llgrad as lg
    >>> aim = lg.minimise(lambda sto: (sto.current - 1e-3) ** 2)
    >>> grid = lg.optimising.grid_search(lg.presets.kubota2013(), aim, {"current": (0, "3mA")}, points=4)
    >>> round(grid.device.current * 1e3, 6), grid.evaluations
    (1.0, 4)
    """
    began = time.perf_counter()
    asked = asked_for(device, (aim,), free, limits, drive, None, m0, steps)
    axes = _axes(asked.box, points, solve)
    places = np.stack(np.meshgrid(*axes.values(), indexing="ij"), -1).reshape(-1, len(axes))
    x = np.full((len(places), len(asked.box.names)), np.nan)
    for column, name in enumerate(axes):
        x[:, asked.box.names.index(name)] = places[:, column]
    if solve is None:
        numbers = asked.evaluator.plain(x)
    else:
        shape = tuple(len(axis) for axis in axes.values())
        x, numbers = _Solver(asked.evaluator, *_equality(asked, solve), asked.box.names.index(solve), x, shape).solved()
    return _found(asked, solve, axes, x, numbers, time.perf_counter() - began)


def _axes(box: Box, points: Any, solve: str | None) -> dict[str, np.ndarray]:
    """Places along each axis."""
    if solve is not None and solve not in box.names:
        raise ValueError(f"solve = {solve!r} is not free; the free parameters are {', '.join(box.names)}")
    names = [name for name in box.names if name != solve]
    counts = dict(points) if isinstance(points, Mapping) else dict.fromkeys(names, points)
    if (unknown := [n for n in counts if n not in names]) or len(counts) < len(names):
        wrong = f": {unknown[0]} is no axis" if unknown else ""
        raise ValueError(f"points = {points!r}{wrong}; the axes are {', '.join(names)}")
    sizes: dict[str, int] = {}
    for name, given in counts.items():
        count = as_count(given)
        if isinstance(count, bool) or not isinstance(count, int) or count < 2:
            raise ValueError(f"points of {name} = {given!r}, expected a number of values, at least 2")
        sizes[name] = count
    if (total := math.prod(sizes.values())) > MOST:
        raise ValueError(f"a grid of {total:,} points; at most {MOST:,}: lg.optimise needs a few hundred")
    return {name: np.linspace(0.0, 1.0, sizes[name]) for name in names}


def _equality(asked: OptimumRequest, solve: str) -> tuple[int, float]:
    """The number that is solved for, by its place, and its value."""

    def middle(limit: Limit) -> float:
        return (limit.interval.low + limit.interval.high) / 2

    closed = [i for i, limit in enumerate(asked.limits) if np.isfinite(middle(limit))]
    if not closed:
        raise ValueError(f"solve = {solve!r} needs a limit that is a value, as {{'frequency': '6GHz'}}")
    first = min(closed, key=lambda i: not asked.limits[i].is_equality)
    return len(asked.aims) + first, middle(asked.limits[first])


class _Solver:
    """One parameter at every point, by Newton's method, from seeds over the grid and then from neighbour to
    neighbour."""

    def __init__(
        self, ask: Evaluator, place: int, target: float, free: int, x: np.ndarray, shape: tuple[int, ...]
    ) -> None:
        self.ask, self.place, self.target, self.free, self.x, self.shape = ask, place, target, free, x, shape
        self.numbers = np.full((len(x), len(ask.program.measures)), np.nan)
        self.done = np.zeros(len(x), bool)
        self.tried: set[tuple[int, int]] = set()

    def solved(self) -> tuple[np.ndarray, np.ndarray]:
        """Places (B, n) and numbers (B, K), NaN where none was found."""
        some = [np.unique(np.linspace(0, size - 1, min(SEEDS, size)).round().astype(int)) for size in self.shape]
        seeds = np.ravel_multi_index(tuple(a.ravel() for a in np.meshgrid(*some, indexing="ij")), self.shape)
        for begin in (np.arange(SEEDS) + 0.5) / SEEDS:
            self._newton(seeds[~self.done[seeds]], np.full((~self.done[seeds]).sum(), begin))
        while len(pairs := self._next()):
            self.tried |= set(map(tuple, pairs.tolist()))
            self._newton(pairs[:, 0], self.x[pairs[:, 1], self.free])
        return self.x, np.where(self.done[:, None], self.numbers, np.nan)

    def _next(self) -> np.ndarray:
        """Points not yet solved (B, 2), each beside one that is and from which it was not tried."""
        found: dict[int, int] = {}
        every = np.arange(len(self.x)).reshape(self.shape)
        for axis in range(len(self.shape)):
            ahead, behind = (
                np.take(every, range(1, self.shape[axis]), axis),
                np.take(every, range(self.shape[axis] - 1), axis),
            )
            for to, of in ((ahead, behind), (behind, ahead)):
                good = (~self.done[to] & self.done[of]).ravel()
                for pair in zip(to.ravel()[good].tolist(), of.ravel()[good].tolist(), strict=True):
                    if pair not in self.tried:
                        found.setdefault(*pair)
        return np.array(list(found.items()), int).reshape(-1, 2)

    def _newton(self, points: np.ndarray, begin: np.ndarray) -> None:
        """Solve at points (B,), each from a value (B,)."""
        now = begin.copy()
        for _ in range(NEWTON):
            if not len(points):
                return
            x = self.x[points].copy()
            x[:, self.free] = now
            found = self.ask(x)
            gap = found.numbers[:, self.place] - self.target
            good = found.fine & (np.abs(gap) <= MET * abs(self.target))
            self.x[points[good]], self.numbers[points[good]] = x[good], found.numbers[good]
            self.done[points[good]] = True
            going = found.fine & ~good
            step = gap[going] / found.slopes[going, self.place, self.free]
            after = now[going] - step
            inside = (after >= 0) & (after <= 1) & np.isfinite(after)
            points, now = points[going][inside], after[inside]


def _found(
    asked: OptimumRequest,
    solve: str | None,
    axes: dict[str, np.ndarray],
    x: np.ndarray,
    numbers: np.ndarray,
    seconds: float,
) -> Grid:
    known = np.asarray(np.isfinite(numbers).all(1))
    if not known.any():
        raise ValueError(
            f"{asked.aims[0].measure.name} has no value at any of the {len(x)} points; widen what is free, or refine it"
        )
    goal: Goal = goal_of(
        asked, SearchStarts(x, Values(numbers, np.zeros((*numbers.shape, 1)), numbers), known, known, 0)
    )
    held = np.array([bool(k) and goal.violation(row) <= HOLDS for k, row in zip(known, numbers, strict=True)])
    values = np.where(held, numbers[:, 0], np.nan)
    best = int(np.nanargmin(goal.sign * values)) if held.any() else None
    shape = tuple(len(axis) for axis in axes.values())
    box, aim = asked.box, asked.aims[0].measure
    columns = {name: box.names.index(name) for name in box.names}
    device, drive = (None, None) if best is None else asked.evaluator.device_at(x[best])
    return Grid(
        device=device,
        drive=drive,
        value=None if best is None else float(values[best]),
        name=aim.name,
        unit=aim.unit,
        axes={n: box.low[columns[n]] + box.width[columns[n]] * axis for n, axis in axes.items()},
        values=values.reshape(shape),
        solved=None if solve is None else box.values(x)[:, columns[solve]].reshape(shape),
        evaluations=asked.evaluator.count,
        seconds=seconds,
    )
