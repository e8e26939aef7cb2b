"""From mumax3's parameters to a record.

What was read: mumax 3.11.1, commit a0c5126: engine/torque.go (names, defaults, GammaLL, sign of FixedLayerPosition),
cuda/slonczewski2.cu (torque), cuda/uniaxialanisotropy2.cu (Ku1, Ku2), cuda/lltorque2.cu.
"""

from __future__ import annotations

from typing import Any, Final

from llgrad.core.constants import ELEMENTARY_CHARGE, HBAR, MUMAX_GAMMA
from llgrad.devices.conversions.asymmetry import lambda_from_Lambda
from llgrad.devices.conversions.names import check_axis, direction_of, vector_of

SIGNS: Final = {"FIXEDLAYER_TOP": 1.0, "FIXEDLAYER_BOTTOM": -1.0}
"""The sign that mumax3 gives the current for the side of the fixed layer (engine/torque.go)."""

ALIASES: Final = {"gamma": "GammaLL", "temperature": "Temp", "thickness": "FreeLayerThickness"}


def values(
    *,
    Msat: float,
    area: float,
    FreeLayerThickness: float,
    Ku1: float = 0.0,
    Ku2: float = 0.0,
    anisU: Any = (0.0, 0.0, 1.0),
    alpha: float = 0.0,
    GammaLL: float = MUMAX_GAMMA,
    Pol: float = 1.0,
    Lambda: float = 1.0,
    EpsilonPrime: float = 0.0,
    FixedLayer: Any = None,
    FixedLayerPosition: str = "FIXEDLAYER_TOP",
    J: Any = 0.0,
    B_ext: Any = (0.0, 0.0, 0.0),
    Temp: float = 0.0,
    demag: Any = (0.0, 0.0, 1.0),
    terms: Any = (),
    junction: Any = None,
) -> dict[str, Any]:
    """The fields of a record: see `Oscillator.from_mumax`.

    mumax3 adds γ/(1+α²) [(A + αS) m×(p×m) + (S − αA) p×m], A = ħ J/(e t Ms) ε, S = ħ J/(e t Ms) ε′. Of llgrad's line
    with the field B_s (p×m + β p) the same bracket is −B_s (1−αβ) m×(p×m) + B_s (α+β) p×m, so B_s = −A and β = −S/A.
    """
    if Ku1 or Ku2:
        check_axis("anisU", anisU, f"{(2 * Ku1 + 4 * Ku2) / Msat:g}, H_k2={-4 * Ku2 / Msat:g}")
    density = _density(J) * _sign(FixedLayerPosition)
    if density and FixedLayer is None:
        raise ValueError(
            "J is given and FixedLayer is not: mumax3 has no torque without it; give FixedLayer=(px, py, pz)"
        )
    lambda_, polarization = lambda_from_Lambda(Lambda, Pol)
    return {
        "Ms": Msat,
        "volume": area * FreeLayerThickness,
        "alpha": alpha,
        "gamma": GammaLL,
        "H_k": (2 * Ku1 + 4 * Ku2) / Msat,
        "H_k2": -4 * Ku2 / Msat,
        "demag": demag,
        "polarization": polarization,
        "lambda_": lambda_,
        "field_like": _field_like(EpsilonPrime, Lambda, polarization, density / (FreeLayerThickness * Msat)),
        "polariser": (1.0, 0.0, 0.0) if FixedLayer is None else direction_of("FixedLayer", FixedLayer, "mumax3"),
        "current": -density * area,
        "field": B_ext,
        "temperature": Temp,
        "terms": terms,
        "junction": junction,
    }


def _sign(position: Any) -> float:
    sign = SIGNS.get(str(position).upper())
    if sign is None:
        raise ValueError(f"FixedLayerPosition = {position!r}, expected one of {', '.join(SIGNS)}")
    return sign


def _density(J: Any) -> float:
    """J_z [A/m²] of mumax3's J, a number or a vector: only what flows along z makes a torque on one spin."""
    if getattr(J, "shape", None) == () or isinstance(J, (int, float)):
        return float(J)
    x, y, z = vector_of("J", J)
    if x or y:
        raise ValueError(
            f"J = {J!r} flows in the plane, which makes no torque on one uniform spin; give the current along z, "
            "J=(0, 0, Jz)"
        )
    return float(z)


def _field_like(prime: float, Lambda: float, polarization: float, density: float) -> float:
    """β = −2ε′/η, where there is one: ε′ carries no angular factor."""
    if not prime:
        return 0.0
    if Lambda == 1 and polarization:
        return -2 * prime / polarization
    strength = -HBAR / ELEMENTARY_CHARGE * density * prime
    raise ValueError(
        f"EpsilonPrime = {prime} with Lambda = {Lambda} and Pol·(1+λ) = {polarization:g} has no field-like β in this "
        "torque: mumax's secondary term carries no angular factor; set Lambda=1, or leave it out and write it as a "
        f"field term of your own: B = {strength:.4g} T along FixedLayer"
    )
