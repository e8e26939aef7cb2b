"""Fits of measured loops: Stoner and Wohlfarth's film, whose branches and their ends are known."""

import jax
import numpy as np
import pytest

import llgrad as lg
from llgrad.fitting.assembly import as_experiments, prepare
from llgrad.fitting.loops.measured import MeasuredLoop

FILM = lg.Oscillator(
    Ms=1e6,
    volume=1e-24,
    alpha=0.05,
    H_k=0.1,
    demag=(0.0, 0.0, 0.0),
    polariser=(0.0, 0.6, 0.8),
    junction=lg.devices.ConductanceJunction(R_P=1e3, tmr=1.0),
)
ANGLES = ((0.3, 0.0), (1.1, 0.0))
"""The axis is along z; its coercive fields are those of the astroid."""
FREE = ("H_k", "field_offset", "axis_polar")
BESIDE = {"H_k": 0.1, "field_offset": 2e-3, "axis_polar": 0.02}


def at_rest(fields, psi, H_k=0.1):
    """Angles from z of the film's moment, in the plane of z and the field, as the field goes on in its order."""
    theta, found = psi, []
    for field in fields:
        while abs(slope := field * np.sin(theta - psi) + H_k / 2 * np.sin(2 * theta)) > 1e-9:
            curvature = field * np.cos(theta - psi) + H_k * np.cos(2 * theta)
            theta -= slope / curvature if curvature > 0.03 else 10 * slope  # Newton's method, or downhill
        found.append(theta)
    return np.array(found)


def measured(early=0, seed=0, sigma=5.0):
    """R(H) of the film beside 2 mT, tilted by 0.02 rad, 0.2 T to −0.2 T and back, at each set angle."""
    down = np.linspace(0.2, -0.2, 31)
    fields, values = np.concatenate([down, down[::-1]]), []
    for polar, _ in ANGLES:
        theta = at_rest(fields + 2e-3, polar + 0.02)
        if early:  # what was at rest on the other branch before it had to
            k = int(np.argmax(np.abs(np.diff(np.cos(theta)[:31]))))
            theta[k + 1 - early : k + 1] = theta[::-1][k + 1 - early : k + 1]
        values.append(2e3 / (1.5 + 0.5 * 0.8 * np.cos(theta)))  # R_P (1 + TMR)/(1 + TMR (1 + m·p)/2)
    values = np.concatenate(values)
    values = values + sigma * np.random.default_rng(seed).normal(size=values.size)
    return MeasuredLoop(np.tile(fields, 2), values, angle=np.repeat(ANGLES, fields.size, axis=0))


@pytest.fixture(scope="module")
def data():
    return measured()


def off(found, truth=BESIDE):
    return {name: (found.values[name] - value) / found.errors[name] for name, value in truth.items()}


@pytest.mark.parametrize("start", [0.08, 0.13])
def test_anisotropy_offset_and_tilt_are_found_from_two_angles(data, start):
    """From a coercive field that is too small, and from one that is too large: rows lie beyond the model's branches."""
    found = lg.fit(FILM.replace(H_k=start), data, free=FREE)
    assert found.explained and found.converged, found
    assert max(map(abs, off(found).values())) < 3, found
    assert found.errors["H_k"] < 2e-3 and found.errors["field_offset"] < 1e-3
    assert found.noise == pytest.approx(5.0, rel=0.15)


def test_where_the_device_jumped_is_not_used(data):
    """A device that jumps three steps early, as its temperature has it, is the same device."""
    found = lg.fit(FILM.replace(H_k=0.11), measured(early=3), free=FREE)
    assert found.explained and max(map(abs, off(found).values())) < 3, found


def test_slopes_are_those_of_differences(data):
    with jax.enable_x64(True):
        prepared = prepare(FILM, as_experiments(data), dict.fromkeys((*FREE, "junction.R_P")))
        recording, values = prepared.problem.recordings[0], prepared.values.copy()
        for H_k in (0.1, 0.07):  # with rows on their branches, and beyond their ends
            values[:3] = H_k, 1e-3, 0.01
            seen = recording.seen(values, None, ())
            for place in range(len(values)):
                step = 1e-6 * values[place]
                moved = [recording.seen(values + np.eye(4)[place] * s, None, ()).residuals for s in (step, -step)]
                slope = (moved[0] - moved[1]) / (2 * step)
                size = np.abs(slope).max()
                assert np.abs(seen.slopes[:, place] - slope).max() < 1e-5 * size, prepared.problem.names[place]


def test_residuals_are_continuous_where_a_branch_ends(data):
    with jax.enable_x64(True):
        prepared = prepare(FILM, as_experiments(data), dict.fromkeys(FREE))
        recording = prepared.problem.recordings[0]
        costs = []
        for H_k in np.linspace(0.085, 0.115, 25):
            residuals = recording.seen(np.array([H_k, 2e-3, 0.02]), None, ()).residuals
            costs.append(float(residuals @ residuals))
    steps = np.abs(np.diff(costs))
    assert steps.max() < 0.2 * np.ptp(costs)  # a row that changes its branch at once would be 0.3 of it
    assert int(np.argmin(costs)) in range(11, 14)


def test_gain_and_offset_are_found(data):
    scaled = MeasuredLoop(data.field, 2.5 * data.values + 40.0, angle=data.angles)
    found = lg.fit(FILM.replace(H_k=0.11), scaled, free=(*FREE, "gain", "offset"))
    assert found.explained and max(map(abs, off(found, BESIDE | {"gain": 2.5, "offset": 40.0}).values())) < 3, found
    assert found.units["offset"] == "Ω"
    assert any("gain and offset are found" in said for said in found.verdict)


def test_what_a_loop_does_not_tell_is_said(data):
    with pytest.raises(ValueError, match=r"alpha is free, but at the start the target does not depend on it"):
        lg.fit(FILM, data, free=(*FREE, "alpha"))
    found = lg.fit(FILM, data, free=(*FREE, "junction.R_P", "gain"))
    assert any("junction.R_P" in said and "gain" in said for said in found.verdict), found.verdict
    assert np.isinf(found.errors["gain"]) and np.isfinite(found.errors["H_k"])


def test_a_loop_and_a_trace_are_fitted_together(data):
    device = FILM.replace(field=(0.05, 0.0, 0.1))
    start = lg.direction(0.6, 0.2)
    run = lg.simulate(device, duration=1e-9, dt=1e-12, m0=start, save=lg.Every(10))
    noisy = np.asarray(run.mx) + 0.01 * np.random.default_rng(1).normal(size=run.t.size)
    trace = lg.Experiment(lg.Trace(run.t, {"mx": noisy}), settings={"field.x": 0.05, "field.z": 0.1}, m0=start)
    for H_k, alpha in ((0.085, 0.06),):
        found = lg.fit(FILM.replace(H_k=H_k, alpha=alpha), [trace, data], free=(*FREE, "alpha"))
        assert found.explained
        assert max(map(abs, off(found, BESIDE | {"alpha": 0.05}).values())) < 3, found


FIELDS = np.linspace(0.2, -0.2, 11)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"field": [0.1, np.nan, 0, -0.1, -0.2]}, "field 1 of the loop is nan; remove the row or fill it in"),
        ({"field": FIELDS[:4], "values": FIELDS[:4]}, "a loop has fields of shape (4,) and values of shape (4,)"),
        ({"field": np.zeros(11)}, "from row 0 on the loop has one field only, 0 T: nothing is swept"),
        ({"field": FIELDS * 1e4}, "the loop has a field of 2 kT: is it in tesla?"),
        ({"field": np.roll(FIELDS, -5)}, "begins at zero field, where what the device is in depends on what was"),
        ({"angle": 0.3}, "angle has the shape (), expected a polar and an azimuthal angle in radians"),
        ({"unit": "V"}, "resistance is measured in Ω, not in V"),
    ],
)
def test_a_loop_that_is_none_is_refused(change, sentence):
    given = {"field": FIELDS, "values": np.ones(11), "angle": (0.3, 0.0)} | change
    if len(given["field"]) == 5:
        given["values"] = np.ones(5)
    with pytest.raises(ValueError) as caught:
        MeasuredLoop(given.pop("field"), given.pop("values"), **given)
    assert sentence in str(caught.value)


def test_what_belongs_to_no_loop_is_refused(data):
    with pytest.raises(ValueError, match=r"the loop is of 'resistance', which this device does not tell: it has along"):
        lg.fit(FILM.replace(junction=None), data, free=("H_k",))
    with pytest.raises(ValueError, match=r"field_offset is free, but it belongs to the field of a measured loop"):
        lg.fit(FILM, lg.data.FrequencyTable("current", [1e-3, 2e-3, 3e-3], [1e9, 2e9, 3e9]), free=("field_offset",))
    with pytest.raises(ValueError, match=r"a measured loop is that at rest, without a drive"):
        lg.Experiment(data, drive=lg.Drive(current=lg.drives.Constant(1e-3)))


def test_switching_fields_are_used_where_they_are_asked_for(data):
    """Along the easy axis both branches are level: only where the film jumps tells H_k, and exactly."""
    fields, early = data.switching(), measured(early=3).switching()
    found = lg.fit(FILM.replace(H_k=0.09), [data, fields], free=FREE)
    assert found.explained and max(map(abs, off(found).values())) < 3, found
    assert found.predictions[1]["switching field"] == pytest.approx(fields.fields, abs=0.007)
    assert len(fields.fields) == 4 and (np.abs(early.fields) < np.abs(fields.fields)).any()
    with pytest.raises(ValueError, match=r"the loop jumps nowhere, so it has no switching fields; fit it alone"):
        MeasuredLoop(FIELDS, np.cos(FIELDS), angle=(0.3, 0.0)).switching()
