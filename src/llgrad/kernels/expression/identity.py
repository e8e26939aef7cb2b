"""What tells programs apart: the texts of everything that a kernel is made of."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from jax.extend import core as jex

from llgrad.kernels.expression.derivatives import STATE
from llgrad.kernels.expression.graph import OnlyBackwards, UnsupportedOperation
from llgrad.kernels.expression.listing import formulas


def identity(program: Any) -> str:
    """A digest of the slope, its push-forward and its pull-back. The slope alone is not enough: `stop_gradient`,
    `custom_jvp` and `custom_vjp` change derivatives and leave the value as it is.

    Raises UnsupportedOperation where one of the three has an operation that no kernel has.
    """
    total = len(program.arguments)
    every = tuple(range(STATE, total))
    slope = program.trace(program.function, total)
    parts = [program.dtype, _text(program, program.function, total)]
    for wanted in (every, ()) if every else ((),):
        parts += [
            _derivative(program, program.push_forward(wanted), total + STATE + len(wanted)),
            _derivative(program, program.pull_back(wanted), total + STATE),
        ]
    if any(_looks_at_zeros(equation) for equation in _equations(slope.jaxpr)):
        # Such a rule may give another derivative for every choice of what is differentiated: no text tells it, and no
        # kernel of it is found again.
        parts.append(f"rule {uuid.uuid4()}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _text(program: Any, function: Callable[..., Any], count: int) -> str:
    return formulas(program.trace(function, count), [f"a{index}" for index in range(count)])


def _derivative(program: Any, function: Callable[..., Any], count: int) -> str:
    """The text of a derivative; or why there is none, as of a function with `custom_vjp` forwards: JAX says so itself
    to who asks for it.
    """
    try:
        return _text(program, function, count)
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
