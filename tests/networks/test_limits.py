"""What a bench can do, against what a design asks."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from tests.networks.small import bits, classifier, pixels

import llgrad as lg
from llgrad.networks.bench.limits import INPUT, excesses, largest_settings, set_on
from llgrad.networks.bench.response import input_field


def design_of(**changes):
    design = classifier().design()
    settings = design.stages[0].settings.replace(
        **{name: jnp.asarray(value, jnp.float32) for name, value in changes.items()}
    )
    return design.with_settings([settings])


def test_what_exceeds_a_bench_is_told():
    design = design_of(
        field=[0.01, -0.06, 0.05, 0.02, 0.07], current=[1e-3, -4e-3, 2e-3, 0, 1e-3], gains=np.zeros((16, 5))
    )
    found = excesses(design, lg.networks.Bench(field=0.05, current=3e-3))
    assert [str(one) for one in found] == [
        "field along z of array 1: 2 of 5 oscillators exceed 50 mT (500 Oe); the largest is 70 mT (700 Oe)",
        "current of array 1: 1 of 5 oscillators exceed 3 mA; the largest is 4 mA",
    ]
    assert excesses(design, lg.networks.Bench()) == excesses(design, lg.networks.Bench(field=0.07, current=4e-3)) == []


def test_the_largest_input_field_is_that_of_the_worst_image():
    settings = design_of(offset=[0.01, -0.02, 0, 0, 0.03]).stages[0].settings
    _, largest = largest_settings(settings)[INPUT]
    gains = np.asarray(settings.gains)
    worst = np.concatenate([(gains > 0).T, (gains < 0).T]).astype(np.float32)
    fields = np.asarray(input_field(settings, worst[None]))[0]
    np.testing.assert_allclose(np.abs(fields.reshape(2, 5, 5)).max(axis=0).diagonal(), largest, rtol=1e-5)
    assert np.all(np.abs(np.asarray(input_field(settings, pixels(50).reshape(1, 50, -1)))) <= largest * 1.00001)


def test_settings_are_cut_off_and_rounded():
    design = design_of(field=[0.01, -0.06, 0.05, 0.02, 0.07], current=[1e-3, -4e-3, 2e-3, 0, 1e-3])
    settings = set_on(design, lg.networks.Bench(field=0.05, current=3e-3, bits=8)).stages[0].settings
    for value, full in ((settings.field, 0.05), (settings.current, 3e-3)):
        steps = np.asarray(value, float) / (full / 127)
        np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
        assert np.abs(value).max() == pytest.approx(full)
    assert settings.input_limit == 0.05
    assert bits(set_on(design, lg.networks.Bench())) == bits(design)
    assert (
        excesses(
            set_on(design, lg.networks.Bench(field=0.05, current=3e-3)), lg.networks.Bench(field=0.05, current=3e-3)
        )
        == []
    )


def test_an_impossible_bench_is_refused():
    with pytest.raises(ValueError, match=r"field = -1.0, expected a positive number, or None for no limit"):
        lg.networks.Bench(field=-1)
    with pytest.raises(ValueError, match=r"bits = 40, expected a resolution between 2 and 24 bits"):
        lg.networks.Bench(bits=40)
