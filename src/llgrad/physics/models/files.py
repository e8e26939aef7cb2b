"""A vortex in a device file by its disk: what a laboratory knows of it in place of the numbers of its equation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from llgrad.core.record import to_json
from llgrad.core.units import read_quantity, read_vector
from llgrad.physics.models.disk import Numbers
from llgrad.physics.models.vortex import Vortex

UNITS: Final = {
    "radius": "m",
    "thickness": "m",
    "Ms": "A/m",
    "exchange": "J/m",
    "alpha": "1",
    "polarization": "1",
    "field_like": "1",
    "gamma": "rad/(T s)",
    "magnetostatic_nonlinear": "1",
}
"""The quantities of a disk, as `Vortex.from_disk` takes them."""
NEEDED: Final = ("radius", "thickness", "Ms", "exchange", "alpha")
OTHERS: Final = ("polariser", "oersted")


def with_disk(entry: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
    """The entry of a vortex with its `disk` worked out, and the area [m²] that its current flows through.

    Raises ValueError for a disk that is not whole, and for what it would say twice.
    """
    disk, rest = entry["disk"], {name: value for name, value in entry.items() if name != "disk"}
    if not isinstance(disk, Mapping):
        raise ValueError(f"disk = {disk!r}, expected its radius, thickness, Ms, exchange and alpha, by name")
    if unknown := [name for name in disk if name not in (*UNITS, *OTHERS)]:
        raise ValueError(f"a disk has no {unknown[0]!r}; it has {', '.join((*UNITS, *OTHERS))}")
    if missing := [name for name in NEEDED if name not in disk]:
        raise ValueError(f"the disk is not whole: it has no {', '.join(missing)}")
    if twice := [name for name in ("radius", *Numbers._fields) if name in rest]:
        raise ValueError(f"{twice[0]} beside the disk would say it twice; give one of them")
    given: dict[str, Any] = {}
    for name, value in disk.items():
        try:
            given[name] = _read(name, value)
        except ValueError as error:
            raise ValueError(f"disk.{name}: {error}") from None
    vortex = Vortex.from_disk(**given)
    return {**to_json(vortex), **rest}, math.pi * vortex.radius**2


def _read(name: str, value: Any) -> Any:
    if name == "polariser":
        return read_vector(value, "1")
    if name == "oersted":
        if not isinstance(value, bool):
            raise ValueError(f"{value!r}, expected true or false")
        return value
    return read_quantity(value, UNITS[name])
