"""The run record: written now, read for ever. The golden files are of version 1 and are never made anew."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from llgrad import presets
from llgrad.core import run_record as module
from llgrad.core.files import read_json, read_npz
from llgrad.core.record import from_json
from llgrad.core.run_record import hash_of, open_record, run_record

GOLDEN = pathlib.Path(__file__).parents[2] / "data"


def test_a_record_says_what_made_it():
    record = run_record("fit", device=presets.kubota2013(), seed=3, data_hash="sha256:0", dtype="float64", command="x")
    assert list(record)[:2] == ["format", "format_version"]
    assert (record["format"], record["format_version"], record["seed"]) == ("llgrad.fit", 1, 3)
    assert record["device"]["current"] == {"value": 0.0025, "unit": "A"}
    assert record["created"].endswith("+00:00")
    assert {"llgrad", "python", "jax", "numpy", "dtype", "command", "data_hash"} <= set(record)
    json.dumps(record, allow_nan=False)


def test_the_golden_trajectory_of_version_1_is_read():
    record, arrays = read_npz(GOLDEN / "trajectory_v1.npz", "trajectory")
    assert record["format_version"] == 1
    assert arrays["t"].shape == (11,) and arrays["m"].shape == (11, 3)
    np.testing.assert_allclose(np.linalg.norm(arrays["m"], axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(arrays["m"][0], [0.017449748351250485, 0.0003045864904713721, 0.9998476951563913])
    assert from_json(record["device"]).current == 2.5e-3


def test_the_golden_fit_of_version_1_is_read():
    entry = read_json(GOLDEN / "fit_v1.json", "fit")
    assert entry["format_version"] == 1
    assert entry["values"]["alpha"] == pytest.approx(0.005, rel=0.01)
    assert from_json(entry["device"]).alpha == entry["values"]["alpha"]


def test_an_older_version_is_migrated_step_by_step(monkeypatch):
    monkeypatch.setattr(module, "FORMAT_VERSION", 3)
    monkeypatch.setitem(module.MIGRATIONS, 1, lambda entry: {**entry, "status": entry["state"]})
    monkeypatch.setitem(module.MIGRATIONS, 2, lambda entry: {**entry, "status": entry["status"].upper()})
    opened = open_record({"format": "llgrad.fit", "format_version": 1, "state": "ended"}, "fit")
    assert (opened["format_version"], opened["status"]) == (3, "ENDED")


def test_every_older_version_has_its_migration():
    assert sorted(module.MIGRATIONS) == list(range(1, module.FORMAT_VERSION))


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({}, "this is not a file of llgrad: it has no entry 'format'; expected format llgrad.fit"),
        ({"format": 3}, "its entry 'format' is 3, expected a word such as 'llgrad.fit'"),
        ({"format": "ovf"}, "its entry 'format' is 'ovf', expected a word such as 'llgrad.fit'"),
        ([1], "this is not a file of llgrad"),
        ({"format": "llgrad.trajectory", "format_version": 1}, "format llgrad.trajectory, expected llgrad.fit"),
        ({"format": "llgrad.fit"}, "format_version = None, expected a whole number"),
        ({"format": "llgrad.fit", "format_version": True}, "format_version = True"),
        ({"format": "llgrad.fit", "format_version": 0}, "format_version = 0"),
        (
            {"format": "llgrad.fit", "format_version": 2, "llgrad": "9.9"},
            "this file has version 2 of llgrad.fit, written by llgrad 9.9; this llgrad",
        ),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(entry, sentence):
    with pytest.raises(ValueError) as error:
        open_record(entry, "fit")
    assert sentence in str(error.value)


def test_a_later_version_in_a_file_names_the_file(tmp_path):
    entry = json.loads((GOLDEN / "fit_v1.json").read_text())
    (tmp_path / "later.json").write_text(json.dumps(entry | {"format_version": 99}))
    with pytest.raises(
        ValueError, match=r"later\.json: this file has version 99 of llgrad\.fit.*install a later llgrad"
    ):
        read_json(tmp_path / "later.json", "fit")


def test_the_hash_is_of_the_numbers():
    a = np.linspace(0, 1, 7)
    assert hash_of([a]) == hash_of([a.tolist()])
    assert hash_of([a]) != hash_of([a + 1e-16 * (a > 0.5)])
    assert hash_of([a, a]) != hash_of([np.concatenate([a, a])])
    assert hash_of([np.float32([0.5])]) == hash_of([np.float64([0.5])])


def test_a_golden_file_that_is_not_an_npz_is_refused(tmp_path):
    shutil.copy(GOLDEN / "fit_v1.json", tmp_path / "fit.npz")
    with pytest.raises(ValueError, match="is not an NPZ file of plain arrays"):
        read_npz(tmp_path / "fit.npz", "fit")
