"""Every observable takes runs, batches, arrays of oscillators, traces and plain arrays, and refuses what it cannot."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llgrad import presets
from llgrad.core.trajectory import Trajectory
from llgrad.datasets.trace import Trace
from llgrad.devices.array import OscillatorArray
from llgrad.observables.amplitude import amplitude
from llgrad.observables.frequency import frequency
from llgrad.observables.phase import instantaneous_phase, phase
from llgrad.observables.signal import signal_of
from llgrad.observables.spectrum import spectrum

DT = 5e-12
OBSERVABLES = {
    "frequency": frequency,
    "amplitude": amplitude,
    "phase": phase,
    "instantaneous phase": instantaneous_phase,
    "spectrum": lambda source, dt=None: spectrum(source, dt).density,
}
every_observable = pytest.mark.parametrize("observable", OBSERVABLES.values(), ids=OBSERVABLES)


@every_observable
def test_a_run_a_trace_and_an_array_give_the_same(observable, run):
    t, x = np.asarray(run.t), np.asarray(run.mx)
    from_run = observable(run)
    assert np.allclose(from_run, observable(x, DT), rtol=1e-9)
    assert np.allclose(from_run, observable(jnp.asarray(x), dt=DT), rtol=1e-9)
    assert np.allclose(from_run, observable(Trace(t, {"mx": x})), rtol=1e-9)


@every_observable
def test_an_array_of_oscillators_gives_one_value_each(observable, array_run):
    found = observable(array_run)
    assert found.shape[0] == 3
    assert np.allclose(found[1], observable(array_run.m[:, 1, 0], DT), rtol=1e-9)


@pytest.mark.parametrize("observable", [frequency, amplitude, phase, instantaneous_phase])
def test_a_batch_gives_one_value_each(observable, make_run, orbit):
    make = jax.vmap(lambda f: make_run(orbit_of(f)))
    batch = make(jnp.asarray([1e9, 2e9]))
    assert batch.m.shape == (2, 2000, 3)
    assert np.allclose(observable(batch)[1], observable(orbit(frequency=2e9)[:, 0], DT), rtol=1e-8)


def orbit_of(f):
    angle = 2 * jnp.pi * f * jnp.asarray(DT * np.arange(2000)) + 0.4
    x, y = jnp.sin(0.8) * jnp.cos(angle), jnp.sin(0.8) * jnp.sin(angle)
    return jnp.stack([x, y, jnp.full(2000, jnp.cos(0.8))], axis=-1)


def test_the_component_along_the_polariser_is_seen(make_run, orbit):
    along_y = presets.kubota2013().replace(polariser=(0.0, 1.0, 0.0))
    assert float(phase(make_run(orbit(), model=along_y))) == pytest.approx(0.4 - np.pi / 2, abs=1e-8)
    each = OscillatorArray(
        presets.kubota2013().replace(polariser=(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.zeros(2))), count=2
    )
    run = make_run(np.stack([orbit(), orbit()], axis=1), model=each)
    assert np.allclose(phase(run), [0.4, 0.4 - np.pi / 2], atol=1e-8)


def test_the_phase_is_that_at_time_zero(make_run, orbit):
    late = make_run(orbit(start=3.3e-9), start=3.3e-9)
    assert float(phase(late)) == pytest.approx(0.4, abs=1e-7)


def test_uneven_steps_are_handled():
    rng = np.random.default_rng(0)
    t = np.cumsum(rng.uniform(0.5, 1.5, 2000)) * DT
    trace = Trace(t, {"voltage": 1e-3 * np.cos(2 * np.pi * 1.37e9 * t + 0.4)})
    assert not trace.evenly_spaced
    assert float(frequency(trace)) == pytest.approx(1.37e9, rel=1e-6)
    assert float(amplitude(trace)) == pytest.approx(1e-3, rel=1e-3)
    assert float(phase(trace)) == pytest.approx(0.4, abs=1e-3)


def test_gradients_go_through_a_run(run):
    def found(scale):
        return amplitude(Trajectory(run.t, scale * run.m, run.status, run.model, run.drive, run.stats))

    assert float(jax.jit(jax.grad(found))(1.0)) == pytest.approx(np.sin(0.8))


X = np.cos(np.arange(100.0))


@every_observable
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda make_run, orbit: (X, None), "needs dt, the time between two samples in seconds"),
        (lambda make_run, orbit: (X, 0.0), "dt = 0.0 is out of range; expected a positive time"),
        (
            lambda make_run, orbit: (X[:7], DT),
            r"shape \(7,\) is too short: expected at least 8 samples along the last axis, which is time",
        ),
        (lambda make_run, orbit: (np.stack([X, X, X], axis=-1), DT), r"shape \(100, 3\) is too short"),
        (lambda make_run, orbit: (np.array(1.0), DT), r"shape \(\) is too short"),
        (lambda make_run, orbit: (np.ones(100), DT), r"the signal is constant \(1\): nothing oscillates"),
        (lambda make_run, orbit: (np.where(np.arange(100) == 17, np.nan, X), DT), "sample 17 of the signal is nan"),
        (lambda make_run, orbit: (make_run(orbit(samples=5)), None), r"shape \(5,\) is too short"),
        (lambda make_run, orbit: (make_run(orbit(samples=1)), None), r"shape \(1,\) is too short"),
        (lambda make_run, orbit: (make_run(orbit()), DT), "dt = 5e-12 is superfluous: a Trajectory knows its times"),
        (
            lambda make_run, orbit: (Trace(DT * np.arange(9.0), {"mx": X[:9]}), DT),
            "dt = 5e-12 is superfluous: a Trace knows its times",
        ),
        (
            lambda make_run, orbit: (Trace(DT * np.arange(9.0), {"mx": X[:9], "my": X[:9]}), None),
            r"has the columns mx, my, expected one; choose it first, as in trace.select\('mx'\)",
        ),
    ],
)
def test_what_cannot_be_gets_a_sentence(observable, make, sentence, make_run, orbit):
    source, dt = make(make_run, orbit)
    with pytest.raises(ValueError, match=sentence) as error:
        observable(source, dt)
    assert "\n" not in str(error.value)


def test_a_run_with_uneven_times_is_refused(run):
    times = run.t.at[7].add(1e-12)
    uneven = Trajectory(times, run.m, run.status, run.model, run.drive, run.stats)
    with pytest.raises(ValueError, match="the saved times of this run are not evenly spaced"):
        signal_of(uneven)


def test_integers_are_samples_too():
    x = (100 * np.cos(np.arange(2000.0))).astype(int)
    assert float(frequency(x, 1.0)) == pytest.approx(1 / (2 * np.pi), rel=1e-5)
