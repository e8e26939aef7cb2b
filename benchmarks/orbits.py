"""Limit cycles by shooting: figures of the reference device, and time over a transient with its tangents.

`python -m benchmarks.orbits` prints both; `--noise` adds the spread of the phase of 3,000 noisy runs. The transient
starts where `simulate` does, and takes as long as the distance to the orbit needs to be below 1e-6, and ten periods
more; its tangents are those of field, current and damping, on the native engine, with steps for an error of 1e-6.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

import llgrad as lg
from benchmarks.history import asked, keep

CASES: Final = ((0.2, 2.5e-3), (0.02, 2.5e-3), (0.02, 0.8e-3), (0.02, 0.42e-3))
"""Field [T] and current [A]."""
RUNS: Final = 3000
LEAST, TURNS = 0.02, 21
"""Short tasks are repeated for so many seconds of a turn."""
STEPS: Final = 24
"""Of the orbit: enough for an error of 1e-6 as well, which is printed."""


def device_at(p: Any) -> lg.Oscillator:
    return lg.presets.kubota2013().replace(field=(0.0, 0.0, p[0]), current=p[1], alpha=p[2])


def in_turns(tasks: Sequence[Callable[[], Any]]) -> list[float]:
    """Median processor time [s], all threads together, of tasks that were compiled before, done in turns: what others
    do on the machine is the same for all."""
    turns, loops = [], []
    for task in tasks:
        jax.block_until_ready(task())
        start = time.process_time()
        jax.block_until_ready(task())
        loops.append(max(1, round(LEAST / max(time.process_time() - start, 1e-6))))
    for _ in range(TURNS):
        turns.append([])
        for task, count in zip(tasks, loops, strict=True):
            start = time.process_time()
            for _ in range(count):
                jax.block_until_ready(task())
            turns[-1].append((time.process_time() - start) / count)
    return [statistics.median(column) for column in zip(*turns, strict=True)]


def transient_of(p: Any) -> tuple[float, float]:
    """How long [s] a run takes to be within 1e-6 of the orbit, and ten periods more; and the step [s] for 1e-6."""
    orbit = lg.orbit(device_at(p))
    rate = float(orbit.return_rate)
    duration = 20 / rate
    while True:
        run = lg.simulate(device_at(p), duration=duration, accuracy=1e-6, save=lg.End())
        # the orbit is a closed curve: the distance to it is that to the nearest of its states, moved along it
        near = lg.simulate(device_at(p), duration=float(orbit.period), dt=float(orbit.period) / 4096, m0=orbit.m[0])
        place = int(np.argmin(np.sum((np.asarray(near.m) - np.asarray(run.m[-1])) ** 2, 1)))
        along = np.asarray(near.m[(place + 1) % 4096] - near.m[place - 1])
        away = np.asarray(run.m[-1] - near.m[place])
        away = away - along * (away @ along) / (along @ along)
        if np.sqrt(away @ away) < 1e-6:
            return duration + 10 * float(orbit.period), run.stats.dt
        duration += max(0.2 * duration, math.log(np.sqrt(away @ away) / 1e-6) / rate)


def speed(p: Any) -> tuple[float, float, float, float, float]:
    """Processor times [s] of the transient with three tangents and of the orbit with three derivatives, length [s] and
    step [s] of the transient, and the largest relative error of the orbit's frequency and derivatives."""
    duration, dt = transient_of(p)

    def end(p: Any) -> Any:
        run = lg.simulate(
            device_at(p), duration=duration, dt=dt, save=lg.End(), stepper=lg.solvers.DormandPrince8(), throw=False
        )
        return run.m[-1]

    transient = jax.jit(jax.jacfwd(end))

    def frequency(p: Any, steps: int = STEPS) -> Any:
        return lg.orbit(device_at(p), steps=steps).frequency

    orbit = jax.jit(jax.value_and_grad(frequency))
    at = jnp.asarray(p)
    finer = jax.value_and_grad(frequency)(at, 8 * STEPS)
    pairs = zip(jax.tree.leaves(orbit(at)), jax.tree.leaves(finer), strict=True)
    error = max(float(jnp.max(jnp.abs(one / other - 1))) for one, other in pairs)
    slow, fast = in_turns([lambda: transient(at), lambda: orbit(at)])
    return slow, fast, duration, dt, error


def spread(field: float, current: float) -> tuple[float, float, float]:
    """Line width [Hz] by the slope of the phase's variance of noisy runs, its standard error, and the orbit's."""
    device = device_at((field, current, 0.005)).replace(temperature=300.0)
    orbit = lg.orbit(device)
    duration, dt = 40 / float(orbit.return_rate), 1e-12 if field > 0.1 else 4e-12
    count = round(duration / dt / 40) * 40

    @jax.jit
    def phases(keys: Any) -> Any:
        def one(key: Any) -> Any:
            run = lg.simulate(
                device, duration=count * dt, dt=dt, m0=orbit.m[0], key=key, save=lg.Every(40), throw=False
            )
            return run.m

        return jax.vmap(one)(keys)

    own = float(orbit.frequency)
    kept = []
    for part in range(RUNS // 500):
        m = np.asarray(phases(jax.random.split(jax.random.key(part), 500)))
        kept.append(np.unwrap(np.arctan2(m[..., 1], m[..., 0]), axis=1))
    phase = np.concatenate(kept)
    t = np.arange(phase.shape[1]) * 40 * dt
    phase = phase - np.sign(phase[0, -1]) * 2 * np.pi * own * t
    late = t > 5 / float(orbit.return_rate)

    def slope(sample: np.ndarray) -> float:
        return float(np.polyfit(t[late], sample.var(0)[late], 1)[0]) / (2 * math.pi)

    groups = [slope(phase[k::10]) for k in range(10)]
    return slope(phase), statistics.stdev(groups) / math.sqrt(10), float(orbit.line_width)


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    print("H (mT)  I (mA)  f (GHz)     Γ (/ns)    Δf at 300 K (MHz)  locking by 0.1 Oe (MHz)  ν")
    for field, current in CASES:
        found = lg.orbit(device_at((field, current, 0.005)).replace(temperature=300.0))
        width, lock = float(found.line_width) / 1e6, float(found.locking({"field_x": 1e-5}).half_width) / 1e6
        rate, nu = float(found.return_rate) / 1e9, float(found.nonlinearity())
        frequency = float(found.frequency) / 1e9
        print(f"{field * 1e3:<8g}{current * 1e3:<8g}{frequency:<12.7g}{rate:<11.7g}{width:<19.6g}{lock:<25.7g}{nu:.4g}")
    print(
        "\none frequency with three derivatives, over a transient with three tangents (1e-6), both warm, processor time"
    )
    figures = {}
    for field, current in CASES:
        slow, fast, duration, dt, error = speed((field, current, 0.005))
        said = f"transient {duration * 1e9:.4g} ns in steps of {dt * 1e12:.3g} ps: {slow * 1e3:.4g} ms"
        place = f"{field * 1e3:g} mT, {current * 1e3:g} mA"
        figures |= {f"{place}, transient [s]": slow, f"{place}, orbit [s]": fast}
        print(
            f"{field * 1e3:g} mT, {current * 1e3:g} mA: {said}, orbit {fast * 1e3:.3g} ms (error {error:.0e}): "
            f"{slow / fast:.0f} × faster"
        )
    keep(asked(), "orbits", figures)
    if "--noise" in sys.argv:
        print(f"\nspread of the phase of {RUNS} noisy runs at 300 K, as a line width")
        for field, current in CASES[:2]:
            seen, error, told = (value / 1e6 for value in spread(field, current))
            print(f"{field * 1e3:g} mT, {current * 1e3:g} mA: {seen:.2f} ± {error:.2f} MHz; orbit {told:.2f} MHz")


if __name__ == "__main__":
    main()
