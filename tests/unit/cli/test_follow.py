"""`llgrad follow`."""

import json


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
