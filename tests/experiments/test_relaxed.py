"""Static states: where they are, whether they are stable, how they ring, and their derivatives."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.orbits.equilibria.relaxed import relaxed


@pytest.mark.parametrize(
    ("field", "m0"),
    [
        ((0.0, 0.0, 0.02), None),
        ((0.01, 0.02, 0.003), None),
        ((0.2, -0.1, 0.05), None),
        ((0.0, 0.0, 0.02), (0.1, 0.0, -0.995)),
    ],
)
def test_nothing_moves_in_a_static_state(sto, field, m0):
    device = sto.replace(field=field, current=0.2e-3)
    still = relaxed(device, None if m0 is None else np.array(m0) / np.linalg.norm(m0))
    run = lg.simulate(device, duration=1e-10, m0=still.m.stack())
    assert float(still.torque) < 1e-15
    assert np.abs(np.asarray(run.m[-1] - run.m[0])).max() < 1e-12
    assert (float(still.m.z) < 0) == (m0 is not None), "the branch is that of the start"


def test_the_in_plane_field_tilts_the_layer(sto, b):
    still = relaxed(sto.replace(field=(0.015, 0.0, 0.0)))
    assert float(still.m.x) == pytest.approx(0.015 / b, rel=1e-12)


def test_the_derivative_is_that_of_the_implicit_function(sto, b):
    def x(field):
        return relaxed(sto.replace(field=lg.Vec3(field, 0.0, 0.0))).m.x

    assert float(jax.grad(x)(0.015)) == pytest.approx(1 / b, rel=1e-12)


def test_the_threshold_is_where_the_static_state_loses_its_stability():
    """PHYSICS 4: the threshold of the reference device is 0.3966 mA; the rate is αγ(a + b)(I/I_c − 1)."""
    sto = lg.presets.kubota2013()
    currents = jnp.linspace(0.38e-3, 0.41e-3, 31)
    growth = np.asarray(jax.vmap(lambda i: relaxed(sto.replace(current=i)).growth)(currents))
    threshold = np.interp(0.0, growth, np.asarray(currents))
    assert threshold == pytest.approx(0.3966e-3, rel=0.003)
    at_rest = float(relaxed(sto.replace(current=0.0)).growth)
    assert at_rest == pytest.approx(-sto.alpha * math.tau * 1.7298e9, rel=1e-3)


@pytest.mark.parametrize("field", [0.015, 0.06, 0.3])
def test_resonance_in_an_in_plane_field(sto, b, hertz_per_tesla, field):
    """PHYSICS 4: γ√(b² − H²) below b, γ√(H(H − b)) above."""
    still = relaxed(sto.replace(alpha=1e-6, field=(field, 0.0, 0.0)))
    expected = math.sqrt(b**2 - field**2) if field < b else math.sqrt(field * (field - b))
    assert float(still.frequency) == pytest.approx(hertz_per_tesla * expected, rel=1e-9)


def test_resonance_along_the_easy_axis(sto, b, hertz_per_tesla):
    still = relaxed(sto.replace(alpha=1e-6, field=(0.0, 0.0, 0.2)))
    assert float(still.frequency) == pytest.approx(hertz_per_tesla * (0.2 + b), rel=1e-9)


@pytest.mark.parametrize(
    ("field", "H_k", "factors"),
    [
        ((0.0, 0.0, 0.1), 2.0, (0.0, 0.0, 1.0)),  # easy axis
        ((0.3, 0.0, 0.0), 2.0, (0.0, 0.0, 1.0)),  # in-plane field on a perpendicular layer
        ((0.3, 0.0, 0.0), 0.0, (0.0, 0.0, 1.0)),  # in-plane film
        ((0.3, 0.0, 0.0), 1.6, (0.1, 0.05, 0.85)),  # two anisotropies
    ],
)
def test_the_field_width_of_every_collinear_geometry_is_two_alpha_omega_over_gamma(sto, field, H_k, factors):
    """Width in frequency over df/dH: what α follows from in `fitting/resonance/damping.py`, to the order α²."""
    alpha = 1e-3
    device = sto.replace(alpha=alpha, H_k=H_k, demag=factors)
    unit = np.array(field) / np.linalg.norm(field)

    def mode(size):
        still = relaxed(device.replace(field=lg.Vec3(*(size * part for part in unit))))
        return jnp.stack([still.frequency, -still.growth / math.tau])

    size = float(np.linalg.norm(field))
    frequency, half_width = np.asarray(mode(size))
    slope = float(jax.jacfwd(mode)(size)[0])
    assert 2 * half_width / slope == pytest.approx(2 * alpha * math.tau * frequency / device.gamma, rel=1e-4)


@pytest.mark.float32
def test_float32(sto, b):
    still = relaxed(sto.replace(field=(0.015, 0.0, 0.0)))
    assert still.m.x.dtype == jnp.float32
    assert float(still.m.x) == pytest.approx(0.015 / b, rel=1e-5)
