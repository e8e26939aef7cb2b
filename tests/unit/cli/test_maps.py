"""`llgrad sweep` and `llgrad map`."""

import csv
import json

import numpy as np

import llgrad as lg


def test_the_table_the_picture_and_the_files(llgrad, tmp_path):
    words = ("sweep", "kubota2013", "--current", "0.3mA:0.6mA:4", "--temperature", "300K", "--lock", "field_x=0.1Oe")
    ended = llgrad(
        *words, "--quantity", "frequency", "--quantity", "line_width", "--plot", "pictures", "--out", "s.csv"
    )
    assert ended.status == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0].split() == ["current", "(µA)", "frequency", "(GHz)", "line_width", "(GHz)", "locking", "(MHz)"]
    assert lines[1].split() == ["300", "–", "–", "–", "below", "threshold"]
    assert lines[4].split()[:2] == ["600", "0.95691"] and lines[4].endswith("oscillates")
    assert "Hopf point at current = 395.997864 µA, 1.7273 GHz" in ended.out
    assert (tmp_path / "pictures" / "sweep.png").stat().st_size > 20_000
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text(encoding="utf-8").splitlines()))
    assert float(rows[3]["current (A)"]) == 0.6e-3 and rows[0]["frequency (Hz)"] == ""
    orbit = lg.orbit(lg.presets.kubota2013().replace(current=0.6e-3, temperature=300.0))
    assert abs(float(rows[3]["frequency (Hz)"]) / float(orbit.frequency) - 1) < 1e-8
    half = float(orbit.locking({"field_x": 1e-5}).half_width)
    assert abs(float(rows[3]["locking (Hz)"]) / half - 1) < 1e-6


def test_a_map_its_pictures_its_file_and_json(llgrad, tmp_path):
    words = ("map", "kubota2013", "--current", "0:1.5mA:4", "--field", "20Oe:200Oe:3", "--temperature", "300K")
    ended = llgrad(*words, "--plot", "pictures", "--out", "m.npz")
    assert ended.status == 0, ended.err
    assert "Map of Oscillator: 4 × 3 points" in ended.out and "below threshold: 2 points" in ended.out, ended.out
    names = {"regions", "frequency", "amplitude", "line_width", "return_rate"}
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == names
    found = lg.experiments.load_map(tmp_path / "m.npz")
    assert found["frequency"].shape == (4, 3)
    entry = json.loads(llgrad(*words, "--json").out)
    assert entry["format"] == "llgrad.map" and entry["device"]["temperature"]["value"] == 300.0
    assert entry["frequency"][0] == [None, None, None] and entry["regions"] == found.regions.tolist()
    np.testing.assert_array_equal(entry["values"]["field.z"], found["field.z"])


def test_mistakes(refused):
    sweep, map_ = ("sweep", "kubota2013"), ("map", "kubota2013")
    assert "0 ranges are given (none), expected 1" in refused(*sweep)
    assert "2 ranges are given (current, field.z), expected 1" in refused(
        *sweep, "--current", "0:1mA:3", "--field", "0:1mT:3"
    )
    assert "expected 2: FIRST:LAST:NUMBER" in refused(*map_, "--current", "0:1mA:3")
    third = ("--current", "0:1mA:3", "--field", "0:1mT:3", "--alpha", "0.01:0.02:3")
    assert "3 ranges are given (current, alpha, field.z), expected 2" in refused(*map_, *third)
    assert "a range of 1 values" in refused(*sweep, "--current", "0:1mA:1")
    assert "expected a quantity in A" in refused(*sweep, "--current", "0:1mT:3")
    assert "unknown parameter 'curent'" in refused(*sweep, "--set", "curent=0:1mA:3")
    assert "is no quantity of an orbit" in refused(*sweep, "--current", "0:1mA:3", "--quantity", "width")
    assert "'locking' needs drive" in refused(*sweep, "--current", "0:1mA:3", "--quantity", "locking")
    assert "at 0 K" in refused(*sweep, "--current", "0:1mA:3", "--quantity", "line_width")
    assert "--load is an option of power" in refused(*sweep, "--current", "0:1mA:3", "--load", "50Ohm")


def test_a_drive_asks_for_the_locking_range_beside_what_is_told_anyway(llgrad):
    words = ("sweep", "kubota2013", "--current", "0.5mA:0.6mA:2")
    plain, locked = llgrad(*words), llgrad(*words, "--lock", "field_x=0.1Oe")
    assert locked.status == 0, locked.err
    names = plain.out.splitlines()[0].split()
    assert names[2] == "frequency" and locked.out.splitlines()[0].split()[: len(names) + 1] == [*names, "locking"]


def test_options_of_what_is_told_anyway_and_inputs_of_a_system(llgrad):
    words = ("sweep", "guslienko2014", "--current", "1.5mA:1.6mA:2", "--lock", "current=1uA", "--json")
    ended = llgrad(*words, "--harmonic", "2")
    assert ended.status == 0, ended.err
    entry = json.loads(ended.out)
    orbit = lg.orbit(lg.presets.guslienko2014().replace(current=1.6e-3))
    amplitude, half = 2 * np.abs(orbit.harmonics()[2]), orbit.locking({"current": 1e-6}).half_width
    np.testing.assert_allclose([entry["amplitude"][1], entry["locking"][1]], [amplitude, half], rtol=1e-6, atol=1e-6)
