"""Waveforms of Tektronix in their internal format (.isf): the text of WFMPre?, then CURVE and a block of codes.

Source: Programmer Manual of the DPO4000, MDO3000 and TDS3000, the commands WFMPre and CURVe:
value = YZEro + YMUlt · (code − YOFf), time = XZEro + XINcr · (i − PT_Off).

Read here and not by RigolWFM 1.6.0, which takes a last sample of code 10 or 13 for the end of a line, and every unit
for volts.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from llgrad.datasets.recordings.recording import Channel, InstrumentRecording, Segment, Unreadable, checked_step
from llgrad.datasets.scopes.mapped import Bytes

KIND: Final = "a waveform of Tektronix (.isf)"
_CURVE: Final = re.compile(rb":?CURVE?\s+#([1-9])", re.IGNORECASE)
_HEAD: Final = 20_000
_KEYS: Final = {
    # as in the manuals: capitals are the short form
    "BYT_Nr": "bytes",
    "BIT_Nr": "bits",
    "BN_Fmt": "kind",
    "BYT_Or": "order",
    "ENCdg": "encoding",
    "NR_Pt": "count",
    "PT_Fmt": "points",
    "XUNit": "across",
    "XINcr": "step",
    "XZEro": "start",
    "PT_Off": "offset",
    "YUNit": "unit",
    "YMUlt": "scale",
    "YOFf": "code",
    "YZEro": "zero",
    "WFId": "label",
}


def _key(word: str) -> str | None:
    """What a key means: the short form, the long one, and what is between them."""
    plain = word.strip(" :").rpartition(":")[2].casefold()
    for name, meaning in _KEYS.items():
        short = "".join(sign for sign in name if not sign.islower()).casefold()
        if plain.startswith(short) and name.casefold().startswith(plain):
            return meaning
    return None


def read_isf(path: Path) -> InstrumentRecording:
    """The recording in an .isf file. Raises Unreadable, in a sentence, where it is damaged."""
    file = Bytes(path)
    head = file.part(0, min(file.size, _HEAD))
    match = _CURVE.search(head)
    if match is None:
        raise Unreadable(f"{path} has no CURVE with a block of binary data (#…); save it with binary encoding")
    said = _said(head[: match.start()].decode("latin-1"))
    digits = int(match[1])
    written = file.part(match.end(), digits)
    if not written.isdigit():
        raise Unreadable(f"{path} does not say how long its block of data is; it is damaged")
    first, size = match.end() + digits, int(written)
    numbers = {name: _number(path, said, name) for name in ("step", "start", "scale", "code", "zero")}
    width = int(_number(path, said, "bytes"))
    if width not in (1, 2, 4) or said.get("kind", "RI").upper() not in ("RI", "RP", "FP"):
        raise Unreadable(
            f"{path} has {width} bytes a sample as {said.get('kind')}; expected RI, RP or FP of 1 or 2 bytes"
        )
    if said.get("points", "Y").upper() != "Y":
        raise Unreadable(f"{path} holds an envelope (PT_FMT {said['points']}), two values a time; export it as text")
    if said.get("across", "s").casefold() != "s":
        raise Unreadable(f"{path} is against {said['across']!r}, expected seconds")
    count = int(_number(path, said, "count")) if "count" in said else size // width
    if size != count * width or count < 1:
        raise Unreadable(f"{path} says {count} samples of {width} bytes in a block of {size} bytes; it is damaged")
    file.order = "<" if said.get("order", "MSB").upper() == "LSB" else ">"
    letter = {"RI": "i", "RP": "u", "FP": "f"}[said.get("kind", "RI").upper()] if width > 1 or "kind" in said else "i"
    scale = numbers["scale"]
    take = file.samples(first, count, f"{letter}{width}", scale, numbers["zero"] - scale * numbers["code"])
    start = numbers["start"] - numbers["step"] * (_number(path, said, "offset") if "offset" in said else 0.0)
    label, *rest = said.get("label", "CH").split(",")
    segment = Segment(count, checked_step(path, start, numbers["step"], count), take)
    channel = Channel(label.strip(), said.get("unit") or None, (segment,), f"{8 * width} bit, {scale:g} a code")
    return InstrumentRecording(path, KIND, (channel,), tuple(part.strip() for part in rest if part.strip()))


def _said(text: str) -> dict[str, str]:
    """What the preamble says, by meaning: its parts are separated by semicolons, but for those in quotes."""
    found = {}
    for part in re.findall(r'(?:[^;"]|"[^"]*")+', text):
        word, _, value = part.strip().partition(" ")
        meaning = _key(word)
        if meaning is not None:
            found[meaning] = value.strip().strip('"')
    return found


def _number(path: Path, said: dict[str, str], name: str) -> float:
    key = next(key for key, meaning in _KEYS.items() if meaning == name)
    try:
        value = float(said[name])
    except (KeyError, ValueError):
        raise Unreadable(f"{path} has no number for {key.upper()} in its preamble; it is damaged") from None
    if not abs(value) < 1e15:
        raise Unreadable(f"{path} says {value:g} for {key.upper()}; it is damaged")
    return value
