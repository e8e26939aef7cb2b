"""`llgrad train`, `evaluate` and `design` of regressions: targets in a file, or what comes next of a signal."""

from __future__ import annotations

import json

import numpy as np
import pytest

import llgrad as lg
from llgrad.core.files import read_json
from llgrad.networks.files import load_network

pytestmark = pytest.mark.float32

SMALL = ("--oscillators", "4", "--epochs", "2", "--seed", "4")
WAVE = np.sin(0.4 * np.arange(241)) + 2.0


@pytest.fixture(autouse=True)
def files(tmp_path):
    """A wave to predict, and signals with targets, as arrays and as a table."""
    u = np.random.default_rng(0).random((12, 20, 2))
    y = np.stack([u[..., 0] - u[..., 1], np.cumsum(u[..., 0], axis=1) / 20], axis=2)
    np.savetxt(tmp_path / "wave.csv", WAVE, header="u", comments="")
    np.savez(tmp_path / "pairs.npz", signals=u, targets=y, names=["difference", "sum"])
    np.savez(tmp_path / "labelled.npz", signals=u, labels=np.arange(12) % 2)
    np.savez(tmp_path / "one.npz", signals=u[:1], targets=y[:1])
    rows = [f"{n},{a:.6f},{b:.6f},{y[n, t, 0]:.6f}" for n in range(12) for t, (a, b) in enumerate(u[n])]
    (tmp_path / "pairs.csv").write_text("\n".join(["sample,a,b,target difference", *rows]))
    return u, y


def test_what_comes_next_is_predicted_tested_resumed_and_exported(llgrad, tmp_path):
    options = ("--ahead", "2", "--piece", "20", "--washout", "5", *SMALL)
    ended = llgrad("train", "wave.csv", *options, "--out", "run")
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[1].startswith("training: loss ") and ", NRMSE " in lines[1]
    assert lines[2].startswith("test: NRMSE ") and lines[2].endswith(" over 2 signals")
    assert lines[4] == "linear taps, ridge regression on the last 6 frames: NRMSE 0.0000"  # a sine is its last two
    network = load_network(tmp_path / "run" / "network.json")
    assert isinstance(network, lg.networks.OscillatorRegressor) and network.answered(20) == range(5, 20)
    pictures = {file.stem for file in (tmp_path / "run" / "pictures").iterdir()}
    assert pictures == {"learning_curves", "predictions", "pulse", "response", "settings", "signal"}
    entry = json.loads(llgrad("evaluate", "run", "--json").out)
    result = read_json(tmp_path / "run" / "result.json", "result")
    assert entry["nrmse"] == result["test"]["nrmse"] and entry["linear_taps"]["taps"] == 6
    pieces = lg.data.TargetSignals.next_steps(WAVE, 2).cut(20)
    test = lg.data.TargetSet.last_kept(pieces, 0.2).test
    assert lg.training.evaluate(network, test).loss == entry["loss"]
    drawn = llgrad("evaluate", "run", "--spread", "5%", "--arrays", 2)
    assert "variance told (%) of arrays with spread 5 %:" in drawn.out
    within = llgrad("design", "run", "--out", "design", "--dac-bits", 8)
    assert "test: NRMSE " in within.out
    assert json.loads(llgrad("evaluate", "design", "--json").out)["loss"] == entry["loss"]
    assert llgrad("train", "wave.csv", *options, "--out", "parts", "--no-pictures", "--time-limit", "1us").status == 0
    assert llgrad("train", "--resume", "parts", "--no-pictures").status == 0
    arrays = [read_json(tmp_path / run / "network.json", "network")["arrays"] for run in ("run", "parts")]
    assert arrays[0] == arrays[1]


def test_targets_of_a_file_are_told_by_name(llgrad, files, tmp_path):
    u, y = files
    read = lg.data.read_targets(tmp_path / "pairs.csv")
    assert read.classes == ("difference",)
    np.testing.assert_allclose(read.values, u, atol=1e-6)
    np.testing.assert_allclose(read.labels, y[..., :1], atol=1e-6)
    ended = llgrad("train", "pairs.npz", "--validation", "20%", "--no-pictures", *SMALL, "--out", "run")
    assert ended.status == 0 and "validation: NRMSE " in ended.out
    run = read_json(tmp_path / "run" / "run.json", "run")
    assert run["images"]["classes"] == ["difference", "sum"] and run["images"]["shape"] == [20, 2]
    assert "the last 1" not in ended.out and "the last frame: NRMSE" in ended.out
    assert llgrad("train", "pairs.csv", "--no-pictures", *SMALL, "--out", "table").status == 0


REFUSED = [
    (("pairs.npz", "--ahead", "1"), "has targets, and the signal 1 frames ahead was asked for; leave one of them out"),
    (("pairs.npz", "--front", "logmel"), "--front is for signals, and these are signals with targets; leave it out"),
    (("pairs.npz", "--shift", "1"), "--shift is for images, and these are signals with targets; leave it out"),
    (("labelled.npz", "--washout", "3"), "--washout is for signals with targets, and these are signals; leave it out"),
    (("labelled.npz", "--ahead", "3"), "has an array 'labels', which has no meaning here; expected signals, targets"),
    (("digits", "--piece", "3"), "--piece is for signals with targets, and these are images; leave it out"),
    (("pairs.npz", "--test", "index=0"), "of signals with targets the last part is kept to test, as in --test part"),
    (("pairs.npz", "--frames-read", "2"), "--frames-read is for classes; signals with targets are answered at each"),
    (("pairs.npz", "--network", "tanh"), "--network tanh tells classes apart, and these signals have targets"),
    (("pairs.npz", "--washout", "20"), "washout = 20, expected frames from 0 to 19"),
    (("pairs.npz", "--piece", "21"), "frames = 21, and the signals have 20; give fewer"),
    (("one.npz", "--piece", "20"), "0 of 1 signals would be tested; leave some on either side"),
    (("nothing.csv", "--ahead", "1"), "does not exist; check the name and the folder"),
]


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED, ids=[" ".join(given) for given, _ in REFUSED])
def test_what_cannot_be_is_refused_in_one_sentence(refused, arguments, sentence):
    assert sentence in refused("train", *arguments, "--out", "run")


TABLES = {
    "u\n1\n2": "has no targets; name them, or ask for what comes next, by ahead=1",
    "target\n1\n2": "has no column of values besides target; add the features",
    "time,u,target\n0,1,2": "has a column of times, 'time', and frames are evenly spaced: leave it out",
    "u,target\n1,2\n1": "line 3: 1 cells, expected the 2 of the header",
    "u,target\n1,x": "line 2: 'x' in column 'target' is no finite number; mend it",
    "sample,u,target\na,1,2\nb,1,2\na,1,2": "line 4: sample a comes again below another; keep its rows together",
    "sample,u,target\na,1,2\nb,1,2\nb,1,2": "sample a has 1 frames and sample b 2; expected signals of one length",
    "sample,sample,u,target\na,a,1,2": "has two columns for sample; keep one of them",
    "u,target": "has no rows; expected a header, and a row of numbers for each frame",
}


@pytest.mark.parametrize(("text", "sentence"), TABLES.items(), ids=list(TABLES.values()))
def test_a_table_that_cannot_be_read_is_told_in_one_sentence(tmp_path, text, sentence):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(ValueError) as caught:
        lg.data.read_targets(tmp_path / "table.csv")
    assert sentence in str(caught.value) and "table.csv" in str(caught.value) and "\n" not in str(caught.value)
