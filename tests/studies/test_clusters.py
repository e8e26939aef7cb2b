"""A cluster of somebody else's: its workers are started as a batch system starts them, by a command line in a job."""

import contextlib
import os
import pathlib
import subprocess
import sys
import threading

import numpy as np
import pytest
from distributed import LocalCluster
from tests.studies.doing import at_work, squared

import llgrad as lg
from llgrad.studies import workers
from llgrad.studies.workers import workers_of

THREADS = 3
"""Of a worker, where Dask would do as many batches in one process."""


class FakeQueue(LocalCluster):
    """A scheduler without workers, which knows that one was asked for, as those of dask-jobqueue do."""

    plan = frozenset({"job-0"})


@contextlib.contextmanager
def job(address):
    """The command in a job script of dask-jobqueue 0.9 (SLURM, PBS and LSF have the same one)."""
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--name", "job-0", "--nanny"]
    command += ["--nthreads", str(THREADS), "--memory-limit", "0", "--death-timeout", "60", "--no-dashboard"]
    root = pathlib.Path(__file__).parents[2]
    environment = {name: value for name, value in os.environ.items() if name != "NPROC"}
    environment["PYTHONPATH"] = str(root / "src")  # what is beside the driver, it is told of
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    worker = subprocess.Popen(command, env=environment, cwd=root.root, **silent)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(30)


@pytest.mark.parametrize("given", ["a cluster", "an address"])
def test_a_worker_of_several_threads_does_one_batch_at_a_time_on_all_of_them(tmp_path, given):
    work = lg.studies.Evaluations(at_work, [{"n": n} for n in range(12)])
    silent = {"n_workers": 0, "host": "127.0.0.1", "dashboard_address": None, "silence_logs": 50}
    with FakeQueue(**silent) as cluster, job(cluster.scheduler_address):
        where = cluster if given == "a cluster" else cluster.scheduler_address
        found = lg.studies.study(work, tmp_path / "study", cluster=where, batch=2)
    began, ended, pid, threads = (np.asarray(found[name]) for name in ("began", "ended", "pid", "threads"))
    order = np.argsort(began)
    assert len(found) == 12 and not found.failures and len(set(pid.tolist())) == 1
    assert (began[order][1:] >= ended[order][:-1]).all(), "batches overlap in one process"
    assert (threads == THREADS).all()


@pytest.mark.parametrize("told_to", ["a function", "nobody"])
def test_a_scheduler_without_workers_is_told_once_and_waited_for(tmp_path, told_to, monkeypatch, capfd):
    monkeypatch.setattr(workers, "PATIENCE", 0.5)
    silent = {"n_workers": 0, "host": "127.0.0.1", "dashboard_address": None, "silence_logs": 50}
    told = []
    with LocalCluster(**silent, threads_per_worker=1) as cluster:

        def tell(entry):
            told.append(entry)
            if entry["waiting"]:
                cluster.scale(1)

        if told_to == "nobody":
            threading.Timer(4.0, cluster.scale, (1,)).start()
        progress = tell if told_to == "a function" else None
        work = lg.studies.Evaluations(squared, [{"n": n} for n in range(3)])
        found = lg.studies.study(work, tmp_path / "s", cluster=cluster.scheduler_address, progress=progress)
    said = [entry["waiting"] for entry in told if entry["waiting"]]
    said = (
        said if told_to == "a function" else [line for line in capfd.readouterr().err.splitlines() if "worker" in line]
    )
    address = cluster.scheduler_address
    assert len(said) == 1 and said[0].startswith(f"the scheduler {address} has had no worker for 0.5 s")
    assert f"as in dask worker {address}" in said[0] and found["square"].tolist() == [0.0, 1.0, 4.0]


@pytest.mark.parametrize(("plan", "there", "count"), [((), 0, 0), ((), 3, 3), ("abcd", 0, 4), ("abcd", 2, 4)])
def test_jobs_that_wait_in_a_queue_are_counted(plan, there, count):
    client = type("Client", (), {"scheduler_info": lambda self, n_workers: {"workers": dict.fromkeys(range(there))}})()
    assert workers_of(client, type("Cluster", (), {"plan": set(plan)})()) == count
    assert workers_of(client, "tcp://host:8786") == there


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a recording and a place for maps."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wafer").mkdir()
    (tmp_path / "wafer" / "A1.csv").write_text("t (ns),mx\n0,1\n1,0\n2,1\n")
    return tmp_path


DEVICE = lg.presets.kubota2013()
WORKS = {
    "fits": lambda: lg.studies.Fits(DEVICE, "wafer/*.csv", free=["alpha"]),
    "fits of named files": lambda: lg.studies.Fits(DEVICE, {"A": "wafer/A1.csv"}, free=["alpha"]),
    "simulations": lambda: lg.studies.Simulations(DEVICE, duration=1e-9, settings={"current": ["1mA"]}),
    "maps": lambda: lg.studies.Maps(DEVICE, {"current": "0.2mA:1mA:3"}, files="wafer"),
    "evaluations": lambda: lg.studies.Evaluations(at_work, [{"n": 1}]),
}


@pytest.mark.parametrize("name", WORKS)
def test_a_worker_may_have_begun_in_another_folder(folder, name):
    work = WORKS[name]()
    sent = [*vars(work.for_workers()).values(), *(part for item in work.items() for part in item.payload)]
    paths = [one for one in sent if isinstance(one, pathlib.Path)]
    assert all(path.is_absolute() and path.exists() for path in paths)
    assert bool(paths) == (name.startswith("fits") or name == "maps")
    assert not [one for one in sent if isinstance(one, str) and (folder / one).exists() and one]
