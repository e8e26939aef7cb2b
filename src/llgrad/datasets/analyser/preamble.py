"""What the preamble of a spectrum analyser says: resolution filter, detector, averaging, frequencies, points.

Source: R&S FSW user manual 1173.9411.02-19, section 8.4.4 (header of three columns, key;value;unit; two levels for the
detector AUTOPEAK); Keysight X-series traces (key,value above DATA).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from llgrad.core.units import parse
from llgrad.observables.receiver import AVERAGES, Receiver, checked

RBW: Final = ("rbw", "resolution bw", "res bw", "resolution bandwidth", "rbw (hz)", "resbw", "bandwidth resolution")
_VBW: Final = ("vbw", "video bw", "video bandwidth", "vbw (hz)")
_FILTER: Final = ("rbw filter", "rbw filter type", "filter type", "filter", "rbw type", "filter shape")
_FILTER_WIDTH: Final = ("rbw filter bw", "filter bw")
_DETECTOR: Final = ("detector", "detector type", "trace detector", "detector 1")
_MODE: Final = ("trace mode", "trace type", "mode of trace")
_AVERAGE: Final = ("average type", "average mode", "averaging", "averaging type", "avg type", "average")
_POINTS: Final = ("number of points", "values", "points", "sweep points", "trace points", "data points")
_START: Final = ("start frequency", "start", "start freq", "freq start", "frequency start")
_STOP: Final = ("stop frequency", "stop", "stop freq", "freq stop", "frequency stop")
_LOW: Final = 0.1
"""A video filter this much narrower than the resolution filter averages as a trace of many sweeps does."""


class Said(NamedTuple):
    """What a preamble says, in SI units; None where it does not."""

    rbw: float | None
    vbw: float | None
    filter: str | None
    detector: str | None
    averaging: str | None
    """How was averaged, where something was."""
    averaged: bool
    """Whether the preamble says that something was averaged."""
    held: str | None
    """"maximum" or "minimum", where a trace holds the extremes of its sweeps."""
    points: int | None
    start: float | None
    stop: float | None


def said_by(path: Path, preamble: dict[str, str]) -> Said:
    """What a preamble says. Raises ValueError for a bandwidth, a frequency or a number of points that is none."""
    rbw, vbw = (_quantity(path, preamble, keys) for keys in (RBW, _VBW))
    start, stop = (_quantity(path, preamble, keys) for keys in (_START, _STOP))
    detector, mode = _detector(_word(preamble, _DETECTOR)), _word(preamble, _MODE)
    averaged = "aver" in mode or detector == "average" or bool(rbw and vbw and vbw <= _LOW * rbw)
    held = "maximum" if "max" in mode else "minimum" if "min" in mode else None
    averaging = _averaging(_word(preamble, _AVERAGE)) if averaged else None
    points = _word(preamble, _POINTS)
    if points and not points.isdecimal():
        raise ValueError(f"{path} says {points!r} points, expected a whole number; mend the line")
    shape = _filter(_word(preamble, _FILTER), _word(preamble, _FILTER_WIDTH))
    return Said(rbw, vbw, shape, detector, averaging, averaged, held, int(points) if points else None, start, stop)


def receiver_of(
    said: Said, rbw: float, filter: str | float | None, detector: str | None, averaging: str | None
) -> tuple[Receiver, str]:
    """The receiver, by what was given and else by what the file says, and how it was understood."""
    shape = filter if filter is not None else said.filter or "gaussian"
    receiver = checked(rbw, shape, detector or said.detector, averaging or said.averaging)
    name = f"{shape} filter" if isinstance(shape, str) else "filter"
    source = "as given" if filter is not None else "from the file" if said.filter else "assumed; filter= says another"
    parts = [f"noise bandwidth {receiver.ratio:.4g} × RBW ({name}, {source})"]
    origin = "as given" if detector is not None else "from the file"
    parts.append(f"detector {receiver.detector} ({origin})" if receiver.detector else "detector not said")
    return receiver, "; ".join([*parts, *_biases(said, receiver, averaging is not None)])


def _biases(said: Said, receiver: Receiver, given: bool) -> list[str]:
    """What averages and detectors do to noise, and whether it was put right."""
    origin = "as given" if given else "from the file"
    parts = []
    if receiver.bias:
        parts.append(f"{receiver.averaging} averaging ({origin}) reads noise {-receiver.bias:.2f} dB low: put right")
    elif receiver.averaging and AVERAGES[receiver.averaging]:
        parts.append(f"{receiver.averaging} averaging ({origin}) of that detector: not put right")
    elif receiver.averaging:
        parts.append(f"{receiver.averaging} averaging ({origin})")
    elif said.averaged:
        low = -AVERAGES["log"]
        parts.append(f"averaging of power assumed; of levels in dB, noise reads {low:.2f} dB low (averaging='log')")
    if receiver.detector in ("peak", "auto peak", "quasi peak") or said.held == "maximum":
        parts.append("peaks read noise too high, by what is not known")
    if receiver.detector == "minimum peak" or said.held == "minimum":
        parts.append("minima read noise too low, by what is not known")
    return parts


def _word(preamble: dict[str, str], keys: tuple[str, ...]) -> str:
    return next((preamble[key].strip().lower() for key in keys if preamble.get(key)), "")


def _quantity(path: Path, preamble: dict[str, str], keys: tuple[str, ...]) -> float | None:
    key = next((key for key in keys if preamble.get(key)), None)
    if key is None:
        return None
    written = preamble[key].strip()
    try:
        value = float(written) if re.fullmatch(r"[\d.eE+-]+", written) else parse(written, "Hz")
    except ValueError as error:
        raise ValueError(f"{path}: {key.upper() if len(key) < 4 else key}: {error}") from None
    if not 0 <= value < 1e15:
        raise ValueError(f"{path}: {key} is {written}, expected a frequency")
    return value


def _detector(word: str) -> str | None:
    known = (
        ("auto", "auto peak"),
        ("normal", "auto peak"),
        ("rosenfell", "auto peak"),
        ("quasi", "quasi peak"),
        ("neg", "minimum peak"),
        ("min", "minimum peak"),
        ("samp", "sample"),
        ("rms", "rms"),
        ("peak", "peak"),
        ("pos", "peak"),
        ("max", "peak"),
        ("av", "average"),
    )
    return next((name for part, name in known if part in word), None)


def _averaging(word: str) -> str | None:
    known = (
        ("log", "log"),
        ("video", "log"),
        ("rms", "power"),
        ("pow", "power"),
        ("volt", "voltage"),
        ("lin", "voltage"),
    )
    return next((name for part, name in known if part in word), None)


def _filter(word: str, width: str) -> str | None:
    if "flat" in word or "channel" in word or "noise" in width:
        return "flat"
    if word.startswith("5") and "pole" in word:
        return "5 poles"
    if word.startswith("4") and "pole" in word:
        return "4 poles"
    if "gauss" in word or "normal" in word:
        six, impulse = "6" in width, "imp" in width
        return "gaussian, 6 dB" if six else "gaussian, impulse" if impulse else "gaussian"
    return None
