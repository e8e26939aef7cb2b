"""Arithmetic on values of one floating-point type, a scalar or a vector of lanes, as LLVM instructions in place.

No instruction carries a flag that lets LLVM reorder it unless it is asked for: the functions built on this one extract
rounding errors, and `reassoc` deletes them (seen with LLVM 22: two-sums and the second term of a Cody-Waite reduction
vanish). There a fused product and sum is asked for by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from llvmlite import ir

from llgrad.kernels.builder.tables import gathered, joined, parts
from llgrad.kernels.machine import llvm

FREE: Final = ("contract", "reassoc", "nsz")
"""Flags of the arithmetic of a slope: LLVM may fuse and reorder it. Never `nnan` or `ninf`: a kernel must see its own
NaN."""
ORDERED: Final = ("contract", "nsz")
"""And where sums stay in their written order."""
_KINDS: Final = {"float64": (ir.DoubleType(), 64, 52), "float32": (ir.FloatType(), 32, 23)}


class DoublePair(NamedTuple):
    """An unevaluated sum high + low, |low| at most half an ulp of high: about twice the digits."""

    high: Any
    low: Any


class Rounded(NamedTuple):
    """A whole number, as a float and as an integer of as many bits."""

    value: Any
    whole: Any


class Splat(ir.Constant):
    """A vector of one constant in every lane, which its text names once."""

    def __init__(self, kind: Any, one: Any) -> None:
        super().__init__(kind, None)
        self.one = one

    def _get_reference(self) -> str:
        return f"splat ({self.one.type} {self.one.get_reference()})"


class Arithmetic:
    """Operations on values of one dtype and width.

    Args:
        builder: where the instructions go.
        dtype: "float64" or "float32".
        width: lanes of a vector; 1 is a scalar.
        flags: what LLVM may do with sums, products and quotients, as FREE or ORDERED.
    """

    def __init__(self, builder: Any, dtype: Any = "float64", width: int = 1, flags: Sequence[str] = ()) -> None:
        self.builder, self.dtype, self.width, self.flags = builder, np.dtype(dtype), width, tuple(flags)
        self.float_type, self.bits, self.mantissa = _KINDS[self.dtype.name]
        self._int = ir.IntType(self.bits)
        self.type, self.int_type = self._wide(self.float_type), self._wide(self._int)
        self._suffix = f"{'' if width == 1 else f'v{width}'}f{self.bits}"

    def like(self, dtype: Any) -> Arithmetic:
        """The same lanes in another dtype."""
        return Arithmetic(self.builder, dtype, self.width, self.flags)

    def strict(self) -> Arithmetic:
        """The same values, and no operation but as it is written."""
        return Arithmetic(self.builder, self.dtype, self.width)

    # numbers

    def number(self, value: float) -> Any:
        """A constant in every lane."""
        return self._constant(self.float_type, float(self.dtype.type(value)))

    def integer(self, value: int) -> Any:
        """An integer constant of as many bits as the floats have."""
        return self._constant(self._int, value)

    # one rounding each

    def add(self, x: Any, y: Any) -> Any:
        return self.builder.fadd(x, y, flags=self.flags)

    def sub(self, x: Any, y: Any) -> Any:
        return self.builder.fsub(x, y, flags=self.flags)

    def mul(self, x: Any, y: Any) -> Any:
        return self.builder.fmul(x, y, flags=self.flags)

    def div(self, x: Any, y: Any) -> Any:
        return self.builder.fdiv(x, y, flags=self.flags)

    def fma(self, x: Any, y: Any, z: Any) -> Any:
        """x·y + z with one rounding."""
        return self._intrinsic("fma", x, y, z)

    def sqrt(self, x: Any) -> Any:
        return self._intrinsic("sqrt", x)

    # exact

    def neg(self, x: Any) -> Any:
        return self.builder.fneg(x, flags=self.flags)

    def abs(self, x: Any) -> Any:
        return self._intrinsic("fabs", x)

    def copysign(self, size: Any, sign: Any) -> Any:
        return self._intrinsic("copysign", size, sign)

    def rint(self, x: Any) -> Any:
        """The nearest integer, ties to the even one."""
        return self._intrinsic("rint", x)

    def floor(self, x: Any) -> Any:
        return self._intrinsic("floor", x)

    def ceil(self, x: Any) -> Any:
        return self._intrinsic("ceil", x)

    # choice; a comparison with NaN is false

    def less(self, x: Any, y: Any) -> Any:
        return self.builder.fcmp_ordered("<", x, y)

    def at_most(self, x: Any, y: Any) -> Any:
        return self.builder.fcmp_ordered("<=", x, y)

    def equal(self, x: Any, y: Any) -> Any:
        return self.builder.fcmp_ordered("==", x, y)

    def is_nan(self, x: Any) -> Any:
        return self.builder.fcmp_unordered("uno", x, x)

    def pick(self, condition: Any, yes: Any, no: Any) -> Any:
        """`yes` in the lanes where the condition holds, else `no`."""
        return self.builder.select(condition, yes, no)

    def where(self, condition: Any, value: Callable[[], Any]) -> Any:
        """A value in the lanes where a condition holds, something else in others; computed where it holds in any."""
        builder, any_lane = self.builder, condition
        if self.width > 1:
            bits = ir.IntType(self.width)
            any_lane = builder.icmp_unsigned("!=", builder.bitcast(condition, bits), bits(0))
        before = builder.block
        with builder.if_then(any_lane):
            found, inside = value(), builder.block
        chosen = builder.phi(self.type)
        chosen.add_incoming(self.number(0.0), before)
        chosen.add_incoming(found, inside)
        return chosen

    def both(self, a: Any, b: Any) -> Any:
        return self.builder.and_(a, b)

    def either(self, a: Any, b: Any) -> Any:
        return self.builder.or_(a, b)

    def negate(self, condition: Any) -> Any:
        return self.builder.not_(condition)

    # bits

    def bits_of(self, x: Any) -> Any:
        return self.builder.bitcast(x, self.int_type)

    def of_bits(self, i: Any) -> Any:
        return self.builder.bitcast(i, self.type)

    def whole(self, x: Any) -> Any:
        """The integer that a float is, |x| < 2^50 (2^21 in float32). Other numbers and NaN give some integer: never
        an undefined value, as a conversion would."""
        shift = self.number(1.5 * 2.0**self.mantissa)
        return self.builder.sub(self.bits_of(self.add(x, shift)), self.bits_of(shift))

    def rounded(self, x: Any, factor: float) -> Rounded:
        """The nearest whole number of x·factor, of the sizes that `whole` takes."""
        shift = self.number(1.5 * 2.0**self.mantissa)
        sum_ = self.fma(x, self.number(factor), shift)
        return Rounded(self.sub(sum_, shift), self.builder.sub(self.bits_of(sum_), self.bits_of(shift)))

    def float_of(self, i: Any) -> Any:
        """The float of an integer."""
        return self.builder.sitofp(i, self.type)

    def bit_is_set(self, i: Any, bit: int) -> Any:
        return self.builder.icmp_signed("!=", self.builder.and_(i, self.integer(1 << bit)), self.integer(0))

    def times_power_of_two(self, x: Any, i: Any) -> Any:
        """x·2^i by two factors, so that a result below the normal numbers is rounded once: |i| up to twice the
        largest exponent."""
        half = self.builder.ashr(i, self.integer(1))
        return self.mul(self.mul(x, self.power_of_two(half)), self.power_of_two(self.builder.sub(i, half)))

    def scaled(self, x: Any, power: Rounded) -> Any:
        """x·2^power, rounded once; the power as of `times_power_of_two`. One instruction where the processor has it."""
        if self.bits != 64 or self.width % 8 or llvm.register_bytes() != 64:
            return self.times_power_of_two(x, power.whole)
        eight, mask, ties = ir.VectorType(self.float_type, 8), ir.IntType(8), ir.IntType(32)
        name, module = "llvm.x86.avx512.mask.scalef.pd.512", self.builder.module
        kinds = ir.FunctionType(eight, [eight, eight, eight, mask, ties])
        function = module.globals.get(name) or ir.Function(module, kinds, name)

        def part(value: Any, power: Any) -> Any:
            given = [value, power, ir.Constant(eight, None), mask(255), ties(4)]  # every lane, the mode as it is
            return self.builder.call(function, given)

        return joined(
            self.builder,
            [part(*pair) for pair in zip(*(parts(self.builder, v, 8) for v in (x, power.value)), strict=True)],
        )

    def power_of_two(self, i: Any) -> Any:
        """2^i, of a normal number's exponent."""
        bias = self.integer((1 << (self.bits - 2 - self.mantissa)) - 1)
        return self.of_bits(self.builder.shl(self.builder.add(i, bias), self.integer(self.mantissa)))

    def table(self, values: Sequence[float], index: Any) -> Any:
        """The entries of a constant table at integers within it, gathered."""
        return gathered(self.builder, self.float_type, [float(value) for value in values], index, self.width)

    # pairs

    def two_sum(self, x: Any, y: Any) -> DoublePair:
        """x + y exactly (Knuth)."""
        high = self.add(x, y)
        part = self.sub(high, x)
        return DoublePair(high, self.add(self.sub(x, self.sub(high, part)), self.sub(y, part)))

    def quick_two_sum(self, x: Any, y: Any) -> DoublePair:
        """x + y exactly, for |x| ≥ |y| (Dekker)."""
        high = self.add(x, y)
        return DoublePair(high, self.sub(y, self.sub(high, x)))

    def two_product(self, x: Any, y: Any) -> DoublePair:
        """x·y exactly."""
        high = self.mul(x, y)
        return DoublePair(high, self.fma(x, y, self.neg(high)))

    def quotient(self, x: DoublePair, y: DoublePair) -> DoublePair:
        """x/y of two pairs."""
        high = self.div(x.high, y.high)
        rest = self.add(self.fma(self.neg(high), y.high, x.high), self.fma(self.neg(high), y.low, x.low))
        return self.quick_two_sum(high, self.div(rest, y.high))

    # sums

    def sum(self, terms: Sequence[Any]) -> Any:
        """The sum of values, from the first to the last; 0 of none."""
        total = terms[0] if terms else self.number(0.0)
        for term in terms[1:]:
            total = self.add(total, term)
        return total

    def dot(self, left: Sequence[Any], right: Sequence[Any]) -> Any:
        """Σ lᵢ rᵢ."""
        return self.sum([self.mul(x, y) for x, y in zip(left, right, strict=True)])

    # polynomials

    def polynomial(self, x: Any, *coefficients: float) -> Any:
        """c₀ + c₁x + c₂x² + …, by Horner's rule."""
        total = self.number(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            total = self.fma(total, x, self.number(coefficient))
        return total

    # lanes

    def everywhere(self, value: Any) -> Any:
        """One number in every lane."""
        if self.width == 1:
            return value
        none = ir.Constant(ir.VectorType(value.type, self.width), ir.Undefined)
        first = self.builder.insert_element(none, value, ir.IntType(32)(0))
        return self.builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(ir.IntType(32), self.width), None))

    def over_lanes(self, value: Any) -> Any:
        """The sum over the lanes, in an order that only the width decides."""
        if self.width == 1:
            return value
        name = f"llvm.vector.reduce.fadd.{self._suffix}"
        function = self.builder.module.globals.get(name) or ir.Function(
            self.builder.module, ir.FunctionType(self.float_type, [self.float_type, self.type]), name
        )
        return self.builder.call(function, [ir.Constant(self.float_type, 0.0), value], fastmath=("reassoc", "nsz"))

    def _wide(self, kind: Any) -> Any:
        return kind if self.width == 1 else ir.VectorType(kind, self.width)

    def _constant(self, kind: Any, value: Any) -> Any:
        one = ir.Constant(kind, value)
        return one if self.width == 1 else Splat(self._wide(kind), one)

    def _intrinsic(self, name: str, *operands: Any) -> Any:
        module, full = self.builder.module, f"llvm.{name}.{self._suffix}"
        function = module.globals.get(full)
        if function is None:
            function = ir.Function(module, ir.FunctionType(self.type, [self.type] * len(operands)), full)
        return self.builder.call(function, operands)
