"""One training step pixel by pixel: value and gradient of many frames, by the native engine and by the XLA engine.

Run:  python benchmarks/pixels.py [--frames 784] [--oscillators 128] [--batch 100] [--engines native xla] [--steps 3]

Each engine runs in a process of its own, which tells the processor and wall time of compiling, of its steps, and the
most memory it took; the ratio of processor times is told where both ran on the same sizes. Values and gradients are
compared too. `segment=None` keeps all of up to 256 MiB, and else takes segments of √K frames again.
"""

from __future__ import annotations

import argparse
import dataclasses
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
        network = lg.OscillatorClassifier.create(
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    for name, usual in (("frames", 784), ("oscillators", 128), ("batch", 100), ("steps", 3)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--one", choices=ENGINES, help=argparse.SUPPRESS)
    given = parser.parse_args()
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
