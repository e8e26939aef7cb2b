"""Networks compute in float32; promotion of types and ranks stays strict."""

from __future__ import annotations

import jax
import pytest


@pytest.fixture(autouse=True)
def single_precision(jax_defaults):
    """float32, as networks train and predict; a test that needs float64 asks for it."""
    with jax.enable_x64(False):
        yield
