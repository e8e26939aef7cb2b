"""The estimator: its read-out, scikit-learn's interface, tasks, and what it refuses."""

import numpy as np
import pytest
import sklearn.base
from tests.reservoir.systems import Leaky
from tests.reservoir.test_running import STO, leaky

import llgrad as lg
from llgrad.reservoir import (
    EchoStateNetwork,
    LinearTaps,
    Reservoir,
    SignalTask,
    information_capacity,
    mackey_glass,
    memory_capacity,
    narma,
    parity,
    ranks,
    short_term_memory,
    sine_square,
    tune,
    tuning_grid,
)
from llgrad.reservoir.readout import fitted, ridge
from llgrad.reservoir.tasks.named import TASKS, task_of
from llgrad.reservoir.tasks.narma import _higher

SIGNAL = np.linspace(-1, 1, 40)


def test_both_ridge_regressions_agree(rng):
    x, y = rng.standard_normal((50, 6)) + 3, rng.standard_normal((50, 2))
    for penalty in (1e-6, 0.1):
        weights, offset = ridge(x, y, penalty)
        found = fitted(x, y, (penalty,), 0.25)
        np.testing.assert_allclose(found.weights, weights, rtol=1e-7)
        np.testing.assert_allclose(found.offset, offset, rtol=1e-7)


def test_the_penalty_is_chosen_on_what_was_not_fitted(rng):
    """Nothing to learn from 40 of 50 rows in 30 columns: the strongest penalty; what is linear: the weakest."""
    x = rng.standard_normal((50, 30))
    assert fitted(x, rng.standard_normal((50, 1)), (1e-9, 1e2), 0.2).penalty == 1e2
    assert fitted(x, x @ rng.standard_normal((30, 1)), (1e-9, 1e2), 0.2).penalty == 1e-9


def test_the_interface_of_scikit_learn():
    reservoir = leaky(nodes=2, gain=2e9)
    twin = sklearn.base.clone(reservoir)
    assert twin.get_params() == reservoir.get_params() and twin is not reservoir
    assert sklearn.base.is_regressor(reservoir)
    assert twin.set_params(gain=1e9).gain == 1e9
    with pytest.raises(ValueError, match="Reservoir has no 'gian'; it has model, hold"):
        twin.set_params(gian=1.0)
    assert (
        repr(leaky(nodes=2)) == "Reservoir(hold=1e-09, input='drive', gain=1000000000.0, nodes=2, dt=2e-11, washout=5)"
    )


def test_noise_is_a_part_of_the_rms():
    signal = np.random.default_rng(0).uniform(-1, 1, 2000)
    quiet, loud = leaky(nodes=2).states(signal), leaky(nodes=2, noise=0.1).states(signal)
    assert (loud - quiet).std() == pytest.approx(0.1 * np.sqrt(quiet.var(axis=0).mean()), rel=0.05)


def test_an_array_without_coupling_reads_each_member():
    array = lg.systems.SystemArray(Leaky(), 2)
    reservoir = leaky(model=array, mask=np.array([1.0, 0.5]))
    states = reservoir.states(SIGNAL)
    np.testing.assert_allclose(states[:, 1], 0.5 * states[:, 0], rtol=1e-12)


def test_narma_follows_its_recurrences():
    for order in (2, 5, 10):
        task = narma(order, length=300, seed=3)
        u, y = task.signal[:, 0], task.target[:, 0]  # y[t] is y_{t+1}
        t = np.arange(30, 300)
        if order == 2:
            expected = 0.4 * y[t - 1] + 0.4 * y[t - 1] * y[t - 2] + 0.6 * u[t] ** 3 + 0.1
        else:
            past = sum(y[t - 1 - i] for i in range(order))
            expected = 0.3 * y[t - 1] + 0.05 * y[t - 1] * past + 1.5 * u[t - order + 1] * u[t] + 0.1
        np.testing.assert_allclose(y[t], expected, rtol=1e-12)


def test_a_narma_that_diverges_is_seen():
    """0.5 y² − 0.7 y + 0.475 has no real root: a constant input of 0.5 has no steady answer."""
    assert _higher(np.full(400, 0.5), 10).max() > 1
    assert all(np.abs(narma(10, length=3000, seed=seed).target).max() <= 1 for seed in range(3))


def test_mackey_glass_is_the_equation():
    """Its slope over a unit of time, by Simpson's rule on the delayed series itself (τ = 2 is near its rest, 1)."""
    task = mackey_glass(length=300, delay=17.0)
    x = task.signal[:, 0]
    assert abs(x.mean()) < 1e-12 and x.std() == pytest.approx(1)
    spectrum = np.abs(np.fft.rfft(x))[1:]
    assert 40 < 300 / (1 + spectrum.argmax()) < 60  # the pseudo-period is near 50
    assert mackey_glass(length=50, seed=1).signal[0] != mackey_glass(length=50, seed=2).signal[0]


def test_a_single_symbol_does_not_tell_a_square_from_a_sine():
    task = sine_square(length=800)
    both = set(np.round(task.signal[task.target > 0], 6)) & set(np.round(task.signal[task.target < 0], 6))
    assert both == {1.0, -1.0}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_can_be_split(name):
    first, rest = task_of(name, 100, seed=1).split(0.4)
    assert (len(first), len(rest)) == (40, 60) and first.target.shape[1] == rest.target.shape[1]


def test_an_echo_state_network_beats_what_is_linear():
    fit, test = narma(10, length=2000).split(0.5)
    network = EchoStateNetwork(size=100, gain=0.2, bias=0.5, radius=0.95).fit(fit.signal, fit.target)
    linear = LinearTaps(taps=30).fit(fit.signal, fit.target)
    assert network.errors(test.signal, test.target) < 0.8 * linear.errors(test.signal, test.target)


def gap() -> np.ndarray:
    signal = SIGNAL.copy()
    signal[7] = np.nan
    return signal


SIGNALS = SignalTask("own", SIGNAL, SIGNAL)
REFUSED = {
    "a gap": (lambda: leaky().fit(gap(), SIGNAL), "signal has nan at symbol 7; fill the gap or cut it out"),
    "words": (lambda: leaky().fit(["a"], SIGNAL), "expected numbers, (T,) or (T, F)"),
    "lengths": (lambda: leaky().fit(SIGNAL, SIGNAL[1:]), "target has 39 rows and the signal 40"),
    "short": (lambda: leaky(washout=39).fit(SIGNAL, SIGNAL), "40 symbols, too few for a washout of 39"),
    "not fitted": (lambda: leaky().predict(SIGNAL), "has no read-out yet; call fit"),
    "features": (
        lambda: leaky().fit(SIGNAL, SIGNAL).predict(np.stack([SIGNAL, SIGNAL], 1)),
        "the signal has 2 features, expected 1, as in fit",
    ),
    "constant": (lambda: leaky(gain=0.0).fit(SIGNAL, SIGNAL), "the states are constant after the washout"),
    "diverging": (
        lambda: leaky(feedback=1e30, nodes=2).fit(SIGNAL, SIGNAL),
        "the states diverge at symbol",
    ),
    "a channel": (lambda: leaky(input="field_x").states(SIGNAL), "input = 'field_x', but a signal can act on drive"),
    "a model": (lambda: Reservoir(3.0, hold=1e-9).states(SIGNAL), "model is a float, expected an Oscillator"),
    "a time": (lambda: leaky(hold=5.0).states(SIGNAL), "hold = 5 s, expected the time of a symbol in seconds"),
    "a mask": (lambda: leaky(nodes=3, mask=np.ones(4)).states(SIGNAL), "mask has the shape (4,), expected (1, 3, 1)"),
    "a name": (lambda: leaky(read="y").states(SIGNAL), "read has 'y', which is no component of the state; it has x"),
    "delays": (lambda: short_term_memory(length=30, delays=20), "a delay of 20 symbols, and the signal has 30"),
    "parity": (lambda: parity(length=30, delays=[-1]), "a delay of -1 symbols"),
    "an order": (lambda: narma(3), "order = 3, expected 2, 5 or 10"),
    "a task": (lambda: task_of("narma3", 10), "expected one of narma2, narma5"),
    "a range": (lambda: information_capacity(SIGNAL, 2 * SIGNAL, {1: 2}), "the signal reaches 2: Legendre"),
    "a part to test": (lambda: memory_capacity(leaky(), short_term_memory(40, 2), 1.0), "fraction = 1.0, expected the"),
    "nothing to test": (lambda: memory_capacity(leaky(), short_term_memory(40, 2), 0.999), "leaves 40 to fit and 0 to"),
    "no part": (lambda: narma(2, 40).split(0.001), "leaves 0 to fit and 40 to test on; give a fraction nearer to 0.5"),
    "half a delay": (lambda: short_term_memory(40, [1.5]), "a delay = 1.5, expected a whole number"),
    "a delay twice": (lambda: parity(40, [1, 1]), "or a list of them, each once"),
    "words as delays": (lambda: parity(40, "ab"), "delays = 'ab', expected the largest delay in symbols"),
    "half an order": (lambda: narma(10.0), "order = 10.0, expected 2, 5 or 10"),
    "a seed": (lambda: narma(2, 40, seed="a"), "seed = 'a', expected a whole number, 0 or more"),
    "a negative seed": (lambda: TASKS["stm"](length=40, delays=2, seed=-1), "seed = -1, expected a whole number"),
    "no delays": (lambda: memory_capacity(leaky(), narma(2, 40)), "the task 'narma2' has no delays"),
    "half a degree": (lambda: information_capacity(SIGNAL, SIGNAL, {1.5: 2}), "a degree of delays = 1.5, expected"),
    "shuffles": (lambda: information_capacity(SIGNAL, SIGNAL, {1: 2}, shuffles=-1), "shuffles = -1, expected a whole"),
    "a scale": (lambda: information_capacity(SIGNAL, SIGNAL, {1: 2}, scale=float("nan")), "scale = nan, expected a"),
    "a deviation": (lambda: ranks(leaky(), deviation=-1.0), "deviation = -1.0, expected a number of at least 0"),
    "a threshold": (lambda: ranks(leaky(), threshold=2.0), "threshold = 2, expected a part of the largest singular"),
    "words in a mask": (lambda: leaky(mask="a").states(SIGNAL), "mask = 'a', expected weights near 1"),
    "a gap in a bias": (lambda: leaky(bias=np.nan).states(SIGNAL), "bias has a value that is not finite, expected one"),
    "words in a bias": (lambda: leaky(bias="x").states(SIGNAL), "bias = 'x', expected one number, or (1,)"),
    "nothing read": (lambda: leaky(read=()).states(SIGNAL), "read = (), expected names of components, such as 'mx'"),
    "a number read": (lambda: leaky(read=3).states(SIGNAL), "read = 3, expected names of components, such as 'mx'"),
    "a sum read": (
        lambda: leaky(read=lambda state: state["x"].sum()).states(SIGNAL),
        "read gives the shape () of states",
    ),
    "no course": (lambda: leaky().fit(SIGNAL, SIGNAL).errors(SIGNAL, np.ones(40)), "target 1 is 1 at all 35 symbols"),
    "no course of taps": (lambda: LinearTaps(2, washout=5).fit(np.ones(40), SIGNAL), "the states are constant after"),
    "gaps in states": (lambda: leaky().fit_states(np.full((40, 2), np.nan), SIGNAL), "states has nan at symbol 0"),
    "states of others": (
        lambda: leaky().fit_states(np.ones((40, 2)), SIGNAL[1:]),
        "target has 39 rows and the signal 40",
    ),
    "nothing tells": (lambda: ranks(leaky(gain=0.0, bias=1e9), streams=4, length=5), "all signals end in one state"),
    "a task of words": (lambda: SignalTask("own", SIGNAL, ["a"] * 40), "target holds <U1 values, expected numbers"),
    "a task with a gap": (lambda: SignalTask("own", gap(), SIGNAL), "signal has nan at symbol 7"),
    "a task of two": (lambda: SignalTask("own", SIGNAL, SIGNAL[1:]), "target has 39 rows and the signal 40"),
    "labels of a task": (lambda: SignalTask("own", SIGNAL, SIGNAL, ("a", "b")), "there are 2 labels and 1 targets"),
    "a leak": (lambda: EchoStateNetwork(5, leak=2.0), "leak = 2.0, expected a part above 0 and up to 1"),
    "no density": (lambda: EchoStateNetwork(5, density=0.0), "density = 0.0, expected a part above 0 and up to 1"),
    "a radius": (lambda: EchoStateNetwork(5, radius=-1.0), "radius = -1.0, expected a number of at least 0"),
    "half a delay of Mackey–Glass": (lambda: mackey_glass(40, delay=17.04), "up to 1000 in steps of 0.1"),
    "a range of nothing": (
        lambda: tune(leaky(), SIGNALS, {"gain": (None, 1.0)}, steps=1),
        "free['gain'] = None, expected",
    ),
    "an aim of one value": (
        lambda: tune(leaky(), SignalTask("own", SIGNAL, np.ones(40)), {"gain": (0, 1)}, steps=1),
        "target 1 is 1 at all 16 symbols that count, so that an error has no measure",
    ),
    "a grid of no use": (
        lambda: tuning_grid(leaky(feedback=1e30, nodes=2), SIGNALS, {"gain": (1e9, 2e9)}, points=2),
        "none of the 2 points gives a finite loss: the runs diverge",
    ),
    "a past": (lambda: information_capacity(SIGNAL, SIGNAL, {1: 39}), "leave 1 with a past of 39"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_told_in_a_sentence(case):
    call, sentence = REFUSED[case]
    with pytest.raises(ValueError) as told:
        call()
    assert sentence in str(told.value) and "\n" not in str(told.value)


def test_a_step_that_is_too_long_is_told():
    reservoir = Reservoir(STO, hold=1e-9, input="field_x", gain=50.0, dt=1e-10, washout=2)
    with pytest.raises(ValueError, match="the states diverge at symbol 0"):
        reservoir.states(SIGNAL)
