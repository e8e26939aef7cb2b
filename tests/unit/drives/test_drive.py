"""A drive: which channel is which, in which unit, and what it refuses."""

import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llgrad.core.record import dumps, from_json
from llgrad.drives.base import Waveform
from llgrad.drives.constant import Constant
from llgrad.drives.drive import CHANNEL_UNITS, Drive
from llgrad.drives.sine import Sine
from llgrad.drives.step import Step

T = np.linspace(0, 2e-9, 5)


@pytest.mark.parametrize("name", CHANNEL_UNITS)
def test_a_channel_drives_what_its_name_says(name):
    drive = Drive(**{name: Sine(1e-3, frequency=1e9, phase=1.0)})
    assert list(drive.channels()) == [name]
    samples = drive.sample(T)
    found = {"current": samples.current} | {f"field_{axis}": getattr(samples.field, axis) for axis in "xyz"}
    assert [key for key, value in found.items() if value is not None] == [name]
    assert np.array_equal(found[name], Sine(1e-3, frequency=1e9, phase=1.0)(T))
    filled = samples.filled()
    assert sum(isinstance(value, float) for value in (filled.current, *jax.tree.leaves(filled.field))) == 3
    assert drive.units() == {
        f"{name}.amplitude": CHANNEL_UNITS[name],
        f"{name}.frequency": "Hz",
        f"{name}.phase": "rad",
    }
    assert f"{name}.amplitude  1 m{CHANNEL_UNITS[name]}" in repr(drive)


def test_no_drive_at_all():
    drive = Drive()
    assert drive.channels() == {} and drive.units() == {}
    assert drive.shortest_time() == math.inf
    assert jax.tree.leaves(drive.sample(T)) == []
    assert drive.sample(T).filled().field.norm2() == 0
    assert repr(drive) == "Drive"


def test_bounds_and_times_are_those_of_the_channels():
    drive = Drive(current=Step(-1e-3, start=0.0), field_z=Sine(0.01, frequency=2e9) + Constant(0.02))
    peak = drive.peak()
    assert peak.current == 1e-3
    assert peak.field.z == pytest.approx(0.03)
    assert peak.field.x is None
    assert drive.shortest_time() == pytest.approx(10e-12 / 0.35)


def test_gradients_reach_every_channel():
    drive = Drive(current=Constant(1e-3), field_x=Constant(0.01), field_y=Constant(0.01), field_z=Constant(0.01))

    def total(drive):
        samples = drive.sample(T)
        return jnp.sum(samples.current) + 2 * jnp.sum(samples.field.x + 2 * samples.field.y + 4 * samples.field.z)

    gradient = jax.grad(total)(drive)
    assert [float(leaf) for leaf in jax.tree.leaves(gradient)] == [5.0, 10.0, 20.0, 40.0]


def test_it_goes_through_json():
    drive = Drive(current=Step(1e-3, start=1e-9) + Sine(1e-4, frequency=5e9), field_y=Constant(0.01))
    again = from_json(json.loads(dumps(drive)))
    assert repr(again) == repr(drive)
    assert np.array_equal(again.sample(T).current, drive.sample(T).current)


def test_a_waveform_of_ones_own():
    class Ramp(Waveform):
        slope: float = 1e6

        def __call__(self, t):
            return self.slope * jnp.asarray(t)

        def peak(self):
            return 1e-3

        def shortest_time(self):
            return 1e-9

    drive = Drive(current=Ramp() + Constant(1e-3))
    assert np.allclose(drive.sample(T).current, 1e6 * T + 1e-3)


@pytest.mark.parametrize(
    ("channels", "sentence"),
    [
        ({"current": 1e-3}, r"current = 0.001 is not a waveform; for a steady value write Constant\(0.001\)"),
        ({"current": Constant(2.5)}, "current reaches 2.5 A.*did you mean 2.5 mA"),
        ({"field_z": Sine(200.0, frequency=1e9)}, "field_z reaches 200 T.*is it in oersted.*0.02 T"),
    ],
)
def test_what_cannot_be_gets_a_sentence(channels, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        Drive(**channels)
    assert "\n" not in str(error.value)
