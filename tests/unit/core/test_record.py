"""Records: paths, cards, files."""

import dataclasses
import importlib
import json
import pkgutil
import tomllib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.record import Record, dumps, from_json, get_leaf, leaf_units, set_leaf, to_json
from llgrad.drives.constant import Constant
from llgrad.drives.drive import Drive
from llgrad.drives.sine import Sine
from llgrad.physics.anisotropy import UniaxialAnisotropy


class Wall(lg.physics.FieldTerm):
    """A user's term."""

    depth: float = lg.quantity("T", about="depth of the well")
    normal: lg.Vec3 = lg.systems.vector("1", default=(0.0, 1.0, 0.0))

    def field(self, m, inputs):
        return self.normal * (self.depth * m.dot(self.normal))


DEVICE = lg.presets.kubota2013().replace(
    terms=(UniaxialAnisotropy(H_k=0.05, axis=lg.direction(1.0, 0.2)), Wall(depth=0.01)),
    junction=lg.devices.ConductanceJunction(R_P=300.0, tmr=1.2),
)
ARRAY = lg.OscillatorArray(DEVICE.replace(current=np.array([1e-3, 2e-3])), 2, lg.FieldCoupling(np.eye(2) * 1e-4))
RECORDS = {
    "oscillator": DEVICE,
    "preset": lg.presets.kubota2013(),
    "linear junction": DEVICE.replace(junction=lg.devices.LinearJunction(R_P=300.0, delta_R=100.0), terms=()),
    "array": ARRAY,
    "drive": Drive(current=Sine(1e-4, frequency=3e9) + Constant(1e-5), field_x=Constant(1e-3)),
}


def as_toml(entry) -> str:
    """An entry of `to_json` as a TOML value (numbers, strings, lists, inline tables)."""
    if isinstance(entry, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {as_toml(value)}" for key, value in entry.items()) + "}"
    if isinstance(entry, list):
        return "[" + ", ".join(as_toml(value) for value in entry) + "]"
    return json.dumps(entry, ensure_ascii=False)


def same(a, b) -> bool:
    return jax.tree.structure(a) == jax.tree.structure(b) and all(
        np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


@pytest.mark.parametrize("name", RECORDS)
def test_json_round_trip(name):
    assert same(from_json(json.loads(dumps(RECORDS[name]))), RECORDS[name])


@pytest.mark.parametrize("name", RECORDS)
def test_toml_round_trip(name):
    text = "\n".join(f"{key} = {as_toml(value)}" for key, value in to_json(RECORDS[name]).items())
    assert same(from_json(tomllib.loads(text)), RECORDS[name])


def test_the_round_trip_can_fail():
    assert not same(DEVICE, DEVICE.replace(alpha=0.0051))
    assert not same(DEVICE, DEVICE.replace(terms=()))


def test_every_quantity_has_its_unit_in_the_file():
    entry = to_json(DEVICE)
    assert entry["current"] == {"value": 2.5e-3, "unit": "A"}
    assert entry["field"] == {"value": [0.0, 0.0, 0.02], "unit": "T"}
    assert entry["terms"][1]["depth"] == {"value": 0.01, "unit": "T"}
    assert entry["junction"]["type"] == "ConductanceJunction"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda e: e.pop("type"), "a record needs the entry 'type'"),
        (lambda e: e.update(type="Resonator"), "unknown record type 'Resonator'; import the module that defines it"),
        (lambda e: e.update(currant=1.0), "Oscillator has no quantity 'currant'; it has Ms, volume"),
        (lambda e: e["field"].update(unit="mA"), "field: .* is in A, expected a quantity in T"),
        (lambda e: e["field"].pop("unit"), "field: .* has no entry 'unit'"),
        (lambda e: e.pop("Ms"), "Oscillator is not whole: it has no Ms"),
        (lambda e: e["Ms"].update(value=1.82), "Ms = 1.82 A/m is out of range"),
    ],
)
def test_a_bad_file_gets_a_sentence(change, sentence):
    entry = to_json(DEVICE)
    change(entry)
    with pytest.raises(ValueError, match=sentence):
        from_json(entry)


def test_traced_values_are_not_written():
    with pytest.raises(ValueError, match="traced values cannot be written to a file; save it outside jit and grad"):
        jax.jit(lambda i: dumps(DEVICE.replace(current=i)))(1e-3)


def test_every_leaf_has_a_path_and_a_unit():
    units = leaf_units(DEVICE)
    assert units["alpha"] == "1"
    assert units["field.z"] == "T"
    assert units["terms.1.depth"] == "T"
    assert units["junction.R_P"] == "Ω"
    for path in units:
        assert get_leaf(set_leaf(DEVICE, path, 0.123), path) == 0.123
    numbers = [leaf for leaf in jax.tree.leaves(DEVICE) if isinstance(leaf, float)]
    assert len(units) == len(numbers)


def test_set_leaf_changes_nothing_else():
    changed = set_leaf(DEVICE, "field.z", 0.5)
    assert changed.field.z == 0.5
    assert same(set_leaf(changed, "field.z", 0.02), DEVICE)
    assert DEVICE.field.z == 0.02


def test_set_leaf_is_differentiable():
    assert jax.grad(lambda v: set_leaf(DEVICE, "terms.0.axis.x", v).terms[0].axis.x * 3.0)(0.5) == 3.0


def test_replace_knows_its_fields():
    with pytest.raises(ValueError, match="Oscillator has no field 'currant'; it has Ms, volume"):
        DEVICE.replace(currant=1e-3)


def test_records_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEVICE.alpha = 0.1


@pytest.mark.parametrize("value", ["2.5mA", True])
def test_words_are_no_numbers(value):
    with pytest.raises(ValueError, match="expected a number"):
        DEVICE.replace(current=value)


for module in pkgutil.walk_packages(lg.__path__, "llgrad."):
    if not module.name.endswith(".__main__") and module.name.partition(".torch")[1] == "":
        importlib.import_module(module.name)  # a kind is known when its module is


def kinds(base=Record):
    return {base, *(kind for below in base.__subclasses__() for kind in kinds(below))}


QUANTITIES = [
    pytest.param(kind, field, id=f"{kind.__name__}.{field.name}")
    for kind in sorted(kinds(), key=lambda kind: (kind.__module__, kind.__qualname__))
    if kind.__module__.startswith("llgrad.")
    for field in dataclasses.fields(kind)
    if "unit" in field.metadata and "converter" in field.metadata
]


@pytest.mark.parametrize(("kind", "field"), QUANTITIES)
def test_a_refused_value_is_named_by_its_field(kind, field):
    owners = "|".join(owner.__name__ for owner in kind.__mro__)
    with pytest.raises(ValueError, match=rf"^({owners}): {field.name}: .*expected a "):
        field.metadata["converter"](1.0 if field.metadata.get("table") else "a")


def test_a_record_made_and_one_changed_refuse_alike():
    said = "^Oscillator: Ms: expected a number, got 'a'; give a number in SI units$"
    with pytest.raises(ValueError, match=said):
        lg.Oscillator(Ms="a", volume=1e-24)
    with pytest.raises(ValueError, match=said):
        DEVICE.replace(Ms="a")


@pytest.mark.parametrize("value", [(1.0, 2.0), 3.0, np.zeros(2)])
def test_a_vector_has_three_components(value):
    with pytest.raises(ValueError, match="expected a vector of three components"):
        DEVICE.replace(field=value)


@pytest.mark.parametrize("value", [(0.0, 0.0, 0.1), [0, 0, 0.1], np.array([0, 0, 0.1]), jnp.array([0, 0, 0.1])])
def test_a_vector_is_made_of_anything_with_three_components(value):
    assert float(DEVICE.replace(field=value).field.z) == 0.1


def test_the_card():
    card = repr(DEVICE).splitlines()
    assert card[0] == "Oscillator"
    rows = {line.split()[0]: line for line in card[1:]}
    assert "2.5 mA" in rows["current"]
    assert "direct current I" in rows["current"]
    assert "(0, 0, 0.02) T" in rows["field"]
    assert "depth of the well" in rows["terms.1.depth"]
    assert "300 Ω" in rows["junction.R_P"]


def test_the_card_of_an_array_shows_ranges():
    assert "(2,) from 1 mA to 2 mA" in repr(ARRAY)


def test_the_card_of_traced_values():
    seen = []
    jax.jit(lambda i: seen.append(repr(DEVICE.replace(current=i))))(1e-3)
    assert "traced" in seen[0]
