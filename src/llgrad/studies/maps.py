"""A study of maps: `lg.sweep` of many devices and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.experiments.sweeps.axes import axes_of
from llgrad.experiments.sweeps.record import Map, save_map
from llgrad.experiments.sweeps.regions import WITH_ORBIT
from llgrad.experiments.sweeps.sweep import sweep
from llgrad.orbits.results.named import QUANTITIES
from llgrad.studies.work import Device, Item, Work, checked_devices, checked_settings, digest, each_setting, labels_of
from llgrad.studies.work import with_settings as device_with


@dataclass(frozen=True)
class Maps(Work):
    """A map of every device with every combination of settings, as `lg.sweep` makes it; a row has its extremes.

    Args:
        devices: a device, or several by name.
        parameters: the ranges of one or two parameters, as in `lg.sweep`.
        settings: values of the device that are gone through, by path.
        files: a folder that exists, in which every map is kept as `.npz`, named by its row's key.
        options: other arguments of `lg.sweep`, such as {"quantities": "frequency"}.

    The columns of a row: "oscillating", the part of the points with an orbit; the smallest and largest number of each
    quantity ("frequency.min", "frequency.max"), and "onset", the first value of the first parameter with an orbit.

    >>> import llgrad as lg
    >>> work = lg.studies.Maps(lg.presets.kubota2013(), {"current": "0.2mA:1mA:3"}, options={"quantities": "frequency"})
    >>> work.units()
    {'oscillating': '1', 'onset': 'A', 'frequency.min': 'Hz', 'frequency.max': 'Hz'}
    """

    devices: Device | Mapping[str, Device]
    parameters: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    files: str | Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    kind = "maps"

    def __post_init__(self) -> None:
        devices = checked_devices(self.devices, (Oscillator, System))
        settings = checked_settings(devices, self.settings)
        for device in devices.values():
            axes_of(device, self.parameters)
        if self.files is not None and not Path(self.files).is_dir():
            raise ValueError(f"files = {self.files}, expected a folder that exists; make it first")
        object.__setattr__(self, "devices", devices)
        object.__setattr__(self, "settings", settings)
        if self.files is not None:  # a worker may have begun in another folder
            object.__setattr__(self, "files", Path(self.files).absolute())

    @property
    def _named(self) -> dict[str, Device]:
        return cast(dict[str, Device], self.devices)  # so since they were checked

    def identity(self) -> str:
        return digest(self.kind, dict(self.parameters), dict(self.options))

    def items(self) -> list[Item]:
        found = []
        for name, device in self._named.items():
            for settings in each_setting(self.settings):
                key = digest(self.identity(), device_with(device, settings))
                found.append(Item(key, labels_of("", name, settings), name, (name, settings)))
        return found

    def run(self, items: list[Item]) -> list[dict[str, Any]]:
        return [self._row(item) for item in items]

    def _row(self, item: Item) -> dict[str, Any]:
        name, settings = item.payload
        try:
            found = sweep(device_with(self._named[name], settings), self.parameters, **self.options)
        except ValueError as error:
            return {"failure": str(error)}
        if self.files is not None:
            save_map(found, Path(self.files) / f"{item.key}.npz", overwrite=True)
        return _extremes(found) | {"failure": None}

    def units(self) -> dict[str, str]:
        asked = self.options.get("quantities") or ()
        names = [asked] if isinstance(asked, str) else list(asked)
        (first, *_) = axes_of(next(iter(self._named.values())), self.parameters)
        of_quantities = {f"{name}.{end}": QUANTITIES[name].unit or "1" for name in names for end in ("min", "max")}
        return {"oscillating": "1", "onset": first.unit} | of_quantities


def _extremes(found: Map) -> dict[str, Any]:
    moving = np.isin(found.regions, [int(region) for region in WITH_ORBIT])
    rows = np.flatnonzero(moving.reshape(len(moving), -1).any(axis=1))
    told: dict[str, Any] = {
        "oscillating": float(moving.mean()),
        "onset": float(found.axes[0].values[rows[0]]) if rows.size else None,
    }
    for name, values in found.quantities.items():
        known = values[np.isfinite(values)]
        told |= {f"{name}.min": float(known.min()), f"{name}.max": float(known.max())} if known.size else {}
    return told
