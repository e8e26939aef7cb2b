"""Device files: a record as JSON or TOML, each quantity with its unit."""

from __future__ import annotations

import json
import os
import pathlib
import tomllib
from collections.abc import Mapping
from typing import Any

import tomli_w

from llgrad.core.files import writing
from llgrad.core.record import from_json, to_json
from llgrad.core.run_record import open_record
from llgrad.devices import presets
from llgrad.devices.oscillator import Oscillator


def save_device(path: str | os.PathLike[str], device: Oscillator, *, overwrite: bool = False) -> None:
    """Write a device as .json or .toml, to be read and edited by people; the file appears whole or not at all.

    Raises ValueError for another ending, FileExistsError where the file exists and `overwrite` is false.
    """
    entry, ending = to_json(device), pathlib.Path(path).suffix.lower()
    if ending not in (".json", ".toml"):
        raise ValueError(f"{path} ends in {ending!r}, expected a device file, .json or .toml")
    text = tomli_w.dumps(entry) if ending == ".toml" else json.dumps(entry, indent=2, ensure_ascii=False) + "\n"
    with writing(path, overwrite) as file:
        file.write_text(text, encoding="utf-8")


def load_device(name: str | os.PathLike[str]) -> Oscillator:
    """The device of a preset's name, of a device file, or of any JSON file of llgrad that holds one.

    In a device file a quantity is {"value": 0.0025, "unit": "A"}, or text with any unit: "2.5mA".
    """
    path = pathlib.Path(name)
    if path.suffix.lower() not in (".json", ".toml"):
        return presets.load(str(name))
    if not path.is_file():
        raise FileNotFoundError(f"the device file {name} does not exist")
    try:
        text = path.read_text(encoding="utf-8")
        entry = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except UnicodeDecodeError:
        raise ValueError(f"{name} is a binary file, expected a device as text") from None
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{name} cannot be read: {error}") from None
    try:
        return _device_of(entry)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    except TypeError as error:
        raise ValueError(f"{name} is not a whole device: {error}") from None


def _device_of(entry: Any) -> Oscillator:
    if not isinstance(entry, Mapping):
        raise ValueError("expected a device: an object with the entry 'type'")
    if "format" in entry:
        entry = open_record(entry, str(entry["format"]).removeprefix("llgrad."))["device"]
        if entry is None:
            raise ValueError("this file holds no device")
    device = from_json(entry)
    if not isinstance(device, Oscillator):
        raise ValueError(f"it describes {type(device).__name__}, expected an Oscillator; simulate that from Python")
    return device
