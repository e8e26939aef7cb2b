"""Algebra with known numbers, shared by the two passes that shorten a right-hand side.

A device has many parameters that are exactly 0 or 1 (a missing anisotropy, a polariser along x). Folding them away
before compilation is worth a third of the arithmetic. As in every such compiler, 0·x is taken as 0 even where x may
be infinite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np


class Known(NamedTuple):
    """A number known at compile time, in the dtype of the expression it stands in."""

    value: Any
    dtype: np.dtype[Any]


class Negated(NamedTuple):
    """The advice to replace an operation by the negative of one of its operands."""

    operand: Any


_BINARY: Final = {
    "add": np.add,
    "add_any": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "max": np.maximum,
    "min": np.minimum,
    "pow": np.power,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}
_UNARY: Final = {
    "neg": np.negative,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "abs": np.abs,
    "sign": np.sign,
    "square": np.square,
    "not": np.invert,
}

_FUNCTIONS: Final = _UNARY | _BINARY


def simplify(name: str, operands: Sequence[Any], dtype: np.dtype[Any]) -> Any:
    """A shorter equivalent of an operation: a `Known`, one of its operands, a `Negated` operand; None if there is none.

    `dtype` is that of the result. Operands are `Known` or anything else that compares by equality.
    """
    known = all(isinstance(operand, Known) for operand in operands)
    if name in ("div", "pow") and dtype.kind != "f":
        counts = name == "div" and known and operands[0].value >= 0 and operands[1].value > 0
        return _known(_scalar(operands[0]) // _scalar(operands[1]), dtype) if counts else None
    if known and name in _FUNCTIONS:
        with np.errstate(all="ignore"):
            return _known(_FUNCTIONS[name](*(_scalar(operand) for operand in operands)), dtype)
    if name in ("select_n",) and isinstance(operands[0], Known):
        return operands[1 + int(operands[0].value)]
    if dtype.kind != "f":
        return None
    if name in ("add", "add_any", "sub"):
        return _simplify_sum(name, *operands)
    if name in ("mul", "div"):
        return _simplify_product(name, *operands, dtype=dtype)
    return None


def _simplify_sum(name: str, left: Any, right: Any) -> Any:
    if is_number(right, 0):
        return left
    if is_number(left, 0):
        return Negated(right) if name == "sub" else right
    return None


def _simplify_product(name: str, left: Any, right: Any, *, dtype: np.dtype[Any]) -> Any:
    if is_number(right, 1):
        return left
    if is_number(right, -1):
        return Negated(left)
    if is_number(left, 0):
        return Known(dtype.type(0), dtype)
    if name == "mul":
        if is_number(right, 0):
            return Known(dtype.type(0), dtype)
        if is_number(left, 1):
            return right
        if is_number(left, -1):
            return Negated(right)
    return None


def is_number(operand: Any, number: float) -> bool:
    """Whether an operand is known to be this number."""
    return isinstance(operand, Known) and operand.value == number


def _scalar(operand: Known) -> Any:
    return operand.dtype.type(operand.value)


def _known(value: Any, dtype: np.dtype[Any]) -> Known:
    return Known(dtype.type(value), dtype)
