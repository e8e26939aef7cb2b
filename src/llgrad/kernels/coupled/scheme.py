"""What the time loops of coupled arrays share: operands, scratch, workspace, and one chunk of a stage.

A run is seen as `tiles` of R rows by L lanes. With many samples a row is an oscillator and a lane a sample; a single
array (`single`) is one tile whose rows are runs of L = W neighbouring oscillators. So the same text serves both, and
only the products differ. The elementwise work goes over chunks of W lanes, in rows of a small scratch array of
constant shape: element l of row r is S[r·W + l]. States, slopes and products stand in a workspace on the heap, in
arrays of R × L elements. Lanes past the last sample, or oscillator, repeat it, and their cotangents are zero.

Operands and results of a single array have their natural shapes: a call of few oscillators takes less time than XLA
needs to pad its operands. The forward pass of so few that a quantity fits one or two vector registers has no
workspace: its rows stay where they are (`local`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from llgrad.kernels.coupled.products import ROWS, register_bytes
from llgrad.kernels.coupled.text import LIMIT, Operands, indent, noise_source
from llgrad.kernels.expression.equations import NORMALS, STATE, Program
from llgrad.kernels.expression.source import Source
from llgrad.kernels.steppers import Tableau

OWN_COUNTS: Final = 5
"""Place of the first count that a block's header does not hold: N, R, L, first step; then a flag for each operand."""
FLAGS: Final = OWN_COUNTS + 4
PACKED: Final = "packed_size(N)"
"""Text of the number of elements of a packed matrix."""


@dataclass(frozen=True)
class Scheme:
    """What a kernel is generated from, apart from which pass it is."""

    program: Program
    tableau: Tableau
    project: bool
    single: bool
    """One array instead of many samples."""
    shared: bool
    """A single array large enough to share its rows out among threads."""
    inner: tuple[str, ...]
    """Operands whose values differ between the lanes of a row."""
    registers: int = 0
    """Vector registers that a quantity of a whole single array fits, 1 or 2; 0 for a larger one, or many samples."""
    alone: bool = False
    """An array of one oscillator, computed with scalars: a vector's divisions and roots take longer."""

    @property
    def lanes(self) -> int:
        """Elements of a vector register."""
        return 1 if self.alone else register_bytes() // (8 if self.program.dtype == "float64" else 4)

    @property
    def width(self) -> int:
        """Lanes of a chunk: two registers for each quantity, or one where that is enough."""
        return (self.registers or 2) * self.lanes

    @property
    def padded(self) -> bool:
        """Whether a tile's operands and results are padded by the call: those of many samples."""
        return not self.single

    @property
    def stages(self) -> int:
        return len(self.tableau.b)

    @property
    def nodes(self) -> int:
        return len(self.tableau.nodes)

    @property
    def varied(self) -> tuple[str, ...]:
        """Operands that may differ between rows: parameters, then drive channels."""
        return (*self.program.names, *self.program.channels)

    @property
    def operands(self) -> list[str]:
        """Names of the operands of every pass, in order."""
        keys = ["key0", "key1"] * self.program.noisy
        return ["counts", "first", "h", *(f"m_{axis}" for axis in STATE), *self.varied, *keys, "weights"]


class Emitter:
    """Generates the parts of a pass. Variables of the text: tile, r (row), c (lane), at = r L + c, i (step)."""

    def __init__(self, scheme: Scheme, names: list[str], local: bool = False) -> None:
        self.local = local
        self.packed = 0
        """Packed matrices in the workspace, after the arrays."""
        self.scheme, self.program, self.kind = scheme, scheme.program, scheme.program.dtype
        self.operands = Operands([*scheme.operands, *names])
        self.source = Source(self.kind)
        self.rows: dict[str, int] = {}
        self.arrays: dict[str, int] = {}
        self.pointers: list[str] = []
        """Lines that name what the pass has beside the common operands."""
        self.W, self.size = scheme.width, 8 if self.kind == "float64" else 4

    # ---- texts

    def at(self, row: str) -> str:
        """One lane's element of a row of scratch; a new row if need be."""
        return "{}[{} + l]".format(*self.place(row))

    def row(self, row: str) -> str:
        """Place of a row of scratch."""
        return "{}, {}".format(*self.place(row))

    def place(self, row: str) -> tuple[str, int]:
        return "S", self.rows.setdefault(row, len(self.rows)) * self.W

    def array(self, name: str, index: str = "") -> str:
        """Place of an array in the workspace, as an offset in elements."""
        found = self.arrays.setdefault(name, len(self.arrays))
        return f"{found} * A" + (f" + {index}" if index else "")

    def address(self, name: str, index: str = "0") -> str:
        """Address of an element of an array in the workspace."""
        return f"work + {self.size} * ({self.array(name, index)})"

    def load(self, row: str, pointer: str, place: str) -> str:
        return f"copy_row({self.row(row)}, {pointer}, {place}, {self.W})"

    def store(self, row: str, pointer: str, place: str) -> str:
        return f"copy_row({pointer}, {place}, {self.row(row)}, {self.W})"

    def fetch(self, name: str) -> str:
        """Load the chunk of an array of the workspace into the row of its name."""
        return "" if self.local else self.load(name, "work_", self.array(name, "at"))

    def keep(self, name: str) -> str:
        """Store the row of an array's name in the workspace."""
        return "" if self.local else self.store(name, "work_", self.array(name, "at"))

    def take(self, row: str, pointer: str, place: str, edge: int = 1) -> str:
        """Load a chunk of an operand. Past the last oscillator of a single array its value is repeated, or zero."""
        if self.scheme.padded:
            return self.load(row, pointer, place)
        return f"load_row({self.row(row)}, {pointer}, {place}, N - at, {edge})"

    def give(self, row: str, pointer: str, place: str) -> str:
        """Store a chunk of a result."""
        if self.scheme.padded:
            return self.store(row, pointer, place)
        return f"store_row({pointer}, {place}, {self.row(row)}, N - at)"

    @property
    def extent(self) -> str:
        """Elements of an operand, or result, of one value for each oscillator (and sample of a tile)."""
        return "R * L" if self.scheme.padded else "N"

    def pack(self, name: str, address: str, turned: int) -> list[str]:
        """Lines that pack a matrix of a small single array for its products, and name its address; with `turned` for
        products with its transpose.
        """
        place = f"work + {self.size} * (ARRAYS * A + {self.packed} * {PACKED})"
        self.packed += 1
        return [f"{name} = {place}", f"pack_columns({name}, {address}, N, {turned})"]

    def number(self, value: float) -> str:
        return self.source.number(value)

    # ---- before the loops

    def open(self) -> list[str]:
        """Counts, pointers and strides of the operands, coefficients of the method."""
        ops, scheme = self.operands, self.scheme
        lines = [
            "steps, every, stride = word(block, STEPS), word(block, EVERY), word(block, STRIDE)",
            "tiles, counts = word(block, LANES), as_int32(word(block, HEADER))",
            *(f"{name} = np.int64(counts[{OWN_COUNTS + k}])" for k, name in enumerate(("N", "R", "L", "start"))),
            f"A = (R + {ROWS - 1}) // {ROWS} * {ROWS} * L" if scheme.padded else "A = R * L",
            f"h = {ops.pointer('h', self.kind)}[0]",
            f"first = {ops.pointer('first', 'uint32')}[0]",
            f"weights = word(block, {ops.places['weights']})",
            f"S = scratch_{self.kind}(ROWS)",
        ]
        for k, name in enumerate(scheme.varied):
            lines += self.stride(name, name, f"np.int64(counts[{FLAGS + k}])")
        for name in ("key0", "key1") if self.program.noisy else ():
            lines.append(f"P_{name} = {ops.pointer(name, 'uint32')}")
        for i, row in enumerate(scheme.tableau.a):
            lines += [f"a{i}_{j} = h * {self.number(a)}" for j, a in enumerate(row) if a]
        return lines + [f"b{i} = h * {self.number(b)}" for i, b in enumerate(scheme.tableau.b) if b] + self.pointers

    def stride(self, operand: str, name: str, flag: str) -> list[str]:
        """Pointer to an operand, its elements per tile (ts), row (rs) and, of a drive, node (ns)."""
        place, inner = self.operands.places[operand] + 1, name in self.scheme.inner
        lines = [
            f"P_{operand}, rs_{operand} = {self.operands.pointer(operand, self.kind)}, {flag}" + " * L" * inner,
            f"per = word(block, {place})" + " // tiles" * inner,
            f"ts_{operand} = " + ("per" if inner else "0"),
        ]
        if name in self.program.channels:
            lines.append(f"ns_{operand} = per // max(steps * {self.scheme.nodes}, 1)")
        return lines

    def result(self, name: str, kind: str | None = None) -> str:
        return f"P_{name} = {self.operands.pointer(name, kind or self.kind)}"

    # ---- the operands of a chunk

    def varied(self, name: str, node: int = 0) -> str:
        """What a body calls an operand: a local scalar, or an element of a row."""
        text = f"{name}_{node}" if name in self.program.channels else name
        return self.at(text) if name in self.scheme.inner else text

    def _places(self, nodes: list[int]) -> list[tuple[str, str, str]]:
        """Operand, name in the body, offset of its row."""
        found = [(name, name, f"r * rs_{name}") for name in self.program.names]
        for name in self.program.channels:
            found += [
                (name, f"{name}_{node}", f"(i * {self.scheme.nodes} + {node}) * ns_{name} + r * rs_{name}")
                for node in nodes
            ]
        return found

    def scalars(self, nodes: list[int]) -> list[str]:
        """Operands that a row has one value of."""
        return [
            f"{name} = P_{operand}[{place}]"
            for operand, name, place in self._places(nodes)
            if operand not in self.scheme.inner
        ]

    def vectors(self, nodes: list[int]) -> list[str]:
        """Operands that every lane has its own value of."""
        return [
            self.fetch(name)
            if self.scheme.single and operand in self.program.names
            else self.take(name, f"P_{operand}", f"tile * ts_{operand} + {place} + c")
            for operand, name, place in self._places(nodes)
            if operand in self.scheme.inner
        ]

    def parameters(self) -> list[str]:
        """The parameters of the oscillators of a single array, padded, in the workspace."""
        if not self.scheme.single:
            return []
        own = [name for name in self.program.names if name in self.scheme.inner]
        return [line for name in own for line in (self.take(name, f"P_{name}", "at"), self.keep(name))]

    def random(self, new: bool) -> list[str]:
        """The step's random numbers: drawn by the first stage that is taken, stored for the others."""
        if not self.program.noisy:
            return []
        if not new:
            return [self.fetch(name) for name in NORMALS]
        single = self.scheme.single
        key = "0" if single else "tile * L + c + l"
        lane = "np.uint32(at + l)" if single else "np.uint32(r)"
        return [
            f"for l in range({self.W}):",
            f"    n0, n1, n2 = normals(P_key0[{key}], P_key1[{key}], {lane}, np.uint32(first + i))",
            *(f"    {self.at(name)} = n{k}" for k, name in enumerate(NORMALS)),
            *(self.keep(name) for name in NORMALS),
        ]

    # ---- the arithmetic of one lane

    def arguments(self, stage: int, *more: str) -> str:
        """Arguments of the right-hand side and its derivatives at a stage."""
        node = self.scheme.tableau.node_of_stage[stage]
        state = [f"{axis}{stage}" for axis in STATE]
        inputs = [
            self.at(f"field_of_{stage}" if name == "coupling" else name)
            if name not in self.program.channels
            else self.varied(name, node)
            for name in self.program.inputs
        ]
        return ", ".join([*state, *inputs, *(self.varied(name) for name in self.program.names), *more])

    def stage_state(self, stage: int) -> list[str]:
        """The state that a stage sees."""
        if stage == 0:
            return [f"{axis}0 = {self.at(axis)}" for axis in STATE]
        terms = [(j, a) for j, a in enumerate(self.scheme.tableau.a[stage]) if a]
        return [
            f"{axis}{stage} = {axis}0" + "".join(f" + a{stage}_{j} * k{axis}{j}" for j, _ in terms) for axis in STATE
        ]

    def slope(self, stage: int) -> str:
        return f"kx{stage}, ky{stage}, kz{stage} = rhs({self.arguments(stage)})"

    def new_state(self) -> list[str]:
        """(ux, uy, uz): the state after the step, before the projection."""
        return [
            f"u{axis} = {axis}0" + "".join(f" + b{i} * k{axis}{i}" for i, b in enumerate(self.scheme.tableau.b) if b)
            for axis in STATE
        ]

    def finish(self) -> list[str]:
        """Watch on the step's health, and the projection on the unit sphere."""
        lines = [
            "before = x0 * x0 + y0 * y0 + z0 * z0",
            "after = ux * ux + uy * uy + uz * uz",
            f"fine = abs(after - before) < {self.number(LIMIT)} * before",
            f"bad = {self.at('bad')}",
            f"{self.at('bad')} = pick(fine, bad, min(bad, now))",
        ]
        if not self.scheme.project:
            return lines + [f"{self.at(axis)} = u{axis}" for axis in STATE]
        scale = f"scale = {self.number(1.0)} / math.sqrt(after)"
        return [*lines, scale, *(f"{self.at(axis)} = u{axis} * scale" for axis in STATE)]

    def lanes(self, body: list[str]) -> list[str]:
        """A loop over a chunk, its two halves side by side, so that one's latency hides behind the other's."""
        if self.scheme.registers == 1:
            return [f"for l in range({self.W}):", *indent(body)]
        names = {name.strip() for line in body for name in line.split("=")[0].split(",") if line[0] != "S"}
        pattern = re.compile(r"\b(" + "|".join(sorted(names)) + r")\b")
        half = self.W // 2
        pairs = [(line, pattern.sub(r"\1_", line).replace(" + l]", f" + {half} + l]")) for line in body]
        return [f"for l in range({half}):", *indent([line for pair in pairs for line in pair])]

    def chunks(self, before: list[str], body: list[str], after: list[str] | None = None) -> list[str]:
        """All chunks of the rows r0 … r1: `before` each row, the chunk's `body`, `after` each row."""
        body = [line for line in body if line]
        if self.local:
            return ["r, c, at = 0, 0, 0", *before, *body, *(after or [])]
        return [
            "for r in range(r0, r1):",
            *indent(before),
            f"    for c in range(0, L, {self.W}):",
            "        at = r * L + c",
            *indent(body, 2),
            *indent(after or []),
        ]

    # ---- functions

    def function(self, name: str, function: Any, arguments: tuple[str, ...]) -> str:
        """Source of a function of scalars."""
        return self.source.function(name, self.program.trace(function, len(arguments)), arguments)

    def functions(self) -> list[str]:
        """Source of the right-hand side, and of the random numbers where there is noise."""
        noise = [noise_source(self.source)] if self.program.noisy else []
        return [*noise, self.function("rhs", self.program.function, self.program.arguments)]
