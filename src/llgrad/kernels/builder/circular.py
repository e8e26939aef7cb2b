"""Sine, cosine, tangent and their inverses in float64.

The argument is reduced by multiples of π/2 in pairs: by Cody and Waite's method, with π/2 in four parts, and from 2³⁰
on by Payne and Hanek's, with 2/π modulo 4 times every power of two from a table. Polynomials: Sun Microsystems, fdlibm
5.3 (k_sin.c, k_cos.c, s_atan.c, e_asin.c).
"""

from __future__ import annotations

import fractions
import functools
import math
from typing import Any, Final, NamedTuple

from llvmlite import ir

from llgrad.kernels.builder.arithmetic import Arithmetic, DoublePair

_SIN: Final = (
    *(-1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04),
    *(2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10),
)
_COS: Final = (
    *(4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05),
    *(-2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11),
)
_ATAN: Final = (
    *(3.33333333333329318027e-01, -1.99999999998764832476e-01, 1.42857142725034663711e-01),
    *(-1.11111104054623557880e-01, 9.09088713343650656196e-02, -7.69187620504482999495e-02),
    *(6.66107313738753120669e-02, -5.83357013379057348645e-02, 4.97687799461593236017e-02),
    *(-3.65315727442169155270e-02, 1.62858201153657823623e-02),
)
_ASIN: Final = (
    *(1.66666666666666657415e-01, -3.25565818622400915405e-01, 2.01212532134862925881e-01),
    *(-4.00555345006794114027e-02, 7.91534994289814532176e-04, 3.47933107596021167570e-05),
)
_ASIN_BELOW: Final = (
    *(1.0, -2.40339491173441421878e00, 2.02094576023350569471e00, -6.88283971605453293030e-01),
    7.70381505559019352791e-02,
)
_PI_BITS: Final = 1300
"""Digits of π for the largest exponent: 971, and four parts of 53 bits beyond the point."""


def _arctangent_of_inverse(n: int) -> fractions.Fraction:
    """atan(1/n) to the digits of π, by its series."""
    scale = 1 << _PI_BITS
    total, power, k = 0, scale // n, 0
    while power:
        total += (-1) ** k * (power // (2 * k + 1))
        power, k = power // (n * n), k + 1
    return fractions.Fraction(total, scale)


_PI: Final = 16 * _arctangent_of_inverse(5) - 4 * _arctangent_of_inverse(239)
"""π by Machin's formula."""


def _parts(value: fractions.Fraction, count: int) -> list[float]:
    """A number as a sum of so many floats, each the nearest to what is left."""
    parts = []
    for _ in range(count):
        parts.append(float(value))
        value -= fractions.Fraction(parts[-1])
    return parts


HALF_PI: Final = _parts(_PI / 2, 4)
_MEDIUM: Final = 2.0**30
"""From here on the table reduces."""
_LOWEST: Final = -23
_HIGHEST: Final = 971
"""Exponents of a mantissa of 53 whole bits, from `_MEDIUM` to the largest number."""


class Reduced(NamedTuple):
    """x = quadrant·π/2 + rest, |rest| ≤ π/4."""

    quadrant: Any
    rest: DoublePair


def sin(on: Arithmetic, x: Any) -> Any:
    """sin x."""
    angle = reduced(on, x)
    return _add_up(on, _of_quadrant(on, angle.quadrant, *_sine_and_cosine(on, angle.rest)), x)


def cos(on: Arithmetic, x: Any) -> Any:
    """cos x."""
    angle = reduced(on, x)
    quadrant = on.builder.add(angle.quadrant, on.integer(1))
    found = _of_quadrant(on, quadrant, *_sine_and_cosine(on, angle.rest))
    return on.add(found.high, found.low)


def tan(on: Arithmetic, x: Any) -> Any:
    """sin x / cos x."""
    angle = reduced(on, x)
    sine, cosine = _sine_and_cosine(on, angle.rest)
    odd = on.bit_is_set(angle.quadrant, 0)
    above = DoublePair(*(on.pick(odd, on.neg(c), s) for s, c in zip(sine, cosine, strict=True)))
    below = DoublePair(*(on.pick(odd, s, c) for s, c in zip(sine, cosine, strict=True)))
    return _add_up(on, on.quotient(above, below), x)


def atan(on: Arithmetic, x: Any) -> Any:
    """The angle in [−π/2, π/2] whose tangent is x."""
    return on.copysign(_angle(on, on.abs(x), on.number(1.0)), x)


def atan2(on: Arithmetic, y: Any, x: Any) -> Any:
    """The angle in [−π, π] of the point (x, y); edges as in C's Annex F."""
    up, along = on.abs(y), on.abs(x)
    infinite, zero, one = on.number(math.inf), on.number(0.0), on.number(1.0)
    both = on.both(on.equal(up, infinite), on.equal(along, infinite))
    up, along = on.pick(both, one, up), on.pick(both, one, along)
    origin = on.both(on.equal(up, zero), on.equal(along, zero))
    along_safe = on.pick(origin, one, along)
    larger = on.pick(on.less(up, along_safe), along_safe, up)
    scale = on.pick(on.less(on.number(2.0**1000), larger), on.number(2.0**-60), one)
    scale = on.pick(on.less(larger, on.number(2.0**-900)), on.number(2.0**100), scale)
    angle = _angle(on, on.mul(up, scale), on.mul(along_safe, scale))
    backwards = on.builder.icmp_signed("<", on.bits_of(x), on.integer(0))
    turned = on.sub(on.number(HALF_PI[0] * 2), on.sub(angle, on.number(HALF_PI[1] * 2)))
    value = on.copysign(on.pick(backwards, turned, angle), y)
    return on.pick(on.either(on.is_nan(x), on.is_nan(y)), on.add(x, y), value)


def asin(on: Arithmetic, x: Any) -> Any:
    """The angle in [−π/2, π/2] whose sine is x; NaN outside of [−1, 1]."""
    size = on.abs(x)
    small = on.less(size, on.number(0.5))
    root, rest, z = _half_angle(on, size)
    ratio = _asin_tail(on, on.pick(small, on.mul(size, size), z))
    near = on.fma(size, ratio, size)
    # π/2 − 2 (root + rest + root·ratio)
    part = on.add(on.mul(root, ratio), rest)
    far = on.two_sum(on.number(HALF_PI[0]), on.mul(root, on.number(-2.0)))
    far = on.add(far.high, on.add(far.low, on.sub(on.number(HALF_PI[1]), on.add(part, part))))
    return on.copysign(on.pick(small, near, far), x)


def acos(on: Arithmetic, x: Any) -> Any:
    """The angle in [0, π] whose cosine is x; NaN outside of [−1, 1]."""
    size = on.abs(x)
    small, positive = on.less(size, on.number(0.5)), on.less(on.number(0.0), x)
    root, rest, z = _half_angle(on, size)
    ratio = _asin_tail(on, on.pick(small, on.mul(size, size), z))
    near = on.sub(on.number(HALF_PI[0]), on.sub(x, on.sub(on.number(HALF_PI[1]), on.mul(x, ratio))))
    half = on.add(on.mul(root, ratio), rest)
    forwards = on.mul(on.number(2.0), on.add(root, half))
    backwards = on.sub(
        on.number(HALF_PI[0] * 2), on.mul(on.number(2.0), on.add(root, on.sub(half, on.number(HALF_PI[1]))))
    )
    return on.pick(small, near, on.pick(positive, forwards, backwards))


def reduced(on: Arithmetic, x: Any) -> Reduced:
    """An angle by quarters of a turn; the rest of ±∞ and NaN is NaN."""
    number = on.rint(on.mul(x, on.number(2 / math.pi)))
    far = on.less(on.number(_MEDIUM), on.abs(x))
    number = on.pick(far, on.number(0.0), number)
    near = Reduced(on.whole(number), _cody_waite(on, x, number))
    if on.width == 1:
        return _picked(on, far, _payne_hanek(on, x), near)
    return _where_any(on, far, x, near)


def _picked(on: Arithmetic, condition: Any, yes: Reduced, no: Reduced) -> Reduced:
    rest = DoublePair(*(on.pick(condition, a, b) for a, b in zip(yes.rest, no.rest, strict=True)))
    return Reduced(on.pick(condition, yes.quadrant, no.quadrant), rest)


def _where_any(on: Arithmetic, far: Any, x: Any, near: Reduced) -> Reduced:
    """The table is looked up only where some lane needs it, which physical angles never do."""
    builder, before = on.builder, on.builder.block
    any_far = builder.icmp_unsigned("!=", builder.bitcast(far, ir.IntType(on.width)), ir.IntType(on.width)(0))
    with builder.if_then(any_far, likely=False):
        found = _picked(on, far, _payne_hanek(on, x), near)
        inside = builder.block
    values = []
    for one, other in zip((found.quadrant, *found.rest), (near.quadrant, *near.rest), strict=True):
        phi = builder.phi(one.type)
        phi.add_incoming(one, inside)
        phi.add_incoming(other, before)
        values.append(phi)
    return Reduced(values[0], DoublePair(*values[1:]))


def _cody_waite(on: Arithmetic, x: Any, number: Any) -> DoublePair:
    """x − number·π/2. The first difference is exact, the products are exact as pairs."""
    minus = on.neg(number)
    first = on.two_product(minus, on.number(HALF_PI[0]))
    head = on.two_sum(on.add(x, first.high), first.low)
    for part in HALF_PI[1:3]:
        product = on.two_product(minus, on.number(part))
        total = on.two_sum(head.high, product.high)
        head = on.quick_two_sum(total.high, on.add(total.low, on.add(head.low, product.low)))
    return on.quick_two_sum(head.high, on.fma(minus, on.number(HALF_PI[3]), head.low))


@functools.cache
def _turns() -> list[list[float]]:
    """2/π·2^e modulo 4 in four parts, for the exponents e of a mantissa of 53 whole bits."""
    rows: list[list[float]] = [[], [], [], []]
    for exponent in range(_LOWEST, _HIGHEST + 1):
        scaled = 2 / _PI * fractions.Fraction(2) ** exponent % 4
        for row, part in zip(rows, _parts(scaled, 4), strict=True):
            row.append(part)
    return rows


def _payne_hanek(on: Arithmetic, x: Any) -> Reduced:
    """x·2/π modulo 4 is a whole number of 53 bits times an entry of the table, whole multiples of 4 left out."""
    builder = on.builder
    bits = on.bits_of(x)
    exponent = builder.and_(builder.lshr(bits, on.integer(52)), on.integer(0x7FF))
    place = builder.sub(exponent, on.integer(1075 + _LOWEST))
    low, high = on.integer(0), on.integer(_HIGHEST - _LOWEST)
    place = builder.select(builder.icmp_signed("<", place, low), low, place)
    place = builder.select(builder.icmp_signed(">", place, high), high, place)
    mantissa = builder.or_(builder.and_(bits, on.integer(0x000FFFFFFFFFFFFF)), on.integer(0x0010000000000000))
    whole = on.copysign(on.float_of(mantissa), x)
    parts = [on.table(row, place) for row in _turns()]
    products = [on.two_product(whole, part) for part in parts[:3]]
    number, head = on.number(0.0), DoublePair(on.number(0.0), on.number(0.0))
    for term in (products[0].high, products[0].low, products[1].high):
        turns = on.rint(on.mul(term, on.number(0.25)))
        total = on.two_sum(head.high, on.fma(turns, on.number(-4.0), term))
        quarters = on.rint(total.high)
        number = on.add(number, quarters)
        head = on.two_sum(on.sub(total.high, quarters), on.add(total.low, head.low))
    rest = on.add(on.add(products[1].low, products[2].high), on.fma(whole, parts[3], products[2].low))
    head = on.two_sum(head.high, on.add(head.low, rest))
    quarters = on.rint(head.high)
    head = on.quick_two_sum(on.sub(head.high, quarters), head.low)
    angle = on.two_product(head.high, on.number(HALF_PI[0]))
    low_part = on.add(angle.low, on.fma(head.low, on.number(HALF_PI[0]), on.mul(head.high, on.number(HALF_PI[1]))))
    endless = on.negate(on.less(on.abs(x), on.number(math.inf)))
    found = on.quick_two_sum(angle.high, low_part)
    nan = on.sub(x, x)
    return Reduced(
        on.whole(on.add(number, quarters)),
        DoublePair(on.pick(endless, nan, found.high), on.pick(endless, nan, found.low)),
    )


def _sine_and_cosine(on: Arithmetic, angle: DoublePair) -> tuple[DoublePair, DoublePair]:
    """sin and cos of |angle| ≤ π/4, as pairs."""
    r, low = angle
    z = on.mul(r, r)
    cube = on.mul(z, r)
    # sin(r + low) = r + (low (1 − z/2) + r³ (…)); cos(r + low) = 1 − z/2 + (z² (…) − r low)
    half = on.mul(on.number(0.5), z)
    bend = on.fma(cube, on.polynomial(z, *_SIN), on.fma(on.neg(half), low, low))
    sine = on.quick_two_sum(r, bend)
    square = on.fma(r, r, on.neg(z))
    tail = on.fma(on.mul(z, z), on.polynomial(z, *_COS), on.fma(on.neg(r), low, on.mul(square, on.number(-0.5))))
    head = on.quick_two_sum(on.number(1.0), on.neg(half))
    cosine = on.quick_two_sum(head.high, on.add(head.low, tail))
    return sine, cosine


def _of_quadrant(on: Arithmetic, quadrant: Any, sine: DoublePair, cosine: DoublePair) -> DoublePair:
    odd, minus = on.bit_is_set(quadrant, 0), on.bit_is_set(quadrant, 1)
    value = DoublePair(*(on.pick(odd, c, s) for s, c in zip(sine, cosine, strict=True)))
    return DoublePair(*(on.pick(minus, on.neg(part), part) for part in value))


def _add_up(on: Arithmetic, value: DoublePair, x: Any) -> Any:
    """The value of a pair; x itself where it is a zero, whose sign is kept."""
    return on.pick(on.equal(x, on.number(0.0)), x, on.add(value.high, value.low))


def _angle(on: Arithmetic, up: Any, along: Any) -> Any:
    """atan(up/along) of two that are not negative, by one division: t = up/along, (t − 1)/(t + 1) or −1/t."""
    steep = on.less(on.mul(along, on.number(math.tan(3 * math.pi / 8))), up)
    middle = on.less(on.mul(along, on.number(math.tan(math.pi / 8))), up)
    above = on.pick(steep, on.neg(along), on.pick(middle, on.sub(up, along), up))
    below = on.pick(steep, up, on.pick(middle, on.add(up, along), along))
    t = on.div(above, below)
    z = on.mul(t, t)
    tail = on.mul(on.mul(t, z), on.polynomial(z, *_ATAN))
    zero, quarter, half = on.number(0.0), on.number(HALF_PI[0] / 2), on.number(HALF_PI[0])
    base = on.pick(steep, half, on.pick(middle, quarter, zero))
    rest = on.pick(steep, on.number(HALF_PI[1]), on.pick(middle, on.number(HALF_PI[1] / 2), zero))
    bent = on.quick_two_sum(base, t)
    turned = on.add(bent.high, on.add(bent.low, on.sub(rest, tail)))
    return on.pick(on.either(steep, middle), turned, on.sub(t, tail))


def _half_angle(on: Arithmetic, size: Any) -> tuple[Any, Any, Any]:
    """(root, rest, z): z = (1 − size)/2, root + rest = √z to twice the digits."""
    z = on.mul(on.sub(on.number(1.0), size), on.number(0.5))
    root = on.sqrt(z)
    rest = on.div(on.fma(on.neg(root), root, z), on.add(root, root))
    return root, on.pick(on.less(on.number(0.0), z), rest, on.number(0.0)), z


def _asin_tail(on: Arithmetic, z: Any) -> Any:
    """asin(√z)/√z − 1 for z ≤ 1/4."""
    return on.mul(z, on.div(on.polynomial(z, *_ASIN), on.polynomial(z, *_ASIN_BELOW)))
