"""Studies of many traces: fits a second, what a second worker and a second thread give, and kills at random moments.

    python -m benchmarks.studies [TRACES] [--kills N] [--json FILE]

Every trace is 5 ns of the reference device with another damping and current, at 10 ps and with noise; three parameters
are free. Speeds are of what comes after every worker has compiled: the time between the first rows and the last.
Candidates run in turns, so that what else the machine does meets all of them. With --kills, N workers and N drivers are
ended by SIGKILL at random moments, and every row must be there once.
"""

from __future__ import annotations

import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, Final

import numpy as np

import llgrad as lg
from benchmarks.history import asked, keep

TURNS: Final = 3
BATCH: Final = 64
FREE: Final = ("alpha", "current", "field.z")
DEVICE: Final = lg.presets.kubota2013().replace(current=0.6e-3)
CANDIDATES: Final = {"1 worker × 1 thread": (1, 1), "2 workers × 1 thread": (2, 1), "1 worker × 2 threads": (1, 2)}


def make_traces(folder: pathlib.Path, count: int) -> None:
    """Write the traces, as .npz."""
    rng = np.random.default_rng(0)
    for number in range(count):
        device = DEVICE.replace(alpha=0.005 * (1 + 0.05 * rng.normal()), current=0.6e-3 * (1 + 0.05 * rng.normal()))
        run = lg.simulate(device, duration=5e-9, dt=1e-12, m0=(0.28, 0.0, 0.96), save=lg.Every(10))
        m = np.asarray(run.m) + 0.01 * rng.normal(size=run.m.shape)
        names = ("mx", "my", "mz")
        np.savez(folder / f"D{number:05}.npz", t=np.asarray(run.t), **dict(zip(names, m.T, strict=True)))


def work_of(folder: pathlib.Path) -> lg.studies.Fits:
    """The study of a folder."""
    return lg.studies.Fits(DEVICE, folder, FREE)


def speed(traces: pathlib.Path, workers: int, threads: int) -> float:
    """Fits a second, once compiled."""
    seen: list[tuple[float, int]] = []

    def tell(told: dict[str, Any]) -> None:
        seen.append((time.perf_counter(), told["done"]))

    with tempfile.TemporaryDirectory() as out:
        study = pathlib.Path(out) / "study"
        lg.studies.study(work_of(traces), study, workers=workers, threads=threads, batch=BATCH, progress=tell)
    first = next(place for place, (_, done) in enumerate(seen) if done >= 4 * BATCH)
    (began, before), (ended, after) = seen[first], seen[-1]
    return (after - before) / (ended - began)


def speeds(traces: pathlib.Path) -> None:
    """Print the speeds of the candidates in turns, and their ratios."""
    found: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    for _ in range(TURNS):
        for name, (workers, threads) in CANDIDATES.items():
            found[name].append(speed(traces, workers, threads))
            print(f"{name}: {found[name][-1]:.0f} fits/s", flush=True)
    one, two, threaded = (statistics.median(values) for values in found.values())
    print(f"two workers over one: {two / one:.2f} (≥ 1.8); over one of two threads: {two / threaded:.2f} (≥ 0.9)")
    print(f"fits a second in all: {two:.0f} (≥ 200)")
    keep(asked(), "studies", {f"{name} [fits/s]": statistics.median(values) for name, values in found.items()})


def kill_at_random(traces: pathlib.Path, count: int) -> None:
    """End workers, then drivers, at random moments; count the rows, and compare them with those of a quiet study."""
    import psutil

    quiet = lg.studies.study(work_of(traces), traces.parent / "quiet", workers=0, batch=BATCH)
    rng = random.Random(1)
    for whom in ("worker", "driver"):
        out, killed = traces.parent / whom, 0
        longest = 3.0
        while True:
            driver = subprocess.Popen([sys.executable, "-m", "benchmarks.studies", "drive", traces, out])
            while driver.poll() is None and killed < count:
                time.sleep(rng.uniform(0.5, longest))
                longest = 12.0
                if driver.poll() is not None:
                    break
                workers = [
                    one for one in psutil.Process(driver.pid).children() if "spawn_main" in " ".join(one.cmdline())
                ]
                victim = driver if whom == "driver" else rng.choice(workers) if workers else None
                if victim is not None:
                    victim.kill()
                    killed += 1
            if driver.wait() == 0:
                break
        found = lg.studies.load_study(out)
        same = found.table.equals(quiet.table)
        print(f"{killed} kills of a {whom}: {len(found)} rows of {len(quiet)}, the same bits: {same}", flush=True)


def main() -> None:
    """Measure, or be the driver that is killed."""
    if sys.argv[1:2] == ["drive"]:
        lg.studies.study(work_of(pathlib.Path(sys.argv[2])), sys.argv[3], workers=2, batch=16)
        return
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    kills = "--kills" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        traces = pathlib.Path(folder) / "traces"
        traces.mkdir()
        make_traces(traces, numbers[0] if numbers and not (kills and len(numbers) == 1) else 2000)
        if kills:
            kill_at_random(traces, numbers[-1])
        else:
            speeds(traces)


if __name__ == "__main__":
    main()
