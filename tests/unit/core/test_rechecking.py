"""What is set inside a device by a path passes the checks that it would have met when it was made."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from tests.physics.couplings import COUPLINGS, FREE, HARD
from tests.physics.terms import TERMS

import llgrad as lg
from llgrad.cli.device_options import with_values
from llgrad.core.rechecking import rechecked
from llgrad.core.record import Record, get_leaf, rows_of, set_leaf
from llgrad.core.vector import Vec3
from llgrad.experiments.loops.swept import range_of as range_of_loop
from llgrad.experiments.sweeps.axes import axes_of
from llgrad.orbits.branches.family import range_of as range_of_branch
from llgrad.studies.work import with_settings

BARRIER = lg.stacks.Barrier(("free", "hard"), lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0))
BAR = lg.readout.HallBar(lg.readout.Film(200.0, lg.readout.AMR(2.0), layer="free"), length=20e-6, width=5e-6)


def stack(terms=(), couplings=()):
    return lg.Stack((HARD, FREE.replace(terms=terms)), couplings, barriers=BARRIER, readouts=BAR)


STACKS = {f"term {name}": stack(terms=(one.term,)) for name, one in TERMS.items() if name != "user"}
STACKS |= {f"coupling {name}": stack(couplings=(one.coupling,)) for name, one in COUPLINGS.items()}


def spoiled(device: Record) -> dict[str, Record]:
    """The device with one number that cannot be, by its path: a unit vector that is none, a table out of order."""
    found = {}
    for path, value, unit, _ in rows_of(device):
        if isinstance(value, Vec3) and unit == "1" and value.norm2() > 0.99 and value.norm2() < 1.01:
            found[path] = set_leaf(device, path, Vec3(3.0, 3.0, 3.0))
        elif np.ndim(value) == 1:
            parent, _, name = path.rpartition(".")
            field = {f.name: f for f in dataclasses.fields(get_leaf(device, parent))}[name]
            with_order = field.metadata["converter"]
            try:
                with_order(np.asarray(value)[::-1])
            except ValueError:
                found[path] = set_leaf(device, path, np.asarray(value)[::-1])
    return found


@pytest.mark.parametrize("name", STACKS)
def test_a_record_inside_is_checked_and_said_where_it_is(name):
    device = STACKS[name]
    assert repr(rechecked(device)) == repr(device)
    for path, wrong in spoiled(device).items():
        with pytest.raises(ValueError, match="^" + re.escape(path.rpartition(".")[0]) + ": ") as raised:
            rechecked(wrong)
        assert "\n" not in str(raised.value)


def test_the_registries_have_what_can_be_spoiled():
    paths = [path for device in STACKS.values() for path in spoiled(device)]
    assert {"voltages", "axis", "spin", "polariser", "first"} <= {path.rpartition(".")[2] for path in paths}


HOT = stack(terms=(lg.physics.VoltageControlledAnisotropy(0.1),))
DOORS = {
    "llgrad --set": lambda device, path, low, unit: with_values(device, {path: f"{low}{unit}"}),
    "a study": lambda device, path, low, unit: with_settings(device, {path: low}),
    "a map": lambda device, path, low, unit: axes_of(device, {path: np.array([low, 0.75])}),
    "a branch": lambda device, path, low, unit: range_of_branch(device, path, low, 0.75),
    "a loop": lambda device, path, low, unit: range_of_loop(device, path, low, 0.75, 10),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("path", "low", "unit", "said"),
    [
        ("layers.1.alpha", -0.5, "", "layers.1: layer 'free': alpha = -0.5 is out of range"),
        ("layers.1.demag.x", 0.5, "", "layers.1: layer 'free': demag = .* has the trace 1.5, expected 1"),
        ("barriers.0.junction.R_P", -1e3, "Ω", "barriers.0.junction: "),
        ("readouts.0.width", -1.0, "m", "readouts.0: HallBar: width = -1.0 m, expected a positive"),
    ],
)
def test_every_door_checks_what_is_inside(door, path, low, unit, said):
    device = HOT.with_layer("free", demag=(0.0, 0.0, 1.0))
    with pytest.raises(ValueError, match=f"^{said}"):
        DOORS[door](device, path, low, unit)


def test_a_circuit_and_an_array_are_checked_inside():
    with pytest.raises(ValueError, match=r"^network\.parts\.1: alpha = -1 is out of range"):
        rechecked(set_leaf(lg.presets.taniguchi2018(), "network.parts.1.alpha", -1.0))
    turned = set_leaf(HOT, "layers.1.terms.0.axis.x", 2.0)
    with pytest.raises(ValueError, match=r"^system\.layers\.1\.terms\.0: VoltageControlledAnisotropy: axis"):
        rechecked(lg.systems.SystemArray(turned, 2))


def test_nobody_asks_the_outermost_record_alone():
    source = Path(lg.__file__).parent
    bare = [path.name for path in source.rglob("*.py") if re.search(r"\w\.replace\(\)", path.read_text())]
    assert bare == ["rechecking.py"], "record.replace() does not ask the records inside: rechecked(record) does"
