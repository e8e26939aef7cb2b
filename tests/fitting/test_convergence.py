"""Converged means at a minimum, for every method: laws on curves whose minimum is known, none of which is simulated."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from llgrad import presets
from llgrad.devices.bounds import between, positive
from llgrad.fitting.methods.base import Begin, Log
from llgrad.fitting.methods.descent import GradientDescent
from llgrad.fitting.methods.grid import GridSearch
from llgrad.fitting.methods.least_squares import LevenbergMarquardt
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.recording import Recording
from llgrad.fitting.targets.starting import form_of

X = np.linspace(0.0, 1.0, 60)
METHODS = {
    "least squares": LevenbergMarquardt(),
    "descent": GradientDescent(steps=300),
    "another optimiser": GradientDescent(optax.adam(0.01), steps=300),
    "grid": GridSearch(points=5),
}
CURVES = {
    "straight": lambda a: a * X,
    "flat": lambda a: 0.0 * a + X,
    "nearly flat": lambda a: X * jnp.exp(-jnp.abs(a)) * 1e-9,
    "a tail": lambda a: X / (1 + a),
    "rugged": lambda a: a * X + 0.05 * jnp.sin(3e5 * a),
    "a wall": lambda a: jnp.where(a < 1.2, a * X, jnp.nan),
    "wavy": lambda a: jnp.sin(9 * a * X),
}


class Curve(Recording):
    """Data that are a curve of one parameter, without a simulation."""

    name: str = eqx.field(static=True)

    def predict(self, bound: Any, mask: Any) -> tuple[Any, Any]:
        return CURVES[self.name](bound.model.alpha)[:, None], True

    def mask(self, horizon: Any) -> Any:
        return jnp.ones(X.size, bool)


def problem_of(name, truth, bound, noise=0.01):
    with jax.enable_x64(True):
        data = np.asarray(CURVES["straight" if name in ("flat", "nearly flat", "a wall", "rugged") else name](truth))
        data = data + noise * np.random.default_rng(3).normal(size=X.size)
        model = eqx.tree_at(lambda m: m.alpha, presets.kubota2013(), jnp.asarray(0.0))
        recorder = {"delay": 0.0, "bandwidth": None, "gain": 1.0, "offset": 0.0, "row": 0, "label": "1"}
        curve = Curve(
            model=model,
            drive=None,
            data=jnp.asarray(data)[:, None],
            sigma=jnp.ones((X.size, 1)),
            places=(("alpha", 0),),
            **recorder,
            form=form_of(model),
            by_itself=False,
            name=name,
        )
        return Problem((curve,), jax.tree.map(jnp.asarray, (bound,)), ("alpha",), jnp.asarray(1e10))


def searched(problem, method, start, log=None):
    bound = problem.bounds[0]
    u = np.array([[bound.free(bound.inside(start))]])
    found = method.search(problem, Begin(u, np.array([[[0.0, 0.0, 1.0]]])), log or Log())
    return bool(found.converged[0]), float(problem.physical(jnp.asarray(found.u[0]))[0]), found


@pytest.mark.parametrize("name", ["least squares", "descent", "another optimiser"])
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.3])
def test_a_minimum_is_found_and_called_one(name, noise):
    for start in (1.5, 0.9):
        converged, value, _ = searched(problem_of("straight", 1.5, positive(), noise), METHODS[name], start)
        assert value == pytest.approx(1.5, rel=max(1e-5, 0.2 * noise)), start
        assert converged or (noise == 0 and name != "least squares"), start


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("curve", CURVES)
def test_what_is_called_converged_is_at_a_minimum(name, curve):
    """No value within 5 % is better by more than a tenth of a standard error squared, and the curve has a slope."""
    for start, bound in ((0.4, positive()), (0.4, between(0.1, 9.0)))[: 2 if name == "least squares" else 1]:
        problem = problem_of(curve, 1.5, bound)
        converged, value, found = searched(problem, METHODS[name], start)
        around = np.concatenate([value * (1 + np.linspace(-0.05, 0.05, 101)), value + np.linspace(-1e-4, 1e-4, 101)])
        costs = np.array(
            [np.sum((CURVES[curve](a) - np.asarray(problem.recordings[0].data)[:, 0]) ** 2) for a in around]
        )
        lowest = np.nanmin(costs)
        if converged:
            assert found.cost[0] - lowest < 0.02 * lowest / X.size, (curve, start, value)
            assert curve not in ("flat", "nearly flat") or problem.bounds[0].at_edge(value), value
        elif name == "least squares" and curve in ("straight", "a tail"):
            pytest.fail(f"{curve} has a minimum at 1.5, found {value}")


@pytest.mark.parametrize("method", [LevenbergMarquardt(iterations=1), GradientDescent(steps=5), GridSearch()])
def test_a_limit_is_no_minimum(method):
    assert not searched(problem_of("wavy", 1.5, positive()), method, 1.3)[0]


def test_a_minimum_at_infinity_is_none():
    """Data of zero: the curve x/(1 + a) comes nearer for ever, and its slope dies away. The step does not."""
    problem = problem_of("a tail", 1e12, positive(), noise=1e-3)
    for start in (1.0, 1e4, 1e9):
        converged, value, _ = searched(problem, LevenbergMarquardt(), start)
        assert not converged, (start, value)


@pytest.mark.parametrize("name", ["least squares", "descent"])
def test_a_start_at_a_bound(name):
    for bound, start, best in (
        (between(0.2, 3.0), 0.2, 1.5),
        (between(0.2, 3.0), 3.0, 1.5),
        (between(2.0, 3.0), 3.0, 2.0),
    ):
        problem = problem_of("straight", 1.5, bound)
        converged, value, _ = searched(problem, METHODS[name], start)
        assert converged == (abs(value - best) < 0.02), (bound, start, value)
        assert converged or name == "descent"
        assert problem.bounds[0].at_edge(value) == (best == 2.0) or name == "descent"


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("stop", ["interrupted", "out of time"])
def test_every_method_returns_the_best_so_far(name, stop):
    def interrupt(entry):
        if stop == "interrupted" and len(log.history) == 3:
            raise KeyboardInterrupt

    log = Log(interrupt, lambda: stop == "out of time" and len(log.history) >= 3)
    method = GridSearch(points=40, batch=8) if name == "grid" else METHODS[name]
    converged, value, found = searched(problem_of("wavy", 1.5, positive()), method, 1.3, log)
    assert found.interrupted == stop and len(log.history) == 3
    assert np.isfinite(found.cost[0]) and np.isfinite(value) and found.cost.shape == (1,)
    assert not converged or name != "grid"
    again = searched(problem_of("wavy", 1.5, positive()), METHODS["least squares"], 1.3, log)[2]
    assert again.interrupted == stop and len(log.history) == 3, "what comes later ends at once"
