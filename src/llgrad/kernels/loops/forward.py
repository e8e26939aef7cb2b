"""The forward pass: states after every k steps, the final state, the first bad step; and, to differentiate, states
kept.
"""

from __future__ import annotations

from typing import Any

from llgrad.kernels.builder.code import Code, Counter, Variable, Word
from llgrad.kernels.builder.handler import Block
from llgrad.kernels.loops.interpolation import Interpolation
from llgrad.kernels.loops.kept import NAME, Kept
from llgrad.kernels.loops.step import Scheme
from llgrad.kernels.loops.tile import Health, Tile, common_operands, pass_module


def forward_module(scheme: Scheme, keep: bool) -> Any:
    """The module of a forward pass. With `keep` it also stores the state before every `stride`-th step."""
    saved, final = ([f"{kind}_{name}" for name in scheme.program.state] for kind in ("saved", "final"))
    operands = [
        *common_operands(scheme.program, scheme.tableau.interpolates),
        *saved,
        *final,
        "first_bad",
        *([NAME] if keep else []),
    ]

    def item(code: Code, block: Block, index: Word) -> None:
        tile = Tile(code, scheme, operands, block, index)
        step, state, health = tile.step(), tile.variables(tile.initial_state()), Health(tile)
        between = Interpolation(tile, step)
        until_save, saves = Counter(code, tile.every), Counter(code, 0)
        until_keep, keeps, kept = Counter(code, 0), Counter(code, 0), Kept(tile)
        if keep:
            kept.begin(tile.stride)
        with code.loop(tile.steps) as i:
            now = [value.get() for value in state]
            if keep:
                with code.when(until_keep.now.equals(0)):
                    kept.put(keeps.now, now)
                    until_keep.set(tile.stride)
                    keeps.add(1)
                until_keep.add(-1)
            advance(tile, step, state, i, health, between)
            until_save.add(-1)
            with code.when(until_save.now.equals(0)):
                place = between.end(saves.now)
                tile.put_rows([(value.get(), name, place) for name, value in zip(saved, state, strict=True)])
                until_save.set(tile.every)
                saves.add(1)
        tile.put_rows([(value.get(), name, 0) for name, value in zip(final, state, strict=True)])
        health.write("first_bad")

    return pass_module(scheme, operands, item, "forward pass" + " that keeps states" * keep)


def advance(
    tile: Tile,
    step: Any,
    state: list[Variable],
    i: Word,
    health: Health | None = None,
    between: Interpolation | None = None,
) -> None:
    """One step of all trajectories of a tile; the states within it are written where `between` is given."""
    now = [value.get() for value in state]
    taken = step.take(now, tile.inputs(i))
    if between is not None:
        between.save(now, taken, i)
    new, fine = step.finish(now, taken.new)
    if health is not None and fine is not None:
        health.note(fine, i)
    for variable, value in zip(state, new, strict=True):
        variable.set(value)
