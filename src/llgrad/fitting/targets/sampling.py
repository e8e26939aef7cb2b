"""Whether the samples of a trace can show the orbit that was fitted to them: is it below their Nyquist frequency?"""

from __future__ import annotations

from typing import Any, Final

import jax.numpy as jnp
import numpy as np

from llgrad.core.status import Outcome
from llgrad.core.trajectory import SystemTrajectory
from llgrad.core.units import show
from llgrad.devices.system import System
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.recording import Recording
from llgrad.fitting.targets.segmented import SegmentedRecording
from llgrad.fitting.targets.starting import plain_numbers
from llgrad.fitting.targets.traces import TraceRecording, column_of
from llgrad.observables.frequency import best_frequency
from llgrad.observables.signal import FEWEST_SAMPLES
from llgrad.solve.simulate import simulate_quietly
from llgrad.solve.step_size import largest_rate

INTERVALS: Final = 64
"""Sampling intervals over which an orbit is simulated to find its frequency."""
ANGLE: Final = 0.05
"""Largest turn [rad] of m in a step of this simulation."""
MOST_STEPS: Final = 20_000
MOVES: Final = 1e-3
"""A component of m that changes by less than this does not oscillate."""


def unseen_orbits(problem: Problem, u: np.ndarray, m0: np.ndarray) -> tuple[str | None, ...]:
    """For each recording a sentence where the orbit at u (p,), m0 (R, 3) is faster than half its sampling rate."""
    values = problem.values_at(u)
    return tuple(_sentence(recording, values, m0[recording.row]) for recording in problem.recordings)


def _sentence(recording: Recording, values: Any, m0: np.ndarray) -> str | None:
    if not isinstance(recording, (TraceRecording, SegmentedRecording)):
        return None
    interval = _interval(recording)
    bound = recording.bind(values, jnp.asarray(m0))
    model, drive = plain_numbers(bound.model), plain_numbers(bound.drive)
    if isinstance(model, System):
        step = min(recording.step, interval / 4)
    else:
        rate = largest_rate(model, drive)
        if rate * interval < np.pi:
            return None  # nothing in this device is as fast
        step = min(ANGLE / rate, interval / 4)
    duration = min(INTERVALS * interval, MOST_STEPS * step)
    run = simulate_quietly(model, duration=duration, dt=step, m0=plain_numbers(bound.m0), drive=drive, throw=False)
    found = _frequency(recording, run, 1 / (2 * interval)) if run.status.code == Outcome.FINISHED else None
    if found is None or found <= 1 / (2 * interval):
        return None
    seen = abs(found - round(found * interval) / interval)
    return (
        f"the fitted orbit oscillates at {_short(found, 'Hz')}, faster than half the sampling rate "
        f"({_short(0.5 / interval, 'Hz')}): samples every {_short(interval, 's')} show it as {_short(seen, 'Hz')}, as "
        "they do an orbit of that frequency, and cannot tell the two apart; record faster, or start nearer to the slow "
        "one"
    )


def _interval(recording: TraceRecording | SegmentedRecording) -> float:
    """The shortest time [s] between two samples."""
    if isinstance(recording, TraceRecording):
        return float(np.diff(np.asarray(recording.t)).min())
    return recording.save_every * recording.step


def rough_frequency(values: np.ndarray, dt: float) -> float:
    """Frequency [Hz] of the highest reading of a periodogram, within one of them."""
    window = np.hanning(values.size + 2)[1:-1]
    power = np.abs(np.fft.rfft(window * (values - np.average(values, weights=window))))
    return (1 + int(np.argmax(power[1:]))) / (values.size * dt)


def _frequency(recording: TraceRecording | SegmentedRecording, run: Any, nyquist: float) -> float | None:
    """Frequency [Hz] of what the trace records, m·p for a voltage; None where it does not oscillate, or surely more
    slowly than that of Nyquist.
    """
    if isinstance(run, SystemTrajectory):
        signals = [np.asarray(column_of(run, name), dtype=float) for name in recording.columns]
        scale = max(float(np.abs(signal).max()) for signal in signals)
    else:
        m, p = np.asarray(run.m, dtype=float), run.model.polariser
        along = m @ np.array([float(component) for component in (p.x, p.y, p.z)])
        signals = [along if name == "voltage" else m[:, "xyz".index(name[-1])] for name in recording.columns]
        scale = 1.0
    largest = max(signals, key=np.ptp)
    if largest.size < FEWEST_SAMPLES or not np.ptp(largest) > MOVES * scale:
        return None
    if rough_frequency(largest, run.dt) + 2 / (largest.size * run.dt) < nyquist:
        return None
    return float(best_frequency(largest, dt=run.dt))


def _short(value: float, unit: str) -> str:
    return show(float(f"{value:.3g}"), unit)
