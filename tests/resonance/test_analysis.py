"""The whole chain on sweeps with known answers."""

import numpy as np
import pytest
from tests.resonance.synthetic import line, made_up

from llgrad.datasets.sweeps import Sweep, Sweeps
from llgrad.fitting.resonance.analysis import fit_resonance
from llgrad.fitting.resonance.comparison import compare, fit_geometry
from llgrad.fitting.resonance.damping import first_on_the_law, width_law
from llgrad.fitting.resonance.geometries import GEOMETRIES
from llgrad.fitting.resonance.lorentzian import FieldWindow

GAMMA = 29e9
TRUE = {
    "perpendicular layer, in-plane field": [29.0, 0.05],
    "two anisotropies": [29.0, 0.03, 4e-4],
    "straight line, hard axis": [29.0, 0.04],
    "straight line, easy axis": [29.0, 0.04],
    "in-plane film": [29.0, 0.3],
}


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: geometry.name)
def test_every_geometry_finds_its_own_parameters(geometry):
    fields = np.linspace(0.1, 0.6, 12)
    p = np.array(TRUE[geometry.name])
    fits = compare(fields, 1e9 * geometry.frequency(p, fields))
    found = fit_geometry(geometry, fields, 1e9 * geometry.frequency(p, fields))
    assert found.rms < 1e3 and not found.at_bound
    assert found.gamma == pytest.approx(GAMMA, rel=1e-6)
    assert found.fields == pytest.approx(geometry.fields(p), rel=1e-4)
    assert fits[0].rms < 1e4, "it, or one that holds it, is the best"


def kittel(f, m=0.3):
    """Resonance field of an in-plane film."""
    return (np.sqrt(m**2 + 4 * (f / GAMMA) ** 2) - m) / 2


def test_a_film_is_recognised_with_its_damping():
    result = fit_resonance(made_up(lambda f: 0.05 + kittel(f), noise=0.003, w0=5e-3))
    alpha, error = result.alpha
    assert alpha == pytest.approx(0.008, abs=3 * error) and error < 5e-4
    assert result.law.intercept == pytest.approx(5e-3, abs=3 * result.law.intercept_error)
    low, high = result.alpha_spread
    assert low < 0.008 + error and high > 0.008 - error


def test_the_verdict_is_decided_where_the_evidence_is():
    """f = γ'√(H(H + M)) is held by the general law alone, and f = γ'√((H − H₁)(H − H₂)) by none but itself."""
    film = fit_resonance(made_up(lambda f: kittel(f, 0.3), noise=0.003, frequencies=range(8, 20)))
    best = {fit.geometry.name: fit for fit in film.fits}["in-plane film"]
    assert best.fields[0] == pytest.approx(0.3, abs=4 * best.field_errors[0])
    assert film.verdict[0].startswith("undecided between") and "straight line" not in film.verdict[0]
    general = fit_resonance(made_up(lambda f: 0.2 + kittel(f, 0.3), noise=0.003, frequencies=range(5, 17)))
    assert general.verdict[0].startswith("the data choose two anisotropies, f = γ'√((H − H₁)(H − H₂)) by ΔAICc = ")
    assert general.fits[0].fields == pytest.approx([0.2, -0.1], abs=4 * max(general.fits[0].field_errors))


def test_low_frequency_broadening_is_left_out_of_alpha(rng):
    f = 1e9 * np.arange(4.0, 18.0)
    errors = np.full(f.size, 2e-4)
    widths = 1e-2 + 2.5e-13 * f + errors * rng.standard_normal(f.size)
    assert first_on_the_law(f, widths, errors) == (0, 0.0)
    first, excess = first_on_the_law(f, widths + 4e-3 * np.exp(-(f - 4e9) / 1.5e9), errors)
    assert 2 <= first <= 5 and excess > 1.5


def test_the_error_of_alpha_covers_the_truth(rng):
    f, errors = 1e9 * np.arange(8.0, 18.0), np.linspace(1e-4, 3e-4, 10)
    laws = [width_law(f, 1e-2 + 2.5e-13 * f + errors * rng.standard_normal(f.size), errors) for _ in range(300)]
    inside = [abs(law.slope - 2.5e-13) < 2.306 * law.slope_error for law in laws]  # t, 8 degrees of freedom, 95 %
    assert np.mean(inside) == pytest.approx(0.95, abs=0.035)


def test_bad_input_gets_a_sentence():
    few = made_up(lambda f: f / GAMMA + 0.1, frequencies=range(5, 9))
    with pytest.raises(ValueError, match="4 of 4 sweeps carry a usable line, expected at least 6"):
        fit_resonance(few)
    with pytest.raises(
        ValueError, match="the window holds too few points of any sweep; the fields go from 100 mT to 900 mT"
    ):
        fit_resonance(few, window=FieldWindow(2.0))
    with pytest.raises(ValueError, match="expected the lower end first"):
        fit_resonance(few, window=FieldWindow(0.5, 0.3))
    field = np.linspace(0.1, 0.9, 50)
    flat = Sweeps([Sweep(f * 1e9, field, 0 * field) for f in range(1, 9)])
    with pytest.raises(ValueError, match=r"0 of 8 sweeps carry a usable line.*shows no line"):
        fit_resonance(flat)
    with pytest.raises(ValueError, match="expected Sweeps, got ndarray"):
        fit_resonance(line(field, 0.5, 0.1))
