"""The adjoint pass of coupled arrays: the exact gradient of what the forward pass computed.

Each step is transposed from its last stage to its first. A stage's state is computed again from the step's first
state and the coupling fields of its stages, which the forward pass kept: no product is needed for it. Then the
cotangent g of the stage's coupling field goes back through Wᵀ g to the states of all oscillators, and the gradient of
W gains Σ g ⊗ m_x, one product for all stages of a step. The operand `weights` is Wᵀ here, but for a small single
array, whose kernel packs W turned.
"""

from __future__ import annotations

from llgrad.kernels.coupled.file import many_file, shared_file
from llgrad.kernels.coupled.scheme import Emitter, Scheme
from llgrad.kernels.coupled.text import indent
from llgrad.kernels.expression.equations import STATE


def adjoint_source(scheme: Scheme, wanted: tuple[str, ...]) -> str:
    """The source file of an adjoint pass that gives the cotangents of m0 and of the wanted operands."""
    return _Adjoint(scheme, wanted).file()


class _Adjoint:
    """Workspace: the cotangent of the state (vx, vy, vz), those of the stages' states (sx0 …), of their coupling
    fields (g) and their m_x (q)."""

    def __init__(self, scheme: Scheme, wanted: tuple[str, ...]) -> None:
        self.scheme, self.stages = scheme, scheme.stages
        self.active = [name for name in scheme.varied if name in wanted]
        self.weights = "weights" in wanted
        given = ["kept", "fields", *(f"c_{kind}_{axis}" for kind in ("saved", "final") for axis in STATE)]
        ends = [f"c_m_{axis}" for axis in STATE]
        results = [*ends, *(f"c_{name}" for name in self.active)]
        e = self.e = Emitter(scheme, [*given, *results, *["c_weights"] * self.weights])
        e.pointers += [e.result(name) for name in [*given, *ends]]
        e.pointers.append(f"saves = word(block, {e.operands.places['c_saved_x'] + 1}) // max(tiles * {e.extent}, 1)")
        for name in self.active:
            e.pointers += self._strides(name)
        if self.weights:
            e.pointers += [e.result("c_weights"), f"pitch = {'N' if scheme.single else 'A // L'}"]
        for name in [f"s{axis}{stage}" for axis in STATE for stage in range(self.stages)]:
            e.array(name)
        copies = 2 if scheme.shared else 1
        for name in [f"{kind}{copy}_{s}" for kind in "gq" for copy in range(copies) for s in range(self.stages)]:
            e.array(name)
        for name in self._gathered:
            e.array(f"c_{name}")

    @property
    def _gathered(self) -> list[str]:
        """Parameters of the oscillators of a single array: their cotangents are added up in the workspace."""
        names = self.scheme.program.names if self.scheme.single else ()
        return [name for name in self.active if name in self.scheme.inner and name in names]

    # ---- cotangents of operands

    def _strides(self, name: str) -> list[str]:
        """Elements of a cotangent per tile or item (per), node (ns), row (rs)."""
        e, inner = self.e, name in self.scheme.inner
        items = "tiles" if inner else "1" if self.scheme.single else "word(block, ITEMS)"
        lines = [
            e.result(f"c_{name}"),
            f"per_c_{name} = word(block, {e.operands.places[f'c_{name}'] + 1}) // {items}",
            f"rs_c_{name} = " + ("1" if self.scheme.single and not inner else f"rs_{name}"),
        ]
        if name in e.program.channels:
            lines.append(f"ns_c_{name} = per_c_{name} // max(steps * {self.scheme.nodes}, 1)")
        return lines

    def _place(self, name: str, stage: int) -> str:
        node = self.scheme.tableau.node_of_stage[stage]
        moment = f" + (i * {self.scheme.nodes} + {node}) * ns_c_{name}" if name in self.e.program.channels else ""
        owner, lane = ("tile", " + c") if name in self.scheme.inner else ("index", "")
        return f"{owner} * per_c_{name}{moment} + r * rs_c_{name}{lane}"

    def _clear(self, inner: bool) -> list[str]:
        """Zeros in the cotangents of operands that differ between lanes (of a tile), or do not (of an item)."""
        owner, zero, lines = "tile" if inner else "index", self.e.number(0.0), []
        for name in self.active:
            if (name in self.scheme.inner) == inner and name not in self._gathered:
                lines += [f"for k in range(per_c_{name}):", f"    P_c_{name}[{owner} * per_c_{name} + k] = {zero}"]
        if self.weights and not inner:
            lines += ["for k in range(pitch * pitch):", f"    P_c_weights[index * pitch * pitch + k] = {zero}"]
        return lines

    # ---- the file

    def file(self) -> str:
        e = self.e
        indices = tuple(e.program.arguments.index(name) for name in ("coupling", *self.active))
        arguments = e.program.arguments + tuple(f"g{axis}" for axis in STATE)
        functions = [*e.functions(), e.function("pull_back", e.program.pull_back(indices), arguments)]
        if self.scheme.shared:
            prepare = ["index = 0", *self._clear(False), *self._clear(True), *self._prepare()]
            return shared_file(e, functions, prepare, f"steps * {self.stages} + 1", self._phase(), "adjoint pass")
        tiles = "range(index * tiles // items, (index + 1) * tiles // items)"
        item = ["r0, r1, items = 0, R, word(block, ITEMS)", *self._clear(False), f"for tile in {tiles}:"]
        return many_file(e, functions, [*item, *indent(self._tile())], "adjoint pass")

    def _tile(self) -> list[str]:
        """All steps of a tile of samples."""
        e, S = self.e, self.stages
        packed = e.pack("packed", "weights", 1) if self.scheme.single else []
        lines = [*packed, *self._clear(True), *self._prepare(), "for i in range(steps - 1, -1, -1):"]
        for stage in range(S - 1, -1, -1):
            goal, column = e.address(f"sx{stage}"), e.address("g0_0", f"{stage} * {'A' if self.scheme.single else 'L'}")
            product = f"product({goal}, weights, {column}, {S} * L, N, R, L, 1)"
            if self.scheme.single:
                product = f"columns_product({goal}, packed, A, {column}, N, 1, {stage % 2})"
            lines += indent([*self._pass(stage), product])
        if self.weights and self.scheme.single:
            lines += indent(self._outer_rows())
        elif self.weights:
            place = f"word(block, {e.operands.places['c_weights']}) + {e.size} * index * pitch * pitch"
            lines.append(f"    outer({place}, pitch, {e.address('g0_0')}, {e.address('q0_0')}, {S} * L)")
        return [*lines, *self._finish()]

    def _phase(self) -> list[str]:
        """Some rows of one stage of a single array; first what the stage before it left to be done."""
        e, S = self.e, self.stages
        lines = [
            f"index, i, stage = 0, steps - 1 - phase // {S}, {S - 1} - phase % {S}",
            f"last, before = i + (stage == {S - 1}), (stage + 1) % {S}",
            "if phase > 0:",
            f"    goal = {e.address('sx0', 'before * A')}",
            f"    rows_product(goal, weights, N, {e.address('g0_0', f'(last % 2 * {S} + before) * A')}, "
            "r0 * L, r1 * L, 1, phase % 2)",
        ]
        if self.weights:
            lines += ["    if before == 0:", *indent(self._outer_rows(), 2)]
        lines += ["if i < 0:", *indent(self._finish())]
        for stage in range(S):
            lines += [f"elif stage == {stage}:", *indent(self._pass(stage))]
        return lines

    def _outer_rows(self) -> list[str]:
        e, S = self.e, self.stages
        terms = " + ".join(f"g{s} * work_[q + {s} * A + k]" for s in range(S))
        copy = f"last % 2 * {S} * A" if self.scheme.shared else ""
        return [
            f"g, q = {e.array('g0_0', copy)}, {e.array('q0_0', copy)}",
            "for o in range(r0 * L, min(r1 * L, N)):",
            *(f"    g{s} = work_[g + {s} * A + o]" for s in range(S)),
            "    for k in range(pitch):",
            f"        P_c_weights[o * pitch + k] += {terms}",
        ]

    # ---- the steps

    def _prepare(self) -> list[str]:
        """The cotangent of the final state; nothing yet from stages, and zeros in the padding."""
        e = self.e
        first, count = e.array("sx0"), len(e.arrays)
        body = e.parameters()
        for axis in STATE:
            body += [e.take(f"v{axis}", f"P_c_final_{axis}", f"tile * {e.extent} + at", 0), e.keep(f"v{axis}")]
        return [f"for k in range({first}, {count} * A):", f"    work_[k] = {e.number(0.0)}", *e.chunks([], body)]

    def _total(self) -> list[str]:
        """The cotangent (gx, gy, gz) of a step's last state: from the steps after it, stage by stage."""
        e = self.e
        return [
            f"g{axis} = {e.at(f'v{axis}')}" + "".join(f" + {e.at(f's{axis}{s}')}" for s in range(self.stages))
            for axis in STATE
        ]

    def _load_total(self) -> list[str]:
        return [
            self.e.fetch(f"{kind}")
            for axis in STATE
            for kind in (f"v{axis}", *(f"s{axis}{s}" for s in range(self.stages)))
        ]

    def _finish(self) -> list[str]:
        e = self.e
        body = [*self._total(), *(f"{e.at(f'v{axis}')} = g{axis}" for axis in STATE)]
        stores = [e.give(f"v{axis}", f"P_c_m_{axis}", f"tile * {e.extent} + at") for axis in STATE]
        for name in self._gathered:
            stores += [e.fetch(f"c_{name}"), e.give(f"c_{name}", f"P_c_{name}", "at")]
        return e.chunks([], [*self._load_total(), *e.lanes(body), *stores])

    def _pass(self, stage: int) -> list[str]:
        """One stage transposed, for the rows r0 … r1, all but its product."""
        e, shared = self.e, [name for name in self.active if name not in self.scheme.inner]
        nodes = sorted({self.scheme.tableau.node_of_stage[j] for j in range(stage + 1)})
        before, after = e.scalars(nodes), []
        for name in shared:
            before += [f"for l in range({e.W}):", f"    {e.at(f'c_{name}')} = {e.number(0.0)}"]
            after += [f"lanes = {e.number(0.0)}", f"for l in range({e.W}):", f"    lanes += {e.at(f'c_{name}')}"]
            after.append(f"P_c_{name}[{self._place(name, stage)}] += lanes")
        return e.chunks(before, [*self._loads(stage, nodes), *e.lanes(self._body(stage)), *self._stores(stage)], after)

    def _loads(self, stage: int, nodes: list[int]) -> list[str]:
        e, last = self.e, stage == self.stages - 1
        lines = [e.load(axis, "P_kept", f"((tile * steps + i) * 3 + {k}) * R * L + at") for k, axis in enumerate(STATE)]
        for j in range(stage + 1):
            place = f"((tile * steps + i) * {self.stages} + {j}) * A + at"
            lines.append(e.load(f"field_of_{j}", "P_fields", place))
        if last:
            place = f"(tile * saves + (start + i) // every) * {e.extent} + at"
            lines += [*self._load_total(), "if (start + i + 1) % every == 0:"]
            for axis in STATE:
                lines.append("    " + e.take("saved", f"P_c_saved_{axis}", place, 0))
                lines.append(f"    add_row({e.row(f'v{axis}')}, {e.row('saved')}, {e.W})")
        else:
            lines += [e.fetch(f"v{axis}") for axis in STATE]
            lines += [e.fetch(f"s{axis}{j}") for j in self._later(stage) for axis in STATE]
        for name in self.active:
            if name in self._gathered:
                lines.append(e.fetch(f"c_{name}"))
            elif name in self.scheme.inner:
                lines.append(e.take(f"c_{name}", f"P_c_{name}", self._place(name, stage), 0))
        return [*lines, *e.vectors(nodes), *e.random(last)]

    def _later(self, stage: int) -> list[int]:
        """The stages whose states depend on the slope of this one."""
        return [j for j in range(stage + 1, self.stages) if self.scheme.tableau.a[j][stage]]

    def _body(self, stage: int) -> list[str]:
        e, last = self.e, stage == self.stages - 1
        lines = []
        for j in range(stage):
            lines += [*e.stage_state(j), e.slope(j)]
        lines += e.stage_state(stage)
        if last:
            lines += [*self._total(), *self._transposed_projection(stage)]
        else:
            lines += [f"v{axis} = {e.at(f'v{axis}')}" for axis in STATE]
        for axis in STATE:
            terms = [f"b{stage} * v{axis}"] if self.scheme.tableau.b[stage] else []
            terms += [f"a{j}_{stage} * {e.at(f's{axis}{j}')}" for j in self._later(stage)]
            lines.append(f"w{axis} = " + (" + ".join(terms) or e.number(0.0)))
        results = ["dx", "dy", "dz", "c_coupling", *(f"c_{name}" for name in self.active)]
        lines.append(f"{', '.join(results)} = pull_back({e.arguments(stage, 'wx', 'wy', 'wz')})")
        lines += [f"{e.at(f's{axis}{stage}')} = d{axis}" for axis in STATE]
        lines.append(f"{e.at('g')} = c_coupling")
        lines += [f"{e.at('q')} = x{stage}"] * self.weights
        return [*lines, *(f"{e.at(f'c_{name}')} += c_{name}" for name in self.active)]

    def _transposed_projection(self, stage: int) -> list[str]:
        """From (gx, gy, gz) to the cotangent (vx, vy, vz) of the state before the projection, which is stored."""
        e = self.e
        lines = [f"v{axis} = g{axis}" for axis in STATE]
        if self.scheme.project:
            lines = [
                e.slope(stage),
                *e.new_state(),
                f"scale = {e.number(1.0)} / math.sqrt(ux * ux + uy * uy + uz * uz)",
                *(f"m{axis} = u{axis} * scale" for axis in STATE),
                "along = mx * gx + my * gy + mz * gz",
                *(f"v{axis} = (g{axis} - m{axis} * along) * scale" for axis in STATE),
            ]
        return [*lines, *(f"{e.at(f'v{axis}')} = v{axis}" for axis in STATE)]

    def _stores(self, stage: int) -> list[str]:
        e, S = self.e, self.stages
        lines = [e.keep(f"v{axis}") for axis in STATE] if stage == S - 1 else []
        lines += [e.keep(f"s{axis}{stage}") for axis in STATE]
        copy = f"i % 2 * {S} + " if self.scheme.shared else ""
        place = f"({copy}{stage}) * A + at" if self.scheme.single else f"(r * {S} + {stage}) * L + c"
        lines.append(e.store("g", "work_", e.array("g0_0", place)))
        lines += [e.store("q", "work_", e.array("q0_0", place))] * self.weights
        for name in self.active:
            if name in self._gathered:
                lines.append(e.keep(f"c_{name}"))
            elif name in self.scheme.inner:
                lines.append(e.give(f"c_{name}", f"P_c_{name}", self._place(name, stage)))
        return lines
