"""A branch of limit cycles, as it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from llgrad.core.units import show
from llgrad.orbits.branches.cycles.critical import multipliers_at
from llgrad.orbits.branches.cycles.seeing import orbit_of
from llgrad.orbits.branches.cycles.stepping import BranchStep, CycleFamily, OrbitPlace
from llgrad.orbits.branches.cycles.tracing import step_at
from llgrad.orbits.results.orbit import Orbit
from llgrad.orbits.results.precision import working


class BranchEnd(NamedTuple):
    """Why a branch of cycles ends."""

    kind: str
    """"edge" of the range, "Hopf", "period doubling", "infinite period", "loop", "outside" (of the range of states, of
    a family that stands at one value), "unresolved", "long", "lost"."""
    sentence: str
    value: float | None = None
    """Of the number, at a Hopf point, a period doubling or a fold of states at rest."""


class CyclePoint(NamedTuple):
    """Where a cycle changes its stability."""

    kind: str
    """"fold of cycles", "period doubling", "torus", "branch point of cycles"."""
    value: float
    """Of the number that is followed, in SI units."""
    frequency: float
    """[Hz]"""
    multipliers: np.ndarray
    """(d − 1,)"""
    place: int
    """Which point of its branch it is."""


@dataclass(frozen=True)
class CycleBranch:
    """A branch of limit cycles, point after point."""

    values: np.ndarray
    """Of the number (P,), in SI units."""
    periods: np.ndarray
    """(P,) [s]."""
    multipliers: np.ndarray
    """Floquet multipliers (P, d − 1), complex, the largest first, without the 1 of the free phase."""
    growing: np.ndarray
    """In how many directions deviations grow (P,): 0 where the cycle is stable."""
    lows: np.ndarray
    """Least value (P, n) of each number of the state on the cycle, in the order of `Branches.names`."""
    highs: np.ndarray
    """Its largest value."""
    low: np.ndarray
    """Least value (P,) of the observable on the cycle."""
    high: np.ndarray
    """Its largest value."""
    turns: int
    """1; 2 of a branch that begins at a period doubling of one of 1, and so on."""
    critical: tuple[CyclePoint, ...]
    """Where it changes its stability, in order."""
    ends: tuple[BranchEnd, BranchEnd]
    notes: tuple[str, ...]
    """Sentences about what could not be solved; none where all was."""
    places: tuple[OrbitPlace, ...]
    """The states."""
    errors: np.ndarray
    """Of states, period and number (P,), relative, by steps of half the length."""
    family: CycleFamily
    device: Any
    stands: float | None = None
    """The one value of the number at which the branch stands, of a family of cycles of every size there, as round a
    centre; None of others. It has no critical points, and deviations towards its neighbours neither grow nor decay."""

    @property
    def frequencies(self) -> np.ndarray:
        """1/T (P,) [Hz]."""
        return 1 / self.periods

    @property
    def amplitudes(self) -> np.ndarray:
        """Half the swing (P,) of the observable."""
        return (self.high - self.low) / 2

    @property
    def neutral(self) -> np.ndarray:
        """Whether deviations neither grow nor decay (P,): all along a family that stands at one value."""
        return (self.growing == 0) & (self.stands is not None)

    @property
    def stable(self) -> np.ndarray:
        """Whether each cycle is stable (P,): deviations decay."""
        return (self.growing == 0) & (self.stands is None)

    def orbit(self, place: int) -> Orbit:
        """The cycle at a point as an `Orbit`, with all that it tells.

        Raises ValueError at a Hopf point, where the cycle has no size.
        """
        found = self.places[place]
        if np.ptp(found.states, axis=0).max() == 0:
            raise ValueError(f"point {place} is a Hopf point, where the cycle has no size; take one beside it")
        return orbit_of(self.device, self.family, found, self.errors[place], self.multipliers[place])

    def orbits(self, value: float) -> list[Orbit]:
        """Every cycle of the branch at a value of the number. Raises ValueError where one cannot be solved, and at a
        value at which a whole family stands."""
        if self.stands == value:
            raise ValueError(
                f"at {value:.8g} there is a whole family of cycles; take one of its points by orbit(place)"
            )
        with working(self.device):
            steps = self.steps_at(value)
        return [orbit_of(self.device, self.family, s.place, s.error, multipliers_at(s)) for s in steps]

    def steps_at(self, value: float) -> list[BranchStep]:
        """Every cycle of the branch at a value of the number, solved there. Raises ValueError where one is not."""
        found: list[BranchStep] = []
        if len(self.values) == 1 or self.stands is not None:
            return found
        side = self.values - value
        between = np.flatnonzero(side[:-1] * side[1:] < 0).tolist()
        at = [i for i in np.flatnonzero(side == 0).tolist() if np.ptp(self.places[i].states, axis=0).max() > 0]
        for i in sorted([*between, *at]):
            place = self.places[i]
            if i in between:
                share = (value - self.values[i]) / (self.values[i + 1] - self.values[i])
                place = place_between(place, self.places[i + 1], share)
            step = step_at(self.family, place)
            if step is None:
                raise ValueError(
                    f"the cycle at {value:.8g} could not be solved; it is too near to a point where two of them meet"
                )
            found.append(step)
        return found

    def to_json(self) -> dict[str, Any]:
        """What was found, in SI units."""
        return {
            "values": self.values.tolist(),
            "frequencies_Hz": self.frequencies.tolist(),
            "multipliers": [[[v.real, v.imag] for v in row] for row in self.multipliers.tolist()],
            "growing": self.growing.tolist(),
            "lows": self.lows.tolist(),
            "highs": self.highs.tolist(),
            "observable": np.stack([self.low, self.high], -1).tolist(),
            "turns": self.turns,
            "critical": [
                {
                    "kind": point.kind,
                    "value": point.value,
                    "frequency_Hz": point.frequency,
                    "multipliers": [[v.real, v.imag] for v in point.multipliers.tolist()],
                    "point": point.place,
                }
                for point in self.critical
            ],
            "stands": self.stands,
            "notes": list(self.notes),
            "ends": [end._asdict() for end in self.ends],
        }

    def told(self, parameter: str, unit: str) -> list[str]:
        """Lines for a reader."""
        ends = [show(float(f"{self.values[i]:.6g}"), unit) for i in (0, -1)]
        rates = [show(float(f"{self.frequencies[i]:.5g}"), "Hz") for i in (0, -1)]
        what = "cycles" if self.turns == 1 else f"cycles of {self.turns} turns"
        lines = [f"  {what} from {parameter} = {ends[0]} ({rates[0]}): {self.ends[0].sentence}"]
        for point in self.critical:
            at, rate = show(float(f"{point.value:.8g}"), unit), show(float(f"{point.frequency:.5g}"), "Hz")
            lines.append(f"    {parameter} = {at}: {point.kind}, {rate}")
        lines += [f"    {note}" for note in self.notes]
        lines.append(f"    to {parameter} = {ends[1]} ({rates[1]}): {self.ends[1].sentence}")
        return lines


def place_between(one: OrbitPlace, other: OrbitPlace, share: float) -> OrbitPlace:
    """A place between two of a branch."""
    if len(one.states) > len(other.states):
        one, other, share = other, one, 1 - share
    stride = len(other.states) // len(one.states)
    states = (1 - share) * one.states + share * other.states[::stride]
    period = one.period ** (1 - share) * other.period**share
    return OrbitPlace(states, period, (1 - share) * one.value + share * other.value)


def extremes(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest values (…) of periodic samples (N, …): those of their Fourier series, at eight times as many
    points and at the peaks of the parabolas through them."""
    count = len(values)
    waves = np.fft.rfft(values, axis=0)
    fine = np.fft.irfft(waves, 8 * count, axis=0) * 8
    return -_peak(-fine), _peak(fine)


def _peak(fine: np.ndarray) -> np.ndarray:
    place = np.expand_dims(fine.argmax(0), 0)
    before, top, after = (np.take_along_axis(np.roll(fine, -k, 0), place, 0)[0] for k in (-1, 0, 1))
    bend = before - 2 * top + after
    return np.where(bend < 0, top - (after - before) ** 2 / (8 * np.where(bend < 0, bend, 1.0)), top)
