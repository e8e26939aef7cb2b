"""The network of oscillators against a chain of plain simulations; engines agree; gradients are derivatives."""

from __future__ import annotations

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.networks.small import DEVICE, HOLD, PARTS, ROWS, classifier, pixels

import llgrad as lg

HARSH = lg.networks.Imperfections(
    spread=0.1, temperature=300.0, rise_time=30e-12, jitter=3e-12, read_noise=0.01, bits=8
)


def by_hand(design, image):
    """Magnetisation (K, R, N, 3) of each array for one image, one simulation after the other."""
    frames, found = np.asarray(design.stages[0].timeline.frames.cut(image[None]))[:, 0], []
    for stage in design.stages:
        settings, timeline = stage.settings, stage.timeline
        m = np.tile([0.6, 0.0, 0.8], (settings.count, 1))
        states = []
        for frame in frames:
            field_x = np.clip(
                frame @ np.asarray(settings.gains) + np.asarray(settings.offset),
                -settings.input_limit,
                settings.input_limit,
            )
            zeros = np.zeros(settings.count)
            oscillator = DEVICE.replace(
                field=lg.Vec3(field_x, zeros, np.asarray(settings.field)),
                current=np.asarray(settings.current),
                alpha=np.asarray(settings.alpha),
            )
            array = lg.OscillatorArray(oscillator, settings.count, lg.FieldCoupling(np.asarray(settings.coupling)))
            run = lg.simulate(
                array,
                duration=HOLD,
                dt=timeline.dt,
                m0=m,
                save=lg.Every(timeline.steps),
                engine=lg.solvers.XLA(),
                stepper=lg.solvers.RK4(limit=2.5),
            )
            states.append(np.asarray(run.m[1:]))
            m = states[-1][-1]
        found.append(np.stack(states))
        frames = np.stack(states).reshape(len(states), -1)
    return found


@pytest.mark.parametrize("options", [{}, {"oscillators": (5, 5), **ROWS}], ids=["whole", "two arrays, by rows"])
def test_a_network_is_a_chain_of_simulations(options):
    network, images = classifier(**options), pixels(2)
    found = network.design().states(images)
    for number, image in enumerate(images):
        for states, expected in zip(found, by_hand(network.design(), image), strict=True):
            np.testing.assert_allclose(states[:, :, number], expected, atol=2e-5)


@pytest.mark.parametrize("imperfections", [None, HARSH], ids=["ideal", "harsh"])
@pytest.mark.parametrize("options", [{}, ROWS], ids=["whole", "rows"])
def test_engines_agree(options, imperfections):
    key = None if imperfections is None else jax.random.key(1)
    xla, native = (
        classifier(engine, imperfections=imperfections, **options) for engine in (lg.solvers.XLA(), lg.solvers.Native())
    )
    np.testing.assert_allclose(native(pixels(3), key), xla(pixels(3), key), atol=1e-4)


def test_gradients_of_every_part_are_finite_differences():
    with jax.enable_x64(True):
        network = classifier(lg.solvers.Native(), trained=tuple(lg.networks.Part))
        network = jax.tree.map(lambda leaf: leaf.astype(jnp.float64) if eqx.is_array(leaf) else leaf, network)
        images, target = pixels(3).astype(float), np.random.default_rng(1).normal(size=(3, 3))

        @eqx.filter_jit
        def loss(net):
            return jnp.sum(net(images) * target)

        gradient = eqx.filter_grad(loss)(network)
        assert set(PARTS) == set(lg.networks.Part)
        for number, (part, where) in enumerate(PARTS.items()):
            rng = np.random.default_rng(number)
            direction = [rng.normal(size=leaf.shape) for leaf in where(network)]
            slope = sum(float(jnp.sum(g * d)) for g, d in zip(where(gradient), direction, strict=True))

            def moved(h, where=where, direction=direction):
                leaves = [leaf + h * d for leaf, d in zip(where(network), direction, strict=True)]
                return float(loss(eqx.tree_at(where, network, leaves)))

            h = 1e-5
            assert slope == pytest.approx((moved(h) - moved(-h)) / (2 * h), rel=1e-6, abs=1e-9), part
            assert slope != 0, part


def test_images_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"the images have 2×8 pixels, and the network is made for 4×4"):
        classifier()(pixels(3, (2, 8)))


def test_imperfections_are_seen_with_a_key_only():
    plain = classifier()
    harsh = dataclasses.replace(plain, imperfections=HARSH)
    images, key = pixels(3), jax.random.key(0)
    assert (harsh(images) == plain(images)).all() and (plain(images, key) == plain(images)).all()
    assert (harsh(images, key) == harsh(images, key)).all()
    assert (harsh(images, key) != harsh(images, jax.random.key(1))).all()
