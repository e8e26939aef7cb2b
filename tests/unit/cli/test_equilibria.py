"""`llgrad equilibria`."""

import json

import pytest


def test_the_table_and_the_picture(llgrad, tmp_path):
    ended = llgrad("equilibria", "kubota2013", "--current", "0.3mA", "--field", "200Oe", "--plot", "pictures")
    assert ended.status == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0] == "4 equilibria, 1 stable"
    assert lines[1].split() == ["state", "stability", "frequency", "width"]
    assert "stable" in lines[2] and "1.7283 GHz" in lines[2] and "4.1977 MHz" in lines[2]
    assert lines[6:8] == [
        "searched cell by cell: no other state is an equilibrium",
        "the indices add up to 2, as they must",
    ]
    assert (tmp_path / "pictures" / "equilibria.png").stat().st_size > 20_000


def test_json_has_units_in_its_names(llgrad):
    entry = json.loads(llgrad("equilibria", "kubota2013", "--current", "0mA", "--json").out)
    assert entry["format"] == "llgrad.equilibria" and entry["complete"] is True
    up, down, circle = entry["equilibria"]
    assert up["state"] == pytest.approx({"m.x": 0.0, "m.y": 0.0, "m.z": 1.0}, abs=1e-9)
    assert (up["kind"], up["stable"], up["energy_J"]) == ("stable", True, 0.0)
    assert down["energy_J"] == pytest.approx(1.3104e-18, rel=1e-4)
    assert circle["kind"] == "a curve of states, unstable across"
    assert len(up["frequencies_Hz"]) == len(up["widths_Hz"]) == len(up["eigenvalues_per_s"]) == 1


def test_mistakes_are_sentences(refused):
    assert "no unit" in refused("equilibria", "kubota2013", "--current", "2.5")
    assert "unknown parameter" in refused("equilibria", "kubota2013", "--set", "curent=2mA")
