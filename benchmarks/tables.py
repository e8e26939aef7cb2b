"""Fits of tables of frequencies by this build beside another revision of it: their processor time, and their intervals.

    python -m benchmarks.tables 0509da9 [--repeats 7]

The works are those of `benchmarks.works`; each build has a process, which does them in turns. What is compared
is processor time, all threads together, which changes less than the clock on a machine that others use too. The first
fit of a process holds what it compiles.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import tempfile
from typing import Final

import numpy as np

from benchmarks.against import HERE, Build, revision
from benchmarks.history import add_option, keep

FITS: Final = ("fit of a table of 8 frequencies", "fit of a table beside other orbits")


def main() -> None:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("revision")
    parser.add_argument("--repeats", type=int, default=7)
    add_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sources = [HERE.parent / "src", revision(options.revision, pathlib.Path(folder))]
        builds = [Build(source, f"{folder}/kernels{index}") for index, source in enumerate(sources)]
        figures = {}
        for name in FITS:
            first = [float(build.ask(f"first {name}")) for build in builds]
            mine, other = (np.fromstring(build.ask(f"answer {name}").strip("[]\n"), sep=",") for build in builds)
            if len(mine) != len(other):
                print(f"{name}: {options.revision} cannot do it")
                continue
            turns = [[float(build.ask(f"work {name}")) for build in builds] for _ in range(options.repeats)]
            warm = [statistics.median(turn[index] for turn in turns) for index in range(len(builds))]
            figures |= {f"{name}, first [processor s]": first[0], f"{name}, warm [processor s]": warm[0]}
            print(
                f"{name}, processor s of this build and of {options.revision}: first {first[0]:.3g}, {first[1]:.3g} "
                f"({first[1] / first[0]:.2g} times faster); warm {warm[0]:.3g}, {warm[1]:.3g} "
                f"({warm[1] / warm[0]:.2g} times faster)"
            )
            for kind, place in (("values", 0), ("standard errors", 1)):
                apart = np.abs(mine[place::2] / other[place::2] - 1).max()
                print(f"  {kind} of this build {mine[place::2]}, apart by {apart:.1e} of them at most")
        keep(options.json, "tables", figures)
        for build in builds:
            build.close()


if __name__ == "__main__":
    main()
