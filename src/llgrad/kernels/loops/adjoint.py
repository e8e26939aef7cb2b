"""The adjoint pass: the exact gradient of what the forward pass computed (the discrete adjoint of every step).

Steps are taken in segments of `stride`, the last one first. With a stride of 1, where the forward pass kept every
state, the stages of a step are taken again from its first state, and the vector–Jacobian product of the right-hand side
is applied from the last stage to the first. With a longer one the segment is first stepped forward from the state kept
at its start, and what the products need of it, and is costly, goes onto a tape.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from llgrad.kernels.builder.code import Code, Counter, Word
from llgrad.kernels.builder.handler import Block
from llgrad.kernels.loops.derivative import Derivative
from llgrad.kernels.loops.forward import advance
from llgrad.kernels.loops.interpolation import Interpolation
from llgrad.kernels.loops.step import Scheme, SchemeStep
from llgrad.kernels.loops.tables import TableInMemory
from llgrad.kernels.loops.tile import Tile, common_operands, pass_module
from llgrad.kernels.machine import ffi

PullBack = Callable[[int, list[Any]], list[Any]]
"""(stage, cotangent of its slope) → cotangents of its state and of what is wanted."""
Inside = tuple[list[Any], dict[int, list[Any]]]
PARTS: Final = 32
"""Gradients of samples that all trajectories share are summed in at most so many parts: the same on any number of
threads.
"""


def adjoint_module(scheme: Scheme, wanted: tuple[str, ...], taped: bool) -> Any:
    """The module of an adjoint pass that gives the cotangents of m0 and of the wanted parameters and drive channels;
    `taped` for strides beyond 1.
    A GPU's thread keeps the states of a segment, in "scratch", and takes their stages again: that costs less than
    writing and reading more.
    """
    program = scheme.program
    active = [name for name in program.varied if name in wanted]
    given = ["kept", *(f"c_{kind}_{name}" for kind in ("saved", "final") for name in program.state)]
    results = [f"c_{name}" for name in program.starts] + [f"c_{name}" for name in active]
    operands = [*common_operands(program, scheme.tableau.interpolates), *given, *results]
    operands += ["scratch"] if scheme.card and taped else []
    shared = [name for name, own in zip(program.channels, scheme.spread, strict=True) if name in wanted and not own]

    def item(code: Code, block: Block, index: Word) -> None:
        if not shared:
            _Transposed(Tile(code, scheme, operands, block, index), active, index, taped).run()
            return
        # a run of tiles, whose gradients of shared samples are added up in order
        steps, items, lanes = (block.word(place) for place in (ffi.STEPS, ffi.ITEMS, ffi.LANES))
        zero = Tile(code, scheme, operands, block, code.word(0))
        for name in shared:
            with code.loop(steps * scheme.nodes) as place:
                number = zero.on.float_type(0.0)
                code.store(number, zero.pointers[f"c_{name}"], block.part(index, place, steps * scheme.nodes))
        tiles = (lanes + (scheme.width - 1)) // scheme.width
        with _own_tiles(code, scheme, index, items, tiles) as tile:
            _Transposed(Tile(code, scheme, operands, block, tile), active, index, taped).run()

    return pass_module(scheme, operands, item, "adjoint pass")


@contextlib.contextmanager
def _own_tiles(code: Code, scheme: Scheme, index: Word, items: Word, tiles: Word) -> Iterator[Word]:
    """The tiles of an item: those side by side on a processor; on a GPU every so-many-th, so that threads side by side
    read side by side.
    """
    if scheme.card:
        with code.loop((tiles + items - 1 - index) // items) as number:
            yield number * items + index
    else:
        with code.loop((index + 1) * tiles // items, index * tiles // items) as tile:
            yield tile


class _Transposed:
    """The adjoint of one tile."""

    def __init__(self, tile: Tile, active: list[str], part: Word, taped: bool) -> None:
        self.tile, self.code, self.on, self.part, self.taped = tile, tile.code, tile.on, part, taped
        self.scheme, program = tile.scheme, tile.program
        self.active = active
        self.channels = [name for name in active if name in program.channels]
        self.parameters = [name for name in active if name in program.names]
        self.size = len(program.state)
        self.step: SchemeStep = tile.step()
        self.between = Interpolation(tile, self.step)
        wanted = tuple(program.arguments.index(name) for name in active)
        self.pull_back = Derivative(self.step, program.pull_back(wanted), program.state)
        zero = self.on.number(0.0)
        self.state, self.cotangent = tile.variables([zero] * self.size), tile.variables([zero] * self.size)
        self.tables = {
            name: TableInMemory(tile, f"c_{name}", size, own=True, cleared=True)
            for name, size in program.tables.items()
            if name in active
        }
        self.totals = dict(zip(self.parameters, tile.variables([zero] * len(self.parameters)), strict=True))

    def run(self) -> None:
        tile, code = self.tile, self.code
        self._add_cotangents("final", 0)
        self.saves, self.until_save = Counter(code, tile.steps // tile.every), Counter(code, tile.steps % tile.every)
        if not self.taped:
            self._run_back(tile.steps, code.word(0), self._load_state)
        elif self.scheme.card:
            self._run_again()
        else:
            self._run_segments()
        for name, value in zip(tile.program.starts, self.cotangent, strict=True):
            tile.put_row(value.get(), f"c_{name}")
        for table in self.tables.values():
            table.keep()
        for name, value in self.totals.items():
            tile.put_row(value.get(), f"c_{name}")

    def _run_back(self, stop: Word, start: Word, load_state: Callable[[Word], None]) -> None:
        """Steps from `stop` back to `start`, from the state before each."""
        tile = self.tile
        with self.code.loop_down(stop, start) as i:
            load_state(i)
            self._count_saves()
            inputs, now = tile.inputs(i), [value.get() for value in self.state]
            taken = self.step.take(now, inputs)
            self._transpose(
                i,
                lambda stage, slope: self.pull_back(taken.states[stage], inputs(stage), slope),
                (taken.new, self.step.scales(taken.new)),
                self.between.pulled_back(now, self.between.slopes(taken), i),
            )

    def _load_state(self, number: Word) -> None:
        """The state kept as the so-many-th."""
        for axis, value in enumerate(self.state):
            value.set(self.tile.row("kept", number * self.size + axis))

    def _count_saves(self) -> None:
        """One step back: where its end was saved, the cotangents of what was saved join that of the state."""
        with self.code.when(self.until_save.now.equals(0)):
            self.saves.add(-1)
            self._add_cotangents("saved", self.between.end(self.saves.now))
            self.until_save.set(self.tile.every)
        self.until_save.add(-1)

    def _add_cotangents(self, name: str, place: Any) -> None:
        """What the run's results have as cotangents joins that of the state."""
        for component, value in zip(self.tile.program.state, self.cotangent, strict=True):
            value.set(self.on.add(value.get(), self.tile.own_row(f"c_{name}_{component}", place)))

    # ---- segments

    @contextlib.contextmanager
    def _segments(self, count: Any) -> Iterator[tuple[Word, Word]]:
        """From the last segment to the first: its steps, with the state before them."""
        tile = self.tile
        with self.code.loop_down(count) as segment:
            start = segment * tile.stride
            self._load_state(segment)
            yield start, (start + tile.stride).min(tile.steps)

    def _segment_count(self) -> Word:
        return (self.tile.steps + self.tile.stride - 1) // self.tile.stride

    def _run_again(self) -> None:
        """The states of a segment, then its steps from each."""
        tile, code = self.tile, self.code
        block: Any = tile.block  # a thread's

        def place(number: Word, axis: int) -> Word:
            return block.own(number * self.size + axis)

        def load_state(number: Word) -> None:
            for axis, value in enumerate(self.state):
                value.set(code.load(tile.pointers["scratch"], self.on.float_type, place(number, axis)))

        with self._segments(self._segment_count()) as (start, stop):
            with code.loop(stop, start) as i:
                for axis, value in enumerate(self.state):
                    code.store(value.get(), tile.pointers["scratch"], place(i - start, axis))
                advance(tile, self.step, self.state, i)
            self._run_back(stop, start, lambda i: load_state(i - start))

    def _run_segments(self) -> None:
        """With a tape of what the products of a segment need."""
        tile, code, cut = self.tile, self.code, len(self.pull_back.cut)
        spins = len(self.scheme.spins) if self.scheme.project else 0
        used = self.between.used
        inside = self.size * (1 + len(used)) if used else 0
        slots = self.scheme.stages * cut + self.size + spins + inside
        row = tile.W * max(tile.bytes, self.pull_back.widest)
        tape = code.allocate(tile.stride * (slots * row))
        failed = tape.equals(0)
        with code.when(failed):
            tile.block.fail()
        with self._segments(code.pick(failed, 0, self._segment_count())) as (start, stop):
            with code.loop(stop, start) as i:
                recorded = self._record(i)
                for slot, value in enumerate(recorded):
                    code.store(value, tape + ((i - start) * slots + slot) * row, align=tile.bytes)
            kinds = [value.type for value in recorded]
            with code.loop_down(stop, start) as i:
                self._count_saves()
                read = [
                    code.load(tape + ((i - start) * slots + slot) * row, kind, align=tile.bytes)
                    for slot, kind in enumerate(kinds)
                ]
                parts = iter(read[self.scheme.stages * cut :])
                new, scales = list(islice(parts, self.size)), list(islice(parts, spins))
                now = list(islice(parts, self.size))
                slopes = {stage: list(islice(parts, self.size)) for stage in used}
                self._transpose(
                    i,
                    lambda stage, slope, read=read: self.pull_back.of_residuals(
                        read[stage * cut : (stage + 1) * cut], slope
                    ),
                    (new, scales),
                    self.between.pulled_back(now, slopes, i),
                )
        code.release(tape)

    def _record(self, i: Word) -> list[Any]:
        """One step forward; what the transposed step needs of it."""
        step, inputs, now = self.step, self.tile.inputs(i), [value.get() for value in self.state]
        taken = step.take(now, inputs)
        found = [
            value
            for stage in range(self.scheme.stages)
            for value in self.pull_back.residuals(taken.states[stage], inputs(stage))
        ]
        for variable, value in zip(self.state, step.finish(now, taken.new)[0], strict=True):
            variable.set(value)
        slopes = self.between.slopes(taken)
        inside = [*now, *(value for slope in slopes.values() for value in slope)] if slopes else []
        return [*found, *taken.new, *step.scales(taken.new), *inside]

    # ---- one step

    def _transpose(self, i: Word, pull_back: PullBack, end: tuple[list[Any], list[Any]], inside: Inside) -> None:
        """From the cotangent of the state after a step to that before it, and to those of all that is wanted.

        `end` is the state after the step before its projection, and the scales of that; `inside` what the states
        within the step are for the state before it and for the slopes.
        """
        on, step, tableau = self.on, self.step, self.scheme.tableau
        new, scales = end
        g = step.along_sphere(new, [value.get() for value in self.cotangent], scales, transposed=True)
        within, of_slopes = inside
        of_stages: dict[int, list[Any]] = {}
        of_inputs: dict[tuple[str, int], list[Any]] = {}
        sums: dict[str, list[Any]] = {name: [] for name in self.parameters}
        for stage in reversed(range(self.scheme.stages)):
            later = [j for j in range(stage + 1, self.scheme.stages) if (j, stage) in step.a and j in of_stages]
            if stage not in step.b and stage not in of_slopes and not later:
                continue
            slope = []
            for axis in range(self.size):
                terms = [on.mul(step.b[stage], g[axis])] if stage in step.b else []
                terms += [on.mul(step.a[j, stage], of_stages[j][axis]) for j in later]
                terms += [of_slopes[stage][axis]] if stage in of_slopes else []
                slope.append(on.sum(terms))
            found = pull_back(stage, slope)
            of_stages[stage] = found[: self.size]
            for name, value in zip(self.active, found[self.size :], strict=True):
                if name in sums:
                    sums[name].append(value)
                elif name in self.tables:
                    for place, number in value:
                        self.tables[name].add(place, number)
                else:
                    of_inputs.setdefault((name, tableau.node_of_stage[stage]), []).append(value)
        for axis, variable in enumerate(self.cotangent):
            variable.set(on.sum([g[axis], *within[axis : axis + 1], *(values[axis] for values in of_stages.values())]))
        for name, values in sums.items():
            self.totals[name].set(on.sum([self.totals[name].get(), *values]))
        self._give_samples(i, of_inputs)

    def _give_samples(self, i: Word, of_inputs: dict[tuple[str, int], list[Any]]) -> None:
        """The cotangents of the drive's samples."""
        tile, code, nodes = self.tile, self.code, self.scheme.nodes
        for name in self.channels:
            for node in range(nodes):
                value = self.on.sum(of_inputs.get((name, node), []))
                if tile.spread(name):
                    tile.put_row(value, f"c_{name}", i * nodes + node)
                    continue
                place, kind = tile.block.part(self.part, i * nodes + node, tile.steps * nodes), self.on.float_type
                pointer = tile.pointers[f"c_{name}"]
                total = code.builder.fadd(code.load(pointer, kind, place), self.on.over_lanes(value))
                code.store(total, pointer, place)
