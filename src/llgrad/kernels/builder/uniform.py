"""Logarithm, sine and cosine of what random numbers are made from, faster than for every number: the logarithm of a
positive normal one, sine and cosine of an angle in [0, 2π).

Polynomials: Sun Microsystems, fdlibm 5.3 (float64); S. L. Moshier, Cephes mathematical library (float32).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from llgrad.kernels.builder import exponentials
from llgrad.kernels.builder.arithmetic import Arithmetic

_SINE64: Final = (
    *(-1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04),
    *(2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10),
)
_COSINE64: Final = (
    *(4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05),
    *(-2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11),
)
_SINE32: Final = (-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4)
_COSINE32: Final = (4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5)
_LOG32: Final = (
    *(3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1),
    *(-1.2420140846e-1, 1.1676998740e-1, -1.1514610310e-1, 7.0376836292e-2),
)
_HALF_PI: Final = {
    "float64": (1.57079632673412561417e00, 6.07710050650619224932e-11),
    "float32": (1.5703125, 4.837512969970703125e-4, 7.549789948768648e-8),
}
_LN2: Final = {"float64": exponentials.LN2, "float32": (0.693359375, -2.12194440e-4)}
_ROOT_OF_HALF: Final = {"float64": 0x3FE6A09E667F3BCD, "float32": 0x3F3504F3}


def log(on: Arithmetic, x: Any) -> Any:
    """ln x of a positive normal number."""
    above = on.builder.sub(on.bits_of(x), on.integer(_ROOT_OF_HALF[on.dtype.name]))
    power = on.float_of(on.builder.ashr(above, on.integer(on.mantissa)))
    below = on.builder.and_(above, on.integer((1 << on.mantissa) - 1))
    f = on.sub(on.of_bits(on.builder.add(below, on.integer(_ROOT_OF_HALF[on.dtype.name]))), on.number(1.0))
    if on.dtype == np.float64:
        return exponentials.log_of(on, power, f, on.number(0.0))
    high, low = _LN2["float32"]
    z = on.mul(f, f)
    rest = on.fma(on.mul(f, z), on.polynomial(f, *_LOG32), on.mul(power, on.number(low)))
    rest = on.fma(on.number(-0.5), z, rest)
    return on.fma(power, on.number(high), on.add(f, rest))


def sin(on: Arithmetic, x: Any) -> Any:
    """sin x of x in [0, 2π)."""
    quadrant, sine, cosine = _parts(on, x)
    value = on.pick(on.bit_is_set(quadrant, 0), cosine, sine)
    return on.pick(on.bit_is_set(quadrant, 1), on.neg(value), value)


def cos(on: Arithmetic, x: Any) -> Any:
    """cos x of x in [0, 2π)."""
    quadrant, sine, cosine = _parts(on, x)
    value = on.pick(on.bit_is_set(quadrant, 0), sine, cosine)
    following = on.builder.add(quadrant, on.integer(1))
    return on.pick(on.bit_is_set(following, 1), on.neg(value), value)


def _parts(on: Arithmetic, x: Any) -> tuple[Any, Any, Any]:
    """The nearest multiple of π/2, and sine and cosine of what is left."""
    turns = on.rint(on.mul(x, on.number(2 / math.pi)))
    r = x
    for part in _HALF_PI[on.dtype.name]:
        r = on.fma(turns, on.number(-part), r)
    z = on.mul(r, r)
    wide = on.dtype == np.float64
    sine = on.fma(on.mul(r, z), on.polynomial(z, *(_SINE64 if wide else _SINE32)), r)
    tail = on.polynomial(z, *(_COSINE64 if wide else _COSINE32))
    cosine = on.fma(on.mul(z, z), tail, on.fma(z, on.number(-0.5), on.number(1.0)))
    return on.whole(turns), sine, cosine
