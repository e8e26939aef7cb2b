"""The stages of a step as a loop, for tableaux of many of them: a slope, and its transposed, stand in a kernel once.

Written out, the adjoint of an eighth-order step is three times twelve copies of the slope or of its transposed, and a
hundred weighted sums; as a loop it takes as long, and LLVM takes half the time for it. (A forward pass alone, which
has less to wait for, took a tenth longer as a loop.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from llvmlite import ir

from llgrad.kernels.builder.arithmetic import Arithmetic
from llgrad.kernels.builder.code import WORD, Code, Variable, Word
from llgrad.kernels.loops.step import Scheme, SchemeStep, Slope, StepTaken

MANY: Final = 8
"""So many stages are a loop; fewer are written out."""
Entry = tuple[int, int, float]
"""(row, column, weight) of a tableau whose last row is that of the new state."""


def looped(scheme: Scheme) -> bool:
    """Whether the stages of a scheme's steps are a loop: not those of a single trajectory, which waits for each."""
    return scheme.width > 1 and scheme.stages >= MANY


class RowsOnStack:
    """Memory for rows of so many values, on the stack."""

    def __init__(self, code: Code, on: Arithmetic, rows: int, size: int) -> None:
        self.code, self.on, self.size = code, on, size
        with code.builder.goto_entry_block():
            place = code.builder.alloca(ir.ArrayType(on.type, rows * size))
        self.start = Word(code, code.builder.ptrtoint(place, WORD))

    def get(self, row: Any) -> list[Any]:
        """The values of a row."""
        return [self.code.load(self.start, self.on.type, self.code.word(row) * self.size + k) for k in range(self.size)]

    def put(self, row: Any, values: Sequence[Any]) -> None:
        """Change the values of a row."""
        for k, value in enumerate(values):
            self.code.store(value, self.start, self.code.word(row) * self.size + k)

    def add(self, row: Any, values: Sequence[Any]) -> None:
        """Add to the values of a row."""
        self.put(row, [self.on.add(before, value) for before, value in zip(self.get(row), values, strict=True)])


class WeightedSums:
    """Weighted sums of rows, with the weights of a tableau: one sum for each of the keys that `entries` are sorted by.

    Args:
        entries: (key, row, weight), in the order of their keys, which count from 0 to `keys` − 1.
    """

    def __init__(self, code: Code, on: Arithmetic, name: str, entries: Sequence[Entry], keys: int) -> None:
        self.code, self.on = code, on
        ends = [sum(entry[0] < key for entry in entries) for key in range(keys + 1)]
        self.ends = constants(code, f"{name}.ends", WORD, ends)
        self.rows = constants(code, f"{name}.rows", WORD, [entry[1] for entry in entries])
        self.weights = constants(code, f"{name}.weights", on.float_type, [entry[2] for entry in entries])

    def of(self, key: Word, rows: RowsOnStack) -> list[Any]:
        """The sum of a key."""
        code, on = self.code, self.on
        found = [Variable(code, on.type) for _ in range(rows.size)]
        for variable in found:
            variable.set(on.number(0.0))
        with code.loop(code.word_at(self.ends, key + 1), code.word_at(self.ends, key)) as place:
            weight = on.everywhere(code.load(self.weights, on.float_type, place))
            for variable, value in zip(found, rows.get(code.word_at(self.rows, place)), strict=True):
                variable.set(on.add(variable.get(), on.mul(weight, value)))
        return [variable.get() for variable in found]


def constants(code: Code, name: str, kind: Any, values: Sequence[Any]) -> Word:
    """Address of constants of the module."""
    module = code.builder.module
    table: Any = module.globals.get(name)
    if table is None:
        numbers = ir.Constant(ir.ArrayType(kind, len(values)), list(values))
        table = ir.GlobalVariable(module, numbers.type, name)
        table.linkage, table.global_constant, table.initializer = "internal", True, numbers
    return Word(code, code.builder.ptrtoint(table, WORD))


Inputs = Callable[[Word], Mapping[str, Any]]
"""The number of a node → what changes during a run, by name."""
Visit = Callable[[Word, list[Any], Mapping[str, Any]], None]
"""(stage, its state, its inputs): what is done with each besides."""


class LoopedStages:
    """The stages of a step as a loop, forwards and back.

    Args:
        step: the step.
        code: where the instructions go.
        used: the stages whose slopes are asked for after the step.
    """

    def __init__(self, step: SchemeStep, code: Code, used: Sequence[int]) -> None:
        self.step, self.code, self.on, self.used = step, code, step.on, used
        tableau, self.size, self.count = step.scheme.tableau, len(step.program.state), step.scheme.stages
        entries = [(i, j, float(a)) for i, row in enumerate((*tableau.a, tableau.b)) for j, a in enumerate(row) if a]
        self.sums = WeightedSums(code, self.on, "stages", entries, self.count + 1)
        self.nodes = constants(code, "nodes", WORD, tableau.node_of_stage)
        self.slopes = RowsOnStack(code, self.on, self.count, self.size)
        self.entries = entries

    def node(self, stage: Word) -> Word:
        """The number of the node that a stage is at."""
        return self.code.word_at(self.nodes, stage)

    def take(self, state: Sequence[Any], inputs: Inputs, visit: Visit) -> StepTaken:
        """All stages of a step from a state: the new state, and the slopes of the stages that are used."""
        with self.code.loop(self.count) as stage:
            seen, given = self._moved(state, stage), inputs(self.node(stage))
            self.slopes.put(stage, self.step.slope(seen, given).whole)
            visit(stage, seen, given)
        new = self._moved(state, self.code.word(self.count))
        return StepTaken([], new, {stage: Slope(self.slopes.get(stage)) for stage in self.used})

    def _moved(self, state: Sequence[Any], stage: Word) -> list[Any]:
        """The state that a stage sees; past the last one the new state."""
        on, rate = self.on, self.step.weights.rate
        moves = self.sums.of(stage, self.slopes)
        return [on.add(start, on.mul(h, move)) for start, h, move in zip(state, rate, moves, strict=True)]


class StagesBack:
    """The transposed of such a step's stages.

    Args:
        stages: those of the step.
        depths: how many of each component's factors the cotangents of the slopes have.
    """

    def __init__(self, stages: LoopedStages, depths: Sequence[int]) -> None:
        self.stages, self.code, self.on = stages, stages.code, stages.on
        self.rate = stages.step.scaled(depths).rate
        back = sorted((j, i, a) for i, j, a in stages.entries)
        self.sums = WeightedSums(self.code, self.on, "transposed", back, stages.count)
        self.cotangents = RowsOnStack(self.code, self.on, stages.count + 1, stages.size)
        self.further = RowsOnStack(self.code, self.on, stages.count, stages.size) if stages.used else None

    def run(
        self,
        new: Sequence[Any],
        further: Mapping[int, Sequence[Any]],
        pull_back: Callable[[Word, list[Any]], list[Any]],
    ) -> None:
        """From the cotangent of the new state, and further ones of slopes, to those of the stages' states, which
        `pull_back` (stage, cotangent of its slope) gives, the last stage first.
        """
        on, code, count, size = self.on, self.code, self.stages.count, self.stages.size
        self.cotangents.put(count, new)
        if self.further is not None:
            for stage in range(count):
                self.further.put(stage, further.get(stage, [on.number(0.0)] * size))
        with code.loop_down(count) as stage:
            sums = self.sums.of(stage, self.cotangents)
            slope = [on.mul(rate, value) for rate, value in zip(self.rate, sums, strict=True)]
            if self.further is not None:
                slope = [on.add(x, y) for x, y in zip(slope, self.further.get(stage), strict=True)]
            self.cotangents.put(stage, pull_back(stage, slope))
