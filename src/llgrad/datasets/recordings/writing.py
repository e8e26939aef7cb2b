"""A trace as HDF5 or NetCDF: its columns against a scale of times, with their units."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from llgrad.datasets.recordings.extras import needed
from llgrad.datasets.trace import Trace


def _hdf5(file: Path, trace: Trace, notes: Sequence[str]) -> None:
    needed("h5py", "hdf5", file, "written")
    library: Any = importlib.import_module("h5py")
    with library.File(file, "w") as written:
        written["t"] = trace.t
        written["t"].attrs["units"] = "s"
        written["t"].make_scale("t")
        for name, values in trace.columns.items():
            written[name] = values
            written[name].attrs["units"] = trace.units[name]
            written[name].dims[0].attach_scale(written["t"])
        if notes:
            written.attrs["notes"] = "\n".join(notes)


def _netcdf(file: Path, trace: Trace, notes: Sequence[str]) -> None:
    needed("h5netcdf", "hdf5", file, "written")
    library: Any = importlib.import_module("h5netcdf")
    with library.File(file, "w") as written:
        written.dimensions = {"t": trace.t.size}
        written.create_variable("t", ("t",), data=trace.t).attrs["units"] = "s"
        for name, values in trace.columns.items():
            written.create_variable(name, ("t",), data=values).attrs["units"] = trace.units[name]
        if notes:
            written.attrs["notes"] = "\n".join(notes)


WRITERS: Final[dict[str, Callable[[Path, Trace, Sequence[str]], None]]] = {
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".hdf": _hdf5,
    ".nc": _netcdf,
    ".nc4": _netcdf,
}
"""By the ending of a file."""
