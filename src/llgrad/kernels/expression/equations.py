"""From an equation of motion to the function of scalars that a kernel is compiled from.

Two passes run before compilation. *Folding* replaces parameters that are exactly 0 or 1 by literals. *Hoisting*
splits off all that depends on parameters alone (γ/(1+α²), µ0 Ms N, s I …): it is evaluated once, in ordinary JAX, and
the kernel's parameters are the results. Derivatives flow through that part by JAX's own rules, so a kernel never sees
it.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend import core as jex

from llgrad.core.record import tables_of
from llgrad.devices.system import TIME
from llgrad.kernels.expression.graph import UnsupportedOperation
from llgrad.kernels.expression.identity import identity
from llgrad.kernels.expression.program import Program
from llgrad.kernels.expression.simplify import Known, Negated, simplify
from llgrad.kernels.expression.tables import RANK, is_rank
from llgrad.kernels.expression.translate import NESTED, dtype_of_literal
from llgrad.physics.equation import BUILT_IN

INLINED: Final = {"jit", "pjit", "closed_call", "core_call"}
KEPT: Final = 256
"""Programs that are remembered."""
_PREPARED: Final[dict[Any, Any]] = {}
_LOCK: Final = threading.Lock()


def compile_equation(
    equation: Any, dtype: Any, *, channels: Sequence[str] = (), sigma: Any = None
) -> tuple[Program, list[Any]]:
    """The program of an equation, and the values of its parameters: each () or (N,), then its tables, (n,) or (N, n),
    of the given dtype.

    Raises UnsupportedOperation, naming the operation and the term, where there is no native code for one.
    """
    prepared = prepare(equation, dtype, channels=channels, noisy=sigma is not None)
    leaves = [*jax.tree.leaves(equation), *([] if sigma is None else [sigma])]
    values = [jnp.asarray(leaves[index], dtype) for index in prepared.free]
    if prepared.program.coupled:  # kernels of coupled arrays have no tables: each of their numbers is a parameter
        values = [part for value, n in zip(values, prepared.sizes, strict=True) for part in (value if n else [value])]
    return prepared.program, prepared.split.parameters(values)


class PreparedEquation(NamedTuple):
    """What does not depend on the values of an equation's parameters."""

    program: Program
    split: _Split
    free: tuple[int, ...]
    """Which leaves are parameters."""
    sizes: tuple[int, ...]
    """How many numbers each has that is a table; 0 of the others."""


def prepare(equation: Any, dtype: Any, *, channels: Sequence[str] = (), noisy: bool = False) -> PreparedEquation:
    """The program of an equation; made once for all equations of one form. Raises UnsupportedOperation as
    `compile_equation` does.
    """
    leaves, tree = jax.tree.flatten(equation)
    form = tuple(
        (type(leaf), str(leaf), leaf) if _is_built_in(leaf) else (np.shape(leaf) if table else None)
        for leaf, table in zip(leaves, tables_of(tree), strict=True)
    )
    channels = tuple(name for name in equation.channels if name in channels)
    settings = (jax.config.jax_enable_x64, jax.config.jax_numpy_dtype_promotion)  # type: ignore[attr-defined]
    key = (tree, form, np.dtype(dtype).name, channels, noisy, settings)
    with _LOCK:
        found = _PREPARED.get(key)
    if found is None:
        try:
            found = _prepare(equation, np.dtype(dtype), channels, noisy)
        except Exception as problem:  # whatever a term does that a kernel cannot: XLA runs it, or says what is wrong
            found = UnsupportedOperation(_reason(equation, np.dtype(dtype), problem))
        if isinstance(found, UnsupportedOperation) or not any(
            isinstance(value, Tracer) for value in found.split.constants.values()
        ):
            with _LOCK:
                _PREPARED[key] = found
                while len(_PREPARED) > KEPT:
                    del _PREPARED[next(iter(_PREPARED))]
    if isinstance(found, UnsupportedOperation):
        raise UnsupportedOperation(str(found))
    return found


def _is_built_in(leaf: Any) -> bool:
    """Whether a leaf is part of the program: zero, one, and what is neither a float nor an array."""
    return leaf in (0.0, 1.0) if isinstance(leaf, float) else not hasattr(leaf, "dtype")


def _prepare(equation: Any, kind: np.dtype[Any], channels: tuple[str, ...], noisy: bool) -> PreparedEquation:
    leaves, tree = jax.tree.flatten(equation)
    free = [index for index, leaf in enumerate(leaves) if not _is_built_in(leaf)]
    for leaf in (leaves[index] for index in free):
        if jnp.result_type(leaf).kind != "f":
            raise UnsupportedOperation(f"a parameter of {jnp.result_type(leaf).name}")
    sizes = [np.shape(leaves[index])[-1] if tables_of(tree)[index] else 0 for index in free] + [0] * noisy
    free += [len(leaves)] * noisy
    normals = equation.normals * noisy
    inputs = channels + (TIME,) * equation.timed + equation.mixed + normals
    coupled = bool(equation.mixed)
    state = equation.layout.names

    def right_hand_side(*scalars: Any) -> list[Any]:
        given = dict(zip(inputs, scalars[len(state) :], strict=False))
        filled, values = [*leaves, None], iter(scalars[len(state) + len(inputs) :])
        for index, size in zip(free, sizes, strict=True):
            filled[index] = jnp.stack([next(values) for _ in range(size)]) if size and coupled else next(values)
        model = jax.tree.unflatten(tree, filled[: tree.num_leaves])
        now = scalars[: len(state)]
        return [*model.slope(now, given, filled[-1]), *model.emitted(now)]

    scalar, changing = jax.ShapeDtypeStruct((), kind), len(state) + len(inputs)
    given = [scalar] * changing
    for size in sizes:
        given += [scalar] * max(size, 1) if coupled else [jax.ShapeDtypeStruct((size,), kind) if size else scalar]
    folded = _fold(right_hand_side, given)
    split, outputs = _hoist(folded, changing, kind), folded.out_avals
    title = " with ".join(["the equation of motion", *_own_terms(equation).values()])
    program = Program(
        "",
        kind.name,
        channels,
        equation.mixed,
        len(outputs) - len(state),
        normals,
        equation.timed,
        len(split.frontier),
        state,
        equation.layout.spins,
        split.function(0, len(state)),
        split.function(len(state), len(outputs)),
        title,
        tuple(var.aval.shape[0] for var in split.tables),
    )
    return PreparedEquation(replace(program, digest=identity(program)), split, tuple(free), tuple(sizes))


def _own_terms(equation: Any) -> dict[int, str]:
    """What a user knows the device's own terms by, by their place in the equation."""
    terms = enumerate(getattr(equation, "terms", ()))
    return {i: f"the term {type(t).__name__} (terms.{i - BUILT_IN})" for i, t in terms if i >= BUILT_IN}


def _reason(equation: Any, kind: np.dtype[Any], problem: Exception) -> str:
    """Why an equation has no native code: the operation, and the field term, found by trying each alone."""
    name = "the equation of motion"
    for index, title in _own_terms(equation).items():
        try:
            _prepare(dataclasses.replace(equation, terms=(equation.terms[index],)), kind, (), False)
        except Exception as alone:  # the term that fails, whatever it fails with
            name, problem = title, alone
            break
    if isinstance(problem, UnsupportedOperation):
        return f"{name} uses the operation {problem}, for which the native engine has no code"
    lines = str(problem).strip().splitlines() or [""]
    return f"{name} cannot be translated to native code ({type(problem).__name__}: {lines[0]})"


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
        if name in INLINED and is_rank(equation):
            given = [_unwrap(value, None) for value in operands]
            results = [RANK.bind(*given, dtype=equation.outvars[0].aval.dtype)]
        elif name in INLINED:
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
    tables: tuple[Any, ...]
    """The part of the frontier that is tables."""
    constants: dict[Any, Any]

    def function(self, start: int, stop: int) -> Callable[..., list[Any]]:
        """Some of the outputs, of all that changes, of the frontier and the tables; those after the first part, which
        nothing but the state goes into, of the state alone.
        """
        outputs = self.jaxpr.outvars[start:stop]
        needed, equations = {atom for atom in outputs if not isinstance(atom, jex.Literal)}, []
        for equation in reversed(self.late):
            if needed & set(equation.outvars):
                needed |= set(_variables(equation))
                equations.append(equation)
        given = [*self.jaxpr.invars[: start or self.changing], *self.frontier, *self.tables]

        def run(*scalars: Any) -> list[Any]:
            return self._run(equations[::-1], dict(zip(given, scalars, strict=True)), outputs)

        return run

    def parameters(self, values: list[Any]) -> list[Any]:
        """The frontier from the free parameters, each () or (N,), and the tables, (n,) or (N, n); what depends on
        parameters without N alone has none.
        """
        known, frontier = self.jaxpr.invars[self.changing :], [*self.frontier, *self.tables]
        wide = {var for var, value in zip(known, values, strict=True) if value.ndim > var.aval.ndim}
        for equation in self.early:
            wide |= set(equation.outvars) if any(atom in wide for atom in _variables(equation)) else set()
        narrow = [var for var in frontier if var not in wide]
        alike = [equation for equation in self.early if not wide & set(equation.outvars)]
        found = dict(zip(narrow, self._run(alike, dict(zip(known, values, strict=True)), narrow), strict=True))
        if broad := [var for var in frontier if var in wide]:
            lanes = jax.vmap(
                lambda *scalars: self._run(self.early, dict(zip(known, scalars, strict=True)), broad),
                in_axes=[0 if var in wide else None for var in known],
            )
            found |= dict(zip(broad, lanes(*values), strict=True))
        return [found[var] for var in frontier]

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


def _hoist(closed: Any, changing: int, kind: np.dtype[Any]) -> _Split:
    """Split off what depends on parameters alone. A kernel's parameters are numbers of one dtype, and tables of them
    that come from tables: what makes a truth value, a whole number or another array stays with those who need it.
    """
    jaxpr = closed.jaxpr
    constants = dict(zip(jaxpr.constvars, closed.consts, strict=True))
    kept: set[int] = set()
    while True:
        early_vars, early, late = set(jaxpr.invars[changing:]), [], []
        tabled = {var for var in jaxpr.invars[changing:] if var.aval.shape}
        for place, equation in enumerate(jaxpr.eqns):
            alone = all(atom in early_vars or atom in constants for atom in _variables(equation))
            if alone and place not in kept:
                early.append(equation)
                early_vars |= set(equation.outvars)
                tabled |= set(equation.outvars) if tabled & set(_variables(equation)) else set()
            else:
                late.append(equation)
        used = [atom for equation in late for atom in _variables(equation)]
        used += [atom for atom in jaxpr.outvars if not isinstance(atom, jex.Literal)]
        frontier = dict.fromkeys(atom for atom in used if atom in early_vars)
        tables = [atom for atom in frontier if atom in tabled and atom.aval.ndim == 1 and atom.aval.dtype == kind]
        scalars = [atom for atom in frontier if not atom.aval.shape and atom.aval.dtype == kind]
        odd = set(frontier) - set(tables) - set(scalars)
        if not odd:
            return _Split(jaxpr, changing, tuple(early), tuple(late), tuple(scalars), tuple(tables), constants)
        kept |= {place for place, equation in enumerate(jaxpr.eqns) if odd & set(equation.outvars)}
