"""Gradient descent, least squares or a grid search: which finds a device? Expect least squares to find every one.

Each method begins at the same random starts, within 50 % of the truth in field, current and damping, and sees the same
5 ns of mx, my, mz (synthetic), from a known starting state: on the orbit, growing towards it, or damped below
threshold. A device is found where its trace fits the data as well as the true one's. `--full` takes 100 starts.
"""

import sys
import time

import jax
import numpy as np

import llgrad as lg
from llgrad.core.record import get_leaf
from llgrad.fitting.assembly import as_experiments, prepare
from llgrad.fitting.methods.base import Begin, Log

full = "--full" in sys.argv
count, steps, points = (100, 500, 11) if full else (4, 50, 3)
free = ("field.z", "current", "alpha")
methods = {
    "gradient descent": lg.fitting.GradientDescent(
        steps=steps, grow=False
    ),  # Adam on the squared error, as in the paper
    "least squares": lg.fitting.LevenbergMarquardt(),
    "grid search": lg.fitting.GridSearch(points=points),
}


def teachers():
    """(name, device, starting state) of each trace."""
    device = lg.presets.kubota2013()
    orbit = np.asarray(lg.simulate(device, duration=60e-9, dt=2e-12, save=lg.End()).m[-1])
    yield "steady", device, orbit
    yield "transient", device, lg.direction(0.1, 0.0)
    yield "damped", device.replace(current=0.25e-3), lg.direction(0.8, 0.0)


def search(method, problem, begin):
    """Unbounded parameters (S, 3) found from each start, simulations and seconds, both for one start."""
    log, began = Log(), time.perf_counter()
    if isinstance(method, lg.fitting.GridSearch):  # has a grid about each start
        ones = [method.search(problem, Begin(u[None], m[None]), log) for u, m in zip(begin.u, begin.m0, strict=True)]
        u = np.concatenate([one.u for one in ones])
    else:
        u = method.search(problem, begin, log).u
    return u, log.simulations / begin.size, (time.perf_counter() - began) / begin.size


def compare(device, m0, noise, rng):
    """(found, median error, simulations, seconds) of each method on one teacher."""
    clean = lg.trace_of(lg.simulate(device, duration=5e-9, dt=1e-12, m0=m0, save=lg.Every(20)))
    noisy = lg.Trace(clean.t, {name: m + noise * rng.normal(size=m.size) for name, m in clean.columns.items()})
    problem, values, states, *_ = prepare(device, as_experiments(noisy, m0=m0), free, dt=2e-12)
    # drawn anew for each noise: 100 starts are enough to tell the methods apart
    starts = values * (1 + rng.uniform(-0.5, 0.5, (count, len(free))))
    u = np.array([[bound.free(v) for bound, v in zip(problem.bounds, start, strict=True)] for start in starts])
    begin = Begin(u, np.repeat(states[None], count, axis=0))
    truth = np.array([get_leaf(device, name) for name in free])
    enough = 1.01 * rms(problem, truth, states) + 1e-4
    for name, method in methods.items():
        u, simulations, seconds = search(method, problem, begin)
        found = np.array([problem.physical(one) for one in u])
        hits = np.mean([rms(problem, one, states) < enough for one in found])
        error = np.median(np.abs(found / truth - 1).max(axis=1))
        yield name, hits, error, simulations, seconds


def rms(problem, values, states):
    """Root mean square of the residuals of a device."""
    u = np.array([bound.free(float(v)) for bound, v in zip(problem.bounds, values, strict=True)])
    return float(np.sqrt(np.mean(np.asarray(problem.residuals(u, states, np.inf)[0]) ** 2)))


with jax.enable_x64(True):
    print(f"{count} starts within 50 % of the truth; simulations and seconds for one start, tangents counted\n")
    print("trace      noise  method            found   median error  simulations  seconds")
    for number, (trace, device, m0) in enumerate(teachers()):
        for noise in (0.0, 0.01, 0.1):
            for name, hits, error, simulations, seconds in compare(device, m0, noise, np.random.default_rng(number)):
                row = f"{trace:9}  {noise:4.0%}   {name:16}  {hits:5.0%}   {error:12.1e}  {simulations:11.0f}"
                print(f"{row}  {seconds:7.3f}", flush=True)
