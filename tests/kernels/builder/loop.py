"""A loop over arrays around a function of the builder, compiled by LLVM for this machine."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from llvmlite import binding as llvm
from llvmlite import ir

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.code import WORD, Code, Word
from llgrad.kernels.builder.expression import write
from llgrad.kernels.expression.translate import graph_of
from llgrad.kernels.machine.llvm import link, object_of


def ptx(function: Any, operands: int) -> str:
    """`function(on, *values)` of one thread's numbers, as the assembler text of a GPU."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    gpu = llvm.Target.from_triple("nvptx64-nvidia-cuda").create_target_machine(cpu="sm_80", features="+ptx74", opt=2)
    module = ir.Module("thread")
    module.triple, module.data_layout = "nvptx64-nvidia-cuda", str(gpu.target_data)
    pointer = ir.PointerType(ir.DoubleType(), addrspace=1)
    thread = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointer] * (operands + 1)), "thread")
    builder = ir.IRBuilder(thread.append_basic_block())
    found = function(Arithmetic(builder), *(builder.load(base) for base in thread.args[:-1]))
    builder.store(found, thread.args[-1])
    builder.ret_void()
    return gpu.emit_assembly(llvm.parse_assembly(str(module)))


def elementwise(function: Any, operands: int, dtype: str = "float64", width: int = 8) -> Any:
    """`function(on, *values)` of arrays of a dtype; so many lanes at a time."""
    one = looped(lambda on, *values: [function(on, *values)], [dtype] * operands, [dtype], dtype, width)
    return lambda *arrays: one(*arrays)[0]


def of_jax(function: Any, kinds: Sequence[Any], dtype: str = "float64", width: int = 8) -> Any:
    """A function of scalars in JAX, of arrays of the dtypes `kinds`, as kernels have it."""
    names = [f"a{index}" for index in range(len(kinds))]
    closed = jax.make_jaxpr(function)(*[jax.ShapeDtypeStruct((), np.dtype(kind)) for kind in kinds])
    graph, inputs, outputs = graph_of(closed, names)
    made = [graph.dtype_of(value).name for value in outputs]
    return looped(
        lambda on, *values: write(on, graph, dict(zip(inputs, values, strict=True)), outputs), kinds, made, dtype, width
    )


def looped(function: Any, kinds: Sequence[Any], made: Sequence[Any], dtype: str, width: int) -> Any:
    """`function(on, *values)` → values, of arrays of the dtypes `kinds`, as arrays of the dtypes `made`."""
    module = ir.Module("loop")
    loop = ir.Function(module, ir.FunctionType(ir.VoidType(), [WORD, WORD]), "loop")
    code = Code(ir.IRBuilder(loop.append_basic_block("entry")))
    on = Arithmetic(code.builder, dtype, width)
    count, places = Word(code, loop.args[0]), Word(code, loop.args[1])
    with code.loop(count // width) as index:
        addresses = [code.word_at(places, place) for place in range(len(kinds) + len(made))]
        values = [code.load(a, _wide(kind, width), index, align=1) for a, kind in zip(addresses, kinds, strict=False)]
        for address, value in zip(addresses[len(kinds) :], function(on, *values), strict=True):
            code.store(value, address, index, align=1)
    code.builder.ret_void()
    native = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(link(object_of(str(module)), "loop"))

    def call(*arrays: Any) -> list[np.ndarray]:
        size = np.size(arrays[0])
        padded = [
            np.ascontiguousarray(np.concatenate([np.ravel(a), np.ones(-size % width)]).astype(kind))
            for a, kind in zip(arrays, kinds, strict=True)
        ]
        out = [np.empty(padded[0].size, kind) for kind in made]
        where = np.array([array.ctypes.data for array in (*padded, *out)], np.int64)
        native(padded[0].size, where.ctypes.data)
        return [array[:size] for array in out]

    return call


def _wide(kind: Any, width: int) -> Any:
    dtype = np.dtype(kind)
    one = ir.IntType(8 * dtype.itemsize)
    if dtype.kind == "f":
        one = ir.DoubleType() if dtype.itemsize == 8 else ir.FloatType()
    return one if width == 1 else ir.VectorType(one, width)
