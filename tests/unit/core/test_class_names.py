"""Files name records by their classes: one's own may have the names of llgrad's, and each is read as what it was."""

import inspect

import jax
import pytest

import llgrad as lg
from llgrad.core.class_names import import_every_kind, is_of_llgrad
from llgrad.core.record import Record, from_json, to_json

import_every_kind()
BASES = (lg.System, lg.physics.FieldTerm, lg.stacks.LayerCoupling, lg.devices.Junction, lg.drives.Waveform, Record)


def kinds_below(base):
    for kind in base.__subclasses__():
        yield kind
        yield from kinds_below(kind)


LLGRADS = {kind.__name__: kind for kind in kinds_below(Record) if is_of_llgrad(kind) and not inspect.isabstract(kind)}


def same_named(kind):
    """A class of a user's with the name of one of llgrad's, of its base, and with one quantity."""
    base = next(base for base in BASES if issubclass(kind, base))
    body = {"__module__": __name__, "__annotations__": {"size": float}, "size": lg.quantity("T")}
    return type(base)(kind.__name__, (base,), body | {name: lambda self, *_: None for name in base.__abstractmethods__})


OWN = {name: same_named(kind) for name, kind in LLGRADS.items()}


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_record_of_ones_own_comes_back_as_itself(name):
    entry = to_json(OWN[name](size=0.25))
    assert entry["type"] == f"own.{name}"
    assert type(from_json(entry)) is OWN[name] and from_json(entry).size == 0.25


@pytest.mark.parametrize("name", lg.presets.PRESETS)
def test_what_llgrad_has_comes_back_as_itself_beside_them(name):
    device = lg.presets.load(name)
    entry = to_json(device)
    assert "own." not in str(entry)
    assert jax.tree.structure(from_json(entry)) == jax.tree.structure(device)


def test_of_two_of_ones_own_the_later_is_meant():
    """As where a cell of a notebook is run again."""

    def defined(unit):
        class Ramp(lg.drives.Waveform):
            size: float = lg.quantity(unit)

            def __call__(self, t):
                return self.size * t

            def peak(self):
                return self.size

            def shortest_time(self):
                return 1e-9

        return Ramp

    kinds = [defined("A/s"), defined("T/s")]
    assert type(from_json(to_json(kinds[1](2.0)))) is kinds[1]


def test_a_system_of_ones_own_is_read_with_its_class(tmp_path):
    own = OWN["Stack"]
    lg.save_device(tmp_path / "a.json", own(size=0.25))
    assert lg.systems.load_system(tmp_path / "a.json", own).size == 0.25
    lg.save_device(tmp_path / "b.json", lg.presets.lepadatu2020())
    with pytest.raises(ValueError, match="Stack has no quantity"):
        lg.systems.load_system(tmp_path / "b.json", own)
