"""Coloured noise has the spectrum that it was asked for, one-sided, and is differentiable."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg

DENSITIES = {
    "flicker": lg.drives.FlickerNoise(1e-14, corner=2e9),
    "flicker alone": lg.drives.FlickerNoise(1e-14),
    "Lorentzian": lg.drives.LorentzianNoise(1e-12, 0.3e-9),
    "own": lambda f: 1e-24 * jnp.exp(-f / 3e9),
}
INTERVAL, COUNT = 50e-12, 1024


def samples(density, number):
    keys = jax.random.split(jax.random.key(7), number)
    of_one = jax.jit(
        lambda k: lg.drives.coloured_noise(density, duration=INTERVAL * COUNT, interval=INTERVAL, key=k).values
    )
    return np.stack([np.asarray(of_one(key)) for key in keys])[:, :COUNT]


@pytest.mark.parametrize("name", DENSITIES)
def test_its_spectrum_is_its_density(name):
    density, number = DENSITIES[name], 300
    x = samples(density, number)
    window = np.hanning(COUNT)
    found = 2 * INTERVAL * np.abs(np.fft.rfft(x * window, axis=1)) ** 2 / (window**2).sum()
    f = np.fft.rfftfreq(COUNT, INTERVAL)
    bands = np.array_split(np.arange(12, COUNT // 2 - 12), 8)
    for band in bands:
        each = (found[:, band] / np.asarray(density(f[band]))).mean(axis=1)
        assert abs(each.mean() - 1) < 3.3 * each.std() / np.sqrt(number) + 0.003  # the window's leakage


def test_its_correlation_is_exponential():
    x = samples(DENSITIES["Lorentzian"], 300)
    for lag in (0, 4, 10):
        each = (x[:, : COUNT - lag] * x[:, lag:]).mean(axis=1)
        expected = 1e-12 * np.exp(-lag * INTERVAL / 0.3e-9)
        assert abs(each.mean() - expected) < 3 * each.std() / np.sqrt(300) + 0.035e-12  # cut at the Nyquist frequency


def test_it_is_differentiable_in_its_strength():
    def size(strength):
        noise = lg.drives.coloured_noise(
            lg.drives.FlickerNoise(strength), duration=1e-9, interval=1e-11, key=jax.random.key(0)
        )
        return jnp.sum(noise(jnp.asarray([0.3e-9, 0.7e-9])) ** 2)

    value, slope = jax.value_and_grad(size)(1e-14)
    assert float(slope) == pytest.approx(float(value) / 1e-14, rel=1e-9)


def test_it_drives_a_run():
    noise = lg.drives.coloured_noise(
        lg.drives.FlickerNoise(1e-12), duration=1e-9, interval=1e-11, key=jax.random.key(0)
    )
    run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=5e-12, drive=lg.Drive(current=noise))
    assert run.status.ok and run.stats.engine == "native"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"density": 1e-14}, "expected a function of the frequency"),
        ({"density": lambda f: -f}, "negative"),
        ({"duration": 1e3}, "duration = 1000"),
        ({"interval": 5e-9}, "choose another interval"),
        ({"key": 3}, "jax.random.key"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, said):
    settings = {"density": lg.drives.FlickerNoise(1e-14), "duration": 1e-9, "interval": 1e-11, "key": jax.random.key(0)}
    with pytest.raises(ValueError, match=said):
        lg.drives.coloured_noise(**(settings | given))


@pytest.mark.parametrize("bin_", [1, 2, 3, 4])
def test_each_frequency_has_its_power(bin_):
    """Samples of a density at one frequency k/(8 Δt) alone: variance S df, and half of it at half of the sampling rate,
    as of white noise, whose variance S/(2 Δt) is the sum of all."""
    dt, df = 1e-11, 1 / 8e-11

    def alone(f):
        return jnp.where(jnp.round(f / df) == bin_, 1e-24, 0.0)

    def drawn(key):
        return lg.drives.coloured_noise(alone, duration=2 * dt, interval=dt, key=key).values

    x = np.asarray(jax.jit(jax.vmap(drawn))(jax.random.split(jax.random.key(3), 20_000)))
    expected = 1e-24 * df * (0.5 if bin_ == 4 else 1.0)
    for lag in (0, 1, 2):
        each = x[:, 0] * x[:, lag]
        at_lag = expected * np.cos(2 * np.pi * bin_ * lag / 8)
        assert abs(each.mean() - at_lag) < 3.3 * each.std() / np.sqrt(len(each))
        assert each.std() < 1.5 * expected
