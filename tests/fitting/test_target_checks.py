"""What would make a fit useless is said in one sentence, before any search begins."""

import dataclasses
import sys

import numpy as np
import pytest

from llgrad import presets
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.trace import Trace, trace_of
from llgrad.devices.bounds import between, unbounded
from llgrad.devices.junction import LinearJunction
from llgrad.fitting.assembly import as_experiments, prepare
from llgrad.fitting.fit import fit
from llgrad.fitting.methods.base import Log
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.orbits.looking import on_orbits
from llgrad.fitting.targets.checks import check_dependence, check_targets
from llgrad.fitting.targets.experiment import Experiment
from llgrad.solve.saving import Every, grid_of
from llgrad.solve.simulate import simulate

STO = presets.kubota2013()
TABLE = FrequencyTable("current", [1.5e-3, 2e-3, 2.5e-3], [0.9e9, 1.2e9, 1.5e9])


def checked(model, data, free, **settings):
    """What a fit checks before its search."""
    experiments = as_experiments(data, **settings)
    prepared = prepare(model, experiments, free)
    check_targets(prepared.problem, experiments, free)
    problem, _ = on_orbits(prepared.problem, prepared.values, prepared.m0, Log())
    check_dependence(problem, prepared.values, prepared.m0)
    return prepared


def sines(interval, columns=("mx",), count=60):
    t = interval * np.arange(count)
    return Trace(t, {name: 0.3 * np.cos(2e9 * t + i) for i, name in enumerate(columns)})


@pytest.fixture
def no_search(monkeypatch):
    """Fail where a search begins."""
    monkeypatch.setattr("llgrad.fitting.methods.least_squares.LevenbergMarquardt.search", None)
    monkeypatch.setattr(sys.modules["llgrad.fitting.fit"], "_guessed", None)


def check_refused(sentence, model, data, free, **settings):
    with pytest.raises(ValueError, match=sentence) as error:
        checked(model, data, free, **settings)
    assert "\n" not in str(error.value)


def test_a_constant_trace_comes_first(no_search):
    flat = Trace(1e-11 * np.arange(50), {"mx": np.full(50, 0.25), "voltage": np.full(50, 1e-3)})
    with pytest.raises(ValueError, match=r"the trace is constant \(mx = 0.25, voltage = 1 mV\): nothing moves in it"):
        fit(STO, flat, free=["alpha"])
    check_refused("the trace '2 mA' is constant", STO, Experiment(flat, label="2 mA"), ["alpha"])


def test_one_constant_column_beside_others_is_no_mistake(teacher, first_state):
    columns = {"mx": teacher.columns["mx"], "mz": np.full(teacher.t.size, 0.5)}
    assert checked(STO, Trace(teacher.t, columns), ["alpha"], m0=first_state).problem.names == ("alpha",)


SOFT = STO.replace(H_k=0.0, field=(0.3, 0.0, 0.0), current=0.0, alpha=0.01)


def ringing(device, interval, *columns, count=60):
    """An in-plane magnet that rings around its field."""
    run = simulate(device, duration=interval * (count - 1), dt=0.5e-12, m0=RING, save=Every(round(interval / 0.5e-12)))
    return trace_of(run, columns)


RING = np.array([0.995, 0.0999, 0.0]) / np.hypot(0.995, 0.0999)


def test_the_start_does_not_decide_on_nyquist():
    """A start at 26 GHz is no reason to refuse 22 GHz at 50 GS/s."""
    trace = ringing(SOFT, 0.02e-9, "mx", "my", "mz")
    fast = SOFT.replace(field=(0.4, 0.0, 0.0))
    result = fit(fast, trace, free={"field.x": between(0.1, 1.0)}, m0=RING)
    assert result.converged and result.values["field.x"] == pytest.approx(0.3, rel=1e-6)
    assert result.quality[0].warnings == ()


def test_an_orbit_that_the_samples_cannot_show_is_said_to_be_one():
    trace = ringing(SOFT, 0.05e-9, "my")
    result = fit(SOFT, trace, free=["field.x"], m0=RING, method=LevenbergMarquardt(grow=False))
    assert not result.converged and "an orbit that the samples cannot show" in result.status
    assert "the fitted orbit oscillates at 2" in result.quality[0].warnings[0]
    assert "faster than half the sampling rate (10 GHz): samples every 50 ps show it as" in str(result)


def test_noise_around_rest_is_no_motion(no_search, rng):
    rest = Trace(1e-11 * np.arange(200), {"mx": 0.3 + 1e-3 * rng.normal(size=200)})
    with pytest.raises(
        ValueError, match=r"the trace is white noise around rest \(mx = 0.3\d* ± 0.00\d+\): nothing moves"
    ):
        fit(STO, rest, free=["alpha"])
    moving = Trace(rest.t, {"mx": rest.columns["mx"] + 1e-3 * np.sin(4e9 * rest.t)})
    assert checked(STO, moving, ["alpha"], m0=[0.6, 0.0, 0.8])


@pytest.mark.parametrize(
    ("scale", "sentence"),
    [
        (
            0.84,
            "the length 0.84 to 0.84, .* is the trace a unit vector.* multiply the three columns by 1.19, if",
        ),
        (1.4e6, "expected about 1; is the trace a unit vector"),
        (
            np.linspace(0.78, 0.9, 501),
            "the length 0.78 to 0.9, .* its length changes, .* divide each row by its length",
        ),
        (np.linspace(0.9, 1.1, 501), "its length changes"),
    ],
)
def test_what_is_no_unit_vector_is_refused(no_search, teacher, scale, sentence):
    scaled = Trace(teacher.t, {name: scale * values for name, values in teacher.columns.items()})
    with pytest.raises(ValueError, match=sentence):
        fit(STO, scaled, free=["alpha"])


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.3])
def test_noise_makes_no_other_length(teacher, rng, noise):
    noisy = Trace(teacher.t, {n: v + noise * rng.normal(size=v.size) for n, v in teacher.columns.items()})
    assert checked(STO, noisy, ["alpha"])


@pytest.mark.parametrize(
    ("model", "data", "free", "sentence"),
    [
        (STO, sines(1e-11), {"alpha": None, "temperature": unbounded(100)}, "temperature is free, but a fit follows"),
        (STO, TABLE, ["H_k", "delay"], "delay is free, but it belongs to a trace, and there is none that has it"),
        (STO, TABLE, ["alpha", "current"], "current is free, but it is what the table sweeps"),
        (
            STO.replace(junction=LinearJunction(R_P=1e3, delta_R=500.0)),
            sines(1e-11, ("mx", "my")),
            ["alpha", "junction.R_P"],
            r"junction.R_P is free, but .*: it acts on a voltage, and none is fitted; leave it out",
        ),
        (
            STO.replace(current=0.0),
            sines(1e-11),
            ["alpha", "lambda_"],
            "lambda_ is free, but .* its current is zero; give the device its current",
        ),
    ],
)
def test_a_parameter_that_nothing_depends_on(model, data, free, sentence):
    check_refused(sentence, model, data, free, **({"m0": [0.6, 0.0, 0.8]} if isinstance(data, Trace) else {}))


@pytest.mark.parametrize("noise", [0.0, -1e-3, np.nan])
def test_noise_is_positive(noise):
    with pytest.raises(ValueError, match=r"noise = .*, expected a positive standard deviation, or None to estimate it"):
        fit(STO, sines(1e-11), free=["alpha"], noise=noise)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_trace_that_is_cut_is_simulated_to_its_last_sample(dtype):
    t = np.asarray(np.arange(201) * 50e-12, dtype).astype(float)  # as of a run in float32
    trace = Trace(t, {"mx": np.cos(2e9 * t)})
    (recording,) = prepare(STO, as_experiments(trace, m0=[0.6, 0.0, 0.8]), ["alpha"]).problem.recordings
    for count in range(2, 201):
        cut = recording.until(float(recording.t[count - 1]))
        grid = grid_of(cut.duration, cut.step, Every(cut.save_every))
        assert grid.saves == len(cut.t) - 1 == count - 1


def test_errors_of_a_table_are_its_noise_and_its_weights():
    table = FrequencyTable("current", TABLE.values, TABLE.frequencies, errors=[1e6, 2e6, 2e6])
    (experiment,) = as_experiments(table)
    assert experiment.noise == pytest.approx(np.sqrt(3) * 1e6)
    problem = prepare(STO, (experiment,), ["H_k"]).problem
    assert np.allclose(np.ravel(problem.recordings[0].sigma), [1e6, 2e6, 2e6])
    given = dataclasses.replace(experiment, noise=2e6)
    assert as_experiments(given)[0].noise == 2e6, "what is said counts"
