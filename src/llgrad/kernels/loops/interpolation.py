"""The polynomial through a step in each of the passes: states between the ends of a step, and what is linear in them.

It ends at the step's end before the projection, so each of its states is projected by itself. A step gives `count`
states at equal fractions of it, of which the last is its end. How many is a number of the run, not of the kernel.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llgrad.kernels.builder.code import Word
from llgrad.kernels.loops.step import SchemeStep, StepTaken
from llgrad.kernels.loops.tile import Tile

Slopes = Mapping[int, Sequence[Any]]
"""By stage, the components of its slope without the factors that are in the weights."""
WEIGHTS = "dense"
"""The operand that holds the weights of all stages at each fraction."""


class Interpolation:
    """The states that a step gives: only its end, where the scheme has no polynomial."""

    def __init__(self, tile: Tile, step: SchemeStep) -> None:
        self.tile, self.step, self.code, self.on = tile, step, tile.code, tile.on
        tableau, self.state = tile.scheme.tableau, tile.program.state
        self.present, self.stages = tableau.interpolates, len(tableau.b)
        self.count = tile.size(WEIGHTS) // self.stages if self.present else self.code.word(1)
        self.used = tableau.used_by_polynomial if self.present else ()

    def end(self, saves: Word) -> Word:
        """The row of the state at the end of an interval between saves."""
        return saves * self.count + (self.count - 1) if self.present else saves

    def rows(self, saves: Word) -> Word:
        """How many rows so many intervals have."""
        return saves * self.count if self.present else saves

    @contextlib.contextmanager
    def inside(self, i: Word) -> Iterator[tuple[Word, dict[int, Any]]]:
        """The states within step i, but its end: the row of each, and the weights of the stages in it."""
        code, tile = self.code, self.tile
        with code.loop(self.count - 1) as j:
            place = j * self.stages
            yield (
                i * self.count + j,
                {
                    stage: self.on.everywhere(code.load(tile.pointers[WEIGHTS], self.on.float_type, place + stage))
                    for stage in self.used
                },
            )

    def slopes(self, taken: StepTaken) -> dict[int, list[Any]]:
        """The slopes that the polynomial needs, by stage, without the factors that are in the weights."""
        return {stage: taken.slopes[stage].whole for stage in self.used}

    def value(self, now: Sequence[Any], slopes: Slopes, weights: Mapping[int, Any]) -> list[Any]:
        """The polynomial's state, not projected."""
        on, found = self.on, []
        for axis, start in enumerate(now):
            moved = on.sum([on.mul(weight, slopes[stage][axis]) for stage, weight in weights.items()])
            found.append(on.add(start, on.mul(self.step.weights.rate[axis], moved)))
        return found

    # ---- what the passes do with it

    def save(self, now: Sequence[Any], taken: StepTaken, i: Word) -> None:
        """Forward: write the states within step i."""
        if not self.present:
            return
        with self.inside(i) as (row, weights):
            state = self.step.projected(self.value(now, self.slopes(taken), weights))
            self.tile.put_rows([(value, f"saved_{name}", row) for name, value in zip(self.state, state, strict=True)])

    def save_tangents(
        self,
        now: Sequence[Any],
        taken: StepTaken,
        i: Word,
        directions: Sequence[tuple[Sequence[Any], Sequence[Sequence[Any]]]],
        rate: Sequence[Any],
    ) -> None:
        """Tangent: write those of the states within step i; a direction is the tangent before it, and of its slopes,
        which are for a unit of each component's `rate`.
        """
        if not self.present:
            return
        on, step, tile = self.on, self.step, self.tile
        total = self.rows(tile.steps)
        with self.inside(i) as (row, weights):
            state = self.value(now, self.slopes(taken), weights)
            scales = step.scales(state)
            for k, (start, slopes) in enumerate(directions):
                moved = [
                    on.add(
                        c, on.mul(rate[axis], on.sum([on.mul(w, slopes[stage][axis]) for stage, w in weights.items()]))
                    )
                    for axis, c in enumerate(start)
                ]
                tangent, place = step.along_sphere(state, moved, scales), total * k + row
                tile.put_rows(
                    [(value, f"d_saved_{name}", place) for name, value in zip(self.state, tangent, strict=True)]
                )

    def pulled_back(self, now: Sequence[Any], slopes: Slopes, i: Word) -> tuple[list[Any], dict[int, list[Any]]]:
        """Adjoint: what the cotangents of the states within step i are for the state before it, and for its slopes."""
        if not self.present:
            return [], {}
        on, step, tile, zero = self.on, self.step, self.tile, self.on.number(0.0)
        of_state = tile.variables([zero for _ in now])
        of_slopes = {stage: tile.variables([zero for _ in now]) for stage in self.used}
        with self.inside(i) as (row, weights):
            state = self.value(now, slopes, weights)
            given = [tile.own_row(f"c_saved_{name}", row) for name in self.state]
            g = step.along_sphere(state, given, step.scales(state), transposed=True)
            for variable, value in zip(of_state, g, strict=True):
                variable.set(on.add(variable.get(), value))
            for stage, weight in weights.items():
                for variable, value in zip(of_slopes[stage], g, strict=True):
                    variable.set(on.add(variable.get(), on.mul(weight, value)))
        found = {stage: [on.mul(step.h, v.get()) for v in values] for stage, values in of_slopes.items()}
        return [variable.get() for variable in of_state], found
