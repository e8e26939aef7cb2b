"""What the oscillators are compared with is of the same size."""

from __future__ import annotations

import dataclasses

import equinox as eqx
import jax
import numpy as np
import pytest
from tests.networks.small import bits, classifier, pixels

import llgrad as lg
from llgrad.networks.baselines import uncoupled
from llgrad.networks.trained.layer import Part


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


def test_without_coupling_nothing_is_multiplied_by_zero(tmp_path):
    network = classifier(oscillators=(5, 5))
    without, images = uncoupled(network), np.random.default_rng(0).random((3, 4, 4)).astype(np.float32)
    zero = dataclasses.replace(
        network, layers=tuple(layer.replace(coupling=0.0 * layer.coupling) for layer in network.layers)
    )
    np.testing.assert_allclose(without(images), zero(images), rtol=1e-5, atol=1e-6)
    assert "coupling" not in without.parts and Part.COUPLING not in without.trained
    assert all(stage.settings.array(stage.device).coupling is None for stage in without.design().stages)
    lg.networks.save_network(tmp_path / "network.json", without)
    again = lg.networks.load_network(tmp_path / "network.json")
    assert again.spec() == without.spec() and bits(again.design().stages) == bits(without.design().stages)
