"""`llgrad follow`."""

import json

import llgrad as lg


def test_the_thresholds_the_picture_and_json(llgrad, refused, tmp_path):
    words = ("follow", "kubota2013", "current", "0mA", "5mA", "--field", "200Oe")
    ended = llgrad(*words, "--plot", "pictures", "--out", "all.csv")
    assert ended.status == 0, ended.err
    assert "current = 395.998 µA: Hopf, supercritical, 1.7273 GHz" in ended.out
    assert "current = 3.55025 mA: fold" in ended.out
    assert "cycles from current = 395.998 µA (1.7273 GHz): it grows from the Hopf point at 395.998 µA" in ended.out
    assert "its period grows without bound towards 3.55025 mA, where two states at rest appear on it" in ended.out
    assert (tmp_path / "pictures" / "branches.png").stat().st_size > 20_000
    assert (tmp_path / "all.csv").read_text().splitlines()[1].startswith("branch,kind,current,growing")
    entry = json.loads(llgrad(*words, "--json").out)
    assert [branch["ends"][0]["kind"] for branch in entry["cycles"]] == ["Hopf", "Hopf"]
    assert [point["kind"] for point in entry["thresholds"]] == ["Hopf", "Hopf", "fold", "fold", "branch point"]
    assert "unknown parameter 'curent'" in refused("follow", "kubota2013", "curent", "0mA", "5mA")
    assert "two different values" in refused("follow", "kubota2013", "current", "1mA", "1mA")


def test_where_the_states_of_a_system_are_looked_for(llgrad, refused, tmp_path):
    model = lg.systems.AmplitudeModel(omega_0=2e9, N=-5e8, Gamma_G=2e8, Q=0.5, sigma=4e11, current=1.0e-3)
    lg.save_device(tmp_path / "model.json", model)
    words = ("follow", "model.json", "current", "0.1mA", "1mA", "--within", "re=-2:2", "--within", "im=-2:2")
    ended = llgrad(*words, "--no-cycles")
    assert ended.status == 0, ended.err
    assert "current = 500 µA: Hopf, supercritical, 318.31 MHz" in ended.out
    ended = llgrad("equilibria", "model.json", "--within", "re=-2:2")
    assert ended.status == 0 and "re from -2 to 2" in ended.out
    assert "expected NAME=LOW:HIGH, two numbers" in refused(*words[:5], "--within", "re=2")
    assert "no component without a constraint; it can have im, re" in refused(*words[:5], "--within", "x=-1:1")
