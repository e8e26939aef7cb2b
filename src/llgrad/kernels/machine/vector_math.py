"""Logarithm, sine and cosine without branches or calls, so that LLVM turns a loop over them into vector instructions.

Only for the arguments that the random numbers have: `fast_log` of a positive normal number, `fast_sin` and `fast_cos`
of an angle in [0, 2π). Polynomials: S. L. Moshier, Cephes mathematical library (float32); Sun Microsystems, fdlibm
(float64).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit

from llgrad.kernels.machine.runtime import INLINE, float_of_int32, float_of_int64, int32_of_float, int64_of_float, pick

# No reassociation here: the splittings of ln 2 and π/2 in two parts depend on the order of operations.
_EXACT: Final[dict[str, Any]] = INLINE | {"fastmath": {"contract"}}

_MANTISSA64: Final = np.int64(0x000FFFFFFFFFFFFF)
_ONE64: Final = np.int64(0x3FF0000000000000)
_MANTISSA32: Final = np.int32(0x007FFFFF)
_ONE32: Final = np.int32(0x3F800000)
_f: Final = np.float32


@njit(**_EXACT)
def fast_log_float64(x: Any) -> Any:
    """ln x to 1 ulp or so."""
    bits = int64_of_float(x)
    exponent = np.float64(np.int32((bits >> 52) - 1023))
    m = float_of_int64((bits & _MANTISSA64) | _ONE64)
    large = m > 1.4142135623730951
    m = pick(large, m * 0.5, m)
    exponent = pick(large, exponent + 1.0, exponent)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    half = 0.5 * f * f
    low = s * (half + even + odd) + exponent * 1.90821492927058770002e-10
    return exponent * 6.93147180369123816490e-01 - ((half - low) - f)


@njit(**_EXACT)
def fast_log_float32(x: Any) -> Any:
    """ln x to 1 ulp or so."""
    bits = int32_of_float(x)
    exponent = _f(np.int32((bits >> 23) - 127))
    m = float_of_int32(np.int32((bits & _MANTISSA32) | _ONE32))
    large = m > _f(1.41421356)
    m = pick(large, m * _f(0.5), m)
    exponent = pick(large, exponent + _f(1.0), exponent)
    f = m - _f(1.0)
    z = f * f
    p = _f(7.0376836292e-2) * f - _f(1.1514610310e-1)
    p = p * f + _f(1.1676998740e-1)
    p = p * f - _f(1.2420140846e-1)
    p = p * f + _f(1.4249322787e-1)
    p = p * f - _f(1.6668057665e-1)
    p = p * f + _f(2.0000714765e-1)
    p = p * f - _f(2.4999993993e-1)
    p = p * f + _f(3.3333331174e-1)
    low = f * z * p - exponent * _f(2.12194440e-4) - _f(0.5) * z
    return (f + low) + exponent * _f(0.693359375)


@njit(**_EXACT)
def _sin_cos_float64(x: Any) -> Any:
    quadrant = np.int32(x * 0.6366197723675814 + 0.5)
    k = np.float64(quadrant)
    r = (x - k * 1.57079632673412561417e00) - k * 6.07710050650619224932e-11
    z = r * r
    sine = z * (2.75573137070700676789e-06 + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10))
    sine = r + r * z * (
        -1.66666666666666324348e-01 + z * (8.33333333332248946124e-03 + z * (-1.98412698298579493134e-04 + sine))
    )
    cosine = z * (-2.75573143513906633035e-07 + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11))
    cosine = z * (
        4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 + z * (2.48015872894767294178e-05 + cosine))
    )
    return sine, 1.0 - (0.5 * z - z * cosine), quadrant


@njit(**_EXACT)
def _sin_cos_float32(x: Any) -> Any:
    quadrant = np.int32(x * _f(0.636619772) + _f(0.5))
    k = _f(quadrant)
    r = ((x - k * _f(1.5703125)) - k * _f(4.837512969970703125e-4)) - k * _f(7.549789948768648e-8)
    z = r * r
    sine = r + r * z * (_f(-1.6666654611e-1) + z * (_f(8.3321608736e-3) + z * _f(-1.9515295891e-4)))
    cosine = z * z * (_f(4.166664568298827e-2) + z * (_f(-1.388731625493765e-3) + z * _f(2.443315711809948e-5)))
    return sine, cosine - _f(0.5) * z + _f(1.0), quadrant


@njit(**_EXACT)
def fast_sin_float64(x: Any) -> Any:
    """sin x for x in [0, 2π)."""
    sine, cosine, quadrant = _sin_cos_float64(x)
    value = pick((quadrant & 1) != 0, cosine, sine)
    return pick((quadrant & 2) != 0, -value, value)


@njit(**_EXACT)
def fast_cos_float64(x: Any) -> Any:
    """cos x for x in [0, 2π)."""
    sine, cosine, quadrant = _sin_cos_float64(x)
    value = pick((quadrant & 1) != 0, sine, cosine)
    return pick(((quadrant + 1) & 2) != 0, -value, value)


@njit(**_EXACT)
def fast_sin_float32(x: Any) -> Any:
    """sin x for x in [0, 2π)."""
    sine, cosine, quadrant = _sin_cos_float32(x)
    value = pick((quadrant & 1) != 0, cosine, sine)
    return pick((quadrant & 2) != 0, -value, value)


@njit(**_EXACT)
def fast_cos_float32(x: Any) -> Any:
    """cos x for x in [0, 2π)."""
    sine, cosine, quadrant = _sin_cos_float32(x)
    value = pick((quadrant & 1) != 0, sine, cosine)
    return pick(((quadrant + 1) & 2) != 0, -value, value)


@njit(**_EXACT)
def scale_to_one_float64(excess: Any) -> Any:
    """(e, t) with 1 + e t = (1 + excess)^(−1/2): within 1e-4 by the series, whose rest is then 6e-17. A third of the
    time of a root and a division.
    """
    if abs(excess) < 1.220703125e-4:
        return excess, excess * (0.375 - excess * 0.3125) - 0.5
    return 1.0, 1.0 / math.sqrt(1.0 + excess) - 1.0


@njit(**_EXACT)
def scale_to_one_float32(excess: Any) -> Any:
    """As `scale_to_one_float64`, by the series within 0.015."""
    if abs(excess) < _f(0.015625):
        return excess, excess * (_f(0.375) - excess * _f(0.3125)) - _f(0.5)
    return _f(1.0), _f(1.0) / _f(math.sqrt(_f(1.0) + excess)) - _f(1.0)
