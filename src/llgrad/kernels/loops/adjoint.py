"""The adjoint pass: the exact gradient of what the forward pass computed (the discrete adjoint of every step).

Steps are taken in segments of `stride`, the last one first. The states within a segment are recomputed from the one
that the forward pass kept at its start (none with a stride of 1, where all were kept), then each step is transposed:
its stages are recomputed from its first state, and the vector–Jacobian product of the right-hand side is applied from
the last stage to the first.
"""

from __future__ import annotations

from llgrad.kernels.expression.equations import STATE
from llgrad.kernels.loops.file import kernel_file
from llgrad.kernels.loops.tile import NEVER, Operands, Scheme, Tile, common_operands, indent

PARTS = 32
"""Gradients of samples that all trajectories share are summed in at most so many parts: the same on any number of
threads.
"""


def adjoint_source(scheme: Scheme, wanted: tuple[str, ...]) -> str:
    """The source file of an adjoint pass that gives the cotangents of m0 and of the wanted parameters and drive
    channels.
    """
    return _Adjoint(scheme, wanted).file()


class _Adjoint:
    def __init__(self, scheme: Scheme, wanted: tuple[str, ...]) -> None:
        program = scheme.program
        self.scheme, self.kind = scheme, program.dtype
        self.parameters = [name for name in program.names if name in wanted]
        self.channels = [name for name in program.channels if name in wanted]
        self.active = [*self.channels, *self.parameters]
        given = ["kept", *(f"c_saved_{axis}" for axis in STATE), *(f"c_final_{axis}" for axis in STATE)]
        self.results = [f"c_m_{axis}" for axis in STATE] + [f"c_{name}" for name in self.active]
        self.given = given
        tile = self.tile = Tile(scheme, Operands([*common_operands(program), *given, *self.results]))
        for axis in STATE:
            tile.row(f"g_{axis}")
        for name in self.parameters:
            tile.row(f"c_{name}")
        for name in self.channels:
            for node in range(scheme.nodes):
                tile.row(f"c_{name}_{node}")

    def spread(self, channel: str) -> bool:
        return self.scheme.spread[self.scheme.program.channels.index(channel)]

    @property
    def grouped(self) -> bool:
        """Whether there are gradients to be summed over trajectories."""
        return any(not self.spread(channel) for channel in self.channels)

    def file(self) -> str:
        program, tile = self.scheme.program, self.tile
        wanted = tuple(program.arguments.index(name) for name in self.active)
        cotangents = tuple(f"g{axis}" for axis in STATE)
        pull_back = tile.function("pull_back", program.pull_back(wanted), program.arguments + cotangents)
        functions = [*tile.noise(), tile.rhs(), pull_back]
        return kernel_file(tile, functions, self._item(), "adjoint pass")

    def _item(self) -> list[str]:
        """One item: a tile, or a run of tiles whose shared gradients are added up in order."""
        if not self.grouped:
            return ["tile = index", *self._one_tile()]
        lines = ["steps, items = word(block, STEPS), word(block, ITEMS)"]
        for channel in self.channels:
            if not self.spread(channel):
                lines += [f"P = {self.tile.operands.pointer(f'c_{channel}', self.kind)}"]
                lines += [f"for i in range(steps * {self.scheme.nodes}):"]
                lines += [f"    P[index * steps * {self.scheme.nodes} + i] = {self.tile.number(0.0)}"]
        lines += [f"tiles = (word(block, LANES) + {self.tile.W - 1}) // {self.tile.W}"]
        lines += ["for tile in range(index * tiles // items, (index + 1) * tiles // items):"]
        return [*lines, *indent(self._one_tile())]

    def _one_tile(self) -> list[str]:
        tile, kind = self.tile, self.kind
        zero = tile.number(0.0)
        size = 8 if kind == "float64" else 4
        return [
            *tile.open("tile"),
            *(f"P_{name} = {tile.operands.pointer(name, kind)}" for name in (*self.given, *self.results)),
            *tile.load_parameters(),
            "for l in range(width):",
            *(f"    {tile.at(row)} = {zero}" for row in tile.rows if row.startswith(("c_", "g_"))),
            f"    {tile.at('bad')} = {tile.number(NEVER)}",
            *self._add_cotangents("final", "base"),
            f"memory = allocate({3 * tile.W * size} * stride)",
            f"path = as_{kind}(memory)",
            "saves, until_save = steps // every, steps % every",
            "segments = (steps + stride - 1) // stride",
            "if memory == 0:",
            "    put(block, FAILED, 1)",
            "    segments = 0",
            "for segment in range(segments - 1, -1, -1):",
            "    start = segment * stride",
            "    stop = min(steps, start + stride)",
            *indent(self._segment_states()),
            "    for i in range(stop - 1, start - 1, -1):",
            *indent(self._transposed_step(), 2),
            "release(memory)",
            *self._store(),
        ]

    def _add_cotangents(self, name: str, place: str) -> list[str]:
        rows, W = self.tile.rows, self.tile.W
        return [f"add_to_row(S, {rows[f'g_{axis}'] * W}, P_c_{name}_{axis}, {place}, count)" for axis in STATE]

    def _copy(self, target: str, source: str) -> str:
        """Text that copies a whole row; "array, place" each. Element by element for one trajectory, or it would
        leave its register.
        """
        if self.tile.W > 1:
            return f"copy_row({target}, {source}, {self.tile.W})"
        (to, at), (of, place) = target.split(", "), source.split(", ")
        return f"{to}[{at}] = {of}[{place}]"

    def _segment_states(self) -> list[str]:
        """The states of a segment: the first is the one kept, the others go into `path`, by stepping forward again."""
        tile, W = self.tile, self.tile.W
        place = "(3 * segment + {}) * lanes + base"
        lines = [tile.load(axis, "P_kept", place.format(i)) for i, axis in enumerate(STATE)]
        stores = [
            self._copy(f"path, ((i - start) * 3 + {i}) * {W}", f"S, {tile.rows[axis] * W}")
            for i, axis in enumerate(STATE)
        ]
        advance = ["for i in range(start, stop):", *indent([*stores, "if i + 1 < stop:", *indent(tile.advance("i"))])]
        return [*lines, "if stride > 1:", *indent(advance)]

    def _transposed_step(self) -> list[str]:
        tile, W = self.tile, self.tile.W
        lines = [
            "if until_save == 0:",
            "    saves -= 1",
            *indent(self._add_cotangents("saved", "saves * lanes + base")),
            "    until_save = every",
            "until_save -= 1",
            "if stride > 1:",
        ]
        for i, axis in enumerate(STATE):
            lines.append("    " + self._copy(f"S, {tile.rows[axis] * W}", f"path, ((i - start) * 3 + {i}) * {W}"))
        lines += tile.load_inputs("i")
        body = [*tile.state_lines(), *tile.slopes(last=self.scheme.project), *self._transposed_projection()]
        for stage in range(self.scheme.stages - 1, -1, -1):
            body += self._transposed_stage(stage)
        for axis in STATE:
            total = "".join(f" + s{axis}{stage}" for stage in range(self.scheme.stages))
            body.append(f"{tile.at(f'g_{axis}')} = v{axis}{total}")
        for name in self.parameters:
            body.append(f"{tile.at(f'c_{name}')} += " + " + ".join(f"c_{name}_{s}" for s in range(self.scheme.stages)))
        for name in self.channels:
            for node in range(self.scheme.nodes):
                stages = [s for s, n in enumerate(self.scheme.tableau.node_of_stage) if n == node]
                body.append(f"{tile.at(f'c_{name}_{node}')} = " + " + ".join(f"c_{name}_{s}" for s in stages))
        return [*lines, *tile.lanes(body), *self._drive_cotangents()]

    def _transposed_projection(self) -> list[str]:
        """The cotangent (vx, vy, vz) of the state before projection."""
        rows = {axis: self.tile.at(f"g_{axis}") for axis in STATE}
        if not self.scheme.project:
            return [f"v{axis} = {rows[axis]}" for axis in STATE]
        return [
            *self.tile.scale(),
            *(f"m{axis} = u{axis} * scale" for axis in STATE),
            f"along = mx * {rows['x']} + my * {rows['y']} + mz * {rows['z']}",
            *(f"v{axis} = ({rows[axis]} - m{axis} * along) * scale" for axis in STATE),
        ]

    def _transposed_stage(self, stage: int) -> list[str]:
        """From the cotangent of a stage's slope to those of its state (sx, sy, sz) and of everything wanted."""
        tableau = self.scheme.tableau
        lines = []
        for axis in STATE:
            terms = [f"b{stage} * v{axis}"] if tableau.b[stage] else []
            later = [j for j in range(stage + 1, self.scheme.stages) if tableau.a[j][stage]]
            terms += [f"a{j}_{stage} * s{axis}{j}" for j in later]
            lines.append(f"w{axis} = " + (" + ".join(terms) or self.tile.number(0.0)))
        results = [f"s{axis}{stage}" for axis in STATE] + [f"c_{name}_{stage}" for name in self.active]
        return [*lines, f"{', '.join(results)} = {self.tile.call('pull_back', stage, 'wx', 'wy', 'wz')}"]

    def _drive_cotangents(self) -> list[str]:
        tile, nodes = self.tile, self.scheme.nodes
        lines = []
        for name in self.channels:
            for node in range(nodes):
                if self.spread(name):
                    place = f"(i * {nodes} + {node}) * lanes + base"
                    lines.append(tile.store(f"c_{name}_{node}", f"P_c_{name}", place))
                else:
                    lines += [
                        f"total = {tile.number(0.0)}",
                        f"for l in range({tile.W}):",
                        f"    total += {tile.at(f'c_{name}_{node}')}",
                    ]
                    lines += [f"P_c_{name}[(index * steps + i) * {nodes} + {node}] += total"]
        return lines

    def _store(self) -> list[str]:
        rows = {f"c_m_{axis}": f"g_{axis}" for axis in STATE} | {f"c_{name}": f"c_{name}" for name in self.parameters}
        return [self.tile.store(row, f"P_{result}", "base") for result, row in rows.items()]
