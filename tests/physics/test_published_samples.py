"""A published trajectory (arXiv:2312.01121): RK4 without projection, dt = 10 ps, start at θ = φ = 1°.

Its constants (CODATA 1986, µ0 = 4π·1e-7) are not the library's: they come in by scaling the polarisation and Ms.
"""

import math

import numpy as np
import pytest

import llgrad as lg
from llgrad.core.constants import ELEMENTARY_CHARGE, HBAR, MU_0
from llgrad.solve.simulate import simulate

CODATA_1986 = {"hbar": 1.05457266e-34, "e": 1.60217733e-19, "mu_0": 4e-7 * math.pi}
SAMPLES = {
    1000: (-0.3761241313544551, 0.8582503612333634, 0.3491901322303343),
    4999: (-0.7841966295223792, -0.6200336522431997, 0.0242984549555083),
}


def with_constants(sto, hbar, e, mu_0):
    """A device that obeys, under the library's constants, the equation of `sto` under these: µ0 Ms and ħη/(eMsV)."""
    ms = mu_0 / MU_0
    return sto.replace(Ms=sto.Ms * ms, polarization=sto.polarization * (hbar / e) / (HBAR / ELEMENTARY_CHARGE) * ms)


def states(sto):
    start = lg.direction(math.radians(1), math.radians(1))
    run = simulate(sto, duration=4999 * 10e-12, dt=10e-12, m0=start, stepper=lg.solvers.RK4(project=False))
    return np.asarray(run.m)


def test_the_published_samples():
    m = states(with_constants(lg.presets.kubota2013(), **CODATA_1986))
    for step, expected in SAMPLES.items():
        assert m[step] == pytest.approx(np.array(expected), abs=1e-9)


def test_the_samples_tell_constants_apart():
    """The library's own constants differ in the sixth digit, and the run shows it."""
    m = states(lg.presets.kubota2013())
    assert np.max(np.abs(m[4999] - np.array(SAMPLES[4999]))) > 1e-7
