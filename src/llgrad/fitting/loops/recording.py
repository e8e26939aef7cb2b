"""A measured loop as a target: at each field the state at rest of the branch that it was measured on.

A row counts on the branch that leaves least, rows in their order being on branches in theirs (`choosing.py`): so where
a device was seen to jump says nothing here, as its temperature has it jump before its branch ends. A row that was
measured on a branch beyond its end is compared with the state at that end, moved towards what the device does instead
in proportion to how far beyond it is. The residuals are then continuous in the parameters, and pull the end to where
the branch was seen.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.experiments.loops.jumping import NoRest, no_rest
from llgrad.experiments.loops.swept import Swept
from llgrad.fitting.loops.branches.curve import CurveOnItsWay, LoopBranch, SoughtCurve
from llgrad.fitting.loops.branches.memory import BranchMemory
from llgrad.fitting.loops.branches.rounds import all_followed
from llgrad.fitting.loops.choosing import chosen
from llgrad.fitting.loops.reading_out import still
from llgrad.fitting.targets.measurement import best_line
from llgrad.fitting.targets.recording import RecordingSetup, recorder_name
from llgrad.fitting.targets.sought import LinePrediction, PredictedRecording, Sought
from llgrad.orbits.flow import StateShape
from llgrad.orbits.results.precision import working

RESOLUTION: Final = 1e-7
UNSEEN: Final = 1e-9
"""A parameter whose whole value moves what is read by less than this part of its range moves nothing: rounding."""
LINES: Final = 4
"""So often gain and offset are found anew, and the branches of the rows with them."""


class ReadCurve(NamedTuple):
    """One curve at one device."""

    rows: slice
    branches: list[LoopBranch]

    @property
    def told(self) -> np.ndarray:
        """What is read out on each branch (n, K); NaN where it was not looked for."""
        return np.array([one.told for one in self.branches])

    @property
    def slopes(self) -> np.ndarray:
        """By the parameters [SI], (n, K, q)."""
        return np.array([one.slopes for one in self.branches])


class LoopRecording(Sought):
    """What was read at fields (K,) [T] along an axis, in their order."""

    near: tuple[()]
    """Nothing: what is predicted follows from the parameters alone."""
    field: Any
    axes: Any
    """Polar and azimuthal angle [rad] of the axis of each curve (C, 2)."""
    curves: tuple[tuple[int, int], ...] = eqx.field(static=True)
    quantity: str = eqx.field(static=True)
    unit: str = eqx.field(static=True)
    begun: tuple[float, ...] | None = eqx.field(static=True)
    """The state that relaxes to the first one, where it was given."""
    size: float = eqx.field(static=True)
    """Of the fields, from the smallest to the largest [T]."""
    scale: Any
    shape: StateShape = eqx.field(static=True)
    memory: BranchMemory | None = eqx.field(static=True)
    """What was found of devices that were looked at."""

    def mask(self, horizon: Any) -> Any:
        """A loop has no time: it counts on the last window only."""
        return jnp.broadcast_to(jnp.isinf(horizon), self.data.shape[:1])

    def predict(self, bound: RecordingSetup, mask: Any) -> tuple[Any, Any]:
        raise ValueError(
            "a measured loop is fitted along its branches, which are looked for with numbers; draw from the posterior "
            "of the traces alone, or take the standard errors"
        )

    @property
    def voltage_column(self) -> int | None:
        return None if (self.gain, self.offset) == (1.0, 0.0) else 0

    @property
    def resolution(self) -> float:
        return RESOLUTION

    @property
    def of_voltage(self) -> bool:
        return False

    @property
    def line_units(self) -> dict[str, str]:
        gain, offset = super().line_units
        return {gain: "1", offset: self.unit}

    @property
    def bare(self) -> LoopRecording:
        """What its states depend on, and nothing of the data, so that other loops share programs."""
        own = {path: k for k, path in enumerate(path for path, _ in self.places)}
        nothing: dict[str, Any] = {"data": (), "sigma": (), "field": (), "axes": (), "curves": (), "label": ""}
        line = {"gain": 1.0, "offset": 0.0}
        return dataclasses.replace(self, **nothing, **line, places=tuple(own.items()), row=0, begun=None, memory=None)

    def own(self, values: Any) -> np.ndarray:
        """Those of the problem's parameters (p,) that it has."""
        return np.asarray(values, float)[[index for _, index in self.places]]

    def family(self, values: Any, axis: Any) -> tuple[Swept, Any]:
        """The device over the strength of a field along an axis (2,), at parameters of its own, and the field [T]
        there is beside."""
        bound = self.bind(values, jnp.zeros(len(self.form.names)))
        device = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), still(bound.model))
        polar, azimuth = axis[0] + bound.axis_polar, axis[1] + bound.axis_azimuth
        size = jnp.asarray(self.size)
        family = Swept(device, self.scale, size, None, "field", self.shape, polar, azimuth, jnp.zeros(()))
        return family, jnp.asarray(bound.field_offset, float)

    def check(self, values: Any) -> None:
        """Raise ValueError where the device cannot have this loop at all, at parameters (p,) [SI]."""
        self.followed(values)

    # ---- what is predicted

    def seen(self, values: Any, m0: Any, near: Any) -> PredictedRecording:
        return self.seen_of_each(np.asarray(values)[None], np.asarray(m0)[None], [near])[0]

    def seen_of_each(self, values: Any, m0: Any, near: Any) -> list[PredictedRecording]:
        return [
            self.nothing(one, by) if isinstance(curves, NoRest) else self.seen_on(curves, one, by)
            for curves, one, by in zip(self.followed_of_each(values), np.asarray(values), near, strict=True)
        ]

    def nothing(self, values: Any, near: Any) -> PredictedRecording:
        """Of a device without a loop: no search takes it."""
        lost = np.full(self.data.shape, np.nan)
        return PredictedRecording(lost, lost.ravel(), np.full((len(lost), np.size(values)), np.nan), near)

    def seen_on(self, curves: list[ReadCurve], values: Any, near: Any) -> PredictedRecording:
        """What is predicted on the branches of a device."""
        told, slopes, _ = self.on_branches(curves)
        free = len(self.free_line)
        predicted, moved = told, slopes
        if free:
            predicted, moved = _lined((self.gain, self.offset), told, slopes, self.data[:, 0], self.sigma[:, 0])
        predicted, sigma = np.asarray(predicted)[:, None], np.asarray(self.sigma)
        return PredictedRecording(
            predicted, ((predicted - self.data) / sigma).ravel(), self._wide(moved, values) / sigma, near
        )

    def seen_on_line(self, values: Any, m0: Any, near: Any) -> LinePrediction:
        if not self.free_line:
            return super().seen_on_line(values, m0, near)
        told, slopes, (gain, offset) = self.on_branches(self.followed(values))
        pairs = ((self.gain, told), (self.offset, np.ones_like(told)))
        own = [column for held, column in pairs if held is None]
        moved = np.concatenate([gain * self._wide(slopes, values), np.stack(own, axis=1)], axis=1)
        predicted = (gain * told + offset)[:, None]
        return LinePrediction(np.asarray(self.own_line(gain, offset)), predicted, moved / np.asarray(self.sigma))

    def _wide(self, slopes: Any, values: Any) -> np.ndarray:
        """Slopes (T, p) by all parameters from those by its own (T, q)."""
        whole = np.zeros((len(slopes), np.size(values)))
        for place, (_, index) in enumerate(self.places):
            whole[:, index] += np.asarray(slopes)[:, place]
        by_all = np.abs(whole).max(axis=0) * np.abs(np.asarray(values, float))  # of a change by its whole value
        return np.where((by_all < UNSEEN * np.ptp(self.data)) & (np.asarray(values) != 0), 0.0, whole)

    def followed(self, values: Any) -> list[ReadCurve]:
        """The branches of every curve, and what is read out on them. Raises NoRest where the device oscillates."""
        (found,) = self.followed_of_each(np.asarray(values)[None])
        if isinstance(found, NoRest):
            raise found
        return found

    @working()
    def followed_of_each(self, values: Any) -> list[list[ReadCurve] | NoRest]:
        """The same for each of some devices (S, p), side by side; NoRest of one that oscillates."""
        owns = [self.own(one) for one in np.asarray(values, float)]
        return self.memory.of_each(owns, self._followed) if self.memory is not None else self._followed(owns)

    def _followed(self, owns: list[np.ndarray]) -> list[list[ReadCurve] | NoRest]:
        places, sought = list(self.curves), []
        for own in owns:
            offset = self._beside(own)
            for (first, stop), axis in zip(places, np.asarray(self.axes), strict=True):
                fields = np.asarray(self.field)[first:stop]
                sought.append(SoughtCurve(own, axis, fields, offset, self.start(fields + offset, axis), self.size))
        curves = all_followed(self.bare, sought, len(places))
        return [self._of_device(curves[first : first + len(places)]) for first in range(0, len(curves), len(places))]

    def _of_device(self, curves: list[CurveOnItsWay]) -> list[ReadCurve] | NoRest:
        wrong = next((one.oscillates for one in curves if one.oscillates is not None), None)
        if wrong is not None:
            return NoRest(no_rest("field", wrong, "T"))
        return [ReadCurve(slice(*place), one.branches()) for place, one in zip(self.curves, curves, strict=True)]

    def _beside(self, own: np.ndarray) -> float:
        """The field [T] beside those that were set, of its own parameters."""
        names = (recorder_name(self.model, path) for path, _ in self.places)
        return next((float(value) for name, value in zip(names, own, strict=True) if name == "field_offset"), 0.0)

    def start(self, fields: np.ndarray, axis: np.ndarray) -> np.ndarray:
        """The state that relaxes to the first one: every layer along the field, where none was given."""
        if self.begun is not None:
            return np.array(self.begun)
        along = [np.sin(axis[0]) * np.cos(axis[1]), np.sin(axis[0]) * np.sin(axis[1]), np.cos(axis[0])]
        return np.tile(np.array(along) * np.sign(fields[0]), len(self.shape.spins))

    def on_branches(self, curves: list[ReadCurve]) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
        """What is read out (T,) of each row on its branch, with slopes (T, q), and gain and offset."""
        options, paths = [self.options(curve) for curve in curves], self.paths(curves)
        told = _picked(options, paths, 0)
        return told, _picked(options, paths, 1), self._line(told)

    def paths(self, curves: list[ReadCurve]) -> list[np.ndarray]:
        """The branch of each row of each curve."""
        options, paths = [self.options(curve) for curve in curves], [by_history(curve.branches) for curve in curves]
        for _ in range(LINES):
            line, before = self._line(_picked(options, paths, 0)), paths
            paths = [self._path(curve, one[0], line) for curve, one in zip(curves, options, strict=True)]
            if all((a == b).all() for a, b in zip(before, paths, strict=True)):
                break
        return paths

    def _line(self, told: np.ndarray) -> tuple[float, float]:
        """Gain and offset, at their best where they are found."""
        weight = 1 / np.asarray(self.sigma)[:, 0] ** 2
        gain, offset = best_line(jnp.asarray(told), self.data[:, 0], weight, self.gain, self.offset)
        return float(gain), float(offset)

    def _path(self, curve: ReadCurve, told: np.ndarray, line: tuple[float, float]) -> np.ndarray:
        data, sigma = np.asarray(self.data)[curve.rows, 0], np.asarray(self.sigma)[curve.rows, 0]
        left = ((line[0] * told + line[1] - data) / sigma) ** 2
        return chosen(np.where(np.isfinite(left), left, np.inf))

    def options(self, curve: ReadCurve) -> tuple[np.ndarray, np.ndarray]:
        """What each row (n, K) would show on each branch, and its slopes (n, K, q): beyond an end that of the end, on
        the way to what the device does instead."""
        told, slopes = curve.told, curve.slopes
        plain, bare, fields = told.copy(), slopes.copy(), np.asarray(self.field)[curve.rows]
        for number, one in enumerate(curve.branches):
            rows = np.flatnonzero(one.end >= 0)
            if not rows.size:
                continue
            others = np.where(rows > one.last, number + 1, number - 1)
            ways = np.array([end.way for end in one.ends])[one.end[rows]]
            ends = np.array([end.set_field for end in one.ends])[one.end[rows]]
            by = np.array([end.slopes for end in one.ends])[one.end[rows]]
            part, turn = ways * (fields[rows] - ends) / self.size, -ways[:, None] * by / self.size
            step = plain[others, rows] - plain[number, rows]
            told[number, rows] += part * step
            slopes[number, rows] += part[:, None] * (bare[others, rows] - bare[number, rows]) + turn * step[:, None]
        return told, slopes


def by_history(found: list[LoopBranch]) -> np.ndarray:
    """The branch (K,) that the device itself is on at each row."""
    return np.repeat(np.arange(len(found)), [one.last - one.first + 1 for one in found])


def _picked(options: list[tuple[np.ndarray, np.ndarray]], paths: list[np.ndarray], which: int) -> np.ndarray:
    """Values, or slopes, of the rows of all curves on their branches."""
    return np.concatenate([one[which][path, np.arange(len(path))] for one, path in zip(options, paths, strict=True)])


def family_of(recording: LoopRecording, values: Any, axis: Any) -> tuple[Swept, Any]:
    """The device over the strength of a field along an axis (2,), at all parameters (p,) [SI], and the field beside."""
    return _family(recording.bare, jnp.asarray(recording.own(values)), axis)


@quick_jit
def _family(bare: LoopRecording, own: Any, axis: Any) -> tuple[Swept, Any]:
    return bare.family(own, axis)


@quick_jit
def _lined(held: tuple[Any, Any], told: Any, slopes: Any, data: Any, sigma: Any) -> tuple[Any, Any]:
    """What is predicted (T,) with the best gain and offset, and its slopes (T, q)."""

    def at(change: Any) -> tuple[Any, Any]:
        moved = told + slopes @ change
        gain, offset = best_line(moved, data, 1 / sigma**2, *held)
        return (gain * moved + offset,) * 2

    moved, found = jax.jacfwd(at, has_aux=True)(jnp.zeros(slopes.shape[1]))
    return found, moved
