"""A run that goes wrong says so: the status, the error, and what they look like under jit and vmap."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.status import Outcome, SimulationError
from llgrad.solve.diffrax_engine import Diffrax
from llgrad.solve.saving import End, Every
from llgrad.solve.simulate import simulate

STO = lg.presets.kubota2013()
COARSE = {"duration": 3.2e-9, "dt": 0.16e-9, "stepper": lg.solvers.RK4(limit=2.5), "m0": lg.direction(1.0, 0.0)}
STRONG = STO.replace(field=(0.0, 0.0, 0.04))


class Singular(lg.physics.FieldTerm):
    """A field that is no number where m_x < 0."""

    strength: float = lg.quantity("T")

    def field(self, m, inputs):
        return lg.Vec3(0.0 * m.x, 0.0 * m.x, self.strength * jnp.sqrt(m.x))


BROKEN = STO.replace(terms=(Singular(1e-3),))


def run_coarse(field_z):
    device = STO.replace(field=lg.Vec3(0.0, 0.0, field_z))
    return simulate(device, throw=False, save=End(), **COARSE).status


def test_a_good_run_has_finished():
    run = simulate(STO, duration=0.1e-9, dt=1e-12)
    assert (int(run.status.code), run.status.sentence) == (Outcome.FINISHED, "finished")
    assert repr(run.status) == "Status(finished)"
    assert "finished" in repr(run)


def test_a_coarse_step_is_noticed():
    status = simulate(STRONG, throw=False, **COARSE).status
    assert int(status.code) == Outcome.TOO_COARSE
    assert 0 < float(status.time) <= 3.2e-9
    with pytest.raises(
        SimulationError,
        match=r"step too coarse: a step changed \|m\|² by more than 10 % at t = .* ns; use a smaller dt",
    ):
        simulate(STRONG, **COARSE)


def test_a_field_that_is_no_number_is_noticed():
    with pytest.raises(
        SimulationError, match=r"became non-finite at t = .* ns; check the drive and the device's values"
    ):
        simulate(BROKEN, duration=2e-9, dt=1e-12, m0=lg.direction(1.0, 0.0))


def test_a_bad_step_is_noticed_where_only_the_end_is_saved():
    status = simulate(BROKEN, duration=2e-9, dt=1e-12, m0=lg.direction(1.0, 0.0), save=End(), throw=False).status
    every = simulate(BROKEN, duration=2e-9, dt=1e-12, m0=lg.direction(1.0, 0.0), throw=False)
    assert int(status.code) == Outcome.NON_FINITE
    first = np.flatnonzero(~np.isfinite(np.asarray(every.mx)))[0]
    assert float(status.time) == pytest.approx(float(every.t[first])) == pytest.approx(float(every.status.time))


def test_under_jit_the_status_is_returned():
    status = jax.jit(lambda: run_coarse(0.04))()
    assert int(status.code) == Outcome.TOO_COARSE
    seen = []
    jax.jit(lambda field: seen.append(simulate(STO.replace(field=lg.Vec3(0.0, 0.0, field)), **COARSE).status.sentence))(
        0.04
    )
    assert seen == ["not known yet (traced)"]


def test_under_vmap_each_run_has_its_own():
    status = jax.vmap(run_coarse)(jnp.array([1e-3, 0.04, 0.04]))
    assert [int(code) for code in status.code] == [Outcome.FINISHED, Outcome.TOO_COARSE, Outcome.TOO_COARSE]
    assert status.sentence.startswith("2 of 3 runs failed; run 1: step too coarse")
    assert not bool(status.ok)


def test_too_many_steps_of_the_adaptive_solver():
    with pytest.raises(SimulationError, match=r"reached its largest number of steps before t = .* ns; raise max_steps"):
        simulate(STO, duration=5e-9, dt=1e-12, save=Every(1000), engine=Diffrax(max_steps=20))


def test_the_adaptive_solver_notices_what_is_no_number():
    nowhere = STO.replace(terms=(Singular(1.0).replace(strength=float("nan")),))
    run = simulate(nowhere, duration=1e-9, dt=1e-12, save=Every(100), engine=Diffrax(), throw=False)
    assert int(run.status.code) == Outcome.NON_FINITE
