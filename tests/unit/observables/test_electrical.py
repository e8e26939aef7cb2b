"""Resistance, voltage and spectrum: the laws of the junction, Ohm's law, Parseval's theorem, and the units."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llgrad import presets
from llgrad.devices.array import OscillatorArray
from llgrad.devices.junction import ConductanceJunction, LinearJunction
from llgrad.drives.drive import Drive
from llgrad.drives.sine import Sine
from llgrad.observables.resistance import load_voltage, resistance, voltage
from llgrad.observables.spectrum import Spectrum, spectrum

JUNCTIONS = {"conductance": ConductanceJunction(R_P=1e3, tmr=0.8), "linear": LinearJunction(R_P=1e3, delta_R=800.0)}
ELECTRICAL = {"resistance": resistance, "voltage": voltage, "load voltage": load_voltage}
every_junction = pytest.mark.parametrize("junction", JUNCTIONS.values(), ids=JUNCTIONS)
every_reading = pytest.mark.parametrize("reading", ELECTRICAL.values(), ids=ELECTRICAL)


@every_junction
def test_parallel_and_antiparallel(junction, make_run):
    m = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
    parallel, between, antiparallel = np.asarray(resistance(make_run(m), junction)).tolist()
    assert parallel == pytest.approx(1000.0)
    assert antiparallel == pytest.approx(1800.0)
    middle = 1400.0 if isinstance(junction, LinearJunction) else 2 / (1 / 1000 + 1 / 1800)
    assert between == pytest.approx(middle)


@every_junction
def test_the_law_is_that_of_the_device_unless_another_is_given(junction, run, make_run, orbit):
    device = run.model.replace(junction=junction)
    own = make_run(orbit(), model=device)
    assert np.array_equal(resistance(own), resistance(run, junction))
    other = LinearJunction(R_P=5.0, delta_R=1.0)
    assert np.array_equal(resistance(own, other), resistance(run, other))


@every_junction
def test_ohms_law_with_the_current_of_the_drive(junction, run, make_run, orbit):
    drive = Drive(current=Sine(1e-4, frequency=3e9))
    driven = make_run(orbit(), drive=drive)
    assert np.allclose(voltage(run, junction), 2.5e-3 * resistance(run, junction), rtol=1e-12)
    current = 2.5e-3 + np.asarray(drive.sample(driven.t).current)
    assert np.allclose(voltage(driven, junction), current * resistance(driven, junction), rtol=1e-12)
    only_field = make_run(orbit(), drive=Drive(field_z=Sine(1e-3, frequency=3e9)))
    assert np.array_equal(voltage(only_field, junction), voltage(run, junction))


@every_reading
@pytest.mark.parametrize("samples", [3, 2000])
def test_an_array_reads_as_its_oscillators_do(reading, samples, make_run, orbit):
    """Also where there are as many times as oscillators."""
    junction = ConductanceJunction(R_P=np.array([1e3, 1.1e3, 1.2e3]), tmr=0.8)
    model = OscillatorArray(presets.kubota2013(), count=3).replace(
        junction=junction, current=np.array([1e-3, 2e-3, 3e-3])
    )
    m = np.stack([orbit(frequency=f, samples=samples) for f in (1e9, 1.5e9, 2.2e9)], axis=1)
    common = Drive(current=Sine(1e-4, frequency=3e9))
    together = reading(make_run(m, model=model, drive=common))
    assert together.shape == (samples, 3)
    for index in range(3):
        alone = presets.kubota2013().replace(
            current=1e-3 * (index + 1), junction=ConductanceJunction(R_P=float(junction.R_P[index]), tmr=0.8)
        )
        one = reading(make_run(m[:, index], model=alone, drive=common))
        assert np.allclose(together[:, index], one, rtol=1e-9, atol=1e-12)
    each = Drive(current=Sine(np.array([1e-4, 2e-4, 3e-4]), frequency=3e9))
    assert reading(make_run(m, model=model, drive=each)).shape == (samples, 3)


@every_reading
def test_a_batch_reads_as_its_runs_do(reading, make_run, orbit):
    junction = JUNCTIONS["linear"]

    def make(current):
        return make_run(orbit(), model=presets.kubota2013().replace(current=current, junction=junction))

    batch = jax.vmap(make)(jnp.asarray([1e-3, 2e-3]))
    assert batch.m.ndim == 3
    assert np.allclose(reading(batch)[1], reading(make(2e-3)), rtol=1e-12)
    assert np.allclose(reading(batch, junction)[1], reading(make(2e-3)), rtol=1e-12)


def test_a_bias_tee_passes_the_alternating_part_to_the_load(run):
    """For small swings: amplitude I ΔR/2 sinθ times 50/(R + 50), and no mean."""
    junction = LinearJunction(R_P=100.0, delta_R=2.0)
    passed = np.asarray(load_voltage(run, junction))
    whole = passed[: 1460 // 5 * 5]
    assert abs(np.mean(passed)) < 1e-9
    assert np.max(whole) == pytest.approx(2.5e-3 * np.sin(0.8) * 50 / (101.0 + 50), rel=0.02)
    halved = np.asarray(load_voltage(run, junction, load=1e12))
    assert np.max(halved) == pytest.approx(2.5e-3 * np.sin(0.8), rel=0.02)


@every_reading
def test_without_a_junction_there_is_a_sentence(reading, run):
    with pytest.raises(ValueError, match=r"this device has no junction.*ConductanceJunction") as error:
        reading(run)
    assert "\n" not in str(error.value)


@every_reading
@every_junction
def test_readings_are_differentiable(reading, junction, run):
    gradient = jax.grad(lambda junction: jnp.sum(reading(run, junction) ** 2))(junction)
    assert all(np.isfinite(leaf) and leaf != 0 for leaf in jax.tree.leaves(gradient))


@pytest.mark.float32
@every_reading
@every_junction
def test_readings_in_float32(reading, junction, run):
    assert reading(run, junction).dtype == jnp.float32


DT, N = 1e-11, 4000


@pytest.mark.parametrize("segments", [1, 2, 7, 40])
def test_the_integral_of_a_spectrum_is_the_variance(segments):
    t = DT * np.arange(N)
    x = 0.3 + 2e-3 * np.cos(2 * np.pi * 5e9 * t) + 1e-3 * np.cos(2 * np.pi * 12.5e9 * t)
    found = spectrum(x, DT, unit="V", segments=segments)
    assert np.sum(found.density) * found.resolution == pytest.approx((4e-6 + 1e-6) / 2, rel=0.01)
    assert found.frequency[np.argmax(found.density)] == pytest.approx(5e9, abs=found.resolution)
    assert found.resolution == pytest.approx((segments + 1) / (2 * N * DT), rel=0.01)


def test_spectra_of_many_signals(array_run):
    found = spectrum(array_run)
    assert found.unit == "1/Hz"
    assert found.frequency[np.argmax(found.density, axis=-1)] == pytest.approx([1e9, 1.5e9, 2.2e9], abs=1e8)
    assert repr(found) == "Spectrum: 0 to 100 GHz in steps of 100 MHz, density in 1/Hz"


def test_spectra_in_the_units_of_a_lab():
    """A sine of 0.1 V amplitude at 50 Ω carries 0.1 mW, −10 dBm."""
    t = DT * np.arange(N)
    found = spectrum(0.1 * np.cos(2 * np.pi * 5e9 * t), DT, unit="V")
    power = 10 * np.log10(np.sum(10 ** (found.dbm(bandwidth=found.resolution) / 10)))
    assert power == pytest.approx(-10.0, abs=0.01)
    assert np.all(np.isfinite(found.dbm()))
    density = Spectrum(np.array([0.0, 1.0]), np.array([1e-18, 4e-18]), "V²/Hz")
    assert density.per_current_squared(2e-3) == pytest.approx([0.25, 1.0])


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda: spectrum(np.cos(np.arange(100.0)), DT).dbm(), "a spectrum in 1/Hz cannot be given in dBm.*unit='V'"),
        (lambda: spectrum(np.cos(np.arange(100.0)), DT).per_current_squared(1e-3), "cannot be given in nV²/Hz per mA²"),
        (lambda: spectrum(np.cos(np.arange(100.0)), DT, unit="V").per_current_squared(0.0), "current = 0 A"),
        (lambda: spectrum(np.cos(np.arange(100.0)), DT, segments=0), "segments = 0 leaves 0 samples"),
        (lambda: spectrum(np.cos(np.arange(100.0)), DT, segments=99), "segments = 99 leaves 2 samples.*at least 8"),
    ],
)
def test_what_cannot_be_gets_a_sentence(act, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        act()
    assert "\n" not in str(error.value)
