"""Sets in two parts."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from llgrad.datasets.images.images import Images
from llgrad.datasets.images.parts import stratified, validation

LABELS = np.repeat(np.arange(3), [50, 30, 20])


@settings(max_examples=50)
@given(hnp.arrays(np.int32, st.integers(1, 60), elements=st.integers(0, 4)), st.floats(0.01, 0.99), st.integers(0, 9))
def test_every_image_is_in_one_part_and_no_class_is_lost(labels, fraction, seed):
    kept, held = stratified(labels, fraction, seed)
    assert sorted([*kept, *held]) == list(range(labels.size))
    assert np.array_equal(kept, np.sort(kept)) and np.array_equal(held, np.sort(held))
    for label in np.unique(labels):
        number, out = (labels == label).sum(), (labels[held] == label).sum()
        assert number == 1 or 1 <= out <= number - 1
        assert number < 2 or abs(out - fraction * number) <= 1


def test_the_same_for_the_same_seed_and_another_for_another():
    first, again, other = (stratified(LABELS, 0.2, seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_the_draw_of_a_seed_never_changes():
    """A run that is taken up by a later version must find the same images held out."""
    assert stratified(np.arange(12) % 2, 0.2, 0)[1].tolist() == [2, 11]


def test_every_image_is_held_out_equally_often():
    counts = np.zeros(LABELS.size)
    for seed in range(400):
        counts[stratified(LABELS, 0.2, seed)[1]] += 1
    assert np.abs(counts - 80).max() < 4.5 * np.sqrt(400 * 0.2 * 0.8)


def test_validation_keeps_images_with_their_labels():
    images = Images(np.arange(100, dtype=np.uint8)[:, None, None], LABELS, 255.0, "abc")
    train, held = validation(images, fraction=0.1, seed=5)
    assert (train.counts.tolist(), held.counts.tolist()) == ([45, 27, 18], [5, 3, 2])
    for part in (train, held):
        assert part.labels.tolist() == LABELS[part.pixels[:, 0, 0]].tolist()
        assert (part.scale, part.classes) == (255.0, ("a", "b", "c"))


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, np.nan])
def test_a_fraction_that_is_none(fraction):
    with pytest.raises(ValueError, match=r"fraction = .*, expected more than 0 and less than 1"):
        stratified(LABELS, fraction, 0)


@pytest.mark.parametrize("seed", [-1, 0.5, True, "1"])
def test_a_seed_that_is_none(seed):
    with pytest.raises(ValueError, match=r"seed = .*, expected a whole number from 0"):
        stratified(LABELS, 0.1, seed)


def test_single_images_cannot_be_held_out():
    with pytest.raises(ValueError, match="every class has a single image"):
        validation(Images(np.zeros((2, 2, 2)), [0, 1], 1.0, "ab"))
