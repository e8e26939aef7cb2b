"""The settings that tests/conftest.py promises are really in force."""

import os

import jax
import jax.numpy as jnp
import pytest


def test_float64_is_the_default():
    assert jnp.asarray(1.0).dtype == jnp.float64


def test_mixed_dtypes_raise():
    with pytest.raises(ValueError, match="promotion"):
        jnp.ones(3, jnp.float32) + jnp.ones(3, jnp.float64)


def test_mixed_ranks_raise():
    with pytest.raises(ValueError, match="rank"):
        jnp.ones(3) + jnp.ones((3, 3))


@pytest.mark.float32
def test_the_float32_mark_restores_the_defaults_of_jax():
    assert jnp.asarray(1.0).dtype == jnp.float32
    assert (jnp.ones(3) + jnp.ones((3, 3), jnp.int32)).dtype == jnp.float32


def test_one_thread_on_the_cpu():
    assert os.environ["NPROC"] == "1"
    assert {device.platform for device in jax.devices()} == {"cpu"}
