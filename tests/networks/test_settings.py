"""Settings stay within their limits whatever training makes of the numbers behind them."""

from __future__ import annotations

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.networks.small import COUNT, DEVICE, HOLD, PARTS, UNIT, classifier, pixels

import llgrad as lg
from llgrad.networks.bench.response import input_field
from llgrad.networks.trained.layer import usual_limits

numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
vectors = arrays.arrays(np.float32, COUNT, elements=numbers)
matrices = arrays.arrays(np.float32, (COUNT, COUNT), elements=numbers)
LIMITS = lg.networks.Limits(0.1, 0.3, (-0.02, 0.05), (-1e-3, 3e-3), (0.002, 0.1))


def settings_of(**raw):
    with jax.enable_x64(False):
        layer = classifier(limits=LIMITS).layers[0]
        return dataclasses.replace(layer, **{name: jnp.asarray(value) for name, value in raw.items()}).settings()


@given(vectors, vectors, vectors, matrices)
def test_any_numbers_give_settings_within_the_limits(field, current, alpha, coupling):
    settings = settings_of(field=field, current=current, alpha=alpha, coupling=coupling)
    for name, (low, high) in {"field": LIMITS.field, "current": LIMITS.current, "alpha": LIMITS.damping}.items():
        value = np.asarray(getattr(settings, name))
        edge = 1e-6 * (high - low)
        assert np.all((value >= low - edge) & (value <= high + edge)), name
    weights = np.asarray(settings.coupling)
    assert np.isfinite(weights).all() and not np.diag(weights).any()
    assert np.abs(weights.astype(float)).sum(axis=1).max() <= LIMITS.coupling * (1 + 1e-5)


@given(matrices)
def test_a_row_of_the_coupling_keeps_its_proportions(coupling):
    scaled = coupling / (1 + np.abs(coupling).max())
    weights = np.asarray(settings_of(coupling=scaled).coupling, float)
    plain = UNIT * scaled.astype(float) * (1 - np.eye(COUNT))
    total = np.abs(plain).sum(axis=1, keepdims=True)
    expected = plain * np.where(total > LIMITS.coupling, LIMITS.coupling / np.maximum(total, 1e-30), 1.0)
    np.testing.assert_allclose(weights, expected, rtol=1e-5, atol=1e-8)


def test_the_input_field_is_cut_off_at_its_limit():
    settings = classifier(limits=LIMITS).design().stages[0].settings
    strong = settings.replace(gains=1e3 * settings.gains)
    field = np.asarray(input_field(strong, pixels(6).reshape(1, 6, -1)))
    assert field.shape == (1, 6, COUNT) and np.abs(field).max() == np.float32(LIMITS.input)


def test_damping_is_the_device_s_own_unless_it_is_trained():
    assert set(classifier().design().stages[0].settings.alpha.tolist()) == {np.float32(DEVICE.alpha)}
    network = classifier(trained=(lg.networks.Part.DAMPING,))
    raised = eqx.tree_at(lambda net: net.layers[0].alpha, network, network.layers[0].alpha + 1)
    assert (raised.design().stages[0].settings.alpha > 2 * DEVICE.alpha).all()


def test_usual_limits_are_in_units_of_half_a_turn():
    limits = usual_limits(DEVICE, HOLD)
    assert (limits.input, limits.coupling, limits.field) == (3 * UNIT, 8 * UNIT, (-UNIT, UNIT))
    assert limits.current == (-5e-3, 5e-3)
    assert pytest.approx(np.pi) == DEVICE.gamma * UNIT * HOLD
    assert usual_limits(DEVICE, HOLD, 4).input == pytest.approx(limits.input / 2), "turns of frames add up at random"


def test_a_network_keeps_its_unit_and_an_older_one_has_that_of_a_single_frame():
    network = classifier(frames=lg.networks.Frames.ROWS)
    spec = network.spec()
    assert network.layers[0].unit == pytest.approx(UNIT / np.sqrt(network.shape[0]))
    assert type(network).from_spec(spec).layers[0].unit == network.layers[0].unit
    with pytest.raises(ValueError, match=r"unit = 0\.0 T, expected a positive field"):
        classifier(unit=0.0)
    del spec["unit"]
    assert type(network).from_spec(spec).layers[0].unit == UNIT


@pytest.mark.parametrize("part", list(lg.networks.Part))
def test_what_is_trained_is_what_was_chosen(part):
    network = classifier(trained=(part,))
    chosen = jax.tree.leaves(eqx.filter(network, network.trainable()))
    assert {id(leaf) for leaf in chosen} == {id(leaf) for leaf in PARTS[part](network)}


def test_limits_away_from_the_usual_start_are_met():
    limits = lg.networks.Limits(0.1, 0.3, (0.05, 0.06), (-3e-3, -1e-3), (0.2, 0.3))
    settings = classifier(limits=limits, trained=tuple(lg.networks.Part)).design().stages[0].settings
    for name, (low, high) in {"field": limits.field, "current": limits.current, "alpha": limits.damping}.items():
        value = np.asarray(getattr(settings, name))
        assert np.all((value > low) & (value < high)), name


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"input": -0.1}, r"the limit of input is -0.1 T, expected a positive field"),
        ({"field": (0.1, -0.1)}, r"the limits of field are \(0.1, -0.1\), expected two numbers \(low, high\)"),
        ({"damping": (0.0, 0.1)}, r"the limits of damping are \(0.0, 0.1\), expected two positive numbers"),
    ],
)
def test_impossible_limits_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        classifier(limits=LIMITS._replace(**change))
