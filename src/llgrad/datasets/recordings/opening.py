"""Which format a file is of, by its first bytes and not by its name; and the recording in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from llgrad.datasets.hdf5.reading import is_hdf5, read_hdf5
from llgrad.datasets.recordings.labelled import is_labelled, read_netcdf3, recording_of_labelled
from llgrad.datasets.recordings.recording import InstrumentRecording, reading
from llgrad.datasets.scopes.isf import read_isf
from llgrad.datasets.scopes.keysight import read_keysight
from llgrad.datasets.scopes.lecroy import MARK as LECROY
from llgrad.datasets.scopes.lecroy import read_lecroy
from llgrad.datasets.scopes.rigol import read_rigol
from llgrad.datasets.scopes.tektronix import read_tektronix
from llgrad.datasets.tdms.reading import MARK as TDMS
from llgrad.datasets.tdms.reading import read_tdms

_HEAD: Final = 8192
_RIGOL: Final = (
    *(b"\xa5\xa5\xa4\x01", b"\xa1\xa5\x00\x00", b"\x01\xff\xff\xff", b"\xa5\xa5\x38\x00", b"\xa5\xa5\x00\x00"),
    *(b"RG01", b"RG03", b"\x02\x00\x00\x00"),
)
_ISF: Final = re.compile(rb"^\s*:?(?:WFMP|CURV|BYT_N|NR_P|BN_F)", re.IGNORECASE)
_TEKTRONIX: Final = (b"\x0f\x0f:WFM#", b"\xf0\xf0:WFM#")
Reader = Callable[[Path], InstrumentRecording]
ENDINGS: Final[dict[str, tuple[str, Reader]]] = {
    **dict.fromkeys((".h5", ".hdf5", ".hdf", ".nc", ".nc4"), ("HDF5", read_hdf5)),
    ".tdms": ("TDMS", read_tdms),
    ".trc": ("a trace of LeCroy", read_lecroy),
    ".isf": ("a waveform of Tektronix (.isf)", read_isf),
    ".wfm": ("a waveform of an oscilloscope", read_rigol),
    ".bin": ("a waveform of an oscilloscope", read_rigol),
}
"""Endings of files whose beginning says nothing: these are damaged, or of a kind that RigolWFM may know."""


def is_recording(path: Path) -> bool:
    """Whether a file is one of channels of samples, by its beginning or its name."""
    return path.is_file() and _reader(path) is not None


def open_recording(data: Any) -> InstrumentRecording:
    """The recording in a file or an object of pandas or xarray. Raises ValueError, in one sentence, for damage."""
    if is_labelled(data):
        with reading(f"the {type(data).__name__}", f"an object of {type(data).__module__.split('.')[0]}"):
            return recording_of_labelled(data).legible()
    found = _reader(data)
    if found is None:
        raise ValueError(f"{data} is no file of channels of samples that is known here")
    kind, read = found
    with reading(data, kind):
        return read(data).legible()


def _reader(path: Path) -> tuple[str, Reader] | None:
    """What a file is, and its reader; None where it is text, or arrays of NumPy or of an older MATLAB."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if is_hdf5(path):
        return "HDF5", read_hdf5
    if head[:4] == TDMS:
        return "TDMS", read_tdms
    if head[:3] == b"CDF" and head[3:4] in (b"\x01", b"\x02", b"\x05"):
        return "NetCDF", read_netcdf3
    if LECROY in head[:64]:
        return "a trace of LeCroy", read_lecroy
    if head.startswith(_TEKTRONIX):
        return "a waveform of Tektronix", read_tektronix
    if head[:4] in (b"AG01", b"AG03", b"AG10"):
        return "a recording of Keysight", read_keysight
    if _ISF.match(head) and b"#" in head:
        return "a waveform of Tektronix (.isf)", read_isf
    if head[:4] in _RIGOL:
        return "a waveform of Rigol", read_rigol
    return ENDINGS.get(path.suffix.lower())
