"""What is read of an array."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from tests.networks.small import CLASSES, DEVICE, classifier, pixels

import llgrad as lg
from llgrad.networks.bench.readout import Readout


def states(rng):
    m = rng.normal(size=(2, 4, 5, 3))
    return jnp.asarray(m / np.linalg.norm(m, axis=-1, keepdims=True), jnp.float32)


def test_signals_are_components_or_voltages(rng):
    m, current = states(rng), jnp.linspace(1e-3, 3e-3, 5, dtype=jnp.float32)
    assert lg.networks.Signal.MAGNETISATION.of(m, DEVICE, current) is m
    assert (lg.networks.Signal.X.of(m, DEVICE, current)[..., 0] == m[..., 0]).all()
    voltage = lg.networks.Signal.VOLTAGE.of(m, DEVICE, current)
    cosine = np.asarray(m, float) @ np.array([DEVICE.polariser.x, DEVICE.polariser.y, DEVICE.polariser.z])
    R = DEVICE.junction.resistance
    expected = np.asarray(current, float) * R(cosine) / (DEVICE.current * R(0.0))
    np.testing.assert_allclose(voltage[..., 0], expected, rtol=1e-5)
    assert all(signal.of(m, DEVICE, current).shape == (2, 4, 5, signal.width) for signal in lg.networks.Signal)


def test_logits_are_linear_in_all_signals(rng):
    signals = states(rng)
    weights = rng.normal(size=(2 * 5 * 3, CLASSES)).astype(np.float32)
    bias = np.arange(3, dtype=np.float32)
    logits = Readout(jnp.asarray(weights), jnp.asarray(bias))(signals)
    expected = np.einsum("rbnc,rncj->bj", np.asarray(signals), weights.reshape(2, 5, 3, CLASSES)) + bias
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("signal", list(lg.networks.Signal))
def test_a_network_reads_each_signal(signal):
    network = classifier(signal=signal)
    assert network.readout.weights.shape == (5 * signal.width, CLASSES)
    assert np.isfinite(network(pixels(3))).all()


def test_a_voltage_needs_a_junction():
    design = classifier(signal=lg.networks.Signal.VOLTAGE).design()
    with pytest.raises(ValueError, match=r"its device has no junction; give one, as in device\.replace\(junction="):
        lg.networks.Signal.VOLTAGE.of(
            jnp.zeros((1, 5, 3)), DEVICE.replace(junction=None), design.stages[0].settings.current
        )
    with pytest.raises(ValueError, match=r"whose current is 0 A; give it one, as in device\.replace\(current=2e-3\)"):
        lg.networks.Signal.VOLTAGE.of(
            jnp.zeros((1, 5, 3)), DEVICE.replace(current=0.0), design.stages[0].settings.current
        )
