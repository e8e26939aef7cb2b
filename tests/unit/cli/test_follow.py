"""`llgrad follow`."""

import json


def test_the_thresholds_the_picture_and_json(llgrad, refused, tmp_path):
    words = ("follow", "kubota2013", "current", "0mA", "5mA", "--field", "200Oe", "--plot", "pictures")
    ended = llgrad(*words)
    assert ended.status == 0, ended.err
    assert "current = 395.998 µA: Hopf, supercritical, 1.7273 GHz" in ended.out
    assert "current = 3.55025 mA: fold" in ended.out
    assert (tmp_path / "pictures" / "branches.png").stat().st_size > 20_000
    entry = json.loads(llgrad(*words[:7], "--json").out)
    assert [point["kind"] for point in entry["thresholds"]] == ["Hopf", "Hopf", "fold", "fold", "branch point"]
    assert "unknown parameter 'curent'" in refused("follow", "kubota2013", "curent", "0mA", "5mA")
    assert "two different values" in refused("follow", "kubota2013", "current", "1mA", "1mA")
