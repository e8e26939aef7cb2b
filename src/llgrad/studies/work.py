"""What a study does: many items, each known by a hash of all that its answer depends on, done in batches."""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import jax
import numpy as np

from llgrad.core.rechecking import rechecked
from llgrad.core.record import leaf_units, listed, set_leaf
from llgrad.core.units import parse
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System

COLUMNS: Final = ("key", "failure")
"""Columns that the table of every study has of itself."""


Device = Oscillator | System


class Item(NamedTuple):
    """One row of a study before it is done."""

    key: str
    """Hash of everything that its answer depends on."""
    labels: dict[str, Any]
    """What it is called by: columns of the table of results."""
    group: str
    """Items of different groups are not done in one batch."""
    payload: Any
    """What `Work.run` needs of it, and what is sent to a worker."""


class Work(abc.ABC):
    """A kind of study. It is sent to workers, so it holds plain values."""

    kind: str

    @abc.abstractmethod
    def items(self) -> list[Item]:
        """All items, in the order of the table. Raises ValueError where something is wrong with all of them."""

    @abc.abstractmethod
    def run(self, items: list[Item]) -> list[dict[str, Any]]:
        """The numbers of each item of a batch by their names; {"failure": sentence} of one that could not be done."""

    def for_workers(self) -> Work:
        """What is sent along with every batch: without what is in the payloads."""
        return self

    @abc.abstractmethod
    def units(self) -> dict[str, str]:
        """The numbers that describe a device, by the names of their columns, with units."""

    @abc.abstractmethod
    def identity(self) -> str:
        """A hash of what is done, whatever it is done to."""


def digest(*things: Any) -> str:
    """A hash of records, numbers, arrays and texts, equal where all of them are."""
    found = hashlib.sha256()
    for thing in things:
        leaves, structure = jax.tree.flatten(thing)
        found.update(str(structure).encode())
        for leaf in leaves:
            numeric = isinstance(leaf, (bool, int, float, np.ndarray, np.generic, jax.Array))
            found.update(np.asarray(leaf, float).tobytes() if numeric else repr(leaf).encode())
            found.update(b"|")
    return found.hexdigest()[:32]


def each_setting(settings: Mapping[str, Iterable[float]]) -> Iterator[dict[str, float]]:
    """Every combination of the values of settings."""
    if not settings:
        yield {}
        return
    names = list(settings)
    grids = np.meshgrid(*(np.asarray(list(settings[name]), float) for name in names), indexing="ij")
    for values in np.stack(grids, -1).reshape(-1, len(names)).tolist():
        yield dict(zip(names, values, strict=True))


def checked_settings(devices: Mapping[str, Any], settings: Any) -> dict[str, tuple[float, ...]]:
    """Values [SI] of each setting, from numbers or texts with units. Raises ValueError for one that no device has."""
    found = {}
    for name, values in dict(settings or {}).items():
        for label, device in devices.items():
            if name not in (units := leaf_units(device)):
                whose = f"device {label!r}" if label else "device"
                raise ValueError(f"the setting {name!r} is none of the {whose}; it has {listed(units)}")
        unit = leaf_units(next(iter(devices.values())))[name]
        given = [values] if isinstance(values, (str, int, float)) else list(values)
        if not given:
            raise ValueError(f"the setting {name!r} has no values; give a list, such as [1e-3, 2e-3]")
        found[name] = tuple(float(parse(value, unit)) for value in given)
    return found


def checked_devices(devices: Any, kinds: tuple[type, ...]) -> dict[str, Any]:
    """Devices by their names, from one or from several. Raises ValueError for what is none."""
    named = dict(devices) if isinstance(devices, Mapping) else {"": devices}
    wrong = [device for device in named.values() if not isinstance(device, kinds)]
    if wrong or not named:
        kind = type(wrong[0]).__name__ if wrong else "none"
        names = " or ".join(one.__name__ for one in kinds)
        raise ValueError(f"devices = {kind}, expected an {names}, or a dictionary of them by name; see llgrad.presets")
    return named


def with_settings(device: Any, settings: Mapping[str, float]) -> Any:
    """The device with some of its values set, checked."""
    for path, value in settings.items():
        device = set_leaf(device, path, value)
    return rechecked(device)


def labels_of(name: str, device: str, settings: Mapping[str, float]) -> dict[str, Any]:
    """The columns that every study has: the name of the data, that of the device, and its settings."""
    found: dict[str, Any] = {"name": name} if name else {}
    return found | ({"device": device} if device else {}) | dict(settings)
