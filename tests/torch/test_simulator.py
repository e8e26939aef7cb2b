"""A simulation as a module: the same runs and gradients as JAX has of it, its inputs, its state, its sentences."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.torch.pytorch import DOUBLE, assert_close, torch

import llgrad as lg

STO = lg.presets.kubota2013()
RUN = {"duration": 2e-10, "dt": 5e-12}
RANGE = (0.001, 0.1)


@pytest.fixture(scope="module")
def both():
    return lg.torch.Simulator(
        STO, **RUN, free={"alpha": RANGE, "field.z": None}, given=["current", "m0"], driven=["field_x"], **DOUBLE
    )


def inputs():
    return {
        "current": torch.tensor([[1e-3], [2e-3]], requires_grad=True, **DOUBLE),
        "m0": torch.tensor([0.6, 0.0, 0.8], requires_grad=True, **DOUBLE),
        "field_x": torch.full((3, 5), 1e-3, **DOUBLE).cumsum(-1).requires_grad_(),
    }


def in_jax(alpha, z, current, m0, field_x):
    device = STO.replace(alpha=alpha, current=current, field=lg.Vec3(STO.field.x, STO.field.y, z))
    wave = lg.drives.Sampled(t=np.linspace(0, 2e-10, 5), values=field_x)
    return lg.simulate(device, m0=m0, drive=lg.Drive(field_x=wave), throw=False, **RUN).m


def test_runs_and_gradients_are_those_of_jax(both):
    given = inputs()
    both.zero_grad()
    runs = both(**given)
    assert runs.shape == (2, 3, 41, 3) and runs.dtype == torch.float64
    (runs[..., 2] * runs[..., 0]).sum().backward()

    def total(alpha, z, currents, m0, waves):
        def pair(current, wave):
            return in_jax(alpha, z, current, m0, wave)

        m = jax.vmap(lambda c: jax.vmap(lambda w: pair(c, w))(waves))(currents)
        return (m[..., 2] * m[..., 0]).sum(), m

    arguments = (
        0.005,
        STO.field.z,
        jnp.array([1e-3, 2e-3]),
        jnp.array([0.6, 0.0, 0.8]),
        jnp.array(given["field_x"].tolist()),
    )
    slopes, m = jax.jit(jax.grad(total, argnums=range(5), has_aux=True))(*arguments)
    assert_close(runs, m)
    chain = (0.005 - RANGE[0]) * (RANGE[1] - 0.005) / (RANGE[1] - RANGE[0])
    assert_close(both.free["alpha"].grad, slopes[0] * chain, 1e-10)
    assert_close(both.free["field_z"].grad / STO.field.z, slopes[1], 1e-9)
    assert_close(given["current"].grad[:, 0] * 1e-3, slopes[2] * 1e-3, 1e-9)
    assert_close(given["m0"].grad, slopes[3], 1e-9)
    assert_close(given["field_x"].grad, slopes[4], 1e-9)


def test_times_and_values(both):
    run = lg.simulate(STO, **RUN)
    assert_close(both.t, run.t)
    values = both.values()
    assert values.keys() == {"alpha", "field.z"} and values["alpha"].item() == pytest.approx(STO.alpha, rel=1e-12)
    (slope,) = torch.autograd.grad(values["alpha"], both.free["alpha"])
    assert slope.item() == pytest.approx((STO.alpha - RANGE[0]) * (RANGE[1] - STO.alpha) / (RANGE[1] - RANGE[0]))
    assert "alpha between 0.001 and 0.1" in repr(both) and "given: current, m0" in repr(both)


@pytest.mark.float32  # where overflows on the way are told
@pytest.mark.parametrize("bound", [RANGE, lg.systems.positive(), lg.systems.unbounded(0.01)], ids=repr)
def test_a_number_starts_where_the_device_has_it_whatever_its_bound(bound):
    model = lg.torch.Simulator(STO, **RUN, free={"alpha": bound}, **DOUBLE)
    assert model.values()["alpha"].item() == pytest.approx(STO.alpha, rel=1e-12)


def test_a_device_is_made_of_the_values(both, tmp_path):
    changed = copy.deepcopy(both)
    with torch.no_grad():
        changed.free["alpha"].add_(1e3)
    device = changed.device()
    assert device.alpha == pytest.approx(RANGE[1]) and device.field.z == pytest.approx(STO.field.z)
    lg.save_device(tmp_path / "device.json", device)
    assert lg.load_device(tmp_path / "device.json").alpha == device.alpha


def test_copies_pickles_and_states_give_the_same_bits(both):
    given = inputs()
    runs = both(**given)
    for other in (copy.deepcopy(both), pickle.loads(pickle.dumps(both))):
        assert torch.equal(other(**given), runs)
    fresh = lg.torch.Simulator(
        STO.replace(alpha=0.01), **RUN, free={"alpha": RANGE, "field.z": None}, given=["current", "m0"],
        driven=["field_x"], **DOUBLE,
    )  # fmt: skip
    assert not torch.equal(fresh(**given), runs)
    fresh.load_state_dict(both.state_dict())
    assert torch.equal(fresh(**given), runs) and sorted(fresh.state_dict()) == ["bounds", "free.alpha", "free.field_z"]


def test_a_state_within_other_bounds_is_refused(both):
    other = lg.torch.Simulator(STO, **RUN, free={"alpha": (0.001, 0.2), "field.z": None})
    with pytest.raises(RuntimeError, match="the numbers of this state_dict are within other bounds than this module's"):
        other.load_state_dict(both.state_dict())
    assert other.bounds[0].tolist() == [0.0, 0.001, 0.2]


def test_single_precision_is_that_of_jax(both):
    single = copy.deepcopy(both).float()
    given = {name: one.detach().float() for name, one in inputs().items()}
    runs = single(**given)
    assert runs.dtype == torch.float32 == single.t.dtype and single.bounds.dtype == torch.float64
    assert_close(runs, jnp.array(both(**inputs()).tolist()), 1e-4)
    with pytest.raises(ValueError, match=r"free\['alpha'\] is of single precision and current of double"):
        single(**inputs())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"m0": None}, r"is called with current, field_x, expected current=, m0=, field_x="),
        ({"seed": 3}, r"is called with current, m0, field_x, seed, expected current=, m0=, field_x="),
        ({"m0": torch.zeros(2)}, r"m0 has the shape \(2,\), expected \(…, 3\)"),
        ({"current": 1e-3}, "current is a float, expected a tensor of floats"),
        ({"current": torch.tensor(1)}, "current is a tensor of torch.int64, expected one of floats; convert it"),
        (
            {"current": torch.zeros(2, **DOUBLE), "m0": torch.ones(3, 3, **DOUBLE)},
            r"the batches do not go together: current \(2,\), m0 \(3,\), field_x .*; give each input",
        ),
        ({"current": torch.zeros(0, **DOUBLE)}, r"current is a batch \(0,\) of no runs, expected one or more"),
        ({"m0": torch.ones(3, **DOUBLE)}, "m0 has length 1.73205, expected unit vectors; divide each by its length"),
        ({"field_x": torch.zeros(300, **DOUBLE)}, "field_x has 300 samples in 2e-10 s, and dt = 5e-12 s"),
        ({"m0": torch.zeros(3).half()}, "m0 is of torch.float16, expected torch.float32 or torch.float64"),
    ],
)
def test_inputs_that_cannot_be_meant(both, changes, said):
    given = {name: value for name, value in (inputs() | changes).items() if value is not None}
    with pytest.raises(ValueError, match=said):
        both(**given)


def test_a_run_that_goes_wrong_raises(both):
    given = inputs() | {"current": torch.tensor([1e-3, float("nan")], **DOUBLE)[:, None]}
    with pytest.raises(lg.solvers.SimulationError, match="3 of 6 runs failed; run 3: became non-finite"):
        both(**given)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "nothing is free, given or driven, so all calls would be one run; use lg.simulate"),
        ({"free": ["alhpa"]}, "free has 'alhpa', expected one of Ms, volume, alpha"),
        ({"free": {"alpha": (0.01, 0.1)}}, "the start alpha = 0.005 1 is outside its bound"),
        ({"free": {"alpha": (0.1, 0.01)}}, r"free\['alpha'\] = \(0.1, 0.01\), expected a lower value before a higher"),
        ({"free": {"alpha": 0.1}}, r"free\['alpha'\] = 0.1, expected a pair \(low, high\), a bound such as"),
        ({"free": ["current"], "given": ["current"]}, "'current' is in given, and free too; name it once"),
        ({"given": ["curent"]}, "given has 'curent', expected of Oscillator one of m0, Ms, volume"),
        ({"driven": ["alpha"]}, "driven has 'alpha', expected of Oscillator one of current, field_x"),
        ({"driven": ["current"], "dt": None}, "dt is needed where something is driven"),
        ({"free": ["alpha"], "dtype": "float64"}, "dtype = 'float64', expected torch.float32 or torch.float64"),
        ({"free": ["alpha"], "dtype": torch.float16}, "dtype = torch.float16, expected torch.float32"),
        ({"free": ["alpha"], "duration": "1ns"}, "duration = '1ns', expected a time in seconds"),
        ({"free": ["alpha"], "dt": "5ps"}, "dt = '5ps', expected a time in seconds"),
        ({"free": ["alpha"], "signals": ["x"]}, "signals are of a System; of an oscillator all of m is returned"),
    ],
)
def test_modules_that_cannot_be_meant(arguments, said):
    with pytest.raises(ValueError, match=said):
        lg.torch.Simulator(STO, **(RUN | arguments))


def test_noise_is_a_function_of_the_seed_and_of_the_place_in_the_batch():
    warm = lg.torch.Simulator(STO.replace(temperature=300.0), **RUN, given=["m0"], noise=True, **DOUBLE)
    starts = torch.tensor([0.0, 0.0, 1.0], **DOUBLE).expand(3, 3)
    one, again, other = (warm(m0=starts, seed=seed) for seed in (7, 7, 8))
    assert torch.equal(one, again) and not torch.equal(one, other) and not torch.equal(one[0], one[1])
    assert torch.equal(warm(m0=starts[:2], seed=7), one[:2])
    with pytest.raises(ValueError, match="is called with m0, expected m0=, seed="):
        warm(m0=starts)


def test_an_array_has_a_number_of_each():
    array = lg.OscillatorArray(STO, 2, lg.FieldCoupling(np.array([[0.0, 1e-3], [1e-3, 0.0]])))
    model = lg.torch.Simulator(
        array, **RUN, free={"oscillator.alpha": RANGE, "coupling.weights": lg.systems.unbounded(1e-3)},
        driven=["current"], save=lg.End(), **DOUBLE,
    )  # fmt: skip
    runs = model(current=torch.zeros(4, 11, 2, **DOUBLE))
    assert runs.shape == (4, 1, 2, 3) and model.free["oscillator_alpha"].shape == (2,)
    runs.sum().backward()
    assert (model.free["coupling_weights"].grad[0, 1] != 0).item()
    assert lg.simulate(model.device(), **RUN).m.shape == (41, 2, 3)


def test_a_system_has_signals():
    vortex = lg.presets.guslienko2014()
    model = lg.torch.Simulator(
        vortex, duration=1e-9, dt=2e-11, given=["current"], signals=["x", "y"], driven=["field_x"], **DOUBLE
    )
    runs = model(current=torch.tensor([0.0, 1e-3], **DOUBLE), field_x=torch.full((2,), 1e-3, **DOUBLE))
    drive = {"field_x": lg.drives.Constant(1e-3)}
    alone = lg.simulate(vortex.replace(current=1e-3), duration=1e-9, dt=2e-11, drive=drive)
    assert runs.shape == (2, 51, 2)
    assert_close(runs[1], jnp.stack([alone.x, alone.y], -1))
    with pytest.raises(ValueError, match=r"signals has 'z', expected of Vortex x, y"):
        lg.torch.Simulator(vortex, duration=1e-9, dt=2e-11, given=["current"], signals=["z"])
