"""What tells programs apart: the texts of everything that a kernel is made of."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from jax.extend import core as jex

from llgrad.kernels.expression.graph import OnlyBackwards, UnsupportedOperation
from llgrad.kernels.expression.listing import formulas
from llgrad.kernels.expression.translate import LARGEST

ARITHMETIC: Final = frozenset(
    {
        *("add", "sub", "mul", "div", "neg", "sqrt", "rsqrt", "pow", "integer_pow", "square", "max", "min", "abs"),
        *("exp", "expm1", "log", "log1p", "sin", "cos", "tan", "atan2", "sinh", "cosh", "tanh", "logistic", "sign"),
        *("eq", "ne", "lt", "le", "gt", "ge", "select_n", "clamp"),
    }
)
"""Operations of numbers that have one derivative, which is made of such again. None of them holds another jaxpr, whose
constants its text would not tell."""


def identity(program: Any) -> str:
    """A digest of the slope, its push-forward and its pull-back. The slope alone is not enough: `stop_gradient`,
    `custom_jvp` and `custom_vjp` change derivatives and leave the value as it is.

    Of a slope that is arithmetic alone its jaxpr is enough: what JAX makes the derivatives of.

    What a member of an array emits belongs to it in the same way.

    Raises UnsupportedOperation where one of them has an operation that no kernel has.
    """
    parts = _parts(program, program.state)
    emitted = program.state[:1] * program.emits
    return _digest(parts + (["emission", *_parts(program.of_emission, emitted)] if program.emits else []))


def identity_with_tangents(program: Any, doubled: Any, wanted: Sequence[str]) -> str:
    """A digest of a program with tangents of what is wanted, made of another."""
    if _is_arithmetic(program.trace(program.function)):
        return _digest([program.digest, "with tangents", *wanted])
    return identity(doubled)


def _parts(program: Any, outputs: Sequence[str]) -> list[str]:
    """The texts of a function, whose outputs are like the arguments of these names, and of its derivatives."""
    state = len(program.state)
    every = tuple(range(state, len(program.arguments)))
    slope = program.trace(program.function)
    if _is_arithmetic(slope):
        return [program.dtype, str(slope.jaxpr), *(repr(np.asarray(value).tolist()) for value in slope.consts)]
    parts = [program.dtype, _text(program, program.function, ())]
    for wanted in (every, ()) if every else ((),):
        moved = [program.arguments[place] for place in (*range(state), *wanted)]
        parts += [
            _derivative(program, program.push_forward(wanted), moved),
            _derivative(program, program.pull_back(wanted), outputs),
        ]
    if any(_looks_at_zeros(equation) for equation in _equations(slope.jaxpr)):
        # Such a rule may give another derivative for every choice of what is differentiated: no text tells it, and no
        # kernel of it is found again.
        parts.append(f"rule {uuid.uuid4()}")
    return parts


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _is_arithmetic(closed: Any) -> bool:
    """Whether a jaxpr has few operations, and only such as have code, and derivatives with code."""
    names = [equation.primitive.name for equation in _equations(closed.jaxpr)]
    return len(names) < LARGEST // 20 and ARITHMETIC.issuperset(names)


def _text(program: Any, function: Callable[..., Any], more: Sequence[str]) -> str:
    closed = program.trace(function, more)
    return formulas(closed, [f"a{index}" for index in range(len(closed.jaxpr.invars))])


def _derivative(program: Any, function: Callable[..., Any], more: Sequence[str]) -> str:
    """The text of a derivative; or why there is none, as of a function with `custom_vjp` forwards: JAX says so itself
    to who asks for it.
    """
    try:
        return _text(program, function, more)
    except OnlyBackwards:
        return "none"
    except UnsupportedOperation as problem:
        raise UnsupportedOperation(f"{problem} (in its derivative)") from problem
    except Exception as problem:  # what a rule of the user's raises belongs to it
        return f"{type(problem).__name__}: {problem}"


def _equations(jaxpr: Any) -> Iterator[Any]:
    """The equations of a jaxpr and of those within."""
    for equation in jaxpr.eqns:
        yield equation
        for value in equation.params.values():
            for inner in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(inner, (jex.ClosedJaxpr, jex.Jaxpr)):
                    yield from _equations(getattr(inner, "jaxpr", inner))


def _looks_at_zeros(equation: Any) -> bool:
    return bool(equation.params.get("symbolic_zeros", False))
