"""Steps of high order end at the edges of a drive: none is stepped over, and the order holds across them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.solve import simulate as module
from llgrad.solve.accuracy import ChosenGrid
from llgrad.solve.parts.division import parts_of
from llgrad.solve.saving import MOST_PIECES, Edges, End, Every, Interval, cut_at, grid_of
from llgrad.solve.simulate import simulate

STO = lg.presets.kubota2013()
KNOTS = np.array([0.0, 0.1234, 0.31, 0.4777, 0.9, 1.13]) * 1e-9
VALUES = 1e-3 * np.array([0.0, 2.0, -1.0, 1.0, 0.5, -2.0])
DRIVES = {
    "lines": lg.Drive(current=lg.drives.Sampled(KNOTS, VALUES)),
    "lines of a field, and a sweep": lg.Drive(
        field_x=lg.drives.Sampled(KNOTS, 10 * VALUES), current=lg.drives.Chirp(1e-3, 1e9, 3e9, duration=0.7e-9)
    ),
    "a pulse": lg.Drive(current=lg.Pulse(1e-3, start=0.3e-9, width=0.4e-9)),
    "a step on a tone": lg.Drive(
        current=lg.drives.Step(1e-3, start=0.5e-9, rise_time=20e-12) + lg.Sine(5e-4, frequency=2e9)
    ),
}
RUN = {
    "duration": 1.2e-9,
    "m0": lg.direction(1.0, 0.3),
    "save": lg.End(),
    "stepper": lg.solvers.DormandPrince8(limit=2.5),
}


def end(drive, steps, **options):
    return np.asarray(simulate(STO, drive=drive, dt=1.2e-9 / steps, **RUN | options).m[-1])


@pytest.mark.parametrize("name", [name for name in DRIVES if name != "lines"])
def test_the_order_holds_across_the_edges(name, monkeypatch):
    """Of equal steps it does not: that is what the cuts are for."""
    drive = DRIVES[name]
    exact = end(drive, 3000)
    errors = [np.linalg.norm(end(drive, steps) - exact) for steps in (24, 48)]
    assert np.log2(errors[0] / errors[1]) > 6
    monkeypatch.setattr(module, "cut", lambda grid, *_: ChosenGrid(grid, None, ""))
    equal = [np.linalg.norm(end(drive, steps) - exact) for steps in (24, 48, 96)]
    assert errors[1] < 1e-4 * equal[1]
    if any(waveform.knots() for waveform in drive.channels().values()):
        assert np.log2(equal[0] / equal[2]) / 2 < 3


@pytest.mark.parametrize(
    ("name", "save"),
    [("lines", Interval(10e-12)), ("lines", Every(3)), ("a pulse", Interval(0.1e-9)), ("a pulse", Every(1))],
    ids=str,
)
def test_the_states_that_are_kept_are_those_of_equal_steps(name, save):
    run = simulate(STO, drive=DRIVES[name], dt=50e-12, **RUN | {"save": save})
    times = Interval(run.dt)
    fine = simulate(STO, drive=DRIVES[name], dt=0.5e-12, **RUN | {"save": times, "stepper": lg.solvers.RK4()})
    np.testing.assert_allclose(run.t, fine.t, atol=1e-20)
    np.testing.assert_allclose(run.m, fine.m, atol=1e-6)


def test_engines_step_alike_and_derivatives_see_all_pieces():
    def last(current, amplitude=1.0, engine=None):
        drive = lg.Drive(current=lg.drives.Sampled(KNOTS[[0, 1, 4]], VALUES[:3] * amplitude))
        options = {"duration": 0.4e-9, "stepper": lg.solvers.DormandPrince5(), "engine": engine}
        return simulate(STO.replace(current=current), drive=drive, dt=20e-12, **RUN | options).m[-1, 0]

    assert float(last(2e-3)) == pytest.approx(float(last(2e-3, engine=lg.solvers.XLA())), rel=1e-12)
    found = jax.grad(last, argnums=(0, 1))(2e-3, 1.0)
    h = 1e-5
    moved = [
        (last(2e-3 + 1e-3 * h, 1.0) - last(2e-3 - 1e-3 * h, 1.0)) / 2e-3,
        (last(2e-3, 1 + h) - last(2e-3, 1 - h)) / 2,
    ]
    np.testing.assert_allclose(np.divide(moved, h), found, rtol=1e-7)


def test_of_the_accuracy_the_steps_follow_by_themselves():
    run = simulate(STO, drive=DRIVES["lines"], accuracy=1e-7, **{**RUN, "stepper": None})
    error = np.linalg.norm(run.m[-1] - end(DRIVES["lines"], 3000))
    assert 0.5 * error < run.stats.error < 1e-7
    assert (run.stats.reason, run.stats.steps < 40) == ("", True)


def test_what_cannot_be_cut_is_said():
    many = lg.Drive(current=lg.drives.Sampled(np.arange(90) * 13.3e-12, np.sin(np.arange(90.0)) * 1e-3))
    run = simulate(STO, drive=many, dt=10e-12, **RUN)
    assert "the knots of the drive fall within steps, where no method keeps its order" in run.stats.reason
    assert simulate(STO, drive=many, dt=10e-12, **RUN | {"stepper": lg.solvers.RK4()}).stats.reason == ""

    def reason(start):
        drive = lg.Drive(current=lg.drives.Sampled(jnp.stack([0.0 * start, start]), VALUES[:2]))
        return simulate(STO, drive=drive, dt=10e-12, **RUN).stats.reason

    said = []
    jax.make_jaxpr(lambda start: said.append(reason(start)) or start)(1e-9)
    assert "the knots of the drive are traced" in said[0]


class Leaky(lg.System):
    """A voltage with a leak, and an input."""

    inputs = {"voltage": "V"}  # noqa: RUF012
    rate_of_leak: float = lg.quantity("1/s")

    def start(self):
        return {"v": 0.0}

    def rate(self, state, inputs):
        return {"v": self.rate_of_leak * (inputs.voltage - state["v"])}


def test_of_a_system_too_steps_end_at_the_knots():
    """dv/dt = λ (u − v) of lines has a closed form: on each, v = u − s/λ + (v₀ − u₀ + s/λ) e^{−λt}, s their slope."""
    times, values, leak, v = np.array([0.0, 0.101, 0.2]) * 1e-9, np.array([0.0, 1.0, 0.0]), 1e10, 0.0
    for begin, end, first, last in zip(times[:-1], times[1:], values[:-1], values[1:], strict=True):
        lag = (last - first) / (end - begin) / leak
        v = last - lag + (v - first + lag) * np.exp(-leak * (end - begin))
    drive = {"voltage": lg.drives.Sampled(times, values)}
    given = {"duration": 0.2e-9, "drive": drive, "stepper": lg.solvers.DormandPrince8(), "save": lg.End()}
    for options in ({}, {"engine": lg.solvers.XLA()}):
        run = simulate(Leaky(leak), dt=10e-12, **options, **given)
        assert run.stats.reason == "" and float(run.state["v"][-1]) == pytest.approx(v, abs=1e-13)
    chosen = simulate(Leaky(leak), accuracy=1e-9, **given)
    assert chosen.stats.reason == "" and float(chosen.state["v"][-1]) == pytest.approx(v, rel=1e-9)
    times = np.arange(90) * 13.3e-12
    many = given | {"duration": 1.2e-9, "drive": {"voltage": lg.drives.Sampled(times, np.sin(np.arange(90.0)))}}
    assert "the knots of the drive fall within steps" in simulate(Leaky(leak), dt=10e-12, **many).stats.reason


def test_parts_of_pieces_take_every_step_once_wherever_they_begin():
    edges = Edges((0.11e-9, 0.1234e-9, 0.31e-9, 0.77e-9), ((0.5e-9, 0.6e-9, 1e-12),))
    for save in (Interval(0.02e-9), Interval(0.25e-9), Every(4), Every(7), End()):
        grid = cut_at(grid_of(1e-9, 30e-12, save, isinstance(save, Interval)), edges)
        for most in (1, 3, 12, 50, 5000):
            whole = list(parts_of(grid, most))
            begins = [part.begin for part in whole]
            assert [*begins, grid.whole] == [0, *(part.begin + part.grid.whole for part in whole)]
            assert all(part.grid.whole <= most or part.grid.save_every == 1 for part in whole)
            assert (
                sum(
                    part.grid.saves if not part.grid.cuts else sum(p.saves for p in part.grid.cuts if p.kept)
                    for part in whole
                    if part.kept
                )
                == grid.saves
            )
            for taken in {grid.steps_for(saved) for saved in range(0, grid.saves + 1, grid.samples)} & {*begins}:
                assert list(parts_of(grid, most, taken)) == [part for part in whole if part.begin >= taken]
            assert all(grid.steps_until(grid.time_after(taken)) == taken for taken in begins)
        assert grid.steps_for(grid.saves) == grid.whole


@pytest.mark.parametrize("polynomial", [False, True])
def test_cuts_lose_no_time_and_no_state(polynomial, rng):
    for _ in range(50):
        count = int(rng.integers(1, 9))
        duration = 1e-9 * rng.uniform(0.5, 2)
        save = Interval(duration / rng.integers(1, 40)) if polynomial else Every(int(rng.integers(1, 5)))
        grid = grid_of(duration, duration / rng.uniform(1, 60), save, polynomial)
        knots = tuple(np.sort(rng.uniform(0, duration, count)).tolist())
        slow = ((0.3 * duration, 0.4 * duration, 1e-3 * duration),)
        cut = cut_at(grid, Edges(knots, slow))
        pieces = cut.pieces
        assert len(pieces) <= MOST_PIECES
        assert sum(piece.saves for piece in pieces if piece.kept) == grid.saves
        ends = cut.ends
        np.testing.assert_allclose(
            [piece.start for piece in pieces[1:]], np.cumsum([p.steps * p.dt for p in pieces])[:-1]
        )
        assert ends[-1] == pytest.approx(duration)
        assert np.all(np.diff(ends) <= grid.dt * (1 + 1e-9))
        assert all(np.min(np.abs(ends - knot)) < 1e-5 * grid.dt for knot in knots)
        inside = (ends[1:] > 0.301 * duration) & (ends[1:] < 0.399 * duration)
        assert np.all(np.diff(ends)[inside] <= 1.001e-3 * duration)
