"""Slonczewski's Λ and P, and llgrad's λ and η."""

from __future__ import annotations

import math


def lambda_from_Lambda(Lambda: float, polarization: float) -> tuple[float, float]:
    """(λ, η) of this torque from Slonczewski's (Λ, P): λ = (Λ² − 1)/(Λ² + 1), η = P (1 + λ).

    The efficiency ε = P Λ²/[(Λ² + 1) + (Λ² − 1) m·p] is then η/2/(1 + λ m·p).
    """
    if not (Lambda > 0 and math.isfinite(Lambda)):
        raise ValueError(f"Lambda = {Lambda} is out of range; expected a positive number (1 means no asymmetry)")
    lambda_ = (Lambda**2 - 1) / (Lambda**2 + 1)
    return lambda_, polarization * (1 + lambda_)


def Lambda_from_lambda(lambda_: float, polarization: float) -> tuple[float, float]:
    """(Λ, P) of Slonczewski's torque from (λ, η): the inverse of `lambda_from_Lambda`."""
    if not -1 < lambda_ < 1:
        raise ValueError(f"lambda_ = {lambda_} is out of range; expected −1 < λ < 1")
    return math.sqrt((1 + lambda_) / (1 - lambda_)), polarization / (1 + lambda_)
