"""Devices by name: a preset, or a file that holds one of any kind."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Mapping
from typing import Any

from llgrad.core.arguments.kinds import checked_path
from llgrad.core.class_names import import_every_kind, is_of_llgrad
from llgrad.core.record import from_json
from llgrad.devices.files import entry_of, recorded
from llgrad.devices.geometry import SHAPE, Shape, one_quantity, shape_of
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.system import System
from llgrad.physics.models.files import with_disk
from llgrad.physics.models.vortex import Vortex
from llgrad.physics.presets.named import PRESETS, load
from llgrad.physics.stacks.stack import Stack


def load_device(name: str | os.PathLike[str]) -> Oscillator | System:
    """The device of a preset's name, of a device file, or of any JSON file of llgrad that holds one: an Oscillator, a
    Stack, or another System of llgrad. A System of your own is read by `load_system`, which is given its class.

    In a file every quantity that has a unit is written with it: {"value": 0.0025, "unit": "A"}, or "2.5mA"; a
    vector is ["300Oe", "0Oe", "0Oe"], "(300, 0, 0) Oe", "300Oe at 90deg, 0deg" (θ from z, φ from x) or {"value":
    [300, 0, 0], "unit": "Oe"}; a polariser may be its two angles, "90deg, 0deg". In place of volume and demag:
    {"ellipse": {"diameters": ["160nm", "80nm"], "thickness": "5nm"}}. With an ellipse, an area or a thickness, a
    current may be a density: "3MA/cm2"; of a stack whose layers have one area always, and of a vortex. A Vortex may be
    told by its disk: {"type": "Vortex", "disk": {"radius": "100nm", "thickness": "7nm", "Ms": "800emu/cm3", "exchange":
    "10pJ/m", "alpha": 0.01, "polarization": 0.2}, "current": "5MA/cm2"} (`Vortex.from_disk`).

    Raises ValueError, in one sentence, for a file that is damaged, holds no device, or holds one that cannot be meant.

    >>> import llgrad as lg
    >>> lg.save_device("mine.toml", lg.load_device("kubota2013"))
    >>> lg.load_device("mine.toml").alpha
    0.005
    """
    return read_device(name)[0]


def read_device(name: str | os.PathLike[str]) -> tuple[Oscillator | System, float | None]:
    """The device, and the area [m²] that its current flows through where it is known. See `load_device`."""
    path = checked_path("name", name)
    if path.suffix.lower() not in (".json", ".toml"):
        device = load(str(name))
        area = PRESETS[str(name)].area
        return device, _area_of(device) if area is None else area
    entry = entry_of(path)
    try:
        return _device_of(entry)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: {error}") from None


def _device_of(entry: Any) -> tuple[Oscillator | System, float | None]:
    entry = recorded(entry)
    if entry.get("type") == Vortex.__name__ and "disk" in entry:
        numbers, area = with_disk(entry)
        return from_json(numbers, area=area, base=Vortex), area
    shape, rest = _shape_of(entry)
    if entry.get("type") != Oscillator.__name__:
        import_every_kind()
    own = _systems().get(str(entry.get("type")))
    device = from_json(
        rest, area=_area_of_layers(rest) if own is Stack else shape.area, **({} if own is None else {"base": own})
    )
    if not isinstance(device, Oscillator) and own is None:
        raise ValueError(
            f"it describes {type(device).__name__}, expected an Oscillator or a System of llgrad; a System of "
            "your own is given back by load_system"
        )
    return device, shape.area if own is None else _area_of(device)


def _systems() -> dict[str, type[System]]:
    """The systems of llgrad by their names; a class of a user's, which may have the same, is not among them."""
    found, waiting = {}, [System]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if is_of_llgrad(kind) and not inspect.isabstract(kind):
            found[kind.__name__] = kind
    return found


def _area_of(device: Oscillator | System) -> float | None:
    """The area [m²] of a stack whose layers have one, or of the disk of a vortex."""
    if isinstance(device, Vortex):
        return math.pi * float(device.radius) ** 2
    areas = {float(layer.area) for layer in device.layers} if isinstance(device, Stack) else set()
    return areas.pop() if len(areas) == 1 else None


def _area_of_layers(entry: Mapping[str, Any]) -> float | None:
    """The area [m²] in the entry of a stack whose layers have one; None where it tells none, or is no entry."""
    layers = entry.get("layers")
    given = (
        [layer.get("area") for layer in layers]
        if isinstance(layers, list) and all(isinstance(layer, Mapping) for layer in layers)
        else []
    )
    if not given or None in given:
        return None
    areas = {one_quantity("area", area, "m²") for area in given}
    return areas.pop() if len(areas) == 1 else None


def _shape_of(entry: Mapping[str, Any]) -> tuple[Shape, dict[str, Any]]:
    """What an ellipse, area or thickness in a device file settles, and the entry with it put in."""
    given = {name: entry[name] for name in SHAPE if name in entry}
    rest = {name: value for name, value in entry.items() if name not in SHAPE}
    if not given or entry.get("type") != Oscillator.__name__:
        return Shape(), dict(entry)
    twice = [name for name in ("volume", "demag") if name in rest and "ellipse" in given]
    if twice:
        raise ValueError(f"{' and '.join(twice)} beside the ellipse would say the shape twice; give one of them")
    volume = one_quantity("volume", rest["volume"], "m³") if "volume" in rest else None
    shape = shape_of(given, volume)
    if shape.volume is not None:
        rest["volume"] = {"value": shape.volume, "unit": "m³"}
    if shape.demag is not None:
        rest["demag"] = [shape.demag.x, shape.demag.y, shape.demag.z]
    return shape, rest
