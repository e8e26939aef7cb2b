"""How reliably, how exactly and how fast a fit finds a device: `python -m benchmarks.identification [--quick]`.

Every teacher is synthetic: the reference device, simulated with a finer step than the fits use. Seeds are fixed; give
another with --seed. Prints one row a case, with its bar, and writes benchmarks/identification.json.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import llgrad as lg
from llgrad.core.record import set_leaf
from llgrad.core.run_record import run_record
from llgrad.fitting.methods.grid import grid_simulations

STO = lg.presets.kubota2013()
FREE = ["field.z", "current", "alpha"]


class Row(NamedTuple):
    """One case: what was found, and the bar."""

    case: str
    figure: str
    value: float
    bar: str
    met: bool


def teacher(device: lg.Oscillator, duration: float, m0: Any = None, dt: float = 0.5e-12, every: int = 20) -> lg.Trace:
    """A noise-free trace of (mx, my, mz), sampled every 10 ps."""
    return lg.trace_of(lg.simulate(device, duration=duration, dt=dt, m0=m0, save=lg.Every(every)))


def started(device: lg.Oscillator, rng: np.random.Generator, spread: float) -> lg.Oscillator:
    """The device with its free values drawn within ±spread of the truth."""
    for name in FREE:
        device = set_leaf(device, name, _get(device, name) * (1 + rng.uniform(-spread, spread)))
    return device


def _get(device: Any, path: str) -> float:
    for part in path.split("."):
        device = getattr(device, part)
    return float(device)


def errors(result: lg.FitResult, device: lg.Oscillator) -> dict[str, float]:
    """Relative errors of the free values (the sign of the field is free where only m_x is seen)."""
    return {name: abs(abs(result.values[name]) / _get(device, name) - 1) for name in FREE}


def five_nanoseconds(count: int, rng: np.random.Generator) -> Iterator[Row]:
    """5 ns, three components, ±50 %."""
    trace = teacher(STO, 5e-9)
    m0 = [trace.columns[name][0] for name in ("mx", "my", "mz")]
    hits, seconds, simulations = [], [], []
    for _ in range(count):
        began = time.perf_counter()
        result = lg.fit(started(STO, rng, 0.5), trace, free=FREE, m0=m0)
        seconds.append(time.perf_counter() - began)
        hits.append(max(errors(result, STO).values()) < 1e-6)
        simulations.append(result.simulations)
    rate, median = float(np.mean(hits)), float(np.median(seconds[1:]))
    case = f"5 ns, three components, {count} starts ±50 %"
    yield Row(case, "within 1e-6", rate, "≥ 0.99", rate >= 0.99)
    yield Row(case, "median seconds, compiled", median, "< 0.5", median < 0.5)
    spans = {name: (0.5 * _get(STO, name), 1.5 * _get(STO, name)) for name in FREE}
    accuracy = {name: (high - low) / 200 for name, (low, high) in spans.items()}
    fewer = grid_simulations(spans, accuracy) / float(np.median(simulations))
    yield Row("a grid of 100³ points", "times more simulations than a fit", fewer, "≥ 5000", fewer >= 5000)


def one_component(count: int, naive: int, rng: np.random.Generator) -> Iterator[Row]:
    """40 ns (about 20 periods), m_x alone, ±30 %, unknown starting phase."""
    settled = lg.simulate(STO, duration=60e-9, dt=1e-12, save=lg.End()).m[-1]
    trace = teacher(STO, 40e-9, settled / jnp.linalg.norm(settled)).select("mx")
    hits, seconds = [], []
    for number in range(count):
        began = time.perf_counter()
        result = lg.fit(started(STO, rng, 0.3), trace, free=FREE, key=jax.random.key(number))
        seconds.append(time.perf_counter() - began)
        hits.append(max(errors(result, STO).values()) < 1e-4)
    rate = float(np.mean(hits))
    case = f"40 ns, m_x only, {count} starts ±30 %, phase unknown"
    yield Row(case, "within 1e-4", rate, "≥ 0.97", rate >= 0.97)
    yield Row(case, "median seconds, compiled", float(np.median(seconds[1:])), "–", True)
    if naive:
        plain = lg.GradientDescent(steps=400, grow=False)
        bare = [lg.fit(started(STO, rng, 0.3), trace, free=FREE, m0=settled, method=plain) for _ in range(naive)]
        reached = float(np.mean([max(errors(r, STO).values()) < 1e-4 for r in bare]))
        yield Row(case, f"naive gradient descent, {naive} starts", reached, "beside it", True)


def strong_field(count: int, rng: np.random.Generator) -> Iterator[Row]:
    """20 ns at 2 kOe (about 125 periods): the identifiable combination is (I/α, H)."""
    device = STO.replace(field=(0, 0, 0.2))
    orbit = lg.direction(0.9901, 0.3)
    trace = teacher(device, 20e-9, orbit, dt=0.25e-12, every=40)
    for columns, bar in ((("mx", "my", "mz"), 0.99), (("mx",), 0.95)):
        hits = []
        for number in range(count):
            start = started(device, rng, 0.5)
            m0 = orbit if len(columns) == 1 else None
            result = lg.fit(start, trace.select(*columns), free=FREE, m0=m0, key=jax.random.key(number))
            ratio = result.values["current"] / result.values["alpha"] / (device.current / device.alpha)
            hits.append(max(abs(ratio - 1), errors(result, device)["field.z"]) < 1e-4)
        rate = float(np.mean(hits))
        case = f"20 ns at 2 kOe, {', '.join(columns)}, {count} starts ±50 %"
        yield Row(case, "I/α and H within 1e-4", rate, f"≥ {bar}", rate >= bar)


def coverage_of_a_voltage(draws: int, rng: np.random.Generator) -> Iterator[Row]:
    """20 ns voltage with unknown gain and offset, noise at 20 dB: do 95 % intervals cover the truth?"""
    start = lg.direction(1.0, 0.0)
    clean = teacher(STO, 20e-9, start).columns["mx"]
    t = teacher(STO, 20e-9, start).t
    gain, offset = 3e-3, 0.7e-3
    sigma = gain * float(np.std(clean)) / 10
    covered: dict[str, list[bool]] = {}
    truth = {name: _get(STO, name) for name in FREE} | {"gain": gain, "offset": offset}
    for _ in range(draws):
        noisy = lg.Trace(t, {"voltage": gain * clean + offset + rng.normal(0, sigma, clean.size)})
        result = lg.fit(STO, noisy, free=FREE, m0=start, method=lg.LevenbergMarquardt(grow=False))
        for name, value in truth.items():
            covered.setdefault(name, []).append(abs(result.values[name] - value) < 1.96 * result.errors[name])
    for name, hits in covered.items():
        rate = float(np.mean(hits))
        case = f"20 ns voltage at 20 dB, {draws} draws"
        yield Row(case, f"95 % intervals of {name} cover", rate, "0.93 to 0.97", 0.93 <= rate <= 0.97)


CASES = ("five", "one", "strong", "coverage")


def main() -> None:
    """Run the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the starts and draws")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", choices=CASES, action="append")
    chosen = parser.parse_args()
    part = 10 if chosen.quick else 1
    rng = np.random.default_rng(chosen.seed)
    runs = {
        "five": lambda: five_nanoseconds(200 // part, rng),
        "one": lambda: one_component(200 // part, 20 // part, rng),
        "strong": lambda: strong_field(200 // part, rng),
        "coverage": lambda: coverage_of_a_voltage(1000 // part, rng),
    }
    rows: list[Row] = []
    with jax.enable_x64(True):
        for name in chosen.case or CASES:
            for row in runs[name]():
                rows.append(row)
                print(
                    f"{row.case}: {row.figure}: {row.value:.4g} (bar {row.bar}) {'met' if row.met else 'MISSED'}",
                    flush=True,
                )
    entry = run_record("benchmarks", seed=chosen.seed) | {"rows": [row._asdict() for row in rows]}
    path = pathlib.Path(__file__).with_name("identification.json")
    path.write_text(json.dumps(entry, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
