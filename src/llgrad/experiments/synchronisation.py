"""What the oscillators of one run do together: frequencies, phases, their order, and whether they run in step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import jax
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import listed
from llgrad.core.trajectory import SystemSignal, SystemTrajectory
from llgrad.core.units import show
from llgrad.devices.states.components import component_names
from llgrad.observables.frequency import frequency
from llgrad.observables.oscillation import DIES
from llgrad.observables.phase import instantaneous_phase
from llgrad.observables.signal import FEWEST_SAMPLES

IN_STEP: Final = 0.1
"""Phases that part by less than so many turns in what is looked at are taken for in step."""
EDGE: Final = 0.1
"""The part at both ends where the phase of the analytic signal is not reliable."""


UNSETTLED: Final = 0.1
"""A change of an amplitude that is told."""
STILL: Final = 1e-9
"""What varies by less than this part of its size is at rest."""


@dataclass(frozen=True)
class Synchronisation:
    """Frequencies and phases of N oscillators in the second half of a run.

    >>> import llgrad as lg
    >>> pair = lg.presets.taniguchi2018()
    >>> found = lg.experiments.synchronisation(lg.simulate(pair, duration=40e-9, dt=10e-12))
    >>> found.signals, found.locked  # both begin in one state
    (('junction0.x', 'junction1.x'), True)
    """

    signals: tuple[str, ...]
    """What the phases are of."""
    t: np.ndarray
    """Times (T,) [s] of the phases."""
    frequencies: np.ndarray
    """(N,) [Hz]; NaN of what does not oscillate."""
    phases: np.ndarray
    """(N, T) [rad], without jumps; NaN of what does not oscillate."""
    amplitudes: np.ndarray
    """√2 of the rms deviation (N, 2) in the first and in the last quarter of that half, in the unit of each signal."""

    @property
    def order(self) -> float:
        """|Σ e^{iφ}|/N of those that oscillate, its mean in time: 1 in phase, some 1/√N for phases by chance, 0 in
        opposite phases (Y. Kuramoto, Chemical Oscillations, Waves, and Turbulence (1984)). NaN where none does."""
        moving = self._moving
        return float(np.abs(np.exp(1j * moving).mean(axis=0)).mean()) if len(moving) else math.nan

    @property
    def lags(self) -> np.ndarray:
        """By how much the phase of each is behind that of the first that oscillates, its mean (N,) [rad]."""
        return np.angle(np.exp(1j * (self._first - self.phases)).mean(axis=1))

    @property
    def drifts(self) -> np.ndarray:
        """By how many turns each gains on the first in the time that is looked at (N,)."""
        time = (self.t - self.t.mean()) / (self.t[-1] - self.t[0])
        return (self.phases - self._first) @ time / (time @ time) / math.tau

    @property
    def locked(self) -> bool:
        """Whether several oscillate, all of them, and none gains a tenth of a turn on another in that time."""
        return len(self.phases) > 1 and bool(np.ptp(self.drifts) < IN_STEP)

    @property
    def resolution(self) -> float:
        """The difference of two frequencies [Hz] that would still be taken for none."""
        return IN_STEP / float(self.t[-1] - self.t[0])

    @property
    def ringing(self) -> tuple[str, ...]:
        """The signals that ring and die away: they do not oscillate."""
        return tuple(name for name, dies in zip(self.signals, _dies(self.amplitudes), strict=True) if dies)

    @property
    def change(self) -> float:
        """The largest part by which an amplitude of those that oscillate changes between the two quarters."""
        first, last = self.amplitudes[np.isfinite(self.frequencies)].T
        return float(np.max(np.abs(last - first) / np.maximum(first, last), initial=0.0))

    @property
    def _moving(self) -> np.ndarray:
        return self.phases[np.isfinite(self.frequencies)]

    @property
    def _first(self) -> np.ndarray:
        moving = self._moving
        return moving[0] if len(moving) else np.full(self.t.shape, math.nan)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers in SI; None of what does not oscillate."""

        def plain(values: np.ndarray) -> list[float | None]:
            return [float(value) if math.isfinite(value) else None for value in values]

        return {
            "signals": list(self.signals),
            "frequencies": plain(self.frequencies),
            "lags": plain(self.lags),
            "drifts": plain(self.drifts),
            "order": plain(np.array([self.order]))[0],
            "locked": self.locked,
            "ringing": list(self.ringing),
            "amplitudes": self.amplitudes.tolist(),
            "resolution": self.resolution,
        }

    def __str__(self) -> str:
        moving = int(np.isfinite(self.frequencies).sum())
        still = f"; {listed(self.ringing)} rang and died away" if self.ringing else ""
        if moving < 2:
            return f"{'one' if moving else 'none'} of {len(self.signals)} oscillates{still}"
        within = show(float(f"{self.resolution:.2g}"), "Hz")
        if moving < len(self.signals):
            told = f"{moving} of {len(self.signals)} oscillate"
        else:
            told = f"in step, to within {within}" if self.locked else "not in step"
        if self.change > UNSETTLED:
            still += f"; an amplitude changes by {self.change:.0%} in that time: a beat, or simulate longer"
        return f"{told}; phase order {self.order:.3f}{still}"


def synchronisation(run: SystemTrajectory, signals: str | Iterable[str] | None = None) -> Synchronisation:
    """Frequencies, phases and phase order of the oscillators in a run of a `System`, such as a `Circuit`.

    What rings and dies away, below a fifth of its amplitude in that half, does not oscillate.
    The phase of each is that of its analytic signal (`instantaneous_phase`), its mean over a period, in the second
    half of the run without its ends.

    Args:
        run: of a system, with 32 states or more.
        signals: names of signals of the run, one of each oscillator; by default of each unit vector the component that
            swings most, or that component of all which the first has, where they have the same names.

    Raises ValueError for another object, a run that is too short, and one without unit vectors where no signals are
    given.

    >>> import llgrad as lg
    >>> junction = lg.devices.LinearJunction(R_P=310.0, delta_R=30.0)
    >>> sto = lg.presets.kubota2013().replace(junction=junction, current=0.0)
    >>> pair = lg.circuits.Series(sto, sto.replace(field=(0.0, 0.0, 0.03)))
    >>> circuit = lg.circuits.Circuit(lg.circuits.CurrentSource(2.5e-3), pair)
    >>> found = lg.experiments.synchronisation(lg.simulate(circuit, duration=60e-9, dt=10e-12))
    >>> found.locked, [round(float(f) / 1e9, 2) for f in found.frequencies]  # GHz: a source of current couples nothing
    (False, [0.44, 0.82])
    """
    check_kind("run", run, SystemTrajectory, "give a run of a System, such as lg.simulate(circuit, …)")
    if (states := np.shape(run.t)[-1]) < 4 * FEWEST_SAMPLES:
        raise ValueError(f"the run has {states} states, too few for phases; simulate longer, or save more of them")
    half = states // 2
    t, state = jax.tree.map(lambda array: np.asarray(array)[half:], (run.t, run.state))
    late = SystemTrajectory(t, state, run.status, run.model, run.drive, run.stats)
    names = _largest(late) if signals is None else (signals,) if isinstance(signals, str) else tuple(signals)
    inner = slice(int(EDGE * len(t)), len(t) - int(EDGE * len(t)))
    amplitudes = np.array([_amplitudes_of(late.signal(name)) for name in names])
    found = np.array([_frequency_of(late.signal(name)) for name in names])
    found[_dies(amplitudes)] = math.nan
    phases = [
        _phase_of(late.signal(name), hertz) if math.isfinite(hertz) else np.full(len(t), math.nan)
        for name, hertz in zip(names, found, strict=True)
    ]
    return Synchronisation(names, np.asarray(t)[inner], found, np.array([phase[inner] for phase in phases]), amplitudes)


def _frequency_of(signal: SystemSignal) -> float:
    """Its frequency [Hz]; NaN of what rests."""
    values = np.asarray(signal.values)
    return float(frequency(signal)) if np.ptp(values) > STILL * np.max(np.abs(values)) else math.nan


def _amplitudes_of(signal: SystemSignal) -> list[float]:
    """√2 of the rms deviation in the first and in the last quarter."""
    quarters = np.array_split(np.asarray(signal.values), 4)
    return [math.sqrt(2) * float(np.std(quarters[place])) for place in (0, -1)]


def _dies(amplitudes: np.ndarray) -> np.ndarray:
    """Which amplitudes (N, 2) fall so far that what is left is a ringing."""
    return amplitudes[:, 1] < DIES * amplitudes[:, 0]


def _phase_of(signal: SystemSignal, hertz: float) -> np.ndarray:
    """The phase of a signal, its mean over the period around each sample, in which harmonics are gone."""
    phase, samples = np.asarray(instantaneous_phase(signal)), 1 / (hertz * signal.dt)
    whole = np.concatenate([[0.0], np.cumsum((phase[1:] + phase[:-1]) / 2)])  # its integral, by trapezia
    place, ends = np.arange(len(phase)), (0.0, len(phase) - 1.0)
    low, high = (np.clip(place + sign * samples / 2, *ends) for sign in (-1, 1))
    return (np.interp(high, place, whole) - np.interp(low, place, whole)) / (high - low)


def _largest(run: SystemTrajectory) -> tuple[str, ...]:
    """Of each unit vector the component that swings most; the same of all, where the first's is one of them."""
    swings: dict[str, dict[str, float]] = {}
    for name, values in zip(component_names(run.state), jax.tree.leaves(run.state), strict=True):
        owner, dot, axis = name.rpartition(".")
        if dot and axis in "xyz" and np.ndim(values) == 1:
            swings.setdefault(owner, {})[axis] = float(np.ptp(values))
    whole = {owner: each for owner, each in swings.items() if len(each) == 3}
    if not whole:
        raise ValueError(
            f"a run of {type(run.model).__name__} has no unit vectors of its own; give the signals, such as "
            f"signals={list(run.signals)[:2]}"
        )
    first = max(next(iter(whole.values())).items(), key=lambda item: item[1])[0]
    return tuple(
        f"{owner}.{first if each[first] > max(each.values()) / 2 else max(each, key=lambda axis: each[axis])}"
        for owner, each in whole.items()
    )
