"""Where searches begin: the device as it is, and places drawn all over the box; those without a number led back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from llgrad.optimising.evaluation import Ask, Values

DRAWS = 4
"""Rounds of drawing until a start has a number."""
NEAR = (0.5, 0.25, 0.125, 0.05)
"""How far from a start with a number one without is led, in parts of the way."""


class SearchStarts(NamedTuple):
    """Where searches begin."""

    x: np.ndarray
    """(S, n)"""
    values: Values
    fine: np.ndarray
    """Which have numbers (S,)."""
    led: np.ndarray
    """Which were led back (S,)."""
    tried: int
    """Designs that were asked for."""


def drawn(count: int, free: int, seed: int, given: np.ndarray | None) -> np.ndarray:
    """Places (count, n) that fill the box evenly, the given one first.

    Source: scrambled Sobol points, A. B. Owen, J. Complexity 14, 466 (1998), by scipy.
    """
    from scipy.stats import qmc

    sampler = qmc.Sobol(free, rng=np.random.default_rng(seed))
    places = sampler.random_base2(max(0, (count - 1).bit_length()))[:count]
    return places if given is None else np.concatenate([given[None], places])[:count]


def begun(ask: Ask, count: int, free: int, seed: int, given: np.ndarray | None) -> SearchStarts:
    """`count` starts. One without a number is led towards one that has, into the ball round it that holds no start
    without: along the straight line, to half the way and then nearer."""
    x = drawn(count, free, seed, given)
    values, tried = ask(x), count
    for more in range(1, DRAWS):
        if values.fine.any():
            break
        x = drawn(count, free, seed + more, None)
        values, tried = ask(x), tried + count
    fine, led = values.fine, np.zeros(count, bool)
    alive, dead = x[fine], x[~fine]
    for near in NEAR:
        lost = np.flatnonzero(~fine)
        if not lost.size or not len(alive):
            break
        moved = np.stack([_towards(x[i], alive, dead, near) for i in lost])
        found, tried = ask(moved), tried + len(lost)
        for row, place in enumerate(lost):
            if found.fine[row]:
                x[place], fine[place], led[place] = moved[row], True, True
                for part, new in zip(values, found, strict=True):
                    part[place] = new[row]
    return SearchStarts(x, values, fine, led, tried)


def _towards(lost: np.ndarray, alive: np.ndarray, dead: np.ndarray, near: float) -> np.ndarray:
    """A place on the way from a start with a number to one without: which start, and how far, by how far each has
    company of its own kind."""
    depth = np.sqrt(((alive[:, None] - dead[None]) ** 2).sum(-1)).min(1)
    way = np.sqrt(((alive - lost) ** 2).sum(-1))
    one = int(np.argmax(depth / way))
    share = near * min(1.0, 1.5 * depth[one] / way[one])
    return alive[one] + share * (lost - alive[one])
