"""A study as a TOML file: what is done, to which devices, files and settings."""

from __future__ import annotations

import csv
import importlib
import io
import pathlib
import sys
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Final

from llgrad.cli.answers.starts import free_of, starts_of
from llgrad.cli.device_options import device_with, quantity, start_of
from llgrad.core.files import unicode_text
from llgrad.core.units import read_quantity, unit_factor
from llgrad.solve.accuracy import checked_accuracy
from llgrad.studies.evaluations import Evaluations
from llgrad.studies.fits import Fits
from llgrad.studies.maps import Maps
from llgrad.studies.simulations import Simulations
from llgrad.studies.work import Work

COMMON: Final = ("kind", "device", "devices", "set", "settings")
KNOWN: Final = {
    "fits": ("files", "free", "start", "bounds", "columns", "read", "labels", "noise", "segment", "accuracy", "m0"),
    "simulations": ("duration", "dt", "m0"),
    "maps": ("ranges", "quantities", "maps"),
    "evaluations": ("function", "cases"),
}
"""The entries of each kind of study, beside `COMMON`."""
PLACES: Final = ("x", "y")
"""Columns of labels that say where a device is."""


def read_spec(path: pathlib.Path) -> Work:
    """The study in a file; its paths are taken from the file's own folder. Raises ValueError for what is none."""
    try:
        entry = tomllib.loads(unicode_text(path.read_bytes()))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is no TOML file: {error}") from None
    kind = entry.get("kind", "fits")
    if kind not in KNOWN:
        raise ValueError(f"{path}: kind = {kind!r}, expected one of {', '.join(KNOWN)}")
    known = (*(COMMON if kind != "evaluations" else ("kind",)), *KNOWN[kind])
    if unknown := [name for name in entry if name not in known]:
        raise ValueError(f"{path}: a study of {kind} has no entry {unknown[0]!r}; it has {', '.join(known)}")
    makers: dict[str, Callable[[dict[str, Any], pathlib.Path], Work]] = {
        "fits": fits_of,
        "simulations": _simulations,
        "maps": _maps,
        "evaluations": _evaluations,
    }
    try:
        return makers[kind](entry, path.parent)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _needed(entry: Mapping[str, Any], name: str, example: str) -> Any:
    if name not in entry:
        raise ValueError(f"it needs {name}, such as {name} = {example}")
    return entry[name]


def _texts(name: str, given: Any) -> dict[str, str]:
    """Quantities by name, as texts with units or plain numbers."""
    if not isinstance(given, Mapping):
        raise ValueError(f"{name} = {given!r}, expected a table of names and values, such as [{name}]")
    return {path: str(value) for path, value in given.items()}


def _devices(entry: Mapping[str, Any], folder: pathlib.Path, extra: Mapping[str, str] | None = None) -> Any:
    """The device, or the devices by name, with what is set."""
    values = _texts("set", entry.get("set", {})) | dict(extra or {})
    if ("device" in entry) == ("devices" in entry):
        raise ValueError("it needs device, such as device = 'kubota2013', or devices, a table of them by name")
    named = entry["devices"] if "devices" in entry else {"": entry["device"]}
    named = named if isinstance(named, Mapping) else {pathlib.Path(one).stem: one for one in named}
    found = {name: device_with(_file_or_name(one, folder), values) for name, one in named.items()}
    return found if "devices" in entry else found[""]


def _file_or_name(given: Any, folder: pathlib.Path) -> str:
    return str(folder / given) if (folder / str(given)).is_file() else str(given)


def fits_of(entry: Mapping[str, Any], folder: pathlib.Path) -> Fits:
    """The fits of an entry, as a file or the options of a command give it."""
    free = _needed(entry, "free", '["alpha", "current"]')
    names = [free] if isinstance(free, str) else list(free)
    starts = _texts("start", entry.get("start", {}))
    first = _devices(entry, folder)
    known = next(iter(first.values())) if isinstance(first, dict) else first
    begun = starts_of(starts, ",".join(names), known, None)
    if begun.delay or begun.bandwidth:
        raise ValueError("a study's traces have no delay and no bandwidth to start; leave them out of start")
    devices = _devices(entry, folder, begun.device)
    options: dict[str, Any] = {}
    if "noise" in entry:
        options["noise"] = float(read_quantity(entry["noise"], _unit_of_noise(entry)))
    if "segment" in entry:
        options["segment"] = quantity("segment", str(entry["segment"]), "s")
    if "accuracy" in entry:
        options["accuracy"] = checked_accuracy(float(entry["accuracy"]), None, None, None)
    if "m0" in entry:
        options["m0"] = start_of(known, str(entry["m0"]))
    files = _needed(entry, "files", '"wafer/*.csv"')
    data = [folder / one for one in files] if isinstance(files, list) else str(folder / files)
    labels = labels_in(folder / entry["labels"]) if "labels" in entry else {}
    return Fits(
        devices,
        data,
        free_of(",".join(names), _texts("bounds", entry.get("bounds", {})), known, None),
        entry.get("settings", {}),
        labels,
        entry.get("columns"),
        entry.get("read", {}),
        options,
    )


def _unit_of_noise(entry: Mapping[str, Any]) -> str:
    return "V" if entry.get("columns") in ("voltage", ["voltage"]) else "1"


def labels_in(path: pathlib.Path) -> dict[str, dict[str, Any]]:
    """The labels in a CSV file: a header, the names of recordings in the first column; x and y have units of length,
    as in "name,x (mm),y (mm),split"."""
    lines = [line for line in csv.reader(io.StringIO(unicode_text(path.read_bytes()))) if any(map(str.strip, line))]
    if len(lines) < 2 or len(lines[0]) < 2:
        raise ValueError(f"{path} has no labels, expected a header such as name,x (mm),y (mm) and a row for each file")
    columns = [_column(path, text) for text in lines[0][1:]]
    found: dict[str, dict[str, Any]] = {}
    for number, (name, *cells) in enumerate(lines[1:], 2):
        if len(cells) != len(columns):
            raise ValueError(f"{path}, row {number}: {len(cells) + 1} entries, expected {len(columns) + 1}")
        stem = pathlib.PurePath(name.strip()).stem
        if stem in found:
            raise ValueError(f"{path}, row {number}: {stem} comes twice; give it once")
        pairs = zip(columns, cells, strict=True)
        found[stem] = {column: _label(path, number, text, factor) for (column, factor), text in pairs}
    return found


def _column(path: pathlib.Path, text: str) -> tuple[str, float | None]:
    """Name of a column of labels, and the factor to SI of one with a unit."""
    name, _, unit = text.strip().rstrip(")").partition("(")
    name = name.strip()
    if not unit:
        if name in PLACES:
            raise ValueError(f"{path}: the column {name} has no unit; write it in the header, as in '{name} (mm)'")
        return name, None
    kind, factor = unit_factor(unit.strip())
    if name in PLACES and kind != "m":
        raise ValueError(f"{path}: the column {name} is in {unit}, expected a length, as in '{name} (mm)'")
    return name, factor


def _label(path: pathlib.Path, row: int, text: str, factor: float | None) -> Any:
    """A number in SI where the column has a unit, else the text."""
    if factor is None:
        return text.strip()
    try:
        return float(text) * factor
    except ValueError:
        raise ValueError(f"{path}, row {row}: {text!r} is no number") from None


def _simulations(entry: Mapping[str, Any], folder: pathlib.Path) -> Simulations:
    devices = _devices(entry, folder)
    duration = quantity("duration", str(_needed(entry, "duration", '"20ns"')), "s")
    dt = quantity("dt", str(entry["dt"]), "s") if "dt" in entry else None
    one = next(iter(devices.values())) if isinstance(devices, dict) else devices
    options = {"m0": start_of(one, str(entry["m0"]))} if "m0" in entry else {}
    return Simulations(devices, duration, entry.get("settings", {}), dt=dt, options=options)


def _maps(entry: Mapping[str, Any], folder: pathlib.Path) -> Maps:
    ranges = dict(_needed(entry, "ranges", '{ current = "0mA:5mA:51" }'))
    options = {"quantities": entry["quantities"]} if "quantities" in entry else {}
    kept = folder / entry["maps"] if "maps" in entry else None
    return Maps(_devices(entry, folder), ranges, entry.get("settings", {}), kept, options)


def _evaluations(entry: Mapping[str, Any], folder: pathlib.Path) -> Evaluations:
    name = str(_needed(entry, "function", '"mine:measure"'))
    module, colon, function = name.partition(":")
    if not colon:
        raise ValueError(f"function = {name!r}, expected a module and a function: 'mine:measure'")
    sys.path.insert(0, str(folder.resolve()))  # which spawned workers take over
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"function = {name!r} is not there: {error}") from None
    return Evaluations(found, _needed(entry, "cases", "[{ x = 1.0 }]"))
