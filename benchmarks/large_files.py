"""A window of a recording of 1 GB, one channel: `python -m benchmarks.large_files [--samples N] [--window N]`.

Expect less than 3 s and at most twice the memory of the window (16 bytes a sample: times and values) for each format.
Linux only. The file is written first, in a folder that is deleted again, and is in the system's memory then: what a
disk adds is not counted. Each format is read by a process of its own, whose peak of resident memory, less what it has
before, with that of the process that reads HDF5 for it, is compared to the window.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from benchmarks.history import add_option, keep

SAMPLES: Final = 125_000_000
"""Doubles: 1 GB."""
WINDOW: Final = 10_000_000
PIECE: Final = 5_000_000
INTERVAL: Final = 1e-10
LONGEST, MOST = 3.0, 2.0
"""Seconds and windows."""


def pieces(samples: int) -> list[np.ndarray]:
    """The same noise again and again, up to so many samples."""
    noise = np.random.default_rng(0).standard_normal(PIECE)
    return [noise[: min(PIECE, samples - first)] for first in range(0, samples, PIECE)]


def write_hdf5(path: pathlib.Path, samples: int) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        channel = file.create_dataset("CH1", (samples,), np.float64, chunks=(1 << 16,))
        for number, values in enumerate(pieces(samples)):
            channel[number * PIECE : number * PIECE + values.size] = values
        channel.attrs["units"] = "V"


def write_tdms(path: pathlib.Path, samples: int) -> None:
    """As LabVIEW logs: one chunk after another, each with the waveform's interval."""
    import nptdms

    said = {"wf_increment": INTERVAL, "wf_start_offset": 0.0, "unit_string": "Volts"}
    with nptdms.TdmsWriter(path) as writer:
        for values in pieces(samples):
            writer.write_segment([nptdms.ChannelObject("scope", "AI0", values, properties=said)])


FORMATS: Final[dict[str, Callable[[pathlib.Path, int], None]]] = {"large.h5": write_hdf5, "large.tdms": write_tdms}


def read(path: pathlib.Path, samples: int, window: int) -> dict[str, float]:
    """Seconds and bytes that a window in the middle takes, and how large it is."""
    import llgrad as lg
    from llgrad.datasets.hdf5.asking import LIBRARY

    told = {"interval": INTERVAL} if path.suffix == ".h5" else {}
    begin = (samples // 2) * INTERVAL
    lg.read_trace(path, window=(begin, begin + 9.5 * INTERVAL), **told)  # what is imported and started is there then
    processes = [os.getpid()] + ([] if LIBRARY.process is None else [LIBRARY.process.pid])
    for process in processes:
        pathlib.Path(f"/proc/{process}/clear_refs").write_text("5")  # the peak is counted from here
    before = sum(_resident(process, "VmRSS") for process in processes)
    worked = sum(map(_worked, processes))
    first = time.perf_counter()
    trace = lg.read_trace(path, window=(begin, begin + (window - 0.5) * INTERVAL), **told)
    seconds = time.perf_counter() - first
    size = trace.t.nbytes + trace.columns["voltage"].nbytes
    if trace.t.size != window:
        raise RuntimeError(f"{path.name}: {trace.t.size} samples came, {window} were asked for")
    worked = sum(map(_worked, processes)) - worked
    most = sum(_resident(process, "VmHWM") for process in processes)
    return {"seconds": seconds, "worked": worked, "bytes": most - before, "window": size}


def _resident(process: int, what: str) -> int:
    """Bytes of resident memory of a process: now (VmRSS), or the most since they are counted (VmHWM)."""
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{what}:"))


def _worked(process: int) -> float:
    """Processor seconds of a process."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Write, read, print; status 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--window", type=int, default=WINDOW)
    parser.add_argument("--read", type=pathlib.Path, help=argparse.SUPPRESS)
    add_option(parser)
    given = parser.parse_args()
    if given.read is not None:
        print(json.dumps(read(given.read, given.samples, given.window)))
        return
    missed, figures = False, {}
    print(f"{'file':<14}{'GB':>7}{'s':>8}{'processor s':>13}{'memory/window':>15}")
    with tempfile.TemporaryDirectory() as folder:
        for name, write in FORMATS.items():
            path = pathlib.Path(folder) / name
            write(path, given.samples)
            size = os.path.getsize(path) / 1e9
            again = ["--read", str(path), "--samples", str(given.samples), "--window", str(given.window)]
            command = [sys.executable, "-m", "benchmarks.large_files", *again]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            path.unlink()
            share = found["bytes"] / found["window"]
            missed |= found["seconds"] > LONGEST or share > MOST
            figures |= {f"{name} [s]": found["seconds"], f"{name}, processor [s]": found["worked"]}
            figures[f"{name}, memory/window"] = share
            print(f"{name:<14}{size:>7.2f}{found['seconds']:>8.2f}{found['worked']:>13.2f}{share:>15.2f}")
    keep(given.json, "large_files", figures)
    sys.exit(missed)


if __name__ == "__main__":
    main()
