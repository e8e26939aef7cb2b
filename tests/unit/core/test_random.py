"""The counter-based generator: known answers, independence of shape, and the moments of a normal distribution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llgrad.core.random import key_words, many_normals, normals, threefry2x32

WORD = jnp.uint32


# Known answers of Threefry-2x32 with 20 rounds (Random123's kat_vectors): key, counter, result.
KNOWN = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("key", "counter", "expected"), KNOWN)
def test_known_answers(key, counter, expected):
    words = threefry2x32(*(WORD(k) for k in key), *(WORD(c) for c in counter))
    assert tuple(int(word) for word in words) == expected


def sample(lanes, steps, dtype=jnp.float64):
    lane, step = jnp.meshgrid(jnp.arange(lanes, dtype=WORD), jnp.arange(steps, dtype=WORD), indexing="ij")
    v = normals(WORD(1), WORD(2), lane, step, dtype)
    return np.stack([v.x, v.y, v.z])


def test_moments():
    v = sample(100, 1000)
    n = v[0].size
    for component in v:
        assert abs(component.mean()) < 4 / np.sqrt(n)
        assert abs(component.var() - 1) < 4 * np.sqrt(2 / n)
        assert abs((component**4).mean() - 3) < 4 * np.sqrt(96 / n)
    assert np.abs(np.corrcoef(v.reshape(3, -1)) - np.eye(3)).max() < 4 / np.sqrt(n)


def test_lanes_and_steps_are_independent():
    v = sample(50, 2000)[0]
    assert np.abs(np.corrcoef(v) - np.eye(50)).max() < 5 / np.sqrt(2000)
    assert abs(np.corrcoef(v[:, 1:].ravel(), v[:, :-1].ravel())[0, 1]) < 4 / np.sqrt(v.size)


def test_a_number_depends_on_key_lane_and_step_only():
    whole = sample(7, 11)
    one = normals(WORD(1), WORD(2), WORD(3), WORD(5), jnp.float64)
    assert (float(one.x), float(one.y), float(one.z)) == tuple(whole[:, 3, 5])
    other = normals(WORD(1), WORD(3), WORD(3), WORD(5), jnp.float64)
    assert float(other.x) != float(one.x)


def test_both_float_types_give_the_same_numbers():
    assert sample(10, 100, jnp.float32) == pytest.approx(sample(10, 100), abs=2e-5)
    assert sample(10, 100, jnp.float32).dtype == np.float32


def test_every_number_is_finite():
    """Also for the largest and the smallest word: log never sees zero."""
    extreme = normals(WORD(0), WORD(0), jnp.arange(2**16, dtype=WORD), WORD(2**31 - 1), jnp.float32)
    assert np.isfinite(np.stack([extreme.x, extreme.y, extreme.z])).all()


def test_every_kind_of_key_has_two_words():
    words = [key_words(jax.random.key(seed)) for seed in (0, 1)]
    assert words[0] != words[1]
    for kind in ("rbg", "unsafe_rbg"):
        assert all(word.dtype == jnp.uint32 and word.shape == () for word in key_words(jax.random.key(0, impl=kind)))


def test_many_numbers_of_a_step_are_independent_and_begin_with_the_first_three():
    lane, step = jnp.meshgrid(jnp.arange(20, dtype=WORD), jnp.arange(1000, dtype=WORD), indexing="ij")
    found = np.array(many_normals(WORD(1), WORD(2), lane, step, jnp.float64, 7))
    np.testing.assert_array_equal(found[:3], sample(20, 1000))
    assert np.abs(np.corrcoef(found.reshape(7, -1)) - np.eye(7)).max() < 4 / np.sqrt(lane.size)
