"""Signals of a system of one's own: every component and every output by its name, and what observables make of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.unit.solve.systems import DRIVES, MEMBERS, Hopf

import llgrad as lg
from llgrad.observables.oscillation import oscillation_of

DT, SAMPLES = 2e-11, 1001


def run_of(name, steps=60, **options):
    system = MEMBERS[name]
    key = jax.random.key(3) if system.noises else None
    return lg.simulate(system, duration=steps * 4e-12, dt=4e-12, drive=DRIVES.get(name), key=key, **options)


class Reader(Hopf):
    """A Hopf oscillator behind a resistor that a push heats."""

    outputs = {"voltage": "V", "re": "m"}  # noqa: RUF012  (as a user writes it)

    def observe(self, state, inputs):
        return {"voltage": 1e-3 * state["re"] * (1 + 1e-9 * inputs.push) + 0.0 * inputs.t}


READER, PUSH = Reader(1e9, 2e9, 1.2e9), {"push": lg.Sine(1e8, frequency=0.9e9)}


@pytest.mark.parametrize("name", MEMBERS)
def test_every_component_has_a_name(name):
    run = run_of(name)
    leaves = jax.tree.leaves(run.state)
    assert len(run.signals) == len(leaves)
    for signal, leaf in zip(map(run.signal, run.signals), leaves, strict=True):
        np.testing.assert_array_equal(signal.values, leaf)
        assert (signal.unit, signal.dt) == ("1", run.dt)


def test_a_component_is_found_by_its_path():
    run = run_of("Stack")
    assert run.signals == ("free.x", "free.y", "free.z", "hard.x", "hard.y", "hard.z")
    np.testing.assert_array_equal(run.signal("free.z").values, run.free.z)
    np.testing.assert_array_equal(run_of("Vortex").signal("1").values, run_of("Vortex").state[1])


def test_the_tone_of_a_component_and_how_it_depends_on_the_parameters():
    free = MEMBERS["Amplitude"].replace(heat=0.0)
    power = (2.0 - 1) / (2.0 + 0.5)

    def tone(omega):
        settings = {"key": jax.random.key(0), "stepper": lg.solvers.RK4(), "save": lg.Every(4)}
        signal = lg.simulate(free.replace(omega=omega), duration=160e-9, dt=DT, **settings).signal("re")
        return lg.frequency(signal.values[-SAMPLES:], dt=signal.dt)

    found, slope = jax.jvp(tone, (3e9,), (1.0,))
    np.testing.assert_allclose(found, (3e9 - 1e9 * power) / (2 * np.pi), rtol=1e-5)
    np.testing.assert_allclose(slope, 1 / (2 * np.pi), rtol=1e-6)


def test_an_output_is_what_observe_gives_under_the_drive():
    run = lg.simulate(READER, duration=(SAMPLES - 1) * DT, dt=DT, drive=PUSH)
    push = 1e8 * np.sin(2 * np.pi * 0.9e9 * np.asarray(run.t))
    np.testing.assert_allclose(run.signal("voltage").values, 1e-3 * run.re * (1 + 1e-9 * push), rtol=1e-10)
    assert run.signals == ("voltage", "re", "im")
    assert lg.trace_of(run).units == {"voltage": "V", "re": "m"}
    assert lg.spectrum(run.signal("voltage")).unit == "V²/Hz"
    assert lg.observables.amplitude(run.signal("voltage")) == pytest.approx(1e-3 * np.sqrt(0.5), rel=0.05)
    assert "voltage oscillates at 1." in oscillation_of(run.signal("voltage")).sentence("voltage", "V")
    assert lg.observables.phase(run.signal("re")) - lg.observables.phase(run.signal("im")) == pytest.approx(
        np.pi / 2, abs=0.05
    )


def test_many_runs_at_once_have_their_signals():
    frequencies = jnp.asarray([0.9e9, 1.1e9])
    many = jax.vmap(lambda f: lg.simulate(READER.replace(frequency=f), duration=30e-9, dt=DT, drive=PUSH))(frequencies)
    for i, frequency in enumerate(frequencies):
        alone = lg.simulate(READER.replace(frequency=frequency), duration=30e-9, dt=DT, drive=PUSH)
        for name in alone.signals:
            np.testing.assert_allclose(many.signal(name).values[i], alone.signal(name).values, rtol=0, atol=1e-12)


def test_the_only_signal_need_not_be_named():
    one = type("One", (Reader,), {"outputs": {"voltage": "V"}})(1e9, 2e9, 1.2e9)
    run = lg.simulate(one, duration=(SAMPLES - 1) * DT, dt=DT)
    assert lg.frequency(run) == lg.frequency(run.signal("voltage"))
    assert lg.spectrum(run).unit == "V²/Hz"


class Member(Hopf):
    """One of an array, that gives a voltage too."""

    outputs = {"voltage": "V"}  # noqa: RUF012  (as a user writes it)

    def observe(self, state, inputs):
        return {"voltage": state["re"]}

    def emit(self, state):
        return {"re": state["re"]}


def array_run():
    mix = lg.systems.DenseMix(1e7 * (np.ones((3, 3)) - np.eye(3)), of="re", to="push")
    return lg.simulate(lg.systems.SystemArray(Member(1e9, 2e9, [0.9e9, 1.1e9, 1.3e9]), 3, mix), duration=20e-9, dt=DT)


def test_an_array_has_the_signals_of_all_its_members():
    run = array_run()
    np.testing.assert_array_equal(run.signal("re").values, run.re)
    np.testing.assert_allclose(lg.frequency(run.signal("re")), [0.9e9, 1.1e9, 1.3e9], rtol=2e-3)
    assert lg.spectrum(run.signal("im")).density.shape[0] == 3
    assert len(lg.plot.trace(run).axes) == 2  # a panel for each component
    assert lg.plot.spectrum(run.signal("re")).axes


def neither(self, state, inputs):
    return {}


def both(self, state, inputs):
    return {"voltage": 0.0, "re": 1.0}


def unnamed(self, state, inputs):
    return {"voltage": 0.0, "power": 1.0}


def read(observe, name="voltage"):
    wrong = type("Wrong", (Reader,), {"observe": observe})(1e9, 2e9, 1.2e9)
    return lg.simulate(wrong, duration=1e-9, dt=DT).signal(name)


REFUSED = {
    "several": (lambda: lg.frequency(run_of("Hopf")), r"several signals \(im, re\).*run.signal\('im'\)"),
    "several outputs": (lambda: read(Reader.observe, None), "several signals"),
    "no signal": (lambda: run_of("Hopf").signal("x"), "has no signal 'x'; it has im, re"),
    "a step beside it": (lambda: lg.frequency(run_of("Hopf").signal("re"), dt=1e-12), "superfluous"),
    "neither": (lambda: read(neither), "'voltage' of Wrong is neither"),
    "both": (lambda: read(both, "re"), "'re' of Wrong is a component of the state, and"),
    "what one member observes": (lambda: array_run().signal("voltage"), "of one Member, and this is a run of an array"),
    "a trace of many": (lambda: lg.trace_of(array_run()), "one oscillator, and this is a run of 3"),
    "an orbit of many": (lambda: lg.plot.orbit(array_run()), "one system, and this is a run of 3"),
    "no unit": (lambda: read(unnamed), "gives 'power', whose unit is not known"),
    "no column": (lambda: lg.trace_of(run_of("Hopf"), ("mx",)), "has no signal 'mx'"),
    "a unit of nothing": (lambda: lg.Trace([0.0, 1.0], {"x": [0.0, 1.0]}, units={"y": "m"}), "names 'y'"),
    "a column without one": (lambda: lg.Trace([0.0, 1.0], {"x": [0.0, 1.0]}), "units={'x': …}"),
    "another unit": (lambda: lg.Trace([0.0, 1.0], {"mx": [0.0, 1.0]}, units={"mx": "T"}), "mx is in 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(name):
    ask, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as raised:
        ask()
    assert "\n" not in str(raised.value)


class Bounded(Hopf):
    """With a parameter that is a fraction, and one that is positive."""

    part: float = lg.quantity("1", bound=lg.systems.between(0.0, 1.0), default=0.5)
    heat: float = lg.quantity("W", bound=lg.systems.positive(), default=0.0)


def test_a_value_outside_its_bound_is_refused():
    given = {"gain": 1e9, "saturation": 1e9, "frequency": 1e9}
    for name, value in (("part", 1.5), ("part", -0.1), ("part", float("nan")), ("heat", -1.0)):
        with pytest.raises(ValueError, match=rf"Bounded\.{name} = .* is out of range, expected a value"):
            Bounded(**given, **{name: value})
    assert jax.jit(lambda x: Bounded(**given, part=x).part)(2.0) == 2.0  # traced: the run tells
    assert Bounded(**given, part=1.0, heat=0.0).part == 1.0
