"""`llgrad optimise`."""

import json

import llgrad as lg

BOUNDS = ("--free", "field.z=2kOe:2.4kOe", "--free", "current=2mA:3mA")
LIMIT = ("--hold", "frequency=6.3GHz±10MHz")


def test_the_best_as_json_as_pictures_and_as_a_device(llgrad, tmp_path):
    words = ("optimise", "kubota2013", "--temperature", "300K", "--minimise", "line_width", *BOUNDS, *LIMIT)
    ended = llgrad(*words, "--starts", "2", "--json", "--plot", "pictures", "--out", "best.json")
    assert ended.status == 0, ended.err
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {"optimum.png", "sensitivities.png"}
    entry, kept = json.loads(ended.out), lg.optimising.load_optimum("best.json")
    assert entry["format"] == "llgrad.optimum" and entry["value"] == kept.value
    assert 6.29e9 * (1 - 1e-6) <= kept.constraints[0].value <= 6.31e9 * (1 + 1e-6)
    assert lg.load_device("best.json").current == kept.device.current == kept.values["current"]


def test_text_and_a_front(llgrad):
    ended = llgrad("optimise", "kubota2013", "--minimise", "current", "--free", "current=1mA:2mA", "--starts", "1")
    assert ended.status == 0 and ended.out.startswith(
        "smallest current: 1 mA\n  current  1 mA  1 mA to 2 mA, at its lower"
    )
    words = ("--minimise", "current", "--maximise", "alpha", "--free", "current=1mA:2mA", "--free", "alpha=0.01:0.02")
    ended = llgrad("optimise", "kubota2013", *words, "--points", "3")
    assert ended.out.startswith("Front of smallest current and largest alpha: 1 points"), ended
    assert "2 of 3 points are left out" in ended.out


def test_mistakes(refused):
    start = ("optimise", "kubota2013")
    assert "0 aims, expected --minimise NAME or --maximise NAME" in refused(*start, *BOUNDS)
    assert "no free parameter" in refused(*start, "--minimise", "period")
    one = (*start, "--minimise", "period", *BOUNDS)
    assert "--hold '6GHz': expected 'frequency=6GHz±1MHz'" in refused(*one, "--hold", "6GHz")
    assert "--hold frequency comes twice" in refused(*one, *LIMIT, *LIMIT)
    assert "--points is for a front" in refused(*one, "--points", "3")
    assert "--draws is for a spread" in refused(*one, "--draws", "3")
    assert "--lock is for locking, which is neither an aim nor held" in refused(*one, "--lock", "field_x=0.1Oe")
    assert "locking needs --lock field_x=0.1Oe" in refused(*start, "--maximise", "locking", *BOUNDS)
    assert "sensitivity needs --input current" in refused(*one, "--hold", "sensitivity>=0")
    assert "--lock volts: unknown channel" in refused(*one, "--lock", "volts=1V")
    assert "--spread is for one aim" in refused(*one, "--maximise", "return_rate", "--spread", "alpha=1%")
    assert "'size' is neither a number of the orbit nor a parameter" in refused(*start, "--minimise", "size", *BOUNDS)
