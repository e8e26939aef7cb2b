"""The orbits of a recording, and the slopes of what they tell: by one program in every stage of a fit.

Where a row has no orbit its frequency is that of the least damped mode at rest, which is that of the orbit where this
begins to oscillate: so a search can come from a device that rests.
"""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import set_leaf
from llgrad.core.speed.quick import quick_jit
from llgrad.fitting.orbits.cycles import TO_REST, Near, RowAtRest, RowFound, near_of, rest_at, row_at
from llgrad.fitting.targets.recording import Model, Recording
from llgrad.orbits.cycle.solving import error_of
from llgrad.orbits.results.precision import working


class OfOrbits(Recording):
    """What was recorded of the orbits at K settings, as far as they themselves depend on it."""

    settings: Any
    """Values of what is swept or set [SI], (K, P)."""
    paths: tuple[str, ...] = eqx.field(static=True)
    """What these are, (P,)."""
    near: Any
    """Orbits to start from, as `Near`."""

    @abc.abstractmethod
    def told(self, row: RowFound) -> Any:
        """What is needed of one orbit (C,) in SI, the frequency of its strongest tone first."""

    @abc.abstractmethod
    def bare(self, settings: Any) -> OfOrbits:
        """What its orbits at other settings depend on, and nothing of the data: those of other data are found by the
        same programs."""

    def _bare(self, **others: Any) -> OfOrbits:
        model, own = self.model, {path: k for k, path in enumerate(path for path, _ in self.places)}
        for path in self.paths:
            model = set_leaf(model, path, jnp.zeros(()))
        return dataclasses.replace(
            self,
            **others,
            model=model,
            data=(),
            sigma=(),
            near=(),
            row=0,
            label="",
            places=tuple(own.items()),
        )

    def at(self, model: Model, setting: Any) -> Model:
        """The device at one row of what is set."""
        for path, value in zip(self.paths, setting, strict=True):
            model = set_leaf(model, path, value)
        return model


class Given(NamedTuple):
    """What the orbits of K rows depend on, made up to a power of two: tables of several lengths share programs."""

    recording: OfOrbits
    """Without its data."""
    values: np.ndarray
    """Of the parameters that it has [SI], (q,)."""
    m0: Any
    """Its reference state."""
    rows: int
    """K."""

    def wide(self, tree: Any) -> Any:
        """Leaves (K, …) with as many rows as the programs take."""
        more = len(self.recording.settings) - self.rows
        return jax.tree.map(lambda leaf: np.concatenate([leaf, np.repeat(leaf[-1:], more, axis=0)]), tree)

    def own(self, tree: Any) -> Any:
        """The K rows of leaves that a program gave."""
        return jax.tree.map(lambda leaf: np.array(leaf)[: self.rows], tree)


def given_to(recording: OfOrbits, values: Any, m0: Any) -> Given:
    """From all parameters (p,) [SI] of a problem and the reference state of a recording."""
    settings = np.asarray(recording.settings, float)
    count = len(settings)
    more = (1 << (count - 1).bit_length()) - count
    bare = recording.bare(np.concatenate([settings, np.repeat(settings[-1:], more, axis=0)]))
    return Given(bare, np.asarray(values, float)[[index for _, index in recording.places]], np.asarray(m0), count)


class Shot(NamedTuple):
    """Orbits (K,) that were found near others."""

    told: np.ndarray
    """What they tell (K, C); of a row without one the frequency with which it rings at rest."""
    slopes: np.ndarray
    """By each parameter of the problem, (K, C, p)."""
    near: Near
    """They themselves; where there is none, what was looked near."""
    closed: np.ndarray
    """Whether there is one (K,)."""
    error: np.ndarray
    """Relative error for so many states (K,)."""


def shot(recording: OfOrbits, values: Any, m0: Any, near: Near) -> Shot:
    """The orbits near others at parameters (p,) [SI]."""
    given = given_to(recording, values, m0)
    near = Near(*(np.asarray(leaf) for leaf in near))
    told, slopes, found, closed, error = given.own(_shots(*given[:3], given.wide(near)))
    if not closed.all():
        rest, moved = at_rest(given, near.states.mean(axis=1))
        rings = (
            ~closed & rest.found & (rest.attracts | np.isnan(near.period))
        )  # round one that repels there is an orbit
        told[~closed, 0], slopes[~closed, 0] = np.nan, np.nan
        told[rings, 0], slopes[rings, 0] = rest.frequency[rings], moved[rings]
    whole = np.zeros((*told.shape, len(np.asarray(values))))
    for place, (_, index) in enumerate(recording.places):
        whole[..., index] += slopes[..., place]
    return Shot(told, whole, found, closed, error)


def at_rest(given: Given, states: np.ndarray) -> tuple[RowAtRest, np.ndarray]:
    """The states at rest near others (K, n), and the slopes (K, q) of their frequencies by the parameters given."""
    return given.own(_rests(*given[:3], given.wide(np.asarray(states))))


@quick_jit
@working()
def _shots(recording: OfOrbits, values: Any, m0: Any, near: Near) -> tuple[Any, Any, Near, Any, Any]:
    def one(setting: Any, states: Any, period: Any) -> Any:
        def told(values: Any) -> tuple[Any, Any]:
            row = row_at(recording.at(recording.bind(values, m0).model, setting), states, period)
            found = recording.told(row)
            return found, (found, Near(*near_of(row, states, period)), row.closed, error_of(row.flow, row.found))

        slopes, (found, *others) = jax.jacfwd(told, has_aux=True)(values)
        return found, slopes, *others

    return jax.vmap(one)(jnp.asarray(recording.settings), *near)


@quick_jit
@working()
def _rests(recording: OfOrbits, values: Any, m0: Any, states: Any) -> tuple[RowAtRest, Any]:
    def one(setting: Any, state: Any) -> tuple[RowAtRest, Any]:
        def frequency(values: Any) -> tuple[Any, RowAtRest]:
            rest = rest_at(recording.at(recording.bind(values, m0).model, setting), state, TO_REST)
            return rest.frequency, rest

        slopes, rest = jax.jacfwd(frequency, has_aux=True)(values)
        return rest, slopes

    return jax.vmap(one)(jnp.asarray(recording.settings), states)
