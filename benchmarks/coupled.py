"""Coupled arrays: the training shape (many samples) and one big array (one sample)."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import llgrad as lg
from benchmarks import machine, peers
from benchmarks.device import DT, START, STO, parameters
from benchmarks.measure import paired
from benchmarks.rows import Row, Times
from llgrad.core.vector import Vec3

COUNT, SAMPLES, STEPS = 128, 256, 50
MEMORY = 2**28
"""Bytes of weights from which on they come from memory, not from a cache."""
SCAN_ALONE = "from benchmarks.coupled import scan_seconds; print(scan_seconds())"


def training_run(engine: Any) -> Any:
    """(weights, inputs (B, N)) → mean square of m_x at the end, for a batch of samples."""

    def loss(weights: Any, inputs: Any) -> Any:
        def one(field_x: Any) -> Any:
            device = STO.replace(field=Vec3(field_x, jnp.zeros_like(field_x), jnp.full_like(field_x, STO.field.z)))
            array = lg.OscillatorArray(device, COUNT, lg.FieldCoupling(weights))
            run = lg.simulate(
                array,
                duration=STEPS * DT,
                dt=DT,
                m0=START,
                save=lg.End(),
                stepper=lg.solvers.RK4(),
                engine=engine,
                throw=False,
            )
            return run.mx[-1]

        return jnp.mean(jax.vmap(one)(inputs) ** 2)

    return jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))


def training_inputs() -> tuple[Any, Any]:
    """Weights (N, N) and input fields (B, N) [T], float32."""
    rng = np.random.default_rng(0)
    weights = peers.random_weights(COUNT, dtype=np.float32)
    return jnp.asarray(weights), jnp.asarray(rng.uniform(-1e-2, 1e-2, (SAMPLES, COUNT)).astype(np.float32))


def scan_seconds() -> float:
    """Seconds of one value and gradient by the XLA engine, in this process: its speed is bimodal between processes."""
    with jax.enable_x64(False):
        gradient, inputs = training_run(lg.solvers.XLA()), training_inputs()
        return paired({"scan": lambda: gradient(*inputs)}, 5)["scan"]


def training(repeats: int, processes: int) -> tuple[list[Times], list[Row]]:
    """128 coupled × 256 samples × 50 steps, float32, value and gradient on all cores."""
    with jax.enable_x64(False):
        native, inputs = training_run(lg.solvers.Native()), training_inputs()
        seconds = paired({"llgrad native": lambda: native(*inputs)}, repeats)
    alone = [
        subprocess.run([sys.executable, "-c", SCAN_ALONE], capture_output=True, text=True) for _ in range(processes)
    ]
    times = [float(done.stdout.split()[-1]) for done in alone if done.returncode == 0]
    seconds["lax.scan, best of its processes"] = min(times)
    ratio = seconds["lax.scan, best of its processes"] / seconds["llgrad native"]
    work = "128 coupled × 256 samples × 50 steps"
    rows = [Row(work, "value and gradient, times faster than lax.scan", ratio, 2.8, False)]
    times, product_rows = products(repeats)
    return [Times(work, seconds, COUNT * SAMPLES * STEPS), times], [*rows, *product_rows]


def products(repeats: int) -> tuple[Times, list[Row]]:
    """The coupling products of the training shape beside BLAS: its rate for the same product and for a large one.

    Each works for a fifth of a second at a time, as long as two large products take: over the first hundredth of a
    second after a rest a processor has not come to its full rate.
    """
    flops, size, times = 2 * COUNT * COUNT * SAMPLES, 2048, 1000
    calls = {"llgrad": machine.coupling_products(COUNT, SAMPLES, times)}
    calls["BLAS sgemm, the same product"] = machine.blas_products(COUNT, COUNT, SAMPLES, times)
    calls[f"BLAS sgemm, {size} × {size}"] = machine.blas_products(size, size, size, 1)
    seconds = paired(calls, repeats, least=0.2, rest=0.2)
    own, same, large = seconds.values()
    rate = times * flops / own
    best = max(times * flops / same, 2 * size**3 / large)
    work = f"coupling products, {COUNT} × {COUNT} by {SAMPLES} samples, float32, two cores"
    rows = [
        Row(work, f"rate over BLAS sgemm's better one ({best / 1e9:.0f} Gflop/s)", rate / best, 1.0, False),
    ]
    return Times(work, seconds, COUNT * SAMPLES * times), rows


def one_array(count: int, steps: int, bar: float, repeats: int) -> tuple[list[Times], list[Row]]:
    """One array of N oscillators, forward, against Numba as people usually write it."""
    weights = peers.random_weights(count)
    array = peers.array_of(count, weights)
    native = jax.jit(
        lambda w: (
            lg.simulate(
                array.replace(coupling=lg.FieldCoupling(w)),
                duration=steps * DT,
                dt=DT,
                m0=START,
                save=lg.End(),
                throw=False,
            ).mx
        )
    )
    given, values = jnp.asarray(weights), parameters(1)[:, 0]
    m = np.repeat(np.array([[START.x], [START.y], [START.z]]), count, axis=1)
    candidates = {
        "llgrad native": lambda: native(given),
        "numba": lambda: peers.numba_coupled(m, weights, values, DT * 1e9, steps),
    }
    if large := weights.nbytes > MEMORY:
        candidates["reading W once a step, all cores"] = lambda: [machine.read(weights) for _ in range(steps)]
    seconds = paired(candidates, repeats)
    work = f"one array, N = {count:,}, {steps} steps"
    rows = [Row(work, "times faster than Numba", seconds["numba"] / seconds["llgrad native"], bar, False)]
    if large:
        read = seconds["reading W once a step, all cores"] / steps
        share = 4 * steps * read / seconds["llgrad native"]
        rate = f"{weights.nbytes / read / 1e9:.1f} GB/s"
        rows.append(Row(work, f"of the memory bandwidth ({rate}), W read in each of 4 stages", share, 0.8, False))
    return [Times(work, seconds, count * steps)], rows


SIZES = ((1, 500, 10.0), (10, 500, 10.0), (100, 500, 2.5), (1000, 500, 1.0), (10_000, 10, 1.0))
"""(N, steps, bar)."""
