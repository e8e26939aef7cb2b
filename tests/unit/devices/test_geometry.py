"""Ellipses: their factors against printed values, an integral and limits."""

import numpy as np
import pytest
from scipy.integrate import simpson
from scipy.special import j1

import llgrad as lg

# length over diameter: N_m of a cylinder of susceptibility 0; D.-X. Chen, J. A. Brug, R. B. Goldfarb, IEEE Trans. Magn.
# 27, 3601 (1991), whose values are computed "exactly using inductance formulas"
CYLINDERS = {0.1: 0.7967, 1.0: 0.3116, 10.0: 0.0412}


@pytest.mark.parametrize("ratio", CYLINDERS)
def test_a_circular_cylinder(ratio):
    demag = lg.devices.ellipse(diameters=(1e-7, 1e-7), thickness=ratio * 1e-7).demag
    assert demag.z == pytest.approx(CYLINDERS[ratio], abs=6e-5)
    assert demag.x == pytest.approx(demag.y, rel=1e-12)


@pytest.mark.parametrize("axes", [(80e-9, 40e-9, 5e-9), (30e-9, 90e-9, 2e-9), (1e-7, 1e-8, 3e-9)])
def test_the_sum_is_one_and_the_axes_turn(axes):
    a, b, t = axes
    demag, turned = (
        lg.devices.ellipse(semi_axes=(a, b), thickness=t).demag,
        lg.devices.ellipse(semi_axes=(b, a), thickness=t).demag,
    )
    assert demag.x + demag.y + demag.z == pytest.approx(1, abs=1e-12)
    assert (demag.x, demag.y) == pytest.approx((turned.y, turned.x), rel=1e-9)
    assert (demag.x < demag.y) == (a > b)


def test_against_the_integral_in_fourier_space():
    """N_z = (1/π) ∫∫ J₁²(q)/q (1 − e^{−κ})/κ dq dψ with κ = q t √(cos²ψ/a² + sin²ψ/b²)."""
    a, b, t = 80e-9, 40e-9, 5e-9
    q, psi = np.linspace(1e-6, 3000, 300_001), (np.arange(24) + 0.5) * np.pi / 48
    kappa = t * np.sqrt(np.cos(psi) ** 2 / a**2 + np.sin(psi) ** 2 / b**2)
    values = [simpson(j1(q) ** 2 / q * -np.expm1(-q * k) / (q * k), x=q) for k in kappa]
    assert lg.devices.ellipse(semi_axes=(a, b), thickness=t).demag.z == pytest.approx(2 * np.mean(values), abs=2e-6)


def test_a_long_cylinder_is_a_circle_in_the_plane_and_an_elliptic_one_has_the_factors_of_its_cross_section():
    demag = lg.devices.ellipse(semi_axes=(3e-9, 1e-9), thickness=1e-5).demag
    assert (demag.x, demag.y) == pytest.approx((0.25, 0.75), abs=3e-4)


def test_lengths_with_units_and_without():
    layer = lg.devices.ellipse(diameters="160nm, 80nm", thickness="5nm")
    assert layer == lg.devices.ellipse(semi_axes=(80e-9, 40e-9), thickness=5e-9)
    assert layer.volume == pytest.approx(lg.devices.ellipse_volume(80e-9, 40e-9, 5e-9))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"thickness": 5e-9}, "takes diameters or semi_axes, one of the two"),
        ({"diameters": (160, 80), "thickness": 5e-9}, "diameters = 160 m is out of range.*did you mean 160 nm"),
        ({"diameters": (160e-9, -80e-9), "thickness": 5e-9}, "out of range, expected a positive length"),
        ({"diameters": "160nm, 80", "thickness": "5nm"}, "diameters: '80' has no unit"),
        ({"diameters": 160e-9, "thickness": 5e-9}, "expected two lengths"),
        ({"diameters": (160e-9, 80e-9), "thickness": (5e-9, 5e-9)}, "expected one length"),
        ({"diameters": (160e-9, None), "thickness": 5e-9}, "diameters: "),
    ],
)
def test_what_is_no_ellipse(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        lg.devices.ellipse(**given)
