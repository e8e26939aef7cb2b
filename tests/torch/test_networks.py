"""Layers and networks of oscillators in PyTorch: what JAX has of the same weights, in values, gradients, losses."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tests.torch.pytorch import DOUBLE, assert_close, torch

import llgrad as lg

STO = lg.presets.kubota2013()
Frames = lg.networks.Frames
SEQUENCE = {"oscillators": (6, 4), "frames": Frames.ROWS, "frames_read": 2, "readouts": 2}
FORMS = {
    "whole": {"oscillators": 6},
    "two arrays, row by row": SEQUENCE,
    "pixel by pixel": {"oscillators": 4, "frames": Frames.PIXELS, "hold": 1e-10, "signal": lg.networks.Signal.X},
    "a signal, every second frame": {"oscillators": 4, "frames": Frames.SIGNAL, "every": 2, "frames_read": None},
    "a signal, its mean": {"oscillators": 4, "frames": Frames.SIGNAL, "pooling": lg.networks.Pooling.MEAN},
    "patches": {"oscillators": 8, "patch": (2, 2), "coupling": False},
}


def network(**form):
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        return lg.OscillatorClassifier.create(STO, shape=(4, 4), classes=3, key=jax.random.key(0), **form)


def doubled(tree):
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float64) if isinstance(leaf, jax.Array) else leaf, tree)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_network_is_the_same_in_both_and_goes_back_as_a_design(form):
    made = network(**form)
    model = lg.torch.from_network(made, dtype=torch.float64)
    images = jax.random.uniform(jax.random.key(1), (3, 4, 4), jnp.float64)
    assert_close(model(lg.torch.to_torch(images)), doubled(made)(images), 1e-6)
    design, own = lg.torch.to_design(model, (4, 4)), made.design()
    with jax.enable_x64(False):
        pictures = images.astype(jnp.float32)
        assert (design(pictures) == own(pictures)).all()


def test_a_training_of_20_steps_has_the_losses_of_jax():
    made = network(oscillators=6)
    images = jax.random.uniform(jax.random.key(1), (8, 4, 4), jnp.float64)
    labels = np.arange(8, dtype=np.int32) % 3
    model = lg.torch.from_network(made, dtype=torch.float64)
    pictures, wanted = lg.torch.to_torch(images), torch.tensor(labels.tolist())
    trained = [one for one in model.parameters() if one.requires_grad]
    assert len(trained) == 7  # all but the damping
    rule, own = torch.optim.SGD(trained, lr=0.5), []
    for _ in range(20):
        rule.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(pictures), wanted)
        loss.backward()
        rule.step()
        own.append(loss.item())

    free = made.trainable()

    @jax.jit
    def step(net):
        def loss(net):
            return optax.softmax_cross_entropy_with_integer_labels(net(images), labels).mean()

        value, slope = jax.value_and_grad(loss)(net)
        change = jax.tree.map(lambda leaf, d, free: leaf - 0.5 * d if free else leaf, net, slope, free)
        return value, change

    net, theirs = doubled(made), []
    for _ in range(20):
        value, net = step(net)
        theirs.append(float(value))
    assert max(abs(np.divide(own, theirs) - 1)) < 1e-6 and own[-1] < 0.9 * own[0]


@pytest.fixture(scope="module")
def layer():
    return lg.torch.OscillatorLayer(STO, 5, 4, readouts=2, **DOUBLE)


def test_a_layer_has_settings_with_units_within_its_limits(layer):
    wide = copy.deepcopy(layer)
    with torch.no_grad():
        for one in wide.free.values():
            one.mul_(1e6)
    settings, units = wide.settings(), wide.units
    assert units == {"gains": "T", "offset": "T", "field": "T", "current": "A", "alpha": "1", "coupling": "T"}
    assert settings.keys() == units.keys() and settings["gains"].shape == (5, 4)
    limits = wide.layer().limits
    assert settings["current"].max() <= limits.current[1] and settings["field"].min() >= limits.field[0]
    assert settings["coupling"].abs().sum(1).max().item() <= limits.coupling * (1 + 1e-12)
    assert [name for name, one in layer.free.items() if not one.requires_grad] == ["alpha"]
    assert "Oscillator, 5 inputs → 4 devices → 24" in repr(layer) and layer.width == 24


def test_any_leading_axes_are_a_batch(layer):
    x = torch.rand(2, 3, 5, **DOUBLE, generator=torch.Generator().manual_seed(0))
    found = layer(x)
    assert found.shape == (2, 3, 24) and torch.allclose(layer(x[1, 2]), found[1, 2], rtol=1e-12)
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x), found)
    fresh = lg.torch.OscillatorLayer(STO, 5, 4, readouts=2, seed=1, **DOUBLE)
    fresh.load_state_dict(layer.state_dict())
    assert torch.equal(fresh(x), found)
    other = lg.torch.OscillatorLayer(STO, 5, 4, readouts=2, limits=lg.networks.Limits(coupling=0.01), **DOUBLE)
    with pytest.raises(RuntimeError, match="within other bounds than this module's"):
        other.load_state_dict(layer.state_dict())


def test_a_layer_of_systems():
    vortex = lg.presets.guslienko2014().replace(current=1e-3)
    layer = lg.torch.OscillatorLayer(
        vortex, 5, 4, hold=2e-9, frames=2, sequence=True, settings={"current": (0.0, 2e-3)}, coupling=("x", "field_x"),
        signal=("x", "y"), **DOUBLE,
    )  # fmt: skip
    found = layer(torch.rand(3, 2, 5, **DOUBLE))
    assert found.shape == (3, 2, 8) and layer.units["current"] == "A"
    found.sum().backward()
    assert (layer.free["current"].grad != 0).all()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda one: one([0.0] * 5), "x is a list, expected a tensor; give torch.tensor"),
        (lambda one: one(torch.zeros(0, 5)), r"x is a batch \(0,\) of no runs, expected one or more"),
        (lambda one: one(torch.zeros(2, 4)), r"x has the shape \(2, 4\), expected \(…, 5\)"),
        (lambda one: one(torch.zeros(2, 5).half()), r"x is of torch\.float16, expected torch\.float32 or"),
        (lambda one: one(torch.zeros(2, 5)), r"x is of single precision and weights of double"),
        (lambda one: lg.torch.OscillatorLayer(STO, 0, 4), "inputs = 0, expected a positive whole number"),
        (lambda one: lg.torch.to_design(torch.nn.Sequential(one)), "has to end with an OscillatorLayer and a"),
        (
            lambda one: lg.torch.to_design(torch.nn.Sequential(one, torch.nn.Linear(4, 2))),
            r"give \[24\] numbers and take \[4\]",
        ),
        (
            lambda one: lg.torch.to_design(torch.nn.Sequential(one, torch.nn.ReLU(), torch.nn.Linear(24, 2))),
            "the model has a ReLU among its layers, which no bench has",
        ),
        (
            lambda one: lg.torch.to_design(torch.nn.Sequential(one, torch.nn.Linear(24, 2)), (2, 2)),
            r"shape = \(2, 2\), and the first layer takes 1 frame\(s\) of 5 numbers",
        ),
    ],
)
def test_what_does_not_fit_is_told(layer, call, said):
    with pytest.raises(ValueError, match=said):
        call(layer)


def test_the_design_of_a_model_is_written_and_read(layer, tmp_path):
    model = torch.nn.Sequential(layer, torch.nn.Linear(24, 2, **DOUBLE))
    design = lg.torch.to_design(model, scale=255.0, classes=["a", "b"])
    lg.networks.save_design(tmp_path / "design.json", design)
    read = lg.networks.load_design(tmp_path / "design.json")
    images = jax.random.uniform(jax.random.key(1), (3, 1, 5), jnp.float32)
    with jax.enable_x64(False):
        logits = read(images)
        assert (logits == design(images)).all()
    assert read.classes == ("a", "b") and read.scale == 255.0
    assert_close(model(lg.torch.to_torch(images[:, 0]).double()), logits, 1e-3)
