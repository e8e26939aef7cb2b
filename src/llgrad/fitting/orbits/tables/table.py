"""A table of what orbits tell: frequencies, line widths, powers, locking ranges, … against any settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import equinox as eqx
import numpy as np

from llgrad.core.units import show
from llgrad.datasets.frequencies import FrequencyTable
from llgrad.orbits.results.named import QUANTITIES, checked

OF_NOISE: Final = ("line_width", "linear_width", "diffusion", "noise_ratio", "nonlinearity")
"""Quantities that there are only with noise."""
POSITIVE: Final = ("frequency", "period", "line_width", "linear_width", "diffusion", "power", "locking", "amplitude")
LARGEST_POWER: Final = 1.0
"""A power [W] above which it is meant in another unit."""
DBM: Final = (-250.0, 30.0)
"""Powers in dBm that can be meant: from far below the noise of a receiver to a watt."""
FREQUENCIES: Final = (1e6, 1e12)


class OrbitTable(eqx.Module):
    """What was measured of an oscillator's orbits at K settings, for `lg.fit`.

    Frequency, line width and power are those of the strongest tone of the observable: m·p of a device, the first
    number of a system's state. The other quantities are as `Orbit` says.

    Args:
        settings: values [SI] of what was swept or set, (K,) or one for all rows, by the path of the leaf: {"current":
            …, "field.z": …, "temperature": …}.
        measured: what was measured, (K,), in SI, NaN where it was not: "frequency" [Hz], "line_width" (full width)
            [Hz], "power" [W], "power_dbm" [dBm], "locking" (half the locking range) [Hz], "amplitude", "return_rate"
            [1/s], …
        errors: standard deviation of each, (K,) or one for all rows. Of a single quantity they may be left out: the
            residuals then tell them.
        options: of a quantity, as `Orbit` takes them: {"locking": {"drive": {"field_x": 1e-4}}, "power": {"load":
            50.0}}.

    Raises:
        ValueError: in one sentence, for a quantity that there is not, a value that cannot be, a locking range without
            its drive, and several quantities without errors.

    >>> OrbitTable({"current": [2e-3, 3e-3]}, {"frequency": [6.4e9, 6.1e9]}, {"frequency": 1e6})
    OrbitTable: frequency at 2 settings of current
    """

    settings: Mapping[str, np.ndarray]
    measured: Mapping[str, np.ndarray]
    errors: Mapping[str, np.ndarray]
    options: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...] = eqx.field(static=True)
    understood: tuple[str, ...] = eqx.field(static=True)
    """How the file was understood that this was read from."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        measured: Mapping[str, Any],
        errors: Mapping[str, Any] | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        notes: Sequence[str] = (),
        understood: Sequence[str] = (),
    ):
        if not settings or not measured:
            raise ValueError(
                "an orbit table needs settings and what was measured, as in OrbitTable({'current': [2e-3, 3e-3]}, "
                "{'frequency': [6.4e9, 6.1e9]})"
            )
        count = max(np.size(values) for values in measured.values())
        self.settings = {name: _column(f"the setting {name}", values, count) for name, values in settings.items()}
        self.measured = {name: _column(name, values, count) for name, values in measured.items()}
        self.errors = {name: _column(f"the error of {name}", e, count) for name, e in (errors or {}).items()}
        self.options = {name: dict((options or {}).get(name, {})) for name in measured}
        self.notes, self.understood = tuple(notes), tuple(understood)
        if strange := [name for name in {**(errors or {}), **(options or {})} if name not in measured]:
            raise ValueError(f"{strange[0]!r} was not measured, and has errors or options; there are {self._names()}")

    def __check_init__(self) -> None:
        for name, values in self.settings.items():
            if not np.isfinite(values).all():
                raise ValueError(f"the setting {name} has a number that is not finite; remove its row")
        for name, values in self.measured.items():
            _check_quantity(name, self.options[name])
            _check_values(name, values)
            if name in self.errors:
                _check_errors(name, values, self.errors[name])
        known = np.isfinite(np.stack(list(self.measured.values())))
        if not known.any(axis=0).all():
            raise ValueError(f"row {int(np.argmin(known.any(axis=0)))} holds no measurement; remove it")
        if len(self.measured) > 1 and (without := [name for name in self.measured if name not in self.errors]):
            raise ValueError(
                f"{without[0]} has no errors, and only these say how {self._names()} weigh against each other; "
                "give them, or fit each quantity as an Experiment of its own, whose noise is then estimated"
            )

    def _names(self) -> str:
        return ", ".join(self.measured)

    def __repr__(self) -> str:
        count = len(next(iter(self.measured.values())))
        return f"OrbitTable: {self._names()} at {count} settings of {', '.join(self.settings)}"


def _column(name: str, values: Any, count: int) -> np.ndarray:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim > 1 or found.size not in (1, count):
        raise ValueError(f"{name} has the shape {found.shape}, expected ({count},), as the largest column has, or one")
    return np.array(np.broadcast_to(found.ravel(), (count,)))


def _check_quantity(name: str, options: Mapping[str, Any]) -> None:
    if name == "locking" and not options.get("drive"):
        raise ValueError(
            "a locking range is that of a drive, and none is given; give its amplitudes by input, as in "
            "options={'locking': {'drive': {'field_x': 1e-4}}}"
        )
    checked(name, options)


def _check_values(name: str, values: np.ndarray) -> None:
    known, unit = values[np.isfinite(values)], QUANTITIES[name].unit
    if np.isinf(values).any() or not known.size:
        raise ValueError(f"{name} has no finite number at all, or an infinite one; NaN stands for what is missing")
    low, high = float(known.min()), float(known.max())
    if name == "power" and not 0 < low <= high < LARGEST_POWER:
        raise ValueError(
            f"powers from {low:g} to {high:g} W cannot be meant; in dBm give them as 'power_dbm', and else in watts"
        )
    if name == "power_dbm" and (not DBM[0] < low <= high <= DBM[1] or (low > 0 and high < 1e-2)):
        raise ValueError(
            f"powers from {low:g} to {high:g} dBm cannot be meant; in watts give them as 'power', and else in decibels "
            "above a milliwatt"
        )
    if name == "frequency" and not FREQUENCIES[0] < low <= high < FREQUENCIES[1]:
        raise ValueError(f"frequencies from {low:g} to {high:g} Hz cannot be meant; they are in hertz: 1 GHz is 1e9")
    if name in POSITIVE and not low > 0:
        raise ValueError(f"{name} = {show(low, unit)}, expected a positive number; NaN stands for what is missing")


def _check_errors(name: str, values: np.ndarray, errors: np.ndarray) -> None:
    known = np.isfinite(values)
    if not (np.isfinite(errors[known]) & (errors[known] > 0)).all():
        worst = float(np.min(np.where(np.isfinite(errors[known]), errors[known], -np.inf)))
        raise ValueError(
            f"an error of {name} is {worst:g}, expected a positive standard deviation; leave the errors out where they "
            "are not known"
        )


def as_orbit_table(data: FrequencyTable | OrbitTable) -> OrbitTable:
    """A table of frequencies as one of orbits."""
    if isinstance(data, OrbitTable):
        return data
    errors = None if data.errors is None else {"frequency": data.errors}
    return OrbitTable({data.setting: data.values}, {"frequency": data.frequencies}, errors)
