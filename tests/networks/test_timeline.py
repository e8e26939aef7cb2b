"""Images cut into frames, and the times at which arrays are read."""

from __future__ import annotations

import numpy as np
import pytest
from tests.networks.small import HOLD, classifier, pixels

import llgrad as lg


def test_frames_are_rows_from_the_top_and_pixels_along_the_rows():
    images = pixels(3, (4, 5))
    whole, rows, single = (
        frames.cut(images) for frames in (lg.networks.Frames.WHOLE, lg.networks.Frames.ROWS, lg.networks.Frames.PIXELS)
    )
    assert (whole.shape, rows.shape, single.shape) == ((1, 3, 20), (4, 3, 5), (20, 3, 1))
    assert (np.asarray(rows[2, 1]) == images[1, 2]).all()
    assert (np.asarray(single[7, 2]) == images[2, 1, 2]).all()
    assert (np.asarray(whole[0, 0]) == images[0].ravel()).all()


@pytest.mark.parametrize("frames", list(lg.networks.Frames))
def test_every_way_of_feeding_takes_every_pixel(frames):
    assert frames.count((4, 5)) * frames.cut(pixels(2, (4, 5))).shape[2] == 20


def test_read_times_are_evenly_spaced_in_the_last_frames():
    timeline = lg.networks.Timeline(HOLD, 25e-12, frames=lg.networks.Frames.ROWS, readouts=2, frames_read=2)
    assert timeline.read_times(4) == pytest.approx([2.5 * HOLD, 3 * HOLD, 3.5 * HOLD, 4 * HOLD])
    assert timeline.read_times(1) == pytest.approx([0.5 * HOLD, HOLD])
    assert (timeline.steps, lg.networks.Timeline(HOLD, HOLD).steps, lg.networks.Timeline(HOLD, 0.3 * HOLD).steps) == (
        4,
        1,
        4,
    )


def test_the_read_out_sees_the_last_frames():
    network = classifier(frames=lg.networks.Frames.ROWS, frames_read=2, readouts=2)
    design = network.design()
    (states,) = design.states(pixels(3))
    assert states.shape == (4, 2, 3, 5, 3)
    signals = design.signals(states)
    assert (np.asarray(signals) == np.asarray(states)[-2:].reshape(4, 3, 5, 3)).all()
    assert network(pixels(3)).shape == (3, 3)


def test_impossible_timelines_are_refused():
    with pytest.raises(ValueError, match=r"expected 0 < dt <= hold, in seconds; 0.4 ns is 0.4e-9"):
        lg.networks.Timeline(0.4, 0.01)
    with pytest.raises(ValueError, match=r"readouts = 0, expected one or more"):
        lg.networks.Timeline(HOLD, HOLD, readouts=0)
    with pytest.raises(ValueError, match=r"start has the length 2, expected a unit vector"):
        lg.networks.Timeline(HOLD, HOLD, start=(0, 0, 2))
