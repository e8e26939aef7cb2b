"""Fits of many traces: the numbers of `fit`, and the same bits beside whatever others."""

import jax
import numpy as np
import pytest

import llgrad as lg
from llgrad.fitting.many import search
from llgrad.fitting.many.batch import batch_of

FREE = ["alpha", "current"]
DEVICE = lg.presets.kubota2013().replace(current=0.6e-3)
RNG = np.random.default_rng(3)


def recorded(alpha: float, current: float, noise: float = 0.01) -> lg.Trace:
    run = lg.simulate(
        DEVICE.replace(alpha=alpha, current=current), duration=1e-9, dt=2e-12, m0=(0.6, 0, 0.8), save=lg.Every(5)
    )
    trace = lg.trace_of(run)
    columns = {name: values + noise * RNG.normal(size=values.size) for name, values in trace.columns.items()}
    return lg.Trace(trace.t, columns)


@pytest.fixture(scope="module")
def traces():
    drawn = zip(RNG.uniform(0.004, 0.008, 18), RNG.uniform(0.5e-3, 0.7e-3, 18), strict=True)
    return [recorded(alpha, current) for alpha, current in drawn]


@pytest.fixture(scope="module")
def found(traces):
    return lg.fitting.fit_each(DEVICE, traces, free=FREE)


def test_each_has_the_numbers_of_its_own_fit(traces, found):
    alone = lg.fit(DEVICE, traces[0], free=FREE)
    assert found[0].verdict == alone.verdict
    assert found[0].explanation == alone.explanation[0]
    assert found[0].residual_rms == pytest.approx(alone.quality[0].rms, rel=1e-9)
    for name, value in alone.values.items():
        assert abs(found[0].values[name] - value) < 1e-5 * alone.errors[name]
        assert found[0].errors[name] == pytest.approx(alone.errors[name], rel=1e-6)


def test_the_same_bits_beside_whatever_others(traces, found):
    some = [17, 3, 8]
    again = lg.fitting.fit_each(DEVICE, [traces[i] for i in some], free=FREE)
    assert [repr(one) for one in again] == [repr(found[i]) for i in some]


def test_a_start_far_off_comes_to_the_same_numbers(traces, found):
    away = DEVICE.replace(alpha=0.02, current=0.3e-3)
    for far, near in zip(lg.fitting.fit_each(away, traces, free=FREE), found, strict=True):
        assert far.verdict == near.verdict
        for name, value in near.values.items():
            assert abs(far.values[name] - value) < 1e-5 * near.errors[name]
            assert far.errors[name] == pytest.approx(near.errors[name], rel=1e-5)


def test_what_slopes_do_not_fix_stays_near_the_given_start(monkeypatch):
    noisy = [recorded(0.006, 0.6e-3, noise=0.05) for _ in range(8)]
    with jax.enable_x64(True):
        batch, _ = batch_of(DEVICE, [lg.Experiment(trace) for trace in noisy], dict.fromkeys(FREE))
        held = batch.values(search.starting_points(batch, np.arange(8)))[:, 0]
        descended = search._descended
        monkeypatch.setattr(search, "_descended", lambda *given: descended(*given[:-1], 0 * given[-1]))
        free = batch.values(search.starting_points(batch, np.arange(8)))[:, 0]
    assert free.min() < DEVICE.alpha / 1000  # noise alone would have it negative
    assert (np.abs(np.log(held / DEVICE.alpha)) < 2).all()


def test_what_cannot_be_fitted_is_a_sentence_and_the_others_are_fitted(traces, found):
    still = lg.Trace(traces[0].t, {name: np.full(traces[0].t.size, float(name == "mz")) for name in ("mx", "my", "mz")})
    long = lg.Trace(traces[0].t, {name: 2 * values for name, values in traces[0].columns.items()})
    answers = lg.fitting.fit_each(DEVICE, [still, traces[1], long, "nothing"], free=FREE)
    assert "is constant" in answers[0] and "expected about 1" in answers[2] and "a fit needs a Trace" in answers[3]
    assert repr(answers[1]) == repr(found[1])


@pytest.mark.parametrize("data", ["wafer.csv", {"A1": 3}, 3, None, lg.Trace(np.arange(3) * 1e-12, {"mx": np.ones(3)})])
def test_what_is_no_list_of_recordings_is_refused(data):
    with pytest.raises(ValueError, match=r"^data is .*, expected recordings; give a list of them"):
        lg.fitting.fit_each(lg.presets.kubota2013(), data, free=["alpha"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"free": 3}, "free = 3, expected names of parameters"),
        ({"free": [3]}, r"free = \[3\], expected names of parameters"),
        ({"method": 3}, "method is an int, expected a Method; such as"),
        ({"stepper": "rk4"}, "stepper is a str, expected a Stepper; such as"),
        ({"guess": 3}, "guess is an int, expected a Guess"),
        ({"starts": 3}, "starts is an int, expected a Starts"),
    ],
)
def test_a_fit_of_one_and_of_many_refuse_the_same(wrong, said):
    trace = lg.Trace(np.arange(3) * 1e-12, {"mx": np.ones(3)})
    for fit, data in ((lg.fit, trace), (lg.fitting.fit_each, [trace])):
        with pytest.raises(ValueError, match=said):
            fit(lg.presets.kubota2013(), data, **({"free": ["alpha"]} | wrong))
