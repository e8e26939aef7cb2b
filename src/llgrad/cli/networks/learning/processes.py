"""`--processes N`: the command starts itself N times on this machine and watches over the processes.

Where SLURM or Open MPI has started several processes, each of them is one of the run, and none is started.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import IO, Annotated, Final, NamedTuple

import jax
import typer

from llgrad.cli.compilation import cores
from llgrad.core.status import SimulationError
from llgrad.training.files.run_folder import CHECKPOINT
from llgrad.training.processes.joining import VARIABLE, join, place
from llgrad.training.processes.processes import Processes, ProcessLost

ProcessesOption = Annotated[
    int | None, typer.Option("--processes", metavar="N", help="Share each batch out over N processes here.")
]

LOST: Final = 75
"""Status of a started process that lost another one: the command that started it knows why, and tells."""
_MOST_WAITING: Final = 10.0
"""Seconds that the other processes are given to end by themselves when one has ended badly."""
_LOOK: Final = 0.05
"""Seconds between two looks at the processes."""


def joined(number: int | None, run: pathlib.Path | None, options: Sequence[str]) -> Processes | None:
    """This process among those of the run, or None where it is alone.

    Where this is the command that starts them, it ends here, with the status of the run.

    Args:
        number: of processes that were asked for.
        run: the folder of the run.
        options: for the started processes, besides those that the user gave.
    """
    if number is not None and number < 1:
        raise ValueError(f"--processes {number}, expected 1 or more")
    mine = place()
    if mine is None:
        if number is None or number == 1:
            return None
        raise typer.Exit(_start(number, run, [*sys.argv[1:], *options]))
    if number is not None and number != mine.count:
        raise ValueError(
            f"--processes {number}, and the batch system has started {mine.count}: leave --processes out, or start as "
            "many"
        )
    if VARIABLE in os.environ:
        threading.Thread(target=_end_with_the_command, daemon=True).start()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # which a command in the background ignores
    with silent_loss():
        return join(mine)


@contextlib.contextmanager
def silent_loss() -> Iterator[None]:
    """A process that the command started leaves it to the command to tell that another one was lost."""
    try:
        yield
    except ProcessLost:
        if VARIABLE in os.environ:
            raise typer.Exit(LOST) from None
        raise


@contextlib.contextmanager
def leaving() -> Iterator[None]:
    """A process of several that did not part from the others ends at once: the others wait for it, and it for them."""
    try:
        yield
    except BaseException as error:
        if not jax.distributed.is_initialized():
            raise
        status = error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1
        if not isinstance(error, SystemExit):
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end_with_the_command() -> None:
    """The command holds the other end of this process's stdin, which closes whatever way the command ends."""
    while os.read(0, 1):
        pass
    os._exit(1)


class _Child(NamedTuple):
    process: subprocess.Popen[bytes]
    said: IO[bytes] | None
    """What it printed on stderr, where that is not the command's own."""


def _start(count: int, run: pathlib.Path | None, arguments: Sequence[str]) -> int:
    """Run the command in `count` processes; its status. Raises SimulationError where one of them ended the run."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with contextlib.ExitStack() as stack:
        files = [None, *(stack.enter_context(tempfile.TemporaryFile()) for _ in range(count - 1))]
        children = [_Child(_process(rank, count, address, arguments, file), file) for rank, file in enumerate(files)]
        stack.callback(_end, children)
        with _passing_on(children[0].process):
            first = _watch([child.process for child in children])
        return _verdict(children, first, run)


def _process(
    rank: int, count: int, address: str, arguments: Sequence[str], said: IO[bytes] | None
) -> subprocess.Popen[bytes]:
    """One process, with its part of the cores. The first one has the command's stdout and stderr."""
    local = ",".join(filter(None, (os.environ.get("no_proxy"), "127.0.0.1")))
    environment = {
        "NPROC": str(max(1, cores() // count)),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **os.environ,
        "no_proxy": local,
        VARIABLE: f"{rank} {count} {address}",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "llgrad", *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=None if rank == 0 else subprocess.DEVNULL,
        stderr=said,
        start_new_session=True,  # a terminal's Ctrl-C comes to the command alone, which passes it on
    )


def _watch(processes: Sequence[subprocess.Popen[bytes]]) -> int | None:
    """Wait until all have ended. Where one ends badly the others are ended soon; its number, or None."""
    first, until = None, 0.0
    while True:
        states = [process.poll() for process in processes]
        bad = [rank for rank, status in enumerate(states) if status not in (None, 0, LOST)]
        if first is None and bad:
            # One that was killed is the cause; those that noticed may have ended in the same moment.
            first = min(bad, key=lambda rank: (states[rank] != -signal.SIGKILL, states[rank] == -signal.SIGABRT))
            until = time.monotonic() + _MOST_WAITING
        if None not in states or (first is not None and time.monotonic() > until):
            return first
        time.sleep(_LOOK)


def _end(children: Sequence[_Child]) -> None:
    for child in children:
        child.process.kill()
        child.process.wait()
        if child.process.stdin is not None:
            child.process.stdin.close()


@contextlib.contextmanager
def _passing_on(leader: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ctrl-C and SIGTERM go to the first process, which stops the others at the same step."""

    def hear(number: int, frame: object) -> None:
        leader.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _verdict(children: Sequence[_Child], first: int | None, run: pathlib.Path | None) -> int:
    """The status of the run. The first process has told what it could; what it could not know is told here."""
    leader = children[0].process.poll()
    if leader is not None and leader >= 0 and leader != LOST:
        return leader
    how = "cannot be reached any more"
    if first is not None:
        status, said = children[first].process.poll() or 0, children[first].said
        how = f"was killed ({signal.Signals(-status).name})" if status < 0 else f"ended with status {status}"
        if status > 0 and said is not None:
            said.seek(0)
            lines = said.read().decode(errors="replace").split("\n")
            last = next((line for line in reversed(lines) if line.strip()), "")
            how += f" ({last.removeprefix('llgrad: ')})" if last else ""
    which = f"process {(first or 0) + 1} of {len(children)}" if first is not None else "one of the processes"
    if run is not None and (run / CHECKPOINT).is_file():
        kept = f"the last checkpoint is kept, go on with: llgrad train --resume {run} --processes {len(children)}"
    else:
        kept = "nothing was saved yet, begin again"
    raise SimulationError(f"{which} {how}; {kept}")
