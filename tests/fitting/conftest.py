"""A noise-free teacher: 5 ns of the reference device, and where its truth lies."""

import jax
import numpy as np
import pytest

from llgrad import presets
from llgrad.datasets.trace import Trace, trace_of
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate

TRUTH = {"field.z": 0.02, "current": 2.5e-3, "alpha": 0.005}


@pytest.fixture(scope="session")
def teacher() -> Trace:
    with jax.enable_x64(True):
        return trace_of(simulate(presets.kubota2013(), duration=5e-9, dt=1e-12, save=Every(10)))


@pytest.fixture(scope="session")
def first_state(teacher: Trace) -> np.ndarray:
    return np.array([teacher.columns[name][0] for name in ("mx", "my", "mz")])
