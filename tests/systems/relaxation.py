"""Systems with an exact state and, by differentiating it, an exact gradient: a macrospin that relaxes towards +z.

With the field a along z and b = H_k − µ0 Ms, at u = cosθ (exact for every a and b):

    dφ/dt = γ (a + b u)/(1+α²),   du/dt = αγ (a + b u)(1 − u²)/(1+α²),   so φ − φ₀ = (artanh u − artanh u₀)/α.

A system is an implicit law g(u) = g(u₀) + rate · t. `exact` solves it and takes one Newton step more with the
parameters' derivatives attached, which makes its derivatives exact as well (implicit function theorem).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

import llgrad as lg
from llgrad.core.constants import MU_0

GAMMA = 1.764e11
MS = 8e5
START_AZIMUTH = 0.3
TIME = 2e-9


class System(NamedTuple):
    """Field a and anisotropy b [T], the law g(u; a, b), its rate over αγ/(1+α²), and the starting angle [rad]."""

    field: float
    b: float
    law: Callable[[Any, Any, Any], Any]
    rate: Callable[[Any, Any], Any]
    theta: float = 0.9

    @property
    def parameters(self) -> dict[str, float]:
        return {"field": self.field, "H_k": self.b + MU_0 * MS, "alpha": 0.05, "theta": self.theta}


def both(u, a, b):
    return -jnp.log(1 - u) / (2 * (a + b)) + jnp.log(1 + u) / (2 * (a - b)) + b * jnp.log(a + b * u) / (b * b - a * a)


def tangent_of_half(u, a, b):
    """b = 0: ln tan(θ/2) falls at αγa/(1+α²)."""
    return -jnp.log((1 - u) / (1 + u)) / 2


def tangent(u, a, b):
    """a = 0: ln tanθ falls at αγb/(1+α²)."""
    return -jnp.log(jnp.sqrt(1 - u * u) / u)


SYSTEMS = {
    "field only": System(0.06, 0.0, tangent_of_half, lambda a, b: a),
    "anisotropy only": System(0.0, 0.05, tangent, lambda a, b: b),
    "field and anisotropy": System(0.06, 0.02, both, lambda a, b: 1.0),
}


def exact(system: System, p: dict[str, Any], t: float = TIME) -> Any:
    """m(t), (3,), differentiable in the parameters that the law depends on."""
    a, b, u0 = p["field"], p["H_k"] - MU_0 * MS, jnp.cos(p["theta"])
    target = system.law(u0, a, b) + p["alpha"] * GAMMA / (1 + p["alpha"] ** 2) * system.rate(a, b) * t
    root = _root(system, system.parameters, t)
    slope = jax.grad(system.law)(root, system.field, system.b)
    u = root - (system.law(root, a, b) - target) / slope
    phi = START_AZIMUTH + (jnp.arctanh(u) - jnp.arctanh(u0)) / p["alpha"]
    s = jnp.sqrt(1 - u * u)
    return jnp.stack([s * jnp.cos(phi), s * jnp.sin(phi), u])


def _root(system: System, p: dict[str, float], t: float) -> float:
    a, b, u0 = system.field, system.b, np.cos(p["theta"])
    target = float(system.law(u0, a, b)) + p["alpha"] * GAMMA / (1 + p["alpha"] ** 2) * system.rate(a, b) * t
    return scipy.optimize.brentq(lambda u: float(system.law(u, a, b)) - target, u0, 1 - 1e-12, xtol=1e-15, rtol=1e-14)


def device(p: dict[str, Any]) -> lg.Oscillator:
    """The oscillator of a system's parameters, without current."""
    return lg.Oscillator(
        Ms=MS, volume=2e-23, gamma=GAMMA, alpha=p["alpha"], H_k=p["H_k"], field=lg.Vec3(0.0, 0.0, p["field"])
    )
