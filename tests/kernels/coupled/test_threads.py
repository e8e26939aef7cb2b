"""Coupled arrays on one thread and on several, and from several threads at once: the same bits, never a hang."""

import os
import subprocess
import sys
import textwrap

import pytest

PROGRAM = """
    import hashlib, threading
    import jax, jax.numpy as jnp, numpy as np
    jax.config.update("jax_enable_x64", True)
    import llgrad as lg
    from llgrad.solvers import Heun
    N, B, STEPS = {N}, {B}, {steps}
    device = lg.Oscillator(
        Ms=1e6, volume=1e-24, polarization=0.0, demag=(0.0, 0.0, 0.0), field=lg.Vec3(0.0, 0.0, 0.2), temperature=0.0
    )

    @jax.jit
    def value_and_gradient(weights, fields):
        def one(weights, field):
            array = lg.OscillatorArray(device, N, lg.FieldCoupling(weights))
            array = array.replace(field=lg.Vec3(0.0 * field, 0.0 * field, field))
            run = lg.simulate(array, duration=STEPS * 4e-12, dt=4e-12, save=lg.End(), stepper=Heun(), throw=False)
            return jnp.sum(run.mx[-1] ** 2)
        def loss(weights, fields):
            return one(weights, fields[0]) if B == 1 else jax.vmap(one, (None, 0))(weights, fields).sum()
        return jax.value_and_grad(loss, (0, 1))(weights, fields)

    def digest(seed):
        rng = np.random.default_rng(seed)
        leaves = value_and_gradient(0.05 * rng.normal(size=(N, N)) / N, 0.2 + 0.02 * rng.normal(size=(B, N)))
        return hashlib.sha256(b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(leaves))).hexdigest()

    expected = [digest(seed) for seed in range(2)]
    wrong = []
    def work(seed):
        for _ in range(5):
            if digest(seed) != expected[seed]:
                wrong.append(seed)
    threads = [threading.Thread(target=work, args=(seed % 2,)) for seed in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    print(*expected, len(wrong))
"""


def run(threads, **sizes):
    environment = {**os.environ, "NPROC": str(threads), "XLA_FLAGS": ""}
    program = textwrap.dedent(PROGRAM).format(**sizes)
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


SIZES = [
    {"N": 20, "B": 100, "steps": 100},
    {"N": 32, "B": 20, "steps": 100},  # tiles of one register, where two would leave one empty
    {"N": 256, "B": 1, "steps": 20},
]


@pytest.mark.parametrize("sizes", SIZES)
def test_the_same_bits_on_any_number_of_threads(sizes):
    one, two, four = (run(threads, **sizes) for threads in (1, 2, 4))
    assert one == two == four
    assert one[0] != one[1]
    assert one[2] == "0"
