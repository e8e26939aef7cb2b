"""Units of a spectrum's levels: dBm, dBµV, nV²/Hz, nV/√Hz, fW/MHz, nV²/Hz/mA²."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np

from llgrad.core.units import PREFIXES

_PREFIX: Final = "[" + "".join(p for p in PREFIXES if p) + "]?"
_PER: Final = rf"(?:/(?P<root>√?)(?P<q>{_PREFIX})Hz)?"
_LINEAR: Final = re.compile(rf"(?P<p>{_PREFIX})(?P<base>V²|W|V){_PER}(?P<per>/(?P<c>{_PREFIX})A²)?")
_DECIBEL: Final = re.compile(
    rf"[dD][bB](?P<p>[µμumM]?)(?P<base>[wWvV]?)(?:rms)?(?:/(?P<root>√?)(?P<q>{_PREFIX})[hH][zZ])?"
)
EXAMPLES: Final = "dBm, dBm/Hz, dBµV, mW, V²/Hz, nV²/Hz, nV/√Hz, W/Hz, or nV²/Hz/mA²"


class LevelUnit(NamedTuple):
    """What a written unit of levels means: a power [W] or a mean square voltage [V²] is `factor` times the number.

    Of decibels it is `factor` times 10^(number/10), and of a root it is `factor` times the number's square.
    """

    factor: float
    base: str
    """"W" or "V²"."""
    form: str
    """"linear", "root" or "decibel"."""
    per_hertz: bool
    """Whether it is a density; else it is what passes the analyser's resolution filter."""
    per_current: float | None = None
    """Ampere of the unit of current whose square the number is per, or None."""

    def values(self, written: np.ndarray, load: float) -> np.ndarray:
        """Mean square voltages [V²] at a load [Ω], or their density [V²/Hz]."""
        with np.errstate(over="ignore"):  # what is too large is refused by who asks
            if self.form == "linear":
                power = self.factor * written
            else:
                power = self.factor * (10 ** (written / 10) if self.form == "decibel" else np.square(written))
            return power * load if self.base == "W" else power


def level_of(unit: str) -> LevelUnit | None:
    """What a written unit of levels means; None where it is none, as volts, dB, or V²/√Hz.

    >>> level_of("nV^2/Hz/mA^2")
    LevelUnit(factor=1e-18, base='V²', form='linear', per_hertz=True, per_current=0.001)
    >>> level_of("dBm"), level_of("V")
    (LevelUnit(factor=0.001, base='W', form='decibel', per_hertz=False, per_current=None), None)
    """
    text = _tidied(unit)
    if (match := _DECIBEL.fullmatch(text)) is not None and (match["p"] or match["base"]):
        return _decibel(match)
    match = _LINEAR.fullmatch(text)
    if match is None:
        return None
    base, root, density = match["base"], bool(match["root"]), match["q"] is not None
    if (base == "V") != root or (match["per"] and not density) or (base == "V²" and not density):
        return None
    squared = 1 if base == "W" else 2  # nV² is (nV)², and so is mA²
    factor = PREFIXES[match["p"]] ** squared / (PREFIXES[match["q"]] if density else 1.0)
    current = PREFIXES[match["c"]] if match["per"] else None
    return LevelUnit(factor, "W" if base == "W" else "V²", "root" if root else "linear", density, current)


def _decibel(match: re.Match[str]) -> LevelUnit | None:
    base, prefix = match["base"].upper(), match["p"].lower()
    if not base and prefix != "m":  # dBm is dB over 1 mW; dBµ is nothing
        return None
    volts = base == "V"
    if bool(match["root"]) and not volts:
        return None
    factor = PREFIXES[prefix if base else "m"] ** (2 if volts else 1)
    per = match["q"]
    if per is not None:
        factor /= PREFIXES[per]
    return LevelUnit(factor, "V²" if volts else "W", "decibel", per is not None)


def _tidied(unit: str) -> str:
    text = unit.strip().replace("**2", "²").replace("^2", "²").replace("V2", "V²").replace("A2", "A²")
    text = text.replace(" per ", "/").replace("sqrt(Hz)", "√Hz").replace("rtHz", "√Hz").replace("Hz^0.5", "√Hz")
    text = re.sub(r"\s+", "", text).replace("√(Hz)", "√Hz").replace("Hz^(1/2)", "√Hz")
    return re.sub(rf"/\(Hz[·*]?({_PREFIX}A²)\)", r"/Hz/\1", text)
