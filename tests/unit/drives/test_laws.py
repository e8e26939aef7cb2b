"""Laws that every waveform obeys."""

import importlib
import json
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad.drives
from llgrad.core.record import dumps, from_json, leaf_units
from llgrad.drives.base import Sum, Waveform
from llgrad.drives.chirp import Chirp
from llgrad.drives.constant import Constant
from llgrad.drives.gaussian import GaussianPulse
from llgrad.drives.pulse import Pulse
from llgrad.drives.sampled import Sampled
from llgrad.drives.sine import Sine
from llgrad.drives.step import Step

UNEVEN = np.array([0.0, 0.3e-9, 1.1e-9, 1.2e-9, 2.9e-9])
EVEN = np.linspace(0.0, 2.9e-9, 5)
VALUES = np.array([0.1, -0.4, 0.3, 0.2, -0.1]) * 1e-3
WAVEFORMS = {
    "constant": Constant(1.5e-3),
    "step": Step(amplitude=-2e-3, start=1e-9, rise_time=0.3e-9),
    "pulse": Pulse(amplitude=0.01, start=0.8e-9, width=0.7e-9, rise_time=0.2e-9),
    "gaussian": GaussianPulse(amplitude=0.01, centre=1.2e-9, width=0.6e-9),
    "sine": Sine(amplitude=1e-3, frequency=1.3e9, phase=0.4),
    "chirp": Chirp(amplitude=0.02, start_frequency=0.5e9, stop_frequency=2e9, duration=2e-9, phase=0.2),
    "sampled evenly": Sampled(EVEN, VALUES),
    "sampled unevenly": Sampled(UNEVEN, VALUES),
    "sum": Step(1e-3, start=1e-9, rise_time=0.3e-9) + Sine(1e-4, frequency=2e9) + Constant(1e-3),
}
FOR_EACH = {
    "constant": Constant(np.array([1e-3, 2e-3, 3e-3])),
    "step": Step(amplitude=1e-3, start=np.array([0.5e-9, 1e-9, 1.5e-9])),
    "pulse": Pulse(amplitude=np.array([0.01, 0.02, 0.03]), start=1e-9, width=np.array([0.4e-9, 0.5e-9, 0.7e-9])),
    "gaussian": GaussianPulse(amplitude=0.01, centre=1.2e-9, width=np.array([0.4e-9, 0.5e-9, 0.7e-9])),
    "sine": Sine(amplitude=1e-3, frequency=np.array([1e9, 2e9, 3e9]), phase=np.array([0.0, 1.0, 2.0])),
    "chirp": Chirp(0.02, start_frequency=1e9, stop_frequency=np.array([1e9, 2e9, 3e9]), duration=2e-9),
    "sampled": Sampled(UNEVEN, VALUES[:, None] * np.array([1.0, 2.0, 3.0])),
    "sum": Constant(np.array([1e-3, 2e-3, 3e-3])) + Sine(1e-3, frequency=1e9),
}
TIMES = np.linspace(-0.51e-9, 3.17e-9, 32)

evaluate = jax.jit(lambda waveform, t: waveform(t))
every_waveform = pytest.mark.parametrize("waveform", WAVEFORMS.values(), ids=WAVEFORMS)
every_kind = pytest.mark.parametrize("waveform", [*WAVEFORMS.values(), FOR_EACH["sine"], FOR_EACH["sampled"]])
every_array = pytest.mark.parametrize("waveform", FOR_EACH.values(), ids=FOR_EACH)


def test_the_registry_is_complete():
    for module in pkgutil.iter_modules(llgrad.drives.__path__, "llgrad.drives."):
        importlib.import_module(module.name)
    ours = {kind for kind in Waveform.__subclasses__() if kind.__module__.startswith("llgrad.")}
    assert {type(waveform) for waveform in WAVEFORMS.values()} == ours


@every_waveform
@pytest.mark.parametrize("shape", [(), (2, 3), (0,)])
def test_the_value_has_the_shape_of_the_time(waveform, shape):
    t = np.linspace(0, 3e-9, int(np.prod(shape))).reshape(shape)
    values = evaluate(waveform, t)
    assert (values.shape, values.dtype) == (shape, jnp.float64)


@every_waveform
def test_it_is_elementwise(waveform):
    together = waveform(TIMES)
    assert np.allclose(together, [evaluate(waveform, t) for t in TIMES], rtol=1e-12, atol=1e-16)
    assert np.allclose(together, jax.jit(jax.vmap(waveform))(TIMES), rtol=1e-12, atol=1e-16)


@every_array
def test_each_oscillator_has_its_own(waveform):
    together = evaluate(waveform, TIMES)
    assert together.shape == (*TIMES.shape, 3)
    assert jax.eval_shape(waveform, TIMES.reshape(1, -1)).shape == (1, *TIMES.shape, 3)
    assert jax.eval_shape(waveform, 0.0).shape == (3,)
    for index in range(3):
        alone = jax.tree.map(lambda leaf, index=index: float(leaf[index]) if np.shape(leaf) == (3,) else leaf, waveform)
        if isinstance(waveform, Sampled):
            alone = Sampled(waveform.t, waveform.values[:, index])
        assert np.allclose(together[:, index], evaluate(alone, TIMES), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("waveform", [*WAVEFORMS.values(), *FOR_EACH.values()])
def test_the_peak_is_a_bound(waveform):
    largest = np.max(np.abs(evaluate(waveform, np.linspace(-1e-9, 6e-9, 999))), axis=0)
    assert np.all(largest <= np.asarray(waveform.peak()) * (1 + 1e-12))
    assert np.all(largest >= 0.5 * np.asarray(waveform.peak())), "the bound is needlessly wide"
    assert float(waveform.shortest_time()) > 0


@pytest.mark.parametrize("waveform", [*WAVEFORMS.values(), *FOR_EACH.values()])
def test_a_twentieth_of_the_shortest_time_resolves_it(waveform):
    """Linear interpolation on that grid is good to 2 %, and skips no sample."""
    dt = min(float(waveform.shortest_time()) / 20, 1e-9)
    if isinstance(waveform, Sampled):
        assert dt <= np.min(np.diff(waveform.t)) * (1 + 1e-12)
        return
    coarse = np.arange(-0.2e-9, 4e-9, dt)
    fine = np.linspace(coarse[0], coarse[-1], 999)
    values = np.asarray(evaluate(waveform, fine)).reshape(fine.size, -1)
    nodes = np.asarray(evaluate(waveform, coarse)).reshape(coarse.size, -1)
    scale = np.broadcast_to(np.asarray(waveform.peak()), values.shape[1:])
    for column in range(values.shape[1]):
        error = np.abs(np.interp(fine, coarse, nodes[:, column]) - values[:, column])
        assert np.max(error) <= 0.02 * scale[column]


def loss(waveform, t):
    """A scalar in which every value counts differently."""
    values = waveform(t)
    weights = jnp.cos(jnp.arange(values.size, dtype=values.dtype)).reshape(values.shape)
    return jnp.sum(weights * values)


reverse = jax.jit(jax.grad(loss))


def as_arrays(waveform, dtype):
    return jax.tree.map(lambda leaf: np.asarray(leaf, dtype), waveform)


@every_kind
def test_every_parameter_is_differentiable(waveform):
    leaves, structure = jax.tree.flatten(as_arrays(waveform, np.float64))
    value = jax.jit(loss)
    gradient = jax.tree.leaves(reverse(as_arrays(waveform, np.float64), TIMES))
    forward = jax.tree.leaves(jax.jit(jax.jacfwd(loss))(as_arrays(waveform, np.float64), TIMES))
    rng = np.random.default_rng(1)
    for index, leaf in enumerate(leaves):
        scale = float(np.max(np.abs(leaf))) or 1.0
        direction = rng.uniform(0.5, 1.0, leaf.shape) * scale

        def moved(step, index=index, direction=direction):
            new = [old + step * direction if i == index else old for i, old in enumerate(leaves)]
            return float(value(jax.tree.unflatten(structure, new), TIMES))

        h = 1e-5
        difference = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
        size = float(np.max(np.abs(waveform.peak())))
        assert float(np.sum(np.asarray(gradient[index]) * direction)) == pytest.approx(
            difference, rel=1e-6, abs=1e-8 * size
        )
        assert np.allclose(gradient[index], forward[index], rtol=1e-10, atol=1e-10 * size / scale)
        assert np.any(np.asarray(gradient[index]) != 0), "the parameter does not count"


@every_kind
def test_gradients_hold_in_float32(waveform):
    exact = jax.tree.leaves(reverse(as_arrays(waveform, np.float64), TIMES))
    rough = reverse(as_arrays(waveform, np.float32), TIMES.astype(np.float32))
    for one, other in zip(exact, jax.tree.leaves(rough), strict=True):
        assert other.dtype == jnp.float32
        assert np.allclose(one, other, rtol=1e-3, atol=1e-3 * float(np.max(np.abs(one))))


@every_waveform
def test_the_dtype_is_that_of_the_time(waveform):
    assert jax.eval_shape(waveform, TIMES.astype(np.float32)).dtype == jnp.float32
    assert jax.eval_shape(waveform, 0).dtype == jnp.float64


@pytest.mark.float32
@every_kind
def test_it_works_under_the_defaults_of_jax(waveform):
    values = evaluate(waveform, TIMES)
    assert values.dtype == jnp.float32
    with jax.enable_x64(True):
        exact = evaluate(waveform, TIMES)
    assert np.allclose(values, exact, atol=1e-5 * np.max(np.abs(exact)))


@pytest.mark.parametrize("waveform", [*WAVEFORMS.values(), *FOR_EACH.values()])
def test_it_goes_through_json(waveform):
    again = from_json(json.loads(dumps(waveform)))
    assert type(again) is type(waveform)
    assert np.array_equal(evaluate(again, TIMES), evaluate(waveform, TIMES))
    assert set(leaf_units(waveform).values()) <= {"A or T", "s", "Hz", "rad"}


@every_waveform
def test_waveforms_add(waveform):
    other = WAVEFORMS["sum"]
    total = waveform + other
    assert isinstance(total, Sum)
    assert not any(isinstance(part, Sum) for part in total.parts)
    assert np.allclose(
        evaluate(total, TIMES), evaluate(waveform, TIMES) + evaluate(other, TIMES), rtol=1e-12, atol=1e-16
    )
    assert total.shortest_time() == min(waveform.shortest_time(), other.shortest_time())


@every_waveform
def test_sum_of_python_adds_waveforms(waveform):
    total = sum([waveform, waveform, Sine(1e-3, frequency=1.1e9)])
    expected = 2 * np.asarray(waveform(TIMES)) + np.asarray(Sine(1e-3, frequency=1.1e9)(TIMES))
    np.testing.assert_allclose(total(TIMES), expected, rtol=1e-12, atol=1e-18)
    with pytest.raises(ValueError, match="is not a waveform, so it cannot be added to one; write Constant"):
        1e-3 + waveform


def test_waveforms_that_give_plain_numbers_add():
    class Slope(Waveform):
        def __call__(self, t):
            return 2.0 * t

        def peak(self):
            return 1.0

        def shortest_time(self):
            return 1.0

    assert (Slope() + Slope())(0.25) == 1.0
    assert (Slope() + FOR_EACH["sum"])(0.0).shape == (3,)
