"""The default engine on a GPU and on the processors: `python -m benchmarks.platforms`.

Each platform is measured in a process of its own, as JAX chooses its platform once for a process; a machine without a
GPU is measured on its processors alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import llgrad as lg
from benchmarks import coupled
from benchmarks.cases import llgrad_run, loss, settings
from benchmarks.device import DT, START, STO
from benchmarks.measure import paired

STEPS = 1000
TRAJECTORIES = (1, 4096, 65_536, 1_048_576)
SAMPLES = (256, 4096, 32_768)
REPEATS = 3


def main() -> None:
    """Measure every platform that JAX finds, and print one table."""
    console, found = Console(), {}
    for platform in ("cpu", "cuda"):
        environment = os.environ | {"JAX_PLATFORMS": platform}
        command = [sys.executable, "-m", "benchmarks.platforms", "measure"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "Error" in line] or ["it said nothing"]
            console.print(f"{platform}: not measured: {said[-1]}")
        else:
            found[platform] = json.loads(done.stdout.splitlines()[-1])
    works = list(dict.fromkeys(work for one in found.values() for work in one["seconds"]))
    table = Table("work", *(f"{name} ({one['device']}) [ms]" for name, one in found.items()))
    for work in works:
        times = (one["seconds"].get(work) for one in found.values())
        table.add_row(work, *("" if time is None else f"{time * 1e3:.4g}" for time in times))
    console.print(table)
    for name, one in found.items():
        for work, values in one["values"].items():
            reference = np.asarray(found["cpu"]["values"][work])
            error = float(np.max(np.abs(np.asarray(values) - reference)) / np.max(np.abs(reference)))
            console.print(f"{name}: {work}: largest departure from the processors' {error:.1e}")


def measure() -> None:
    """Print seconds, and values to compare, of this process's platform as JSON."""
    seconds, values = {}, {}
    for work, call in works():
        try:
            seconds[work] = paired({work: call}, REPEATS, least=0.0)[work]
            print(f"{work}: {seconds[work] * 1e3:.4g} ms", file=sys.stderr, flush=True)
        except (jax.errors.JaxRuntimeError, MemoryError) as problem:
            print(f"{work}: {str(problem).splitlines()[0]}", file=sys.stderr)
    with jax.enable_x64(True):
        gradient = jax.value_and_grad(loss(llgrad_run(lg.solvers.Native(), STEPS, 10)))
        value, slopes = gradient(settings(1))
        values["value and gradient"] = [float(value), *(float(slope) for slope in slopes)]
        values["noise"] = np.asarray(noisy(4).my[:, -1]).tolist()
    device = jax.devices()[0]
    print(json.dumps({"device": f"{device.device_kind}, jax {jax.__version__}", "seconds": seconds, "values": values}))


def noisy(count: int) -> Any:
    """Trajectories at 300 K, whose random numbers are the same on every platform."""
    device = STO.replace(temperature=300.0)
    keys = jax.random.split(jax.random.key(0), count)
    run = lambda key: lg.simulate(device, duration=STEPS * DT, dt=DT, m0=START, save=lg.End(), key=key)  # noqa: E731
    return jax.vmap(run)(keys)


def works() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each piece of work by the engine that is the default on this platform, and a call that does it."""
    for bits in (32, 64):
        with jax.enable_x64(bits == 64):
            for lanes in TRAJECTORIES:
                values = jax.tree.map(lambda v, bits=bits: jnp.asarray(v, f"float{bits}"), settings(lanes))
                single = llgrad_run(lg.solvers.Native(), STEPS, STEPS)
                run = jax.vmap(single) if lanes > 1 else single
                forward, gradient = jax.jit(run), jax.jit(jax.value_and_grad(loss(run)))
                work = f"{lanes:,} trajectories × {STEPS:,} steps, float{bits}"
                yield work, lambda f=forward, v=values: f(v)
                yield f"{work}, value and gradient", lambda g=gradient, v=values: g(v)
    with jax.enable_x64(False):
        for samples in SAMPLES:
            gradient = coupled.training_run(lg.solvers.Native())
            weights, inputs = coupled.training_inputs()
            inputs = jnp.tile(inputs, (samples // coupled.SAMPLES, 1))
            work = f"{coupled.COUNT} coupled × {samples:,} samples × {coupled.STEPS} steps, float32, value and gradient"
            yield work, lambda g=gradient, w=weights, x=inputs: g(w, x)


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["measure"] else main()
