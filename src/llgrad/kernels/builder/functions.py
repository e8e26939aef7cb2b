"""The functions of a real variable that vector code can compute, by the names of JAX's operations.

Each is within 2 ulp over the whole range, in float64 and in float32 (`tests/kernels/builder`). Float32 goes by way of
float64, rounded once at the end: half the lanes, but next to no error of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from llvmlite import ir

from llgrad.kernels.builder import circular, error_function, exponentials
from llgrad.kernels.builder.arithmetic import Arithmetic

FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "exp": exponentials.exp,
    "expm1": exponentials.expm1,
    "log": exponentials.log,
    "log1p": exponentials.log1p,
    "sinh": exponentials.sinh,
    "cosh": exponentials.cosh,
    "tanh": exponentials.tanh,
    "asinh": exponentials.asinh,
    "acosh": exponentials.acosh,
    "atanh": exponentials.atanh,
    "exp2": exponentials.exp2,
    "cbrt": exponentials.cbrt,
    "pow": exponentials.power,
    "sin": circular.sin,
    "cos": circular.cos,
    "tan": circular.tan,
    "asin": circular.asin,
    "acos": circular.acos,
    "atan": circular.atan,
    "atan2": circular.atan2,
    "erf": error_function.erf,
    "erfc": error_function.erfc,
}
"""Functions of one value, but for pow and atan2, which take two."""


def apply(on: Arithmetic, name: str, *operands: Any) -> Any:
    """A function of values of `on`'s dtype, as instructions in place."""
    on = on.strict()
    if on.dtype == np.float64:
        return FUNCTIONS[name](on, *operands)
    wide = on.like("float64")
    found = FUNCTIONS[name](wide, *(on.builder.fpext(operand, wide.type) for operand in operands))
    return on.builder.fptrunc(found, on.type)


def called(on: Arithmetic, name: str, *operands: Any) -> Any:
    """The same by a function of the module of its own, which is written where it is called for the first time.

    Written in place it would hold its numbers in registers together with those of the step, which do not suffice.
    """
    module, kind = on.builder.module, operands[0].type
    full = f"{name}.{on.width}.{on.bits}"
    function: Any = module.globals.get(full)
    if function is None:
        function = ir.Function(module, ir.FunctionType(kind, [kind] * len(operands)), full)
        function.linkage = "internal"
        for attribute in ("noinline", "nounwind", "readnone"):
            function.attributes.add(attribute)
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        inner = Arithmetic(builder, on.dtype, on.width, on.flags)
        builder.ret(apply(inner, name, *function.args))
    return on.builder.call(function, operands)
