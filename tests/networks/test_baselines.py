"""What the oscillators are compared with is of the same size."""

from __future__ import annotations

import equinox as eqx
import jax
import numpy as np
import pytest
from tests.networks.small import bits, classifier, pixels

import llgrad as lg
from llgrad.networks.baselines import uncoupled


def trained_numbers(network):
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(network, network.trainable())))


@pytest.mark.parametrize(("side", "classes", "count"), [(28, 10, 256), (8, 10, 64)])
def test_the_static_layer_has_as_many_numbers(side, classes, count, key):
    oscillators = classifier(shape=(side, side), classes=classes, oscillators=count)
    tanh = lg.networks.TanhNetwork.create((side, side), classes, count, key)
    assert trained_numbers(tanh) == pytest.approx(trained_numbers(oscillators), rel=0.01)


def test_baselines_are_their_formulas(key):
    images = pixels(3)
    tanh = lg.networks.TanhNetwork.create((4, 4), 3, 5, key)
    a = images.reshape(3, -1) @ np.asarray(tanh.gains) + np.asarray(tanh.bias)
    h = np.tanh(a)
    s = np.tanh(a + h @ np.asarray(tanh.coupling).T + np.asarray(tanh.shift))
    expected = np.concatenate([h, s, h * s], axis=1) @ np.asarray(tanh.weights) + np.asarray(tanh.offset)
    np.testing.assert_allclose(tanh(images), expected, rtol=1e-4, atol=1e-5)
    softmax = lg.networks.SoftmaxNetwork.create((4, 4), 3)
    assert not softmax(images).any() and trained_numbers(softmax) == 16 * 3 + 3
    assert tanh.built() is tanh


def test_without_coupling_only_the_coupling_is_gone():
    network = classifier(oscillators=(5, 5))
    plain, without = network.design(), uncoupled(network).design()
    for before, after in zip(plain.stages, without.stages, strict=True):
        assert not after.settings.coupling.any() and before.settings.coupling.any()
        assert bits(after.settings.replace(coupling=before.settings.coupling)) == bits(before.settings)
