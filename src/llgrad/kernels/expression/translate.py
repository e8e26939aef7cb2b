"""From a jaxpr to a graph of scalar operations. Small arrays are written out element by element, loops of a known
length step by step.

Whatever stands in `SUPPORTED` means here what it means to XLA, for every number that a kernel can meet: not a number,
infinities, ties and edges included. What cannot be said so is refused with UnsupportedOperation, and runs in XLA.
Two things are not kept: the sign of a zero, and 0·x, which is 0 for every x. A quotient a/b is a·(1/b), but where its
last digit matters (`graph.JUMPING`), so b must have a reciprocal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from jax.core import Tracer
from jax.extend import core as jex

from llgrad.kernels.expression import shapes
from llgrad.kernels.expression.graph import Graph, OnlyBackwards, UnsupportedOperation
from llgrad.kernels.expression.simplify import Known
from llgrad.kernels.expression.tables import RANK, GraphTable, combined, dense, is_lazy, is_rank, parts_of

NESTED: Final = {
    # calls whose body is written out in place, and where the body stands in the equation's parameters
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "custom_vjp_call_jaxpr": "fun_jaxpr",
    "remat": "jaxpr",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
}
SAME: Final = {"copy", "copy_p", "stop_gradient", "optimization_barrier", "reduce_precision"}
DIRECT: Final = {
    *("add", "sub", "mul", "div", "max", "min", "pow", "rem", "atan2"),
    *("neg", "abs", "sign", "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log1p", "floor", "ceil", "round"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc"),
    *("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "xor", "not", "select_n", "is_finite"),
    *("shift_left", "shift_right_logical", "shift_right_arithmetic", "convert_element_type", "bitcast_convert_type"),
}
REWRITTEN: Final = {
    *("add_any", "integer_pow", "square", "one_minus_square", "polynomial", "log2", "rsqrt", "logistic", "clamp"),
    *("eq_to", "le_to", "lt_to"),
}
UNCHANGED: Final = {"convert_element_type", "reshape", "squeeze", "broadcast_in_dim"}
"""Operations that leave an array as it is where its shape and its dtype stay the same."""
READING: Final = {"dynamic_slice", "gather"}
"""Operations that take numbers out of a table in memory where it stands."""
STRUCTURE: Final = {"scan", "cond", "SearchSorted", RANK.name, *shapes.OPERATIONS}
SUPPORTED: Final = frozenset({*NESTED, *SAME, *DIRECT, *REWRITTEN, *STRUCTURE})
NUMBERS: Final = {"float64", "float32", "int64", "int32", "uint64", "uint32", "bool"}
LONGEST: Final = 256
"""Steps of a loop that is written out."""
LARGEST: Final = 20_000
"""Operations of an expression; a larger one would compile for minutes."""


class Translator:
    """Adds the operations of jaxprs to a graph. Every value is an array of references, of the value's shape."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.elements = shapes.Elements(graph)

    def extend(self, closed: Any, arguments: Sequence[Any]) -> list[Any]:
        """Add all operations of a jaxpr of scalars and tables; returns the values of its outputs: an operand, or, of
        an array with one axis, the (place, number) pairs of which it is the sum."""
        given = [value if is_lazy(value) else self.elements.of([value], ()) for value in arguments]
        found = self.closed(closed, given)
        if any(len(value.shape) > 1 for value in found):
            raise UnsupportedOperation("an array where numbers are expected")
        return [parts_of(self.elements, value) if value.shape else self.elements.one(value) for value in found]

    def closed(self, closed: Any, arguments: list[Any]) -> list[Any]:
        jaxpr, constants = (closed.jaxpr, closed.consts) if hasattr(closed, "consts") else (closed, ())
        values: dict[Any, Any] = dict(zip(jaxpr.constvars, map(self._constant, constants), strict=True))
        values |= dict(zip(jaxpr.invars, arguments, strict=True))

        def read(atom: Any) -> Any:
            literal = isinstance(atom, jex.Literal)
            return self._constant(atom.val, dtype_of_literal(atom)) if literal else values[atom]

        for equation in jaxpr.eqns:
            results = self._equation(equation, [read(atom) for atom in equation.invars])
            values |= dict(zip(equation.outvars, results, strict=True))
            if len(self.graph.nodes) > LARGEST:
                raise UnsupportedOperation(f"more than {LARGEST} operations in all, the last one {equation.primitive}")
        return [read(atom) for atom in jaxpr.outvars]

    def _constant(self, value: Any, dtype: Any = None) -> Any:
        if isinstance(value, Tracer):
            raise UnsupportedOperation(
                "a traced value captured by a field term (make it a parameter, with quantity(unit))"
            )
        array = np.asarray(value)
        kind = np.dtype(dtype if dtype is not None else array.dtype)
        if kind.name not in NUMBERS:
            raise UnsupportedOperation(f"a constant of {kind.name}")
        return self.elements.of([Known(kind.type(number), kind) for number in array.ravel()], array.shape)

    def _equation(self, equation: Any, operands: list[Any]) -> list[Any]:
        name, params = equation.primitive.name, equation.params
        if name == RANK.name or (name in NESTED and is_rank(equation)):
            table, query = operands
            return [self._rank(table, query, np.dtype(equation.outvars[0].aval.dtype))]
        if name in NESTED:
            return self.closed(params[NESTED[name]], operands)
        if name == "call_hi_primitive":  # since jax 0.12, what it calls has the name and the parameters
            called = params["_prim"]
            name, params = type(called).__name__, called.params
        if name == "custom_lin":
            raise OnlyBackwards(name)
        if name not in SUPPORTED:
            raise UnsupportedOperation(name)
        for out in equation.outvars:
            if getattr(out.aval, "dtype", None) is None or np.dtype(out.aval.dtype).name not in NUMBERS:
                raise UnsupportedOperation(f"{name} of {out.aval.str_short(short_dtypes=True)}")
        if name == "scan":
            return self._scan(operands, params)
        if name == "cond":
            return self._cond(operands, params["branches"])
        if name == "SearchSorted":
            table, query = operands
            if params["side"] == "right" and table.ndim == 1 and not (query.ndim or params["batch_dims"]):
                return [self._rank(table, query, np.dtype(equation.outvars[0].aval.dtype))]
            return [self._search(table, query, params, np.dtype(equation.outvars[0].aval.dtype))]
        if name in SAME:
            _check_precision(name, equation)
            return operands[: len(equation.outvars)]
        if any(map(is_lazy, operands)):
            out, same = equation.outvars[0].aval, operands[0]
            if name in UNCHANGED and same.shape == out.shape and same.dtype == out.dtype:
                return [same]
            sparse = combined(self.elements, name, operands, equation.outvars[0].aval)
            if sparse is not None:
                return [sparse]
            read = name in READING and not any(map(is_lazy, operands[1:])) and isinstance(operands[0], GraphTable)
            operands = operands if read else [dense(self.elements, value) for value in operands]
        if name in shapes.OPERATIONS:
            found = shapes.OPERATIONS[name](self.elements, operands, params, equation.outvars[0].aval)
            return found if isinstance(found, list) else [found]
        dtype = np.dtype(equation.outvars[0].aval.dtype)
        return [self._each(name, operands, dtype, params)]

    def _each(self, name: str, operands: list[Any], dtype: np.dtype[Any], params: dict[str, Any]) -> Any:
        """An operation on every element."""
        arrays = np.broadcast_arrays(*operands)
        rows = zip(*(self.elements.list(array) for array in arrays), strict=True)
        found = [self._operation(name, list(row), dtype, params) for row in rows]
        return self.elements.of(found, arrays[0].shape)

    # ---- control

    def _scan(self, operands: list[Any], params: dict[str, Any]) -> list[Any]:
        if params["length"] > LONGEST:
            raise UnsupportedOperation(f"scan of {params['length']} steps (at most {LONGEST})")
        first, count = _counts_of_scan(params)
        last = first + count
        constants, carry = operands[:first], operands[first:last]
        inputs = [dense(self.elements, value) for value in operands[last:]]
        told: list[list[Any]] = []
        steps = range(params["length"])
        for step in reversed(steps) if params["reverse"] else steps:
            results = self.closed(params["jaxpr"], [*constants, *carry, *(value[step] for value in inputs)])
            carry, made = results[:count], results[count:]
            told.append([dense(self.elements, value) for value in made])
        if params["reverse"]:
            told.reverse()
        shapes_told = [var.aval.shape for var in params["jaxpr"].jaxpr.outvars[count:]]
        stacked = [
            np.stack([row[index] for row in told]) if told else np.zeros((0, *shape), np.int64)
            for index, shape in enumerate(shapes_told)
        ]
        return [*carry, *stacked]

    def _cond(self, operands: list[Any], branches: Sequence[Any]) -> list[Any]:
        """All branches, of which one is taken: nothing in them has an effect."""
        which = self.elements.one(operands[0])
        results = [[dense(self.elements, v) for v in self.closed(branch, operands[1:])] for branch in branches]
        return [self.elements.choose(which, list(values)) for values in zip(*results, strict=True)]

    def _rank(self, table: Any, query: Any, dtype: np.dtype[Any]) -> Any:
        """How many numbers of an increasing table are at most one; all of them, where that is not a number."""
        graph, x = self.graph, self.elements.one(query)
        if isinstance(table, GraphTable):
            return self.elements.of([graph.rank(table.node, x, dtype)], ())
        knots, boolean = self.elements.list(table), np.dtype(bool)
        if all(isinstance(knot, Known) for knot in knots):
            constant = graph.constant_table(np.array([knot.value for knot in knots], knots[0].dtype))
            return self.elements.of([graph.rank(constant, x, dtype)], ())
        place: Any = Known(dtype.type(0), dtype)
        for knot in knots:
            further = graph.add("add", (place, Known(dtype.type(1), dtype)), dtype)
            place = graph.add("select_n", (graph.add("le", (knot, x), boolean), place, further), dtype)
        lost = graph.add("ne", (x, x), boolean)
        return self.elements.of([graph.add("select_n", (lost, place, Known(dtype.type(len(knots)), dtype)), dtype)], ())

    def _search(self, table: Any, query: Any, params: dict[str, Any], dtype: np.dtype[Any]) -> Any:
        """The place of a number in an increasing table, by halves: jax 0.12 has a primitive for it."""
        if table.ndim != 1 or query.ndim or params["side"] not in ("left", "right") or params["batch_dims"]:
            raise UnsupportedOperation("SearchSorted of more than one number in one table")
        graph, wanted = self.graph, self.elements.one(query)
        boolean, known = np.dtype(bool), lambda number: Known(dtype.type(number), dtype)
        place: Any = known(0)  # how many elements of the table are known to stand before the number
        step = 1 << max(table.size, 1).bit_length() - 1
        kind = graph.dtype_of(wanted)
        while step:
            last = graph.add("add", (place, known(step - 1)), dtype)
            inside = graph.add("lt", (last, known(table.size)), boolean)
            element = self.elements.take(table, self.elements.clamped(last, table.size))
            # what is not a number stands last
            before = graph.add("le" if params["side"] == "right" else "lt", (element, wanted), boolean)
            lost = graph.add("ne", (wanted, wanted), boolean)
            if params["side"] == "left":
                lost = graph.add("and", (lost, graph.add("eq", (element, element), boolean)), boolean)
            before = graph.add("or", (before, lost), boolean) if kind.kind == "f" else before
            taken = graph.add("and", (inside, before), boolean)
            further = graph.add("add", (place, known(step)), dtype)
            place = graph.add("select_n", (taken, place, further), dtype)
            step //= 2
        return self.elements.of([place], ())

    # ---- arithmetic

    def _operation(self, name: str, operands: list[Any], dtype: np.dtype[Any], params: dict[str, Any]) -> Any:
        graph, one = self.graph, None if dtype == np.bool_ else Known(dtype.type(1), dtype)
        if name in ("square", "one_minus_square", "polynomial", "log2", "rsqrt", "logistic", "clamp", "integer_pow"):
            return self._rewritten(name, operands, dtype, params, one)
        if name in ("eq_to", "le_to", "lt_to"):
            return self._total(name, *operands)
        if name == "select_n":
            return self.elements.choose_one(operands[0], operands[1:])
        if name == "round" and dtype.kind == "f" and int(params["rounding_method"]) == 0:
            return self._rounded_away(operands[0], dtype)
        if name == "convert_element_type":
            return self._converted(operands[0], dtype)
        if name == "bitcast_convert_type":
            return self._bits(operands[0], dtype)
        if name == "sign" and dtype.kind in "iu":
            return self._sign(operands[0], dtype)
        _check_whole_numbers(name, operands, graph.dtype_of(operands[0]))
        return graph.add(name, operands, dtype)

    def _rewritten(self, name: str, operands: list[Any], dtype: np.dtype[Any], params: dict[str, Any], one: Any) -> Any:
        graph = self.graph
        if name == "integer_pow":
            if params["y"] < 0 and dtype.kind != "f":
                raise UnsupportedOperation("a negative power of a whole number")
            return graph.power(operands[0], params["y"], dtype)
        if name == "square":
            return graph.add("mul", (operands[0], operands[0]), dtype)
        if name == "one_minus_square":
            factors = [graph.add(sign, (one, operands[0]), dtype) for sign in ("add", "sub")]
            return graph.add("mul", tuple(factors), dtype)
        if name == "polynomial":
            return self._polynomial(operands[0], operands[1:], dtype)
        if name == "log2":
            return graph.add("div", (graph.add("log", operands, dtype), Known(dtype.type(math.log(2)), dtype)), dtype)
        if name == "rsqrt":
            return graph.add("div", (one, graph.add("sqrt", operands, dtype)), dtype)
        if name == "logistic":
            exponential = graph.add("exp", (graph.add("neg", operands, dtype),), dtype)
            return graph.add("div", (one, graph.add("add", (one, exponential), dtype)), dtype)
        return graph.add("min", (graph.add("max", (operands[0], operands[1]), dtype), operands[2]), dtype)

    def _polynomial(self, x: Any, coefficients: Sequence[Any], dtype: np.dtype[Any]) -> Any:
        """Σ aₖ xᵏ by Horner's rule."""
        *rest, value = coefficients
        for coefficient in reversed(rest):
            value = self.graph.add("add", (coefficient, self.graph.add("mul", (x, value), dtype)), dtype)
        return value

    def _total(self, name: str, left: Any, right: Any) -> Any:
        """The order in which what is not a number stands last, and equals itself (after JAX made all its NaN alike)."""
        graph, boolean = self.graph, np.dtype(bool)
        if graph.dtype_of(left).kind != "f":
            return graph.add(name.removesuffix("_to"), (left, right), boolean)
        left_lost, right_lost = (graph.add("ne", (value, value), boolean) for value in (left, right))
        if name == "lt_to":
            last = graph.add("and", (graph.add("not", (left_lost,), boolean), right_lost), boolean)
        else:
            last = graph.add("and", (left_lost, right_lost), boolean) if name == "eq_to" else right_lost
        return graph.add("or", (graph.add(name.removesuffix("_to"), (left, right), boolean), last), boolean)

    def _rounded_away(self, x: Any, dtype: np.dtype[Any]) -> Any:
        """The nearest whole number, of two the one farther from zero: x without its fraction, and one more or not."""
        graph, boolean = self.graph, np.dtype(bool)
        zero, half = Known(dtype.type(0), dtype), Known(dtype.type(0.5), dtype)
        down, up = (graph.add(name, (x,), dtype) for name in ("floor", "ceil"))
        whole = graph.add("select_n", (graph.add("lt", (x, zero), boolean), down, up), dtype)
        fraction = graph.add("abs", (graph.add("sub", (x, whole), dtype),), dtype)
        further = graph.add("select_n", (graph.add("ge", (fraction, half), boolean), zero, _one(dtype)), dtype)
        return graph.add("add", (whole, graph.add("mul", (graph.add("sign", (x,), dtype), further), dtype)), dtype)

    def _converted(self, x: Any, dtype: np.dtype[Any]) -> Any:
        kind = self.graph.dtype_of(x)
        if kind == dtype:
            return x
        if dtype == np.bool_:
            return self.graph.add("ne", (x, Known(kind.type(0), kind)), dtype)
        if isinstance(x, Known) and (kind.kind != "f" or dtype.kind == "f"):
            return Known(np.asarray(x.value).astype(dtype)[()], dtype)
        if kind.kind == "f" and dtype.kind in "iu":
            return self._whole(x, kind, dtype)
        return self.graph.add("convert_element_type", (x,), dtype)

    def _bits(self, x: Any, dtype: np.dtype[Any]) -> Any:
        if isinstance(x, Known):
            return Known(np.asarray(x.value, x.dtype).view(dtype)[()], dtype)
        kind = self.graph.dtype_of(x)
        if kind.itemsize != dtype.itemsize or np.bool_ in (kind, dtype):
            raise UnsupportedOperation(f"bitcast_convert_type of {kind.name} to {dtype.name}")
        return x if kind == dtype else self.graph.add("bitcast_convert_type", (x,), dtype)

    def _sign(self, x: Any, dtype: np.dtype[Any]) -> Any:
        graph, boolean, zero = self.graph, np.dtype(bool), Known(dtype.type(0), dtype)
        above = graph.add("select_n", (graph.add("gt", (x, zero), boolean), zero, _one(dtype)), dtype)
        if dtype.kind == "u":
            return above
        return graph.add("select_n", (graph.add("lt", (x, zero), boolean), above, Known(dtype.type(-1), dtype)), dtype)

    def _whole(self, x: Any, kind: np.dtype[Any], dtype: np.dtype[Any]) -> Any:
        """A float as a whole number: the nearest in range where there is none, 0 for what is not a number."""
        graph, boolean, limits = self.graph, np.dtype(bool), np.iinfo(dtype)
        if isinstance(x, Known):
            number = float(x.value)
            inside = 0 if math.isnan(number) else min(max(number, float(limits.min)), float(limits.max))
            return Known(dtype.type(min(max(int(inside), limits.min), limits.max)), dtype)
        past = Known(kind.type(float(limits.max) + 1 if dtype.itemsize < 8 else float(limits.max)), kind)
        result = graph.add("convert_element_type", (x,), dtype)
        for name, bound, value in (("ge", past, limits.max), ("lt", Known(kind.type(limits.min), kind), limits.min)):
            outside = graph.add(name, (x, bound), boolean)
            result = graph.add("select_n", (outside, result, Known(dtype.type(value), dtype)), dtype)
        lost = graph.add("ne", (x, x), boolean)
        return graph.add("select_n", (lost, result, Known(dtype.type(0), dtype)), dtype)


def graph_of(closed: Any, arguments: Sequence[str]) -> tuple[Graph, list[int], list[Any]]:
    """The graph of a jaxpr of named scalars and tables, its inputs and its outputs (see `Translator.extend`)."""
    graph, given = Graph(), closed.jaxpr.invars
    inputs = [graph.input(text, var.aval.dtype) for text, var in zip(arguments, given, strict=True)]
    values = [
        GraphTable(node, var.aval.shape[0], np.dtype(var.aval.dtype)) if var.aval.shape else node
        for node, var in zip(inputs, given, strict=True)
    ]
    return graph, inputs, Translator(graph).extend(closed, values)


def _counts_of_scan(params: dict[str, Any]) -> tuple[int, int]:
    """How many operands of a `scan` are constants, and how many are carried; since jax 0.12 as a tree of them."""
    if "num_carry" in params:
        return params["num_consts"], params["num_carry"]
    constants, carry, _ = params["ft_in"].unpack()
    return len(constants), len(carry)


def dtype_of_literal(atom: Any) -> np.dtype[Any]:
    """The dtype of a literal of a jaxpr."""
    return np.dtype(atom.aval.dtype)


def _one(dtype: np.dtype[Any]) -> Known:
    return Known(dtype.type(1), dtype)


def _check_precision(name: str, equation: Any) -> None:
    """Raise UnsupportedOperation where `reduce_precision` takes digits away."""
    dtype = np.dtype(equation.outvars[0].aval.dtype)
    if name != "reduce_precision":
        return
    limits, params = np.finfo(dtype), equation.params
    if params["exponent_bits"] < limits.iexp or params["mantissa_bits"] < limits.nmant:
        raise UnsupportedOperation(f"reduce_precision to {params['mantissa_bits']} bits of mantissa")


def _check_whole_numbers(name: str, operands: Sequence[Any], dtype: np.dtype[Any]) -> None:
    """Raise UnsupportedOperation where whole numbers would be treated in another way than XLA does."""
    if dtype.kind not in "iu":
        return
    if name in ("div", "rem"):
        divisor = operands[1]
        if not (isinstance(divisor, Known) and int(divisor.value) > 0):
            raise UnsupportedOperation(f"{name} of whole numbers by another one than a known positive number")
    elif name.startswith("shift"):
        by, signed = operands[1], dtype.kind == "i"
        if signed != (name == "shift_right_arithmetic") or not (
            isinstance(by, Known) and 0 <= int(by.value) < 8 * dtype.itemsize
        ):
            raise UnsupportedOperation(f"{name} of {dtype.name} by another number than a known one below its bits")
    elif name in ("pow", "floor", "ceil", "round"):
        raise UnsupportedOperation(f"{name} of whole numbers")
