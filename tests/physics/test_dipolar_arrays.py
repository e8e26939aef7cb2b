"""Arrays from geometry: tensors against the closed forms, reciprocity, gradients by where members stand, and positions
that keep apart."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import llgrad as lg
from llgrad.core.constants import MU_0

BIG, SMALL = (100e-9, 60e-9, 2e-9), (80e-9, 50e-9, 3e-9)
DISC = lg.devices.ellipse(diameters=(60e-9, 60e-9), thickness=2e-9)
PLACES = np.array([[0.0, 0.0, 0.0], [80e-9, 10e-9, 0.0], [-20e-9, 90e-9, 5e-9]])


def relative(found, expected):
    return np.abs(np.asarray(found) - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize(
    ("offset", "error"),
    [((110e-9, 0, 0), 1e-6), ((100e-9, 10e-9, 0), 1e-4), ((0, 60e-9, 1e-9), 1e-2), ((300e-9, 100e-9, 20e-9), 1e-8)],
)
def test_two_prisms_have_the_tensor_of_the_closed_form_and_are_reciprocal(offset, error):
    stray = lg.physics.DipolarCoupling.from_positions([offset, (0, 0, 0)], Ms=[1e6, 8e5], shapes=[BIG, SMALL])
    tensors = stray.tensors()
    assert relative(tensors[0, 1], -MU_0 * 8e5 * lg.stacks.prism_tensor(BIG, SMALL, offset)) < error
    moments = np.array([1e6, 8e5]) * np.prod([BIG, SMALL], axis=1)
    np.testing.assert_allclose(moments[0] * tensors[0, 1], moments[1] * tensors[1, 0].T, rtol=1e-9, atol=1e-30)
    assert abs(np.trace(tensors[0, 1])) < 1e-12 and not np.any(tensors[0, 0])


def test_discs_one_above_the_other_have_the_exact_tensor():
    stray = lg.physics.DipolarCoupling.from_positions(["0nm, 0nm, 40nm", "0nm, 0nm, 0nm"], Ms=1e6, shapes=DISC)
    assert relative(stray.tensors()[0, 1], -MU_0 * 1e6 * lg.stacks.ellipse_tensor(DISC, DISC, 38e-9)) < 1e-8


def test_bodies_far_apart_are_dipoles_of_their_moments():
    shapes = [BIG, DISC]
    volumes = np.array([np.prod(BIG), DISC.volume])
    far = [(0.0, 0.0, 0.0), (1.5e-6, 0.0, 0.0)]
    dipoles = lg.physics.DipolarCoupling.from_positions(far, Ms=[1e6, 8e5], volume=volumes)
    np.testing.assert_array_equal(
        dipoles.tensors(), lg.physics.dipolar_tensors(np.array(far), np.array([1e6, 8e5]) * volumes)
    )
    stray = lg.physics.DipolarCoupling.from_positions(far, Ms=[1e6, 8e5], shapes=shapes)
    np.testing.assert_array_equal(stray.tensors(), dipoles.tensors())
    whole = lg.physics.DipolarCoupling.from_positions(far, Ms=[1e6, 8e5], shapes=shapes, far=100.0)
    assert 0 < relative(whole.tensors(), np.asarray(dipoles.tensors())) < 0.01


def signal(places):
    """A number of a native run of an array at these positions."""
    device = lg.presets.kubota2013().replace(volume=DISC.volume, demag=DISC.demag)
    stray = lg.physics.DipolarCoupling.from_positions(places, Ms=device.Ms, shapes=DISC)
    run = lg.simulate(
        lg.OscillatorArray(device, 3, stray), duration=0.2e-9, dt=2e-12, m0=lg.direction(1.0, 0.3), save=lg.End()
    )
    return jnp.sum(run.m[-1] * jnp.arange(9.0).reshape(3, 3)), run


def test_where_members_stand_is_differentiable_through_a_native_run():
    assert signal(PLACES)[1].stats.engine == "native"
    towards, h = np.random.default_rng(0).normal(size=PLACES.shape), 1e-13
    _, slope = jax.jvp(lambda places: signal(places)[0], (jnp.asarray(PLACES),), (jnp.asarray(towards),))
    numeric = (float(signal(PLACES + h * towards)[0]) - float(signal(PLACES - h * towards)[0])) / (2 * h)
    assert float(slope) == pytest.approx(numeric, rel=1e-5)


def test_an_array_of_stacks_feels_the_same_field():
    device = lg.presets.kubota2013().replace(volume=DISC.volume, demag=DISC.demag, current=0.0)
    stray = lg.physics.DipolarCoupling.from_positions(PLACES, Ms=device.Ms, shapes=DISC)
    names = ("Ms", "alpha", "gamma", "H_k", "demag")
    free = lg.Layer("free", thickness=DISC.thickness, area=DISC.area, **{name: getattr(device, name) for name in names})
    stack = lg.Stack(layers=free, field=device.field)
    start = lg.direction(1.0, 0.3)
    settings_ = {"duration": 0.2e-9, "dt": 2e-12, "save": lg.End()}
    one = lg.simulate(lg.OscillatorArray(device, 3, stray), m0=start, **settings_).m[-1]
    array = lg.systems.SystemArray(stack, 3, stray.mix(of="free"))
    run = lg.simulate(array, m0={"free": lg.systems.Spin(start.x, start.y, start.z)}, **settings_)
    np.testing.assert_allclose(np.stack([run.free.x[-1], run.free.y[-1], run.free.z[-1]], axis=-1), one, atol=1e-9)


REFUSED = {
    "nanometres": (
        lambda: lg.physics.DipolarCoupling.from_positions([[0, 0, 0], [200, 0, 0]], Ms=1e6, volume=1e-23),
        "did you mean nm",
    ),
    "no size": (
        lambda: lg.physics.DipolarCoupling.from_positions(PLACES, Ms=1e6),
        "volume and shapes: neither is given",
    ),
    "two sizes": (
        lambda: lg.physics.DipolarCoupling.from_positions(PLACES, Ms=1e6, volume=1e-23, shapes=DISC),
        "both are given",
    ),
    "in a plane": (
        lambda: lg.physics.DipolarCoupling.from_positions(PLACES[:, :2], Ms=1e6, volume=1e-23),
        r"expected \(N, 3\)",
    ),
    "overlap": (
        lambda: lg.physics.DipolarCoupling.from_positions(PLACES / 2, Ms=1e6, shapes=DISC),
        "members 0 and 1 overlap",
    ),
    "shapes": (
        lambda: lg.physics.DipolarCoupling.from_positions(PLACES, Ms=1e6, shapes=[DISC, DISC]),
        "2 shapes for 3 positions",
    ),
    "a shape": (
        lambda: lg.physics.DipolarCoupling.from_positions(PLACES, Ms=1e6, shapes=["disc"] * 3),
        "expected the three edges",
    ),
    "moments": (
        lambda: lg.physics.DipolarCoupling.from_positions(PLACES, Ms=[1e6, 1e6], volume=1e-23),
        r"Ms has the shape \(2,\)",
    ),
    "no magnet": (
        lambda: lg.physics.DipolarCoupling.from_positions(PLACES, Ms=0.0, volume=1e-23),
        "expected a positive number",
    ),
    "another array": (
        lambda: lg.OscillatorArray(
            lg.presets.kubota2013(), 2, lg.physics.DipolarCoupling.from_positions(PLACES, Ms=1e6, shapes=DISC)
        ),
        "the coupling is for 3 oscillators",
    ),
    "one place": (lambda: lg.physics.keep_apart(np.zeros((2, 2)), 1e-9), "positions 0 and 1 are the same"),
    "a gap": (lambda: lg.physics.keep_apart([[0.0, 0.0], [np.nan, 1.0]], 1e-9), "position 1 is not finite"),
    "no distance": (lambda: lg.physics.keep_apart(PLACES, -1e-9), "expected the least distance"),
    "a line": (lambda: lg.physics.keep_apart([1.0, 2.0], 1e-9), r"expected \(N, 2\) or \(N, 3\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_geometry_is_refused(name):
    make, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        make()


LEAST = 100e-9
kept_apart = jax.jit(lambda places: lg.physics.keep_apart(places, LEAST))


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_positions_are_never_nearer_than_the_least_distance_and_far_ones_stay(seed):
    places = np.random.default_rng(seed).uniform(-1, 1, (5, 2)) * 150e-9
    kept = np.asarray(kept_apart(places))
    away = np.linalg.norm(kept[:, None] - kept[None], axis=-1)[np.triu_indices(5, 1)]
    assert away.min() >= LEAST * (1 - 1e-12)
    np.testing.assert_allclose(kept_apart(kept * 1.001), kept * 1.001, rtol=1e-12)


@pytest.mark.parametrize("size", [80e-9, 1e-6], ids=["crowded", "apart"])
def test_the_gradient_through_positions_that_are_kept_apart(size):
    places = np.random.default_rng(3).uniform(-1, 1, (4, 2)) * size
    weights = np.random.default_rng(4).normal(size=(4, 2))

    def number(p):
        return jnp.sum(lg.physics.keep_apart(p, LEAST) * weights)

    towards, h = np.random.default_rng(5).normal(size=(4, 2)), 1e-14
    slope = float(np.sum(np.asarray(jax.grad(number)(jnp.asarray(places))) * towards))
    numeric = (float(number(places + h * towards)) - float(number(places - h * towards))) / (2 * h)
    assert slope == pytest.approx(numeric, rel=1e-5)


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("places", [[0, 0], [0, 0, 0], [0, 1, 0], [2, 0, 1, 1, 2]], ids=str)
def test_places_that_coincide_in_a_traced_search_go_apart_with_a_finite_gradient(axes, places):
    """The gradient of a sum over all coordinates is that of a shift of all: one for each."""
    given = jnp.asarray(places, float)[:, None] * LEAST * jnp.ones((1, axes))
    kept = np.asarray(kept_apart(given))
    away = np.linalg.norm(kept[:, None] - kept[None], axis=-1) + np.diag(np.full(len(kept), np.inf))
    assert away.min() > LEAST * (1 - 1e-9)
    np.testing.assert_allclose(jax.grad(lambda p: jnp.sum(lg.physics.keep_apart(p, LEAST)))(given), 1.0, rtol=1e-6)
    weights = jnp.arange(float(given.size)).reshape(given.shape)
    assert np.isfinite(jax.grad(lambda p: jnp.sum(weights * lg.physics.keep_apart(p, LEAST)))(given)).all()
