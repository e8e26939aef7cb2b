"""The course of an array goes through the states at its read-outs."""

from __future__ import annotations

import numpy as np
import pytest
from tests.networks.small import COUNT, HOLD, ROWS, classifier, pixels

from llgrad.networks.course import courses

pytestmark = pytest.mark.float32


def test_the_course_goes_through_the_read_outs_of_every_array():
    design, image = classifier(oscillators=(COUNT, COUNT), **ROWS).design(), pixels(1)
    found = courses(design, image[0], points=0)
    for course, states, stage in zip(found, design.states(image), design.stages, strict=True):
        steps = stage.timeline.steps
        assert course.m.shape == (4 * 2 * steps + 1, COUNT, 3)
        np.testing.assert_allclose(course.times, np.linspace(0, 4 * HOLD, course.times.size), atol=1e-18)
        np.testing.assert_allclose(course.m[0], np.broadcast_to([0.6, 0.0, 0.8], (COUNT, 3)), atol=1e-6)
        np.testing.assert_allclose(course.m[steps::steps].reshape(states[:, :, 0].shape), states[:, :, 0], atol=1e-5)


def test_more_points_come_from_finer_steps():
    design, image = classifier().design(), pixels(1)[0]
    (own,), (fine,) = courses(design, image, points=0), courses(design, image)
    assert (own.times.size, fine.times.size) == (9, 105)
    np.testing.assert_allclose(fine.m[::13], own.m, atol=0.05)


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match="the image has 5×4 pixels, and the network is made for 4×4"):
        courses(classifier().design(), np.zeros((5, 4)))
