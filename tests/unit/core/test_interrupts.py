"""One rule for Ctrl-C: what takes long raises a KeyboardInterrupt that holds what there was, so a script ends; a
progress function that raises KeyboardInterrupt is given what there was."""

import pathlib
import signal
import threading

import numpy as np
import pytest

import llgrad as lg
from llgrad.core.interrupts import ends_at_ctrl_c
from llgrad.experiments.sweeps import sweep as sweeping

STO = lg.presets.kubota2013()


def simulated(progress, folder):
    return lg.simulate(STO, duration=1.2e-10, dt=2e-12, progress=progress)


def fitted(progress, folder):
    trace = lg.trace_of(lg.simulate(STO, duration=5e-10, dt=2e-12, save=lg.Every(5)))
    return lg.fit(STO.replace(alpha=0.006), trace, free=["alpha"], dt=2e-12, progress=progress)


def swept(progress, folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeping, "BLOCK", 2)
        values = np.linspace(1e-3, 2e-3, 6)
        return lg.sweep(STO, {"current": values}, quantities="frequency", progress=progress)


def some_digits():
    digits = lg.load_images("digits")
    return lg.data.ImageSet("some digits", digits.train.take(range(128)), digits.test, {})


def trained(progress, folder):
    network = lg.networks.SoftmaxNetwork.create((8, 8), 10)
    return lg.train(
        network, some_digits(), lg.Recipe(epochs=4, batch=32), out=folder, overwrite=True, progress=progress
    )


def resumed(progress, folder):
    def at_once(told):
        raise KeyboardInterrupt

    trained(at_once, folder)
    return lg.training.resume(folder, some_digits(), progress=progress)


LONG = {
    "simulate": (simulated, lambda run: int(run.status.code) == lg.solvers.Outcome.INTERRUPTED),
    "fit": (fitted, lambda found: found.status.startswith("interrupted")),
    "sweep": (swept, lambda found: any("interrupted" in note for note in found.notes)),
    "train": (trained, lambda done: done.ending == "interrupted"),
    "resume": (resumed, lambda done: done.ending == "interrupted"),
}
"""What gives a part of its answer where it is interrupted, and how the part says so."""


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    """Parts of about a dozen steps, whatever a step costs."""
    monkeypatch.setattr("llgrad.solve.parts.running.steps_of_a_part", lambda task, engine: 12)


def asking(stop):
    """A progress function that stops once something is done, but not all."""
    asked = []

    def progress(told):
        if not asked and 0 < told["fraction"] < 1:
            asked.append(told["fraction"])
            stop()

    return progress


def raised():
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", LONG)
def test_ctrl_c_ends_a_script_with_the_first_run_and_loses_nothing(name, tmp_path):
    call, is_part = LONG[name]
    begun = []
    with pytest.raises(KeyboardInterrupt) as stop:
        for number in range(2):
            begun.append(number)
            call(asking(lambda: signal.raise_signal(signal.SIGINT)), tmp_path / "run")
    assert begun == [0] and isinstance(stop.value, lg.solvers.Interrupted) and is_part(stop.value.result)
    assert "result" in str(stop.value) and signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("name", LONG)
def test_a_progress_function_that_asks_for_it_is_given_what_there_is(name, tmp_path):
    call, is_part = LONG[name]
    assert is_part(call(asking(raised), tmp_path / "run"))


def test_a_run_that_was_terminated_ends_its_script_once_it_is_saved(tmp_path):
    with pytest.raises(lg.solvers.Interrupted) as stop:
        trained(asking(lambda: signal.raise_signal(signal.SIGTERM)), tmp_path / "run")
    assert pathlib.Path(tmp_path, "run", "checkpoint.npz").is_file() and stop.value.result.ending == "interrupted"


def test_without_ctrl_c_nothing_is_raised_and_a_program_keeps_its_own_handler():
    given = ends_at_ctrl_c(lambda: signal.getsignal(signal.SIGINT))
    assert given() is not signal.default_int_handler
    seen, found = [], []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        given = ends_at_ctrl_c(lambda: signal.raise_signal(signal.SIGINT))
        assert given() is None and seen == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)
    thread = threading.Thread(target=lambda: found.append(ends_at_ctrl_c(lambda: 3)()))
    thread.start()
    thread.join()
    assert found == [3]
