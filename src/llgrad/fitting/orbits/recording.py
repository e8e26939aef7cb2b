"""What orbits tell as a target: numbers of the orbit at each setting, found by shooting, with exact derivatives."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import set_leaf
from llgrad.fitting.orbits.cycles import TONES, Near, Row, near_of, row_at
from llgrad.fitting.orbits.table import OF_NOISE
from llgrad.fitting.targets.recording import Bound, Model, Recording
from llgrad.orbits.results.named import quantity_of
from llgrad.orbits.results.precision import working


class OrbitRecording(Recording):
    """Numbers of the orbits at K settings.

    Each orbit is found near one of a similar device: a search hands on those of its last iterate, so that nothing is
    simulated and nothing depends on a starting state.
    """

    settings: Any
    """Values of what is swept [SI], (K, P)."""
    near: Any
    """Orbits to start from, as `Near`."""

    @property
    @abc.abstractmethod
    def of_noise(self) -> bool:
        """Whether it depends on the strength of the model's noise."""

    @abc.abstractmethod
    def predicted(self, bound: Bound, rows: Row) -> Any:
        """The values (T, C) of orbits (K,)."""

    @abc.abstractmethod
    def distances(self, rows: np.ndarray) -> np.ndarray:
        """How far (K,) in standard deviations, squared, the `signature` (K, C) of orbits is from what was recorded."""

    @abc.abstractmethod
    def signature(self, row: Row) -> Any:
        """The numbers (C,) of one orbit by which it is told from others; the first is its frequency [Hz]."""

    def mask(self, horizon: Any) -> Any:
        """An orbit has no time: it counts on the last window only."""
        return jnp.broadcast_to(jnp.isinf(horizon), self.data.shape[:1])

    def at(self, model: Model, setting: Any) -> Model:
        """The device at one row of what is swept."""
        return model

    def followed(self, values: Any, m0: Any, horizon: Any, near: Near) -> tuple[Any, Any, Near]:
        bound, mask = self.bind(values, m0), self.mask(horizon)
        predicted, near = self._from(bound, near)
        scaled = (predicted - self.data) / self.sigma
        residuals = jnp.where(mask[:, None], scaled, jnp.zeros_like(scaled)).ravel()
        return residuals, jnp.isfinite(predicted).all(), jax.lax.stop_gradient(near)

    def predict(self, bound: Bound, mask: Any) -> tuple[Any, Any]:
        predicted, _ = self._from(bound, self.near)
        return predicted, jnp.isfinite(predicted).all()

    @working()
    def _from(self, bound: Bound, near: Near) -> tuple[Any, Near]:
        def one(setting: Any, states: Any, period: Any) -> tuple[Row, tuple[Any, Any]]:
            row = row_at(self.at(bound.model, setting), states, period)
            return self.told(row), near_of(row, states, period)

        told, found = jax.vmap(one)(jnp.asarray(self.settings), *near)
        return self.predicted(bound, told), Near(*found)

    @abc.abstractmethod
    def told(self, row: Row) -> Any:
        """What `predicted` needs of one orbit."""


class TableRecording(OrbitRecording):
    """Numbers (M, 1) that were measured at K rows of settings; what is missing is not among them."""

    paths: tuple[str, ...] = eqx.field(static=True)
    """What is swept, (P,)."""
    units: tuple[str, ...] = eqx.field(static=True)
    """And its units."""
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

    def at(self, model: Model, setting: Any) -> Model:
        for path, value in zip(self.paths, setting, strict=True):
            model = set_leaf(model, path, value)
        return model

    def told(self, row: Row) -> Any:
        """(C,), in SI."""
        pairs = zip(self.quantities, self.options, strict=True)
        return jnp.stack([number_of(row, name, options) for name, options in pairs])

    def predicted(self, bound: Bound, rows: Any) -> Any:
        return (rows / self.scale)[self.row_of, self.column_of][:, None]

    def signature(self, row: Row) -> Any:
        return jnp.concatenate([row.frequency[None], self.told(row)])

    def distances(self, rows: np.ndarray) -> np.ndarray:
        places = np.asarray(self.row_of), np.asarray(self.column_of)
        off = ((rows[:, 1:] / np.asarray(self.scale))[places] - np.asarray(self.data)[:, 0]) / np.asarray(self.sigma)[
            :, 0
        ]
        return np.bincount(places[0], off**2, len(rows))

    def of_row(self, k: int, signatures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of the data are of row k (R,), and what orbits of these signatures (L, C) give there (L, R)."""
        places = np.flatnonzero(np.asarray(self.row_of) == k)
        columns = np.asarray(self.column_of)[places]
        return places, (signatures[:, 1:] / np.asarray(self.scale))[:, columns]

    def grid(self, values: Any) -> np.ndarray:
        """Values (M,) as a table (K, C) in SI, NaN where nothing was measured."""
        table = np.full((len(self.settings), len(self.quantities)), np.nan)
        table[np.asarray(self.row_of), np.asarray(self.column_of)] = np.ravel(values)
        return table * np.asarray(self.scale)


def number_of(row: Row, name: str, options: Mapping[str, Any]) -> Any:
    """A number () of an orbit by its name in `QUANTITIES`, as an instrument sees it: frequency, line width and power
    are those of the strongest tone, the n-th harmonic of the orbit, whose phase diffuses n² times as fast. NaN where
    there is no orbit, but for a frequency."""
    if name == "frequency":
        return row.frequency
    orbit = row.orbit
    if name in ("power", "power_dbm") and "harmonic" not in options:
        each = [quantity_of(orbit, name, **options, harmonic=n) for n in range(1, TONES + 1)]
        found = jnp.take(jnp.stack(each), jnp.asarray(row.tone, int) - 1)
    else:
        found = quantity_of(orbit, name, **options)
    found = found * row.tone**2 if name in ("line_width", "diffusion") else found
    return jnp.where(row.closed, found, jnp.nan)
