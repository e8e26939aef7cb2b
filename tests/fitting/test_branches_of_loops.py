"""The branches that a fit follows: those of the forward loop, which is written differently, in any company the same."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import llgrad as lg
from llgrad.fitting.assembly import as_experiments, prepare
from llgrad.fitting.loops.branches import stretching
from llgrad.fitting.loops.branches.curve import INSIDE
from llgrad.fitting.loops.branches.memory import BranchMemory
from llgrad.fitting.loops.branches.resting import solved, stable
from llgrad.fitting.loops.measured import MeasuredLoop
from llgrad.fitting.loops.recording import by_history
from llgrad.orbits.results.precision import working

EASY = lg.physics.UniaxialAnisotropy(0.03, axis=(1, 0, 0))
SIZE = {"area": 6e-15, "demag": (0.02, 0.03, 0.95), "alpha": 0.02, "terms": (EASY,)}
PAIR = lg.Stack(
    layers=(
        lg.Layer("lower", Ms=1.0e6, thickness=2.5e-9, m=(1, 0, 0), **SIZE),
        lg.Layer("upper", Ms=0.8e6, thickness=2.0e-9, m=(-1, 0, 0), **SIZE),
    ),
    couplings=lg.stacks.InterlayerExchange(("lower", "upper"), J1=-0.15e-3, J2=-0.04e-3),
)


class Ripple(lg.physics.FieldTerm):
    """Energy (depth/100) cos(100·φ) M V of the azimuth φ: branches that end 0.06 rad from the next ones."""

    depth: float = lg.quantity("T")

    def field(self, m, inputs):
        turn = self.depth * jnp.sin(100 * jnp.arctan2(m.y, m.x)) / (m.x * m.x + m.y * m.y)
        return lg.Vec3(-m.y * turn, m.x * turn, 0.0 * m.x)


FILM = lg.Oscillator(Ms=1e6, volume=1e-24, alpha=0.05, H_k=0.1, demag=(0.0, 0.0, 0.0))
DEVICES = {
    "film": (FILM, "H_k", 0.2, ((0.3, 0.0), (1.1, 0.0))),
    "flat film": (FILM.replace(demag=(0.0, 0.05, 0.0)), "H_k", 0.2, ((0.5, 0.4),)),
    "rippled film": (
        FILM.replace(alpha=1.0, H_k=0.0, demag=(0.0, 0.0, 0.5), field=(0.1, 0.0, 0.0), terms=(Ripple(2e-3),)),
        *("terms.0.depth", 8.2e-3, ((math.pi / 2, math.pi / 2),)),
    ),
    "pair": (PAIR, "couplings.0.J1", 0.4, ((math.pi / 2, 0.15), (math.pi / 2, 1.2))),
}


def recording_of(device, name, most, angles, steps=32):
    """A loop, down and up, whose values nobody looks at, as a fit has it; and the parameter at its start."""
    down = np.linspace(most, -most, steps + 1)
    fields = np.concatenate([down, down[::-1]])
    values = np.linspace(1, -1, fields.size * len(angles))
    loop = MeasuredLoop(np.tile(fields, len(angles)), values, angle=np.repeat(angles, fields.size, 0), quantity="along")
    prepared = prepare(device, as_experiments(loop), {name: None})
    return prepared.problem.recordings[0], prepared.values


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True), working():
        yield


@pytest.mark.parametrize("case", DEVICES)
def test_branches_are_those_of_the_forward_loop(case):
    """No branch skipped or invented: the same states, jumps and switching fields as by a walk from value to value."""
    device, name, most, angles = DEVICES[case]
    recording, values = recording_of(device, name, most, angles)
    for curve, forward in zip(
        recording.followed(values),
        lg.experiments.loop(device, "field", most, -most, angle=angles, steps=32),
        strict=True,
    ):
        path = by_history(curve.branches)
        assert np.abs(curve.told[path, np.arange(path.size)] - forward.along.ravel()).max() < 1e-10
        left = [
            next(end for end in one.ends if end.way == way)
            for one, way in zip(curve.branches[:-1], [(-1.0, 1.0)[jump.way] for jump in forward.jumps], strict=True)
        ]
        assert [end.kind for end in left] == [jump.kind for jump in forward.jumps]
        assert [end.set_field for end in left] == pytest.approx([jump.value for jump in forward.jumps], abs=1e-11)


def test_steps_half_as_long_find_the_same_branches(monkeypatch):
    """A weak coupling has small loops inside of its loop, whose folds are near each other."""
    pair = PAIR.replace(couplings=lg.stacks.InterlayerExchange(("lower", "upper"), J1=-0.12e-3, J2=-0.01e-3))
    found = []
    for move in (stretching.MOVE, stretching.MOVE / 2):
        monkeypatch.setattr(stretching, "MOVE", move)
        jax.clear_caches()
        recording, values = recording_of(pair, "couplings.0.J1", 0.4, ((0.3, 0.5),))
        (curve,) = recording.followed(values)
        found.append(curve)
    assert [(b.first, b.last) for b in found[0].branches] == [(b.first, b.last) for b in found[1].branches]
    assert found[0].told == pytest.approx(found[1].told, abs=1e-10, nan_ok=True)


def test_a_device_is_the_same_alone_and_among_others():
    recording, values = recording_of(*DEVICES["pair"])
    many = np.array([values * part for part in (0.8, 1.0, 1.25)])
    together = recording.followed_of_each(many)
    recording = recording_of(*DEVICES["pair"])[0]  # which remembers nothing
    for one, curves in zip(many, together, strict=True):
        for alone, other in zip(recording.followed(one), curves, strict=True):
            assert [(b.first, b.last) for b in alone.branches] == [(b.first, b.last) for b in other.branches]
            assert alone.told == pytest.approx(other.told, abs=1e-12, nan_ok=True)


def test_every_row_is_read_at_rest_and_only_where_the_branch_is():
    recording, values = recording_of(*DEVICES["pair"])
    for curve in recording.followed(values):
        fields = np.asarray(recording.field)[curve.rows]
        for one in curve.branches:
            for end in one.ends:
                beyond = end.way * (fields - end.set_field) > 0
                assert not (beyond & (one.end == INSIDE)).any()
            assert np.isfinite(one.told[one.end == INSIDE]).all()
            assert np.abs(one.told[one.end == INSIDE]).max() <= 1 + 1e-12


def test_a_memory_asks_for_each_device_once_and_forgets_old_ones():
    memory, asked = BranchMemory(), []

    def find(values):
        asked.append(len(values))
        return [float(value[0]) for value in values]

    a, b = np.array([1.0]), np.array([2.0])
    assert memory.of_each([a, b, a], find) == [1.0, 2.0, 1.0] and memory.of_each([b], find) == [2.0]
    assert asked == [2]
    memory.of_each([np.array([float(k)]) for k in range(3, 60)], find)
    assert memory.of_each([a], find) == [1.0] and asked == [2, 57, 1]


@pytest.mark.parametrize("n", [2, 3, 4, 6])
def test_stability_is_that_of_the_eigenvalues(n):
    """By determinants too, and where a direction costs nothing."""
    rng = np.random.default_rng(n)
    matrices = rng.normal(size=(400, n, n)) - rng.uniform(0, 3, size=(400, 1, 1)) * np.eye(n)
    truly = np.linalg.eigvals(matrices).real.max(-1) < 0
    assert 20 < truly.sum() < 380
    assert (np.asarray(stable(matrices)) == truly).all()
    neutral = np.diag([-1.0] * (n - 1) + [0.0])
    assert bool(stable(neutral[None])[0]) and not bool(stable(np.full((1, n, n), np.nan))[0])


def test_the_shortest_step_is_taken_where_a_direction_costs_nothing():
    rng = np.random.default_rng(1)
    matrices, right = rng.normal(size=(5, 4, 4)), rng.normal(size=(5, 4))
    matrices[2] = matrices[2] @ np.diag([1.0, 1.0, 1.0, 0.0])
    right[2] = matrices[2] @ right[2]
    found = np.asarray(solved(matrices, right))
    for k in range(5):
        assert found[k] == pytest.approx(np.linalg.pinv(matrices[k], rcond=1e-11) @ right[k], rel=1e-9)
