"""A kernel as a module of LLVM: the function `handler` that XLA calls, around the code that does one item of its work.

One call of a handler fills a *block* of words (`machine.ffi`), which every thread that helps with the call reads. Three
functions: `handler` opens the block, asks other threads to help, and waits; `task` is what such a thread enters; `work`
is what they all do: by default it takes items until there is none. Nothing here can raise: what goes wrong is an error
of XLA's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from llvmlite import ir

from llgrad.kernels.builder.code import VOID, WORD, Code, Counter, Word
from llgrad.kernels.machine import ffi
from llgrad.kernels.machine.ffi import HEADER

NO_MEMORY: Final = 1
OTHER_STATES: Final = 2
MESSAGES: Final = {
    NO_MEMORY: (ffi.OUT_OF_MEMORY, "llgrad: a native kernel got no memory, or a call frame it does not know"),
    OTHER_STATES: (
        ffi.INVALID_ARGUMENT,
        "llgrad: a pull-back of many runs, taken out of their batch, has too few states for the gradient of one: call "
        "it within the vmap, or take the vjp of the one run",
    ),
}
"""By what a block says of a call that could not do its work: XLA's kind of the error, and its text."""


class Block:
    """The words of a call, as the code of an item reads them."""

    def __init__(self, code: Code, address: Word) -> None:
        self.code, self.address = code, address

    def word(self, place: int) -> Word:
        """The word of a place."""
        return self.code.word_at(self.address, place)

    def fail(self, kind: int = NO_MEMORY) -> None:
        """Say that the call could not do its work."""
        self.code.put(self.address, ffi.FAILED, kind)

    def part(self, part: Word, place: Word, places: Word) -> Word:
        """Where a place is in an array that has `places` of them for each of the items that sum it in parts."""
        return part * places + place


Item = Callable[[Code, Block, Word], None]
"""(code, block, index) → None: writes the code that does one item."""


class Sharing(NamedTuple):
    """How threads share a call: functions that write code."""

    work: Callable[[Code, Word, Word], None]
    """(code, block, helping): what every thread does; `helping` is 0 in the thread that was called."""
    before: Callable[[Code, Word], None]
    """(code, block): what the thread that was called does before it asks others to help; it may set `FAILED`."""
    after: Callable[[Code, Word], None]
    """(code, block): what it does at the end."""
    worth: Callable[[Code, Word], Any]
    """(code, block) → whether there is enough to do for others to wake up."""


def module_of(item: Item, width: int, title: str) -> ir.Module:
    """The module of a kernel whose tiles have so many lanes."""

    def work(code: Code, block: Word, helping: Word) -> None:
        take_items(code, block, lambda code, block, index: item(code, Block(code, block), index))

    return shared_module(Sharing(work, lambda *_: None, wait_for_items, _many_steps), width, title)


def shared_module(sharing: Sharing, width: int, title: str) -> ir.Module:
    """The module of a kernel whose threads share the work in a way of its own."""
    module = ir.Module(title)
    work = ir.Function(module, ir.FunctionType(VOID, [WORD, WORD]), "work")
    task = ir.Function(module, ir.FunctionType(VOID, [WORD]), "task")
    handler = ir.Function(module, ir.FunctionType(WORD, [WORD]), "handler")
    work.linkage = task.linkage = "internal"
    work.attributes.add("noinline")
    code, block = _begin(work)
    sharing.work(code, block, Word(code, work.args[1]))
    code.builder.ret_void()
    code, block = _begin(task)
    code.builder.call(work, [block.value, WORD(1)])
    _leave(code, block)
    code.builder.ret_void()
    _write_handler(handler, work, task, width, sharing)
    return module


def _begin(function: ir.Function) -> tuple[Code, Word]:
    code = Code(ir.IRBuilder(function.append_basic_block("entry")))
    return code, Word(code, function.args[0])


def _many_steps(code: Code, block: Word) -> Any:
    return code.word_at(block, ffi.ITEMS) * code.word_at(block, ffi.STEPS) >= ffi.WORTH_SHARING


def take_items(code: Code, block: Word, item: Callable[[Code, Word, Word], None]) -> None:
    """Items, as long as there are any."""
    items = code.word_at(block, ffi.ITEMS)
    head, body, done = (code.builder.append_basic_block(name) for name in ("next", "item", "done"))
    code.builder.branch(head)
    code.builder.position_at_end(head)
    index = code.fetch_add(block + 8 * ffi.NEXT, 1)
    code.builder.cbranch(index < items, body, done)
    code.builder.position_at_end(body)
    item(code, block, index)
    code.fetch_add(block + 8 * ffi.DONE, 1)
    code.builder.branch(head)
    code.builder.position_at_end(done)


def wait_for_items(code: Code, block: Word) -> None:
    """Until all items are done. Whoever took an item is running: this never waits for a task that has not started."""
    items = code.word_at(block, ffi.ITEMS)
    with code.repeat(lambda: code.fetch_add(block + 8 * ffi.DONE, 0) < items):
        code.call("sched_yield")


def _write_handler(function: ir.Function, work: ir.Function, task: ir.Function, width: int, sharing: Sharing) -> None:
    code, frame = _begin(function)
    with code.when(_answers_metadata(code, frame)):
        code.builder.ret(WORD(0))
    block = _open_block(code, frame, width)
    with code.when(block.equals(0)):
        code.builder.ret(_error(code, frame, NO_MEMORY).value)
    sharing.before(code, block)
    with code.when(sharing.worth(code, block)):
        _invite(code, frame, Word(code, code.builder.ptrtoint(task, WORD)), block)
    code.builder.call(work, [block.value, WORD(0)])
    sharing.after(code, block)
    failed = code.word_at(block, ffi.FAILED)
    _leave(code, block)
    for kind in MESSAGES:
        with code.when(failed.equals(kind)):
            code.builder.ret(_error(code, frame, kind).value)
    code.builder.ret(WORD(0))


def _answers_metadata(code: Code, frame: Word) -> Any:
    """Whether the call asked what the handler is, instead of asking for work; the answer is written then."""
    major, minor = ffi.api_version()
    extension = code.word_at(frame, ffi.FRAME_EXTENSION)
    asked = code.builder.alloca(ir.IntType(1))
    code.builder.store(ir.IntType(1)(0), asked)
    with code.when(extension > 0):
        kind = code.count_at(extension + 8 * ffi.EXTENSION_TYPE, 0)
        with code.when(kind.equals(ffi.METADATA)):
            metadata = code.word_at(extension, ffi.EXTENSION_METADATA)
            code.put(metadata, ffi.METADATA_VERSION, major | minor << 32)
            code.store(ir.IntType(32)(0), metadata + 8 * ffi.METADATA_TRAITS)
            code.builder.store(ir.IntType(1)(1), asked)
    return code.builder.load(asked)


def _open_block(code: Code, frame: Word, width: int) -> Word:
    """A new block with the operands and results of this call, or 0 when there is no memory."""
    arguments, results = (code.word_at(frame, at) for at in (ffi.FRAME_ARGUMENT_COUNT, ffi.FRAME_RESULT_COUNT))
    block = code.allocate((arguments + results) * 16 + 8 * HEADER)
    with code.when(block > 0):
        given, made = (code.word_at(frame, at) for at in (ffi.FRAME_ARGUMENTS, ffi.FRAME_RESULTS))
        with code.loop(arguments) as index:
            _describe(code, code.word_at(given, index), block + (index * 16 + 8 * HEADER))
        with code.loop(results) as index:
            _describe(code, code.word_at(made, index), block + ((index + arguments) * 16 + 8 * HEADER))
        counts = code.word_at(block, HEADER)
        for place, value in ((ffi.NEXT, 0), (ffi.DONE, 0), (ffi.REFERENCES, 1), (ffi.WIDTH, width), (ffi.FAILED, 0)):
            code.put(block, place, value)
        for index, place in enumerate((ffi.STEPS, ffi.EVERY, ffi.STRIDE, ffi.ITEMS, ffi.LANES)):
            code.put(block, place, code.count_at(counts, index))
    return block


def _describe(code: Code, buffer: Word, place: Word) -> None:
    """Write (address, number of elements) of a buffer."""
    size, dimensions = Counter(code, 1), code.word_at(buffer, ffi.BUFFER_DIMENSIONS)
    with code.loop(code.word_at(buffer, ffi.BUFFER_RANK)) as axis:
        size.set(size.now * code.word_at(dimensions, axis))
    code.put(place, 0, code.word_at(buffer, ffi.BUFFER_DATA))
    code.put(place, 1, size.now)


def _request(code: Code, *words: Any) -> Word:
    """Address of the arguments of a call of XLA's interface: their size in bytes, no extension, the words."""
    request = code.on_stack(2 + len(words))
    for index, word in enumerate((0, 0, *words)):
        code.put(request, index, word)
    return request


def _error(code: Code, frame: Word, kind: int) -> Word:
    """A new error of XLA's: what a handler returns when it could not do its work."""
    module, (xla, words) = code.builder.module, MESSAGES[kind]
    text: Any = module.globals.get(f"message{kind}")
    if text is None:
        written = bytearray(words.encode() + b"\0")
        constant = ir.Constant(ir.ArrayType(ir.IntType(8), len(written)), written)
        text = ir.GlobalVariable(module, constant.type, f"message{kind}")
        text.linkage, text.global_constant, text.initializer = "internal", True, constant
    request = _request(code, Word(code, code.builder.ptrtoint(text, WORD)), xla)
    code.put(request, 0, 28)
    return code.call_address(code.word_at(code.word_at(frame, ffi.FRAME_API), ffi.API_ERROR_CREATE), request)


def _called(code: Code, frame: Word, function: int, *words: Any) -> Any:
    """Whether a function of XLA's interface did what it was asked; its error is handed back."""
    request = _request(code, *words)
    code.put(request, 0, 16 + 8 * len(words))
    interface = code.word_at(frame, ffi.FRAME_API)
    problem = code.call_address(code.word_at(interface, function), request)
    done = problem.equals(0)
    with code.when(code.builder.not_(done)):
        drop = _request(code, problem)
        code.put(drop, 0, 24)
        code.call_address(code.word_at(interface, ffi.API_ERROR_DESTROY), drop)
    return done


def _invite(code: Code, frame: Word, task: Word, block: Word) -> None:
    """Ask other threads to help with the items."""
    threads, context = code.on_stack(1), code.word_at(frame, ffi.FRAME_CONTEXT)
    code.put(threads, 0, 1)
    told = _called(code, frame, ffi.API_THREADS, context, threads)
    size = code.pick(told, code.word_at(threads), 1)
    with code.loop(size.min(code.word_at(block, ffi.ITEMS)) - 1):
        code.fetch_add(block + 8 * ffi.REFERENCES, 1)
        taken = _called(code, frame, ffi.API_SCHEDULE, context, task, block)
        with code.when(code.builder.not_(taken)):
            _leave(code, block)


def _leave(code: Code, block: Word) -> None:
    """Give up one reference; the last one frees the block."""
    with code.when(code.fetch_add(block + 8 * ffi.REFERENCES, -1).equals(1)):
        code.release(block)
