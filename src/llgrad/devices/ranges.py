"""What a device's numbers can be, and the mistake that a number out of range betrays.

Only concrete values are checked: under `jit` and `grad` a traced leaf passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import jax.numpy as jnp
import numpy as np

from llgrad.core.constants import MU_0
from llgrad.core.record import is_concrete
from llgrad.core.units import read_quantity, show
from llgrad.core.vector import Number, Vec3

OF_ROUNDED_FACTORS: Final = 0.01
"""So far above 1 may be the sum of demagnetising factors that were printed with two digits."""


class Range(NamedTuple):
    """The values that a quantity can have, and the likely mistake behind one outside."""

    unit: str
    low: float
    high: float
    hint: Callable[[float], str]


def check_oscillator(device: Any) -> None:
    """Raise ValueError, in one sentence, for the first quantity of an oscillator that cannot be meant."""
    check_record(device, OSCILLATOR)
    check_factors("demag", device.demag)
    check_unit_vector("polariser", device.polariser)


def check_record(record: Any, allowed: Mapping[str, Range], of: str = "") -> None:
    """Raise ValueError, in one sentence that begins with `of`, for the first quantity of a record out of its range."""
    for name, one in allowed.items():
        value = getattr(record, name)
        if isinstance(value, Vec3):
            for axis in "xyz":
                _within(f"{of}{name}.{axis}", getattr(value, axis), one)
        elif value is not None:
            _within(of + name, value, one)


def check_unit_vector(name: str, v: Any, tolerance: float = 1e-6) -> None:
    """Raise ValueError unless a concrete vector has length 1 within `tolerance`."""
    if not isinstance(v, Vec3) or not all(is_concrete(c) for c in (v.x, v.y, v.z)):
        return
    with np.errstate(over="ignore"):  # what is too large is no unit vector
        length = np.sqrt(np.asarray(v.x) ** 2 + np.asarray(v.y) ** 2 + np.asarray(v.z) ** 2)
    if not np.all(np.abs(length - 1) <= tolerance):
        worst = float(np.ravel(length)[np.argmax(np.abs(np.ravel(length) - 1))])
        raise ValueError(
            f"{name} = {v} has length {worst:.6g}, expected a unit vector; divide it by its length, or use "
            "direction(theta, phi)"
        )


def check_factors(name: str, factors: Any) -> None:
    """Raise ValueError where concrete demagnetising factors have a sum above 1, that of any body.

    A smaller sum is left: only their differences act, and a part of them may stand in an anisotropy.
    """
    if not isinstance(factors, Vec3) or not all(is_concrete(c) for c in (factors.x, factors.y, factors.z)):
        return
    total = np.asarray(factors.x) + np.asarray(factors.y) + np.asarray(factors.z)
    if not np.all(total <= 1 + OF_ROUNDED_FACTORS):
        raise ValueError(
            f"{name} = {factors} has the trace {float(np.max(total)):.6g}, expected 1, the sum of the demagnetising "
            "factors of any body; lg.devices.ellipse and lg.physics.prism_factors give them"
        )


def check_gamma_cgs(gamma: Any) -> None:
    """Raise ValueError where γ [rad/(Oe s)] is given in SI."""
    hint = _always("from_cgs takes rad/(Oe s): 1.764e7 for 1.764e11 rad/(T s)")
    _within("gamma", gamma, Range("rad/(Oe s)", 1e6, 1e8, hint))


def check_magnetisation_in_tesla(Ms: Any) -> None:
    """Raise ValueError where µ0 Ms [T] is given in A/m."""

    def hint(value: float) -> str:
        return (
            f"cmtj takes µ0 Ms in tesla; {value:g} A/m is {value * MU_0:.4g} T" if value > 5 else "it must be positive"
        )

    _within("Ms", Ms, Range("T", 1e-3, 5.0, hint))


def direction(theta: Number | str, phi: Number | str) -> Vec3:
    """The unit vector (sinθ cosφ, sinθ sinφ, cosθ) of polar angle θ and azimuth φ: radians, or text such as "90deg".

    Raises ValueError where an angle in radians is beyond a full turn, as degrees would be.

    >>> direction("90deg", "0deg").x
    1.0
    """
    theta, phi = (
        math.fmod(read_quantity(angle, "rad"), math.tau) if isinstance(angle, str) else angle for angle in (theta, phi)
    )
    turn = Range(
        "rad", -2 * math.pi, 2 * math.pi, lambda v: f"angles are in radians; {v:g}° is {math.radians(v):.4g} rad"
    )
    for name, angle in (("theta", theta), ("phi", phi)):
        _within(name, angle, turn)
    if is_concrete(theta) and is_concrete(phi) and np.ndim(theta) == np.ndim(phi) == 0:
        theta, phi = float(theta), float(phi)
        return Vec3(math.sin(theta) * math.cos(phi), math.sin(theta) * math.sin(phi), math.cos(theta))
    return Vec3(jnp.sin(theta) * jnp.cos(phi), jnp.sin(theta) * jnp.sin(phi), jnp.cos(theta) * jnp.ones_like(phi))


def _within(name: str, value: Any, allowed: Range) -> None:
    unit, low, high, hint = allowed
    if not is_concrete(value):
        return
    array = np.ravel(np.asarray(value, dtype=float))
    bad = ~((array >= low) & (array <= high))
    if not bad.any():
        return
    worst = float(array[np.argmax(bad)])
    place = f"[{int(np.argmax(bad))}]" if array.size > 1 else ""
    if math.isnan(worst):
        raise ValueError(f"{name}{place} is not a number (NaN); expected a value in {unit}")
    raise ValueError(
        f"{name}{place} = {show(worst, unit)} is out of range ({show(low, unit)} to {show(high, unit)}): {hint(worst)}"
    )


def _hint_Ms(value: float) -> str:
    if 0 < value <= 5:
        return f"Ms is in A/m; is {value:g} a µ0 Ms in tesla? then Ms = {value / MU_0:.4g} A/m"
    if 5 < value < 1e4:
        return f"Ms is in A/m; is {value:g} in emu/cm³? then Ms = {value * 1e3:.4g} A/m (see Oscillator.from_cgs)"
    return "it must be positive" if value <= 0 else "no material has as much"


def _hint_gamma(value: float) -> str:
    if 1e6 < value < 1e8:
        return f"gamma is in rad/(T s); is it in rad/(Oe s)? then it is {value * 1e4:.4g} rad/(T s)"
    if 1e9 < value < 1e10 or 1 < value < 100:
        return "gamma is in rad/(T s): 1.7609e11 for g = 2.0023; multiply GHz/T by 2π·1e9"
    return "gamma is in rad/(T s): 1.7609e11 for g = 2.0023"


def _hint_field(value: float) -> str:
    return f"fields are in tesla; is it in oersted? then it is {value / 1e4:g} T"


def _hint_volume(value: float) -> str:
    return "did you give nm³? 1 nm³ = 1e-27 m³" if value > 1e-16 else "it must be positive"


def _hint_length(value: float) -> str:
    return f"it is in metres; did you mean {value:g} nm, {value:g}e-9?" if value > 0 else "it must be positive"


def _hint_alpha(value: float) -> str:
    return "damping cannot be negative" if value < 0 else "a Gilbert damping is well below 1"


def _always(sentence: str) -> Callable[[float], str]:
    return lambda value: sentence


OSCILLATOR: Final[dict[str, Range]] = {
    "Ms": Range("A/m", 5e3, 5e6, _hint_Ms),
    "volume": Range("m³", 1e-30, 1e-16, _hint_volume),
    "alpha": Range("1", 0.0, 1.0, _hint_alpha),
    "gamma": Range("rad/(T s)", 1e10, 1e12, _hint_gamma),
    "H_k": Range("T", -20, 20, _hint_field),
    "H_k2": Range("T", -20, 20, _hint_field),
    "demag": Range("1", 0.0, 1.0, _always("a demagnetising factor lies between 0 and 1 (N, not 4πN)")),
    "polarization": Range("1", -2.0, 2.0, _always("a polarisation is a fraction; did you give per cent?")),
    "lambda_": Range(
        "1", -0.999, 0.999, _always("λ is between −1 and 1; is it Slonczewski's Λ? see lambda_from_Lambda")
    ),
    "field_like": Range("1", -100, 100, _always("β is the ratio of field-like to damping-like torque")),
    "current": Range("A", -0.1, 0.1, lambda v: f"a nanopillar carries µA to tens of mA; did you mean {v:g} mA?"),
    "field": Range("T", -20, 20, _hint_field),
    "temperature": Range("K", 0.0, 3000.0, _always("it is in kelvin")),
}
"""What each quantity of an oscillator can be."""

LAYER: Final[dict[str, Range]] = {
    **{name: OSCILLATOR[name] for name in ("Ms", "alpha", "gamma", "H_k", "H_k2", "demag")},
    "thickness": Range("m", 1e-11, 1e-6, _hint_length),
    "area": Range("m²", 1e-19, 1e-9, _always("it is in m²; 1 nm² = 1e-18 m², 1 µm² = 1e-12 m²")),
}
"""What each quantity of a layer of a stack can be."""

STACK: Final[dict[str, Range]] = {
    **{name: OSCILLATOR[name] for name in ("current", "field", "temperature")},
    "voltage": Range("V", -20, 20, lambda v: f"a barrier stands about a volt; did you mean {v:g} mV?"),
}
"""What each quantity of a stack can be."""

EXCHANGE: Final = Range("J/m²", -0.1, 0.1, lambda v: f"it is in J/m²; 1 erg/cm² = 1 mJ/m², so did you mean {v:g}e-3?")
"""What an interlayer exchange can be."""
