"""Which states are kept: every pattern shows the same run, and memory follows the states kept, not the steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.drives.drive import Drive
from llgrad.drives.sampled import Sampled
from llgrad.solve.saving import End, Every, grid_of
from llgrad.solve.simulate import simulate

STO = lg.presets.kubota2013()
STEPS = 6300


@pytest.fixture(scope="module")
def every():
    return simulate(STO, duration=STEPS * 1e-12, dt=1e-12, m0=lg.direction(1.0, 0.5))


@pytest.mark.parametrize("steps", [1, 7, 1050, 2100, 6300])
def test_every_pattern_shows_the_same_run(every, steps):
    run = simulate(STO, duration=STEPS * 1e-12, dt=1e-12, m0=lg.direction(1.0, 0.5), save=Every(steps))
    assert run.m.shape == (STEPS // steps + 1, 3)
    assert np.asarray(run.m) == pytest.approx(np.asarray(every.m)[::steps], abs=1e-13)
    assert np.asarray(run.t) == pytest.approx(np.asarray(every.t)[::steps], rel=1e-13)
    assert run.dt == pytest.approx(steps * 1e-12)


def test_only_the_end(every):
    run = simulate(STO, duration=STEPS * 1e-12, dt=1e-12, m0=lg.direction(1.0, 0.5), save=End())
    assert run.m.shape == (1, 3)
    assert np.asarray(run.m[0]) == pytest.approx(np.asarray(every.m)[-1], abs=1e-13)
    assert float(run.t[0]) == pytest.approx(STEPS * 1e-12)


@pytest.mark.parametrize("save", [Every(), End()], ids=repr)
def test_no_time_at_all_is_the_start(save):
    run = simulate(STO, duration=0.0, dt=1e-12, save=save, m0=lg.direction(1.0, 0.5))
    assert run.m.shape == (1, 3)
    assert run.status.sentence == "finished"


def test_the_step_divides_the_duration():
    grid = grid_of(1e-9, 3e-12, Every(10))
    assert (grid.steps, grid.saves) == (340, 34)
    assert grid.dt == pytest.approx(1e-9 / 340)
    assert grid_of(1e-9, 1e-12, Every(1)).steps == 1000
    assert grid_of(0.3, 0.1, Every(1)).steps == 3


@pytest.mark.parametrize("steps", [0, -1, 1.5, "ten"])
def test_a_saving_interval_is_a_positive_number_of_steps(steps):
    with pytest.raises(ValueError, match="expected a positive number of steps"):
        Every(steps)


def temporary_memory(steps, key, derivative, engine):
    """Bytes that a compiled run of 100 saved states needs beside its inputs and outputs."""
    drive = Drive(field_x=Sampled(np.linspace(0, 1e-6, 101), 1e-4 * np.sin(np.arange(101.0))))

    def run(current):
        device = STO.replace(current=current, temperature=300.0)
        save = Every(steps // 100)
        return simulate(
            device, duration=steps * 1e-12, dt=1e-12, drive=drive, save=save, key=key, engine=engine
        ).m.sum()

    function = jax.grad(run) if derivative else run
    return jax.jit(function).lower(2.5e-3).compile().memory_analysis().temp_size_in_bytes


@pytest.mark.parametrize("derivative", [False, True], ids=["run", "gradient"])
def test_ten_million_steps_fit_in_a_megabyte(key, derivative):
    """With a sampled drive and with noise; 100 states are kept. One state of a thousand steps is remembered at most."""
    assert temporary_memory(10_000_000, key, derivative, lg.solvers.XLA()) < 1e6


def test_native_memory_does_not_grow_with_the_steps(key):
    """The native engine samples a drive in chunks of a stated size, however long the run is."""
    assert temporary_memory(20_000_000, key, False, lg.solvers.Native()) <= 1.01 * temporary_memory(
        10_000_000, key, False, lg.solvers.Native()
    )


def test_a_state_is_saved_under_vmap():
    run = jax.vmap(lambda i: simulate(STO.replace(current=i), duration=1e-10, dt=1e-12, save=Every(10)).m)
    assert run(jnp.array([1e-3, 2e-3])).shape == (2, 11, 3)
