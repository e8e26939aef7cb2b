"""`Optimum`: the best device, what it hangs on, and how it was found."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jaxtyping import PyTree

from llgrad.core.files import read_json, write_json
from llgrad.core.record import from_json, to_json
from llgrad.core.run_record import run_record
from llgrad.core.units import show
from llgrad.drives.drive import Drive
from llgrad.optimising.limits import AllowedRange, told

SHOWN: Final = 8
"""Sensitivities in the printed card."""


@dataclass(frozen=True)
class ChosenParameter:
    """A free parameter at the optimum [SI]."""

    value: float
    low: float
    high: float
    unit: str
    at: str
    """"lower end" or "upper end" of its range; empty between them."""
    price: float
    """Change of the best value per unit of that end; 0 between them."""


@dataclass(frozen=True)
class Constraint:
    """A limit at the optimum [SI]."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    binds: str
    """"equality", "lower end", "upper end"; empty where it does not bind."""
    price: float
    """Its multiplier: change of the best value per unit of the end that binds."""

    @property
    def per_percent(self) -> float:
        """Change of the best value per 1 % of the end that binds."""
        edge = self.high if self.binds == "upper end" else self.low
        return 0.0 if not self.binds else self.price * edge / 100


@dataclass(frozen=True)
class Sensitivity:
    """What a number of the device does to the aim, in its unit."""

    name: str
    value: float
    unit: str
    per_percent: float
    """Change of the aim where this number is 1 % larger, and nothing else changes."""
    best_per_percent: float
    """Change of the best value, all that is free set anew within the limits; of a free parameter, where the end of its
    range at which it lies is moved, and 0 between its ends."""
    free: bool


@dataclass(frozen=True)
class Curvature:
    """How fast the aim becomes worse in one direction that no limit holds."""

    moves: dict[str, float]
    """By how much each free parameter [SI] moves, together, until the aim is 1 % worse."""
    parts: float
    """The length of that move, in parts of the ranges: where it is small, the optimum is sharp."""
    value: float
    """Second derivative of the aim along it, per range²."""


@dataclass(frozen=True)
class LocalOptimum:
    """An optimum among several."""

    value: float
    values: dict[str, float]
    starts: int
    """How many starts ended there."""


@dataclass(frozen=True)
class SearchRecord:
    """A search: where it began and ended, and how."""

    begin: dict[str, float]
    end: dict[str, float]
    value: float | None
    """At its end."""
    how: str
    """"converged", "stalled", "outside the limits", "at the edge", "no number"."""
    led_back: bool
    """Whether it began where there is no number, and was moved."""
    evaluations: int


@dataclass(frozen=True)
class Optimum:
    """The best device that was found, and what it hangs on. Numbers are in SI; dictionaries go by parameter.

    >>> import llgrad as lg
    >>> best = lg.optimise(
    ...     lg.presets.kubota2013(), lg.minimise(lambda sto: (sto.current - 1e-3) ** 2), {"current": (0, "0.8mA")}
    ... )
    >>> {name: round(value * 1e3, 6) for name, value in best.values.items()}, best.sense
    ({'current': 0.8}, 'smallest')
    """

    device: PyTree
    """The best, ready to use."""
    drive: Drive | None
    """The best drive; None without one."""
    value: float
    name: str
    """Of the aim."""
    unit: str
    sense: str
    """"smallest" or "largest"; "… mean", "… worst" over drawn devices."""
    parameters: dict[str, ChosenParameter]
    constraints: tuple[Constraint, ...]
    sensitivities: tuple[Sensitivity, ...]
    """The largest first."""
    curvatures: tuple[Curvature, ...]
    """The sharpest direction first; none where the limits hold it wholly."""
    optima: tuple[LocalOptimum, ...]
    """The best first."""
    starts: tuple[SearchRecord, ...]
    history: tuple[dict[str, Any], ...]
    """After each batch: evaluations so far, and the best value within the limits."""
    notes: tuple[str, ...]
    """In sentences: what is to be known before the value is used, then what else there is."""
    evaluations: int
    """Devices whose numbers were asked for, derivatives included, starts without an orbit and checks too."""
    seconds: float

    @property
    def values(self) -> dict[str, float]:
        """The free parameters at the optimum."""
        return {name: one.value for name, one in self.parameters.items()}

    def __repr__(self) -> str:
        rows = [(name, show(one.value, one.unit), _range(one)) for name, one in self.parameters.items()]
        rows += [(one.name, show(one.value, one.unit), _limit(one, self.unit)) for one in self.constraints]
        lines = [f"{self.sense} {self.name}: {show(self.value, self.unit)}", *_table(rows)]
        ranked = [one for one in self.sensitivities if one.per_percent != 0.0][:SHOWN]
        lines.append(f"change of {self.name} per 1 %: as it is set; all set anew")
        lines += _table(
            [(one.name, show(one.per_percent, self.unit), show(one.best_per_percent, self.unit)) for one in ranked]
        )
        ended = [one.how for one in self.starts]
        led = sum(one.led_back for one in self.starts)
        counts = ", ".join(f"{ended.count(how)} {how}" for how in dict.fromkeys(sorted(ended)))
        lines.append(
            f"{len(ended)} starts: {counts}"
            + f" ({led} led back)" * bool(led)
            + f"; {self.evaluations} evaluations in "
            f"{self.seconds:.2f} s"
        )
        return "\n".join([*lines, *self.notes])

    __str__ = __repr__

    def to_json(self) -> dict[str, Any]:
        """A dictionary that begins with the versioned run record, whose device is the best; `core.files.plain` makes it
        JSON."""
        entry = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del entry["device"]
        entry["drive"] = None if self.drive is None else to_json(self.drive)
        for name in ("constraints", "sensitivities", "curvatures", "optima", "starts"):
            entry[name] = [dataclasses.asdict(one) for one in entry[name]]
        entry["parameters"] = {name: dataclasses.asdict(one) for name, one in self.parameters.items()}
        return run_record("optimum", device=self.device, dtype="float64") | entry

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the result as JSON, from which `lg.load_device` reads the best device; an existing file is kept unless
        `overwrite`."""
        write_json(path, self.to_json(), overwrite)
        return Path(path)


def load_optimum(path: str | Path) -> Optimum:
    """The result of `lg.optimise` that was saved.

    Raises ValueError for a file that holds none, or is damaged.

    >>> import llgrad as lg
    >>> best = lg.optimise(
    ...     lg.presets.kubota2013(), lg.minimise(lambda sto: (sto.current - 1e-3) ** 2), {"current": (0, "0.8mA")}
    ... )
    >>> _ = best.save("best.json")
    >>> lg.optimising.load_optimum("best.json").value == best.value
    True
    """
    entry = read_json(path, "optimum")
    try:
        fields: dict[str, Any] = {field.name: entry[field.name] for field in dataclasses.fields(Optimum)}
        for name, kind in KINDS.items():
            fields[name] = tuple(kind(**_open(one)) for one in fields[name])
        fields["parameters"] = {name: ChosenParameter(**one) for name, one in fields["parameters"].items()}
        fields["history"], fields["notes"] = tuple(fields["history"]), tuple(fields["notes"])
        fields["device"] = from_json(entry["device"])
        fields["drive"] = None if entry["drive"] is None else from_json(entry["drive"])
        return Optimum(**fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no whole optimum ({error}); save it again") from None


KINDS: Final[dict[str, Any]] = {
    "constraints": Constraint,
    "sensitivities": Sensitivity,
    "curvatures": Curvature,
    "optima": LocalOptimum,
    "starts": SearchRecord,
}


def _open(entry: dict[str, Any]) -> dict[str, Any]:
    """An open end, which JSON has as null."""
    ends = {"low": float("-inf"), "high": float("inf")}
    return {key: ends[key] if value is None and key in ends else value for key, value in entry.items()}


def _range(one: ChosenParameter) -> str:
    span = f"{show(one.low, one.unit)} to {show(one.high, one.unit)}"
    return f"{span}, at its {one.at}" if one.at else span


def _limit(one: Constraint, unit: str) -> str:
    span = told(AllowedRange(one.low, one.high), one.unit)
    return f"{span}, binds: {show(one.per_percent, unit)} per 1 % of it" if one.binds else span


def _table(rows: list[tuple[str, str, str]]) -> list[str]:
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    return ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
