"""What processes of a study do in tests: it is imported by workers and drivers."""

import os
import pathlib
import signal
import sys
import time

import llgrad as lg


def squared(n: int) -> dict[str, float]:
    """A case that always works."""
    if n < 0:
        raise ValueError(f"n = {n}, expected a number from 0 on")
    return {"square": float(n * n)}


def once_killed(n: int, folder: str) -> dict[str, float]:
    """Ends its own process in some cases, the first time that they are done; notes all that come to their end."""
    mark = pathlib.Path(folder) / f"killed-{n}"
    if n == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    with open(pathlib.Path(folder) / "done", "a") as file:
        file.write(f"{n}\n")
    return {"square": float(n * n)}


def of_a_file(n: int, folder: str) -> dict[str, float]:
    """A case that fails while a file is not there; notes all that are begun."""
    with open(pathlib.Path(folder) / "done", "a") as file:
        file.write(f"{n}\n")
    if n % 2 and not (pathlib.Path(folder) / f"there-{n}").exists():
        raise ValueError(f"there-{n} is missing")
    return {"square": float(n * n)}


def at_work(n: int) -> dict[str, float]:
    """When a case was done, in which process, and on how many threads its kernels may run."""
    began = time.time()
    time.sleep(0.03)
    return {"pid": os.getpid(), "threads": float(os.environ.get("NPROC", "nan")), "began": began, "ended": time.time()}


def work_that_dies(folder: str) -> lg.studies.Evaluations:
    """Fifteen cases, one of which ends its process."""
    return lg.studies.Evaluations(once_killed, [{"n": n, "folder": folder} for n in range(15)])


if __name__ == "__main__":
    lg.studies.study(work_that_dies(sys.argv[1]), pathlib.Path(sys.argv[1]) / "study", workers=0, batch=2)
