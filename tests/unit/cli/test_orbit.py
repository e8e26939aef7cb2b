"""`llgrad orbit`."""

import json
import re


def test_table_json_and_pictures(llgrad, tmp_path):
    arguments = ("orbit", "kubota2013", "--temperature", "300K", "--lock", "field_x=0.1Oe", "--plot", "pictures")
    ended = llgrad(*arguments)
    assert ended.status == 0, ended.err
    for words in (
        "0.4402374 GHz",
        "29.347 MHz",
        "±3.554",
        "nonlinearity ν",
        "locks at f/2",
        "-0.192999 GHz/mA",
    ):
        assert words in ended.out
    edges = re.findall(r"drives from (\S+) to (\S+) GHz", ended.out)
    assert len(edges) == 3 and all(float(low) < float(high) for low, high in edges), "however narrow a range is"
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {"cycle.png", "phase_noise.png"}
    entry = json.loads(llgrad(*arguments[:-2], "--json").out)
    assert entry["format"] == "llgrad.orbit" and entry["device"]["temperature"]["value"] == 300.0
    assert abs(entry["orbit"]["frequency"] / 0.4402374e9 - 1) < 1e-6
    assert abs(entry["orbit"]["locking"]["1"]["half_width"] / 3.55456e6 - 1) < 1e-5


def test_no_cycle_is_a_sentence(llgrad):
    ended = llgrad("orbit", "kubota2013", "--current", "0.38mA")
    assert ended.status == 1 and "380 µA is below the threshold, 395.998 µA" in ended.err
    ended = llgrad("orbit", "kubota2013", "--current", "0.38mA", "--json")
    assert json.loads(ended.out)["orbit"] is None and ended.status == 1


def test_mistakes(refused):
    assert "--lock volts: unknown channel" in refused("orbit", "kubota2013", "--lock", "volts=1V")


def test_what_is_nothing_is_told_as_nothing(llgrad):
    """A field in the plane changes no frequency of a centred vortex, to first order; its circle has no harmonics."""
    ended = llgrad("orbit", "guslienko2014")
    assert "df/dfield_x     0 GHz/T" in ended.out and "0.3782, 0, 0 (fundamental and harmonics)" in ended.out
    assert "df/dI           0.249966 GHz/mA" in ended.out
