"""The tangent pass of coupled arrays: the derivative of a run in several directions at once, carried beside the state.

Every direction has its own products per stage, W dx of what is emitted, and where W itself is perturbed others, dW x.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.code import Code, Word
from llgrad.kernels.coupled.emission import Emission, Mixer
from llgrad.kernels.coupled.forward import earlier_slopes, emission_arrays, emitted_arrays, slope_arrays
from llgrad.kernels.coupled.memory import Memory
from llgrad.kernels.coupled.scheme import CoupledScheme
from llgrad.kernels.coupled.team import Onwards, pass_module
from llgrad.kernels.loops.derivative import Derivative
from llgrad.kernels.loops.step import SchemeStep


def tangent_module(scheme: CoupledScheme, wanted: tuple[str, ...], directions: int) -> Any:
    """The module of a tangent pass: `wanted` operands have tangents, and so has m0."""

    def make(code: Code, block: Word) -> _Tangent:
        return _Tangent(code, scheme, block, wanted, directions)

    return pass_module(scheme, make, f"tangent pass in {directions} directions")


class _Tangent(Onwards):
    """One call's tangent pass."""

    def __init__(
        self, code: Code, scheme: CoupledScheme, block: Word, wanted: tuple[str, ...], directions: int
    ) -> None:
        self.code, self.scheme, self.K, self.last = code, scheme, directions, scheme.stages - 1
        self.active = [name for name in scheme.varied if name in wanted]
        self.weights = "weights" in wanted
        self.parameters = [name for name in self.active if name in scheme.program.names]
        starts = [f"d_{name}" for name in scheme.program.starts]
        given = [*starts, *(f"d_{name}" for name in self.active), *["d_weights"] * self.weights]
        results = [f"d_{kind}_{axis}" for kind in ("saved", "final") for axis in scheme.state]
        arrays, emission = [], Emission(Arithmetic(code.builder), scheme.program)
        for of in ("", *(f"d{k}_" for k in range(directions))):
            arrays += [f"{of}{name}" for name in scheme.state] + emission_arrays(emission, of)
            arrays += [f"{of}field{r}" for r in range(scheme.received)] + slope_arrays(scheme, of)
        small = scheme.single and not scheme.shared
        packed = (1 + directions * self.weights) * scheme.matrices * small
        m = self.memory = Memory(code, scheme, [*scheme.operands, *given, *results], arrays, packed, block)
        self.on, self.mixer = m.on, Mixer(m, turned=False)
        self.emission = Emission(m.on, scheme.program, self.parameters)

    def begin(self) -> None:
        """Nothing is to be done before a call."""

    def prepare(self) -> None:
        """The initial state and its tangents into the workspace."""
        m, program, M = self.memory, self.scheme.program, self.scheme.matrices
        self.mixer.pack(M, self.mixer.weights)
        for k in range(self.K if self.weights else 0):
            self.mixer.pack(M, functools.partial(self._matrix, k), M * (1 + k))
        with m.rows():
            m.keep_parameters()
            state = [m.take(name, m.tile_place()) for name in program.starts]
            m.put_state(state)
            emits = self.emission.plain is None and not self.scheme.local
            values = (
                m.values(self.code.word(0), ()) | self._tangents(self.code.word(0), 0, self.parameters) if emits else {}
            )
            if emits:
                self._emit(0, state, m.parameters(values))
            for k in range(self.K):
                place = (m.tile * self.K + k) * m.extent + m.at
                moved = [m.take(f"d_{name}", place) for name in program.starts]
                m.put_state(moved, f"d{k}_{{}}")
                if emits:
                    self._push(k, 0, state, moved, m.parameters(values), values)

    def start(self) -> None:
        """What all steps share."""
        program = self.scheme.program
        names = (*program.mixed, *self.active)
        self.step: SchemeStep = self.memory.step()
        places = tuple(program.arguments.index(name) for name in names)
        self.push = Derivative(self.step, program.push_forward(places), (*program.state, *names))

    def run(self) -> None:
        """All steps of a tile, and the tangents of its final state."""
        self.start()
        with self.code.loop(self.memory.steps) as i:
            for stage in range(self.scheme.stages):
                self.stage(i, stage)
        self._finish()

    def end_rows(self) -> None:
        """The tangents of the final state."""
        self._finish()

    # ---- one stage

    def stage(self, i: Word, stage: int) -> None:
        m = self.memory
        node = self.scheme.tableau.node_of_stage[stage]
        saving = ((i + 1) % m.every).equals(0) if stage == self.last else None
        if not self.scheme.local:
            for of in ("", *(f"d{k}_" for k in range(self.K))):
                self.mixer.add_sums(self._fields(of), self._emitted(stage, of), m.W, False)
        with m.blocks():
            if not self.scheme.local:
                self._products(stage)
            with m.rows():
                self._row(i, stage, m.values(i, [node]) | self._tangents(i, node, self.active), saving)

    def _matrix(self, k: int, number: int) -> Word:
        """Address of the tangent of a matrix of weights in a direction."""
        m, M = self.memory, self.scheme.matrices
        if not m.packed:
            return m.address("d_weights", m.size("d_weights") // (self.K * M) * (k * M + number))
        size = m.N * m.N
        return m.address("d_weights", m.own_part("d_weights", size * M * self.K) + size * (k * M + number))

    def _fields(self, of: str) -> list[Word]:
        return [self.memory.array(f"{of}field{r}") for r in range(self.scheme.received)]

    def _emitted(self, stage: int, of: str) -> list[Word]:
        return [self.memory.array(name) for name in emitted_arrays(self.emission, stage, of)]

    def _products(self, stage: int) -> None:
        """What the rows r0 … r1 receive, and its tangents, but for the sums."""
        W, M, own = self.memory.W, self.scheme.matrices, self._emitted(stage, "")
        self.mixer.add_products(self._fields(""), own, W, False, stage % 2)
        for k in range(self.K):
            goals = self._fields(f"d{k}_")
            self.mixer.add_products(goals, self._emitted(stage, f"d{k}_"), W, False, (stage + k + 1) % 2)
            if self.weights:
                weights = functools.partial(self._matrix, k)
                self.mixer.add_products(goals, own, W, True, stage % 2, M * (1 + k), weights)

    def _emit(self, stage: int, state: Sequence[Any], parameters: Mapping[str, Any]) -> None:
        """What the state of a stage emits, into the workspace."""
        for name, value in zip(emitted_arrays(self.emission, stage), self.emission(state, parameters), strict=True):
            self.memory.set(name, value)

    def _push(self, k: int, stage: int, state: Any, moved: Any, parameters: Any, values: Mapping[Any, Any]) -> None:
        """Its tangent in a direction."""
        found = self._pushed(k, state, moved, parameters, values)
        for name, value in zip(emitted_arrays(self.emission, stage, f"d{k}_"), found, strict=True):
            self.memory.set(name, value)

    def _pushed(self, k: int, state: Any, moved: Any, parameters: Any, values: Mapping[Any, Any]) -> list[Any]:
        return self.emission.push(state, parameters, [*moved, *(values[k, name] for name in self.parameters)])

    def _tangents(self, i: Word, node: int, names: Sequence[str]) -> dict[Any, Any]:
        """The tangents of operands, by direction and name."""
        m, found = self.memory, {}
        for name in names:
            operand = f"d_{name}"
            size = m.per_tile(name, operand)
            moment = m.moment(name, i, node, size // self.K)
            for k in range(self.K):
                place = size // self.K * k + moment + m.r * m.per_row(name)
                inner = name in self.scheme.inner
                found[k, name] = m.take(operand, m.tile * size + place) if inner else m.alike(operand, place)
        return found

    def _row(self, i: Word, stage: int, values: Mapping[Any, Any], saving: Any) -> None:
        m, step = self.memory, self.step
        step.use(m.parameters(values))
        start, slopes = m.state(), earlier_slopes(m, stage)
        state = step.stage_state(stage, start, slopes)
        inputs = m.inputs(i, values, m.random(i, stage == 0), stage) | self._received(state)
        slopes.append(step.slope(state, inputs))
        new = step.new_state(start, slopes) if stage == self.last else step.stage_state(stage + 1, start, slopes)
        scales, place = step.scales(new) if stage == self.last else [], (stage + 1) % self.scheme.stages
        end = step.finish(start, new)[0] if stage == self.last else new
        emits = not self.scheme.local and (place > 0 or self.emission.plain is None)
        for k in range(self.K):
            moved = self._direction(k, stage, state, inputs, values)
            if stage == self.last:
                moved = step.along_sphere(new, moved, scales)
                m.put_state(moved, f"d{k}_{{}}")
                self._save(k, i, moved, saving)
            if emits:
                self._push(k, place, end, moved, step.parameters, values)
        m.put_state(end if stage == self.last else slopes[-1].whole, "{}" if stage == self.last else f"k{{}}_{stage}")
        if emits:
            self._emit(place, end, step.parameters)

    def _save(self, k: int, i: Word, moved: list[Any], saving: Any) -> None:
        """The tangents of a state that is saved."""
        m = self.memory
        with self.code.when(saving):
            place = ((m.tile * self.K + k) * (m.steps // m.every) + i // m.every) * m.extent + m.at
            for axis, value in zip(self.scheme.state, moved, strict=True):
                m.give(value, f"d_saved_{axis}", place)

    def _received(self, state: list[Any]) -> dict[str, Any]:
        """What the row receives, by name."""
        m, names = self.memory, self.scheme.program.mixed
        if self.scheme.local:
            found = self.mixer.few(self.emission(state, self.step.parameters), [None] * len(names))
        else:
            found = [m.get(f"field{r}") for r in range(len(names))]
        return dict(zip(names, found, strict=True))

    def _direction(
        self, k: int, stage: int, state: list[Any], inputs: Mapping[str, Any], values: Mapping[Any, Any]
    ) -> list[Any]:
        """The tangent of the next stage's state, or of the state after the step before its projection."""
        m, step, M, R = self.memory, self.step, self.scheme.matrices, self.scheme.received
        start = m.state(f"d{k}_{{}}")
        slopes = {j: m.state(f"d{k}_k{{}}_{j}") for j in range(stage)}
        moved = self._moved(start, {j: step.a[stage, j] for j in slopes if (stage, j) in step.a}, slopes)
        if self.scheme.local:
            own: list[Any] = [None] * R
            if self.weights:
                own = self.mixer.few(self.emission(state, step.parameters), own, M * (1 + k), sums=False)
            fields = self.mixer.few(self._pushed(k, state, moved, step.parameters, values), own)
        else:
            fields = [m.get(f"d{k}_field{r}") for r in range(R)]
        slopes[stage] = self.push(state, inputs, [*moved, *fields, *(values[k, name] for name in self.active)])
        if stage == self.last:
            return self._moved(start, step.b, slopes)
        m.put_state(slopes[stage], f"d{k}_k{{}}_{stage}")
        ahead = {j: step.a[stage + 1, j] for j in slopes if (stage + 1, j) in step.a}
        return self._moved(start, ahead, slopes)

    def _moved(self, start: list[Any], weights: Mapping[int, Any], slopes: Mapping[int, Any]) -> list[Any]:
        return [
            self.on.sum([c, *(self.on.mul(w, slopes[j][axis]) for j, w in weights.items())])
            for axis, c in enumerate(start)
        ]

    def _finish(self) -> None:
        m = self.memory
        with m.rows():
            for k in range(self.K):
                for axis in self.scheme.state:
                    m.give(m.get(f"d{k}_{axis}"), f"d_final_{axis}", (m.tile * self.K + k) * m.extent + m.at)
