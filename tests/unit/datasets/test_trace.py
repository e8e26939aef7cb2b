"""A trace: what it is made of, what it refuses, and how a run becomes one."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from llgrad import presets
from llgrad.core.status import Outcome, Status
from llgrad.core.trajectory import Stats, Trajectory
from llgrad.datasets.trace import COLUMNS, Trace, trace_of
from llgrad.devices.junction import LinearJunction


def run_of(m, dtype=np.float64, model=None):
    stats = Stats("by hand", "", "none", len(m) - 1, 1e-12, 1)
    status = Status(jnp.asarray(int(Outcome.FINISHED)), jnp.asarray(0.0))
    t = jnp.asarray(1e-12 * np.arange(len(m)), dtype)
    return Trajectory(t, jnp.asarray(m, dtype), status, model or presets.kubota2013(), None, stats)


def test_a_trace_is_a_frozen_copy_in_float64():
    t, x = np.arange(3, dtype=np.float32), np.ones(3, dtype=np.float32)
    trace = Trace(t, {"mx": x})
    t[0] = x[0] = 9
    assert trace.t.dtype == trace.columns["mx"].dtype == np.float64
    assert (trace.t[0], trace.columns["mx"][0]) == (0.0, 1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        trace.t = t


def test_the_step_of_even_and_of_uneven_times():
    even, uneven = Trace(1e-12 * np.arange(4), {"mx": np.ones(4)}), Trace([0, 1e-12, 6e-12], {"mx": np.ones(3)})
    assert (even.dt, even.evenly_spaced) == (pytest.approx(1e-12), True)
    assert (uneven.dt, uneven.evenly_spaced) == (pytest.approx(3e-12), False)
    assert repr(even) == "Trace: mx; 4 samples from 0 s to 3 ps, every 1 ps"
    assert "unevenly spaced, 3 ps on average" in repr(uneven)


def test_every_column_has_its_unit():
    trace = Trace([0.0, 1.0], {name: [0.0, 1.0] for name in COLUMNS})
    assert trace.units == COLUMNS
    assert list(trace.select("voltage", "mx").columns) == ["voltage", "mx"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_run_becomes_a_trace(dtype):
    rng = np.random.default_rng(0)
    m = rng.normal(size=(1000, 3))
    device = presets.kubota2013().replace(junction=LinearJunction(R_P=1e3, delta_R=500.0))
    trace = trace_of(run_of(m, dtype, device), ("mx", "my", "mz", "voltage"), notes=("synthetic",))
    assert np.allclose(trace.t, 1e-12 * np.arange(1000), rtol=1e-12, atol=0), "times carry no float32 rounding"
    assert trace.evenly_spaced
    assert np.allclose(np.stack([trace.columns[name] for name in ("mx", "my", "mz")], axis=-1), m, rtol=1e-6)
    assert np.allclose(trace.columns["voltage"], 2.5e-3 * (1000 + 250 * (1 - m[:, 0])), rtol=1e-6)
    assert trace.notes == ("synthetic",)
    assert list(trace_of(run_of(m)).columns) == ["mx", "my", "mz"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Trace([0.0, 1.0], {"mw": [0.0, 1.0]}), "no column 'mw'; it can hold mx, my, mz, voltage"),
        (lambda: Trace([0.0, 1.0], {}), "needs at least one column"),
        (lambda: Trace([0.0], {"mx": [0.0]}), r"t has the shape \(1,\), expected at least two times"),
        (lambda: Trace([0.0, 1.0], {"mx": [0.0]}), r"column 'mx' has the shape \(1,\), expected that of t, \(2,\)"),
        (lambda: Trace([0.0, 1.0], {"mx": [0.0, np.nan]}), "sample 1 of 'mx' is nan"),
        (lambda: Trace([0.0, 2.0, 1.0], {"mx": [0.0, 1.0, 2.0]}), "t does not increase after sample 1"),
        (lambda: Trace([0.0, 1.0], {"mx": [0.0, 1.0]}).select("mz"), "the trace has no column 'mz'; it has mx"),
        (
            lambda: trace_of(run_of(np.ones((5, 2, 3)))),
            r"that of one oscillator, and this run has m of shape \(5, 2, 3\)",
        ),
        (lambda: trace_of(run_of(np.ones((5, 3))), ("t",)), "no column 't'; it can hold mx, my, mz, voltage"),
        (lambda: trace_of(run_of(np.ones((5, 3))), ("voltage",)), "this device has no junction"),
    ],
)
def test_what_cannot_be_gets_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        make()
    assert "\n" not in str(error.value)
