"""Signals recorded as WAV files named LABEL_SPEAKER_INDEX.wav, in a folder or in a zip.

WAV is read by SciPy (`scipy.io.wavfile`), which gives samples of 24 bits as the upper ones of 32.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.datasets.signals.naming import numbered
from llgrad.datasets.signals.signals import Signals

NAME: Final = re.compile(r"(?P<label>.+)_(?P<speaker>[^_]+)_(?P<index>[0-9]{1,9})")
LOUD: Final = 8.0
"""Times full scale: more is no overdriven sample, but a number of another scale."""
EXAMPLE: Final = "LABEL_SPEAKER_INDEX.wav, as in 7_anna_12.wav"


class _File(NamedTuple):
    """A WAV file: where it is, in words, what its name says, and its bytes."""

    where: str
    label: str
    speaker: str
    number: int
    data: bytes


def read_folder(folder: Path, rate: float | None = None) -> Signals:
    """The WAV files of a folder and of the folders in it. Raises ValueError for one that is not what it should be."""
    paths = sorted(path for path in folder.rglob("*") if _is_wav(path.relative_to(folder).parts) and path.is_file())
    return _signals(folder, (_file(str(path), path.stem, path.read_bytes()) for path in paths), rate, None)


def read_zip(path: Path, rate: float | None = None) -> Signals:
    """The WAV files of a zip, which is not unpacked. Raises ValueError for one that is not what it should be."""
    data = path.read_bytes()
    found = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                inside = _is_wav(PurePosixPath(name).parts) and not _leads_outside(name)
                found[name] = archive.read(name) if inside else b""
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error, OSError, ValueError) as error:
        raise ValueError(f"{path} is no zip, or it is damaged ({error}); fetch it again") from None
    except RuntimeError as error:  # of zipfile, where it has no password or does not know the compression
        raise ValueError(f"{path} cannot be unpacked ({error}); pack it anew, without a password") from None
    if outside := [name for name in found if _leads_outside(name)]:
        raise ValueError(
            f"{path} holds {outside[0]!r}, a path that leads outside; expected files within: do not trust it"
        )
    files = (
        _file(f"{path}: {name}", PurePosixPath(name).stem, found[name])
        for name in sorted(found)
        if _is_wav(PurePosixPath(name).parts)
    )
    return _signals(path, files, rate, hashlib.sha256(data).hexdigest())


def _leads_outside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or not parts[0] or ":" in parts[0]


def _is_wav(parts: tuple[str, ...]) -> bool:
    """Whether a name is that of a WAV file, and not of what systems lay beside it, as __MACOSX and ._name."""
    return bool(parts) and parts[-1].lower().endswith(".wav") and not any(p[0] in "._" for p in parts if p)


def _file(where: str, stem: str, data: bytes) -> _File:
    match = NAME.fullmatch(stem)
    if match is None:
        raise ValueError(f"{where}: the name says no label; expected {EXAMPLE}")
    return _File(where, match["label"], match["speaker"], int(match["index"]), data)


def _signals(path: Path, files: Iterator[_File], rate: float | None, sha256: str | None) -> Signals:
    """The signals of files in the order of label, speaker and index."""
    found: dict[tuple[str, str, int], str] = {}
    heard, first, digest = [], "", hashlib.sha256()
    for file in files:
        key = (file.label, file.speaker, file.number)
        if key in found:
            raise ValueError(f"{file.where} has label, speaker and index of {found[key]}; number them differently")
        found[key] = file.where
        samples, own = _samples(file)
        if rate is None:
            rate, first = own, file.where
        if own != rate:
            whose = f"{first} has {rate:g} Hz" if first else f"rate = {rate:g} Hz was given"
            raise ValueError(f"{file.where} has {own} samples per second, and {whose}; resample it to one rate")
        digest.update(f"{Path(file.where).name}\0".encode() + hashlib.sha256(file.data).digest())
        heard.append(samples)
    if not heard:
        raise ValueError(f"{path} holds no WAV file; expected {EXAMPLE}")
    labels, classes = numbered([key[0] for key in found])
    speakers = [key[1] for key in found]
    order = np.lexsort((np.array([key[2] for key in found]), numbered(speakers)[0], labels))
    return Signals(
        [heard[i] for i in order],
        labels[order],
        classes,
        groups=np.array(speakers)[order],
        indices=np.array([key[2] for key in found])[order],
        rate=rate,
        name=path.resolve().stem,
        sha256={path.resolve().name: sha256 or digest.hexdigest()},
    )


def _samples(file: _File) -> tuple[np.ndarray, int]:
    """The samples of a file, whose full scale is 1, and how many there are in a second."""
    from scipy.io import wavfile  # late: llgrad is imported without SciPy

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            rate, found = wavfile.read(io.BytesIO(file.data))
        except (ValueError, EOFError, struct.error, UnboundLocalError, ZeroDivisionError, TypeError) as error:
            raise ValueError(f"{file.where} is no WAV file of plain samples, or it is damaged ({error})") from None
    if any("premature" in str(one.message).lower() for one in said):
        raise ValueError(f"{file.where} is cut short: it ends before the samples that it declares; fetch it again")
    samples: Any = found
    if samples.ndim != 1:
        raise ValueError(f"{file.where} has {samples.shape[1]} channels, expected one; mix them, or keep one")
    if not samples.size:
        raise ValueError(f"{file.where} holds no sample; remove it")
    if samples.dtype.kind == "f":
        if not np.isfinite(samples).all():
            bad = np.flatnonzero(~np.isfinite(samples))[0]
            raise ValueError(f"{file.where}: sample {bad} is {samples[bad]}; repair it, or remove the file")
        if (largest := float(np.abs(samples).max())) > LOUD:
            raise ValueError(
                f"{file.where} holds fractions of full scale that go to {largest:g}, expected 1 at most; divide "
                "them by what was full scale"
            )
        return samples.astype(np.float32), rate
    if samples.dtype == np.uint8:  # bytes have their zero at 128
        return (samples.astype(np.float32) - 128) / 128, rate
    return (samples / -float(np.iinfo(samples.dtype).min)).astype(np.float32), rate
