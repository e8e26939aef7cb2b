"""What a resonance fit gives out: the report, the JSON file, the pictures, and the command."""

import json

import numpy as np
import pytest
from tests.resonance.synthetic import made_up

from llgrad.cli.answers.resonance import BackgroundName, ShapeName, fit_resonance
from llgrad.core.files import read_json
from llgrad.fitting.resonance.analysis import fit_resonance as analyse
from llgrad.fitting.resonance.lorentzian import FieldWindow
from llgrad.plot import resonances
from llgrad.plot.saving import save


@pytest.fixture(scope="module")
def sweeps():
    return made_up(lambda f: 0.05 + f / 29e9, noise=0.01, frequencies=[1, *range(5, 17)])


@pytest.fixture(scope="module")
def result(sweeps):
    return analyse(sweeps, window=FieldWindow(low=0.15))


@pytest.fixture
def file(tmp_path, sweeps):
    """The sweeps as a wide table, as a lab writes it."""
    columns = [column for s in sweeps.sweeps for column in (s.field * 1e4, s.voltage * 1e6)]
    header = "\t".join(f"H (Oe) {s.frequency / 1e9:g} GHz\tV (uV) {s.frequency / 1e9:g} GHz" for s in sweeps.sweeps)
    rows = ["\t".join(f"{value:.9g}" for value in row) for row in np.transpose(columns)]
    path = tmp_path / "lab.txt"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_the_report_holds_every_number_with_its_error(result):
    text = str(result)
    assert "fitted where H ≥ 150 mT, on a linear background" in text
    assert "not used: the sweep at 1 GHz: it" in text
    for words in ("straight line, hard axis", "ΔAICc", "α = 0.00", "w₀ = ", "systematic: α from"):
        assert words in text
    assert (
        max(map(len, text.splitlines()[: text.splitlines().index("Geometries, on 12 lines from 5 to 16 GHz")])) <= 170
    )


def test_the_json_file_begins_with_the_run_record(result, tmp_path):
    entry = read_json(result.save(tmp_path / "found.json"), "resonance")
    assert entry["data_hash"].startswith("sha256:")
    assert entry["alpha"]["value"] == pytest.approx(0.008, abs=4 * entry["alpha"]["error"])
    assert [line["used"] for line in entry["lines"]] == [False] + [True] * 12
    assert entry["left_out"][0]["frequency"] == 1e9


@pytest.mark.parametrize("picture", ["sweeps", "geometry", "widths"])
def test_the_pictures_are_drawn(result, picture, tmp_path):
    figure = getattr(resonances, picture)(result)
    labels = " ".join(axes.get_xlabel() + axes.get_ylabel() for axes in figure.axes)
    assert "(mT)" in labels or picture == "widths"
    save(figure, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 20_000


def test_the_command_writes_its_files_and_prints_the_report(file, tmp_path, capsys):
    fit_resonance(file, min_field="1500Oe", out=tmp_path / "found.json", plot=tmp_path / "pictures")
    said = capsys.readouterr().out
    assert "13 pairs of columns, field and voltage" in said and "fitted where H ≥ 1500 Oe" in said
    assert f"wrote {tmp_path / 'found.json'}" in said
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == ["geometry.png", "sweeps.png", "widths.png"]
    assert read_json(tmp_path / "found.json", "resonance")["command"].startswith("llgrad")


def test_the_command_prints_json(file, capsys):
    fit_resonance(file, frequencies="5GHz:14GHz", background=BackgroundName.quadratic, json=True)
    entry = json.loads(capsys.readouterr().out)
    assert entry["background"] == "quadratic" and sum(line["used"] for line in entry["lines"]) == 10


def test_the_command_refuses_in_a_sentence(file):
    with pytest.raises(ValueError, match="--min-field: '1500' has no unit; expected a quantity in T"):
        fit_resonance(file, min_field="1500")
    with pytest.raises(ValueError, match="--frequencies 5GHz: expected LOW:HIGH"):
        fit_resonance(file, frequencies="5GHz")


def test_the_shape_of_the_lines_can_be_named(file, capsys):
    fit_resonance(file, frequencies="5GHz:14GHz", shape=ShapeName.lorentzian)
    assert "Line shape: Lorentzians, as you asked" in capsys.readouterr().out
    with pytest.raises(ValueError, match="a field modulation belongs to derivative lines; these are Lorentzians by"):
        fit_resonance(file, modulation="2Oe")
