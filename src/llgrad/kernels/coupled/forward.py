"""The forward pass of coupled arrays: states after every k steps, the final state, the first bad step; and, to
differentiate, states kept, with the coupling field of every stage where all states are kept.
"""

from __future__ import annotations

from llgrad.kernels.coupled.file import many_file, shared_file
from llgrad.kernels.coupled.scheme import Emitter, Scheme
from llgrad.kernels.coupled.text import NEVER, indent
from llgrad.kernels.expression.equations import STATE

RESULTS = [*(f"saved_{axis}" for axis in STATE), *(f"final_{axis}" for axis in STATE), "first_bad"]


def forward_source(scheme: Scheme, keep: bool) -> str:
    """The source file of a forward pass. With `keep` it also stores the state before every `stride`-th step."""
    return _Forward(scheme, keep).file()


class _Forward:
    def __init__(self, scheme: Scheme, keep: bool) -> None:
        self.scheme, self.keep = scheme, keep
        self.local = scheme.registers > 0
        e = self.e = Emitter(scheme, RESULTS + ["kept", "fields"] * keep, self.local)
        e.pointers += [e.result(name) for name in [*RESULTS[:-1], *["kept"] * keep]]
        e.pointers += [e.result("fields")] if keep and self.local else []
        e.pointers.append(e.result("first_bad", "int32"))

    def file(self) -> str:
        title = "forward pass" + " that keeps states" * self.keep
        last = self.scheme.stages - 1
        stages = [self._stage(stage) for stage in range(self.scheme.stages)]
        functions = self.e.functions()
        if self.scheme.shared:
            phase = [f"i, stage = phase // {last + 1}, phase % {last + 1}"]
            phase += ["if i == steps:", "    if r0 == 0:", *indent(self._first_bad(), 2)]
            for stage, lines in enumerate(stages):
                phase += [f"elif stage == {stage}:", *indent(lines)]
            return shared_file(self.e, functions, self._prepare(), f"steps * {last + 1} + 1", phase, title)
        item = ["tile, r0, r1 = index, 0, R", *self._prepare(), "for i in range(steps):"]
        item += [line for lines in stages for line in indent(lines)]
        return many_file(self.e, functions, [*item, *self._first_bad()], title)

    def _prepare(self) -> list[str]:
        """The initial state into the workspace; no bad step so far."""
        e = self.e
        lines = [f"P_m_{axis} = {e.operands.pointer(f'm_{axis}', e.kind)}" for axis in STATE]
        if self.scheme.single and not self.scheme.shared:
            lines += e.pack("packed", "weights", 0)
        body = e.parameters()
        for axis in STATE:
            body += [e.take(axis, f"P_m_{axis}", f"tile * {e.extent} + at"), e.keep(axis)]
        if self.local:
            rows = {"bad": e.number(NEVER), "next_0": e.at("x")}
            body += [f"for l in range({e.W}):", *(f"    {e.at(row)} = {value}" for row, value in rows.items())]
            return [*lines, *e.chunks([], body)]
        never = f"work_[{e.array('bad', 'l')}] = {e.number(NEVER)}"
        return [*lines, *e.chunks([], body), "for l in range(R * L):", f"    {never}"]

    def _stage(self, stage: int) -> list[str]:
        e, last = self.e, self.scheme.stages - 1
        operand = "x" if stage == 0 and not self.local else f"next_{stage % 2}"
        if self.local:
            return [*self._local_product(stage, operand), *e.chunks(e.scalars(self._nodes(stage)), self._chunk(stage))]
        field = [f"field = {e.address('field')}"]
        if self.keep:
            place = f"((tile * steps + i) * {last + 1} + {stage}) * A"
            field += ["if stride == 1:", f"    field = word(block, {e.operands.places['fields']}) + {e.size} * {place}"]
        lines = [*field, f"field_ = as_{e.kind}(field)", *self._product(operand, stage)]
        lines += self._keep_state() if stage == 0 and self.keep else []
        return [*lines, *e.chunks(e.scalars(self._nodes(stage)), self._chunk(stage))]

    def _nodes(self, stage: int) -> list[int]:
        return [self.scheme.tableau.node_of_stage[stage]]

    def _product(self, operand: str, stage: int) -> list[str]:
        """The coupling field of the rows r0 … r1."""
        e = self.e
        if self.scheme.single and not self.scheme.shared:
            return [f"columns_product(field, packed, A, {e.address(operand)}, N, 0, {stage % 2})"]
        if self.scheme.shared:
            return [f"rows_product(field, weights, N, {e.address(operand)}, r0 * L, r1 * L, 0, phase % 2)"]
        return [f"product(field, weights, {e.address(operand)}, L, N, R, L, 0)"]

    def _local_product(self, stage: int, operand: str) -> list[str]:
        """The coupling field of a few oscillators, in its row of scratch."""
        e, row = self.e, f"field_of_{stage}"
        (_, goal), (_, given) = e.place(row), e.place(operand)
        lines = [f"few_columns(S, {goal}, {given}, packed, {self.scheme.registers}, {self.scheme.lanes})"]
        if not self.keep:
            return lines
        place = f"(i * {self.scheme.stages} + {stage}) * A"
        lines += ["if stride == 1:", f"    {e.store(row, 'P_fields', place)}"]
        return [*lines, *(self._keep_state() if stage == 0 else [])]

    def _keep_state(self) -> list[str]:
        e = self.e
        copies = []
        for k, axis in enumerate(STATE):
            place = f"((tile * ((steps + stride - 1) // stride) + i // stride) * 3 + {k}) * R * L + at"
            copies += [e.fetch(axis), e.store(axis, "P_kept", place)]
        return ["if i % stride == 0:", *indent(e.chunks([], copies))]

    def _chunk(self, stage: int) -> list[str]:
        e, tableau, last = self.e, self.scheme.tableau, self.scheme.stages - 1
        ahead = tableau.b if stage == last else tableau.a[stage + 1]
        now = {j for j, a in enumerate(tableau.a[stage]) if a}
        later = {j for j, a in enumerate(ahead) if a} - {stage}
        loads = [e.fetch(axis) for axis in STATE]
        loads += [] if self.local else [e.load(f"field_of_{stage}", "field_", "at")]
        slopes = [(axis, j) for j in sorted(now | later) for axis in STATE if j in now or stage == last or axis == "x"]
        loads += [e.fetch(f"k{axis}{j}") for axis, j in slopes]
        body = e.stage_state(0) + [f"k{axis}{j} = {e.at(f'k{axis}{j}')}" for axis, j in slopes]
        body += e.stage_state(stage) if stage else []
        body.append(e.slope(stage))
        if stage == last:
            return [*loads, *e.vectors(self._nodes(stage)), *e.random(stage == 0), *self._finish(body)]
        terms = "".join(f" + a{stage + 1}_{j} * kx{j}" for j, a in enumerate(ahead) if a)
        body += [f"{e.at(f'k{axis}{stage}')} = k{axis}{stage}" for axis in STATE]
        following = f"next_{(stage + 1) % 2}"
        body.append(f"{e.at(following)} = x0{terms}")
        stores = [e.keep(f"k{axis}{stage}") for axis in STATE] + [e.keep(following)]
        return [*loads, *e.vectors(self._nodes(stage)), *e.random(stage == 0), *e.lanes(body), *stores]

    def _finish(self, body: list[str]) -> list[str]:
        """The last stage's end: the new state, the watch on it, and what is to be saved."""
        e = self.e
        row = "at" if self.scheme.single else "c"
        body = [*body, *e.new_state(), *e.finish(), *[f"{e.at('next_0')} = {e.at('x')}"] * self.local]
        saved = f"(tile * (steps // every) + i // every) * {e.extent} + at"
        return [
            *([] if self.local else [e.load("bad", "work_", e.array("bad", row))]),
            f"now = np.{e.kind}(i)",
            *e.lanes(body),
            *([] if self.local else [e.store("bad", "work_", e.array("bad", row))]),
            *(e.keep(axis) for axis in STATE),
            "if (i + 1) % every == 0:",
            *("    " + e.give(axis, f"P_saved_{axis}", saved) for axis in STATE),
            "if i + 1 == steps:",
            *("    " + e.give(axis, f"P_final_{axis}", f"tile * {e.extent} + at") for axis in STATE),
        ]

    def _first_bad(self) -> list[str]:
        """The first bad step of each sample, or of a single array; −1 for none."""
        e, never = self.e, self.e.number(NEVER)
        found = e.at("bad") if self.local else f"work_[{e.array('bad', 'l')}]"
        if self.scheme.single:
            lines = [f"worst = {never}", "for l in range(N):", f"    worst = min(worst, {found})"]
            return [*lines, f"P_first_bad[0] = -1 if worst == {never} else np.int32(worst)"]
        return [
            "for l in range(L):",
            f"    P_first_bad[tile * L + l] = -1 if {found} == {never} else np.int32({found})",
        ]
