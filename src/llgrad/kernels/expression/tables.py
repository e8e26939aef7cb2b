"""Arrays in an expression that are no elements: a table that stands in memory, read at places that are known while the
kernel runs, and the cotangent of one, which is a few numbers at such places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from llgrad.kernels.expression.simplify import Known


class GraphTable(NamedTuple):
    """A table in memory: the node of the graph that it is, and how many numbers it has."""

    node: int
    size: int
    dtype: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """As an array's."""
        return (self.size,)

    @property
    def ndim(self) -> int:
        """As an array's."""
        return 1


class Sparse(NamedTuple):
    """An array of zeros to which numbers are added at a few places within it."""

    size: int
    dtype: Any
    parts: tuple[tuple[Any, Any], ...]
    """(place, number), both operands of the graph."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As an array's."""
        return (self.size,)

    @property
    def ndim(self) -> int:
        """As an array's."""
        return 1


def is_lazy(value: Any) -> bool:
    """Whether a value is no array of elements."""
    return isinstance(value, (GraphTable, Sparse))


def dense(elements: Any, value: Any) -> Any:
    """The array of elements of any value."""
    if isinstance(value, GraphTable):
        return elements.of([entry(elements, value, _known(place)) for place in range(value.size)], value.shape)
    if not isinstance(value, Sparse):
        return value
    graph, zero = elements.graph, Known(value.dtype.type(0), value.dtype)
    found = []
    for place in range(value.size):
        total: Any = zero
        for index, number in value.parts:
            if isinstance(index, Known):
                part = number if int(index.value) == place else zero
            else:
                kind = graph.dtype_of(index)
                here = graph.add("eq", (index, Known(kind.type(place), kind)), np.dtype(bool))
                part = graph.add("select_n", (here, zero, number), value.dtype)
            total = graph.add("add", (total, part), value.dtype)
        found.append(total)
    return elements.of(found, value.shape)


def entry(elements: Any, table: GraphTable, index: Any) -> Any:
    """The number of a table at a place within it, an operand."""
    return elements.graph.fetch(table.node, index, table.dtype)


def window(elements: Any, table: GraphTable, start: Any, size: int) -> Any:
    """`size` numbers of a table from a place on, with all of them within it."""
    graph, kind = elements.graph, elements.graph.dtype_of(start)
    places = [graph.add("add", (start, Known(kind.type(more), kind)), kind) for more in range(size)]
    return elements.of([entry(elements, table, place) for place in places], (size,))


def parts_of(elements: Any, value: Any) -> list[tuple[Any, Any]]:
    """The (place, number) of an array with one axis, one of each place."""
    graph = elements.graph
    if isinstance(value, Sparse):
        found: dict[Any, Any] = {}
        for index, number in value.parts:
            index = _known(int(index.value)) if isinstance(index, Known) else index
            key = ("known", int(index.value)) if isinstance(index, Known) else index
            before = found.get(key)
            total = number if before is None else graph.add("add", (before[1], number), value.dtype)
            found[key] = (index, total)
        return list(found.values())
    listed = enumerate(elements.list(dense(elements, value)))
    return [(_known(place), number) for place, number in listed if not _is_zero(number)]


def _known(place: int) -> Known:
    return Known(np.int64(place), np.dtype(np.int64))


def _is_zero(value: Any) -> bool:
    return isinstance(value, Known) and value.value == 0


def is_zeros(elements: Any, array: Any) -> bool:
    """Whether an array has one axis, more than one element, and nothing but zeros known when the kernel is made."""
    return not is_lazy(array) and array.ndim == 1 and array.size > 1 and all(map(_is_zero, elements.list(array)))


def combined(elements: Any, name: str, operands: Sequence[Any], out: Any) -> Any:
    """The result of an operation on arrays of which one is sparse, where it is sparse again; else None."""
    if tuple(out.shape) not in {value.shape for value in operands if isinstance(value, Sparse)}:
        return None
    graph, dtype = elements.graph, np.dtype(out.dtype)
    if name in ("add_any", "add") and all(value.shape == tuple(out.shape) for value in operands):
        parts = [part for value in operands for part in parts_of(elements, value)]
        return Sparse(out.shape[0], dtype, tuple(parts))
    if name == "neg":
        (value,) = operands
        return Sparse(value.size, dtype, tuple((i, graph.add("neg", (x,), dtype)) for i, x in value.parts))
    if name == "mul":
        sparse, other = operands if isinstance(operands[0], Sparse) else reversed(operands)
        factors = set(() if is_lazy(other) else np.ravel(other).tolist())
        if len(factors) == 1:
            factor = elements.list(np.ravel(other)[:1])[0]
            parts = tuple((i, graph.add("mul", (x, factor), dtype)) for i, x in sparse.parts)
            return Sparse(sparse.size, dtype, parts)
    return None


# ---- the place of a number in an increasing table, as one operation

RANK: Final = Primitive("llgrad_rank")
"""(table, x) → how many numbers of the table are at most x: `searchsorted` from the right, which has no derivative."""


def _rank(table: Any, x: Any, *, dtype: Any) -> Any:
    return jnp.searchsorted(table, x, side="right").astype(dtype)


def _rank_jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
    place = RANK.bind(*primals, **params)
    return place, ad.Zero(jax.typeof(place).to_tangent_aval())


def _rank_batch(arguments: Sequence[Any], dims: Sequence[Any], **params: Any) -> tuple[Any, int]:
    return jax.vmap(lambda *each: _rank(*each, **params), dims)(*arguments), 0


RANK.def_impl(jax.jit(_rank, static_argnames="dtype"))
RANK.def_abstract_eval(lambda table, x, *, dtype: ShapedArray((), dtype))
ad.primitive_jvps[RANK] = _rank_jvp
batching.primitive_batchers[RANK] = _rank_batch
mlir.register_lowering(RANK, mlir.lower_fun(_rank, multiple_results=False))


def is_rank(equation: Any) -> bool:
    """Whether an equation of a jaxpr calls `jnp.searchsorted` of a table and a number from the right, as this version
    of JAX writes it: what `jnp.interp` does first.
    """
    if equation.params.get("name") != "searchsorted" or len(equation.invars) != 2:
        return False
    table, x = (atom.aval for atom in equation.invars)
    if (len(table.shape), len(x.shape)) != (1, 0) or table.dtype != x.dtype or table.dtype.kind != "f":
        return False
    given = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in (table, x)]
    (usual,) = jax.make_jaxpr(lambda *each: jnp.searchsorted(*each, side="right"))(*given).jaxpr.eqns
    return str(usual.params.get("jaxpr")) == str(equation.params.get("jaxpr"))
