"""From cmtj's parameters to a record: the device that cmtj simulates, its own constants and torque included.

What was read and run: cmtj 1.15.0, core/junction.hpp (solveLLG, calculateHeff, calculateSecondOrderAnisotropy,
calculateMagnetoresistance) and core/constants.hpp.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from llgrad.core.constants import (
    CMTJ_ELEMENTARY_CHARGE,
    CMTJ_GYROMAGNETIC_RATIO,
    CMTJ_MU_0,
    ELEMENTARY_CHARGE,
    MU_0,
)
from llgrad.core.vector import Vec3
from llgrad.devices import ranges
from llgrad.devices.conversions.asymmetry import lambda_from_Lambda
from llgrad.devices.conversions.names import check_axis, direction_of, vector_of
from llgrad.devices.junction import LinearJunction

ALIASES: Final = {
    "area": "cellSurface",
    "alpha": "damping",
    "polarization": "give spinPolarisation as cmtj takes it;",
    "lambda_": "give SlonczewskiSpacerLayerParameter as cmtj takes it;",
    "field_like": "give beta as cmtj takes it;",
    "field": "give Hext in A/m, as cmtj takes it;",
    "gamma": "give gyromagnetic_ratio in m/(A s), as cmtj takes it;",
}


def values(
    *,
    Ms: float,
    thickness: float,
    cellSurface: float,
    demagTensor: Any = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    anis: Any = (0.0, 0.0, 1.0),
    damping: float = 0.011,
    SlonczewskiSpacerLayerParameter: float = 1.0,
    beta: float = 0.0,
    spinPolarisation: float = 0.0,
    referenceLayer: Any = None,
    alternativeSTT: bool = False,
    kappa: float = 1.0,
    Ku: float = 0.0,
    K2: float = 0.0,
    J: float = 0.0,
    Hext: Any = (0.0, 0.0, 0.0),
    Rp: float | None = None,
    Rap: float | None = None,
    temperature: float = 0.0,
    gyromagnetic_ratio: float = CMTJ_GYROMAGNETIC_RATIO,
    magnetic_permeability: float = CMTJ_MU_0,
    terms: Any = (),
) -> dict[str, Any]:
    """The fields of a record: see `Oscillator.from_cmtj`.

    cmtj has fields H in A/m and turns them by γ0 = 220880 m/(A s): in tesla, γ = γ0/µ0. Its demagnetising field is
    Ms[T]/µ0_cmtj, with a rounded µ0, so the record's Ms is that; its anisotropy field 2Ku/Ms[T] has no µ0 in it.
    """
    ranges.check_magnetisation_in_tesla(Ms)
    H_k, H_k2 = _anisotropy(Ms, Ku, K2, anis)
    lambda_, polarization = _asymmetry(SlonczewskiSpacerLayerParameter, spinPolarisation, alternativeSTT)
    factor, field_like = _torque(damping, beta, kappa)
    constants = (MU_0 / magnetic_permeability) * (ELEMENTARY_CHARGE / CMTJ_ELEMENTARY_CHARGE)
    return {
        "Ms": Ms / magnetic_permeability,
        "volume": cellSurface * thickness,
        "alpha": damping,
        "gamma": gyromagnetic_ratio / MU_0,
        "H_k": H_k,
        "H_k2": H_k2,
        "demag": _diagonal(demagTensor),
        "polarization": polarization * factor * constants,
        "lambda_": lambda_,
        "field_like": field_like,
        "polariser": _reference(referenceLayer, bool(J and spinPolarisation)),
        "current": -J * cellSurface,
        "field": Vec3(*(MU_0 * component for component in vector_of("Hext", Hext).tolist())),
        "temperature": temperature,
        "terms": terms,
        "junction": _junction(Rp, Rap),
    }


def _anisotropy(Ms: float, Ku: float, K2: float, anis: Any) -> tuple[float, float]:
    """(H_k, H_k2) [T] of cmtj's 2 Ku/Ms (m·u) u + 4 K2/Ms (m·u)³ u [A/m]."""
    H_k, H_k2 = MU_0 * (2 * Ku + 4 * K2) / Ms, -4 * MU_0 * K2 / Ms
    if Ku or K2:
        length = float(np.linalg.norm(vector_of("anis", anis)))
        if abs(length - 1) > 1e-6:
            raise ValueError(
                f"anis = {anis!r} has length {length:.6g}: cmtj would scale Ku with its square; give length 1"
            )
        check_axis("anis", anis, f"{H_k:g}, H_k2={H_k2:g}")
    return H_k, H_k2


def _torque(damping: float, beta: float, kappa: float) -> tuple[float, float]:
    """(factor of the polarisation, field-like β) that give cmtj's torque, which drops the α cross terms.

    cmtj has h [−κ m×(m×p) + β_c m×p] γ/(1+α²), and llgrad B_s [(1−αβ) m×(m×p) − (α+β) m×p] γ/(1+α²), with B_s = −h
    for factor 1 (its current counts the other way): so β = (β_c − ακ)/(κ + αβ_c), and the factor is (κ + αβ_c)/(1+α²).
    """
    along = kappa + damping * beta
    if not along:
        if not kappa and not beta:
            return 0.0, 0.0
        raise ValueError(
            f"kappa = {kappa}, beta = {beta}, damping = {damping}: a purely field-like torque has no β over the "
            "damping-like one; write it as a field term of your own"
        )
    return along / (1 + damping**2), (beta - damping * kappa) / along


def _asymmetry(parameter: float, polarisation: float, alternative: bool) -> tuple[float, float]:
    """(λ, η). The alternative torque has P/(1 + λ m·p), twice the strength of η/2/(1 + λ m·p), and λ as it stands."""
    if not alternative:
        return lambda_from_Lambda(parameter, polarisation)
    if not -1 < parameter < 1:
        raise ValueError(
            f"SlonczewskiSpacerLayerParameter = {parameter} with alternativeSTT: there cmtj takes it as λ itself, "
            "expected −1 < λ < 1"
        )
    return parameter, 2 * polarisation


def _reference(value: Any, needed: bool) -> tuple[float, float, float]:
    if value is None and needed:
        raise ValueError(
            "J is given and referenceLayer is not: cmtj has no torque without it (setReferenceLayer); give it"
        )
    if value is None:
        return 1.0, 0.0, 0.0
    array = vector_of("referenceLayer", value)
    length = float(np.linalg.norm(array))
    if length and abs(length - 1) > 1e-6:
        raise ValueError(
            f"referenceLayer = {value!r} has length {length:.6g}: cmtj would scale its torque; give length 1"
        )
    return direction_of("referenceLayer", value, "cmtj")


def _diagonal(tensor: Any) -> tuple[float, float, float]:
    """(N_x, N_y, N_z) of a diagonal tensor, given as three rows (CVectors are taken) or as its diagonal."""
    rows = np.array([list(row) if hasattr(row, "__iter__") else row for row in tensor], dtype=float)
    if rows.shape == (3,):
        return float(rows[0]), float(rows[1]), float(rows[2])
    if rows.shape != (3, 3):
        raise ValueError(f"demagTensor has the shape {rows.shape}, expected three rows of three numbers")
    if np.any(rows != np.diag(np.diag(rows))):
        raise ValueError(
            "demagTensor has entries off its diagonal, expected a diagonal one; turn the axes into the principal ones, "
            "or write it as a field term of your own"
        )
    return float(rows[0, 0]), float(rows[1, 1]), float(rows[2, 2])


def _junction(Rp: float | None, Rap: float | None) -> LinearJunction | None:
    if (Rp is None) != (Rap is None):
        raise ValueError("Rp and Rap belong together; give both, or neither")
    return None if Rp is None or Rap is None else LinearJunction(R_P=Rp, delta_R=Rap - Rp)
