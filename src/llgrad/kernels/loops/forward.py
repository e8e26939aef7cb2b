"""The forward pass: states after every k steps, the final state, the first bad step; and, to differentiate, states
kept.
"""

from __future__ import annotations

from llgrad.kernels.expression.equations import STATE
from llgrad.kernels.loops.file import kernel_file
from llgrad.kernels.loops.tile import NEVER, Operands, Scheme, Tile, common_operands, indent


def forward_source(scheme: Scheme, keep: bool) -> str:
    """The source file of a forward pass. With `keep` it also stores the state before every `stride`-th step."""
    saved, final = [f"saved_{axis}" for axis in STATE], [f"final_{axis}" for axis in STATE]
    operands = Operands([*common_operands(scheme.program), *saved, *final, "first_bad", *(["kept"] if keep else [])])
    tile = Tile(scheme, operands)
    kind = scheme.program.dtype
    pointers = [f"P_{name} = {operands.pointer(name, kind)}" for name in (*saved, *final, *(["kept"] if keep else []))]
    never = tile.number(NEVER)
    lines = [
        *tile.open(),
        *pointers,
        f"P_bad = {operands.pointer('first_bad', 'int32')}",
        *tile.load_parameters(),
        *tile.load_state(),
        "for l in range(width):",
        f"    {tile.at('bad')} = {never}",
        "until_save, saves, until_keep, keeps = every, 0, 0, 0",
        "for i in range(steps):",
        *indent(_keep(tile) if keep else []),
        *indent(tile.advance("i")),
        "    until_save -= 1",
        "    if until_save == 0:",
        *indent(_store(tile, "saved", "saves * lanes + "), 2),
        "        until_save = every",
        "        saves += 1",
        *_store(tile, "final", ""),
        "for l in range(count):",
        f"    P_bad[base + l] = -1 if {tile.at('bad')} == {never} else np.int32({tile.at('bad')})",
    ]
    functions = [*tile.noise(), tile.rhs()]
    return kernel_file(tile, functions, lines, "forward pass" + " that keeps states" * keep)


def _store(tile: Tile, name: str, offset: str) -> list[str]:
    return [tile.store(axis, f"P_{name}_{axis}", f"{offset}base") for axis in STATE]


def _keep(tile: Tile) -> list[str]:
    stores = [tile.store(axis, "P_kept", f"(3 * keeps + {i}) * lanes + base") for i, axis in enumerate(STATE)]
    return ["if until_keep == 0:", *indent([*stores, "until_keep = stride", "keeps += 1"]), "until_keep -= 1"]
