"""Rectified voltages: perturbation theory against simulation, its derivatives, and the line that it draws."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llgrad.core.vector import Vec3
from llgrad.experiments.rectification import Microwave, rectified
from llgrad.experiments.simulated_rectification import rectified_by_simulation
from llgrad.experiments.spin_diode import responses, spin_diode

MICROWAVE = Microwave(current=10e-6, field=(0.0, 20e-6, 10e-6), phase=0.4)


@pytest.mark.parametrize(("current", "frequency"), [(0.0, 1.2e9), (0.2e-3, 3e9)])
def test_perturbation_theory_and_simulation_agree_at_a_small_amplitude(sto, current, frequency):
    """With a direct current too, where the second-order shift of the static state matters."""
    device = sto.replace(current=current)
    theory = rectified(device, MICROWAVE, frequency)
    simulated = rectified_by_simulation(device, MICROWAVE, frequency, periods=20)
    assert float(theory.swing) < 2e-3 and float(theory.growth) < 0
    assert float(theory.voltage) == pytest.approx(float(simulated), rel=1e-5)


def test_an_oscillating_device_is_simulated(sto):
    device = sto.replace(current=2e-3, field=(0.0, 0.0, 0.05), alpha=0.005)
    found = spin_diode(device, [0.05], [2e9], Microwave(current=1e-5), periods=20)
    assert found.growth[0] > 0 and found.simulated.all() and np.isfinite(found.voltage).all()


def test_the_derivatives_are_those_of_finite_differences(sto):
    fields, along = np.linspace(0.06, 0.3, 7), Vec3(math.cos(0.3), math.sin(0.3), 0.0)

    def volts(p):
        return responses(sto.replace(alpha=p[0], H_k=p[1], current=p[2]), fields, 5e9, MICROWAVE, along).voltage

    at = jnp.array([0.02, float(sto.H_k), 0.1e-3])
    jacobian = np.asarray(jax.jit(jax.jacfwd(volts))(at))
    value = jax.jit(volts)
    for column, step in enumerate((1e-6, 1e-6, 1e-8)):
        change = np.zeros(3)
        change[column] = step
        slope = (np.asarray(value(at + change)) - np.asarray(value(at - change))) / (2 * step)
        assert jacobian[:, column] == pytest.approx(slope, rel=1e-4, abs=1e-6 * np.abs(slope).max())


def test_the_line_is_a_lorentzian_at_the_resonance_field(sto, b, hertz_per_tesla):
    """In a field along the easy axis: the line sits at H = ω/γ − b and its half width is αω/γ."""
    device, frequency = sto.replace(alpha=0.002, polariser=(0.0, 0.8, 0.6)), 5e9
    centre, half = frequency / hertz_per_tesla - b, 0.002 * frequency / hertz_per_tesla
    fields = centre + half * np.linspace(-30, 30, 601)
    volts = spin_diode(device, fields, [frequency], Microwave(current=1e-6), axis=(0.0, 0.0, 1.0)).voltage[0]
    x = (fields - centre) / half
    basis = np.stack([1 / (1 + x**2), x / (1 + x**2), np.ones_like(x), x], axis=1)
    rest = volts - basis @ np.linalg.lstsq(basis, volts, rcond=None)[0]
    assert np.abs(rest).max() < 5e-3 * np.ptp(volts)


def test_a_device_without_a_junction_or_a_direction_is_refused(sto):
    with pytest.raises(ValueError, match="this device has no junction, so no voltage can be told"):
        rectified(sto.replace(junction=None), MICROWAVE, 1e9)
    with pytest.raises(ValueError, match="the device has no field to take the direction of the sweep from"):
        spin_diode(sto.replace(field=(0.0, 0.0, 0.0)), [0.1], [1e9], MICROWAVE)
    with pytest.raises(ValueError, match="is not positive; expected frequencies in Hz"):
        spin_diode(sto, [0.1], [0.0], MICROWAVE)
