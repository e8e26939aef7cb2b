"""Devices for the experiments: the reference device at rest, with a junction."""

import math

import pytest

import llgrad as lg
from llgrad.core.constants import MU_0
from llgrad.devices.junction import ConductanceJunction


@pytest.fixture
def sto() -> lg.Oscillator:
    """The reference device without a current, in an oblique field, with a large damping so that it settles soon."""
    return lg.presets.kubota2013().replace(
        current=0.0, alpha=0.02, field=(0.08, 0.0, 0.01), junction=ConductanceJunction(R_P=200.0, tmr=1.0)
    )


@pytest.fixture
def b(sto) -> float:
    """H_k − µ0 Ms [T]."""
    return sto.H_k - MU_0 * sto.Ms


@pytest.fixture
def hertz_per_tesla(sto) -> float:
    return sto.gamma / math.tau
