"""JAX that does not start on what JAX_PLATFORMS names is told in one sentence, whichever function meets it first."""

import os
import subprocess
import sys

import pytest

from llgrad.core.speed.starting import NoPlatform, check_platform

SCRIPT = """
import numpy as np, llgrad as lg
device, start = lg.presets.kubota2013(), {"start": 0.0, "stop": 1e-3}
trace = lg.read_trace("examples/teacher_trace.csv")
aim, free = lg.minimise("frequency"), {"current": (0, "3mA")}
calls = {
    "simulate": lambda: lg.simulate(device, duration=1e-9),
    "orbit": lambda: lg.orbit(device),
    "equilibria": lambda: lg.equilibria(device),
    "sweep": lambda: lg.sweep(device, {"current": np.linspace(1e-3, 2e-3, 3)}),
    "follow": lambda: lg.follow(device, "current", **start),
    "thresholds": lambda: lg.orbits.thresholds(device, "current", **start),
    "lyapunov": lambda: lg.orbits.lyapunov(device, duration=1e-9),
    "loop": lambda: lg.experiments.loop(device, "field.z", -0.1, 0.1),
    "fit": lambda: lg.fit(device, trace, free=["alpha"]),
    "optimise": lambda: lg.optimise(device, aim, free=free),
    "frequency": lambda: lg.frequency(trace.select("mx")),
    "default_start": lambda: lg.solvers.default_start(device),
}
for name, call in calls.items():
    try:
        call()
    except RuntimeError as error:
        print(name, type(error).__name__, error, sep="|")
"""


def test_every_function_says_where_jax_does_not_start():
    environment = os.environ | {"JAX_PLATFORMS": "abacus"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
    told = [line.split("|") for line in done.stdout.splitlines()]
    assert (done.returncode, len(told)) == (0, 12), done.stderr
    for name, kind, sentence in told:
        assert kind == "NoPlatform", name
        assert sentence.startswith("JAX does not start with JAX_PLATFORMS = abacus: "), name
        assert sentence.endswith("; unset it, or set it to cpu"), name


def test_what_starts_is_no_error(monkeypatch):
    check_platform()
    monkeypatch.delenv("JAX_PLATFORMS")
    check_platform()


def test_a_wordless_error_is_told_in_words(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    monkeypatch.setattr("jax.devices", lambda: (_ for _ in ()).throw(AssertionError()))
    with pytest.raises(
        NoPlatform, match=r"^JAX does not start with JAX_PLATFORMS = cuda: it finds no such device; unset"
    ):
        check_platform()
