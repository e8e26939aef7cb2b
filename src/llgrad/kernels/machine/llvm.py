"""LLVM at work: from a module to an object file of this processor, and from an object file to an address."""

from __future__ import annotations

import functools
from typing import Any, Final

from llvmlite import binding

_KEPT: Final[list[Any]] = []
"""What owns the machine code in use: it lives as long as the process."""


@functools.cache
def processor() -> tuple[str, str, str]:
    """Triple, name and features of the processor that this runs on."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.get_process_triple(), binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()


def register_bytes() -> int:
    """Bytes of a vector register."""
    features = processor()[2].split(",")
    return 64 if "+avx512f" in features else 32 if "+avx" in features else 16


def _machine() -> Any:
    """A new target machine: an engine that is built on one owns it."""
    triple, name, features = processor()
    target = binding.Target.from_triple(triple)
    return target.create_target_machine(cpu=name, features=features, opt=3, jit=True)


def object_of(text: str) -> bytes:
    """The object file of the text of a module."""
    machine = _machine()
    module = binding.parse_assembly(text)
    module.triple, module.data_layout = processor()[0], str(machine.target_data)
    module.verify()
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.slp_vectorization = options.loop_vectorization = False  # the vectors are written already
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    return machine.emit_object(module)


def link(code: bytes, symbol: str) -> int:
    """Address of a function of an object file."""
    processor()
    linker = binding.create_mcjit_compiler(binding.parse_assembly(""), _machine())
    linker.add_object_file(binding.ObjectFileRef.from_data(code))
    linker.finalize_object()
    _KEPT.append(linker)
    return linker.get_function_address(symbol)
