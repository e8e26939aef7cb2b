"""The works by which two builds are compared; run as a script it does what it reads from its standard input.

Only names that both builds have are used here. `python works.py` waits for lines: "time NAME" is answered with the
seconds of a call, "work NAME" with its processor seconds, "first NAME" with those of a first call, compiling included,
"cold NAME" with those that went into its kernels, and "answer NAME" with the numbers that it finds.
"""

from __future__ import annotations

import math
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

import llgrad as lg  # noqa: E402


def named(room: str, name: str) -> Any:
    """What a room has by a name, or the top level of a build that had no rooms."""
    return getattr(getattr(lg, room, lg), name, None) or getattr(lg, name)


STO = lg.presets.kubota2013()
DT = 1e-12
LEAST = 0.02
"""Short calls are repeated for so many seconds."""


class Tanh(named("physics", "FieldTerm")):  # type: ignore[misc]
    """A term with a tanh and an exp."""

    strength: float = lg.quantity("T")

    def field(self, m: Any, inputs: Any) -> Any:
        """A smooth function of m_z along z."""
        return lg.Vec3(0.0, 0.0, self.strength * (jnp.tanh(m.z) + jnp.exp(-m.z)))


def curve(count: int) -> Any:
    """A term that follows a measured curve of so many values."""

    class Curve(named("physics", "FieldTerm")):  # type: ignore[misc]
        places: list[float] = named("systems", "table")("1", ascending=True)
        values: list[float] = named("systems", "table")("T")

        def field(self, m: Any, inputs: Any) -> Any:
            return lg.Vec3(0.0, 0.0, jnp.interp(m.z, jnp.asarray(self.places), jnp.asarray(self.values)))

    places = np.linspace(-1.01, 1.01, count)
    return Curve(places.tolist(), (0.01 * np.cos(places)).tolist())


def starts(lanes: int) -> Any:
    """Initial states, spread over the sphere."""
    m = np.random.default_rng(0).normal(size=(lanes, 3))
    return jnp.asarray(m / np.linalg.norm(m, axis=1, keepdims=True))


def end(device: Any, m0: Any, steps: int, dt: float = DT, **options: Any) -> Any:
    """m_z at the end of a run."""
    return lg.simulate(device, duration=steps * dt, dt=dt, m0=m0, save=lg.End(), throw=False, **options).mz[-1]


def trajectory(kind: str) -> Callable[[], Any]:
    """One trajectory of 20,000 steps; of value and gradient every tenth state counts."""
    m0 = jnp.array([0.6, 0.0, 0.8])

    def loss(current: Any) -> Any:
        device = STO.replace(current=current)
        run = lg.simulate(device, duration=20_000 * DT, dt=DT, m0=m0, save=lg.Every(10), throw=False)
        return jnp.mean(run.mx**2)

    forward = jax.jit(lambda current: end(STO.replace(current=current), m0, 20_000))
    call = {"forward": forward, "saved": jax.jit(loss), "gradient": jax.jit(jax.value_and_grad(loss))}[kind]
    return lambda: call(2.5e-3)


def many(kind: str, device: Any = STO, steps: int = 400, **options: Any) -> Callable[[], Any]:
    """4,096 trajectories."""
    m0, currents = starts(4096), jnp.full(4096, 2e-3)
    one = lambda c, m: end(device.replace(current=c), m, steps, **options)  # noqa: E731
    calls = {
        "forward": lambda: jax.vmap(one),
        "gradient": lambda: jax.vmap(jax.value_and_grad(one, argnums=(0, 1))),
        "tangents": lambda: jax.vmap(jax.jacfwd(one, argnums=1)),
    }
    call = jax.jit(calls[kind]())
    return lambda: call(currents, m0)


def array(count: int, samples: int, steps: int, gradient: bool, dtype: Any) -> Callable[[], Any]:
    """Coupled oscillators."""
    rng = np.random.default_rng(1)
    weights = jnp.asarray(rng.normal(size=(count, count)) * 1e-3 / np.sqrt(count), dtype)
    m0 = jnp.asarray(np.asarray(starts(samples * count)).reshape(samples, count, 3), dtype)

    def loss(weights: Any, m0: Any) -> Any:
        model = lg.OscillatorArray(STO, count, lg.FieldCoupling(weights))
        one = lambda m: lg.simulate(  # noqa: E731
            model, duration=steps * DT * 5, dt=DT * 5, m0=m, save=lg.End(), throw=False
        ).mx[-1]
        return jnp.mean((jax.vmap(one)(m0) if samples > 1 else one(m0[0])) ** 2)

    call = jax.jit(jax.value_and_grad(loss) if gradient else loss)

    def run() -> Any:
        with jax.enable_x64(dtype == jnp.float64):
            return call(weights, m0)

    return run


def fitted(device: Any, currents: Any, frequencies: Any, free: list[str]) -> Callable[[], Any]:
    """A fit of a table of frequencies against current."""
    table = named("data", "FrequencyTable")("current", currents, frequencies, [1e6] * len(currents))

    def found() -> list[float]:
        result = lg.fit(device, table, free=free)
        return [float(number) for name in free for number in (result.values[name], result.errors[name])]

    return found


def eight() -> Callable[[], Any]:
    """Of the reference device, whose orbits are come to quickly."""
    f = [0.527351e9, 0.503922e9, 0.479535e9, 0.453774e9, 0.426180e9, 0.396198e9, 0.363088e9, 0.325759e9]
    return fitted(STO.replace(alpha=0.006, field=(0, 0, 0.018)), np.linspace(2e-3, 3e-3, 8), f, ["alpha", "field.z"])


def several() -> Callable[[], Any]:
    """Of a device of which two orbits attract at each current, from a start on yet others."""
    f = [10.66118909e9, 13.48428173e9, 15.22815796e9, 16.60470383e9, 17.78123684e9, 18.82792208e9]
    device = lg.presets.lee2004().replace(alpha=0.012)
    return fitted(device, np.linspace(3.4e-3, 5e-3, 6), f, ["alpha", "polarization"])


def traces(count: int) -> Callable[[], Any]:
    """The values that fits of the example's trace find, each of it with noise of its own; side by side where a build
    can do that."""
    trace = lg.read_trace(pathlib.Path(__file__).parents[1] / "examples" / "teacher_trace.csv")
    positive, between = named("systems", "positive"), named("systems", "between")
    free = {"alpha": positive(), "current": between(0.1e-3, 5e-3), "field.z": between(-0.1, 0.1)}
    guess, rng = STO.replace(current=1.75e-3, field=(0, 0, 28e-3), alpha=0.0075), np.random.default_rng(0)
    drawn = [
        lg.Trace(trace.t, {name: values + 1e-3 * rng.standard_normal(values.size) for name, values in columns.items()})
        for columns in [trace.columns] * count
    ]
    each = getattr(getattr(lg, "fitting", None), "fit_each", None)

    def found() -> np.ndarray:
        results = (
            [lg.fit(guess, one, free=free) for one in drawn]
            if each is None or count == 1
            else each(guess, drawn, free=free)
        )
        return np.array([[result.values[name] for name in free] for result in results])

    return found


WORKS: dict[str, Callable[[], Callable[[], Any]]] = {
    "one trajectory": lambda: trajectory("forward"),
    "one trajectory, value and gradient": lambda: trajectory("gradient"),
    "4,096 trajectories": lambda: many("forward"),
    "4,096 trajectories, value and gradient": lambda: many("gradient"),
    "4,096 trajectories, 3 tangents": lambda: many("tangents"),
    "4,096 with tanh and exp, value and gradient": lambda: many("gradient", STO.replace(terms=(Tanh(1e-3),))),
    "4,096 with a table of 21": lambda: many("forward", STO.replace(terms=(curve(21),))),
    "4,096 with a table of 21, value and gradient": lambda: many("gradient", STO.replace(terms=(curve(21),))),
    "4,096 with a table of 200": lambda: many("forward", STO.replace(terms=(curve(200),))),
    "128 coupled, 256 samples, 50 steps, float32, value and gradient": lambda: array(128, 256, 50, True, jnp.float32),
    "one array of 1": lambda: array(1, 1, 2000, False, jnp.float64),
    "one array of 10": lambda: array(10, 1, 2000, False, jnp.float64),
    "one array of 100": lambda: array(100, 1, 1000, False, jnp.float64),
    "one array of 1,000": lambda: array(1000, 1, 100, False, jnp.float64),
    "coupled adjoint": lambda: array(16, 64, 10, True, jnp.float64),
    "4,096 by steps of eighth order, value and gradient": lambda: many("gradient", stepper=lg.solvers.DormandPrince8()),
    "a fit of a trace of 5 ns": lambda: traces(1),
    "50 fits of traces of 5 ns": lambda: traces(50),
    "fit of a table of 8 frequencies": eight,
    "fit of a table beside other orbits": several,
}
COLD = {
    "forward": "4,096 trajectories",
    "adjoint": "4,096 trajectories, value and gradient",
    "tangents": "4,096 trajectories, 3 tangents",
    "coupled adjoint": "coupled adjoint",
    "adjoint of eighth order": "4,096 by steps of eighth order, value and gradient",
}
"""Kernels whose making is timed, by a work that needs them."""


def seconds(call: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    """Of one call."""
    began = clock()
    loops = 0
    while clock() - began < LEAST or not loops:
        jax.block_until_ready(call())
        loops += 1
    return (clock() - began) / loops


def kernels_made(name: str) -> float:
    """Processor seconds in the functions that make the kernels of a work, from a device to machine code."""
    from llgrad.kernels import calls, integrate
    from llgrad.kernels.coupled import calls as coupled

    spent = [0.0]

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            began = time.process_time()
            found = function(*arguments, **named)
            spent[0] += time.process_time() - began
            return found

        return call

    for module, names in (
        (calls, ("forward_kernel", "adjoint_kernel", "tangent_kernel")),
        (coupled, ("_kernel",)),
        (integrate, ("compile_equation",)),
    ):
        for function in names:
            setattr(module, function, timed(getattr(module, function)))
    jax.block_until_ready(WORKS[COLD[name]]()())
    return spent[0]


def main() -> None:
    """Answer one line after the other: nan for a work that this build cannot do."""
    ready: dict[str, Any] = {}
    first: dict[str, float] = {}
    for line in sys.stdin:
        order, _, name = line.strip().partition(" ")
        if order == "cold":
            try:
                print(kernels_made(name), flush=True)
            except AttributeError as missing:
                print(f"{name}: {missing}", file=sys.stderr)
                print(math.nan, flush=True)
            continue
        if name not in ready:
            began = time.process_time()
            try:
                ready[name] = WORKS[name]()
            except AttributeError as missing:  # another revision does not have a name of this one
                print(f"{name}: {missing}", file=sys.stderr)
                ready[name] = None
            else:
                jax.block_until_ready(ready[name]())
            first[name] = time.process_time() - began
        if ready[name] is None:
            print(math.nan, flush=True)
            continue
        if order == "answer":
            print(np.ravel(ready[name]()).tolist(), flush=True)
            continue
        clock = time.process_time if order == "work" else time.perf_counter
        print(first[name] if order == "first" else seconds(ready[name], clock), flush=True)


if __name__ == "__main__":
    main()
