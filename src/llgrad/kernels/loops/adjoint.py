"""The adjoint pass: the exact gradient of what the forward pass computed (the discrete adjoint of every step).

Steps are taken in segments of `stride`, the last one first. The states within a segment are recomputed from the one
that the forward pass kept at its start (none with a stride of 1, where all were kept), then each step is transposed:
its stages are recomputed from its first state, and the vector–Jacobian product of the right-hand side is applied from
the last stage to the first.
"""

from __future__ import annotations

import functools
from typing import Any, Final

from llgrad.kernels.builder.code import Code, Counter, Variable, Word
from llgrad.kernels.builder.handler import module_of
from llgrad.kernels.expression.equations import STATE
from llgrad.kernels.loops.forward import advance
from llgrad.kernels.loops.interpolation import Interpolation
from llgrad.kernels.loops.step import Derivative, Scheme, Step
from llgrad.kernels.loops.tile import Tile, common_operands
from llgrad.kernels.machine import ffi

PARTS: Final = 32
"""Gradients of samples that all trajectories share are summed in at most so many parts: the same on any number of
threads.
"""


def adjoint_module(scheme: Scheme, wanted: tuple[str, ...]) -> Any:
    """The module of an adjoint pass that gives the cotangents of m0 and of the wanted parameters and drive channels."""
    program = scheme.program
    active = [name for name in (*program.channels, *program.names) if name in wanted]
    given = ["kept", *(f"c_saved_{axis}" for axis in STATE), *(f"c_final_{axis}" for axis in STATE)]
    results = [f"c_m_{axis}" for axis in STATE] + [f"c_{name}" for name in active]
    operands = [*common_operands(program, scheme.tableau.interpolates), *given, *results]
    shared = [name for name, own in zip(program.channels, scheme.spread, strict=True) if name in wanted and not own]

    def item(code: Code, block: Word, index: Word) -> None:
        if not shared:
            _Transposed(Tile(code, scheme, operands, block, index), active, index).run()
            return
        # a run of tiles, whose gradients of shared samples are added up in order
        steps, items, lanes = (code.word_at(block, place) for place in (ffi.STEPS, ffi.ITEMS, ffi.LANES))
        zero = Tile(code, scheme, operands, block, code.word(0))
        for name in shared:
            with code.loop(steps * scheme.nodes) as place:
                number = zero.on.float_type(0.0)
                code.store(number, zero.pointers[f"c_{name}"], index * steps * scheme.nodes + place)
        tiles = (lanes + (scheme.width - 1)) // scheme.width
        with code.loop((index + 1) * tiles // items, index * tiles // items) as tile:
            _Transposed(Tile(code, scheme, operands, block, tile), active, index).run()

    return module_of(item, scheme.width, "adjoint pass")


class _Transposed:
    """The adjoint of one tile."""

    def __init__(self, tile: Tile, active: list[str], part: Word) -> None:
        self.tile, self.code, self.on, self.part = tile, tile.code, tile.on, part
        self.scheme, program = tile.scheme, tile.program
        self.active = active
        self.channels = [name for name in active if name in program.channels]
        self.parameters = [name for name in active if name in program.names]
        self.size = len(STATE)
        self.step: Step = tile.step()
        self.between = Interpolation(tile, self.step)
        wanted = tuple(program.arguments.index(name) for name in active)
        self.pull_back = Derivative(self.step, program.pull_back(wanted), self.size)
        zero = self.on.number(0.0)
        self.state, self.cotangent = tile.variables([zero] * self.size), tile.variables([zero] * self.size)
        self.totals = dict(zip(self.parameters, tile.variables([zero] * len(self.parameters)), strict=True))

    def run(self) -> None:
        tile, code = self.tile, self.code
        self._add_cotangents("final", 0)
        path = code.allocate(tile.stride * (self.size * tile.W * tile.bytes))
        failed = path.equals(0)
        with code.when(failed):
            code.put(tile.block, ffi.FAILED, 1)
        saves, until_save = Counter(code, tile.steps // tile.every), Counter(code, tile.steps % tile.every)
        segments = code.pick(failed, 0, (tile.steps + tile.stride - 1) // tile.stride)
        with code.loop_down(segments) as segment:
            start = segment * tile.stride
            stop = (start + tile.stride).min(tile.steps)
            self._segment_states(segment, start, stop, path)
            with code.loop_down(stop, start) as i:
                with code.when(until_save.now.equals(0)):
                    saves.add(-1)
                    self._add_cotangents("saved", self.between.end(saves.now))
                    until_save.set(tile.every)
                until_save.add(-1)
                with code.when(tile.stride > 1):
                    for axis, value in enumerate(self.state):
                        value.set(self._load_path(path, i - start, axis))
                self._transposed_step(i)
        code.release(path)
        for axis, value in zip(STATE, self.cotangent, strict=True):
            tile.put_row(value.get(), f"c_m_{axis}")
        for name, value in self.totals.items():
            tile.put_row(value.get(), f"c_{name}")

    def _add_cotangents(self, name: str, place: Any) -> None:
        """What the run's results have as cotangents joins that of the state."""
        for axis, value in zip(STATE, self.cotangent, strict=True):
            value.set(self.on.add(value.get(), self.tile.own_row(f"c_{name}_{axis}", place)))

    def _place_in_path(self, path: Word, place: Word, axis: int) -> Word:
        return path + (place * self.size + axis) * (self.tile.W * self.tile.bytes)

    def _load_path(self, path: Word, place: Word, axis: int) -> Any:
        return self.code.load(self._place_in_path(path, place, axis), self.on.type, align=self.tile.bytes)

    def _segment_states(self, segment: Word, start: Word, stop: Word, path: Word) -> None:
        """The states of a segment: the first is the one kept, the others go into `path`, by stepping forward again."""
        tile, code = self.tile, self.code
        for axis, value in enumerate(self.state):
            value.set(tile.row("kept", segment * self.size + axis))
        with code.when(tile.stride > 1), code.loop(stop, start) as i:
            for axis, value in enumerate(self.state):
                code.store(value.get(), self._place_in_path(path, i - start, axis), align=tile.bytes)
            with code.when(i + 1 < stop):
                advance(tile, self.step, self.state, i)

    def _transposed_step(self, i: Word) -> None:
        """From the cotangent of the state after a step to that before it, and to those of all that is wanted."""
        on, step, tableau = self.on, self.step, self.scheme.tableau
        inputs = self.tile.inputs(i)
        now = [value.get() for value in self.state]
        taken = step.take(now, inputs)
        after = [value.get() for value in self.cotangent]
        g = step.along_sphere(taken.new, after, step.scales(taken.new))
        within, of_slopes = self.between.pulled_back(now, taken, i)
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
            found = self.pull_back(taken.states[stage], inputs(stage), slope)
            of_stages[stage] = found[: self.size]
            for name, value in zip(self.active, found[self.size :], strict=True):
                if name in sums:
                    sums[name].append(value)
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
                place, kind = (self.part * tile.steps + i) * nodes + node, self.on.float_type
                pointer = tile.pointers[f"c_{name}"]
                total = code.builder.fadd(code.load(pointer, kind, place), self.on.over_lanes(value))
                code.store(total, pointer, place)
