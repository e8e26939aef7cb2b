"""The linear response: against a simulation, the fluctuation–dissipation theorem, equipartition, closed forms."""

import math

import jax
import numpy as np
import pytest
from tests.orbits.systems import Pair
from tests.unit.solve.systems import MEMBERS, Hopf

import llgrad as lg
from llgrad.core.constants import BOLTZMANN, MU_0

STO = lg.presets.kubota2013()
B = STO.H_k - MU_0 * STO.Ms
OBLIQUE = STO.replace(current=0.0, field=(0.03, 0.01, 0.02), temperature=300.0, alpha=0.02)


def test_fluctuations_are_those_of_the_dissipation():
    """S = −4 k_B T Im χ/(ω Ms V) for every component, without a current."""
    ringing = lg.orbits.resonance(OBLIQUE)
    f = np.array([1e7, 0.5e9, 1.2e9, 5e9])
    chi = ringing.susceptibility(f)[:, :, 1:]
    moment = OBLIQUE.Ms * OBLIQUE.volume
    expected = -4 * BOLTZMANN * 300 * np.diagonal(chi.imag, axis1=1, axis2=2) / (math.tau * f[:, None] * moment)
    assert ringing.fluctuations(f) == pytest.approx(expected, rel=1e-11)


def test_a_current_breaks_the_theorem():
    warm = STO.replace(current=0.3e-3, temperature=300.0)
    ringing = lg.orbits.resonance(warm)
    f = ringing.modes.frequencies
    chi = ringing.susceptibility(f)[0, :, 1:]
    expected = -4 * BOLTZMANN * 300 * chi[0, 0].imag / (math.tau * f[0] * warm.Ms * warm.volume)
    assert ringing.fluctuations(f)[0, 0] > 1.5 * expected, "the spin torque lowers the damping, and not the noise"


def test_the_covariance_is_the_integral_of_the_spectrum_and_obeys_equipartition():
    ringing = lg.orbits.resonance(STO.replace(current=0.0, temperature=300.0, alpha=0.05))
    f = np.linspace(0, 60e9, 600_001)
    area = np.trapezoid(ringing.fluctuations(f), f, axis=0)
    moment = STO.Ms * STO.volume
    expected = BOLTZMANN * 300 / (moment * (STO.field.z + B))
    assert np.diag(ringing.covariance())[:2] == pytest.approx([expected] * 2, rel=1e-11)
    assert area[:2] == pytest.approx([expected] * 2, rel=2e-2)


class Doubling(lg.physics.FieldTerm):
    """As much again as the applied field."""

    def field(self, m, inputs):
        return inputs.field


def test_a_term_that_sees_the_field_does_not_see_its_thermal_part():
    doubled = lg.orbits.resonance(OBLIQUE.replace(terms=(Doubling(),)))
    twice = lg.orbits.resonance(OBLIQUE.replace(field=OBLIQUE.field * 2.0))
    f = np.array([1e9, 3e9])
    assert doubled.fluctuations(f) == pytest.approx(twice.fluctuations(f), rel=1e-11)
    assert doubled.susceptibility(f)[..., 1:] == pytest.approx(2 * twice.susceptibility(f)[..., 1:], rel=1e-11)


def test_on_the_easy_axis_the_susceptibility_is_the_closed_form():
    """By Gilbert's equation near the pole, iω δm = −γ z × (b − (a + b + iωα/γ) δm)."""
    ringing = lg.orbits.resonance(STO.replace(current=0.0))
    f = np.array([0.3e9, 1.7e9, 4e9])
    chi = ringing.susceptibility(f)
    for place, omega in enumerate(math.tau * f):
        stiff = STO.field.z + B + 1j * omega * STO.alpha / STO.gamma
        matrix = np.array([[1j * omega / STO.gamma, stiff], [-stiff, 1j * omega / STO.gamma]])
        expected = np.linalg.solve(matrix, np.array([[0, 1], [-1, 0]]))
        assert chi[place, :2, 1:3] == pytest.approx(expected, rel=1e-10)


def test_the_response_is_what_a_simulation_shows():
    device = OBLIQUE.replace(temperature=0.0, current=0.2e-3)
    ringing = lg.orbits.resonance(device, max(lg.equilibria(device).stable, key=lambda point: point.y[2]))
    f, size = 1.0e9, 2e-6
    chi = ringing.susceptibility([f])[0]
    run = lg.simulate(
        device,
        duration=60e-9,
        dt=5e-12,
        m0=ringing.state,
        drive=lg.Drive(current=lg.Sine(size, frequency=f)),
        save=lg.Every(10),
    )
    t, m = np.asarray(run.t), np.asarray(run.m)
    late = (t >= 50e-9 - 1e-15) & (t < 60e-9 - 1e-15)
    wave = 2 * np.mean((m[late] - ringing.state) * np.exp(-1j * math.tau * f * t[late])[:, None], axis=0)
    assert 1j * wave / size == pytest.approx(chi[:, 0], rel=2e-3, abs=2e-3 * np.abs(chi[:, 0]).max())


def test_the_response_of_a_system():
    """The normal form below threshold, driven: both circular parts ring at their own frequency."""
    device = Hopf(-1e8, 2e9, 1.2e9)
    ringing = lg.orbits.resonance(device)
    f = np.array([1.0e9, 1.2e9])
    chi = ringing.susceptibility(f)[:, ringing.names.index("re"), 0]
    omega, omega_0 = math.tau * f, math.tau * 1.2e9
    expected = 0.5 * (1 / (1j * (omega - omega_0) + 1e8) + 1 / (1j * (omega + omega_0) + 1e8))
    assert chi == pytest.approx(expected, rel=1e-11)


def test_the_response_has_its_derivatives():
    def size(field):
        ringing = lg.orbits.resonance(OBLIQUE.replace(field=lg.Vec3(field, 0.01, 0.02)))
        chi = ringing.susceptibility([1.2e9])[0, 2, 0]
        return chi.real, ringing.fluctuations([1.2e9])[0, 1] * 1e12, ringing.modes.frequencies[0] * 1e-9

    slopes = jax.jacfwd(size)(0.03)
    ahead, behind = size(0.03 + 1e-6), size(0.03 - 1e-6)
    for slope, high, low in zip(slopes, ahead, behind, strict=True):
        assert float(slope) == pytest.approx((high - low) / 2e-6, rel=2e-6)


def test_what_cannot_be_answered_is_a_sentence():
    for call, words in (
        (lambda: lg.orbits.resonance(STO), "no state of this device is stable"),
        (lambda: lg.orbits.resonance(MEMBERS["Stack"], time=0.0), "4 states of this device are stable"),
        (lambda: lg.orbits.resonance(STO, (0.0, 1.0, 0.0)), "no fixed point is near"),
        (lambda: lg.orbits.resonance(STO, (0.0, 1.0)), "expected 3: m.x, m.y, m.z"),
        (lambda: lg.orbits.resonance(STO.replace(current=0.0)).fluctuations(1e9), "give it a temperature"),
        (lambda: lg.orbits.resonance(STO.replace(temperature=300.0), (0.0, 0.0, 1.0)).covariance(), "grow"),
        (lambda: lg.orbits.resonance(Pair(0.03, 0.4, 0.0)), "no state of this device is stable"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
