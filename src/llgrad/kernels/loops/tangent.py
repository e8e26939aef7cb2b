"""The tangent pass: the derivative of a run in several directions at once, carried beside the state."""

from __future__ import annotations

from llgrad.kernels.expression.equations import STATE
from llgrad.kernels.loops.file import kernel_file
from llgrad.kernels.loops.tile import NEVER, Operands, Scheme, Tile, common_operands, indent

MOST = 4
"""Directions in one sweep; more are done in several."""


def tangent_source(scheme: Scheme, wanted: tuple[str, ...], directions: int) -> str:
    """The source file of a tangent pass: `wanted` parameters and channels have tangents, and so has m0."""
    return _Tangent(scheme, wanted, directions).file()


class _Tangent:
    def __init__(self, scheme: Scheme, wanted: tuple[str, ...], directions: int) -> None:
        program = scheme.program
        self.scheme, self.kind, self.K = scheme, program.dtype, directions
        self.parameters = [name for name in program.names if name in wanted]
        self.channels = [name for name in program.channels if name in wanted]
        self.active = [*self.channels, *self.parameters]
        self.given = [f"d_m_{axis}" for axis in STATE] + [f"d_{name}" for name in self.active]
        self.results = [f"d_{kind}_{axis}" for kind in ("saved", "final") for axis in STATE]
        tile = self.tile = Tile(scheme, Operands([*common_operands(program), *self.given, *self.results]))
        for k in range(directions):
            for axis in STATE:
                tile.row(f"d{k}_{axis}")
            for name in self.parameters:
                tile.row(f"d{k}_{name}")
            for name in self.channels:
                if self.spread(name):
                    for node in range(scheme.nodes):
                        tile.row(f"d{k}_{name}_{node}")

    def spread(self, channel: str) -> bool:
        return self.scheme.spread[self.scheme.program.channels.index(channel)]

    def file(self) -> str:
        program, tile = self.scheme.program, self.tile
        wanted = tuple(program.arguments.index(name) for name in self.active)
        arguments = program.arguments + tuple(f"d_{name}" for name in (*STATE, *self.active))
        push = tile.function("push_forward", program.push_forward(wanted), arguments)
        return kernel_file(
            tile, [*tile.noise(), tile.rhs(), push], self._item(), f"tangent pass in {self.K} directions"
        )

    def _item(self) -> list[str]:
        tile = self.tile
        body = [*tile.state_lines(), *self._stages(), *tile.new_state(), *self._finish_tangents(), *tile.finish()]
        return [
            *tile.open(),
            *(f"P_{name} = {tile.operands.pointer(name, self.kind)}" for name in (*self.given, *self.results)),
            *tile.load_parameters(),
            *tile.load_state(),
            "for l in range(width):",
            f"    {tile.at('bad')} = {tile.number(NEVER)}",
            *self._load_tangents(),
            "until_save, saves = every, 0",
            "total_saves = steps // every",
            "for i in range(steps):",
            *indent(self._load_drive_tangents()),
            *indent(tile.load_inputs("i")),
            f"    now = np.{self.kind}(i)",
            *indent(tile.lanes(body)),
            "    until_save -= 1",
            "    if until_save == 0:",
            *indent(self._store("saved", "(total_saves * {k} + saves) * lanes"), 2),
            "        until_save = every",
            "        saves += 1",
            *self._store("final", "{k} * lanes"),
        ]

    def _load_tangents(self) -> list[str]:
        tile, lines = self.tile, []
        for k in range(self.K):
            lines += [tile.load(f"d{k}_{axis}", f"P_d_m_{axis}", f"{k} * lanes + base") for axis in STATE]
            for name in self.parameters:
                size = f"word(block, {tile.operands.places[f'd_{name}'] + 1}) // {self.K}"
                lines += [f"size = {size}"]
                lines += [tile.load_each(f"d{k}_{name}", f"P_d_{name}", f"{k} * size", "min(size - 1, 1)")]
        return lines

    def _load_drive_tangents(self) -> list[str]:
        lines, nodes = [], self.scheme.nodes
        for k in range(self.K):
            for name in self.channels:
                for node in range(nodes):
                    place = f"(({k} * steps + i) * {nodes} + {node})"
                    if self.spread(name):
                        lines.append(self.tile.load(f"d{k}_{name}_{node}", f"P_d_{name}", f"{place} * lanes + base"))
                    else:
                        lines += [f"d{k}_{name}_{node} = P_d_{name}[{place}]"]
        return lines

    def _stages(self) -> list[str]:
        tile, tableau = self.tile, self.scheme.tableau
        lines = [f"d{k}{axis}0 = {tile.at(f'd{k}_{axis}')}" for k in range(self.K) for axis in STATE]
        lines += [f"t{k}_{name} = {tile.at(f'd{k}_{name}')}" for k in range(self.K) for name in self.parameters]
        for stage, row in enumerate(tableau.a):
            lines += tile.stage_state(stage) if stage else []
            lines += tile.slope(stage)
            for k in range(self.K):
                for axis in STATE if stage else ():
                    terms = "".join(f" + a{stage}_{j} * q{k}{axis}{j}" for j, a in enumerate(row) if a)
                    lines.append(f"d{k}{axis}{stage} = d{k}{axis}0{terms}")
                slopes = ", ".join(f"q{k}{axis}{stage}" for axis in STATE)
                tangents = [f"d{k}{axis}{stage}" for axis in STATE] + self._active(k, stage)
                lines.append(f"{slopes} = {tile.call('push_forward', stage, *tangents)}")
        return lines

    def _active(self, k: int, stage: int) -> list[str]:
        node, texts = self.scheme.tableau.node_of_stage[stage], []
        for name in self.channels:
            texts.append(self.tile.at(f"d{k}_{name}_{node}") if self.spread(name) else f"d{k}_{name}_{node}")
        return texts + [f"t{k}_{name}" for name in self.parameters]

    def _finish_tangents(self) -> list[str]:
        """Tangents of the new state; the projection's derivative removes their part along the state."""
        tile, lines = self.tile, []
        if self.scheme.project:
            lines += tile.scale()
        for k in range(self.K):
            for axis in STATE:
                terms = "".join(f" + b{i} * q{k}{axis}{i}" for i, b in enumerate(self.scheme.tableau.b) if b)
                lines.append(f"e{axis} = d{k}{axis}0{terms}")
            if self.scheme.project:
                lines.append("along = (ux * ex + uy * ey + uz * ez) * scale * scale")
                lines += [f"e{axis} = (e{axis} - u{axis} * along) * scale" for axis in STATE]
            lines += [f"{tile.at(f'd{k}_{axis}')} = e{axis}" for axis in STATE]
        return lines

    def _store(self, name: str, offset: str) -> list[str]:
        return [
            self.tile.store(f"d{k}_{axis}", f"P_d_{name}_{axis}", f"{offset.format(k=k)} + base")
            for k in range(self.K)
            for axis in STATE
        ]
