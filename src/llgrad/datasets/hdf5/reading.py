"""The recording in an HDF5 file: of any program, of MATLAB (7.3), or NetCDF 4 as xarray and QCoDeS write it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Final

import numpy as np

from llgrad.datasets.hdf5.asking import LIBRARY
from llgrad.datasets.recordings.arrays import Array, recording_of_arrays
from llgrad.datasets.recordings.extras import needed
from llgrad.datasets.recordings.recording import InstrumentRecording

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5: its signature stands first, or behind a block of the user's, as in MATLAB's files."""
    with path.open("rb") as stream:
        for place in (0, 512, 1024, 2048):
            stream.seek(place)
            if stream.read(8) == SIGNATURE:
                return True
    return False


def read_hdf5(path: Path) -> InstrumentRecording:
    """The recording in an HDF5 file. Raises Unreadable, in a sentence, where it is damaged or h5py is not there."""
    needed("h5py", "hdf5", path)
    found = LIBRARY.listed(path)
    arrays = [_array(path, entry) for entry in found["arrays"]]
    matlab = any("MATLAB_class" in array.attributes for array in arrays)
    netcdf = "_NCProperties" in found["groups"][""] or path.suffix.lower() == ".nc"
    kind = "arrays of MATLAB (7.3)" if matlab else "NetCDF" if netcdf else "HDF5"
    return recording_of_arrays(path, kind, arrays, found["groups"], named=True)


def _array(path: Path, entry: dict[str, Any]) -> Array:
    kind = np.dtype(entry["dtype"])
    read = functools.partial(LIBRARY.read, path, entry["name"], kind)
    return Array(entry["name"], tuple(entry["shape"]), kind, entry["attributes"], tuple(entry["scales"]), read)
