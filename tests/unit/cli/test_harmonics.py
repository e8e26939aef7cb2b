"""`llgrad harmonics`."""

import json

import pytest

import llgrad as lg

BAR = lg.readout.HallBar(lg.readout.Film(200.0, (lg.readout.AHE(1.0), lg.readout.PHE(0.4))), length=20e-6, width=5e-6)
LAYER = lg.Layer("free", Ms=1e6, thickness=1e-9, area=1e-12, H_k=0.4, terms=(lg.physics.SpinOrbitTorque(1.0),))
RANGE = ("--current", "1mA", "--field", "1kOe", "--angle", "90deg,0deg:360deg", "--steps", "8")


@pytest.fixture(autouse=True)
def bar(tmp_path):
    lg.save_device(tmp_path / "bar.json", lg.Stack(LAYER, readouts=BAR))


def test_an_angle_scan_with_picture_table_and_json(llgrad, tmp_path):
    ended = llgrad("harmonics", "bar.json", *RANGE, "--plot", "pictures", "--out", "all.csv")
    assert ended.status == 0, ended.err
    assert "second harmonic, cosine: -" in ended.out and "second harmonic, sine" not in ended.out
    assert (tmp_path / "pictures" / "harmonics.png").stat().st_size > 20_000
    assert (tmp_path / "all.csv").read_text().splitlines()[1].startswith("azimuth,m_x,m_y,m_z,direct,first_sine")
    found = json.loads(llgrad("harmonics", "bar.json", *RANGE, "--json").out)
    assert found["current_A"] == 1e-3 and len(found["columns"]["second_cosine"]) == 9


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--current", "1mA", "--field", "1kOe"), "one thing is swept, and nothing has a range"),
        (("--current", "1mA", "--field", "0Oe:1kOe", "--angle", "1deg", "--angle", "2deg"), "give one axis"),
        ((*RANGE, "--out", "all.csv", "--signal", "voltage"), "no voltage 'voltage'"),
    ],
)
def test_what_is_refused(refused, words, sentence):
    assert sentence in refused("harmonics", "bar.json", *words)
