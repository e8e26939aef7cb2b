"""Tuning: the gradient of a loss through the ridge regression, the search and its file, and the grid."""

import jax
import numpy as np
import pytest
from tests.reservoir.test_running import leaky

import llgrad as lg
from llgrad.reservoir import Reservoir, aim_of_task, capacity_aim, narma, parity, tune, tuning_grid
from llgrad.reservoir.tuning.free import free_of
from llgrad.reservoir.tuning.judging import Judge

TASK = narma(2, length=80)
STO = lg.presets.kubota2013().replace(current=0.5e-3, alpha=0.05)
ARRAY = lg.OscillatorArray(STO.replace(field=(0.0, 0.0, 0.3)), 3, lg.FieldCoupling(0.01 * (1 - np.eye(3))))
FREE = {"gain": (0.0, 4e9), "rate_": (2e8, 3e9), "mask": (-2.0, 2.0)}


def small(**settings) -> Reservoir:
    return leaky(nodes=3, noise=0.01, read=None, **settings)


def test_the_gradient_of_a_loss_is_that_of_finite_differences():
    free = {"gain": (0.0, 0.4), "field.z": ("0.1 T", "0.6 T"), "coupling": (-0.05, 0.05), "current": ("0 mA", "1 mA")}
    reservoir = Reservoir(ARRAY, hold=0.2e-9, input="field_x", gain=0.2, dt=1e-11, washout=5, noise=0.01)
    known = free_of(reservoir, free, 1)
    judge = Judge(reservoir, aim_of_task(TASK), known)
    u = {one.name: one.unbounded(one.start)[None] for one in known}
    _, slopes = judge.gradients(u)
    along = {name: np.random.default_rng(0).standard_normal(value.shape) for name, value in u.items()}

    def moved(step):
        return judge.values({name: value + step * along[name] for name, value in u.items()})[0]

    expected = (moved(1e-4) - moved(-1e-4)) / 2e-4
    assert sum((slopes[name] * along[name]).sum() for name in u) == pytest.approx(expected, rel=1e-4)
    assert not np.diag(slopes["coupling"][0]).any()


def test_tuning_lowers_the_loss_and_goes_on_from_its_file(tmp_path):
    file, told = tmp_path / "tuning.npz", []
    found = tune(small(), TASK, FREE, steps=20, starts=2, screened=3, progress=told.append)
    assert found.loss < 0.9 * found.start and len(found.history) == 20 and (np.diff(found.history) <= 0).all()
    assert [round(entry["fraction"], 2) for entry in told[:2]] == [0.05, 0.1]

    def killed(entry):
        if entry["fraction"] > 0.7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(small(), TASK, FREE, steps=20, starts=2, screened=3, checkpoint=file, progress=killed)
    again = tune(small(), TASK, FREE, steps=20, starts=2, screened=3, checkpoint=file)
    assert again.loss == pytest.approx(found.loss, rel=1e-12)
    np.testing.assert_allclose(again.reservoir.mask, found.reservoir.mask, rtol=1e-9)
    with pytest.raises(ValueError, match="is of a search for other numbers"):
        tune(small(), TASK, {"gain": (0.0, 4e9)}, steps=20, checkpoint=file)
    for other in (
        {"aim": narma(2, length=80, seed=1)},
        {"steps": 30},
        {"reservoir": small().set_params(washout=small().washout + 1)},
    ):
        with pytest.raises(ValueError, match="another device, signal, aim or number of steps"):
            tune(**({"reservoir": small(), "aim": TASK, "free": FREE, "steps": 20, "checkpoint": file} | other))
    # The loss is that of the reservoir that comes out: its values are what they were called.
    assert found.reservoir.gain == found.values["gain"] and found.reservoir.model.rate_ == found.values["rate_"]


def test_a_grid_finds_the_best_of_its_points():
    ranges = {name: FREE[name] for name in ("gain", "rate_")}
    found = tuning_grid(small(), TASK, ranges, points=9)
    assert found.losses.shape == (3, 3) and found.loss == found.losses.min() and found.simulations == 9
    i, j = np.unravel_index(found.losses.argmin(), (3, 3))
    assert found.reservoir.gain == pytest.approx(found.axes["gain"][i])
    assert found.reservoir.model.rate_ == pytest.approx(found.axes["rate_"][j])


def test_capacities_are_those_of_held_out_symbols():
    """A leaky integrator with as many nodes as it likes has one number of memory, and the symbol itself."""
    aim = capacity_aim(400, {1: 6, 2: 2})
    reservoir = leaky(nodes=4)
    read = np.asarray(reservoir.course(aim.signal).read)
    with jax.enable_x64(True):
        assert -float(aim.of(read + 1e-6 * np.random.default_rng(0).standard_normal(read.shape), 5)) == pytest.approx(
            2.0, abs=0.1
        )


@pytest.mark.parametrize(
    ("free", "sentence"),
    [
        ({}, "expected ranges by name"),
        ({"gain": 3.0}, r"free\['gain'\] = 3.0, expected two values"),
        ({"gain": (2.0, 1.0)}, "the lower one first"),
        ({"damping": (0.0, 1.0)}, "free has 'damping', which is no number of Leaky; tuned are gain, bias"),
        ({"mask": (-1.0, 1.0)}, "'mask' is many numbers, which have no grid"),
    ],
)
def test_what_is_refused_is_told_in_a_sentence(free, sentence):
    with pytest.raises(ValueError, match=sentence):
        tuning_grid(small(), parity(length=60, delays=2), free, points=4)
