"""The adjoint pass of coupled arrays: the exact gradient of what the forward pass computed.

Each step is transposed from its last stage to its first. The states of its stages are computed again from the step's
first state and what its stages received, which the forward pass kept: no product is needed for them. Then the
cotangent g of what a stage received goes back through Wᵀ g to what all oscillators emitted, and through the emission
to their states; and the gradient of W gains Σ g ⊗ q of what was emitted, one product for all stages of a step. The
operand `weights` is Wᵀ here, but for a small single array, whose kernel packs W turned.

Where components of the state are emitted, the products add to their cotangents at once. Where it is anything else,
they go to arrays of their own (o0 …), and the row that comes next takes them through the emission's pull-back.
"""

from __future__ import annotations

from typing import Any, Final

from llgrad.devices.arrays.mix import ALL
from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.code import Code, Word
from llgrad.kernels.coupled.emission import Emission, Mixer
from llgrad.kernels.coupled.memory import Memory
from llgrad.kernels.coupled.scheme import CoupledScheme
from llgrad.kernels.coupled.team import pass_module
from llgrad.kernels.loops.derivative import Derivative
from llgrad.kernels.loops.step import SchemeStep
from llgrad.kernels.machine import ffi

TOGETHER: Final = 2
"""Steps whose products g ⊗ q are made together: the gradient of W is read and written once for them."""


def adjoint_module(scheme: CoupledScheme, wanted: tuple[str, ...]) -> Any:
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
    """One call's adjoint pass. Workspace: the cotangent of the state (vx …), those of the stages' states (sx_0 …), of
    what they received (g) and emitted (o), what they emitted (q); stages' states (mx_1 …); cotangents of parameters
    (c_…).
    """

    def __init__(self, code: Code, scheme: CoupledScheme, block: Word, wanted: tuple[str, ...]) -> None:
        self.code, self.scheme, self.S = code, scheme, scheme.stages
        program, emits = scheme.program, range(scheme.program.emits)
        self.active = [name for name in scheme.varied if name in wanted]
        self.parameters = [name for name in self.active if name in program.names]
        self.channels = [name for name in self.active if name in program.channels]
        self.weights = "weights" in wanted
        given = ["kept", "fields", *(f"c_{kind}_{axis}" for kind in ("saved", "final") for axis in scheme.state)]
        results = [*(f"c_{name}" for name in program.starts), *(f"c_{name}" for name in self.active)]
        operands = [*scheme.operands, *given, *results, *["c_weights"] * self.weights]
        self.together = TOGETHER if self.weights and not scheme.local else 1
        self.copies = (2 if scheme.shared else 1) * self.together
        plain = Emission(Arithmetic(code.builder), program).plain is not None
        arrays = [f"v{axis}" for axis in scheme.state]
        arrays += [f"s{axis}_{j}" for j in range(self.S) for axis in scheme.state]
        arrays += [f"m{axis}_{j}" for j in range(1, self.S - plain) for axis in scheme.state]
        columns = [*(f"g{r}" for r in range(scheme.received)), *(f"q{e}" for e in emits if self.weights)]
        arrays += [f"{column}_{n}" for column in columns for n in range(self.copies * self.S)]
        arrays += [f"o{e}" for e in emits if not plain] + [f"c_{name}" for name in self.parameters]
        packed = (1 + (self.weights and scheme.local)) * scheme.matrices if scheme.single and not scheme.shared else 0
        m = self.memory = Memory(code, scheme, operands, arrays, packed, block)
        self.on, self.index, self.mixer = m.on, code.word(0), Mixer(m, turned=True)
        self.emission = Emission(m.on, program, self.parameters)

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
        self.mixer.pack(self.scheme.matrices, self.mixer.weights)
        if self.scheme.local:
            for name in m.arrays:
                if name[0] in "sc":
                    m.set(name, zero)
            for row in range(m.W * self.scheme.matrices * self.weights):
                self.code.store(zero, m.matrix(self.scheme.matrices) + row * m.W * m.bytes, align=m.bytes)
        with m.rows():
            m.keep_parameters()
            final = [m.take(f"c_final_{axis}", m.tile_place(), edge=False) for axis in self.scheme.state]
            m.put_state(final, "v{}")

    def start(self) -> None:
        """What all steps share."""
        program = self.scheme.program
        self.step: SchemeStep = self.memory.step()
        places = tuple(program.arguments.index(name) for name in (*program.mixed, *self.active))
        self.pull_back = Derivative(self.step, program.pull_back(places), program.state)

    def run(self) -> None:
        """All steps of a tile, and what comes after them."""
        m, code = self.memory, self.code
        self.start()
        with code.loop_down(m.steps) as i:
            for stage in reversed(range(self.S)):
                later = (i + 1, 0) if stage == self.S - 1 else (i, stage + 1)
                self._sums(*later)
                with m.blocks():
                    if stage == self.S - 1:
                        with code.when(i < m.steps - 1):
                            self._product(*later, 0)
                    else:
                        self._product(*later, later[1] % 2)
                    self._pass(i, stage)
            if self.weights:
                self._outer(i)
        with code.when(m.steps > 0):
            self._sums(code.word(0), 0)
            with m.blocks():
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
                    self._sums(last, before)
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
        """Address of the cotangents of what a stage received (g), or of what it emitted (q)."""
        m = self.memory
        copy = i % self.copies * self.S + stage
        return m.array(f"{kind}_0", copy * (m.A if self.scheme.single else m.W) + place)

    @property
    def _received(self) -> list[str]:
        return [f"g{r}" for r in range(self.scheme.received)]

    def _goals(self, stage: int) -> list[str]:
        """Where the cotangents of what a stage emitted go: to components of the state, or to arrays of their own."""
        if self.emission.plain is None:
            return [f"o{e}" for e in range(self.scheme.program.emits)]
        return [f"s{self.scheme.state[place]}_{stage}" for place in self.emission.plain]

    def _sums(self, i: Word, stage: int) -> None:
        """The sums in what a stage received, back to what all oscillators emitted."""
        m = self.memory
        if self.scheme.local or not self.mixer.sums:
            return
        with self.code.when(i < m.steps):
            goals, g = self._mixed(i, stage)
            self.mixer.add_sums(goals, g, m.W * self.S * self.copies, self.emission.plain is not None)

    def _mixed(self, i: Word, stage: int) -> tuple[list[Word], list[Word]]:
        """Addresses of the cotangents of what a stage emitted and received."""
        return [self.memory.array(name) for name in self._goals(stage)], [
            self._column(kind, i, stage) for kind in self._received
        ]

    def _product(self, i: Word, stage: int, back: Any) -> None:
        """Through what a stage received to what all oscillators emitted, but for the sums."""
        m, plain = self.memory, self.emission.plain is not None
        if not self.scheme.local:
            goals, g = self._mixed(i, stage)
            return self.mixer.add_products(goals, g, m.W * self.S * self.copies, plain, back)
        names = self._goals(stage)
        starts = [m.get(name) if plain and name not in names[:k] else None for k, name in enumerate(names)]
        found = self.mixer.few([m.get(f"{kind}_{stage}") for kind in self._received], starts)
        for k, (name, value) in enumerate(zip(names, found, strict=True)):
            m.set(name, self.on.add(m.get(name), value) if name in names[:k] else value)

    def _emission_back(self, i: Word, stage: int) -> None:
        """The cotangents of what a row emitted in a stage, to those of its state and of its parameters."""
        m, on = self.memory, self.on
        state = self._first_state(i) if stage == 0 else m.state(f"m{{}}_{stage}")
        given = [m.get(name) for name in self._goals(stage)]
        found = self.emission.pull(state, self.step.parameters, given)
        size = len(state)
        old = m.state(f"s{{}}_{stage}")
        m.put_state([on.add(a, b) for a, b in zip(old, found[:size], strict=True)], f"s{{}}_{stage}")
        for name, value in zip(self.parameters, found[size:], strict=True):
            m.set(f"c_{name}", on.add(m.get(f"c_{name}"), value))

    def _outer(self, i: Word) -> None:
        """What steps add to the cotangent of the weights: so many of them together, when the first of them is done."""
        with self.code.when((i % self.together).equals(0)):
            self._add_outer(i)

    def _add_outer(self, i: Word) -> None:
        m, S = self.memory, self.S
        for r, e, number in self.scheme.terms:
            if number == ALL:
                continue
            if self.scheme.local:
                self._add_few(f"g{r}", f"q{e}", number)
                continue
            g, q = self._column(f"g{r}", i, 0), self._column(f"q{e}", i, 0)
            goal, count = self._cotangent(number), S * self.together
            if self.scheme.single:
                m.products.outer_rows(goal, m.N, g, q, m.A, m.r0 * m.W, (m.r1 * m.W).min(m.N), count)
            else:
                rows = m.A // m.W
                m.products.outer(goal, rows, g, q, m.W * count)

    def _add_few(self, kind: str, other: str, number: int) -> None:
        """What a step adds to the cotangent of a matrix of a few oscillators."""
        m = self.memory
        columns = [(m.get(f"{kind}_{stage}"), m.get(f"{other}_{stage}")) for stage in range(self.S)]
        for row in range(m.W):
            with self.code.when(self.code.word(row) < m.N):
                goal = m.matrix(self.scheme.matrices + number) + row * m.W * m.bytes
                m.products.add_row(goal, row, columns)

    def _cotangent(self, number: int) -> Word:
        """Address of the cotangent of a matrix, of this item."""
        m = self.memory
        rows = m.N if self.scheme.single else m.A // m.W
        return m.pointers["c_weights"] + (self.index * self.scheme.matrices + number) * rows * rows * m.bytes

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
        random, names = m.random(i, last), self.scheme.program.mixed
        if self.emission.plain is None:
            with self.code.when(i < m.steps - int(last)):
                self._emission_back(*((i + 1, 0) if last else (i, stage + 1)))

        def inputs(j: int) -> dict[str, Any]:
            received = {
                name: self._kept("fields", i, self.S * len(names), j * len(names) + r, m.A)
                for r, name in enumerate(names)
            }
            return m.inputs(i, values, random, j) | received

        if last:
            state, v = self._last_state(i, inputs, saving)
        else:
            state = self._first_state(i) if stage == 0 else m.state(f"m{{}}_{stage}")
            v = m.state("v{}")
        weights = [(step.b[stage], v)] if stage in step.b else []
        weights += [(step.a[j, stage], m.state(f"s{{}}_{j}")) for j in range(stage + 1, self.S) if (j, stage) in step.a]
        slope = [on.sum([on.mul(weight, vector[axis]) for weight, vector in weights]) for axis in range(len(state))]
        found = self.pull_back(state, inputs(stage), slope)
        count, received = len(state), len(names)
        m.put_state(found[:count], f"s{{}}_{stage}")
        for r, value in enumerate(found[count : count + received]):
            self._put_column(f"g{r}", i, stage, value)
        if self.weights:
            for e, value in enumerate(self.emission(state, step.parameters)):
                self._put_column(f"q{e}", i, stage, value)
        self._gather(i, stage, dict(zip(self.active, found[count + received :], strict=True)))

    def _put_column(self, kind: str, i: Word, stage: int, value: Any) -> None:
        m = self.memory
        if self.scheme.local:
            return m.set(f"{kind}_{stage}", value)
        place = m.at if self.scheme.single else m.at * (self.S * self.copies)
        self.code.store(value, self._column(kind, i, stage, place), align=m.bytes)

    def _kept(self, name: str, i: Word, many: int, which: int, size: Word) -> Any:
        """A row of what the forward pass kept: one of `many` arrays of a step."""
        m = self.memory
        place = ((m.tile * m.steps + i) * many + which) * size + m.at
        return self.code.load(m.address(name, place), self.on.type, align=m.bytes)

    def _first_state(self, i: Word) -> list[Any]:
        m = self.memory
        count = len(self.scheme.state)
        return [self._kept("kept", i, count, axis, m.R * m.W) for axis in range(count)]

    def _last_state(self, i: Word, inputs: Any, saving: Any) -> tuple[list[Any], list[Any]]:
        """The state of the last stage, and the cotangent of the state after the step before its projection; the states
        of the other stages are stored.
        """
        m, step, code = self.memory, self.step, self.code
        taken = step.take(self._first_state(i), inputs)
        for j in range(1, self.S - (self.emission.plain is not None)):
            m.put_state(taken.states[j], f"m{{}}_{j}")
        totals = [m.variable(f"total_{axis}") for axis in self.scheme.state]
        for total, value in zip(totals, self._total(), strict=True):
            total.set(value)
        with code.when(saving):
            saves = m.size(f"c_saved_{self.scheme.state[0]}") // (m.tiles * m.extent).max(1)
            place = (m.tile * saves + (m.start + i) // m.every) * m.extent + m.at
            for axis, total in zip(self.scheme.state, totals, strict=True):
                total.set(self.on.add(total.get(), m.take(f"c_saved_{axis}", place, edge=False)))
        v = step.along_sphere(taken.new, [total.get() for total in totals], step.scales(taken.new), transposed=True)
        m.put_state(v, "v{}")
        return taken.states[-1], v

    def _total(self) -> list[Any]:
        """The cotangent of a step's last state: from the steps after it, stage by stage."""
        m = self.memory
        parts = [m.state("v{}"), *(m.state(f"s{{}}_{stage}") for stage in range(self.S))]
        return [self.on.sum([part[axis] for part in parts]) for axis in range(len(self.scheme.state))]

    # ---- cotangents of operands

    def _size(self, name: str) -> Word:
        """Elements of a cotangent of one tile, or item."""
        m, size = self.memory, self.memory.size(f"c_{name}")
        if name in self.scheme.inner or self.scheme.single:
            return size // m.tiles
        return size // self.code.word_at(m.block, ffi.ITEMS)

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
            size = self._cotangent(self.scheme.matrices) - self._cotangent(0)
            code.call("memset", self._cotangent(0), 0, size)

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
        m, zero = self.memory, self.code.word(0)
        with m.rows():
            if self.emission.plain is None:
                self.step.use(m.parameters(m.values(zero, ())))
                with self.code.when(m.steps > 0):
                    self._emission_back(zero, 0)
            for name, value in zip(self.scheme.program.starts, self._total(), strict=True):
                m.give(value, f"c_{name}", m.tile_place())
            for name in self.parameters:
                self._give(name, self._place(name, zero, 0), m.get(f"c_{name}"))
        for number in range(self.scheme.matrices * (self.weights and self.scheme.local)):
            with self.code.loop(m.N) as row, self.code.loop(m.N) as column:
                place = m.matrix(self.scheme.matrices + number)
                value = self.code.load(place, self.on.float_type, row * m.W + column)
                self.code.store(value, self._cotangent(number), row * m.N + column)
