"""The regressor: what comes next of a signal, its loss and score, files, and what it is not given."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from tests.networks.small import DEVICE, HOLD, bits, classifier

import llgrad as lg
from llgrad.networks.bench.files import load_design, save_design
from llgrad.networks.files import load_network, save_network
from llgrad.networks.prediction import predict

COURSE = np.sin(0.4 * np.arange(641)) + 2.0
PIECES = lg.data.TargetSignals.next_steps(COURSE, frames=20)
SET = lg.data.TargetSet(PIECES.take(np.arange(32) % 4 < 3), PIECES.take(np.arange(32) % 4 == 3))
TWO = lg.training.Recipe(batch=2)


def regressor(**options: Any) -> lg.networks.OscillatorRegressor:
    options = {"oscillators": 8, "hold": HOLD, "dt": 25e-12, "washout": 4, **options}
    with jax.enable_x64(False):
        return lg.networks.OscillatorRegressor.of(DEVICE, SET.train, key=jax.random.key(0), **options)


@pytest.mark.float32
def test_training_tells_what_comes_next(tmp_path):
    network = regressor()
    begun = lg.training.evaluate(network, SET.test)
    # after 60 epochs the error is still falling, and what it is then hangs on the last bits
    recipe = lg.training.Recipe(epochs=200, batch=6, learning_rate=2e-2, weight_decay=0.0)
    found = lg.training.train(network, SET, recipe, out=tmp_path / "run")
    assert found.test is not None and found.accuracy == found.test.accuracy
    persistence = (
        np.square(SET.test.labels - SET.test.values)[:, 4:].sum() / np.square(SET.test.labels[:, 4:] - 2).sum()
    )
    assert 2 * found.test.loss < persistence < 0.2 < begun.loss
    answers = predict(found.network, SET.test)
    wanted = SET.test.labels[:, 4:]
    assert answers.shape == wanted.shape == (8, 16, 1)
    spread = np.square(wanted - wanted.mean()).sum()
    np.testing.assert_allclose(found.test.loss, np.square(answers - wanted).sum() / spread, rtol=1e-5)
    assert f"NRMSE {np.sqrt(found.test.loss):.4f} over 8 signals" in str(found)
    assert lg.training.resume(tmp_path / "run", SET).accuracy == found.accuracy
    streamed = lg.networks.stream(found.network, SET.test.values).answers[:, 4:]
    np.testing.assert_allclose(streamed, answers, atol=1e-4)


def test_the_loss_is_in_units_of_the_spread_of_the_targets():
    network, given = regressor(every=5), SET.train.batch(slice(0, 2))
    assert network.answered(20) == range(4, 20, 5)
    answers = network(given)
    wanted = SET.train.labels[:2, 4::5]
    scale = SET.train.labels.std()
    expected = np.square((np.asarray(answers) - wanted) / scale).mean(axis=(1, 2))
    np.testing.assert_allclose(network.losses(answers, SET.train.labels[:2]), expected, rtol=1e-5)
    np.testing.assert_allclose(network.score(answers, SET.train.labels[:2]), (1 - expected).sum(), rtol=1e-5)


def two(first: float, second: float) -> lg.data.TargetSignals:
    """A course and its square, each in a unit of its own."""
    wanted = np.concatenate([first * PIECES.labels, second * PIECES.labels**2], axis=2)
    return lg.data.TargetSignals(PIECES.values, wanted, ("course", "square"))


@pytest.mark.parametrize("units", [(1.0, 1.0), (1e-9, 1e3), (1e6, 1e-3)])
def test_no_number_counts_for_more_by_its_unit(units):
    with jax.enable_x64(False):
        errors = [
            lg.training.evaluate(lg.networks.OscillatorRegressor.of(
                DEVICE, made, key=jax.random.key(0), oscillators=8, hold=HOLD, dt=25e-12, washout=4
            ), made).loss
            for made in (two(*units), two(1.0, 1.0))
        ]  # fmt: skip
    np.testing.assert_allclose(errors[0], errors[1], rtol=1e-4)


SOME = lg.data.Signals([np.ones(3), np.ones(4), np.zeros(4), np.zeros(3)], [0, 0, 1, 1])
RAGGED = lg.data.SignalSet(SOME, SOME)
ALIKE = lg.data.SignalSet(SOME.take([1, 1]), SOME.take([2]))


def test_a_target_that_never_changes_is_told_before_training():
    still = lg.data.TargetSignals(PIECES.values, np.concatenate([PIECES.labels, 0 * PIECES.labels + 2], axis=2), "ab")
    moving = two(1.0, 1.0)
    moving = lg.data.TargetSignals(moving.values, moving.labels, "ab")
    network = lg.networks.OscillatorRegressor.of(
        DEVICE, moving, key=jax.random.key(0), oscillators=8, hold=HOLD, dt=25e-12
    )
    told = "the target 'b' is 2 at each frame that is read of all 32 signals, so that an error has no measure"
    for ask in (
        lambda: lg.training.evaluate(network, still),
        lambda: lg.training.train(network, lg.data.TargetSet(moving, still), lg.training.Recipe(batch=4)),
    ):
        with pytest.raises(ValueError, match=told):
            ask()


def test_files_hold_what_predicts(tmp_path):
    network = regressor(segment=7)
    save_network(tmp_path / "network.json", network)
    loaded: Any = load_network(tmp_path / "network.json")
    assert loaded.spec() == network.spec() and loaded.backward == network.backward
    assert bits(predict(loaded, SET.test)) == bits(predict(network, SET.test))
    save_design(tmp_path / "design.json", network.design())
    assert bits(predict(load_design(tmp_path / "design.json"), SET.test)) == bits(predict(network, SET.test))


def signals() -> lg.data.SignalSet:
    part = lg.data.Signals(np.zeros((4, 20, 1)), [0, 1, 2, 0], "abc")
    return lg.data.SignalSet(part, part)


OF_SIGNALS: dict[str, Any] = {"shape": (20, 1), "frames": lg.networks.Frames.SIGNAL}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: lg.training.train(regressor(), signals(), TWO), "the network has an answer at each frame, and"),
        (lambda: lg.training.train(classifier(**OF_SIGNALS), SET, TWO), "one answer to a signal, and the signal"),
        (lambda: lg.training.train(classifier(**OF_SIGNALS), signals(), lg.training.Recipe(batch=2, shift=1)),
         "shift, rotation, zoom and mirror move images, and these are signals; leave them out"),
        (lambda: lg.training.train(classifier(shape=(20, 2), frames=OF_SIGNALS["frames"]), signals(), TWO),
         "the signals have the shape 20×1 .frames × features., and the network is made for frames of 2 features"),
        (lambda: classifier(**OF_SIGNALS, segment=2, truncate=3), "segment = 2 and truncate = 3: what is truncated"),
        (lambda: classifier(**OF_SIGNALS, segment=0), "segment = 0, expected a whole number of frames from 1, or None"),
        (lambda: classifier(**OF_SIGNALS, pooling=lg.networks.Pooling.EACH), "an OscillatorRegressor answers at each"),
        (lambda: regressor(washout=20), "washout = 20, expected frames from 0 to 19: the signals have 20"),
        (lambda: lg.data.TargetSignals.next_steps(np.ones(9), ahead=9), "the signal has 9 frames, expected more than"),
        (lambda: lg.data.TargetSignals(np.ones((2, 9)), np.ones((2, 8))), "expected targets for each frame"),
        (lambda: lg.data.TargetSignals(np.ones((1, 2)), np.ones((1, 2, 2)), "aa"), "the target 'a' comes twice"),
        (lambda: lg.data.TargetSignals.next_steps([[1.0, 2.0], [1.0]]), "the signal: lists of different lengths"),
        (lambda: classifier(frames=lg.networks.Frames.ROWS, frames_read=5), "frames_read = 5, and of 4 frames"),
        (lambda: classifier(dt=0.0), "hold = 2e-10 s and dt = 0.0 s: expected 0 < dt <= hold"),
        (lambda: classifier(frames="rows"), "frames is a str, expected a Frames; such as lg.networks.Frames.SIGNAL"),
        (lambda: classifier(pooling="mean"), "pooling is a str, expected a Pooling; such as lg.networks.Pooling.MEAN"),
        (lambda: classifier(start="up"), r"start = 'up', expected a unit vector \(x, y, z\)"),
        (lambda: classifier(start=(np.nan, 0, 1)), r"start = \(nan, 0, 1\), expected a unit vector"),
        (lambda: classifier(limits={"field": (0, 1)}), "limits is a dict, expected a Limits"),
        (lambda: classifier(limits=lg.networks.Limits(field=("0mT", "1mT"))), "limits of field are .*, expected"),
        (lambda: classifier(centre="a"), "centre = 'a', expected numbers"),
        (lambda: classifier(imperfections={"spread": 0.1}), "imperfections is a dict, expected an Imperfections"),
        (lambda: classifier()(np.full((2, 4, 4), np.nan, np.float32)), r"number \(0, 0\) of sample 0 is nan"),
        (lambda: lg.networks.Imperfections(rise_time=50), "rise_time = 50 s, expected seconds below"),
        (lambda: lg.networks.OscillatorRegressor.of(DEVICE, PIECES, key=jax.random.key(0), frames_read=3),
         "frames_read follows from the signals, washout and every; leave it out"),
        (lambda: lg.networks.SoftmaxNetwork.create((6, 1), 2)(np.zeros((2, 5, 1))), "have the shape 5×1, and the"),
        (lambda: lg.networks.TanhNetwork.create((6, 1), 2, 3, jax.random.key(0), np.zeros(3)), "centre has the shape"),
        (lambda: lg.training.train(lg.networks.SoftmaxNetwork.create((4, 1), 2), RAGGED, lg.training.Recipe(batch=2)),
         "the signals have different lengths, and this network is made for one number of frames; cut them"),
        (lambda: lg.training.train(lg.networks.SoftmaxNetwork.create((4, 1), 2), ALIKE, lg.training.Recipe(batch=2)),
         "the signals to train on are of one class, expected at least two"),
        (lambda: PIECES.take([]), "no signal is left; choose at least one"),
        (lambda: lg.data.TargetSignals(np.ones((1, 2)), [[0.0, np.nan]]), "number 0 of frame 1 of signal 0 of targets"),
        (lambda: lg.networks.OscillatorRegressor.of(DEVICE, lg.data.TargetSignals(np.ones((1, 3)), np.ones((1, 3))),
                                                    key=jax.random.key(0)), "the target '0' is 1 at each frame"),
        (lambda: lg.networks.stream(classifier(**OF_SIGNALS), np.zeros((3, 2))), "the piece has frames of 2 features"),
        (lambda: lg.networks.stream(classifier(**OF_SIGNALS), [[0.0], [np.nan]]), "feature 0 of frame 1 of the"),
        (lambda: lg.networks.stream(classifier(**OF_SIGNALS), np.zeros((2, 3, 1)),
                                    lg.networks.stream(classifier(**OF_SIGNALS), np.zeros((3, 1))).held),
         "held is of another network, of another number of signals than the 2 of this piece"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_one_sentence(make: Any, sentence: str):
    with pytest.raises(ValueError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("index", [3, [3], slice(3, 4), np.arange(32) == 3], ids=["number", "list", "slice", "mask"])
@pytest.mark.parametrize("kind", ["images", "signals", "targets"])
def test_one_sample_is_a_batch_of_one_however_it_is_named(index: Any, kind: str):
    values, labels = np.random.default_rng(0).random((32, 4, 2)), np.arange(32) % 2
    many = {
        "images": lambda: lg.data.Images(values, labels, 1.0, "ab"),
        "signals": lambda: lg.data.Signals(values, labels),
        "targets": lambda: lg.data.TargetSignals(values, values[..., 0]),
    }[kind]()
    assert len(many.take(index)) == 1
    for found in (many.take(index).batch([0]), many.batch(index)):
        np.testing.assert_array_equal(found, np.float32(values[3:4]))
