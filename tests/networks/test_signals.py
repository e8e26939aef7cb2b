"""Networks on signals of many frames: against one simulation with a held input, segments, lengths, streams."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.networks.small import CLASSES, COUNT, XLA_ENGINE, bits, classifier, pixels

import llgrad as lg
from llgrad.datasets.samples.sequences import Sequences
from llgrad.networks.bench.response import input_of
from llgrad.networks.frames.backward import KEPT, OF_A_STATE, Backward
from llgrad.networks.frames.streaming import COUNTED, summed
from llgrad.reservoir.running import begun as before_the_first
from llgrad.reservoir.running import reading_of, run
from llgrad.reservoir.wiring import Wiring

Pooling, stream = lg.networks.Pooling, lg.networks.stream
T, F = 7, 3
SIGNAL: dict[str, Any] = {"frames": lg.networks.Frames.SIGNAL, "shape": (T, F)}
ALL: dict[str, dict[str, Any]] = {
    "the last frame": {},
    "the last three": {"frames_read": 3},
    "every second, three of them": {"frames_read": 3, "every": 2},
    "the mean": {"pooling": Pooling.MEAN, "frames_read": None},
    "the mean of every third": {"pooling": Pooling.MEAN, "frames_read": None, "every": 3},
    "the mean of the last four": {"pooling": Pooling.MEAN, "frames_read": 4},
    "two arrays in sequence": {"oscillators": (5, 4), "readouts": 2},
}


def signals(count: int = 4, frames: int = T) -> np.ndarray:
    return pixels(count, (frames, F))


def test_frames_are_one_long_simulation_with_an_input_that_is_constant_in_pieces():
    design, given = classifier(**SIGNAL).design(), signals(1)
    stage = design.stages[0]
    found = design.states(given)[0][:, 0, 0]
    inputs = input_of(stage.settings, jnp.asarray(given[0])[:, None])
    own = jnp.eye(COUNT)[:, None]
    wiring = Wiring(mask=own, gain=1.0, bias=0.0, feedback=0.0, hold=stage.timeline.hold, steps=stage.timeline.steps)
    array = stage.settings.array(stage.device)
    reading = reading_of(array, ("mx", "my", "mz"))
    first = before_the_first(array, wiring, reading, stage.timeline.start)
    whole = run(array, wiring, "field_x", reading, inputs[:, 0], first, engine=XLA_ENGINE).read
    np.testing.assert_allclose(found, whole.reshape(T, -1, 3), atol=3e-6)
    assert np.abs(np.diff(np.asarray(found), axis=0)).max() > 0.05


def test_an_image_is_a_signal_of_one_frame():
    whole, one = classifier(shape=(1, 6)), classifier(shape=(1, 6), frames=SIGNAL["frames"])
    image = pixels(3, (1, 6))
    assert bits(whole(image)) == bits(one(image))


def gradient(network: Any, given: Any) -> Any:
    def loss(network: Any) -> Any:
        return jnp.sum(network.losses(network(given), jnp.arange(len(given)) % CLASSES))

    return eqx.filter_jit(eqx.filter_grad(loss))(network)


def test_the_gradient_by_segments_is_that_of_the_whole_run():
    network, given = classifier(None, **SIGNAL), signals()
    whole = gradient(network, given)
    for segment in (3, 1):  # which leaves a rest, and which does not
        parts = gradient(dataclasses.replace(network, backward=Backward(segment)), given)
        for own, other in zip(jax.tree.leaves(parts), jax.tree.leaves(whole), strict=True):
            np.testing.assert_allclose(own, other, atol=2e-6 * float(jnp.abs(other).max()))
    moved = [*whole.layers[0].own[:2], whole.layers[0].coupling, whole.layers[0].encoder.weights]
    assert all(float(jnp.abs(part).max()) > 0 for part in moved)


def test_a_truncated_gradient_goes_no_further_back_than_its_frames():
    network, given = classifier(None, **SIGNAL), jnp.asarray(signals())

    def reach(backward: Backward) -> Any:
        own = dataclasses.replace(network, backward=backward)
        return np.abs(jax.grad(lambda given: own(given).sum())(given)).max(axis=(0, 2)) > 0

    assert reach(Backward()).all()
    assert reach(Backward(truncate=3)).tolist() == [False] * (T - 3) + [True] * 3
    assert bits(network(given)) == bits(dataclasses.replace(network, backward=Backward(truncate=3))(given))


@pytest.mark.parametrize("options", ALL.values(), ids=ALL)
def test_a_signal_among_longer_ones_is_answered_as_it_is_alone(options: dict[str, Any]):
    network = classifier(None, **SIGNAL, **options)
    long, short = signals(1)[0], signals(2)[1, :5]
    padded = np.stack([long, np.pad(short, ((0, 2), (0, 0)), constant_values=9.0)])
    both = network(Sequences(padded, np.array([7, 5], np.int32)))
    np.testing.assert_allclose(both[0], network(long[None])[0], atol=3e-6)
    np.testing.assert_allclose(both[1], stream(network, short).answers[-1], atol=3e-6)


@pytest.mark.parametrize("options", ALL.values(), ids=ALL)
def test_a_stream_in_pieces_is_the_same_bits_as_in_one_run(options: dict[str, Any]):
    network, given = classifier(None, **SIGNAL, **options), signals(2)
    whole = stream(network, given)
    held, parts = None, []
    for first, last in ((0, 1), (1, 5), (5, 7)):
        part, held = stream(network, given[:, first:last], held)
        parts.append(part)
    assert bits(np.concatenate(parts, axis=1)) == bits(whole.answers)
    np.testing.assert_allclose(whole.answers[:, -1], network(given), atol=3e-6)
    assert int(held.frame) == T


def test_the_sum_of_millions_of_frames_is_as_exact_as_one_number():
    term, count = jnp.float32(0.1), 3_000_000

    @jax.jit
    def after() -> Any:
        return jax.lax.fori_loop(0, count, lambda _, sums: summed(*sums, term), jnp.zeros(2, jnp.float32))[0]

    assert float(after()) == pytest.approx(count * float(term), rel=6e-8)


def test_a_stream_goes_on_beyond_the_frames_that_are_counted_where_their_number_says_nothing():
    last = jnp.int32(COUNTED - 2)
    for options in (ALL["the last frame"], ALL["the mean"]):
        network = classifier(**SIGNAL, **options)
        begun = stream(network, signals(2)).held
        assert begun is not None
        far = begun._replace(frame=last)
        if not options:
            assert bits(stream(network, signals(2), far).answers) == bits(stream(network, signals(2), begun).answers)
            continue
        stream(network, signals(2, frames=2), far)
        with pytest.raises(
            ValueError, match=r"would have more than 2,147,483,647 frames.*begin it anew, with held=None"
        ):
            stream(network, signals(2, frames=3), far)


@pytest.mark.parametrize("options", ALL.values(), ids=ALL)
def test_frames_that_nobody_reads_leave_the_bits_of_those_read_as_they_are(options: dict[str, Any]):
    design, given = classifier(None, **SIGNAL, **options).design(), signals()
    last = design.stages[-1]
    read = last.timeline.read(T)
    states = design.states(given)[-1][read.start :: read.step]
    found = design.read(given)[0]
    nothing = jnp.zeros((len(read), len(given), len(last.settings.gains)), jnp.float32)  # m alone is read
    assert bits(found) == bits(last.read(design.readout.signal, states, nothing))
    assert len(found) == len(read)


@pytest.mark.parametrize("options", ALL.values(), ids=ALL)
def test_the_gradient_by_segments_of_what_is_read_is_that_of_the_whole_run(options: dict[str, Any]):
    network, given = classifier(None, **SIGNAL, **options), signals()
    whole = gradient(network, given)
    for segment in (3, 1):
        parts = gradient(dataclasses.replace(network, backward=Backward(segment)), given)
        for own, other in zip(jax.tree.leaves(parts), jax.tree.leaves(whole), strict=True):
            np.testing.assert_allclose(own, other, atol=2e-6 * float(jnp.abs(other).max()))


@pytest.mark.parametrize("frames", [T, 1])
def test_a_network_of_float32_runs_in_float64_too(frames: int):
    network, given = classifier(**SIGNAL | {"shape": (frames, F)}), signals(frames=frames)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        wide = np.asarray(network(given))
    assert wide.dtype == np.float64
    np.testing.assert_allclose(wide, network(given), atol=1e-5)


def test_the_frames_of_a_segment_follow_from_what_fits_the_memory():
    frames, most = 784, KEPT // OF_A_STATE
    assert Backward().size(frames, most // frames, 1) == frames
    assert Backward().size(frames, most // frames + 1, most // frames) == 1
    assert Backward().size(frames, most, most // frames + 1) == 28
    assert Backward(5).size(frames, most, most) == 5
