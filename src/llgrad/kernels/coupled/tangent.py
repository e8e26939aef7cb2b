"""The tangent pass of coupled arrays: the derivative of a run in several directions at once, carried beside the state.

Every direction has its own product per stage, W dm_x, and where W itself is perturbed a second one, dW m_x.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llgrad.kernels.builder.code import Code, Word
from llgrad.kernels.coupled.forward import earlier_slopes, slope_arrays
from llgrad.kernels.coupled.memory import Memory
from llgrad.kernels.coupled.scheme import Scheme
from llgrad.kernels.coupled.team import Onwards, pass_module
from llgrad.kernels.expression.equations import STATE
from llgrad.kernels.loops.step import Derivative, Step


def tangent_module(scheme: Scheme, wanted: tuple[str, ...], directions: int) -> Any:
    """The module of a tangent pass: `wanted` operands have tangents, and so has m0."""

    def make(code: Code, block: Word) -> _Tangent:
        return _Tangent(code, scheme, block, wanted, directions)

    return pass_module(scheme, make, f"tangent pass in {directions} directions")


class _Tangent(Onwards):
    """One call's tangent pass."""

    def __init__(self, code: Code, scheme: Scheme, block: Word, wanted: tuple[str, ...], directions: int) -> None:
        self.code, self.scheme, self.K, self.last = code, scheme, directions, scheme.stages - 1
        self.active = [name for name in scheme.varied if name in wanted]
        self.weights = "weights" in wanted
        starts = [f"d_m_{axis}" for axis in STATE]
        given = [*starts, *(f"d_{name}" for name in self.active), *["d_weights"] * self.weights]
        results = [f"d_{kind}_{axis}" for kind in ("saved", "final") for axis in STATE]
        arrays = []
        for of in ("", *(f"d{k}_" for k in range(directions))):
            arrays += [f"{of}{name}" for name in (*STATE, "next_0", "next_1", "field")] + slope_arrays(scheme, of)
        small = scheme.single and not scheme.shared
        packed = (1 + directions * self.weights) * small
        m = self.memory = Memory(code, scheme, [*scheme.operands, *given, *results], arrays, packed, block)
        self.on = m.on

    def begin(self) -> None:
        """Nothing is to be done before a call."""

    def prepare(self) -> None:
        """The initial state and its tangents into the workspace."""
        m = self.memory
        if m.packed:
            m.products.pack(m.matrix(0), m.pointers["weights"], m.N, m.terms, turned=False)
            for k in range(self.K if self.weights else 0):
                m.products.pack(m.matrix(1 + k), self._matrix(k), m.N, m.terms, turned=False)
        with m.rows():
            m.keep_parameters()
            m.put_state([m.take(f"m_{axis}", m.tile_place()) for axis in STATE])
            for k in range(self.K):
                place = (m.tile * self.K + k) * m.extent + m.at
                m.put_state([m.take(f"d_m_{axis}", place) for axis in STATE], f"d{k}_{{}}")

    def start(self) -> None:
        """What all steps share."""
        program, names = self.scheme.program, ("coupling", *self.active)
        self.step: Step = self.memory.step()
        places = tuple(program.arguments.index(name) for name in names)
        self.push = Derivative(self.step, program.push_forward(places), (*STATE, *names))

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
        with m.blocks():
            if not self.scheme.local:
                self._products(stage)
            with m.rows():
                self._row(i, stage, m.values(i, [node]) | self._tangents(i, node), saving)

    def _matrix(self, k: int) -> Word:
        """Address of the tangent of the weights in a direction."""
        m = self.memory
        return m.address("d_weights", m.size("d_weights") // self.K * k)

    def _products(self, stage: int) -> None:
        """The coupling fields of the rows r0 … r1, and their tangents."""
        name = "x" if stage == 0 else f"next_{stage % 2}"
        self._product("field", 0, name, False, stage % 2)
        for k in range(self.K):
            self._product(f"d{k}_field", 0, f"d{k}_{name}", False, (stage + k + 1) % 2)
            if self.weights:
                self._product(f"d{k}_field", 1 + k, name, True, stage % 2)

    def _product(self, goal: str, number: int, operand: str, add: bool, back: int) -> None:
        m = self.memory
        C, X = m.array(goal), m.array(operand)
        weights = self._matrix(number - 1) if number else m.pointers["weights"]
        if self.scheme.shared:
            m.products.rows(C, weights, m.N, X, m.r0 * m.W, m.r1 * m.W, add, back)
        elif self.scheme.single:
            m.products.columns(C, m.matrix(number), m.A, X, m.N, m.terms, add, back)
        else:
            m.products.product(C, weights, X, m.W, m.N, m.r0, m.r1, add)

    def _tangents(self, i: Word, node: int) -> dict[Any, Any]:
        """The tangents of operands, by direction and name."""
        m, found = self.memory, {}
        for name in self.active:
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
        inputs = m.inputs(values, m.random(i, stage == 0), stage)
        inputs["coupling"] = m.products.few(m.matrix(0), state[0]) if self.scheme.local else m.get("field")
        slopes.append(step.slope(state, inputs))
        new, scales = [], []
        if stage == self.last:
            new = step.new_state(start, slopes)
            scales = step.scales(new)
        for k in range(self.K):
            moved = self._direction(k, stage, state, inputs, values)
            if stage == self.last:
                moved = step.along_sphere(new, moved, scales)
                m.put_state(moved, f"d{k}_{{}}")
                with self.code.when(saving):
                    place = ((m.tile * self.K + k) * (m.steps // m.every) + i // m.every) * m.extent + m.at
                    for axis, value in zip(STATE, moved, strict=True):
                        m.give(value, f"d_saved_{axis}", place)
            elif not self.scheme.local:
                m.set(f"d{k}_next_{(stage + 1) % 2}", moved[0])
        if stage == self.last:
            m.put_state(step.finish(start, new)[0])
            return
        m.put_state(slopes[-1].whole, f"k{{}}{stage}")
        if not self.scheme.local:
            m.set(f"next_{(stage + 1) % 2}", step.stage_state(stage + 1, start, slopes)[0])

    def _direction(
        self, k: int, stage: int, state: list[Any], inputs: Mapping[str, Any], values: Mapping[Any, Any]
    ) -> list[Any]:
        """The tangent of the next stage's state, or of the state after the step before its projection."""
        m, step = self.memory, self.step
        start = m.state(f"d{k}_{{}}")
        slopes = {j: m.state(f"d{k}_k{{}}{j}") for j in range(stage)}
        moved = self._moved(start, {j: step.a[stage, j] for j in slopes if (stage, j) in step.a}, slopes)
        if self.scheme.local:
            own = m.products.few(m.matrix(1 + k), state[0]) if self.weights else None
            field = m.products.few(m.matrix(0), moved[0], own)
        else:
            field = m.get(f"d{k}_field")
        slopes[stage] = self.push(state, inputs, [*moved, field, *(values[k, name] for name in self.active)])
        if stage == self.last:
            return self._moved(start, step.b, slopes)
        m.put_state(slopes[stage], f"d{k}_k{{}}{stage}")
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
                for axis in STATE:
                    m.give(m.get(f"d{k}_{axis}"), f"d_final_{axis}", (m.tile * self.K + k) * m.extent + m.at)
