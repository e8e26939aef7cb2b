"""Images moved, turned, resized and mirrored at random, so that a network learns what stays the same."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from llgrad.core.random import key_words, threefry2x32


def augment(
    key: Any,
    images: jax.Array,
    shift: int = 2,
    rotation: float = 0.0,
    zoom: float = 0.0,
    first: Any = 0,
    mirror: bool = False,
) -> jax.Array:
    """Each image mirrored, resized, turned about its centre and shifted, all at random, with zero where nothing was.

    What becomes of an image depends on the key and its number alone, so a batch may be split over processes. Pixels
    between four others are interpolated from these (bilinear); a shift alone copies them exactly.

    Args:
        key: of JAX.
        images: (B, H, W), float32.
        shift: most pixels up, down, left and right: whole numbers, evenly drawn.
        rotation: largest angle, either way [degrees].
        zoom: largest change of the size, either way, as a fraction below 1.
        first: number of the first image within the whole batch.
        mirror: whether left and right change places in one half of the images.

    Returns:
        (B, H, W), float32.

    Raises:
        ValueError: for another shape or dtype, or a size outside its range.

    >>> image = jnp.zeros((1, 3, 3), jnp.float32).at[0, 1, 1].set(1)
    >>> bool(augment(jax.random.key(0), image, shift=1).sum() == 1)
    True
    """
    _check(images, shift, rotation, zoom)
    if mirror:
        images = _mirrored(key, images, first)
    if shift == 0 and rotation == 0 and zoom == 0:
        return images
    return _augmented(key, images, shift, rotation, zoom, first)


@jax.jit
def _mirrored(key: Any, images: jax.Array, first: Any) -> jax.Array:
    word, _ = threefry2x32(*key_words(key), _numbers(images.shape[0], first), jnp.full(images.shape[0], 2, jnp.uint32))
    chosen = (word >> jnp.uint32(31)).astype(bool)
    return jnp.where(chosen[:, None, None], images[:, :, ::-1], images)


@functools.partial(jax.jit, static_argnames=("shift", "rotation", "zoom"))
def _augmented(key: Any, images: jax.Array, shift: int, rotation: float, zoom: float, first: Any) -> jax.Array:
    sample, height, width = images.shape
    across, down = _places(_maps(key, sample, shift, rotation, zoom, first), height, width)
    # One zero before and two behind, so that a place outside reads zeros and needs no case of its own.
    padded = jnp.pad(images, ((0, 0), (1, 2), (1, 2)))
    left, right_share = _whole_and_rest(across, width)
    top, lower_share = _whole_and_rest(down, height)
    row = width + 3
    corner = (jnp.arange(sample, dtype=jnp.int32)[:, None, None] * jnp.int32(height + 3) + top) * jnp.int32(row) + left
    pixels = padded.reshape(-1)

    def at(offset: int) -> jax.Array:
        return pixels.at[corner + jnp.int32(offset)].get(mode="promise_in_bounds")

    # Each pixel is read once in this form: as a + share·(b − a) it would be read twice, which takes four times as long.
    upper = (1 - right_share) * at(0) + right_share * at(1)
    lower = (1 - right_share) * at(row) + right_share * at(row + 1)
    return (1 - lower_share) * upper + lower_share * lower


class _Map(NamedTuple):
    """For each image, (B,): how its pixels move, and the turned and resized axes in which they are looked up."""

    right: jax.Array
    down: jax.Array
    along: jax.Array
    aside: jax.Array


def _maps(key: Any, sample: int, shift: int, rotation: float, zoom: float, first: Any) -> _Map:
    numbers = _numbers(sample, first)
    words = [threefry2x32(*key_words(key), numbers, jnp.full_like(numbers, count)) for count in (0, 1)]
    # The upper 24 bits, which float32 holds exactly: from 0 to less than 1.
    drawn = [(word >> jnp.uint32(8)).astype(jnp.float32) * jnp.float32(2**-24) for pair in words for word in pair]
    right, down = (jnp.floor(u * jnp.float32(2 * shift + 1)) - jnp.float32(shift) for u in drawn[:2])
    turn, size = (2 * u - 1 for u in drawn[2:])
    angle = turn * jnp.float32(math.radians(rotation))
    shrunk = 1 / (1 + jnp.float32(zoom) * size)
    return _Map(right, down, jnp.cos(angle) * shrunk, jnp.sin(angle) * shrunk)


def _numbers(sample: int, first: Any) -> jax.Array:
    """Of the images within the whole batch, (B,) uint32."""
    return jnp.arange(sample, dtype=jnp.uint32) + jnp.asarray(first).astype(jnp.uint32)


def _places(found: _Map, height: int, width: int) -> tuple[jax.Array, jax.Array]:
    """Column and row (B, H, W) of the image where each pixel of the new one is looked up."""
    right, down, along, aside = (part[:, None, None] for part in found)
    x = jnp.arange(width, dtype=jnp.float32)[None, None, :] - (width - 1) / 2 - right
    y = jnp.arange(height, dtype=jnp.float32)[None, :, None] - (height - 1) / 2 - down
    across = along * x - aside * y + (width - 1) / 2
    return across, aside * x + along * y + (height - 1) / 2


def _whole_and_rest(place: jax.Array, length: int) -> tuple[jax.Array, jax.Array]:
    """The place in the padded image, held within it, as a whole number (int32) and what is left."""
    held = jnp.clip(place + 1, 0, length + 1)
    whole = jnp.floor(held)
    return whole.astype(jnp.int32), held - whole


def _check(images: jax.Array, shift: int, rotation: float, zoom: float) -> None:
    if images.ndim != 3 or images.dtype != jnp.float32:
        raise ValueError(f"images have the shape {images.shape} and are {images.dtype}, expected (B, H, W) in float32")
    if isinstance(shift, bool) or not isinstance(shift, int) or not 0 <= shift < min(images.shape[1:]):
        raise ValueError(
            f"shift = {shift!r}, expected a whole number of pixels from 0 to less than the image has, "
            f"{min(images.shape[1:])}"
        )
    if not 0 <= rotation <= 180:
        raise ValueError(f"rotation = {rotation:g}, expected degrees from 0 to 180")
    if not 0 <= zoom < 1:
        raise ValueError(f"zoom = {zoom:g}, expected a fraction from 0 to less than 1, such as 0.1")
