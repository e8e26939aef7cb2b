"""Each mistake gets one sentence before any long work begins."""

import pytest

from llgrad import presets
from llgrad.datasets.trace import Trace
from llgrad.devices.bounds import between
from llgrad.fitting.fit import fit
from llgrad.fitting.methods.starts import Starts
from llgrad.kernels.steppers import RK4

STO = presets.kubota2013()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"free": ["alfa"]}, r"unknown parameter 'alfa'; the free parameters can be Ms, volume, alpha"),
        ({"free": []}, r"no free parameter: name at least one"),
        (
            {"free": {"current": between(3e-3, 5e-3)}},
            r"start current = 0.0025 A is outside its bound \(between 3 mA and 5",
        ),
        ({"free": ["drive.current.amplitude"]}, r"unknown parameter 'drive.current.amplitude'"),
        ({"free": ["temperature"]}, r"start temperature = 0 K is outside its bound \(positive\)"),
        ({"free": ["alpha"], "starts": Starts(4)}, r"4 starts are drawn at random; give key=jax.random.key\(0\)"),
        ({"free": ["alpha"], "dt": 1e-10}, r"dt = 100 ps turns m by 1.15 rad in a step"),
        ({"free": ["alpha"], "m0": [1.0, 1.0, 0.0]}, r"m0 = .* has length 1.41421, expected a unit vector"),
    ],
)
def test_sentences(teacher, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit(STO, teacher, **arguments)


def test_a_hot_device_gets_advice_for_a_fit(teacher):
    with pytest.raises(ValueError, match="temperature = 300 K, but a fit follows orbits without thermal noise"):
        fit(STO.replace(temperature=300.0), teacher, free=["alpha"])


def test_too_few_samples():
    trace = Trace([0.0, 1e-11], {"mx": [0.1, 0.2]})
    with pytest.raises(ValueError, match=r"the data have 2 values for 5 free parameters; record more samples"):
        fit(STO, trace, free=["alpha", "current", "field.z"])


def test_a_trace_that_is_no_unit_vector(teacher):
    scaled = Trace(teacher.t, {name: 1.4e6 * values for name, values in teacher.columns.items()})
    with pytest.raises(ValueError, match="expected about 1; is the trace a unit vector"):
        fit(STO, scaled, free=["alpha"])


def test_a_start_that_cannot_be_simulated(teacher):
    """A step at the edge of what a stepper with a raised limit accepts fails in the run."""
    sparse = Trace(teacher.t[::10], {"mx": teacher.columns["mx"][::10]})
    device = STO.replace(field=(0, 0, 0.075))
    with pytest.raises(ValueError, match=r"the start \(alpha = 0.005\) cannot be simulated: the run is not finite"):
        fit(device, sparse, free=["alpha"], dt=1e-10, stepper=RK4(limit=2.5), m0=[1.0, 0.0, 0.0])
