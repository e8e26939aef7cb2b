"""The rows of issue-sized work that are measured, each against its peers in turns."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import llgrad as lg
from benchmarks import coupled, limit, peers
from benchmarks.device import DT, START, STO, fields
from benchmarks.measure import cores, paired
from benchmarks.rows import Row, Times
from benchmarks.works import curve, end, starts
from llgrad.core.vector import Vec3


def settings(lanes: int) -> tuple[Any, Any, Any]:
    """(fields along z, currents, dampings) of many trajectories, or of one."""
    if lanes == 1:
        return jnp.asarray(STO.field.z), jnp.asarray(STO.current), jnp.asarray(STO.alpha)
    return jnp.asarray(fields(lanes)), jnp.full(lanes, STO.current), jnp.full(lanes, STO.alpha)


def llgrad_run(engine: Any, steps: int, every: int) -> Callable[[Any], Any]:
    """settings → m_x after every `every` steps, by one of llgrad's engines."""

    def run(values: Any) -> Any:
        field, current, alpha = values
        device = STO.replace(current=current, alpha=alpha, field=Vec3(0.0, 0.0, field))
        save = lg.Every(every) if every < steps else lg.End()
        out = lg.simulate(device, duration=steps * DT, dt=DT, m0=START, save=save, engine=engine, throw=False).mx
        return out[1:] if every < steps else out

    return run


def loss(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Mean square of what a run returns: a scalar to differentiate."""
    return lambda values: jnp.mean(run(values) ** 2)


def one_trajectory(library: Any, repeats: int) -> tuple[list[Times], list[Row]]:
    """One trajectory, forward, and value and gradient of three parameters."""
    steps, every, values, m = 20_000, 10, settings(1), Vec3(*(jnp.asarray(c) for c in (START.x, START.y, START.z)))
    native = jax.jit(llgrad_run(lg.solvers.Native(), steps, steps))
    scan = jax.jit(lambda v: peers.scan_run(m, v, steps, steps, checkpoint=False))
    junction = peers.cmtj_junction()
    forward: dict[str, Callable[[], Any]] = {
        "llgrad native": lambda: native(values),
        "lax.scan": lambda: scan(values),
        "cmtj": lambda: peers.cmtj_run(junction, steps),
    }
    if library is not None:
        forward["limit.cpp"] = lambda: limit.one(library, steps)
    seconds = paired(forward, repeats)
    own = seconds["llgrad native"]
    rows = [
        Row("one trajectory, forward", "time over cmtj's RK4", seconds["cmtj"] / own, 4.5, False),
        Row("one trajectory, forward", "times faster than lax.scan", seconds["lax.scan"] / own, 15, False),
    ]
    if library is not None:
        rows.insert(0, Row("one trajectory, forward", "time over limit.cpp", own / seconds["limit.cpp"], 1.15, True))
    saving = jax.jit(llgrad_run(lg.solvers.Native(), steps, every))
    gradients = {
        "llgrad native": jax.jit(jax.value_and_grad(loss(llgrad_run(lg.solvers.Native(), steps, every)))),
        "lax.scan": jax.jit(jax.value_and_grad(loss(lambda v: peers.scan_run(m, v, steps, every, checkpoint=True)))),
        "diffrax": jax.jit(jax.value_and_grad(loss(lambda v: peers.diffrax_run(m, v, steps, every)))),
    }
    calls: dict[str, Callable[[], Any]] = {name: (lambda g=g: g(values)) for name, g in gradients.items()}
    calls["llgrad native, forward"] = lambda: saving(values)
    grad = paired(calls, max(3, repeats // 2))
    work = "one trajectory, value and gradient"
    rows += [
        Row(work, "over its own forward", grad["llgrad native"] / grad["llgrad native, forward"], 3.5, True),
        Row(work, "times faster than lax.scan", grad["lax.scan"] / grad["llgrad native"], 20, False),
        Row(work, "times faster than diffrax", grad["diffrax"] / grad["llgrad native"], 60, False),
    ]
    return [Times("one trajectory, forward", seconds, steps), Times(work, grad, steps)], rows


def many_trajectories(library: Any, repeats: int) -> tuple[list[Times], list[Row]]:
    """4,096 trajectories: forward on one core and on two, value and gradient, Jacobian with three tangents."""
    lanes, steps = 4096, 1000
    values = settings(lanes)
    m = Vec3(*(jnp.full(lanes, c) for c in (START.x, START.y, START.z)))
    single = llgrad_run(lg.solvers.Native(), steps, steps)
    native = jax.jit(jax.vmap(single))
    gradient = jax.jit(jax.value_and_grad(loss(jax.vmap(single))))
    jacobian = jax.jit(jax.vmap(jax.jacfwd(lambda v: single(v)[0])))
    scan = jax.jit(lambda v: peers.scan_run(m, v, steps, steps, checkpoint=False))
    scan_gradient = jax.jit(jax.value_and_grad(loss(lambda v: peers.scan_run(m, v, steps, steps, checkpoint=True))))
    forward: dict[str, Callable[[], Any]] = {"llgrad native": lambda: native(values), "lax.scan": lambda: scan(values)}
    if library is not None:
        forward["limit.cpp"] = lambda: limit.many(library, lanes, steps, 2)
    both = paired(forward, repeats)
    with cores(1):
        alone: dict[str, Callable[[], Any]] = {"llgrad native": lambda: native(values)}
        if library is not None:
            alone["limit.cpp"] = lambda: limit.many(library, lanes, steps, 1)
        one = paired(alone, repeats)
    rest = paired(
        {
            "llgrad native, forward": lambda: native(values),
            "llgrad native": lambda: gradient(values),
            "llgrad native, 3 tangents": lambda: jacobian(values),
            "lax.scan": lambda: scan_gradient(values),
        },
        repeats,
    )
    work, total = "4,096 trajectories", lanes * steps
    rows = [
        Row(work, "two cores over one", one["llgrad native"] / both["llgrad native"], 1.8, False),
        Row(
            work,
            "value and gradient over its own forward",
            rest["llgrad native"] / rest["llgrad native, forward"],
            5,
            True,
        ),
        Row(
            work, "value and gradient, times faster than lax.scan", rest["lax.scan"] / rest["llgrad native"], 10, False
        ),
        Row(
            work,
            "3 tangents over its own forward",
            rest["llgrad native, 3 tangents"] / rest["llgrad native, forward"],
            4,
            True,
        ),
    ]
    if library is not None:
        rows.insert(0, Row(work, "time over limit.cpp, one core", one["llgrad native"] / one["limit.cpp"], 1.3, True))
    times = [
        Times(f"{work}, forward, two cores", both, total),
        Times(f"{work}, forward, one core", one, total),
        Times(f"{work}, derivatives, two cores", rest, total),
    ]
    return times, rows


def second_derivatives(repeats: int) -> tuple[list[Times], list[Row]]:
    """The Hessian of three parameters, and its product with a direction, beside those of the XLA engine."""
    steps, every, values, times, rows = 1_000, 10, settings(1), [], []
    losses = {
        name: loss(llgrad_run(engine, steps, every))
        for name, engine in (("native", lg.solvers.Native()), ("XLA", lg.solvers.XLA()))
    }
    kinds: dict[str, Callable[[Any], Any]] = {
        "Hessian": jax.hessian,
        "Hessian times a direction": lambda f: lambda v: jax.jvp(jax.grad(f), (v,), (v,))[1],
    }
    for (work, kind), bar in zip(kinds.items(), (20, 6), strict=True):
        calls = {f"llgrad {name}": jax.jit(kind(one)) for name, one in losses.items()}
        seconds = paired({name: (lambda c=call: c(values)) for name, call in calls.items()}, repeats)
        rows.append(Row(work, "times faster than XLA", seconds["llgrad XLA"] / seconds["llgrad native"], bar, False))
        times.append(Times(work, seconds, steps))
    return times, rows


def tables(repeats: int, lanes: int = 1024, steps: int = 200) -> tuple[list[Times], list[Row]]:
    """A term that reads a table, over the same run with a number in its place."""
    m0, calls = starts(lanes), {}
    for count in (0, 21, 200):
        device = STO.replace(terms=(curve(count),)) if count else STO
        calls[f"table of {count}" if count else "no table"] = jax.jit(
            lambda device=device: jax.vmap(lambda m: end(device, m, steps))(m0)
        )
    seconds = paired(calls, repeats)
    rows = [
        Row(f"a term with a {name}, forward", "time over none", seconds[name] / seconds["no table"], bar, True)
        for name, bar in (("table of 21", 4), ("table of 200", 7))
    ]
    return [Times("a term with a table, forward", seconds, lanes * steps)], rows


def call_overhead(repeats: int) -> tuple[list[Times], list[Row]]:
    """One step inside jit, less the same jit without it."""
    run = llgrad_run(lg.solvers.Native(), 1, 1)
    with_step = jax.jit(lambda v: run(v)[0] + v[0])
    without = jax.jit(lambda v: v[0] + v[1] + v[2])
    values = settings(1)
    seconds = paired({"one step": lambda: with_step(values), "no step": lambda: without(values)}, repeats)
    overhead = (seconds["one step"] - seconds["no step"]) * 1e6
    return [Times("call overhead", seconds, 1)], [Row("call overhead inside jit", "microseconds", overhead, 20, True)]


def start_up(repeats: int = 3) -> tuple[list[Times], list[Row]]:
    """The first simulation from the command line, whole process, beside the imports alone: caches warm, then empty."""
    import os
    import tempfile

    python = sys.executable
    imports = [python, "-c", "import jax, equinox"]
    simulate = [python, "-m", "llgrad", "simulate", "kubota2013", "--duration", "1ns", "--dt", "1ps", "--json"]

    given = dict(os.environ)
    given.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled once, as in every installation

    def seconds(command: list[str], **extra: str) -> float:
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=given | extra)
        return time.perf_counter() - began

    seconds(simulate)
    warm, bare, empty = [], [], []
    for _ in range(repeats):
        bare.append(seconds(imports))
        warm.append(seconds(simulate))
        with tempfile.TemporaryDirectory() as folder:
            empty.append(seconds(simulate, LLGRAD_CACHE_DIR=folder))
    middle = {name: float(np.median(v)) for name, v in (("imports", bare), ("warm", warm), ("empty", empty))}
    rows = [
        Row(
            f"first simulation, {name} cache", "seconds beyond the imports", middle[name] - middle["imports"], bar, True
        )
        for name, bar in (("warm", 0.35), ("empty", 1.2))
    ]
    return [Times("first simulation from the command line", middle, 1)], rows


def everything(quick: bool) -> Iterator[tuple[list[Times], list[Row]]]:
    """All cases, one after the other."""
    repeats = 3 if quick else 9
    library = limit.compiled()
    if isinstance(library, str):
        print(f"limit.cpp is left out: {library}", file=sys.stderr)
        library = None
    yield one_trajectory(library, repeats)
    yield many_trajectories(library, repeats)
    yield second_derivatives(repeats)
    yield tables(repeats)
    yield call_overhead(repeats)
    yield coupled.training(repeats, 1 if quick else 5)
    for count, steps, bar in coupled.SIZES:
        yield coupled.one_array(count, steps, bar, 3)
    yield start_up(1 if quick else 3)
