"""Maps of resonance and spin diode against the spin-diode experiment, susceptibilities, and Kittel's frequencies."""

import numpy as np
import pytest

import llgrad as lg
from llgrad.experiments.spin_diode import spin_diode

F = [2e9, 4e9, 9e9]
STO = lg.presets.kubota2013().replace(
    current=0.1e-3, field=(0.0, 0.0, 0.0), junction=lg.devices.ConductanceJunction(R_P=200.0, tmr=1.0)
)
MICROWAVE = lg.experiments.Microwave(current=1e-6, field=(1e-5, 2e-5, 0.0), phase=0.7)
AXIS = (1.1, 0.3)


def test_the_voltage_is_that_of_the_spin_diode():
    found = lg.experiments.resonance_map(STO, 0.3, 0.2, F, angle=AXIS, microwave=MICROWAVE, steps=4)
    along = np.array([np.sin(1.1) * np.cos(0.3), np.sin(1.1) * np.sin(0.3), np.cos(1.1)])
    sto = STO.replace(field=along * 0.3)
    other = spin_diode(sto, found.fields, F, MICROWAVE, axis=along, largest_swing=np.inf)
    np.testing.assert_allclose(found.voltage, other.voltage, rtol=1e-7)


def test_the_power_is_that_of_the_susceptibility():
    found = lg.experiments.resonance_map(
        STO, 0.3, 0.2, F, angle=AXIS, microwave=lg.experiments.Microwave(field=(0.0, 1e-5, 0.0)), steps=4
    )
    sto = STO.replace(field=0.3 * np.array([np.sin(1.1) * np.cos(0.3), np.sin(1.1) * np.sin(0.3), np.cos(1.1)]))
    chi = lg.orbits.resonance(sto, tuple(found.loop.y[0, 0])).susceptibility(F)[:, 1, 2]
    expected = -np.pi * np.array(F) * sto.Ms * sto.volume * 1e-5**2 * chi.imag
    np.testing.assert_allclose(found.power[:, 0], expected, rtol=1e-9)
    assert (found.power > 0).all()


def test_a_stack_rings_at_the_acoustic_and_the_optical_frequency():
    """In the saturated state without anisotropy: γ√(B(B + µ0 Ms)), and with B − 2|J₁|/(Ms t) in place of B."""
    size = {"Ms": 1.0e6, "thickness": 3e-9, "area": 1e-14, "alpha": 1e-6}
    layers = lg.Layer("lower", m=(1, 0, 0), **size), lg.Layer("upper", m=(1, 0, 0), **size)
    barrier = lg.stacks.Barrier(("lower", "upper"), lg.devices.LinearJunction(R_P=100.0, delta_R=10.0))
    stack = lg.Stack(layers, lg.stacks.InterlayerExchange(("lower", "upper"), J1=-0.1e-3), barriers=barrier)
    found = lg.experiments.resonance_map(stack, 0.4, 0.2, F, angle=(np.pi / 2, 0.0), steps=4)
    B, exchange, full = found.fields, 2 * 0.1e-3 / 3e-3, 4e-7 * np.pi * 1e6
    expected = [np.sqrt(b * (b + full)) for b in (B - exchange, B)]
    wanted = layers[0].gamma / (2 * np.pi) * np.array(expected).T
    np.testing.assert_allclose(found.loop.frequencies[0], wanted, rtol=1e-6)
    np.testing.assert_allclose(found.voltage, 0.0, atol=1e-15)  # equal layers swing together


def test_files_and_what_is_refused(tmp_path):
    found = lg.experiments.resonance_map(STO, 0.3, 0.2, F, angle=AXIS, microwave=MICROWAVE, steps=4)
    assert "mode 1" in str(found) and "rectifies up to" in str(found)
    for ending in ("json", "npz"):
        assert found.save(tmp_path / f"map.{ending}").exists()
    with pytest.raises(ValueError, match=r"ends in \.json or \.npz"):
        found.save(tmp_path / "map.csv")
    with pytest.raises(ValueError, match="expected a list of positive ones in hertz"):
        lg.experiments.resonance_map(STO, 0.3, 0.2, [0.0])
    with pytest.raises(ValueError, match="this microwave is nothing"):
        lg.experiments.resonance_map(STO, 0.3, 0.2, F, angle=AXIS, microwave=lg.experiments.Microwave(), steps=4)
