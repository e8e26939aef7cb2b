"""What a way back needs of the way there, in few arrays: each that a compiled function gives or takes costs a
microsecond or two, and a pull-back holds dozens, most of them single numbers."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
from jax.core import Tracer

SMALL: Final = 1 << 11
"""Elements up to which an array is laid beside others of its type: to copy them takes less time than one array more."""


class ArrayPlace(NamedTuple):
    """Where an array of a pull-back is."""

    buffer: int
    """Of which buffer; -1 for a constant."""
    first: int
    shape: tuple[int, ...]


class PullParts:
    """How a pull-back is put together from its buffers: made while a function is traced, equal to itself alone."""

    def __init__(self, form: Any, places: list[ArrayPlace], constants: list[Any], whole: int):
        """`form` is the tree of the pull-back; `places` has one for each of its arrays; the first `whole` buffers are
        arrays as they are."""
        self.form, self.places, self.constants, self.whole = form, places, constants, whole

    def together(self, buffers: tuple[Any, ...]) -> Any:
        """The pull-back."""
        return jax.tree.unflatten(self.form, [self._array(place, buffers) for place in self.places])

    def _array(self, place: ArrayPlace, buffers: tuple[Any, ...]) -> Any:
        if place.buffer < 0:
            return self.constants[place.first]
        if place.buffer < self.whole:
            return buffers[place.buffer]
        last = place.first + math.prod(place.shape)
        return buffers[place.buffer][place.first : last].reshape(place.shape)


@jax.tree_util.register_pytree_node_class
class PackedPull:
    """A pull-back in few arrays, and how to put it together."""

    __slots__ = ("buffers", "parts")

    def __init__(self, buffers: tuple[Any, ...], parts: PullParts):
        self.buffers, self.parts = buffers, parts

    @classmethod
    def of(cls, pull: Any) -> PackedPull:
        """That of a pull-back as `jax.vjp` gives it, inside of a compiled function."""
        leaves, form = jax.tree.flatten(pull)
        places, constants, whole, small = [], [], [], {}
        for leaf in leaves:
            if not isinstance(leaf, Tracer):
                places.append(ArrayPlace(-1, len(constants), ()))
                constants.append(leaf)
            elif leaf.size > SMALL:
                places.append(ArrayPlace(len(whole), 0, leaf.shape))
                whole.append(leaf)
            else:
                beside = small.setdefault(leaf.dtype, [])
                places.append((leaf.dtype, sum(one.size for one in beside), leaf.shape))
                beside.append(leaf)
        of_type = {dtype: place for place, dtype in enumerate(small, len(whole))}
        places = [
            place if isinstance(place, ArrayPlace) else ArrayPlace(of_type[place[0]], *place[1:]) for place in places
        ]
        buffers = (*whole, *(jnp.concatenate([jnp.ravel(one) for one in beside]) for beside in small.values()))
        return cls(buffers, PullParts(form, places, constants, len(whole)))

    def tree_flatten(self) -> tuple[tuple[Any, ...], PullParts]:
        """As JAX asks for it."""
        return self.buffers, self.parts

    @classmethod
    def tree_unflatten(cls, parts: PullParts, buffers: Any) -> PackedPull:
        """As JAX asks for it."""
        return cls(tuple(buffers), parts)


@jax.jit
def pulled(pull: PackedPull, cotangents: Any) -> Any:
    """What a pull-back makes of cotangents."""
    return pull.parts.together(pull.buffers)(cotangents)
