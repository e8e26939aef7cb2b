"""Fixed points as they are told: states, stability, energies, modes, and what was checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import jax
import numpy as np
from jaxtyping import ArrayLike, Complex, Float, PyTree

from llgrad.core.run_record import run_record
from llgrad.core.units import show
from llgrad.orbits.equilibria.modes import Modes, eigen, modes_of, rounding_of
from llgrad.orbits.flow import Flow, Model


@dataclass(frozen=True)
class Equilibrium:
    """A state in which nothing moves.

    >>> import llgrad as lg
    >>> found = lg.equilibria(lg.presets.kubota2013().replace(current=0.3e-3))
    >>> found[0].kind, found[0].stable, round(float(found[0].state[2]), 4)
    ('stable', True, 0.9997)
    """

    state: PyTree[Float[ArrayLike, "..."]]
    """In the form that `simulate` takes as `m0`: (3,), (N, 3) of an array, or the state of a System."""
    energy: float | Float[jax.Array, ""] | None
    """Energy [J] above that of the lowest state; None where the torques have none."""
    index: int | None
    """Sign of det ∂(dq/dt)/∂q: −1 for a saddle of one macrospin; None where it is 0."""
    curve: bool
    """Whether the state is one of a whole curve of states, all alike by a symmetry of the device."""
    y: np.ndarray
    """The numbers of the state (d,)."""
    matrix: np.ndarray
    """∂(dq/dt)/∂q (n, n) [1/ns] in coordinates without constraints."""
    spins: int
    linear: Float[jax.Array, "n n"] | None = None

    @cached_property
    def modes(self) -> Modes:
        """Eigenvalues, frequencies, widths and ellipticities of small deviations."""
        return modes_of(self.matrix, self.spins, self.linear)

    @property
    def eigenvalues(self) -> Complex[np.ndarray | jax.Array, "M"]:
        """λ (M,) [1/s], complex, the slowest decay first; a conjugate pair is one."""
        return self.modes.eigenvalues

    @property
    def frequencies(self) -> Float[np.ndarray | jax.Array, "M"]:
        """|Im λ|/2π (M,) [Hz]; 0 where deviations creep."""
        return self.modes.frequencies

    @property
    def widths(self) -> Float[np.ndarray | jax.Array, "M"]:
        """Full width −Re λ/π (M,) [Hz] of the line of each mode."""
        return self.modes.widths

    @property
    def ellipticities(self) -> Float[np.ndarray | jax.Array, "M K"]:
        """Short over long axis (M, K) of the precession of each unit vector in each mode."""
        return self.modes.ellipticities

    @property
    def growth(self) -> float | Float[jax.Array, ""]:
        """Rate [1/s] at which deviations grow, max Re λ: negative where the state is stable."""
        return self.modes.eigenvalues[0].real

    @property
    def stable(self) -> bool:
        """Whether every small deviation decays."""
        return not self.curve and bool((self._rates() < 0).all())

    @property
    def growing(self) -> int:
        """In how many directions deviations grow."""
        return int((self._rates() > 0).sum())

    @property
    def kind(self) -> str:
        """What deviations do: all decay (stable), all grow (unstable), some of each (saddle), or neither (neutral).

        On a curve of states this is told of the deviations across it.
        """
        rates = self._rates()
        if not self.growing:
            return "stable" if (rates < 0).all() else "neutral"
        return "saddle" if (rates < 0).any() else "unstable"

    @property
    def told_kind(self) -> str:
        """`kind`, in words for a curve of states too."""
        return f"a curve of states, {self.kind} across" if self.curve else self.kind

    def _rates(self) -> np.ndarray:
        """Re λ of every eigenvalue, 0 for what is rounding."""
        values, small = eigen(self.matrix)[0], rounding_of(self.matrix, len(self.matrix) > 2 * self.spins)
        if self.curve:
            values, small = (np.delete(part, np.abs(values).argmin()) for part in (values, small))
        return np.where(np.abs(values.real) <= small, 0.0, values.real)


@dataclass(frozen=True)
class Equilibria:
    """The fixed points of a device, those of the lowest growth rate first. A sequence of `Equilibrium`.

    >>> import llgrad as lg
    >>> found = lg.equilibria(lg.presets.kubota2013().replace(current=0.3e-3))
    >>> len(found), len(found.stable), found.complete
    (4, 1, True)
    """

    points: tuple[Equilibrium, ...]
    notes: tuple[str, ...]
    """How completeness was checked, and what was not."""
    complete: bool
    """Whether every check of completeness was passed."""
    names: tuple[str, ...]
    """Of the numbers of a state."""
    device: Model
    """Whose they are, without derivatives."""
    time: float | None
    """Moment [s] at which its rate was frozen."""
    within: Mapping[str, tuple[float, float]] | None
    """The ranges that were given."""

    def to_json(self) -> dict[str, Any]:
        """What was found, in SI units, with its run record."""
        record = run_record("equilibria", device=self.device)
        return record | {
            "equilibria": [dict(zip(("state", *_ENTRIES), _entry(self, point), strict=True)) for point in self.points],
            "complete": self.complete,
            "notes": list(self.notes),
        }

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, place: int) -> Equilibrium:
        return self.points[place]

    def __iter__(self) -> Iterator[Equilibrium]:
        return iter(self.points)

    @property
    def stable(self) -> tuple[Equilibrium, ...]:
        """Those that a device stays in."""
        return tuple(point for point in self.points if point.stable)

    def __repr__(self) -> str:
        rows = [("state", "energy", "stability", "frequency", "width"), *(_row(point) for point in self.points)]
        columns = [column for column in zip(*rows, strict=True) if any(cell != "–" for cell in column[1:])]
        widths = [max(map(len, column)) for column in columns]
        lines = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in zip(*columns, strict=True)]
        count = f"{len(self)} equilibri{'um' if len(self) == 1 else 'a'}, {len(self.stable)} stable"
        return "\n".join([count, *(f"  {line}" for line in lines), *self.notes])


_ENTRIES: Final = (
    "kind", "stable", "energy_J", "eigenvalues_per_s", "frequencies_Hz", "widths_Hz", "ellipticities"
)  # fmt: skip


def _entry(found: Equilibria, point: Equilibrium) -> tuple[Any, ...]:
    modes = modes_of(point.matrix, point.spins)
    state = dict(zip(found.names, point.y.tolist(), strict=True))
    energy = None if point.energy is None else float(jax.lax.stop_gradient(point.energy))
    values = [[value.real, value.imag] for value in modes.eigenvalues.tolist()]
    numbers = (modes.frequencies.tolist(), modes.widths.tolist(), modes.ellipticities.tolist())
    return state, point.told_kind, point.stable, energy, values, *numbers


def _row(point: Equilibrium) -> tuple[str, ...]:
    modes = modes_of(point.matrix, point.spins)
    state = "(" + ", ".join(f"{part:.5g}" for part in np.where(np.abs(point.y) < 5e-12, 0.0, point.y)) + ")"
    energy = "–" if point.energy is None else f"{float(jax.lax.stop_gradient(point.energy)):.5g} J"
    turning = modes.frequencies > 0
    frequency = ", ".join(show(float(f"{f:.5g}"), "Hz") for f in modes.frequencies[turning]) or "–"
    width = ", ".join(show(float(f"{w:.5g}"), "Hz") for w in modes.widths[turning]) or "–"
    return state, energy, point.told_kind, frequency, width


def columns_of(flow: Flow) -> tuple[str, ...]:
    """Names of the numbers of a state (d)."""
    k = len(flow.shape.spins)
    names = [""] * flow.shape.size
    for spin, columns in enumerate(flow.shape.spins):
        for axis, column in zip("xyz", columns, strict=True):
            names[column] = f"{flow.shape.names[spin]}.{axis}"
    for place, column in enumerate(flow.shape.plain):
        names[column] = flow.shape.names[k + place]
    return tuple(names)
