"""A trace whose phase diffuses as a target: pieces that share the device, each with a starting state of its own.

Thermal noise in the device makes an orbit leave the deterministic one, more the longer it runs. In a piece of about a
period it has hardly left it. The two coordinates of each piece's starting state are nuisance parameters, profiled out.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.status import Outcome
from llgrad.core.vector import unstack
from llgrad.fitting.targets.measurement import best_line, tilt
from llgrad.fitting.targets.recording import LINE, Recording, RecordingSetup
from llgrad.fitting.targets.traces import column_of
from llgrad.kernels.steppers import Stepper
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate
from llgrad.solve.task import Engine

INNER: Final = 4
"""Gauss–Newton steps on the starting states at each value of the parameters."""
LARGEST_TILT: Final = 0.3
"""Largest tilt [rad] of a starting state in one step."""
PHASES: Final = 96
"""States along the orbit that a piece without a known start is compared with."""
SETTLING: Final = 12.0
"""How long an orbit settles before its states are compared, in lengths of a piece."""


class Unfold(eqx.Module):
    """What is profiled out at given parameters: tilts (S, 2) of the starting states, gain and offset (2,)."""

    tilts: Any
    line: Any


class SegmentedRecording(Recording):
    """Components of m, or a voltage, in S pieces of n samples: `data` is (S n, C)."""

    columns: tuple[str, ...] = eqx.field(static=True)
    stepper: Stepper
    engine: Engine | None
    step: float = eqx.field(static=True)
    """Time step [s]."""
    save_every: int = eqx.field(static=True)
    """Steps between samples."""
    duration: float = eqx.field(static=True)
    """Time [s] from the first to the last sample of a piece."""
    starts: Any
    """Starting states (S, 3) that the tilts turn."""

    @property
    def clusters(self) -> int:
        return self.starts.shape[0]

    @property
    def voltage_column(self) -> int | None:
        return self.column_with_line(self.columns)

    def mask(self, horizon: Any) -> Any:
        """Pieces count on the last window only, as all of them are short."""
        return jnp.broadcast_to(jnp.isinf(horizon), self.data.shape[:1])

    def predict(self, bound: RecordingSetup, mask: Any) -> tuple[Any, Any]:
        found = self.unfold(bound)
        return self._projected(bound, found, with_line=self.scaled_column is not None)

    def line(self, bound: RecordingSetup) -> Any:
        return self.own_line(*self.unfold(bound).line)

    def predict_on_line(self, bound: RecordingSetup, line: Any) -> tuple[Any, Any]:
        whole = jnp.stack([jnp.asarray(part, self.data.dtype) for part in self.whole_line(line)])
        found = self.unfold(bound, jax.lax.stop_gradient(whole))
        return self._projected(bound, Unfold(found.tilts, whole), with_line=False)

    def unfold(self, bound: RecordingSetup, line: Any = None) -> Unfold:
        """The best tilts, with gain and offset where they are not given; without derivatives."""
        bound = jax.tree.map(jax.lax.stop_gradient, bound)
        free = line is None and self.scaled_column is not None
        held = jnp.array([self.gain or 1.0, self.offset or 0.0])
        found = Unfold(jnp.zeros((self.clusters, 2)), held if line is None else line)
        if free:
            found = self._with_line(bound, found)

        def improve(_: Any, found: Unfold) -> Unfold:
            by_tilt, by_line = self._slopes(bound, found, free)
            change = self._best_change(self._residuals(bound, found)[0], by_tilt, by_line)
            step = jnp.clip(change.tilts, -LARGEST_TILT, LARGEST_TILT)
            return Unfold(found.tilts + step, found.line + change.line)

        return jax.lax.fori_loop(0, INNER, improve, found)

    @eqx.filter_jit
    def refreshed(self, bound: RecordingSetup) -> SegmentedRecording:
        """With the best starting states as those that the tilts turn."""
        tilts = self.unfold(bound).tilts
        turned = jax.vmap(lambda start, q: tilt(unstack(start), q[0], q[1]).stack())(self.starts, tilts)
        return dataclasses.replace(self, starts=turned)

    def _signals(self, bound: RecordingSetup, tilts: Any) -> tuple[Any, Any]:
        """The columns (S, n, C) before gain and offset, and whether all runs went well."""

        def one(start: Any, q: Any) -> tuple[Any, Any]:
            return self.piece(bound, tilt(unstack(start), q[0], q[1]))

        columns, fine = jax.vmap(one)(self.starts, tilts)
        return columns, fine.all()

    def piece(self, bound: RecordingSetup, m0: Any) -> tuple[Any, Any]:
        """The columns (n, C) of one piece before gain and offset, from one state; and whether the run went well."""
        run = simulate(
            bound.model,
            duration=self.duration,
            dt=self.step,
            m0=m0,
            save=Every(self.save_every),
            stepper=self.stepper,
            engine=self.engine,
            throw=False,
        )
        columns = jnp.stack([column_of(run, name) for name in self.columns], axis=1)
        return columns, run.status.code == Outcome.FINISHED

    def _residuals(self, bound: RecordingSetup, found: Unfold) -> tuple[Any, Any]:
        """Predicted − recorded (S, n, C), and whether all runs went well."""
        columns, fine = self._signals(bound, found.tilts)
        if (place := self.voltage_column) is not None:
            columns = columns.at[..., place].set(found.line[0] * columns[..., place] + found.line[1])
        return columns - self.data.reshape(columns.shape), fine

    def _slopes(self, bound: RecordingSetup, found: Unfold, free: bool) -> tuple[Any, Any]:
        """Slopes of the residuals along the tilts (2, S, n, C) and along gain and offset (2, S, n, C), 0 if not free.

        A tilt acts on its own piece only: one tangent for all pieces gives all of their slopes.
        """
        along = jnp.broadcast_to(jnp.eye(2)[:, None, :], (2, self.clusters, 2))
        tilted = lambda q: self._residuals(bound, Unfold(q, found.line))[0]  # noqa: E731  (a function of q alone)
        by_tilt = jax.vmap(lambda d: jax.jvp(tilted, (found.tilts,), (d,))[1])(along)
        if not free:
            return by_tilt, jnp.zeros_like(by_tilt)
        lined = lambda line: self._residuals(bound, Unfold(found.tilts, line))[0]  # noqa: E731
        ways = jnp.diag(jnp.array([float(name in self.free_line) for name in LINE]))  # nothing moves what is held
        return by_tilt, jax.vmap(lambda d: jax.jvp(lined, (found.line,), (d,))[1])(ways)

    def _best_change(self, r: Any, by_tilt: Any, by_line: Any) -> Unfold:
        """The change of tilts and line that makes r (S, n, C) smallest, in the linear approximation."""
        own = jnp.einsum("isnc,jsnc->sij", by_tilt, by_tilt)
        own = own + (1e-12 * jnp.trace(own, axis1=1, axis2=2) + 1e-300)[:, None, None] * jnp.eye(2)[None]
        pull = jnp.einsum("isnc,snc->si", by_tilt, r)
        mixed = jnp.einsum("isnc,jsnc->sij", by_tilt, by_line)
        shared = jnp.einsum("isnc,jsnc->ij", by_line, by_line)
        both = jnp.linalg.solve(own, jnp.concatenate([pull[..., None], mixed], axis=2))
        schur = shared - jnp.einsum("ski,skj->ij", mixed, both[..., 1:])
        left = jnp.einsum("isnc,snc->i", by_line, r) - jnp.einsum("ski,sk->i", mixed, both[..., 0])
        safe = jnp.where(jnp.diag(schur) > 0, 0.0, 1.0)  # where no line is free
        line = -jnp.linalg.solve(schur + jnp.diag(safe), left)
        return Unfold(-both[..., 0] - jnp.einsum("sij,j->si", both[..., 1:], line), line)

    def _projected(self, bound: RecordingSetup, found: Unfold, with_line: bool) -> tuple[Any, Any]:
        """Predicted values (S n, C) after a last step in what is profiled: their slopes are those of the profile."""
        still_bound, still_found = jax.tree.map(jax.lax.stop_gradient, (bound, found))
        r, fine = self._residuals(bound, found)
        by_tilt, by_line = self._slopes(still_bound, still_found, with_line)
        change = self._best_change(r, by_tilt, by_line)
        r = r + jnp.einsum("isnc,si->snc", by_tilt, change.tilts) + jnp.einsum("isnc,i->snc", by_line, change.line)
        return r.reshape(self.data.shape) + self.data, fine

    def _with_line(self, bound: RecordingSetup, found: Unfold) -> Unfold:
        """With the gain and offset that fit best at these tilts."""
        place = self.voltage_column or 0
        columns, _ = self._signals(bound, found.tilts)
        ones = jnp.ones(self.data.shape[0], bool)
        line = best_line(columns[..., place].ravel(), self.data[:, place], ones, self.gain, self.offset)
        return Unfold(found.tilts, jnp.stack([jnp.asarray(part, self.data.dtype) for part in line]))


def with_starts(recording: SegmentedRecording, bound: RecordingSetup) -> SegmentedRecording:
    """With starting states: the recorded ones, where all of m is, and else the states of the orbit that fit best."""
    if {"mx", "my", "mz"} <= set(recording.columns):
        data = np.asarray(recording.data).reshape(recording.clusters, -1, len(recording.columns))
        first = data[:, 0, [recording.columns.index(name) for name in ("mx", "my", "mz")]]
        return dataclasses.replace(recording, starts=jnp.asarray(first / np.linalg.norm(first, axis=1, keepdims=True)))
    return dataclasses.replace(recording, starts=_from_orbit(recording, bound))


@eqx.filter_jit
def _from_orbit(recording: SegmentedRecording, bound: RecordingSetup) -> Any:
    """For each piece the state (S, 3) on the orbit from which a run fits it best, up to gain and offset."""
    span = recording.duration * (1 + 1 / max(recording.data.shape[0] // recording.clusters - 1, 1))
    every = max(1, round(1.5 * span / recording.step / PHASES))
    run = simulate(
        bound.model,
        duration=SETTLING * span + PHASES * every * recording.step,
        dt=recording.step,
        m0=bound.m0,
        save=Every(every),
        stepper=recording.stepper,
        engine=recording.engine,
        throw=False,
    )
    states = run.m[-PHASES:]
    signals = jax.vmap(lambda m: recording.piece(bound, unstack(m))[0])(states)  # (K, n, C)
    data = recording.data.reshape(recording.clusters, *signals.shape[1:])
    if (place := recording.scaled_column) is not None:
        column, target = signals[..., place], data[..., place]
        gain = target.std() / (column.std() + 1e-300)
        signals = signals.at[..., place].set(gain * (column - column.mean()) + target.mean())
    elif (place := recording.voltage_column) is not None:
        signals = signals.at[..., place].set(recording.gain * signals[..., place] + recording.offset)
    size = jnp.square(signals).sum((1, 2))[None] - 2 * jnp.einsum("snc,knc->sk", data, signals)
    return states[jnp.argmin(size, axis=1)]
