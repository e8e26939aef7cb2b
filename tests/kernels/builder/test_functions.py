"""Laws of every function of the builder: error, special values, and the same bits in any number of lanes."""

import re

import mpmath
import numpy as np
import pytest
from llvmlite import ir
from tests.kernels.builder.loop import elementwise, ptx

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.functions import FUNCTIONS, apply, called

TWO = ("pow", "atan2")
PLACES = 300
SPECIAL = np.array(
    [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        2.0,
        -2.0,
        3.0,
        -3.0,
        np.inf,
        -np.inf,
        np.nan,
        1e300,
        -1e300,
        5e-324,
        1e-310,
        1e-8,
    ]
)
LARGEST_ERROR = 2.0
"""In units of the last place."""


def exact_cbrt(x):
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


EXACT = {name: getattr(mpmath, name) for name in FUNCTIONS if hasattr(mpmath, name)}
EXACT |= {"pow": mpmath.power, "cbrt": exact_cbrt, "exp2": lambda x: mpmath.power(2, x)}


def signed(rng, sizes):
    return np.where(rng.random(sizes.size) < 0.5, -sizes, sizes)


def spread(rng, low, high):
    """Numbers whose exponents of ten are spread evenly."""
    return 10.0 ** rng.uniform(low, high, PLACES)


def arguments(name, rng):
    """Where a function is tried: all sizes for which it is neither 0 nor ∞, and where it is hard."""
    near_one = np.abs(1 - spread(rng, -16, -0.3))
    match name:
        case "exp" | "expm1":
            return [np.concatenate([rng.uniform(-708, 709.7, PLACES), signed(rng, spread(rng, -20, 1))])]
        case "sinh" | "cosh":
            return [np.concatenate([rng.uniform(-710.4, 710.4, PLACES), signed(rng, spread(rng, -20, 0.5))])]
        case "exp2":
            return [np.concatenate([rng.uniform(-1021, 1023.9, PLACES), signed(rng, spread(rng, -20, 1))])]
        case "asinh":
            return [signed(rng, np.concatenate([spread(rng, -300, 308), spread(rng, -9, 10)]))]
        case "acosh":
            return [np.concatenate([1 + spread(rng, -16, 1), spread(rng, 0, 308)])]
        case "atanh":
            return [signed(rng, np.concatenate([near_one, spread(rng, -20, -0.1), rng.random(PLACES)]))]
        case "log":
            return [np.concatenate([spread(rng, -320, 308), near_one, 2 - near_one])]
        case "log1p":
            return [np.concatenate([spread(rng, -320, 308), -near_one, signed(rng, spread(rng, -18, -0.1))])]
        case "sin" | "cos" | "tan":
            poles = np.round(spread(rng, 0, 15)) * np.pi / 2
            return [np.concatenate([signed(rng, spread(rng, -20, 9)), poles, signed(rng, spread(rng, 9, 308))])]
        case "asin" | "acos":
            return [signed(rng, np.concatenate([near_one, spread(rng, -20, -0.1), rng.random(PLACES)]))]
        case "erf" | "erfc":
            return [np.concatenate([rng.uniform(-6, 26.5, PLACES), signed(rng, spread(rng, -20, 0.5))])]
        case "atan2":
            wide = [signed(rng, spread(rng, -300, 300)) for _ in "yx"]
            return [np.concatenate([one, signed(rng, spread(rng, -1, 1))]) for one in wide]
        case "pow":
            x = np.concatenate([spread(rng, -300, 300), near_one + 1e-17, spread(rng, -2, 2)])
            y = np.concatenate(
                [signed(rng, spread(rng, -10, 2.4)), signed(rng, spread(rng, 0, 12)), rng.uniform(-99, 99, PLACES)]
            )
            inside = np.abs(y * np.log(x)) < 700
            return [x[inside], y[inside]]
        case _:
            return [np.concatenate([signed(rng, spread(rng, -300, 300)), signed(rng, spread(rng, -3, 1.5))])]


def errors(found, operands, exact, dtype):
    """How far each value is from the exact one, in units of its last place."""
    far = any(np.abs(x).max() > 1e9 for x in operands)  # angles of many turns lose the bits of the turns
    with mpmath.workprec(1400 if far else 160):
        true = [exact(*(mpmath.mpf(float(x)) for x in row)) for row in zip(*operands, strict=True)]
    units = np.spacing(np.abs(np.array([float(value) for value in true])).astype(dtype)).astype(np.float64)
    with mpmath.workprec(120):
        off = [abs(mpmath.mpf(float(got)) - value) for got, value in zip(found, true, strict=True)]
        return np.array([float(one / mpmath.mpf(float(unit))) for one, unit in zip(off, units, strict=True)])


def compiled(name, dtype="float64", width=8):
    return elementwise(lambda on, *values: apply(on, name, *values), 1 + (name in TWO), dtype, width)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_error_is_below_two_units_of_the_last_place(name, rng):
    operands = arguments(name, rng)
    found = errors(compiled(name)(*operands), operands, EXACT[name], "float64")
    worst = found.argmax()
    assert found[worst] <= LARGEST_ERROR, [float(x[worst]) for x in operands]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_error_in_float32(name, rng):
    with np.errstate(all="ignore"):
        operands = [x.astype(np.float32) for x in arguments(name, rng)]
        value = REFERENCE[name](*(x.astype(np.float64) for x in operands))
    normal = (
        (np.abs(value) < 3e38)
        & (np.abs(value) > 1.2e-38)
        & np.all([np.isfinite(x) & (x != 0) for x in operands], axis=0)
    )
    operands = [x[normal] for x in operands]
    found = errors(compiled(name, "float32")(*operands), operands, EXACT[name], "float32")
    assert normal.sum() > PLACES / 4 and found.max() <= LARGEST_ERROR


NAMES = {
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "atan2": "arctan2",
    "pow": "power",
}
REFERENCE = {name: getattr(np, NAMES.get(name, name)) for name in FUNCTIONS if name not in ("erf", "erfc")}


def _scipy(name):
    import scipy.special

    return getattr(scipy.special, name)


REFERENCE |= {name: _scipy(name) for name in ("erf", "erfc")}


def alike(found, expected):
    """Equal to rounding, with the sign of a zero; or NaN both."""
    close = np.isclose(found, expected, rtol=1e-15, atol=0) & (np.signbit(found) == np.signbit(expected))
    return close | (np.isnan(found) & np.isnan(expected))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name):
    operands = [part.ravel() for part in np.meshgrid(SPECIAL, SPECIAL)] if name in TWO else [SPECIAL]
    with np.errstate(all="ignore"):
        expected = REFERENCE[name](*operands)
    wrong = ~alike(compiled(name)(*operands), expected)
    assert [[float(x[at]) for x in operands] for at in np.flatnonzero(wrong)] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_number_of_lanes_changes_no_bit(name, rng):
    operands = [np.concatenate([x, SPECIAL[:8]]) for x in arguments(name, rng)]
    alone, together = compiled(name, width=1)(*operands), compiled(name, width=16)(*operands)
    np.testing.assert_array_equal(alone, together)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_gpu_computes_it_without_a_library(name):
    text = ptx(lambda on, *values: apply(on, name, *values), 1 + (name in TWO))
    assert "fma.rn.f64" in text and not re.search(r"\.extern|\bcall\b|\.approx", text)


def test_a_wrong_function_is_seen(rng):
    x = [rng.uniform(1, 2, 50)]
    assert errors(np.exp(x[0]) * (1 + 1e-15), x, mpmath.exp, "float64").max() > LARGEST_ERROR
    assert not alike(np.array([0.0, 1.0, np.nan]), np.array([-0.0, np.nan, 1.0])).any()


def test_a_function_is_written_once_and_where_several_lanes_call_it():
    module = ir.Module("calls")
    vector = ir.VectorType(ir.DoubleType(), 16)
    outer = ir.Function(module, ir.FunctionType(vector, [vector]), "outer")
    builder = ir.IRBuilder(outer.append_basic_block())
    value = called(Arithmetic(builder, width=16), "tanh", outer.args[0])
    builder.ret(called(Arithmetic(builder, width=16), "tanh", value))
    text = str(module)
    assert text.count('define internal <16 x double> @"tanh.16.64"') == 1
    assert text.count('call <16 x double> @"tanh.16.64"') == 2
