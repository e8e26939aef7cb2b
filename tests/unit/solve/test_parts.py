"""Long runs go in parts: told of, ended early with what there is, and continued with the bits of a run in one go."""

import io
import signal
import sys

import jax
import numpy as np
import pytest
from tests.unit.solve.systems import DRIVES, MEMBERS

import llgrad as lg
from llgrad.core.status import Outcome
from llgrad.solve.parts.division import parts_of, steps_of_a_part
from llgrad.solve.parts.telling import seconds
from llgrad.solve.saving import TimeGrid

STO = lg.presets.kubota2013()
ARRAY = lg.OscillatorArray(STO, 3, lg.FieldCoupling(1e-3 * (np.ones((3, 3)) - np.eye(3))))
SHORT = {"duration": 60 * 2e-12, "dt": 2e-12}
SINE = lg.Drive(current=lg.Sine(0.2e-3, 3e9))
LINES = lg.drives.Sampled(
    np.array([0.0, 0.0101, 0.031, 0.0777, 0.12]) * 1e-9, 1e-3 * np.array([0.0, 2.0, -1.0, 1.0, 0.5])
)
CUT = SHORT | {"drive": lg.Drive(current=LINES), "stepper": lg.solvers.DormandPrince8()}
KNOT = lg.Drive(current=lg.drives.Sampled(np.array([0.0, 0.0101e-9]), np.array([0.0, 1e-3])))
PULSE = lg.Drive(current=lg.Pulse(1e-3, start=0.1e-9, width=0.15e-9, rise_time=10e-12))
KEY = jax.random.key(3)
RUNS = {
    "oscillator": (STO, SHORT),
    "driven": (STO, SHORT | {"drive": SINE, "save": lg.Every(5)}),
    "warm": (STO.replace(temperature=300.0), SHORT | {"key": KEY}),
    "sampled": (STO, {"duration": 2.3e-9, "accuracy": 1e-7, "save": lg.solvers.Interval(1e-11)}),
    "seldom kept": (STO, SHORT | {"save": lg.Every(30)}),
    "end only": (STO, SHORT | {"save": lg.End(), "drive": SINE}),
    "array": (ARRAY, SHORT | {"save": lg.Every(4)}),
    "system": (MEMBERS["Hopf"], SHORT | {"drive": DRIVES.get("Hopf")}),
    "noisy system": (MEMBERS["Amplitude"], SHORT | {"key": KEY, "save": lg.Every(3)}),
    "two spins": (MEMBERS["Stack"], SHORT | {"save": lg.Every(6)}),
    "scan": (STO, SHORT | {"engine": lg.solvers.XLA(), "drive": SINE}),
    "cut at knots": (STO, CUT | {"save": lg.Every(5)}),
    "cut, seldom kept": (STO, CUT | {"save": lg.Every(30)}),
    "cut, end only": (STO, CUT | {"save": lg.End()}),
    "cut, between the steps": (STO, CUT | {"dt": 4e-12, "save": lg.solvers.Interval(1e-12)}),
    "cut scan": (
        STO,
        CUT | {"drive": KNOT, "stepper": lg.solvers.Tsitouras5(), "engine": lg.solvers.XLA(), "save": lg.Every(30)},
    ),
    "cut, accurate": (
        STO,
        CUT | {"dt": None, "duration": 0.5e-9, "accuracy": 1e-11, "save": lg.solvers.Interval(5e-12)},
    ),
    "short in edges": (
        STO,
        SHORT | {"drive": PULSE, "duration": 0.4e-9, "dt": 8e-12, "stepper": lg.solvers.DormandPrince8()},
    ),
    "accurate in edges": (
        STO,
        {"duration": 0.4e-9, "drive": PULSE, "accuracy": 1e-9, "save": lg.solvers.Interval(4e-12)},
    ),
    "cut system": (MEMBERS["Stack"], CUT | {"drive": {"field": LINES}, "save": lg.Every(3)}),
    "adaptive": (STO, SHORT | {"engine": lg.solvers.Diffrax(), "drive": SINE}),
}


@pytest.fixture
def short_parts(monkeypatch):
    """Parts of about a dozen steps, whatever a step costs."""
    for module in ("parts.running", "accuracy"):
        monkeypatch.setattr(f"llgrad.solve.{module}.steps_of_a_part", lambda task, engine: 12)


def stop_at(fraction):
    def tell(told):
        if told["fraction"] >= fraction:
            raise KeyboardInterrupt

    return tell


def leaves(run):
    return [np.asarray(leaf) for leaf in jax.tree.leaves((run.t, run.state if hasattr(run, "state") else run.m))]


@pytest.mark.parametrize("name", RUNS)
def test_an_interrupted_run_is_continued_with_the_bits_of_a_whole_one(name, short_parts):
    model, given = RUNS[name]
    whole = lg.simulate(model, progress=lambda told: None, **given)
    some = lg.simulate(model, progress=stop_at(0.45), **given)
    assert whole.status.ok and int(some.status.code) == Outcome.INTERRUPTED
    assert "interrupted at t = " in repr(some) and some.stats.steps == whole.stats.steps
    kept = len(some.t)
    assert (0 < float(some.t[-1]) < float(whole.t[-1]) and kept < len(whole.t)) or name.endswith("end only")
    if not name.endswith("end only"):
        for early, late in zip(leaves(some), leaves(whole), strict=True):
            assert np.array_equal(early, late[:kept])
    again = lg.simulate(model, after=some, **given)
    assert again.status.ok and again.stats == whole.stats
    for mine, other in zip(leaves(again), leaves(whole), strict=True):
        assert mine.dtype == other.dtype and np.array_equal(mine, other)
    plain = lg.simulate(model, **given)
    for mine, other in zip(leaves(whole), leaves(plain), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-7 if name == "adaptive" else 1e-12)
    assert plain.stats == whole.stats


@pytest.mark.parametrize("every", [1, 3, 7, 12, 13, 40, 1000])
@pytest.mark.parametrize("most", [1, 5, 12, 5000])
def test_parts_take_every_step_once_wherever_they_begin(every, most):
    steps = -(-1000 // every) * every
    grid = TimeGrid(steps, 1e-12, every, True)
    whole = list(parts_of(grid, most))
    for taken in (0, *(part.begin for part in whole[1::3])):
        parts = list(parts_of(grid, most, taken))
        assert parts == [part for part in whole if part.begin >= taken]
        assert [p.begin for p in parts] == [taken, *(p.begin + p.grid.steps for p in parts[:-1])]
        assert all(0 < part.grid.steps <= most or every == 1 for part in parts)
        assert sum(part.grid.saves for part in parts if part.kept) == grid.saves - taken // every


def test_the_shorter_step_at_the_end_is_the_last_part():
    grid = TimeGrid(10, 1e-11, 1, True, True, 8, 3)
    *others, last = parts_of(grid, 4)
    assert [part.grid.steps for part in others] == [4, 4, 2] and not any(part.grid.tail for part in others)
    assert (last.begin, last.first, last.grid) == (10, 0, grid.last())
    assert list(parts_of(grid, 4, 10)) == [last]


def test_what_a_function_is_told(short_parts):
    told = []
    lg.simulate(STO, progress=told.append, **SHORT)
    assert [entry["fraction"] for entry in told] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert all(set(entry) == {"fraction", "time", "duration", "elapsed", "left"} for entry in told)
    assert [entry["left"] is None for entry in told] == [True, False, False, False, False, False]
    assert told[-1]["left"] == 0.0 and told[-1]["time"] == pytest.approx(SHORT["duration"])
    assert told[0]["elapsed"] <= told[-1]["elapsed"]


def test_the_choice_of_the_step_is_told_of_and_heard(short_parts):
    told = []
    given = RUNS["sampled"][1]
    lg.simulate(STO, progress=told.append, **given)
    assert sum(entry["fraction"] == 0 for entry in told) > 3
    with pytest.raises(KeyboardInterrupt):  # nothing was kept yet
        lg.simulate(STO, progress=stop_at(0.0), **given)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_true_writes_one_line_on_a_terminal(short_parts, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    lg.simulate(STO, progress=True, **SHORT)
    assert stream.getvalue().startswith("\rsimulated   0% of 0.12 ns")
    assert stream.getvalue().rstrip(" \n").endswith("simulated 100% of 0.12 ns, 0 s left")


def test_a_short_run_says_nothing_in_a_log(capsys):
    lg.simulate(STO, progress=True, **SHORT)
    assert capsys.readouterr().err == ""


def test_ctrl_c_gives_what_there_is(short_parts):
    def press(told):
        if told["fraction"] >= 0.4:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(lg.solvers.Interrupted) as stop:
        lg.simulate(STO, progress=press, **SHORT)
    run = stop.value.result
    assert int(run.status.code) == Outcome.INTERRUPTED and len(run.t) == 25
    assert run.status.sentence.startswith("interrupted at t = 0.048 ns")


def task_of(model, steps):
    """What an engine is given."""
    seen = []

    class Looks(lg.solvers.Native):
        def run(self, task):
            seen.append(task)
            return super().run(task)

    lg.simulate(model, duration=steps * 2e-12, dt=2e-12, save=lg.End(), engine=Looks())
    return seen[0]


def test_a_part_takes_about_a_tenth_of_a_second_by_its_arithmetic():
    """A step of one oscillator takes about 0.1 µs where it is compiled, 6 µs else; of 300 coupled ones 70 µs."""
    one = task_of(STO, 2001)
    assert 1e5 < steps_of_a_part(one, lg.solvers.Native()) < 1e6
    assert 5e3 < steps_of_a_part(one, lg.solvers.XLA()) < 5e4
    coupled = lg.OscillatorArray(STO, 300, lg.FieldCoupling(np.zeros((300, 300))))
    assert 300 < steps_of_a_part(task_of(coupled, 2), lg.solvers.Native()) < 3000


@pytest.mark.parametrize(("number", "words"), [(0.0, "0 s"), (59.2, "1 min 0 s"), (3599.5, "1 h 0 min")])
def test_seconds_are_rounded_up(number, words):
    assert seconds(number) == words


def some(**changes):
    return lg.simulate(STO, progress=stop_at(0.45), **(SHORT | changes))


REFUSED = {
    "no function": (lambda: lg.simulate(STO, progress=3, **SHORT), "progress = 3, expected True, or a function"),
    "no run": (lambda: lg.simulate(STO, after=3, **SHORT), "after"),
    "another device": (lambda: lg.simulate(STO.replace(alpha=0.1), after=some(), **SHORT), "another device"),
    "another drive": (lambda: lg.simulate(STO, after=some(), drive=SINE, **SHORT), "another drive"),
    "another step": (lambda: lg.simulate(STO, after=some(), duration=60e-12, dt=1e-12), "run with dt = 2 ps"),
    "another length": (lambda: lg.simulate(STO, after=some(), duration=80 * 2e-12, dt=2e-12), "run with steps = 60"),
    "another stepper": (
        lambda: lg.simulate(STO, after=some(), stepper=lg.solvers.Heun(), **SHORT),
        "with stepper = RK4",
    ),
    "another start": (lambda: lg.simulate(STO, after=some(), m0=(0.6, 0.0, 0.8), **SHORT), "another starting state"),
    "another engine": (
        lambda: lg.simulate(STO, after=some(), engine=lg.solvers.XLA(), **SHORT),
        "on the engine native",
    ),
    "a finished run": (lambda: lg.simulate(STO, after=lg.simulate(STO, **SHORT), **SHORT), "nothing to continue"),
    "traced": (
        lambda: jax.jit(lambda a: lg.simulate(STO.replace(alpha=a), progress=True, **SHORT).m)(0.01),
        "progress and after are for runs of known values",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_a_sentence(name, short_parts):
    call, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=sentence):
        call()
