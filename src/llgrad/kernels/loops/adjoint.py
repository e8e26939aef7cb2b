"""The adjoint pass: the exact gradient of what the forward pass computed (the discrete adjoint of every step).

Steps are taken in segments of `stride`, the last one first, from states that the forward pass kept no further apart.
With a stride of 1, where it kept every state, the stages of a step are taken again from its first state, and the
vector–Jacobian product of the right-hand side is applied from the last stage to the first. With a longer one the
segment is first stepped forward from the state kept at its start, and what the products need of it, and is costly, goes
onto a tape.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from llgrad.kernels.builder.code import Code, Counter, Word
from llgrad.kernels.builder.handler import OTHER_STATES, Block
from llgrad.kernels.expression.splits.keeping import KEEPING
from llgrad.kernels.loops import abreast
from llgrad.kernels.loops.derivative import Derivative, Tape
from llgrad.kernels.loops.forward import advance
from llgrad.kernels.loops.interpolation import Interpolation
from llgrad.kernels.loops.kept import NAME, Kept
from llgrad.kernels.loops.stages import LoopedStages, RowsOnStack, StagesBack, looped
from llgrad.kernels.loops.step import Inputs, Scheme, SchemeStep, StepTaken
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
    given = [NAME, *(f"c_{kind}_{name}" for kind in ("saved", "final") for name in program.state)]
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
        wanted = tuple(program.arguments.index(name) for name in active)
        self.abreast = not (taped or self.scheme.many)
        keeping = abreast.KEEPING if self.abreast else KEEPING
        self.pull_back = Derivative(self.step, program.pull_back(wanted), program.state, True, keeping)
        self.step.prepare(self.pull_back.depths)
        self.between = Interpolation(tile, self.step)
        self.stages = None
        if taped and looped(self.scheme):
            self.stages = LoopedStages(self.step, self.code, self.between.used)
            self.stages_back = StagesBack(self.stages, self.pull_back.depths)
        zero = self.on.number(0.0)
        self.state, self.cotangent = tile.variables([zero] * self.size), tile.variables([zero] * self.size)
        self.tables = {
            name: TableInMemory(tile, f"c_{name}", size, own=True, cleared=True)
            for name, size in program.tables.items()
            if name in active
        }
        self.totals = dict(zip(self.parameters, tile.variables([zero] * len(self.parameters)), strict=True))
        self.kept = Kept(tile)

    def run(self) -> None:
        tile, code = self.tile, self.code
        self._add_cotangents("final", 0)
        self._find_kept()
        self.saves, self.until_save = Counter(code, tile.steps // tile.every), Counter(code, tile.steps % tile.every)
        if self.abreast:
            self._run_abreast()
        elif not self.taped:
            self._run_back(self.steps, code.word(0), self._load_state)
        elif self.scheme.card:
            self._run_again()
        else:
            self._run_segments()
        for table in self.tables.values():
            table.keep()
        results = [*zip(tile.program.starts, self.cotangent, strict=True), *self.totals.items()]
        tile.put_rows([(value.get(), f"c_{name}", 0) for name, value in results])

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
                lambda g: self.step.along_sphere(taken.new, g, self.step.scales(taken.new), transposed=True),
                self.between.pulled_back(now, self.between.slopes(taken), i),
            )

    def _load_state(self, number: Word) -> None:
        """The state kept as the so-many-th."""
        for axis, value in enumerate(self.state):
            value.set(self.kept.component(number, axis))

    def _find_kept(self) -> None:
        """The steps that are taken back, none where too few states were kept for them, and what number of a kept state
        is a segment further on.
        """
        tile, code = self.tile, self.code
        self.steps, self.further = tile.steps, code.word(1)
        if not self.scheme.card:  # which keeps states as far apart beside others as alone
            apart = self.kept.steps_apart().max(1)
            self.further = tile.stride // apart
            other = code.builder.not_((self.further * apart).equals(tile.stride))
            with code.when(other):
                tile.block.fail(OTHER_STATES)
            self.steps = code.pick(other, 0, tile.steps)

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
            self._load_state(segment * self.further)
            yield start, (start + tile.stride).min(tile.steps)

    def _segment_count(self) -> Word:
        return (self.steps + self.tile.stride - 1) // self.tile.stride

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
        tile, code = self.tile, self.code
        tape = Tape(code, tile.on, self.pull_back, len(self.between.used) * self.size, tile.stride)
        failed = tape.room.equals(0)
        with code.when(failed):
            tile.block.fail()
        with self._segments(code.pick(failed, 0, self._segment_count())) as (start, stop):
            with code.loop(stop, start) as i:
                tape.write(i - start, **self._record(i, tape, i - start))
            tape.write(stop - start, now=[value.get() for value in self.state])
            with code.loop_down(stop, start) as i:
                self._transpose_recorded(i, tape, i - start)
        code.release(tape.room)

    def _record(self, i: Word, tape: Tape, row: Word) -> dict[str, list[Any]]:
        """One step forward; what the transposed step needs of it, by what the tape calls it. What stages keep that are
        a loop is on the tape then.
        """
        step, now = self.step, [value.get() for value in self.state]
        if self.stages is None:
            inputs = self.tile.inputs(i)
            taken = step.take(now, inputs)
            found = self._of_stages(self.pull_back, taken, inputs)
        else:
            taken = self.stages.take(
                now,
                self.tile.inputs_of_nodes(i),
                lambda stage, seen, given: tape.write_stage(row, stage, self.pull_back.residuals(seen, given)),
            )
            found = {"slopes": self._of_polynomial(taken)}
        for variable, value in zip(self.state, step.finish(now, taken.new)[0], strict=True):
            variable.set(value)
        new = taken.new[self.tile.program.bare :] if self.scheme.project else []
        return found | {"now": now, "scales": step.scales(taken.new), "new": new}

    def _of_stages(self, pull_back: Derivative, taken: StepTaken, inputs: Inputs) -> dict[str, list[Any]]:
        """What the transposed of each stage needs, and the polynomial."""
        found = {
            f"stage{stage}": pull_back.residuals(taken.states[stage], inputs(stage))
            for stage in range(self.scheme.stages)
        }
        return found | {"slopes": self._of_polynomial(taken)}

    def _of_polynomial(self, taken: StepTaken) -> list[Any]:
        """The slopes that it needs."""
        return [value for slope in self.between.slopes(taken).values() for value in slope]

    def _run_abreast(self) -> None:
        """With a tape of many steps at once, from the states before them."""
        tile, code, many = self.tile, self.code, abreast.StepsAbreast(self.tile)
        step, bare = many.step(), tile.program.bare
        pull_back = self.pull_back.of_step(step)
        tape = abreast.TapeAbreast(tile, self.pull_back, len(self.between.used) * self.size)
        failed = tape.room.equals(0)
        with code.when(failed):
            tile.block.fail()
        with code.loop_down(code.pick(failed, 0, (self.steps + many.W - 1) // many.W)) as segment:
            start = segment * many.W
            inputs, now = many.inputs(start), many.states(start)
            taken = step.take(now, inputs)
            new = [*step.projected(taken.new)[:bare], *taken.new[bare:]] if self.scheme.project else []
            found = self._of_stages(pull_back, taken, inputs)
            tape.write(code.word(0), **found, now=now, scales=step.scales(taken.new), new=new)
            with code.loop_down((start + many.W).min(tile.steps), start) as i:
                self._transpose_recorded(i, tape, i - start)
        code.release(tape.room)

    def _transpose_recorded(self, i: Word, tape: Tape, row: Word) -> None:
        """The transposed of a step that is on the tape."""
        slopes, size = tape.read(row, "slopes"), self.size
        inside = {stage: slopes[k * size : (k + 1) * size] for k, stage in enumerate(self.between.used)}
        self._count_saves()

        def along_sphere(g: list[Any]) -> list[Any]:
            return self.step.along_sphere(tape.after(row), g, tape.read(row, "scales"), True, ended=True)

        within = self.between.pulled_back(tape.read(row, "now"), inside, i)
        if self.stages is None:
            self._transpose(
                i,
                lambda stage, slope: self.pull_back.of_residuals(tape.read(row, f"stage{stage}"), slope),
                along_sphere,
                within,
            )
        else:
            self._transpose_loop(i, tape, row, along_sphere, within)

    # ---- one step

    def _transpose(self, i: Word, pull_back: PullBack, along_sphere: Callable[..., Any], inside: Inside) -> None:
        """From the cotangent of the state after a step to that before it, and to those of all that is wanted.

        `along_sphere` is the transposed of the projection; `inside` what the states within the step are for the state
        before it and for the slopes. What is summed is summed at once: little is held at a time.
        """
        on, step, tableau = self.on, self.step, self.scheme.tableau
        g = along_sphere([value.get() for value in self.cotangent])
        within, of_slopes = inside
        own, last, _ = step.scaled(self.pull_back.depths)
        of_stages: dict[int, list[Any]] = {}
        of_inputs: dict[tuple[str, int], list[Any]] = {}
        total = [on.sum([value, *within[axis : axis + 1]]) for axis, value in enumerate(g)]
        sums = {name: self.totals[name].get() for name in self.parameters}
        for stage in reversed(range(self.scheme.stages)):
            later = [j for j in range(stage + 1, self.scheme.stages) if (j, stage) in own and j in of_stages]
            if stage not in last and stage not in of_slopes and not later:
                continue
            slope = []
            for axis in range(self.size):
                terms = [on.mul(last[stage][axis], g[axis])] if stage in last else []
                terms += [on.mul(own[j, stage][axis], of_stages[j][axis]) for j in later]
                terms += [self._scaled(axis, of_slopes[stage][axis])] if stage in of_slopes else []
                slope.append(on.sum(terms))
            found = pull_back(stage, slope)
            of_stages[stage] = found[: self.size]
            total = [on.add(value, more) for value, more in zip(total, of_stages[stage], strict=True)]
            for name, value in zip(self.active, found[self.size :], strict=True):
                if name in sums:
                    sums[name] = on.add(sums[name], value)
                elif name in self.tables:
                    for place, number in value:
                        self.tables[name].add(place, number)
                else:
                    of_inputs.setdefault((name, tableau.node_of_stage[stage]), []).append(value)
        for variable, value in zip(self.cotangent, total, strict=True):
            variable.set(value)
        for name, value in sums.items():
            self.totals[name].set(value)
        self._give_samples(i, of_inputs)

    def _transpose_loop(self, i: Word, tape: Tape, row: Word, along_sphere: Callable[..., Any], inside: Inside) -> None:
        """The same of a step whose stages are a loop."""
        on, code, back = self.on, self.code, self.stages_back
        g = along_sphere([value.get() for value in self.cotangent])
        within, of_slopes = inside
        for axis, variable in enumerate(self.cotangent):
            variable.set(on.sum([g[axis], *within[axis : axis + 1]]))
        of_inputs = RowsOnStack(code, on, self.scheme.nodes, len(self.channels))
        for node in range(self.scheme.nodes):
            of_inputs.put(node, [on.number(0.0)] * len(self.channels))

        def pull_back(stage: Word, slope: list[Any]) -> list[Any]:
            found = self.pull_back.of_residuals(tape.read_stage(row, stage), slope)
            own = dict(zip(self.active, found[self.size :], strict=True))
            added = [*zip(self.cotangent, found, strict=False), *((self.totals[n], own[n]) for n in self.parameters)]
            for variable, value in added:
                variable.set(on.add(variable.get(), value))
            for name, table in self.tables.items():
                for place, number in own[name]:
                    table.add(place, number)
            of_inputs.add(back.stages.node(stage), [own[name] for name in self.channels])
            return found[: self.size]

        further = {
            stage: [self._scaled(axis, value) for axis, value in enumerate(values)]
            for stage, values in of_slopes.items()
        }
        back.run(g, further, pull_back)
        samples = [of_inputs.get(node) for node in range(self.scheme.nodes)]
        self._give_samples(
            i,
            {(name, node): [row[k]] for node, row in enumerate(samples) for k, name in enumerate(self.channels)},
        )

    def _scaled(self, axis: int, value: Any) -> Any:
        """A slope's cotangent as the pull-back takes it."""
        return self.step.times(self.step.factors[axis][: self.pull_back.depths[axis]], value)

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
