"""The information processing capacity: how much of which functions of the past symbols is in the states."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_count, checked_number
from llgrad.reservoir.checking import checked_signal

DELAYS: Final = {1: 100, 2: 30, 3: 12, 4: 7, 5: 5, 6: 4}
"""Largest delay of each degree."""
SHUFFLES: Final = 200
SCALE: Final = 1.2
CHANCE: Final = 6.0
"""Standard deviations by which polynomials of even symbols may be correlated by chance."""
NEARLY: Final = 0.1
"""And by so much in any case, which counts its square, 1 %, twice: levels of a converter with five bits pass."""
BLOCK: Final = 256
"""Targets at a time."""

Term = tuple[tuple[int, int], ...]
"""(delay, degree) of each factor of a product, in order of the delays."""


@dataclass(frozen=True)
class InformationCapacity:
    """Capacities of products of Legendre polynomials, those below their threshold set to 0.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> u = np.random.default_rng(0).uniform(-1, 1, 3000)
    >>> x = np.stack([u[1:], u[:-1], u[1:] * u[:-1]], axis=1)
    >>> found = lg.reservoir.information_capacity(x, u, {1: 3, 2: 3}, shuffles=20)
    >>> round(found.total, 1), found.rank  # as much as there are independent readings
    (3.0, 3)
    """

    terms: tuple[Term, ...]
    values: np.ndarray
    thresholds: np.ndarray
    rank: int
    """Number of linearly independent readings: no total is above it, but for chance in short signals."""
    length: int
    """Symbols."""
    delays: dict[int, int]
    """Largest delay of each degree that was looked at."""

    @property
    def total(self) -> float:
        """The sum of all."""
        return float(self.values.sum())

    @property
    def degrees(self) -> np.ndarray:
        """Of each term."""
        return np.array([sum(degree for _, degree in term) for term in self.terms])

    @property
    def by_degree(self) -> dict[int, float]:
        """The sum for each degree."""
        return {degree: float(self.values[self.degrees == degree].sum()) for degree in self.delays}

    @property
    def by_delay(self) -> dict[int, np.ndarray]:
        """For each degree the sums of the terms whose largest delay is 0, 1, 2, …"""
        latest = np.array([term[-1][0] for term in self.terms])
        return {
            degree: np.bincount(latest[self.degrees == degree], self.values[self.degrees == degree], most + 1)
            for degree, most in self.delays.items()
        }

    def __repr__(self) -> str:
        parts = ", ".join(
            f"degree {degree} (delays to {self.delays[degree]}): {value:.2f}"
            for degree, value in self.by_degree.items()
        )
        return (
            f"information processing capacity {self.total:.2f} of rank {self.rank} ({self.length} symbols)\n  {parts}"
        )

    __str__ = __repr__

    def to_json(self) -> dict[str, Any]:
        """Numbers by name; the terms that count."""
        kept = [i for i in np.argsort(-self.values) if self.values[i] > 0]
        return {
            "total": self.total,
            "rank": self.rank,
            "length": self.length,
            "by_degree": {str(degree): value for degree, value in self.by_degree.items()},
            "delays": {str(degree): most for degree, most in self.delays.items()},
            "terms": [{"factors": [list(f) for f in self.terms[i]], "capacity": float(self.values[i])} for i in kept],
        }


def information_capacity(
    states: Float[ArrayLike, "T K"],
    signal: Float[ArrayLike, "T"],
    delays: Mapping[int, int] = DELAYS,
    *,
    shuffles: int = SHUFFLES,
    scale: float = SCALE,
    seed: int = 0,
) -> InformationCapacity:
    """The information processing capacity of readings (T, K) of a signal (T,) that is even in [−1, 1]:

        C[z] = 1 − min_w Σ_t (z_t − w·x_t)²/Σ_t z_t²,    z_t = Π_i P_{n_i}(u_{t−d_i}),

    x without its mean, P_n Legendre polynomials, over all products of degree Σ n_i with delays from 0 to the largest of
    that degree. They are orthogonal, so that the sum over all is at most the rank of x, and equal to it where x is a
    function of the past symbols alone. So they are for symbols that are even in [−1, 1] and independent of each other:
    others, such as those from 0 to 1, are refused where products share more than 0.1 beyond chance, which would count
    several times. Capacities are found on the same symbols that w is fitted on.

    A product that has nothing to do with x has a capacity near K/T, so what is below a threshold is set to 0: `scale`
    times the largest capacity of `shuffles` targets of the same kind (the same n_i) that are made of the symbols in
    shuffled order.

    Args:
        states: after the washout. signal: the symbols of the same times; those before `max(delays)` have no past, and
            are left out. Give `signal` a longer past than the states (more rows, ending alike) to use all.
        delays: largest delay by degree. shuffles: 0 for no threshold.

    Sources: J. Dambre, D. Verstraeten, B. Schrauwen, S. Massar, Sci. Rep. 2, 514 (2012); the threshold as in T. Kubota,
    H. Takahashi, K. Nakajima, Phys. Rev. Research 3, 043135 (2021) (recalled) and their program
    github.com/kubota0130/ipc, version 0.12: 200 shuffles, each kind of product by itself, a scale to be chosen.

    >>> rng = np.random.default_rng(0)
    >>> u = rng.uniform(-1, 1, 3000)
    >>> x = np.stack([u[1:], u[:-1], u[1:] * u[:-1]], axis=1)
    >>> found = information_capacity(x, u, {1: 3, 2: 3}, shuffles=20)
    >>> {degree: round(value, 1) for degree, value in found.by_degree.items()}, found.rank
    ({1: 2.0, 2: 1.0}, 3)
    """
    shuffles, seed = checked_count("shuffles", shuffles, 0), checked_count("seed", seed, 0)
    scale = checked_number("scale", scale, low=0)
    states, u, delays = _checked(states, signal, delays)
    most = max(delays.values())
    begin = max(most - (len(u) - len(states)), 0)
    x = states[begin:]
    basis = _basis(x)
    powers = legendre(u, max(delays))
    first = len(u) - len(x)
    terms = tuple(products(delays))
    values = np.empty(len(terms))
    for block in range(0, len(terms), BLOCK):
        some = terms[block : block + BLOCK]
        values[block : block + len(some)] = _capacities(basis, targets(some, powers, first))
    thresholds = np.zeros(len(terms))
    if shuffles:
        kinds = sorted({_kind(term) for term in terms})
        largest = _surrogates(basis, u, kinds, first, max(delays), shuffles, seed)
        thresholds = np.array([scale * largest[_kind(term)] for term in terms])
    kept = np.where(values > thresholds, values, 0.0)
    return InformationCapacity(terms, kept, thresholds, basis.shape[1], len(x), delays)


def products(delays: Mapping[int, int]) -> Iterable[Term]:
    """All products of a degree with delays up to the largest of that degree."""
    for degree, most in delays.items():
        for chosen in itertools.combinations_with_replacement(range(most + 1), degree):
            yield tuple(sorted(Counter(chosen).items()))


def targets(terms: Iterable[Term], powers: np.ndarray, first: int) -> np.ndarray:
    """z_t (T, P) of the products from the symbol `first` on, of Legendre polynomials (degrees, symbols)."""
    length = powers.shape[1]
    found = []
    for term in terms:
        z = np.ones(length - first)
        for delay, degree in term:
            z = z * powers[degree, first - delay : length - delay]
        found.append(z)
    return np.stack(found, axis=1)


def legendre(u: np.ndarray, degree: int) -> np.ndarray:
    """P_n(u), n = 0 … degree, (degree + 1, T), of variance 1 for u even in [−1, 1]."""
    return np.polynomial.legendre.legvander(u, degree).T * np.sqrt(2 * np.arange(degree + 1) + 1)[:, None]


def checked_degrees(delays: Any) -> dict[int, int]:
    """The largest delay by degree. Raises ValueError for what is none."""
    check_kind("delays", delays, Mapping, "give the largest delay by degree, as {1: 50, 2: 20}")
    known = {
        checked_count("a degree of delays", degree, 1): checked_count("a delay of delays", most, 0)
        for degree, most in delays.items()
    }
    if not known:
        raise ValueError(f"delays = {delays!r}, expected the largest delay by degree, as {{1: 50, 2: 20}}")
    return known


def _checked(states: Any, signal: Any, delays: Any) -> tuple[np.ndarray, np.ndarray, dict[int, int]]:
    states, u = checked_signal("states", states), checked_signal("signal", signal)
    known = checked_degrees(delays)
    if u.shape[1] != 1 or len(u) < len(states):
        raise ValueError(
            f"signal has the shape {u.shape} and states {states.shape}: expected one feature, and as many symbols"
        )
    if np.abs(u).max() > 1 + 1e-9:
        raise ValueError(
            f"the signal reaches {np.abs(u).max():.3g}: Legendre polynomials are for symbols even in [−1, 1]; scale it "
            "there, and the reservoir's gain the other way"
        )
    left = min(len(states), len(u) - max(known.values()))
    if left < 2 * states.shape[1]:
        raise ValueError(
            f"{len(u)} symbols leave {max(left, 0)} with a past of {max(known.values())}, for {states.shape[1]} "
            "readings; give a longer signal or shorter delays"
        )
    _check_orthogonal(u[:, 0], max(known), max(known.values()))
    return states, u[:, 0], known


def _check_orthogonal(u: np.ndarray, degree: int, most: int) -> None:
    """Raise ValueError for symbols of which the polynomials up to a degree are not orthogonal, within chance, at one
    time or at two that are up to `most` symbols apart."""
    powers, count = legendre(u, degree), len(u)
    x, w = np.polynomial.legendre.leggauss(2 * degree + 1)
    even = legendre(x, degree)
    spread = np.sqrt(np.maximum((even**2 * w) @ (even**2).T / 2, 0.0))
    powers = powers / np.sqrt((powers**2).mean(axis=1, keepdims=True))
    shared = np.abs(powers @ powers.T / count) - np.eye(degree + 1)
    if (shared > CHANCE * spread / np.sqrt(count) + NEARLY).any():
        raise ValueError(
            f"the symbols are not even in [−1, 1] (they lie between {u.min():.4g} and {u.max():.4g}, their mean is "
            f"{u.mean():.4g} and their mean square {(u**2).mean():.4g} instead of 0 and 1/3), so that Legendre "
            "polynomials of them are not orthogonal and what they share would count several times; give symbols even "
            "in [−1, 1], as 2 u − 1 of u even in [0, 1], and the reservoir what it takes"
        )
    for apart in range(1, min(most, count // 2) + 1):
        shared = np.abs(powers[1:, apart:] @ powers[1:, :-apart].T / (count - apart))
        if (shared > CHANCE / np.sqrt(count - apart) + NEARLY).any():
            raise ValueError(
                f"symbols that are {apart} apart are not independent (a correlation of {shared.max():.2g}), so "
                "that what they share would count several times; give symbols that are drawn independently"
            )


def _basis(x: np.ndarray) -> np.ndarray:
    """Orthonormal (T, rank) of the readings without their means; what is rounding is left out."""
    left, sizes, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    rank = int((sizes**2 > sizes[0] ** 2 * x.shape[1] * np.finfo(float).eps).sum()) if sizes[0] > 0 else 0
    if rank == 0:
        raise ValueError("the states are constant: there is no capacity; check input, gain and read")
    return left[:, :rank]


def _capacities(basis: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Of targets (T, P)."""
    return ((basis.T @ z) ** 2).sum(axis=0) / (z**2).sum(axis=0)


def _kind(term: Term) -> tuple[int, ...]:
    """The degrees of the factors."""
    return tuple(sorted((degree for _, degree in term), reverse=True))


def _surrogates(
    basis: np.ndarray, u: np.ndarray, kinds: list[tuple[int, ...]], first: int, degree: int, shuffles: int, seed: int
) -> dict[tuple[int, ...], float]:
    """The largest capacity of targets of each kind that are made of shuffled symbols."""
    rng = np.random.default_rng(seed)
    largest = dict.fromkeys(kinds, 0.0)
    terms = [tuple(enumerate(kind)) for kind in kinds]
    margin = max(map(len, kinds))
    for _ in range(shuffles):
        powers = legendre(rng.permutation(u)[max(first - margin, 0) :], degree)
        found = _capacities(basis, targets(terms, powers, first - max(first - margin, 0)))
        largest = {kind: max(largest[kind], float(value)) for kind, value in zip(kinds, found, strict=True)}
    return largest
