"""A measured loop as a target: at each field the state at rest of the branch that it was measured on.

A row counts on the branch that leaves least, rows in their order being on branches in theirs (`choosing.py`): so where
a device was seen to jump says nothing here, as its temperature has it jump before its branch ends. A row that was
measured on a branch beyond its end is compared with the state at that end, moved towards what the device does instead
in proportion to how far beyond it is. The residuals are then continuous in the parameters, and pull the end to where
the branch was seen.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.speed.quick import quick_jit
from llgrad.experiments.loops.jumping import NoRest
from llgrad.experiments.loops.swept import Swept
from llgrad.experiments.loops.walking import FREE
from llgrad.fitting.loops.branches import OUTSIDE, LoopBranch, LoopBranchEnd, branches
from llgrad.fitting.loops.choosing import chosen
from llgrad.fitting.loops.reading_out import read_out, still
from llgrad.fitting.targets.measurement import best_line
from llgrad.fitting.targets.recording import RecordingSetup
from llgrad.fitting.targets.sought import LinePrediction, PredictedRecording, Sought
from llgrad.orbits.branches.critical import moved_from
from llgrad.orbits.chart import chart_at
from llgrad.orbits.flow import StateShape
from llgrad.orbits.results.precision import working

RESOLUTION: Final = 1e-7
UNSEEN: Final = 1e-9
"""A parameter whose whole value moves what is read by less than this part of its range moves nothing: rounding."""
SAME: Final = 1e-4
"""Parts of the fields' range by which the end of a branch may be elsewhere than where it was found."""
LINES: Final = 4
"""So often gain and offset are found anew, and the branches of the rows with them."""


class ReadCurve(NamedTuple):
    """One curve at one device."""

    rows: slice
    branches: list[LoopBranch]
    told: np.ndarray
    """What is read out on each branch (n, K); NaN where it was not looked for."""
    slopes: np.ndarray
    """By the parameters [SI], (n, K, p)."""
    ends: list[list[tuple[float, np.ndarray]]]
    """Field [T] of each end of each branch, with its slopes (p,)."""


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
        return dataclasses.replace(self, **nothing, **line, places=tuple(own.items()), row=0, begun=None)

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
        try:
            curves = self.followed(values)
        except NoRest:  # such a device has no loop, and no search takes it
            nothing = np.full(self.data.shape, np.nan)
            return PredictedRecording(nothing, nothing.ravel(), np.full((len(nothing), np.size(values)), np.nan), near)
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

    @working()
    def followed(self, values: Any) -> list[ReadCurve]:
        """The branches of every curve, and what is read out on them. Raises NoRest where the device oscillates."""
        bare, own = self.bare, jnp.asarray(self.own(values))
        found = []
        for (first, stop), axis in zip(self.curves, np.asarray(self.axes), strict=True):
            family, offset = _family(bare, own, axis)
            fields = np.asarray(self.field)[first:stop] + float(offset)
            taken = branches(family, fields, self.start(fields, axis))
            found.append(self._read(own, axis, slice(first, stop), float(offset), taken))
        return found

    def start(self, fields: np.ndarray, axis: np.ndarray) -> np.ndarray:
        """The state that relaxes to the first one: every layer along the field, where none was given."""
        if self.begun is not None:
            return np.array(self.begun)
        along = [np.sin(axis[0]) * np.cos(axis[1]), np.sin(axis[0]) * np.sin(axis[1]), np.cos(axis[0])]
        return np.tile(np.array(along) * np.sign(fields[0]), len(self.shape.spins))

    def _read(self, own: Any, axis: np.ndarray, rows: slice, offset: float, found: list[LoopBranch]) -> ReadCurve:
        bare, fields = self.bare, np.asarray(self.field)[rows]
        told = np.full((len(found), len(fields)), np.nan)
        slopes = np.full((*told.shape, len(own)), np.nan)
        ends: list[list[tuple[float, np.ndarray]]] = []
        for number, one in enumerate(found):
            known = one.end != OUTSIDE
            at = [end.field - offset for end in one.ends]
            there = np.array([at[end] if end >= 0 else field for end, field in zip(one.end, fields, strict=True)])
            y = np.where(known[:, None], one.y, one.y[one.first])
            value, moved = map(np.asarray, _rows(bare, own, axis, y, np.where(known, there, fields[one.first])))
            told[number, known], slopes[number, known] = value[known], moved[known]
            ends.append([])
            for place, end in enumerate(one.ends):
                beyond = one.end == place
                (field, shown), (turn, by) = _at_end(bare, own, axis, end)
                good = np.isfinite([*turn, *by, shown]).all() and abs(field - at[place]) < SAME * bare.size
                told[number, beyond] = shown if good else told[number, beyond]
                slopes[number, beyond] = by if good else 0.0  # its equations are singular
                ends[-1].append((at[place], turn if good else np.zeros_like(turn)))
        return ReadCurve(rows, found, told, slopes, ends)

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
        told, slopes = curve.told.copy(), curve.slopes.copy()
        for number, one in enumerate(curve.branches):
            for row in np.flatnonzero(one.end >= 0):
                other = number + (1 if row > one.last else -1)
                end, by = curve.ends[number][one.end[row]]
                part = float(one.ends[one.end[row]].way) * (float(np.asarray(self.field)[curve.rows][row]) - end)
                turn = -float(one.ends[one.end[row]].way) * by / self.size
                part, step = part / self.size, curve.told[other, row] - curve.told[number, row]
                told[number, row] += part * step
                slopes[number, row] += part * (curve.slopes[other, row] - curve.slopes[number, row]) + turn * step
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
def _rows(bare: LoopRecording, own: Any, axis: Any, states: Any, fields: Any) -> tuple[Any, Any]:
    """What is read out (K,) of states at rest (K, d) at fields (K,) as they were set, and the slopes (K, q)."""

    def one(y: Any, field: Any) -> tuple[Any, Any]:
        def told(own: Any) -> tuple[Any, Any]:
            family, offset = bare.family(own, axis)
            held, value = jax.lax.stop_gradient((family, field + offset))
            chart = chart_at(held.flow(value), y)
            zero = jnp.zeros(bare.shape.freedom, y.dtype)
            matrix = jax.jacfwd(lambda q: chart.velocity(held.flow(value), q))(zero)
            inverse = jax.lax.stop_gradient(jnp.linalg.pinv(matrix, rtol=FREE))
            flow = family.flow(field + offset)
            q = -inverse @ chart.velocity(flow, zero)
            state = flow.state(chart.state(flow, q))
            found = read_out(family.placed(field + offset), bare.quantity, state, family)
            return found, found

        slopes, found = jax.jacfwd(told, has_aux=True)(own)
        return found, slopes

    return jax.vmap(one)(states, fields)


def _at_end(bare: LoopRecording, own: Any, axis: np.ndarray, end: LoopBranchEnd) -> tuple[np.ndarray, np.ndarray]:
    """The field as it is set (first), and what is read out (second), (2,), at an end; and the slopes (2, q)."""
    source = end.point.source
    given = source.y, source.value, end.point.unknowns, source.norm
    return tuple(np.asarray(part) for part in _end(source.kind, bare, own, axis, *given))  # type: ignore[return-value]


@partial(quick_jit, compiled=partial(jax.jit, static_argnums=0))
def _end(
    kind: str, bare: LoopRecording, own: Any, axis: Any, y: Any, value: Any, unknowns: Any, norm: Any
) -> tuple[Any, Any]:
    def told(own: Any) -> tuple[Any, Any]:
        family, offset = bare.family(own, axis)
        field, _, at = moved_from(kind, family, y, value, unknowns, norm)
        state = family.flow(field).state(at)
        found = jnp.stack([field - offset, read_out(family.placed(field), bare.quantity, state, family)])
        return found, found

    slopes, found = jax.jacfwd(told, has_aux=True)(own)
    return found, slopes


@quick_jit
def _lined(held: tuple[Any, Any], told: Any, slopes: Any, data: Any, sigma: Any) -> tuple[Any, Any]:
    """What is predicted (T,) with the best gain and offset, and its slopes (T, q)."""

    def at(change: Any) -> tuple[Any, Any]:
        moved = told + slopes @ change
        gain, offset = best_line(moved, data, 1 / sigma**2, *held)
        return (gain * moved + offset,) * 2

    moved, found = jax.jacfwd(at, has_aux=True)(jnp.zeros(slopes.shape[1]))
    return found, moved
