"""Units as people and instruments write them: "second", "(mV)", "Volts", "nsec", "Ω" and "Ω", to the symbol."""

from __future__ import annotations

from typing import Final

from llgrad.core.units import unit_factor

_WORDS: Final = {
    **dict.fromkeys(("second", "seconds", "sec", "secs", "sek", "sekunde", "sekunden", "秒"), "s"),
    **dict.fromkeys(("millisecond", "milliseconds", "msec"), "ms"),
    **dict.fromkeys(("microsecond", "microseconds", "usec", "µsec"), "us"),
    **dict.fromkeys(("nanosecond", "nanoseconds", "nsec"), "ns"),
    **dict.fromkeys(("picosecond", "picoseconds", "psec"), "ps"),
    **dict.fromkeys(("volt", "volts"), "V"),
    **dict.fromkeys(("millivolt", "millivolts"), "mV"),
    **dict.fromkeys(("ampere", "amperes", "amp", "amps"), "A"),
    **dict.fromkeys(("milliampere", "milliamperes", "milliamps"), "mA"),
    **dict.fromkeys(("hertz", "hz"), "Hz"),
    **dict.fromkeys(("oersted", "oersteds", "oe"), "Oe"),
    **dict.fromkeys(("ohms", "ohm"), "Ohm"),
    **dict.fromkeys(("degree", "degrees", "grad"), "deg"),
    "gauss": "G",
    "kelvin": "K",
    "tesla": "T",
    "khz": "kHz",
    "ghz": "GHz",
}


def symbol_of(text: str) -> str | None:
    """The symbol of a written unit ("second", "(mV)", "Volts"), or None where the text is no unit.

    >>> symbol_of("Volts"), symbol_of("[nsec]"), symbol_of("parsec")
    ('V', 'ns', None)
    """
    text = text.strip().strip("()[]").strip().replace("\u2126", "Ω").replace("º", "°")
    text = "MHz" if text == "MHZ" else _WORDS.get(text.lower(), text)
    try:
        unit_factor(text)
    except ValueError:
        return None
    return text


def si_of(unit: str | None) -> str | None:
    """The SI unit of a written one; None where there is none, or it is not known."""
    symbol = None if unit is None else symbol_of(unit)
    return None if symbol is None else unit_factor(symbol)[0]
