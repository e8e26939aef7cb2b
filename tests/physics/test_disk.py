"""The numbers of a vortex from its disk, each taken again by the integral over the magnetisation that it comes from.

Lengths are in radii: the core at (s, 0), φ = arg(z − a) + arg(1 − a*z) + π/2 outside of it.
"""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import j0, j1, struve

import llgrad as lg
from llgrad.core.constants import ELEMENTARY_CHARGE, GAMMA_ELECTRON, HBAR, MU_0
from llgrad.physics.models.disk import CORE, core_radius, magnetostatic

R, t, MS, A, ALPHA = 100e-9, 10e-9, 800e3, 1e-11, 0.01
PERMALLOY = {"radius": R, "thickness": t, "Ms": MS, "exchange": A, "alpha": ALPHA}


def round_the_core(s, least):
    """Points z of the disk farther than `least` from the core, and their areas."""
    turns = 2 * np.pi * (np.arange(600) + 0.5) / 600
    edge = np.sqrt(1 - (s * np.sin(turns)) ** 2) - s * np.cos(turns)
    x, w = np.polynomial.legendre.leggauss(120)
    half = (np.log(edge) - math.log(least)) / 2
    r = np.exp(math.log(least) + half * (1 + x[:, None]))
    return s + r * np.exp(1j * turns), half * w[:, None] * r**2 * (2 * np.pi / 600)


def moved(s, z):
    """∂φ/∂a along the turn, for a core at (s, 0)."""
    return -(1 / (z - s)).real + (z / (1 - s * z)).real


@pytest.mark.parametrize("aspect", [1e-5, 0.05, 0.1, 0.3])
def test_magnetostatic_stiffness(aspect):
    """The charges −div m = −2 s sinθ/R of a displaced vortex, even over the thickness: their energy by Fourier's way.
    K. Y. Guslienko et al., J. Appl. Phys. 91, 8037 (2002) print its limit as ω = (20/9) γ Ms t/R in CGS, 0.2 % above.
    """

    def integrand(u):
        charge = math.pi / (2 * u) * (j1(u) * struve(0, u) - j0(u) * struve(1, u))
        x = aspect * u
        return 2 * math.pi * charge**2 * 2 / x * (1 + math.expm1(-x) / x)

    expected = sum(quad(integrand, a, b, epsabs=1e-10)[0] for a, b in [(1e-6, 5), (5, 40), (40, 150)])
    assert float(magnetostatic(aspect)) == pytest.approx(expected, abs=6e-5)


def test_the_gyration_of_a_thin_disk_is_the_published_one():
    thin = lg.systems.Vortex.from_disk(radius=1e-5, thickness=1e-9, Ms=MS, exchange=1e-13, alpha=ALPHA, gamma=1.76e11)
    published = 20 / 9 * 1.76e11 * (MU_0 * MS / (4 * math.pi)) * 1e-4  # γ Ms in CGS is γ µ0 Ms/4π
    assert 2 * math.pi * thin.frequency_at_rest == pytest.approx(published, rel=5e-3)


def test_core_radius():
    """The least of −2πAt ln R_c and of the energy of the core's charges on both faces, µ0 π Ms² c R_c³."""
    x, w = np.polynomial.legendre.leggauss(200)
    x, w = (x + 1) / 2, w / 2

    def charge(u):
        return float((w * x * j0(u * x) * (1 - x * x) / (1 + x * x)).sum()) ** 2

    c = quad(charge, 0, 100, limit=200)[0]
    assert (1 / (12 * math.pi * c)) ** (1 / 3) == pytest.approx(CORE, abs=2e-4)
    size = core_radius(t, MS, A)
    assert 2 * math.pi * A * t / size == pytest.approx(3 * MU_0 * math.pi * MS**2 * c * size**2, rel=1e-3)
    assert 9e-9 < size < 11e-9  # the core of a permalloy disk, some 20 nm across


def test_damping_torque_and_exchange():
    vortex = lg.systems.Vortex.from_disk(**PERMALLOY, polarization=0.2, oersted=False)
    core = core_radius(t, MS, A) / R

    def damping(s):
        z, area = round_the_core(s, core)
        return float((moved(s, z) ** 2 * area).sum())

    inside = 2 * math.pi  # ∫ (θ′² + sin²θ/ρ²)/2 of tan(θ/2) = ρ/R_c
    exact = ALPHA * MS * t / GAMMA_ELECTRON * (damping(1e-6) + inside)
    assert float(vortex.D) == pytest.approx(exact, rel=1e-2)  # up to (R_c/R)², which is left out
    rise = ALPHA * MS * t / GAMMA_ELECTRON * (damping(0.2) - damping(1e-6)) / 0.04
    assert vortex.D * vortex.D_nonlinear == pytest.approx(rise, rel=0.1)  # the first term of its series
    # F = Ms t B_s p_z ∫ ∂φ/∂a: π s, at any place
    z, area = round_the_core(0.4, 1e-4)
    force = (
        MS * t * HBAR * 0.2 / (2 * ELEMENTARY_CHARGE * MS * math.pi * R**2 * t) * float((moved(0.4, z) * area).sum())
    )
    assert vortex.torque * 0.4 == pytest.approx(force, rel=1e-5)
    # A t ∫ |∇φ|² = 2π ln(R/R_c) − 2π ln(1 − s²)
    gradient = []
    for s in (0.4, 1e-6):
        z, area = round_the_core(s, 1e-3)
        gradient.append(float((abs(1 / (z - s) - s / (1 - s * z)) ** 2 * area).sum()))
    assert gradient[0] - gradient[1] == pytest.approx(-2 * math.pi * math.log(1 - 0.16), rel=1e-4)


def test_oersted_field_and_moment():
    """−Ms t ∫ m·B of the field µ0 J ρ/2 inside of a wire, and the mean magnetisation along −y of a core at (s, 0)."""
    x, w = np.polynomial.legendre.leggauss(200)
    turn = np.exp(2j * np.pi * (np.arange(400) + 0.5) / 400)

    def means(s):
        """∫ m_φ ρ and ∫ m_y over the disk."""
        found = np.zeros(2)
        for a, b in ((0.0, s), (s, 1.0)):
            r = (a + b) / 2 + (b - a) / 2 * x[:, None]
            f = 1j * (r * turn - s) * (1 - s * r * turn)
            m = f / abs(f)
            area = (b - a) / 2 * w[:, None] * r * 2 * np.pi / 400
            found += [float(((m * (turn * 1j).conj()).real * r * area).sum()), float((m.imag * area).sum())]
        return found

    small, larger = ((2 * math.pi / 3 - means(s)[0]) / s**2 for s in (0.02, 0.1))
    vortex = lg.systems.Vortex.from_disk(**PERMALLOY)
    assert vortex.oersted == pytest.approx(MU_0 * MS * t / (math.pi * R) * small, rel=3e-4)
    assert 2 * (larger / small - 1) / (0.1**2 - 0.02**2) == pytest.approx(-4 / 7, rel=5e-3)
    assert means(0.02)[1] == pytest.approx(-vortex.visible * math.pi * 0.02, rel=1e-3)
    assert vortex.moment == pytest.approx(vortex.visible * MS * math.pi * R * t)


def test_an_in_plane_polariser_acts_on_the_core_and_as_a_field():
    """Ms t B_s p·∫ m × ∂m/∂X is π R_c along p of a core that points up; the field-like torque is a field β B_s p."""
    flat = lg.systems.Vortex.from_disk(**PERMALLOY, polarization=0.2, polariser=(1, 0, 0), field_like=0.5)
    field = HBAR * 0.2 / (2 * ELEMENTARY_CHARGE * MS * math.pi * R**2 * t)
    core = core_radius(t, MS, A)
    n = 400
    x = (np.arange(-n, n) + 0.5) / n
    X, Y = np.meshgrid(x, x, indexing="ij")
    rho = np.hypot(X, Y)
    size = np.where(rho < 1, 2 * rho / (1 + rho**2), 1.0)
    m = np.stack([-Y / rho * size, X / rho * size, np.where(rho < 1, (1 - rho**2) / (1 + rho**2), 0.0)])
    inside = rho[1:-1, :] < 1
    change = -(m[:, 2:] - m[:, :-2]) / (2 / n)
    along = np.cross(m[:, 1:-1], change, axis=0)[0][inside].sum() / n**2
    assert flat.core_force.x == pytest.approx(MS * t * field * core * along, rel=2e-2)
    assert flat.torque == 0 and flat.torque_field.x == pytest.approx(0.5 * field)
