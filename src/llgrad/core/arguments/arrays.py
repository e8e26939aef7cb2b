"""Arrays of other libraries than NumPy and JAX, where numbers are meant."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np


def is_foreign(value: Any) -> bool:
    """Whether it is an array of another library than NumPy and JAX: pandas, xarray, PyTorch."""
    return (
        hasattr(value, "__array__")
        and hasattr(value, "dtype")
        and not isinstance(value, (np.ndarray, np.generic, jax.Array))
    )


def array_of(value: Any) -> np.ndarray:
    """An array of another library as one of NumPy's. Raises ValueError for a tensor that requires a gradient."""
    if getattr(value, "requires_grad", False):
        raise ValueError(
            "this tensor requires a gradient, which llgrad would not see; give tensor.detach(), or see "
            "lg.torch.Simulator and lg.torch.function, which pass gradients on"
        )
    return np.asarray(value.tolist() if hasattr(value, "requires_grad") else value, dtype=float)
