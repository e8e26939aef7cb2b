"""The time to a given error: the eighth-order method beside RK4, each with the longest step that reaches the error.

    python -m benchmarks.accuracy [--lanes 256] [--repeats 7]

Runs of 20 ns with currents around 2.5 mA, at 200 Oe and at 2 kOe: forward to an error |Δm| of 1e-8 in the worst final
state, and the gradient of a function of the final states in α, current and field to 1e-7 of its largest entry. The
reference has steps a quarter as long. Both methods are timed in turns in one process.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import llgrad as lg
from benchmarks.history import add_option, keep

DURATION: Final = 20e-9
FIELDS: Final = {"200 Oe": 0.02, "2 kOe": 0.2}
BARS: Final = {
    ("forward", "200 Oe"): 4.0,
    ("forward", "2 kOe"): 6.0,
    ("gradient", "200 Oe"): 3.2,
    ("gradient", "2 kOe"): 5.0,
}
TARGETS: Final = {"forward": 1e-8, "gradient": 1e-7}
START: Final = (0.6, 0.0, 0.8)
FIRST: Final = {lg.solvers.RK4: 10_000, lg.solvers.DormandPrince8: 500}


class Found(NamedTuple):
    """The fewest steps that reach the error, that error, and the function that takes them."""

    steps: int
    error: float
    run: Callable[[], Any]


def work(kind: str, field: float, lanes: int, stepper: Any, steps: int) -> Callable[[], Any]:
    """A compiled run, or its gradient, of all lanes."""
    device = lg.presets.kubota2013()

    def end(x: Any) -> Any:
        moved = device.replace(alpha=x[0], current=x[1], field=(0.0, 0.0, x[2]))
        settings = {"m0": lg.Vec3(*START), "stepper": stepper, "save": lg.End(), "throw": False}
        return lg.simulate(moved, duration=DURATION, dt=DURATION / steps * (1 + 1e-12), **settings).m[-1]

    currents = 2.5e-3 * np.linspace(0.99, 1.01, lanes)
    values = jnp.asarray(np.stack([np.full(lanes, 0.005), currents, np.full(lanes, field)], axis=1))
    scale = values[0]
    one = end if kind == "forward" else jax.grad(lambda x: (end(x) * jnp.asarray([1.0, 0.5, 0.3])).sum())
    compiled = jax.jit(jax.vmap(one))
    return lambda: jax.block_until_ready(compiled(values) * (1.0 if kind == "forward" else scale[None]))


def error_of(kind: str, found: Any, exact: Any) -> float:
    """|Δm| of the worst final state, or the worst difference of a gradient beside the largest entry."""
    if kind == "forward":
        return float(jnp.linalg.norm(found - exact, axis=-1).max())
    return float(jnp.abs(found - exact).max() / jnp.abs(exact).max())


def fewest(kind: str, field: float, lanes: int, stepper: Any, exact: Any) -> Found:
    """The fewest steps, within some per cent, whose error is below the target."""
    order, target, steps = stepper.tableau.order, TARGETS[kind], FIRST[type(stepper)] * round((field / 0.02) ** 0.8)
    best: Found | None = None
    for _ in range(8):
        run = work(kind, field, lanes, stepper, steps)
        error = error_of(kind, run(), exact)
        if error <= target and (best is None or steps < best.steps):
            best = Found(steps, error, run)
        if 0.75 * target < error <= target:
            break
        steps = round(steps * (error / (0.87 * target)) ** (1 / order))
    if best is None:
        raise RuntimeError(f"{type(stepper).__name__} did not reach {target}")
    return best


def in_turns(runs: list[Callable[[], Any]], repeats: int) -> list[float]:
    """Median seconds of each, measured alternately."""
    seconds: list[list[float]] = [[] for _ in runs]
    for _ in range(repeats):
        for place, run in enumerate(runs):
            start = time.perf_counter()
            run()
            seconds[place].append(time.perf_counter() - start)
    return [statistics.median(times) for times in seconds]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=7)
    add_option(parser)
    given = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    table = Table("work", "RK4 steps", "8th steps", "RK4 [ms]", "8th [ms]", "times faster", "bar")
    figures = {}
    for (kind, name), bar in BARS.items():
        field = FIELDS[name]
        eighth = lg.solvers.DormandPrince8(limit=2.5)
        first = 2000 * round((field / 0.02) ** 0.8)
        exact = work(kind, field, given.lanes, eighth, 2 * first)()
        by = [fewest(kind, field, given.lanes, stepper, exact) for stepper in (lg.solvers.RK4(limit=2.5), eighth)]
        slow, fast = in_turns([found.run for found in by], given.repeats)
        table.add_row(
            f"{kind}, {name}, to {TARGETS[kind]:g}",
            f"{by[0].steps} ({by[0].error:.1e})",
            f"{by[1].steps} ({by[1].error:.1e})",
            f"{slow * 1e3:.1f}",
            f"{fast * 1e3:.2f}",
            f"{slow / fast:.1f}",
            f"≥ {bar:g}",
        )
        figures |= {f"{kind}, {name}, RK4 [s]": slow, f"{kind}, {name}, 8th [s]": fast}
        print(f"{kind}, {name}: {slow * 1e3:.1f} ms / {fast * 1e3:.2f} ms = {slow / fast:.2f}", flush=True)
    Console(width=120).print(table)
    keep(given.json, "accuracy", figures)


if __name__ == "__main__":
    main()
