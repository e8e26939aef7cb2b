"""Traces at room temperature: is the noise in the device recognised, and are frequency and line width right?"""

from __future__ import annotations

from collections.abc import Iterator

import jax
import numpy as np

import llgrad as lg
from benchmarks.fits.teachers import FREE, STO, Row, settled
from llgrad.observables.line_width import line_width

STEP = 2e-12
EVERY = 25


def room_temperature(part: int, rng: np.random.Generator) -> Iterator[Row]:
    """The reference device at 300 K: fits of 40 ns, frequency and line width of 1 µs, against an ensemble."""
    draws, hot, orbit = max(20 // part, 2), STO.replace(temperature=300.0), settled(STO)
    seed = int(rng.integers(2**31))
    truth, doubt = _ensemble(hot, orbit, 800 // part, seed + 1)
    keys = jax.random.split(jax.random.key(seed), draws)
    recognised, near = [], {"frequency": [], "line width": []}
    for key in keys:
        run = lg.simulate(hot, duration=1e-6, dt=STEP, m0=orbit, save=lg.Every(EVERY // 5), key=key)
        trace = lg.trace_of(run)
        short = lg.Trace(trace.t[:4001], {name: values[:4001] for name, values in trace.columns.items()})
        result = lg.fit(STO, short, free=FREE)
        recognised.append(any("thermal noise in the device" in line for line in result.verdict))
        found = line_width(np.asarray(run.mx)[2000:], dt=float(run.dt))
        width = np.hypot(found.frequency_error, doubt[0])
        near["frequency"].append(abs(found.frequency - truth[0]) < 1.96 * width)
        low, high = found.interval()
        near["line width"].append(low - 2 * doubt[1] < truth[1] < high + 2 * doubt[1])
    case = f"300 K at 200 Oe, {draws} traces"
    rate = float(np.mean(recognised))
    yield Row(case, "process noise recognised (40 ns)", rate, "1", rate == 1)
    for name, value, error in zip(near, truth, doubt, strict=True):
        inside = float(np.mean(near[name]))
        yield Row(case, f"{name} of an ensemble [MHz]", f"{value / 1e6:.2f} ± {error / 1e6:.2f}")
        yield Row(case, f"{name} (1 µs) within its 95 % interval", inside, "≥ 0.85 (of 20: 17)", inside >= 0.85)


def _ensemble(device: lg.Oscillator, orbit: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequency and line width [Hz] of many runs, and their standard errors.

    The phase gains 2πf t on average; its variance grows as 2πΔf t. Both slopes are read off between 50 and 200 ns,
    where the variance is a straight line; the errors come from ten groups of runs.
    """
    keys = jax.random.split(jax.random.key(seed), count)
    phases = []
    for key in keys:
        run = lg.simulate(device, duration=200e-9, dt=STEP, m0=orbit, save=lg.Every(EVERY), key=key)
        phases.append(np.unwrap(np.arctan2(np.asarray(run.my), np.asarray(run.mx))))
    phases, t = np.array(phases), EVERY * STEP * np.arange(len(phases[0]))
    late = t > 50e-9
    slopes = []
    for group in (phases, *np.array_split(phases, 10)):
        gained, spread = group.mean(axis=0)[late], group.var(axis=0, ddof=1)[late]
        slopes.append((np.polyfit(t[late], gained, 1)[0], np.polyfit(t[late], spread, 1)[0]))
    found = np.abs(np.array(slopes)) / (2 * np.pi)
    return found[0], found[1:].std(axis=0, ddof=1) / np.sqrt(10)
