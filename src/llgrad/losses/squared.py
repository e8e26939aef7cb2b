"""Squared errors: the loss of gradient descent, and the residuals of least squares."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp


def residuals(prediction: Any, target: Any, weight: Any = 1.0) -> Any:
    """Weighted differences weight · (prediction − target) as one vector, for least squares.

    `prediction` and `target` of one shape; `weight` a number, or an array that broadcasts to it: 1/σ of each sample
    makes the residuals of a good fit standard normal, 0 leaves a sample out. Raises ValueError where shapes differ.

    >>> residuals([1.0, 2.0], [1.0, 1.5], weight=10.0).tolist()
    [0.0, 5.0]
    """
    prediction = jnp.asarray(prediction)
    target = _like(target, prediction, "target")
    weight = jnp.broadcast_to(jnp.asarray(weight, prediction.dtype), prediction.shape)
    return (weight * (prediction - target)).reshape(-1)


def mean_squared(prediction: Any, target: Any, weight: Any = 1.0) -> Any:
    """Mean of the squared weighted differences, Σ [weight · (prediction − target)]²/size, a scalar.

    Arguments and errors are those of `residuals`.

    >>> float(mean_squared([1.0, 2.0], [1.0, 1.5]))
    0.125
    """
    return jnp.mean(residuals(prediction, target, weight) ** 2)


def _like(array: Any, other: Any, name: str) -> Any:
    array = jnp.asarray(array, other.dtype)
    if array.shape != other.shape:
        raise ValueError(
            f"{name} has the shape {array.shape}, the prediction {other.shape}; save both at the same times"
        )
    return array
