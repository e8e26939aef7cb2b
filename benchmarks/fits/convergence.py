"""How often a fit from a random start reaches the truth, how fast, and with how few simulations."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

import llgrad as lg
from benchmarks.fits.teachers import FREE, STO, Row, errors, settled, started, teacher, value_of
from llgrad.fitting.assembly import as_experiments, prepare
from llgrad.fitting.methods.base import Begin, Log
from llgrad.fitting.methods.grid import grid_simulations


def five_nanoseconds(part: int, rng: np.random.Generator) -> Iterator[Row]:
    """5 ns, three components, ±50 %; and a grid as accurate as 100³ points."""
    count, trace = 200 // part, teacher(STO, 5e-9)
    m0 = [trace.columns[name][0] for name in ("mx", "my", "mz")]
    hits, seconds, simulations = [], [], []
    for _ in range(count):
        began = time.perf_counter()
        result = lg.fit(started(STO, rng, 0.5), trace, free=FREE, m0=m0)
        seconds.append(time.perf_counter() - began)
        hits.append(max(errors(result, STO).values()) < 1e-6)
        simulations.append(result.simulations)
    rate, median = float(np.mean(hits)), float(np.median(seconds))
    case = f"5 ns, three components, {count} starts ±50 %"
    yield Row(case, "within 1e-6", rate, "≥ 0.99", rate >= 0.99)
    yield Row(case, "median seconds of a fit", median, "< 0.5", median < 0.5)
    spans = {name: (0.5 * value_of(STO, name), 1.5 * value_of(STO, name)) for name in FREE}
    accuracy = {name: (high - low) / 200 for name, (low, high) in spans.items()}
    points, median = grid_simulations(spans, accuracy), float(np.median(simulations))
    fewer = points / float(np.max(simulations))
    yield Row(case, "simulations of a fit, each tangent one, median", median)
    yield Row(case, f"a grid of {points:,} takes so many times the largest", fewer, "≥ 5000", fewer >= 5000)


def one_component(part: int, rng: np.random.Generator) -> Iterator[Row]:
    """40 ns (about 20 periods), m_x alone, ±30 %, unknown starting phase."""
    count, orbit = 200 // part, settled(STO)
    trace = teacher(STO, 40e-9, orbit).select("mx")
    hits, seconds, simulations = [], [], []
    starts = [started(STO, rng, 0.3) for _ in range(count)]
    for number, start in enumerate(starts):
        began = time.perf_counter()
        result = lg.fit(start, trace, free=FREE, key=jax.random.key(number))
        seconds.append(time.perf_counter() - began)
        hits.append(max(errors(result, STO).values()) < 1e-4)
        simulations.append(result.simulations)
    rate = float(np.mean(hits))
    case = f"40 ns, m_x only, {count} starts ±30 %, phase unknown"
    yield Row(case, "within 1e-4", rate, "≥ 0.97", rate >= 0.97)
    yield Row(case, "median seconds of a fit", float(np.median(seconds)))
    yield Row(case, "simulations of a fit, screening and tangents counted, median", float(np.median(simulations)))
    # The method of the paper at its best: the starting state is given to it, and only three numbers are free.
    plain = lg.fitting.GradientDescent(steps=400, grow=False)
    found = _batch(starts, trace, orbit, plain)
    hits = [max(abs(abs(found[name][i]) / value_of(STO, name) - 1) for name in FREE) < 1e-4 for i in range(count)]
    yield Row(case, f"naive gradient descent, {plain.steps} steps, phase known, within 1e-4", float(np.mean(hits)))


def _batch(starts: list[lg.Oscillator], trace: lg.Trace, m0: Any, method: Any) -> dict[str, np.ndarray]:
    """What a method finds from each start (S,), all searched in one batch."""
    prepared = prepare(STO, as_experiments(trace, m0=m0), FREE)
    bounds = prepared.problem.bounds
    u = [[b.free(value_of(start, name)) for name, b in zip(FREE, bounds, strict=True)] for start in starts]
    found = method.search(prepared.problem, Begin(np.array(u), np.repeat(prepared.m0[None], len(u), axis=0)), Log())
    return {name: np.asarray(bounds[i].physical(found.u[:, i])) for i, name in enumerate(FREE)}


def strong_field(part: int, rng: np.random.Generator) -> Iterator[Row]:
    """20 ns at 2 kOe (about 125 periods): the identifiable combination is (I/α, H)."""
    count, device = 200 // part, STO.replace(field=(0, 0, 0.2))
    orbit = lg.direction(0.9901, 0.3)
    trace = teacher(device, 20e-9, orbit, dt=0.25e-12, every=40)
    for columns, bar in ((("mx", "my", "mz"), 0.99), (("mx",), 0.95)):
        hits, seconds = [], []
        for number in range(count):
            start, began = started(device, rng, 0.5), time.perf_counter()
            m0 = orbit if len(columns) == 1 else None
            result = lg.fit(start, trace.select(*columns), free=FREE, m0=m0, key=jax.random.key(number))
            seconds.append(time.perf_counter() - began)
            ratio = result.values["current"] / result.values["alpha"] / (device.current / device.alpha)
            hits.append(max(abs(ratio - 1), errors(result, device)["field.z"]) < 1e-4)
        rate = float(np.mean(hits))
        case = f"20 ns at 2 kOe, {', '.join(columns)}, {count} starts ±50 %"
        yield Row(case, "I/α and H within 1e-4", rate, f"≥ {bar}", rate >= bar)
        yield Row(case, "median seconds of a fit", float(np.median(seconds)))
