"""One step: the optimiser's own numbers, what is decayed, and steps that are not finite."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tests.training.conftest import Poisoned, numbers, poisoned, random_images, strict_network

from llgrad.networks.network import cross_entropy
from llgrad.training.evaluation import evaluate, judged
from llgrad.training.recipe import Recipe
from llgrad.training.schedules import ConstantSchedule
from llgrad.training.step import TrainingStep, _advance, decayed_of

PLAIN = Recipe(batch=8, learning_rate=0.01, schedule=ConstantSchedule(), weight_decay=0.1, clip=0.5)


def batch(images, first=0, count=8):
    index = np.arange(first, first + count)
    return images.scaled(index), images.labels[index]


def test_steps_are_those_of_adamw():
    network, images = strict_network(), random_images(32)
    step = TrainingStep(network, PLAIN, 4)
    state = step.begin()
    optimiser = optax.chain(
        optax.clip_by_global_norm(0.5), optax.adamw(0.01, weight_decay=0.1, mask=decayed_of(network))
    )
    expected, memory = network, optimiser.init(network)

    def loss_of(network, pixels, labels):
        return optax.softmax_cross_entropy_with_integer_labels(network(pixels), labels).mean()

    both = jax.jit(jax.value_and_grad(loss_of))
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        for number in range(4):
            pixels, labels = batch(images, 8 * number)
            loss, gradient = both(expected, jnp.asarray(pixels), jnp.asarray(labels))
            updates, memory = optimiser.update(gradient, memory, expected)
            expected = optax.apply_updates(expected, updates)
            state, outcome = step(state, pixels, labels, number)
            np.testing.assert_allclose(float(outcome.loss), float(loss), rtol=1e-5)
            np.testing.assert_allclose(float(outcome.gradient_norm), float(optax.tree.norm(gradient)), rtol=1e-4)
            assert outcome.accepted == 1
    for mine, theirs in zip(jax.tree.leaves(step.network(state)), jax.tree.leaves(expected), strict=True):
        assert mine.dtype == jnp.float32
        np.testing.assert_allclose(mine, theirs, atol=2e-6)


def test_matrices_are_decayed_unless_the_network_says_otherwise():
    decayed = decayed_of(strict_network())
    assert (decayed.gains, decayed.bias, decayed.coupling, decayed.weights, decayed.offset) == (
        True,
        False,
        True,
        True,
        False,
    )

    class Undecayed(Poisoned):
        def decayed(self):
            return jax.tree.map(lambda _: False, self)

    assert jax.tree.leaves(decayed_of(Undecayed(jnp.ones((3, 3), jnp.float32)))) == [False]


def test_what_is_not_trained_stays_to_the_bit():
    class Frozen(Poisoned):
        extra: object = None

        def trainable(self):
            return eqx.tree_at(lambda tree: tree.extra, jax.tree.map(lambda _: True, self), False)

    network = Frozen(poisoned().weights, extra=jnp.arange(3.0, dtype=jnp.float32))
    step = TrainingStep(network, PLAIN, 4)
    state, _ = step(step.begin(), *batch(random_images(8)), 0)
    after = step.network(state)
    np.testing.assert_array_equal(after.extra, network.extra)
    assert np.abs(after.weights).max() > 0


@pytest.mark.parametrize("in_gradient", [False, True])
def test_a_step_that_is_not_finite_changes_nothing(in_gradient):
    step = TrainingStep(poisoned(in_gradient), PLAIN, 4)
    pixels, labels = batch(random_images(8))
    pixels[:, 0, 0] = 0.0
    state, good = step(step.begin(), pixels, labels, 0)
    before = [np.array(leaf) for leaf in jax.tree.leaves(state)]
    pixels[3, 0, 0] = 1.0
    state, bad = step(state, pixels, labels, 1)
    assert (good.accepted, bad.accepted) == (1, 0)
    assert np.isfinite(bad.loss) == in_gradient
    for old, new in zip(before, jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(old, new)
    pixels[3, 0, 0] = 0.0
    state, again = step(state, pixels, labels, 2)
    assert again.accepted == 1 and again.loss < good.loss


def test_a_step_is_a_function_of_seed_and_number():
    images, recipe = random_images(8), PLAIN.replace(shift=2, rotation=10.0, seed=1)

    def after(recipe, number):
        step = TrainingStep(strict_network(), recipe, 4)
        return numbers(step.network(step(step.begin(), *batch(images), number)[0]))

    assert after(recipe, 3) == after(recipe, 3)
    assert after(recipe, 3) != after(recipe, 4)
    assert after(recipe, 3) != after(recipe.replace(seed=2**32 - 1), 3)


def test_runs_that_differ_in_their_seed_share_one_program():
    class Other(Poisoned):
        pass

    def after(network, recipe):
        return TrainingStep(network, recipe, 4)(TrainingStep(network, recipe, 4).begin(), *batch(random_images(8)), 0)

    after(Other(poisoned().weights), PLAIN)
    before = _advance._cache_size()
    after(Other(poisoned().weights + 1), PLAIN.replace(seed=9, time_limit=5.0))
    assert _advance._cache_size() == before
    after(Other(poisoned().weights), PLAIN.replace(learning_rate=0.5))
    after(Other(poisoned().weights, True), PLAIN)
    assert _advance._cache_size() == before + 2


def test_the_network_of_a_state_outlives_the_next_step():
    step = TrainingStep(strict_network(), PLAIN, 4)
    state, _ = step(step.begin(), *batch(random_images(8)), 0)
    kept = step.network(state)
    before = numbers(kept)
    step(state, *batch(random_images(8)), 1)
    assert numbers(kept) == before


def test_smoothed_targets():
    logits, labels = jnp.asarray([[2.0, 0.0, -1.0]]), jnp.asarray([0], jnp.int32)
    target = optax.smooth_labels(jax.nn.one_hot(labels, 3), 0.3)
    np.testing.assert_allclose(
        cross_entropy(logits, labels, 0.3), optax.softmax_cross_entropy(logits, target), rtol=1e-12
    )


def test_networks_that_cannot_be_trained():
    with pytest.raises(ValueError, match=r"weights of the network is float64, expected a float32 array"):
        TrainingStep(Poisoned(jnp.zeros((3, 3))), PLAIN, 4)

    class Fixed(Poisoned):
        def trainable(self):
            return jax.tree.map(lambda _: False, self)

    with pytest.raises(ValueError, match=r"nothing to train: its trainable\(\) is False everywhere"):
        TrainingStep(Fixed(poisoned().weights), PLAIN, 4)


def test_evaluation_fills_up_its_last_batch():
    network, images = strict_network(), random_images(31)
    whole, parts = evaluate(network, images, batch=31), evaluate(network, images, batch=8)
    assert parts.logits.shape == (31, 3)
    np.testing.assert_allclose(parts.logits, whole.logits, atol=1e-6)
    assert parts.accuracy == np.mean(parts.predicted == images.labels)
    loss = optax.softmax_cross_entropy_with_integer_labels(jnp.asarray(whole.logits), jnp.asarray(images.labels))
    np.testing.assert_allclose(whole.loss, float(loss.mean()), rtol=1e-6)
    assert whole.to_json() == {
        "accuracy": whole.accuracy, "loss": whole.loss, "correct": round(whole.accuracy * 31), "count": 31
    }  # fmt: skip


def test_an_image_without_finite_logits_is_not_recognised():
    logits = np.array([[1.0, 0.0], [np.nan, 0.0], [np.inf, 0.0], [0.0, 1.0]], np.float32)
    found = judged(logits, np.array([0, 0, 0, 1]))
    assert found.accuracy == 0.5 and found.loss == np.inf
