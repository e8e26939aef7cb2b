"""From an equation of motion to the function of scalars that a kernel is compiled from.

Two passes run before compilation. *Folding* replaces parameters that are exactly 0 or 1 by literals. *Hoisting*
splits off all that depends on parameters alone (γ/(1+α²), µ0 Ms N, s I …): it is evaluated once, in ordinary JAX, and
the kernel's parameters are the results. Derivatives flow through that part by JAX's own rules, so a kernel never sees
it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core as jex

from llgrad.core.vector import Vec3
from llgrad.kernels.expression.graph import NESTED, Graph, UnsupportedOperation, dtype_of_literal
from llgrad.kernels.expression.simplify import Known, Negated, simplify
from llgrad.kernels.expression.source import Source

CHANNELS: Final = ("current", "field_x", "field_y", "field_z")
"""What a drive can have, in the order in which kernels take it."""
NORMALS: Final = ("normal_x", "normal_y", "normal_z")
STATE: Final = ("x", "y", "z")
INLINED: Final = {"jit", "pjit", "closed_call", "core_call"}


@dataclass(frozen=True)
class Program:
    """A right-hand side ready to be compiled: dm/dt of scalars (x, y, z), inputs of the moment, and hoisted
    parameters.
    """

    digest: str
    dtype: str
    channels: tuple[str, ...]
    coupled: bool
    noisy: bool
    parameters: int
    function: Callable[..., list[Any]] = field(compare=False, repr=False)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what changes during a run: drive channels, coupling field, random numbers."""
        return self.channels + ("coupling",) * self.coupled + NORMALS * self.noisy

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(f"p{index}" for index in range(self.parameters))

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of all arguments of `function`, in order."""
        return STATE + self.inputs + self.names

    def trace(self, function: Callable[..., Any], count: int) -> Any:
        """The jaxpr of a function of `count` scalars."""
        return jax.make_jaxpr(function)(*[jax.ShapeDtypeStruct((), np.dtype(self.dtype))] * count)


def compile_equation(
    equation: Any, dtype: Any, *, channels: Sequence[str] = (), coupled: bool = False, sigma: Any = None
) -> tuple[Program, list[Any]]:
    """The program of an equation, and the values of its parameters: each () or (N,), of the given dtype.

    Raises UnsupportedOperation, naming the operation and the term, where there is no native code for one.
    """
    leaves, tree = jax.tree.flatten(equation)
    leaves = [*leaves, *([] if sigma is None else [sigma])]
    free = [index for index, leaf in enumerate(leaves) if not (isinstance(leaf, float) and leaf in (0.0, 1.0))]
    noisy, channels = sigma is not None, tuple(name for name in CHANNELS if name in channels)
    inputs = channels + ("coupling",) * coupled + NORMALS * noisy

    def right_hand_side(*scalars: Any) -> tuple[Any, Any, Any]:
        given = dict(zip(inputs, scalars[3:], strict=False))
        filled = list(leaves)
        for index, value in zip(free, scalars[3 + len(inputs) :], strict=True):
            filled[index] = value
        model = jax.tree.unflatten(tree, filled[: tree.num_leaves])
        added = Vec3(*(given.get(name, 0.0) for name in CHANNELS[1:]))
        if coupled:
            added = added + Vec3(given["coupling"], 0.0, 0.0)
        if noisy:
            added = added + Vec3(*(given[name] for name in NORMALS)) * filled[-1]
        slope = model(Vec3(*scalars[:3]), added, given.get("current", 0.0))
        return slope.x, slope.y, slope.z

    kind = np.dtype(dtype)
    scalar = jax.ShapeDtypeStruct((), kind)
    split = _hoist(_fold(right_hand_side, [scalar] * (3 + len(inputs) + len(free))), 3 + len(inputs))
    digest = _digest(equation, split.function, [scalar] * (3 + len(inputs) + len(split.frontier)))
    program = Program(digest, kind.name, channels, coupled, noisy, len(split.frontier), split.function)
    values = [jnp.asarray(leaves[index], kind) for index in free]
    return program, split.parameters(values)


def _digest(equation: Any, function: Callable[..., Any], scalars: list[Any]) -> str:
    try:
        text = Source(scalars[0].dtype).function(
            "f", jax.make_jaxpr(function)(*scalars), [f"a{i}" for i in range(len(scalars))]
        )
    except UnsupportedOperation as problem:
        name = _guilty(equation, scalars[0])
        raise UnsupportedOperation(
            f"{name} uses the operation {problem}, for which the native engine has no code; the XLA engine runs it"
        ) from problem
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _guilty(equation: Any, scalar: Any) -> str:
    """The field term that cannot be compiled, found by trying each alone."""
    for index, term in enumerate(getattr(equation, "terms", ())):
        plain = jax.tree.map(lambda leaf: 0.5, term)

        def alone(x: Any, y: Any, z: Any, current: Any, plain: Any = plain) -> tuple[Any, ...]:
            found = plain.field(Vec3(x, y, z), current)
            return tuple(jnp.asarray(component) for component in (found.x, found.y, found.z))

        closed, graph = jax.make_jaxpr(alone)(*[scalar] * 4), Graph()
        try:
            graph.extend(closed, [graph.input(name, scalar.dtype) for name in "xyzi"])
        except UnsupportedOperation:
            return f"the term {type(term).__name__} (terms.{index})"
    return "the equation of motion"


def _fold(function: Callable[..., Any], scalars: list[Any]) -> Any:
    """The jaxpr of a function after algebra with its known numbers; calls with their own derivative rules stay
    whole.
    """
    closed = jax.make_jaxpr(function)(*scalars)
    dtype = scalars[0].dtype

    def folded(*arguments: Any) -> list[Any]:
        return [_unwrap(value, dtype) for value in _evaluate_folded(closed.jaxpr, closed.consts, arguments)]

    return jax.make_jaxpr(folded)(*scalars)


def _unwrap(value: Any, dtype: Any) -> Any:
    return value.dtype.type(value.value) if isinstance(value, Known) else value


def _evaluate_folded(jaxpr: Any, constants: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *arguments], strict=True))

    def read(atom: Any) -> Any:
        if isinstance(atom, jex.Literal) and not np.shape(atom.val):
            dtype = dtype_of_literal(atom)
            return Known(dtype.type(atom.val), dtype)
        return atom.val if isinstance(atom, jex.Literal) else values[atom]

    for equation in jaxpr.eqns:
        operands = [read(atom) for atom in equation.invars]
        name = equation.primitive.name
        if name in INLINED:
            inner = equation.params[NESTED[name]]
            results = _evaluate_folded(inner.jaxpr, inner.consts, operands)
        else:
            results = _apply(equation, operands)
        values |= dict(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _apply(equation: Any, operands: list[Any]) -> list[Any]:
    aval = equation.outvars[0].aval
    scalar = len(equation.outvars) == 1 and aval.shape == ()
    shorter = simplify(equation.primitive.name, operands, np.dtype(aval.dtype)) if scalar else None
    if isinstance(shorter, Negated):
        return [-_unwrap(shorter.operand, aval.dtype)]
    if shorter is not None:
        return [shorter]
    return _bind(equation, [_unwrap(value, None) for value in operands])


def _bind(equation: Any, operands: Sequence[Any]) -> list[Any]:
    params = equation.primitive.get_bind_params(equation.params)
    functions, params = params if isinstance(params, tuple) else ((), params)  # a pair until jax 0.9
    result = equation.primitive.bind(*functions, *operands, **params)
    return list(result) if equation.primitive.multiple_results else [result]


@dataclass(frozen=True)
class _Split:
    """A jaxpr in two: what depends on parameters alone, and the rest as a function of state, inputs and the
    frontier.
    """

    jaxpr: Any
    changing: int
    early: tuple[Any, ...]
    late: tuple[Any, ...]
    frontier: tuple[Any, ...]
    constants: dict[Any, Any]

    def function(self, *scalars: Any) -> list[Any]:
        given = self.jaxpr.invars[: self.changing] + list(self.frontier)
        return self._run(self.late, dict(zip(given, scalars, strict=True)), self.jaxpr.outvars)

    def parameters(self, values: list[Any]) -> list[Any]:
        """The frontier from the free parameters, each () or (N,); those that depend on scalars alone stay scalars."""
        known = self.jaxpr.invars[self.changing :]
        wide = {var for var, value in zip(known, values, strict=True) if value.ndim}
        for equation in self.early:
            wide |= set(equation.outvars) if any(atom in wide for atom in _variables(equation)) else set()
        narrow = [var for var in self.frontier if var not in wide]
        alike = [equation for equation in self.early if not wide & set(equation.outvars)]
        found = dict(zip(narrow, self._run(alike, dict(zip(known, values, strict=True)), narrow), strict=True))
        if broad := [var for var in self.frontier if var in wide]:
            lanes = jax.vmap(
                lambda *scalars: self._run(self.early, dict(zip(known, scalars, strict=True)), broad),
                in_axes=[0 if value.ndim else None for value in values],
            )
            found |= dict(zip(broad, lanes(*values), strict=True))
        return [found[var] for var in self.frontier]

    def _run(self, equations: Sequence[Any], values: dict[Any, Any], outputs: Sequence[Any]) -> list[Any]:
        values = {**self.constants, **values}

        def read(atom: Any) -> Any:
            return dtype_of_literal(atom).type(atom.val) if isinstance(atom, jex.Literal) else values[atom]

        for equation in equations:
            results = _bind(equation, [read(atom) for atom in equation.invars])
            values |= dict(zip(equation.outvars, results, strict=True))
        return [read(atom) for atom in outputs]


def _variables(equation: Any) -> list[Any]:
    return [atom for atom in equation.invars if not isinstance(atom, jex.Literal)]


def _hoist(closed: Any, changing: int) -> _Split:
    jaxpr = closed.jaxpr
    early_vars, early, late = set(jaxpr.invars[changing:]), [], []
    constants = dict(zip(jaxpr.constvars, closed.consts, strict=True))
    for equation in jaxpr.eqns:
        if all(atom in early_vars or atom in constants for atom in _variables(equation)):
            early.append(equation)
            early_vars |= set(equation.outvars)
        else:
            late.append(equation)
    used = [atom for equation in late for atom in _variables(equation)]
    used += [atom for atom in jaxpr.outvars if not isinstance(atom, jex.Literal)]
    frontier = dict.fromkeys(atom for atom in used if atom in early_vars)
    return _Split(jaxpr, changing, tuple(early), tuple(late), tuple(frontier), constants)
