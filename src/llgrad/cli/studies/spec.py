"""A study as a TOML file: what is done, to which devices, files and settings."""

from __future__ import annotations

import importlib
import pathlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from llgrad.cli.answers.starts import free_of, starts_of
from llgrad.cli.commands.config import leaves_of
from llgrad.cli.device_options import device_with, quantity, start_of
from llgrad.cli.studies.labels import labels_in
from llgrad.core.files import strict_toml, unicode_text
from llgrad.core.units import read_quantity
from llgrad.solve.accuracy import checked_accuracy
from llgrad.studies.evaluations import Evaluations
from llgrad.studies.fits import Fits
from llgrad.studies.maps import Maps
from llgrad.studies.simulations import Simulations
from llgrad.studies.work import Work

COMMON: Final = {"kind": "text", "device": "text", "devices": "texts or table", "set": "table", "settings": "table"}
KNOWN: Final[Mapping[str, Mapping[str, str]]] = {
    "fits": {
        **{"files": "texts", "free": "texts", "start": "table", "bounds": "table", "columns": "texts", "read": "table"},
        **{"labels": "text", "noise": "quantity", "segment": "quantity", "accuracy": "quantity", "m0": "text"},
    },
    "simulations": {"duration": "quantity", "dt": "quantity", "m0": "text"},
    "maps": {"ranges": "table", "quantities": "texts or table", "maps": "text"},
    "evaluations": {"function": "text", "cases": "tables"},
}
"""The entries of each kind of study, beside `COMMON`, and what each is."""
QUANTITY: Final = (str, int, float)
KINDS: Final[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    "text": ('a text, such as {} = "…"', lambda given: isinstance(given, str)),
    "texts": ('a text or a list of texts, such as {} = ["…"]', lambda given: _are_texts(given)),
    "texts or table": ("a list of texts, or a table", lambda given: isinstance(given, dict) or _are_texts(given)),
    "quantity": ('a quantity with its unit, such as {} = "…"', lambda given: _is_quantity(given)),
    "table": ("a table of names and values, such as [{}]", lambda given: isinstance(given, dict)),
    "tables": ("a list of tables, such as {} = [{{ … }}]", lambda given: _are(given, dict)),
}
"""What an entry can be: in words, and whether it is that."""


def read_spec(path: pathlib.Path) -> Work:
    """The study in a file; its paths are taken from the file's own folder. Raises ValueError for what is none."""
    try:
        entry = strict_toml(unicode_text(path.read_bytes()))
    except ValueError as error:
        raise ValueError(f"{path} is no TOML file: {error}") from None
    kind = entry.get("kind", "fits")
    if not isinstance(kind, str) or kind not in KNOWN:
        raise ValueError(f"{path}: kind = {kind!r}, expected one of {', '.join(KNOWN)}")
    known = (COMMON if kind != "evaluations" else {"kind": "text"}) | KNOWN[kind]
    for name, given in entry.items():
        if name not in known:
            raise ValueError(f"{path}: a study of {kind} has no entry {name!r}; it has {', '.join(known)}")
        words, fits = KINDS[known[name]]
        if not fits(given):
            raise ValueError(f"{path}: {name} = {given!r}, expected {words.format(name)}")
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


def _are(given: Any, kind: type) -> bool:
    return isinstance(given, list) and all(isinstance(one, kind) for one in given)


def _are_texts(given: Any) -> bool:
    return isinstance(given, str) or _are(given, str)


def _is_quantity(given: Any) -> bool:
    return isinstance(given, QUANTITY) and not isinstance(given, bool)


def _needed(entry: Mapping[str, Any], name: str, example: str) -> Any:
    if name not in entry:
        raise ValueError(f"it needs {name}, such as {name} = {example}")
    return entry[name]


def _texts(name: str, entry: Mapping[str, Any]) -> dict[str, str]:
    """Quantities by name, as texts with units or plain numbers: what stands in the table of that name."""
    found = dict(leaves_of(entry.get(name, {})))
    for path, value in found.items():
        if not _is_quantity(value):
            raise ValueError(f'{name}: {path} = {value!r}, expected one value with its unit, such as {path} = "…"')
    return {path: str(value) for path, value in found.items()}


def _settings(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The values of each setting."""
    found = dict(leaves_of(entry.get("settings", {})))
    for path, given in found.items():
        if not (_is_quantity(given) or (isinstance(given, list) and all(map(_is_quantity, given)))):
            raise ValueError(f'settings: {path} = {given!r}, expected a list of values, such as {path} = ["…", "…"]')
    return found


def _devices(entry: Mapping[str, Any], folder: pathlib.Path, extra: Mapping[str, str] | None = None) -> Any:
    """The device, or the devices by name, with what is set."""
    values = _texts("set", entry) | dict(extra or {})
    if ("device" in entry) == ("devices" in entry):
        raise ValueError("it needs device, such as device = 'kubota2013', or devices, a table of them by name")
    named = entry["devices"] if "devices" in entry else {"": entry["device"]}
    if not isinstance(named, Mapping):
        files = [named] if isinstance(named, str) else named
        named = {pathlib.Path(one).stem: one for one in files}
        if len(named) < len(files):
            raise ValueError('two devices have one name; give a table, such as devices = { old = "…", new = "…" }')
    if wrong := [name for name, one in named.items() if not isinstance(one, str)]:
        raise ValueError(f"devices: {wrong[0]} = {named[wrong[0]]!r}, expected the name of a preset or of a file")
    found = {name: device_with(_file_or_name(one, folder), values) for name, one in named.items()}
    return found if "devices" in entry else found[""]


def _file_or_name(given: Any, folder: pathlib.Path) -> str:
    return str(folder / given) if (folder / str(given)).is_file() else str(given)


def fits_of(entry: Mapping[str, Any], folder: pathlib.Path) -> Fits:
    """The fits of an entry, as a file or the options of a command give it."""
    free = _needed(entry, "free", '["alpha", "current"]')
    names = [free] if isinstance(free, str) else list(free)
    starts = _texts("start", entry)
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
        options["accuracy"] = checked_accuracy(quantity("accuracy", str(entry["accuracy"]), "1"), None, None, None)
    if "m0" in entry:
        options["m0"] = start_of(known, str(entry["m0"]))
    files = _needed(entry, "files", '"wafer/*.csv"')
    data = [folder / one for one in files] if isinstance(files, list) else str(folder / files)
    labels = labels_in(folder / entry["labels"]) if "labels" in entry else {}
    return Fits(
        devices,
        data,
        free_of(",".join(names), _texts("bounds", entry), known, None),
        _settings(entry),
        labels,
        entry.get("columns"),
        entry.get("read", {}),
        options,
    )


def _unit_of_noise(entry: Mapping[str, Any]) -> str:
    return "V" if entry.get("columns") in ("voltage", ["voltage"]) else "1"


def _simulations(entry: Mapping[str, Any], folder: pathlib.Path) -> Simulations:
    devices = _devices(entry, folder)
    duration = quantity("duration", str(_needed(entry, "duration", '"20ns"')), "s")
    dt = quantity("dt", str(entry["dt"]), "s") if "dt" in entry else None
    one = next(iter(devices.values())) if isinstance(devices, dict) else devices
    options = {"m0": start_of(one, str(entry["m0"]))} if "m0" in entry else {}
    return Simulations(devices, duration, _settings(entry), dt=dt, options=options)


def _maps(entry: Mapping[str, Any], folder: pathlib.Path) -> Maps:
    ranges = dict(leaves_of(_needed(entry, "ranges", '{ current = "0mA:5mA:51" }')))
    options = {"quantities": entry["quantities"]} if "quantities" in entry else {}
    kept = folder / entry["maps"] if "maps" in entry else None
    return Maps(_devices(entry, folder), ranges, _settings(entry), kept, options)


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
