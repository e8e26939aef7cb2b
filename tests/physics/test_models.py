"""The vortex and the amplitude model against what is known of them in closed form."""

import math
import re

import jax
import numpy as np
import pytest
from tests.physics.test_disk import PERMALLOY

import llgrad as lg
from llgrad.core.constants import BOLTZMANN
from llgrad.core.field_term import Inputs

COLD = 1e-6
"""A temperature [K] that gives a line width and moves nothing else."""
DRIVEN = lg.systems.Vortex.from_disk(**PERMALLOY, polarization=0.2, current=3e-3, temperature=COLD).replace(
    G_nonlinear=0.02
)


def reflected(vortex):
    """The mirror image in the plane y = 0, in which axial vectors keep their y: m of the core and the polariser turn
    round, the sense of m round the core does not."""
    return vortex.replace(polarity=-vortex.polarity, torque=-vortex.torque)


def motion(vortex, s):
    """ds/dt and dφ/dt [1/s] of a core at s, and the strength of its noise [1/s]: the Thiele equation for a circle."""
    u = s * s
    G, D = vortex.G * (1 + vortex.G_nonlinear * u), vortex.D * (1 + vortex.D_nonlinear * u)
    oersted = vortex.chirality * vortex.oersted * vortex.current * (1 + vortex.oersted_nonlinear * u)
    stiffness = vortex.kappa * (1 + vortex.kappa_nonlinear * u) + oersted
    size, turn = G**2 + D**2, vortex.polarity * vortex.torque * vortex.current
    strength = 2 * BOLTZMANN * vortex.temperature * D / size / vortex.radius**2
    return (turn * G - stiffness * D) / size * s, vortex.polarity * (G * stiffness + D * turn) / size, strength


def closed_form(vortex):
    """s, frequency, return rate and line width of the orbit: σ²(1 + ν²)/(2π s²) with ν = s ω′(s)/Γ."""
    s, h = float(vortex.orbit_radius), 1e-4
    (up, fast, _), (down, slow, _) = motion(vortex, s + h), motion(vortex, s - h)
    _, turn, strength = motion(vortex, s)
    rate, bend = (down - up) / (2 * h), (fast - slow) / (2 * h)
    width = strength * (1 + (s * bend / rate) ** 2) / (2 * math.pi * s * s)
    return s, abs(turn) / (2 * math.pi), rate, width


def test_the_orbit_of_a_vortex():
    """D(s) K(s) = P a I G(s), ω = K(s)/G(s)."""
    vortex = reflected(DRIVEN).replace(chirality=-1, junction=lg.devices.LinearJunction(R_P=100.0, delta_R=50.0))
    vortex = vortex.replace(current=1.02 * vortex.threshold)
    found = lg.orbit(vortex)
    s, frequency, rate, width = closed_form(vortex)
    assert motion(vortex, s)[0] == pytest.approx(0, abs=1e-5 * rate)
    x, y = (np.asarray(found.state[name]) for name in "xy")
    assert np.hypot(x, y) == pytest.approx(s, rel=1e-8)
    assert float(found.frequency) == pytest.approx(frequency, rel=1e-8)
    assert np.sign(x[0] * y[1] - y[0] * x[1]) == vortex.polarity  # a core that points up turns counter-clockwise
    voltage = 2 / 3 * s * vortex.current * 25.0  # of the linear junction, with R = 125 Ω in the mean
    assert 2 * abs(found.harmonics("voltage")[1]) == pytest.approx(voltage, rel=1e-8)
    assert float(found.power()) == pytest.approx((voltage * 50 / 175) ** 2 / 100, rel=1e-8)
    assert float(found.return_rate) == pytest.approx(rate, rel=1e-6)
    assert float(found.line_width) == pytest.approx(width, rel=1e-6)


def test_the_mirror_image_of_a_vortex_moves_as_its_mirror_image():
    force, field = {"core_force": (1e-12, 3e-12, 0.0)}, {"torque_field": (0.3, -0.2, 0.0), "field": (1e-3, 2e-3, 0.0)}
    vortex = DRIVEN.replace(**force, **field)
    turned = {"core_force": (-1e-12, 3e-12, 0.0), "torque_field": (-0.3, -0.2, 0.0), "field": (-1e-3, 2e-3, 0.0)}
    nothing = Inputs(0.0, (0.0, 0.0), {"current": 1e-3, "field_x": 0.0, "field_y": 0.0})
    one = vortex.rate({"x": 0.3, "y": 0.2}, nothing)
    other = reflected(vortex).replace(**turned).rate({"x": 0.3, "y": -0.2}, nothing)
    assert [float(other["x"]), -float(other["y"])] == pytest.approx([float(one["x"]), float(one["y"])], rel=1e-12)


def test_the_radius_near_the_threshold():
    """s² → (I/I_c − 1)/(D′ + κ′ − G′), without an Oersted field."""
    vortex = DRIVEN.replace(oersted=0.0)
    slope = vortex.D_nonlinear + vortex.kappa_nonlinear - vortex.G_nonlinear
    for over in (1e-3, 1e-5):
        found = vortex.replace(current=(1 + over) * vortex.threshold).orbit_radius
        assert found**2 == pytest.approx(over / slope, rel=3 * over)


def test_a_vortex_comes_to_thermal_equilibrium():
    """⟨s²⟩ = 2 k_B T/(κ R²), though damping, gyrovector and so the noise change with the place."""
    size = {"radius": 20e-9, "G": 2.9e-13, "D": 1e-13, "kappa": 1e-3}
    vortex = lg.systems.Vortex(**size, D_nonlinear=2.0, G_nonlinear=1.0, temperature=2000.0)

    @jax.jit
    @jax.vmap
    def squares(key):
        run = lg.simulate(vortex, duration=6e-9, dt=10e-12, key=key, save=lg.End())
        return run.x[-1] ** 2 + run.y[-1] ** 2

    found = np.asarray(squares(jax.random.split(jax.random.key(3), 10_000)))
    expected = 2 * BOLTZMANN * 2000.0 / (1e-3 * 20e-9**2)
    assert expected == pytest.approx(0.138, abs=1e-3)
    assert abs(found.mean() - expected) < 3 * found.std() / math.sqrt(found.size)


MODEL = lg.systems.AmplitudeModel(
    omega_0=6e10, N=-2e10, Gamma_G=3e8, sigma=3e11, Q=0.5, current=1.5e-3, tuning=1e11, D_n=1e3
)


def test_the_amplitude_model_in_closed_form():
    found = lg.orbit(MODEL)
    powers = np.asarray(found.state["re"]) ** 2 + np.asarray(found.state["im"]) ** 2
    assert powers == pytest.approx(MODEL.power, rel=1e-8)
    for name in ("frequency", "return_rate", "line_width"):
        assert float(getattr(found, name)) == pytest.approx(getattr(MODEL, name), rel=1e-8), name
    assert float(found.nonlinearity("re")) == pytest.approx(MODEL.nonlinearity, rel=1e-8)
    half = float(found.locking({"drive_re": 1e3, "drive_im": 1e3j}).half_width)  # f e^{−iωt}
    assert half == pytest.approx(float(MODEL.locking_half_width(1e3)), rel=1e-8)
    other = float(found.locking({"drive_re": 1e3, "drive_im": -1e3j}).half_width)  # it turns the other way
    assert other < 1e-8 * half


def test_the_voltage_of_both(key):
    junction = lg.devices.LinearJunction(R_P=100.0, delta_R=50.0)
    vortex = DRIVEN.replace(junction=junction, chirality=-1, temperature=None)
    run = lg.simulate(vortex, duration=2e-9, dt=10e-12)
    m_x = -2 / 3 * np.asarray(run.y)
    expected = 3e-3 * (100 + 25 * (1 - m_x))
    np.testing.assert_allclose(np.asarray(run.signal("voltage").values), expected, rtol=1e-12)
    model = MODEL.replace(readout=2e-3, D_n=0.0)
    run = lg.simulate(model, duration=1e-10, dt=1e-12)
    np.testing.assert_allclose(np.asarray(run.signal().values), 2e-3 * np.asarray(run.re), rtol=1e-12)


@pytest.mark.parametrize("ending", ["json", "toml"])
@pytest.mark.parametrize(
    "device", [MODEL, DRIVEN.replace(polarity=-1, junction=lg.devices.LinearJunction(100.0, 50.0))]
)
def test_files(device, ending, tmp_path):
    lg.save_device(tmp_path / f"device.{ending}", device)
    found = lg.systems.load_system(tmp_path / f"device.{ending}", type(device))
    assert jax.tree.leaves(found) == jax.tree.leaves(device)
    assert jax.tree.structure(found) == jax.tree.structure(device)


DISK = (
    'radius = "100nm"\nthickness = "10nm"\nMs = "800emu/cm3"\nexchange = "1uerg/cm"\nalpha = 0.01\npolarization = 0.2\n'
)


def test_a_file_tells_a_vortex_by_its_disk(tmp_path):
    text = f'type = "Vortex"\ncurrent = "1e11A/m2"\npolarity = -1\ntemperature = "300K"\n[disk]\n{DISK}'
    (tmp_path / "disk.toml").write_text(text)
    found = lg.load_device(tmp_path / "disk.toml")
    expected = lg.systems.Vortex.from_disk(**PERMALLOY, polarization=0.2, polarity=-1, temperature=300.0)
    expected = expected.replace(current=1e11 * math.pi * 100e-9**2)
    assert jax.tree.leaves(found) == pytest.approx(jax.tree.leaves(expected), rel=1e-12)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    lg.save_device(tmp_path / "numbers.json", found)
    assert jax.tree.leaves(lg.load_device(tmp_path / "numbers.json")) == jax.tree.leaves(found)


@pytest.mark.parametrize(
    ("head", "disk", "sentence"),
    [
        ("", 'radius = "100nm"', "the disk is not whole: it has no thickness, Ms, exchange, alpha"),
        ('kappa = "1mJ/m2"', DISK, "kappa beside the disk would say it twice"),
        ("", DISK + "width = 3", "a disk has no 'width'; it has radius"),
        ("", DISK.replace("1uerg/cm", "1erg/cm2"), "disk.exchange: .* expected a quantity in J/m"),
        ("", DISK + "oersted = 1", "disk.oersted: 1, expected true or false"),
    ],
)
def test_mistakes_in_the_file_of_a_disk(tmp_path, head, disk, sentence):
    (tmp_path / "disk.toml").write_text(f'type = "Vortex"\n{head}\n[disk]\n{disk}\n')
    with pytest.raises(ValueError, match=sentence):
        lg.load_device(tmp_path / "disk.toml")


def disk(**changes):
    return lg.systems.Vortex.from_disk(**PERMALLOY | changes)


MISTAKES = {
    "CGS magnetisation": (lambda: disk(Ms=800.0), "Vortex.from_disk: Ms = 800 A/m is out of range .* emu/cm³"),
    "nanometres": (lambda: disk(radius=100.0), "radius = 100 m is out of range .* in metres"),
    "CGS exchange": (lambda: disk(exchange=1e-6), r"exchange = 1e-06 J/m is out of range .* 1 µerg/cm = 1e-11 J/m"),
    "CGS gyrovector": (lambda: DRIVEN.replace(G=2.9e-10), r"Vortex: G = .* in erg s/cm² it would be 2.9e-13"),
    "CGS stiffness": (lambda: DRIVEN.replace(kappa=0.9), r"Vortex: kappa = .* in erg/cm² it would be 0.0009"),
    "milliampere": (lambda: DRIVEN.replace(current=3.0), "did you mean 3 mA"),
    "damping beyond the gyration": (lambda: DRIVEN.replace(D=5e-13), "the core would not gyrate"),
    "polarity": (lambda: DRIVEN.replace(polarity=0.5), "polarity = 0.5, expected 1 or -1"),
    "reference": (lambda: DRIVEN.replace(reference=(1.0, 1.0, 0.0)), "reference .* expected a unit vector"),
    "below threshold": (
        lambda: DRIVEN.replace(current=1e-3).orbit_radius,
        "comes to rest in the middle; the threshold",
    ),
    "beyond the disk": (lambda: DRIVEN.replace(current=9e-3).orbit_radius, "the core would leave the disk"),
    "gigahertz": (lambda: MODEL.replace(omega_0=9.5), "omega_0 = 9.5 rad/s is out of range .* 1 GHz is 6.2832e9"),
    "no damping": (lambda: MODEL.replace(Gamma_G=-1e8), "Gamma_G .* in 1/s and positive"),
    "subcritical": (lambda: MODEL.replace(Q=-2.0), "below −1 the onset is subcritical"),
    "no orbit": (lambda: MODEL.replace(current=0.5e-3).power, "the current, 0.0005 A, is 0.5 times the threshold"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_sentences(name):
    make, sentence = MISTAKES[name]
    with pytest.raises(ValueError, match=sentence):
        make()


OUTSIDE = (
    r"the core is up to [\d.]+ radii off the middle, outside of its disk, where the Thiele equation no longer holds; "
)


def test_a_core_beyond_its_disk_is_told_of_runs_arrays_and_orbits():
    far = lg.presets.guslienko2014().replace(current=2.5e-3)
    beyond = {"x": 1.01, "y": 0.0}
    with pytest.warns(UserWarning, match=OUTSIDE) as told:
        lg.simulate(far, duration=1e-9, m0=beyond)
    assert [one.filename for one in told] == [__file__]
    with pytest.warns(UserWarning, match=OUTSIDE):
        lg.simulate(lg.systems.SystemArray(far, 2), duration=1e-9, m0={"x": np.array([0.1, 1.01]), "y": np.zeros(2)})
    found = lg.orbit(far)
    assert float(abs(found.state["x"]).max()) > 1 and re.match(OUTSIDE, found.note)
    within = far.replace(current=1.1 * float(far.threshold))
    assert lg.orbit(within).note == "" and lg.simulate(within, duration=1e-9).status.ok
