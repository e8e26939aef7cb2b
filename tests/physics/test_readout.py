"""Magnetoresistances and Hall effects: their tensors, films in parallel, and runs, fits and orbits read by them."""

import math

import jax
import numpy as np
import pytest
from tests.physics.couplings import FREE, HARD
from tests.systems.test_stacks import SPACER, STO, stack_of

import llgrad as lg

SIZE = {"length": 12e-6, "width": 4e-6}
EFFECTS = (lg.readout.AMR(1.5), lg.readout.SMR(0.7, hall=0.05), lg.readout.AHE(0.4), lg.readout.PHE(0.2))
BAR = lg.readout.HallBar(lg.readout.Film(200.0, EFFECTS), **SIZE)


def direction(rng):
    v = rng.normal(size=3)
    return v / np.linalg.norm(v)


def frame(rng):
    """ĵ, n̂ at random, at a right angle."""
    j, other = direction(rng), direction(rng)
    n = np.cross(j, other)
    return j, n / np.linalg.norm(n)


def of(bar, m):
    """What a bar reads at a direction (3,)."""
    return [float(value) for value in bar.resistances(lg.Vec3(*m))]


def test_the_anisotropic_resistance_and_the_hall_effect_are_those_of_ohms_law(rng):
    """E = ρ⊥ J + Δρ m (m·J) + ρ_H m × J along ĵ and t̂ = n̂ × ĵ, in any frame."""
    for _ in range(5):
        (j, n), m = frame(rng), direction(rng)
        field = 200.0 * j + 1.5 * m * (m @ j) + 0.4 * np.cross(m, j)
        bar = lg.readout.HallBar(
            lg.readout.Film(200.0, (lg.readout.AMR(1.5), lg.readout.AHE(0.4))), flow=j, normal=n, **SIZE
        )
        assert of(bar, m) == pytest.approx([3.0 * (field @ j), field @ np.cross(n, j)], rel=1e-13)


def test_the_spin_hall_resistance_is_that_of_reflected_spins(rng):
    """A current sends spins p = n̂ × J; the magnet takes p − m (m·p) of them, and turns m × p; what is missing adds
    E = Δρ₁ [p − m (m·p)] × n̂ + Δρ₂ (m × p) × n̂, by the inverse effect."""
    for _ in range(5):
        (j, n), m = frame(rng), direction(rng)
        p = np.cross(n, j)
        field = 200.0 * j + np.cross(0.7 * (p - m * (m @ p)) + 0.05 * np.cross(m, p), n)
        bar = lg.readout.HallBar(lg.readout.Film(200.0, lg.readout.SMR(0.7, hall=0.05)), flow=j, normal=n, **SIZE)
        assert of(bar, m) == pytest.approx([3.0 * (field @ j), field @ p], rel=1e-12)


def test_the_planar_hall_effect_goes_with_the_others():
    """(R/2) sin 2φ, and that of AMR and SMR is of the same size as what they do along the bar, over its aspect."""
    for phi in (0.3, 1.2, -0.7):
        m = lg.direction(math.pi / 2, phi)
        alone = lg.readout.HallBar(lg.readout.Film(200.0, lg.readout.PHE(0.2)), **SIZE)
        assert alone.resistances(m) == pytest.approx([600.0, 0.1 * math.sin(2 * phi)])
    for effect in (lg.readout.AMR(1.5), lg.readout.SMR(1.5)):
        bar = lg.readout.HallBar(lg.readout.Film(200.0, effect), **SIZE)
        span = of(bar, (1, 0, 0))[0] - of(bar, (0, 1, 0))[0]
        slant = of(bar, (math.sqrt(0.5), math.sqrt(0.5), 0))[1]
        assert span == pytest.approx(2 * slant * 3.0)


def test_a_magnetisation_that_is_reversed_reverses_the_hall_effect_alone(rng):
    """Onsager: R_long is even in m, and the odd part of R_trans is that of AHE and of SMR's ΔR₂."""
    m = direction(rng)
    (along, across), (back_along, back_across) = of(BAR, m), of(BAR, -m)
    assert along == pytest.approx(back_along, rel=1e-14)
    assert (across - back_across) / 2 == pytest.approx((0.4 + 0.05) * m[2])


def test_films_in_parallel_add_their_conductivities(rng):
    """Against inverse matrices; a metal that carries a part x of the current leaves (1 − x)² of the Hall resistance."""
    m = {name: lg.Vec3(*direction(rng)) for name in ("free", "hard")}
    films = (
        lg.readout.Film(200.0, EFFECTS, layer="free"),
        lg.readout.Film(150.0, lg.readout.AHE(-30.0), layer="hard"),
        lg.readout.Film(80.0),
    )
    bar = lg.readout.HallBar(films, flow=(0.6, 0.8, 0.0), **SIZE)
    total = np.zeros((2, 2))
    for film in films:
        one = film.tensor(bar.in_frame(m[film.layer or "free"]))
        total += np.linalg.inv([[one.along, one.symmetric - one.hall], [one.symmetric + one.hall, one.across]])
    rho = np.linalg.inv(total)
    assert bar.resistances(m) == pytest.approx([3.0 * rho[0, 0], rho[1, 0]], rel=1e-12)
    shunted = lg.readout.HallBar((lg.readout.Film(200.0, lg.readout.AHE(0.01)), lg.readout.Film(50.0)), **SIZE)
    assert of(shunted, (0, 0, 1)) == pytest.approx([120.0, 0.01 * 0.2**2], rel=1e-6)


TORQUE = lg.physics.SpinOrbitTorque(30.0, field_like=0.2, current=0.5e-3)
RUN = {"duration": 60e-12, "dt": 1e-12}


def test_a_stack_records_what_its_bars_tell():
    """Its signals are those that the functions find in the run, and the voltages those of the metal's whole current."""
    stack = lg.Stack(
        (HARD, FREE.replace(terms=(TORQUE,))), readouts=BAR.replace(films=lg.readout.Film(200.0, EFFECTS, "free"))
    )
    drive = {"heavy_metal_current": lg.Sine(0.3e-3, frequency=5e9)}
    run = lg.simulate(stack, drive=drive, **RUN)
    (bar,) = stack.readouts
    along, across = lg.readout.longitudinal_resistance(run, bar), lg.readout.transverse_resistance(run, bar)
    current = 0.5e-3 + drive["heavy_metal_current"](run.t)
    for name, expected in (
        ("longitudinal", along),
        ("transverse", across),
        ("longitudinal_voltage", current * along),
        ("transverse_voltage", current * across),
    ):
        signal = run.signal(name)
        np.testing.assert_allclose(signal.values, expected, rtol=1e-13)
        assert signal.unit == ("V" if "voltage" in name else "Ω")
    directions = {"free": np.asarray(run.free.stack())}
    np.testing.assert_allclose(lg.readout.transverse_resistance(directions, bar), across, rtol=1e-13)
    assert np.ptp(across) > 1e-3
    two = stack.replace(readouts=(bar.replace(name="along_x"), bar.replace(name="along_y", flow=(0, 1, 0))))
    other = lg.simulate(two, drive=drive, **RUN)
    np.testing.assert_allclose(other.signal("along_x.transverse").values, across, rtol=1e-13)
    assert np.abs(other.signal("along_y.transverse").values - across).max() > 1e-3


def test_runs_of_devices_and_arrays_and_measured_directions_are_read_alike():
    run = lg.simulate(STO, **RUN)
    across = lg.readout.transverse_resistance(run, BAR)
    np.testing.assert_allclose(across, lg.readout.transverse_resistance(np.asarray(run.m), BAR), rtol=1e-13)
    np.testing.assert_allclose(across, jax.vmap(lambda m: BAR.resistances(lg.Vec3(*m))[1])(run.m), rtol=1e-13)
    other = lg.simulate(stack_of(STO), **RUN)  # its reference layer is fixed: the bar reads the one that moves
    np.testing.assert_allclose(
        lg.readout.transverse_resistance(other, BAR)[0], BAR.resistances(lg.direction(0.5, 0.1))[1]
    )
    fixed = BAR.replace(films=lg.readout.Film(200.0, lg.readout.AHE(1.0), "reference"))
    assert np.ptp(lg.readout.transverse_resistance(other, fixed)) == 0.0
    many = lg.readout.transverse_resistance(lg.simulate(lg.OscillatorArray(STO, 2), **RUN), BAR)
    np.testing.assert_allclose(many, np.stack([across, across], 1), rtol=1e-12)


def test_a_fit_takes_the_signals():
    """From the Hall voltage alone: the damping and the Hall resistance that made it."""
    film = lg.readout.Film(200.0, lg.readout.AHE(0.4))
    stack = lg.Stack(FREE.replace(terms=(TORQUE,)), readouts=lg.readout.HallBar(film, **SIZE))
    signal = lg.simulate(stack, duration=0.3e-9, dt=1e-12).signal("transverse_voltage")
    trace = lg.Trace(np.asarray(signal.t), signal.columns, units=signal.units)
    names = ("layers.0.alpha", "readouts.0.films.0.effects.0.R")
    wrong = stack.with_layer("free", alpha=0.02).replace(
        readouts=lg.readout.HallBar(lg.readout.Film(200.0, lg.readout.AHE(0.5)), **SIZE)
    )
    found = lg.fit(wrong, trace, free=names, starts=lg.fitting.Starts(1))
    assert [found.values[name] for name in names] == pytest.approx([FREE.alpha, 0.4], rel=1e-6)


REFUSED = {
    "no resistance": (lambda: lg.readout.Film(0.0), "sheet_resistance = 0.0 Ω, expected a positive one"),
    "another effect": (lambda: lg.readout.Film(1.0, (3.0,)), "effects holds float, expected AMR"),
    "no film": (lambda: lg.readout.HallBar((), **SIZE), "this bar has no film"),
    "another film": (
        lambda: lg.readout.HallBar(lg.readout.AMR(1.0), **SIZE),
        "films holds AMR, expected lg.readout.Film",
    ),
    "millimetres": (lambda: BAR.replace(length=20.0), "HallBar: length = 20.0 m, expected a positive length"),
    "a current out of the plane": (lambda: BAR.replace(flow=(0, 0, 1)), "expected them at a right angle"),
    "a long flow": (lambda: BAR.replace(flow=(1, 1, 0)), "HallBar: flow"),
    "a name with dots": (lambda: BAR.replace(name="a.b"), "name = 'a.b', expected a word"),
    "which layer": (lambda: lg.Stack((HARD, FREE), readouts=BAR), "names no layer, and hard, free move"),
    "no such layer": (
        lambda: lg.Stack((HARD, FREE), readouts=BAR.replace(films=lg.readout.Film(1.0, lg.readout.AMR(1.0), "top"))),
        "HallBar reads the layer 'top'; the layers are hard, free",
    ),
    "two of one name": (lambda: lg.Stack(FREE, readouts=(BAR, BAR)), "give each HallBar a name of its own"),
    "two currents": (
        lambda: lg.Stack(FREE.replace(terms=(TORQUE, TORQUE.replace(current=1e-3))), readouts=BAR),
        "say which one the bar carries",
    ),
    "no bar": (
        lambda: lg.readout.transverse_resistance([0, 0, 1], SPACER),
        "bar is a ConductanceJunction, expected a HallBar",
    ),
    "no directions": (
        lambda: lg.readout.transverse_resistance("run", BAR),
        "source is a str, expected a run or directions",
    ),
    "not unit": (
        lambda: lg.readout.transverse_resistance([0, 0, 2.0], BAR),
        "a direction has length 2, expected unit vectors",
    ),
    "components first": (lambda: lg.readout.transverse_resistance(np.zeros((3, 5)), BAR), "along the last axis"),
    "one of two": (
        lambda: lg.readout.transverse_resistance(
            {"free": [0, 0, 1.0]}, BAR.replace(films=lg.readout.Film(1.0, lg.readout.AMR(1.0), "top"))
        ),
        "reads the layer 'top', and the source has free",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused(name):
    make, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
