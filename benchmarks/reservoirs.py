"""Reservoirs of oscillators, tuned by gradient, beside a grid and an echo-state network. All settings are told.

python -m benchmarks.reservoirs one        # one oscillator, time multiplexed: its information processing capacity
python -m benchmarks.reservoirs narma10    # an array of 100: NARMA10
python -m benchmarks.reservoirs front      # the same: short-term memory and parity, beside an echo-state network
"""

from __future__ import annotations

import sys
import time
from typing import Any

import jax
import numpy as np

import llgrad as lg
from llgrad.reservoir import (
    EchoStateNetwork,
    LinearTaps,
    Reservoir,
    aim_of_task,
    capacity_aim,
    information_capacity,
    memory_capacity,
    narma,
    parity,
    short_term_memory,
    tune,
    tuning_grid,
)

NOISE = 0.01
SIZE = 100


def say(*words: Any) -> None:
    """A line at once."""
    print(*words, flush=True)


def one(points: int = 1000, starts: int = 8, steps: int = 40) -> None:
    """Capacity of one STO with 50 nodes: as given, tuned, and the best of a grid, each on new symbols."""
    device = lg.presets.kubota2013().replace(current=0.5e-3, field=(0.0, 0.0, 0.2))
    given = Reservoir(
        device, hold=5e-9, input="field_x", gain=5e-3, nodes=50, feedback=1e-3, read="mx", noise=NOISE, dt=5e-12
    )
    free = {
        "field.x": ("-0.3 T", "0.3 T"),
        "field.z": ("0.05 T", "1 T"),
        "current": ("-1.5 mA", "1.5 mA"),
        "gain": ("0 T", "0.1 T"),
        "feedback": ("-0.1 T", "0.1 T"),
    }
    aim = capacity_aim(1000, {1: 20, 2: 8, 3: 4, 4: 2})
    delays = {1: 60, 2: 20, 3: 8, 4: 5, 5: 4, 6: 3}
    signal = np.random.default_rng(9).uniform(-1, 1, 10_100)

    def capacity(reservoir: Reservoir) -> Any:
        return information_capacity(reservoir.states(signal)[100:], signal, delays, shuffles=100)

    say("as given:", capacity(given))
    found = tune(given, aim, free, steps=steps, starts=starts, screened=64, rate=0.15)
    say("tuned:", found)
    say("tuned:", capacity(found.reservoir))
    grid = tuning_grid(given, aim, free, points=points + 24)
    say("grid:", grid)
    say("grid:", capacity(grid.reservoir))


def array(seed: int = 0, radius: float = 0.03) -> Reservoir:
    """100 coupled oscillators at rest below their thresholds, with fields that are spread."""
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((SIZE, SIZE)) * (1 - np.eye(SIZE))
    weights *= radius / np.abs(np.linalg.eigvals(weights)).max()
    device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0.05, 0.0, 0.2))
    spread = lg.OscillatorArray(device, SIZE, lg.FieldCoupling(weights))
    spread = spread.replace(field=lg.Vec3(0.05, 0.0, rng.uniform(0.1, 0.4, SIZE)))
    return Reservoir(
        spread, hold=0.2e-9, input="field_x", gain=0.05, read="mx", noise=NOISE, dt=5e-12, washout=100, seed=seed
    )


RANGES: dict[str, Any] = {
    "field.x": ("-0.2 T", "0.2 T"),
    "field.z": ("0.02 T", "0.8 T"),
    "gain": ("0 T", "0.3 T"),
    "mask": (-2.0, 2.0),
    "coupling": ("-0.05 T", "0.05 T"),
    "current": ("-1 mA", "1 mA"),
}
SINGLE = ("field.x", "gain", "current")
"""What a grid has an axis of, one value for all."""


def baselines(task: Any, scored: Any) -> None:
    """An echo-state network of equal size and noise, the best of its grid, and what is linear."""
    settings = [(g, r, b) for g in (0.1, 0.3, 1.0) for r in (0.8, 0.95, 0.99) for b in (0.0, 0.5)]
    fit, rest = task.split(0.5)
    networks = [EchoStateNetwork(SIZE, gain=g, radius=r, bias=b, noise=NOISE) for g, r, b in settings]
    losses = [scored(network.fit(fit.signal, fit.target), fit) for network in networks]
    best = networks[int(np.argmin(losses))]
    say("echo-state network:", best, "test NRMSE", best.errors(rest.signal, rest.target))
    linear = LinearTaps(taps=50, noise=NOISE).fit(fit.signal, fit.target)
    say("50 linear taps: test NRMSE", linear.errors(rest.signal, rest.target))


def narma10(steps: int = 25, length: int = 1000) -> None:
    """NARMA10: as drawn and tuned, fitted on 2000 symbols and tested on 2000 others."""
    train, test = narma(10, 2000, seed=1), narma(10, 2000, seed=2)
    given = array()

    def error(reservoir: Any) -> float:
        return float(reservoir.fit(train.signal, train.target).errors(test.signal, test.target)[0])

    say("as drawn: test NRMSE", error(given))
    aim = aim_of_task(narma(10, length, seed=3))
    begun = time.perf_counter()
    found = tune(
        given, aim, RANGES, steps=steps, rate=0.03, progress=lambda e: say(f"{e['fraction']:.2f} {e['stage']}")
    )
    say("tuned:", found, f"{time.perf_counter() - begun:.0f} s")
    say("tuned: test NRMSE", error(found.reservoir))
    baselines(narma(10, 4000, seed=1), lambda network, fit: network.errors(fit.signal, fit.target)[0])


def front(steps: int = 25, length: int = 1000) -> None:
    """(STM, parity) of the array and of echo-state networks, all at 1 % noise, of binary symbols."""
    memory, odd = short_term_memory(4000, 30, seed=5), parity(4000, 10, seed=6)

    def both(reservoir: Any) -> tuple[float, float]:
        return tuple(round(memory_capacity(reservoir, task).total, 2) for task in (memory, odd))  # type: ignore[return-value]

    for gain in (0.03, 0.1, 0.3, 1.0):
        for radius in (0.8, 0.95):
            say("echo-state network", gain, radius, both(EchoStateNetwork(SIZE, gain=gain, radius=radius, noise=NOISE)))
    say("array as drawn", both(array()))
    for name, aim in (("parity", aim_of_task(parity(length, 8, seed=7))),):
        found = tune(array(), aim, RANGES, steps=steps, rate=0.03)
        say("array tuned for", name, found, both(found.reservoir))


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    {"one": one, "narma10": narma10, "front": front}[sys.argv[1]](*map(int, sys.argv[2:]))
