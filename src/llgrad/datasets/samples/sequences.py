"""Signals of different lengths side by side, as a network is given them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

Index = int | slice | Sequence[int] | np.ndarray
"""Which of many: a number, numbers, a slice, or a mask (n,)."""


class Sequences(NamedTuple):
    """Signals (B, T, F), each of its own length; what stands behind an end means nothing."""

    values: Any
    lengths: Any
    """(B,), 1 to T."""

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the values."""
        return self.values.shape

    def ending_together(self) -> tuple[Any, Any]:
        """The same signals moved so that all end with frame T (B, T, F), zero before they begin, and where they have
        begun (B, T).

        An array rests in its start until its signal begins, so that the last frames of all stand in one place.
        """
        before = self.values.shape[1] - self.lengths[:, None]
        place = jnp.arange(self.values.shape[1])[None] - before
        begun = place >= 0
        moved = jnp.take_along_axis(self.values, jnp.maximum(place, 0)[..., None], axis=1)
        return jnp.where(begun[..., None], moved, jnp.zeros((), moved.dtype)), begun
