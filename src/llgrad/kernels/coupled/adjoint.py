"""The adjoint pass of coupled arrays: the exact gradient of what the forward pass computed.

Each step is transposed from its last stage to its first. The states of its stages are computed again from the step's
first state and the coupling fields of its stages, which the forward pass kept: no product is needed for them. Then the
cotangent g of a stage's coupling field goes back through Wᵀ g to the states of all oscillators, and the gradient of
W gains Σ g ⊗ m_x, one product for all stages of a step. The operand `weights` is Wᵀ here, but for a small single
array, whose kernel packs W turned.
"""

from __future__ import annotations

from typing import Any, Final

from llgrad.kernels.builder.code import Code, Word
from llgrad.kernels.coupled.memory import Memory
from llgrad.kernels.coupled.scheme import Scheme
from llgrad.kernels.coupled.team import pass_module
from llgrad.kernels.expression.equations import STATE
from llgrad.kernels.loops.step import Derivative, Step
from llgrad.kernels.machine import ffi

TOGETHER: Final = 2
"""Steps whose products g ⊗ m_x are made together: the gradient of W is read and written once for them."""


def adjoint_module(scheme: Scheme, wanted: tuple[str, ...]) -> Any:
    """The module of an adjoint pass that gives the cotangents of m0 and of the wanted operands."""

    def run_of_tiles(code: Code, block: Word, index: Word) -> None:
        work = _Adjoint(code, scheme, block, wanted)
        m, items = work.memory, code.word_at(block, ffi.ITEMS)
        work.index = index
        with m.own():
            work.clear(inner=False)
            with code.loop((index + 1) * m.tiles // items, index * m.tiles // items) as m.tile:
                work.prepare()
                work.run()

    return pass_module(scheme, lambda code, block: _Adjoint(code, scheme, block, wanted), "adjoint pass", run_of_tiles)


class _Adjoint:
    """One call's adjoint pass. Workspace: the cotangent of the state (vx, vy, vz), those of the stages' states (sx0 …),
    of their coupling fields (g) and their m_x (q); stages' states (mx1 …); cotangents of parameters (c_…).
    """

    def __init__(self, code: Code, scheme: Scheme, block: Word, wanted: tuple[str, ...]) -> None:
        self.code, self.scheme, self.S = code, scheme, scheme.stages
        program = scheme.program
        self.active = [name for name in scheme.varied if name in wanted]
        self.parameters = [name for name in self.active if name in program.names]
        self.channels = [name for name in self.active if name in program.channels]
        self.weights = "weights" in wanted
        given = ["kept", "fields", *(f"c_{kind}_{axis}" for kind in ("saved", "final") for axis in STATE)]
        results = [*(f"c_m_{axis}" for axis in STATE), *(f"c_{name}" for name in self.active)]
        operands = [*scheme.operands, *given, *results, *["c_weights"] * self.weights]
        self.together = TOGETHER if self.weights and not scheme.local else 1
        self.copies = (2 if scheme.shared else 1) * self.together
        arrays = [f"v{axis}" for axis in STATE] + [f"s{axis}{j}" for j in range(self.S) for axis in STATE]
        arrays += [f"m{axis}{j}" for j in range(1, self.S - 1) for axis in STATE]
        arrays += [f"{kind}{n}" for kind in ("g", "q")[: 1 + self.weights] for n in range(self.copies * self.S)]
        arrays += [f"c_{name}" for name in self.parameters]
        packed = (1 + (self.weights and scheme.local)) if scheme.single and not scheme.shared else 0
        m = self.memory = Memory(code, scheme, operands, arrays, packed, block)
        self.on, self.index = m.on, code.word(0)

    # ---- the order of things

    def begin(self) -> None:
        """Nothing is to be done before a call."""

    def prepare(self) -> None:
        """The cotangent of the final state; nothing yet from stages, and zeros in the padding."""
        m, zero = self.memory, self.on.number(0.0)
        if self.scheme.shared:
            self.clear(inner=False)
        self.clear(inner=True)
        m.clear()
        if m.packed:
            m.products.pack(m.matrix(0), m.pointers["weights"], m.N, m.terms, turned=True)
        if self.scheme.local:
            for name in m.arrays:
                if name[0] in "sc":
                    m.set(name, zero)
            if self.weights:
                for row in range(m.W):
                    self.code.store(zero, m.matrix(1) + row * m.W * m.bytes, align=m.bytes)
        with m.rows():
            m.keep_parameters()
            m.put_state([m.take(f"c_final_{axis}", m.tile_place(), edge=False) for axis in STATE], "v{}")

    def start(self) -> None:
        """What all steps share."""
        program = self.scheme.program
        self.step: Step = self.memory.step()
        places = tuple(program.arguments.index(name) for name in ("coupling", *self.active))
        self.pull_back = Derivative(self.step, program.pull_back(places), STATE)

    def run(self) -> None:
        """All steps of a tile, and what comes after them."""
        m, code = self.memory, self.code
        self.start()
        with code.loop_down(m.steps) as i:
            for stage in reversed(range(self.S)):
                with m.blocks():
                    if stage == self.S - 1:
                        with code.when(i < m.steps - 1):
                            self._product(i + 1, 0, 0)
                    else:
                        self._product(i, stage + 1, (stage + 1) % 2)
                    self._pass(i, stage)
            if self.weights:
                self._outer(i)
        with code.when(m.steps > 0), m.blocks():
            self._product(code.word(0), 0, 0)
        self._finish()

    def phases(self) -> Word:
        """A phase for each stage, and one for the end."""
        return self.memory.steps * self.S + 1

    def phase(self, number: Word) -> None:
        """Some rows of one stage of a single array; first what the stage before it left to be done."""
        code, m, S = self.code, self.memory, self.S
        i, stage = m.steps - 1 - number // S, code.word(S - 1) - number % S
        for now in range(S):
            last, before = (i + 1, 0) if now == S - 1 else (i, now + 1)
            with code.when(stage.equals(now)):
                with code.when(number > 0):
                    self._product(last, before, number % 2)
                    if self.weights and before == 0:
                        self._outer(last)
                if now < S - 1:
                    self._pass(i, now)
                else:
                    with code.either(i < 0) as (end, step):
                        with end:
                            self._finish()
                        with step:
                            self._pass(i, now)

    # ---- products

    def _column(self, kind: str, i: Word, stage: int, place: Any = 0) -> Word:
        """Address of the cotangents of a stage's coupling fields (g), or of its m_x (q)."""
        m = self.memory
        copy = i % self.copies * self.S + stage
        return m.array(f"{kind}0", copy * (m.A if self.scheme.single else m.W) + place)

    def _product(self, i: Word, stage: int, back: Any) -> None:
        """Through the coupling field of a stage to the m_x of all oscillators."""
        m, weights = self.memory, self.memory.pointers["weights"]
        name = f"sx{stage}"
        if self.scheme.local:
            m.set(name, m.products.few(m.matrix(0), m.get(f"g{stage}"), m.get(name)))
            return
        goal, g = m.array(name), self._column("g", i, stage)
        if self.scheme.shared:
            m.products.rows(goal, weights, m.N, g, m.r0 * m.W, m.r1 * m.W, True, back)
        elif self.scheme.single:
            m.products.columns(goal, m.matrix(0), m.A, g, m.N, m.terms, True, back)
        else:
            m.products.product(goal, weights, g, m.W * self.S * self.copies, m.N, m.r0, m.r1, True)

    def _outer(self, i: Word) -> None:
        """What steps add to the cotangent of the weights: so many of them together, when the first of them is done."""
        with self.code.when((i % self.together).equals(0)):
            self._add_outer(i)

    def _add_outer(self, i: Word) -> None:
        m, S = self.memory, self.S
        if self.scheme.local:
            columns = [(m.get(f"g{stage}"), m.get(f"q{stage}")) for stage in range(S)]
            for row in range(m.W):
                with self.code.when(self.code.word(row) < m.N):
                    m.products.add_row(m.matrix(1) + row * m.W * m.bytes, row, columns)
            return
        g, q = self._column("g", i, 0), self._column("q", i, 0)
        goal = m.pointers["c_weights"]
        if self.scheme.single:
            m.products.outer_rows(goal, m.N, g, q, m.A, m.r0 * m.W, (m.r1 * m.W).min(m.N), S * self.together)
        else:
            rows = m.A // m.W
            m.products.outer(goal + self.index * rows * rows * m.bytes, rows, g, q, m.W * S * self.together)

    # ---- one stage

    def _pass(self, i: Word, stage: int) -> None:
        """One stage transposed, for the rows r0 … r1, all but its product."""
        m, last = self.memory, stage == self.S - 1
        node = self.scheme.tableau.node_of_stage
        nodes = sorted({node[j] for j in range(self.S) if last or j == stage})
        saving = ((m.start + i + 1) % m.every).equals(0) if last else None
        with m.rows():
            self._row(i, stage, m.values(i, nodes), saving)

    def _row(self, i: Word, stage: int, values: dict[Any, Any], saving: Any) -> None:
        m, on, step, last = self.memory, self.on, self.step, stage == self.S - 1
        step.use(m.parameters(values))
        random = m.random(i, last)

        def inputs(j: int) -> dict[str, Any]:
            return m.inputs(values, random, j) | {"coupling": self._kept("fields", i, self.S, j, m.A)}

        if last:
            state, v = self._last_state(i, inputs, saving)
        else:
            state = self._first_state(i) if stage == 0 else m.state(f"m{{}}{stage}")
            v = m.state("v{}")
        weights = [(step.b[stage], v)] if stage in step.b else []
        weights += [(step.a[j, stage], m.state(f"s{{}}{j}")) for j in range(stage + 1, self.S) if (j, stage) in step.a]
        slope = [on.sum([on.mul(weight, vector[axis]) for weight, vector in weights]) for axis in range(len(STATE))]
        x, y, z, coupling, *found = self.pull_back(state, inputs(stage), slope)
        m.put_state([x, y, z], f"s{{}}{stage}")
        self._put_column("g", i, stage, coupling)
        if self.weights:
            self._put_column("q", i, stage, state[0])
        self._gather(i, stage, dict(zip(self.active, found, strict=True)))

    def _put_column(self, kind: str, i: Word, stage: int, value: Any) -> None:
        m = self.memory
        if self.scheme.local:
            return m.set(f"{kind}{stage}", value)
        place = m.at if self.scheme.single else m.at * (self.S * self.copies)
        self.code.store(value, self._column(kind, i, stage, place), align=m.bytes)

    def _kept(self, name: str, i: Word, many: int, which: int, size: Word) -> Any:
        """A row of what the forward pass kept: one of `many` arrays of a step."""
        m = self.memory
        place = ((m.tile * m.steps + i) * many + which) * size + m.at
        return self.code.load(m.address(name, place), self.on.type, align=m.bytes)

    def _first_state(self, i: Word) -> list[Any]:
        m = self.memory
        return [self._kept("kept", i, len(STATE), axis, m.R * m.W) for axis in range(len(STATE))]

    def _last_state(self, i: Word, inputs: Any, saving: Any) -> tuple[list[Any], list[Any]]:
        """The state of the last stage, and the cotangent of the state after the step before its projection; the states
        of the other stages are stored.
        """
        m, step, code = self.memory, self.step, self.code
        taken = step.take(self._first_state(i), inputs)
        for j in range(1, self.S - 1):
            m.put_state(taken.states[j], f"m{{}}{j}")
        totals = [m.variable(f"total_{axis}") for axis in STATE]
        for total, value in zip(totals, self._total(), strict=True):
            total.set(value)
        with code.when(saving):
            saves = m.size("c_saved_x") // (m.tiles * m.extent).max(1)
            place = (m.tile * saves + (m.start + i) // m.every) * m.extent + m.at
            for axis, total in zip(STATE, totals, strict=True):
                total.set(self.on.add(total.get(), m.take(f"c_saved_{axis}", place, edge=False)))
        v = step.along_sphere(taken.new, [total.get() for total in totals], step.scales(taken.new))
        m.put_state(v, "v{}")
        return taken.states[-1], v

    def _total(self) -> list[Any]:
        """The cotangent of a step's last state: from the steps after it, stage by stage."""
        m = self.memory
        parts = [m.state("v{}"), *(m.state(f"s{{}}{stage}") for stage in range(self.S))]
        return [self.on.sum([part[axis] for part in parts]) for axis in range(len(STATE))]

    # ---- cotangents of operands

    def _size(self, name: str) -> Word:
        """Elements of a cotangent of one tile, or item."""
        m, size = self.memory, self.memory.size(f"c_{name}")
        if name in self.scheme.inner:
            return size // m.tiles
        return size if self.scheme.single else size // self.code.word_at(m.block, ffi.ITEMS)

    def _place(self, name: str, i: Any, stage: int) -> Word:
        """Place of the row in the cotangent of an operand."""
        m, inner, size = self.memory, name in self.scheme.inner, self._size(name)
        node = self.scheme.tableau.node_of_stage[stage]
        row = m.r if self.scheme.single and not inner else m.r * m.per_row(name)
        owner = m.tile if inner else self.index
        return owner * size + m.moment(name, i, node, size) + row

    def clear(self, inner: bool) -> None:
        """Zeros in the cotangents of operands that differ between lanes (of a tile), or do not (of an item)."""
        m, code = self.memory, self.code
        for name in self.active:
            if (name in self.scheme.inner) == inner:
                size = self._size(name) * m.bytes
                code.call("memset", m.pointers[f"c_{name}"] + (m.tile if inner else self.index) * size, 0, size)
        if self.weights and not inner:
            rows = m.N if self.scheme.single else m.A // m.W
            size = rows * rows * m.bytes
            code.call("memset", m.pointers["c_weights"] + self.index * size, 0, size)

    def _gather(self, i: Word, stage: int, found: dict[str, Any]) -> None:
        """What a stage of a row adds to the cotangents of the operands."""
        m, on = self.memory, self.on
        for name in self.parameters:
            m.set(f"c_{name}", on.add(m.get(f"c_{name}"), found[name]))
        for name in self.channels:
            self._give(name, self._place(name, i, stage), found[name])

    def _give(self, name: str, place: Word, value: Any) -> None:
        """Add a row to the cotangent of an operand: lane by lane, or their sum."""
        m, code, result = self.memory, self.code, f"c_{name}"
        if name in self.scheme.inner:
            m.give(self.on.add(m.take(result, place, edge=False), value), result, place)
            return
        address, kind = m.address(result, place), self.on.float_type
        code.store(code.builder.fadd(code.load(address, kind), self.on.over_lanes(value)), address)

    def _finish(self) -> None:
        """The results: cotangents of m0, of parameters, of the weights of a few oscillators."""
        m = self.memory
        with m.rows():
            for axis, value in zip(STATE, self._total(), strict=True):
                m.give(value, f"c_m_{axis}", m.tile_place())
            for name in self.parameters:
                self._give(name, self._place(name, self.code.word(0), 0), m.get(f"c_{name}"))
        if self.weights and self.scheme.local:
            with self.code.loop(m.N) as row, self.code.loop(m.N) as column:
                value = self.code.load(m.matrix(1), self.on.float_type, row * m.W + column)
                self.code.store(value, m.pointers["c_weights"], row * m.N + column)
