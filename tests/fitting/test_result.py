"""The saved result."""

import json

import pytest

from llgrad import presets
from llgrad.core.files import read_json
from llgrad.core.record import from_json
from llgrad.fitting.fit import fit


@pytest.fixture(scope="module")
def result(teacher, first_state):
    return fit(presets.kubota2013(), teacher, free=["alpha", "current"], m0=first_state)


def test_file_has_the_run_record_and_the_numbers(result, tmp_path):
    path = result.save(tmp_path / "fit.json")
    entry = read_json(path, "fit")
    assert list(entry)[:2] == ["format", "format_version"]
    assert entry["parameters"]["alpha"]["value"] == result.values["alpha"]
    assert entry["parameters"]["current"]["unit"] == "A"
    assert from_json(entry["model"]) == result.model
    assert entry["correlation"]["names"] == ["alpha", "current"]


def test_an_existing_file_is_kept(result, tmp_path):
    path = tmp_path / "fit.json"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="exists already"):
        result.save(path)
    assert path.read_text() == "mine"
    result.save(path, overwrite=True)
    assert json.loads(path.read_text())["format"] == "llgrad.fit"


def test_table_names_units_and_errors(result):
    text = str(result)
    assert "alpha" in text
    assert "mA" in text
    assert "LevenbergMarquardt: converged" in text
