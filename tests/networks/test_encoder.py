"""Encoders: the matrix of gains is the sum that it stands for."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest
from tests.networks.small import classifier, pixels

import llgrad as lg
from llgrad.networks.trained.encoder import DenseEncoder, PatchEncoder


def convolved(images, encoder):
    """The convolution, pixel by pixel: (B, N), place fastest."""
    kernels, size, step = np.asarray(encoder.kernels), encoder.patch, encoder.stride
    rows = range(0, encoder.shape[0] - size + 1, step)
    columns = range(0, encoder.shape[1] - size + 1, step)
    found = [
        [(image[row : row + size, column : column + size].ravel() * kernel).sum() for row in rows for column in columns]
        for image in images
        for kernel in kernels
    ]
    return np.array(found).reshape(len(images), -1)


@pytest.mark.parametrize(("shape", "patch", "stride"), [((5, 6), 3, 2), ((4, 4), 2, 1), ((3, 7), 3, 3), ((4, 5), 1, 2)])
def test_a_patch_encoder_is_a_convolution(shape, patch, stride, key):
    encoder = PatchEncoder.create(shape, 2, patch, stride, key, 1.0)
    images = pixels(3, shape)
    found = images.reshape(3, -1) @ np.asarray(encoder.gains())
    expected = convolved(images, encoder)
    assert found.shape == expected.shape == (3, 2 * encoder.places)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert np.repeat(np.asarray(encoder.bias), encoder.places).tolist() == encoder.offset().tolist()


def test_the_gradient_of_a_kernel_adds_up_its_places(key):
    encoder = PatchEncoder.create((4, 4), 1, 2, 1, key, 1.0)
    gradient = jax.grad(lambda one: one.gains().sum())(encoder)
    assert gradient.kernels.tolist() == [[9.0] * 4]


def test_a_dense_encoder_is_its_weights(key):
    encoder = DenseEncoder.create(6, 4, key, 0.5)
    assert encoder.gains() is encoder.weights and encoder.offset() is encoder.bias
    assert encoder.weights.shape == (6, 4) and encoder.weights.dtype == np.float32


@pytest.mark.parametrize("options", [{}, {"patch": (2, 1), "oscillators": 9}, {"frames": lg.networks.Frames.ROWS}])
def test_the_field_of_the_centre_is_the_bias(options):
    image = pixels(1)[0]
    encoder = classifier(centre=image, **options).layers[0].encoder
    frame = image.mean(axis=0) if "frames" in options else image.ravel()
    biased = dataclasses.replace(encoder, bias=encoder.bias + 0.5)
    np.testing.assert_allclose(frame @ np.asarray(biased.gains()) + biased.offset(), 0.5, atol=1e-6)
    black = classifier(**options).layers[0].encoder
    assert (np.asarray(encoder.gains()) == black.gains()).all() and black.offset().tolist() == [0.0] * len(
        black.offset()
    )


def test_a_centre_is_an_image():
    with pytest.raises(ValueError, match=r"centre has the shape \(3, 4\), expected a finite image \(4, 4\)"):
        classifier(centre=np.zeros((3, 4)))


def test_a_patch_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"patch = 5 and stride = 1 do not fit images of 4×4 pixels"):
        classifier(patch=(5, 1))
    with pytest.raises(
        ValueError, match=r"10 oscillators over 9 places of a 2×2 patch: expected a multiple of 9, such"
    ):
        classifier(patch=(2, 1), oscillators=10)
    with pytest.raises(ValueError, match=r"oscillators = \(5, 0\), expected one or more in each array"):
        classifier(oscillators=(5, 0))


def test_the_patch_encoder_reaches_the_array():
    network = classifier(patch=(2, 1), oscillators=9)
    gains = network.design().stages[0].settings.gains
    assert gains.shape == (16, 9) and np.count_nonzero(np.asarray(gains)) == 9 * 4
    assert lg.networks.Part.INPUT in network.trained
