"""`llgrad train` and `llgrad evaluate` on signals: what is printed beside, resumed, exported, and refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from llgrad.cli.networks.sources.signals import _front
from llgrad.core.files import read_json
from llgrad.networks.files import load_network

pytestmark = pytest.mark.float32

SMALL = ("--oscillators", "3", "--batch", "10", "--seed", "4", "--no-pictures")


@pytest.fixture
def signals(tmp_path):
    """Signals of one's own, of two lengths and two classes: a bump early or late."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    values = 0.1 * rng.normal(size=(60, 8, 2)) + 3.0
    values[np.arange(60), 1 + 3 * labels] += 1.0
    file = tmp_path / "bumps.npz"
    np.savez(file, signals=values, labels=labels, lengths=np.where(labels, 8, 7), groups=np.where(labels, "a", "b"))
    np.savez(tmp_path / "equal.npz", signals=values, labels=labels, indices=np.arange(60) // 2)
    np.savez(tmp_path / "bare.npz", signals=values)
    values[5, 2, 1] = np.nan
    np.savez(tmp_path / "broken.npz", signals=values, labels=labels)
    return file


def test_train_and_evaluate_tell_what_a_linear_softmax_makes_of_the_same_features(llgrad, signals, tmp_path):
    ended = llgrad("train", "equal.npz", "--test", "index=0:4", "--epochs", 2, "--out", "run", *SMALL)
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[2].startswith("test: accuracy ") and lines[2].endswith(" of 10 signals)")
    assert lines[-1] == "a linear softmax on the same features: accuracy 100.00% (10 of 10 signals)"
    entry = json.loads(llgrad("evaluate", "run", "--json").out)
    result = read_json(tmp_path / "run" / "result.json", "result")
    assert entry["accuracy"] == result["accuracy"] and entry["count"] == 10
    assert entry["linear_softmax"]["errors"] == 0 and entry["kind"] == "signals"
    said = llgrad("evaluate", "run").out.splitlines()
    assert said[0].startswith(lines[2]) and said[1] == lines[-1]
    assert llgrad("evaluate", "run", "--spread", "5%", "--arrays", 2).status == 0


def test_signals_of_different_lengths_are_read_by_their_mean_and_resumed_to_the_same_bits(llgrad, signals, tmp_path):
    options = ("--front", "raw:width=1,hold=2", "--epochs", 2, *SMALL)
    assert llgrad("train", signals, *options, "--out", "whole").status == 0
    assert llgrad("train", signals, *options, "--out", "parts", "--time-limit", "1us").status == 0
    ended = llgrad("train", "--resume", "parts", "--no-pictures")
    assert "each signal in 8 parts: accuracy" in ended.out
    files = [(tmp_path / run / "network.json") for run in ("whole", "parts")]
    spec, other = (read_json(file, "network") for file in files)
    assert spec["arrays"] == other["arrays"]
    assert (spec["network"]["frames"], spec["network"]["pooling"], spec["network"]["frames_read"]) == (
        *("signal", "mean"),
        None,
    )
    assert spec["network"]["shape"] == [16, 2] and len(spec["network"]["spread"]) == 2
    assert llgrad("design", "whole", "--out", "design").status == 0
    found = [json.loads(llgrad("evaluate", name, "--json").out) for name in ("whole", "design")]
    assert found[0]["loss"] == found[1]["loss"]


def test_changed_signals_are_written_down_resumed_and_given_to_the_linear_softmax_too(llgrad, signals, tmp_path):
    changes = ("--front", "normalised:variance=no", "--front", "deltas:width=1", "--augment", "stretch=10%,time_mask=2")
    assert llgrad("train", signals, *changes, "--epochs", 2, *SMALL, "--out", "whole").status == 0
    assert (
        llgrad("train", signals, *changes, "--epochs", 2, *SMALL, "--out", "parts", "--time-limit", "1us").status == 0
    )
    ended = llgrad("train", "--resume", "parts", "--no-pictures")
    line = "a linear softmax on the same features, augmented, each signal in 8 parts: accuracy"
    assert line in ended.out and "(augmented)" in ended.out and line in llgrad("evaluate", "whole").out
    specs = [read_json(tmp_path / run / "network.json", "network") for run in ("whole", "parts")]
    assert specs[0]["arrays"] == specs[1]["arrays"] and specs[0]["network"]["shape"] == [8, 4]
    entry = read_json(tmp_path / "whole" / "run.json", "run")["recipe"]["augmentation"]
    assert (entry["type"], entry["stretch"], entry["time_mask"], entry["warp"]) == ("SignalAugmentation", 0.1, 2, 0.0)


def test_pictures_show_the_first_signal(llgrad, signals, tmp_path):
    options = [part for part in SMALL if part != "--no-pictures"]
    assert (
        llgrad("train", "equal.npz", "--epochs", 1, "--every", 2, "--frames-read", 2, *options, "--out", "run").err
        == ""
    )
    network = load_network(tmp_path / "run" / "network.json")
    assert network.readout.weights.shape == (2 * 3 * 3, 2)
    drawn = {file.name for file in (tmp_path / "run" / "pictures").iterdir()}
    assert drawn == {"confusion.png", "learning_curves.png", "response.png", "settings.png", "signal.png", "pulse.png"}


REFUSED = [
    (("bumps.npz", "--frames", "rows"), "--frames is for images, and these are signals; leave it out"),
    (("bumps.npz", "--shift", "1"), "--shift is for images, and these are signals; leave it out"),
    (("digits", "--test", "part=10%"), "--test is for signals, and these are images; leave it out"),
    (("digits", "--front", "logmel"), "--front is for signals, and these are images; leave it out"),
    (("bumps.npz", "--test", "x=3"), "--test x=3, expected part=20%, index=0:4"),
    (("bumps.npz", "--test", "group=c"), "test = 'c' is no group; there are a, b"),
    (("bumps.npz", "--test", "index=0"), "the signals have no indices"),
    (("equal.npz", "--test", "index=0", "--split", "3"), "--split draws what --test part keeps"),
    (("bumps.npz", "--front", "mel"), "there is no 'mel'; expected logmel, raw, trimmed, normalised, deltas"),
    (
        ("bumps.npz", "--front", "logmel:hop=16mT"),
        "--front logmel:hop=16mT: hop: '16mT' is in T, expected a quantity in s",
    ),
    (
        ("bumps.npz", "--front", "raw:width=2,width=3"),
        "--front raw:width=2,width=3: width is given twice; give it once",
    ),
    (("bumps.npz", "--front", "raw:depth=3"), "expected NAME=VALUE of width, hold, such as width=1"),
    (("bumps.npz", "--front", "raw:width=x"), "'x' is no whole number"),
    (("bumps.npz", "--front", "logmel"), "the frames have 2 features, expected one for LogMel"),
    (("bumps.npz", "--front", "normalised:variance=1"), "1 is neither yes nor no"),
    (("bumps.npz", "--augment", "speed=3"), "--augment speed=3: expected NAME=VALUE of stretch, shift, warp"),
    (("bumps.npz", "--augment", "stretch=x%"), "--augment stretch=x%: 'x%' is no number"),
    (("bumps.npz", "--augment", "noise=-1"), "noise = -1.0, expected a part of the standard deviation"),
    (
        ("bumps.npz", "--batch", "10", "--augment", "feature_mask=3"),
        "feature_mask = 3, expected at most the 2 features of a frame",
    ),
    (("digits", "--augment", "noise=1"), "--augment is for signals, and these are images; leave it out"),
    (("bumps.npz", "--network", "tanh"), "needs signals of one number of frames; add --front segments:count=8"),
    (("bumps.npz", "--segment", "2", "--truncate", "3"), "what is truncated is a segment already; give one of them"),
    (("equal.npz", "--every", "4", "--frames-read", "3"), "these signals have 8 frames, of which --every 4 leaves 2"),
    (("broken.npz",), "feature 1 of frame 2 of signal 5 is nan; repair it"),
    (("bare.npz",), "has no array 'labels'"),
    (("digits", "--network", "softmax", "--every", "2"), "--every is for oscillators; leave it out"),
]


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED, ids=[" ".join(given) for given, _ in REFUSED])
def test_what_cannot_be_is_refused_in_one_sentence(refused, signals, arguments, sentence):
    assert sentence in refused("train", *arguments, "--out", "run")


def test_settings_of_front_ends_take_units():
    assert repr(_front("logmel:window=25ms,hop=10ms,high=3.8kHz")) == repr(
        _front("logmel:window=0.025,hop=0.01,high=3800")
    )
