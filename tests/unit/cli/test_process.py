"""The command in a process of its own: entry points, streams, warnings, Ctrl-C."""

import json
import os
import subprocess
import sys

import pytest

from llgrad.core.files import read_npz

COMMAND = [sys.executable, "-W", "error", "-m", "llgrad"]
PLAIN = {key: value for key, value in os.environ.items() if not key.startswith("JAX_")}


def run(*arguments, **options):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, env=PLAIN, **options)


def test_a_run_in_a_users_process_warns_of_nothing_and_keeps_its_streams_apart(tmp_path):
    done = run(
        "simulate", "kubota2013", "--duration", "0.5ns", "--out", "r.npz", "--plot", "p", "--json", cwd=tmp_path
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    entry = json.loads(done.stdout)
    assert entry["dtype"] == "float64" and entry["command"].startswith("llgrad simulate kubota2013 --duration 0.5ns")
    assert entry["files"] == ["r.npz", "p/trace.png", "p/orbit.png", "p/spectrum.png"]


def test_a_mistake_ends_with_2_and_a_sentence(tmp_path):
    done = run("simulate", "kubota2013", "--current", "2.5", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "llgrad: current: '2.5' has no unit; expected a quantity in A, such as 2.5mA\n"


PLATFORMS = """
import sys, jax
from llgrad.cli.main import main

sys.argv = ["llgrad", *sys.argv[1:], "--help"]
try:
    main()
except SystemExit:
    print(f"\\n{jax.config.jax_platforms}")
"""


@pytest.mark.parametrize(
    ("command", "chosen", "used"),
    [
        ("fit", "", "cpu"),
        ("simulate", "", "cpu"),
        ("train", "", "None"),
        ("evaluate", "", "None"),
        ("fit", "gpu", "gpu"),
    ],
)
def test_few_oscillators_stay_on_the_processors_unless_told_otherwise(command, chosen, used):
    environment = PLAIN | ({"JAX_PLATFORMS": chosen} if chosen else {})
    call = [sys.executable, "-c", PLATFORMS, command]
    done = subprocess.run(call, capture_output=True, text=True, env=environment)
    assert (done.stderr, done.stdout.splitlines()[-1]) == ("", used)


MANY = """
import sys, jax
from llgrad.cli.main import main

sys.argv = ["llgrad", "fit", "missing.csv", "--device", "kubota2013", "--free", "alpha", "--starts", sys.argv[1]]
try:
    main()
except SystemExit:
    print(jax.config.jax_platforms)
"""


@pytest.mark.parametrize(
    ("starts", "chosen", "used"), [("999", "", "cpu"), ("1000000", "", "None"), ("1000000", "cpu", "cpu")]
)
def test_a_fit_of_thousands_of_starts_may_take_a_gpu(starts, chosen, used):
    environment = PLAIN | ({"JAX_PLATFORMS": chosen} if chosen else {})
    done = subprocess.run([sys.executable, "-c", MANY, starts], capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines()[-1] == used


INTERRUPTED = """
import os, signal, sys
import llgrad.cli.simulate as module
from llgrad.cli.main import main

simulate, told = module.run_device, []

def run_device(*arguments, progress, **options):
    def tell(entry):
        told.append(entry)
        if len(told) == 8:
            os.kill(os.getpid(), signal.SIGINT)
        progress(entry)

    return simulate(*arguments, progress=tell, **options)

module.run_device = run_device
sys.argv[1:] = ["simulate", "kubota2013", "--duration", "5ms", "--save-every", "1000000", "--out", "r.npz"]
main()
"""


def test_ctrl_c_is_heard_in_compiled_code_and_writes_what_there_is(tmp_path):
    """A run of two minutes."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], cwd=tmp_path, env=PLAIN, text=True, capture_output=True, timeout=60
    )
    first, last = done.stderr.splitlines()
    assert (done.returncode, first) == (130, "llgrad: stopping with what there is; Ctrl-C again ends at once")
    assert last == "llgrad: interrupted; r.npz holds what there is; the same command with --continue goes on"
    assert "interrupted at t = " in done.stdout and done.stdout.endswith("wrote r.npz\n")
    record, arrays = read_npz(tmp_path / "r.npz", "trajectory")
    assert record["status"].startswith("interrupted at t = ") and len(arrays["t"]) == len(arrays["m"]) > 2


def test_a_closed_pipe_is_no_traceback(tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m llgrad devices kubota2013 | true; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", cwd=tmp_path, env=PLAIN, capture_output=True, text=True,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
