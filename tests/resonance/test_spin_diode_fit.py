"""Parameters of a device from sweeps, through its equation of motion: the chain on a device that is known."""

import math

import numpy as np
import pytest

import llgrad as lg
from llgrad.core.vector import Vec3
from llgrad.datasets.sweeps import Sweep, Sweeps
from llgrad.devices.junction import ConductanceJunction
from llgrad.experiments.rectification import Microwave
from llgrad.experiments.spin_diode import spin_diode
from llgrad.fitting.resonance.analysis import fit_resonance
from llgrad.fitting.resonance.spin_diode import fit_spin_diode

MICROWAVE, ALONG = Microwave(current=10e-6), Vec3(1.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def device():
    """The reference layer at rest, in an in-plane field above its anisotropy field."""
    return lg.presets.kubota2013().replace(
        current=0.0, alpha=0.01, polariser=(0.8, 0.6, 0.0), junction=ConductanceJunction(R_P=200.0, tmr=1.0)
    )


@pytest.fixture(scope="module")
def sweeps(device):
    """Rectified voltages with 1 % noise, an unknown gain for each sweep and a background."""
    rng = np.random.default_rng(0)
    fields = np.linspace(0.06, 0.4, 121)
    clean = spin_diode(device, fields, np.arange(3, 11) * 1e9, MICROWAVE, axis=ALONG, largest_swing=math.inf)
    return Sweeps(
        [
            Sweep(f, fields, (1 + 0.1 * i) * v + 0.01 * np.ptp(v) * (rng.standard_normal(fields.size) + 1 + fields))
            for i, (f, v) in enumerate(zip(clean.frequencies, clean.voltage, strict=True))
        ]
    )


@pytest.mark.slow
def test_the_device_is_found_from_all_sweeps(device, sweeps):
    start = device.replace(alpha=0.013, H_k=device.H_k + 5e-3, gamma=0.98 * device.gamma)
    found = fit_spin_diode(start, sweeps, free=("gamma", "H_k", "alpha"), microwave=MICROWAVE, axis=ALONG)
    assert found.converged and found.verdict == ("every free parameter is identifiable from these data",)
    for name, relative in (("gamma", 1e-3), ("H_k", 1e-4), ("alpha", 0.02)):
        assert found.values[name] == pytest.approx(getattr(device, name), rel=relative)
        assert abs(found.values[name] - getattr(device, name)) < 4 * found.errors[name]
    assert "alpha" in str(found) and min(found.r_squared) > 0.98  # noise of 1 % of the height


def test_the_lines_tell_the_same(device, sweeps):
    """The law of `fit_resonance` holds for the device's own equation of motion."""
    result = fit_resonance(sweeps)
    layer = next(fit for fit in result.fits if fit.geometry.symbols == ("H_K",))
    assert 2 * math.pi * layer.gamma == pytest.approx(device.gamma, abs=4 * 2 * math.pi * layer.gamma_error)
    assert layer.fields[0] == pytest.approx(0.0416125, abs=4 * layer.field_errors[0])
    alpha, error = result.law.alpha(layer.gamma)
    assert alpha == pytest.approx(0.01, abs=4 * error) and error < 5e-4
    assert any(fit.geometry is layer.geometry for fit in result.fits[:2])


def test_a_device_that_does_not_explain_the_sweeps_is_said_to_first(device, sweeps):
    """Derivative lines, fitted with a device whose response is a Lorentzian."""
    fields = sweeps.sweeps[0].field
    clean = spin_diode(device, fields, np.array([5e9, 9e9]), MICROWAVE, axis=ALONG, largest_swing=math.inf)
    slopes = Sweeps(
        [Sweep(f, fields, np.gradient(v, fields)) for f, v in zip(clean.frequencies, clean.voltage, strict=True)]
    )
    found = fit_spin_diode(device, slopes, free=("alpha",), microwave=MICROWAVE, axis=ALONG)
    assert "the device does not explain 2 of 2 sweeps (worst at" in found.verdict[0]
    assert str(found).startswith("the device does not explain") and max(found.r_squared) < 0.95


def test_what_cannot_be_meant_is_refused(device, sweeps):
    with pytest.raises(ValueError, match="unknown parameter 'alhpa'"):
        fit_spin_diode(device, sweeps, free=("alhpa",), microwave=MICROWAVE, axis=ALONG)
    with pytest.raises(ValueError, match="this device has no junction"):
        fit_spin_diode(device.replace(junction=None), sweeps, free=("alpha",), microwave=MICROWAVE, axis=ALONG)
    with pytest.raises(ValueError, match="no free parameter"):
        fit_spin_diode(device, sweeps, free=(), microwave=MICROWAVE, axis=ALONG)
