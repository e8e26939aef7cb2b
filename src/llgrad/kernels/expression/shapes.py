"""Small arrays in an expression of scalars: an array is a NumPy array of references to scalars, so that everything that
only moves elements about is NumPy's own function of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from llgrad.kernels.expression.graph import Graph, UnsupportedOperation
from llgrad.kernels.expression.simplify import Known
from llgrad.kernels.expression.tables import GraphTable, Sparse, entry, is_zeros, window

MOST: Final = 4096
"""Elements of an array."""
CHAIN: Final = 64
"""Elements that are not known when the kernel is made, and one of which is taken by a chain of selects."""


class Elements:
    """References of scalars: nodes of a graph are their numbers, known numbers count down from −1."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._known: list[Known] = []
        self._places: dict[Any, int] = {}

    def of(self, values: Sequence[Any], shape: tuple[int, ...]) -> Any:
        """The array of references of given scalars."""
        if len(values) > MOST:
            raise UnsupportedOperation(f"an array of {len(values)} elements (at most {MOST})")
        return np.array([self._reference(value) for value in values], np.int64).reshape(shape)

    def _reference(self, value: Any) -> int:
        if not isinstance(value, Known):
            return value
        key = (value.dtype.str, np.asarray(value.value, value.dtype).tobytes())
        if key not in self._places:
            self._known.append(value)
            self._places[key] = -len(self._known)
        return self._places[key]

    def list(self, array: Any) -> list[Any]:
        """The scalars of an array, in order."""
        return [self._known[-1 - place] if place < 0 else place for place in np.ravel(array).tolist()]

    def one(self, array: Any) -> Any:
        """The scalar of an array of one element."""
        (value,) = self.list(array)
        return value

    def number(self, value: Any, dtype: Any) -> Any:
        """A known number as an array of no axes."""
        return self.of([Known(np.dtype(dtype).type(value), np.dtype(dtype))], ())

    # ---- choices

    def choose_one(self, which: Any, cases: Sequence[Any]) -> Any:
        """The case of an index, or of a truth value; an index outside takes the first or the last."""
        graph, boolean = self.graph, np.dtype(bool)
        kind, dtype = graph.dtype_of(which), graph.dtype_of(cases[0])
        if kind == boolean or len(cases) == 1:
            return graph.add("select_n", (which, *cases), dtype) if len(cases) > 1 else cases[0]
        result = cases[0]
        for index, case in enumerate(cases[1:], 1):
            reached = graph.add("ge", (which, Known(kind.type(index), kind)), boolean)
            result = graph.add("select_n", (reached, result, case), dtype)
        return result

    def choose(self, which: Any, arrays: Sequence[Any]) -> Any:
        """`choose_one` for every element."""
        rows = zip(*(self.list(array) for array in arrays), strict=True)
        return self.of([self.choose_one(which, row) for row in rows], arrays[0].shape)

    def clamped(self, index: Any, size: int) -> Any:
        """An index brought into 0 … size − 1."""
        kind = self.graph.dtype_of(index)
        upper = self.graph.add("min", (index, Known(kind.type(size - 1), kind)), kind)
        return self.graph.add("max", (upper, Known(kind.type(0), kind)), kind) if kind.kind == "i" else upper

    def take(self, array: Any, index: Any) -> Any:
        """The element at an index within the array, of one axis."""
        if isinstance(array, GraphTable):
            return entry(self, array, index)
        cases = self.list(array)
        if isinstance(index, Known):
            return cases[int(index.value)]
        if all(case == cases[0] for case in cases):
            return cases[0]
        if all(isinstance(case, Known) for case in cases):
            table = np.array([case.value for case in cases], cases[0].dtype)
            return self.graph.lookup(table, index)
        if len(cases) > CHAIN:
            raise UnsupportedOperation(f"an index into {len(cases)} values that are no constants (at most {CHAIN})")
        return self.choose_one(index, cases)


Operation = Callable[[Elements, list[Any], dict[str, Any], Any], Any]
OPERATIONS: Final[dict[str, Operation]] = {}
"""(elements, operands, the equation's parameters, what it makes) → result, by the name of the primitive."""


def _named(*names: str) -> Callable[[Operation], Operation]:
    def register(function: Operation) -> Operation:
        OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return register


# ---- what only moves elements about


@_named("broadcast_in_dim")
def _broadcast(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    axes = [1] * len(out.shape)
    for place, size in zip(params["broadcast_dimensions"], operands[0].shape, strict=True):
        axes[place] = size
    return np.broadcast_to(operands[0].reshape(axes), out.shape)


@_named("reshape", "squeeze", "expand_dims")
def _reshape(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    if params.get("dimensions") is not None and "new_sizes" in params:
        raise UnsupportedOperation("reshape with an order of axes")
    return operands[0].reshape(out.shape)


@_named("transpose")
def _transpose(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    return np.transpose(operands[0], params["permutation"])


@_named("rev")
def _rev(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    return np.flip(operands[0], params["dimensions"])


@_named("slice")
def _slice(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    steps = params["strides"] or [1] * operands[0].ndim
    limits = zip(params["start_indices"], params["limit_indices"], steps, strict=True)
    return operands[0][tuple(slice(*limit) for limit in limits)]


@_named("concatenate")
def _concatenate(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    return np.concatenate(operands, params["dimension"])


@_named("stack")
def _stack(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    return np.stack(operands, params["axis"])


@_named("unstack")
def _unstack(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    return list(np.moveaxis(operands[0], params["axis"], 0))


@_named("split")
def _split(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    return np.split(operands[0], np.cumsum(params["sizes"])[:-1], params["axis"])


@_named("pad")
def _pad(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    value, filling = operands
    config = params["padding_config"]
    wide = [max(size + (size - 1) * between, 0) for size, (_, _, between) in zip(value.shape, config, strict=True)]
    spaced = np.full(wide, int(filling), np.int64)
    spaced[tuple(slice(None, None, between + 1) for *_, between in config)] = value
    grown = np.pad(spaced, [(max(low, 0), max(high, 0)) for low, high, _ in config], constant_values=int(filling))
    cut = [slice(max(-low, 0), max(-low, 0) + size) for (low, _, _), size in zip(config, out.shape, strict=True)]
    return grown[tuple(cut)]


@_named("empty", "empty2")
def _empty(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    return np.broadcast_to(elements.number(0, out.dtype), out.shape)


@_named("iota")
def _iota(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    kind = np.dtype(out.dtype)
    numbers = np.indices(out.shape)[params["dimension"]].ravel() if out.shape else []
    return elements.of([Known(kind.type(number), kind) for number in numbers], out.shape)


# ---- sums


def _reduced(name: str) -> Operation:
    def reduce(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
        axes = tuple(params["axes"])
        moved = np.moveaxis(operands[0], axes, range(len(axes))).reshape(-1, *out.shape)
        if not len(moved):
            raise UnsupportedOperation(f"{name} of an empty array")
        columns = [elements.list(column) for column in moved.reshape(len(moved), -1).T]
        kind, results = np.dtype(out.dtype), []
        for first, *others in columns:
            total = first
            for other in others:
                total = elements.graph.add(name, (total, other), kind)
            results.append(total)
        return elements.of(results, out.shape)

    return reduce


for _name, _function in {"sum": "add", "prod": "mul", "max": "max", "min": "min", "and": "and", "or": "or"}.items():
    OPERATIONS[f"reduce_{_name}"] = _reduced(_function)


@_named("cumsum")
def _cumsum(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    value, kind = np.moveaxis(operands[0], params["axis"], 0), np.dtype(out.dtype)
    value = value[::-1] if params["reverse"] else value
    rows = [elements.list(row) for row in value]
    for before, row in itertools.pairwise(rows):
        row[:] = [elements.graph.add("add", pair, kind) for pair in zip(before, row, strict=True)]
    result = elements.of([item for row in rows for item in row], value.shape)
    return np.moveaxis(result[::-1] if params["reverse"] else result, 0, params["axis"])


@_named("argmax")
def _argmax(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    (value,), kind, boolean = operands, np.dtype(out.dtype), np.dtype(bool)
    graph = elements.graph
    if value.ndim != 1 or graph.dtype_of(elements.list(value)[0]).kind == "f":
        raise UnsupportedOperation("argmax of floats, or of more than one axis")
    best, *others = elements.list(value)
    dtype, place = graph.dtype_of(best), Known(kind.type(0), kind)
    for index, other in enumerate(others, 1):
        improved = graph.add("gt", (other, best), boolean)
        best = graph.add("select_n", (improved, best, other), dtype)
        place = graph.add("select_n", (improved, place, Known(kind.type(index), kind)), kind)
    return elements.of([place], ())


@_named("dot_general")
def _dot(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    (left_axes, right_axes), (left_batch, right_batch) = params["dimension_numbers"]
    if left_batch or right_batch:
        raise UnsupportedOperation("dot_general of batches")
    graph, kind = elements.graph, np.dtype(out.dtype)
    left = np.moveaxis(operands[0], left_axes, range(len(left_axes)))
    right = np.moveaxis(operands[1], right_axes, range(len(right_axes)))
    size = int(np.prod(left.shape[: len(left_axes)]))
    columns = [value.reshape(size, -1).T for value in (left, right)]
    results = []
    for row in columns[0]:
        for column in columns[1]:
            products = [
                graph.add("mul", pair, kind) for pair in zip(elements.list(row), elements.list(column), strict=True)
            ]
            total = products[0]
            for product in products[1:]:
                total = graph.add("add", (total, product), kind)
            results.append(total)
    return elements.of(results, out.shape)


# ---- places known only while the kernel runs


@_named("dynamic_slice")
def _dynamic_slice(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    value, starts = operands[0], operands[1:]
    for axis, (start, size) in enumerate(zip(starts, params["slice_sizes"], strict=True)):
        value = _window(elements, value, elements.one(start), axis, size)
    return value


def _window(elements: Elements, value: Any, start: Any, axis: int, size: int) -> Any:
    """`size` elements along an axis from a place on, which is brought into the array as XLA does."""
    places = value.shape[axis] - size + 1
    start = elements.clamped(start, places)
    if isinstance(value, GraphTable):
        return window(elements, value, start, size)
    if isinstance(start, Known):
        return np.take(value, range(int(start.value), int(start.value) + size), axis)
    windows = np.stack([np.take(value, range(at, at + size), axis) for at in range(places)])
    found = [elements.take(column, start) for column in windows.reshape(places, -1).T]
    return elements.of(found, windows.shape[1:])


@_named("dynamic_update_slice")
def _dynamic_update(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    value, update, *starts = operands
    moving = [axis for axis, (a, b) in enumerate(zip(value.shape, update.shape, strict=True)) if a != b]
    if len(moving) > 1:
        raise UnsupportedOperation("dynamic_update_slice along two axes")
    if not moving:
        return update
    (axis,) = moving
    places = value.shape[axis] - update.shape[axis] + 1
    start = elements.clamped(elements.one(starts[axis]), places)
    if update.shape == (1,) and is_zeros(elements, value):
        return Sparse(places, np.dtype(out.dtype), ((start, elements.one(update)),))
    cases = []
    for at in range(places):
        case = value.copy()
        case[(slice(None),) * axis + (slice(at, at + update.shape[axis]),)] = update
        cases.append(case)
    return cases[int(start.value)] if isinstance(start, Known) else elements.choose(start, cases)


@_named("gather")
def _gather(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    """One window at one place along one axis: what `table[index]` is."""
    value, indices = operands
    numbers, sizes = params["dimension_numbers"], params["slice_sizes"]
    if indices.shape != (1,) or len(numbers.start_index_map) != 1 or getattr(numbers, "operand_batching_dims", ()):
        raise UnsupportedOperation("gather of more than one place")
    (axis,), start = numbers.start_index_map, elements.one(indices)
    if sizes != tuple(size if a != axis else sizes[axis] for a, size in enumerate(value.shape)):
        raise UnsupportedOperation("gather of a part of an axis")
    window = _window(elements, value, start, axis, sizes[axis]).reshape(out.shape)
    if "FILL" not in str(params["mode"]).upper():
        return window
    graph, boolean = elements.graph, np.dtype(bool)
    kind = graph.dtype_of(start)
    below = graph.add("lt", (start, Known(kind.type(0), kind)), boolean)
    above = graph.add("gt", (start, Known(kind.type(value.shape[axis] - sizes[axis]), kind)), boolean)
    outside, dtype = graph.add("or", (below, above), boolean), np.dtype(out.dtype)
    fill = params["fill_value"]
    fill = (np.nan if dtype.kind == "f" else np.iinfo(dtype).min) if fill is None and dtype.kind != "b" else fill
    filling = np.broadcast_to(elements.number(bool(fill) if dtype.kind == "b" else fill, dtype), out.shape)
    return elements.choose(outside, [window, filling])


@_named("scatter-add")
def _scatter_add(elements: Elements, operands: list[Any], params: dict[str, Any], out: Any) -> Any:
    """What the gradient of `table[index]` is: one element more, at one place along one axis."""
    value, indices, update = operands
    places = params["dimension_numbers"].scatter_dims_to_operand_dims
    if indices.shape != (1,) or len(places) != 1 or update.size * value.shape[places[0]] != value.size:
        raise UnsupportedOperation("scatter-add at more than one place")
    graph, boolean, kind = elements.graph, np.dtype(bool), np.dtype(out.dtype)
    rows, (axis,) = np.moveaxis(value, places[0], 0), places
    start = elements.one(indices)
    whole = graph.dtype_of(start)
    within = elements.clamped(start, len(rows))
    if update.size == 1 and is_zeros(elements, value):
        (added,), zero = elements.list(update), Known(kind.type(0), kind)
        if "CLIP" not in str(params["mode"]).upper():
            inside = graph.add("eq", (start, within), boolean)
            added = graph.add("select_n", (inside, zero, added), kind)
        return Sparse(len(rows), kind, ((within, added),))
    start = within if "CLIP" in str(params["mode"]).upper() else start
    more, found = elements.list(update), []
    for place, row in enumerate(rows):
        here = graph.add("eq", (start, Known(whole.type(place), whole)), boolean)
        for element, addition in zip(elements.list(row), more, strict=True):
            added = graph.add("select_n", (here, Known(kind.type(0), kind), addition), kind)
            found.append(graph.add("add", (element, added), kind))
    return np.moveaxis(elements.of(found, rows.shape), 0, axis)
