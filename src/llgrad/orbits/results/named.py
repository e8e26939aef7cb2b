"""The numbers of an orbit by name: what a map shows, an objective maximises and a table of measurements holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import jax.numpy as jnp

from llgrad.orbits.results.orbit import Orbit


class OrbitQuantity(NamedTuple):
    """One number that every orbit of a kind has."""

    unit: str
    """SI; empty for a pure number."""
    what: str
    """In words, for the label of an axis."""
    of: Callable[..., Any]
    """orbit, options → number ()"""
    takes: tuple[str, ...] = ()
    """Names of the options that it takes."""
    needs: tuple[str, ...] = ()
    """Those of them without which there is no such number."""


def _amplitude(orbit: Orbit, observable: Any = None, harmonic: int = 1) -> Any:
    return 2 * jnp.abs(orbit.harmonics(observable)[harmonic])


def _sensitivity(orbit: Orbit, input: str) -> Any:
    return orbit.sensitivity(input)


def _locking(orbit: Orbit, drive: Mapping[str, Any], ratio: float = 1, observable: Any = None) -> Any:
    return orbit.locking(drive, ratio, observable).half_width


SEEN: Final = ("observable",)
INTO_LOAD: Final = ("load", "junction", "harmonic")
QUANTITIES: Final[Mapping[str, OrbitQuantity]] = {
    "frequency": OrbitQuantity("Hz", "frequency", lambda orbit: orbit.frequency),
    "period": OrbitQuantity("s", "period", lambda orbit: orbit.period),
    "return_rate": OrbitQuantity("1/s", "return rate Γ", lambda orbit: orbit.return_rate),
    "diffusion": OrbitQuantity("rad²/s", "phase diffusion", lambda orbit: orbit.diffusion),
    "line_width": OrbitQuantity("Hz", "line width", lambda orbit: orbit.line_width),
    "linear_width": OrbitQuantity("Hz", "line width without ν", lambda orbit: orbit.linear_width),
    "noise_ratio": OrbitQuantity("", "2π line width/Γ", lambda orbit: orbit.noise_ratio),
    "nonlinearity": OrbitQuantity("", "nonlinearity ν", Orbit.nonlinearity, SEEN),
    "frequency_by_power": OrbitQuantity("Hz", "df/d(ln p)", Orbit.frequency_by_power, SEEN),
    "sensitivity": OrbitQuantity("Hz", "df/du per unit of the input u", _sensitivity, ("input",), ("input",)),
    "amplitude": OrbitQuantity("", "amplitude of the observable", _amplitude, ("observable", "harmonic")),
    "power": OrbitQuantity("W", "power into the load", Orbit.power, INTO_LOAD),
    "power_dbm": OrbitQuantity("dBm", "power into the load", Orbit.power_dbm, INTO_LOAD),
    "locking": OrbitQuantity("Hz", "half locking range", _locking, ("drive", "ratio", "observable"), ("drive",)),
}
"""By name; `Orbit` says of each what it is."""


def quantity_of(orbit: Orbit, name: str, **options: Any) -> Any:
    """A number () of an orbit by its name in `QUANTITIES`, in SI, with the options of that quantity.

    Raises ValueError for a name or an option that there is not, and for one that is missing.

    >>> import llgrad as lg
    >>> round(float(quantity_of(lg.orbit(lg.presets.kubota2013()), "frequency")) / 1e9, 4)
    0.4402
    """
    quantity = checked(name, options)
    return quantity.of(orbit, **options)


def checked(name: str, options: Mapping[str, Any]) -> OrbitQuantity:
    """The quantity of a name. Raises ValueError for a name or an option that there is not, and for a missing one."""
    if name not in QUANTITIES:
        raise ValueError(f"{name!r} is no quantity of an orbit; it can be {', '.join(QUANTITIES)}")
    quantity = QUANTITIES[name]
    if unknown := [key for key in options if key not in quantity.takes]:
        takes = f"it takes {', '.join(quantity.takes)}" if quantity.takes else "it takes none"
        raise ValueError(f"{unknown[0]!r} is no option of {name!r}; {takes}")
    if missing := [key for key in quantity.needs if key not in options]:
        raise ValueError(f"{name!r} needs {missing[0]}=…; see Orbit.{name}")
    return quantity
