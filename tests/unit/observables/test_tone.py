"""Frequency, amplitude and phase of the strongest tone: exact where it is clean, differentiable everywhere."""

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from llgrad.observables.amplitude import amplitude
from llgrad.observables.frequency import frequency
from llgrad.observables.phase import instantaneous_phase, phase
from llgrad.observables.tone import FEW, tone_and_verdict, within_a_turn

DT = 1e-11
N = 2000
SCALARS = {"frequency": frequency, "amplitude": amplitude, "phase": phase}
every_scalar = pytest.mark.parametrize("observable", SCALARS.values(), ids=SCALARS)


def tone(f, a=1.0, phi=0.3, offset=0.0, n=N, harmonics=0.0):
    t = DT * np.arange(n)
    return (
        offset
        + a * np.cos(2 * np.pi * f * t + phi)
        + a * harmonics * (np.cos(4 * np.pi * f * t + 1.0) + np.cos(6 * np.pi * f * t + 2.0))
    )


@settings(max_examples=40)
@given(st.floats(1.2, 0.45 * N), st.floats(-3.1, 3.1), st.floats(1e-6, 1e3), st.floats(-2.0, 2.0))
def test_a_clean_tone_is_exact_whatever_its_offset(periods, phi, a, offset):
    f = periods / (N * DT)
    x = tone(f, a, phi, offset * a)
    assert float(frequency(x, DT)) == pytest.approx(f, rel=1e-10)
    assert float(amplitude(x, DT)) == pytest.approx(a, rel=1e-8)
    assert abs(float(within_a_turn(phase(x, DT) - phi))) < 1e-8


@settings(max_examples=40)
@given(st.floats(1.5, 0.1 * N), st.floats(-3.1, 3.1))
def test_second_and_third_harmonics_do_not_disturb(periods, phi):
    f = periods / (N * DT)
    assert float(frequency(tone(f, 0.01, phi, 0.7, harmonics=0.3), DT)) == pytest.approx(f, rel=1e-9)


@pytest.mark.parametrize("periods", [10.0, 20.3, 77.7, 480.0])
def test_other_tones_disturb_by_less_than_a_millionth(periods):
    """High harmonics, and one whose multiples lie beyond Nyquist's frequency."""
    f = periods / (N * DT)
    x = tone(f) + 0.1 * tone(4 * f, phi=1.0) + 0.05 * tone(5 * f, phi=2.0)
    assert float(frequency(x, DT)) == pytest.approx(f, rel=1e-6)


def test_noise_is_averaged_almost_as_well_as_can_be():
    """The Cramér–Rao bound of a frequency is σ/A √(6/N³)/(π dt); the weights cost a factor of 1.53."""
    rng = np.random.default_rng(2)
    f, sigma, runs = 1.234e9, 0.1, 200
    found = np.asarray(frequency(tone(f, n=N // 4) + rng.normal(scale=sigma, size=(runs, N // 4)), DT))
    expected = 1.53 * sigma * np.sqrt(6 / (N // 4) ** 3) / (np.pi * DT)
    assert np.mean(found) == pytest.approx(f, abs=4 * expected / np.sqrt(runs))
    assert np.std(found) == pytest.approx(expected, rel=0.2)


@pytest.mark.float32
@pytest.mark.parametrize("periods", [2.2, 10.3, 300.7])
def test_float32_has_all_its_digits(periods):
    f = periods / (N * DT)
    x = tone(f, a=1e-3, offset=2e-3)
    assert frequency(x, DT).dtype == jnp.float32
    assert float(frequency(x, DT)) == pytest.approx(f, rel=1e-6)
    assert float(amplitude(x, DT)) == pytest.approx(1e-3, rel=1e-4)
    assert abs(float(phase(x, DT)) - 0.3) < 1e-3


def test_a_long_float32_trace_keeps_its_digits():
    n, f = 200_000, 7.654321e9
    x = tone(f, n=n).astype(np.float32)
    assert float(frequency(x, DT)) == pytest.approx(f, rel=2e-7)


@every_scalar
def test_many_signals_at_once(observable):
    x = np.stack([tone(f, a) for f, a in ((1e9, 1.0), (2.2e9, 2.0), (0.7e9, 3.0))])
    one_by_one = [float(observable(row, DT)) for row in x]
    assert np.allclose(observable(x, DT), one_by_one, rtol=1e-9)
    assert observable(x.reshape(3, 1, N), DT).shape == (3, 1)


def test_vmap_and_jit_change_nothing():
    x = np.stack([tone(f, a) for f, a in ((1e9, 1.0), (2.2e9, 2.0), (0.7e9, 3.0))])
    assert np.allclose(jax.jit(jax.vmap(lambda row: frequency(row, DT)))(x), frequency(x, DT), rtol=1e-12)


def kinds_of_signals(n=400):
    """Signals (S, n) of every verdict: tones, few and many of them, with harmonics and noise; slopes, decays, noise."""
    rng, u = np.random.default_rng(5), np.linspace(0, 1, n)
    periods = (1.2, 1.5, 2.2, 3.7, 17.0, 33.3, 0.2 * n, 0.37 * n, 0.495 * n)
    tones = [tone(p / (n * DT), phi=p, offset=0.4, n=n, harmonics=0.3 * (p > 3) * (p < 0.15 * n)) for p in periods]
    noisy = [
        x + size * rng.normal(size=n) for x, size in zip(tones, (0.02, 0.05, 0.1, 0.3, 0.7, 2, 0.1, 1, 5), strict=True)
    ]
    decays = [tones[4] * np.exp(-rate * u) for rate in (0.5, 3.0, 7.0)]
    return np.stack([*tones, *noisy, *decays, u, u**2, np.exp(-5 * u), rng.normal(size=n), np.ones(n), np.zeros(n)])


@pytest.mark.parametrize(
    "digits", [pytest.param(1e-10, id="float64"), pytest.param(1e-4, id="float32", marks=pytest.mark.float32)]
)
def test_known_and_traced_signals_have_one_tone_and_one_verdict(digits):
    """NumPy's arithmetic and JAX's, of the same formulas, agree to rounding for every kind of signal."""
    signals = kinds_of_signals()
    assert len(signals) > FEW
    traced, oscillates = jax.jit(tone_and_verdict)(signals)
    by_numpy = [tone_and_verdict(row) for row in signals]
    assert isinstance(by_numpy[0][0].cycles, np.ndarray) and by_numpy[0][0].cycles.dtype == traced.cycles.dtype
    found = np.asarray(oscillates)
    assert found.tolist() == [bool(verdict) for _, verdict in by_numpy]
    assert 0 < found.sum() < found.size
    for name in ("cycles", "amplitude"):
        one, other = np.asarray(getattr(traced, name)), np.asarray([getattr(each, name) for each, _ in by_numpy])
        assert np.isnan(one).tolist() == np.isnan(other).tolist()
        assert np.allclose(one[found], other[found], rtol=digits)
    turn = np.asarray(traced.phase) - np.asarray([each.phase for each, _ in by_numpy])
    assert np.allclose(np.exp(1j * turn[found]), 1, atol=30 * digits)


def test_a_few_signals_have_the_same_bits_as_each_alone():
    signals = kinds_of_signals()[:FEW]
    together = tone_and_verdict(signals.reshape(2, FEW // 2, -1))[0]
    assert together.cycles.shape == (2, FEW // 2)
    alone = [tone_and_verdict(row)[0] for row in signals]
    for name in together._fields:
        assert np.array_equal(getattr(together, name).ravel(), [getattr(each, name) for each in alone], equal_nan=True)


def test_gradients_are_exact():
    """Reverse mode, forward mode and finite differences agree, for a trace with harmonics, noise and a drift."""
    rng = np.random.default_rng(3)
    x = tone(1.03e9, harmonics=0.2) + 0.05 * rng.normal(size=N) + 0.3 * np.linspace(0, 1, N)

    def values(x):
        return jnp.stack(tone_and_verdict(x)[0])

    values, reverse = jax.jit(values), jax.jit(jax.jacrev(values))(x)
    forward = jax.jit(lambda x, direction: jax.jvp(values, (x,), (direction,))[1])
    for direction in rng.normal(size=(3, N)):
        h = 1e-5
        near = values(x + h * direction) - values(x - h * direction)
        far = values(x + 2 * h * direction) - values(x - 2 * h * direction)
        difference = np.asarray(8 * near - far) / (12 * h)
        assert np.allclose(np.asarray(reverse) @ direction, difference, rtol=1e-6)
        assert np.allclose(forward(x, direction), difference, rtol=1e-6)


@pytest.mark.float32
def test_the_gradient_of_a_frequency_is_that_of_its_cause():
    def found(f):
        t = jnp.asarray(DT * np.arange(N))
        return frequency(jnp.cos(2 * jnp.pi * f * t) + 0.1 * jnp.cos(4 * jnp.pi * f * t), DT)

    assert float(jax.jit(jax.grad(found))(1.3e9)) == pytest.approx(1.0, abs=1e-3)


def test_the_strongest_of_two_tones_counts():
    x = tone(1e9) + tone(3.21e9, a=1.5)
    assert float(frequency(x, DT)) == pytest.approx(3.21e9, rel=1e-6)
    assert float(amplitude(x, DT)) == pytest.approx(1.5, rel=1e-4)


def test_a_constant_signal_among_others_is_nan():
    found = np.asarray(frequency(np.stack([tone(1e9), np.ones(N)]), DT))
    assert found[0] == pytest.approx(1e9)
    assert np.isnan(found[1])


def test_the_instantaneous_phase_follows_the_tone():
    f = 50 / (N * DT)
    x = np.stack([tone(f, phi=0.3, offset=1.0), tone(2 * f, phi=-1.0)])
    found = np.asarray(instantaneous_phase(x, DT))
    expected = 2 * np.pi * f * DT * np.arange(N)
    assert np.allclose(found[0], expected + 0.3, atol=1e-6)
    assert np.allclose(found[1], 2 * expected - 1.0, atol=1e-6)
    odd = np.asarray(instantaneous_phase(x[0, :-1], DT))
    assert np.allclose(odd[500:-500], expected[500:-501] + 0.3, atol=0.01)
    gradient = jax.grad(lambda x: instantaneous_phase(x, DT)[900])(x[0])
    assert np.all(np.isfinite(gradient))
