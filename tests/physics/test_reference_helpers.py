"""The measuring tools of these tests: they find what is there, and nothing where there is nothing."""

import numpy as np
import pytest
from tests.physics import reference

DT = 1e-11


@pytest.mark.parametrize("f", [0.1e9, 0.44e9, 6.7e9])
def test_the_frequency_of_a_distorted_sine(f):
    t = np.arange(0, 4e-7, DT)
    phase = 2 * np.pi * f * t + 0.3
    assert reference.frequency(0.2 + np.sin(phase) + 0.2 * np.sin(2 * phase), DT) == pytest.approx(f, rel=2e-4)


def test_a_settled_signal_has_no_frequency():
    assert reference.frequency(np.exp(-np.arange(0, 10, 0.01)), DT) == 0


def test_two_frequencies_are_told_apart():
    t = np.arange(0, 4e-7, DT)
    f1, f2 = (reference.frequency(np.sin(2 * np.pi * f * t), DT) for f in (1e9, 1.002e9))
    assert abs(f2 / f1 - 1) > 1.9e-3


def test_the_numbers_of_the_device():
    assert pytest.approx(41.6125e-3, abs=1e-6) == reference.B
    assert pytest.approx(53.947e-4, rel=1e-5) == reference.TORQUE * 1e-3
    assert reference.TORQUE * reference.STO.current == pytest.approx(134.87e-4, rel=1e-4)


def test_leaves_change_by_path():
    changed = reference.with_leaves(reference.STO, current=1e-3, field_z=0.2)
    assert (changed.current, changed.field.z, changed.field.x) == (1e-3, 0.2, 0.0)
