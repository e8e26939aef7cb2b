"""What a sweep gives: grids of numbers, regions, lines."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from llgrad.core.arguments.kinds import checked_path, counted
from llgrad.core.files import Path, plain, write_npz, writing
from llgrad.core.run_record import run_record
from llgrad.core.units import show
from llgrad.experiments.sweeps.axes import Axis
from llgrad.experiments.sweeps.lines import Onsets
from llgrad.experiments.sweeps.regions import NAMES, SENTENCES, WITH_ORBIT, Region
from llgrad.orbits.flow import Model
from llgrad.orbits.results.named import QUANTITIES

KIND: Final = "map"
GRIDS: Final = ("regions", "error", "noise_ratio", "continued", "stable", "rest", "exponents")


@dataclass(frozen=True)
class Map:
    """Orbits over one or two parameters of a device. Grids have the shape (P,) or (P, Q) of the axes.

    >>> import llgrad as lg
    >>> found = lg.sweep(lg.presets.kubota2013(), {"current": "0.2mA:1mA:5"}, quantities="frequency")
    >>> found.axes[0].name, found["frequency"].shape, found.has_orbit.tolist()
    ('current', (5,), [False, True, True, True, True])
    """

    device: Model
    axes: tuple[Axis, ...]
    quantities: dict[str, np.ndarray]
    """Numbers in SI by their names; NaN where there is no orbit, and `regions` says why."""
    options: dict[str, dict[str, Any]]
    """Those of each quantity."""
    regions: np.ndarray
    """Integers; see `sentences`, and `lg.experiments.Region`."""
    error: np.ndarray
    """Estimated relative error of period and states of each orbit."""
    noise_ratio: np.ndarray
    """2π line width/Γ of each orbit: first order in the noise is right where this is small; 0 without noise."""
    continued: np.ndarray
    """Whether an orbit was found from a neighbour's only: a run from the start does not come to it."""
    stable: np.ndarray
    """Number of states at rest that attract; −1 where they were not looked for."""
    rest: np.ndarray
    """The state at rest (…, n) that a run from the start comes to, or beside an orbit the nearest one that attracts."""
    names: tuple[str, ...]
    """Of the numbers of a state."""
    onsets: Onsets
    """Hopf points on the lines of the grid."""
    exponents: np.ndarray
    """Largest Lyapunov exponent [1/s], where a run neither repeats itself nor comes to rest and it was asked for; NaN
    elsewhere."""
    notes: tuple[str, ...]
    """What there is to say about it."""

    def __getitem__(self, name: str) -> np.ndarray:
        """A quantity by its name, or the values of an axis. Raises ValueError for a name that there is not."""
        values = self.quantities | {axis.name: axis.values for axis in self.axes}
        if name not in values:
            raise ValueError(f"{name!r} was not computed; there are {', '.join(values)}")
        return values[name]

    @property
    def sentences(self) -> dict[int, str]:
        """What each number in `regions` means."""
        return {int(region): f"{NAMES[region]}: {text}" for region, text in SENTENCES.items()}

    def unit(self, name: str) -> str:
        """The SI unit of a quantity or an axis."""
        return {axis.name: axis.unit for axis in self.axes}.get(name) or QUANTITIES[name].unit

    def save(self, path: Path, overwrite: bool = False) -> None:
        """Write a file, `.npz` (all, for `lg.experiments.load_map`) or `.csv` (a row for each point, in SI); an
        existing file stays unless `overwrite` is true."""
        save_map(self, path, overwrite)

    def to_json(self) -> dict[str, Any]:
        """What was found, in SI units, with its run record."""
        return _entry_of(self)

    def __repr__(self) -> str:
        parts = " × ".join(str(len(axis.values)) for axis in self.axes)
        lines = [f"Map of {type(self.device).__name__}: {parts} points", *(f"  {axis}" for axis in self.axes)]
        for region in Region:
            number = int((self.regions == region).sum())
            if number:
                lines.append(f"  {NAMES[region]}: {counted(number, 'point')}")
        for name, values in self.quantities.items():
            lines.append(f"  {QUANTITIES[name].what}: {_span(values, QUANTITIES[name].unit)}")
        if len(self.onsets.values):
            below = int((~self.onsets.supercritical).sum())
            hysteresis = f", {below} of them with hysteresis" if below else ""
            lines.append(f"  {counted(len(self.onsets.values), 'Hopf point')} on the lines of the grid{hysteresis}")
        known = self.exponents[np.isfinite(self.exponents)]
        if known.size:
            lines.append(f"  largest Lyapunov exponent: {_span(known, '1/s')}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    @property
    def has_orbit(self) -> np.ndarray:
        """Whether there is an orbit."""
        return np.isin(self.regions, WITH_ORBIT)


def _span(values: np.ndarray, unit: str) -> str:
    known = values[np.isfinite(values)]
    if not known.size:
        return "nowhere"
    low, high = (show(float(f"{end:.5g}"), unit or "1") for end in (known.min(), known.max()))
    return f"{low} to {high}"


def save_map(found: Map, path: Path, overwrite: bool = False, command: str | None = None) -> None:
    """Write a map by the ending of the path, `.npz` or `.csv`."""
    ending = checked_path("path", path).suffix.lower()
    if ending == ".npz":
        write_npz(path, _record(found) | {"command": command}, _arrays(found), overwrite)
    elif ending == ".csv":
        with writing(path, overwrite) as file:
            file.write_text(_csv_of(found), encoding="utf-8")
    else:
        raise ValueError(f"a map is written as .npz or .csv, got {str(path)!r}; change its ending")


def _entry_of(found: Map) -> dict[str, Any]:
    """A map for JSON, in SI."""
    return _record(found) | {
        "values": {axis.name: axis.values.tolist() for axis in found.axes},
        **{name: plain(values) for name, values in found.quantities.items()},
        **{name: plain(getattr(found, name)) for name in GRIDS},
        "onsets": plain(found.onsets._asdict()),
    }


def _csv_of(found: Map) -> str:
    """A row for each point: axes, quantities and what there is to say, in SI; the header names the units."""
    columns: dict[str, Any] = {}
    grids = np.meshgrid(*(axis.values for axis in found.axes), indexing="ij")
    for axis, grid in zip(found.axes, grids, strict=True):
        columns[_head(axis.name, axis.unit)] = grid.ravel()
    for name, values in found.quantities.items():
        columns[_head(name, QUANTITIES[name].unit)] = values.ravel()
    columns["error"] = found.error.ravel()
    if np.isfinite(found.noise_ratio).any():
        columns["noise_ratio"] = found.noise_ratio.ravel()
    if np.isfinite(found.exponents).any():
        columns[_head("lyapunov_exponent", "1/s")] = found.exponents.ravel()
    columns["stable_rest_states"] = found.stable.ravel()
    for i, name in enumerate(found.names):
        columns[f"rest {name}"] = found.rest.reshape(-1, len(found.names))[:, i]
    columns["region"] = found.regions.ravel()
    columns["meaning"] = [NAMES[Region(number)] for number in found.regions.ravel().tolist()]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(_cells(column) for column in columns.values()), strict=True))
    return text.getvalue()


def _cells(column: Any) -> list[str]:
    """Numbers with all their digits, nothing for NaN."""
    if isinstance(column, list):
        return column
    return ["" if value != value else repr(value) for value in column.tolist()]


def _head(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit not in ("", "1") else name


def _record(found: Map) -> dict[str, Any]:
    return run_record(KIND, device=found.device, dtype="float64") | {
        "axes": [{"name": axis.name, "unit": axis.unit, "number": len(axis.values)} for axis in found.axes],
        "quantities": list(found.quantities),
        "units": {name: QUANTITIES[name].unit for name in found.quantities},
        "options": {name: {key: _told(value) for key, value in given.items()} for name, given in found.options.items()},
        "names": list(found.names),
        "meanings": found.sentences,
        "notes": list(found.notes),
    }


def _told(value: Any) -> Any:
    """An option for JSON: numbers and text as they are, anything else by its name."""
    if isinstance(value, dict):
        return {name: _told(part) for name, part in value.items()}
    return value if isinstance(value, (str, bool, int, float, type(None))) else repr(value)


def _arrays(found: Map) -> dict[str, np.ndarray]:
    return {
        **{f"axis.{axis.name}": axis.values for axis in found.axes},
        **{f"quantity.{name}": values for name, values in found.quantities.items()},
        **{name: np.asarray(getattr(found, name)) for name in GRIDS},
        "onsets": found.onsets.values,
        "onset_frequencies": found.onsets.frequencies,
        "onset_supercritical": found.onsets.supercritical,
    }
