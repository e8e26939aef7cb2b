"""What each waveform is: its formula, its limits, and the sentence for what it cannot be."""

import math

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from llgrad.drives.base import Sum
from llgrad.drives.chirp import Chirp
from llgrad.drives.constant import Constant
from llgrad.drives.pulse import Pulse
from llgrad.drives.sampled import Sampled, is_even
from llgrad.drives.sine import Sine
from llgrad.drives.step import Step

times = st.floats(-5e-9, 5e-9)


@settings(max_examples=30)
@given(st.floats(-5e-9, 5e-9), st.floats(1e-12, 1e-9))
def test_a_step_rises_from_ten_to_ninety_per_cent_in_its_rise_time(start, rise_time):
    step = Step(amplitude=2.0, start=start, rise_time=rise_time)
    early, middle, late = step(np.array([start - rise_time / 2, start, start + rise_time / 2])).tolist()
    assert (early, middle, late) == pytest.approx((0.2, 1.0, 1.8), rel=1e-2)
    assert float(step(start - 20 * rise_time)) == pytest.approx(0.0, abs=1e-12)
    assert float(step(start + 20 * rise_time)) == pytest.approx(2.0, abs=1e-12)


def test_a_pulse_is_two_steps_and_has_its_area():
    pulse = Pulse(amplitude=0.01, start=1e-9, width=0.5e-9, rise_time=0.1e-9)
    t = np.linspace(-1e-9, 4e-9, 5001)
    up, down = Step(0.01, start=1e-9, rise_time=0.1e-9), Step(-0.01, start=1.5e-9, rise_time=0.1e-9)
    assert np.allclose(pulse(t), (up + down)(t), atol=1e-15)
    assert np.sum(pulse(t)) * (t[1] - t[0]) == pytest.approx(0.01 * 0.5e-9, rel=1e-9)


def test_a_sine_starts_at_its_phase():
    t = np.linspace(0, 3e-9, 301)
    assert np.allclose(Sine(2.0, frequency=1.7e9, phase=0.3)(t), 2 * np.sin(2 * np.pi * 1.7e9 * t + 0.3), atol=1e-12)
    assert Sine(1.0, frequency=0.0).shortest_time() == math.inf
    assert Sine(1.0, frequency=-2e9).shortest_time() == pytest.approx(0.5e-9)


def test_a_chirp_has_the_swept_frequency_and_no_jump():
    chirp = Chirp(1.0, start_frequency=1e9, stop_frequency=3e9, duration=4e-9)
    t = np.linspace(-2e-9, 8e-9, 100_001)
    values = np.asarray(chirp(t))
    assert np.max(np.abs(np.diff(values))) < 2 * np.pi * 3e9 * (t[1] - t[0]) * 1.001
    crossings = t[1:][(values[:-1] < 0) & (values[1:] >= 0)]
    middle, frequency = (crossings[1:] + crossings[:-1]) / 2, 1 / np.diff(crossings)
    expected = np.interp(middle, [0, 4e-9], [1e9, 3e9])
    assert np.allclose(frequency, expected, rtol=0.03)
    assert chirp.shortest_time() == pytest.approx(1 / 3e9)


@settings(max_examples=30)
@given(st.lists(st.floats(-1, 1), min_size=5, max_size=5), st.booleans(), times)
def test_samples_are_met_and_bound_what_is_between(values, even, t):
    steps = np.ones(len(values)) if even else 1 + np.arange(len(values)) % 3
    nodes = np.cumsum(steps) * 1e-10
    sampled = Sampled(nodes, values)
    assert sampled.evenly_spaced == is_even(nodes)
    assert np.allclose(sampled(nodes), values, atol=1e-12)
    assert min(values) - 1e-12 <= float(sampled(t)) <= max(values) + 1e-12
    assert np.allclose(sampled(t), np.interp(t, nodes, values), atol=1e-9)


def test_many_samples_are_met_in_float32():
    nodes = np.arange(200_001) * 1e-12
    values = np.sin(2 * np.pi * 1e8 * nodes)
    found = Sampled(nodes, values)(jnp.asarray(nodes, jnp.float32))
    assert np.max(np.abs(np.asarray(found) - values)) < 1e-4


def test_evenness_survives_jit():
    sampled = Sampled(np.linspace(0, 1e-9, 11), np.arange(11.0))
    text = str(jax.make_jaxpr(lambda waveform: waveform(0.55e-9))(sampled))
    assert sampled.evenly_spaced and "while" not in text and "sort" not in text
    assert float(jax.jit(lambda waveform: waveform(0.55e-9))(sampled)) == pytest.approx(5.5)


def test_evenness_allows_for_rounding_only():
    t = np.arange(1000) * 1e-11
    assert is_even(t)
    assert is_even(t.astype(np.float32))
    assert is_even(t + 0.0005e-11 * (-1) ** np.arange(1000))
    assert not is_even(t**1.01)
    assert not is_even(np.delete(t, 500))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Constant(float("nan")), "level of a Constant is nan, expected a finite number"),
        (lambda: Step(1e-3, start=5.0), r"start = 5 s of a Step is out of range.*did you mean 5 ns"),
        (lambda: Step(1e-3, start=0.0, rise_time=0.0), "rise_time = 0 s of a Step.*positive"),
        (lambda: Step(float("inf"), start=0.0), "amplitude of a Step is inf"),
        (lambda: Pulse(1e-3, start=0.0, width=-1e-9), "width = -1 ns of a Pulse.*positive"),
        (lambda: Sine(1e-3, frequency=2.5), "frequency = 2.5 Hz of a Sine.*did you mean 2.5 GHz"),
        (lambda: Sine(1e-3, frequency=1e9, phase=90), r"phase = 90 rad.*phases are in radians; 90° is 1.571 rad"),
        (lambda: Chirp(1e-3, 1e9, 2e9, duration=0.0), "duration = 0 s of a Chirp.*positive"),
        (lambda: Chirp(1e-3, 1e9, 2e9, duration=1e-9, phase=-45), "phase = -45 rad"),
        (lambda: Sampled([0.0], [1.0]), r"t of a Sampled has the shape \(1,\), expected at least two times"),
        (lambda: Sampled([0.0, 1e-9], [1.0]), r"values of a Sampled has the shape \(1,\), expected \(2,\)"),
        (lambda: Sampled([0.0, 1e-9, 1e-9], [1.0, 2.0, 3.0]), "does not increase after sample 1"),
        (lambda: Sampled([0.0, 1e-9], [1.0, float("nan")]), "values of a Sampled is nan"),
        (lambda: Sum(()), "a sum needs at least one waveform"),
        (lambda: Sum((1e-3,)), r"0.001 is not a waveform.*write Constant\(0.001\)"),
    ],
)
def test_what_cannot_be_gets_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        make()
    assert "\n" not in str(error.value)


def test_traced_parameters_are_not_checked():
    gradient = jax.grad(lambda phase: jnp.sum(Sine(1e-3, frequency=1e9, phase=phase)(np.array([0.1e-9]))))(90.0)
    assert np.isfinite(gradient)
