"""What does not oscillate has no frequency: at rest, rising, bending, dying away, or noise; others have one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llgrad.observables.amplitude import amplitude
from llgrad.observables.frequency import best_frequency, frequency
from llgrad.observables.phase import phase

N = 501
T = np.arange(N) / N
RNG = np.random.default_rng(5)


def ring(rate, periods):
    return np.exp(-rate * T) * np.cos(2 * np.pi * periods * T)


STILL = {
    "a slope": T,
    "a noisy slope": T + 0.05 * RNG.normal(size=N),
    "an exponential": np.exp(-8 * T),
    "a bend": (T - 0.5) ** 2,
    "a cubic": (T - 0.5) ** 3,
    "a late step": np.tanh(20 * (T - 0.6)),
    "half a period": np.sin(np.pi * T),
    "0.8 periods": np.sin(2 * np.pi * 0.8 * T + 0.3),
    "a ringing that dies": ring(10, 30),
    "a noisy one": ring(10, 30) + 0.02 * RNG.normal(size=N),
    "three periods that die": ring(10, 5),
    "one about a settling mean": 0.3 + ring(6, 30) + 0.1 * np.exp(-5 * T),
    "noise": RNG.normal(size=N),
    "a constant": np.ones(N),
}
MOVES = {
    "1.2 periods": (1.2, np.cos(2 * np.pi * 1.2 * T + 1)),
    "noisy 1.5 periods": (1.5, np.cos(2 * np.pi * 1.5 * T + 1) + 0.05 * RNG.normal(size=N)),
    "a slow fade": (30, ring(2, 30)),
    "a growth": (60, np.exp(12 * np.minimum(T, 0.5) - 6) * np.cos(2 * np.pi * 60 * T)),
    "noise over a tone": (33.3, 0.6 * np.cos(2 * np.pi * 33.3 * T) + RNG.normal(size=N)),
    "a square wave": (7.3, np.sign(np.sin(2 * np.pi * 7.3 * T + 0.1))),
}


def verdicts(dtype):
    still = np.asarray(frequency(np.stack(list(STILL.values())).astype(dtype), 1 / N))
    moves = np.asarray(frequency(np.stack([x for _, x in MOVES.values()]).astype(dtype), 1 / N))
    wrong = [name for name, f in zip(STILL, still, strict=True) if not np.isnan(f)]
    off = [name for (name, (f, _)), g in zip(MOVES.items(), moves, strict=True) if not abs(g - f) < 0.3]
    return wrong + off


def test_what_does_not_oscillate_has_no_frequency():
    assert verdicts(float) == []


@pytest.mark.float32
def test_nor_in_float32():
    assert verdicts(np.float32) == []


def test_amplitude_and_phase_go_with_it():
    x = np.stack([STILL["a bend"], MOVES["a slow fade"][1]])
    for observable in (amplitude, phase):
        assert np.isnan(observable(x, 1 / N)).tolist() == [True, False]
    assert np.isfinite(best_frequency(x, 1 / N)).all()


def test_noise_passes_once_in_a_thousand():
    """2,000 draws of which 2 are expected: more than 10 would come once in 10⁵ tests."""
    noise = np.random.default_rng(0).normal(size=(2000, N))
    assert np.sum(np.isfinite(frequency(noise, 1 / N))) <= 10


def test_what_rests_but_for_rounding_has_none(make_run):
    rounding = np.finfo(float).eps * np.sign(np.cos(2 * np.pi * 0.1 * np.arange(2000)))
    m = np.stack([0.02 + rounding, np.zeros(2000), np.full(2000, np.sqrt(1 - 4e-4))], axis=-1)
    assert np.isnan(frequency(make_run(m)))


def test_gradients_of_many_signals_are_those_of_each():
    """More signals than are taken at once."""
    x = jnp.asarray(np.cos(2 * np.pi * np.linspace(5, 40, 150)[:, None] * T[None, :]))
    found = jax.jit(jax.grad(lambda x: jnp.sum(frequency(x, 1 / N))))(x)
    alone = jax.jit(jax.grad(lambda row: frequency(row, 1 / N)))(x[149])
    assert np.allclose(found[149], alone, rtol=1e-9, atol=1e-12)
