"""`llgrad reservoir`."""

import json

import pytest

import llgrad as lg

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


def test_a_fitted_reservoir_is_written_as_a_bench_design(llgrad, tmp_path):
    ended = llgrad("reservoir", "narma2", *SMALL, "--noise", "0", "--design", "bench", "--dac-bits", 6)
    assert (ended.status, ended.err) == (0, "")
    assert "with settings of 6 bits" in ended.out and "wrote bench/design.json" in ended.out
    loaded = lg.reservoir.load_reservoir(tmp_path / "bench" / "design.json")
    told = float(ended.out.split(" with settings of 6 bits")[0].split()[-1])
    rest = lg.reservoir.narma(2, length=500, seed=0).split(0.5)[1]
    assert loaded.errors(rest.signal, rest.target)[0] == pytest.approx(told, rel=1e-3)
    assert {file.name for file in (tmp_path / "bench").iterdir()} == {
        *("design.json", "time_line.csv", "drive.csv", "readout.csv")
    }
    again = llgrad("reservoir", "narma2", *SMALL, "--design", "bench")
    assert again.status != 0 and "exists already and is kept; choose another --design, or add --force" in again.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("narma3",),
            "task 'narma3': expected one of narma2, narma5, narma10, stm, parity, mackey-glass, sine-square, capacity",
        ),
        (("stm", "--input", "field"), "input = 'field', but a signal can act on current, field_x"),
        (("stm", "--gain", "5"), "--gain"),
        (("stm", "--dac-bits", "8"), "--dac-bits is the resolution of a bench; add --design DIR"),
        (("capacity", "--design", "x"), "--design is of a read-out that was fitted, and capacity has none"),
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


def test_too_few_symbols_are_told_before_the_work(refused):
    told = "--length 431: expected 432 symbols or more; half of them are fitted and half tested, and the first 100 of"
    assert told in refused("reservoir", "narma2", "--length", "431")
