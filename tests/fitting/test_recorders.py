"""Between device and recorder: gain and offset of a junction, a delay within what is simulated, interpolation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.fitting.targets.measurement import best_line, interpolate

STO = lg.presets.kubota2013().replace(junction=lg.devices.LinearJunction(R_P=1e3, delta_R=500.0))
M0 = np.array([0.6, 0.0, 0.8])
GAIN, OFFSET = 0.4, 0.2
LINES = {
    "both": (["gain", "offset"], {}, {"gain": GAIN, "offset": OFFSET}),
    "gain alone": (["gain"], {"offset": OFFSET}, {"gain": GAIN}),
    "offset alone": (["offset"], {"gain": GAIN}, {"offset": OFFSET}),
    "none": ([], {"gain": GAIN, "offset": OFFSET}, {}),
}


def voltage(device, gain, offset, duration=3e-9):
    with jax.enable_x64(True):
        run = lg.simulate(device, duration=duration, dt=2e-12, save=lg.Every(5), m0=M0)
        trace = lg.trace_of(run, ("voltage",))
    return lg.Trace(trace.t, {"voltage": gain * trace.columns["voltage"] + offset})


@pytest.fixture(scope="module")
def recorded():
    return voltage(STO, GAIN, OFFSET)


@pytest.mark.parametrize("case", LINES)
def test_a_junction_has_a_gain_and_an_offset(recorded, case):
    free, held, truth = LINES[case]
    experiment = lg.Experiment(recorded, m0=M0, **held)
    result = lg.fit(STO.replace(alpha=0.006), experiment, free=["alpha", *free])
    assert result.converged
    found = {name: result.values[name] for name in result.names if not name.startswith("m0")}
    assert found == pytest.approx({"alpha": 0.005, **truth}, rel=1e-6)
    assert [result.units[name] for name in truth] == [{"gain": "1", "offset": "V"}[name] for name in truth]
    assert any("of the voltage" in sentence for sentence in result.verdict)


def test_what_is_held_is_said():
    result = lg.fit(STO.replace(alpha=0.006), voltage(STO, 1.0, 0.0), free=["alpha"], m0=M0)
    assert result.values["alpha"] == pytest.approx(0.005, rel=1e-6)
    assert (
        "gain = 1 and offset = 0 V of the voltage are held: it is taken for that of the junction itself; "
        "free gain and offset to find them"
    ) in result.verdict


def test_lines_held_and_found(rng):
    signal = rng.normal(size=50)
    target, mask = 3.0 * signal + 2.0, np.ones(50, bool)
    for gain, offset in ((None, None), (3.0, None), (None, 2.0), (3.0, 2.0)):
        assert [float(x) for x in best_line(signal, target, mask, gain, offset)] == pytest.approx([3.0, 2.0])


# ---------------------------------------------------------------- delay


def test_a_delay_is_found_within_what_is_simulated():
    device, m0 = lg.presets.kubota2013(), lg.direction(1.0, 0.5)
    with jax.enable_x64(True):
        whole = lg.trace_of(lg.simulate(device, duration=3e-9, dt=1e-12, save=lg.Every(10), m0=m0))
    t = 1e-11 * np.arange(200)
    trace = lg.Trace(t, {"mx": whole.columns["mx"][50:250]})
    result = lg.fit(device, lg.Experiment(trace, m0=m0), free=["delay"])
    assert result.converged and result.values["delay"] == pytest.approx(0.5e-9, rel=1e-5)
    beyond = lg.fit(device, lg.Experiment(trace, m0=m0), free={"delay": lg.systems.between(0, 0.2e-9)})
    assert 0 <= beyond.values["delay"] <= 0.2e-9


# ---------------------------------------------------------------- no interpolation leaves its samples

CUBIC = np.linspace(0.0, 1.0, 20) ** 3
SAMPLES = {
    "a recorded time": lambda t: interpolate(jnp.asarray(CUBIC), 1.0, jnp.asarray(t)),
    "a recorded time among three": lambda t: interpolate(jnp.asarray(CUBIC[[0, 10, 19]]), 9.5, jnp.asarray(t)),
    "a drive": lambda t: lg.drives.Sampled(t=np.arange(20.0), values=CUBIC)(jnp.asarray(t)),
    "an uneven drive": lambda t: lg.drives.Sampled(t=np.arange(20.0) ** 1.01 * 19 / 19**1.01, values=CUBIC)(
        jnp.asarray(t)
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_extrapolated(name):
    """Outside its samples an interpolation is NaN, or keeps the last value; inside it stays between its neighbours."""
    found = np.asarray(SAMPLES[name](np.array([-30.0, -1.0, 20.0, 50.0])))
    assert np.isnan(found).all() or found.tolist() == [CUBIC[0], CUBIC[0], CUBIC[-1], CUBIC[-1]]
    inside = np.asarray(SAMPLES[name](np.linspace(0.0, 19.0, 77)))
    assert np.isfinite(inside).all() and inside.min() > -0.01 and inside.max() < 1.01
    assert np.isfinite(np.asarray(SAMPLES[name](np.array([0.0, 19.0 * (1 + 1e-13)])))).all(), "rounding is not outside"
