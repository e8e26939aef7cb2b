"""Frequencies in the names of columns and files, in any way that people write numbers."""

from __future__ import annotations

import re
from typing import Final

from llgrad.core.units import show, unit_factor

LOWEST: Final = 1e6
HIGHEST: Final = 1e12
"""The frequencies [Hz] of microwaves, and then some: what lies outside is a modulation, or no frequency."""
_UNITS: Final = {"hz": "Hz", "khz": "kHz", "mhz": "MHz", "ghz": "GHz"}
_BEHIND: Final = re.compile(
    r"(?P<before>\d[\s_'’-])?(?<![\d.,])(?P<number>\d+(?:[.,p]\d+)*(?:e[-+]?\d+)?)[\s_]*(?P<unit>[kMG]?Hz)(?![a-z])",
    re.IGNORECASE,
)
"""5 GHz, 5,1_GHz, 5p1GHz, 5.5e9 Hz; `before` is a digit that may belong to the number."""
_BEFORE: Final = re.compile(
    r"(?<![a-z])(?P<unit>[kMG]?Hz)(?:[)\]]?[\s_]*[=:][\s_]*|[\s_]+(?=\d+[.,p]\d))"
    r"(?P<number>\d+(?:[.,p]\d+)*(?:e[-+]?\d+)?)(?!\w)",
    re.IGNORECASE,
)
"""f (GHz) = 5.1, f_GHz_5.1; but f2 (GHz) and f (GHz) 2 are names of columns."""
_JOINED: Final = re.compile(r"(\d+)[_-](\d+)$")
_THOUSANDS: Final = re.compile(r"(\d{1,3})[\s'’](\d{3})$")
_DATE: Final = re.compile(r"(?<!\d)(?:19|20)\d\d[-_.]?\d\d[-_.]?\d\d(?!\d)")


def frequencies_in(text: str) -> list[float]:
    """The microwave frequencies [Hz] that a text can be read to name, in their order; several where it is ambiguous.

    >>> [frequencies_in(text) for text in ("V (uV) 5,1 GHz", "run_5p1GHz", "f=5.5e9 Hz", "05.10GHz", "f (MHz): 5100")]
    [[5100000000.0], [5100000000.0], [5500000000.0], [5100000000.0], [5100000000.0]]
    >>> frequencies_in("scan_5_1GHz"), frequencies_in("5,100 MHz"), frequencies_in("H (Oe)")
    ([1000000000.0, 5100000000.0], [5100000.0, 5100000000.0], [])
    """
    found: list[float] = []
    text = _DATE.sub(lambda date: "*" * len(date[0]), text)
    for match in list(_BEHIND.finditer(text)) or list(_BEFORE.finditer(text)):
        unit = unit_factor(_UNITS[match["unit"].lower()])[1]
        readings = _readings(match["number"].lower())
        if match.re is _BEHIND:
            readings += _joined(text[: match.end("number")])
        found += [reading * unit for reading in readings]
    near = [round(value, 3) for value in found if LOWEST <= value <= HIGHEST]
    return list(dict.fromkeys(near))


def without_frequency(text: str) -> str:
    """A name without the frequency in it: "V (uV) 5 GHz" is "V (uV)".

    >>> without_frequency("V (uV) 5,1 GHz"), without_frequency("run_10.0_GHz"), without_frequency("f (GHz)")
    ('V (uV)', 'run', 'f (GHz)')
    """
    pattern = _BEHIND if _BEHIND.search(text) else _BEFORE
    rest = pattern.sub(lambda match: match.groupdict().get("before") or "", text)
    return re.sub(r"(?:[\s_,;:@=-]|\bf\s*=|\bat\b)+$", "", rest.rstrip("([ ")) if rest != text else text


def several(frequencies: list[float]) -> str:
    """Frequencies for a sentence: "1 GHz or 5.1 GHz"."""
    return " or ".join(show(frequency, "Hz") for frequency in frequencies)


def _readings(number: str) -> list[float]:
    """What a number can be read as: 5,100 is 5.1 or 5100."""
    mantissa, _, exponent = number.partition("e")
    scale = float(f"1e{exponent or 0}")  # infinite where it is too large, and then no frequency
    marks = re.findall(r"[.,p]", mantissa)
    if len(marks) < 2:
        plain = float(re.sub(r"[.,p]", ".", mantissa)) * scale
        thousands = re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", mantissa) and not exponent
        return [plain, float(re.sub(r"[.,]", "", mantissa))] if thousands else [plain]
    whole, last, part = re.fullmatch(r"(.*)([.,p])(\d+)", mantissa).groups()  # type: ignore[union-attr]
    if marks.count(last) > 1 or "p" in marks or len(set(marks[:-1])) > 1:
        grouped = len(set(marks)) == 1 and last != "p" and re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", mantissa)
        return [float(re.sub(r"[.,]", "", mantissa)) * scale] if grouped else []
    return [float(re.sub(r"[.,]", "", whole) + "." + part) * scale]


def _joined(text: str) -> list[float]:
    """What the digits at the end of a text can be read as with those before them: 5_1 is 5.1, 5 100 is 5100."""
    if (match := _JOINED.search(text)) is not None:
        return [float(f"{match[1]}.{match[2]}")]
    match = _THOUSANDS.search(text)
    return [] if match is None else [float(match[1] + match[2])]
