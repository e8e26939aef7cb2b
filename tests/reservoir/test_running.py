"""What a model does with a signal: exact responses, runs of `simulate`, pieces, derivatives."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.reservoir.systems import Leaky

import llgrad as lg
from llgrad.reservoir import Reservoir, running
from llgrad.reservoir.running import begun, run

HOLD = 1e-9
STO = lg.presets.kubota2013().replace(current=0.5e-3, alpha=0.05, field=(0.05, 0.0, 0.3))


def leaky(**settings) -> Reservoir:
    usual = {"hold": HOLD, "input": "drive", "gain": 1e9, "dt": 2e-11, "washout": 5}
    return Reservoir(settings.pop("model", Leaky()), **(usual | settings))


def exact(reservoir: Reservoir, signal: np.ndarray) -> np.ndarray:
    """Of a Leaky, node by node, its feedback included."""
    wiring = reservoir.wiring(1)
    acting = np.asarray(wiring.drive(jnp.asarray(signal)))[:, 0]
    decay = np.exp(-1e9 * HOLD / wiring.nodes)
    x, found = 0.0, []
    for k, value in enumerate(acting):
        past = found[k - wiring.delay] if wiring.delay and k >= wiring.delay else 0.0
        value = value + wiring.feedback * past
        x = value / 1e9 + (x - value / 1e9) * decay
        found.append(x)
    return np.array(found).reshape(len(signal), -1)


@pytest.mark.parametrize("feedback", [0.0, 0.6e9])
def test_a_linear_system_is_exact(feedback, rng):
    signal = rng.uniform(-1, 1, (20, 1))
    reservoir = leaky(nodes=4, feedback=feedback)
    np.testing.assert_allclose(reservoir.states(signal), exact(reservoir, signal), rtol=1e-6, atol=1e-9)


def stepped(model, signal, wiring):
    """An array of oscillators or one, by a run of `simulate` for each node."""
    state, read = None, []
    for values in np.asarray(wiring.drive(jnp.asarray(signal))):
        own = getattr(model, "oscillator", model).field
        moved = own.x + (values if hasattr(model, "count") else float(values[0]))
        held = model.replace(field=lg.Vec3(moved, own.y, own.z))
        state = lg.simulate(held, duration=wiring.dt * wiring.steps, dt=wiring.dt, m0=state, save=lg.End()).m[-1]
        read.append(np.asarray(state))
    return np.array(read)


@pytest.mark.parametrize("count", [1, 3])
def test_nodes_are_runs_of_constant_field(count, rng):
    """No stage of a step sees what acts after its node."""
    weights = 0.05 * rng.uniform(-1, 1, (3, 3))
    array = lg.OscillatorArray(STO.replace(current=np.array([0.1e-3, 0.3e-3, 0.5e-3])), 3, lg.FieldCoupling(weights))
    model = STO if count == 1 else array
    reservoir = Reservoir(model, hold=0.1e-9, input="field_x", gain=0.1, nodes=2, dt=2.5e-12, washout=1)
    signal = rng.uniform(-1, 1, (3, 1))
    expected = stepped(model, signal, reservoir.wiring(1))
    found = np.asarray(reservoir.course(signal).read).reshape(expected.shape)
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_pieces_change_nothing(rng, monkeypatch):
    """Neither those of a long run nor those of a signal that is given bit by bit."""
    signal = rng.uniform(-1, 1, (24, 1))
    reservoir = leaky(nodes=3, feedback=0.5e9, delay=4)
    whole = np.asarray(reservoir.course(signal).read)
    first = reservoir.course(signal[:7])
    rest = reservoir.course(signal[7:], first.held)
    assert np.array_equal(whole, np.concatenate([first.read, rest.read]))
    monkeypatch.setattr(running, "NODES", 5)
    again = leaky(nodes=3, feedback=0.5e9, delay=4, read=lambda state: state["x"])
    np.testing.assert_array_equal(np.asarray(again.course(signal).read), whole)


def test_a_long_prediction_is_that_in_one_go(rng, monkeypatch):
    signal = rng.uniform(-1, 1, 60)
    reservoir = leaky(nodes=3).fit(signal, signal)
    whole = reservoir.predict(signal)
    monkeypatch.setattr("llgrad.reservoir.estimator.PIECE", 8 * 3 * 20)
    np.testing.assert_allclose(reservoir.predict(signal), whole, atol=1e-12)


def test_the_gradient_is_that_of_finite_differences(rng):
    reservoir = Reservoir(STO, hold=0.2e-9, input="field_x", gain=0.1, nodes=2, feedback=0.05, read="mx", dt=1e-11)
    wiring, signal = reservoir.wiring(1), rng.uniform(-1, 1, (6, 1))
    held = begun(STO, wiring, reservoir.reading)

    @jax.jit
    def total(numbers):
        changed = dataclasses.replace(wiring, gain=numbers[0], feedback=numbers[1], mask=wiring.mask * numbers[2])
        read = run(STO.replace(current=numbers[3]), changed, "field_x", reservoir.reading, signal, held).read
        return jnp.sum(read * jnp.arange(1.0, 1.0 + read.size).reshape(read.shape))

    at = jnp.array([0.1, 0.05, 1.0, 0.5e-3])
    found = jax.jit(jax.grad(total))(at)
    for i in range(4):
        step = jnp.zeros(4).at[i].set(1e-5 * at[i])
        difference = (total(at + step) - total(at - step)) / (2e-5 * at[i])
        assert abs(found[i] - difference) < 1e-6 * abs(difference)


def test_heat_is_drawn_by_the_seed():
    warm = Reservoir(STO.replace(temperature=300.0), hold=0.1e-9, input="field_x", dt=1e-11, washout=1)
    signal = np.ones(4)
    one, same = warm.course(signal).read, warm.course(signal).read
    other = warm.set_params(seed=1).course(signal).read
    assert np.array_equal(one, same) and not np.allclose(one, other, atol=1e-6)
