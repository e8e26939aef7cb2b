"""What the numbers of a vortex and of the amplitude model can be, and the mistake behind one out of range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from llgrad.core.record import is_concrete
from llgrad.devices.ranges import OSCILLATOR, Range


def _cgs(unit: str, factor: float) -> Callable[[float], str]:
    return lambda value: f"in {unit} it would be {value * factor:.4g} in SI" if value > 0 else "it must be positive"


def _always(sentence: str) -> Callable[[float], str]:
    return lambda value: sentence


_LENGTH: Final = _always("it is in metres; 100 nm is 100e-9")
_FRICTION: Final = _cgs("erg s/cm²", 1e-3)
_SHARE: Final = _always("it is a pure number, per square of the core's position in radii")

DISK: Final[dict[str, Range]] = {
    "radius": Range("m", 5e-9, 1e-4, _LENGTH),
    "thickness": Range("m", 5e-10, 1e-6, _LENGTH),
    "exchange": Range("J/m", 1e-13, 1e-9, _always("it is in J/m; 1 µerg/cm = 1e-11 J/m")),
    **{name: OSCILLATOR[name] for name in ("Ms", "alpha", "gamma", "polarization", "field_like")},
}
"""What a disk is made from."""

VORTEX: Final[dict[str, Range]] = {
    "radius": DISK["radius"],
    "G": Range("J s/m²", 1e-16, 3e-11, _FRICTION),
    "D": Range("J s/m²", 0.0, 3e-12, _FRICTION),
    "kappa": Range("J/m²", 1e-8, 0.2, _cgs("erg/cm²", 1e-3)),
    "G_nonlinear": Range("1", -10, 10, _SHARE),
    "D_nonlinear": Range("1", -1, 100, _SHARE),
    "kappa_nonlinear": Range("1", -10, 100, _SHARE),
    "oersted_nonlinear": Range("1", -10, 10, _SHARE),
    "oersted": Range("J/(m² A)", -10, 10, _always("it is a stiffness per ampere, about 4µ0 Ms t/(15 R)")),
    "torque": Range("J/(m² A)", -10, 10, _always("it is a stiffness per ampere, about ħη/(2eR²)")),
    "moment": Range("J/(T m)", 0.0, 1e-4, _always("it is about 2π Ms R t/3")),
    "visible": Range("1", 0.0, 1.0, _always("it is the mean magnetisation for a core at the edge, 2/3")),
    **{name: OSCILLATOR[name] for name in ("current", "field", "temperature")},
}
"""What each number of a vortex can be."""

AMPLITUDE: Final[dict[str, Range]] = {
    "omega_0": Range("rad/s", 1e5, 1e14, _always("it is in rad/s; 1 GHz is 6.2832e9 rad/s")),
    "N": Range("rad/s", -1e15, 1e15, _always("it is in rad/s for p = 1")),
    "Gamma_G": Range("1/s", 1e3, 1e13, _always("it is in 1/s and positive: damping at rest")),
    "Q": Range("1", -1.0, 1e6, _always("below −1 the onset is subcritical, which this model does not tell")),
    "current": OSCILLATOR["current"],
    "D_n": Range("1/s", 0.0, 1e12, _always("it is in 1/s and cannot be negative")),
}
"""What each number of the amplitude model can be."""


def check_sign(name: str, value: Any) -> None:
    """Raise ValueError for what is neither 1 nor −1."""
    if value not in (1, -1) or isinstance(value, bool):
        raise ValueError(f"Vortex: {name} = {value!r}, expected 1 or -1")


def check_below_one(name: str, value: Any, limit: Any) -> None:
    """Raise ValueError where a friction is not below the gyration."""
    if not (is_concrete(value) and is_concrete(limit)) or np.all(np.less(value, limit)):
        return
    values, limits = np.broadcast_arrays(value, limit)
    place = np.flatnonzero(~np.less(values, limits).ravel())[0]  # of an array the first
    worst, most = values.ravel()[place], limits.ravel()[place]
    raise ValueError(f"Vortex: {name} = {worst:g} J s/m² is not below G = {most:g}: the core would not gyrate")
