"""What real arrays suffer: drawn as it is said, by a key, and turned off by zero."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.networks.small import COUNT, HOLD, ROWS, bits, classifier, pixels

import llgrad as lg
from llgrad.networks.bench.response import Disturbance, disturbed, respond
from llgrad.networks.bench.settings import quantised


def settings_of(design):
    return design.stages[0].settings


def with_offset(network):
    """Offsets that are not zero, so that they can spread."""
    encoder = dataclasses.replace(network.layers[0].encoder, bias=jnp.full(COUNT, 0.3, jnp.float32))
    return dataclasses.replace(network, layers=(dataclasses.replace(network.layers[0], encoder=encoder),))


def test_every_setting_spreads_on_its_own_by_what_was_said(key):
    design, imperfections = with_offset(classifier()).design(), lg.networks.Imperfections(spread=0.1)
    meant_of = settings_of(design).varying
    found = {name: [] for name in meant_of}
    for number in range(100):
        drawn = imperfections.drawn(design, jax.random.fold_in(key, number))
        for name, value in meant_of.items():
            meant = np.asarray(value)
            factor = np.asarray(settings_of(drawn).varying[name])[meant != 0] / meant[meant != 0]
            found[name].append(factor.ravel())
    for name, factors in found.items():
        values = np.array(factors)
        error = 4 * 0.1 / np.sqrt(values.size)
        assert abs(values.mean() - 1) < error and abs(values.std() - 0.1) < error, name
    currents, fields = np.concatenate(found["current"]), np.concatenate(found["field"])
    assert abs(np.corrcoef(currents, fields)[0, 1]) < 4 / np.sqrt(currents.size)
    assert set(found) == {"gains", "offset", "field", "current", "alpha", "coupling"}


def test_a_key_is_an_array(key):
    design, imperfections = classifier().design(), lg.networks.Imperfections(spread=0.1)
    first, same, other = (imperfections.drawn(design, one) for one in (key, key, jax.random.fold_in(key, 1)))
    assert bits(first) == bits(same) != bits(other)
    assert not np.diag(settings_of(first).coupling).any()
    assert bits(lg.networks.Imperfections().drawn(design, key)) == bits(design)


def test_damping_stays_positive_at_any_spread(key):
    design, imperfections = classifier().design(), lg.networks.Imperfections(spread=0.49)
    alphas = [settings_of(imperfections.drawn(design, jax.random.fold_in(key, n))).alpha for n in range(60)]
    assert np.min(alphas) > 0


@pytest.mark.parametrize("resolution", [2, 4, 8])
def test_knobs_come_in_steps_of_their_largest(resolution):
    design = with_offset(classifier()).design()
    coarse = settings_of(lg.networks.Imperfections(bits=resolution).drawn(design, jax.random.key(0)))
    assert coarse.knobs == ("gains", "offset", "field", "current")
    for name in coarse.knobs:
        value, meant = (np.asarray(getattr(one, name), float) for one in (coarse, settings_of(design)))
        step = np.abs(meant).max() / (2 ** (resolution - 1) - 1)
        np.testing.assert_allclose(value / step, np.round(value / step), atol=2e-4)
        assert np.abs(value - meant).max() <= 0.5001 * step, name
    assert bits(coarse.coupling) == bits(settings_of(design).coupling)


def test_training_sees_through_the_steps():
    settings = settings_of(classifier().design())
    slope = jax.grad(lambda field: jnp.sum(quantised(settings.replace(field=field), 3).field))(settings.field)
    assert slope.tolist() == [1.0] * COUNT


def test_an_edge_that_is_fast_is_no_edge_and_a_slow_one_is_felt():
    design, images = classifier().design(), pixels(3)
    ideal = design.states(images)[0]

    def after(rise_time, jitter=0.0):
        disturbance = Disturbance(rise_time, jnp.full((1, 3), jitter, jnp.float32), None)
        return np.abs(design.states(images, (disturbance,))[0] - ideal).max()

    assert after(1e-15, -1e-14) < 1e-5
    assert 1e-3 < after(20e-12) < after(60e-12)
    assert after(1e-15, 30e-12) > 1e-2


def test_the_edges_of_frames_join():
    """A frame that is fed as two halves, each of half the duration, is the same frame, whatever the rise time."""
    stage = classifier(dt=12.5e-12).design().stages[0]
    image = jnp.asarray(pixels(2).reshape(1, 2, -1))
    jitter = jnp.zeros((1, 2), jnp.float32)
    whole = respond(
        stage.device, stage.settings, stage.timeline, image, Disturbance(20e-12, jitter, None), lg.solvers.XLA()
    )
    half = stage.timeline.replace(hold=HOLD / 2)
    twice = jnp.concatenate([image, image])
    halves = Disturbance(20e-12, jnp.zeros((2, 2), jnp.float32), None)
    found = respond(stage.device, stage.settings, half, twice, halves, lg.solvers.XLA())
    np.testing.assert_allclose(found[-1], whole[-1], atol=1e-5)


def test_an_edge_between_frames_is_the_same_from_both_sides():
    """Half of the change is there at the boundary, so a frame ends where the next one begins."""
    timeline = classifier(**ROWS).layers[0].timeline
    fields = jnp.asarray(np.random.default_rng(0).normal(size=(4, 1, COUNT)), jnp.float32)
    jitter = jnp.asarray(np.random.default_rng(1).normal(0, 4e-12, (4, 1)), jnp.float32)
    before, edges, _ = disturbed(fields, timeline, Disturbance(20e-12, jitter, None))

    def field(frame, time):
        parts = jax.tree.map(lambda leaf: leaf[frame, 0], edges)
        return np.asarray(before[frame, 0] + parts(jnp.float32(time)))

    for frame in range(3):
        np.testing.assert_allclose(field(frame, HOLD), field(frame + 1, 0.0), atol=1e-3)


def test_noise_is_a_function_of_the_key():
    hot = classifier(imperfections=lg.networks.Imperfections(temperature=300.0))
    image = np.repeat(pixels(1), 3, axis=0)
    first, same, other = (np.asarray(hot(image, jax.random.key(n))) for n in (0, 0, 1))
    assert (first == same).all() and (first != other).all()
    assert len(np.unique(first[:, 0])) == 3, "each run has noise of its own"


def test_read_noise_is_as_large_as_it_says():
    design = classifier().design()
    readout = dataclasses.replace(design.readout, weights=jnp.eye(15, 3, dtype=jnp.float32))
    design = dataclasses.replace(design, readout=readout)
    images = np.repeat(pixels(1), 500, axis=0)
    noisy = lg.networks.Imperfections(read_noise=0.02).logits(design, images, jax.random.key(0))
    assert np.std(noisy - design(images)) == pytest.approx(0.02, rel=0.1)


def test_the_octaves_of_one_over_f_noise_are_equally_strong():
    design = classifier(**ROWS).design()
    settings = design.stages[0].settings
    noise = lg.networks.Imperfections(flicker=0.01).noise(design, jax.random.key(0), jnp.arange(60, dtype=jnp.uint32))
    frames = jnp.arange(256, dtype=jnp.uint32)
    drift = np.asarray(noise.disturbance(0, frames).drift) / (0.01 * settings.input_limit)  # (K, B, N)
    assert np.array_equal(
        drift[100:], np.asarray(noise.disturbance(0, frames[100:]).drift) / (0.01 * settings.input_limit)
    )
    powers = 2 * np.mean(np.abs(np.fft.rfft(drift, axis=0)) ** 2, axis=(1, 2)) / 256  # one-sided, per frame rate
    f = np.arange(129) / 256
    for low in (4, 8, 16, 32):
        octave = slice(low, 2 * low)
        assert np.mean(powers[octave] * f[octave]) == pytest.approx(1 / np.log(2), rel=0.2)


def test_impossible_imperfections_are_refused():
    for options, sentence in (
        ({"spread": 10.0}, r"spread = 10, expected a fraction below 0.5; 10 % is 0.1"),
        ({"flicker": -0.1}, r"flicker = -0.1, expected zero or more"),
        ({"jitter": -1e-12}, r"jitter = -1e-12, expected zero or more"),
        ({"temperature": np.inf}, r"temperature = inf, expected zero or more"),
        ({"bits": 1}, r"bits = 1, expected a resolution between 2 and 24 bits"),
    ):
        with pytest.raises(ValueError, match=sentence):
            lg.networks.Imperfections(**options)


def test_a_part_of_a_batch_sees_the_noise_of_the_whole():
    harsh = lg.networks.Imperfections(temperature=300.0, read_noise=0.1, jitter=3e-12, rise_time=20e-12, flicker=0.02)
    network, images, key = classifier(imperfections=harsh, **ROWS), pixels(4), jax.random.key(0)
    whole = network(images, key)
    parts = [network(images[:2], key), network(images[2:], key, 2)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)
