"""What all time loops over tiles of trajectories share: the operands, the scratch rows, and the stages of one step.

A tile is `width` trajectories, side by side in one scratch array of constant shape: row r of trajectory l is S[r·W +
l]. LLVM turns a loop over l into vector instructions. A single trajectory is a tile of width 1, whose scratch lives
in registers. Trajectories past the end of a partial tile repeat the last one; nothing of them is written back.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Any, Final

from llgrad.kernels.expression.equations import NORMALS, STATE, Program
from llgrad.kernels.expression.late import split
from llgrad.kernels.expression.source import Source
from llgrad.kernels.expression.translate import graph_of
from llgrad.kernels.loops.noise import noise_source
from llgrad.kernels.machine.ffi import HEADER
from llgrad.kernels.steppers import Tableau

LIMIT: Final = 0.1
"""Largest relative change of |m|² by a step before the projection; beyond it the step is too coarse."""
NARROW: Final = 8
"""Width of a tile for a handful of trajectories."""
NEVER: Final = 3e9
"""Larger than any step index: no bad step so far."""


@dataclass(frozen=True)
class Scheme:
    """What a kernel is generated from, apart from which pass it is."""

    program: Program
    tableau: Tableau
    project: bool
    width: int
    spread: tuple[bool, ...]
    """For each drive channel, whether every trajectory has its own samples."""

    @property
    def stages(self) -> int:
        return len(self.tableau.b)

    @property
    def nodes(self) -> int:
        return len(self.tableau.nodes)


class Operands:
    """Places of operands and results in a block, by name, in the order in which the call passes them."""

    def __init__(self, names: list[str]) -> None:
        self.places = {name: HEADER + 2 * index for index, name in enumerate(names)}

    def pointer(self, name: str, kind: str) -> str:
        """Text of the typed pointer to an operand."""
        return f"as_{kind}(word(block, {self.places[name]}))"

    def stride(self, name: str) -> str:
        """Text of 0 for a value that all trajectories share, 1 for one of each."""
        return f"min(word(block, {self.places[name] + 1}) - 1, 1)"


def common_operands(program: Program) -> list[str]:
    """Names of the operands of every pass, in order."""
    noise = ["key0", "key1", "lane"] if program.noisy else []
    return ["counts", "first", "h", *(f"m_{axis}" for axis in STATE), *program.names, *program.channels, *noise]


class Tile:
    """Generates the parts of a loop over one tile."""

    def __init__(self, scheme: Scheme, operands: Operands) -> None:
        self.scheme, self.program, self.operands = scheme, scheme.program, operands
        self.source = Source(self.program.dtype)
        self.rows: dict[str, int] = {}
        self.W = scheme.width
        for name in (*STATE, *self.program.names, "bad"):
            self.row(name)
        for index, channel in enumerate(self.program.channels):
            if scheme.spread[index]:
                for node in range(scheme.nodes):
                    self.row(f"{channel}_{node}")
        for name in NORMALS * self.program.noisy:
            self.row(name)
        arguments = self.program.arguments
        graph, inputs, outputs = graph_of(self.program.trace(self.program.function, len(arguments)), arguments)
        parameters = [node for node, name in zip(inputs, arguments, strict=True) if name in self.program.names]
        parts = split(graph, outputs, parameters, wait=self.W == 1)
        self.factor = "" if parts.factor is None else arguments[inputs.index(parts.factor)]
        self.waits = parts.late is not None
        values = [*([parts.late] if self.waits else []), *parts.early, *parts.rates]
        self.slope_source = self.source.text("rhs", graph, dict(zip(inputs, arguments, strict=True)), values)

    def row(self, name: str) -> None:
        """A new row of the scratch array."""
        self.rows[name] = len(self.rows)

    def at(self, name: str, index: str = "l") -> str:
        """Text of one trajectory's element of a row."""
        return f"S[{self.rows[name] * self.W} + {index}]"

    def number(self, value: float) -> str:
        return self.source.number(value)

    # ---- before the loop

    def open(self, index: str = "index") -> list[str]:
        """The counts of the call, the tile's trajectories, pointers, coefficients."""
        kind, ops = self.program.dtype, self.operands
        lines = [
            "steps, every, stride = word(block, STEPS), word(block, EVERY), word(block, STRIDE)",
            "lanes = word(block, LANES)",
            *self._extent(index),
            f"S = scratch_{kind}(ROWS)",
            f"h = {ops.pointer('h', kind)}[0]",
            f"first = {ops.pointer('first', 'uint32')}[0]",
        ]
        lines += [f"D_{channel} = {ops.pointer(channel, kind)}" for channel in self.program.channels]
        for i, row in enumerate(self.scheme.tableau.a):
            lines += [f"a{i}_{j} = h * {self.number(a)}" for j, a in enumerate(row) if a]
        lines += [f"b{i} = h * {self.number(b)}" for i, b in enumerate(self.scheme.tableau.b) if b]
        return lines + self._noise_lanes()

    def _extent(self, index: str) -> list[str]:
        """The tile's first trajectory and how many it has; a width known only at run time keeps copy loops from
        being unrolled.
        """
        if self.W == 1:  # constants, so that the scratch array can live in registers
            return [f"base, count, width = {index}, 1, 1"]
        return [f"base, width = {index} * {self.W}, word(block, WIDTH)", f"count = min({self.W}, lanes - base)"]

    def _noise_lanes(self) -> list[str]:
        if not self.program.noisy:
            return []
        lines = [f"U = scratch_uint32({3 * self.W})"]
        for place, name in enumerate(("key0", "key1", "lane")):
            lines.append(
                f"P_{name}, stride_{name} = {self.operands.pointer(name, 'uint32')}, {self.operands.stride(name)}"
            )
            lines.append("for l in range(width):")
            lines.append(f"    U[{place * self.W} + l] = P_{name}[(base + min(l, count - 1)) * stride_{name}]")
        return lines

    def load_parameters(self) -> list[str]:
        """Parameters into their rows."""
        lines = []
        for name in self.program.names:
            pointer, stride = self.operands.pointer(name, self.program.dtype), self.operands.stride(name)
            lines.append(self.load_each(name, pointer, "0", stride))
        return lines

    def load_each(self, row: str, pointer: str, place: str, by: str) -> str:
        """Text that fills a row from memory, one value for all trajectories (`by` 0) or one for each (1)."""
        return f"load_each(S, {self.rows[row] * self.W}, {pointer}, {place}, {by}, base, count, width)"

    def load(self, row: str, pointer: str, place: str) -> str:
        """Text that fills a row from memory."""
        return f"load_row(S, {self.rows[row] * self.W}, {pointer}, {place}, count)"

    def store(self, row: str, pointer: str, place: str) -> str:
        """Text that writes a row to memory, without the repeated trajectories."""
        return f"store_row({pointer}, {place}, S, {self.rows[row] * self.W}, count)"

    def load_state(self) -> list[str]:
        """The initial state into its rows."""
        kind = self.program.dtype
        return [self.load(axis, self.operands.pointer(f"m_{axis}", kind), "base") for axis in STATE]

    # ---- within a step

    def load_inputs(self, step: str) -> list[str]:
        """The drive's samples and the random numbers of a step."""
        lines, nodes = [], self.scheme.nodes
        for index, channel in enumerate(self.program.channels):
            for node in range(nodes):
                if self.scheme.spread[index]:
                    place = f"({step} * {nodes} + {node}) * lanes + base"
                    lines.append(self.load(f"{channel}_{node}", f"D_{channel}", place))
                else:
                    lines += [f"{channel}_{node} = D_{channel}[{step} * {nodes} + {node}]"]
        if self.program.noisy:
            W = self.W
            lines += [f"for l in range({W}):"]
            lines += [f"    n0, n1, n2 = normals(U[l], U[{W} + l], U[{2 * W} + l], np.uint32(first + {step}))"]
            lines += [f"    {self.at(name)} = n{i}" for i, name in enumerate(NORMALS)]
        return lines

    def inputs(self, stage: int) -> list[str]:
        """Texts of the changing inputs of a stage, in the order of `Program.inputs`."""
        node = self.scheme.tableau.node_of_stage[stage]
        texts = []
        for name in self.program.inputs:
            if name in NORMALS:
                texts.append(self.at(name))
            elif name in self.program.channels:
                spread = self.scheme.spread[self.program.channels.index(name)]
                texts.append(self.at(f"{name}_{node}") if spread else f"{name}_{node}")
        return texts

    def state_lines(self) -> list[str]:
        """The first stage's state, the parameters and the weights of the slopes, of one trajectory.

        What all components of a slope share as a factor is in the weights: v{i}_{j} and w{i}.
        """
        lines = [f"{axis}0 = {self.at(axis)}" for axis in STATE]
        lines += [f"{name} = {self.at(name)}" for name in self.program.names]
        times = f" * {self.factor}" if self.factor else ""
        for i, row in enumerate(self.scheme.tableau.a):
            lines += [f"v{i}_{j} = a{i}_{j}{times}" for j, a in enumerate(row) if a]
        return lines + [f"w{i} = b{i}{times}" for i, b in enumerate(self.scheme.tableau.b) if b]

    def stage_state(self, stage: int) -> list[str]:
        """The state that a later stage sees, from the slopes of the earlier ones."""
        weights = {j: f"v{stage}_{j}" for j, a in enumerate(self.scheme.tableau.a[stage]) if a}
        return [f"{axis}{stage} = {self._combination(axis, weights, stage - 1)}" for axis in STATE]

    def _combination(self, axis: str, weights: dict[int, str], newest: int) -> str:
        """Text of the first state and weighted slopes; the part of the newest slope that comes late stands last."""
        terms = [f"{axis}0", *(f"{w} * k{axis}{j}" for j, w in weights.items() if not (self.waits and j == newest))]
        if self.waits and newest in weights:
            w = weights[newest]
            terms += [f"{w} * p{axis}{newest}", f"(late{newest} * {w}) * q{axis}{newest}"]
        return " + ".join(terms)

    def slope(self, stage: int) -> list[str]:
        """The slope of a stage as k{axis}{stage}, without its factor."""
        names = [f"k{axis}{stage}" for axis in STATE]
        if not self.waits:
            return [f"{', '.join(names)} = {self.call('rhs', stage)}"]
        early, rates = ([f"{kind}{axis}{stage}" for axis in STATE] for kind in "pq")
        lines = [f"late{stage}, {', '.join([*early, *rates])} = {self.call('rhs', stage)}"]
        return lines + [f"{k} = {p} + late{stage} * {q}" for k, p, q in zip(names, early, rates, strict=True)]

    def call(self, function: str, stage: int, *more: str) -> str:
        """Text of a call of a generated function at a stage."""
        state = [f"{axis}{stage}" for axis in STATE]
        return f"{function}({', '.join([*state, *self.inputs(stage), *self.program.names, *more])})"

    def slopes(self, last: bool = True) -> list[str]:
        """All stages of a step, and the new state before projection."""
        lines = []
        for stage in range(self.scheme.stages):
            lines += [*(self.stage_state(stage) if stage else []), *self.slope(stage)]
        return lines + (self.new_state() if last else [])

    def new_state(self) -> list[str]:
        """The new state before projection as (ux, uy, uz)."""
        weights = {i: f"w{i}" for i, b in enumerate(self.scheme.tableau.b) if b}
        return [f"u{axis} = {self._combination(axis, weights, self.scheme.stages - 1)}" for axis in STATE]

    def finish(self) -> list[str]:
        """Watch on the step's health, and the projection on the unit sphere."""
        single, one = self.W == 1, self.number(1.0)
        lines = [
            "before = x0 * x0 + y0 * y0 + z0 * z0",
            f"excess = (ux * ux - {one}) + (uy * uy + uz * uz)" if single else "after = ux * ux + uy * uy + uz * uz",
            f"change = {f'excess - (before - {one})' if single else 'after - before'}",
            f"fine = abs(change) < {self.number(LIMIT)} * before",
            f"bad = {self.at('bad')}",
            f"{self.at('bad')} = pick(fine, bad, min(bad, now))",
        ]
        if not self.scheme.project:
            return lines + [f"{self.at(axis)} = u{axis}" for axis in STATE]
        if not single:
            scaled = [f"{self.at(axis)} = u{axis} * scale" for axis in STATE]
            return [*lines, f"scale = {one} / math.sqrt(after)", *scaled]
        scaled = [f"{self.at(axis)} = u{axis} + (u{axis} * part) * rate" for axis in STATE]
        return [*lines, f"part, rate = scale_to_one_{self.program.dtype}(excess)", *scaled]

    def scale(self) -> list[str]:
        """The factor that brings the new state back on the unit sphere."""
        one = self.number(1.0)
        if self.W > 1:
            return [f"scale = {one} / math.sqrt(ux * ux + uy * uy + uz * uz)"]
        excess = f"(ux * ux - {one}) + (uy * uy + uz * uz)"
        return [f"part, rate = scale_to_one_{self.program.dtype}({excess})", f"scale = {one} + part * rate"]

    def advance(self, step: str) -> list[str]:
        """One step of all trajectories of the tile."""
        kind = self.program.dtype
        body = [*self.state_lines(), *self.slopes(), *self.finish()]
        return [*self.load_inputs(step), f"now = np.{kind}({step})", *self.lanes(body)]

    def lanes(self, body: list[str], halves: bool = True) -> list[str]:
        """A loop over the tile's trajectories, two halves of a wide tile side by side.

        One step is a long chain of dependent operations; two independent chains keep the arithmetic units busy.
        """
        if self.W <= NARROW or not halves:
            return [f"for l in range({self.W}):", *indent(body)]
        names = {name.strip() for line in body for name in line.split("=")[0].split(",") if line[0] != "S"}
        pattern = re.compile(r"\b(" + "|".join(sorted(names)) + r")\b")
        half = self.W // 2
        pairs = [(line, pattern.sub(r"\1_", line).replace(" + l]", f" + {half} + l]")) for line in body]
        return [f"for l in range({half}):", *indent([line for pair in pairs for line in pair])]

    # ---- the file

    def rhs(self) -> str:
        """Source of the right-hand side, in the parts that `slope` puts together."""
        return self.slope_source

    def function(self, name: str, function: Any, arguments: tuple[str, ...]) -> str:
        """Source of a function of scalars."""
        return self.source.function(name, self.program.trace(function, len(arguments)), arguments)

    def noise(self) -> list[str]:
        """Source of the random numbers, where there is noise."""
        return [noise_source(self.source)] if self.program.noisy else []


def indent(lines: list[str], levels: int = 1) -> list[str]:
    """Lines, indented."""
    return textwrap.indent("\n".join(lines), "    " * levels).split("\n") if lines else []
