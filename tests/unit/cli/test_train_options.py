"""What `llgrad train` can be told, what it writes down of it, and the pictures that it draws."""

from __future__ import annotations

import json

import jax
import numpy as np
import pytest

from llgrad.cli.networks.defaults import BY_SET
from llgrad.cli.networks.learning.network import network_of
from llgrad.cli.networks.learning.options import NetworkKind
from llgrad.cli.networks.pictures import least_loss
from llgrad.core.files import read_json
from llgrad.datasets.images.images import Images, ImageSet
from llgrad.networks.baselines import SoftmaxNetwork, TanhNetwork
from llgrad.networks.bench.readout import Signal
from llgrad.networks.bench.timeline import Frames
from llgrad.networks.files import network_from_spec
from llgrad.networks.network import cross_entropy
from llgrad.networks.trained.layer import Part

pytestmark = pytest.mark.float32

SMALL = ("--batch", "20", "--epochs", "1", "--seed", "4")
ALWAYS = {"learning_curves", "confusion", "examples"}


def some(count):
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    pixels = rng.integers(0, 120, (count, 6, 4)).astype(np.uint8)
    pixels[np.arange(count), 2 * labels] += 100
    return Images(pixels, labels, 255.0, "abc")


@pytest.fixture(scope="module")
def data():
    return ImageSet("rows", some(60), some(12), {})


@pytest.fixture
def images(tmp_path):
    part = some(60)
    file = tmp_path / "rows.npz"
    np.savez(file, images=part.pixels, labels=part.labels)
    return file


def made(data, **given):
    return network_of(BY_SET["digits"], {"oscillators": "3", **given}, data, 0)


def test_the_defaults_show_the_whole_image(data):
    network = network_of(BY_SET["digits"], {}, data, 0)
    timeline = network.layers[0].timeline
    assert (network.layers[0].count, timeline.frames, timeline.readouts) == (128, Frames.WHOLE, 1)
    assert (timeline.hold, timeline.steps) == (0.44e-9, 16)
    assert network.imperfections is None and Part.DAMPING not in network.trained


def test_a_sequence_has_short_frames_and_is_read_where_it_says(data):
    rows, pixels = made(data, frames=Frames.ROWS), made(data, frames=Frames.PIXELS, readouts=2)
    assert (rows.layers[0].timeline.hold, rows.layers[0].timeline.steps) == (0.05e-9, 2)
    assert rows.layers[0].timeline.frames_read == 6 and rows.readout.weights.shape == (6 * 3 * 3, 3)
    assert pixels.layers[0].timeline.frames_read == 4 and pixels.readout.weights.shape == (4 * 2 * 3 * 3, 3)
    last = made(data, frames=Frames.ROWS, frames_read=1, duration="0.3ns", dt="50ps", signal=Signal.X)
    assert (last.layers[0].timeline.hold, last.layers[0].timeline.steps) == (0.3e-9, 6)
    assert last.readout.weights.shape == (3, 3)


def test_what_is_trained(data):
    assert Part.DAMPING in made(data, also="damping").trained and len(made(data, also="damping").trained) == 6
    assert made(data, only="readout").trained == (Part.READOUT,)
    assert made(data, only="readout, field").trained == (Part.FIELD, Part.READOUT)
    without = made(data, no_coupling=True)
    assert Part.COUPLING not in without.trained and not np.asarray(without.layers[0].coupling).any()


def test_limits_hold_either_way(data):
    limits = made(data, max_field="500Oe", max_current="2mA", max_coupling="0.1T").layers[0].limits
    assert (limits.input, limits.field, limits.current) == (0.05, (-0.05, 0.05), (-2e-3, 2e-3))
    assert (limits.coupling, limits.damping) == (0.1, (0.001, 0.5))
    with jax.enable_x64(False):
        settings = made(data, max_field="500Oe").layers[0].settings()
    assert float(np.abs(settings.field).max()) < 0.05


def test_baselines(data):
    tanh, softmax = (
        made(data, network=NetworkKind.TANH),
        network_of(BY_SET["digits"], {"network": NetworkKind.SOFTMAX}, data, 0),
    )
    assert isinstance(tanh, TanhNetwork) and tanh.coupling.shape == (3, 3)
    assert isinstance(softmax, SoftmaxNetwork) and softmax.weights.shape == (24, 3)


CHOSEN = (
    *("--oscillators", "4", "--frames", "rows", "--frames-read", "3", "--signal", "x", "--train", "damping"),
    *(
        "--max-field",
        "2000Oe",
        "--spread",
        "5%",
        "--read-noise",
        "1%",
        "--bits",
        "8",
        "--jitter",
        "2ps",
        "--flicker",
        "2%",
    ),
    *("--rise-time", "20ps", "--label-smoothing", "5%", "--weight-decay", "0.01"),
)


def test_everything_is_written_down(llgrad, images, tmp_path):
    ended = llgrad("train", images, "--out", "run", *CHOSEN, *SMALL, "--time-limit", "1us")
    assert (ended.status, ended.err) == (0, "")
    entry = read_json(tmp_path / "run" / "run.json", "run")
    network = entry["network"]
    assert (network["frames"], network["frames_read"], network["signal"]) == ("rows", 3, "x")
    assert "damping" in network["trained"] and network["limits"]["field"] == [-0.2, 0.2]
    assert (entry["recipe"]["label_smoothing"], entry["recipe"]["weight_decay"]) == (0.05, 0.01)
    seen = network_from_spec(network).imperfections
    assert (seen.spread, seen.read_noise, seen.bits, seen.temperature) == (0.05, 0.01, 8, 0.0)
    assert (seen.jitter, seen.rise_time, seen.flicker) == pytest.approx((2e-12, 20e-12, 0.02))
    assert not (tmp_path / "run" / "pictures").exists()


@pytest.mark.slow
def test_a_run_with_many_options_is_resumed_to_its_pictures(llgrad, images, tmp_path):
    llgrad("train", images, "--out", "run", *CHOSEN, *SMALL, "--time-limit", "1us")
    done = llgrad("train", "--resume", "run")
    assert done.status == 0 and done.out.splitlines()[-1] == "pictures: run/pictures"
    names = {file.stem for file in (tmp_path / "run" / "pictures").iterdir()}
    assert names == ALWAYS | {"response", "settings"}


@pytest.mark.slow
def test_pictures_of_two_arrays_of_a_baseline_and_none(llgrad, images, tmp_path):
    folder = tmp_path / "run" / "pictures"
    ended = llgrad("train", images, "--out", "run", "--network", "softmax", "--json", *SMALL)
    assert json.loads(ended.out)["pictures"] == [f"run/pictures/{name}.png" for name in sorted(ALWAYS)]
    (folder / "mine.png").write_bytes(b"mine")
    again = llgrad("train", images, "--out", "run", "--force", "--no-pictures", "--network", "softmax", *SMALL)
    assert again.out.splitlines()[-1] == "run: run"
    assert [file.name for file in folder.iterdir()] == ["mine.png"]
    shown = llgrad("evaluate", "run", "--pictures")
    assert shown.out.splitlines()[1:] == [f"wrote run/pictures/{name}.png" for name in sorted(ALWAYS)]
    llgrad("train", images, "--out", "run", "--force", "--oscillators", "4,4", *SMALL)
    two = {f"{name}-{number}" for name in ("response", "settings") for number in (1, 2)}
    assert {file.stem for file in folder.iterdir()} == ALWAYS | two | {"mine"}


def test_a_run_is_kept_when_its_pictures_cannot_be_written(llgrad, images, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "pictures").write_text("a file")
    ended = llgrad("train", images, "--out", "run", "--network", "softmax", *SMALL)
    assert ended.status == 0 and ended.out.splitlines()[-1] == "run: run"
    assert ended.err.startswith("llgrad: the run is saved, its pictures are not: ")
    assert ended.err.endswith("; llgrad evaluate run --pictures draws them\n")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--network", "tanh", "--frames", "rows"), "--frames is for oscillators; leave it out with --network tanh"),
        (("--network", "softmax", "--oscillators", "3"), "--oscillators is for oscillators; leave it out with"),
        (("--network", "tanh", "--oscillators", "3,3"), "--network tanh has a single layer; give one number"),
        (("--network", "tanh", "--spread", "5%"), "--spread is for oscillators; leave it out with --network tanh"),
        (("--network", "tanh", "--train", "damping"), "--train is for oscillators; leave it out with --network tanh"),
        (("--network", "perceptron"), "Invalid value for '--network': "),
        (("--frames", "columns"), "Invalid value for '--frames': "),
        (("--frames", "rows", "--patch", "3,1"), "--patch is laid over the whole image; leave it out with --frames"),
        (("--frames", "rows", "--frames-read", "7"), "--frames-read 7: these images have 6 frames"),
        (("--patch", "3"), "--patch 3: expected the side of a patch and the stride, in pixels, such as 5,3"),
        (("--patch", "9,1"), "patch = 9 and stride = 1 do not fit images of 6×4 pixels"),
        (("--patch", "3,1", "--oscillators", "9"), "9 oscillators over 8 places of a 3×3 patch: expected a multiple"),
        (("--signal", "voltage"), "the voltage of an array cannot be read: its device has no junction"),
        (("--train", "volume"), "--train volume: there is no 'volume' to train; expected input, coupling, field"),
        (("--only", "readout", "--train", "damping"), "--train adds to what is trained by default and --only"),
        (("--only", "coupling", "--no-coupling"), "--only coupling leaves nothing to train with --no-coupling"),
        (("--max-field", "0Oe"), "--max-field 0Oe: expected more than zero; it holds either way"),
        (("--max-current", "3mT"), "--max-current: "),
        (("--spread", "60%"), "spread = 0.6, expected a fraction below 0.5; 10 % is 0.1"),
        (("--bits", "1"), "bits = 1, expected a resolution between 2 and 24 bits"),
        (("--label-smoothing", "2"), "label_smoothing = 2.0, expected"),
    ],
)
def test_what_makes_no_sense_is_refused(refused, images, options, sentence):
    assert refused("train", images, *SMALL, *options).startswith(sentence)


def test_no_option_of_the_network_goes_with_resume(llgrad, refused, images):
    llgrad("train", images, "--out", "run", "--network", "softmax", "--time-limit", "1us", *SMALL)
    for option in (("--train", "damping"), ("--no-coupling",), ("--frames", "rows"), ("--spread", "5%")):
        name = option[0]
        assert refused("train", "--resume", "run", *option) == (
            f"{name} cannot be changed in a run that was begun; leave it out with --resume"
        )


def test_the_least_loss_is_that_of_a_network_that_knows_the_smoothed_targets():
    smoothing, classes = 0.1, 10
    logits = np.log(np.full((1, classes), smoothing / classes, np.float32))
    logits[0, 3] = np.log(1 - smoothing + smoothing / classes)
    expected = float(cross_entropy(logits, np.array([3]), smoothing)[0])
    assert least_loss(smoothing, classes) == pytest.approx(expected, rel=1e-5)
    assert least_loss(0.0, classes) == 0.0


def test_the_help_shows_the_options_in_groups(llgrad):
    text = llgrad("train", "--help").out
    for group in ("Images", "Network", "What is trained", "Training", "Imperfections of real arrays", "The run"):
        assert f"─ {group}" in text
