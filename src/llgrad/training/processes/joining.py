"""How a process becomes one of several: SLURM or Open MPI started it so, or `llgrad train --processes N` did.

The command tells the processes that it starts on this machine their place by an environment variable. Whoever else has
started several is refused: each of them would train alone, on the same files.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import sys
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import jax
import numpy as np

from llgrad.training.processes.processes import HEARTBEAT, Processes, ProcessLost

VARIABLE: Final = "LLGRAD_PROCESS"
"""Holds "rank count address" in a process that the command started."""

_OPEN_MPI_COUNT: Final = "OMPI_COMM_WORLD_SIZE"
_OPEN_MPI_4_LAUNCHER: Final = "OMPI_MCA_orte_hnp_uri"
_LAUNCHERS: Final[Mapping[str, str]] = {
    "PMI_SIZE": "MPICH, Intel MPI or another launcher",
    "MV2_COMM_WORLD_SIZE": "MVAPICH",
    "SLURM_STEP_NUM_TASKS": "SLURM",
}
"""The variables by which launchers tell their processes how many they are."""

_MOST_WAITING: Final = 24 * 3600
"""Seconds for which processes that are done wait for the last one; a dead one is noticed long before."""


@dataclasses.dataclass(frozen=True)
class ProcessPlace:
    """Which of how many processes this one is."""

    rank: int
    count: int
    options: Mapping[str, Any]
    """What `jax.distributed.initialize` is told besides."""


def place() -> ProcessPlace | None:
    """The place of this process among several, or None where it is alone."""
    if (said := os.environ.get(VARIABLE)) is not None:
        rank, count, address = said.split()
        return ProcessPlace(
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
    # Open MPI first: where it runs within a job of SLURM, its processes see the variables of its daemons' steps.
    for found in (_of_open_mpi(), _of_slurm()):
        if found is not None:
            return found
    _check_alone()
    return None


def _of_open_mpi() -> ProcessPlace | None:
    """The place that `mpirun` of Open MPI gave; JAX's own detection knows version 5 only with mpi4py, if at all."""
    count = int(os.environ.get(_OPEN_MPI_COUNT, "1"))
    if count == 1:
        return None
    rank, local = int(os.environ["OMPI_COMM_WORLD_RANK"]), int(os.environ["OMPI_COMM_WORLD_LOCAL_RANK"])
    job = os.environ.get("PMIX_NAMESPACE", "")
    port = 61440 + zlib.crc32(job.encode()) % 4096
    options: dict[str, Any] = {"num_processes": count, "process_id": rank, "local_device_ids": [local]}
    if os.environ.get("OMPI_COMM_WORLD_LOCAL_SIZE") == str(count):
        options["coordinator_address"] = options["coordinator_bind_address"] = f"127.0.0.1:{port}"
    else:
        options["coordinator_address"] = f"{_launcher(job)}:{port}"
    return ProcessPlace(rank, count, {**options, "cluster_detection_method": "deactivate"})


def _launcher(job: str) -> str:
    """The machine on which `mpirun` runs, and with it the first process: version 5 names it in the job's name,
    "prterun-HOST-PID@1", version 4 tells its address, "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911"."""
    told = os.environ.get(_OPEN_MPI_4_LAUNCHER, "")
    found = re.match(r"prterun-(.+)-\d+@\d+$", job) or re.search(r"tcp://([^,:]+)", told)
    if found is None:
        raise ValueError(
            "Open MPI has started processes on several machines, and does not tell on which one the first is "
            f"(PMIX_NAMESPACE = {job!r}): start them with srun, or on one machine with --processes N"
        )
    return found[1]


def _of_slurm() -> ProcessPlace | None:
    """The place that `srun` gave, by JAX's own detection, which is not public."""
    try:
        from jax._src.clusters import SlurmCluster
    except ImportError:
        return None
    if not SlurmCluster.is_env_present() or (count := SlurmCluster.get_process_count()) == 1:
        return None
    return ProcessPlace(SlurmCluster.get_process_id(), count, {"cluster_detection_method": SlurmCluster.name})


def _check_alone() -> None:
    """Raises ValueError where a launcher says that it started several processes, and none could be told its place."""
    for variable, launcher in _LAUNCHERS.items():
        count = os.environ.get(variable, "1")
        if count.isdigit() and int(count) > 1:
            raise ValueError(
                f"{launcher} has started {count} processes ({variable} = {count}), and this one cannot join the "
                "others: each would train alone; start them with srun, with mpirun of Open MPI 4 or 5, or one with "
                "--processes N"
            )


def join(place: ProcessPlace) -> Processes:
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
