"""Are the standard errors honest? Of many noisy copies of the data, in how many do 95 % intervals hold the truth?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import llgrad as lg
from benchmarks.fits.teachers import FREE, STO, Row, value_of

PLAIN = lg.fitting.LevenbergMarquardt(grow=False)
WIDE = 1.96
"""Half width of a 95 % interval, in standard errors."""


def a_voltage(part: int, rng: np.random.Generator) -> Iterator[Row]:
    """20 ns voltage of unknown gain, offset, delay and noise, at a signal-to-noise ratio of 20 dB.

    The fit begins a few per cent off, in the basin of the whole trace: coverage asks about errors, not about starts.
    """
    draws, delay, gain, offset = 1000 // part, 0.374e-9, 3e-3, 0.7e-3
    state, dt = lg.direction(1.0, 0.0), 0.5e-12
    run = lg.simulate(STO, duration=20.4e-9, dt=dt, m0=state, save=lg.Every(1))
    clean = np.asarray(run.mx)[round(delay / dt) :: 20][:2001]
    sigma = gain * float(np.std(clean)) / 10
    truth = {name: value_of(STO, name) for name in FREE} | {"delay": delay, "gain": gain, "offset": offset}
    start = STO.replace(current=2.45e-3, alpha=0.0052, field=(0, 0, 19.8e-3))
    distances, noises = {name: [] for name in truth}, []
    for _ in range(draws):
        measured = gain * clean + offset + rng.normal(0, sigma, clean.size)
        trace = lg.Trace(1e-11 * np.arange(clean.size), {"voltage": measured})
        result = lg.fit(start, lg.Experiment(trace, m0=state, delay=0.3e-9), free=[*FREE, "delay"], method=PLAIN)
        noises.append(result.noise / sigma)
        for name, value in truth.items():
            distances[name].append((result.values[name] - value) / result.errors[name])
    case = f"20 ns voltage at 20 dB, {draws} draws"
    yield from rows_of(case, distances)
    yield Row(case, "estimated over true noise, mean", float(np.mean(noises)))


def a_table(part: int, rng: np.random.Generator) -> Iterator[Row]:
    """Frequency against current, 8 currents, 1 % noise: only α·H_k and the scale of the frequency are fixed.

    H_k is the effective one, H_K − 4πM; γH/2π is the scale of the frequency, α·H_k of the current. All currents are
    twice the threshold and more: nearer to it, the threshold itself would be seen. A fit of α, H_k and H together is
    asked for its verdict; along its valley α and H_k vary twenty-fold, up to the bounds of H_k, which end it within one
    standard error, so that its intervals, shown beside, are too wide. The others come from fits in which H_k is held;
    how little it matters where is the last row.
    """
    draws = 1000 // part
    film = STO.replace(H_k=41.6125e-3, demag=(0.0, 0.0, 0.0))
    currents = np.linspace(0.8e-3, 2.2e-3, 8)
    frequencies = np.array([_frequency(film.replace(current=float(current))) for current in currents])
    alone, joint, named = [], [], []
    for number in range(draws):
        noisy = frequencies * (1 + 0.01 * rng.normal(size=8))
        table = lg.data.FrequencyTable("current", currents, noisy, errors=0.01 * frequencies)
        alone.append(_off(lg.fit(film, table, free=_positive("alpha", "field.z")), film.H_k, film))
        if number % 10 == 0:
            result = lg.fit(
                film, table, free=_positive("alpha", "field.z") | {"H_k": lg.systems.between(10e-3, 200e-3)}
            )
            joint.append(_off(result, result.values["H_k"], film))
            named.append(any(_names_the_product(line) for line in result.verdict))
    rate = float(np.mean(named))
    case = f"frequency against 8 currents, 1 % noise, {len(joint)} draws, joint fit"
    yield Row(case, "the verdict names alpha·H_k as what is fixed", rate, "1", rate == 1)
    for name, values in zip(("alpha·H_k", "the scale (field.z)"), np.transpose(joint), strict=True):
        yield Row(case, f"95 % intervals of {name} cover", float(np.mean(np.abs(values) < WIDE)))
    case = f"frequency against 8 currents, 1 % noise, {draws} draws, H_k held"
    yield from rows_of(case, dict(zip(("alpha·H_k", "the scale (field.z)"), np.transpose(alone), strict=True)))
    exact = lg.data.FrequencyTable("current", currents, frequencies, errors=0.01 * frequencies)
    off = lg.fit(film.replace(H_k=1.1 * film.H_k), exact, free=_positive("alpha", "field.z"))
    shift = off.values["alpha"] * 1.1 / film.alpha - 1
    yield Row(case, "change of alpha·H_k where H_k is held 10 % higher, relative", float(shift))


def _positive(*names: str) -> dict[str, Any]:
    return {name: lg.systems.positive() for name in names}


def _names_the_product(line: str) -> bool:
    return "alpha" in line and "H_k" in line and ("their product" in line or "alpha·H_k" in line)


def _off(result: lg.fitting.FitResult, H_k: float, truth: lg.Oscillator) -> tuple[float, float]:
    """Distances of α·H_k and of the field to the truth, in standard errors."""
    error = result.errors["alpha"] / result.values["alpha"]
    if "H_k" in result.names:
        error = _error_of_product(result, "alpha", "H_k")
    product = np.log(result.values["alpha"] * H_k / (truth.alpha * truth.H_k)) / error
    return product, (result.values["field.z"] - value_of(truth, "field.z")) / result.errors["field.z"]


def _frequency(device: lg.Oscillator) -> float:
    """Frequency [Hz] of the orbit."""
    orbit = lg.simulate(device, duration=400e-9, m0=lg.direction(1.0, 0.5), save=lg.End()).m[-1]
    return float(lg.frequency(lg.simulate(device, duration=60e-9, m0=orbit)))


def _error_of_product(result: lg.fitting.FitResult, first: str, second: str) -> float:
    """Relative standard error of the product of two parameters."""
    i, j = result.names.index(first), result.names.index(second)
    a, b = (result.errors[name] / abs(result.values[name]) for name in (first, second))
    return float(np.sqrt(a * a + b * b + 2 * a * b * result.correlation[i, j]))


def rows_of(case: str, distances: Mapping[str, list[float]]) -> Iterator[Row]:
    """Coverage of each parameter, from distances to the truth in standard errors."""
    for name, values in distances.items():
        rate = float(np.mean(np.abs(values) < WIDE))
        yield Row(case, f"95 % intervals of {name} cover", rate, "0.93 to 0.97", 0.93 <= rate <= 0.97)
