"""A real measurement, read outside the project: the figures of PHYSICS 6, found by hand with another program."""

import json
import time

import numpy as np
import pytest

from llgrad.core.files import plain
from llgrad.fitting.resonance.analysis import fit_resonance
from llgrad.fitting.resonance.lorentzian import FieldWindow

BY_HAND = {5: (3174, 154), 8: (4172, 137), 10: (4835, 142), 12: (5501, 145), 15: (6508, 158), 17: (7176, 159)}
"""Resonance field and half width [Oe] at a frequency [GHz], above 2500 Oe on a linear background."""


@pytest.fixture(scope="module")
def result(measured):
    return fit_resonance(measured, window=FieldWindow(low=0.25))


def test_resonance_fields_and_half_widths(result):
    found = {round(line.frequency / 1e9): line for line in result.lines}
    for frequency, (field, width) in BY_HAND.items():
        assert found[frequency].resonance * 1e4 == pytest.approx(field, rel=0.005)
        assert found[frequency].half_width * 1e4 == pytest.approx(width, rel=0.06)
        assert found[frequency].r_squared > 0.99


def test_sweeps_without_a_usable_line_are_named_with_a_reason(result):
    assert sorted(result.left_out) == [1e9, 2e9, 3e9]
    assert "below the fitted fields" in result.left_out[1e9] and "below the fitted fields" in result.left_out[2e9]
    assert "one flank is missing" in result.left_out[3e9]
    assert "not used: the sweeps at 1, 2 GHz: their lines, if they have any, lie below the fitted fields" in str(result)


def test_damping(result):
    alpha, error = result.alpha
    low, high = result.alpha_spread
    assert 0.0065 < alpha < 0.0075 and 0.0004 < error < 0.0012
    assert 0.005 < low < 0.0065 < 0.0072 < high < 0.0085
    assert [round(line.frequency / 1e9) for line in result.width_lines] == list(range(8, 18))
    assert "from 4 GHz to 7 GHz are not used for α" in str(result.width_remark)


def test_the_geometries_on_the_lines_of_the_table(measured):
    """γ' [GHz/T], fields [Oe] and rms [MHz] of 5 to 17 GHz."""
    fits = {
        fit.geometry.name: fit
        for fit in fit_resonance(measured, window=FieldWindow(0.25), frequencies=(5e9, 17e9)).fits
    }
    for name, gamma, fields, rms in (
        ("perpendicular layer, in-plane field", 28.45, [2249], 56),
        ("two anisotropies", 29.80, [1811, 1115], 7),
        ("straight line, hard axis", 29.97, [1503], 10),
    ):
        assert fits[name].gamma / 1e9 == pytest.approx(gamma, abs=0.006)
        assert 1e4 * np.array(fits[name].fields) == pytest.approx(fields, abs=1)
        assert fits[name].rms / 1e6 == pytest.approx(rms, abs=0.6)


def test_the_evidence_leaves_two_geometries(result):
    assert result.fits[0].rms < 10e6
    assert result.verdict[0].startswith("undecided between two anisotropies and straight line, hard axis")
    assert "excluded: perpendicular layer, in-plane field" in result.verdict[1]


def test_the_whole_sweeps_tell_the_same(measured, result):
    """Without a window too: the low frequencies, where the layer is not saturated, are found and left out."""
    whole = fit_resonance(measured)
    assert "off the curve f(H) of all higher frequencies" in whole.left_out[5e9]
    assert whole.fits[0].gamma == pytest.approx(result.fits[0].gamma, rel=0.005)
    assert whole.alpha[0] == pytest.approx(result.alpha[0], abs=1.5 * result.alpha[1])
    assert whole.verdict[0].startswith("undecided between two anisotropies and straight line, hard axis")


def test_it_is_quick_and_goes_to_json(measured):
    began = time.perf_counter()
    entry = json.loads(json.dumps(plain(fit_resonance(measured, window=FieldWindow(0.25)).to_json())))
    assert time.perf_counter() - began < 30
    assert entry["format"] == "llgrad.resonance" and entry["data_hash"].startswith("sha256:")
    assert entry["geometries"][0]["gamma"]["unit"] == "rad/(T s)"
    assert sum(line["used"] for line in entry["lines"]) == 14
