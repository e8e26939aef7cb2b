"""Gradient descent (the paper's way) and the grid search that it replaces."""

import numpy as np
import optax
import pytest
from tests.fitting.conftest import TRUTH

from llgrad import presets
from llgrad.core.record import set_leaf
from llgrad.datasets.trace import Trace
from llgrad.fitting.fit import fit
from llgrad.fitting.methods.descent import GradientDescent
from llgrad.fitting.methods.grid import GridSearch, grid_simulations


def start():
    device = presets.kubota2013().replace(alpha=0.007, current=1.6e-3)
    return set_leaf(device, "field.z", 0.027)


@pytest.fixture(scope="module")
def short(teacher):
    keep = teacher.t <= 1e-9
    return Trace(teacher.t[keep], {name: values[keep] for name, values in teacher.columns.items()})


@pytest.mark.parametrize("optimiser", [None, optax.adam(0.01), optax.rmsprop(0.003)])
def test_descent_comes_near_the_truth(short, first_state, optimiser):
    method = GradientDescent(optimiser, steps=400)
    result = fit(start(), short, free=list(TRUTH), m0=first_state, method=method)
    assert result.values["field.z"] == pytest.approx(TRUTH["field.z"], rel=0.03)
    assert result.values["current"] == pytest.approx(TRUTH["current"], rel=0.03)
    assert result.simulations == (400 + 1) * 4


def test_an_unfinished_descent_says_so(short, first_state):
    result = fit(start(), short, free=list(TRUTH), m0=first_state, method=GradientDescent(steps=5))
    assert not result.converged
    assert "before it converged" in result.status
    assert "hold at a minimum only" in str(result)


def test_grid_takes_its_best_node(short, first_state):
    result = fit(start(), short, free=["field.z", "current"], m0=first_state, method=GridSearch(points=9, span=0.4))
    nodes = {name: np.linspace(0.6, 1.4, 9) * value for name, value in (("field.z", 0.027), ("current", 1.6e-3))}
    assert result.simulations == 81
    for name, values in nodes.items():
        assert np.isclose(values, result.values[name], rtol=1e-9).any()


def test_count_of_a_grid_of_given_accuracy():
    assert grid_simulations({"a": (0.0, 1.0)}, {"a": 0.05}) == 10
    assert grid_simulations({"a": (0.0, 1.0), "b": (0.0, 2.0)}, {"a": 0.05, "b": 0.05}) == 200
