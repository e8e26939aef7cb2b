"""Aims over devices as they are made: the mean, or the worst, of devices drawn with a given spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Key

from llgrad.core.record import as_count
from llgrad.core.units import parse
from llgrad.optimising.evaluation import Evaluator, Values
from llgrad.optimising.limits import units_of, value_at

DRAWS: Final = 16


@dataclass(frozen=True)
class Expected:
    """The aim is the mean of a number over `draws` devices whose parameters scatter normally.

    Args:
        spread: standard deviations by parameter: of its value ("2%"), or in its unit ("5mT").
        key: of the draws, `jax.random.key(0)`. All designs are judged by the same draws.
        draws: number of devices beside the nominal one.

    Limits hold for the nominal device. A design counts where every drawn device has a number.

    >>> import jax, llgrad as lg
    >>> best = lg.optimise(
    ...     lg.presets.kubota2013(), lg.minimise(lambda sto: (sto.current - 1e-3) ** 2), {"current": (0, "3mA")},
    ...     over=lg.optimising.Expected({"current": "20%"}, jax.random.key(0)), starts=1,
    ... )
    >>> round(best.device.current * 1e3, 3)
    0.895
    """

    spread: Mapping[str, str]
    key: Key[jax.Array, ""] = field(repr=False)
    draws: int = DRAWS
    word = "mean"

    def __post_init__(self) -> None:
        count = as_count(self.draws)
        if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= 10_000:
            raise ValueError(f"draws = {self.draws!r}, expected a number of devices, from 2 to 10,000")
        if not isinstance(self.spread, Mapping) or not self.spread:
            raise ValueError(f"spread = {self.spread!r}, expected standard deviations, as {{'alpha': '5%'}}")
        if not (isinstance(self.key, jax.Array) and jnp.issubdtype(self.key.dtype, jax.dtypes.prng_key)):
            raise ValueError(f"key = {self.key!r}, expected the key of the draws, as jax.random.key(0)")


@dataclass(frozen=True)
class Worst(Expected):
    """The aim is the worst of a number over devices that are drawn so: the largest of one that is to be small.

    Arguments as of `Expected`.

    >>> import jax, llgrad as lg
    >>> best = lg.optimise(
    ...     lg.presets.kubota2013(), lg.minimise(lambda sto: (sto.current - 1e-3) ** 2), {"current": (0, "3mA")},
    ...     over=lg.optimising.Worst({"current": "20%"}, jax.random.key(0)), starts=1,
    ... )
    >>> round(best.device.current * 1e3, 3)
    0.978
    """

    word = "worst"


class Deviations(NamedTuple):
    """p → p (1 + relative) + absolute, for each draw (M, P)."""

    relative: np.ndarray
    absolute: np.ndarray


def spread_paths(device: Any, drive: Any, over: Expected | None) -> tuple[str, ...]:
    """What scatters. Raises ValueError for what there is not."""
    if over is None:
        return ()
    units = units_of(device, drive)
    if unknown := [name for name in over.spread if name not in units]:
        raise ValueError(f"spread of {unknown[0]!r}: there is no such parameter; it can be {', '.join(units)}")
    return tuple(over.spread)


def deviations_of(over: Expected, paths: tuple[str, ...], device: Any, drive: Any, free: tuple[str, ...]) -> Deviations:
    """The draws. Raises ValueError for a spread that is none."""
    units = units_of(device, drive)
    normal = np.asarray(jax.random.normal(over.key, (over.draws, len(over.spread))), float)
    found = Deviations(*np.zeros((2, over.draws, len(paths))))
    for column, (name, given) in enumerate(over.spread.items()):
        size, is_part = _size(name, given, units[name])
        if is_part and name not in free and value_at(device, drive, name) == 0.0:
            raise ValueError(f"spread of {name}: {given} of 0 is nothing; give it in {units[name]}")
        (found.relative if is_part else found.absolute)[:, paths.index(name)] = size * normal[:, column]
    return found


def _size(name: str, given: Any, unit: str) -> tuple[float, bool]:
    if not isinstance(given, str):
        raise ValueError(f"spread of {name}: {given!r} has no unit; write '5%' of its value, or '1{unit}'")
    try:
        size = parse(given, "1") if given.strip().endswith("%") else parse(given, unit)
    except ValueError as error:
        raise ValueError(f"spread of {name}: {error}") from None
    if not size > 0:
        raise ValueError(f"spread of {name} = {given}, expected a standard deviation above 0")
    return float(size), given.strip().endswith("%")


class Scattered:
    """An evaluator whose numbers are those of the nominal device, then the aim's mean or its values over the draws."""

    def __init__(self, inner: Evaluator, over: Expected, aim: int) -> None:
        self.inner, self.over, self.aim = inner, over, aim
        self.deviations = deviations_of(over, inner.paths, inner.device, inner.drive, inner.box.names)

    @property
    def is_worst(self) -> bool:
        """Whether each draw has a number of its own."""
        return isinstance(self.over, Worst)

    def __call__(self, x: np.ndarray) -> Values:
        n, total = len(self.inner.box.names), len(self.inner.paths)
        rows = np.zeros((len(x), n, total))
        rows[:, np.arange(n), np.arange(n)] = self.inner.box.width
        return self._at(self.inner.parameters(x), rows)

    def by_parts(self, x: np.ndarray) -> np.ndarray:
        """Derivatives (K′, P) at one design by every number of the nominal device, in parts of its value."""
        n, total = len(self.inner.box.names), len(self.inner.paths)
        p = self.inner.parameters(x[None])[0]
        rows = np.zeros((-(-total // n) * n, total))
        rows[:total] = np.diag(p)
        groups = rows.reshape(-1, n, total)
        found = self._at(np.tile(p, (len(groups), 1)), groups)
        return np.concatenate(list(found.slopes), axis=1)[:, :total]

    def _at(self, p: np.ndarray, directions: np.ndarray) -> Values:
        draws = self.over.draws
        factor, shift = 1 + self.deviations.relative, self.deviations.absolute
        every = np.concatenate([p[:, None], p[:, None] * factor + shift], 1)
        along = np.concatenate([directions[:, None], directions[:, None] * factor[:, None]], 1)
        found = self.inner.at(every.reshape(-1, every.shape[-1]), along.reshape(-1, *along.shape[-2:]))
        numbers, slopes, health = (part.reshape(len(p), draws + 1, *part.shape[1:]) for part in found)
        aims, aim_slopes = numbers[:, 1:, self.aim], slopes[:, 1:, self.aim]
        if not self.is_worst:
            aims, aim_slopes = aims.mean(1, keepdims=True), aim_slopes.mean(1, keepdims=True)
        together = np.concatenate([numbers[:, 0], aims], 1)
        whole = np.isfinite(together).all(1, keepdims=True)
        return Values(np.where(whole, together, np.nan), np.concatenate([slopes[:, 0], aim_slopes], 1), health[:, 0])
