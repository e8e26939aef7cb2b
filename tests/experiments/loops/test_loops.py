"""Quasi-static loops against closed forms: Stoner and Wohlfarth, antiferromagnets, thresholds by spin torque."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.experiments.loops.swept import range_of, swept
from llgrad.experiments.loops.walking import rest_near
from llgrad.orbits.equilibria.energy import energies

H_K, STEPS = 0.1, 20
FILM = lg.Oscillator(Ms=1e6, volume=1e-24, alpha=0.05, H_k=H_K, demag=(0.0, 0.0, 0.0))
SIZE = {"Ms": 1.0e6, "thickness": 3e-9, "area": 1e-14, "alpha": 0.05}
X = (np.pi / 2, 0.0)


def pair(J1, J2=0.0, H_k=0.0, thickness=3e-9, demag=(0.0, 0.0, 1.0)):
    easy = lg.physics.UniaxialAnisotropy(H_k, axis=(1.0, 0.0, 0.0))
    size = SIZE | {"demag": demag, "terms": (easy,)}
    layers = lg.Layer("lower", m=(1, 0, 0), **size), lg.Layer("upper", m=(-1, 0, 0), **size | {"thickness": thickness})
    barrier = lg.stacks.Barrier(("lower", "upper"), lg.devices.LinearJunction(R_P=100.0, delta_R=10.0))
    return lg.Stack(layers, lg.stacks.InterlayerExchange(("lower", "upper"), J1=J1, J2=J2), barriers=barrier)


@pytest.mark.parametrize("angle", [0.0, 0.01, 0.3, np.pi / 4, 1.2, np.pi / 2])
def test_switching_is_the_astroid_whatever_the_step(angle):
    """H_sw = H_k (cos^⅔ θ + sin^⅔ θ)^(−3/2): E. C. Stoner and E. P. Wohlfarth, Phil. Trans. A 240, 599 (1948)."""
    found = lg.experiments.loop(FILM, "field", 0.2, -0.2, angle=(angle, 0.0), steps=STEPS)
    switching = H_K * (np.cos(angle) ** (2 / 3) + np.sin(angle) ** (2 / 3)) ** -1.5
    assert len(found.jumps) == 2 and found.checked and found.closed
    np.testing.assert_allclose(np.abs(found.switching), switching, rtol=1e-9)
    folds = 1e-3 < angle < np.pi / 2 - 1e-3
    assert {jump.kind for jump in found.jumps} == ({"fold"} if folds else {"branch point"})
    if folds:
        np.testing.assert_allclose(np.abs(found.coercive), min([switching, *_turning(angle)]), rtol=0.1)


def _turning(angle):
    """The field at which the state that is followed lies across the field, where it comes before it switches."""
    return [H_K / 2 * np.sin(2 * angle) if angle > np.pi / 4 else np.inf]


def test_a_loop_that_does_not_open_is_a_line():
    found = lg.experiments.loop(FILM, "field", 0.2, -0.2, angle=X, steps=STEPS)
    np.testing.assert_allclose(found.along, np.clip(found.values / H_K, -1, 1), atol=1e-9)


@pytest.mark.parametrize("J2", [0.0, -0.03e-3])
def test_a_synthetic_antiferromagnet_saturates(J2):
    found = lg.experiments.loop(pair(-0.3e-3, J2), "field", -0.4, 0.4, angle=X, steps=STEPS)
    saturation = (2 * 0.3e-3 + 4 * abs(J2)) / (1e6 * 3e-9)
    assert [jump.kind for jump in found.jumps] == ["branch point", "branch point"] and found.checked
    np.testing.assert_allclose(found.switching, [[-saturation], [saturation]], rtol=1e-9)
    c, b = found.along[0], found.values[0] * 1e6 * 3e-9
    inside = np.abs(found.values[0]) < 0.9 * saturation
    # b = 2 [|J₁| c + 2 |J₂| c (2c² − 1)] with c the cosine of either layer to the field
    np.testing.assert_allclose((2 * 0.3e-3 * c - 4 * J2 * c * (2 * c * c - 1))[inside], b[inside], atol=1e-9)
    np.testing.assert_allclose(found.resistance[0], 105 - 5 * (2 * c * c - 1), atol=1e-6)


def test_unequal_layers_saturate_where_both_are_held():
    found = lg.experiments.loop(pair(-0.3e-3, thickness=2e-9), "field", 0.6, 0.1, angle=X, steps=STEPS, back=False)
    np.testing.assert_allclose(found.switching[0][0], 0.3e-3 * (1 / 3e-3 + 1 / 2e-3), rtol=1e-9)


def test_an_antiferromagnet_flops():
    B_E, B_A = 0.1, 0.02
    stack = pair(-B_E * 1e6 * 3e-9, H_k=B_A, demag=(0.0, 0.0, 0.0))
    found = lg.experiments.loop(stack, "field", 0.0, 0.1, angle=X, steps=STEPS, m0=stack.start())
    stable = np.sqrt(B_A * (2 * B_E + B_A))
    limit = (2 * B_E - B_A) * np.sqrt(B_A / (2 * B_E + B_A))
    np.testing.assert_allclose([found.switching[0][0], found.switching[1][-1]], [stable, limit], rtol=1e-8)
    assert found.checked
    crossing = np.sqrt(B_A * (2 * B_E - B_A))
    with jax.enable_x64(True):
        family = swept(stack.replace(), range_of(stack, "field", 0.0, 0.1, STEPS), X)
        states = [rest_near(family, jnp.asarray(found.y[way][np.abs(found.values[way] - crossing).argmin()]), crossing)
                  for way in (0, 1)]  # fmt: skip
        assert all(state.good for state in states)
        worth = energies(family.flow(crossing), 1.0, jnp.stack([state.y for state in states]))
    moment = 1e6 * 3e-23
    assert abs(float(worth[1])) < 1e-9 * moment * B_E


def test_a_current_switches_at_its_threshold():
    """α γ B_k = γ B_s(I): J. Z. Sun, Phys. Rev. B 62, 570 (2000), of a layer with an axis alone."""
    junction = lg.devices.LinearJunction(R_P=1e3, delta_R=1e2)
    sto = FILM.replace(polarization=0.6, lambda_=0.3, polariser=(0.0, 0.0, 1.0), junction=junction)
    found = lg.experiments.loop(sto, "current", -60e-6, 60e-6, steps=STEPS)
    onsets = [point.held for point in lg.orbits.thresholds(sto, "current", -60e-6, 60e-6)]
    np.testing.assert_allclose(sorted(value for way in found.switching for value in way), onsets, rtol=1e-9)
    assert {jump.kind for jump in found.jumps} == {"Hopf"} and "no energy" in found.notes[0] and len(onsets) == 2
    np.testing.assert_allclose([jump.frequency for jump in found.jumps], sto.gamma * H_K / (2 * np.pi), rtol=1e-9)
    assert sorted({*found.resistance.round(6).ravel().tolist()}) == [1000.0, 1100.0]


class Ripple(lg.physics.FieldTerm):
    """Energy (depth/count) cos(count·φ) M V of the azimuth φ: wells 2π/count apart."""

    depth: float = lg.quantity("T")
    count: float = lg.quantity("1")

    def field(self, m, inputs):
        turn = self.depth * jnp.sin(self.count * jnp.arctan2(m.y, m.x)) / (m.x * m.x + m.y * m.y)
        return lg.Vec3(-m.y * turn, m.x * turn, 0.0 * m.x)


@pytest.mark.parametrize("count", [24.0, 60.0, 150.0, 400.0, 3000.0])
def test_no_branch_is_skipped_however_near_the_next_one_is(count):
    """In B_x and B_y: B_y(φ) = B_x tan φ − depth sin(count·φ)/cos φ, whose turning points are the folds: from 0.26 to
    0.002 rad apart."""
    B_x, period = 0.1, 0.1 * 2 * np.pi / count
    ripple = Ripple(2 * B_x / count, count)
    film = FILM.replace(alpha=1.0, H_k=0.0, demag=(0.0, 0.0, 0.5), field=(B_x, 0.0, 0.0), terms=(ripple,))
    angles = np.linspace(-4.0, 4.0, 800001) * 2 * np.pi / count
    B_y = B_x * np.tan(angles) - ripple.depth * np.sin(count * angles) / np.cos(angles)
    rises = np.diff(B_y) > 0
    begun = int(np.abs(angles - 0.5 * 2 * np.pi / count).argmin())  # φ in the middle of a well: sin = 0, cos = −1
    assert rises[begun]
    most = B_y[begun] + 2.6 * period
    found = lg.experiments.loop(
        film, "field", B_y[begun], most, angle=(np.pi / 2, np.pi / 2), steps=120,
        m0=lg.direction(np.pi / 2, angles[begun]), back=False,
    )  # fmt: skip
    tops = B_y[1:-1][rises[:-1] & ~rises[1:] & (angles[1:-1] > angles[begun]) & (B_y[1:-1] < most)]
    assert len(tops) > 1 and found.checked and {jump.kind for jump in found.jumps} == {"fold"}
    np.testing.assert_allclose(found.switching[0], tops, rtol=1e-7)


@pytest.mark.parametrize("steps", [6, 20])
def test_too_few_steps_are_too_few_whether_or_not_the_way_back_is_asked_for(steps):
    def said(back):
        try:
            return lg.experiments.loop(FILM, "field", 0.2, -0.2, steps=steps, angle=(1.2, 0.0), back=back).switching[0]
        except ValueError as error:
            return str(error)

    assert said(False) == said(True)


def test_an_angle_scan_follows_the_field():
    found = lg.experiments.loop(FILM.replace(field=(0.0, 0.0, 0.5)), "polar", 0.0, 2 * np.pi, steps=STEPS)
    assert found.along.min() > 0.99 and not found.jumps and found.values[0, -1] == 2 * np.pi


def test_devices_and_angles_in_lists():
    found = lg.experiments.loop(FILM, "field", 0.2, -0.2, angle=[(0.3, 0.0), (0.3, 1.0)], steps=STEPS)
    np.testing.assert_allclose(found[0].switching, found[1].switching, rtol=1e-9)
    (again,) = lg.experiments.loop([FILM], "field", 0.2, -0.2, angle=(0.3, 0.0), steps=STEPS)
    assert again.switching == found[0].switching


def test_files(tmp_path):
    found = lg.experiments.loop(FILM, "field", 0.2, -0.2, angle=(0.3, 0.0), steps=STEPS)
    for ending in ("json", "csv", "npz"):
        assert found.save(tmp_path / f"loop.{ending}").exists()
    assert found.to_json()["jumps"][0]["value"] == found.jumps[0].value
    with pytest.raises(ValueError, match=r"ends in \.json, \.npz or \.csv"):
        found.save(tmp_path / "loop.txt")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("field", 0.2, -0.2, {"steps": 5, "angle": (1.2, 0.0)}), "larger than the coercive field of this device"),
        (("field", 0.2, -0.2, {"steps": 5, "angle": (1.2, 0.0), "back": False}), "larger than the coercive field"),
        (("field", 0.2, 0.2, {}), "two different values in T"),
        (("fields", 0.2, -0.2, {}), "no number 'fields' to sweep; it can be field"),
        (("field", 0.2, -0.2, {"steps": 1}), "number of steps of a sweep, a whole number from 2"),
        (("field", 0.2, -0.2, {"angle": 0.3}), "a polar and an azimuthal angle in radians"),
        (("polar", 0.0, 1.0, {}), "angle of a field, and this device is in none"),
    ],
)
def test_what_is_refused_in_a_sentence(arguments, sentence):
    *places, options = arguments
    with pytest.raises(ValueError, match=sentence):
        lg.experiments.loop(FILM, *places, **options)


def test_a_device_that_oscillates_has_no_loop():
    sto = lg.presets.kubota2013().replace(field=(0.0, 0.0, 0.2))
    with pytest.raises(ValueError, match="does not come to rest but oscillates"):
        lg.experiments.loop(sto, "current", 0.0, 2e-3, steps=20)
