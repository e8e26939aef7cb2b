"""Device files: a record as JSON or TOML, each quantity with its unit."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from llgrad.core.arguments.kinds import check_kind, checked_path, wrong_kind
from llgrad.core.class_names import name_in_files
from llgrad.core.files import strict_json, strict_toml, unicode_text, writing
from llgrad.core.record import Record, from_json, to_json
from llgrad.core.run_record import open_record
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System

AnySystem = TypeVar("AnySystem", bound=System)


def save_device(path: str | os.PathLike[str], device: Oscillator | System, *, overwrite: bool = False) -> None:
    """Write a device as .json or .toml, to be read and edited by people; the file appears whole or not at all.

    Of a `System` the parameters are written, which `load_system` gives back to its class.

    Raises ValueError for another ending, FileExistsError where the file exists and `overwrite` is false.

    >>> import llgrad as lg
    >>> lg.save_device("mine.json", lg.presets.kubota2013().replace(alpha=0.007))
    >>> lg.load_device("mine.json").alpha
    0.007
    """
    check_kind("device", device, (Oscillator, System), "give (path, device)")
    entry, ending = to_json(device), checked_path("path", path).suffix.lower()
    if ending not in (".json", ".toml"):
        raise ValueError(f"{path} ends in {ending!r}, expected a device file, .json or .toml")
    text = tomli_w.dumps(entry) if ending == ".toml" else json.dumps(entry, indent=2, ensure_ascii=False) + "\n"
    with writing(path, overwrite) as file:
        file.write_text(text, encoding="utf-8")


def load_system(name: str | os.PathLike[str], kind: type[AnySystem]) -> AnySystem:
    """The system of a file that `save_device` wrote, or of any JSON file of llgrad that holds one, such as a fit.

    A file holds the parameters of a system and not its rate: `kind` is its class.

    Raises ValueError, in one sentence, for a file that is damaged, or holds another class.

    >>> import llgrad as lg
    >>> class Decay(lg.System):
    ...     speed: float = lg.quantity("1/s")
    ...     def start(self):
    ...         return {"x": 1.0}
    ...     def rate(self, state, inputs):
    ...         return {"x": -self.speed * state["x"]}
    >>> lg.save_device("decay.json", Decay(1e9))
    >>> lg.systems.load_system("decay.json", Decay).speed
    1000000000.0
    """
    path = checked_path("name", name)
    if not (isinstance(kind, type) and issubclass(kind, System)):
        raise ValueError(wrong_kind("kind", kind, "the class of a System", "a file holds its parameters only"))
    whole = entry_of(path)
    try:
        entry = recorded(whole)
        if entry.get("type") not in (kind.__name__, name_in_files(kind, Record)):
            raise ValueError(f"it describes {str(entry.get('type'))[:80]}, and not {kind.__name__}; give its own class")
        return from_json({**entry, "type": name_in_files(kind, Record)}, base=kind)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: {error}") from None


def entry_of(path: Path) -> Any:
    """What a JSON or TOML file holds."""
    if not path.is_file():
        raise FileNotFoundError(f"the device file {path} does not exist")
    try:
        text = unicode_text(path.read_bytes())
        return strict_toml(text) if path.suffix.lower() == ".toml" else strict_json(text)
    except UnicodeDecodeError:
        raise ValueError(f"{path} is a binary file, expected a device as text") from None
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def recorded(entry: Any) -> Mapping[str, Any]:
    """The entry of the device in a device file, or in a run record."""
    if not isinstance(entry, Mapping):
        raise ValueError("expected a device: an object with the entry 'type'")
    if "format" in entry:
        kind = str(entry["format"]).removeprefix("llgrad.")
        entry = open_record(entry, kind).get("device")
        if entry is None:
            raise ValueError("this file holds no device")
    if not isinstance(entry, Mapping):
        raise ValueError(f"its entry 'device' is {type(entry).__name__}, expected an object with the entry 'type'")
    return entry
