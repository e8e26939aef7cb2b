"""Exponentials, logarithms, powers and hyperbolic functions in float64, without branches.

Each reduces its argument to a short interval and ends in a polynomial; errors that would be seen are carried along as
pairs. Reductions and the polynomial of the logarithm: Sun Microsystems, fdlibm 5.3 (e_exp.c, e_log.c); pairs:
T. J. Dekker, Numer. Math. 18, 224 (1971).
"""

from __future__ import annotations

import math
from typing import Any, Final

from llgrad.kernels.builder.arithmetic import Arithmetic, DoublePair, Rounded

LN2: Final = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
"""ln 2 in two parts: the first has 21 trailing zero bits, so that its product with an exponent is exact."""
LN2_PAIR: Final = (0.6931471805599453, 2.3190468138462996e-17)
LARGEST: Final = 709.782712893384
"""exp overflows above it."""
BEYOND: Final = 2.0**28
"""From it on asinh x and acosh x are ln 2x."""

_TAIL: Final = (
    *(0.5000000000000001, 0.16666666666666669, 0.04166666666662413, 0.008333333333330062, 0.0013888888917213717),
    *(0.00019841269863053618, 2.4801521295954376e-05, 2.7557268459997064e-06, 2.7620088445409746e-07),
    2.510038549551032e-08,
)
"""The polynomial through (eʳ − 1 − r)/r² at ten Chebyshev nodes of |r| ≤ 1.0001·½ ln 2."""
NEAR: Final = 1.125
"""Below it tanh x is a quotient of polynomials."""
_TANH_OVER: Final = (-0.3333333333333333, -0.021402866391887026, -0.0002429563380755453, -1.7135541073256175e-08)
_TANH_UNDER: Final = (1.0, 0.46420859917565777, 0.02450754677977079, 0.000253953003102811)
"""(tanh x/x − 1)/x² = P(x²)/Q(x²) at eight Chebyshev nodes of x² up to 1.0001·1.125²; tanh x to 9e-18."""
_LOG: Final = (
    *(6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01),
    *(1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01),
)


def exp(on: Arithmetic, x: Any) -> Any:
    """eˣ."""
    power = on.rounded(x := _clamp(on, x, -800.0, 800.0), 1 / math.log(2))
    r = on.fma(power.value, on.number(-LN2[1]), on.fma(power.value, on.number(-LN2[0]), x))
    body = on.fma(on.mul(r, r), _exp_tail(on, r), r)
    return on.scaled(on.add(on.number(1.0), body), power)


def exp_of_pair(on: Arithmetic, x: DoublePair, halvings: int = 0) -> Any:
    """e^(x.high + x.low)·2^−halvings."""
    value, power = exp_in_parts(on, x)
    return on.times_power_of_two(on.add(value.high, value.low), on.builder.sub(power, on.integer(halvings)))


def exp_in_parts(on: Arithmetic, x: DoublePair) -> tuple[DoublePair, Any]:
    """(m, k): e^(x.high + x.low) = m·2^k, with m from 0.7 to 1.42."""
    high = _clamp(on, x.high, -800.0, 800.0)
    power, r, rest = _reduced(on, high)
    r, low = on.two_sum(r, on.add(rest, on.pick(on.equal(high, x.high), x.low, on.number(0.0))))
    small = on.add(on.mul(on.mul(r, r), _exp_tail(on, r)), low)
    head = on.quick_two_sum(on.number(1.0), r)
    return DoublePair(head.high, on.add(head.low, small)), power.whole


def expm1(on: Arithmetic, x: Any) -> Any:
    """eˣ − 1, to full precision near zero."""
    high, low = _expm1_pair(on, x)
    value = on.add(high, low)
    value = on.pick(on.less(on.number(LARGEST), x), on.number(math.inf), value)
    return on.pick(on.less(on.abs(x), on.number(2.0**-54)), x, value)


def _expm1_pair(on: Arithmetic, x: Any) -> DoublePair:
    clamped = _clamp(on, x, -60.0, 709.8)
    power, r, low = _reduced(on, clamped)
    small = on.add(on.mul(on.mul(r, r), _exp_tail(on, r)), low)
    body = on.quick_two_sum(r, small)
    # 2^k (1 + body) − 1: the last power of two before infinity is taken in two halves
    whole = on.builder.sub(power.whole, on.integer(1))
    scale = on.times_power_of_two(on.number(1.0), whole)
    half = on.number(0.5)
    head = on.two_sum(on.sub(scale, half), on.mul(body.high, scale))
    rest = on.add(head.low, on.mul(body.low, scale))
    lost = on.sub(on.sub(scale, on.sub(scale, half)), half)  # of −½, where the power is beyond 2⁵³
    halved = on.quick_two_sum(head.high, on.add(rest, lost))
    return DoublePair(on.mul(halved.high, on.number(2.0)), on.mul(halved.low, on.number(2.0)))


def log(on: Arithmetic, x: Any) -> Any:
    """ln x; NaN below zero."""
    power, f = _normalised(on, x)
    value = log_of(on, power, f, on.number(0.0))
    return _edges_of_log(on, x, x, value)


def log1p(on: Arithmetic, x: Any) -> Any:
    """ln(1 + x), to full precision near zero."""
    return log1p_of_pair(on, DoublePair(x, on.number(0.0)))


def log1p_of_pair(on: Arithmetic, x: DoublePair) -> Any:
    """ln(1 + x.high + x.low)."""
    u = on.two_sum(on.number(1.0), x.high)
    power, f = _normalised(on, u.high)
    near = on.equal(power, on.number(0.0))
    f = on.pick(near, x.high, f)
    correction = on.div(on.add(on.pick(near, on.number(0.0), u.low), x.low), u.high)
    value = log_of(on, power, f, correction)
    value = on.pick(on.less(on.abs(x.high), on.number(2.0**-54)), x.high, value)
    return _edges_of_log(on, u.high, x.high, value)


def sinh(on: Arithmetic, x: Any) -> Any:
    """(eˣ − e⁻ˣ)/2."""
    size = on.abs(x)
    half = exp_of_pair(on, DoublePair(size, on.number(0.0)), 1)
    large = on.sub(half, on.div(on.number(0.25), half))
    z = on.mul(x, x)
    series = on.polynomial(z, *(1 / math.factorial(2 * n + 1) for n in range(1, 10)))
    small = on.fma(on.mul(size, z), series, size)
    return on.copysign(on.pick(on.less(size, on.number(1.0)), small, large), x)


def cosh(on: Arithmetic, x: Any) -> Any:
    """(eˣ + e⁻ˣ)/2."""
    half = exp_of_pair(on, DoublePair(on.abs(x), on.number(0.0)), 1)
    return on.add(half, on.div(on.number(0.25), half))


def tanh(on: Arithmetic, x: Any) -> Any:
    """x + x³ P(x²)/Q(x²) near zero, 1 − 2/(e²ˣ + 1) beyond: each is computed where a lane needs it."""
    size, one = on.abs(x), on.number(1.0)
    near = on.less(size, on.number(NEAR))

    def ratio() -> Any:
        z = on.mul(size, size)
        over, under = on.polynomial(z, *_TANH_OVER), on.polynomial(z, *_TANH_UNDER)
        return on.fma(size, on.div(on.mul(z, over), under), size)

    def from_exponential() -> Any:
        within = _clamp(on, size, 0.0, 22.0)
        return on.sub(one, on.div(on.number(2.0), on.add(exp(on, on.add(within, within)), one)))

    value = on.pick(near, on.where(near, ratio), on.where(on.negate(near), from_exponential))
    return on.copysign(value, x)


def asinh(on: Arithmetic, x: Any) -> Any:
    """ln(x + √(x² + 1))."""
    size, one = on.abs(x), on.number(1.0)
    within = _clamp(on, size, 0.0, BEYOND)
    root = on.sqrt(on.fma(within, within, one))
    near = log1p_of_pair(on, on.two_sum(within, on.div(on.mul(within, within), on.add(one, root))))
    value = on.pick(on.less(size, on.number(BEYOND)), near, _log_of_twice(on, size))
    return on.copysign(on.pick(on.is_nan(x), x, value), x)


def acosh(on: Arithmetic, x: Any) -> Any:
    """ln(x + √(x² − 1)); NaN below 1."""
    within = _clamp(on, x, 1.0, BEYOND)
    t = on.sub(within, on.number(1.0))
    square = _product(on, DoublePair(t, on.number(0.0)), on.two_sum(on.number(2.0), t))
    root = on.sqrt(square.high)
    rest = on.add(on.fma(on.neg(root), root, square.high), square.low)
    rest = on.pick(on.less(on.number(0.0), root), on.div(rest, on.add(root, root)), on.number(0.0))
    total = on.two_sum(root, t)
    near = log1p_of_pair(on, on.quick_two_sum(total.high, on.add(total.low, rest)))
    value = on.pick(on.less(x, on.number(BEYOND)), near, _log_of_twice(on, x))
    return on.pick(on.negate(on.less(x, on.number(1.0))), value, on.number(math.nan))


def atanh(on: Arithmetic, x: Any) -> Any:
    """½ ln((1 + x)/(1 − x)); NaN beyond ±1."""
    size = on.abs(x)
    ratio = on.quotient(DoublePair(on.add(size, size), on.number(0.0)), on.two_sum(on.number(1.0), on.neg(size)))
    inside = on.less(size, on.number(1.0))
    value = on.mul(on.number(0.5), log1p_of_pair(on, ratio))
    edge = on.pick(on.equal(size, on.number(1.0)), on.number(math.inf), on.number(math.nan))
    return on.copysign(on.pick(inside, value, edge), x)


def exp2(on: Arithmetic, x: Any) -> Any:
    """2ˣ."""
    within = _clamp(on, x, -1100.0, 1100.0)
    whole = on.rint(within)
    value, power = exp_in_parts(
        on, _product(on, DoublePair(on.sub(within, whole), on.number(0.0)), _pair(on, LN2_PAIR))
    )
    return on.times_power_of_two(on.add(value.high, value.low), on.builder.add(power, on.whole(whole)))


def cbrt(on: Arithmetic, x: Any) -> Any:
    """The real cube root."""
    size = on.abs(x)
    tiny = on.less(size, on.number(2.0**-1000))
    scaled = on.pick(tiny, on.mul(size, on.number(2.0**120)), size)
    power, f = _normalised(on, scaled)
    # 2^(power/3) by thirds, then m^(1/3) of the mantissa m = 1 + f by Newton's method from a straight line
    third = on.rint(on.mul(power, on.number(1 / 3)))
    rest = on.sub(power, on.mul(third, on.number(3.0)))
    m = on.add(f, on.number(1.0))
    m = on.pick(on.less(on.number(0.5), rest), on.add(m, m), m)
    m = on.pick(on.less(rest, on.number(-0.5)), on.mul(m, on.number(0.5)), m)
    root = on.polynomial(m, 0.4, 0.75, -0.15)
    for _ in range(4):
        square = on.mul(root, root)
        root = on.sub(root, on.div(on.fma(square, root, on.neg(m)), on.mul(square, on.number(3.0))))
    square = on.two_product(root, root)
    cube = on.two_product(square.high, root)
    excess = on.add(on.sub(cube.high, m), on.fma(square.low, root, cube.low))
    root = on.sub(root, on.div(excess, on.mul(square.high, on.number(3.0))))
    exponent = on.sub(third, on.pick(tiny, on.number(40.0), on.number(0.0)))
    value = on.copysign(on.times_power_of_two(root, on.whole(exponent)), x)
    plain = on.either(on.equal(size, on.number(0.0)), on.negate(on.less(size, on.number(math.inf))))
    return on.pick(plain, on.add(x, x), value)


def power(on: Arithmetic, x: Any, y: Any) -> Any:
    """xʸ; of a negative x for whole y alone. Edges as in C's Annex F."""
    size, one, zero = on.abs(x), on.number(1.0), on.number(0.0)
    log_size = _log_pair(on, size)
    product = on.two_product(log_size.high, y)
    low = on.fma(log_size.low, y, product.low)
    value = exp_of_pair(on, on.quick_two_sum(product.high, low))
    value = on.pick(on.is_nan(product.high), product.high, value)
    # a size of 0 or ∞, and a y of ±∞
    falls = on.less(y, zero)
    vanishes = on.either(
        on.both(on.equal(size, zero), on.less(zero, y)), on.both(on.equal(size, on.number(math.inf)), falls)
    )
    grows = on.either(
        on.both(on.equal(size, zero), falls), on.both(on.equal(size, on.number(math.inf)), on.less(zero, y))
    )
    endless = on.equal(on.abs(y), on.number(math.inf))
    inside, outside = on.less(size, one), on.less(one, size)
    vanishes = on.either(
        vanishes, on.both(endless, on.either(on.both(inside, on.less(zero, y)), on.both(outside, falls)))
    )
    grows = on.either(grows, on.both(endless, on.either(on.both(outside, on.less(zero, y)), on.both(inside, falls))))
    value = on.pick(vanishes, zero, on.pick(grows, on.number(math.inf), value))
    value = on.pick(on.both(on.equal(size, one), endless), one, value)
    # the sign of x: negative numbers have whole powers only
    negative = on.builder.icmp_signed("<", on.bits_of(x), on.integer(0))
    is_whole = on.equal(on.floor(y), y)
    half = on.mul(y, on.number(0.5))
    is_odd = on.both(on.both(is_whole, on.negate(on.equal(on.floor(half), half))), on.negate(endless))
    below = on.both(on.less(x, zero), on.less(on.number(-math.inf), x))
    value = on.pick(on.both(below, on.negate(is_whole)), on.number(math.nan), value)
    value = on.pick(on.both(negative, is_odd), on.neg(value), value)
    nan = on.either(on.is_nan(x), on.is_nan(y))
    value = on.pick(nan, on.add(x, y), value)
    return on.pick(on.either(on.equal(y, zero), on.equal(x, one)), one, value)


def _clamp(on: Arithmetic, x: Any, low: float, high: float) -> Any:
    """x within bounds; NaN stays NaN."""
    x = on.pick(on.less(x, on.number(low)), on.number(low), x)
    return on.pick(on.less(on.number(high), x), on.number(high), x)


def _reduced(on: Arithmetic, x: Any) -> tuple[Rounded, Any, Any]:
    """(k, r, rest): x = k ln 2 + r + rest, |r| ≤ 0.35."""
    power = on.rounded(x, 1 / math.log(2))
    head = on.fma(power.value, on.number(-LN2[0]), x)
    tail = on.mul(power.value, on.number(LN2[1]))
    r = on.sub(head, tail)
    return power, r, on.sub(on.sub(head, r), tail)


def _exp_tail(on: Arithmetic, r: Any) -> Any:
    """(eʳ − 1 − r)/r² for |r| ≤ ½ ln 2, to 4e-17 of eʳ − 1."""
    return on.polynomial(r, *_TAIL)


def _normalised(on: Arithmetic, x: Any) -> tuple[Any, Any]:
    """(k, f): x = 2^k (1 + f), √½ ≤ 1 + f < √2, for positive finite x."""
    tiny = on.less(x, on.number(2.0**-1022))
    bits = on.bits_of(on.pick(tiny, on.mul(x, on.number(2.0**54)), x))
    # from √½ on the exponent counts up: what is subtracted has the bits of √½ below it
    offset = on.integer(0x3FE6A09E667F3BCD)
    above = on.builder.sub(bits, offset)
    exponent = on.builder.ashr(above, on.integer(52))
    mantissa = on.builder.add(on.builder.and_(above, on.integer(0x000FFFFFFFFFFFFF)), offset)
    f = on.sub(on.of_bits(mantissa), on.number(1.0))
    return on.sub(on.float_of(exponent), on.pick(tiny, on.number(54.0), on.number(0.0))), f


def log_of(on: Arithmetic, power: Any, f: Any, correction: Any) -> Any:
    """power·ln 2 + ln(1 + f) + correction."""
    s = on.div(f, on.add(on.number(2.0), f))
    z = on.mul(s, s)
    half = on.mul(on.mul(on.number(0.5), f), f)
    tail = on.mul(s, on.add(half, on.mul(z, on.polynomial(z, *_LOG))))
    low = on.add(on.add(tail, correction), on.mul(power, on.number(LN2[1])))
    return on.sub(on.mul(power, on.number(LN2[0])), on.sub(on.sub(half, low), f))


def _log_pair(on: Arithmetic, x: Any) -> DoublePair:
    """ln x of positive x as a pair, to about 2^−67 relative."""
    power, f = _normalised(on, x)
    below = on.two_sum(on.number(2.0), f)
    s = on.quotient(DoublePair(f, on.number(0.0)), below)
    square = on.two_product(s.high, s.high)
    z = DoublePair(square.high, on.fma(on.mul(on.number(2.0), s.high), s.low, square.low))
    # 2s + s³ (2/3 + z (2/5 + z (2/7 + …))): the 2/3 to twice the digits, for it counts for a hundredth
    series = on.mul(z.high, on.polynomial(z.high, *(2 / (2 * n + 1) for n in range(2, 12))))
    head = on.two_sum(on.number(2 / 3), series)
    inner = DoublePair(head.high, on.add(head.low, on.number(3.700743415417188e-17)))
    cube = _product(on, _product(on, s, z), inner)
    total = on.two_sum(on.mul(on.number(2.0), s.high), cube.high)
    low = on.add(on.add(total.low, cube.low), on.mul(on.number(2.0), s.low))
    high = on.two_product(power, on.number(LN2_PAIR[0]))
    above = on.two_sum(high.high, total.high)
    rest = on.add(on.add(above.low, low), on.fma(power, on.number(LN2_PAIR[1]), high.low))
    return on.quick_two_sum(above.high, rest)


def _pair(on: Arithmetic, numbers: tuple[float, float]) -> DoublePair:
    return DoublePair(on.number(numbers[0]), on.number(numbers[1]))


def _log_of_twice(on: Arithmetic, x: Any) -> Any:
    """ln 2x of a large x, infinite or not a number too."""
    power, f = _normalised(on, x)
    value = log_of(on, on.add(power, on.number(1.0)), f, on.number(0.0))
    return on.pick(on.less(x, on.number(math.inf)), value, on.add(x, x))


def _product(on: Arithmetic, x: DoublePair, y: DoublePair) -> DoublePair:
    head = on.two_product(x.high, y.high)
    return on.quick_two_sum(head.high, on.add(head.low, on.fma(x.high, y.low, on.mul(x.low, y.high))))


def _edges_of_log(on: Arithmetic, u: Any, x: Any, value: Any) -> Any:
    """The logarithm at u = 0, ∞, below zero and NaN."""
    value = on.pick(on.less(u, on.number(math.inf)), value, on.add(x, x))
    value = on.pick(on.less(u, on.number(0.0)), on.number(math.nan), value)
    return on.pick(on.equal(u, on.number(0.0)), on.number(-math.inf), value)
