"""What would make a fit useless is said in one sentence, before any search begins."""

import dataclasses

import numpy as np
import pytest

from llgrad.datasets.frequencies import FrequencyTable
from llgrad.datasets.trace import Trace
from llgrad.devices import presets
from llgrad.devices.bounds import unbounded
from llgrad.devices.junction import LinearJunction
from llgrad.fitting.assembly import as_experiments, prepare
from llgrad.fitting.fit import fit
from llgrad.fitting.targets.checks import check_targets
from llgrad.fitting.targets.experiment import Experiment

STO = presets.kubota2013()
TABLE = FrequencyTable("current", [1.5e-3, 2e-3, 2.5e-3], [0.9e9, 1.2e9, 1.5e9])


def checked(model, data, free, **settings):
    """What a fit checks before its search."""
    experiments = as_experiments(data, **settings)
    prepared = prepare(model, experiments, free)
    check_targets(prepared.problem, prepared.values, prepared.m0, experiments, free)
    return prepared


def sines(interval, columns=("mx",), count=60):
    t = interval * np.arange(count)
    return Trace(t, {name: 0.3 * np.cos(2e9 * t + i) for i, name in enumerate(columns)})


@pytest.fixture
def no_search(monkeypatch):
    """Fail where a search begins."""
    monkeypatch.setattr("llgrad.fitting.methods.least_squares.LevenbergMarquardt.search", None)
    monkeypatch.setattr("llgrad.fitting.fit._guessed", None)


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


def test_a_trace_below_nyquist(no_search):
    with pytest.raises(ValueError, match=r"is sampled every 1.5 ns, too slowly: .* at 44\d MHz, which needs samples"):
        fit(STO, sines(1.5e-9), free=["alpha"], m0=[0.5, 0.0, 0.75**0.5])
    settled = {"m0": [0.5, 0.0, 0.75**0.5]}
    assert checked(STO, sines(1e-9), ["alpha"], **settled).values.tolist() == [0.005], "above Nyquist"


def test_a_fast_field_alone_is_no_reason_to_refuse():
    """In an in-plane magnet γ|B| reaches 40 GHz, but the device itself oscillates at a few."""
    soft = STO.replace(H_k=0.0, field=(0.02, 0.0, 0.0), current=0.0, alpha=0.01)
    assert checked(soft, sines(0.05e-9, ("my",), 20), ["alpha"], m0=[0.995, 0.0999, 0.0] / np.hypot(0.995, 0.0999))


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


def test_errors_of_a_table_are_its_noise_and_its_weights():
    table = FrequencyTable("current", TABLE.values, TABLE.frequencies, errors=[1e6, 2e6, 2e6])
    (experiment,) = as_experiments(table)
    assert experiment.noise == pytest.approx(np.sqrt(3) * 1e6)
    problem = prepare(STO, (experiment,), ["H_k"]).problem
    assert np.allclose(np.ravel(problem.recordings[0].sigma), [1e6, 2e6, 2e6])
    given = dataclasses.replace(experiment, noise=2e6)
    assert as_experiments(given)[0].noise == 2e6, "what is said counts"
