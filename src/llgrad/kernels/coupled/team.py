"""How threads share a call.

With many samples the items are tiles, or runs of tiles, which threads take one after the other; a small single array
is one item. A large one (`shared`) is one tile whose rows are shared out: every stage is a *phase* of `blocks` parts,
and the caller opens the next phase when all parts of the last are done. A thread takes a part only of the open phase
and only while it runs, so the caller never waits for a task that has not begun. It takes the free part nearest to its
last one: so it goes to and fro over its own rows, and what its cache still holds of the weights is read first.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, Final, Protocol

from llvmlite import ir

from llgrad.kernels.builder.code import Code, Counter, Word
from llgrad.kernels.builder.handler import Sharing, shared_module, take_items, wait_for_items
from llgrad.kernels.coupled.memory import MEMORY, OWN_COUNTS, Memory
from llgrad.kernels.coupled.scheme import CoupledScheme
from llgrad.kernels.machine import ffi

OPEN: Final = 11
"""Word of a block: the open phase, times `PARTS`, and a bit for each of its parts that has been taken."""
PARTS: Final = 256
"""States of the parts of a phase: there are at most eight."""
PATIENCE: Final = 2000
"""Looks at the block before a thread that waits for others gives way to them."""
WORTH_SHARING: Final = 30_000
"""Fewer steps of an oscillator than this (about a hundred microseconds) are not worth waking another thread."""


class Pass(Protocol):
    """The code of a pass of one call."""

    memory: Memory

    def begin(self) -> None:
        """Before a call."""

    def prepare(self) -> None:
        """Before the steps."""

    def start(self) -> None:
        """What all steps share; `run` does it by itself."""

    def run(self) -> None:
        """All steps of a tile, and what comes after them."""

    def phases(self) -> Word:
        """Number of phases of a shared array."""
        ...

    def phase(self, number: Word) -> None:
        """One phase of some rows."""


class Onwards(abc.ABC):
    """The phases of a pass that steps forward: one for each stage, and one for the end."""

    code: Code
    memory: Memory
    scheme: CoupledScheme

    def phases(self) -> Word:
        """Number of phases of a shared array."""
        return self.memory.steps * self.scheme.stages + 1

    def phase(self, number: Word) -> None:
        """One stage, or the end, of some rows."""
        code, S = self.code, self.scheme.stages
        i, now = number // S, number % S
        with code.either(i.equals(self.memory.steps)) as (end, step):
            with end:
                self.end_rows()
            with step:
                for stage in range(S):
                    with code.when(now.equals(stage)):
                        self.stage(i, stage)

    @abc.abstractmethod
    def stage(self, i: Word, stage: int) -> None:
        """A stage of step i."""

    @abc.abstractmethod
    def end_rows(self) -> None:
        """What comes after all steps."""


def pass_module(scheme: CoupledScheme, make: Callable[[Code, Word], Pass], title: str, item: Any = None) -> ir.Module:
    """The module of a pass; `item` (code, block, index) is what an item is instead of a tile."""
    what = f"{title} of {'one coupled array' if scheme.single else 'coupled arrays, many samples'}"
    if scheme.shared:
        return shared_module(_in_phases(make), scheme.width, what)

    def one_tile(code: Code, block: Word, index: Word) -> None:
        work = make(code, block)
        with work.memory.own():
            work.memory.tile = index
            work.prepare()
            work.run()

    def work(code: Code, block: Word, helping: Word) -> None:
        take_items(code, block, item or one_tile)

    def before(code: Code, block: Word) -> None:
        make(code, block).begin()

    return shared_module(Sharing(work, before, wait_for_items, _worth_waking), scheme.width, what)


def _worth_waking(code: Code, block: Word) -> Any:
    counts = code.word_at(block, ffi.HEADER)
    rows = code.count_at(counts, OWN_COUNTS + 1) * code.word_at(block, ffi.LANES)
    return rows * code.word_at(block, ffi.WIDTH) * code.word_at(block, ffi.STEPS) >= WORTH_SHARING


def _in_phases(make: Callable[[Code, Word], Pass]) -> Sharing:
    def before(code: Code, block: Word) -> None:
        work = make(code, block)
        memory = work.memory.allocate()
        code.put(block, MEMORY, memory)
        code.put(block, OPEN, 0)
        with code.either(memory.equals(0)) as (failed, fine):
            with failed:
                code.put(block, ffi.FAILED, 1)
            with fine:
                work.begin()
                work.memory.use(memory)
                work.prepare()

    def worth(code: Code, block: Word) -> Any:
        work = make(code, block)
        return work.memory.N * work.memory.N * work.phases() // 16 >= WORTH_SHARING

    def after(code: Code, block: Word) -> None:
        code.release(code.word_at(block, MEMORY))

    return Sharing(lambda code, block, helping: _take_parts(code, block, helping, make), before, after, worth)


def _take_parts(code: Code, block: Word, helping: Word, make: Callable[[Code, Word], Pass]) -> None:
    """Parts of phases, until there is none."""
    work = make(code, block)
    memory = work.memory
    memory.use(code.word_at(block, MEMORY))
    work.start()
    place, blocks = block + 8 * OPEN, code.word_at(block, ffi.ITEMS)
    phases = code.pick(code.word_at(block, ffi.FAILED) > 0, 0, work.phases())
    full = (code.word(1) << blocks) - 1
    state, patience, mine = Counter(code, 0), Counter(code, 0), Counter(code, (blocks - 1) * helping)

    def goes_on() -> Any:
        state.set(code.peek(place))
        return state.now // PARTS < phases

    with code.repeat(goes_on):
        now = state.now
        phase, taken = now // PARTS, now % PARTS
        with code.either(taken < full) as (some, none):
            with some:
                part = _nearest_free(code, taken, mine.now, blocks, helping)
                with code.when(code.claim(place, now, now | code.word(1) << part)):
                    memory.r0, memory.r1 = part * memory.R // blocks, (part + 1) * memory.R // blocks
                    mine.set(part)
                    work.phase(phase)
                    code.fetch_add(block + 8 * ffi.DONE, 1)
                    patience.set(0)
            with none:
                done = code.peek(block + 8 * ffi.DONE).equals((phase + 1) * blocks)
                opens = code.builder.and_(helping.equals(0), done)
                with code.either(opens) as (next_one, wait):
                    with next_one:
                        code.fetch_add(place, code.word(PARTS) - full)
                    with wait:
                        patience.add(1)
                        with code.when(patience.now > PATIENCE):
                            code.call("sched_yield")


def _nearest_free(code: Code, taken: Word, last: Word, parts: Word, upwards: Word) -> Word:
    """The part nearest to the `last` one whose bit is not in `taken`; of two the lower one, or the upper one."""
    found, sign = Counter(code, last), upwards * 2 - 1
    with code.loop_down(parts) as distance:
        for place in (last - sign * distance, last + sign * distance):  # the nearer of two comes last
            within = code.builder.and_(place >= 0, place < parts)
            with code.when(within), code.when(((taken >> place) & 1).equals(0)):
                found.set(place)
    return found.now
