"""The error function and its complement in float64."""

from __future__ import annotations

import math
from typing import Any, Final

from llgrad.kernels.builder.arithmetic import Arithmetic, DoublePair
from llgrad.kernels.builder.exponentials import exp_in_parts

_NEAR: Final = tuple(2 / math.sqrt(math.pi) * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(22))
"""erf(x)/x in x², its Taylor series: to 1e-17 for |x| < 1."""
_HEAD_LOW: Final = 1.533545961316588e-17
"""What the first number of `_NEAR`, 2/√π, lacks."""
_FAR: Final = (
    *(1.2375126308378275, -0.14024059858554752, 0.0035854154854640676, 0.0822767384902091, -0.1088039301417366),
    *(0.09230432115822194, -0.05869339858952502, 0.028362277452491275, -0.009746579566085057, 0.0017556255643564262),
    *(0.0002937137820478447, -0.0002901525797062276, 5.1648269424952344e-05, 2.2379325748868886e-05),
    *(-1.1440734789599966e-05, -9.633937518476757e-07, 1.7431228345004344e-06, -7.003208234297155e-08),
    *(-2.458322654586562e-07, 3.204852366201188e-08, 2.770119132229161e-08, -5.9509367713217776e-09),
    -7.364025434400407e-10,
)
"""(1 + 2x) e^(x²) erfc(x) in t = (x − 15/4)/(x + 15/4), interpolated at the Chebyshev points of x from 0.5 to ∞, to
2e-17. The variable and the factor are those of M. Shepherd and J. Laframboise, Math. Comp. 36, 249 (1981)."""


def erf(on: Arithmetic, x: Any) -> Any:
    """2/√π ∫₀ˣ e^(−s²) ds."""
    size = on.abs(x)
    z = on.mul(x, x)
    tail = on.fma(z, on.polynomial(z, *_NEAR[1:]), on.number(_HEAD_LOW))
    near = on.fma(size, on.number(_NEAR[0]), on.mul(size, tail))
    value = on.pick(on.less(size, on.number(1.0)), near, on.sub(on.number(1.0), _complement(on, size)))
    return on.copysign(value, x)


def erfc(on: Arithmetic, x: Any) -> Any:
    """1 − erf x, to full precision where it is small."""
    half = on.number(0.5)
    positive = _complement(on, on.abs(x))
    far = on.pick(on.less(x, on.number(0.0)), on.sub(on.number(2.0), positive), positive)
    return on.pick(on.less(on.abs(x), half), on.sub(on.number(1.0), erf(on, x)), far)


def _complement(on: Arithmetic, x: Any) -> Any:
    """erfc x for x ≥ 0.5."""
    x = on.pick(on.less(on.number(28.0), x), on.number(28.0), x)
    square = on.two_product(x, x)
    decay, power = exp_in_parts(on, DoublePair(on.neg(square.high), on.neg(square.low)))
    shift = on.number(3.75)
    t = on.div(on.sub(x, shift), on.add(x, shift))
    slope = on.two_product(t, on.polynomial(t, *_FAR[1:]))
    head = on.quick_two_sum(on.number(_FAR[0]), slope.high)
    below = on.two_sum(on.number(1.0), on.add(x, x))
    ratio = on.quotient(DoublePair(head.high, on.add(head.low, slope.low)), below)
    rest = on.fma(decay.high, ratio.low, on.mul(decay.low, ratio.high))
    return on.times_power_of_two(on.fma(decay.high, ratio.high, rest), power)
