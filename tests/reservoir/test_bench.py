"""A reservoir as a bench design: what is loaded answers with the same bits, tables are the numbers, damage is told."""

from __future__ import annotations

import csv
import json
from typing import Any

import numpy as np
import pytest

import llgrad as lg
from llgrad.reservoir.bench import save_reservoir_tables

Reservoir = lg.reservoir.Reservoir
STO = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 0.3))
VORTEX = lg.presets.guslienko2014().replace(current=1e-3)
COUPLED = lg.OscillatorArray(STO, 3, lg.devices.FieldCoupling(2e-3 * (1 - np.eye(3))))
OF_SPINS: dict[str, Any] = {"hold": 0.5e-9, "input": "field_x", "gain": 0.1, "washout": 10, "dt": 10e-12}
MEMBERS: dict[str, Any] = {
    "one, masked, with feedback and noise": lambda: Reservoir(
        STO, nodes=4, feedback=0.02, read="mx", noise=0.01, **OF_SPINS
    ),
    "one at a temperature": lambda: Reservoir(STO.replace(temperature=300.0), nodes=2, bias=1e-3, **OF_SPINS),
    "an array": lambda: Reservoir(COUPLED, bias=[0.0, 1e-3, 2e-3], read=("mx", "mz"), **OF_SPINS),
    "a vortex": lambda: Reservoir(
        VORTEX, hold=4e-9, input="field_x", gain=1e-3, nodes=3, mask=[1.0, -1.0, 0.5], washout=10
    ),
    "vortices": lambda: Reservoir(
        lg.systems.SystemArray(VORTEX, 2), hold=4e-9, input="field_x", gain=1e-3, washout=10, read="x"
    ),
}
U = np.random.default_rng(3).uniform(-1, 1, 80)
PAIR = np.random.default_rng(4).uniform(-1, 1, (80, 2))


@pytest.mark.parametrize("make", MEMBERS.values(), ids=MEMBERS)
def test_what_is_loaded_answers_with_the_same_bits(make: Any, tmp_path: Any):
    made = make().fit(U[:60], np.roll(U, 1)[:60])
    lg.reservoir.save_reservoir(tmp_path / "design.json", made)
    loaded = lg.reservoir.load_reservoir(tmp_path / "design.json")
    assert loaded.predict(U).tobytes() == made.predict(U).tobytes()
    assert loaded.wiring().dt == made.wiring().dt and np.std(made.predict(U)) > 0
    again = tmp_path / "again.json"
    lg.reservoir.save_reservoir(again, loaded)
    first, second = (json.loads(file.read_text()) for file in (tmp_path / "design.json", again))
    assert all(first[name] == second[name] for name in ("model", "time_line", "settings", "readout"))


def test_the_tables_are_the_numbers(tmp_path: Any):
    made = Reservoir(COUPLED, nodes=2, feedback=0.01, read=("mx", "mz"), **OF_SPINS)
    made.fit(PAIR, np.stack([PAIR[:, 0], PAIR[:, 1]], axis=1))
    files = save_reservoir_tables(tmp_path, made)
    tables = {file.name: list(csv.reader(file.read_text().splitlines())) for file in files}
    assert [row[1] for row in tables["time_line.csv"][1:]] == [
        "feed back 0.01 T per unit of what was read 3 nodes before",
        *("input of node 1 on", "read node 1", "input of node 2 on", "read node 2"),
    ]
    np.testing.assert_allclose([float(row[0]) for row in tables["time_line.csv"][2:]], [0.0, 0.25, 0.25, 0.5])
    wiring = made.wiring(2)
    drive = np.array([[float(cell) for cell in row[3:]] for row in tables["drive.csv"][1:]]).reshape(2, 3, 2)
    np.testing.assert_allclose(np.moveaxis(drive, 2, 0), wiring.gain * wiring.mask, rtol=1e-8)
    weights = np.array([[float(cell) for cell in row[3:]] for row in tables["readout.csv"][1:]])
    np.testing.assert_allclose(weights, [*made.readout_.weights, made.readout_.offset], rtol=1e-8)
    assert tables["readout.csv"][1][:3] == ["1", "1", "mx"] and tables["readout.csv"][2][:3] == ["1", "1", "mz"]
    states = made.states(PAIR)
    answers = states @ weights[:-1] + weights[-1]
    np.testing.assert_allclose(answers, made.predict(PAIR), atol=1e-6)


def test_converters_round_the_mask_and_many_bits_change_nothing():
    made = Reservoir(STO, nodes=5, mask=[0.1, -0.33, 0.72, 1.0, -0.9], **OF_SPINS).fit(U, np.roll(U, 1))
    coarse, fine = (lg.reservoir.at_resolution(made, bits) for bits in (3, 24))
    np.testing.assert_allclose(coarse.mask.ravel(), [0.0, -1 / 3, 2 / 3, 1.0, -1.0])
    assert np.abs(fine.mask - made.wiring().mask).max() <= 0.5 / (2**23 - 1)
    np.testing.assert_allclose(fine.predict(U), made.predict(U), atol=1e-4)
    assert np.abs(coarse.predict(U) - made.predict(U)).max() > 1e-3


def fitted() -> Any:
    return Reservoir(STO, nodes=2, **OF_SPINS).fit(U, np.roll(U, 1))


DAMAGE: list[tuple[Any, str]] = [
    (lambda entry: entry.pop("readout"), "has no entry 'readout'; the file is damaged"),
    (lambda entry: entry["readout"]["weights"].pop(), "its weights have the shape"),
    (lambda entry: entry["settings"]["mask"].update(value=[[[1.0]]]), "its mask has the shape"),
    (lambda entry: entry["model"].update(type="Constant"), "damaged|expected|unknown|type"),
    (lambda entry: entry["readout"].update(read=["mw", "my", "mz"]), "read has 'mw', which is no component"),
    (lambda entry: entry.update(input="charge"), "input = 'charge', but a signal can act on"),
    (lambda entry: entry["time_line"].update(hold=None), "is not what it should be; the file is damaged"),
]


@pytest.mark.parametrize(("damage", "sentence"), DAMAGE, ids=[sentence for _, sentence in DAMAGE])
def test_a_damaged_file_is_told_in_one_sentence(damage: Any, sentence: str, tmp_path: Any):
    file = tmp_path / "design.json"
    lg.reservoir.save_reservoir(file, fitted())
    entry = json.loads(file.read_text())
    damage(entry)
    file.write_text(json.dumps(entry))
    with pytest.raises(ValueError, match=sentence) as caught:
        lg.reservoir.load_reservoir(file)
    assert "design.json" in str(caught.value) and "\n" not in str(caught.value)


def test_what_cannot_be_written_is_refused(tmp_path: Any):
    file = tmp_path / "design.json"
    with pytest.raises(ValueError, match="has no read-out yet; call fit"):
        lg.reservoir.save_reservoir(file, Reservoir(STO, **OF_SPINS))
    by_function = Reservoir(STO, read=lambda m: m.x, **OF_SPINS).fit(U, np.roll(U, 1))
    with pytest.raises(ValueError, match="read is a function, which no file holds; name components"):
        lg.reservoir.save_reservoir(file, by_function)
    with pytest.raises(ValueError, match="bits = 1, expected"):
        lg.reservoir.at_resolution(fitted(), 1)
