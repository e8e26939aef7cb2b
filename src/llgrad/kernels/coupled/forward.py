"""The forward pass of coupled arrays: states after every k steps, the final state, the first bad step; and, to
differentiate, states kept, with the coupling field of every stage where all states are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from llvmlite import ir

from llgrad.kernels.builder.code import Code, Counter, Word
from llgrad.kernels.coupled.memory import UINT32, Memory
from llgrad.kernels.coupled.scheme import Scheme
from llgrad.kernels.coupled.team import Onwards, pass_module
from llgrad.kernels.expression.equations import STATE
from llgrad.kernels.loops.step import Slope, Step

RESULTS: Final = (*(f"saved_{axis}" for axis in STATE), *(f"final_{axis}" for axis in STATE), "first_bad")


def forward_module(scheme: Scheme, keep: bool) -> Any:
    """The module of a forward pass. With `keep` it also stores the state before every `stride`-th step."""
    title = "forward pass" + " that keeps states" * keep
    return pass_module(scheme, lambda code, block: _Forward(code, scheme, block, keep), title)


def slope_arrays(scheme: Scheme, of: str = "") -> list[str]:
    """Arrays for the slopes of all stages but the last."""
    return [f"{of}k{axis}{stage}" for stage in range(scheme.stages - 1) for axis in STATE]


def earlier_slopes(memory: Memory, stage: int) -> list[Any]:
    """What later parts of a step need of the slopes before a stage; None where they need nothing."""
    a, b = memory.scheme.tableau.a, memory.scheme.tableau.b
    ahead = b if stage == memory.scheme.stages - 1 else a[stage + 1]
    needed = [bool(ahead[j]) or bool(a[stage][j]) for j in range(stage)]
    return [Slope(memory.state(f"k{{}}{j}")) if needed[j] else None for j in range(stage)]


class _Forward(Onwards):
    """One call's forward pass."""

    def __init__(self, code: Code, scheme: Scheme, block: Word, keep: bool) -> None:
        self.code, self.scheme, self.keep, self.last = code, scheme, keep, scheme.stages - 1
        operands = [*scheme.operands, *RESULTS, *(["kept", "fields"] if keep else [])]
        arrays = [*STATE, "next_0", "next_1", "field", *slope_arrays(scheme), "bad"]
        m = self.memory = Memory(code, scheme, operands, arrays, int(scheme.single and not scheme.shared), block)
        self.on = m.on
        self.never = (1 << (m.on.bits - 1)) - 1

    def begin(self) -> None:
        """Memory for what is kept."""
        for name in ("kept", "fields") if self.keep else ():
            self.memory.advise(name)

    def prepare(self) -> None:
        """The initial state into the workspace; no bad step so far."""
        m = self.memory
        if m.packed:
            m.products.pack(m.matrix(0), m.pointers["weights"], m.N, m.terms, turned=False)
        with m.rows():
            m.keep_parameters()
            for axis in STATE:
                m.set(axis, m.take(f"m_{axis}", m.tile_place()))
            m.set("bad", m.on.integer(self.never))

    def start(self) -> None:
        """What all steps share."""
        self.step: Step = self.memory.step()

    def run(self) -> None:
        """All steps of a tile, and the final state."""
        self.start()
        with self.code.loop(self.memory.steps) as i:
            for stage in range(self.scheme.stages):
                self.stage(i, stage)
        self._finish()
        self._first_bad()

    def end_rows(self) -> None:
        """The final state; once, the first bad step."""
        self._finish()
        with self.code.when(self.memory.r0.equals(0)):
            self._first_bad()

    # ---- one stage

    def stage(self, i: Word, stage: int) -> None:
        m = self.memory
        node = [self.scheme.tableau.node_of_stage[stage]]
        saving = ((i + 1) % m.every).equals(0) if stage == self.last else None
        keeping = (i % m.stride).equals(0) if self.keep and stage == 0 else None
        field = self._field_place(i, stage)
        with m.blocks():
            if not self.scheme.local:
                self._product(field, stage)
            with m.rows():
                self._row(i, stage, m.values(i, node), field, (saving, keeping))

    def _field_place(self, i: Word, stage: int) -> Word:
        """Address of the coupling field: in what is kept where all steps are kept, else in the workspace."""
        m = self.memory
        own = m.work if self.scheme.local else m.array("field")
        if not self.keep:
            return own
        kept = m.address("fields", ((m.tile * m.steps + i) * self.scheme.stages + stage) * m.A)
        return self.code.pick(m.stride.equals(1), kept, own)

    def _product(self, field: Word, stage: int) -> None:
        """The coupling field of the rows r0 … r1."""
        m, weights = self.memory, self.memory.pointers["weights"]
        x = m.array("x" if stage == 0 else f"next_{stage % 2}")
        if self.scheme.shared:
            m.products.rows(field, weights, m.N, x, m.r0 * m.W, m.r1 * m.W, False, stage % 2)
        elif self.scheme.single:
            m.products.columns(field, m.matrix(0), m.A, x, m.N, m.terms, False, stage % 2)
        else:
            m.products.product(field, weights, x, m.W, m.N, m.r0, m.r1, False)

    def _row(self, i: Word, stage: int, values: Mapping[Any, Any], field: Word, flags: tuple[Any, Any]) -> None:
        m, code, step = self.memory, self.code, self.step
        step.use(m.parameters(values))
        start, slopes = m.state(), earlier_slopes(m, stage)
        state = step.stage_state(stage, start, slopes)
        coupling = self._coupling(state[0], field)
        if flags[1] is not None:
            with code.when(flags[1]):
                self._keep_state(start, i)
        inputs = m.inputs(values, m.random(i, stage == 0), stage) | {"coupling": coupling}
        slopes.append(step.slope(state, inputs))
        if stage < self.last:
            m.put_state(slopes[-1].whole, f"k{{}}{stage}")
            if not self.scheme.local:
                m.set(f"next_{(stage + 1) % 2}", step.stage_state(stage + 1, start, slopes)[0])
            return
        new, fine = step.finish(start, step.new_state(start, slopes))
        self._note(fine, i)
        m.put_state(new)
        with code.when(flags[0]):
            place = (m.tile * (m.steps // m.every) + i // m.every) * m.extent + m.at
            for axis, value in zip(STATE, new, strict=True):
                m.give(value, f"saved_{axis}", place)

    def _coupling(self, x: Any, field: Word) -> Any:
        """The coupling field of the row."""
        m = self.memory
        if not self.scheme.local:
            return self.code.load(field + m.at * m.bytes, m.on.type, align=m.bytes)
        found = m.products.few(m.matrix(0), x)
        if self.keep:
            with self.code.when(m.stride.equals(1)):
                self.code.store(found, field, align=m.bytes)
        return found

    def _keep_state(self, state: list[Any], i: Word) -> None:
        m = self.memory
        row = m.tile * ((m.steps + m.stride - 1) // m.stride) + i // m.stride
        for place, value in enumerate(state):
            self.code.store(value, m.address("kept", (row * 3 + place) * (m.R * m.W) + m.at), align=m.bytes)

    # ---- the steps' health

    def _bad_place(self) -> Any:
        """The rows of a sample share one mark."""
        return self.memory.at if self.scheme.single else self.code.word(0)

    def _note(self, fine: Any, i: Word) -> None:
        """Whether step i was fine."""
        m, builder = self.memory, self.code.builder
        now = m.on.everywhere(i.value if m.on.bits == 64 else builder.trunc(i.value, UINT32))
        m.at, at = self._bad_place(), m.at
        bad = m.get("bad", m.on.int_type)
        earlier = builder.select(builder.icmp_signed("<", bad, now), bad, now)
        m.set("bad", builder.select(fine, bad, earlier))
        m.at = at

    def _finish(self) -> None:
        """The final state."""
        m = self.memory
        with m.rows():
            for axis in STATE:
                m.give(m.get(axis), f"final_{axis}", m.tile_place())

    def _first_bad(self) -> None:
        """The first bad step of each sample, or of a single array; −1 for none."""
        m, code, builder = self.memory, self.code, self.code.builder
        kind = ir.IntType(m.on.bits)
        marks = m.array("bad") if not self.scheme.local else code.on_stack(m.W * m.bytes // 8 + 1)
        if self.scheme.local:
            code.store(m.get("bad", m.on.int_type), marks, align=m.bytes)

        def write(value: Any, index: Any) -> None:
            short = value if m.on.bits == 32 else builder.trunc(value, UINT32)
            never = builder.icmp_signed("==", value, kind(self.never))
            code.store(builder.select(never, UINT32(-1), short), m.pointers["first_bad"], index)

        if not self.scheme.single:
            with code.loop(m.W) as lane:
                write(code.load(marks, kind, lane), m.tile * m.W + lane)
            return
        worst = Counter(code, self.never)
        with code.loop(m.N) as lane:
            mark = code.load(marks, kind, lane)
            worst.set(worst.now.min(Word(code, mark if m.on.bits == 64 else builder.sext(mark, ir.IntType(64)))))
        write(worst.now.value if m.on.bits == 64 else builder.trunc(worst.now.value, UINT32), 0)
