"""A fit says first whether the model explains the data: good fits are not accused, bad ones are, everywhere alike."""

import dataclasses
import html
import json

import jax
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.files import plain
from llgrad.fitting.planning.known import known_from_file
from llgrad.plot.pages.report import report

STO = lg.presets.kubota2013()
QUICK = {"method": lg.fitting.LevenbergMarquardt(grow=False), "guess": lg.fitting.Guess(slopes=False, screen=0)}
CURRENTS = np.array([2.0e-3, 2.5e-3, 3.0e-3, 3.5e-3, 4.0e-3])
FREQUENCIES = np.array([6.44065, 6.23998, 6.11293, 6.02346, 5.95539]) * 1e9
"""Of the reference device at 2 kOe, from simulations."""


def noisy(trace, sigma, seed=0):
    rng = np.random.default_rng(seed)
    return lg.Trace(trace.t, {name: c + rng.normal(0, sigma, c.size) for name, c in trace.columns.items()})


def each(trace, change):
    return lg.Trace(trace.t, {name: change(column) for name, column in trace.columns.items()})


def with_column(trace, name, values):
    return lg.Trace(trace.t, {**trace.columns, name: values})


def fitted(data, m0, **options):
    return lg.fit(STO.replace(alpha=0.006), data, free=["alpha"], m0=m0, **QUICK, **options)


def at_2_kOe(frequencies, errors=None, seed=0):
    """A fit of the field to a table, from 1 % away."""
    drawn = frequencies + np.random.default_rng(seed).normal(0, 5e6, CURRENTS.size)
    table = lg.data.FrequencyTable(
        "current", CURRENTS, drawn, None if errors is None else np.full(CURRENTS.size, errors)
    )
    return lg.fit(STO.replace(field=(0, 0, 0.202)), table, free=["field.z"])


def check_good(result):
    assert result.explained and not result.caveat, result.explanation
    assert len(result.explanation) == 1 and result.explanation[0].startswith("the model explains the data: R² = ")
    assert all(np.isfinite(error) for error in result.errors.values())


def check_lost(result, words):
    """Said first, without an error and without the word that would let the values be believed."""
    assert not result.explained
    assert result.explanation[0].startswith("the model does not explain the data: ")
    assert "the values below mean nothing until it does" in result.explanation[0]
    assert words in " ".join(result.explanation), result.explanation
    assert result.verdict[0] == result.explanation[0] and str(result).startswith(result.explanation[0])
    assert "±" not in str(result) and "identifiable" not in str(result)
    assert not np.isfinite(list(result.errors.values())).any()
    assert result.status != "converged"


@pytest.mark.parametrize("seed", range(3))
def test_good_traces_are_not_accused(teacher, first_state, seed):
    for sigma in (1e-3, 0.01, 0.2):
        check_good(fitted(noisy(teacher, sigma, seed), first_state))
        check_good(fitted(noisy(teacher, sigma, seed), first_state, noise=sigma))
    check_good(fitted(noisy(teacher, 0.05, seed).select("mx"), first_state))
    voltage = noisy(lg.Trace(teacher.t, {"voltage": 3e-3 * teacher.columns["mx"] + 1e-3}), 2e-4, seed)
    check_good(fitted(voltage, first_state))


def test_good_experiments_are_told_together(teacher, first_state):
    cut = [noisy(teacher.first(250), 0.01, 1), noisy(teacher.first(250), 0.03, 2)]
    pair = [lg.Experiment(one, m0=first_state, label=name) for one, name in zip(cut, ("a", "b"), strict=True)]
    result = lg.fit(STO, pair, free=["alpha"], **QUICK)
    assert result.explanation[0].startswith("the model explains all 2 recordings: R² from 0.97")
    wrong = dataclasses.replace(pair[1], data=each(pair[1].data, lambda c: -c))
    lost = lg.fit(STO, [pair[0], wrong], free=["alpha"], **QUICK)
    assert lost.explanation[0].startswith("the model does not explain the recording 'b': R² = ")
    assert not lost.explained and not np.isfinite(lost.errors["alpha"])


LOST = {
    "constant but for rounding": (lambda t: each(t, lambda c: 0.577 + 1e-9 * c), "mx, my, mz do not move"),
    "another handedness": (lambda t: with_column(noisy(t, 0.01), "my", -t.columns["my"]), "what is left is no noise"),
    "another time": (lambda t: lg.Trace(2 * t.t, noisy(t, 0.01).columns), "what is left is no noise"),
    "per cent": (lambda t: each(noisy(t, 0.01), lambda c: 100 * c), "the recorded m is"),
}


@pytest.mark.parametrize("name", LOST)
def test_what_the_model_does_not_explain_is_said_first(teacher, first_state, name):
    change, words = LOST[name]
    check_lost(fitted(change(teacher), first_state), words)


@pytest.mark.parametrize("rest", [(0.0, 0.0, 1.0), (0.577, 0.577, 0.577)])
def test_a_trace_at_rest_shows_nothing_of_the_model(teacher, first_state, rest):
    """A right model has the χ² of one there, and yet nothing tells one damping from another: it is not fitted."""
    still = lg.Trace(teacher.t, {name: 0 * teacher.t + m for name, m in zip(("mx", "my", "mz"), rest, strict=True)})
    for noise in (None, 1e-3):
        with pytest.raises(ValueError, match=r"the trace is white noise around rest .* nothing moves in it"):
            fitted(noisy(still, 1e-3), first_state, noise=noise)


def test_a_flat_line_through_a_voltage(teacher, first_state):
    """Only the gain could follow it, and it is nearly zero."""
    tone = lg.Trace(teacher.t, {"voltage": 0.05 * np.sin(2 * np.pi * 3.3e9 * teacher.t)})
    result = fitted(noisy(tone, 2e-3), first_state)
    check_lost(result, "what is left is no noise")
    assert "V of a signal of 35." in result.explanation[0], result.explanation[0]


PARTLY = {
    "short vectors": (lambda t: each(t, lambda c: 0.84 * c), "the recorded m is 0.84"),
    "a second tone": (
        lambda t: each(t, lambda c: c + 0.05 * np.sin(2 * np.pi * 3e9 * t.t)),
        "the residuals oscillate: mx at 2.99 GHz",
    ),
    "an offset": (
        lambda t: with_column(t, "mx", t.columns["mx"] + 0.03),
        "the residuals are not about zero: mx by 0.0298",
    ),
}


@pytest.mark.parametrize("name", PARTLY)
def test_what_is_explained_in_part_is_said_first(teacher, first_state, name):
    change, words = PARTLY[name]
    result = fitted(change(noisy(teacher, 0.01)), first_state)
    assert result.explained and result.explanation[0].startswith("the model explains the data only in part: R² = ")
    assert words in " ".join(result.explanation), result.explanation
    assert result.verdict[: len(result.explanation)] == result.explanation
    assert "identifiable" not in " ".join(result.verdict)


def test_tables_are_judged_by_their_errors():
    for seed in range(3):
        check_good(at_2_kOe(FREQUENCIES, 5e6, seed))
        check_good(at_2_kOe(FREQUENCIES, None, seed))
    for errors in (5e6, None):
        lost = at_2_kOe(FREQUENCIES[::-1], errors)
        check_lost(lost, "residual rms")
        true = np.sqrt(np.mean((np.ravel(lost.prediction["frequency"]) - lost.data.frequencies) ** 2))
        assert lost.quality[0].rms == pytest.approx(true)
        assert lost.quality[0].unit == "Hz" and "Hz; " in str(lost).split("residual rms")[-1]
        assert lost.to_json()["residual_rms"] == pytest.approx(true)
    assert "χ² per degree of freedom is" in at_2_kOe(FREQUENCIES[::-1], 5e6).explanation[0]


def test_each_error_of_a_table_counts():
    """One frequency is 300 MHz off and says so: χ² is a right model's."""
    errors = np.array([5e6, 5e6, 5e6, 5e6, 3e8])
    drawn = FREQUENCIES + errors * [0.5, -1, 1, -0.5, 1]
    table = lg.data.FrequencyTable("current", CURRENTS, drawn, errors)
    result = lg.fit(STO.replace(field=(0, 0, 0.202)), table, free=["field.z"])
    assert result.explained and result.quality[0].chi2_per_freedom == pytest.approx(0.8, abs=0.5)


@pytest.fixture(scope="module")
def told(teacher, first_state):
    """A fit of each kind: explained, in part, and not."""
    handed = with_column(noisy(teacher, 0.01), "my", -teacher.columns["my"])
    data = [noisy(teacher, 0.01), PARTLY["an offset"][0](noisy(teacher, 0.01)), handed]
    return [fitted(one, first_state) for one in data]


def test_the_same_sentences_stand_everywhere(told):
    for result in told:
        entry, page = plain(result.to_json()), html.unescape(report(result))
        assert entry["explanation"] == list(result.explanation) and entry["explained"] == result.explained
        assert json.dumps(entry, allow_nan=False)
        for sentence in (*result.explanation, *result.verdict):
            assert sentence in str(result) and sentence in page
            assert sentence in entry["explanation"] + entry["verdict"]
        assert page.index(result.explanation[0]) < page.index('id="parameters"')
        assert str(result).index(result.explanation[0]) == 0
        title = lg.plot.fit(result).axes[0].get_title(loc="left")
        level = ["Fit: R² = 0.99", "Explained in part: R² = 0.99", "Not explained: R² = "]
        assert title.startswith(level[told.index(result)]), title
    assert "Nothing in the residuals" not in report(told[2])


def test_nothing_goes_on_from_what_is_not_explained(told, tmp_path):
    lost = told[2]
    with pytest.raises(ValueError, match="there is nothing to profile until it does"):
        lg.fitting.profile(dataclasses.replace(lost, converged=True), "alpha")
    with pytest.raises(ValueError, match="there is nothing to plan from"):
        lg.fitting.plan(lost, {"current": [1e-3, 2e-3]})
    with pytest.raises(ValueError, match="there is nothing to plan from"):
        known_from_file(lost.save(tmp_path / "lost.json"))


def test_a_profile_of_what_is_explained_in_part_says_so(told):
    with jax.enable_x64(True):
        one = lg.fitting.profile(told[1], "alpha", points=5)
    assert "the model explains the data only in part" in str(one)


def test_values_that_speak_against_themselves(teacher, first_state):
    bounded = lg.fit(
        STO.replace(alpha=0.0055),
        noisy(teacher, 0.01),
        free={"alpha": lg.systems.between(0.0051, 0.02)},
        m0=first_state,
        **QUICK,
    )
    assert bounded.at_bound["alpha"]
    assert any(one.startswith("alpha ended at its bound: its best value may lie beyond") for one in bounded.verdict)
    assert "identifiable" not in " ".join(bounded.verdict)
