"""A fit whose steps follow an accuracy: the same answer from longer steps, chosen anew where they do not hold."""

import numpy as np
import pytest

import llgrad as lg

TRUE = lg.presets.kubota2013().replace(field=(0.0, 0.0, 0.06))
RUN = lg.simulate(TRUE, duration=1.5e-9, m0=lg.direction(1.0, 0.3), save=lg.solvers.Interval(10e-12), accuracy=1e-10)
TRACE = lg.trace_of(RUN)
FREE = ["alpha", "current", "field.z"]


def test_long_steps_find_the_same_and_are_chosen_anew_where_the_answer_turns_faster():
    start = TRUE.replace(field=(0.0, 0.0, 0.02), current=2.3e-3, alpha=0.006)
    found = lg.fit(start, TRACE, free=FREE, m0=lg.direction(1.0, 0.3), accuracy=1e-8)
    for name, value in {"alpha": TRUE.alpha, "current": TRUE.current, "field.z": 0.06}.items():
        assert found.values[name] == pytest.approx(value, rel=1e-5), name
    (sentence,) = [said for said in found.verdict if "chosen anew" in said]
    assert "in place of" in sentence
    assert found.solution is not None
    assert found.solution.problem.recordings[0].step > 10e-12


def test_a_start_that_is_the_answer_keeps_its_steps():
    found = lg.fit(TRUE, TRACE, free=FREE, m0=lg.direction(1.0, 0.3), accuracy=1e-8)
    assert not [said for said in found.verdict if "chosen anew" in said]
    assert np.abs(found.predictions[0]["mx"] - TRACE.columns["mx"]).max() < 1e-6


def test_accuracy_is_of_whole_traces_and_in_place_of_dt():
    with pytest.raises(ValueError, match="leave one of the two out"):
        lg.fit(TRUE, TRACE, free=FREE, accuracy=1e-8, dt=1e-12)
    table = lg.data.FrequencyTable("current", np.linspace(2e-3, 3e-3, 8), np.linspace(4e8, 5e8, 8))
    with pytest.raises(ValueError, match="accuracy is that of a trace that is fitted whole"):
        lg.fit(TRUE, table, free=["alpha", "field.z"], accuracy=1e-6)
