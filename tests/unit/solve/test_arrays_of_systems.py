"""Laws of arrays of systems: the engines agree in value, tangent and gradient of all that a run depends on."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.kernels.coupled.arrays import assert_close
from tests.kernels.reference import quick_jit
from tests.unit.solve.arrays import ARRAYS, DRIVES, SIZES, PowerMember, RingMember, dipoles, positions, ring, series
from tests.unit.solve.systems import GAMMA, Chain

import llgrad as lg
from llgrad.core.constants import MU_0
from llgrad.kernels.integrate import integrate

DT = 4e-12


@dataclasses.dataclass
class Case:
    """(array, starts, drive) → states at the saved times; with a batch, of so many starts."""

    name: str
    N: int
    stepper: Any = lg.solvers.RK4()  # noqa: RUF009
    B: int | None = None
    steps: int = 4
    save: Any = lg.Every(2)  # noqa: RUF009
    each: bool = False
    """Whether every member has a drive of its own."""

    def __post_init__(self):
        rng = self.rng = np.random.default_rng(self.N)
        array = ARRAYS[self.name](self.N)
        start = jax.tree.leaves(array.each(lambda system: system.start()))
        start = [
            np.broadcast_to(leaf, (self.B or 1, self.N)) + 0.05 * rng.normal(size=(self.B or 1, self.N))
            for leaf in start
        ]
        samples = rng.normal(size=(self.steps + 1, self.N) if self.each else self.steps + 1)
        as_floats = lambda leaf: jnp.asarray(leaf, jnp.result_type(float))  # noqa: E731
        self.structure = jax.tree.structure(array.each(lambda system: system.start()))
        self.parameters = jax.tree.map(as_floats, (array, start, samples))

    def run(self, engine, parameters):
        array, start, samples = parameters
        if self.B is None:
            return self.one(engine, array, [leaf[0] for leaf in start], samples, jax.random.key(1))
        keys = jax.random.split(jax.random.key(1), self.B)
        return jax.vmap(lambda start, key: self.one(engine, array, start, samples, key))(start, keys)

    def one(self, engine, array, start, samples, key):
        drive = None
        if self.name in DRIVES:
            channel = DRIVES[self.name]
            drive = {channel: lg.drives.Sampled(DT * np.arange(self.steps + 1), samples * SIZES[channel])}
        run = lg.simulate(
            array,
            duration=self.steps * DT,
            dt=DT,
            m0=jax.tree.unflatten(self.structure, start),
            drive=drive,
            save=self.save,
            stepper=self.stepper,
            engine=engine,
            key=key if array.system.noises else None,
            throw=False,
        )
        self.stats = run.stats
        return jnp.stack(jax.tree.leaves(run.state))

    def everything(self, engine):
        """Value, derivative in a direction, gradient; and the numbers that must be alike by the definition of both."""
        rng = np.random.default_rng(7)
        random = lambda a: jnp.asarray(rng.normal(size=a.shape), a.dtype)  # noqa: E731
        tangent = jax.tree.map(lambda p: random(p) * p, self.parameters)
        cotangent = random(jax.eval_shape(lambda p: self.run(engine, p), self.parameters))

        def compute(parameters):
            value, push = jax.linearize(lambda p: self.run(engine, p), parameters)
            return value, push(tangent), jax.linear_transpose(push, parameters)(cotangent)[0]

        jit = quick_jit if isinstance(engine, lg.solvers.XLA) else jax.jit
        value, pushed, gradient = jit(compute)(self.parameters)
        left = float(jnp.vdot(pushed, cotangent))
        right = sum(float(jnp.vdot(a, b)) for a, b in zip(*map(jax.tree.leaves, (gradient, tangent)), strict=True))
        return (value, pushed, gradient), (left, right)


CASES = {
    "a single member, in registers": lambda: Case("ring", 1),
    "five in two registers, vectors, a sum and the time": lambda: Case("layers", 5, lg.solvers.Heun()),
    "thirty-three, tensors": lambda: Case("dipoles", 33, lg.solvers.Heun(), each=True),
    "five of them, many starts, the end": lambda: Case("dipoles", 5, lg.solvers.Heun(), B=17, save=lg.End()),
    "thirty-three, a sum": lambda: Case("series", 33, lg.solvers.Heun(), each=True),
    "five of them, many starts": lambda: Case("series", 5, lg.solvers.Heun(), B=3, each=True),
    "rows shared out, a sum and what is no component": lambda: Case(
        "powers", 200, lg.solvers.Heun(), steps=2, save=lg.End()
    ),
    "noise, many starts": lambda: Case("amplitudes", 33, lg.solvers.Heun(), B=3),
}


@pytest.mark.parametrize("name", CASES)
def test_value_tangent_and_gradient(name):
    case = CASES[name]()
    found, (left, right) = case.everything(lg.solvers.Native())
    assert (case.stats.engine, case.stats.reason) == ("native", "")
    expected, _ = case.everything(lg.solvers.XLA())
    assert_close(found, expected, 1e-10)
    np.testing.assert_allclose(left, right, rtol=1e-10)


def test_the_gradient_of_a_stepper_of_eighth_order():
    case = Case("ring", 2, lg.solvers.DormandPrince8(), steps=2, save=lg.End())
    loss = lambda engine: lambda p: jnp.sum(jnp.sin(case.run(engine, p)))  # noqa: E731
    found = jax.jit(jax.value_and_grad(loss(lg.solvers.Native())))(case.parameters)
    assert_close(found, quick_jit(jax.value_and_grad(loss(lg.solvers.XLA())))(case.parameters), 1e-10)


def last(array, engine, steps=40, **options):
    """Components of the final state (…, N)."""
    run = lg.simulate(array, duration=steps * DT, save=lg.End(), engine=engine, **{"dt": DT} | options)
    return jnp.stack([leaf[-1] for leaf in jax.tree.leaves(run.state)])


@pytest.mark.float32
def test_float32():
    case = Case("layers", 5, lg.solvers.Heun())
    assert case.parameters[0].mixes[0].weights.dtype == jnp.float32
    found, (left, right) = case.everything(lg.solvers.Native())
    assert_close(found, case.everything(lg.solvers.XLA())[0], 2e-3)
    np.testing.assert_allclose(left, right, rtol=1e-3)


def test_an_adaptive_solver_agrees():
    array = series(5)
    np.testing.assert_allclose(
        last(array, lg.solvers.Native(), dt=DT / 8), last(array, lg.solvers.Diffrax()), atol=2e-7
    )


def test_diffrax_has_the_same_noise():
    found = [
        last(ARRAYS["amplitudes"](3), engine, key=jax.random.key(2))
        for engine in (lg.solvers.Native(), lg.solvers.Diffrax())
    ]
    np.testing.assert_allclose(*found, rtol=1e-9)


# ---- known systems


def test_a_chain_in_series_is_the_one_big_system():
    chain = Chain(0.2, 0.02, 5.0, 50.0)
    drive = {"voltage": lg.Sine(0.1, frequency=5e9)}
    settings = {"duration": 50 * DT, "dt": DT, "drive": drive}
    whole = lg.simulate(chain, **settings).state
    starts = chain.start()
    m0 = lg.systems.Spin(*(np.array([getattr(spin, axis) for spin in starts]) for axis in "xyz"))
    parts = lg.simulate(series(3), m0=m0, **settings)
    assert parts.stats.engine == "native"
    for place, spin in enumerate(whole):
        for axis in "xyz":
            np.testing.assert_allclose(getattr(parts.state, axis)[:, place], getattr(spin, axis), atol=1e-13)


def test_the_energy_of_two_dipoles():
    """−µ0 µ²/(2π r³) in line and µ0 µ²/(4π r³) side by side: J. D. Jackson, Classical Electrodynamics, section 5.6."""
    moment, r, up = 5e-17, 2e-7, np.array([0.0, 0.0, 1.0])
    unit = MU_0 * moment**2 / (4 * np.pi * r**3)
    for place, expected in ((np.array([0.0, 0.0, r]), -2 * unit), (np.array([r, 0.0, 0.0]), unit)):
        tensors = lg.physics.dipolar_tensors(np.stack([0 * place, place]), moment)
        assert -moment * up @ tensors[0, 1] @ up == pytest.approx(expected, rel=1e-12)
        assert not np.any(tensors[0, 0])
    moments = np.array([1.0, 2.0, 0.5]) * moment
    tensors = np.asarray(lg.physics.dipolar_tensors(positions(3), moments)) * moments[:, None, None, None]
    np.testing.assert_allclose(tensors, tensors.transpose(1, 0, 3, 2), rtol=1e-12)  # action is reaction


def test_the_energy_of_dipoles_without_damping_is_kept():
    array = dipoles(5).replace(alpha=0.0)
    run = lg.simulate(array, duration=0.2e-9, dt=0.5e-12)
    m, B = run.m, jnp.einsum("ijab,tjb->tia", array.mixes[0].weights, run.m)
    energy = -0.5 * jnp.sum(m * B, axis=(1, 2)) - 0.5 * jnp.sum(array.system.anisotropy[None] * m[..., 2] ** 2, axis=1)
    assert float(jnp.ptp(jnp.sum(m * B, axis=(1, 2)))) > 1e-2
    np.testing.assert_allclose(energy, energy[0], rtol=1e-8)


def test_the_gradient_of_positions():
    """Positions go into the tensors in ordinary JAX code, outside of the loop."""

    def end(p, engine):
        mix = lg.systems.DenseMix(lg.physics.dipolar_tensors(p, 5e-17), of="m", to="field")
        return jnp.sum(jnp.sin(last(dipoles(5).replace(mixes=mix), engine, stepper=lg.solvers.Heun())))

    place = jnp.asarray(positions(5))
    found, expected = (jax.grad(end)(place, engine) for engine in (lg.solvers.Native(), lg.solvers.XLA()))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10 * float(jnp.abs(expected).max()))
    step = 1e-11 * jnp.asarray(np.random.default_rng(0).normal(size=(5, 3)))
    slope = (end(place + step, lg.solvers.Native()) - end(place - step, lg.solvers.Native())) / 2
    assert float(jnp.vdot(found, step)) == pytest.approx(float(slope), rel=1e-5)


def test_dipoles_of_oscillators():
    """`TensorCoupling` of devices is the same as a mix of systems, and native."""
    tensors = lg.physics.dipolar_tensors(positions(5), 5e-17)
    device = lg.Oscillator(
        Ms=1e6, volume=5e-23, polarization=0.0, demag=(0.0, 0.0, 0.0), H_k=dipoles(5).system.anisotropy, alpha=0.02,
        gamma=GAMMA, field=(0.0, 0.0, 0.0),
    )  # fmt: skip
    array = lg.OscillatorArray(device, 5, lg.devices.TensorCoupling(tensors))
    settings = {"duration": 40 * DT, "dt": DT, "stepper": lg.solvers.Heun()}
    runs = [
        lg.simulate(array, m0=[0.6, 0.0, 0.8], engine=engine, **settings)
        for engine in (lg.solvers.Native(), lg.solvers.XLA())
    ]
    assert runs[0].stats.engine == "native"
    np.testing.assert_allclose(runs[0].m, runs[1].m, atol=1e-13)
    np.testing.assert_allclose(runs[0].m, lg.simulate(dipoles(5), **settings).m, atol=1e-13)
    assert lg.solvers.suggest_dt(array) < lg.solvers.suggest_dt(array.replace(coupling=None))


def test_stray_fields_and_exchange_add_up():
    """A weight for a pair is that weight times the unit matrix; several mixes to one name are added."""
    array, exchange = dipoles(5), 5e-3 * np.random.default_rng(3).normal(size=(5, 5))
    tensors = array.mixes[0].weights
    two = array.replace(mixes=(array.mixes[0], lg.systems.DenseMix(exchange, of="m", to="field")))
    one = array.replace(mixes=lg.systems.DenseMix(tensors + exchange[:, :, None, None] * np.eye(3), of="m", to="field"))
    found, expected = (lg.simulate(each, duration=40 * DT, dt=DT, stepper=lg.solvers.Heun()) for each in (two, one))
    assert found.stats.engine == expected.stats.engine == "native"
    np.testing.assert_allclose(found.m, expected.m, atol=1e-13)


# ---- phase locking


def two(detuning, coupling):
    """Two oscillators of frequencies apart by `detuning` [rad/s], each pushed by the other's coordinate."""
    frequencies = 1.2e9 + np.array([0.5, -0.5]) * detuning / (2 * np.pi)
    mix = lg.systems.DenseMix(coupling * np.array([[0.0, 1.0], [1.0, 0.0]]), of="re", to="push")
    run = lg.simulate(lg.systems.SystemArray(RingMember(1e9, 1e9, frequencies), 2, mix), duration=400e-9, dt=20e-12)
    phase = np.unwrap(np.arctan2(np.asarray(run.im), np.asarray(run.re)), axis=0)
    return run.t, phase[:, 0] - phase[:, 1]


def test_two_oscillators_lock_as_adlers_equation_says():
    """Averaged over a period φ̇ = Δω − K sin φ for the difference of phases: R. Adler, Proc. IRE 34, 351 (1946)."""
    K = 5e7
    _, locked = two(0.5 * K, K)
    np.testing.assert_allclose(locked[-2000:].mean(), np.arcsin(0.5), rtol=0.02)
    t, free = two(1.25 * K, K)
    first, second = (t[np.argmax(free > turn * 2 * np.pi - np.pi / 2)] for turn in (1, 2))
    np.testing.assert_allclose(2 * np.pi / (second - first), K * np.sqrt(1.25**2 - 1), rtol=0.02)


# ---- batches


def many(name, N, B, seed=0):
    """Arrays that differ in everything, and their keys."""
    rng = np.random.default_rng(seed)
    one = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(float)), ARRAYS[name](N))
    arrays = jax.tree.map(lambda leaf: leaf[None] * jnp.asarray(1 + 0.1 * rng.normal(size=(B, *leaf.shape))), one)
    return arrays, jax.random.split(jax.random.key(seed), B)


def loss_by(engine):
    """(array, key) → a number of its whole run."""

    def loss(array, key):
        options = {"key": key if array.system.noises else None, "stepper": lg.solvers.Heun(), "throw": False}
        run = lg.simulate(array, duration=4 * DT, dt=DT, engine=engine, **options)
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(run.state))

    return loss


@pytest.mark.parametrize(("name", "N"), [("powers", 2), ("amplitudes", 17)])
def test_arrays_with_weights_of_their_own(name, N):
    """Value, gradient and tangent of each of many arrays: one call of a kernel, no loop of calls."""
    arrays, keys = many(name, N, 3)

    def compute(engine):
        loss = loss_by(engine)
        push = lambda array, key: jax.jvp(lambda a: loss(a, key), (array,), (array,))[1]  # noqa: E731
        return lambda a, k: (jax.vmap(jax.value_and_grad(loss))(a, k), jax.vmap(push)(a, k))

    native = compute(lg.solvers.Native())
    assert_close(jax.jit(native)(arrays, keys), quick_jit(compute(lg.solvers.XLA()))(arrays, keys), 1e-11)
    assert not any(
        equation.primitive.name in ("scan", "while") for equation in jax.make_jaxpr(native)(arrays, keys).eqns
    )


def test_one_gradient_for_each_of_many_starts():
    """The weights are the same, but their gradients are asked for apart; and the same of weights by themselves."""
    array, start = ring(5), {"re": jnp.asarray([[0.3], [0.5]]) * jnp.ones((1, 5)), "im": jnp.zeros((2, 5))}

    def gradient(engine):
        def loss(array, start):
            return jnp.sum(jnp.sin(last(array, engine, steps=4, m0=start)))

        each = jax.vmap(jax.grad(loss, (0, 1)), (None, 0))
        twice = jax.vmap(lambda factor: each(array.replace(gain=array.system.gain * factor), start))
        return lambda: (each(array, start), twice(jnp.asarray([1.0, 1.1, 1.2])))

    assert_close(jax.jit(gradient(lg.solvers.Native()))(), quick_jit(gradient(lg.solvers.XLA()))(), 1e-11)


def test_segments_do_not_change_the_gradients_of_many_arrays(monkeypatch):
    arrays, keys = many("powers", 2, 3)
    gradients = lambda: jax.vmap(jax.grad(loss_by(lg.solvers.Native())))(arrays, keys)  # noqa: E731
    whole = gradients()
    monkeypatch.setattr(integrate, "__kwdefaults__", integrate.__kwdefaults__ | {"memory": 1})
    jax.clear_caches()
    assert_close(gradients(), whole, 1e-12)
    jax.clear_caches()


def test_without_a_compiler_arrays_are_run_by_xla(monkeypatch):
    def load(*_):
        raise RuntimeError("no compiler here")

    class Other(PowerMember):
        def emit(self, state):
            return {name: jax.tree.map(lambda x: 0.5 * x, value) for name, value in super().emit(state).items()}

    monkeypatch.setattr("llgrad.kernels.machine.cache.load", load)
    arrays, keys = many("powers", 2, 3)
    arrays = eqx.tree_at(lambda a: a.system, arrays, Other(*jax.tree.leaves(arrays.system)))
    with pytest.warns(UserWarning, match="no compiler here"):
        found = jax.jit(jax.vmap(jax.value_and_grad(loss_by(lg.solvers.Native()))))(arrays, keys)
    assert_close(found, quick_jit(jax.vmap(jax.value_and_grad(loss_by(lg.solvers.XLA()))))(arrays, keys), 1e-10)
