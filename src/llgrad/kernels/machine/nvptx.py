"""LLVM for a GPU of NVIDIA's: from a module to PTX, the assembler text that a driver translates for its card."""

from __future__ import annotations

import functools
from typing import Any, Final

from llvmlite import binding

TRIPLE: Final = "nvptx64-nvidia-cuda"
ARCHITECTURE: Final = "sm_52"
"""The oldest card that JAX has code for; every newer one takes text for it."""
VERSION: Final = "+ptx42"
"""The oldest version of the language that LLVM writes for it."""


@functools.cache
def _machine() -> Any:
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    return binding.Target.from_triple(TRIPLE).create_target_machine(cpu=ARCHITECTURE, features=VERSION, opt=3)


def ptx_of(text: str) -> bytes:
    """The PTX of the text of a module.

    What a division, a root or a sum may be is said by each instruction's own flags: none allows an approximation, so
    each is rounded as IEEE 754 asks, and no function flushes denormal numbers.
    """
    machine = _machine()
    module = binding.parse_assembly(text)
    module.triple, module.data_layout = TRIPLE, str(machine.target_data)
    module.verify()
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.slp_vectorization = options.loop_vectorization = False
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    return machine.emit_assembly(module).encode()
