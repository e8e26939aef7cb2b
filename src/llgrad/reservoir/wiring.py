"""How a signal reaches an oscillator or an array, and when it is read: all numbers that a bench is set to."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from llgrad.core.record import Record, quantity
from llgrad.drives.base import DRIVEN


class Wiring(Record):
    """What acts on oscillator j while node i of symbol t is shown:

        bias_j + gain Σ_f u_tf mask_fij + feedback r_j(k − delay),

    k = t M + i counting nodes, r_j the first number that is read of oscillator j at the end of a node. It is held
    for a node, and at the end of each node the oscillators are read. All but the counts may be trained.
    """

    mask: Any = quantity("1", about="weight of each input at each node on each oscillator, (F, M, N)")
    gain: Any = quantity(DRIVEN, about="what acts per unit of the masked signal")
    bias: Any = quantity(DRIVEN, about="what acts without a signal, one number or (N,)")
    feedback: Any = quantity(DRIVEN, about="what acts per unit of what was read `delay` nodes before")
    hold: float = eqx.field(
        static=True, default=1e-9, metadata={"unit": "s", "about": "time for which a symbol is held"}
    )
    steps: int = eqx.field(static=True, default=1)
    """Time steps in a node."""
    delay: int = eqx.field(static=True, default=0)
    """Nodes after which what is read acts again; 0 without feedback."""

    @property
    def nodes(self) -> int:
        """Virtual nodes in a symbol, M."""
        return self.mask.shape[1]

    @property
    def dt(self) -> float:
        """The time step [s]."""
        return self.hold / (self.nodes * self.steps)

    def drive(self, signal: Any) -> Any:
        """What acts at each node of a signal (T, F), without the feedback: (T M, N)."""
        masked = jnp.einsum("tf,fmn->tmn", signal, self.mask)
        bias = jnp.asarray(self.bias, masked.dtype)
        return (self.gain * masked + bias.reshape((1, 1, -1))).reshape(-1, self.mask.shape[2])
