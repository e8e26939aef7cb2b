"""Workers of a study: processes of Dask, each of which does one batch at a time on threads of its own.

Workers are spawned, never forked: XLA's threads do not survive a fork. What a worker dies of is not what its batch is
blamed for at once: the batch is given to others, and where those die too it is halved, until one item is left.

A cluster that was made elsewhere may give a worker several threads, on which Dask would do as many batches in one
process: they wait for each other, as its threads are those of the kernels.
"""

from __future__ import annotations

import importlib.util
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

from threadpoolctl import threadpool_limits

from llgrad.core.status import SimulationError
from llgrad.studies.work import Item, Work

DEATHS: Final = 3
"""Workers that may die of a batch before it is halved."""
STARTS: Final = 3
"""Times that workers are started before that is given up."""
WAITING: Final = 4
"""Batches for each worker that are handed out at a time."""
PATIENCE: Final = 10.0
"""Seconds without any worker before that is told."""
STARTING: Final = 2.0
"""Seconds for which a scheduler may refuse a connection, as it is only starting."""
ANSWER: Final = 5.0
"""Seconds in which it must accept one."""
EXAMPLE: Final = "tcp://host:8786"

_at_work: Final = threading.Lock()
"""Held while this process does a batch."""


class Cluster(Protocol):
    """A cluster of Dask that runs already, as those of distributed and of dask-jobqueue."""

    @property
    def scheduler_address(self) -> str:
        """Where its scheduler listens: "tcp://host:8786"."""
        ...


def available() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def client_of(cluster: str | Cluster | None, workers: int, threads: int) -> Iterator[Any]:
    """A client of a cluster of one's own, of a scheduler's address, or of processes that are started here."""
    from dask import config
    from distributed import Client

    environment = {
        **{"NPROC": str(threads), "OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)},
        "MALLOC_TRIM_THRESHOLD_": "65536",
    }
    settings = {
        "distributed.worker.multiprocessing-method": "spawn",
        "distributed.nanny.pre-spawn-environ": environment,
        "distributed.scheduler.allowed-failures": DEATHS,
    }
    with config.set(settings):
        if cluster is not None:
            from llgrad.studies.cluster_worker import PreparedWorker

            if isinstance(cluster, str):
                _check_answers(cluster)
            with Client(cluster, set_as_default=False) as client:
                client.register_plugin(PreparedWorker())
                yield client
            return
        with _local(workers) as local, Client(local, set_as_default=False) as client:
            yield client


def _check_answers(address: str) -> None:
    """Raise ValueError for the address of a scheduler at which nobody listens; one that is just starting is waited for
    a little. Dask itself tries for half a minute."""
    from distributed.comm.addressing import parse_address, parse_host_port

    begun, said = time.monotonic(), ""
    try:
        kind, place = parse_address(address)
        if kind not in ("tcp", "tls"):
            return  # what is no socket is Dask's to judge
        host, port = parse_host_port(place, 8786)
    except ValueError as error:
        raise ValueError(f"the scheduler {address!r} is no address ({error}); expected one such as {EXAMPLE}") from None
    while not said or time.monotonic() - begun < STARTING:
        try:
            socket.create_connection((host, port), timeout=ANSWER).close()
            return
        except OSError as error:
            said = error.strerror or str(error)
            if isinstance(error, socket.gaierror):
                break
            time.sleep(0.1)
    raise ValueError(
        f"no scheduler answers at {address} ({said}); give the address that dask scheduler or the cluster prints, such "
        f"as {EXAMPLE}"
    )


def workers_of(client: Any, cluster: str | Cluster | None) -> int:
    """Workers that there are, or that a cluster has asked for: jobs may wait in a queue for hours."""
    return max(len(client.scheduler_info(n_workers=-1)["workers"]), len(getattr(cluster, "plan", ())))


def _local(workers: int) -> Any:
    """A cluster of processes on this machine. Raises SimulationError where they do not start; one that is ended before
    it has begun is no reason not to try again."""
    from distributed import LocalCluster

    board: Any = "127.0.0.1:0" if importlib.util.find_spec("bokeh") else None
    said = ""
    for _ in range(STARTS):
        try:
            return LocalCluster(
                n_workers=workers,
                threads_per_worker=1,  # one batch at a time; its kernels have threads of their own
                processes=True,
                host="127.0.0.1",
                dashboard_address=board,
                silence_logs=50,
            )
        except RuntimeError as error:
            said = str(error)
    raise SimulationError(
        f"the workers did not start ({said.rstrip('.')}); is there enough memory, and does the script keep what it "
        'does under if __name__ == "__main__":?'
    )


class _Absence:
    """Tells, once each time, that there has been no worker for a while."""

    def __init__(self, client: Any, tell: Callable[[str], None]):
        self.client, self.tell = client, tell
        self.since, self.told = time.monotonic(), False

    def look(self) -> None:
        """See whether there is a worker, and tell where there has been none for long."""
        if workers_of(self.client, None):
            self.since, self.told = time.monotonic(), False
        elif not self.told and time.monotonic() - self.since >= PATIENCE:
            self.told = True
            address = self.client.scheduler.address
            self.tell(
                f"the scheduler {address} has had no worker for {PATIENCE:g} s, and the study waits for one: start it, "
                f"as in dask worker {address}, or look at the batch system's queue"
            )


def done_by(
    client: Any,
    work: Work,
    batches: Sequence[list[Item]],
    done: Callable[[list[Item], list[dict[str, Any]]], None],
    tell: Callable[[str], None],
) -> None:
    """Have every batch done, and hand over its rows as soon as they are there; `tell` that nobody does them."""
    from distributed.scheduler import KilledWorker

    known = work.for_workers()
    waiting, running = list(reversed(batches)), {}
    ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
    absence = _Absence(client, tell)

    def hand_out() -> None:
        room = WAITING * max(workers_of(client, None), 1)
        while waiting and len(running) < room:
            batch = waiting.pop()
            future = client.submit(run_batch, known, batch, pure=False)
            running[future.key] = batch
            future.add_done_callback(ended.put)

    hand_out()
    while running:
        try:
            future = ended.get(timeout=1.0)
        except queue.Empty:
            absence.look()
            continue
        batch = running.pop(future.key)
        if future.status == "finished":
            done(batch, future.result())
        elif isinstance(future.exception(), KilledWorker):
            waiting += _smaller(batch, done)
        else:
            raise future.exception()
        future.release()
        hand_out()


def _smaller(batch: list[Item], done: Callable[..., None]) -> list[list[Item]]:
    """The halves of a batch of which workers died; the row of a single item."""
    if len(batch) > 1:
        half = len(batch) // 2
        return [batch[half:], batch[:half]]
    done(batch, [{"failure": f"{DEATHS + 1} workers died while they did this alone; is there enough memory?"}])
    return []


def run_batch(work: Work, items: list[Item]) -> list[dict[str, Any]]:
    """The rows of a batch. A mistake in what is done to a batch is looked for item by item, and is the row of one."""
    try:
        with _at_work, threadpool_limits(1):  # so that sums of NumPy are the same on any number of threads
            return work.run(items)
    except Exception as error:
        if len(items) == 1:
            return [{"failure": f"{type(error).__name__}: {error}"}]
    return [row for item in items for row in run_batch(work, [item])]
