"""`python -m benchmarks.torch_training`: an oscillator layer in PyTorch against the same network in JAX.

Twenty steps of Adam from the same start, losses compared, rounds of steps in turns; and what a call costs beside the
same compiled function called from JAX. The least times are those of a machine with nothing else to do.
In an environment with PyTorch: `make torch` makes one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import llgrad as lg
from benchmarks.history import add_option, keep
from llgrad.torch.library import torch
from llgrad.torch.pullback import pulled

STEPS, RATE, CLASSES = 20, 0.02, 10
CLOSE, TIME, OVERHEAD = 1e-6, 1.1, 50.0


def networks(pixels: int, count: int) -> tuple[Any, Any]:
    """The same network for JAX and for PyTorch, in float64."""
    side = int(pixels**0.5)
    with jax.enable_x64(False):
        network = lg.OscillatorClassifier.create(
            lg.presets.kubota2013(), shape=(side, side), classes=CLASSES, key=jax.random.key(0), oscillators=count
        )
    double = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64) if eqx.is_array(leaf) else leaf, network)
    return double, lg.torch.from_network(network, dtype=torch.float64)


def in_jax(network: Any, images: Any, labels: Any) -> Callable[[], float]:
    """A function that takes a step of Adam and gives the loss before it."""
    changed, rest = eqx.partition(network, network.trainable())
    rule = optax.adam(RATE)
    state = rule.init(changed)

    @jax.jit
    def step(changed: Any, state: Any) -> Any:
        def loss(changed: Any) -> Any:
            logits = eqx.combine(changed, rest)(images)
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

        value, slope = jax.value_and_grad(loss)(changed)
        update, new = rule.update(slope, state)
        return value, optax.apply_updates(changed, update), new

    def one() -> float:
        nonlocal changed, state
        value, changed, state = step(changed, state)
        return float(value)

    return one


def in_torch(model: Any, images: Any, labels: Any) -> Callable[[], float]:
    """The same in PyTorch, with its fused Adam where it has one for processors (2.4): JAX's is compiled, too."""
    changed = [one for one in model.parameters() if one.requires_grad]
    rule = torch.optim.Adam(changed, lr=RATE, **({"fused": True} if hasattr(torch.library, "custom_op") else {}))

    def one() -> float:
        rule.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        rule.step()
        return loss.item()

    return one


def train(pixels: int, count: int, batch: int, rounds: int) -> dict[str, float]:
    """Largest relative difference of the losses of the first steps, and seconds of a step of each, taken in turns."""
    network, model = networks(pixels, count)
    side = int(pixels**0.5)
    images = jax.random.uniform(jax.random.key(1), (batch, side, side), jnp.float64)
    labels = jax.random.randint(jax.random.key(2), (batch,), 0, CLASSES, jnp.int32)
    both = {
        "jax": in_jax(network, images, labels),
        "torch": in_torch(model, lg.torch.to_torch(images), lg.torch.to_torch(labels).long()),
    }
    losses = {name: [step() for _ in range(STEPS)] for name, step in both.items()}
    apart = np.max(np.abs(np.divide(losses["torch"], losses["jax"]) - 1))
    seconds: dict[str, list[float]] = {name: [] for name in both}
    for turn in range(rounds):
        for name in both if turn % 2 else reversed(both):
            for _ in range(STEPS):
                began = time.perf_counter()
                both[name]()
                seconds[name].append(time.perf_counter() - began)
    least, middle = ({name: float(of(times)) for name, times in seconds.items()} for of in (np.min, np.median))
    return {
        "losses apart": float(apart),
        "jax, least [ms]": 1e3 * least["jax"],
        "torch, least [ms]": 1e3 * least["torch"],
        "torch over jax, least": least["torch"] / least["jax"],
        "torch over jax, medians": middle["torch"] / middle["jax"],
    }


def fastest(call: Callable[[], Any], repeats: int = 500, calls: int = 20) -> float:
    """The least time of a call [µs]: what other programs of the machine take is no part of it."""
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        for _ in range(calls):
            call()
        best = min(best, (time.perf_counter() - began) / calls)
    return 1e6 * best


def overhead() -> dict[str, float]:
    """What a call of a module costs beside that of the compiled function, forward and with the way back [µs]."""
    model = lg.torch.Simulator(
        lg.presets.kubota2013(),
        duration=1e-11,
        dt=1e-11,
        free={"alpha": (0.001, 0.1), "current": None},
        given=["m0"],
        dtype=torch.float64,
    )
    start = torch.tensor([[0.6, 0.0, 0.8]], dtype=torch.float64)
    tensors = [*model.free.values(), start]
    arrays = [lg.torch.to_jax(one.detach()) for one in tensors]
    program = model.program
    forward = program.forward
    values = forward(*arrays)[0]
    ones = torch.ones(values.shape, dtype=torch.float64)
    cotangent = lg.torch.to_jax(ones)

    def plain() -> Any:
        with torch.no_grad():
            return model(m0=start)

    def there_and_back() -> Any:
        _, pull, _ = program.pushed((True, True, False))(*arrays)
        return jax.block_until_ready(pulled(pull, cotangent))

    def all_of_torch() -> Any:
        return torch.autograd.grad(model(m0=start), tensors[:2], ones.reshape(1, *ones.shape[1:]))

    function = lg.torch.function(lambda *given: program.function(*given)[0])

    def bare() -> Any:
        with torch.no_grad():
            return function(*tensors)

    class Nothing(torch.autograd.Function):
        """A step of PyTorch's graph that computes nothing: what its way there and back costs by itself."""

        @staticmethod
        def forward(ctx: Any, *given: Any) -> Any:
            ctx.save_for_backward(*given)
            return ones.clone()

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            return (*ctx.saved_tensors[:2], None)

    found = {
        "an autograd.Function that computes nothing": fastest(
            lambda: torch.autograd.grad(Nothing.apply(*tensors), tensors[:2], ones)
        ),
        "function": fastest(bare) - fastest(lambda: jax.block_until_ready(forward(*arrays))),
        "forward": fastest(plain) - fastest(lambda: jax.block_until_ready(forward(*arrays))),
        "forward and back": fastest(all_of_torch) - fastest(there_and_back),
    }
    return {f"overhead, {name} [µs]": value for name, value in found.items()}


def main() -> None:
    """Measure, print, and keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_option(parser)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    torch.set_num_threads(1)  # its threads would wait, busily, on the cores where llgrad's want to work
    print(f"PyTorch {torch.__version__}, jax {jax.__version__}")
    rows: dict[str, float] = {}
    for pixels, count, batch in ((64, 32, 32), (784, 128, 128)):
        for name, value in train(pixels, count, batch, given.rounds).items():
            rows[f"{pixels} pixels, {count} oscillators, batch {batch}: {name}"] = value
    rows |= overhead()
    for name, value in rows.items():
        print(f"{name:70s} {value:.4g}")
    keep(given.json, "torch_training", rows, torch=torch.__version__)


if __name__ == "__main__":
    main()
