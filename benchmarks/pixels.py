"""One training step pixel by pixel: value and gradient of many frames, by the native engine and by the XLA engine.

Run:  python benchmarks/pixels.py [--frames 784] [--oscillators 128] [--batch 100] [--engines native xla] [--steps 3]
      python benchmarks/pixels.py --rounding [--batch 4]

Each engine runs in a process of its own, which tells the processor and wall time of compiling, of its steps, and the
most memory it took; the ratio of processor times is told where both ran on the same sizes. Values and gradients are
compared too. The native engine takes all frames in one run of its kernels, and keeps all of up to 1 GiB; the XLA engine
goes frame by frame, keeps all of up to 256 MiB, and else takes each frame again.

The losses of the two engines differ at 784 frames × 128 (2.530 and 2.556), and that is chaos of the array as drawn:
`--rounding` follows two runs side by side and tells how far apart (rms of m) they are after so many frames. Between the
engines in float64 it is 1e-16 after one frame, 1e-13 after 100, 1.3e-6 after 784: e-fold every 40 frames, or 2 ns. A
change of the first frame by some 1e-15 grows just as fast in the native engine alone (7.9e-7), one by 1e-10 too.
float32 begins at 1e-7, and has nothing left in common after 400 frames (0.2), be it between the engines, between
either and its own float64, or after a change of the first frame by 2e-7 in one engine.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import pathlib
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

ENGINES = ("native", "xla")


def measured(engine: str, frames: int, oscillators: int, batch: int, steps: int) -> dict[str, Any]:
    """Times and memory of the steps of one engine, with what they found."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    import llgrad as lg

    with jax.enable_x64(False):
        network = drawn(frames, oscillators)
        if engine == "xla":
            network = dataclasses.replace(network, engine=lg.solvers.XLA())
        given = jnp.asarray(np.random.default_rng(0).random((batch, frames, 1)), jnp.float32)
        labels = jnp.arange(batch) % 10

        @eqx.filter_jit
        @eqx.filter_value_and_grad
        def step(network: Any) -> Any:
            return network.losses(network(given), labels).mean()

        found: Any = None
        spent: list[tuple[float, float]] = []
        for _ in range(1 + steps):
            begun = time.process_time(), time.perf_counter()
            found = jax.block_until_ready(step(network))
            spent.append((time.process_time() - begun[0], time.perf_counter() - begun[1]))
        norm = float(jnp.sqrt(sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(found[1]))))
    best = min(spent[1:])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "first": spent[0],
        "processor": best[0],
        "wall": best[1],
        "GiB": memory,
        "loss": float(found[0]),
        "gradient": norm,
    }


def told_of_rounding(frames: int, oscillators: int, batch: int) -> None:
    """Print how far apart two runs of the array as drawn are, frame after frame, that differ by rounding alone."""
    import jax
    import jax.numpy as jnp

    import llgrad as lg

    jax.config.update("jax_enable_x64", True)
    native, xla = lg.solvers.Native(), lg.solvers.XLA()
    states = functools.partial(states_of, frames, oscillators, batch)
    runs = {
        "native, float64": states(native, jnp.float64),
        "the same, first frame × (1 + 9e-16)": states(native, jnp.float64, 9e-16),
        "the same, first frame × (1 + 1e-10)": states(native, jnp.float64, 1e-10),
        "XLA, float64": states(xla, jnp.float64),
        "native, float32": states(native, jnp.float32),
        "native, float32, first frame × (1 + 2.4e-7)": states(native, jnp.float32, 2.4e-7),
        "XLA, float32": states(xla, jnp.float32),
    }
    after = [count for count in (1, 10, 20, 50, 100, 200, 300, 400, 600, 784) if count <= frames]
    print(f"rms difference of m after {', '.join(map(str, after))} frames")
    names = list(runs)
    pairs = [(names[0], other) for other in (*names[1:4], names[4], names[6])] + [(names[4], names[5])]
    for one, other in [*pairs, (names[4], names[6])]:
        apart = np.sqrt(np.mean((runs[one] - runs[other]) ** 2, axis=(1, 2, 3)))
        grows = np.flatnonzero((apart > 10 * apart[0]) & (apart < 1e-2))
        rate = np.polyfit(grows, np.log(apart[grows]), 1)[0] if grows.size > 10 else np.nan
        told = " ".join(f"{apart[count - 1]:.1e}" for count in after)
        print(f"  {one} | {other}: {told}; exp({rate:.3f} × frames)", flush=True)


def states_of(frames: int, oscillators: int, batch: int, engine: Any, dtype: Any, change: float = 0.0) -> Any:
    """The magnetisations (K, B, N, 3) of an array as drawn after each frame; the first one is changed by a part."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from llgrad.networks.bench.response import respond

    given = np.random.default_rng(0).random((100, frames, 1))[:batch].astype(np.float32).astype(dtype)
    given = np.swapaxes(given, 0, 1)
    given[0] *= dtype(1 + change)
    with jax.enable_x64(False):
        stage = drawn(frames, oscillators).design().stages[0]
    with jax.enable_x64(dtype == jnp.float64):
        parts = jax.tree.map(
            lambda leaf: jnp.asarray(leaf, dtype) if eqx.is_inexact_array(leaf) else leaf,
            (stage.settings, stage.device),
        )

        @eqx.filter_jit
        def run(parts: Any, given: Any) -> Any:
            return respond(parts[1], parts[0], stage.timeline, given, engine=engine)

        return np.asarray(run(parts, given), np.float64)[:, 0]


def drawn(frames: int, oscillators: int) -> Any:
    """The network as drawn."""
    import jax

    import llgrad as lg

    return lg.OscillatorClassifier.create(
        lg.presets.kubota2013(),
        shape=(frames, 1),
        classes=10,
        key=jax.random.key(0),
        oscillators=oscillators,
        hold=0.05e-9,
        dt=0.025e-9,
        frames=lg.networks.Frames.SIGNAL,
        frames_read=8,
        every=max(1, frames // 8),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    for name, usual in (("frames", 784), ("oscillators", 128), ("batch", 100), ("steps", 3)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--one", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--rounding", action="store_true", help="how far apart two runs come that differ by rounding")
    given = parser.parse_args()
    if given.rounding:
        told_of_rounding(given.frames, given.oscillators, given.batch)
        return
    sizes = (given.frames, given.oscillators, given.batch, given.steps)
    if given.one:
        print(json.dumps(measured(given.one, *sizes)))
        return
    found: dict[str, dict[str, Any]] = {}
    print(
        f"{given.frames} frames × {given.oscillators} oscillators × batch {given.batch}, value and gradient", flush=True
    )
    options = [
        f"--{name}={value}" for name, value in zip(("frames", "oscillators", "batch", "steps"), sizes, strict=True)
    ]
    for engine in given.engines:
        run = [sys.executable, str(pathlib.Path(__file__).resolve()), f"--one={engine}", *options]
        found[engine] = one = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
        print(
            f"  {engine:6}: {one['processor']:.2f} s of processor, {one['wall']:.2f} s, the first with its compilation "
            f"{one['first'][0]:.1f} s; at most {one['GiB']:.2f} GiB; loss {one['loss']:.6f}, |gradient| "
            f"{one['gradient']:.4g}",
            flush=True,
        )
    if len(found) == len(ENGINES):
        print(f"  ratio of processor times: {found['xla']['processor'] / found['native']['processor']:.1f}")


if __name__ == "__main__":
    main()
