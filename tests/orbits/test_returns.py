"""When many runs come by their last states again, against one run after the other."""

import numpy as np
import pytest

from llgrad.fitting.orbits.turns import (
    NEAR,
    apart_from,
    last_turns,
    nearest_turn,
    recent_turn,
    returns,
    size_of,
    times_round,
)
from llgrad.orbits.cycle.settling import last_turn

STEPS = 400


def runs(kind, rng, count=12):
    """Paths (n, B, S) and the slopes (B, n) at their ends."""
    rate, phase = rng.uniform(0.05, 0.4, count), rng.uniform(0, 6, count)
    t = np.arange(STEPS)
    angle = rate[:, None] * t + phase[:, None]
    size, growth = {
        "turning": (1.0, 0.0),
        "decaying": (np.exp(-0.004 * t), -0.004),
        "twice round": (1 + 0.3 * np.cos(angle / 2), 0.0),
        "straight": (1.0, 0.0),
    }[kind]
    if kind == "straight":
        paths = np.stack([rate[:, None] * t, phase[:, None] + 0 * t, 0 * angle])
        return paths, np.stack([rate, 0 * rate, 0 * rate], axis=1)
    paths = np.stack([size * np.cos(angle), size * np.sin(angle), 0.2 * size * np.cos(angle)])
    step = 1e-6
    later = angle[:, -1] + rate * step
    wide = 1 + 0.3 * np.cos(later / 2) if kind == "twice round" else np.exp(growth * (STEPS - 1 + step))
    after = np.stack([wide * np.cos(later), wide * np.sin(later), 0.2 * wide * np.cos(later)])
    return paths, ((after - paths[:, :, -1]) / step).T


def recent_of_one(path, slope):
    """How many steps ago a run (S, n) last came anywhere near its end."""
    end, size = path[-1], np.abs(path - path.mean(axis=0)).max()
    height = (path - end) @ slope
    for j in range(len(path) - 3, -1, -1):
        if height[j] < 0 <= height[j + 1]:
            share = height[j] / (height[j] - height[j + 1])
            crossed = path[j] * (1 - share) + path[j + 1] * share
            if np.abs(crossed - end).max() < NEAR * size:
                return len(path) - 1 - (j + share)
    return None


@pytest.mark.parametrize("which, alone", ((nearest_turn, last_turn), (recent_turn, recent_of_one)))
@pytest.mark.parametrize("kind", ("turning", "decaying", "twice round", "straight"))
def test_turns_of_many_runs_are_those_of_each(kind, which, alone, rng):
    paths, slopes = runs(kind, rng)
    found = returns(paths, slopes)
    told = last_turns(found, which(found, paths), paths)
    for b in range(paths.shape[1]):
        expected = alone(paths[:, b].T, slopes[b])
        if expected is None:
            assert np.isnan(told.steps[b]) and np.isinf(told.gap[b])
            continue
        assert told.steps[b] == pytest.approx(expected, rel=1e-9)
        turn = paths[:, b, -int(np.ceil(expected)) :]
        whole = turn.sum(axis=1) - (turn.shape[1] - expected) * turn[:, 0]
        np.testing.assert_allclose(told.middle[b], whole / expected, atol=1e-12)
        begun = np.array([np.interp(STEPS - 1 - expected, np.arange(STEPS), row) for row in paths[:, b]])
        size = np.abs(turn - told.middle[b][:, None]).max()
        assert told.gap[b] == pytest.approx(np.abs(begun - paths[:, b, -1]).max() / size, rel=1e-6, abs=1e-9)
    assert kind == "straight" or np.isfinite(told.steps).all()


def test_the_size_of_runs_is_the_largest_distance_from_their_means(rng):
    paths = rng.normal(size=(3, 5, 40))
    apart = np.abs(paths - paths.mean(axis=2, keepdims=True)).max(axis=(0, 2))
    np.testing.assert_allclose(size_of(paths), apart, rtol=1e-14)


def test_the_middle_of_a_turn_is_that_of_its_orbit_however_few_steps_it_took(rng):
    paths, slopes = runs("turning", rng, 40)
    found = returns(paths, slopes)
    told = last_turns(found, recent_turn(found, paths), paths)
    assert (np.abs(told.middle) <= (np.pi / told.steps[:, None]) ** 2).all()


@pytest.mark.parametrize("count", (8, 32, 128))
def test_points_of_an_orbit_are_on_it_between_its_states_too(count, rng):
    """Points beside it are as far from it as they are, up to how far its arcs are from their chords."""
    angle, at, away = 2 * np.pi * np.arange(count) / count, rng.uniform(0, 2 * np.pi, (5, 2)), rng.uniform(0, 0.3, 5)
    orbits = np.array([[1.0], [2.0]])[..., None] * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    points = np.stack([np.cos(at) * [1.0, 2.0], np.sin(at) * [1.0, 2.0], np.repeat(away[:, None], 2, axis=1)], axis=2)
    np.testing.assert_allclose(
        apart_from(orbits, points), np.repeat(away[:, None], 2, axis=1), atol=2 * (1 - np.cos(np.pi / count))
    )


@pytest.mark.parametrize("turns", (1, 2, 3))
def test_orbits_are_counted_round(turns):
    angle = 2 * np.pi * turns * np.arange(128) / 128
    states = np.stack([np.cos(angle), np.sin(angle), 0.1 * np.sin(angle)], axis=1)
    assert times_round(np.stack([states, 2 * states])).tolist() == [turns, turns]
