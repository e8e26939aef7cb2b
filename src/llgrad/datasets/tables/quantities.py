"""What a column is: a time, a frequency, a line width, a field, …, by its name and its unit together.

Never by its place among the others, and never by a letter at the end of its name: a flux density is no field along y,
Δf is no frequency, and "Freq_err" is an error. A name that speaks against its unit, or that has two readings, is
ambiguous, and a reader that needs the column refuses it with its choices.
"""

from __future__ import annotations

import enum
import functools
import re
import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple

from llgrad.datasets.tables.symbols import si_of


class QuantityKind(enum.Enum):
    """What a column holds; the value is its name in a sentence."""

    TIME = "time"
    DURATION = "duration"
    """A pulse width, a delay, a time step: in seconds, but not when a row was taken."""
    FREQUENCY = "frequency"
    LINE_WIDTH = "line width"
    """In hertz or in tesla, full or half."""
    FREQUENCY_SETTING = "setting in hertz"
    """In hertz, and not where something is: a bandwidth, a span, a shift, a sampling rate."""
    FIELD = "field"
    CURRENT = "current"
    CURRENT_DENSITY = "current density"
    VOLTAGE = "voltage"
    LEVEL = "power level"
    """A power, a level in decibel, or a spectral density."""
    MAGNETISATION = "magnetisation"
    RESISTANCE = "resistance"
    TEMPERATURE = "temperature"
    ANGLE = "angle"
    INDEX = "number of the row"
    ERROR = "error"
    COMMENT = "comment"
    MATERIAL = "property of the material"
    """An anisotropy field, a coercive field: in tesla, and not what is applied."""
    AMBIGUOUS = "ambiguous"
    OTHER = "other"


class ColumnQuantity(NamedTuple):
    """What a column is."""

    kind: QuantityKind
    axis: str | None = None
    """"x", "y" or "z" of a field or a magnetisation whose name says it."""
    of: QuantityKind | None = None
    """What an ERROR is the standard deviation of, where name or unit say it."""
    choices: tuple[QuantityKind, ...] = ()
    """What an AMBIGUOUS column may be."""


_BY_UNIT: Final[dict[str, tuple[QuantityKind, ...]]] = {
    # SI unit: what may have it, the usual first
    "s": (QuantityKind.TIME, QuantityKind.DURATION),
    "Hz": (QuantityKind.FREQUENCY, QuantityKind.LINE_WIDTH, QuantityKind.FREQUENCY_SETTING),
    "T": (QuantityKind.FIELD, QuantityKind.LINE_WIDTH, QuantityKind.MAGNETISATION, QuantityKind.MATERIAL),
    "A/m": (QuantityKind.FIELD, QuantityKind.LINE_WIDTH, QuantityKind.MAGNETISATION, QuantityKind.MATERIAL),
    "A": (QuantityKind.CURRENT,),
    "A/m²": (QuantityKind.CURRENT_DENSITY,),
    "V": (QuantityKind.VOLTAGE, QuantityKind.LEVEL),
    "Ω": (QuantityKind.RESISTANCE,),
    "K": (QuantityKind.TEMPERATURE,),
    "rad": (QuantityKind.ANGLE,),
}
_SURE: Final = ("A/m²", "Ω", "K", "rad")
"""Units that say what a column is, whatever its name."""
_WORDS: Final[dict[QuantityKind, str]] = {
    QuantityKind.TIME: "t time times zeit temps 時間 時刻 时间",
    QuantityKind.DURATION: "dt step width rise fall delay period duration lifetime constant tau τ interval increment "
    "timestep dauer periode verzogerung dwell pulse relaxation coherence 周期",
    QuantityKind.FREQUENCY: "f freq frequency frequencies frequenz frequence frequenza peakfreq fres fpeak fmr "
    "周波数 频率",
    QuantityKind.LINE_WIDTH: "width linewidth fwhm hwhm breite linienbreite halbwertsbreite halbwertbreite peakwidth "
    "largeur 線幅 半値幅 线宽 半高宽",
    QuantityKind.FREQUENCY_SETTING: "bandwidth bandbreite rbw vbw span step spacing resolution shift offset detuning "
    "drift difference rate sampling samplerate modulation deviation",
    QuantityKind.FIELD: "h b field feld magnetfeld flux flussdichte induction champ bext hext happ bapp "
    "磁場 磁界 磁束密度 磁场",
    QuantityKind.CURRENT: "I current currents strom stromstarke courant corrente idc ibias 電流 电流",
    QuantityKind.CURRENT_DENSITY: "j stromdichte 電流密度 电流密度",
    QuantityKind.VOLTAGE: "v u voltage voltages volt spannung tension vdc vmix 電圧 电压",
    QuantityKind.LEVEL: "power level psd asd spectrum pegel leistung puissance magnitude 電力 功率",
    QuantityKind.MAGNETISATION: "magnetization magnetisation magnetisierung aimantation 磁化",
    QuantityKind.RESISTANCE: "r resistance widerstand 抵抗 电阻",
    QuantityKind.TEMPERATURE: "T temperature temp temperatur 温度",
    QuantityKind.ANGLE: "angle phase winkel theta phi θ φ azimuth azimut tilt inclination 角度 位相 角",
    QuantityKind.INDEX: "# n no nr nummer number index point points sample sequence row iteration stage",
}
"""Words of a name, without accents and in small letters, but for T, which is a temperature, and I, a current."""
_ERROR_WORDS: Final = """err error errors fehler unsicherheit sigma σ std stdev stddev sd se sem stderr unc uncert
uncertainty ± standardabweichung streuung erreur incertitude 誤差 误差"""
_COMMENT_WORDS: Final = "comment comments kommentar bemerkung remark remarks note notes commentaire 備考 コメント"
_MATERIAL_WORDS: Final = "anisotropy anisotropie coercive coercivity koerzitiv demag exchange hk hc bk bc"
_COMPOUNDS: Final = ("frequenz", "frequency", "freq", "feld", "field", "zeit", "strom", "spannung", "breite", "width",
                     "widerstand", "temperatur", "error", "err")  # fmt: skip
"""What a word may end in that is written together, as in "Resonanzfrequenz", "freqerr"."""
_COMPONENT: Final = re.compile(
    r"(?:^|[\W_])<?m(?:\.region\d+)?[_.\s]?(?P<axis>[xyz])\d*>?(?:\s*/\s*m_?s)?(?:$|[\W_])", re.IGNORECASE
)
_FIELD_AXIS: Final = re.compile(
    r"(?:^|[\W_])(?:(?:mu|μ)_?0\W?)?[hb](?:_?(?:ext|app|appl(?!y)|eff|dc|bias|tot|total|coil))?_?(?P<axis>[xyz])\d*(?:$|[\W_])",
    re.IGNORECASE,
)
_SLOPE: Final = re.compile(r"(?:^|[\W_])[dδ∂][A-Za-z]\w*\s*/\s*[dδ∂]")
_ENDS_IN_ERROR: Final = re.compile(r"(?:error|err|fehler|誤差|误差)$")
_DIFFERENCE: Final = re.compile(
    r"(?:^|[\W_\d])(?P<mark>Δ|delta|δ|d)[\s_]*(?:(?:mu|μ)_?0_?)?"
    r"(?:f|fr|f?res|freq\w*|ν|[hb]|[hb]r|[hb]res|[hb]pp|field)(?:$|[\W_\d])",
    re.IGNORECASE,
)
"""Δf, delta H, δf, df."""
_LEVEL: Final = re.compile(r"dB.*|[fpnuµμmk]?W|.*V[²2]|.*/.*Hz.*|.*√.*Hz.*", re.IGNORECASE)
_KINDS_OF_WORD: Final = {
    word: frozenset(kind for kind in _WORDS if word in _WORDS[kind].split())
    for words in _WORDS.values()
    for word in words.split()
}


@functools.cache
def quantity_of(name: str, unit: str | None = None) -> ColumnQuantity:
    """What a column with this name and this unit, as written, is.

    >>> quantity_of("flux density", "mT"), quantity_of("B_ext_y", "mT").axis
    (ColumnQuantity(kind=<QuantityKind.FIELD: 'field'>, axis=None, of=None, choices=()), 'y')
    >>> quantity_of("Δf", "MHz").kind, quantity_of("peak width", "MHz").kind
    (<QuantityKind.LINE_WIDTH: 'line width'>, <QuantityKind.LINE_WIDTH: 'line width'>)
    >>> quantity_of("Freq_err", "MHz").of, quantity_of("df", "MHz").choices
    (<QuantityKind.FREQUENCY: 'frequency'>, (<QuantityKind.LINE_WIDTH: 'line width'>, <QuantityKind.ERROR: 'error'>))
    """
    plain = _plain(name)
    words = _words(plain)
    si = si_of(unit)
    if words & {*_COMMENT_WORDS.split()}:
        return ColumnQuantity(QuantityKind.COMMENT)
    if (error := _error(plain, words, unit)) is not None:
        return error
    if unit and si is None and _LEVEL.fullmatch(unit.strip()):
        return ColumnQuantity(QuantityKind.LEVEL)
    if si in (None, "1", "A/m") and (match := _COMPONENT.search(plain)) is not None and not _SLOPE.search(plain):
        return ColumnQuantity(QuantityKind.MAGNETISATION, match["axis"].lower())
    if si in (None, "1", "T", "A/m") and (
        words & {*_MATERIAL_WORDS.split()} or {"h", "k"} <= words or {"h", "c"} <= words
    ):
        return ColumnQuantity(QuantityKind.MATERIAL)
    if _SLOPE.search(plain):
        return ColumnQuantity(_BY_UNIT[si][0] if si in _BY_UNIT else QuantityKind.OTHER)
    if (width := _delta(plain, si)) is not None:
        return width
    kind, choices = _named(plain, words, si)
    axis = _axis(plain, words) if kind in (QuantityKind.FIELD, QuantityKind.MAGNETISATION) else None
    return ColumnQuantity(kind, axis, None, choices)


def is_unit_of(unit: str, name: str) -> bool:
    """Whether the end of a name, as in "t_ns" and "level_dBm", is a unit: the rest says so, or nothing against it."""
    if _LEVEL.fullmatch(unit):
        return quantity_of(name).kind in (QuantityKind.LEVEL, QuantityKind.OTHER) and len(unit) > 1
    si, kind = si_of(unit), quantity_of(name).kind
    if si not in _BY_UNIT:
        return False
    return kind in _BY_UNIT[si] or (kind in (QuantityKind.OTHER, QuantityKind.ERROR) and len(unit) > 1)


def _plain(name: str) -> str:
    """A name without accents, with one sign for each of the signs that look alike (Δ, µ, Ω)."""
    decomposed = unicodedata.normalize("NFKD", name.replace("\u2206", "Δ").strip())
    return "".join(sign for sign in decomposed if not "\u0300" <= sign <= "\u036f")


def _words(plain: str) -> frozenset[str]:
    """The words of a name, in small letters: "Peak_freq_G1" is peak, freq, g."""
    parts = re.split(r"[^\w#±Δ]+|_|\d+|(?<=[a-z]{2})(?=[A-Z])", plain.replace("+/-", "±").replace("+-", "±"))
    return frozenset(part if part in ("T", "I") else part.lower() for part in parts if part)


def _kinds(words: Iterable[str]) -> set[QuantityKind]:
    """What the words of a name say."""
    found: set[QuantityKind] = set()
    for word in words:
        known = [word] if word in _KINDS_OF_WORD else [end for end in _COMPOUNDS if word.endswith(end)][:1]
        if not word.isascii():  # Japanese and Chinese put no blanks between words
            known += [part for part in _KINDS_OF_WORD if not part.isascii() and len(part) > 1 and part in word]
        found.update(*(_KINDS_OF_WORD[one] for one in known))
    return found


def _error(plain: str, words: frozenset[str], unit: str | None) -> ColumnQuantity | None:
    """The error that a name says, and of what: by the rest of the name, or else by its unit."""
    said = {
        word for word in words if word in _ERROR_WORDS.split() or word.startswith("σ") or _ENDS_IN_ERROR.search(word)
    }
    said |= {"s"} if re.fullmatch(r"s_?[A-Za-z]", plain) else set()
    said |= {"standard", "deviation"} if {"standard", "deviation"} <= words else set()
    if not said:
        return None
    named = _kinds(
        {_ENDS_IN_ERROR.sub("", word) for word in words - said}
        | {_ENDS_IN_ERROR.sub("", w) for w in said - {*_ERROR_WORDS.split(), "deviation"}}
    )
    usual = _BY_UNIT.get(si_of(unit) or "", tuple(named))
    of = [kind for kind in usual if kind in named] or list(usual[:1])
    return ColumnQuantity(QuantityKind.ERROR, None, of[0] if of else None)


def _delta(plain: str, si: str | None) -> ColumnQuantity | None:
    """What Δf, ΔH, δf and df are: Δ says a width, and the others a width or an error."""
    match = _DIFFERENCE.search(plain)
    if match is None or si not in (None, "Hz", "T", "A/m"):
        return None
    if match["mark"].lower() in ("Δ".lower(), "delta") and match["mark"] != "δ":
        return ColumnQuantity(QuantityKind.LINE_WIDTH)
    return ColumnQuantity(QuantityKind.AMBIGUOUS, None, None, (QuantityKind.LINE_WIDTH, QuantityKind.ERROR))


def _named(plain: str, words: frozenset[str], si: str | None) -> tuple[QuantityKind, tuple[QuantityKind, ...]]:
    """The kind that name and unit say together, and the choices where it is ambiguous."""
    named = _kinds(words)
    if si is None or si not in _BY_UNIT:
        return _by_name(plain, named, si)
    allowed = _BY_UNIT[si]
    fitting = [kind for kind in allowed if kind in named]
    if fitting:
        return fitting[-1], ()  # "frequency width" is a width, "time step" a duration
    against = named - {QuantityKind.DURATION, QuantityKind.FREQUENCY_SETTING, QuantityKind.INDEX}
    if si in _SURE or not against or max(map(len, words)) == 1:
        return allowed[0], ()  # a letter says less than the unit
    return QuantityKind.AMBIGUOUS, (*(kind for kind in QuantityKind if kind in against), allowed[0])


def _by_name(plain: str, named: set[QuantityKind], si: str | None) -> tuple[QuantityKind, tuple[QuantityKind, ...]]:
    """The kind that a name says alone, and the choices where it says several."""
    if plain in ("dB", "dBm"):
        return QuantityKind.LEVEL, ()
    if plain == "Hz":
        return QuantityKind.AMBIGUOUS, (QuantityKind.FREQUENCY, QuantityKind.FIELD)
    if si == "1":
        named &= {QuantityKind.MAGNETISATION, QuantityKind.INDEX}
    for base, part in (
        (QuantityKind.TIME, QuantityKind.DURATION),
        (QuantityKind.FREQUENCY, QuantityKind.FREQUENCY_SETTING),
    ):
        if part in named and base in named:
            named -= {base}
        elif len(named) > 1:
            named -= {part}
    for base in (QuantityKind.FREQUENCY, QuantityKind.FIELD):
        named -= {base} if QuantityKind.LINE_WIDTH in named else set()
    named -= {QuantityKind.FIELD} if QuantityKind.ANGLE in named else set()  # phi_H, field angle
    if len(named) < 2:
        return next(iter(named), QuantityKind.OTHER), ()
    return QuantityKind.AMBIGUOUS, tuple(kind for kind in QuantityKind if kind in named)


def _axis(plain: str, words: frozenset[str]) -> str | None:
    """The axis that a name says, as a word of its own or right behind the symbol of a field."""
    if (match := _FIELD_AXIS.search(plain)) is not None:
        return match["axis"].lower()
    alone = words & {"x", "y", "z"}
    return next(iter(alone)) if len(alone) == 1 and len(words) > 1 else None
