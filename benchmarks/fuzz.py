"""Damaged files through every reader and loader: `python -m benchmarks.fuzz [--files N] [--seed S] [--instruments]`.

Each file is a good one, damaged at random, and goes through every reader that its ending is for. A reader may give what
is finite, or refuse by a ValueError of one sentence; anything else is a fault, and is told with the number of the file,
which with the seed makes it again: `python -m benchmarks.fuzz --seed 0 --only 4711`.
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.fuzzing.damage import damaged
from benchmarks.fuzzing.readers import readers_of
from benchmarks.fuzzing.recordings import recordings
from benchmarks.fuzzing.samples import Sample, samples
from benchmarks.fuzzing.verdict import fault_of
from llgrad.datasets.hdf5 import asking

FILES = 20_000


class Fault(NamedTuple):
    """A reader that did neither of the two."""

    number: int
    sample: str
    reader: str
    what: str
    trace: str


class Count(NamedTuple):
    """How many files were read, refused, or neither, by each reader."""

    outcomes: collections.Counter[tuple[str, str]]
    faults: list[Fault]


def run(
    numbers: range | list[int],
    seed: int,
    folder: pathlib.Path,
    tell: Any = None,
    kinds: Sequence[Sample] | None = None,
) -> Count:
    """Damage files and read them; the number of a file and the seed make it. `kinds` are the good ones, all
    of text, arrays and devices if not given."""
    kinds = samples() if kinds is None else kinds
    found = Count(collections.Counter(), [])
    for number in numbers:
        rng = np.random.default_rng([seed, number])
        sample = kinds[number % len(kinds)]
        path = folder / sample.name
        path.write_bytes(damaged(sample, rng))
        for reader in readers_of(sample):
            outcome, fault = _outcome(number, sample, reader, path)
            found.outcomes[reader.name, outcome] += 1
            if fault is not None:
                found.faults.append(fault)
                if tell is not None:
                    tell(f"file {number} ({sample.name}) {reader.name}: {fault.what}")
    return found


def _outcome(number: int, sample: Sample, reader: Any, path: pathlib.Path) -> tuple[str, Fault | None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = reader.read(path)
    except Exception as error:  # every kind is looked at: this is what is measured
        what = fault_of(error)
        if what is None:
            return "refused", None
        return "fault", Fault(number, sample.name, reader.name, what, traceback.format_exc())
    what = fault_of(result)
    return ("read", None) if what is None else ("fault", Fault(number, sample.name, reader.name, what, ""))


def instruments(name: str = "") -> list[Sample]:
    """The good files of instruments, or that of a name."""
    return [Sample(one, content) for one, content in recordings().items() if name in ("", one)]


def main() -> None:
    """Run, print the table, and end with status 1 where there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--instruments",
        nargs="?",
        const="",
        help="files of instruments (HDF5, TDMS, oscilloscopes), each as often; or only the one of this name",
    )
    parser.add_argument("--only", type=int, help="the number of one file, to look into")
    given = parser.parse_args()
    kinds = None if given.instruments is None else instruments(given.instruments)
    asking.SILENCE = 5.0  # the library reads some damaged files for ever
    numbers = range(given.files) if given.only is None else [given.only]
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = run(numbers, given.seed, pathlib.Path(folder), lambda line: print(line, flush=True), kinds)
    print(f"\nseed {given.seed}, {len(numbers)} files, {time.perf_counter() - begun:.0f} s\n")
    print(f"{'reader':<22}{'read':>9}{'refused':>9}{'faults':>9}")
    for name in sorted({name for name, _ in found.outcomes}):
        print(f"{name:<22}" + "".join(f"{found.outcomes[name, one]:>9}" for one in ("read", "refused", "fault")))
    total = [sum(n for (_, one), n in found.outcomes.items() if one == kind) for kind in ("read", "refused", "fault")]
    print(f"{'all':<22}" + "".join(f"{count:>9}" for count in total))
    if given.only is not None:
        print(*(fault.trace for fault in found.faults))
    sys.exit(bool(found.faults))


if __name__ == "__main__":
    main()
