"""Every quantity of every record carries its unit."""

import dataclasses
import importlib
import pkgutil
import types
import typing

import equinox as eqx
import pytest

import llgrad
from llgrad.core.record import Record
from llgrad.core.units import read_quantity, show

UNITLESS = (bool, int, str, types.NoneType)


def every_record() -> list[type[Record]]:
    """All records of the library, found by importing the whole of it."""
    for module in pkgutil.walk_packages(llgrad.__path__, "llgrad."):
        if not module.name.endswith("__main__") and not module.name.startswith("llgrad.torch."):  # it has no records
            importlib.import_module(module.name)
    found, waiting = set(), [Record]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        found.update(kinds)
        waiting += kinds
    return sorted((kind for kind in found if kind.__module__.startswith("llgrad.")), key=lambda kind: kind.__qualname__)


def holds_no_number(annotation: object) -> bool:
    """Whether a field of this type needs no unit of its own: records, words, counts; tuples and unions of them."""
    if typing.get_origin(annotation) in (tuple, typing.Union, types.UnionType):
        return all(holds_no_number(part) for part in typing.get_args(annotation) if part is not Ellipsis)
    return isinstance(annotation, type) and (issubclass(annotation, Record) or annotation in UNITLESS)


def fields_without_unit(kind: type[Record]) -> list[str]:
    """The fields of a record that hold a number (or anything not known to be none) and say no unit."""
    annotations = typing.get_type_hints(kind)
    return [
        f"{kind.__name__}.{field.name}"
        for field in dataclasses.fields(kind)
        if not field.metadata.get("static", False)
        and not holds_no_number(annotations[field.name])
        and not (isinstance(unit := field.metadata.get("unit"), str) and unit)
    ]


def test_every_number_of_every_record_has_a_unit():
    assert [name for kind in every_record() for name in fields_without_unit(kind)] == []


def test_a_field_without_a_unit_is_found():
    class Bare(Record):
        good: float = eqx.field(metadata={"unit": "T"})
        inner: Record | None
        count: int
        terms: tuple[Record, ...]
        name: str = eqx.field(static=True)
        bad: float
        worse: typing.Any
        empty: float = eqx.field(metadata={"unit": ""})

    assert fields_without_unit(Bare) == ["Bare.bad", "Bare.worse", "Bare.empty"]


def quotients(unit: str) -> list[tuple[str, float]]:
    """A unit over another as people write it, with its factor: prefixes above and below, and nothing for 1."""
    above, _, below = unit.partition("/")
    if above == "N" or below not in ("A", "V", "W", "K"):  # "N/A" is also said of what is not there
        return []
    return [(f"/{below}", 1.0)] if above == "1" else [(f"m{above}/{below}", 1e-3), (f"{above}/m{below}", 1e3)]


UNITS = sorted(
    {unit for kind in every_record() for field in dataclasses.fields(kind) if (unit := field.metadata.get("unit"))}
)


@pytest.mark.parametrize("unit", UNITS)
def test_what_a_card_shows_is_read_back(unit):
    for exponent in range(-15, 12):
        value = -2.345 * 10.0**exponent
        assert read_quantity(show(value, unit), unit) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize(("unit", "written", "factor"), [(u, *each) for u in UNITS for each in quotients(u)])
def test_a_unit_over_another_takes_prefixes_on_both_sides(unit, written, factor):
    assert read_quantity(f"2.5{written}", unit) == pytest.approx(2.5 * factor, rel=1e-14)
