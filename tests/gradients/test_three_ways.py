"""Forward mode = reverse mode = central differences to 1e-6: every leaf of device, drive, coupling and start."""

import importlib
import pkgutil

import jax.numpy as jnp
import numpy as np
import pytest
from tests.gradients.derivatives import disagreements, loss_of, three_ways
from tests.physics.terms import TERMS

import llgrad as lg
import llgrad.drives
from llgrad.core.record import get_leaf, leaf_units, set_leaf
from llgrad.devices.array import OscillatorArray
from llgrad.drives.base import Sum, Waveform
from llgrad.drives.chirp import Chirp
from llgrad.drives.constant import Constant
from llgrad.drives.drive import Drive
from llgrad.drives.gaussian import GaussianPulse
from llgrad.drives.pulse import Pulse
from llgrad.drives.sampled import Sampled
from llgrad.drives.sine import Sine
from llgrad.drives.step import Step
from llgrad.physics.anisotropy import UniaxialAnisotropy
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate

DURATION, DT = 0.3e-9, 2e-12
SAMPLES = 8
START = lg.direction(1.1, 0.4)

EVERYTHING = lg.presets.kubota2013().replace(
    H_k2=0.03,
    demag=(0.02, 0.05, 0.93),
    field_like=0.2,
    polariser=lg.direction(1.3, 0.2),
    field=(0.01, -0.02, 0.03),
    terms=(UniaxialAnisotropy(H_k=0.05, H_k2=0.02, axis=lg.direction(1.5, 0.9)), TERMS["user"].term),
)
"""The reference device with every leaf away from zero."""

WAVEFORMS = {
    "Constant": lambda unit: Constant(0.3 * unit),
    "Step": lambda unit: Step(0.4 * unit, start=0.1e-9, rise_time=30e-12),
    "Pulse": lambda unit: Pulse(0.5 * unit, start=0.08e-9, width=0.1e-9, rise_time=40e-12),
    "GaussianPulse": lambda unit: GaussianPulse(0.5 * unit, centre=0.13e-9, width=0.1e-9),
    "Sine": lambda unit: Sine(0.3 * unit, frequency=5e9, phase=0.4),
    "Chirp": lambda unit: Chirp(0.3 * unit, start_frequency=2e9, stop_frequency=8e9, duration=0.2013e-9, phase=0.2),
    "Sampled": lambda unit: Sampled(np.linspace(0, 0.3e-9, SAMPLES), unit * np.cos(np.arange(float(SAMPLES)))),
}
"""Every waveform but the sum, of about the size of `unit`. No time of theirs falls on a step of the grid."""


def moved(record, paths, x):
    """The record with every leaf at these paths times 1 + its x."""
    for path, factor in zip(paths, x, strict=True):
        record = set_leaf(record, path, get_leaf(record, path) * (1 + factor))
    return record


def loss(model, **settings):
    settings = {"duration": DURATION, "dt": DT, "m0": START, "save": Every(15), **settings}
    return loss_of(simulate(model, **settings).m)


def check(names, function):
    assert disagreements(names, *three_ways(function, len(names))) == []


def test_every_leaf_of_a_device_and_its_starting_state():
    paths = [path for path in leaf_units(EVERYTHING) if path != "temperature"]
    assert {"alpha", "field.z", "polariser.y", "demag.x", "terms.0.H_k2", "terms.1.curvature"} < set(paths)

    def function(x):
        return loss(moved(EVERYTHING, paths, x[2:]), m0=lg.direction(1.1 + x[0], 0.4 + x[1]))

    check(["theta", "phi", *paths], function)


def test_the_main_leaves_with_another_stepper():
    """Without projection too; `test_every_leaf_that_noise_depends_on` is Heun's."""
    paths = ["alpha", "current", "field.z", "H_k"]
    check(
        paths,
        lambda x: loss(moved(EVERYTHING, paths, x), stepper=lg.solvers.DormandPrince5(project=False), save=Every(1)),
    )


def test_every_leaf_that_noise_depends_on(key):
    paths = ["temperature", "alpha", "Ms", "volume", "gamma", "current"]
    hot = EVERYTHING.replace(temperature=300.0)
    check(paths, lambda x: loss(moved(hot, paths, x), key=key))


def test_every_waveform_is_here():
    for module in pkgutil.iter_modules(llgrad.drives.__path__, "llgrad.drives."):
        importlib.import_module(module.name)
    built_in = {kind for kind in Waveform.__subclasses__() if kind.__module__.startswith("llgrad.")}
    assert {type(make(1e-3)) for make in WAVEFORMS.values()} == built_in - {Sum}


def test_every_parameter_of_every_drive():
    """Each waveform once as a current and once as a field along y, all at once."""
    drive = Drive(
        current=Sum(tuple(make(0.5e-3) for make in WAVEFORMS.values())),
        field_y=Sum(tuple(make(5e-3) for make in WAVEFORMS.values())),
    )
    paths = [path for path in drive.units() if jnp.ndim(get_leaf(drive, path)) == 0]
    rows = [path for path in drive.units() if jnp.ndim(get_leaf(drive, path)) == 1 and not path.endswith(".t")]
    names = paths + [f"{path}[{i}]" for path in rows for i in range(SAMPLES)]
    assert len(names) == 2 * (1 + 3 + 4 + 3 + 3 + 5 + SAMPLES)

    def function(x):
        changed = moved(drive, paths, x[: len(paths)])
        for index, path in enumerate(rows):
            part = x[len(paths) + SAMPLES * index : len(paths) + SAMPLES * (index + 1)]
            changed = set_leaf(changed, path, get_leaf(drive, path) * (1 + part))
        return loss(EVERYTHING, drive=changed)

    check(names, function)


@pytest.fixture
def array(rng):
    sto = lg.presets.kubota2013()
    fields = lg.Vec3(0.0, np.array([1e-3, -2e-3, 3e-3]), np.array([15e-3, 20e-3, 30e-3]))
    weights = 2e-3 * rng.normal(size=(3, 3)) * (1 - np.eye(3))
    return OscillatorArray(
        sto.replace(field=fields, current=np.array([2e-3, 2.5e-3, 3e-3])), 3, lg.FieldCoupling(weights)
    )


def test_coupling_and_every_oscillator_of_an_array(array):
    """Each weight, each oscillator's field, current and damping, and each one's starting state."""
    names = [f"weight {i}{j}" for i in range(3) for j in range(3) if i != j]
    names += [f"{leaf} {i}" for leaf in ("field.z", "field.y", "current", "alpha", "theta", "phi") for i in range(3)]
    rows, columns = np.nonzero(1 - np.eye(3))

    def function(x):
        weights = jnp.asarray(array.coupling.weights).at[rows, columns].add(1e-3 * x[:6])
        changed = set_leaf(array, "coupling.weights", weights)
        for k, leaf in enumerate(("field.z", "field.y", "current", "alpha")):
            value = get_leaf(array, f"oscillator.{leaf}")
            changed = set_leaf(changed, f"oscillator.{leaf}", value * (1 + x[6 + 3 * k : 9 + 3 * k]))
        return loss(changed, m0=lg.direction(1.1 + x[18:21], jnp.array([0.2, 0.9, 1.7]) + x[21:24]))

    check(names, function)
