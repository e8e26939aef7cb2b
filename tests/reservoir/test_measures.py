"""Capacities of what is known exactly, and what forgets and what does not."""

import numpy as np
import pytest
from tests.reservoir.systems import Leaky, TwoWells
from tests.reservoir.test_running import HOLD, leaky

from llgrad.reservoir import (
    LinearTaps,
    consistency,
    driven_exponent,
    information_capacity,
    memory_capacity,
    parity,
    ranks,
    short_term_memory,
)
from llgrad.reservoir.estimator import WithReadout
from llgrad.reservoir.measures.information import products


def taps(u: np.ndarray, count: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(u, count)


def linear_network(u: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """x_t = W x_{t−1} + w u_t with the eigenvalues 0.9 on a circle: all of its states are independent."""
    weights = 0.8 * np.linalg.qr(rng.standard_normal((size, size)))[0]
    inward, x, found = rng.standard_normal(size), np.zeros(size), []
    for value in u:
        x = weights @ x + inward * value
        found.append(x)
    return np.array(found)


def test_a_delay_line_has_its_length():
    found = memory_capacity(LinearTaps(taps=7, washout=10), short_term_memory(length=3000, delays=20))
    np.testing.assert_allclose(found.values[:7], 1.0, atol=1e-6)
    assert found.values[7:].max() < 0.02
    assert found.total == pytest.approx(6, abs=0.1)  # delays 1 to 6, and chance


def test_a_linear_system_has_no_parity():
    found = memory_capacity(LinearTaps(taps=7, washout=10), parity(length=3000, delays=5))
    assert found.values[0] == pytest.approx(1) and found.total < 0.05


@pytest.mark.parametrize("kind", ["delay line", "linear network", "polynomial", "products"])
def test_information_capacities_are_exact(kind, rng):
    u = rng.uniform(-1, 1, 6000)
    delays = {1: 40, 2: 6, 3: 3, 4: 2}
    states, expected = {
        "delay line": lambda: (taps(u, 5), {1: 5.0, 2: 0.0, 3: 0.0, 4: 0.0}),
        "linear network": lambda: (linear_network(u, 6, rng), {1: 6.0, 2: 0.0, 3: 0.0, 4: 0.0}),
        "polynomial": lambda: (np.stack([u, u**2, u**3, u**4], axis=1), {1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0}),
        "products": lambda: (np.stack([u[2:] * u[:-2], u[1:-1]], axis=1), {1: 1.0, 2: 1.0, 3: 0.0, 4: 0.0}),
    }[kind]()
    found = information_capacity(states[100 - len(u) + len(states) :], u, delays, shuffles=40)
    assert found.rank == states.shape[1]
    assert found.total == pytest.approx(found.rank, abs=0.15)  # what is there by chance
    for degree, value in expected.items():
        assert found.by_degree[degree] == pytest.approx(value, abs=0.15), degree
        assert sum(found.by_delay[degree]) == pytest.approx(found.by_degree[degree])


def test_what_has_nothing_to_do_with_the_signal_has_no_capacity(rng):
    u, noise = rng.uniform(-1, 1, 3000), rng.standard_normal((3000, 5))
    delays = {1: 20, 2: 5}
    assert information_capacity(noise, u, delays, shuffles=100).total < 0.02
    assert information_capacity(noise, u, delays, shuffles=0).total == pytest.approx(5 * (21 + 21) / 3000, rel=0.3)


def test_the_products_are_those_of_the_degree():
    terms = list(products({2: 1, 3: 1}))
    assert terms[:3] == [((0, 2),), ((0, 1), (1, 1)), ((1, 2),)] and len(terms) == 3 + 4


def test_the_exponent_of_a_linear_system_is_its_rate():
    found = driven_exponent(leaky(), np.random.default_rng(0).uniform(-1, 1, 20))
    assert found.rate == pytest.approx(-1e9, rel=1e-5)
    assert found.per_symbol == pytest.approx(-1e9 * HOLD, rel=1e-5)


@pytest.mark.parametrize(("model", "responses"), [(Leaky(), 1), (TwoWells(), 2)])
def test_the_number_of_responses(model, responses):
    signal = 0.05 * np.random.default_rng(0).uniform(-1, 1, 60)
    found = consistency(leaky(model=model, washout=30), signal, starts=6)
    assert found.responses == responses and found.echo_state == (responses == 1)
    assert (found.index > 0.999) == (responses == 1)
    assert (found.distances[-1] < 1e-6) == (responses == 1)


def test_ranks_of_a_linear_system():
    """One node of one number has one direction, whatever is shown."""
    found = ranks(leaky(nodes=3), streams=8, length=10)
    assert (found.kernel, found.generalisation) == (2, 2)  # the last symbol, and the state before it


def test_readings_of_a_user_are_measured(rng):
    class Squares(WithReadout):
        washout, penalties, validation = 0, (1e-9,), 0.25

        def states(self, signal):
            return np.asarray(signal) ** 2

    signal = rng.uniform(-1, 1, 100)
    assert Squares().fit(signal, signal**2).score(signal, signal**2) == pytest.approx(1)


@pytest.mark.parametrize(
    ("symbols", "degree", "said"),
    [
        (lambda u: (u + 1) / 2, 1, "even in"),
        (lambda u: u / 4, 2, "even in"),
        (np.sign, 2, "even in"),
        (lambda u: np.clip(u**3, -1, 1), 3, "even in"),
        (lambda u: np.sin(0.7 * np.arange(len(u))), 1, "1 apart are not independent"),
        (lambda u: np.repeat(u[: len(u) // 2], 2), 2, "1 apart are not independent"),
        (np.sign, 1, ""),
        (lambda u: np.round(16 * u) / 16, 6, ""),
        (lambda u: u, 6, ""),
    ],
)
def test_symbols_whose_products_share_something_are_refused_and_no_total_is_above_the_rank(symbols, degree, said, rng):
    u = symbols(rng.uniform(-1, 1, 3000))
    x = np.stack([u[1:], u[:-1], u[1:] * u[:-1]], axis=1)
    delays = {n: 3 for n in range(1, degree + 1)}
    if said:
        with pytest.raises(ValueError, match=said):
            information_capacity(x, u, delays, shuffles=20)
        return
    found = information_capacity(x, u, delays, shuffles=20)
    assert found.total < 1.05 * found.rank
