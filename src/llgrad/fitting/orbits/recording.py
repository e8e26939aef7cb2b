"""What orbits tell as a target: numbers of the orbit at each setting, found by shooting, with exact derivatives."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.fitting.orbits.cycles import TONES, Near, RowFound, row_at
from llgrad.fitting.orbits.shooting import OfOrbits, shot
from llgrad.fitting.orbits.tables.table import OF_NOISE
from llgrad.fitting.targets.recording import RecordingSetup
from llgrad.fitting.targets.sought import PredictedRecording
from llgrad.orbits.results.named import quantity_of
from llgrad.orbits.results.precision import working

FREQUENCY: Final = "frequency"


class OrbitRecording(OfOrbits):
    """Numbers of the orbits at K settings.

    Each orbit is found near one of a similar device: a search hands on those of its last iterate, so that nothing is
    simulated and nothing depends on a starting state.
    """

    @property
    @abc.abstractmethod
    def of_noise(self) -> bool:
        """Whether it depends on the strength of the model's noise."""

    @abc.abstractmethod
    def predicted(self, bound: RecordingSetup, told: Any) -> Any:
        """The values (T, 1) of orbits that tell this (K, C)."""

    @abc.abstractmethod
    def predicted_with_slopes(self, given: tuple[Any, Any], told: Any, slopes: Any) -> tuple[np.ndarray, np.ndarray]:
        """These, and their slopes (T, p), from those (K, C, p) of what orbits tell: `given` are the parameters (p,)
        [SI] and the reference state."""

    @abc.abstractmethod
    def distances(self, told: np.ndarray) -> np.ndarray:
        """How far (K,) in standard deviations, squared, what orbits tell (K, C) is from what was recorded."""

    def seen(self, values: Any, m0: Any, near: Near) -> PredictedRecording:
        """What is predicted at parameters (p,) [SI], of orbits found near others."""
        found = shot(self, values, m0, near)
        predicted, slopes = self.predicted_with_slopes((values, m0), found.told, found.slopes)
        sigma = np.broadcast_to(np.asarray(self.sigma), predicted.shape)
        residuals = ((predicted - np.asarray(self.data)) / sigma).ravel()
        return PredictedRecording(predicted, residuals, slopes / sigma, found.near)

    def mask(self, horizon: Any) -> Any:
        """An orbit has no time: it counts on the last window only."""
        return jnp.broadcast_to(jnp.isinf(horizon), self.data.shape[:1])

    @working()
    def predict(self, bound: RecordingSetup, mask: Any) -> tuple[Any, Any]:
        def one(setting: Any, states: Any, period: Any) -> Any:
            return self.told(row_at(self.at(bound.model, setting), states, period))

        predicted = self.predicted(bound, jax.vmap(one)(jnp.asarray(self.settings), *self.near))
        return predicted, jnp.isfinite(predicted).all()


class TableRecording(OrbitRecording):
    """Numbers (M, 1) that were measured at K rows of settings; what is missing is not among them."""

    units: tuple[str, ...] = eqx.field(static=True)
    """Of the settings, (P,)."""
    quantities: tuple[str, ...] = eqx.field(static=True)
    """Names of what was measured (C,)."""
    options: tuple[Mapping[str, Any], ...]
    """The options of each."""
    scale: Any
    """What the data are in units of, (C,)."""
    row_of: Any
    """Row of each number (M,)."""
    column_of: Any
    """And what it is (M,), an index of `quantities`."""

    @property
    def of_noise(self) -> bool:
        return any(name in OF_NOISE for name in self.quantities)

    def told(self, row: RowFound) -> Any:
        others = [pair for pair in zip(self.quantities, self.options, strict=True) if pair[0] != FREQUENCY]
        return jnp.stack([row.frequency, *(number_of(row, name, options) for name, options in others)])

    @property
    def columns(self) -> np.ndarray:
        """Where each quantity (C,) is in what an orbit tells."""
        others = [name for name in self.quantities if name != FREQUENCY]
        return np.array([0 if name == FREQUENCY else 1 + others.index(name) for name in self.quantities])

    def predicted(self, bound: RecordingSetup, told: Any) -> Any:
        return (told[:, self.columns] / self.scale)[self.row_of, self.column_of][:, None]

    def predicted_with_slopes(self, given: tuple[Any, Any], told: Any, slopes: Any) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = np.asarray(self.row_of), np.asarray(self.column_of)
        scale, places = np.asarray(self.scale)[columns], self.columns[columns]
        return (told[rows, places] / scale)[:, None], slopes[rows, places] / scale[:, None]

    def distances(self, told: np.ndarray) -> np.ndarray:
        rows, columns = np.asarray(self.row_of), np.asarray(self.column_of)
        scaled = (told[:, self.columns] / np.asarray(self.scale))[rows, columns]
        off = (scaled - np.asarray(self.data)[:, 0]) / np.asarray(self.sigma)[:, 0]
        return np.bincount(rows, off**2, len(told))

    def bare(self) -> OfOrbits:
        return self._bare(scale=(), row_of=(), column_of=())

    def of_row(self, k: int, told: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of the data are of row k (R,), and what orbits that tell this (L, C) give there (L, R)."""
        places = np.flatnonzero(np.asarray(self.row_of) == k)
        columns = np.asarray(self.column_of)[places]
        return places, (told[:, self.columns] / np.asarray(self.scale))[:, columns]

    def grid(self, values: Any) -> np.ndarray:
        """Values (M,) as a table (K, C) in SI, NaN where nothing was measured."""
        table = np.full((len(self.settings), len(self.quantities)), np.nan)
        table[np.asarray(self.row_of), np.asarray(self.column_of)] = np.ravel(values)
        return table * np.asarray(self.scale)


def number_of(row: RowFound, name: str, options: Mapping[str, Any]) -> Any:
    """A number () of an orbit by its name in `QUANTITIES`, as an instrument sees it: frequency, line width and power
    are those of the strongest tone, the n-th harmonic of the orbit, whose phase diffuses n² times as fast. NaN where
    there is no orbit."""
    orbit = row.orbit
    if name in ("power", "power_dbm") and "harmonic" not in options:
        each = [quantity_of(orbit, name, **options, harmonic=n) for n in range(1, TONES + 1)]
        found = jnp.take(jnp.stack(each), jnp.asarray(row.tone, int) - 1)
    else:
        found = quantity_of(orbit, name, **options)
    found = found * row.tone**2 if name in ("line_width", "diffusion") else found
    return jnp.where(row.closed, found, jnp.nan)
