"""Units at the edge: "2.5mA", "200 Oe", "20ns", "(300, 0, 0) Oe" to SI floats and back.

One rule for device files (JSON, TOML) and the command line: a quantity that has a unit is written with it, and a number
without one is refused; only pure numbers ("1": α, λ, components of a direction) stand bare. What llgrad writes carries
the unit of every quantity beside it ({"value": …, "unit": …}), so its own files are read by the same rule.

The magnetic field strength H [A/m, Oe] is read as the flux density µ0 H it stands for in the LLG equation, so every
field in llgrad is in tesla and 1 Oe is 0.1 mT.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
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
    "ohm": ("Ω", 1.0),
    "Ω": ("Ω", 1.0),
    "F": ("F", 1.0),
    "H": ("H", 1.0),
    "S": ("S", 1.0),
    "rad": ("rad", 1.0),
    "m": ("m", 1.0),
    "J/m": ("J/m", 1.0),
    "erg/cm": ("J/m", 1e-5),
    "J/m2": ("J/m²", 1.0),
    "J/m²": ("J/m²", 1.0),
    "J/m3": ("J/m³", 1.0),
    "J/m³": ("J/m³", 1.0),
    "A/m2": ("A/m²", 1.0),
    "A/m²": ("A/m²", 1.0),
    "A/cm2": ("A/m²", 1e4),
    "A/cm²": ("A/m²", 1e4),
    "T/A": ("T/A", 1.0),
    "K/W": ("K/W", 1.0),
    "J/K": ("J/K", 1.0),
    "W": ("W", 1.0),
    "J": ("J", 1.0),
}

EXACT: Final[dict[str, tuple[str, float]]] = {
    # units that take no prefix, or that a prefix would misread
    "": ("1", 1.0),
    "1": ("1", 1.0),
    "%": ("1", 1e-2),
    "deg": ("rad", math.pi / 180),
    "degree": ("rad", math.pi / 180),
    "degrees": ("rad", math.pi / 180),
    "°": ("rad", math.pi / 180),
    "V2": ("V²", 1.0),
    "V²": ("V²", 1.0),
    "m3": ("m³", 1.0),
    "m³": ("m³", 1.0),
    "nm3": ("m³", 1e-27),
    "nm³": ("m³", 1e-27),
    "cm3": ("m³", 1e-6),
    "cm³": ("m³", 1e-6),
    "m2": ("m²", 1.0),
    "m²": ("m²", 1.0),
    "um2": ("m²", 1e-12),
    "µm2": ("m²", 1e-12),
    "µm²": ("m²", 1e-12),
    "nm2": ("m²", 1e-18),
    "nm²": ("m²", 1e-18),
    "emu/cm3": ("A/m", 1e3),
    "emu/cm³": ("A/m", 1e3),
    "emu/cc": ("A/m", 1e3),
    "rad/(T s)": ("rad/(T s)", 1.0),
    "rad/(Oe s)": ("rad/(T s)", 1e4),
    "GHz/T": ("rad/(T s)", 2e9 * math.pi),
    "erg/cm3": ("J/m³", 0.1),
    "erg/cm2": ("J/m²", 1e-3),
    "erg/cm²": ("J/m²", 1e-3),
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


def _factor_of_quotient(text: str) -> tuple[str, float]:
    """The same of one unit over another too: "Oe/mA", "1/V". Not in the header of a table, where H/Oe is H in Oe."""
    above, _, below = (part.strip() for part in text.rpartition("/"))
    top, bottom = (_known(above), _known(below)) if below and _known(text) is None else (None, None)
    if top is None or bottom is None:
        return unit_factor(text)
    return f"{top[0]}/{bottom[0]}", top[1] / bottom[1]


def _known(text: str) -> tuple[str, float] | None:
    try:
        return unit_factor(text)
    except ValueError:
        return None


def parse(text: str | float, unit: str, area: float | None = None) -> float:
    """The SI value of a quantity such as "2.5mA", for a leaf whose SI unit is `unit`.

    A number without a unit is refused where the leaf has one: "2.5" could be milliampere or ampere. (An angle may be
    bare here, in rad; `read_quantity`, which files and the command line go through, refuses that too.) A magnetic field
    in A/m is taken as µ0 H where tesla is expected, and a magnetisation in T as M = B/µ0. A current density is taken as
    a current where the `area` [m²] that it flows through is known.
    """
    if isinstance(text, (int, float)):
        return float(text)
    match = _NUMBER.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity; expected a number with a unit, such as {example(unit)}")
    number, written = float(match[1]), match[2]
    if written == "" and unit not in ("1", "rad"):
        raise ValueError(f"{text!r} has no unit; expected a quantity in {unit}, such as {example(unit)}")
    return converted(number, written, unit, text, area)


def converted(number: Any, written: str, unit: str, said: Any, area: float | None = None) -> Any:
    """A number, or an array of numbers, of a written unit in the SI unit of its leaf; the error quotes `said`."""
    if not np.all(np.isfinite(number)):
        raise ValueError(f"{said!r} is not a finite number; expected a quantity in {unit}, such as {example(unit)}")
    if written == unit:
        return number
    found, factor = _factor_of_quotient(written)
    if found in unit.split(" or ") or (found == "1" and unit == "rad"):  # a waveform's amplitude is in "A or T"
        return number * factor
    if (found, unit) == ("A/m", "T"):
        return number * factor * MU_0
    if (found, unit) == ("T", "A/m"):
        return number * factor / MU_0
    if (found, unit) == ("A/m²", "A"):
        if area is None:
            raise ValueError(
                f"{said!r} is a current density, and the area that it flows through is not known: give area=…, "
                "thickness=… or an ellipse beside it, or a current in A"
            )
        return number * factor * area
    raise ValueError(f"{said!r} is in {found}, expected a quantity in {unit}, such as {example(unit)}")


def read_quantity(value: Any, unit: str, area: float | None = None) -> Any:
    """The SI value of a quantity as a file or a command line writes it: a float, or an array for one of each of many.

    `"2.5mA"`, `{"value": 2.5, "unit": "mA"}`, a list of such, or a bare number where `unit` is "1".
    Raises ValueError for anything else.
    """
    if isinstance(value, str):
        if unit == "rad" and (match := _NUMBER.match(value)) and match[2] == "":
            raise ValueError(f"{value!r} has no unit; expected an angle, such as {match[1]}deg or 0.5rad")
        return parse(value, unit, area)
    if isinstance(value, Mapping):
        number, written = _value_and_unit(value, unit)
        return converted(_numbers(number, unit), written, unit, _said(value), area)
    if isinstance(value, list) and value:
        parts = [read_quantity(part, unit, area) for part in value]
        if len({np.shape(part) for part in parts}) > 1:
            raise ValueError(f"{value!r} has rows of different lengths, expected numbers in {unit}")
        return np.array(parts)
    if unit != "1" and _is_number(value):
        raise ValueError(
            f"{value!r} has no unit; expected a quantity in {unit}, such as {example(unit)!r}, or "
            f"{{value = {value!r}, unit = {unit!r}}}"
        )
    return converted(_numbers(value, unit), "", "1", value)


def read_vector(value: Any, unit: str) -> list[Any]:
    """The three SI components of a vector as a file or a command line writes it.

    `["300Oe", "0Oe", "0Oe"]`, `"300Oe, 0Oe, 0Oe"`, `"(300, 0, 0) Oe"`, `{"value": [300, 0, 0], "unit": "Oe"}`,
    `{"x": "300Oe"}` (the others are 0), `"300Oe at 90deg, 0deg"` and `{"magnitude": "300Oe", "theta": "90deg",
    "phi": "0deg"}` (polar angle from z, azimuth from x). A direction (`unit` "1") is three bare numbers, or its two
    angles: `"90deg, 0deg"`, `{"theta": "90deg", "phi": "0deg"}`. Raises ValueError for anything else.
    """
    if isinstance(value, str):
        return _vector_text(value, unit)
    if isinstance(value, Mapping):
        return _vector_entry(value, unit)
    if isinstance(value, list) and len(value) == 3:
        return [read_quantity(part, unit) for part in value]
    raise ValueError(_no_vector(value, unit))


def _vector_text(text: str, unit: str) -> list[Any]:
    head, at, angles = text.partition(" at ")
    parts = [part.strip() for part in (angles if at else head).split(",")]
    if at and unit != "1" and len(parts) == 2:
        return _along(parse(head.strip(), unit), *map(_angle, parts))
    if not at and unit == "1" and len(parts) == 2:
        return _along(1.0, *map(_angle, parts))
    if at or len(parts) != 3:
        raise ValueError(_no_vector(text, unit))
    bracketed = re.fullmatch(r"\s*\((.*)\)\s*(.*?)\s*", text)  # the unit may itself have brackets: rad/(T s)
    inside, written = (bracketed[1], bracketed[2]) if bracketed else (text, "")
    if not written:
        return [parse(part, unit) for part in inside.split(",")]
    return [converted(parse(part, "1"), written, unit, text) for part in inside.split(",")]


def _vector_entry(entry: Mapping[str, Any], unit: str) -> list[Any]:
    keys = set(entry)
    if "value" in keys:
        number, written = _value_and_unit(entry, unit)
        if not isinstance(number, list) or len(number) != 3:
            raise ValueError(_no_vector(dict(entry), unit))
        return [converted(_numbers(part, unit), written, unit, _said(entry)) for part in number]
    if keys and keys <= {"x", "y", "z"}:
        return [read_quantity(entry[axis], unit) if axis in entry else 0.0 for axis in "xyz"]
    if keys == ({"theta", "phi"} if unit == "1" else {"magnitude", "theta", "phi"}):
        size = 1.0 if unit == "1" else read_quantity(entry["magnitude"], unit)
        return _along(size, _angle(entry["theta"]), _angle(entry["phi"]))
    raise ValueError(_no_vector(dict(entry), unit))


def _angle(value: Any) -> Any:
    angle = read_quantity(value, "rad")
    if not np.all(np.abs(angle) <= 2 * math.pi * (1 + 1e-9)):
        raise ValueError(f"{_short(value)} is more than a full turn; did you mean degrees, as in 90deg?")
    return angle


def _along(size: Any, theta: Any, phi: Any) -> list[Any]:
    return [size * np.sin(theta) * np.cos(phi), size * np.sin(theta) * np.sin(phi), size * np.cos(theta)]


def _value_and_unit(entry: Mapping[str, Any], unit: str) -> tuple[Any, str]:
    unknown = sorted(set(entry) - {"value", "unit"})
    if unknown or "value" not in entry:
        problem = f"has no place for {', '.join(unknown)}" if unknown else "has no entry 'value'"
        raise ValueError(f"{_said(entry)} {problem}; write it as {{value: …, unit: {unit!r}}} or as {example(unit)!r}")
    written = entry.get("unit", "")
    if not isinstance(written, str):
        raise ValueError(f"unit = {written!r} is not a word; expected one such as {unit!r}")
    if written == "" and unit != "1":
        raise ValueError(f"{_said(entry)} has no entry 'unit'; write it as {{value: …, unit: {unit!r}}}")
    return entry["value"], written


def _numbers(value: Any, unit: str) -> Any:
    """A number, or (nested) lists of numbers of one shape as an array."""
    if isinstance(value, list) and value:
        rows = [_numbers(part, unit) for part in value]
        if len({np.shape(row) for row in rows}) > 1:
            raise ValueError(f"{_short(value)} has rows of different lengths, expected numbers in {unit}")
        return np.array(rows, dtype=float)
    if not _is_number(value):
        raise ValueError(f"{_short(value)} is not a number; expected a quantity in {unit}, such as {example(unit)!r}")
    number: Any = value
    return float(number)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= 1.7e308


def _no_vector(value: Any, unit: str) -> str:
    if unit == "1":
        forms = "[1, 0, 0], or its two angles: '90deg, 0deg'"
    else:
        one = example(unit).split(" ")[0]
        forms = f"'{one}, {one}, {one}', {{value = [1, 0, 0], unit = {unit!r}}}, or '{one} at 90deg, 0deg' (θ, φ)"
    return f"{_short(value)} is no vector; expected three components (x, y, z), such as {forms}"


def _said(value: Any) -> str:
    return _short(dict(value))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


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
        "m": "2nm",
        "m²": "7000nm2",
        "A/m²": "3MA/cm2",
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
    """A value and its standard error in one unit, that of the larger: (0.0025, 1.2e-6, "A") → "2.5000 ± 0.0012 mA"."""
    exponent, prefixed = _prefix(max(abs(value), error) if math.isfinite(error) else value, unit)
    value, error = value / 10.0**exponent, error / 10.0**exponent
    if not (math.isfinite(error) and error > 0):
        return f"{value:.6g} {prefixed}".rstrip()
    decimals = 1 - math.floor(math.log10(error))
    if decimals < 0 and error < 1e6 and abs(value) < 1e6:
        return f"{round(value, decimals) + 0.0:.0f} ± {round(error, decimals):.0f} {prefixed}".rstrip()
    if abs(value) >= 1e6 or error <= abs(value) < 1e-4 or decimals < 0:
        return f"{value:.6g} ± {error:.2g} {prefixed}".rstrip()
    spread = f"{error:.{decimals}f}" if decimals <= 8 else f"{error:.1e}"
    return f"{value:.{min(decimals, 8)}f} ± {spread} {prefixed}".rstrip()


def _engineering(number: float, unit: str) -> str:
    exponent, prefixed = _prefix(number, unit)
    return f"{number / 10.0**exponent:.6g} {prefixed}".rstrip()


def _prefix(number: float, unit: str) -> tuple[int, str]:
    """The power of ten of the engineering prefix that suits a number, and the unit with it."""
    if (
        unit not in ("A", "T", "s", "Hz", "V", "Ω", "S", "rad", "m", "J/m²", "W")
        or not number
        or not math.isfinite(number)
    ):
        return 0, "" if unit == "1" else unit
    exponent = min(max(3 * math.floor(math.log10(abs(number)) / 3 + 1e-12), -15), 9)
    return exponent, {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}[exponent] + unit
