"""The builder's elementary functions for generated loops: straight-line code that LLVM turns into vector instructions,
where a call of the C library would stop it.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.functions import apply
from llgrad.kernels.machine.runtime import WRITTEN_IN_PLACE, intrinsic

# No fast mathematics here: the functions extract rounding errors.


def _of_one(name: str) -> Any:
    @intrinsic
    def instructions(typingctx: Any, x: Any) -> Any:
        return x(x), lambda context, builder, sig, args: apply(Arithmetic(builder, x.name), name, *args)

    @njit(**WRITTEN_IN_PLACE)
    def function(x: Any) -> Any:
        return instructions(x)

    return function


def _of_two(name: str) -> Any:
    @intrinsic
    def instructions(typingctx: Any, x: Any, y: Any) -> Any:
        return x(x, x), lambda context, builder, sig, args: apply(Arithmetic(builder, x.name), name, *args)

    @njit(**WRITTEN_IN_PLACE)
    def function(x: Any, y: Any) -> Any:
        return instructions(x, y)

    return function


exp, expm1, log, log1p = _of_one("exp"), _of_one("expm1"), _of_one("log"), _of_one("log1p")
sinh, cosh, tanh, cbrt = _of_one("sinh"), _of_one("cosh"), _of_one("tanh"), _of_one("cbrt")
sin, cos, tan = _of_one("sin"), _of_one("cos"), _of_one("tan")
asin, acos, atan = _of_one("asin"), _of_one("acos"), _of_one("atan")
erf, erfc = _of_one("erf"), _of_one("erfc")
power, atan2 = _of_two("pow"), _of_two("atan2")
