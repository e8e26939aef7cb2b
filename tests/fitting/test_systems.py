"""Fits of systems of one's own to traces: known parameters come back within their errors, whatever the system is."""

import jax.numpy as jnp
import numpy as np
import pytest
from tests.unit.solve.systems import DRIVES, MEMBERS, Hopf

import llgrad as lg
from llgrad.solve.simulate import simulate_quietly

# name: (columns, duration, dt, every, noise, what the search begins at)
CASES = {
    "Hopf": (("re",), 4e-9, 10e-12, 2, 0.01, {"gain": 8e8, "saturation": 1.7e9, "frequency": 1.3e9}),
    "Amplitude": (("re", "im"), 8e-9, 20e-12, 2, 0.01, {"omega": 2.8e9, "shift": -8e8, "supercriticality": 1.8}),
    "Stack": (
        ("free.z", "free.x", "hard.z"),
        2e-9,
        2e-12,
        10,
        0.005,
        {"exchange": 0.04, "anisotropy": 0.22, "alpha": 0.03},
    ),
    "Chain": (("0.x", "1.x", "2.x"), 1e-9, 2e-12, 5, 0.01, {"field": 0.18, "alpha": 0.03, "torque": 4.0}),
    "Vortex": (("0", "1"), 30e-9, 50e-12, 4, 0.001, {"stiffness": 1.8e9, "damping": 0.03, "nonlinear": 0.2}),
}


def recorded(name, seed=0, noise=None, system=None):
    """A noisy recording of a system, which begins where its own start says."""
    columns, duration, dt, every, sigma, _ = CASES[name]
    system, rng = system or MEMBERS[name], np.random.default_rng(seed)
    run = simulate_quietly(system, duration=duration, dt=dt / 2, save=lg.Every(2 * every), drive=DRIVES.get(name))
    trace = lg.trace_of(run, columns)
    noise = sigma if noise is None else noise
    noisy = {name: values + noise * rng.normal(size=values.size) for name, values in trace.columns.items()}
    return lg.Trace(trace.t, noisy, units=trace.units)


def fitted(name, trace, **options):
    begun, system = CASES[name][-1], MEMBERS[name]
    settings = {"free": list(begun), "m0": system.start(), "drive": DRIVES.get(name), "dt": CASES[name][2]} | options
    return lg.fit(system.replace(**begun), trace, **settings)


def distances(result, name):
    """How far the values are from the truth, in standard errors."""
    return np.array([(result.values[p] - getattr(MEMBERS[name], p)) / result.errors[p] for p in CASES[name][-1]])


@pytest.mark.parametrize("name", CASES)
def test_parameters_come_back_within_their_errors(name):
    result = fitted(name, recorded(name))
    assert result.converged and result.explained
    assert np.abs(distances(result, name)).max() < 4
    assert all(result.errors[p] < 0.3 * abs(getattr(MEMBERS[name], p)) for p in CASES[name][-1])
    assert result.noise == pytest.approx(CASES[name][4], rel=0.15)


def test_the_step_of_a_fit_follows_from_an_accuracy():
    trace = recorded("Hopf")
    result = fitted("Hopf", trace, dt=None, accuracy=1e-7)
    recording = result.solution.problem.recordings[0]
    assert recording.step > 2 * trace.dt  # several samples to a step of high order
    finer = fitted("Hopf", trace, dt=1e-12)
    for name in result.names:
        assert result.values[name] == pytest.approx(finer.values[name], abs=1e-3 * finer.errors[name])


def test_errors_are_as_large_as_the_scatter():
    scores = np.stack([distances(fitted("Hopf", recorded("Hopf", seed)), "Hopf") for seed in range(1, 15)])
    assert 0.65 < np.sqrt(np.mean(scores**2)) < 1.4  # 42 normal numbers: 0.78 to 1.22 with 95 %, before correlations


def test_an_unknown_start_is_found_beside_the_parameters():
    trace = recorded("Hopf", system=type("Elsewhere", (Hopf,), {"start": lambda self: {"re": -0.2, "im": 0.4}})(
        1e9, 2e9, 1.2e9
    ))  # fmt: skip
    result = fitted("Hopf", trace, m0=None, guess=lg.fitting.Guess(screen=512, keep=4))
    assert result.converged and np.abs(distances(result, "Hopf")).max() < 4
    for name, value in (("m0.re", -0.2), ("m0.im", 0.4)):
        assert abs(result.values[name] - value) < 4 * result.errors[name] < 0.2
    assert result.m0[0] == pytest.approx((result.values["m0.im"], result.values["m0.re"]))
    assert result.start["m0.im"] == 0.1


class Released(Hopf):
    """Let go from where a parameter says."""

    begin: float = lg.quantity("1", default=0.5)
    outputs = {"power": "W"}  # noqa: RUF012  (as a user writes it)

    def start(self):
        return {"re": self.begin, "im": 0.1}

    def observe(self, state, inputs):
        return {"power": 3.0 * state["re"] + 0.2}


def test_a_start_that_follows_from_a_parameter_is_the_systems_own():
    true = Released(1e9, 2e9, 1.2e9, 0.5)
    run = lg.simulate(true, duration=4e-9, dt=10e-12, save=lg.Every(2))
    result = lg.fit(true.replace(begin=0.4, gain=9e8), run, free=["begin", "gain"], dt=10e-12)
    assert result.names == ("begin", "gain")  # no state beside it
    assert result.values["begin"] == pytest.approx(0.5, rel=1e-6)
    assert result.m0[0] == pytest.approx((0.1, 0.5), rel=1e-6)


def test_the_recorder_has_names_of_its_own():
    true = Released(1e9, 2e9, 1.2e9, 0.5)
    run = lg.simulate(true, duration=4e-9, dt=10e-12, save=lg.Every(2))
    trace = lg.trace_of(run)
    scaled = lg.Trace(trace.t, {"power": 7 * trace.columns["power"] + 2.0}, units={"power": "W"})
    free = ["gain", "recorder.gain", "recorder.offset"]
    result = lg.fit(true.replace(gain=9e8), scaled, free=free, m0=true.start(), dt=10e-12)
    assert result.values["gain"] == pytest.approx(1e9, rel=1e-5)
    assert result.values["recorder.gain"] == pytest.approx(7, rel=1e-5)
    assert result.values["recorder.offset"] == pytest.approx(2.0, abs=1e-5)
    assert (result.units["gain"], result.units["recorder.gain"], result.units["recorder.offset"]) == ("1/s", "1", "W")
    assert any("recorder.gain and recorder.offset are found" in sentence for sentence in result.verdict)


class Bounded(Hopf):
    """With the bound of a parameter declared in its class."""

    spread: float = lg.quantity("Hz", bound=lg.systems.between(0.0, 5e7), default=1e7)

    def rate(self, state, inputs):
        return Hopf(self.gain, self.saturation, self.frequency + self.spread).rate(state, inputs)


def test_a_declared_bound_holds_the_search_within():
    result = lg.fit(Bounded(1e9, 2e9, 1.0e9), recorded("Hopf"), free=["spread"], m0=MEMBERS["Hopf"].start(), dt=10e-12)
    assert result.at_bound["spread"] and result.values["spread"] <= 5e7
    assert any("ended at its bound" in sentence for sentence in result.verdict)


def ask(system=MEMBERS["Hopf"], data=None, **options):
    trace = lg.Trace(np.arange(50) * 2e-11, {"re": np.cos(np.arange(50) / 9)}, units={"re": "1"})
    data = trace if data is None else data
    return lambda: lg.fit(system, data, **{"free": ["gain"], "m0": system.start(), "dt": 1e-11} | options)


def columns(**given):
    return lg.Trace(np.arange(50) * 2e-11, {n: np.cos(np.arange(50) / 9) for n in given}, units=given)


class Driven(Hopf):
    drive: lg.Vec3 = lg.systems.vector("T", default=(0.0, 0.0, 1.0))


REFUSED = {
    "a parameter": (ask(free=["alpha"]), r"unknown parameter 'alpha'; the free parameters can be gain, saturation"),
    "a column": (ask(data=columns(x="m")), "the column 'x', which is no signal of Hopf: it has im, re"),
    "a unit": (ask(data=columns(re="V")), "'re' of the trace is in V, and Hopf gives it in 1"),
    "no step": (
        ask(MEMBERS["Chain"], columns(**{"0.x": "1"}), free=["alpha"], dt=None),
        r"Chain cannot be chosen.*give dt",
    ),
    "a size": (ask(Bounded(0.0, 2e9, 1e9), free=["gain"]), r"gain starts at 0 1/s, and nobody knows the size"),
    "a state": (ask(m0={"re": 1.0}), "expected that of the system's start"),
    "a drive": (ask(drive=lg.Drive()), "waveforms by the inputs"),
    "another input": (ask(drive={"pull": lg.drives.Constant(1.0)}), "no input of Hopf; it has push"),
    "no drive": (ask(free=["drive.push.amplitude"]), "unknown parameter 'drive.push.amplitude'"),
    "names": (ask(Driven(1e9, 2e9, 1e9)), r"a parameter 'drive.x', and in a fit names that begin with 'drive.'"),
    "two columns": (ask(data=columns(re="1", im="1"), free=["recorder.gain"]), "which one gain would scale alike"),
    "a bound": (ask(free={"m0.re": lg.systems.between(0.0, 1.0)}), "m0.re is a part of the starting state"),
    "noise": (
        ask(MEMBERS["Amplitude"], columns(re="1"), free=["heat"]),
        "heat is free, but at the start the target does not depend on it: a fit follows orbits without noise",
    ),
    "a device": (lambda: lg.fit(lg.drives.Constant(1.0), columns(re="1"), free=["value"]), "an Oscillator or a System"),
    "pieces": (ask(segment=1e-10, m0=None), "segment= is for a device"),
    "what a table sweeps": (
        ask(data=lg.data.FrequencyTable("gain", [1e9, 2e9, 3e9], [1e9, 2e9, 3e9]), m0=None, dt=None),
        "gain is free, but it is what the table sweeps",
    ),
    "a step for a table": (
        ask(data=lg.data.FrequencyTable("gain", [1e9, 2e9, 3e9], [1e9, 2e9, 3e9]), m0=None),
        "dt is of runs in time, and tables",
    ),
    "of a device": (
        lambda: lg.fit(
            lg.presets.kubota2013(), columns(mx="1"), free=["alpha"], drive={"current": lg.drives.Constant(1.0)}
        ),
        "drive is a dict, expected a Drive",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(name):
    call, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_a_run_is_its_own_recording():
    run = lg.simulate(MEMBERS["Hopf"], duration=2e-9, dt=10e-12, save=lg.Every(2))
    result = lg.fit(MEMBERS["Hopf"].replace(gain=8e8), run, free=["gain"], dt=10e-12)
    assert result.data.units == {"im": "1", "re": "1"}
    assert result.values["gain"] == pytest.approx(1e9, rel=1e-6)
    assert set(result.names) == {"gain", "m0.im", "m0.re"}  # both are recorded, so nothing is screened
    assert jnp.isfinite(jnp.asarray(list(result.errors.values()))).all()


class Curved(Hopf):
    """With a measured curve of the growth against the power."""

    powers: list = lg.systems.table("1", ascending=True)
    growths: list = lg.systems.table("1/s")

    def rate(self, state, inputs):
        power = state["re"] ** 2 + state["im"] ** 2
        return Hopf(jnp.interp(power, self.powers, self.growths), 0.0, self.frequency).rate(state, inputs)


def test_the_numbers_of_a_curve_are_found():
    true = Curved(0.0, 0.0, 1.2e9, [0.0, 0.25, 0.6], [1e9, 5e8, -8e8])
    run = lg.simulate(true, duration=4e-9, dt=10e-12, save=lg.Every(2))
    begun = true.replace(growths=[8e8, 3e8, -6e8])
    result = lg.fit(begun, run, free=["growths"], m0=true.start(), dt=10e-12)
    found = [result.values[f"growths.{place}"] for place in range(3)]
    np.testing.assert_allclose(found, true.growths, rtol=1e-4)
    np.testing.assert_allclose(result.model.growths, true.growths, rtol=1e-4)
