"""This build beside another revision of it, on the same work, in turns.

    python -m benchmarks.against 0509da9 [--repeats 7] [--only WORDS]

The other revision's sources are put into a folder of their own; what it needs (Numba, for one) is installed by the
`bench` extra. Each build has a process, which does each work when it is asked to: a machine whose speed drifts is fair
to both. Kernels are made in new processes with empty caches.

What it printed on two cores with AVX-512, times faster than 0509da9: one trajectory 0.96, its gradient 1.27; 4,096
trajectories 1.22 to 1.40, value and gradient 1.19, three tangents 1.25 to 1.28; the same with a tanh and an exp 6.1;
128 coupled oscillators with 256 samples in float32 0.97; one array of 1, 10, 100 and 1,000 oscillators 1.45, 1.05,
1.18, 1.05; a fit of a trace 1.13, 50 of them 21 (processor time). Making the kernels: forward 21.9, adjoint 21.7, four
tangents 21.0, coupled adjoint 24.1. First simulation from the command line: 2.4, with empty caches 13.9. The whole demo
with empty caches: 1.9.
"""

from __future__ import annotations

import argparse
import io
import os
import pathlib
import statistics
import subprocess
import sys
import tarfile
import tempfile

from rich.console import Console
from rich.table import Table

from benchmarks.works import COLD, WORKS

HERE = pathlib.Path(__file__).parent


class Build:
    """A process that runs works with the sources of a folder."""

    def __init__(self, source: pathlib.Path, cache: str):
        environment = {**os.environ, "PYTHONPATH": str(source), "LLGRAD_CACHE_DIR": cache}
        command = [sys.executable, str(HERE / "works.py")]
        self.process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, order: str) -> str:
        """What the process answers."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the build ended at {order!r}")
        return answer

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def revision(name: str, folder: pathlib.Path) -> pathlib.Path:
    """The sources of a revision, in a folder."""
    packed = subprocess.run(["git", "archive", name, "src"], cwd=HERE.parent, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as file:
        file.extractall(folder, filter="data")
    return folder / "src"


def compared(sources: list[pathlib.Path], names: list[str], repeats: int, folder: str) -> dict[str, list[float]]:
    """Median seconds of each work by each build."""
    found = {}
    builds = [Build(source, f"{folder}/kernels{index}") for index, source in enumerate(sources)]
    for name in names:
        for build in builds:
            build.ask(f"time {name}")
        turns = [[float(build.ask(f"time {name}")) for build in builds] for _ in range(repeats)]
        found[name] = [statistics.median(turn[index] for turn in turns) for index in range(len(builds))]
        print(name, *(f"{value * 1e3:.4g} ms" for value in found[name]), flush=True)
    for build in builds:
        build.close()
    return found


def made(sources: list[pathlib.Path], names: list[str], repeats: int, folder: str) -> dict[str, list[float]]:
    """Median processor seconds of making the kernels of each work by each build, with empty caches."""
    found = {}
    for name in names:
        turns = []
        for turn in range(repeats):
            builds = [Build(source, f"{folder}/cold/{name}{turn}{index}") for index, source in enumerate(sources)]
            turns.append([float(build.ask(f"cold {name}")) for build in builds])
            for build in builds:
                build.close()
        found[name] = [statistics.median(turn[index] for turn in turns) for index in range(len(sources))]
    return found


STARTS = "first simulation"
DEMO = "whole demo, empty caches, processor time"
IMPORTS = ("-c", "import jax, equinox")
SIMULATION = ("-m", "llgrad", "simulate", "kubota2013", "--duration", "1ns", "--dt", "1ps", "--json")


def processor_seconds(arguments: tuple[str, ...], source: pathlib.Path, cache: str) -> float:
    """What a command takes, all its threads together, with the sources of a build and a folder of kernels."""
    environment = {**os.environ, "PYTHONPATH": str(source), "LLGRAD_CACHE_DIR": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled once, as in every installation
    before = os.times()
    subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def commands(sources: list[pathlib.Path], repeats: int, folder: str) -> dict[str, list[float]]:
    """Median processor seconds of the first simulation from the command line by each build, beyond `IMPORTS`."""
    found: dict[str, list[list[float]]] = {"warm": [], "empty cache": []}
    for index, source in enumerate(sources):
        processor_seconds(SIMULATION, source, f"{folder}/command{index}")
    for turn in range(repeats):
        bare = processor_seconds(IMPORTS, sources[0], folder)
        for name, cache in (("warm", f"{folder}/command"), ("empty cache", f"{folder}/cold{turn}")):
            taken = [processor_seconds(SIMULATION, s, f"{cache}{index}") - bare for index, s in enumerate(sources)]
            found[name].append(taken)
    return {name: [statistics.median(column) for column in zip(*turns, strict=True)] for name, turns in found.items()}


def demos(sources: list[pathlib.Path], repeats: int, folder: str) -> dict[str, list[float]]:
    """Median processor seconds of `llgrad demo` by each build, with empty caches."""
    turns = []
    for turn in range(repeats):
        places = [pathlib.Path(folder, f"demo{turn}{index}") for index in range(len(sources))]
        for place in places:
            place.mkdir()
        arguments = [("-m", "llgrad", "demo", "--out", str(place / "files")) for place in places]
        turns.append([processor_seconds(a, s, str(p)) for a, s, p in zip(arguments, sources, places, strict=True)])
    return {DEMO: [statistics.median(column) for column in zip(*turns, strict=True)]}


def main() -> None:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("revision")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", default="", help="works whose names hold these words")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sources = [HERE.parent / "src", revision(options.revision, pathlib.Path(folder))]
        works = [name for name in WORKS if options.only in name]
        cold = [name for name in COLD if options.only in f"kernels: {name}"]
        table = Table("work", "this build", options.revision, "times faster", title="medians, builds in turns")
        for prefix, found in (
            ("", compared(sources, works, options.repeats, folder)),
            ("kernels: ", made(sources, cold, max(1, options.repeats // 3), folder)),
            ("first simulation: ", commands(sources, options.repeats, folder) if options.only in STARTS else {}),
            ("", demos(sources, max(1, options.repeats // 3), folder) if options.only in DEMO else {}),
        ):
            for name, (mine, other) in found.items():
                shown = (f"{mine * 1e3:.4g} ms", f"{other * 1e3:.4g} ms", f"{other / mine:.3g}")
                table.add_row(prefix + name, *("–" if "nan" in cell else cell for cell in shown))
    Console().print(table)


if __name__ == "__main__":
    main()
