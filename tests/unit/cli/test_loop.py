"""`llgrad loop`."""

import json

import pytest

import llgrad as lg

FILM = lg.Oscillator(Ms=1e6, volume=1e-24, alpha=0.05, H_k=0.1, demag=(0.0, 0.0, 0.0))
RANGE = ("--field", "-2kOe:2kOe", "--steps", "20")


@pytest.fixture(autouse=True)
def film(tmp_path):
    lg.save_device(tmp_path / "film.json", FILM)


def test_switching_picture_and_json(llgrad, tmp_path):
    ended = llgrad("loop", "film.json", *RANGE, "--angle", "45deg", "--plot", "pictures", "--out", "all.csv")
    assert ended.status == 0, ended.err
    assert "field = 50 mT: fold" in ended.out and "back, field = -50 mT: fold" in ended.out
    assert (tmp_path / "pictures" / "loop.png").stat().st_size > 20_000
    assert (tmp_path / "all.csv").read_text().splitlines()[1].startswith("sweep,field,m_along")
    found = json.loads(llgrad("loop", "film.json", *RANGE, "--angle", "45deg", "--angle", "45deg,90deg", "--json").out)
    assert [len(one["jumps"]) for one in found["loops"]] == [2, 2]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--field", "1kOe"), "one thing is swept, and nothing has a range"),
        ((*RANGE, "--current", "0mA:1mA"), "one thing is swept, and field and current have a range"),
        (("--field", "1:2:3"), "expected the two ends of a range"),
        ((*RANGE, "--angle", "1deg,2deg,3deg"), "expected a polar and an azimuthal angle"),
        ((*RANGE, "--angle", "1deg", "--angle", "2deg", "--out", "a.csv"), "--out holds one loop"),
        (("--sweep", "voltage=0V:1V"), "unknown parameter 'voltage'"),
    ],
)
def test_what_is_refused(refused, words, sentence):
    assert sentence in refused("loop", "film.json", *words)
