"""How a process becomes one of several: SLURM or Open MPI started it so, or `llgrad train --processes N` did.

The command tells the processes that it starts on this machine their place by an environment variable.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

import jax
import numpy as np

from llgrad.training.processes.processes import HEARTBEAT, Processes, ProcessLost

VARIABLE: Final = "LLGRAD_PROCESS"
"""Holds "rank count address" in a process that the command started."""

_MOST_WAITING: Final = 24 * 3600
"""Seconds for which processes that are done wait for the last one; a dead one is noticed long before."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Which of how many processes this one is."""

    rank: int
    count: int
    options: Mapping[str, Any]
    """What `jax.distributed.initialize` is told besides."""


def place() -> Place | None:
    """The place of this process among several, or None where it is alone."""
    if (said := os.environ.get(VARIABLE)) is not None:
        rank, count, address = said.split()
        return Place(
            int(rank),
            int(count),
            {
                "coordinator_address": address,
                "coordinator_bind_address": address,  # not to be reached from outside of this machine
                "num_processes": int(count),
                "process_id": int(rank),
                "cluster_detection_method": "deactivate",
            },
        )
    for cluster in _clusters():
        if cluster.is_env_present() and (count := cluster.get_process_count()) > 1:
            return Place(cluster.get_process_id(), count, {"cluster_detection_method": cluster.name})
    return None


def _clusters() -> tuple[Any, ...]:
    """JAX's own detection of SLURM and Open MPI."""
    try:
        from jax._src.clusters import OmpiCluster, SlurmCluster
    except ImportError:  # not public: without it only the command starts several processes
        return ()
    return SlurmCluster, OmpiCluster


def join(place: Place) -> Processes:
    """Join the other processes, once all of them are there. It must come before the first computation.

    Raises ProcessLost where they cannot be reached.
    """
    if VARIABLE in os.environ:
        jax.config.update("jax_check_proxy_envs", False)  # a warning; the command has set no_proxy
    try:
        jax.distributed.initialize(
            **place.options, heartbeat_timeout_seconds=HEARTBEAT, shutdown_timeout_seconds=_MOST_WAITING
        )
    except jax.errors.JaxRuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ProcessLost(f"the {place.count} processes of the run could not be joined ({reason})") from None
    with _silent_stdout():
        processes = Processes()
        processes.sum(np.zeros(1, np.float32))  # connects all of them, which the library beneath tells on stdout
    return processes


def leave() -> None:
    """Wait for the other processes to be done too, and part."""
    jax.distributed.shutdown()


@contextlib.contextmanager
def _silent_stdout() -> Iterator[None]:
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
