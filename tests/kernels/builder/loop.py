"""A loop over arrays around a function of the builder, compiled by LLVM for this machine."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from llvmlite import binding as llvm
from llvmlite import ir

from llgrad.kernels.builder.arithmetic import Arithmetic

I64 = ir.IntType(64)


def machine() -> Any:
    """This processor; an engine takes it for its own, so each has a new one."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_triple(llvm.get_default_triple())
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=2)


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
    """`function(on, *values)` of arrays; so many lanes at a time."""
    module = ir.Module("loop")
    module.triple = llvm.get_default_triple()
    element = ir.DoubleType() if dtype == "float64" else ir.FloatType()
    pointers = [element.as_pointer()] * (operands + 1)
    loop = ir.Function(module, ir.FunctionType(ir.VoidType(), [I64, *pointers]), "loop")
    entry, head, body, end = (loop.append_basic_block() for _ in range(4))
    builder = ir.IRBuilder(entry)
    on = Arithmetic(builder, dtype, width)
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(I64)
    index.add_incoming(I64(0), entry)
    builder.cbranch(builder.icmp_signed("<", index, loop.args[0]), body, end)
    builder.position_at_end(body)
    places = [builder.bitcast(builder.gep(base, [index]), on.type.as_pointer()) for base in loop.args[1:]]
    found = function(on, *(builder.load(place, align=4) for place in places[:-1]))
    builder.store(found, places[-1], align=4)
    index.add_incoming(builder.add(index, I64(width)), builder.block)
    builder.branch(head)
    builder.position_at_end(end)
    builder.ret_void()
    return _called(module, operands, dtype, width)


def _called(module: Any, operands: int, dtype: str, width: int) -> Any:
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    target = machine()
    passes = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=2))
    passes.getModulePassManager().run(parsed, passes)
    engine = llvm.create_mcjit_compiler(parsed, target)
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * (operands + 1))
    native = kind(engine.get_function_address("loop"))

    def call(*arrays: np.ndarray) -> np.ndarray:
        count = arrays[0].size
        padded = [np.concatenate([a, np.ones(-count % width)]).astype(dtype) for a in arrays]
        out = np.empty_like(padded[0])
        native(out.size, *(array.ctypes.data for array in padded), out.ctypes.data)
        return out[:count]

    call.engine = engine  # the code lives as long as its engine
    return call
