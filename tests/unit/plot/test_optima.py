"""Pictures of optima."""

import dataclasses

import numpy as np
import pytest
from tests.unit.plot.conftest import check_whole

import llgrad as lg
from llgrad import plot

STO = lg.presets.kubota2013()
RANGES = {"current": (0, "3mA"), "field.z": (0, "5kOe")}


def bowl(sto):
    return 1 + (sto.current / 1e-3 - 1) ** 2 + 4 * (sto.field.z / 0.1 - 2) ** 2 + sto.alpha


@pytest.fixture(scope="module")
def result():
    return lg.optimise(STO, lg.minimise(bowl, unit="J"), RANGES, {"current": "<=0.8mA"}, starts=5)


def test_pictures_are_whole(result):
    front = lg.optimising.pareto_front(STO, [lg.minimise(bowl), lg.maximise("current")], RANGES, points=4)
    for draw, found in ((plot.optimum, result), (plot.sensitivities, result), (plot.front, front)):
        check_whole(draw.__name__, draw(found))
    above, below = plot.front(front).axes
    np.testing.assert_allclose(above.lines[0].get_ydata(), [one.values[0] for one in front.points])
    assert len(below.lines) == 2


def test_what_is_drawn_is_what_was_found(result):
    history, paths = plot.optimum(result).axes
    assert history.lines[0].get_ydata()[-1] == pytest.approx(result.value)
    assert paths.get_xticklabels()[0].get_text() == "current\n800 µA"
    bars = plot.sensitivities(result).axes[0]
    assert "alpha = 0.005" in [label.get_text() for label in bars.get_yticklabels()]


def test_a_search_that_changes_nothing_any_more_is_drawn_as_one_value(result):
    last = [{**row, "best": result.value * (1 + 1e-8 * place)} for place, row in enumerate(result.history)]
    figure = plot.optimum(dataclasses.replace(result, history=last))
    check_whole("optimum", figure)
    low, high = figure.axes[0].get_ylim()
    assert high - low > 1e-3 * result.value


def test_what_cannot_be_drawn_is_told():
    flat = lg.optimise(STO, lg.minimise(lambda sto: (sto.current - 1e-3) ** 2), {"current": (0, "3mA")}, starts=1)
    assert plot.optimum(flat) is not None
    with pytest.raises(ValueError, match="result is a float, expected an Optimum"):
        plot.sensitivities(3.0)
