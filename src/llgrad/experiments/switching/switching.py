"""`lg.experiments.switching`: convert, check, run thousands of noisy trajectories through a pulse."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import jax
import numpy as np
from jaxtyping import ArrayLike, Float, Key, PyTree

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import as_count, as_number
from llgrad.devices.oscillator import Oscillator
from llgrad.drives.base import Waveform
from llgrad.drives.drive import Drive
from llgrad.experiments.switching.ensemble import at_temperature, check_model, noisy_step, run_many
from llgrad.experiments.switching.pulses import Pulses, checked_time, pulses_of
from llgrad.experiments.switching.result import Switching
from llgrad.experiments.switching.wells import Wells, in_equilibrium, settled, start_in, wells_of
from llgrad.orbits.carried import held
from llgrad.physics.stacks.stack import Stack
from llgrad.solve.parts.telling import Progress, Teller

RUNS: Final = 10_000
MOST_RUNS: Final = 100_000_000
BATCH: Final = 16_384
"""Runs that go side by side."""
LOOKS: Final = 256
"""States kept of a run, which switching times are read from."""
WAIT: Final = 2.0
"""Decay times after the pulse for which runs stay agitated."""


def switching(
    device: Oscillator | Stack,
    pulse: Drive | Mapping[str, Waveform],
    *,
    scan: Mapping[str, Any] | None = None,
    runs: int = RUNS,
    temperature: float | None = None,
    key: Key[jax.Array, ""],
    m0: PyTree[Float[ArrayLike, "..."]] = None,
    duration: float | None = None,
    wait: float | None = None,
    dt: float | None = None,
    progress: Progress | None = None,
) -> Switching:
    """Probability and times of switching by a pulse, from many noisy runs, each from a state of its own.

    A run begins in thermal equilibrium in one well of the device at its direct current and field: drawn from the normal
    distribution of small deviations, then agitated for three decay times. The pulse is added to current and field, and
    the runs stay agitated for `wait` after it. What a run has switched to is told by the device's stable states, all of
    which `lg.equilibria` finds, and not by the sign of a component: it is the one to which it then relaxes without
    noise. The switching time is that from the pulse's half-way rise to the moment at which a run was last nearer to
    where it began than to where it ended. Runs of a scan share their starts; their noise is drawn anew at each point.

    Args:
        device: Oscillator, or Stack (a spin–orbit torque, a voltage: by its terminals), with two stable states or more.
        pulse: Drive; of a Stack also waveforms by its inputs, as {"heavy_metal_current": Pulse(…)}.
        scan: {name: values} of one or two numbers of the pulse, as "current.amplitude": values (P,) in SI, or a range
            of text: "0:1mA:21".
        runs: number of runs N at each point.
        temperature: [K], by default the device's own.
        key: a `jax.random.key`.
        m0: a state; the stable one nearest to it is where runs begin. By default that nearest to
            `lg.solvers.default_start`, of a Stack to its start.
        duration: time [s] after which the pulse is switched off; by default when it is over.
        wait: time [s] of agitation after it; by default two decay times of the slowest stable state.
        dt: time step [s] of the noisy runs; by default 0.05 rad at the largest field. Heun's method.
        progress: True, or a function of a dictionary with "fraction".

    Raises ValueError for a device with one stable state, a pulse that is none or does not end, and without temperature.

    >>> import jax, llgrad as lg
    >>> bit = lg.Oscillator(
    ...     Ms=1e6, volume=5e-25, H_k=1.45, alpha=0.05, polariser=(0, 0, 1), polarization=0.6, temperature=300.0
    ... )
    >>> pulse = lg.Drive(current=lg.Pulse(amplitude=60e-6, start=0.1e-9, width=1e-9))
    >>> found = lg.experiments.switching(bit, pulse, runs=1000, key=jax.random.key(0))
    >>> bool(found.low < found.probability < found.high)
    True
    """
    check_model(device)
    device = at_temperature(held(device, "switching"), temperature, "switching")
    number = as_count(runs)
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError(f"runs = {runs!r}, expected the number of runs, a positive integer such as 10_000")
    if number > MOST_RUNS:
        raise ValueError(
            f"runs = {runs}, expected {MOST_RUNS} at most; for rare errors see lg.experiments.write_error_rate"
        )
    check_kind("key", key, jax.Array, "give key=jax.random.key(0)")
    pulses = pulses_of(device, pulse, scan, duration)
    wells = wells_of(device, 2, "switching")
    start = start_in(wells, m0)
    rest = WAIT * wells.slowest if wait is None else checked_time("wait", wait)
    step = min(noisy_step(device, drive) for drive in pulses.drives) if dt is None else float(as_number(dt))
    counts, times = _counted(wells, start, pulses, number, rest, step, key, Teller(progress, 0.0))
    return Switching(device, pulses.drive, pulses.axes, wells.states, start, number, counts, times, wells.found.names)


def _counted(
    wells: Wells, start: int, pulses: Pulses, runs: int, rest: float, dt: float, key: Any, teller: Teller
) -> tuple[np.ndarray, np.ndarray]:
    """How many runs end in each stable state (…, W), the last one those in none; and switching times (…, N) [s]."""
    parts = math.ceil(runs / BATCH)
    lanes = math.ceil(runs / parts)
    begin, noise = jax.random.split(key)
    starts = [in_equilibrium(wells, start, lanes, dt, one) for one in jax.random.split(begin, parts)]
    ends = np.empty((len(pulses.drives), parts * lanes), int)
    times = np.empty((len(pulses.drives), parts * lanes))
    for place, drive in enumerate(pulses.drives):
        for part, one in enumerate(jax.random.split(jax.random.fold_in(noise, place), parts)):
            own = slice(part * lanes, (part + 1) * lanes)
            ends[place, own], times[place, own] = _through(wells, start, starts[part], drive, pulses, rest, dt, one)
            teller.tell((place + (part + 1) / parts) / len(pulses.drives))
    ends, times = ends[:, :runs], times[:, :runs]
    counts = np.stack([(ends == well).sum(axis=1) for well in (*range(len(wells.states)), -1)], axis=-1)
    return counts.reshape(*pulses.shape, -1), times.reshape(*pulses.shape, -1)


def _through(
    wells: Wells, start: int, states: np.ndarray, drive: Any, pulses: Pulses, rest: float, dt: float, key: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Where runs (N, n) end, and when they went there for good; NaN where they did not."""
    driven, free = jax.random.split(key)
    steps = max(math.ceil(pulses.end / dt), 1)
    every = max(math.ceil(steps / LOOKS), 1)
    length = pulses.end / steps * every * math.ceil(steps / every)
    t, path = run_many(wells.device, states, length, dt, drive, driven, every)
    if rest > 0:
        steps = max(math.ceil(rest / dt), 1)
        every = max(math.ceil(steps / LOOKS), 1)
        length = rest / steps * every * math.ceil(steps / every)
        late, after = run_many(wells.device, path[-1], length, dt, None, free, every)
        t, path = np.concatenate([t, t[-1] + late[1:]]), np.concatenate([path, after[1:]])
    ends = settled(wells, path[-1])
    times = np.full(len(ends), np.nan)
    for well in range(len(wells.states)):
        gone = np.flatnonzero(ends == well)
        if well != start and len(gone):
            times[gone] = _last_crossing(wells, start, well, t, path[:, gone]) - pulses.onset
    return ends, times


def _last_crossing(wells: Wells, start: int, end: int, t: np.ndarray, path: np.ndarray) -> np.ndarray:
    """When runs (T, N, n) last crossed the middle between two stable states [s]; NaN where they are not across yet."""
    middle = (wells.states[start] + wells.states[end]) / 2
    across = ((wells.states[end] - wells.states[start])[wells.turned]).astype(path.dtype)
    side = (path[..., wells.turned] - middle[wells.turned].astype(path.dtype)) @ across
    behind = side <= 0
    last = len(t) - 1 - behind[::-1].argmax(axis=0)
    runs = np.arange(path.shape[1])
    known = behind.any(axis=0) & (last < len(t) - 1)
    before, after = side[last, runs], side[np.minimum(last + 1, len(t) - 1), runs]
    part = np.where(known, -before / np.where(known, after - before, 1.0), 0.0)
    return np.where(known, t[last] + part * (t[np.minimum(last + 1, len(t) - 1)] - t[last]), np.nan)
