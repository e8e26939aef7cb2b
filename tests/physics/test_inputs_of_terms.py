"""What a field term is given at a moment: the time, the whole current, and the field from outside."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.kernels.reference import quick_jit

import llgrad as lg
from llgrad.experiments.spin_diode import Microwave, spin_diode
from llgrad.orbits.equilibria.relaxed import relaxed

STO = lg.presets.kubota2013()
START = [0.6, 0.0, 0.8]
DT = 4e-12
SAVE = lg.solvers.Interval(8e-12)


class Wave(lg.physics.FieldTerm):
    """Fields along x that turns with time, along y that follows the current, along z that follows the field."""

    size: float = lg.quantity("T")
    frequency: float = lg.quantity("Hz")
    per_ampere: float = lg.quantity("T/A", default=0.0)
    share: float = lg.quantity("1", default=0.0)

    def field(self, m, inputs):
        turning = self.size * jnp.sin(2 * jnp.pi * self.frequency * inputs.t)
        return lg.Vec3(turning, self.per_ampere * inputs.current, self.share * inputs.field.z)


DEVICE = STO.replace(terms=(Wave(0.01, 3e9, 2.0, 0.1),))
DRIVE = lg.Drive(current=lg.Sine(1e-4, frequency=2e9), field_z=lg.drives.Constant(2e-3))
SAME = lg.Drive(
    current=lg.Sine(1e-4, frequency=2e9),
    field_x=lg.Sine(0.01, frequency=3e9),
    field_y=lg.Sine(2.0 * 1e-4, frequency=2e9) + lg.drives.Constant(2.0 * STO.current),
    field_z=lg.drives.Constant(2e-3 + 0.1 * (STO.field.z + 2e-3)),
)


@pytest.mark.parametrize(
    ("engine", "stepper", "dt"),
    [
        (lg.solvers.Native(), lg.solvers.RK4(), DT),
        (lg.solvers.Native(), lg.solvers.DormandPrince8(), 40e-12),
        (lg.solvers.XLA(), lg.solvers.RK4(), DT),
        (lg.solvers.XLA(), lg.solvers.Tsitouras5(), 20e-12),
        (lg.solvers.Diffrax(rtol=1e-10, atol=1e-12), lg.solvers.RK4(), DT),
    ],
)
def test_a_term_of_time_current_and_field_is_a_drive(engine, stepper, dt):
    """With a polynomial the last step is a shorter one, which begins late."""
    options = {"duration": 19 * 8e-12, "m0": START, "save": SAVE, "engine": engine, "stepper": stepper, "dt": dt}
    run, drive = lg.simulate(DEVICE, drive=DRIVE, **options), lg.simulate(STO, drive=SAME, **options)
    assert run.stats.reason == ""
    np.testing.assert_allclose(run.m, drive.m, rtol=0, atol=1e-9 if isinstance(engine, lg.solvers.Diffrax) else 1e-13)


def test_its_gradient_is_that_of_a_scan_and_may_be_batched():
    def end(engine, size, frequency):
        device = STO.replace(terms=(Wave(size, frequency, 2.0, 0.1),))
        return lg.simulate(device, duration=20 * DT, dt=DT, m0=START, drive=DRIVE, engine=engine).m[-1, 1]

    def both(engine, size, frequency):
        one = jax.value_and_grad(lambda *given: end(engine, *given), argnums=(0, 1))
        return jax.vmap(one)(size, frequency)

    sizes, frequencies = jnp.array([0.01, 0.02, 0.0]), jnp.array([3e9, 4e9, 5e9])
    (found, slopes), (expected, expected_slopes) = (
        quick_jit(lambda *given, engine=engine: both(engine, *given))(sizes, frequencies)
        for engine in (lg.solvers.Native(), lg.solvers.XLA())
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    for slope, expected_slope in zip(slopes, expected_slopes, strict=True):
        np.testing.assert_allclose(slope, expected_slope, rtol=1e-9)


def test_the_field_has_the_part_of_coupled_neighbours():
    array = lg.OscillatorArray(DEVICE, 3, lg.FieldCoupling(np.full((3, 3), 2e-3)))
    m0 = np.array([[0.6, 0.0, 0.8], [0.0, 0.6, 0.8], [0.8, 0.6, 0.0]])
    runs = [
        lg.simulate(array, duration=20 * DT, dt=DT, m0=m0, engine=engine)
        for engine in (lg.solvers.Native(), lg.solvers.XLA())
    ]
    assert runs[0].stats.engine == "native"
    np.testing.assert_allclose(runs[0].m, runs[1].m, rtol=0, atol=1e-13)


def test_a_term_that_takes_the_current_is_told_how_to_move():
    with pytest.raises(
        ValueError, match=r"Old\.field\(self, m, current\) .* write field\(self, m, inputs\), and inputs"
    ):

        class Old(lg.physics.FieldTerm):
            def field(self, m, current):
                return m * current


class Asking(lg.physics.FieldTerm):
    """What a term may get wrong."""

    ask: str = eqx.field(static=True, default="number")
    size: float = lg.quantity("T", default=0.01)

    def field(self, m, inputs):
        return m * (self.size * inputs) if self.ask == "number" else m * getattr(inputs, self.ask)


@pytest.mark.parametrize(
    ("ask", "error", "sentence"),
    [
        (
            "number",
            TypeError,
            r"taken for a number; take a part of it: inputs.t \[s\], inputs.current \[A\], inputs.fi",
        ),
        ("voltage", AttributeError, r"a field term asks for inputs.voltage, but it is given only t, current, field"),
    ],
)
def test_what_is_asked_wrongly_is_one_sentence(ask, error, sentence):
    with pytest.raises(error, match=sentence):
        lg.simulate(STO.replace(terms=(Asking(ask),)), duration=20 * DT, dt=DT)


def test_the_step_follows_a_field_that_is_zero_at_first():
    late = lg.solvers.suggest_dt(STO.replace(terms=(Wave(1.0, 1e9),)))
    assert late == pytest.approx(lg.solvers.suggest_dt(STO.replace(field=(1.0, 0.0, STO.field.z))), rel=0.02)


AT_REST = {
    "relaxed": ("state at rest", relaxed),
    "spin_diode": (
        "spin-diode response",
        lambda device: spin_diode(device, [0.05], [3e9], Microwave(current=1e-6), axis=(1, 0, 0)),
    ),
    "orbit": ("closed orbit", lg.orbit),
    "equilibria": ("state at rest", lg.equilibria),
    "resonance": ("state at rest", lg.orbits.resonance),
    "thresholds": ("state at rest", lambda device: lg.orbits.thresholds(device, "current", 0.0, 1e-3)),
    "follow": ("state at rest", lambda device: lg.follow(device, "current", 0.0, 1e-3)),
}


@pytest.mark.parametrize("name", AT_REST)
def test_what_is_of_a_field_at_rest_refuses_one_that_changes(name):
    what, call = AT_REST[name]
    device = DEVICE.replace(junction=lg.devices.ConductanceJunction(R_P=200.0, tmr=1.0))
    with pytest.raises(ValueError, match=rf"the field of Wave \(terms.0\) asks for the time, .* there is no {what}"):
        call(device)
