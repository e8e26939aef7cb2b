"""The numbers of a vortex's Thiele equation from those of its disk, in the two-vortex ansatz.

The magnetisation outside of the core turns with φ = arg(z − a) + arg(1 − a*z) ± π/2, z and the core's place a in units
of the radius: it has no charge at the edge. Inside of the core tan(θ/2) = ρ/R_c. Every number here follows from that by
an integral, which tests/physics take again in another way; the sources had them first.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Final, NamedTuple

import jax.numpy as jnp
import numpy as np

from llgrad.core.constants import ELEMENTARY_CHARGE, HBAR, MU_0
from llgrad.core.speed.starting import check_platform
from llgrad.core.vector import Vec3

CORE: Final = 0.684577
"""R_c = 0.68 (2 A t/Ms²)^{1/3} in CGS: what the sum of exchange, −2πAt ln R_c, and of the charges of the core on both
faces leaves least. (1/(12πc))^{1/3}, c = ∫₀^∞ du [∫₀¹ x J₀(ux)(1 − x²)/(1 + x²) dx]²."""
CATALAN: Final = 0.915965594177219015
PANELS: Final = 24
HIGHEST: Final = 200.0


class Numbers(NamedTuple):
    """The numbers of `Vortex` that a disk settles."""

    G: Any
    D: Any
    kappa: Any
    D_nonlinear: Any
    kappa_nonlinear: Any
    oersted: Any
    oersted_nonlinear: Any
    torque: Any
    core_force: Vec3
    torque_field: Vec3
    moment: Any


def numbers_of(
    radius: Any,
    thickness: Any,
    Ms: Any,
    exchange: Any,
    alpha: Any,
    gamma: Any,
    magnetostatic_nonlinear: Any,
    polarization: Any,
    field_like: Any,
    polariser: Vec3,
) -> Numbers:
    """See `Vortex.from_disk`."""
    check_platform()
    G = 2 * math.pi * Ms * thickness / gamma
    core = core_radius(thickness, Ms, exchange)
    friction = 5 / 4 + jnp.log(radius / core)
    magnetic = magnetostatic(thickness / radius) * MU_0 * Ms**2 * thickness**2 / radius
    elastic = 4 * math.pi * exchange * thickness / radius**2
    kappa = magnetic + elastic
    torque = HBAR * polarization / (2 * ELEMENTARY_CHARGE * radius**2)
    field = torque * field_like / (math.pi * Ms * thickness)
    return Numbers(
        G=G,
        D=alpha * G * friction / 2,
        kappa=kappa,
        D_nonlinear=1 / (6 * friction),
        kappa_nonlinear=(magnetostatic_nonlinear * magnetic + elastic) / kappa,
        oersted=4 / 15 * MU_0 * Ms * thickness / radius,
        oersted_nonlinear=-4 / 7,
        torque=torque * polariser.z,
        core_force=Vec3(torque * core * polariser.x, torque * core * polariser.y, 0.0),
        torque_field=Vec3(field * polariser.x, field * polariser.y, 0.0),
        moment=2 / 3 * math.pi * Ms * radius * thickness,
    )


def core_radius(thickness: Any, Ms: Any, exchange: Any) -> Any:
    """R_c [m] = 0.685 (8π A t/(µ0 Ms²))^{1/3}: N. A. Usov, S. E. Peschany, J. Magn. Magn. Mater. 118, L290 (1993)
    (recalled; derived in `CORE`)."""
    return CORE * (8 * math.pi * exchange * thickness / (MU_0 * Ms**2)) ** (1 / 3)


def magnetostatic(aspect: Any) -> Any:
    """κ R/(µ0 Ms² t²) of the charges in a disk of thickness/radius β = `aspect`:

        2π ∫₀^∞ du g(βu) [∫₀¹ x J₁(ux) dx]²,   g(x) = 2/x (1 − (1 − e^{−x})/x).

    For β → 0 it is 4(2G − 1)/3 = 1.10924 with Catalan's constant G, which is printed as 10/9.
    """
    nodes, weights = _rule()
    x = jnp.asarray(aspect)[..., None] * nodes
    series = 1 - x / 3 + x**2 / 12 - x**3 / 60
    large = jnp.where(x < 1e-2, 1.0, x)
    share = jnp.where(x < 1e-2, series, 2 / large * (1 + jnp.expm1(-large) / large))
    return jnp.sum(weights * share, -1)


@functools.cache
def _rule() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the integral over u, beyond whose end the square is 1/(πu³) in the mean."""
    from scipy.special import j1

    x, w = np.polynomial.legendre.leggauss(200)
    edges = np.concatenate([np.linspace(0, 20, PANELS + 1), np.linspace(20, HIGHEST, 3 * PANELS + 1)[1:]])
    nodes, weights = np.polynomial.legendre.leggauss(8)
    half = np.diff(edges)[:, None] / 2
    u, du = (edges[:-1, None] + half + half * nodes).ravel(), (half * weights).ravel()
    inner = (j1(np.outer(u, (x + 1) / 2)) * (x + 1) / 2) @ (w / 2)
    rule = 2 * math.pi * inner**2 * du
    rest = 4 * (2 * CATALAN - 1) / 3 - rule.sum()
    return np.append(u, 2 * HIGHEST), np.append(rule, rest)
