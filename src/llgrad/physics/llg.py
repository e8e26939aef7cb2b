"""The Landau–Lifshitz–Gilbert line: the core that every torque enters as a field."""

from __future__ import annotations

from typing import Any

from llgrad.core.vector import Vec3


def llg(m: Vec3, field: Vec3, gamma: Any, alpha: Any) -> Vec3:
    """dm/dt = −γ/(1+α²) [m × B + α m × (m × B)], the explicit form of dm/dt = −γ m × B + α m × dm/dt.

    Exact for every B, spin torques included, so all α cross terms are kept. The unit of time is that of 1/(γ B).
    """
    torque = m.cross(field)
    return (torque + m.cross(torque) * alpha) * (-gamma / (1 + alpha * alpha))
