"""Evaluations: numbers of designs with their exact derivatives, many at once, and counted.

One evaluation is one device whose numbers, with their derivatives, were asked for: its orbit is found once for all of
them. Devices go in batches of one width, so that one compiled program serves a whole search, and a design's numbers do
not depend on which others are asked for beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.core.status import SimulationError
from llgrad.optimising.aims import DeviceNumber, Measure, Parameter
from llgrad.optimising.limits import Box, put, scaled_leaves, units_of, value_at
from llgrad.orbits.cycle.finding import orbit as find
from llgrad.orbits.cycle.reasons import NoCycle
from llgrad.orbits.results.precision import working

WIDTH: Final = 16
"""Devices of a batch."""
HEALTH: Final = ("return_rate", "period", "noise_ratio", "error", "search")
"""What else an orbit is asked for: whether its numbers mean what they say."""


class Values(NamedTuple):
    """The numbers of B designs."""

    numbers: np.ndarray
    """(B, K); all of a design are NaN where one is."""
    slopes: np.ndarray
    """(B, K, n): by each free parameter in parts of its range."""
    health: np.ndarray
    """(B, H) of the orbit, NaN without one."""

    @property
    def fine(self) -> np.ndarray:
        """Which designs have numbers (B,)."""
        return np.asarray(np.isfinite(self.numbers).all(1) & np.isfinite(self.slopes).all((1, 2)))


@dataclass(frozen=True)
class EvaluationProgram:
    """What is asked for, of what is varied: one compiled program each."""

    measures: tuple[Measure, ...]
    paths: tuple[str, ...]
    steps: int
    directions: int

    @property
    def of_orbit(self) -> bool:
        """Whether an orbit is looked for."""
        return any(measure.of_orbit for measure in self.measures)

    def numbers(self, device: Any, drive: Any, m0: Any, p: Any) -> tuple[Any, Any]:
        """The measures (K,) and the health (H,) of a device whose numbers at `paths` are p."""
        for path, value in zip(self.paths, p, strict=True):
            device, drive = put(device, drive, path, value)
        orbit = find(device, m0=m0, steps=self.steps) if self.of_orbit else None
        found = [
            p[self.paths.index(measure.name)] if isinstance(measure, Parameter) else measure.of(device, drive, orbit)
            for measure in self.measures
        ]
        numbers = jnp.stack([_scalar(measure, value) for measure, value in zip(self.measures, found, strict=True)])
        if orbit is None:
            return numbers, jnp.full(len(HEALTH), jnp.nan)
        known = [getattr(orbit, name) for name in HEALTH[:-1]]
        health = jnp.stack([jnp.asarray(value, float) for value in (*known, orbit.status.code)])
        # a cycle that repels is nothing that a device does
        return jnp.where(health[0] > 0, numbers, jnp.nan), health

    def local(self, device: Any, drive: Any, m0: Any, p: Any, directions: Any) -> tuple[Any, Any, Any]:
        """Measures (K,), their derivatives along directions (n, P) as (K, n), and the health."""

        def moved(c: Any) -> tuple[Any, Any]:
            numbers, health = self.numbers(device, drive, m0, p + c @ directions)
            return numbers, (numbers, health)

        slopes, (numbers, health) = jax.jacfwd(moved, has_aux=True)(jnp.zeros(self.directions))
        return numbers, slopes, health


def _scalar(measure: Measure, value: Any) -> Any:
    shape = getattr(value, "shape", None)
    if isinstance(value, (list, tuple, dict, str, type(None))) or shape not in ((), None):
        got = f"a {type(value).__name__}" if shape is None else f"the shape {shape}"
        raise ValueError(f"{measure.name} gives {got}, expected one number; take a part of it, its mean or its sum")
    if jnp.iscomplexobj(value):
        raise ValueError(f"{measure.name} gives a complex number, expected a real one; take its abs or its real part")
    return jnp.asarray(value, float)


@quick_jit
def _batch(
    program: EvaluationProgram, device: Any, drive: Any, m0: Any, p: Any, directions: Any
) -> tuple[Any, Any, Any]:
    return jax.vmap(lambda p, d: program.local(device, drive, m0, p, d))(p, directions)


@quick_jit
def _plain_batch(program: EvaluationProgram, device: Any, drive: Any, m0: Any, p: Any) -> Any:
    return jax.vmap(lambda p: program.numbers(device, drive, m0, p)[0])(p)


class Evaluator:
    """Numbers of designs, places x (n,) between 0 and 1 in a box, counted."""

    def __init__(
        self,
        device: Any,
        drive: Any,
        box: Box,
        measures: tuple[Measure, ...],
        steps: int,
        m0: Any = None,
        others: tuple[str, ...] = (),
    ) -> None:
        self.device, self.drive, self.box, self.m0 = device, drive, box, m0
        self.paths = scaled_leaves(device, drive, box.names, others)
        self.units = units_of(device, drive)
        self.held = np.array([value_at(device, drive, path) for path in self.paths])
        self.program = EvaluationProgram(measures, self.paths, steps, len(box.names))
        self.count = 0
        self.reason = ""
        """Of the last device without numbers, where there is a sentence."""
        self.one_by_one = self._why_one_by_one()

    # ---- asking

    def __call__(self, x: np.ndarray) -> Values:
        """The numbers of designs (B, n) with their derivatives by x."""
        return self.at(self.parameters(x), np.broadcast_to(self._free(), (len(x), *self._free().shape)))

    def parameters(self, x: np.ndarray) -> np.ndarray:
        """The numbers (B, P) of the devices at places (B, n)."""
        p = np.tile(self.held, (len(x), 1))
        p[:, : len(self.box.names)] = self.box.values(x)
        return p

    def _free(self) -> np.ndarray:
        directions = np.zeros((len(self.box.names), len(self.paths)))
        np.fill_diagonal(directions, self.box.width)
        return directions

    def at(self, p: np.ndarray, directions: np.ndarray) -> Values:
        """The numbers of devices p (B, P), with their derivatives along directions (B, n, P)."""
        self.count += len(p)
        with working():
            if self.one_by_one:
                numbers, slopes, health = self._each(p, directions)
            else:
                numbers, slopes, health = self._in_batches(_batch, p, directions)
        whole = np.asarray(np.isfinite(numbers).all(1))
        return Values(np.where(whole[:, None], numbers, np.nan), slopes, health)

    def plain(self, x: np.ndarray) -> np.ndarray:
        """The numbers (B, K) of designs (B, n) alone, of functions too that have no derivative."""
        self.count += len(x)
        p = self.parameters(x)
        with working():
            if not self.one_by_one:
                return self._in_batches(_plain_batch, p)[0]
            return np.stack([np.asarray(self._caught(self.program.numbers, row)[0], float) for row in p])

    def by_parts(self, x: np.ndarray) -> np.ndarray:
        """Derivatives (K, P) of the measures at one design x (n,) by every number, in parts of its value."""
        n, total = len(self.box.names), len(self.paths)
        p = self.parameters(x[None])[0]
        rows = np.zeros((-(-total // n) * n, total))
        rows[:total] = np.diag(p)
        groups = rows.reshape(-1, n, total)
        found = self.at(np.tile(p, (len(groups), 1)), groups)
        return np.concatenate(list(found.slopes), axis=1)[:, :total]

    def device_at(self, x: np.ndarray) -> tuple[Any, Any]:
        """The device and its drive at a place (n,), of plain numbers."""
        device, drive = self.device, self.drive
        with working():
            for path, value in zip(self.box.names, self.box.values(x), strict=True):
                device, drive = put(device, drive, path, float(value))
        return jax.tree.map(lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf, (device, drive))

    # ---- how

    def _in_batches(self, function: Any, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        parts = []
        for first in range(0, len(arrays[0]), WIDTH):
            some = [array[first : first + WIDTH] for array in arrays]
            missing = WIDTH - len(some[0])
            filled = [np.concatenate([array, np.repeat(array[:1], missing, 0)]) for array in some]
            found = function(self.program, _as_arrays(self.device), _as_arrays(self.drive), self.m0, *filled)
            parts.append([np.asarray(array)[: WIDTH - missing] for array in jax.tree.leaves(found)])
        return tuple(np.concatenate(array) for array in zip(*parts, strict=True))

    def _each(self, p: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, ...]:
        found = [self._one(*pair) for pair in zip(p, directions, strict=True)]
        return tuple(np.stack([np.asarray(part) for part in parts]) for parts in zip(*found, strict=True))

    def _one(self, p: np.ndarray, directions: np.ndarray) -> tuple[Any, Any, Any]:
        try:
            found = self._caught(self.program.local, jnp.asarray(p), jnp.asarray(directions))
        except jax.errors.JAXTypeError as error:
            raise ValueError(
                f"{_own(self.program)} cannot be differentiated ({str(error).splitlines()[0]}); write it in jax.numpy, "
                "without float() or if of a number that is searched, or use lg.optimising.grid_search, which needs no "
                "derivative"
            ) from error
        return (
            found
            if len(found) == 3
            else (found[0], np.full((len(found[0]), self.program.directions), np.nan), found[1])
        )

    def _caught(self, function: Any, *arguments: Any) -> tuple[Any, ...]:
        """What a function gives, or (numbers, health) of NaN where the device has no cycle or its run failed."""
        try:
            return function(self.device, self.drive, self.m0, *arguments)
        except (NoCycle, SimulationError) as error:
            self.reason = str(error)
            return np.full(len(self.program.measures), np.nan), np.full(len(HEALTH), np.nan)

    def _why_one_by_one(self) -> str:
        """Why designs cannot go together; empty where they can. Only a function of the user's own may search."""
        if not any(isinstance(measure, DeviceNumber) for measure in self.program.measures):
            return ""
        p = self.parameters(np.full((WIDTH, len(self.box.names)), 0.5))
        directions = np.broadcast_to(self._free(), (WIDTH, *self._free().shape))
        try:
            with working():
                eqx.filter_eval_shape(
                    _batch, self.program, _as_arrays(self.device), _as_arrays(self.drive), self.m0, p, directions
                )
        except (ValueError, TypeError, IndexError) as error:
            # whatever is wrong with the function itself will be told by its first call with plain numbers
            return str(error).splitlines()[0]
        return ""


def _own(program: EvaluationProgram) -> str:
    return next(measure.name for measure in program.measures if isinstance(measure, DeviceNumber))


def _as_arrays(record: Any) -> Any:
    """Every float but 0 and 1 an array, so that another device needs no other program."""
    return jax.tree.map(
        lambda leaf: np.asarray(leaf) if isinstance(leaf, float) and leaf not in (0.0, 1.0) else leaf, record
    )


Ask = Callable[[np.ndarray], Values]
