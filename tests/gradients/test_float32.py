"""Every leaf of a device has a finite gradient in float32 that agrees with float64 within 1e-3."""

import jax
import numpy as np
import pytest
from tests.gradients.derivatives import loss_of

import llgrad as lg
from llgrad.core.record import get_leaf, leaf_units, set_leaf
from llgrad.physics.anisotropy import UniaxialAnisotropy
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate

PRESET = lg.presets.kubota2013()
EASY_AXIS = UniaxialAnisotropy(H_k=0.05, H_k2=0.02, axis=lg.direction(1.5, 0.9))
DEVICES = {
    "preset": PRESET.replace(terms=(EASY_AXIS.replace(H_k=0.0, H_k2=0.0),)),
    "every leaf": PRESET.replace(
        H_k2=0.03,
        demag=(0.02, 0.05, 0.93),
        field_like=0.2,
        polariser=lg.direction(1.3, 0.2),
        field=(0.01, -0.02, 0.03),
        temperature=300.0,
        terms=(EASY_AXIS,),
    ),
}
START = lg.direction(1.1, 0.4)


def loss(values):
    device = DEVICES["preset"]
    for path, value in values.items():
        device = set_leaf(device, path, value)
    key = jax.random.key(3)
    return loss_of(simulate(device, duration=0.3e-9, dt=2e-12, m0=START, save=Every(15), key=key).m)


def gradients(dtype):
    """{device: {leaf: ∂loss/∂leaf}} in SI, computed in the default float type, which must be `dtype`."""
    gradient = jax.jit(jax.grad(loss))
    found = {}
    for name, device in DEVICES.items():
        values = gradient({path: get_leaf(device, path) for path in leaf_units(device)})
        assert {value.dtype for value in values.values()} == {np.dtype(dtype)}
        found[name] = {path: float(value) for path, value in values.items()}
    return found


def worst(found, exact):
    """Leaves whose gradient is not finite, or off by more than 1e-3."""
    return {
        path: (found[path], exact[path])
        for path in exact
        if not (np.isfinite(found[path]) and abs(found[path] - exact[path]) <= 1e-3 * abs(exact[path]))
    }


@pytest.mark.float32
def test_every_leaf_has_a_right_gradient_in_float32():
    found = gradients("float32")
    with jax.enable_x64(True):
        exact = gradients("float64")
    for name in DEVICES:
        assert worst(found[name], exact[name]) == {}, name
    assert all(value != 0 for value in exact["every leaf"].values())


def test_the_comparison_can_fail():
    exact = {"alpha": 1.0, "volume": 1e25, "Ms": 2.0}
    assert worst({"alpha": 1.0005, "volume": float("inf"), "Ms": 2.01}, exact).keys() == {"volume", "Ms"}
