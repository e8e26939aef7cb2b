"""Lorentzians and their derivatives: the right one is chosen, and what neither explains is not believed."""

import functools

import numpy as np
import pytest
from tests.resonance.synthetic import around_each_line, derivative, line, made_up, modulated

from llgrad.datasets.sweeps import Sweep, Sweeps
from llgrad.fitting.resonance.analysis import fit_resonance
from llgrad.fitting.resonance.damping import first_on_the_law, width_law
from llgrad.fitting.resonance.lorentzian import EVERYTHING, Background, fit_line
from llgrad.fitting.resonance.shapes.choice import choose_shape
from llgrad.fitting.resonance.shapes.residuals import misfit, reason_unexplained
from llgrad.fitting.resonance.shapes.shape import PEAK_TO_PEAK, LineShape, line_shape, slopes

FIELD = np.linspace(0.1, 0.9, 161)
OF = {LineShape.LORENTZIAN: line, LineShape.DERIVATIVE: derivative}


@pytest.mark.parametrize("m", [1e-4, 0.3, 1.0, 3.0])
def test_the_modulated_line_is_the_first_harmonic(m):
    x = np.linspace(-8, 8, 65)
    for symmetric, antisymmetric, part in ((1.0, 0.0, "real"), (0.0, 1.0, "imag")):
        found = getattr(line_shape(LineShape.DERIVATIVE, x, m), part)
        assert found == pytest.approx(modulated(x, 0.0, 1.0, symmetric, antisymmetric, m), abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "m"), [(LineShape.LORENTZIAN, 0.0), (LineShape.DERIVATIVE, 0.0), (LineShape.DERIVATIVE, 1.3)]
)
def test_slopes_are_those_of_finite_differences(shape, m):
    x, e = np.linspace(-4, 4, 33), 1e-6
    by_x, by_m = slopes(shape, x, m)
    assert by_x == pytest.approx((line_shape(shape, x + e, m) - line_shape(shape, x - e, m)) / (2 * e), abs=1e-8)
    assert by_m == pytest.approx((line_shape(shape, x, m + e) - line_shape(shape, x, m - e)) / (2 * e), abs=1e-8)


def test_peak_to_peak_is_that_of_the_curve():
    x = np.linspace(-3, 3, 60001)
    curve = line_shape(LineShape.DERIVATIVE, x).real
    assert x[curve.argmin()] - x[curve.argmax()] == pytest.approx(PEAK_TO_PEAK, abs=2e-4)


@pytest.mark.parametrize(("resonance", "width"), [(0.3, 0.02), (0.55, 0.008), (0.7, 0.1)])
@pytest.mark.parametrize(("symmetric", "antisymmetric"), [(1e-6, 0.0), (0.0, -3e-6), (-2e-6, 1e-6)])
@pytest.mark.parametrize("amplitude", [0.0, 0.03])
def test_an_exact_derivative_line_is_found_exactly(resonance, width, symmetric, antisymmetric, amplitude):
    made = functools.partial(modulated, amplitude=amplitude) if amplitude else derivative
    volts = made(FIELD, resonance, width, symmetric, antisymmetric) + 1e-6 - 2e-6 * FIELD
    found = fit_line(Sweep(5e9, FIELD, volts), shape=LineShape.DERIVATIVE, modulation=amplitude)
    assert found.resonance == pytest.approx(resonance, rel=1e-6)
    assert found.half_width == pytest.approx(width, rel=1e-5)
    assert found.symmetric == pytest.approx(symmetric, abs=1e-10)
    assert found.antisymmetric == pytest.approx(antisymmetric, abs=1e-10)


@pytest.mark.parametrize("phase", [0.0, 60.0, 90.0, 200.0])
def test_standard_errors_of_derivatives_cover_the_truth(phase, rng):
    s, a = 1e-6 * np.cos(np.radians(phase)), 1e-6 * np.sin(np.radians(phase))
    clean = derivative(FIELD, 0.5, 0.02, s, a) + 1e-7 * FIELD
    start = fit_line(Sweep(5e9, FIELD, clean), shape=LineShape.DERIVATIVE)
    deviations = []
    for _ in range(150):
        noisy = Sweep(5e9, FIELD, clean + 5e-8 * rng.standard_normal(FIELD.size))
        found = fit_line(noisy, shape=LineShape.DERIVATIVE, near=start)
        deviations.append(
            [(found.resonance - 0.5) / found.resonance_error, (found.half_width - 0.02) / found.half_width_error]
        )
    assert np.std(deviations, axis=0) == pytest.approx([1, 1], abs=0.17)
    assert np.mean(deviations, axis=0) == pytest.approx([0, 0], abs=0.29)


@pytest.mark.parametrize("shape", LineShape)
@pytest.mark.parametrize("phase", [0.0, 90.0, 160.0])
@pytest.mark.parametrize(("noise", "points"), [(0.01, 41), (0.05, 61), (0.1, 161)])
def test_the_right_shape_is_chosen_and_alpha_is_that_of_the_lines(shape, phase, noise, points):
    seed = int(phase) + points
    sweeps = around_each_line(OF[shape], np.radians(phase), noise, points, seed)
    result = fit_resonance(sweeps)
    assert result.choice.shape is shape and result.choice.margin > 10 and not result.choice.forced
    alpha, error = result.alpha
    assert abs(alpha - 0.01) < 4.6 * error  # Student's t with 4 degrees of freedom: 99 %
    assert error < 0.04 * noise * (61 / points) ** 0.5
    assert all(line_ in result.lines for line_ in result.fitted), result.left_out
    assert f"chosen over {'derivatives' if shape is LineShape.LORENTZIAN else 'Lorentzians'}" in str(result)


@pytest.mark.parametrize("shape", LineShape)
def test_the_intervals_of_alpha_cover(shape):
    """From lines to α, with the choice of the lines that follow the law."""
    clean = [fit_line(sweep, shape=shape) for sweep in around_each_line(OF[shape], 0.5, 0.0, 61, 0).sweeps]
    inside, rng = [], np.random.default_rng(6)
    for _ in range(100):
        lines = [fit_line(_with_noise(start, rng), shape=shape, near=start) for start in clean]
        f, w, e = (np.array([getattr(x, n) for x in lines]) for n in ("frequency", "half_width", "half_width_error"))
        first, _ = first_on_the_law(f, w, e)
        low, high = width_law(f[first:], w[first:], e[first:]).interval(28e9)
        inside.append(low < 0.01 < high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.06)  # 2.7 standard deviations


def _with_noise(start, rng):
    noise = 0.03 * np.ptp(start.sweep.voltage) * rng.standard_normal(start.sweep.field.size)
    return Sweep(start.frequency, start.sweep.field, start.sweep.voltage + noise)


def test_the_published_kind_of_mistake_is_not_made():
    """Derivative lines of a film with α = 0.01 and w₀ = 0.5 mT, as Lorentzians: α = 0.0039 ± 0.00002."""
    sweeps = around_each_line(derivative, 0.0, 0.02, 401, 3)
    result = fit_resonance(sweeps)
    alpha, error = result.alpha
    assert alpha == pytest.approx(0.01, abs=4 * error) and error < 2e-4
    assert result.law.intercept == pytest.approx(5e-4, abs=4 * result.law.intercept_error)
    with pytest.raises(ValueError, match="0 of 6 sweeps carry a usable line, expected at least 6") as caught:
        fit_resonance(sweeps, shape=LineShape.LORENTZIAN)
    assert "Lorentzians do not explain it (R² = 0.9" in str(caught.value)
    assert str(caught.value).startswith("derivatives of Lorentzians explain these sweeps better than Lorentzians")


def test_a_forced_shape_that_the_data_reject_is_said_first_and_alpha_is_none():
    result = fit_resonance(around_each_line(line, np.pi / 2, 0.08, 161, 5), shape=LineShape.DERIVATIVE)
    assert result.choice.forced and result.choice.margin < -10
    said = str(result).splitlines()
    assert "AGAINST THE DATA" in said[0] and "No α" in str(result) and "α = 0." not in str(result)
    assert "speak against" in result.to_json()["alpha"]["remark"]


def test_a_shape_may_be_named_where_the_data_do_not_decide():
    sweeps = around_each_line(derivative, 0.0, 0.12, 12, 2, span=2.5)
    with pytest.raises(
        ValueError, match=r"do not tell Lorentzians from derivatives of Lorentzians.*--shape derivative"
    ):
        choose_shape(sweeps, EVERYTHING, Background.CONSTANT)
    assert choose_shape(sweeps, EVERYTHING, Background.CONSTANT, LineShape.LORENTZIAN).forced


def test_a_large_modulation_is_asked_for_and_then_taken_into_account():
    made = functools.partial(modulated, amplitude=0.03)
    sweeps = made_up(lambda f: 0.05 + f / 29e9, noise=0.003, shape=made, w0=1e-2, frequencies=range(5, 17))
    with pytest.raises(ValueError, match="widened by their modulation: an amplitude of about") as caught:
        fit_resonance(sweeps)
    assert 24 < float(str(caught.value).split("about ")[1].split()[0]) < 36
    result = fit_resonance(sweeps, modulation=0.03)
    assert result.alpha[0] == pytest.approx(0.008, abs=4 * result.alpha[1]) and result.alpha[1] < 1e-3
    assert "30 mT amplitude, as given" in str(result)


def doubled(field, resonance, width, symmetric=1e-6, antisymmetric=0.0):
    return sum(line(field, resonance + side * 2.5 * width, width, symmetric, antisymmetric) for side in (-1, 1))


def hysteretic(field, resonance, width, symmetric=1e-6, antisymmetric=0.0):
    """A jump on the flank: the layer switches."""
    return line(field, resonance, width, symmetric, antisymmetric) + 1.5e-6 * (field > resonance + 3 * width)


@pytest.mark.parametrize("made", [doubled, hysteretic])
@pytest.mark.parametrize("points", [41, 201])
@pytest.mark.parametrize("seed", range(2))
def test_what_no_shape_explains_is_refused(made, points, seed):
    with pytest.raises(ValueError) as caught:
        fit_resonance(around_each_line(made, 0.0, 0.01, points, seed))
    said = str(caught.value)
    assert "do not explain it" in said or "do not tell" in said or "its line" in said, said


@pytest.mark.parametrize("shape", LineShape)
@pytest.mark.parametrize("points", [31, 161])
@pytest.mark.parametrize("noise", [0.02, 0.2])
def test_noise_is_no_misfit(shape, points, noise):
    refused = 0
    for seed in range(5):
        for sweep in around_each_line(OF[shape], 0.7, noise, points, seed).sweeps:
            refused += reason_unexplained(fit_line(sweep, shape=shape)) is not None
    assert refused == 0


def test_the_misfit_is_the_part_that_is_no_noise():
    clean = Sweep(5e9, FIELD, derivative(FIELD, 0.5, 0.03))
    assert misfit(fit_line(clean, shape=LineShape.DERIVATIVE)) < 1e-9
    assert 0.05 < misfit(fit_line(clean)) < 1


@pytest.mark.parametrize("factor", [0.1, 10.0, 79.6, 1e-3])
def test_a_wrong_unit_is_refused(factor):
    sweeps = around_each_line(derivative, 0.3, 0.01, 61, 1)
    wrong = Sweeps([Sweep(s.frequency, s.field * factor, s.voltage) for s in sweeps.sweeps], field_unit="Oe")
    with pytest.raises(ValueError, match=r"GHz/T, .* that of an electron .*the fields were read in Oe"):
        fit_resonance(wrong, shape=LineShape.DERIVATIVE)


def test_too_few_points_and_options_that_contradict_are_refused():
    few = around_each_line(derivative, 0.0, 0.01, 7, 1)
    with pytest.raises(
        ValueError, match="the sweeps have up to 7 points; a line on a linear background needs at least 8"
    ):
        fit_resonance(few)
    lorentzians = around_each_line(line, 0.5, 0.01, 61, 1)
    with pytest.raises(ValueError, match="a field modulation belongs to derivative lines; these are Lorentzians by"):
        fit_resonance(lorentzians, modulation=1e-4)
    with pytest.raises(ValueError, match="belongs to derivative lines; leave it out"):
        fit_resonance(lorentzians, shape=LineShape.LORENTZIAN, modulation=1e-4)
    with pytest.raises(ValueError, match=r"shape = 'dPdH', expected Shape\.LORENTZIAN"):
        fit_resonance(lorentzians, shape="dPdH")
    with pytest.raises(ValueError, match=r"modulation = -0\.001 T, expected an amplitude"):
        fit_resonance(lorentzians, modulation=-1e-3)


def test_widths_that_do_not_grow_fix_no_alpha():
    sweeps = around_each_line(line, 0.2, 0.02, 61, 5, alpha=0.0, w0=5e-3)
    result = fit_resonance(sweeps)
    assert "do not grow with frequency" in result.alpha_remark and "The widths do not grow" in str(result)
