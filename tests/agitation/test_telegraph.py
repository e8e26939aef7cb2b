"""Dwell times: exact, asymptotic, counted in simulations and in made signals."""

import jax
import numpy as np
import pytest
from numpy.polynomial import legendre

import llgrad as lg
from llgrad.experiments.switching.axial import axial_of, drift, relaxation_rate
from llgrad.experiments.switching.dwelling import _stationary

MU_0, BOLTZMANN = 4e-7 * np.pi, 1.380649e-23


def device(barrier: float, **changes) -> lg.Oscillator:
    volume = barrier * 2 * BOLTZMANN * 300 / (1e6 * 0.15)
    settings = {"alpha": 0.3, "polariser": (0, 0, 1), "temperature": 300.0} | changes
    return lg.Oscillator(Ms=1e6, volume=volume, H_k=0.15 + MU_0 * 1e6, **settings)


@pytest.mark.parametrize("barrier", [1.0, 4.0, 9.0])
@pytest.mark.parametrize("current", [0.0, 0.5e-6])
def test_the_smallest_eigenvalue_is_that_of_the_operator_in_legendre_polynomials(barrier, current):
    axial = axial_of(device(barrier, current=current))
    count, (x, w) = 90, legendre.leggauss(240)
    scale = np.sqrt(np.arange(count) + 0.5)
    values = legendre.legvander(x, count - 1) * scale
    slopes = np.stack([legendre.legval(x, legendre.legder(row)) for row in np.eye(count)], axis=1) * scale
    order = np.arange(count)
    operator = (slopes.T * (w * drift(axial, x))) @ values - np.diag(axial.diffusion * order * (order + 1))
    assert relaxation_rate(axial) == pytest.approx(np.sort(-np.linalg.eigvals(operator).real)[1], rel=1e-6)


def test_without_a_barrier_it_is_the_diffusion_on_a_sphere():
    axial = axial_of(device(1.0).replace(H_k=MU_0 * 1e6))
    assert relaxation_rate(axial) == pytest.approx(2 * axial.diffusion, rel=1e-6)


def test_high_barriers_go_over_into_browns_formula():
    for barrier, near in ((20.0, 0.08), (80.0, 0.016)):
        one = device(barrier)
        rate = one.alpha * one.gamma * 0.15 / (1 + one.alpha**2) * np.sqrt(barrier / np.pi) * np.exp(-barrier)
        found = lg.experiments.dwell_times(one)
        assert found.asymptotic[0, 1] == pytest.approx(rate, rel=1e-3)
        assert found.rates[0, 1] == pytest.approx(rate, rel=near)
        assert found.rates[0, 1] == pytest.approx(rate * (1 - 1 / barrier), rel=near / 10)  # its next order


@pytest.mark.parametrize("current", [0.0, 80e-6, 225e-6])
@pytest.mark.parametrize("temperature", [3e3, 300.0, 4.2])
def test_rates_are_those_of_the_mirrored_device_at_any_temperature(temperature, current):
    # m -> -m, I -> -I, where the torque has no asymmetry; barriers of 0.4 to 4,500 k_B T on either side
    one = device(25.0, lambda_=0.0).replace(temperature=temperature)
    found, mirrored = (lg.experiments.dwell_times(one.replace(current=sign * current)) for sign in (1, -1))
    assert found.log_rates[0, 1] == pytest.approx(mirrored.log_rates[1, 0], rel=1e-11, abs=1e-9)
    assert found.log_rates[1, 0] == pytest.approx(mirrored.log_rates[0, 1], rel=1e-11, abs=1e-9)
    assert found.occupation.sum() == pytest.approx(1.0) and (found.occupation >= 0).all()
    assert np.isfinite(found.log_times).all() and "of the time" in repr(found)
    if (
        found.barriers.min() > 8
    ):  # the formula for high barriers is the limit, with corrections of the order of 1/barrier
        seen = found.asymptotic > 0
        assert found.rates[seen] == pytest.approx(found.asymptotic[seen], rel=2 / found.barriers.min())


@pytest.mark.parametrize("depth", [1.0, 30.0, 3000.0])
def test_occupations_of_several_wells_are_stationary_at_any_depth(depth, rng):
    energies, ways = depth * rng.uniform(size=5), rng.normal(size=(5, 5))
    ways = ways + ways.T  # detailed balance, of barriers above the wells
    log_rates = energies[:, None] - depth + ways
    np.fill_diagonal(log_rates, -np.inf)
    log_rates[0, 3] = log_rates[3, 0] = -np.inf  # these two by others only
    assert _stationary(log_rates) == pytest.approx(-energies - np.logaddexp.reduce(-energies), rel=1e-12)


def test_a_shallow_well_beside_a_deep_one_is_left_at_the_rate_of_first_passage():
    # the deep well, of 62 k_B T, is where the shallow one, of 4, leads to: its rate is that of an absorbing deep well
    one = device(25.0, lambda_=0.0, current=225e-6)
    axial = axial_of(one)
    found = lg.experiments.dwell_times(one)
    assert found.barriers.max() > 55 and found.barriers.min() < 5 and found.occupation[1] < 1e-20
    u = -np.cos(np.linspace(0, np.pi, 40001))  # finite volumes, narrow at the poles
    middle, inner = (u[1:] + u[:-1]) / 2, u[1:-1]
    force = drift(axial, inner) / (axial.diffusion * (1 - inner**2))
    v = -np.concatenate([[0.0], np.cumsum(force * np.diff(middle))])
    weight = np.exp(v.min() - v) * np.diff(u)
    walls = axial.diffusion * (1 - inner**2) / np.diff(middle) * np.exp(v.min() - (v[1:] + v[:-1]) / 2)
    part, time = np.ones_like(middle), 0.0  # the slowest decay of what has not come to the deep well
    for _ in range(20):
        beyond = np.cumsum((weight * part)[::-1])[::-1][1:]
        later = np.concatenate([[0.0], np.cumsum(np.where(middle[1:] > -0.9, beyond / walls, 0.0))])
        part, time = later / later[-1], later[-1]
    assert found.times[1] * 1e9 == pytest.approx(time, rel=1e-3)


def test_a_current_shifts_the_occupation_as_boltzmanns_factor_of_the_effective_field():
    # along z a torque B_s acts as a field −B_s/α does: P(up)/P(down) = exp(2 Ms V B/k_B T) at high barriers
    one = device(8.0)
    shifted = one.replace(field=(0.0, 0.0, 0.01))
    current = 1e-7
    torque = 1.054571817e-34 * one.polarization * current / (2 * 1.602176634e-19 * 1e6 * one.volume)
    by_torque = lg.experiments.dwell_times(one.replace(current=current)).occupation
    by_field = lg.experiments.dwell_times(one.replace(field=(0.0, 0.0, -torque / one.alpha))).occupation
    assert by_torque == pytest.approx(by_field, rel=1e-9)
    down, up = lg.experiments.dwell_times(shifted).occupation
    u, w = legendre.leggauss(200)
    parts = [((low, high), (high - low) / 2) for low, high in ((-1.0, -1 / 15), (-1 / 15, 1.0))]
    nodes = [((low + high) / 2 + half * u, half) for (low, high), half in parts]
    sums = [half * w @ np.exp(8 * at**2 + 16 / 15 * at) for at, half in nodes]
    assert up / down == pytest.approx(sums[1] / sums[0], rel=1e-6)


def test_over_a_saddle_two_ways_round_are_twice_one():
    # an easy axis in a plane: two saddles, each way counts; Langer's formula by hand
    one = lg.Oscillator(
        Ms=1e6, volume=2e-24, alpha=0.1, demag=(0.0, 0.05, 0.95), temperature=300.0, polariser=(1, 0, 0)
    )
    found = lg.experiments.dwell_times(one)
    hard, easy = MU_0 * 1e6 * 0.95, MU_0 * 1e6 * 0.05
    gamma, alpha = one.gamma / (1 + one.alpha**2), one.alpha
    a, b = easy, hard - easy
    growth = gamma * (np.sqrt(alpha**2 * (b - a) ** 2 / 4 + a * b + alpha**2 * a * b) - alpha * (b - a) / 2)
    barrier = 1e6 * one.volume * easy / 2 / (BOLTZMANN * 300)
    rate = 2 * growth / (2 * np.pi) * np.sqrt(easy * hard / (a * b)) * np.exp(-barrier)
    assert found.barriers == pytest.approx(barrier, rel=1e-6)
    assert found.asymptotic[0, 1] == pytest.approx(rate, rel=1e-6)


def test_a_simulated_junction_dwells_as_long_as_it_must():
    one = device(6.0, alpha=0.5)
    exact = lg.experiments.dwell_times(one)
    array = lg.OscillatorArray(one, 256)
    duration = float(10 * exact.times[0])
    run = lg.simulate(array, duration=duration, dt=2e-12, save=lg.Every(20), key=jax.random.key(5))
    found = lg.observables.telegraph(run)
    assert found.upper.exits > 500
    for level, time in ((found.lower, exact.times[0]), (found.upper, exact.times[1])):
        assert abs(level.mean - time) < 3 * level.error
        assert level.variation == pytest.approx(1.0, abs=0.15)
        low, high = level.interval()
        assert low < level.mean < high


def test_intervals_of_dwell_times_cover(rng):
    covered = 0
    for _ in range(300):
        jumps = np.repeat(np.arange(60) % 2, rng.exponential(200, 60).astype(int) + 1)
        found = lg.observables.telegraph(jumps.astype(float), dt=1e-9)
        low, high = found.upper.interval()
        covered += low < 200.5e-9 < high
    assert 0.92 < covered / 300 < 0.98


def test_crossings_of_the_middle_while_it_jumps_count_once():
    jump = np.array([0, 0.45, 0.55, 0.45, 0.55, 0.45, 0.6, 1.0])
    signal = np.concatenate([np.zeros(50), jump, np.ones(50), jump[::-1], np.zeros(50)])
    found = lg.observables.telegraph(signal, dt=1e-9)
    assert found.upper.exits == 1 and found.lower.exits == 1 and len(found.upper.dwells) == 1


@pytest.mark.parametrize(
    ("signal", "given", "said"),
    [
        (np.sin(np.arange(50)) * 0 + np.random.default_rng(0).uniform(size=50), {}, "no two levels"),
        (np.arange(50.0), {"low": 3.0}, "both low and high"),
        (np.arange(50.0), {"low": 3.0, "high": 1.0}, "exchange them"),
        (np.arange(50.0), {"low": -5.0, "high": 30.0}, "never below"),
    ],
)
def test_a_signal_without_two_levels_is_refused(signal, given, said):
    with pytest.raises(ValueError, match=said):
        lg.observables.telegraph(signal, dt=1e-9, **given)
