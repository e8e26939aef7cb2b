"""A design as files: the JSON predicts the same bits, the tables hold the units of the bench."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from tests.networks.small import DEVICE, HOLD, ROWS, bits, classifier, labelled, pixels

import llgrad as lg
from llgrad.networks.bench.tables import save_tables, tables_of
from llgrad.networks.prediction import predict

DESIGNS = {
    "default": {},
    "rows, two arrays": {"oscillators": (5, 5), **ROWS},
    "patches, voltages": {"patch": (2, 1), "oscillators": 9, "signal": lg.networks.Signal.VOLTAGE},
}


@pytest.mark.parametrize("name", DESIGNS)
def test_a_loaded_design_predicts_the_same_bits(name, tmp_path):
    network, images = classifier(None, **DESIGNS[name]), labelled(7)
    design = network.design().with_images(images.scale, images.classes)
    lg.networks.save_design(tmp_path / "design.json", design, seed=1, images={"name": "mine"})
    loaded = lg.networks.load_design(tmp_path / "design.json")
    assert bits(loaded) == bits(design)
    expected = predict(network, images, batch=3)
    assert (
        predict(loaded, images, batch=3).tobytes() == predict(design, images, batch=3).tobytes() == expected.tobytes()
    )
    assert (loaded.shape, loaded.scale, loaded.classes) == ((4, 4), 1.0, ("a", "b", "c"))
    entry = json.loads((tmp_path / "design.json").read_text())
    assert (entry["format"], entry["seed"], entry["images"]["name"]) == ("llgrad.design", 1, "mine")
    kinds = {name: setting["kind"] for name, setting in entry["arrays"][0]["settings"].items()}
    assert {name for name, kind in kinds.items() if kind == "fabrication"} == {"alpha", "coupling"}


def test_tables_are_in_the_units_of_the_bench(tmp_path):
    design = classifier(**ROWS).design().with_images(1.0, "abc")
    files = save_tables(tmp_path, design)
    names = ["oscillators.csv", "coupling.csv", "input_gains.csv", "readout.csv", "time_line.csv"]
    assert [file.name for file in files] == names
    rows = {file.name: list(csv.reader(file.read_text(encoding="utf-8").splitlines())) for file in files}
    settings = design.stages[0].settings
    head, *body = rows["oscillators.csv"]
    assert all(column.endswith(("[knob]", "[fabrication]")) for column in head[1:])
    table = dict(zip(head, np.array(body, float).T, strict=True))
    for column, expected in {
        "oscillator": np.arange(1, 6),
        "field along z (Oe) [knob]": 1e4 * np.asarray(settings.field),
        "field along z (mT) [knob]": 1e3 * np.asarray(settings.field),
        "current (mA) [knob]": 1e3 * np.asarray(settings.current),
        "damping [fabrication]": np.asarray(settings.alpha),
        "volume (nm3) [fabrication]": np.full(5, DEVICE.volume * 1e27),
        "largest input field (Oe) [knob]": np.full(5, 1e4 * settings.input_limit),
    }.items():
        np.testing.assert_allclose(table[column], expected, rtol=1e-6, err_msg=column)
    coupling = np.array([row[1:] for row in rows["coupling.csv"][1:]], float)
    np.testing.assert_allclose(coupling, 1e4 * np.asarray(settings.coupling), rtol=1e-6)
    gains = np.array([row[1:] for row in rows["input_gains.csv"][1:]], float)
    np.testing.assert_allclose(gains, 1e4 * np.asarray(settings.gains), rtol=1e-6)
    weights = np.array([row[3:] for row in rows["readout.csv"][1:]], float)
    np.testing.assert_allclose(weights[:-1], design.readout.weights, rtol=1e-6)
    events = [(float(time), event) for _, time, event in rows["time_line.csv"][1:]]
    assert [time for time, _ in events] == sorted(time for time, _ in events)
    reads = [time for time, event in events if event == "read-out"]
    assert reads == pytest.approx([1e9 * HOLD * k for k in (2.5, 3, 3.5, 4)])
    assert sum(event.startswith("input on: row") for _, event in events) == 4


def test_each_array_has_its_tables():
    design = classifier(oscillators=(5, 5)).design()
    names = set(tables_of(design))
    assert {"oscillators-1.csv", "coupling-2.csv", "input_gains-2.csv", "readout.csv"} < names and len(names) == 8
    assert len(tables_of(design)["input_gains-2.csv"]) == 1 + 15


def test_damaged_designs_are_sentences(tmp_path):
    file = tmp_path / "design.json"
    lg.networks.save_design(file, classifier().design())
    text = file.read_text()

    def refused(change):
        entry = json.loads(text)
        change(entry)
        file.write_text(json.dumps(entry))
        with pytest.raises(ValueError) as error:
            lg.networks.load_design(file)
        assert str(error.value).startswith(f"{file}: ")
        return str(error.value).removeprefix(f"{file}: ")

    def settings(entry):
        return entry["arrays"][0]["settings"]

    for change, sentence in (
        (lambda e: e.pop("readout"), "this design has no entry 'readout'; the file is damaged"),
        (lambda e: settings(e).pop("field"), "this design has no entry 'field'; the file is damaged"),
        (
            lambda e: settings(e)["field"].update(unit="Oe"),
            "field is stored in 'Oe', expected 'T'; convert the file to SI",
        ),
        (
            lambda e: settings(e).update(field=3),
            "an entry of this design is not what it should be; the file is damaged",
        ),
        (lambda e: settings(e)["field"]["value"].__setitem__(2, None), "the setting field has an entry that is not a"),
        (lambda e: settings(e)["field"]["value"].pop(), "gains of array 1 has the shape (16, 5), expected (16, 4)"),
        (lambda e: settings(e)["coupling"]["value"].pop(), "coupling of array 1 has the shape (4, 5), expected (5, 5)"),
        (lambda e: e["readout"]["bias"].pop(), "the read-out weights has the shape (15, 3), expected (15, 2)"),
        (lambda e: e["images"].update(shape=[4, 5]), "gains of array 1 has the shape (16, 5), expected (20, 5)"),
        (lambda e: e.update(stepper="Euler"), "its stepper is 'Euler', expected RK4"),
        (lambda e: e["readout"].update(signal="smell"), "'smell' is not a valid Signal"),
        (lambda e: e.update(format_version=99), "this file has version 99 of llgrad.design"),
    ):
        assert refused(change).startswith(sentence)
    file.write_text(text[:1000])
    with pytest.raises(ValueError, match="is not a JSON file"):
        lg.networks.load_design(file)


def test_a_design_knows_its_images():
    design = classifier().design()
    with pytest.raises(ValueError, match="there are 2 names of classes, and the network tells 3 apart"):
        design.with_images(1.0, "ab")
    with pytest.raises(ValueError, match="the images have 5×5 pixels, and the network is made for 4×4"):
        design(pixels(1, (5, 5)))
