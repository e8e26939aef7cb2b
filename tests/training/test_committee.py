"""Several networks that answer as one."""

import numpy as np
import pytest

from llgrad.training.committee import committee
from llgrad.training.evaluation import judged, told

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 5, 400)
RIGHT = np.eye(5)[LABELS]


def members(count, sure=1.0):
    """Networks that err independently."""
    return [judged((sure * RIGHT + RNG.normal(size=RIGHT.shape)).astype(np.float32), LABELS) for _ in range(count)]


def test_it_is_the_geometric_mean_of_the_probabilities():
    some = members(3)
    products = np.prod([np.exp(one.logits) / np.exp(one.logits).sum(axis=1, keepdims=True) for one in some], axis=0)
    products **= 1 / 3
    found = committee(some)
    shares = np.exp(found.logits) / np.exp(found.logits).sum(axis=1, keepdims=True)
    assert shares == pytest.approx(products / products.sum(axis=1, keepdims=True), rel=1e-5)
    assert found.kind == "images" and np.array_equal(found.labels, LABELS)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_its_loss_is_at_most_the_mean_of_theirs_and_independent_errors_are_outvoted(count):
    some = members(count)
    found, losses, accuracies = committee(some), [one.loss for one in some], [one.accuracy for one in some]
    if count == 1:
        assert (found.loss, found.accuracy) == (pytest.approx(losses[0]), accuracies[0])
    else:
        assert found.loss < np.mean(losses) and found.accuracy > max(accuracies)


def test_what_moves_all_logits_of_a_member_says_nothing():
    some = members(2)
    moved = judged(some[1].logits + 30.0 * RNG.normal(size=(400, 1)), LABELS)
    assert committee([some[0], moved]).logits == pytest.approx(committee(some).logits, abs=1e-4)


def test_a_member_without_an_answer_leaves_none():
    some = members(2)
    some[1].logits[3, 2] = np.nan
    found = committee([some[0], judged(some[1].logits, LABELS)])
    assert found.loss == np.inf and not np.isfinite(found.logits[3]).all() and np.isfinite(found.logits[4]).all()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "evaluations are empty, expected at least one"),
        ([None], r"evaluations\[0\] is None"),
        ([told(np.ones((2, 3, 1)), RNG.normal(size=(2, 3, 1)))], r"evaluations\[0\] is of a regression"),
        ([judged(RIGHT, LABELS), judged(RIGHT, LABELS[::-1])], r"evaluations\[1\] has other samples or classes"),
        (
            [judged(RIGHT, LABELS), judged(np.pad(RIGHT, ((0, 0), (0, 1))), LABELS)],
            r"evaluations\[1\] has other samples or classes",
        ),
    ],
)
def test_committees_that_cannot_be(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        committee(given)
