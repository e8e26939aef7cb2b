"""Where a run starts: 1° off the stable axis, or where it is told to."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.constants import MU_0
from llgrad.solve.simulate import simulate
from llgrad.solve.start import default_start


class Pull(lg.physics.FieldTerm):
    """A constant field along −z, an axis along x, a field of the current along y."""

    down: float = lg.quantity("T", default=0.0)
    axis: float = lg.quantity("T", default=0.0)
    per_ampere: float = lg.quantity("T/A", default=0.0)

    def field(self, m, inputs):
        return lg.Vec3(self.axis * m.x, self.per_ampere * inputs.current, jnp.where(m.z > 2.0, 0.0, -self.down))


STO = lg.presets.kubota2013()
SMALL = math.sin(math.radians(1))
EASY = {
    "+z": (STO, 2, 1),
    "-z": (STO.replace(field=(0.0, 0.0, -20e-3)), 2, -1),
    "+x": (STO.replace(H_k=0.0, field=(20e-3, 0.0, 0.0)), 0, 1),
    "-y": (STO.replace(H_k=0.0, demag=(0.3, 0.1, 0.6), field=(0.0, -1e-3, 0.0)), 1, -1),
    "a field term": (STO.replace(terms=(Pull(down=3.0),)), 2, -1),
    "a field term, less than the field": (STO.replace(field=(0.0, 0.0, 3.1), terms=(Pull(down=3.0),)), 2, 1),
    "an axis of a term": (STO.replace(H_k=0.0, field=(0.0, 0.0, 0.2), terms=(Pull(axis=2.6),)), 0, 1),
    "a field of the current": (STO.replace(current=2e-3, terms=(Pull(per_ampere=3e3),)), 1, 1),
    "second order": (STO.replace(H_k=0.9 * MU_0 * STO.Ms, H_k2=0.5), 2, 1),
}


def start(model, m0=None):
    return np.asarray(simulate(model, duration=0.0, dt=1e-13, m0=m0).m[0])


@pytest.mark.parametrize("name", EASY)
def test_the_default_is_one_degree_off_the_stable_axis(name):
    device, axis, sign = EASY[name]
    m = start(device)
    assert sign * m[axis] == pytest.approx(math.cos(math.radians(1)))
    assert m[(axis + 1) % 3] == pytest.approx(SMALL * math.cos(math.radians(1)))
    assert m[(axis + 2) % 3] == pytest.approx(SMALL * math.sin(math.radians(1)))


def test_the_start_of_the_published_runs():
    v = lg.direction(math.radians(1), math.radians(1))
    assert start(STO) == pytest.approx([v.x, v.y, v.z], abs=1e-16)


def test_each_oscillator_of_an_array_has_its_own_axis():
    array = lg.OscillatorArray(STO.replace(field=lg.Vec3(0.0, 0.0, np.array([0.02, -0.02]))), 2)
    assert start(array)[:, 2] == pytest.approx([math.cos(math.radians(1)), -math.cos(math.radians(1))])


def test_each_oscillator_of_an_array_has_its_own_term():
    array = lg.OscillatorArray(STO.replace(terms=(Pull(down=np.array([3.0, -3.0])),)), 2)
    assert start(array)[:, 2] == pytest.approx([-math.cos(math.radians(1)), math.cos(math.radians(1))])


def test_the_default_carries_no_gradient():
    grad = jax.grad(lambda h: default_start(STO.replace(H_k=h)).x)(STO.H_k)
    assert float(grad) == 0.0


@pytest.mark.parametrize(
    "m0", [(0.6, 0.0, 0.8), [0.6, 0.0, 0.8], np.array([0.6, 0, 0.8]), jnp.array([0.6, 0, 0.8]), lg.Vec3(0.6, 0.0, 0.8)]
)
def test_a_given_start(m0):
    assert start(STO, m0) == pytest.approx([0.6, 0.0, 0.8])


def test_one_start_for_all_of_an_array():
    assert start(lg.OscillatorArray(STO, 3), (0.6, 0.0, 0.8)) == pytest.approx(np.tile([0.6, 0.0, 0.8], (3, 1)))


@pytest.mark.parametrize(
    ("model", "m0", "sentence"),
    [
        (STO, (1.0, 1.0, 0.0), "m0 = .* has length 1.41421, expected a unit vector"),
        (STO, (0.0, 1.0), r"m0 has the shape \(2,\), expected \(3,\), or \(N, 3\) for an array"),
        (STO, np.tile([0, 0, 1.0], (2, 1)), r"m0 has components of shape \(2,\), expected \(\)"),
        (
            lg.OscillatorArray(STO, 3),
            np.tile([0, 0, 1.0], (2, 1)),
            r"m0 has components of shape \(2,\), expected \(3,\)",
        ),
    ],
)
def test_a_start_that_cannot_be_simulated(model, m0, sentence):
    with pytest.raises(ValueError, match=sentence):
        start(model, m0)
