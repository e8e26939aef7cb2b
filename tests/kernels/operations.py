"""Every operation that the native engine has code for: as written and compiled, against XLA."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from tests.kernels.builder.loop import of_jax

from llgrad.kernels.expression.program import pull_back_of, push_forward_of
from llgrad.kernels.expression.tables import RANK

AWAY = lax.RoundingMethod.AWAY_FROM_ZERO
EVEN = lax.RoundingMethod.TO_NEAREST_EVEN
TABLE = np.array([-2.0, -0.5, 0.0, 0.5, 3.0])
LONG = np.arange(-60, 61) / 20.0


def _int(x):
    return x.astype(jnp.int32)


def _finite(x):
    return jnp.where(jnp.abs(x) < 1e6, x, 0.0)


def _bits(x, y, z):
    a = _finite(x).astype(jnp.int32).astype(jnp.uint32)
    b = _finite(y).astype(jnp.int32).astype(jnp.uint32)
    shifted = lax.shift_left(a, jnp.uint32(3)) ^ lax.shift_right_logical(b, jnp.uint32(5))
    return ((shifted & jnp.uint32(0xFFFF)) | (~a & jnp.uint32(0xFF))).astype(x.dtype)


def _whole(x, y, z):
    a, five = _int(_finite(x)), jnp.int32(5)
    return (lax.div(a, five) * 7 + lax.rem(a, five) + a // 3 + a % 4).astype(x.dtype)


def _cases(x, y, z):
    return lax.switch(_int(_finite(x)), [lambda a: a, lambda a: 2 * a, lambda a: -a], y)


def _filled(x, y, z):
    index = jnp.clip(_int(_finite(x)), 0, 4)
    return jnp.asarray(TABLE, x.dtype)[index] * jnp.stack([y, z, y, z, y])[index]


def _power(p, t):
    return p[0] ** 3, t[0] * 5.0


_rule = jax.custom_jvp(lambda x: x**3)
_rule.defjvp(_power)
_back = jax.custom_vjp(lambda x: x**3)
_back.defvjp(lambda x: (x**3, x), lambda x, g: (g * x,))

ONE = {
    name: (lambda f: lambda x, y, z: f(x))(getattr(lax, name))
    for name in (
        *("neg", "abs", "sign", "sqrt", "cbrt", "rsqrt", "exp", "exp2", "expm1", "log", "log1p", "floor", "ceil"),
        *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
        *("erf", "erfc", "square", "logistic"),
    )
}
TWO = {
    name: (lambda f: lambda x, y, z: f(x, y))(getattr(lax, name))
    for name in ("add", "sub", "mul", "div", "max", "min", "pow", "rem", "atan2")
}
COMPARED = {
    name: (lambda f: lambda x, y, z: jnp.where(f(x, y), x, z))(getattr(lax, name))
    for name in ("eq", "ne", "lt", "le", "gt", "ge")
}
MORE = {
    "clamp": lambda x, y, z: lax.clamp(x.dtype.type(-0.5), x, x.dtype.type(0.5)) + jnp.clip(x, -0.5, 0.5),
    "round": lambda x, y, z: lax.round(x, EVEN),
    "round away from zero": lambda x, y, z: lax.round(x, AWAY),
    "is_finite": lambda x, y, z: jnp.where(jnp.isfinite(x), y, z),
    "and, or, xor, not": lambda x, y, z: jnp.where(((x > 0) & (y > 0)) | ((x < 0) ^ ~(z > 0)), x, y),
    "select_n": lambda x, y, z: jnp.where(x > y, x * z, y),
    "select_n of three": lambda x, y, z: lax.select_n(jnp.clip(_int(_finite(x)), 0, 2), x, y, z),
    "integer_pow": lambda x, y, z: x**3 + z**-2 + lax.integer_pow(z, 7),
    "log2": lambda x, y, z: jnp.log2(x),
    "shift_left, shift_right_logical": _bits,
    "whole numbers": _whole,
    "convert_element_type": lambda x, y, z: x.astype(jnp.int32).astype(x.dtype),
    "to long": lambda x, y, z: x.astype(jnp.int64).astype(x.dtype),
    "to unsigned": lambda x, y, z: x.astype(jnp.uint32).astype(x.dtype),
    "to truth": lambda x, y, z: jnp.where(x.astype(bool), y, z) + (y > 0).astype(x.dtype),
    "to the other float": lambda x, y, z: x.astype(jnp.float32).astype(x.dtype) * 2,
    "stop_gradient": lambda x, y, z: x * lax.stop_gradient(y),
    "reduce_precision": lambda x, y, z: lax.reduce_precision(x, *((11, 52) if x.dtype == jnp.float64 else (8, 23))),
    "optimization_barrier": lambda x, y, z: lax.optimization_barrier(x) * y,
    "jit, checkpoint": lambda x, y, z: jax.jit(jax.checkpoint(lambda a, b: jnp.sin(a) * b))(x, y),
    "custom_jvp": lambda x, y, z: _rule(x) + jax.nn.relu(y),
    "custom_vjp": lambda x, y, z: _back(x),
    "bitcast_convert_type": lambda x, y, z: jnp.copysign(z, x) * jnp.where(jnp.signbit(y), 1.0, 2.0).astype(x.dtype),
    "mod": lambda x, y, z: jnp.mod(x, 0.3) + jnp.floor_divide(x, 0.75),
    "hypot": lambda x, y, z: jnp.hypot(_finite(x), z),
    "interp": lambda x, y, z: jnp.interp(x, TABLE.astype(x.dtype), (TABLE**2).astype(x.dtype)),
    "interp of values": lambda x, y, z: jnp.interp(x, TABLE.astype(x.dtype), jnp.stack([z, y, x, y, z])),
    "searchsorted left": lambda x, y, z: jnp.searchsorted(TABLE.astype(x.dtype), x, side="left").astype(x.dtype) * y,
    "rank": lambda x, y, z: RANK.bind(TABLE.astype(x.dtype), x, dtype=np.dtype("int32")).astype(x.dtype) * y,
    "rank in a long table": lambda x, y, z: jnp.searchsorted(LONG.astype(x.dtype), x, side="right").astype(x.dtype) * y,
    "rank among values": lambda x, y, z: (
        jnp.searchsorted(jnp.stack([z - 1, z, z + 2]), x, side="right").astype(x.dtype) * y
    ),
    "quotients that jump": lambda x, y, z: (
        jnp.floor(x / jnp.where(x > 0, x, y)) + jnp.where(x / (y * 49.0) == 1.0, y, z)
    ),
    "gather, copy": lambda x, y, z: jnp.take(jnp.stack([x, y, z]), _int(_finite(y)), mode="fill") * jnp.copy(z),
    "polyval": lambda x, y, z: jnp.polyval(jnp.stack([z, x, y]), z),
    "stack, sum, dot": lambda x, y, z: jnp.stack([x, y]).sum() + jnp.dot(jnp.stack([x, z]), jnp.array([2, 3], x.dtype)),
    "max, min, prod": lambda x, y, z: jnp.stack([x, y]).max() + jnp.stack([y, z]).min() + jnp.stack([y, z]).prod(),
    "any, all": lambda x, y, z: jnp.where(jnp.stack([x > 0, y > 0]).any() & jnp.stack([x > -1, z > 0]).all(), x, y),
    # no sines of sines here: they would turn last digits into first ones
    "scan": lambda x, y, z: lax.fori_loop(0, 3, lambda i, a: 0.5 * a + (y + i), x),
    "cond": _cases,
    "piecewise": lambda x, y, z: jnp.piecewise(
        x, [x < 0, (x >= 0) & (x < 2)], [lambda a: -a, lambda a: 2 * a, lambda a: a * a]
    ),
    "dynamic_slice, gather": _filled,
    "reshape, transpose, pad, rev": lambda x, y, z: (
        jnp.pad(jnp.stack([x, y, z, x]).reshape(2, 2).T, 1)[1:, ::-1].ravel()[3] + jnp.roll(jnp.stack([x, y, z]), 1)[2]
    ),
    "update": lambda x, y, z: lax.dynamic_update_slice(jnp.stack([x, y, z]), y[None] * 2, (_int(_finite(x)),)).sum(),
    "cumsum, concatenate, iota": lambda x, y, z: jnp.dot(
        jnp.cumsum(jnp.concatenate([x[None], y[None]])), jnp.arange(1, 3).astype(x.dtype)
    ),
    "argmax": lambda x, y, z: jnp.argmax(jnp.stack([_int(_finite(x)), _int(_finite(y))])).astype(x.dtype) * z,
}
if hasattr(lax, "polynomial"):
    MORE["polynomial"] = lambda x, y, z: lax.polynomial(x, [1.0, y, 0.5])
FUNCTIONS = ONE | TWO | COMPARED | MORE
BACKWARDS_ONLY = {"custom_vjp"}


def points(dtype):
    """(x, y, z) at ties, edges and specials, and at random."""
    x = [0.0, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 1.0, -1.0, 2.0, -2.0, 3.0, np.nan, np.inf, -np.inf, 1e10, -1e10, 3e18]
    x += [
        0.49999999999999994,
        0.3,
        -0.3,
        0.75,
        1e-3,
        -1e-3,
        30.0,
        -30.0,
        100.0,
        -100.0,
        800.0,
        -800.0,
        4.0e9,
        -7.0,
        49.0,
    ]
    x += [2147483520.0, -2147483648.0, 8388609.0, -8388607.5, 1e30]
    y = [1.0, -1.0, 2.0, 0.5, -0.5, 3.0, 0.0, np.nan, np.inf, -np.inf, 1.5, -2.0]
    rng = np.random.default_rng(5)
    first = np.array([(a, y[(5 * i + j) % len(y)]) for i, a in enumerate(x) for j in range(3)] + [(a, a) for a in x])
    first = np.concatenate([first, rng.uniform(-3, 3, (40, 2)), rng.uniform(0, 1, (20, 2))])
    with np.errstate(all="ignore"):
        return np.column_stack([first, np.where(np.arange(len(first)) % 2, 0.7, -1.3)]).astype(dtype)


def passes(name):
    """(what, function, number of arguments): the value, and what belongs to the tangent and to the adjoint pass."""

    def function(x, y, z):
        return [FUNCTIONS[name](x, y, z), 0.0 * x, 0.0 * x]

    found = [("value", lambda *a: function(*a)[:1], 3), ("adjoint", pull_back_of(function, 3, 3, ()), 6)]
    return found if name in BACKWARDS_ONLY else [*found, ("tangent", push_forward_of(function, 3, 3, ()), 6)]


def names_of(functions):
    """The names of all operations of functions and their derivatives."""
    found, scalar = set(), jax.ShapeDtypeStruct((), np.float64)

    def walk(jaxpr):
        for equation in jaxpr.eqns:
            found.add(equation.primitive.name)
            found.add(type(equation.params.get("_prim")).__name__)
            for value in equation.params.values():
                for inner in value if isinstance(value, (list, tuple)) else (value,):
                    if hasattr(inner, "eqns") or hasattr(inner, "jaxpr"):
                        walk(getattr(inner, "jaxpr", inner))

    for function in functions:
        walk(jax.make_jaxpr(function)(*[scalar] * 3).jaxpr)
        walk(jax.make_jaxpr(jax.grad(lambda *a, f=function: f(*a), argnums=(0, 1, 2)))(*[scalar] * 3).jaxpr)
    return found


@functools.cache
def expected(dtype):
    """By operation and pass, what XLA gives; all of it compiled as one."""
    parts = [(name, *part) for name in FUNCTIONS for part in passes(name)]
    everything = jax.jit(jax.vmap(lambda *a: [function(*a[:count]) for _, _, function, count in parts]))
    found = everything(*map(jnp.asarray, operands(dtype)))
    return {(name, what): list(map(np.asarray, made)) for (name, what, _, _), made in zip(parts, found, strict=True)}


def operands(dtype):
    """The columns of the points, and a cotangent or tangent."""
    given = points(dtype)
    return np.column_stack([given, np.ones(len(given)), np.zeros((len(given), 2))]).astype(dtype).T


def compare(dtype, width):
    """(operation, pass, place, point, found, expected) of everything in which the two differ."""
    given, wrong = operands(dtype), []
    close = {"rtol": 1e-11, "atol": 1e-14} if dtype == np.float64 else {"rtol": 2e-4, "atol": 1e-6}
    for name in FUNCTIONS:
        lost = np.zeros(given.shape[1], bool)
        for what, function, count in passes(name):
            found = of_jax(function, [dtype] * count, np.dtype(dtype).name, width)(*given[:count])
            for k, (mine, right) in enumerate(zip(found, expected(dtype)[name, what], strict=True)):
                lost = np.isnan(right) if what == "value" else lost  # no number has no derivative
                bad = ~np.isclose(mine, right, equal_nan=True, **close) & ((what == "value") | ~lost)
                places = np.flatnonzero(bad)
                wrong += [(name, what, k, given[:3, i].tolist(), float(mine[i]), float(right[i])) for i in places]
    return wrong
