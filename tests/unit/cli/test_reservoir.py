"""`llgrad reservoir`."""

import json

import pytest

SMALL = ("--length", "500", "--nodes", "4", "--hold", "0.2ns", "--set", "current=0.5mA", "--set", "alpha=0.05")


def test_a_task_is_tuned_and_compared(llgrad, tmp_path):
    ranges = ("--tune", "gain=0T:200mT", "--steps", "2", "--starts", "1", "--resume", "search.npz")
    ended = llgrad("reservoir", "stm", *SMALL, *ranges, "--plot", "pictures", "--json")
    assert ended.status == 0, ended.err
    found = json.loads(ended.out)
    assert list(found["values"]) == ["as given", "tuned", "echo-state network", "30 linear taps"]
    assert found["measure"] == "capacity" and found["capacity"]["total"] == found["values"]["tuned"]
    for name in ("reservoir", "capacity"):
        assert (tmp_path / "pictures" / f"{name}.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("narma3",),
            "task 'narma3': expected one of narma2, narma5, narma10, stm, parity, mackey-glass, sine-square, capacity",
        ),
        (("stm", "--input", "field"), "input = 'field', but a signal can act on current, field_x"),
        (("stm", "--gain", "5"), "--gain"),
        (("stm", "--coupling", "1mT"), "--coupling is for an array; add --oscillators"),
        (("stm", "--oscillators", "0"), "--oscillators 0: expected one or more"),
        (("stm", "--starts", "2"), "--starts is for a search; add --tune gain=0T:50mT"),
        (("stm", "--resume", "search.npz"), "--resume is for a search; add --tune"),
        (("stm", "--tune", "gain"), "--tune 'gain': expected NAME=VALUE, such as --tune gain=0T:50mT"),
        (("stm", "--tune", "gain=1mT:2mT", "--tune", "gain=1mT:5mT"), "--tune gives gain twice (1mT:2mT, 1mT:5mT)"),
        (("stm", "--set", "alpha=0.01"), "--set gives alpha twice (0.05, 0.01); give it once"),
        (("stm", "--tune", "gain=1mT"), "expected two values (low, high)"),
    ],
)
def test_what_is_refused(refused, words, sentence):
    assert sentence in refused("reservoir", *SMALL, *words)
