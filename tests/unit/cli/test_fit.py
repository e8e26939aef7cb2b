"""`llgrad fit`: what it finds, and every mistake in a sentence."""

import json

import numpy as np
import pytest

from llgrad.core.files import read_json
from llgrad.core.record import get_leaf, leaf_units

ALL = ("--device", "kubota2013", "--free", "alpha", "--start", "alpha=0.007", "--bounds", "alpha=0.001:0.1")
FREE = (*ALL, "--columns", "mx,my,mz")


def test_a_fit_prints_its_table_and_writes_its_files(llgrad, short_trace, tmp_path):
    ended = llgrad("fit", short_trace, *FREE, "--out", "fit.json", "--plot", "p")
    assert ended.status == 0
    assert ended.err == (
        "llgrad: read short.csv: cells separated by commas; t in s, mx, my, mz; "
        "60 samples from 0 s to 590 ps, every 10 ps\n"
    )
    assert "alpha" in ended.out and "±" in ended.out and "wrote p/history.png" in ended.out
    entry = read_json(tmp_path / "fit.json", "fit")
    value, error = (entry["parameters"]["alpha"][name] for name in ("value", "error"))
    assert abs(value - 0.005) < 5 * error and error < 1e-3
    assert entry["data_hash"].startswith("sha256:") and entry["command"].startswith("llgrad ")
    assert sorted(file.name for file in (tmp_path / "p").iterdir()) == ["fit.png", "history.png"]


def test_json_is_one_object_and_the_fitted_device_can_be_simulated(llgrad, short_trace, tmp_path):
    ended = llgrad("fit", short_trace, *FREE, "--json")
    entry = json.loads(ended.out)
    assert (entry["format"], entry["format_version"], entry["converged"]) == ("llgrad.fit", 1, True)
    (tmp_path / "fit.json").write_text(ended.out)
    run = json.loads(llgrad("simulate", "fit.json", "--duration", "100ps", "--json").out)
    assert run["device"]["alpha"]["value"] == entry["values"]["alpha"]


def test_uneven_times_are_handled(llgrad, short_trace):
    lines = short_trace.read_text().splitlines()
    short_trace.write_text("\n".join(line for i, line in enumerate(lines) if i % 3 != 2) + "\n")
    entry = json.loads(llgrad("fit", short_trace, *FREE, "--json").out)
    assert entry["values"]["alpha"] == pytest.approx(0.005, abs=5 * entry["parameters"]["alpha"]["error"])


def test_several_starts_are_reproducible_by_their_seed(llgrad, short_trace):
    found = [
        json.loads(llgrad("fit", short_trace, *FREE, "--starts", "3", "--spread", "0.2", "--seed", "5", "--json").out)
        for _ in range(2)
    ]
    assert found[0]["values"] == found[1]["values"] and found[0]["seed"] == 5


def test_a_drive_can_be_fitted(llgrad, tmp_path):
    driven = ("--sine-current", "0.5mA,1.5GHz")
    llgrad(
        "simulate", "kubota2013", "--duration", "0.6ns", "--dt", "1ps", "--save-every", "10", *driven, "--out", "d.csv"
    )
    off = ("--sine-current", "0.4mA,1.5GHz", "--free", "drive.current.amplitude", "--m0", "1deg,1deg")
    entry = json.loads(llgrad("fit", "d.csv", "--device", "kubota2013", *off, "--json").out)
    assert entry["values"]["drive.current.amplitude"] == pytest.approx(0.5e-3, rel=1e-4)


HELD = {
    **{"current": "2mA", "field.z": "20mT", "field": "0mT,0mT,20mT", "H_k": "0.1T", "polariser": "90deg,0deg"},
    **{"delay": "0.1ns", "bandwidth": "1GHz", "drive.current.amplitude": "1mA", "drive.current.phase": "0.1rad"},
    **{"gain": "2V", "offset": "1V", "line_width": "1MHz", "m0.polar": "0.1rad", "m0.azimuthal": "0.1rad"},
}


@pytest.mark.parametrize("name", HELD)
def test_a_start_is_that_of_a_free_parameter(refused, short_trace, name):
    """A start of what is not free would hold it there, as --set does; what has no start of its own says so."""
    said = refused("fit", short_trace, *FREE, "--sine-current", "0.5mA,1.5GHz", "--start", f"{name}={HELD[name]}")
    own = name in ("gain", "offset", "line_width") or name.startswith("m0.")
    assert said.startswith(f"--start {name}: it " if own else f"--start {name}: "), said
    assert ("is not free; add it to --free, or" in said) is not own, said
    device = not own and not name.startswith("drive.") and name not in ("delay", "bandwidth")
    assert (f"--set {name}={HELD[name]}" in said) is device


def test_parameters_start_where_they_are_said_to(refused, short_trace, monkeypatch):
    """Values of the device, one by one or as a vector, of the drive, and of the recorder."""
    begun = {}

    def no_fit(model, experiment, free, **others):
        begun.update({name: get_leaf(model, name) for name in free if name in leaf_units(model)})
        begun.update(delay=experiment.delay, bandwidth=experiment.bandwidth)
        begun["drive.current.amplitude"] = experiment.drive.current.amplitude
        raise ValueError("no fit; this was a test")

    monkeypatch.setattr("llgrad.cli.fit.fit_trace", no_fit)
    starts = {"alpha": "0.007", "delay": "0.1ns", "bandwidth": "8GHz", "drive.current.amplitude": "0.1mA"}
    options = [word for name, text in starts.items() for word in ("--start", f"{name}={text}")]
    free = ("--free", ",".join([*starts, "field.x", "field.y", "field.z"]), "--start", "field=1mT,2mT,20mT")
    given = ("--device", "kubota2013", "--sine-current", "0.5mA,1.5GHz", *free, *options)
    assert refused("fit", short_trace, *given) == "no fit; this was a test"
    expected = {"alpha": 0.007, "delay": 1e-10, "bandwidth": 8e9, "drive.current.amplitude": 1e-4}
    assert begun == pytest.approx(expected | {"field.x": 1e-3, "field.y": 2e-3, "field.z": 2e-2})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--device", "kubota", "--free", "alpha"], "unknown device 'kubota'"),
        (["--device", "kubota2013"], "needs --free: llgrad fit"),
        (["--device", "kubota2013", "--free", "alhpa"], "unknown parameter 'alhpa' (did you mean 'alpha'?)"),
        (["--device", "kubota2013", "--free", ","], "no free parameter: name at least one"),
        ([*FREE, "--start", "currant=1mA"], "unknown parameter 'currant' (did you mean 'current'?)"),
        ([*FREE[:3], "current", "--start", "current=1ns"], "current: '1ns' is in s, expected a quantity in A"),
        ([*FREE[:6], "--bounds", "alpha=0.01:0.1"], "the start alpha = 0.007"),
        ([*FREE[:6], "--bounds", "alpha=0.1"], "--bounds alpha=0.1: expected NAME=LOW:HIGH"),
        ([*FREE[:6], "--bounds", "alpha=0.1:0.01"], "expected a lower bound below the upper one"),
        ([*FREE, "--bounds", "current=0.1mA:5mA"], "--bounds current: it is not free; add it to --free"),
        ([*FREE[:6], "--bounds", "alpha=1mA:5mA"], "--bounds alpha: '1mA' is in A, expected a quantity in 1"),
        ([*ALL, "--columns", "voltage"], "has no column 'voltage'; it has t, mx, my, mz"),
        ([*ALL, "--columns", "mq"], "a trace has no column 'mq'; it can hold mx, my, mz, voltage"),
        ([*FREE, "--method", "newton"], "'newton' is not one of 'lm', 'adam', 'grid'"),
        ([*FREE, "--starts", "0"], "Invalid value for '--starts'"),
        ([*FREE, "--out", "fit.csv"], "--out fit.csv: expected a name that ends in .json"),
        (
            ["--device", "kubota2013", "--free", "volume", "--start", "volume=0.001nm3"],
            "the start cannot be simulated: its field is so large that this trace takes",
        ),
    ],
)
def test_bad_input_gets_one_sentence(refused, short_trace, arguments, sentence):
    assert sentence in refused("fit", short_trace, *arguments)


ROWS = "t (ns),mx,my,mz\n0,0,0,1\n0.01,0,0,1\n0.02,0,0,1\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "bad.csv does not exist; check the name and the folder"),
        (b"", "bad.csv is empty; expected a header"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "bad.csv is a binary file"),
        (ROWS.replace("0.01,0,0,1", "0.01,nan,0,1").encode(), "line 3: the cell of 'mx' is nan"),
        (ROWS.replace("0.01,0,0,1", "0.01,,0,1").encode(), "line 3: the cell of 'mx' is blank"),
        (ROWS.replace("0.02", "0.01").encode(), "line 4: the time does not increase"),
        (ROWS.replace("t (ns)", "step").encode(), "bad.csv has no time column"),
        (ROWS.replace("t (ns)", "t").encode(), "the column 't' has no unit"),
        (ROWS.replace("mx,my,mz", "a,b,c").encode(), "bad.csv has no column 'mx'; it has t, a, b, c"),
        (ROWS.replace("0.01,0,0,1", "0.01,0,0").encode(), "line 3: expected 4 cells"),
    ],
)
def test_a_bad_file_gets_one_sentence(refused, tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "bad.csv").write_bytes(content)
    assert sentence in refused("fit", "bad.csv", *FREE)


def test_a_missing_column_that_was_asked_for(refused, tmp_path):
    (tmp_path / "bad.csv").write_text("t (ns),mx\n0,0\n0.01,0\n")
    assert refused("fit", "bad.csv", *ALL, "--columns", "mx,mz") == "bad.csv has no column 'mz'; it has t, mx"


def test_existing_files_are_kept_without_force(llgrad, refused, short_trace, tmp_path):
    (tmp_path / "fit.json").write_text("old")
    said = refused("fit", short_trace, *FREE, "--out", "fit.json")
    assert said == "fit.json exists already and is kept; choose another name, or add --force"
    assert llgrad("fit", short_trace, *FREE, "--out", "fit.json", "--force").status == 0
    assert np.isfinite(read_json(tmp_path / "fit.json", "fit")["values"]["alpha"])
