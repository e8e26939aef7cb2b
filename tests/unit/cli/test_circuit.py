"""`llgrad circuit`."""

import json

import numpy as np
import pytest

PAIR = ("kubota2013", "kubota2013", "--resistance", "310ohm", "--tmr", "10%", "--duration", "60ns", "--dt", "8ps")
SERIES = (*PAIR, "--series", "--source", "1.75V", "--load", "50ohm")


def test_two_in_series_with_their_table_their_pictures_and_the_run(llgrad, tmp_path):
    ended = llgrad("circuit", *SERIES, "--plot", "pictures", "--out", "run.csv")
    assert ended.status == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0].startswith("kubota2013 + kubota2013: SystemTrajectory of Circuit")
    assert [line.split()[0] for line in lines[3:5]] == ["junction0.x", "junction1.x"]
    assert "phase order" in lines[5] and lines[6].startswith("power into load: 31") and "dBm" in lines[6]
    for picture in ("synchronisation", "spectrum"):
        assert (tmp_path / "pictures" / f"{picture}.png").stat().st_size > 20_000
    rows = [line for line in (tmp_path / "run.csv").read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    columns = dict(zip(rows[0].split(","), np.loadtxt(rows[1:], delimiter=",").T, strict=True))
    np.testing.assert_allclose(columns["load.voltage (V)"], 50 * columns["load.current (A)"], rtol=1e-6)


def test_json_tells_what_python_does(llgrad):
    ended = llgrad(
        "circuit", *SERIES, "--set", "junction1.field.z=30mT", "--set", "alpha=0.006", "--json", "--seed", "3"
    )
    entry = json.loads(ended.out)
    assert entry["format"] == "llgrad.circuit" and entry["seed"] == 3 and entry["device"]["type"] == "Circuit"
    told = entry["synchronisation"]
    assert told["locked"] is False and told["frequencies"][1] > 1.2 * told["frequencies"][0]
    assert entry["loads"]["load"]["alternating"] < 1e-3 * entry["loads"]["load"]["power"]
    means = entry["devices"]
    assert means["junction0"]["current"] == pytest.approx(means["junction1"]["current"], rel=1e-9)
    total = sum(one["voltage"] for one in means.values()) + 50 * means["junction0"]["current"]
    assert total == pytest.approx(1.75, rel=1e-9)


def test_a_load_stands_beside_what_a_current_drives(llgrad):
    ended = llgrad("circuit", *PAIR, "--parallel", "--source", "6mA", "--load", "500ohm", "--json")
    entry = json.loads(ended.out)
    shares = [one["current"] for one in entry["devices"].values()]
    volts = entry["devices"]["junction0"]["voltage"]
    assert sum(shares) + volts / 500 == pytest.approx(6e-3, rel=1e-9)


def test_a_whole_circuit_and_a_file_of_words(llgrad, tmp_path):
    (tmp_path / "pair.toml").write_text(
        'devices = ["taniguchi2018"]\nduration = "40ns"\ndt = "8ps"\n', encoding="utf-8"
    )
    ended = llgrad("circuit", "--config", "pair.toml")
    assert ended.status == 0 and "of which alternating" in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("kubota2013", "kubota2013", "--series", "--source", "5mA"), "kubota2013 has no junction, so that its"),
        ((*PAIR, "--source", "5mA"), "2 devices can be connected in two ways; give --series or --parallel"),
        ((*PAIR, "--series", "--parallel", "--source", "5mA"), "--series and --parallel contradict each other"),
        ((*PAIR, "--series"), "this circuit has no source; give --source 5mA, or --source 1.75V"),
        ((*PAIR, "--series", "--source", "5T"), "or a voltage, such as 1.75V"),
        ((*PAIR, "--series", "--source", "5"), "--source: "),
        ((*PAIR, "--series", "--source", "5mA", "--source-resistance", "50ohm"), "is of a source of voltage"),
        (("garcia2021", "--source", "1mA", "--tmr", "0.5"), "--resistance and --tmr are of one junction; give both"),
        (("garcia2021", "--source", "1mA", "--tmr", "0.5", "--resistance", "1kohm"), "each has one; leave them out"),
        (("taniguchi2018", "--load", "50ohm"), "is a circuit already, with its source and its load; leave --load out"),
        (("taniguchi2018", "garcia2021", "--series", "--source", "1V"), "taniguchi2018 is a circuit, and no part of"),
        (("guslienko2014", "--source", "1mA"), "a circuit holds Vortex, expected oscillators with a junction"),
        ((*PAIR, "--series", "--source", "5mA", "--set", "junction2.H_k=1T"), "unknown parameter 'junction2.H_k'"),
    ],
)  # fmt: skip
def test_mistakes_are_sentences(refused, words, said):
    assert said in refused("circuit", *words)
