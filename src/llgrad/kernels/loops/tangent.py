"""The tangent pass: the derivative of a run in several directions at once, carried beside the state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from llgrad.kernels.builder.code import Code, Counter, Word
from llgrad.kernels.builder.handler import Block
from llgrad.kernels.loops.derivative import Pushed
from llgrad.kernels.loops.interpolation import Interpolation
from llgrad.kernels.loops.step import Inputs, Scheme, SchemeStep, StepTaken
from llgrad.kernels.loops.tables import TableInMemory
from llgrad.kernels.loops.tile import Tile, common_operands, pass_module

MOST: Final = 4
"""Directions in one sweep; more are done in several."""


def tangent_module(scheme: Scheme, wanted: tuple[str, ...], directions: int) -> Any:
    """The module of a tangent pass: `wanted` parameters and channels have tangents, and so has m0."""
    program = scheme.program
    active = [name for name in program.varied if name in wanted]
    given = [f"d_{name}" for name in program.starts] + [f"d_{name}" for name in active]
    results = [f"d_{kind}_{axis}" for kind in ("saved", "final") for axis in program.state]
    operands = [*common_operands(program, scheme.tableau.interpolates), *given, *results]

    def item(code: Code, block: Block, index: Word) -> None:
        _Tangents(Tile(code, scheme, operands, block, index), active, directions).run()

    return pass_module(scheme, operands, item, f"tangent pass in {directions} directions")


class _Tangents:
    """The tangents of one tile."""

    def __init__(self, tile: Tile, active: list[str], directions: int) -> None:
        self.tile, self.code, self.on, self.K = tile, tile.code, tile.on, directions
        self.scheme, program = tile.scheme, tile.program
        self.active = active
        self.parameters = [name for name in active if name in program.names]
        self.channels = [name for name in active if name in program.channels]
        self.step: SchemeStep = tile.step()
        self.push = Pushed(self.step, active, directions)
        self.step.prepare(self.push.depths)
        self.between = Interpolation(tile, self.step)
        self.state = tile.variables(tile.initial_state())
        self.tangents = [
            tile.variables([tile.row(f"d_{name}", k) for name in program.starts]) for k in range(directions)
        ]
        self.of_parameters: list[dict[str, Any]] = [
            {name: self._parameter(name, k) for name in self.parameters}
            | {
                name: TableInMemory(tile, f"d_{name}", size, tile.has_own(name), k, directions)
                for name, size in program.tables.items()
                if name in active
            }
            for k in range(directions)
        ]

    def _parameter(self, name: str, k: int) -> Any:
        size = self.tile.size(f"d_{name}") // self.K
        return self.tile.each(f"d_{name}", size * k, size)

    def run(self) -> None:
        tile, code = self.tile, self.code
        until_save, saves = Counter(code, tile.every), Counter(code, 0)
        total, between = self.between.rows(tile.steps // tile.every), self.between
        with code.loop(tile.steps) as i:
            self._advance(i)
            until_save.add(-1)
            with code.when(until_save.now.equals(0)):
                self._store("saved", lambda k: total * k + between.end(saves.now))
                until_save.set(tile.every)
                saves.add(1)
        self._store("final", lambda k: k)

    def _store(self, name: str, place: Any) -> None:
        self.tile.put_rows(
            [
                (value.get(), f"d_{name}_{axis}", place(k))
                for k, tangent in enumerate(self.tangents)
                for axis, value in zip(self.tile.program.state, tangent, strict=True)
            ]
        )

    def _advance(self, i: Word) -> None:
        step, inputs = self.step, self.tile.inputs(i)
        now = [value.get() for value in self.state]
        starts = [[value.get() for value in variables] for variables in self.tangents]
        samples = [self._samples(i, k) for k in range(self.K)]
        taken, slopes, ends = carried(
            step, self.push, now, starts, inputs, lambda k, stage: self._active(k, stage, samples[k])
        )
        for variables, end in zip(self.tangents, ends, strict=True):
            for variable, value in zip(variables, end, strict=True):
                variable.set(value)
        rate = step.scaled(self.push.depths).rate
        self.between.save_tangents(now, taken, i, list(zip(starts, slopes, strict=True)), rate)
        new, _ = step.finish(now, taken.new)
        for variable, value in zip(self.state, new, strict=True):
            variable.set(value)

    def _samples(self, i: Word, k: int) -> dict[tuple[str, int], Any]:
        """The tangents of the drive's samples of a step."""
        tile, nodes = self.tile, self.scheme.nodes
        return {
            (name, node): tile.sample(name, (tile.steps * k + i) * nodes + node, f"d_{name}")
            for name in self.channels
            for node in range(nodes)
        }

    def _active(self, k: int, stage: int, samples: dict[tuple[str, int], Any]) -> list[Any]:
        node = self.scheme.tableau.node_of_stage[stage]
        return [samples[name, node] if name in self.channels else self.of_parameters[k][name] for name in self.active]


def carried(
    step: SchemeStep,
    push: Pushed,
    now: Sequence[Any],
    starts: Sequence[list[Any]],
    inputs: Inputs,
    active: Callable[[int, int], list[Any]] = lambda k, stage: [],
) -> tuple[StepTaken, list[list[list[Any]]], list[list[Any]]]:
    """A step from a state, the slopes of its tangents, and their ends; `active` (direction, stage) gives the tangents
    of what has any beside the state.
    """
    taken = step.take(now, inputs)
    scales = step.scales(taken.new)
    slopes: list[list[list[Any]]] = [[] for _ in starts]
    factors, last, _ = step.scaled(push.depths)
    for stage in range(step.scheme.stages):
        weights = {j: factors[stage, j] for j in range(stage) if (stage, j) in factors}
        directions = [[*_moved(step, start, weights, slopes[k]), *active(k, stage)] for k, start in enumerate(starts)]
        for before, pushed in zip(slopes, push(taken.states[stage], inputs(stage), directions), strict=True):
            before.append(pushed)
    ends = [
        step.along_sphere(taken.new, _moved(step, start, last, own), scales)
        for start, own in zip(starts, slopes, strict=True)
    ]
    return taken, slopes, ends


def _moved(
    step: SchemeStep, start: list[Any], weights: Mapping[int, Sequence[Any]], slopes: list[list[Any]]
) -> list[Any]:
    on = step.on
    return [
        on.sum([c, *(on.mul(w[axis], slopes[j][axis]) for j, w in weights.items())]) for axis, c in enumerate(start)
    ]
