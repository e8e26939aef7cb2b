"""Reservoirs of oscillators, tuned by gradient, beside a grid and an echo-state network. All settings are told.

python -m benchmarks.reservoirs one        # one oscillator, time multiplexed: its information processing capacity
python -m benchmarks.reservoirs narma10    # an array of 100: NARMA10
python -m benchmarks.reservoirs front      # the same: short-term memory and parity, beside an echo-state network
"""

from __future__ import annotations

import itertools
import sys
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


DELAYS = {1: 60, 2: 20, 3: 8, 4: 5, 5: 4, 6: 3}
"""Largest delay of each degree: 793 products, while tuning as when judged."""


def one(points: int = 1000, starts: int = 8, steps: int = 80) -> None:
    """Capacity of one STO with 50 nodes: as given, tuned, and the best of a grid, each on 10,000 new symbols with a
    threshold of 1.2 times the largest of 100 shuffles. A grid has no axes for the 50 numbers of a mask.
    """
    device = lg.presets.kubota2013().replace(current=0.5e-3, field=(0.0, 0.0, 0.2))
    given = Reservoir(
        device, hold=5e-9, input="field_x", gain=5e-3, nodes=50, feedback=1e-3, read="mx", noise=NOISE, dt=5e-12
    )
    free: dict[str, Any] = {
        "field.x": ("-0.3 T", "0.3 T"),
        "field.z": ("0.05 T", "1 T"),
        "current": ("-1.5 mA", "1.5 mA"),
        "gain": ("0 T", "0.1 T"),
        "feedback": ("-0.1 T", "0.1 T"),
    }
    aim = capacity_aim(2000, DELAYS)
    signal = np.random.default_rng(9).uniform(-1, 1, 10_100)

    def capacity(reservoir: Reservoir) -> Any:
        return information_capacity(reservoir.states(signal)[100:], signal, DELAYS, shuffles=100)

    say("as given:", capacity(given))
    for name, ranges in (("without its mask", free), ("with its mask", free | {"mask": (-2.0, 2.0)})):
        found = tune(given, aim, ranges, steps=steps, starts=starts, screened=64, rate=0.05)
        say(f"tuned {name}:", found)
        say(f"tuned {name}:", capacity(found.reservoir))
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


def baselines(train: Any, tests: Any, seed: int) -> None:
    """An echo-state network of equal size and noise, the best of its grid on a validation part, and what is linear."""
    settings = [(g, r, b) for g in (0.1, 0.3, 1.0) for r in (0.8, 0.95, 0.99) for b in (0.0, 0.5)]
    fit, held = train.split(0.7)
    networks = [EchoStateNetwork(SIZE, gain=g, radius=r, bias=b, noise=NOISE, seed=seed) for g, r, b in settings]
    losses = [network.fit(fit.signal, fit.target).errors(held.signal, held.target)[0] for network in networks]
    best = networks[int(np.argmin(losses))].fit(train.signal, train.target)
    say("echo-state network:", best, "test NRMSE", *_errors(best, tests))
    linear = LinearTaps(taps=50, noise=NOISE).fit(train.signal, train.target)
    say("50 linear taps: test NRMSE", *_errors(linear, tests))


def _errors(fitted: Any, tests: Any) -> list[float]:
    return [round(float(fitted.errors(test.signal, test.target)[0]), 4) for test in tests]


def narma10(steps: int = 25, length: int = 1000, points: int = 1000) -> None:
    """NARMA10: three arrays, each as drawn and tuned, fitted on 2000 symbols and judged on three sequences of 2000 that
    neither tuning nor anybody before has used; beside the best of a grid over the numbers that are one for all.
    """
    tests = [narma(10, 2000, seed=seed) for seed in (101, 102, 103)]
    for seed in range(3):
        train, aim, given = narma(10, 2000, seed=50 + seed), aim_of_task(narma(10, length, seed=60 + seed)), array(seed)

        def error(reservoir: Any, train: Any = train) -> list[float]:
            return _errors(reservoir.fit(train.signal, train.target), tests)

        say(f"array {seed} as drawn: test NRMSE", *error(given))
        found = tune(given, aim, RANGES, steps=steps, rate=0.03)
        say(f"array {seed} tuned: test NRMSE", *error(found.reservoir), found)
        if seed == 0:
            grid = tuning_grid(given, aim, {name: RANGES[name] for name in SINGLE}, points=points)
            say("array 0, best of a grid: test NRMSE", *error(grid.reservoir), grid)
            passed = int(np.argmax(found.history < grid.loss)) + 1
            say(f"the grid's best is passed after {passed} steps, {passed * found.step_cost:.0f} simulations")
        baselines(train, tests, seed)


def front(steps: int = 25, length: int = 1000) -> None:
    """(STM, parity) of the array and of echo-state networks, all at 1 % noise, of binary symbols."""
    memory, odd = short_term_memory(4000, 30, seed=5), parity(4000, 10, seed=6)

    def both(reservoir: Any) -> tuple[float, float]:
        return tuple(round(memory_capacity(reservoir, task).total, 2) for task in (memory, odd))  # type: ignore[return-value]

    for gain, radius, bias in itertools.product((0.03, 0.1, 0.3, 1.0, 3.0), (0.8, 0.95), (0.0, 0.5, 1.0)):
        network = EchoStateNetwork(SIZE, gain=gain, radius=radius, bias=bias, noise=NOISE)
        say("echo-state network", gain, radius, bias, both(network))
    say("array as drawn", both(array()))
    found = tune(array(), aim_of_task(parity(length, 8, seed=7)), RANGES, steps=steps, rate=0.03)
    say("array tuned for parity", found, both(found.reservoir))


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    {"one": one, "narma10": narma10, "front": front}[sys.argv[1]](*map(int, sys.argv[2:]))
