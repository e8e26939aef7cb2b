"""Intervals of the likelihood: those of a profile, however a parameter is written, and honest where errors are not."""

from types import SimpleNamespace

import numpy as np
import pytest

from llgrad.devices.bounds import Between, Positive, Unbounded
from llgrad.fitting.answers import intervals
from llgrad.fitting.answers.levels import freedom_of, level_of
from llgrad.fitting.problem import CostEvaluation

T = np.linspace(0.0, 3.0, 40)
LEVEL = 1.96**2
# name: prediction and its slopes by parameters, the truth, the noise
MODELS = {
    "straight": (lambda a, b: (a + b * T, (np.ones_like(T), T)), (1.0, 2.0), 0.3),
    "decay": (lambda a, b: (a * np.exp(-b * T), (np.exp(-b * T), -a * T * np.exp(-b * T))), (1.0, 1.0), 0.1),
    "product": (lambda a, b: (a * b + a * T / 4, (b + T / 4, np.full_like(T, a))), (1.0, 0.5), 0.2),
    "saturation": (lambda a, b: (a * T / (b + T), (T / (b + T), -a * T / (b + T) ** 2)), (1.0, 0.6), 0.2),
}
BOUNDS = {
    "as it is": (Unbounded(1.0), Unbounded(3.0)),
    "by logarithms": (Positive(), Positive()),
    "within a range": (Between(-3.0, 5.0), Between(-2.0, 8.0)),
}


class Known:
    """A model in closed form in place of a problem of a fit."""

    near = ()

    def __init__(self, model, data, bounds):
        self.model, self.data, self.bounds, self.names = model, data, bounds, ("a", "b")
        self.noise = MODELS[model][2]

    def evaluate(self, u):
        values = [float(bound.physical(x)) for bound, x in zip(self.bounds, u, strict=True)]
        stretch = [
            float(bound.physical(x + 1e-6) - bound.physical(x - 1e-6)) / 2e-6
            for bound, x in zip(self.bounds, u, strict=True)
        ]
        predicted, slopes = MODELS[self.model][0](*values)
        left, jacobian = (predicted - self.data) / self.noise, np.array(slopes).T * stretch / self.noise
        return left @ left, jacobian.T @ left, jacobian.T @ jacobian

    def minimum(self, values, held=()):
        """Where χ² is least, some parameters being held."""
        u, free = (
            np.array([bound.free(x) for bound, x in zip(self.bounds, values, strict=True)]),
            [i for i in (0, 1) if i not in held],
        )
        for _ in range(40):
            _, gradient, curvature = self.evaluate(u)
            u[free] -= np.clip(np.linalg.solve(curvature[np.ix_(free, free)], gradient[free]), -0.3, 0.3)
        return u


@pytest.fixture(autouse=True)
def closed_form(monkeypatch):
    def evaluate(problem, u, m0, horizon, near):
        return CostEvaluation(*map(np.array, zip(*map(problem.evaluate, u), strict=True)), near)

    monkeypatch.setattr(intervals, "evaluate", evaluate)


def edges_of(problem, u):
    edges = intervals._Edges(problem, u, np.zeros((1, 3)), np.array([0, 0, 1, 1]), LEVEL)
    edges.search(SimpleNamespace(count=lambda *_: None, note=lambda *_, **__: None))
    assert edges.settled.all()
    return np.array([float(edges.value(lane)) for lane in range(4)]).reshape(2, 2)


def values_of(problem, u):
    return np.array([float(bound.physical(x)) for bound, x in zip(problem.bounds, u, strict=True)])


def drawn(model, rng, bounds="as it is"):
    call, truth, noise = MODELS[model]
    problem = Known(model, call(*truth)[0] + noise * rng.normal(size=T.size), BOUNDS[bounds])
    return problem, problem.minimum(truth)


@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("model", MODELS)
def test_an_edge_is_where_the_profile_reaches_the_level(model, bounds, rng):
    problem, u = drawn(model, rng, bounds)
    least = problem.evaluate(u)[0]
    for place, pair in enumerate(edges_of(problem, u)):
        for edge in pair:
            values = values_of(problem, u)
            values[place] = edge
            rise = problem.evaluate(problem.minimum(values, held=(place,)))[0] - least
            assert rise == pytest.approx(LEVEL, rel=0.02)


def test_a_straight_model_has_its_standard_errors(rng):
    problem, u = drawn("straight", rng)
    errors = np.sqrt(np.diag(np.linalg.inv(problem.evaluate(u)[2]))) * [1.0, 3.0]
    values = u * [1.0, 3.0]
    expected = values[:, None] + 1.96 * errors[:, None] * [-1, 1]
    np.testing.assert_allclose(edges_of(problem, u), expected, rtol=1e-9)


def test_intervals_hold_the_truth_where_standard_errors_do_not(rng):
    """In 95 % of 600 draws, within what so many tell (±0.02)."""
    truth, held, by_errors = np.array(MODELS["saturation"][1]), [], []
    for _ in range(600):
        problem, u = drawn("saturation", rng)
        edges = edges_of(problem, u)
        held.append((edges[:, 0] <= truth) & (truth <= edges[:, 1]))
        errors = np.sqrt(np.diag(np.linalg.inv(problem.evaluate(u)[2]))) * [1.0, 3.0]
        by_errors.append(np.abs(u * [1.0, 3.0] - truth) < 1.96 * errors)
    assert np.abs(np.mean(held, axis=0) - 0.95).max() < 0.02
    assert np.mean(by_errors, axis=0).min() < 0.93


def test_where_noise_is_estimated_the_level_is_students():
    def level(*noises):
        problem = SimpleNamespace(recordings=[SimpleNamespace(data=np.zeros(6)) for _ in noises])
        return level_of(0.95, freedom_of(problem, [SimpleNamespace(noise=one) for one in noises], 2)) ** 0.5

    assert level(0.1, 0.2) == pytest.approx(1.959964, abs=1e-6)
    assert level(None) == pytest.approx(2.776445, abs=1e-6)  # of 4 degrees of freedom
    assert level(None, 0.1) == pytest.approx(2.570582, abs=1e-6)  # of 5
