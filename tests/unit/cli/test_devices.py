"""`llgrad`, `llgrad --version`, `llgrad devices`."""

import json

import pytest

import llgrad as lg


def test_help_lists_the_commands(llgrad):
    ended = llgrad("--help")
    assert ended.status == 0
    assert all(name in ended.out for name in ("devices", "simulate", "fit", "demo"))
    assert llgrad().out == ended.out


def test_version(llgrad):
    ended = llgrad("--version")
    assert ended.status == 0 and ended.out.startswith("llgrad ") and "jax" in ended.out


def test_the_list_of_presets(llgrad):
    lines = llgrad("devices").out.splitlines()
    assert lines[0] == "perpendicular oscillator" and lines[1].startswith("  kubota2013")
    entry = json.loads(llgrad("devices", "--json").out)
    assert list(entry)[:2] == ["format", "format_version"] and list(entry["devices"]) == lg.presets.names()
    for name, row in entry["devices"].items():
        place = next(place for place, line in enumerate(lines) if line.startswith(f"  {name} "))
        assert row["kind"] in lines[:place] and f"{row['record']}; {row['source']}" in "\n".join(lines[place:])


def test_a_card_has_units(llgrad):
    out = llgrad("devices", "kubota2013").out
    assert "2.5 mA" in out and "direct current I" in out and "1.4483e+06 A/m" in out


def test_a_card_as_json_is_a_device_file(llgrad, tmp_path):
    (tmp_path / "mine.json").write_text(llgrad("devices", "kubota2013", "--json").out)
    assert llgrad("devices", "mine.json").out == llgrad("devices", "kubota2013").out.replace("kubota2013", "mine.json")


def test_a_device_as_toml(llgrad, tmp_path):
    text = 'type = "Oscillator"\nMs = {value = 1.4483e6, unit = "A/m"}\nvolume = "22619nm3"\nfield = "(0, 0, 0.02) T"\n'
    (tmp_path / "mine.toml").write_text(text)
    assert "0.02" in llgrad("devices", "mine.toml").out


def test_unknown_devices_and_files(refused, tmp_path):
    said = refused("devices", "kubota")
    known = ", ".join(lg.presets.names())
    assert said == f"unknown device 'kubota'; the presets are {known}, or give a .json or .toml file"
    assert refused("devices", "mine.json") == "the device file mine.json does not exist"
    (tmp_path / "a.json").write_text("{")
    assert refused("devices", "a.json").startswith("a.json cannot be read: Expecting")
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    assert refused("devices", "a.toml") == "a.toml is a binary file, expected a device as text"
    (tmp_path / "b.json").write_text('{"type": "Oscillator", "Ms": "1e6A/m"}')
    assert refused("devices", "b.json") == "b.json: Oscillator is not whole: it has no volume"
    (tmp_path / "b.json").write_text('{"type": "Oscillator", "Ms": 1e6}')
    assert refused("devices", "b.json").startswith("b.json: Ms: 1000000.0 has no unit; expected a quantity in A/m")
    (tmp_path / "c.json").write_text('{"type": "Oscillator", "Ms": "1e6A/m", "size": 3}')
    assert refused("devices", "c.json").startswith("c.json: Oscillator has no quantity 'size'")
    (tmp_path / "d.json").write_text("[1]")
    assert refused("devices", "d.json") == "d.json: expected a device: an object with the entry 'type'"
    (tmp_path / "e.json").write_text('{"type": "Sine", "amplitude": "1mA", "frequency": "1GHz"}')
    assert "it describes Sine, expected an Oscillator" in refused("devices", "e.json")


def test_a_device_out_of_range(refused, tmp_path):
    (tmp_path / "a.json").write_text('{"type": "Oscillator", "Ms": "1.82A/m", "volume": "10000nm3"}')
    assert "is 1.82 a µ0 Ms in tesla?" in refused("devices", "a.json")


def test_a_file_of_a_later_version(refused, tmp_path):
    (tmp_path / "a.json").write_text('{"format": "llgrad.fit", "format_version": 9, "llgrad": "7"}')
    assert "install a later llgrad" in refused("devices", "a.json")


def test_words_that_are_not_there(refused):
    assert refused("simulat").startswith("No such command 'simulat'.")
    assert refused("--nothing").startswith("No such option: --nothing")
    assert refused("fit") == "llgrad fit needs trace (see llgrad fit --help)"


def test_a_file_of_another_kind(refused, tmp_path):
    (tmp_path / "fit.json").write_text('{"format": "llgrad.fit", "format_version": 1}')
    assert refused("devices", "fit.json") == "fit.json: this file holds no device"
    (tmp_path / "fit.json").write_text('{"format": "llgrad.fit", "format_version": 1, "device": [1]}')
    assert refused("devices", "fit.json").startswith("fit.json: its entry 'device' is list, expected an object")
    (tmp_path / "run.json").write_bytes(b"PK\x03\x04\x14\x00\x00\x00\x08\x00\xff")
    assert refused("simulate", "run.json") == "run.json is a binary file, expected a device as text"
    (tmp_path / "cut.toml").write_text('type = "Oscillator"\nMs = "1e6')
    assert refused("simulate", "cut.toml").startswith("cut.toml cannot be read: Unterminated string")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    assert refused("simulate", "deep.json") == "deep.json cannot be read: its entries are nested too deep"


@pytest.mark.parametrize(
    "words",
    [
        ("simulate", "kubota2013", "--duration", "1ns"),
        ("orbit", "kubota2013"),
        ("equilibria", "kubota2013"),
        ("follow", "kubota2013", "alpha", "0.01", "0.02"),
        ("optimise", "kubota2013", "--minimise", "period", "--free", "alpha=0.01:0.02"),
        ("sweep", "kubota2013"),
        ("map", "kubota2013"),
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize(
    ("own", "among"), [(("--current", "1mA"), "current=2mA"), (("--field", "100Oe,0Oe,0Oe"), "field.z=200Oe")]
)
def test_a_value_that_is_said_twice_is_refused(refused, words, own, among):
    name = among.partition("=")[0]
    assert f"{name} is given by an option of its own and by --set; give it once" in refused(
        *words, *own, "--set", among
    )


SIZE = {"Ms": 1.0e6, "thickness": 3e-9, "area": 1e-14, "alpha": 0.02}
PAIR = lg.Stack(
    layers=(lg.Layer("lower", m=(1, 0, 0), **SIZE), lg.Layer("upper", **SIZE)),
    couplings=lg.stacks.InterlayerExchange(("lower", "upper"), J1=-0.3e-3),
    barriers=lg.stacks.Barrier(("lower", "upper"), lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0)),
)


@pytest.fixture
def pair(tmp_path):
    return lg.save_device(tmp_path / "pair.toml", PAIR) or "pair.toml"


def test_a_stack_has_a_card_and_is_simulated_like_any_device(llgrad, pair, tmp_path):
    assert "layers.1.Ms" in llgrad("devices", pair).out
    values = ("--current", "1e10A/m2", "--temperature", "10K", "--set", "layers.1.m=90deg,10deg", "--field", "100Oe")
    moved = ("--duration", "1ns", "--dt", "1ps", "--drive", "voltage=sine:1mV,5GHz", "--out", "run.npz")
    entry = json.loads(llgrad("simulate", pair, *values, *moved, "--plot", "pictures", "--json").out)
    assert entry["device"]["current"] == {"value": pytest.approx(1e-4), "unit": "A"}
    assert entry["device"]["temperature"] == {"value": 10.0, "unit": "K"} and entry["seed"] == 0
    assert entry["drive"]["voltage"]["type"] == "Sine"
    signals = entry["summary"]["signals"]
    assert list(signals) == [
        "resistance",
        "voltage",
        *(f"{name}.{axis}" for name in ("lower", "upper") for axis in "xyz"),
    ]
    assert signals["voltage"]["unit"] == "V" and 1e3 < signals["resistance"]["mean"] < 2e3
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {"trace.png", "orbit.png", "spectrum.png"}
    assert (tmp_path / "run.npz").exists()


def test_a_plan_for_a_stack_says_why_it_cannot_be(refused, pair):
    said = refused("plan", pair, "--free", "alpha", "--currents", "1mA", "--duration", "1ns")
    assert "pair.toml is a Stack, expected an Oscillator: a plan foresees" in said


def test_what_a_stack_does_not_have_is_refused(refused, pair):
    assert "alpha" in refused("simulate", pair, "--alpha", "0.01")
    said = refused("simulate", pair, "--set", "ellipse.thickness=2nm")
    assert said.startswith("ellipse.thickness is the shape of an Oscillator, and this is a Stack")
    for command in ("simulate", "orbit"):
        assert "--m0 is the start of one magnetisation" in refused(command, pair, "--m0", "1deg,0deg")
    assert "unknown channel 'spam'; it can be current" in refused("simulate", pair, "--drive", "spam=constant:1mA")
