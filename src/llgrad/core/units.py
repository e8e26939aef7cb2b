"""Units at the edge: "2.5mA", "200 Oe", "20ns" to SI floats and back.

The magnetic field strength H [A/m, Oe] is read as the flux density µ0 H it stands for in the LLG equation, so every
field in llgrad is in tesla and 1 Oe is 0.1 mT.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

import jax
import numpy as np
from jax.core import Tracer

from llgrad.core.constants import MU_0

PREFIXES: Final = {
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "µ": 1e-6,
    "μ": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
}

BASES: Final[dict[str, tuple[str, float]]] = {
    # written unit: (SI unit, factor); every one also takes the prefixes
    "A": ("A", 1.0),
    "T": ("T", 1.0),
    "Oe": ("T", 1e-4),
    "G": ("T", 1e-4),
    "A/m": ("A/m", 1.0),
    "s": ("s", 1.0),
    "Hz": ("Hz", 1.0),
    "K": ("K", 1.0),
    "V": ("V", 1.0),
    "Ohm": ("Ω", 1.0),
    "Ω": ("Ω", 1.0),
    "S": ("S", 1.0),
    "rad": ("rad", 1.0),
    "J/m3": ("J/m³", 1.0),
    "J/m³": ("J/m³", 1.0),
    "A/m2": ("A/m²", 1.0),
    "A/m²": ("A/m²", 1.0),
    "T/A": ("T/A", 1.0),
}

EXACT: Final[dict[str, tuple[str, float]]] = {
    # units that take no prefix, or that a prefix would misread
    "": ("1", 1.0),
    "1": ("1", 1.0),
    "%": ("1", 1e-2),
    "deg": ("rad", math.pi / 180),
    "°": ("rad", math.pi / 180),
    "m": ("m", 1.0),
    "mm": ("m", 1e-3),
    "um": ("m", 1e-6),
    "µm": ("m", 1e-6),
    "nm": ("m", 1e-9),
    "m3": ("m³", 1.0),
    "m³": ("m³", 1.0),
    "nm3": ("m³", 1e-27),
    "nm³": ("m³", 1e-27),
    "cm3": ("m³", 1e-6),
    "emu/cm3": ("A/m", 1e3),
    "emu/cc": ("A/m", 1e3),
    "rad/(T s)": ("rad/(T s)", 1.0),
    "rad/(Oe s)": ("rad/(T s)", 1e4),
    "GHz/T": ("rad/(T s)", 2e9 * math.pi),
    "erg/cm3": ("J/m³", 0.1),
}

_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*$")


def unit_factor(text: str) -> tuple[str, float]:
    """(SI unit, factor) of a written unit such as "mA", "kOe", "emu/cm3".

    Raises ValueError for a unit that is not known.
    """
    if text in EXACT:
        return EXACT[text]
    for prefix in sorted(PREFIXES, key=len):
        base = text[len(prefix) :]
        if text.startswith(prefix) and base in BASES:
            unit, factor = BASES[base]
            return unit, PREFIXES[prefix] * factor
    examples = "mA, Oe, kOe, mT, ns, GHz, K, nm, emu/cm3, A/m, deg"
    raise ValueError(f"unknown unit {text!r}; use an SI unit with or without a prefix, or one of {examples}")


def parse(text: str | float, unit: str) -> float:
    """The SI value of a quantity such as "2.5mA", for a leaf whose SI unit is `unit`.

    A number without a unit is refused where the leaf has one: "2.5" could be milliampere or ampere.
    A magnetic field in A/m is taken as µ0 H where tesla is expected, and a magnetisation in T as M = B/µ0.
    """
    if isinstance(text, (int, float)):
        return float(text)
    match = _NUMBER.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity; expected a number with a unit, such as {example(unit)}")
    number, written = float(match[1]), match[2]
    if written == "" and unit not in ("1", "rad"):
        raise ValueError(f"{text!r} has no unit; expected a quantity in {unit}, such as {example(unit)}")
    found, factor = unit_factor(written)
    if found == unit or (found == "1" and unit == "rad"):
        return number * factor
    if (found, unit) == ("A/m", "T"):
        return number * factor * MU_0
    if (found, unit) == ("T", "A/m"):
        return number * factor / MU_0
    raise ValueError(f"{text!r} is in {found}, expected a quantity in {unit}, such as {example(unit)}")


def example(unit: str) -> str:
    """A well-formed quantity of the unit, for an error's advice."""
    samples = {
        "A": "2.5mA",
        "T": "200Oe or 20mT",
        "s": "20ns",
        "Hz": "1.5GHz",
        "K": "300K",
        "A/m": "1.4e6A/m",
        "m³": "22619nm3",
        "1": "0.005",
        "V": "1mV",
        "rad": "10deg",
    }
    return samples.get(unit, f"1{unit}")


def show(value: Any, unit: str) -> str:
    """A number with its unit and an engineering prefix: 0.0025, "A" → "2.5 mA". Arrays show their range."""
    if hasattr(value, "x") and hasattr(value, "z"):
        return (
            "("
            + ", ".join(show(component, "") for component in (value.x, value.y, value.z))
            + f") {'' if unit == '1' else unit}".rstrip()
        )
    if isinstance(value, Tracer):
        return f"traced, shape {value.shape}"
    if not isinstance(value, (int, float, np.generic, np.ndarray, jax.Array)):
        return str(value)
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        return str(value)
    if array.ndim:
        low, high = (show(float(edge), unit) for edge in (array.min(), array.max())) if array.size else ("", "")
        if low == high:
            return f"{array.shape} all {low}"
        return f"{array.shape} from {low} to {high}"
    return _engineering(float(array), unit)


def show_with_error(value: float, error: float, unit: str) -> str:
    """A value and its standard error in one unit: (0.0025, 1.2e-6, "A") → "2.5000 ± 0.0012 mA"."""
    exponent, prefixed = _prefix(value, unit)
    value, error = value / 10.0**exponent, error / 10.0**exponent
    if not (math.isfinite(error) and error > 0):
        return f"{value:.6g} {prefixed}".rstrip()
    decimals = 1 - math.floor(math.log10(error))
    if abs(value) >= 1e6 or (value and abs(value) < 1e-4) or decimals < 0:
        return f"{value:.6g} ± {error:.2g} {prefixed}".rstrip()
    spread = f"{error:.{decimals}f}" if decimals <= 8 else f"{error:.1e}"
    return f"{value:.{min(decimals, 8)}f} ± {spread} {prefixed}".rstrip()


def _engineering(number: float, unit: str) -> str:
    exponent, prefixed = _prefix(number, unit)
    return f"{number / 10.0**exponent:.6g} {prefixed}".rstrip()


def _prefix(number: float, unit: str) -> tuple[int, str]:
    """The power of ten of the engineering prefix that suits a number, and the unit with it."""
    if unit not in ("A", "T", "s", "Hz", "V", "Ω", "S", "rad") or not number or not math.isfinite(number):
        return 0, "" if unit == "1" else unit
    exponent = min(max(3 * math.floor(math.log10(abs(number)) / 3 + 1e-12), -15), 9)
    return exponent, {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}[exponent] + unit
