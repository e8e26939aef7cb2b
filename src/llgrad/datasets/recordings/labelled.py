"""Objects of pandas and xarray straight in, and NetCDF 3, whose arrays have labels too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from llgrad.datasets.recordings.arrays import Array, recording_of_arrays
from llgrad.datasets.recordings.recording import InstrumentRecording, Unreadable
from llgrad.datasets.tables.headers import header_of

_FRAMES: Final = ("DataFrame", "Series")
_LABELLED: Final = ("Dataset", "DataArray")


class Labelled(Protocol):
    """A DataFrame or Series of pandas, or a Dataset or DataArray of xarray; neither is imported."""

    @property
    def attrs(self) -> Mapping[Any, Any]:
        """What is noted of it."""
        ...

    def __getitem__(self, name: Any, /) -> Any:
        """A column by its name."""
        ...


def is_labelled(data: Any) -> bool:
    """Whether data are a DataFrame or Series of pandas, or a Dataset or DataArray of xarray; neither is imported."""
    return any(
        (kind.__module__.split(".")[0], kind.__name__)
        in {*(("pandas", name) for name in _FRAMES), *(("xarray", name) for name in _LABELLED)}
        for kind in type(data).__mro__
    )


def recording_of_labelled(data: Any) -> InstrumentRecording:
    """The recording in an object of pandas or xarray; its names or attributes say its units."""
    module, name = type(data).__module__.split(".")[0], type(data).__name__
    if module == "pandas":
        return _of_frame(data if hasattr(data, "columns") else data.to_frame())
    dataset = data
    if not hasattr(data, "data_vars"):
        dataset = data.to_dataset(name=data.name or "voltage") if data.name != "" else data.to_dataset(name="values")
    arrays = [_of_variable(str(key), dataset[key]) for key in dataset.variables]
    attributes = {"": _plain(dataset.attrs)}
    return recording_of_arrays(f"the {name} of xarray", f"a {name} of xarray", arrays, attributes, named=False)


def _of_variable(name: str, variable: Any) -> Array:
    scales = tuple(str(dim) if dim in variable.coords else None for dim in variable.dims)

    def read(axis: int, row: int, part: slice) -> np.ndarray:
        rest = [length for other, length in enumerate(variable.shape) if other != axis]
        index: list[Any] = list(np.unravel_index(row, rest)) if rest else []
        index.insert(axis, part)
        return np.array(variable[tuple(index)].values)

    return Array(name, tuple(variable.shape), variable.dtype, _plain(variable.attrs), scales, read)


def _of_frame(frame: Any) -> InstrumentRecording:
    names = [str(key) for key in frame.columns]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"the DataFrame has the column {twice[0]!r} twice; give one of them another name")
    units = frame.attrs.get("units", {})
    arrays = [
        _column(name, frame.iloc[:, place].to_numpy(), units.get(name) if isinstance(units, Mapping) else None)
        for place, name in enumerate(names)
    ]
    index = frame.index.to_numpy()
    if frame.index.name is not None or index.dtype.kind in "mM":
        arrays.insert(0, _column(str(frame.index.name or "time"), index, None))
    return recording_of_arrays("the DataFrame", "a DataFrame of pandas", arrays, {"": _plain(frame.attrs)}, named=False)


def _column(name: str, values: np.ndarray, unit: str | None) -> Array:
    header = header_of(name)
    said = unit or header.unit
    attributes = {"units": said} if said else {}
    return Array(
        header.name if header.unit else name,
        values.shape,
        values.dtype,
        attributes,
        (None,),
        lambda axis, row, part: np.array(values[part]),
    )


def _plain(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in attributes.items() if isinstance(value, (str, float, int, np.number))}


def read_netcdf3(path: Path) -> InstrumentRecording:
    """The recording in a NetCDF file of version 3, by SciPy. Raises Unreadable, in a sentence, where it is damaged."""
    import scipy.io  # slow to import, and only these files need it

    file = scipy.io.netcdf_file(path, "r", mmap=False)
    arrays = []
    for name, variable in file.variables.items():
        if variable.data.nbytes > path.stat().st_size:
            raise Unreadable(f"{path} says more numbers of {name} than it has bytes; it is damaged")
        scales = tuple(one if one in file.variables else None for one in variable.dimensions)
        arrays.append(_of_netcdf(name, variable.data, _texts(variable._attributes), scales))
    attributes = {"": _plain(_texts(file._attributes))}
    return recording_of_arrays(path, "NetCDF (version 3)", arrays, attributes, named=True)


def _of_netcdf(name: str, data: np.ndarray, attributes: Mapping[str, Any], scales: tuple[str | None, ...]) -> Array:
    values = np.asarray(data)

    def read(axis: int, row: int, part: slice) -> np.ndarray:
        flat = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
        return np.array(flat[part, row]).astype(values.dtype.newbyteorder("="))

    return Array(name, values.shape, values.dtype, attributes, scales, read)


def _texts(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        for key, value in attributes.items()
    }
