"""No argument is accepted and ignored: for every kind of data it changes the problem or is refused in a sentence."""

import dataclasses
import sys

import jax
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.record import leaf_units
from llgrad.fitting.arguments import check_used
from llgrad.fitting.assembly import as_experiments, prepare, units_of
from llgrad.fitting.methods.base import Log
from llgrad.fitting.methods.grid import GridSearch
from llgrad.fitting.methods.guesses import Guess
from llgrad.fitting.methods.starts import draw_starts, reaches
from llgrad.fitting.stages import beginning

STO = lg.presets.kubota2013()
JUNCTION = STO.replace(junction=lg.devices.LinearJunction(R_P=1e3, delta_R=500.0))
T = 1e-11 * np.arange(600)
WAVE = np.cos(3e9 * T)
MX = lg.Trace(T, {"mx": 0.5 * WAVE})
VOLTAGE = lg.Trace(T, {"voltage": 1e-3 * WAVE})
GRID = np.arange(0.1e9, 1.2e9, 1e6)
SPECTRUM = lg.observables.Spectrum(GRID, 1e-17 / (1 + ((GRID - 5e8) / 2e7) ** 2) + 1e-18, "V²/Hz")
TABLE = lg.data.FrequencyTable("current", [1.5e-3, 2e-3, 2.5e-3], [0.9e9, 1.2e9, 1.5e9])
DATA = {
    "trace": MX,
    "voltage": VOLTAGE,
    "table": TABLE,
    "spectrum": SPECTRUM,
    "experiment": lg.Experiment(MX),
    "experiments": [lg.Experiment(MX, label="a"), lg.Experiment(VOLTAGE, label="b")],
    "pieces": lg.Experiment(MX, segment=0.5e-9),
}
EXPERIMENTS = ("experiment", "experiments", "pieces")
SINE = lg.Drive(current=lg.Sine(1e-4, 1e9))
COMMON = {"noise": 0.01, "m0": (0.6, 0.0, 0.8), "drive": SINE, "segment": 0.5e-9}
REFUSED = {
    **{(name, kind): "of a fit of Experiments would change none of them" for name in COMMON for kind in EXPERIMENTS},
    **{("drive", kind): "free oscillations, without a drive; leave it out" for kind in ("table", "spectrum")},
    **{("segment", kind): "segment= is for a trace" for kind in ("table", "spectrum")},
}


class Begun(Exception):
    """The search would begin now."""


@pytest.fixture
def problem_of(monkeypatch):
    """The problem that a fit would search on, and what its search is told."""
    found = {}

    def keep(prepared, begin, guess, key, log):
        found.update(prepared=prepared, begin=begin, guess=guess, key=key, log=log)
        raise Begun

    monkeypatch.setattr(sys.modules["llgrad.fitting.fit"], "_guessed", keep)
    monkeypatch.setattr(sys.modules["llgrad.fitting.fit"], "check_dependence", lambda *_: None)  # runs, and is slow
    monkeypatch.setattr(sys.modules["llgrad.fitting.fit"], "_on_orbits", lambda prepared, log: prepared)

    def call(model, data, **arguments):
        with pytest.raises(Begun):
            lg.fit(model, data, **arguments)
        return dict(found)

    return call


def differ(one, other):
    """Whether two problems differ in anything."""
    leaves, also = (jax.tree.leaves((p["prepared"], p["begin"])) for p in (one, other))
    same = jax.tree.structure(one["prepared"]) == jax.tree.structure(other["prepared"]) and all(
        np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(leaves, also, strict=True)
    )
    return not same


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("name", COMMON)
def test_settings_of_the_recording(problem_of, name, kind):
    model, data = JUNCTION, DATA[kind]
    if sentence := REFUSED.get((name, kind)):
        with pytest.raises(ValueError, match=sentence):
            lg.fit(model, data, free=["alpha"], **{name: COMMON[name]})
        return
    plain = problem_of(model, data, free=["alpha"])
    assert differ(plain, problem_of(model, data, free=["alpha"], **{name: COMMON[name]}))


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize(
    ("name", "value"),
    [("dt", 0.7e-12), ("stepper", lg.solvers.Heun()), ("engine", lg.solvers.XLA()), ("starts", lg.fitting.Starts(3))],
)
def test_settings_of_the_runs(problem_of, name, value, kind):
    if name != "starts" and kind in ("table", "spectrum"):  # fitted by shooting: nothing is run
        with pytest.raises(ValueError, match=f"{name} is of runs in time, and tables and spectra are fitted through"):
            lg.fit(JUNCTION, DATA[kind], free=["alpha"], **{name: value})
        return
    plain = problem_of(JUNCTION, DATA[kind], free=["alpha"])
    key = {"key": jax.random.key(1)} if name == "starts" else {}
    assert differ(plain, problem_of(JUNCTION, DATA[kind], free=["alpha"], **{name: value}, **key))


@pytest.mark.parametrize("kind", DATA)
def test_keys_guesses_and_starts_that_nothing_uses(kind):
    with jax.enable_x64(True):
        experiments = tuple(beginning(one) for one in as_experiments(DATA[kind]))
        prepared = prepare(JUNCTION, experiments, ["alpha"])
        screened = kind not in ("table", "spectrum")
        known = prepare(JUNCTION, tuple(dataclasses.replace(e, m0=(0.6, 0.0, 0.8)) for e in experiments), ["alpha"])
        one, key = lg.fitting.Starts(), jax.random.key(0)
        method = lg.fitting.LevenbergMarquardt()
        for case, used in ((prepared, screened), (known, False)):
            refusals = [
                lambda c=case: check_used(c, method, None, one, key),
                lambda c=case: check_used(c, method, Guess(), one, None),
            ]
            for call in refusals:
                if used:
                    call()
                else:
                    with pytest.raises(ValueError, match="would change nothing"):
                        call()
            check_used(case, method, Guess(slopes=False, screen=0), lg.fitting.Starts(2), key)
            with pytest.raises(ValueError, match="a GridSearch has one grid"):
                check_used(case, GridSearch(), None, lg.fitting.Starts(2), key)
    with pytest.raises(ValueError, match="one start is the given one, and nothing is spread; give a count too"):
        lg.fitting.Starts(spread=0.3)


NEEDS = {
    "delay": ("trace", "voltage", "experiment", "experiments"),
    "m0.polar": ("trace", "voltage", "experiment", "experiments"),
    "line_width": ("spectrum",),
    "gain": ("voltage", "experiments"),
    "offset": ("voltage", "experiments"),
    "drive.current.amplitude": (),
    "bandwidth": (),
    "temperature": (),
    "current": ("trace", "voltage", "spectrum", "experiment", "experiments", "pieces"),
}


@pytest.mark.parametrize("name", NEEDS)
@pytest.mark.parametrize("kind", DATA)
def test_what_is_free(problem_of, name, kind):
    if kind in NEEDS[name]:
        changed = problem_of(JUNCTION, DATA[kind], free=["alpha", name])
        assert differ(problem_of(JUNCTION, DATA[kind], free=["alpha"]), changed) or name in ("line_width", "m0.polar")
        return
    with pytest.raises(ValueError, match=f"{name}.*(is free|unknown parameter|its bound)|unknown parameter '{name}"):
        lg.fit(JUNCTION, DATA[kind], free=["alpha", name])


@pytest.mark.parametrize(
    ("settings", "data", "sentence"),
    [
        ({"delay": 1e-10}, TABLE, "delay belongs to the recorder of a trace, and this is a table of frequencies"),
        ({"bandwidth": 1e9}, SPECTRUM, "bandwidth belongs to the recorder of a trace, and this is a spectrum"),
        ({"gain": 2.0}, TABLE, "gain belongs to the recorder"),
        ({"gain": 2.0}, MX, "gain and offset are those of a voltage, and this trace has none"),
        ({"offset": np.nan}, VOLTAGE, "offset = nan V, expected a finite number"),
        ({"gain": 0.0}, VOLTAGE, "gain = 0.0, expected a finite number that is not 0"),
        ({"drive": SINE}, TABLE, "without a drive; leave it out"),
        ({"segment": 0.5e-9, "delay": 1e-10}, MX, "a trace in segments has no drive, bandwidth, delay or m0"),
    ],
)
def test_settings_of_an_experiment_that_nothing_uses(settings, data, sentence):
    with pytest.raises(ValueError, match=sentence):
        lg.Experiment(data, **settings)


@pytest.mark.parametrize(
    ("experiments", "free", "sentence"),
    [
        ([lg.Experiment(MX, apart="current")], ["current"], "there is no other experiment to share it with"),
        ([lg.Experiment(MX, apart="current"), lg.Experiment(MX)], ["alpha"], "apart = 'current' is not free"),
        ([lg.Experiment(MX, label="a"), lg.Experiment(MX, label="a")], ["alpha"], "two experiments have the label 'a'"),
        (
            [lg.Experiment(MX, delay=1e-10), lg.Experiment(MX)],
            ["delay"],
            "start it at 1e-10 and at 0 s; start it alike",
        ),
        ([lg.Experiment(MX), lg.Experiment(MX)], ["alpha", "current[3]"], r"'current\[3\]' is free, but no experiment"),
        ([lg.Experiment(VOLTAGE, gain=2.0)], ["alpha", "gain"], "gain is free, but the experiment holds it at 2"),
        (
            [lg.Experiment(VOLTAGE)],
            {"gain": lg.systems.positive()},
            "gain follows from the other parameters in closed form",
        ),
        (
            [lg.Experiment(MX)],
            {"delay": lg.systems.unbounded(1e-9)},
            "the bound of delay is unbounded, expected between",
        ),
        (
            [lg.Experiment(MX)],
            {"delay": lg.systems.between(-1e-9, 1e-9)},
            "bound of delay is between -1 ns and 1 ns, expected",
        ),
    ],
)
def test_experiments_that_do_not_go_together(experiments, free, sentence):
    with pytest.raises(ValueError, match=sentence):
        lg.fit(STO, experiments, free=free)


def test_a_parameter_of_one_experiment_alone(problem_of):
    pair = [lg.Experiment(MX, label="a"), lg.Experiment(MX, label="b")]
    prepared = problem_of(STO, pair, free={"alpha": None, "current[b]": lg.systems.between(1e-3, 4e-3)})["prepared"]
    assert [name for name in prepared.problem.names if "m0" not in name] == ["alpha", "current[b]"]


def test_pieces_have_beginnings_of_their_own():
    for settings in ({"m0": (0, 0, 1)}, {"delay": 1e-10}, {"label": "x"}, {"segment": 1e-9}):
        with pytest.raises(ValueError, match="is not common to the pieces of a trace"):
            lg.fitting.segments(MX, 1e-9, **settings)
    with pytest.raises(ValueError, match="a drive that changes in time would begin anew"):
        lg.fitting.segments(MX, 1e-9, drive=SINE)
    with pytest.raises(ValueError, match="expected more than 8 in a piece"):
        lg.fitting.segments(MX, 5e-11)
    assert len(lg.fitting.segments(MX, 1e-9, drive=lg.Drive(current=lg.drives.Constant(1e-4)))) == 6


def test_a_trajectory_is_data(problem_of):
    run = lg.simulate(STO, duration=2e-9, dt=2e-12, save=lg.Every(5))
    by_run, by_trace = (problem_of(STO, data, free=["alpha"]) for data in (run, lg.trace_of(run)))
    assert not differ(by_run, by_trace)
    assert isinstance(lg.Experiment(run).data, lg.Trace)


# ---------------------------------------------------------------- where a search begins

ZERO = lg.Oscillator(Ms=1e6, volume=1e-23, alpha=0.01, polarization=0.0, polariser=(1, 0, 0))
STARTS = {
    "at zero": (ZERO.replace(junction=lg.devices.LinearJunction(R_P=1e3, delta_R=0.0)), SINE),
    "a preset": (JUNCTION, lg.Drive(current=lg.Sine(0.0, 1e9))),
    "along x": (STO.replace(field=(0.2, 0.0, 0.0)), None),
}


@pytest.mark.parametrize("case", STARTS)
def test_starts_and_grids_spread_over_every_parameter(case):
    """Five starts, and five points of a grid, are five values, within ±half of what the parameter can be."""
    model, drive = STARTS[case]
    data = VOLTAGE if model.junction else MX
    experiment = lg.Experiment(data, m0=(0.6, 0.0, 0.8), drive=drive, bandwidth=1e9)
    free = [
        name
        for name in units_of(model, drive)
        if name not in ("temperature", "line_width", "gain", "offset", "m0.polar", "m0.azimuthal")
    ]
    with jax.enable_x64(True):
        prepared = prepare(model, (experiment,), free)
        problem = prepared.problem
        u = draw_starts(problem, prepared.values, lg.fitting.Starts(5), jax.random.key(0))
        drawn = np.array([np.asarray(problem.physical(row)) for row in u])
        axes = GridSearch(points=5)._axes(problem, u[0])
        reach = reaches(problem, prepared.values)
        assert set(leaf_units(model)) - {"temperature"} <= set(problem.names) and "delay" in problem.names
        for i, name in enumerate(problem.names):
            grid = np.array([float(problem.bounds[i].physical(v)) for v in axes[i]])
            for values in (drawn[:, i], grid):
                assert len(set(values.tolist())) == 5, name
                assert np.abs(values - prepared.values[i]).max() <= 0.5 * reach[i] * (1 + 1e-9), name
                assert np.ptp(values) > 0.05 * reach[i], name
                assert all(problem.bounds[i].contains(v) for v in values), name


def test_a_component_takes_the_size_of_its_vector():
    with jax.enable_x64(True):
        prepared = prepare(
            STO.replace(field=(0.0, 0.0, 0.3)), (lg.Experiment(MX, m0=(0.6, 0.0, 0.8)),), ["field.x", "polariser.y"]
        )
        assert reaches(prepared.problem, prepared.values).tolist() == [0.3, 1.0]


def test_time_limits_are_times():
    for limit in (-1.0, np.nan):
        with pytest.raises(ValueError, match=r"time_limit = .*, expected a time in seconds"):
            lg.fit(STO, MX, free=["alpha"], time_limit=limit)


def test_a_log_that_has_no_end_stops_nothing():
    Log().check()
