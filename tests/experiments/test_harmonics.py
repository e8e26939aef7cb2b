"""Harmonic Hall voltages against a run in time, small-angle formulas, and what they were made from."""

import jax
import numpy as np
import pytest

import llgrad as lg
from llgrad.experiments.harmonics.effective_fields import effective_fields, effective_fields_in_plane
from llgrad.experiments.harmonics.harmonic_hall import harmonic_hall

UP = (0.0, 0.0, 1.0)
SIZE = {"Ms": 1e6, "thickness": 1e-9, "area": 1e-12, "alpha": 0.1, "H_k": 1.5, "demag": (0.0, 0.0, 0.0), "m": UP}
BAR = lg.readout.HallBar(
    lg.readout.Film(200.0, (lg.readout.AHE(1.0), lg.readout.PHE(0.4)), "free"), length=20e-6, width=5e-6, current=0.0
)
TORQUE = lg.physics.SpinOrbitTorque(1.0, field_like=0.5)  # 1 mT and 0.5 mT per mA
LAYERS = lg.Layer("free", **SIZE, terms=(TORQUE,)), lg.Layer("other", **SIZE)
STACK = lg.Stack(LAYERS, lg.stacks.InterlayerExchange(("free", "other"), J1=0.0), readouts=BAR)
AMPLITUDE, FIELDS = 1e-3, np.linspace(-0.05, 0.05, 11)


def swept(azimuth: float, m0=UP, device=STACK, ends=(-0.05, 0.05), **options):
    start = m0 and {name: lg.systems.Spin(*m0) for name in ("free", "other")}
    settings = {"current": AMPLITUDE, "angle": (np.pi / 2, azimuth), "steps": 10, "m0": start} | options
    return harmonic_hall(device, "field", *ends, **settings)


def test_small_fields_are_the_published_formula():
    """M. Hayashi et al. (2014): V_2ω = I₀ H (s R_AHE Δ − R_PHE Δ′)/(2 H_k²), and the parabola of V_ω."""
    for azimuth, delta, other in ((0.0, -1e-3, 0.5e-3), (np.pi / 2, 0.5e-3, -1e-3)):
        found = swept(azimuth)
        second = AMPLITUDE * FIELDS * (delta - 0.4 * other) / (2 * 1.5**2)
        np.testing.assert_allclose(found.second_cosine, second, rtol=3e-3, atol=1e-20)
        np.testing.assert_allclose(found.first_sine, AMPLITUDE * (1 - FIELDS**2 / 4.5), rtol=1e-6)
        assert not found.first_cosine.any() and not found.second_sine.any()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_fields_come_back_with_the_planar_hall_correction(sign):
    along, across = (swept(azimuth, (0.0, 0.0, sign)) for azimuth in (0.0, np.pi / 2))
    found = effective_fields(along, across, planar_ratio=(0.4, 0.01), up=sign > 0)
    assert found.damping_like == pytest.approx(1e-3, rel=2e-3)
    assert found.field_like == pytest.approx(0.5e-3, rel=2e-3)
    wrong = effective_fields(along, across, up=sign > 0)
    assert wrong.damping_like == pytest.approx(1.2e-3, rel=2e-3)  # Δ_DL + 2ξ Δ_FL
    assert "damping-like" in str(found)


def test_a_layer_in_the_plane_tells_its_fields():
    angles = np.linspace(0.1, 5.9, 7)
    stack = STACK.with_layer("free", H_k=-0.8)
    runs = [swept(angle, None, stack, (0.2, 1.0)) for angle in angles]
    second = np.array([run.second_cosine for run in runs]).T
    second += -AMPLITUDE / 2 * 3e-4 * np.cos(angles)  # a temperature gradient
    first = np.array([run.first_sine for run in runs]).T
    given = {"current": AMPLITUDE, "R_AHE": (1.0, 0.02), "B_K": 0.8}
    found = effective_fields_in_plane(runs[0].values, angles, first, second, **given)
    np.testing.assert_allclose([found.damping_like, found.field_like], [1e-3, 0.5e-3], rtol=1e-8)
    assert found.damping_like_error == pytest.approx(0.02e-3, rel=1e-6)
    assert "0.0003 Ω" in found.notes[0]


def test_errors_are_those_of_many_measurements():
    rng = np.random.default_rng(3)
    first, second = AMPLITUDE * (1 - FIELDS**2 / 4.5), -2.667e-7 * FIELDS
    pulls = []
    for _ in range(200):
        noisy = [(FIELDS, first + 2e-8 * rng.normal(size=11), s + 2e-10 * rng.normal(size=11)) for s in (second, 0.0)]
        found = effective_fields(*noisy, planar_ratio=0.4)
        pulls.append((found.damping_like - 2 * 2.667e-7 / 1e-3 * 2.25 / 0.84) / found.damping_like_error)
    assert abs(np.mean(pulls)) < 0.25
    assert np.mean(np.abs(pulls) < 2.3) == pytest.approx(0.95, abs=0.05)  # Student, 8 degrees of freedom


def test_two_coupled_layers_follow_as_in_a_run_in_time():
    """At 1 GHz, with a direct current in the bar beside: nothing is slow, and every phasor counts."""
    stack = STACK.with_layer("free", H_k=-0.5, terms=(TORQUE.replace(current=2e-3),)).with_layer("other", H_k=-0.7)
    stack = stack.replace(couplings=STACK.couplings[0].replace(J1=-0.05e-3), readouts=BAR.replace(current=2e-3))
    f = 1e9
    found = swept(0.4, None, stack, (0.3, 0.4), frequency=f)
    start = {name: lg.systems.Spin(*found.loop.y[0, 0, at : at + 3]) for name, at in (("free", 0), ("other", 3))}
    drive = {"heavy_metal_current": lg.Sine(amplitude=AMPLITUDE, frequency=f)}
    stack = stack.replace(field=0.3 * np.array([np.cos(0.4), np.sin(0.4), 0.0]))
    run = lg.simulate(stack, drive=drive, duration=6e-9, dt=1e-12, m0=start)
    late = np.asarray(run.t) > 3e-9 - 1e-15
    angles = 2 * np.pi * f * np.asarray(run.t)[late, None] * np.arange(1, 4)
    waves = np.concatenate([np.ones((late.sum(), 1)), np.sin(angles), np.cos(angles)], 1)
    volts = np.asarray(run.signal("transverse_voltage").values)[late]
    direct, sine, sine2, _, cosine, cosine2, _ = np.linalg.lstsq(waves, volts, rcond=None)[0]
    told = [found.first_sine, found.first_cosine, found.second_sine, found.second_cosine, found.direct]
    wanted = np.array([sine, cosine, sine2, cosine2, direct])
    np.testing.assert_allclose([part[0] for part in told], wanted, rtol=3e-3)
    assert (np.abs(wanted[1:4]) > 1e-9).all()


def test_the_voltages_are_differentiable():
    def second(strength):
        torque = lg.physics.SpinOrbitTorque(strength, field_like=0.5)
        return swept(0.0, device=STACK.with_layer("free", terms=(torque,), H_k=1.5 * strength)).second_cosine

    _, slope = jax.jvp(second, (1.0,), (1.0,))
    np.testing.assert_allclose(slope[-1], (second(1.001) - second(0.999))[-1] / 0.002, rtol=1e-4)


def test_a_field_through_zero_says_where_the_second_order_ends(tmp_path):
    found = swept(0.3, None, STACK.with_layer("free", H_k=-0.8))
    assert np.isnan(found.second_cosine[5]) and np.isfinite(np.delete(found.second_cosine, 5)).all()
    assert "at 1 of 11 points" in str(found)
    for ending in ("json", "npz", "csv"):
        assert found.save(tmp_path / f"found.{ending}").exists()
    with pytest.raises(ValueError, match=r"ends in \.json, \.npz or \.csv"):
        found.save(tmp_path / "found.txt")


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: swept(0.0, device=STACK.replace(readouts=())), "no bar in which a current flows"),
        (lambda: swept(0.0, signal="voltage"), "no voltage 'voltage'; give signal=, one of longitudinal_voltage"),
        (lambda: swept(0.0, frequency=-1.0), "frequency = -1.0, expected one number in Hz"),
        (lambda: harmonic_hall(STACK, "field", 0, 1, current=0.0), "current = 0.0, expected one number in A"),
        (lambda: effective_fields((FIELDS, FIELDS), (FIELDS,)), "expected fields, V_ω and V_2ω of one length"),
        (lambda: effective_fields((FIELDS,) * 3, (FIELDS,) * 3, planar_ratio=1.0), "both sweeps tell the same"),
        (lambda: effective_fields((FIELDS,) * 3, (FIELDS,) * 3), "does not bend with the field"),
        (lambda: effective_fields((FIELDS,) * 3, (FIELDS,) * 3, planar_ratio=np.nan), "expected finite numbers"),
        (lambda: effective_fields((1e4 * FIELDS, FIELDS**2, FIELDS), ()), "along has a field of 500 T: is it in tesla"),
        (
            lambda: effective_fields(swept(np.pi / 2), ()),
            r"along was swept with the field along \(90°, 90°\), expected",
        ),
        (
            lambda: effective_fields_in_plane([0.1], [0.0], [[0.0]], [[0.0]], current=np.nan, R_AHE=1.0, B_K=1.0),
            "current = nan and B_K = 1.0, expected an amplitude",
        ),
        (
            lambda: effective_fields_in_plane([0.1], [0.0], [[0.0]], [[0.0]], current=1.0, R_AHE=1.0, B_K=1.0),
            "look alike; give several fields",
        ),
        (
            lambda: effective_fields_in_plane(
                [0.1, 0.2], [0.0, np.pi], np.zeros((2, 2)), np.zeros((2, 2)), current=1.0, R_AHE=1.0, B_K=1.0
            ),
            "tell only . of 3 coefficients apart; measure at more",
        ),
        (
            lambda: effective_fields_in_plane([0.1], [0.0], [0.0], [[0.0]], current=1.0, R_AHE=1.0, B_K=1.0),
            "expected finite voltages of 1 positive fields and 1 angles",
        ),
    ],
)
def test_what_is_refused(ask, sentence):
    with pytest.raises(ValueError, match=sentence):
        ask()
