"""Images moved, turned, resized and mirrored at random."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from llgrad.datasets.images.augment import _maps, augment

KEY = jax.random.key(3)
IMAGES = jnp.asarray(np.random.default_rng(0).random((120, 7, 10)), jnp.float32)


def shifted(image, down, right):
    """The image moved by whole pixels, with zeros where nothing was."""
    moved = np.zeros_like(image)
    height, width = image.shape
    moved[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = image[
        max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return moved


@pytest.mark.parametrize("jitted", [True, False])
def test_a_shift_alone_copies_pixels_exactly(jitted):
    run = jax.jit(augment, static_argnames=("shift",)) if jitted else augment
    seen = set()
    for image, result in zip(np.asarray(IMAGES), np.asarray(run(KEY, IMAGES, shift=1)), strict=True):
        moves = [(d, r) for d in (-1, 0, 1) for r in (-1, 0, 1) if np.array_equal(result, shifted(image, d, r))]
        assert len(moves) == 1
        seen.add(moves[0])
    assert len(seen) == 9


def test_shifts_are_evenly_drawn():
    found = _maps(KEY, 5000, 2, 0.0, 0.0, 0)
    for moves in (found.right, found.down):
        values, counts = np.unique(np.asarray(moves), return_counts=True)
        assert values.tolist() == [-2, -1, 0, 1, 2]
        assert np.abs(counts - 1000).max() < 4.5 * math.sqrt(5000 * 0.2 * 0.8)
    assert abs(np.corrcoef(found.right, found.down)[0, 1]) < 0.06


def test_angles_and_sizes_stay_within_their_bounds():
    found = _maps(KEY, 5000, 2, 20.0, 0.25, 0)
    angles = np.degrees(np.arctan2(found.aside, found.along))
    sizes = 1 / np.hypot(found.aside, found.along)
    for values, low, high in ((angles, -20, 20), (sizes, 0.75, 1.25)):
        assert low - 1e-4 <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high + 1e-4
        assert abs(values.mean() - (low + high) / 2) < 0.02 * (high - low)


@pytest.mark.parametrize(
    "change",
    [
        {"shift": 0, "rotation": 30.0},
        {"shift": 0, "zoom": 0.3},
        {"shift": 2, "rotation": 15.0, "zoom": 0.1},
        {"shift": 6, "rotation": 180.0, "zoom": 0.9},
    ],
)
def test_bilinear_interpolation_is_that_of_scipy(change):
    result = np.asarray(augment(KEY, IMAGES, **change))
    found = _maps(KEY, len(IMAGES), change["shift"], change.get("rotation", 0.0), change.get("zoom", 0.0), 0)
    centre = (np.array(IMAGES.shape[1:]) - 1) / 2
    for i, image in enumerate(np.asarray(IMAGES, float)):
        along, aside, down, right = (float(part[i]) for part in (found.along, found.aside, found.down, found.right))
        matrix = np.array([[along, aside], [-aside, along]])
        offset = centre - matrix @ (centre + np.array([down, right]))
        around = np.pad(image, 1)  # a border of zeros: scipy would break off at half a pixel
        expected = scipy.ndimage.affine_transform(around, matrix, offset + 1, output_shape=image.shape, order=1)
        assert result[i] == pytest.approx(expected, abs=2e-5)


def test_images_turn_about_their_centre():
    distance = np.hypot(*np.meshgrid(np.arange(17) - 8, np.arange(17) - 8, indexing="ij"))
    ring = jnp.asarray(np.exp(-((distance - 4) ** 2) / 8), jnp.float32)[None].repeat(20, axis=0)
    change = np.asarray(augment(KEY, ring, shift=0, rotation=180.0) - ring)
    assert np.abs(change[:, 2:-2, 2:-2]).max() < 0.06, "a ring stays a ring, to the interpolation"


def test_an_image_depends_on_the_key_and_its_number_alone():
    change = {"shift": 2, "rotation": 10.0, "zoom": 0.1, "mirror": True}
    whole = augment(KEY, IMAGES, **change)
    halves = [augment(KEY, IMAGES[:25], **change), augment(KEY, IMAGES[25:], first=25, **change)]
    assert np.array_equal(whole, jnp.concatenate(halves))
    assert np.array_equal(whole, augment(KEY, IMAGES, **change))
    assert not np.array_equal(whole, augment(jax.random.key(4), IMAGES, **change))


def test_keys_and_first_may_be_traced():
    run = jax.jit(lambda key, images, first: augment(key, images, rotation=10.0, first=first))
    result = run(KEY, IMAGES[10:], jnp.int32(10))
    assert result == pytest.approx(np.asarray(augment(KEY, IMAGES, rotation=10.0)[10:]), abs=1e-5)


def test_half_of_the_images_are_mirrored_before_they_are_moved():
    result = np.asarray(augment(KEY, IMAGES, shift=0, mirror=True))
    straight = np.array([np.array_equal(one, other) for one, other in zip(result, IMAGES, strict=True)])
    turned = np.array([np.array_equal(one, other[:, ::-1]) for one, other in zip(result, IMAGES, strict=True)])
    assert np.array_equal(straight, ~turned) and abs(straight.mean() - 0.5) < 4 * 0.5 / math.sqrt(len(IMAGES))
    change = {"shift": 2, "rotation": 10.0, "zoom": 0.1}
    moved = augment(KEY, jnp.asarray(result), **change)
    assert np.array_equal(augment(KEY, IMAGES, **change, mirror=True), moved)


def test_nothing_to_do_returns_the_images():
    assert augment(KEY, IMAGES, shift=0) is IMAGES


@pytest.mark.float32
def test_values_stay_within_those_of_the_image_under_the_defaults_of_jax():
    result = augment(KEY, IMAGES, shift=3, rotation=45.0, zoom=0.5)
    assert result.dtype == jnp.float32 and result.shape == IMAGES.shape
    assert float(result.min()) >= 0 and float(result.max()) <= float(IMAGES.max()) + 1e-6


@pytest.mark.parametrize(
    ("images", "change", "sentence"),
    [
        (IMAGES[0], {}, r"images have the shape \(7, 10\) and are float32, expected \(B, H, W\) in float32"),
        (np.zeros((1, 7, 7), np.uint8), {}, "and are uint8, expected"),
        (IMAGES, {"shift": 7}, "shift = 7, expected a whole number of pixels from 0 to less than the image has, 7"),
        (IMAGES, {"shift": -1}, "shift = -1, expected"),
        (IMAGES, {"shift": 1.5}, "shift = 1.5, expected"),
        (IMAGES, {"rotation": -1.0}, "rotation = -1, expected degrees from 0 to 180"),
        (IMAGES, {"rotation": math.nan}, "rotation = nan, expected"),
        (IMAGES, {"zoom": 1.0}, "zoom = 1, expected a fraction from 0 to less than 1"),
    ],
)
def test_what_is_out_of_range_gets_a_sentence(images, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        augment(KEY, images, **change)
