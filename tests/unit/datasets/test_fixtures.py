"""Fixtures taken out of traces, spectra and S parameters, against scikit-rf."""

import numpy as np
import pytest
import skrf

from llgrad.datasets.touchstone.fixtures import chain, deembed, transfer
from llgrad.datasets.touchstone.scattering import Scattering
from llgrad.datasets.trace import Trace
from llgrad.observables.spectrum import Spectrum

F = np.linspace(0.0, 5e9, 101)


def two_port(seed, size=0.2, frequencies=F):
    """A lossy cable of some delay with reflections at both ends."""
    rng = np.random.default_rng(seed)
    a, b = size * np.exp(-2j * np.pi * frequencies * rng.uniform(0, 3e-10)), size * rng.uniform(-1, 1)
    through = 0.8 * np.exp(-2j * np.pi * frequencies * 4e-10) * np.exp(-frequencies / 2e10)
    return np.stack([np.stack([a, through], -1), np.stack([through, b + 0 * a], -1)], -2)


def network(s, z0=50.0):
    return skrf.Network(f=F, f_unit="hz", s=s, z0=z0)


def test_the_chain_and_the_transfer_are_those_of_scikit_rf():
    s = two_port(0)
    theirs = network(s, np.tile([50.0, 75.0], (F.size, 1)))
    assert np.allclose(chain(s, 50.0, 75.0) / (2 * s[:, 1, 0])[:, None, None], theirs.a, rtol=1e-9)
    theirs.renormalize(np.tile([600.0, 40.0], (F.size, 1)))
    expected = theirs.s[:, 1, 0] * 640 / (2 * np.sqrt(600 * 40))
    assert np.allclose(transfer(Scattering(F, s, (50.0, 75.0)), 600.0, 40.0), expected, rtol=1e-12)
    assert np.allclose(transfer(Scattering(F, s), 50.0, 50.0), s[:, 1, 0], rtol=1e-12)


def test_s_parameters_between_two_fixtures():
    left, inner, right = (two_port(seed) for seed in (1, 2, 3))
    measured = network(left) ** network(inner) ** network(right)
    found = deembed(Scattering(F, measured.s), Scattering(F, left), behind=Scattering(F, right))
    assert np.allclose(found.s, inner, atol=1e-12)
    load = (network(left) ** network(inner[:, :1, :1])).s
    assert np.allclose(deembed(Scattering(F, load), Scattering(F, left)).s, inner[:, :1, :1], atol=1e-12)


@pytest.mark.parametrize("source", [None, 800.0])
def test_a_trace_and_a_spectrum(source):
    fixture = Scattering(F, two_port(4))
    weakened = transfer(fixture, source or 50.0, 50.0)
    dt, size, f = 1e-10, 2000, 0.75e9
    t = dt * np.arange(size)
    gain = np.interp(f, F, weakened)
    recorded = np.abs(gain) * np.cos(2 * np.pi * f * t + np.angle(gain))
    found = deembed(Trace(t, {"voltage": recorded}), fixture, source=source)
    inside = slice(200, -200)
    assert found.t.size < size and np.array_equal(found.t, t[: found.t.size])
    assert np.abs(found.columns["voltage"] - np.cos(2 * np.pi * f * found.t))[inside].max() < 5e-3
    density = deembed(Spectrum(F, np.abs(weakened) ** 2, "V²/Hz"), fixture, source=source).density
    assert np.allclose(density, 1.0, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"fixture": Scattering(F[1:50], two_port(0)[1:50])},
            "the fixture is known from 50 MHz to 2.45 GHz, and the trace",
        ),
        ({"fixture": Scattering(F[::25], two_port(0)[::25])}, "the phase of the fixture turns by"),
        ({"fixture": Scattering(F, 1e-4 * two_port(0))}, "lets less than 0.001 of the amplitude through"),
        ({"fixture": Scattering(F, two_port(0)[:, :1, :1])}, "fixture has 1 ports, expected 2"),
        ({"source": -5.0}, "source = -5.0, expected a resistance"),
        ({"behind": Scattering(F, two_port(0))}, "behind is for S parameters of two ports"),
        ({"band": (3e9, 1e9)}, "expected the lowest and the highest frequency"),
    ],
)
def test_what_cannot_be_taken_out(options, sentence):
    trace = Trace(1e-10 * np.arange(64), {"voltage": np.ones(64)})
    with pytest.raises(ValueError, match=sentence):
        deembed(trace, **({"fixture": Scattering(F, two_port(0))} | options))


def test_no_voltage_has_no_fixture():
    with pytest.raises(ValueError, match="'mx' is no voltage"):
        deembed(Trace(1e-10 * np.arange(64), {"mx": np.ones(64)}), Scattering(F, two_port(0)))
