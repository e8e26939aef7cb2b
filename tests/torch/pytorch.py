"""PyTorch for the tests, where it is installed; elsewhere they are skipped."""

import warnings

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make torch runs these tests with one")
with warnings.catch_warnings():
    # Debian's was built for NumPy 1 and says so, once, when it makes its first tensor beside NumPy 2. llgrad passes
    # nothing through NumPy.
    warnings.simplefilter("ignore")
    torch.zeros(1)
DOUBLE = {"dtype": torch.float64}


def assert_close(tensor, array, rtol=1e-12):
    """A tensor and what JAX has of the same numbers, to rounding."""
    import numpy as np

    np.testing.assert_allclose(np.asarray(tensor.detach().tolist()), np.asarray(array), rtol=rtol, atol=rtol)
