"""Whether the model explains the data, and what is said where it does not."""

import jax
import numpy as np
import pytest
from tests.fitting.conftest import TRUTH

import llgrad as lg
from llgrad.fitting.answers.quality import quality

STO = lg.presets.kubota2013()
FREE = list(TRUTH)


def noisy(trace, sigma, rng):
    return lg.Trace(trace.t, {name: c + rng.normal(0, sigma, c.size) for name, c in trace.columns.items()})


def test_a_good_fit_raises_no_warning(teacher, rng):
    result = lg.fit(STO, noisy(teacher, 0.01, rng), free=FREE, noise=0.01)
    assert result.quality[0].warnings == ()
    assert result.quality[0].chi2_per_freedom == pytest.approx(1, abs=0.15)
    assert abs(result.quality[0].autocorrelation) < 0.1


def test_a_wrong_noise_is_noticed(teacher, rng):
    result = lg.fit(STO, noisy(teacher, 0.01, rng), free=FREE, noise=0.003)
    assert "the residuals are larger than the noise given" in " ".join(result.verdict)


@pytest.mark.parametrize("draw", [0, 1])
def test_noise_in_the_device_is_recognised(draw):
    hot = STO.replace(temperature=300.0)
    run = lg.simulate(
        hot, duration=20e-9, dt=2e-12, save=lg.Every(5), m0=lg.direction(1.2, 2.0), key=jax.random.key(draw)
    )
    result = lg.fit(STO, lg.trace_of(run), free=FREE)
    assert result.quality[0].growth > 3
    assert "no single deterministic orbit explains this trace" in " ".join(result.verdict)


def test_segments_share_the_device(teacher):
    pieces = lg.fitting.segments(teacher, 2.5e-9)
    assert [piece.data.t.size for piece in pieces] == [250, 250]
    result = lg.fit(STO.replace(alpha=0.006), pieces, free=FREE)
    assert {name: result.values[name] for name in TRUTH} == pytest.approx(TRUTH, rel=1e-6)
    assert {"m0.polar[1]", "m0.azimuthal[2]"} <= set(result.names)


def test_segments_of_nothing(teacher):
    with pytest.raises(ValueError, match="expected a time shorter than the trace"):
        lg.fitting.segments(teacher, 1e-6)


def test_rounding_is_no_correlation():
    smooth = 1e-12 * np.sin(np.linspace(0, 6, 100))[:, None]
    assert quality(smooth, None, 3, 1.0, None).warnings == ()
    assert "correlated" in quality(1e9 * smooth, None, 3, 1.0, None).warnings[0]
