"""A drive given by samples: from an arbitrary waveform generator, a measurement, or a network's input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.record import is_concrete, quantity
from llgrad.core.vector import Number
from llgrad.drives.base import DRIVEN, Waveform, align, check_finite, smallest

STEPS_PER_SHORTEST_TIME: Final = 20
"""The time step is at most this part of `shortest_time`."""


class Sampled(Waveform):
    """Linear interpolation between samples (t_k, values_k); before the first and after the last it keeps their values.

    `t` (K,) in seconds, increasing, evenly spaced or not; `values` (K,), or (K, N): one waveform for each oscillator.
    Differentiable in `values`, and in `t`. Evenly spaced samples are found by arithmetic, others by bisection.

    Raises ValueError for different lengths, fewer than two samples, a number that is not finite, a `t` that does not
    increase.

    >>> ramp = Sampled(t=[0.0, 1e-9, 3e-9], values=[0.0, 1e-3, 2e-3])
    >>> [round(1e3 * float(ramp(t)), 4) for t in (-1e-9, 0.5e-9, 2e-9, 9e-9)]
    [0.0, 0.5, 1.5, 2.0]
    """

    t: Float[np.ndarray | jax.Array, "K"] = quantity("s", about="times of the samples")
    values: Float[np.ndarray | jax.Array, "K *N"] = quantity(DRIVEN, about="samples")
    evenly_spaced: bool = eqx.field(static=True, default=False)

    def __init__(
        self,
        t: Float[ArrayLike, "K"] | Sequence[float],
        values: Float[ArrayLike, "K *N"] | Sequence[float],
        evenly_spaced: bool = False,
    ):
        """`evenly_spaced` is found from `t`; it only counts where `t` is traced."""
        self.t = _array(t)
        self.values = _array(values)
        self.evenly_spaced = is_even(np.asarray(self.t)) if is_concrete(self.t) else evenly_spaced

    def __check_init__(self) -> None:
        shape = np.shape(self.t)
        if len(shape) != 1 or shape[0] < 2:
            raise ValueError(
                f"t of a Sampled has the shape {shape}, expected at least two times, (K,); for one value use Constant"
            )
        if np.ndim(self.values) not in (1, 2) or np.shape(self.values)[0] != shape[0]:
            raise ValueError(
                f"values of a Sampled has the shape {np.shape(self.values)}, "
                f"expected ({shape[0]},) or ({shape[0]}, N): one row for each time"
            )
        check_finite(self, "t", "values")
        if is_concrete(self.t) and (late := np.flatnonzero(np.diff(np.asarray(self.t, dtype=float)) <= 0)).size:
            raise ValueError(
                f"t of a Sampled does not increase after sample {late[0]}; sort the samples by time; where equal times "
                "were rounded, give first + step * np.arange(count)"
            )

    def __call__(self, t: Any) -> Any:
        (t,) = align(t)
        nodes, values = jnp.asarray(self.t, t.dtype), jnp.asarray(self.values, t.dtype)
        left = self._interval(jax.lax.stop_gradient(t), jax.lax.stop_gradient(nodes))
        weight = jnp.clip((t - nodes[left]) / (nodes[left + 1] - nodes[left]), 0, 1)
        weight = weight[..., None] if values.ndim == 2 else weight
        return (1 - weight) * values[left] + weight * values[left + 1]

    def _interval(self, t: Any, nodes: Any) -> Any:
        """Index of the sample to the left of each time; at a sample, the one before is as good."""
        last = nodes.shape[0] - 2
        if self.evenly_spaced:
            return jnp.clip((t - nodes[0]) / (nodes[-1] - nodes[0]) * (last + 1), 0, last).astype(jnp.int32)
        return jnp.clip(jnp.searchsorted(nodes, t, side="right").astype(jnp.int32) - 1, 0, last)

    def peak(self) -> Number:
        return abs(self.values).max(axis=0)

    def shortest_time(self) -> Number:
        """So long that one time step skips no sample: 20 times the smallest distance of two samples."""
        return STEPS_PER_SHORTEST_TIME * smallest(self.t[1:] - self.t[:-1])

    def knots(self) -> Sequence[Number]:
        return tuple(self.t)

    def calmest_time(self) -> Number:
        return math.inf


def _array(values: Any) -> Any:
    return values if hasattr(values, "ndim") else np.asarray(values, dtype=float)


def is_even(t: np.ndarray, tolerance: float = 1e-3) -> bool:
    """Whether increasing times are evenly spaced, within `tolerance` of a step and the rounding of their dtype."""
    if t.ndim != 1 or t.size < 2 or not np.all(np.isfinite(t)):
        return False
    rounding = 4 * float(np.finfo(t.dtype).eps) * float(np.max(np.abs(t))) if t.dtype.kind == "f" else 0.0
    grid = np.linspace(float(t[0]), float(t[-1]), t.size)
    return bool(np.max(np.abs(t.astype(float) - grid)) <= tolerance * (grid[1] - grid[0]) + rounding)
