"""The forward pass of coupled arrays: states after every k steps, the final state, the first bad step; and, to
differentiate, states kept, with the coupling field of every stage where all states are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llvmlite import ir

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.code import Code, Counter, Word
from llgrad.kernels.coupled.emission import Emission, Mixer
from llgrad.kernels.coupled.memory import UINT32, Memory
from llgrad.kernels.coupled.scheme import CoupledScheme
from llgrad.kernels.coupled.team import Onwards, pass_module
from llgrad.kernels.loops.step import SchemeStep, Slope


def forward_module(scheme: CoupledScheme, keep: bool) -> Any:
    """The module of a forward pass. With `keep` it also stores the state before every `stride`-th step."""
    title = "forward pass" + " that keeps states" * keep
    return pass_module(scheme, lambda code, block: _Forward(code, scheme, block, keep), title)


def slope_arrays(scheme: CoupledScheme, of: str = "") -> list[str]:
    """Arrays for the slopes of all stages but the last."""
    return [f"{of}k{axis}_{stage}" for stage in range(scheme.stages - 1) for axis in scheme.state]


def emission_arrays(emission: Emission, of: str = "") -> list[str]:
    """Arrays for what the states of stages emit: of the first stage, where it is no component, and of the others."""
    count = range(emission.whole.emits)
    first = [] if emission.plain is not None else [f"{of}emit{e}" for e in count]
    return [*first, *(f"{of}next{e}_{side}" for side in (0, 1) for e in count)]


def emitted_arrays(emission: Emission, stage: int, of: str = "") -> list[str]:
    """Where what the state of a stage emits stands."""
    if stage:
        return [f"{of}next{e}_{stage % 2}" for e in range(emission.whole.emits)]
    if emission.plain is None:
        return [f"{of}emit{e}" for e in range(emission.whole.emits)]
    return [f"{of}{emission.whole.state[place]}" for place in emission.plain]


def earlier_slopes(memory: Memory, stage: int) -> list[Any]:
    """What later parts of a step need of the slopes before a stage; None where they need nothing."""
    a, b = memory.scheme.tableau.a, memory.scheme.tableau.b
    ahead = b if stage == memory.scheme.stages - 1 else a[stage + 1]
    needed = [bool(ahead[j]) or bool(a[stage][j]) for j in range(stage)]
    return [Slope(memory.state(f"k{{}}_{j}")) if needed[j] else None for j in range(stage)]


class _Forward(Onwards):
    """One call's forward pass."""

    def __init__(self, code: Code, scheme: CoupledScheme, block: Word, keep: bool) -> None:
        self.code, self.scheme, self.keep, self.last = code, scheme, keep, scheme.stages - 1
        results = [f"{kind}_{axis}" for kind in ("saved", "final") for axis in scheme.state]
        operands = [*scheme.operands, *results, "first_bad", *(["kept", "fields"] if keep else [])]
        emission = Emission(Arithmetic(code.builder), scheme.program)
        arrays = [*scheme.state, *emission_arrays(emission), *(f"field{r}" for r in range(scheme.received))]
        small = scheme.single and not scheme.shared
        m = self.memory = Memory(
            code, scheme, operands, [*arrays, *slope_arrays(scheme), "bad"], scheme.matrices * small, block
        )
        self.on, self.emission, self.mixer = m.on, Emission(m.on, scheme.program), Mixer(m, turned=False)
        self.never = (1 << (m.on.bits - 1)) - 1

    def begin(self) -> None:
        """Memory for what is kept."""
        for name in ("kept", "fields") if self.keep else ():
            self.memory.advise(name)

    def prepare(self) -> None:
        """The initial state into the workspace; no bad step so far."""
        m = self.memory
        self.mixer.pack(self.scheme.matrices, self.mixer.weights)
        with m.rows():
            m.keep_parameters()
            state = [m.take(name, m.tile_place()) for name in self.scheme.program.starts]
            m.put_state(state)
            if self.emission.plain is None and not self.scheme.local:
                parameters = m.parameters(m.values(self.code.word(0), ()))
                for name, value in zip(emitted_arrays(self.emission, 0), self.emission(state, parameters), strict=True):
                    m.set(name, value)
            m.set("bad", m.on.integer(self.never))

    def start(self) -> None:
        """What all steps share."""
        self.step: SchemeStep = self.memory.step()

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
        fields = self._field_places(i, stage)
        sources = [] if self.scheme.local else [m.array(name) for name in emitted_arrays(self.emission, stage)]
        if not self.scheme.local:
            self.mixer.add_sums(fields, sources, m.W, False)
        with m.blocks():
            if not self.scheme.local:
                self.mixer.add_products(fields, sources, m.W, False, stage % 2)
            with m.rows():
                self._row(i, stage, m.values(i, node), fields, (saving, keeping))

    def _field_places(self, i: Word, stage: int) -> list[Word]:
        """Addresses of what is received: in what is kept where all steps are kept, else in the workspace."""
        m, found = self.memory, []
        for r in range(self.scheme.received):
            own = m.work if self.scheme.local else m.array(f"field{r}")
            if self.keep:
                place = ((m.tile * m.steps + i) * self.scheme.stages + stage) * self.scheme.received + r
                own = self.code.pick(m.stride.equals(1), m.address("fields", place * m.A), own)
            found.append(own)
        return found

    def _row(self, i: Word, stage: int, values: Mapping[Any, Any], fields: Any, flags: tuple[Any, Any]) -> None:
        m, code, step = self.memory, self.code, self.step
        step.use(m.parameters(values))
        start, slopes = m.state(), earlier_slopes(m, stage)
        state = step.stage_state(stage, start, slopes)
        received = self._received(state, fields)
        if flags[1] is not None:
            with code.when(flags[1]):
                self._keep_state(start, i)
        slopes.append(step.slope(state, m.inputs(i, values, m.random(i, stage == 0), stage) | received))
        if stage < self.last:
            m.put_state(slopes[-1].whole, f"k{{}}_{stage}")
            if not self.scheme.local:
                self._emit(stage + 1, step.stage_state(stage + 1, start, slopes))
            return
        new, fine = step.finish(start, step.new_state(start, slopes))
        self._note(fine, i)
        m.put_state(new)
        if self.emission.plain is None and not self.scheme.local:
            self._emit(0, new)
        with code.when(flags[0]):
            place = (m.tile * (m.steps // m.every) + i // m.every) * m.extent + m.at
            for axis, value in zip(self.scheme.state, new, strict=True):
                m.give(value, f"saved_{axis}", place)

    def _emit(self, stage: int, state: Sequence[Any]) -> None:
        """What the state of a stage emits, into the workspace."""
        emitted = self.emission(state, self.step.parameters)
        for name, value in zip(emitted_arrays(self.emission, stage), emitted, strict=True):
            self.memory.set(name, value)

    def _received(self, state: Sequence[Any], fields: Sequence[Word]) -> dict[str, Any]:
        """What the row receives, by name."""
        m, names = self.memory, self.scheme.program.mixed
        if not self.scheme.local:
            found = [self.code.load(field + m.at * m.bytes, m.on.type, align=m.bytes) for field in fields]
            return dict(zip(names, found, strict=True))
        found = self.mixer.few(self.emission(state, self.step.parameters), [None] * len(names))
        if self.keep:
            with self.code.when(m.stride.equals(1)):
                for value, field in zip(found, fields, strict=True):
                    self.code.store(value, field, align=m.bytes)
        return dict(zip(names, found, strict=True))

    def _keep_state(self, state: list[Any], i: Word) -> None:
        m = self.memory
        row = m.tile * ((m.steps + m.stride - 1) // m.stride) + i // m.stride
        for place, value in enumerate(state):
            self.code.store(value, m.address("kept", (row * len(state) + place) * (m.R * m.W) + m.at), align=m.bytes)

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
            for axis in self.scheme.state:
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
        write(worst.now.value if m.on.bits == 64 else builder.trunc(worst.now.value, UINT32), m.tile)
