"""Optima of numbers of an orbit, against the amplitude model's closed forms."""

import numpy as np
import pytest
from tests.orbits.devices import AMPLITUDE, closed_form

import llgrad as lg

TARGET = 0.45e9
FREE = {"supercriticality": (0.2, 6.0), "shift": (-3e9, "3e9 rad/s"), "omega": (2e9, 4e9)}
LIMITS = {"frequency": TARGET}


def width_at(zeta, shift):
    """Line width [Hz]; the frequency is free with omega."""
    return closed_form(AMPLITUDE.replace(supercriticality=zeta, shift=shift))["line_width"]


@pytest.fixture(scope="module")
def best():
    return lg.optimise(AMPLITUDE, lg.minimise("line_width"), FREE, LIMITS, starts=20)


def test_it_is_the_optimum_of_the_closed_form(best):
    """No shift with power, and the largest supercriticality."""
    assert best.value == pytest.approx(width_at(6.0, 0.0), rel=1e-8)
    assert best.device.supercriticality == 6.0 and abs(best.device.shift) < 1e5
    assert lg.orbit(best.device).frequency == pytest.approx(TARGET, rel=1e-8)
    assert best.sense == "smallest" and best.unit == "Hz"


def test_every_start_is_accounted_for(best):
    ended = [one.how for one in best.starts]
    assert len(ended) == 20 and set(ended) <= {"converged", "no number"} and ended.count("converged") >= 19
    led = sum(one.led_back for one in best.starts)
    assert led > 0 and any(
        note.startswith(f"{led + ended.count('no number')} of 20 starts had no") for note in best.notes
    )
    values = [one.value for one in best.starts if one.how == "converged"]
    np.testing.assert_allclose(values, best.value, rtol=1e-6)
    assert best.optima[0].starts == len(values) and len(best.optima) == 1
    asked = sum(one.evaluations - 1 for one in best.starts if one.how == "converged")
    assert best.history[-1]["evaluations"] > asked and best.evaluations > best.history[-1]["evaluations"]


def test_what_a_limit_costs_is_the_derivative_of_the_best_value(best):
    (frequency,), zeta = best.constraints, best.parameters["supercriticality"]
    assert frequency.binds == "equality" and abs(frequency.price * TARGET) < 1e-6 * best.value  # omega makes it good
    slope = (width_at(6.001, 0.0) - width_at(5.999, 0.0)) / 2e-3
    assert zeta.at == "upper end" and zeta.price == pytest.approx(slope, rel=1e-6)
    held = lg.optimise(AMPLITUDE, lg.minimise("line_width"), FREE, LIMITS | {"shift": (1e9, None)}, starts=2)
    shift = held.parameters["shift"]
    assert shift.at == "lower end" and held.value == pytest.approx(width_at(6.0, 1e9), rel=1e-8)
    assert shift.price == pytest.approx((width_at(6.0, 1.001e9) - width_at(6.0, 0.999e9)) / 2e6, rel=1e-5)


def test_sensitivities_are_those_of_the_closed_form(best):
    found = {one.name: one for one in best.sensitivities}
    device = best.device
    for name in ("heat", "omega", "damping", "shift", "nonlinear"):
        value = getattr(device, name)
        ahead, behind = (closed_form(device.replace(**{name: value * (1 + h)}))["line_width"] for h in (1e-6, -1e-6))
        expected = (ahead - behind) / 2e-6 / 100
        assert found[name].per_percent == pytest.approx(expected, rel=1e-5, abs=1e-7 * best.value), name
    # the line width goes with the heat, whatever is set anew
    assert found["heat"].best_per_percent == pytest.approx(best.value / 100, rel=1e-6)
    assert found["shift"].free and found["shift"].best_per_percent == 0.0


def test_what_cancels_when_all_is_set_anew_is_nothing():
    """Only I times the polarisation over the volume acts: at a frequency that is held the current makes up for them."""
    device = lg.presets.kubota2013()
    aim = lg.maximise("locking", drive={"field_x": 1e-5})
    found = lg.optimise(device, aim, {"current": (1e-3, 3e-3)}, {"frequency": (0.49e9, 0.51e9)}, starts=2)
    own = {one.name: one for one in found.sensitivities}
    for name in ("polarization", "volume"):
        assert abs(own[name].per_percent) > 1e-3 * found.value and own[name].best_per_percent == 0.0


def test_the_curvature_tells_what_a_move_costs(best):
    (one,) = best.curvatures
    assert width_at(6.0, best.device.shift + one.moves["shift"]) / best.value - 1 == pytest.approx(0.01, rel=1e-3)
    p = closed_form(AMPLITUDE.replace(supercriticality=6.0))["p"]
    assert one.moves["omega"] == pytest.approx(-one.moves["shift"] * p, rel=1e-6)  # at the same frequency


def test_a_warning_stands_before_a_width_that_is_none():
    hot = AMPLITUDE.replace(heat=2e9)
    found = lg.optimise(hot, lg.minimise("line_width"), FREE, LIMITS, starts=4)
    assert found.notes[0].startswith("not to be used as it is: first order in the noise does not hold")
    assert found.notes[0] in str(found)


def test_an_optimum_at_the_threshold_is_no_optimum():
    """The amplitude goes to nothing at the threshold, and beyond it is no orbit."""
    found = lg.optimise(AMPLITUDE, lg.maximise("line_width"), FREE, LIMITS, starts=4)
    assert any("threshold" in note or "at the edge" in note for note in found.notes)


def test_the_grid_solves_the_equality_and_is_worse(best):
    grid = lg.optimising.grid_search(
        AMPLITUDE, lg.minimise("line_width"), FREE, LIMITS, points={"supercriticality": 9, "shift": 6}, solve="omega"
    )
    assert 1.001 * best.value < grid.value < 2 * best.value and 0 < grid.within < 54
    zeta, shift = (
        axis[i] for axis, i in zip(grid.axes.values(), np.argwhere(grid.values == grid.value)[0], strict=True)
    )
    assert grid.value == pytest.approx(width_at(zeta, shift), rel=1e-7)
    assert grid.evaluations > grid.within and "Grid of 9 × 6 in supercriticality, shift" in str(grid)


def test_nothing_oscillates():
    with pytest.raises(ValueError, match=r"no start oscillates, of 16 designs that were tried; at the first: no cycle"):
        lg.optimise(AMPLITUDE, lg.minimise("line_width"), {**FREE, "supercriticality": (0.2, 0.8)}, LIMITS, starts=4)


def test_limits_that_no_design_holds():
    with pytest.raises(
        ValueError, match=r"no design holds all limits, from .* the nearest has frequency = .*9 GHz is the"
    ):
        lg.optimise(AMPLITUDE, lg.minimise("line_width"), FREE, {"frequency": 9e9}, starts=2)
