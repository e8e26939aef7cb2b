"""The tangent pass of coupled arrays: the derivative of a run in several directions at once, carried beside the state.

Every direction has its own product per stage, W dm_x, and where W itself is perturbed a second one, dW m_x.
"""

from __future__ import annotations

from llgrad.kernels.coupled.file import many_file, shared_file
from llgrad.kernels.coupled.scheme import Emitter, Scheme
from llgrad.kernels.coupled.text import indent
from llgrad.kernels.expression.equations import STATE


def tangent_source(scheme: Scheme, wanted: tuple[str, ...], directions: int) -> str:
    """The source file of a tangent pass: `wanted` operands have tangents, and so has m0."""
    return _Tangent(scheme, wanted, directions).file()


class _Tangent:
    def __init__(self, scheme: Scheme, wanted: tuple[str, ...], directions: int) -> None:
        self.scheme, self.K, self.stages = scheme, directions, scheme.stages
        self.active = [name for name in scheme.varied if name in wanted]
        self.weights = "weights" in wanted
        starts = [f"d_m_{axis}" for axis in STATE]
        given = [*starts, *(f"d_{name}" for name in self.active), *["d_weights"] * self.weights]
        results = [f"d_{kind}_{axis}" for kind in ("saved", "final") for axis in STATE]
        e = self.e = Emitter(scheme, [*given, *results])
        e.pointers += [e.result(name) for name in [*starts, *results]]
        for name in self.active:
            e.pointers += self._strides(name)

    def _strides(self, name: str) -> list[str]:
        """Elements of an operand's tangents per tile (ts), direction (ds), node (ns)."""
        e, inner = self.e, name in self.scheme.inner
        lines = [
            e.result(f"d_{name}"),
            f"per = word(block, {e.operands.places[f'd_{name}'] + 1})" + " // tiles" * inner,
            f"ts_d_{name}, ds_d_{name} = {'per' if inner else '0'}, per // {self.K}",
        ]
        if name in e.program.channels:
            lines.append(f"ns_d_{name} = per // max({self.K} * steps * {self.scheme.nodes}, 1)")
        return lines

    def file(self) -> str:
        e, S = self.e, self.stages
        wanted = ("coupling", *self.active)
        indices = tuple(e.program.arguments.index(name) for name in wanted)
        arguments = e.program.arguments + tuple(f"d_{name}" for name in (*STATE, *wanted))
        functions = [*e.functions(), e.function("push_forward", e.program.push_forward(indices), arguments)]
        title = f"tangent pass in {self.K} directions"
        stages = [self._stage(stage) for stage in range(S)]
        if self.scheme.shared:
            phase = [f"i, stage = phase // {S}, phase % {S}"]
            for stage, lines in enumerate(stages):
                phase += [f"if stage == {stage}:", *indent(lines)]
            return shared_file(e, functions, self._prepare(), f"steps * {S}", phase, title)
        item = ["tile, r0, r1 = index, 0, R", *self._prepare(), "for i in range(steps):"]
        item += [line for lines in stages for line in indent(lines)]
        return many_file(e, functions, item, title)

    def _prepare(self) -> list[str]:
        e = self.e
        lines = [f"P_m_{axis} = {e.operands.pointer(f'm_{axis}', e.kind)}" for axis in STATE]
        if self.scheme.single and not self.scheme.shared:
            lines += e.pack("packed", "weights", 0)
            for k in range(self.K if self.weights else 0):
                lines += e.pack(f"d{k}_packed", self._matrix(k), 0)
        body = e.parameters()
        for axis in STATE:
            body += [e.take(axis, f"P_m_{axis}", f"tile * {e.extent} + at"), e.keep(axis)]
            for k in range(self.K):
                place = f"(tile * {self.K} + {k}) * {e.extent} + at"
                body += [e.take(f"d{k}_{axis}", f"P_d_m_{axis}", place), e.keep(f"d{k}_{axis}")]
        return [*lines, *e.chunks([], body)]

    # ---- one stage

    def _stage(self, stage: int) -> list[str]:
        e, node = self.e, self.scheme.tableau.node_of_stage[stage]
        operand = "x" if stage == 0 else f"next_{stage % 2}"
        small = self.scheme.single and not self.scheme.shared
        weights, back = "packed" if small else "weights", stage % 2
        lines = [self._product("field", weights, operand, 0, back)]
        for k in range(self.K):
            tangent = f"d{k}_x" if stage == 0 else f"d{k}_next_{stage % 2}"
            lines.append(self._product(f"d{k}_field", weights, tangent, 0, (back + k + 1) % 2))
            if self.weights:
                matrix = f"d{k}_packed" if small else self._matrix(k)
                lines.append(self._product(f"d{k}_field", matrix, operand, 1, back))
        scalars = [text for text, inner in self._tangents(node) if not inner]
        return [*lines, *e.chunks([*e.scalars([node]), *scalars], self._chunk(stage, node))]

    def _matrix(self, k: int) -> str:
        """Address of the tangent of the weights in a direction."""
        place = self.e.operands.places["d_weights"]
        return f"word(block, {place}) + {self.e.size} * {k} * (word(block, {place + 1}) // {self.K})"

    def _product(self, goal: str, weights: str, operand: str, add: int, back: int) -> str:
        goal, operand = self.e.address(goal), self.e.address(operand)
        if self.scheme.single and not self.scheme.shared:
            return f"columns_product({goal}, {weights}, A, {operand}, N, {add}, {back})"
        if self.scheme.shared:
            return f"rows_product({goal}, {weights}, N, {operand}, r0 * L, r1 * L, {add}, {back})"
        return f"product({goal}, {weights}, {operand}, L, N, R, L, {add})"

    def _tangents(self, node: int) -> list[tuple[str, bool]]:
        """Lines that load the tangents of operands, and whether lanes differ."""
        found = []
        for k in range(self.K):
            for name in self.active:
                inner = name in self.scheme.inner
                moment = (
                    f" + (i * {self.scheme.nodes} + {node}) * ns_d_{name}" if name in self.e.program.channels else ""
                )
                place = f"tile * ts_d_{name} + {k} * ds_d_{name}{moment} + r * rs_{name}"
                row = f"d{k}_{name}"
                text = self.e.take(row, f"P_d_{name}", f"{place} + c") if inner else f"{row} = P_d_{name}[{place}]"
                found.append((text, inner))
        return found

    def _chunk(self, stage: int, node: int) -> list[str]:
        e, tableau, last = self.e, self.scheme.tableau, self.stages - 1
        ahead = tableau.b if stage == last else tableau.a[stage + 1]
        used = {j for j, a in enumerate(tableau.a[stage]) if a} | {j for j, a in enumerate(ahead) if a}
        earlier = sorted(used - {stage})
        loads = [e.fetch(axis) for axis in STATE] + [e.load(f"field_of_{stage}", "work_", e.array("field", "at"))]
        loads += [e.fetch(f"k{axis}{j}") for j in earlier for axis in STATE]
        loads += e.vectors([node]) + [text for text, inner in self._tangents(node) if inner] + e.random(stage == 0)
        body = e.stage_state(0) + [f"k{axis}{j} = {e.at(f'k{axis}{j}')}" for j in earlier for axis in STATE]
        body += [*(e.stage_state(stage) if stage else []), e.slope(stage)]
        following = f"next_{(stage + 1) % 2}"
        stores = [e.keep(axis) for axis in STATE]
        if stage < last:
            body += [f"{e.at(f'k{axis}{stage}')} = k{axis}{stage}" for axis in STATE]
            body.append(f"{e.at(following)} = x0" + self._terms("kx{j}", f"a{stage + 1}_", ahead))
            stores = [e.keep(f"k{axis}{stage}") for axis in STATE] + [e.keep(following)]
        else:
            body += [*e.new_state(), *self._new_state()]
        for k in range(self.K):
            loads += [e.fetch(f"d{k}_{name}") for name in (*STATE, "field")]
            loads += [e.fetch(f"d{k}_k{axis}{j}") for j in earlier for axis in STATE]
            body += self._direction(k, stage, ahead)
            stores += (
                [e.keep(f"d{k}_k{axis}{stage}") for axis in STATE] + [e.keep(f"d{k}_{following}")]
                if stage < last
                else self._results(k)
            )
        return [*loads, *e.lanes(body), *stores]

    @staticmethod
    def _terms(slope: str, factor: str, weights: tuple[float, ...]) -> str:
        return "".join(f" + {factor}{j} * {slope.format(j=j)}" for j, a in enumerate(weights) if a)

    def _new_state(self) -> list[str]:
        """The state after the step."""
        e = self.e
        if not self.scheme.project:
            return [f"{e.at(axis)} = u{axis}" for axis in STATE]
        shrink = f"shrink = {e.number(1.0)} / math.sqrt(ux * ux + uy * uy + uz * uz)"
        return [shrink, *(f"{e.at(axis)} = u{axis} * shrink" for axis in STATE)]

    def _direction(self, k: int, stage: int, ahead: tuple[float, ...]) -> list[str]:
        """The slope's tangent, and then that of the next stage's m_x or of the new state."""
        e, row = self.e, self.scheme.tableau.a[stage]
        for_each = []
        for axis in STATE:
            terms = "".join(f" + a{stage}_{j} * {e.at(f'd{k}_k{axis}{j}')}" for j, a in enumerate(row) if a)
            for_each.append(f"d{axis} = {e.at(f'd{k}_{axis}')}{terms}")
        active = [
            e.at(f"d{k}_{name}") if name in self.scheme.inner else f"d{k}_{name}" for name in ("field", *self.active)
        ]
        active[0] = e.at(f"d{k}_field")
        slopes = [f"q{axis}{stage}" for axis in STATE]
        lines = [*for_each, f"{', '.join(slopes)} = push_forward({e.arguments(stage, 'dx', 'dy', 'dz', *active)})"]
        if stage < self.stages - 1:
            lines += [f"{e.at(f'd{k}_k{axis}{stage}')} = q{axis}{stage}" for axis in STATE]
            terms = self._slopes(k, "x", f"a{stage + 1}_", ahead, stage)
            return [*lines, f"{e.at(f'd{k}_next_{(stage + 1) % 2}')} = {e.at(f'd{k}_x')}{terms}"]
        lines += [f"e{axis} = {e.at(f'd{k}_{axis}')}{self._slopes(k, axis, 'b', ahead, stage)}" for axis in STATE]
        if self.scheme.project:
            lines.append("along = (ux * ex + uy * ey + uz * ez) * shrink * shrink")
            lines += [f"e{axis} = (e{axis} - u{axis} * along) * shrink" for axis in STATE]
        return lines + [f"{e.at(f'd{k}_{axis}')} = e{axis}" for axis in STATE]

    def _slopes(self, k: int, axis: str, factor: str, weights: tuple[float, ...], stage: int) -> str:
        texts = [
            f" + {factor}{j} * " + (f"q{axis}{j}" if j == stage else self.e.at(f"d{k}_k{axis}{j}"))
            for j, a in enumerate(weights)
            if a
        ]
        return "".join(texts)

    def _results(self, k: int) -> list[str]:
        e = self.e
        saved = f"((tile * {self.K} + {k}) * (steps // every) + i // every) * {e.extent} + at"
        final = f"(tile * {self.K} + {k}) * {e.extent} + at"
        return [
            *(e.keep(f"d{k}_{axis}") for axis in STATE),
            "if (i + 1) % every == 0:",
            *("    " + e.give(f"d{k}_{axis}", f"P_d_saved_{axis}", saved) for axis in STATE),
            "if i + 1 == steps:",
            *("    " + e.give(f"d{k}_{axis}", f"P_d_final_{axis}", final) for axis in STATE),
        ]
