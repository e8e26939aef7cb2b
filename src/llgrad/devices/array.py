"""An array of oscillators: one record whose leaves have a leading (N,) axis, and a coupling."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import Record, as_count, tables_of
from llgrad.devices.coupling import Coupling, LinearCoupling
from llgrad.devices.oscillator import Oscillator


class OscillatorArray(Record):
    """`count` oscillators, each with its own parameters: every leaf of `oscillator` has the shape (count,).

    Made from one oscillator (all alike) or from one whose leaves already have a (count,) axis (per-oscillator
    parameters);
    scalar leaves are repeated. Every simulation of an array starts each oscillator from the same stated starting state
    (1° off its stable axis) unless `m0` is given: an array keeps no state between runs, so inputs do not see each
    other.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> sto = lg.presets.kubota2013().replace(current=np.array([2.4e-3, 2.5e-3]))
    >>> pair = lg.OscillatorArray(sto, count=2, coupling=lg.FieldCoupling(np.array([[0.0, 1e-4], [1e-4, 0.0]])))
    >>> lg.simulate(pair, duration=1e-9, dt=2e-12).m.shape  # (T, N, 3)
    (501, 2, 3)
    """

    oscillator: Oscillator
    coupling: Coupling | None
    count: int = eqx.field(static=True)

    def __init__(self, oscillator: Oscillator, count: int, coupling: Coupling | None = None):
        count = as_count(count)
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"count = {count!r}, expected the number of oscillators, a positive integer")
        self.count = count
        leaves, tree = jax.tree.flatten(oscillator)
        spread = [leaf if table else _spread(leaf, count) for leaf, table in zip(leaves, tables_of(tree), strict=True)]
        self.oscillator = jax.tree.unflatten(tree, spread)
        self.coupling = coupling

    def __check_init__(self) -> None:
        check_kind(
            "oscillator", self.oscillator, Oscillator, "an array is of devices; write a System for the whole of it"
        )
        count = _count_of(self.coupling)
        if count is not None and count != self.count:
            raise ValueError(
                f"the coupling is for {count} oscillators, this array has {self.count}; give "
                f"a ({self.count}, {self.count}) matrix"
            )

    def replace(self, **changes: Any) -> Self:
        """A copy with fields of the oscillators changed (`current=…`, scalar or (count,)), or with another
        `oscillator` or `coupling`."""
        coupling = changes.pop("coupling", self.coupling)
        return type(self)(changes.pop("oscillator", self.oscillator).replace(**changes), self.count, coupling)


def _count_of(coupling: Coupling | None) -> int | None:
    """How many oscillators a coupling is for; None where it does not say."""
    if isinstance(coupling, LinearCoupling):
        return coupling.count
    shape = getattr(getattr(coupling, "weights", None), "shape", None)
    return None if shape is None else shape[0]


def _spread(leaf: Any, count: int) -> Any:
    shape = np.shape(leaf)
    if shape == (count,):
        return leaf
    if shape == ():
        return jnp.broadcast_to(leaf, (count,)) if isinstance(leaf, Tracer) else np.full(count, float(leaf))
    raise ValueError(
        f"a leaf of the oscillator has the shape {shape}, expected () or ({count},): one value, or one for "
        "each oscillator"
    )
