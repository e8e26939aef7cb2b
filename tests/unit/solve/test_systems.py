"""Laws of systems of one's own: all engines agree in value and derivatives, and known orbits are found."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.unit.solve.systems import DRIVES, MEMBERS, Hopf, Stack

import llgrad as lg

DT, STEPS = 4e-12, 60


def last(system, name, engine, **options):
    """Components of the final state."""
    options = {"drive": DRIVES.get(name), "key": jax.random.key(3) if system.noises else None, "dt": DT} | options
    run = lg.simulate(system, duration=STEPS * DT, save=lg.End(), engine=engine, **options)
    return jnp.stack([leaf[-1] for leaf in jax.tree.leaves(run.state)])


@pytest.mark.parametrize("name", MEMBERS)
def test_engines_agree_in_value_gradient_and_jacobian(name):
    system = MEMBERS[name]
    loss = lambda engine: lambda s: jnp.sum(jnp.sin(last(s, name, engine)))  # noqa: E731
    native, xla = (jax.value_and_grad(loss(engine))(system) for engine in (lg.solvers.Native(), lg.solvers.XLA()))
    for mine, other in zip(jax.tree.leaves(native), jax.tree.leaves(xla), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-14 * max(1.0, abs(float(other))))
    jacobians = [
        jax.jacfwd(lambda s, engine=engine: last(s, name, engine))(system)
        for engine in (lg.solvers.Native(), lg.solvers.XLA())
    ]
    for mine, other in zip(*map(jax.tree.leaves, jacobians), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-9 * np.abs(other).max())
    assert last(system, name, lg.solvers.Native()).dtype == jnp.float64


@pytest.mark.parametrize("name", [name for name in MEMBERS if not MEMBERS[name].noises])
def test_an_adaptive_solver_agrees(name):
    np.testing.assert_allclose(
        last(MEMBERS[name], name, lg.solvers.Native(), dt=DT / 8),
        last(MEMBERS[name], name, lg.solvers.Diffrax()),
        atol=2e-6,
    )


def test_diffrax_has_the_same_noise():
    found = [last(MEMBERS["Amplitude"], "Amplitude", engine) for engine in (lg.solvers.Native(), lg.solvers.Diffrax())]
    np.testing.assert_allclose(*found, rtol=1e-10)


def test_every_noise_is_independent():
    """The two spins of one field would stay together, had they one noise; the first three numbers are those of one
    vector."""
    run = lg.simulate(MEMBERS["Shaken"], duration=60 * DT, dt=DT, key=jax.random.key(3))
    assert np.abs(run.one.x - run.two.x).max() > 1e-3
    ends = [last(MEMBERS["Shaken"], "Shaken", lg.solvers.Native(), key=jax.random.key(k)) for k in range(2)]
    assert np.abs(ends[0] - ends[1]).max() > 1e-3


def test_many_runs_at_once_are_each_alone():
    frequencies = jnp.asarray([0.9e9, 1.1e9, 1.3e9])
    one = lambda f: last(MEMBERS["Hopf"].replace(frequency=f), "Hopf", lg.solvers.Native())  # noqa: E731
    np.testing.assert_allclose(jax.vmap(one)(frequencies), [one(f) for f in frequencies], rtol=1e-12)
    gradients = jax.vmap(jax.grad(lambda f: one(f)[0]))(frequencies)
    np.testing.assert_allclose(gradients, [jax.grad(lambda f: one(f)[0])(f) for f in frequencies], rtol=1e-9)


def test_spins_stay_on_their_spheres():
    run = lg.simulate(MEMBERS["Stack"], duration=0.5e-9, dt=1e-12)
    for spin in (run.free, run.hard):
        np.testing.assert_allclose(spin.norm2(), 1.0, rtol=1e-14)


def test_the_orbit_of_the_amplitude_model():
    system = MEMBERS["Amplitude"].replace(heat=0.0)
    run = lg.simulate(system, duration=200e-9, dt=10e-12, key=jax.random.key(0), stepper=lg.solvers.RK4())
    power, expected = run.re[-1] ** 2 + run.im[-1] ** 2, (2.0 - 1) / (2.0 + 0.5)
    np.testing.assert_allclose(power, expected, rtol=1e-6)
    phase = np.unwrap(np.arctan2(np.asarray(run.im[-200:]), np.asarray(run.re[-200:])))
    np.testing.assert_allclose(-np.diff(phase).mean() / 10e-12, 3e9 - 1e9 * expected, rtol=1e-5)


def test_the_gyration_of_a_vortex_without_damping():
    still = MEMBERS["Vortex"].replace(damping=0.0, torque=0.0, nonlinear=0.0)
    period = 2 * np.pi / 2e9
    run = lg.simulate(still, duration=period, dt=period / 400)
    np.testing.assert_allclose([run.state[0][-1], run.state[1][-1]], [0.1, 0.0], atol=1e-8)


def test_the_noise_has_the_strength_that_is_written():
    class Relaxing(lg.System):
        rate_: float = lg.quantity("1/s")
        strength: float = lg.quantity("1/s")
        noises = 1

        def start(self):
            return {"x": 0.0}

        def rate(self, state, inputs):
            return {"x": -self.rate_ * state["x"] + jnp.sqrt(2 * self.strength) * inputs.noise[0]}

    system = Relaxing(1e9, 2e9)
    end = lambda key: lg.simulate(system, duration=8e-9, dt=2e-11, key=key, save=lg.End()).x[-1]  # noqa: E731
    x = jax.vmap(end)(jax.random.split(jax.random.key(1), 4000))
    assert abs(float(jnp.var(x)) - 2.0) < 4 * 2.0 * np.sqrt(2 / 4000)


def test_a_step_is_chosen_where_the_system_knows_how_fast_it_turns():
    run = lg.simulate(MEMBERS["Hopf"], duration=1e-9)
    assert run.dt == pytest.approx(0.05 / (2 * np.pi * 1.2e9), rel=0.05)


@pytest.mark.parametrize(("name", "sized"), [("Hopf", True), ("Stack", False)])
def test_the_step_follows_from_an_accuracy(name, sized):
    settings = {"duration": 5e-10, "drive": DRIVES.get(name), "save": lg.solvers.Interval(2.5e-11)}
    fine = lg.simulate(MEMBERS[name], dt=2.5e-13, **settings)
    run = lg.simulate(MEMBERS[name], accuracy=1e-8, **settings)
    assert run.stats.error <= 1e-8 and run.stats.dt > 3e-12
    assert run.dt == pytest.approx(2.5e-11) and run.t.shape == (21,)  # samples within steps, or at the ends of them
    for signal in run.signals:
        exact = fine.signal(signal).values
        scale = float(jnp.abs(exact).max()) if sized else 1.0
        np.testing.assert_allclose(run.signal(signal).values, exact, rtol=0, atol=3e-7 * scale)


def wrong_form(self, state, inputs):
    return (state["re"], state["im"])


def unknown_input(self, state, inputs):
    return {"re": inputs.current, "im": 0.0}


RUN = {"duration": 1e-10, "dt": 1e-12}
HOPF = MEMBERS["Hopf"]
REFUSED = {
    "no step": (lambda: lg.simulate(MEMBERS["Stack"], duration=1e-9), r"Stack cannot be chosen.*give dt"),
    "another form": (lambda: lg.simulate(HOPF, m0={"re": 1.0}, **RUN), "expected that of the system's start"),
    "no unit vector": (
        lambda: lg.simulate(
            MEMBERS["Stack"], m0={"free": lg.systems.Spin(1.0, 1.0, 0.0), "hard": lg.systems.Spin(0.0, 0.0, 1.0)}, **RUN
        ),
        "m0",
    ),
    "many states": (lambda: lg.simulate(HOPF, m0={"re": jnp.ones(3), "im": 0.0}, **RUN), "jax.vmap"),
    "no key": (lambda: lg.simulate(MEMBERS["Amplitude"], **RUN), "give key"),
    "many noises": (
        lambda: lg.simulate(type("Loud", (Hopf,), {"noises": 49})(1e9, 2e9, 1.2e9), key=jax.random.key(0), **RUN),
        "declares 49 noises, expected up to 48",
    ),
    "no noise": (lambda: lg.simulate(HOPF, key=jax.random.key(0), **RUN), "declares no noise"),
    "another input": (lambda: lg.simulate(HOPF, drive={"current": lg.Sine(1.0, frequency=1e9)}, **RUN), "it has push"),
    "a drive": (lambda: lg.simulate(HOPF, drive=lg.Drive(), **RUN), "waveforms by the inputs"),
    "a number": (lambda: lg.simulate(HOPF, drive={"push": 3.0}, **RUN), "is no waveform"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(name):
    run, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as raised:
        run()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("rate", "error", "words"),
    [(wrong_form, ValueError, "expected the form of its state"), (unknown_input, AttributeError, "t, noise, push")],
)
def test_a_rate_that_cannot_be_meant_is_told(rate, error, words):
    Wrong = type("Wrong", (Hopf,), {"rate": rate})
    with pytest.raises(error, match=words):
        lg.simulate(Wrong(1e9, 2e9, 1.2e9), **RUN)


def test_a_step_that_is_too_coarse_is_told():
    with pytest.raises(lg.solvers.SimulationError):
        lg.simulate(Stack(5.0, 0.2, 0.02), duration=1e-9, dt=1e-11)
    with pytest.raises(lg.solvers.SimulationError):
        lg.simulate(HOPF.replace(saturation=-1e12), duration=5e-9, dt=1e-11)
