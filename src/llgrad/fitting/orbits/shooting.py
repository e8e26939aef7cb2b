"""The orbits of a recording, and the slopes of what they tell: by one program in every stage of a fit.

Where a row has no orbit its frequency is that of the least damped mode at rest, which is that of the orbit where this
begins to oscillate: so a search can come from a device that rests.
"""

from __future__ import annotations

import abc
import dataclasses
from functools import partial
from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import set_leaf
from llgrad.core.speed.held import HeldTree, held_jit, held_of
from llgrad.fitting.orbits.cycles import TO_REST, Near, RowAtRest, RowFound, flow_at, near_of, rest_at, row_at
from llgrad.fitting.targets.recording import Model
from llgrad.fitting.targets.sought import Sought
from llgrad.orbits.cycle.newton import newton
from llgrad.orbits.cycle.solving import error_of
from llgrad.orbits.results.precision import working

REMEMBERED: Final = 6
"""So many of the last shootings of a recording are remembered, two of which are of the same orbits."""


class OfOrbits(Sought):
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
    def bare(self) -> OfOrbits:
        """What its orbits at any settings depend on, and nothing of the data: those of other data are found by the
        same programs."""

    def _bare(self, **others: Any) -> OfOrbits:
        model, own = self.model, {path: k for k, path in enumerate(path for path, _ in self.places)}
        for path in self.paths:
            model = set_leaf(model, path, jnp.zeros(()))
        return dataclasses.replace(
            self,
            **others,
            model=model,
            settings=(),
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

    recording: HeldTree
    """Without its data."""
    settings: np.ndarray
    """Of all rows that the programs take."""
    values: np.ndarray
    """Of the parameters that it has [SI], (q,)."""
    m0: Any
    """Its reference state."""
    rows: int
    """K."""

    @property
    def parameters(self) -> tuple[HeldTree, Any, Any]:
        """What programs take first."""
        return self.recording, self.values, self.m0

    def wide(self, tree: Any) -> Any:
        """Leaves (K, …) with as many rows as the programs take."""
        return widened(tree, len(self.settings))

    def own(self, tree: Any) -> Any:
        """The K rows of leaves that a program gave."""
        return narrowed(tree, self.rows)


def narrowed(tree: Any, count: int) -> Any:
    """The first rows of the leaves that a program gave."""
    return jax.tree.map(lambda leaf: np.array(np.asarray(leaf)[:count]), tree)


def widened(tree: Any, count: int) -> Any:
    """Leaves (K, …) with the last of their rows again and again, up to a count."""

    def longer(leaf: np.ndarray) -> np.ndarray:
        return np.concatenate([leaf, np.repeat(leaf[-1:], count - len(leaf), axis=0)])

    return tree if len(jax.tree.leaves(tree)[0]) == count else jax.tree.map(longer, tree)


def whole_count(count: int) -> int:
    """The power of two that so many rows are made up to."""
    return 1 << (count - 1).bit_length()


def given_to(recording: OfOrbits, values: Any, m0: Any) -> Given:
    """From all parameters (p,) [SI] of a problem and the reference state of a recording."""
    settings = np.asarray(recording.settings, float)
    wide = widened(settings, whole_count(len(settings)))
    places = [index for _, index in recording.places]
    held = held_of(recording, _bare, ("data", "sigma", "near", "row", "label"))
    return Given(held, wide, np.asarray(values, float)[places], np.asarray(m0), len(settings))


def _bare(recording: OfOrbits) -> OfOrbits:
    return recording.bare()


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


def shot(recording: OfOrbits, values: Any, m0: Any, near: Near, *, resting: bool = True) -> Shot:
    """The orbits near others at parameters (p,) [SI]; of those that are `resting` too what rings."""
    given = given_to(recording, values, m0)
    near = Near(*(np.asarray(leaf) for leaf in near))
    key = (resting, *(leaf.tobytes() for leaf in (np.asarray(values), given.m0, *near)))
    known = given.recording.known
    found = known.get(key)
    if found is None:  # a fit asks for the orbits at its answer several times
        found = known[key] = _shot(recording, given, len(values), near, resting)
        if found.closed.all():  # from themselves, they are found again
            for other in (True, False):
                known[other, *key[1:3], *(leaf.tobytes() for leaf in found.near)] = found
        for old in list(known)[:-REMEMBERED]:
            known.pop(old, None)
    return found


def _shot(recording: OfOrbits, given: Given, count: int, near: Near, resting: bool) -> Shot:
    told, slopes, found, closed = given.own(_shots(*given.parameters, given.settings, given.wide(near)))
    if resting and not closed.all():
        rest, moved = at_rest(given, near.states.mean(axis=1))
        rings = (
            ~closed & rest.found & (rest.attracts | np.isnan(near.period))
        )  # round one that repels there is an orbit
        told[~closed, 0], slopes[~closed, 0] = np.nan, np.nan
        told[rings, 0], slopes[rings, 0] = rest.frequency[rings], moved[rings]
    whole = np.zeros((*told.shape, count))
    for place, (_, index) in enumerate(recording.places):
        whole[..., index] += slopes[..., place]
    for leaf in (told, whole, *found, closed):
        leaf.flags.writeable = False
    return Shot(told, whole, found, closed)


def errors_of(recording: OfOrbits, values: Any, m0: Any, near: Near) -> np.ndarray:
    """Relative errors (K,) of the orbits near others, by the length of their steps."""
    given = given_to(recording, values, m0)
    near = Near(*(np.asarray(leaf) for leaf in near))
    return given.own(_errors(*given.parameters, given.settings, given.wide(near)))


def at_rest(given: Given, states: np.ndarray, rows: np.ndarray | None = None) -> tuple[RowAtRest, np.ndarray]:
    """The states at rest near others (B, n), each of one of the rows (B,), by default all; and the slopes (B, q) of
    their frequencies by the parameters given."""
    settings = given.settings[: given.rows] if rows is None else given.settings[rows]
    wide = widened((settings, np.asarray(states)), whole_count(len(settings)))
    return narrowed(_rests(*given.parameters, *wide), len(settings))


@partial(held_jit, often=True)
@working()
def _shots(recording: OfOrbits, values: Any, m0: Any, settings: Any, near: Near) -> tuple[Any, Any, Near, Any]:
    def one(setting: Any, states: Any, period: Any) -> Any:
        def told(values: Any) -> tuple[Any, Any]:
            row = row_at(recording.at(recording.bind(values, m0).model, setting), states, period)
            found = recording.told(row)
            return found, (found, Near(*near_of(row, states, period)), row.closed)

        slopes, (found, *others) = jax.jacfwd(told, has_aux=True)(values)
        return found, slopes, *others

    return jax.vmap(one)(settings, *near)


@partial(held_jit, often=True)
@working()
def _errors(recording: OfOrbits, values: Any, m0: Any, settings: Any, near: Near) -> Any:
    model = recording.bind(values, m0).model

    def one(setting: Any, states: Any, period: Any) -> Any:
        flow = flow_at(recording.at(model, setting))
        return error_of(flow, newton(flow, states, period))

    return jax.vmap(one)(settings, *near)


@held_jit
@working()
def _rests(recording: OfOrbits, values: Any, m0: Any, settings: Any, states: Any) -> tuple[RowAtRest, Any]:
    def one(setting: Any, state: Any) -> tuple[RowAtRest, Any]:
        def frequency(values: Any) -> tuple[Any, RowAtRest]:
            rest = rest_at(recording.at(recording.bind(values, m0).model, setting), state, TO_REST)
            return rest.frequency, rest

        slopes, rest = jax.jacfwd(frequency, has_aux=True)(values)
        return rest, slopes

    return jax.vmap(one)(settings, states)
