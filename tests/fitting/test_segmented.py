"""A trace whose phase diffuses, fitted in pieces: noise in the device, errors from the scatter of the pieces."""

import jax
import numpy as np
import pytest
from tests.fitting.conftest import TRUTH

import llgrad as lg
from llgrad.fitting.answers.clusters import clustered_jacobian

STO = lg.presets.kubota2013()
HOT = STO.replace(temperature=300.0)
START = STO.replace(alpha=0.006, current=2.3e-3)


def hot_trace(seed, duration):
    run = lg.simulate(
        HOT, duration=duration, dt=2e-12, save=lg.Every(5), m0=lg.direction(1.5, 2.0), key=jax.random.key(seed)
    )
    return lg.trace_of(run)


@pytest.fixture(scope="module")
def found():
    return lg.fit(START, hot_trace(0, 60e-9), free=list(TRUTH), segment=0.6e-9)


def test_parameters_lie_within_their_errors(found):
    for name, truth in TRUTH.items():
        assert abs(found.values[name] - truth) < 3 * found.errors[name], name
        assert found.errors[name] < 0.3 * truth


def test_the_answer_says_how_it_was_found(found):
    said = " ".join(found.verdict)
    assert "fitted in 100 pieces of 600 ps, each from a starting state of its own" in said
    assert "the trace itself: frequency 4" in said and "correlated" not in said
    assert found.prediction["mx"].shape == found.data.t.shape == (6000,)
    assert found.to_json()["line_widths"][0]["frequency"] == found.line_widths[0].frequency
    with pytest.raises(ValueError, match="a fit in segments has no profile"):
        lg.fitting.profile(found, "alpha")


def test_noise_free_pieces_give_the_truth(teacher):
    result = lg.fit(START, teacher, free=list(TRUTH), segment=0.6e-9)
    assert {name: result.values[name] for name in TRUTH} == pytest.approx(TRUTH, rel=1e-6)


def test_pieces_of_a_voltage_find_states_gain_and_offset():
    run = lg.simulate(STO, duration=16e-9, dt=1e-12, save=lg.Every(10), m0=lg.direction(1.5, 2.0))
    steady = np.asarray(run.mx)[600:]
    voltage = lg.Trace(1e-11 * np.arange(steady.size), {"voltage": 3e-3 * steady + 0.7e-3})
    result = lg.fit(STO.replace(current=2.4e-3), voltage, free=["current"], segment=1.1e-9)
    found = [result.values[name] for name in ("current", "gain", "offset")]
    assert found == pytest.approx([2.5e-3, 3e-3, 0.7e-3], rel=1e-6)


def test_errors_of_independent_residuals_are_the_usual_ones(rng):
    """Many clusters of independent residuals: the covariance is (JᵀJ)⁻¹ up to the scatter of an estimate."""
    J = rng.normal(size=(4000, 3)) * [1.0, 10.0, 1e-6]
    J[:, 1] += 5e6 * J[:, 2]
    r = rng.normal(size=4000)
    r -= J @ np.linalg.lstsq(J, r, rcond=None)[0]
    clustered = clustered_jacobian(J, r, [(4000, 1000)])
    usual, found = (np.linalg.inv(A.T @ A) for A in (J, clustered))
    assert np.sqrt(np.diag(found) / np.diag(usual)) == pytest.approx([1, 1, 1], rel=0.1)
    exact = clustered_jacobian(J, r, [(4000, 0)])
    assert np.allclose(exact.T @ exact, J.T @ J, rtol=1e-9, atol=1e-9 * np.abs(J.T @ J).max())


def test_what_the_data_do_not_see_stays_unseen(rng):
    J = rng.normal(size=(400, 3))
    J[:, 2] = J[:, 0]
    clustered = clustered_jacobian(J, rng.normal(size=400), [(400, 40)])
    assert np.linalg.svd(clustered, compute_uv=False)[2] < 1e-6 * np.linalg.svd(clustered, compute_uv=False)[0]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"segment": 1e-6}, r"makes 0 pieces of 100000 samples, expected at least 8 pieces of at least 5 samples"),
        ({"segment": 2e-11}, "expected at least 8 pieces of at least 5 samples; choose a length of about a period"),
        ({"segment": 2.0}, "segment = 2.0 s, expected a time in seconds, about a period, such as 2e-9"),
        ({"segment": 6e-10, "bandwidth": 1e9}, "a trace in segments has no drive, bandwidth, delay or m0"),
    ],
)
def test_bad_segments_get_a_sentence(teacher, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        lg.Experiment(teacher, **settings)


def test_uneven_traces_and_tables_have_no_segments(teacher):
    uneven = lg.Trace(np.delete(teacher.t, 3), {"mx": np.delete(teacher.columns["mx"], 3)})
    with pytest.raises(ValueError, match=r"must be evenly spaced; cut it with segments\(trace, length\) instead"):
        lg.Experiment(uneven, segment=6e-10)
    with pytest.raises(ValueError, match="segment= is for a trace"):
        lg.Experiment(lg.data.FrequencyTable("current", [1e-3], [1e9]), segment=6e-10)
