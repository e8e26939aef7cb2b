"""`llgrad switch`."""

import json

import pytest

BIT = """type = "Oscillator"
Ms = "1e6 A/m"
volume = "5e-25 m³"
H_k = "1.45 T"
alpha = 0.05
polariser = "0deg, 0deg"
polarization = 0.6
"""
FEW = ("--runs", "400")


@pytest.fixture
def bit(tmp_path):
    (tmp_path / "bit.toml").write_text(BIT, encoding="utf-8")
    return "bit.toml"


def test_a_scan_is_a_table_and_a_picture(llgrad, bit, tmp_path):
    ended = llgrad("switch", bit, "--pulse", "current=20:60uA:2,1ns", *FEW, "--plot", "pictures")
    assert ended.status == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0] == "switching of Oscillator at 300 K, 400 runs at each point, from (0, 0, 1)"
    assert lines[2].split()[:2] == ["20", "µA"] and lines[3].split()[:2] == ["60", "µA"]
    assert (tmp_path / "pictures" / "switching.png").stat().st_size > 20_000


def test_json_has_counts_and_intervals(llgrad, bit):
    ended = llgrad("switch", bit, "--pulse", "current=gaussian:60uA,1ns", *FEW, "--seed", "2", "--json")
    entry = json.loads(ended.out)
    assert entry["format"] == "llgrad.switching" and entry["runs"] == sum(entry["counts"]) == 400
    assert entry["interval"][0] < entry["probability"] < entry["interval"][1] and entry["seed"] == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("voltage=1,1ns", "the channel one of current"),
        ("current=1mA", "takes amplitude and width, and a rise time"),
        ("current=square:1mA,1ns", "it can be pulse, gaussian"),
        ("current=1,1ns", "no unit"),
    ],
)
def test_mistakes_are_sentences(refused, bit, given, said):
    assert said in refused("switch", bit, "--pulse", given)


def test_a_device_that_cannot_switch_is_refused(refused):
    assert "1 stable state" in refused(
        "switch", "kubota2013", "--current", "0mA", "--pulse", "current=1mA,1ns", "--field", "1kOe"
    )
