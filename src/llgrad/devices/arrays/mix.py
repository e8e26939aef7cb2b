"""How what the members of an array emit becomes what they receive."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from llgrad.core.record import Record, is_concrete, quantity
from llgrad.core.vector import Number, Vec3

ALL = -1
"""In place of the number of a matrix: the sum over all members."""


class Products(NamedTuple):
    """A mix as matrices: y_r = Σ M x_e over its terms (r, e, number of the matrix M, or `ALL`)."""

    matrices: Any
    """(M, N, N), or None where there is none."""
    terms: tuple[tuple[int, int, int], ...]
    received: int


class Mix(Record):
    """What each member of an array receives of what all emit.

    `of` names what is mixed, among what the system's `emit` gives; `to` what comes out of it, among what its `receive`
    takes. A mix of your own is one class with `mixed`; the XLA engine runs it.

    >>> import llgrad as lg
    >>> class Neighbour(lg.systems.Mix):
    ...     def mixed(self, emitted):
    ...         return jnp.roll(emitted, 1)
    >>> import jax.numpy as jnp
    >>> Neighbour(of="x", to="push").mixed(jnp.array([1.0, 2.0, 3.0])).tolist()
    [3.0, 1.0, 2.0]
    """

    of: str = eqx.field(static=True, kw_only=True)
    to: str = eqx.field(static=True, kw_only=True)

    def __check_init__(self) -> None:
        for name, value in (("of", self.of), ("to", self.to)):
            if not isinstance(value, str):
                raise ValueError(f"{name} = {value!r}, expected the name of what a system emits or receives")

    @abc.abstractmethod
    def mixed(self, emitted: Number | Vec3) -> Number | Vec3:
        """What the N members receive, of what they emit: a number or a vector, components (N,)."""

    def products(self, emitted: int) -> Products | None:
        """The mix of so many emitted numbers as matrices and sums; None where it has no such form."""
        return None

    def check(self, count: int, emitted: int) -> None:
        """Raise ValueError where the mix is not for so many members, or for so many emitted numbers of each."""


class DenseMix(Mix):
    """Every member to every other by a weight of its own: y_i = Σ_j W_ij x_j.

    `weights` (N, N), W_ij from member j to member i, in the unit of what is received per unit of what is emitted: each
    component of a vector by itself. Or (N, N, R, E): W_ij is a matrix that takes the E emitted numbers to R received
    ones (a number for R = 1, a vector for R = 3), as `dipolar_tensors` gives.

    >>> import llgrad as lg
    >>> lg.systems.DenseMix([[0.0, 1.0], [2.0, 0.0]], of="x", to="push").mixed(np.array([1.0, 5.0])).tolist()
    [5.0, 2.0]
    """

    weights: Float[np.ndarray | jax.Array, "N N"] = quantity(
        "received/emitted", about="W_ij, from member j to member i"
    )

    def __check_init__(self) -> None:
        shape = np.shape(self.weights) if is_concrete(self.weights) else getattr(self.weights, "shape", None)
        if shape is not None and (len(shape) not in (2, 4) or shape[0] != shape[1] or 0 in shape):
            raise ValueError(
                f"weights has the shape {shape}, expected (N, N), or (N, N, R, E) of a matrix for each pair"
            )

    def mixed(self, emitted: Number | Vec3) -> Number | Vec3:
        if self.weights.ndim == 2:
            return jax.tree.map(lambda x: jnp.matmul(self.weights, x), emitted)
        given = jnp.stack(jnp.broadcast_arrays(*jax.tree.leaves(emitted)))
        return _tree_of(list(jnp.einsum("ijre,ej->ri", self.weights, given)))

    def products(self, emitted: int) -> Products:
        if self.weights.ndim == 2:
            return Products(self.weights[None], tuple((e, e, 0) for e in range(emitted)), emitted)
        count, _, received, _ = self.weights.shape
        matrices = jnp.moveaxis(self.weights, (2, 3), (0, 1)).reshape(received * emitted, count, count)
        pairs = [(r, e) for r in range(received) for e in range(emitted)]
        return Products(matrices, tuple((r, e, number) for number, (r, e) in enumerate(pairs)), received)

    def check(self, count: int, emitted: int) -> None:
        shape = self.weights.shape
        if shape[0] != count:
            raise ValueError(
                f"the weights of {self.of!r} to {self.to!r} are for {shape[0]} members, this array has {count}; give "
                f"a ({count}, {count}) matrix"
            )
        if len(shape) == 4 and shape[3] != emitted:
            raise ValueError(
                f"the weights of {self.of!r} to {self.to!r} have the shape {shape}, for {shape[3]} emitted numbers, "
                f"but a member emits {emitted}; give ({count}, {count}, R, {emitted})"
            )


class SumMix(Mix):
    """All that is emitted, to everyone: y_i = Σ_j x_j, itself included. Its cost grows as N.

    What a circuit is: junctions in series emit their resistance and receive the total, from which each takes its
    current; those in parallel emit conductances.

    >>> import llgrad as lg
    >>> lg.systems.SumMix(of="resistance", to="total").mixed(np.array([1.0, 5.0])).tolist()
    [6.0, 6.0]
    """

    def mixed(self, emitted: Number | Vec3) -> Number | Vec3:
        return jax.tree.map(lambda x: jnp.broadcast_to(jnp.sum(x), jnp.shape(x)), emitted)

    def products(self, emitted: int) -> Products:
        return Products(None, tuple((e, e, ALL) for e in range(emitted)), emitted)


def _tree_of(numbers: list[Any]) -> Any:
    """A number, a vector of three, or a tuple."""
    if len(numbers) == 1:
        return numbers[0]
    return Vec3(*numbers) if len(numbers) == 3 else tuple(numbers)
