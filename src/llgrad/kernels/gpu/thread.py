"""A pass as a kernel of a GPU: every thread takes one trajectory, or one after another where there are fewer threads.

Its parameters are addresses on the card, in the order of the pass's operands and results. The first is that of 32-bit
whole numbers: steps, every, stride, items and lanes, then the number of elements of each parameter.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir

from llgrad.kernels.builder.code import VOID, WORD, Code, Counter, Word
from llgrad.kernels.builder.handler import Block, Item
from llgrad.kernels.machine import ffi

COUNTS: Final = (ffi.STEPS, ffi.EVERY, ffi.STRIDE, ffi.ITEMS, ffi.LANES)
"""What the first numbers are."""
NAME: Final = "llgrad"
"""Name of the kernel in its text."""
GLOBAL: Final = 1
"""LLVM's number of the address space of a card's memory."""


class ThreadCode(Code):
    """Instructions of a thread, all of whose addresses are in the card's memory."""

    def pointer(self, address: Any, kind: Any) -> Any:
        """A typed pointer to an address."""
        return self.builder.inttoptr(self.word(address).value, kind.as_pointer(GLOBAL))

    def register(self, name: str) -> Word:
        """One of the numbers that a thread knows of itself."""
        full, module = f"llvm.nvvm.read.ptx.sreg.{name}", self.builder.module
        kind = ir.FunctionType(ir.IntType(32), [])
        function = module.globals.get(full) or ir.Function(module, kind, full)
        return Word(self, self.builder.zext(self.builder.call(function, []), WORD))


class ThreadBlock(Block):
    """The words of a call, from the kernel's parameters."""

    def __init__(self, code: ThreadCode, parameters: list[Word]) -> None:
        super().__init__(code, parameters[0])
        self.parameters = parameters
        width = code.register("ntid.x")
        self.thread = code.register("ctaid.x") * width + code.register("tid.x")
        self.threads = code.register("nctaid.x") * width

    def word(self, place: int) -> Word:
        """The word of a place."""
        if place in COUNTS:
            return self.code.count_at(self.address, COUNTS.index(place))
        index, size = divmod(place - ffi.HEADER, 2)
        return self.code.count_at(self.address, len(COUNTS) + index) if size else self.parameters[index]

    def part(self, part: Word, place: Word, places: Word) -> Word:
        """Threads side by side write side by side."""
        return place * self.word(ffi.ITEMS) + part

    def own(self, row: Word) -> Word:
        """The thread's element in a row of one for each thread."""
        return row * self.threads + self.thread


def thread_module(item: Item, operands: int, title: str) -> ir.Module:
    """The module of a kernel of so many operands and results."""
    module = ir.Module(title)
    kernel: Any = ir.Function(module, ir.FunctionType(VOID, [WORD] * operands), NAME)
    kernel.calling_convention = "ptx_kernel"
    code = ThreadCode(ir.IRBuilder(kernel.append_basic_block("entry")))
    block = ThreadBlock(code, [Word(code, parameter) for parameter in kernel.args])
    items, number = block.word(ffi.ITEMS), Counter(code, block.thread)
    with code.repeat(lambda: number.now < items):
        item(code, block, number.now)
        number.add(block.threads)
    code.builder.ret_void()
    return module
