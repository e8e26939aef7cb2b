"""Concurrent entry, several threads, `fork` and `spawn`: right results, the same bits, and never a hang."""

import os
import subprocess
import sys
import textwrap

PROGRAM = """
    import hashlib, multiprocessing, os, sys, threading
    import jax, jax.numpy as jnp, numpy as np
    jax.config.update("jax_enable_x64", True)
    import llgrad as lg
    from llgrad.core.vector import Vec3
    from llgrad.kernels.integrate import integrate
    from llgrad.physics.equation import equation_of_motion

    N, STEPS = 200, 60

    @jax.jit
    def value_and_gradient(current, drive):
        def loss(current, drive):
            equation = equation_of_motion(lg.presets.kubota2013().replace(current=current))
            m0 = Vec3(*(jnp.full(N, value) for value in (0.6, 0.0, 0.8)))
            grid = {"h": 1e-3, "steps": STEPS, "every": 20}
            run = integrate(equation, m0, stepper=lg.solvers.Heun(), drive={"current": drive}, **grid)
            return jnp.sum(run.saved.x**2)
        return jax.value_and_grad(loss, (0, 1))(current, drive)

    def arguments(seed):
        rng = np.random.default_rng(seed)
        return jnp.asarray(1e-3 + 1e-3 * rng.random(N)), jnp.asarray(1e-4 * rng.normal(size=(STEPS, 2)))

    def digest(seed):
        leaves = jax.tree.leaves(value_and_gradient(*arguments(seed)))
        return hashlib.sha256(b"".join(np.asarray(leaf).tobytes() for leaf in leaves)).hexdigest()
"""


def run(code, threads, timeout=120, lines=False):
    environment = {**os.environ, "NPROC": str(threads), "XLA_FLAGS": ""}
    program = textwrap.dedent(PROGRAM) + "\n" + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines() if lines else done.stdout.split()


def test_the_same_bits_on_one_thread_and_on_several_and_in_concurrent_calls():
    code = "print(digest(0), digest(1))"
    concurrent = """
        expected = [digest(seed) for seed in range(2)]
        wrong = []
        def work(seed):
            for _ in range(40):
                if digest(seed) != expected[seed]:
                    wrong.append(seed)
        threads = [threading.Thread(target=work, args=(seed % 2,)) for seed in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        print(*expected, len(wrong))
    """
    one, (*two, wrong), four = run(code, 1), run(concurrent, 2), run(code, 4)
    assert one == two == four
    assert one[0] != one[1]
    assert wrong == "0"


def test_forked_before_the_first_run_forked_after_it_and_spawned(tmp_path):
    code = f"""
        def in_child(text_of):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.write(writer, text_of().encode())
                os._exit(0)
            os.waitpid(child, 0)
            return os.read(reader, 200).decode()

        def refused():
            try:
                lg.simulate(lg.presets.kubota2013(), duration=1e-12, dt=1e-12)
            except lg_forks.ForkedProcess as problem:
                return str(problem)
            return "it ran"

        def refused_by_tracing():
            shapes = [jax.ShapeDtypeStruct(shape, np.float64) for shape in ((), (STEPS, 2))]
            try:
                jax.eval_shape(value_and_gradient, *shapes)
            except lg_forks.ForkedProcess as problem:
                return str(problem)
            return "it was traced"

        from llgrad.kernels.machine import forks as lg_forks
        before = in_child(lambda: digest(0))
        own = digest(0)
        print(before, own, in_child(refused), in_child(refused_by_tracing), sep="\\n")
        sys.stdout.flush()
        sys.path.insert(0, {str(tmp_path)!r})
        import worker
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(pool.apply_async(worker.digest, (0,)).get(timeout=100))
    """
    (tmp_path / "worker.py").write_text(textwrap.dedent(PROGRAM))
    before, own, sentence, traced, spawned = run(code, 2, lines=True)
    assert before == own == spawned
    assert traced == sentence
    assert sentence.startswith("this process was forked from one in which JAX had run") and '"spawn"' in sentence
