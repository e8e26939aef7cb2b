"""Published and closed figures: the reference device's table, the amplitude model's formulas."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.orbits.devices import AMPLITUDE, closed_form, reference

import llgrad as lg

# f [GHz], Γ [1/ns], line width at 300 K [MHz], locking by 0.1 Oe along x [MHz], df/dH_z [GHz/T], df/dI [GHz/mA],
# df/dα [GHz]: an independent program, shooting with 400 and 1,600 RK4 steps and the adjoint of them.
TABLE = {
    (0.2, 2.5e-3): (6.239989, 0.2155376, 29.0205, 4.006935, 31.506695, -0.31048343, 148.86497),
    (0.02, 2.5e-3): (0.4402394, 0.3758948, 29.3470, 3.554569, 43.968899, -0.19299723, 8.6765214),
    (0.02, 0.8e-3): (0.7971726, 0.0756160, 331.081, 13.42966, 42.240205, -0.52002726, 74.152113),
}


def figures(p):
    found = lg.orbit(reference(p[0], p[1], p[2]), steps=64)
    lock = found.locking({"field_x": 1e-5})
    return jnp.stack([found.frequency, found.return_rate, found.line_width, lock.half_width])


@pytest.fixture(scope="module")
def slopes():
    return jax.jit(lambda p: (figures(p), jax.jacfwd(figures)(p)))


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_table_of_the_reference_device(case, slopes):
    values, jacobian = slopes(jnp.asarray([*case, 0.005]))
    expected = TABLE[case]
    np.testing.assert_allclose(values, np.multiply(expected[:4], [1e9, 1e9, 1e6, 1e6]), rtol=1e-6)
    np.testing.assert_allclose(jacobian[0], np.multiply(expected[4:], [1e9, 1e12, 1e9]), rtol=3e-7)


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_derivatives_are_those_of_finite_differences(case, slopes):
    p = jnp.asarray([*case, 0.005])
    jacobian = slopes(p)[1]
    for i in range(3):
        h = 1e-4 * float(p[i])
        near = [slopes(p.at[i].add(k * h))[0] for k in (-2, -1, 1, 2)]
        difference = (near[0] - 8 * near[1] + 8 * near[2] - near[3]) / (12 * h)
        np.testing.assert_allclose(jacobian[:, i], difference, rtol=1e-7)


def test_reverse_mode_is_forward_mode(slopes):
    p = jnp.asarray([0.02, 2.5e-3, 0.005])
    np.testing.assert_allclose(jax.jit(jax.jacrev(figures))(p), slopes(p)[1], rtol=1e-9)


@pytest.fixture(scope="module")
def amplitude():
    return lg.orbit(AMPLITUDE, steps=64)


def test_amplitude_model(amplitude):
    expected = closed_form(AMPLITUDE)
    for name in ("frequency", "return_rate", "line_width"):
        np.testing.assert_allclose(getattr(amplitude, name), expected[name], rtol=1e-8)
    np.testing.assert_allclose(amplitude.nonlinearity("re"), expected["nu"], rtol=1e-8)
    np.testing.assert_allclose(amplitude.linear_width * (1 + expected["nu"] ** 2), expected["line_width"], rtol=1e-8)
    slope = AMPLITUDE.shift * expected["p"] / (2 * math.pi)
    np.testing.assert_allclose(amplitude.frequency_by_power("re"), slope, rtol=1e-8)
    np.testing.assert_allclose(abs(amplitude.harmonics("re")[1]), math.sqrt(expected["p"]) / 2, rtol=1e-8)


def test_amplitude_model_locks(amplitude):
    expected, h = closed_form(AMPLITUDE), 1e5
    turning = amplitude.locking({"push": h, "pull": -1j * h}, observable="re")  # f e^{iωt}
    width = h * math.sqrt(1 + expected["nu"] ** 2) / math.sqrt(expected["p"]) / (2 * math.pi)
    np.testing.assert_allclose(turning.half_width, width, rtol=1e-8)
    np.testing.assert_allclose(amplitude.locking({"push": h}).half_width, width / 2, rtol=1e-8)
    assert float(amplitude.locking({"push": h, "pull": 1j * h}).half_width) < 1e-8 * width
    # in the middle of the range: a push of e^{iχ} against the phase makes dφ/dt = (sin χ + ν cos χ) f/√p
    lag = turning.lag(turning.centre)
    np.testing.assert_allclose(math.sin(lag) + expected["nu"] * math.cos(lag), 0.0, atol=1e-8)


def test_amplitude_model_noise():
    # so fast that one real observable does not mix the two side bands: they are 2ω apart, and Γ/ω is small
    amplitude = lg.orbit(AMPLITUDE.replace(omega=1e12), steps=64)
    expected = closed_form(amplitude.model)
    p, rate, nu = expected["p"], expected["return_rate"], expected["nu"]
    f = np.geomspace(1e3, 3e8, 7)
    omega = 2 * math.pi * f
    found = amplitude.phase_noise(f, observable="re")
    # linear amplitude model: da/dt = −Γ a + n_a, dφ/dt = N 2p a + n_φ, ⟨n n⟩ = (D/p) δ, one-sided 2 D/p
    white = 2 * AMPLITUDE.heat / p
    np.testing.assert_allclose(found.amplitude, white / (omega**2 + rate**2), rtol=1e-6)
    np.testing.assert_allclose(found.phase, white / omega**2 * (1 + (nu * rate) ** 2 / (omega**2 + rate**2)), rtol=1e-6)
    np.testing.assert_allclose(found.phase[0], expected["line_width"] / (math.pi * f[0] ** 2), rtol=1e-6)
    side = 10 * np.log10(expected["line_width"] / (2 * math.pi) / (f**2 + (expected["line_width"] / 2) ** 2))
    np.testing.assert_allclose(found.dbc[:2], side[:2], rtol=1e-6)
    slow = amplitude.phase_noise(f[:2], flicker={"power": 1e-8}, observable="re").phase - found.phase[:2]
    by_power = float(amplitude.sensitivity("power"))
    np.testing.assert_allclose(slow, by_power**2 * 1e-8 / f[:2] ** 3, rtol=1e-4)


def test_amplitude_model_is_modulated(amplitude):
    expected = closed_form(AMPLITUDE)
    np.testing.assert_allclose(
        amplitude.modulation_bandwidth("power", "re"), expected["return_rate"] / (2 * math.pi), rtol=1e-3
    )
    slope = jax.grad(lambda z: closed_form(AMPLITUDE.replace(supercriticality=z))["frequency"])(2.0)
    np.testing.assert_allclose(amplitude.sensitivity("power"), slope, rtol=1e-8)
