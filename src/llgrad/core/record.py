"""Records: frozen sets of quantities that carry their units, print as a card and go to JSON and back.

Every device, field term, drive and junction is a `Record`. Its leaves are Python floats, arrays, or tracers, in SI.
A leaf is named by its path, as in a fit or on the command line: "alpha", "field.z", "terms.0.H_k".
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.leaves import as_leaf, as_table, as_vector, given, is_concrete
from llgrad.core.class_names import kind_of_name, name_in_files
from llgrad.core.units import read_quantity, read_vector, show
from llgrad.core.vector import Vec3


def as_number(value: Any) -> Any:
    """A number of any library as a `float`; anything else as it is, for the check that follows."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "dtype") or not is_concrete(value):
        return value
    return float(value) if np.ndim(value) == 0 and np.issubdtype(value.dtype, np.number) else value


def as_count(value: Any) -> Any:
    """A whole number of any library as an `int`; anything else as it is, for the check that follows."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "dtype") or not is_concrete(value):
        return value
    return int(value) if np.ndim(value) == 0 and np.issubdtype(value.dtype, np.integer) else value


def quantity(unit: str, *, default: Any = dataclasses.MISSING, about: str = "", bound: Any = None) -> Any:
    """A scalar field of a record, with its SI unit ("1" for a pure number) and a few words for the card.

    `bound`: where the values of a `System`'s parameter may lie, `between(low, high)`, `positive()` or
    `unbounded(scale)`: another value is refused, and a fit searches within it.
    """
    extra: dict[str, Any] = {} if default is dataclasses.MISSING else {"default": default}
    convert = as_leaf if default is None else given(as_leaf, "a number")
    more = {} if bound is None else {"bound": bound}
    return eqx.field(converter=convert, metadata={"unit": unit, "about": about} | more, **extra)


def vector(unit: str, *, default: Any = dataclasses.MISSING, about: str = "") -> Any:
    """A Vec3 field of a record, with the SI unit of its components."""
    extra: dict[str, Any] = {} if default is dataclasses.MISSING else {"default_factory": lambda: Vec3(*default)}
    extra = {"default": None} if default is None else extra
    convert = as_vector if default is None else given(as_vector, "a vector of three components")
    return eqx.field(converter=convert, metadata={"unit": unit, "about": about, "vector": True}, **extra)


def table(unit: str, *, ascending: bool = False, about: str = "") -> Any:
    """A field of a record that is a list of numbers, with their SI unit: a measured curve, say, which `jnp.interp`
    reads. Its numbers are differentiable and free in a fit like any other, under the names `<path>.0`, `<path>.1`, ….

    With `ascending` each number must be above the one before it, as jnp.interp needs it of the places of a curve.
    Raises ValueError, when a record is made, for anything but a list of two finite numbers or more.

    >>> import llgrad as lg
    >>> import jax.numpy as jnp
    >>> class VoltageControlled(lg.physics.FieldTerm):
    ...     voltages: list = lg.systems.table("V", ascending=True)
    ...     values: list = lg.systems.table("T")
    ...     resistance: float = lg.quantity("Ω", default=500.0)
    ...     def field(self, m, inputs):
    ...         H_k = jnp.interp(self.resistance * inputs.current, self.voltages, self.values)
    ...         return lg.Vec3(0.0 * m.x, 0.0 * m.y, H_k * m.z)
    >>> term = VoltageControlled(voltages=[-1.0, 0.0, 1.0], values=[0.02, 0.0, -0.05])
    >>> device = lg.presets.kubota2013().replace(terms=(term,))
    """

    def convert(value: Any) -> Any:
        return as_table(value, unit, ascending)

    return eqx.field(converter=convert, metadata={"unit": unit, "about": about, "table": True})


class Record(eqx.Module):
    """Base of every record of quantities."""

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        for name, field in vars(cls).items():
            if isinstance(field, dataclasses.Field) and (convert := field.metadata.get("converter")) is not None:
                named = {"converter": _naming(f"{cls.__name__}: {name}", convert)}
                field.metadata = types.MappingProxyType({**field.metadata, **named})

    def replace(self, **changes: Any) -> Self:
        """A copy with the named fields changed: `sto.replace(current=2e-3, field=(0, 0, 0.02))`.

        For a path inside a field use `set_leaf(sto, "field.z", 0.02)`.
        """
        known = {field.name: field.metadata.get("converter") or _as_it_is for field in dataclasses.fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"{type(self).__name__} has no field {name!r}; it has {', '.join(known)}")
            known[name](value)
        return dataclasses.replace(self, **changes)

    def __repr__(self) -> str:
        rows = [(path, show(value, unit), about) for path, value, unit, about in rows_of(self)]
        width = max((len(path) for path, _, _ in rows), default=0)
        value_width = max((len(value) for _, value, _ in rows), default=0)
        lines = [f"  {path:<{width}}  {value:<{value_width}}  {about}".rstrip() for path, value, about in rows]
        return "\n".join([type(self).__name__, *lines])


def _naming(what: str, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A conversion whose refusal names what it converts."""

    @functools.wraps(convert)
    def converted(value: Any) -> Any:
        try:
            return convert(value)
        except ValueError as error:
            raise ValueError(f"{what}: {error}") from None

    return converted


def _as_it_is(value: Any) -> Any:
    return value


def rows_of(record: Record, prefix: str = "") -> list[tuple[str, Any, str, str]]:
    """(path, value, unit, about) of every leaf and every vector of a record, in order, nested records included."""
    rows: list[tuple[str, Any, str, str]] = []
    for field in dataclasses.fields(record):
        value, path = getattr(record, field.name), prefix + field.name
        if isinstance(value, Record):
            rows += rows_of(value, path + ".")
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                rows += rows_of(item, f"{path}.{index}.") if isinstance(item, Record) else []
            if value and all(isinstance(item, str) for item in value):
                rows.append((path, ", ".join(value), "", field.metadata.get("about", "")))
        elif value is not None:
            rows.append((path, value, field.metadata.get("unit", ""), field.metadata.get("about", "")))
    return rows


def leaf_units(record: Record) -> dict[str, str]:
    """The unit of every scalar leaf by its path: {"alpha": "1", "field.z": "T", …}."""
    units: dict[str, str] = {}
    for path, value, unit, _ in rows_of(record):
        if isinstance(value, Vec3):
            units |= {f"{path}.{axis}": unit for axis in "xyz"}
        elif unit and is_table(record, path):
            units |= {f"{path}.{place}": unit for place in range(len(value))}
        elif unit:
            units[path] = unit
    return units


def is_table(record: Any, path: str) -> bool:
    """Whether a table stands at a path."""
    parent, _, name = path.rpartition(".")
    fields = getattr(get_leaf(record, parent) if parent else record, "__dataclass_fields__", {})
    return name in fields and fields[name].metadata.get("table", False)


def with_entries(record: Any, names: Any) -> Any:
    """Names of leaves, alone or with something each, where a table's own name stands for all of its numbers.

    Its numbers come with what the table has, but for one that is named by itself. A label as in "terms.0.values[2]"
    stays behind each.
    """
    given = dict(names) if isinstance(names, Mapping) else dict.fromkeys([names] if isinstance(names, str) else names)
    sizes: dict[str, int] = {}
    for entry in leaf_units(record):
        path, _, last = entry.rpartition(".")
        sizes[path] = sizes.get(path, 0) + last.isdigit()
    found: dict[str, Any] = {}
    for name, value in given.items():
        path, bracket, label = name.partition("[")
        entries = [f"{path}.{place}{bracket}{label}" for place in range(sizes.get(path, 0))]
        found |= {entry: given.get(entry, value) for entry in entries} or {name: value}
    return found if isinstance(names, Mapping) else tuple(found)


def listed(names: Iterable[str]) -> str:
    """Names of leaves in a sentence: a table's numbers as the first and the last."""
    found: dict[str, list[str]] = {}
    for name in names:
        path, _, last = name.rpartition(".")
        found.setdefault(path + "." if last.isdigit() else name, []).append(name)
    return ", ".join(group[0] if len(group) == 1 else f"{group[0]} … {group[-1]}" for group in found.values())


@functools.lru_cache(maxsize=256)
def tables_of(tree: Any) -> tuple[bool, ...]:
    """Which leaves of a tree of records, given by its structure, are tables."""
    numbered = jax.tree.unflatten(tree, range(tree.num_leaves))
    found = []
    for path, _ in jax.tree_util.tree_flatten_with_path(numbered)[0]:
        node, table = numbered, False
        for key in path:
            if isinstance(key, jax.tree_util.GetAttrKey):
                table = getattr(node, "__dataclass_fields__", {})[key.name].metadata.get("table", False)
                node = getattr(node, key.name)
            else:
                node = node[getattr(key, "idx", getattr(key, "key", None))]
        found.append(table)
    return tuple(found)


def have_shapes_of_one(tree: Any) -> bool:
    """Whether every leaf is one number, but for tables."""
    leaves, structure = jax.tree.flatten(tree)
    return all(np.ndim(leaf) == table for leaf, table in zip(leaves, tables_of(structure), strict=True))


def get_leaf(record: Any, path: str) -> Any:
    """The leaf at a path such as "field.z", "terms.0.H_k" or, of a table, "terms.0.values.3".

    A mapping, as of waveforms, is entered by its keys.
    """
    for part in path.split("."):
        if isinstance(record, Mapping):
            record = record[part]
        else:
            record = record[int(part)] if part.isdigit() else getattr(record, part)
    return record


def set_leaf(record: Any, path: str, value: Any) -> Any:
    """A copy of the record with the leaf at a path changed (differentiable in `value`)."""
    parent, _, last = path.rpartition(".")
    if last.isdigit() and is_table(record, parent):
        table = get_leaf(record, parent)
        numbers = jax.dtypes.canonicalize_dtype(table.dtype)  # a table made in float64 may be met in float32
        one = np.arange(table.shape[-1]) == int(last)
        return set_leaf(record, parent, jnp.where(one, jnp.asarray(value, numbers), jnp.asarray(table, numbers)))
    return eqx.tree_at(lambda tree: get_leaf(tree, path), record, value, is_leaf=lambda leaf: leaf is None)


def to_json(record: Record) -> dict[str, Any]:
    """A JSON-ready dictionary: the class's name, and every quantity with its unit."""
    entry: dict[str, Any] = {"type": name_in_files(type(record), Record)}
    for field in dataclasses.fields(record):
        value, unit = getattr(record, field.name), field.metadata.get("unit")
        if isinstance(value, Record):
            entry[field.name] = to_json(value)
        elif isinstance(value, tuple):
            entry[field.name] = [to_json(item) if isinstance(item, Record) else item for item in value]
        elif isinstance(value, Vec3):
            entry[field.name] = {"value": [_plain(c) for c in (value.x, value.y, value.z)], "unit": unit}
        elif unit is not None and value is not None:
            entry[field.name] = {"value": _plain(value), "unit": unit}
        elif value is not None:
            entry[field.name] = value
    return entry


def from_json(entry: Any, base: type[Record] = Record, area: float | None = None) -> Any:
    """The record that `to_json` wrote, or that a person wrote in its form. The class is looked up by name: `base`, or
    one of its subclasses; `area` [m²] makes currents of current densities.

    Raises ValueError, in one sentence, for an entry that is none, an unknown or missing quantity, a wrong unit or type.
    """
    if not isinstance(entry, Mapping):
        raise ValueError(f"expected a record, an object with the entry 'type', got {type(entry).__name__}")
    if "type" not in entry:
        raise ValueError(
            "a record needs the entry 'type' (for example \"Oscillator\"); this one has "
            + (", ".join(str(name)[:80] for name in entry) or "no entries")
        )
    kind = kind_of_name(base, entry["type"], Record, set(entry) - {"type"})
    if kind is None:
        raise ValueError(
            f"unknown record type {str(entry['type'])[:80]!r}; import the module that defines it before reading "
            "the file"
        )
    known = {field.name: field for field in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for name, value in entry.items():
        if name == "type":
            continue
        if name not in known:
            raise ValueError(f"{entry['type']} has no quantity {str(name)[:80]!r}; it has {', '.join(known)}")
        values[name] = _read(value, known[name], hints.get(name, Any), area)
    needed = [name for name, field in known.items() if field.init and _is_needed(field) and name not in values]
    if needed:
        raise ValueError(f"{entry['type']} is not whole: it has no {', '.join(needed)}")
    return kind(**values)


def _is_needed(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _read(value: Any, field: dataclasses.Field, hint: Any, area: float | None) -> Any:
    """The value of one field: a vector or a quantity by the rule of `core/units.py`, a record, or several records."""
    unit, name = field.metadata.get("unit"), field.name
    try:
        if unit is not None and field.metadata.get("vector"):
            return Vec3(*read_vector(value, unit))
        if unit is not None:
            return read_quantity(value, unit, area)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if value is None or (field.metadata.get("static") and isinstance(value, (bool, int, str))):
        return value
    if (
        hint in (tuple[str, str], tuple[str, ...])
        and isinstance(value, list)
        and all(isinstance(part, str) for part in value)
    ):
        return tuple(value)
    several = typing.get_origin(hint) is tuple
    if isinstance(value, list) != several or not isinstance(value, (list, Mapping)):
        raise ValueError(f"{name} = {value!r}, expected {'a list of records' if several else 'a record'}")
    records = tuple(from_json(item, area=area) for item in (value if isinstance(value, list) else [value]))
    allowed = tuple(part for part in (typing.get_args(hint) or (hint,)) if isinstance(part, type))
    for record in records:
        if allowed and not isinstance(record, allowed):
            expected = " or ".join(part.__name__ for part in allowed if part is not type(None))
            raise ValueError(f"{name} holds {type(record).__name__}, expected {expected}")
    return records if several else records[0]


def _plain(value: Any) -> Any:
    """A float, or nested lists of floats, of a concrete leaf."""
    if not is_concrete(value):
        raise ValueError("a record with traced values cannot be written to a file; save it outside jit and grad")
    return np.asarray(value, dtype=float).tolist()


def dumps(record: Record) -> str:
    """JSON text of a record."""
    return json.dumps(to_json(record), indent=2)
