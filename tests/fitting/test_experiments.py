"""Several recordings at once: shared and separate parameters, delays, filters, unknown starts, tables."""

import jax
import numpy as np
import pytest
from tests.fitting.conftest import TRUTH

import llgrad as lg
from llgrad.core.record import set_leaf
from llgrad.fitting.targets.measurement import low_pass

STO = lg.presets.kubota2013()


def trace_at(m0=None, duration=3e-9, **settings):
    with jax.enable_x64(True):
        device = STO
        for path, value in settings.items():
            device = set_leaf(device, path.replace("_", "."), value)
        return lg.trace_of(lg.simulate(device, duration=duration, dt=1e-12, save=lg.Every(10), m0=m0))


def test_two_currents_share_the_damping():
    experiments = [
        lg.Experiment(trace_at(current=2.5e-3), settings={"current": 2.4e-3}, label="high"),
        lg.Experiment(trace_at(current=2.0e-3), settings={"current": 2.1e-3}, label="low"),
    ]
    start = set_leaf(STO.replace(alpha=0.006), "field.z", 0.022)
    result = lg.fit(start, experiments, free=["alpha", "field.z", "current"])
    found = {name: result.values[name] for name in ("alpha", "field.z", "current[high]", "current[low]")}
    truth = {"alpha": 0.005, "field.z": 0.02, "current[high]": 2.5e-3, "current[low]": 2.0e-3}
    assert found == pytest.approx(truth, rel=1e-6)


def test_an_unknown_starting_state_is_searched_for():
    trace = trace_at(m0=lg.direction(1.2, 2.0), duration=5e-9).select("mx")
    start = set_leaf(STO.replace(alpha=0.006, current=2.1e-3), "field.z", 0.023)
    result = lg.fit(start, trace, free=list(TRUTH), guess=lg.fitting.Guess(screen=2048, keep=8))
    assert {name: result.values[name] for name in TRUTH} == pytest.approx(TRUTH, rel=1e-6)
    assert any("sign of field.z" in sentence for sentence in result.verdict)
    assert {"screening"} < {entry["stage"] for entry in result.history}


def test_a_delay_and_a_filter_are_found():
    m0, delay, bandwidth = lg.direction(1.0, 0.5), 0.12e-9, 3e9
    fine = trace_at(m0=m0, duration=4e-9)
    t = np.arange(300) * 1e-11
    filtered = np.asarray(low_pass(jax.numpy.asarray(fine.columns["mx"]), 1e-11, bandwidth))
    trace = lg.Trace(t, {"mx": np.interp(t + delay, fine.t, filtered)})
    experiment = lg.Experiment(trace, m0=m0, delay=0.1e-9, bandwidth=2e9)
    result = lg.fit(STO, experiment, free={"delay": lg.systems.between(0, 0.5e-9), "bandwidth": lg.systems.positive()})
    assert result.values["delay"] == pytest.approx(delay, rel=0.02)
    assert result.values["bandwidth"] == pytest.approx(bandwidth, rel=0.05)


def test_a_table_of_frequencies_fixes_field_and_torque():
    """At 2 kOe, where theory holds: f = γ(H + (H_k − 4πM) cosθ)/2π against the current."""
    device = STO.replace(field=(0, 0, 0.2))
    currents = np.array([2.0e-3, 2.5e-3, 4.0e-3])
    table = lg.data.FrequencyTable("current", currents, [6.4424e9, 6.2400e9, 5.9554e9])
    result = lg.fit(set_leaf(device, "field.z", 0.205), table, free=["field.z", "alpha"])
    assert result.values["field.z"] == pytest.approx(0.2, rel=2e-4)
    assert result.values["alpha"] == pytest.approx(0.005, rel=5e-3)


def test_a_fit_out_of_time_returns_the_best_so_far(teacher, first_state):
    result = lg.fit(STO.replace(alpha=0.007), teacher, free=["alpha"], m0=first_state, time_limit=0.0)
    assert result.status.startswith("out of time: the best so far")
    assert not result.converged


def test_an_interrupted_fit_returns_the_best_so_far(teacher, first_state):
    def interrupt(entry):
        if entry["iteration"] == 2:
            raise KeyboardInterrupt

    result = lg.fit(STO.replace(alpha=0.007), teacher, free=["alpha"], m0=first_state, progress=interrupt)
    assert result.status.startswith("interrupted: the best so far")
    assert np.isfinite(result.values["alpha"])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda t: lg.Experiment(t, noise=-1.0), "expected a positive standard deviation"),
        (lambda t: lg.Experiment(t, delay=5.0), "expected a time in seconds"),
        (
            lambda t: lg.Experiment("trace.csv"),
            "needs a Trace, a FrequencyTable, an OrbitTable, a Spectrum or a MeasuredLoop",
        ),
    ],
)
def test_impossible_experiments(teacher, make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make(teacher)


def test_settings_that_do_not_exist(teacher):
    with pytest.raises(ValueError, match="the setting 'curent' is none of the device's"):
        lg.fit(STO, [lg.Experiment(teacher, settings={"curent": 1e-3})], free=["alpha"])


def test_a_free_bandwidth_needs_a_start(teacher):
    with pytest.raises(ValueError, match="bandwidth is free but has no start"):
        lg.fit(STO, teacher, free=["bandwidth"])


IN_PLANE = lg.Oscillator(
    Ms=8e5,
    volume=np.pi * 60e-9 * 30e-9 * 2e-9,
    alpha=0.01,
    demag=(0.02, 0.05, 0.93),
    polarization=0.6,
    polariser=(1, 0, 0),
    field=(0.05, 0, 0),
)


@pytest.mark.parametrize("m0", [None, lg.direction(np.pi / 2, np.radians(3)), (1.0, 0.0, 0.0)])
def test_a_table_does_not_depend_on_the_state_that_its_runs_begin_from(m0):
    """Near threshold, and from where the device nearly rests, it takes long to come to the one orbit."""
    frequencies = [12.736487e9, 7.644770e9, 6.012737e9]  # after 600 ns
    table = lg.data.FrequencyTable("current", [0.26e-3, 0.35e-3, 0.4e-3], frequencies, errors=[2e6] * 3)
    result = lg.fit(IN_PLANE.replace(alpha=0.012), table, free=["alpha"], m0=m0)
    assert result.converged and result.values["alpha"] == pytest.approx(0.01, rel=1e-4)
    assert not any("orbit" in sentence for sentence in result.verdict)


def test_a_table_of_a_device_at_rest_is_said_to_be_one():
    table = lg.data.FrequencyTable("current", [0.01e-3, 0.02e-3], [5.0e9, 5.1e9])
    with pytest.raises(ValueError, match="comes to rest, where it has no frequency; start from a larger current"):
        lg.fit(IN_PLANE.replace(alpha=0.05), table, free=["H_k"])


COBALT = lg.presets.lee2004()
SIX = np.linspace(3.4e-3, 5e-3, 6)
# closed orbits at α = 0.01, of 1024 steps a period: those with m_z > 0, and those with m_z < 0
ABOVE = np.array([10.66118909, 13.48428173, 15.22815796, 16.60470383, 17.78123684, 18.82792208]) * 1e9
BELOW = np.array([10.7166285, 13.51348866, 15.25201047, 16.62628642, 17.80162843, 18.84762954]) * 1e9


@pytest.mark.parametrize("m0", [None, lg.direction(np.pi / 2, np.radians(3))])
@pytest.mark.parametrize("below", [np.zeros(6, bool), np.array([0, 0, 1, 1, 0, 0], bool)])
def test_a_table_of_orbits_beside_others_is_fitted_from_a_start_on_yet_others(below, m0):
    """At α = 0.012 two of the orbits are in the plane, with frequencies that rise with α instead of falling; at the
    truth two attract at each current, 20 to 55 MHz apart, and a table may hold either."""
    table = lg.data.FrequencyTable("current", SIX, np.where(below, BELOW, ABOVE), errors=np.full(6, 1e6))
    result = lg.fit(COBALT.replace(alpha=0.012), table, free=["alpha", "polarization"], m0=m0)
    ratio = result.values["polarization"] / result.values["alpha"]
    assert result.converged and result.explained, result
    assert result.values["alpha"] == pytest.approx(0.01, rel=1e-3)
    assert ratio == pytest.approx(56.69, rel=1e-5)
    assert 0.01 < result.errors["alpha"] / result.values["alpha"] < 0.03  # their ratio is what the frequencies fix
    said = " ".join(result.verdict)
    assert "alpha and polarization are nearly inseparable" in said
    assert "at current = 3.4 mA and 5 more several orbits attract (10.6612 GHz, 10.7166 GHz)" in said
