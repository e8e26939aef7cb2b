"""The native kernels on a GPU: `python -m benchmarks.gpu`, in under four minutes on a machine that has one.

In this order: whether XLA launches a kernel; whether value, gradient and Jacobian are those of the JAX scan; how long
both take, in turns; from how many trajectories on the GPU overtakes the processors beside it; and an epoch of
`llgrad train`. What fails is said, and the next part runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import jax
import jax.numpy as jnp
from rich.console import Console
from rich.table import Table

import llgrad as lg
from benchmarks.cases import llgrad_run, loss, settings
from benchmarks.device import DT, START, STO
from benchmarks.measure import paired
from llgrad.kernels.gpu.probe import memory, reason_against

STEPS: Final = 1000
REPEATS: Final = 9
CHECKED: Final = 333
"""Trajectories whose value and derivatives are compared: no whole number of blocks of threads."""
TOLERANCES: Final = {64: 1e-11, 32: 1e-4}
BARS: Final = {
    ("4,096 × 1,000, float64", "value"): 10.0,
    ("4,096 × 1,000, float64", "value and gradient"): 6.0,
    ("1,048,576 × 1,000, float64", "value"): 1.5,
}
"""Times faster than the scan."""
Part = Callable[[], Iterator[tuple[str, str, str]]]
"""Rows of the table: work, what was found, what was asked for."""


def main() -> int:
    """Run every part that can be, print the table, and return how many parts or bars were missed."""
    device, console, began = jax.devices()[0], Console(width=140), time.perf_counter()
    jax.config.update("jax_enable_x64", True)
    table, missed = Table("work", "found", "asked for"), 0
    for part in (probe, agreement, speed, large, directions, crossover, training):
        try:
            for row in part():
                table.add_row(*row)
                missed += row[1].startswith(("MISSED", "FAILED"))
                print(f"{time.perf_counter() - began:5.0f} s: {' | '.join(row)}", flush=True)
        except Exception as problem:  # one part says what it met; the machine's time is for the others too
            lines = str(problem).strip().splitlines() or [""]
            table.add_row(part.__name__, f"FAILED: {type(problem).__name__}: {lines[0][:200]}", "")
            print(f"{part.__name__}: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
            missed += 1
    table.title = f"{device.device_kind}, jax {jax.__version__}, {os.cpu_count()} processors beside it"
    console.print(table)
    return missed


def probe() -> Iterator[tuple[str, str, str]]:
    """Whether XLA launches PTX, and the memory for the states of a gradient."""
    device = jax.devices()[0]
    if reason := reason_against(device):
        raise RuntimeError(reason)
    stats = lg.simulate(STO, duration=5 * DT, dt=DT, m0=START).stats
    yield "probe", f"works; engine {stats.engine}; {memory(device) / 2**30:.0f} GiB for kept states", "works"


def agreement() -> Iterator[tuple[str, str, str]]:
    """Value, gradient and Jacobian beside the scan: with all states kept, and with a part of them taken again."""
    from llgrad.solve import native

    for bits in (64, 32):
        with jax.enable_x64(bits == 64):
            values = jax.tree.map(lambda v, bits=bits: jnp.asarray(v, f"float{bits}"), settings(CHECKED))
            engines = {name: engine for name, engine in (("kernel", lg.solvers.Native()), ("scan", lg.solvers.XLA()))}
            runs = {name: jax.vmap(llgrad_run(engine, 200, 10)) for name, engine in engines.items()}
            yield compared("value", bits, {name: jax.jit(run)(values) for name, run in runs.items()})
            gradients = {name: jax.jit(jax.grad(loss(run)))(values) for name, run in runs.items()}
            yield compared("gradient", bits, gradients)
            limits = native._limits
            try:
                jax.clear_caches()  # what was traced with other limits is not taken again
                native._limits = lambda task: {"memory": 2**18}
                again = jax.jit(jax.grad(loss(jax.vmap(llgrad_run(lg.solvers.Native(), 200, 10)))))(values)
            finally:
                native._limits = limits
                jax.clear_caches()
            yield compared("gradient in little memory", bits, gradients | {"kernel": again})
            one = jax.tree.map(lambda v: v[7], values)
            jacobians = {name: jax.jit(jax.jacfwd(llgrad_run(e, 200, 10)))(one) for name, e in engines.items()}
            yield compared("Jacobian", bits, jacobians)
    with jax.enable_x64(True):
        noise = {name: noisy(engine) for name, engine in (("kernel", lg.solvers.Native()), ("scan", lg.solvers.XLA()))}
        yield compared("thermal noise", 64, noise)


def noisy(engine: Any) -> Any:
    """Trajectories at 300 K, whose random numbers are the same in every engine."""
    keys = jax.random.split(jax.random.key(0), 5)
    hot = STO.replace(temperature=300.0)
    return jax.vmap(lambda key: lg.simulate(hot, duration=200 * DT, dt=DT, m0=START, key=key, engine=engine).my)(keys)


def compared(work: str, bits: int, found: dict[str, Any]) -> tuple[str, str, str]:
    """A row: the largest difference between two engines, relative to the largest number."""
    pairs = zip(*(jax.tree.leaves(found[name]) for name in ("kernel", "scan")), strict=True)
    error = max(float(jnp.max(jnp.abs(a - b)) / jnp.max(jnp.abs(b))) for a, b in pairs)
    good = "" if error <= TOLERANCES[bits] else "MISSED: "
    return f"{work}, float{bits}, beside the scan", f"{good}{error:.1e}", f"≤ {TOLERANCES[bits]:.0e}"


def speed() -> Iterator[tuple[str, str, str]]:
    """Value, and value and gradient, in turns with the scan."""
    for bits, lanes in ((64, 1), (64, 4096), (64, 65_536), (64, 1_048_576), (32, 4096), (32, 1_048_576)):
        with jax.enable_x64(bits == 64):
            values = jax.tree.map(lambda v, bits=bits: jnp.asarray(v, f"float{bits}"), settings(lanes))
            runs: dict[str, Any] = {}
            for name, engine in (("kernel", lg.solvers.Native()), ("scan", lg.solvers.XLA())):
                single = llgrad_run(engine, STEPS, STEPS)
                runs[name] = jax.vmap(single) if lanes > 1 else single
            work = f"{lanes:,} × {STEPS:,}, float{bits}"
            yield faster(work, "value", {name: jax.jit(run) for name, run in runs.items()}, values)
            slopes = {name: jax.jit(jax.value_and_grad(loss(run))) for name, run in runs.items()}
            yield faster(work, "value and gradient", slopes, values)


def faster(work: str, what: str, functions: dict[str, Any], values: Any) -> tuple[str, str, str]:
    """A row: the times of the kernel and of the scan, and their ratio."""
    calls = {name: (lambda f=f: f(values)) for name, f in functions.items()}
    try:
        seconds = paired(calls, REPEATS, least=0.0)
    except jax.errors.JaxRuntimeError as problem:  # too much for this card's memory
        return f"{work}, {what}", f"FAILED: {str(problem).splitlines()[0][:80]}", ""
    ratio, bar = seconds["scan"] / seconds["kernel"], BARS.get((work, what))
    missed = "MISSED: " if bar is not None and ratio < bar else ""
    told = (
        f"{missed}{seconds['kernel'] * 1e3:.3g} ms; the scan {seconds['scan'] * 1e3:.3g} ms: {ratio:.1f} times faster"
    )
    return f"{work}, {what}", told, "" if bar is None else f"≥ {bar:g}"


def large() -> Iterator[tuple[str, str, str]]:
    """A gradient whose states are more than the card's memory holds, beside that of a few of its trajectories alone."""
    lanes, steps, few = 2**20, 4 * STEPS, 64
    total = lanes * steps * 3 * 8
    values = settings(lanes)
    gradients = jax.jit(jax.grad(lambda v: lanes * loss(jax.vmap(llgrad_run(lg.solvers.Native(), steps, steps)))(v)))
    seconds = paired({"all": lambda: gradients(values)}, 3, least=0.0)["all"]
    found = jax.tree.map(lambda v: v[:few], gradients(values))
    part = jax.tree.map(lambda v: v[:few], values)
    alone = jax.grad(lambda v: few * loss(jax.vmap(llgrad_run(lg.solvers.XLA(), steps, steps)))(v))(part)
    limit = (jax.devices()[0].memory_stats() or {}).get("bytes_limit", 0)
    told = f"{seconds * 1e3:.3g} ms; all states are {total / 2**30:.0f} GiB, of {limit / 2**30:.0f} GiB of memory"
    yield f"{lanes:,} × {steps:,}, float64, gradient", told, ""
    yield compared("the first 64 of its gradients", 64, {"kernel": found, "scan": alone})


def directions() -> Iterator[tuple[str, str, str]]:
    """Three tangents of many trajectories, beside their value."""
    for lanes in (4096, 65_536):
        run, values = llgrad_run(lg.solvers.Native(), STEPS, STEPS), settings(lanes)
        functions = {"value": jax.jit(jax.vmap(run)), "tangents": jax.jit(jax.vmap(jax.jacfwd(run)))}
        seconds = paired({name: (lambda f=f, v=values: f(v)) for name, f in functions.items()}, REPEATS, least=0.0)
        ratio = seconds["tangents"] / seconds["value"]
        told = f"{seconds['tangents'] * 1e3:.3g} ms: {ratio:.1f} times the value's"
        yield f"{lanes:,} × {STEPS:,}, float64, three tangents", told, ""


def crossover() -> Iterator[tuple[str, str, str]]:
    """The work of a fit, by the number of its starts: value and three tangents, on the GPU and on the processors."""
    devices = {"GPU": jax.devices()[0], "processors": jax.devices("cpu")[0]}
    for lanes in (64, 256, 1024, 4096):
        seconds = {}
        for name, device in devices.items():
            with jax.default_device(device):
                values = jax.device_put(settings(lanes), device)
                call = jax.jit(jax.vmap(jax.jacfwd(llgrad_run(lg.solvers.Native(), STEPS, 10))))
                seconds[name] = paired({name: lambda f=call, v=values: f(v)}, 5, least=0.0)[name]
        told = "; ".join(f"{name} {value * 1e3:.3g} ms" for name, value in seconds.items())
        yield f"{lanes:,} × {STEPS:,}, float64, three tangents at 100 times", told, ""


def training() -> Iterator[tuple[str, str, str]]:
    """One epoch of `llgrad train` on scikit-learn's digits, from the start of the process to its end."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "llgrad", "train", "digits", "--epochs", "1", "--no-pictures", "--json"]
        environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        began = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        took = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    yield "llgrad train digits --epochs 1", f"{took:.1f} s", "it ends"


if __name__ == "__main__":
    sys.exit(main())
