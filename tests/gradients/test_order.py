"""Each stepper has the order it claims, with and without projection, also where a drive changes within a step."""

import math

import diffrax
import numpy as np
import pytest
from scipy.integrate import RK45
from scipy.integrate._ivp import dop853_coefficients

import llgrad as lg
from llgrad.drives.drive import Drive
from llgrad.drives.sine import Sine
from llgrad.kernels.steppers import Stepper
from llgrad.solve.saving import End
from llgrad.solve.simulate import simulate

DURATION = 0.4e-9
STEPPERS = [
    lg.solvers.RK4,
    lg.solvers.Heun,
    lg.solvers.DormandPrince5,
    lg.solvers.Tsitouras5,
    lg.solvers.DormandPrince8,
]
# steps of the coarser of two runs: rounding is far below the error, and the error in its leading order
STEPS = {
    lg.solvers.RK4: 80,
    lg.solvers.Heun: 320,
    lg.solvers.DormandPrince5: 128,
    lg.solvers.Tsitouras5: 200,
    lg.solvers.DormandPrince8: 20,
}
DRIVE = Drive(current=Sine(1e-3, frequency=4e9), field_x=Sine(20e-3, frequency=7e9, phase=1.0))
STO = lg.presets.kubota2013().replace(alpha=0.05)


def end(stepper, steps):
    m0 = lg.direction(1.0, 0.3)
    return np.asarray(
        simulate(STO, duration=DURATION, dt=DURATION / steps, m0=m0, drive=DRIVE, stepper=stepper, save=End()).m[-1]
    )


@pytest.fixture(scope="module")
def exact():
    return end(lg.solvers.DormandPrince5(project=False), 1000)


def test_every_stepper_is_here():
    assert set(Stepper.__subclasses__()) == set(STEPPERS)


@pytest.mark.parametrize("project", [True, False])
@pytest.mark.parametrize("kind", STEPPERS)
def test_order(kind, project, exact):
    steps = STEPS[kind]
    coarse, fine = (np.linalg.norm(end(kind(project=project), n) - exact) for n in (steps, 2 * steps))
    measured = math.log2(coarse / fine)
    order = kind.tableau.order
    assert order - 0.1 < measured < order + max(0.4, 0.06 * order)


@pytest.mark.parametrize("kind", STEPPERS)
def test_the_tableau_is_consistent(kind):
    """The stage weights of a row sum to its node, the weights to 1, and Σ b c = 1/2."""
    tableau = kind.tableau
    assert sum(tableau.b) == pytest.approx(1, abs=1e-15)
    assert sum(b * c for b, c in zip(tableau.b, tableau.c, strict=True)) == pytest.approx(1 / 2, abs=1e-15)
    for row, node in zip(tableau.a, tableau.c, strict=True):
        assert sum(row) == pytest.approx(node, abs=1e-14)
    assert [tableau.nodes[i] for i in tableau.node_of_stage] == list(tableau.c)


@pytest.mark.parametrize("kind", STEPPERS)
def test_a_projected_state_has_length_one(kind):
    m = end(kind(), STEPS[kind] * 2)
    assert np.linalg.norm(m) == pytest.approx(1, abs=4e-16)


def test_an_unprojected_state_measures_the_error():
    assert abs(np.linalg.norm(end(lg.solvers.Heun(project=False), STEPS[lg.solvers.Heun])) - 1) > 1e-9


def test_the_coefficients_are_those_of_other_programs():
    """To the last digit those of SciPy (dop853.f, dopri5.f) and of Diffrax (Tsitouras)."""
    eighth, fifth, loose = (
        kind.tableau.interpolating()
        for kind in (lg.solvers.DormandPrince8, lg.solvers.DormandPrince5, lg.solvers.Tsitouras5)
    )
    assert [list(row) for row in eighth.a] == [row[:i].tolist() for i, row in enumerate(dop853_coefficients.A)]
    assert [*eighth.b[:12]] == dop853_coefficients.B.tolist()
    assert [*eighth.c] == dop853_coefficients.C.tolist()
    assert [list(row) for row in eighth.dense.d] == dop853_coefficients.D.tolist()
    assert [list(row) for row in fifth.a[:6]] == [row[:i].tolist() for i, row in enumerate(RK45.A)]
    assert [*fifth.b[:6]] == RK45.B.tolist()
    assert [*fifth.dense.d[0]] == RK45.P[:, 3].tolist()
    theirs = diffrax.Tsit5.tableau
    assert [list(row) for row in loose.a] == [[], *(row.tolist() for row in theirs.a_lower)]
    assert [*loose.b] == theirs.b_sol.tolist()
    assert [*loose.c] == [0.0, *theirs.c.tolist()]
