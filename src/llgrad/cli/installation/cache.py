"""`llgrad cache`: the folder of compiled kernels, what is in it, and the way to empty it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from llgrad.cli.output import JsonOption, command_line, print_json
from llgrad.core.run_record import run_record


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete all of it. Nothing is lost but time.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print what each kernel computes, as formulas.")] = False,
    json: JsonOption = False,
) -> None:
    """Show the folder of compiled kernels, with the number and the size of each kind; or empty it.

    The native engine compiles a kernel once for each equation of motion, and keeps it with the instructions as text.
    $LLGRAD_CACHE_DIR names another folder.
    """
    from llgrad.kernels.machine import cache as kernels  # LLVM, which no other command needs before it simulates

    kinds = _by_kind(kernels.entries(), kernels.xla_entries())
    cleared = kernels.clear() if clear else None
    if json:
        found = {"folder": str(kernels.folder()), "kinds": kinds, "cleared": cleared is not None}
        print_json(run_record("cache", command=command_line()) | found)
        return
    number, size = (sum(kind[name] for kind in kinds.values()) for name in ("files", "bytes"))
    if cleared is not None:
        print(f"{kernels.folder()}: {number} files deleted, {_size(size)}")
        return
    print(f"{kernels.folder()}: " + (f"{number} files, {_size(size)}" if number else "nothing is kept"))
    for file, _ in kernels.entries() if show else ():
        print(f"\n{file.name}\n{kernels.about(file)}")
    for name, kind in () if show else kinds.items():
        print(f"  {name:<10} {kind['files']:>5}  {_size(kind['bytes']):>9}")


def _by_kind(kernels: list[Any], programs: list[Any]) -> dict[str, dict[str, int]]:
    """Number and size of the files of each kind: of kernels, the first word of the name; of XLA's programs, "xla"."""
    kinds: dict[str, dict[str, int]] = {}
    named = [(file.stem.split("_")[0], size) for file, size in kernels] + [("xla", size) for _, size in programs]
    for name, size in sorted(named):
        kind = kinds.setdefault(name, {"files": 0, "bytes": 0})
        kind["files"] += 1
        kind["bytes"] += size
    return kinds


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MB" if count >= 2**19 else f"{count / 2**10:.1f} kB"
