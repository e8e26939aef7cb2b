"""The default fit: from 200 starts within ±50 %, exact values on noise-free data, honest errors on noisy data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.fitting.conftest import TRUTH

from llgrad import presets
from llgrad.core.record import set_leaf
from llgrad.datasets.trace import Trace
from llgrad.devices.bounds import between, positive
from llgrad.fitting.assembly import as_experiments, prepare
from llgrad.fitting.fit import fit
from llgrad.fitting.methods.base import Begin, Log
from llgrad.fitting.methods.guesses import Guess
from llgrad.fitting.methods.least_squares import LevenbergMarquardt, SearchState
from llgrad.fitting.methods.starts import Starts
from llgrad.fitting.problem import CostEvaluation, evaluate

FREE = {"field.z": between(-0.1, 0.1), "current": between(0.1e-3, 5e-3), "alpha": positive()}


def wrong(device, **factors):
    for name, factor in factors.items():
        device = set_leaf(device, name, TRUTH[name] * factor)
    return device


START = {"field.z": 1.35, "current": 0.6, "alpha": 1.4}


@pytest.mark.slow
def test_200_starts_within_half_of_the_truth_find_it(teacher, first_state):
    prepared = prepare(presets.kubota2013(), as_experiments(teacher, m0=first_state), FREE)
    problem = prepared.problem
    truth = np.array([TRUTH[name] for name in problem.names])
    starts = truth * (1 + np.random.default_rng(11).uniform(-0.5, 0.5, (200, 3)))
    u = np.array([[b.free(v) for b, v in zip(problem.bounds, row, strict=True)] for row in starts])
    begin = Begin(u, np.repeat(prepared.m0[None], len(u), axis=0))
    found = LevenbergMarquardt().search(problem, begin, Log())
    values = np.asarray(jax.vmap(problem.physical)(jnp.asarray(found.u)))
    error = np.abs(values / truth - 1).max(axis=1)
    assert (error < 1e-6).mean() >= 0.98


def test_finds_the_truth_and_says_so(teacher, first_state):
    result = fit(wrong(presets.kubota2013(), **START), teacher, free=FREE, m0=first_state)
    assert result.converged
    assert result.values == pytest.approx(TRUTH, rel=1e-6)
    assert result.model.alpha == result.values["alpha"]
    assert not any(result.at_bound.values())
    assert result.verdict == ("every free parameter is identifiable from these data",)


def test_the_first_row_starts_a_trace_and_its_tilts_are_fitted(teacher):
    result = fit(wrong(presets.kubota2013(), **START), teacher, free=list(FREE))
    assert {n: result.values[n] for n in TRUTH} == pytest.approx(TRUTH, rel=1e-6)
    assert abs(result.values["m0.polar"]) < 1e-7


@pytest.mark.parametrize("column", ["mx", "mz"])
def test_one_component_is_enough(teacher, first_state, column):
    result = fit(wrong(presets.kubota2013(), **START), teacher.select(column), free=FREE, m0=first_state)
    assert result.values == pytest.approx(TRUTH, rel=1e-6)


def test_uneven_samples_are_handled(teacher, first_state):
    rows = np.sort(np.random.default_rng(3).choice(np.arange(1, 501), 300, replace=False))
    rows = np.concatenate([[0], rows])
    uneven = Trace(teacher.t[rows], {name: values[rows] for name, values in teacher.columns.items()})
    assert not uneven.evenly_spaced
    result = fit(wrong(presets.kubota2013(), **START), uneven, free=FREE, m0=first_state)
    assert result.values == pytest.approx(TRUTH, rel=1e-6)


def test_a_voltage_without_a_junction_is_fitted_up_to_gain_and_offset(teacher, first_state):
    voltage = Trace(teacher.t, {"voltage": 3e-3 * teacher.columns["mx"] + 0.7e-3})
    result = fit(wrong(presets.kubota2013(), **START), voltage, free=FREE, m0=first_state)
    assert result.values == pytest.approx(TRUTH | {"gain": 3e-3, "offset": 0.7e-3}, rel=1e-6)
    assert result.units["gain"] == "V"


def test_standard_errors_cover_the_truth(teacher, first_state):
    """Each error over its standard error is a standard normal number: their mean square over many noises is 1."""
    noise = np.random.default_rng(5).normal(0, 0.01, (40, 3, teacher.t.size))
    scores = []
    for draw in noise:
        noisy = Trace(teacher.t, {n: v + e for (n, v), e in zip(teacher.columns.items(), draw, strict=True)})
        result = fit(
            presets.kubota2013(), noisy, free=list(FREE), m0=first_state, method=LevenbergMarquardt(grow=False)
        )
        assert result.noise == pytest.approx(0.01, rel=0.1)
        scores += [(result.values[n] - TRUTH[n]) / result.errors[n] for n in TRUTH]
    # 120 squared scores: the mean's standard error is about √(2/120), correlations included below 0.2
    assert 0.5 < np.mean(np.square(scores)) < 1.6


def test_sensitivities_are_the_slopes_of_the_residuals(teacher, first_state):
    prepared = prepare(presets.kubota2013(), as_experiments(teacher, m0=first_state), FREE)
    problem = prepared.problem
    u = np.array([b.free(v * 1.01) for b, v in zip(problem.bounds, prepared.values, strict=True)])
    step = 1e-6
    around = u + step * np.concatenate([np.eye(3), -np.eye(3)])
    m0 = np.repeat(prepared.m0[None], 7, axis=0)
    value = evaluate(problem, np.concatenate([u[None], around]), m0, np.inf)
    cost = np.asarray(value.cost)
    slope = (cost[1:4] - cost[4:7]) / (2 * step)
    assert np.allclose(2 * np.asarray(value.gradient)[0], slope, rtol=1e-6)


def test_more_starts_keep_the_best(teacher, first_state):
    far = wrong(presets.kubota2013(), **{"field.z": 1.9, "current": 0.4, "alpha": 4.0})
    method = LevenbergMarquardt(grow=False, iterations=40)
    plain = {"free": FREE, "m0": first_state, "method": method, "guess": Guess(slopes=False)}
    result = fit(far, teacher, starts=Starts(8, 0.6), key=jax.random.key(2), **plain)
    alone = fit(far, teacher, **plain)
    assert result.noise <= alone.noise * (1 + 1e-4)  # equal but for rounding
    assert "best of 8 starts" in result.status


def test_reports_progress(teacher, first_state):
    seen = []
    fit(presets.kubota2013(), teacher, free=["alpha"], m0=first_state, progress=seen.append)
    assert seen
    assert all(0 <= entry["fraction"] <= 1 and {"stage", "iteration", "cost"} <= set(entry) for entry in seen)
    assert seen[-1]["fraction"] > seen[0]["fraction"]


@pytest.mark.parametrize(
    ("steps", "settled"),
    [([1e-3, 1e-7], True), ([1e-3, 1e-6], False), ([1.1e-8, 1e-8], False), ([1e-3, 1e-11], True), ([1e-7], False)],
)
def test_a_search_settles_where_two_steps_say_that_little_is_left(steps, settled):
    state = SearchState(np.zeros((1, 1)), ())
    for number, step in enumerate(steps):
        value = CostEvaluation(np.array([1.0 - number]), np.zeros((1, 1)), np.ones((1, 1, 1)))
        state.judge(state.u + step, value, np.ones(1, bool), 1e-10)
    assert bool(state.settled[0]) == settled
