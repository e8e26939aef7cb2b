"""`plan`: what it promises is what a fit finds with the new trace; degeneracies, order, files and mistakes."""

import json
import math

import jax
import numpy as np
import pytest
from tests.planning.conftest import NOISE, QUICK, noisy

from llgrad.core.files import plain
from llgrad.drives.constant import Constant
from llgrad.drives.drive import Drive
from llgrad.fitting.fit import fit
from llgrad.fitting.planning import information
from llgrad.fitting.planning.known import known_from_file, known_from_result
from llgrad.fitting.planning.plan import plan
from llgrad.fitting.targets.experiment import Experiment
from llgrad.solve.saving import End
from llgrad.solve.simulate import simulate

FREE = ["current", "alpha", "field.z"]
SHORT = {"duration": 2e-9, "settling": 0.0}


@pytest.fixture(scope="module")
def planned(fitted):
    return plan(fitted, {"current": [2e-3, 2.5e-3, 3e-3], "field.z": [0.02, 0.05]}, **SHORT)


def test_the_best_comes_first_and_every_trace_helps(planned):
    worst = [candidate.worst for candidate in planned.candidates]
    assert worst == sorted(worst) and len(worst) == 6
    assert worst[0] < planned.relative.max()
    for candidate in planned.candidates:
        assert (candidate.relative <= planned.relative * (1 + 1e-9)).all()


def test_the_errors_before_are_those_of_the_fit(fitted, planned):
    assert planned.before.errors == pytest.approx([fitted.errors[name] for name in planned.names], rel=1e-6)
    assert planned.before.correlation == pytest.approx(np.asarray(fitted.correlation), abs=1e-6)


def test_what_is_promised_is_what_a_fit_of_both_traces_finds(device, fitted, planned):
    """The new trace: its start unknown, its current and field changed by a known amount from the unknown ones."""
    best = planned.best.settings
    there = device.replace(current=best["current"], field=(0, 0, best["field.z"]))
    change = {"current": Constant(best["current"] - 2.5e-3), "field_z": Constant(best["field.z"] - 0.02)}
    second = Experiment(noisy(there, 3), drive=Drive(**change), noise=NOISE)
    first = Experiment(fitted.data, m0=np.asarray(fitted.m0[0]), noise=NOISE)
    both = fit(device, [first, second], free=FREE, **QUICK)
    assert planned.best.after.errors == pytest.approx([both.errors[name] for name in planned.names], rel=0.05)


def test_twice_the_same_trace_halves_the_variance(device):
    """A device's own trace counts as measured; the candidate at its settings is the same trace again."""
    found = plan(device, {"current": [2.5e-3]}, free=FREE, noise=NOISE, **SHORT)
    assert found.best.relative == pytest.approx(found.relative / math.sqrt(2), rel=1e-6)


def test_the_degeneracy_of_current_and_damping_at_2_kOe_is_broken(device):
    """20 ns of the settled orbit from a known state: correlation 0.9998; the best trace of a grid splits them."""
    strong = device.replace(field=(0.0, 0.0, 0.2))
    orbit = simulate(strong, duration=60e-9, dt=2e-12, save=End()).m[-1]
    measured = noisy(strong, 0, 20e-9, m0=orbit)
    result = fit(strong, measured, free=FREE, m0=orbit, **QUICK)
    assert result.correlation[0, 1] > 0.9995
    found = plan(result, {"current": [1.5e-3, 2.5e-3, 3.5e-3], "field.z": [0.02, 0.1, 0.2, 0.25]})
    assert found.best.after.correlation[0, 1] < 0.99
    assert found.best.worst < found.relative.max() / 20
    assert any("breaks the degeneracy of current and alpha" in sentence for sentence in found.verdict())
    same = next(c for c in found.candidates if c.settings == {"current": 2.5e-3, "field.z": 0.2})
    assert any("does not break the degeneracy" in sentence for sentence in found.verdict(same))


def test_what_no_trace_can_split_stays_unfixed(device):
    found = plan(device, {"field.z": [0.01, 0.05]}, free=["current", "polarization", "alpha"], noise=NOISE, **SHORT)
    assert not np.isfinite(found.best.after.errors[:2]).any() and np.isfinite(found.best.after.errors[2])
    assert "current, polarization: still not fixed" in found.verdict()
    assert "not fixed" in str(found)


def test_a_parameter_that_is_apart_tells_less(fitted, planned):
    grid = {"current": [2e-3, 2.5e-3, 3e-3], "field.z": [0.02, 0.05]}
    apart = plan(fitted, grid, apart=["current"], **SHORT)
    shared = {tuple(c.settings.values()): c for c in planned.candidates}
    for candidate in apart.candidates:
        assert (candidate.relative >= shared[tuple(candidate.settings.values())].relative * (1 - 1e-9)).all()
    assert apart.best.relative[0] > 1.05 * planned.best.relative[0]


def test_a_voltage_of_unknown_scale(device):
    """Gain and offset are unknown in each trace, so m_x itself tells more."""
    common = {"free": ["alpha"], "noise": NOISE, "duration": 1e-9, "settling": 0.0}
    scaled, bare = (plan(device, {"current": [3e-3]}, columns=c, **common) for c in ("voltage", "mx"))
    assert scaled.best.worst > bare.best.worst


def test_batches_are_filled_up(fitted, planned, monkeypatch):
    monkeypatch.setattr(information, "BATCH", 4)
    again = plan(fitted, {"current": [2e-3, 2.5e-3, 3e-3], "field.z": [0.02, 0.05]}, **SHORT)
    for one, other in zip(planned.candidates, again.candidates, strict=True):
        assert one.settings == other.settings
        assert one.relative == pytest.approx(other.relative, rel=1e-9)


def test_a_file_tells_what_the_result_tells(fitted, tmp_path):
    fitted.save(tmp_path / "fit.json")
    stored, known = known_from_file(tmp_path / "fit.json"), known_from_result(fitted)
    assert stored.names == known.names == tuple(FREE)
    assert stored.information() == pytest.approx(known.information(), rel=1e-9)
    assert stored.model.alpha == fitted.values["alpha"]
    assert stored.noise == known.noise == fitted.noise


def test_table_and_json(planned, tmp_path):
    text = str(planned)
    assert "Relative standard errors with one more trace of 2 ns, a sample every 10 ps" in text
    assert text.splitlines()[3].startswith("now") and "measure at current = " in text
    planned.save(tmp_path / "plan.json")
    entry = json.loads((tmp_path / "plan.json").read_text())
    assert entry["format"] == "llgrad.plan" and len(entry["candidates"]) == 6
    assert entry["candidates"][0]["settings"]["current"]["unit"] == "A"
    assert entry["candidates"][0]["worst_relative_error"] == pytest.approx(planned.best.worst)
    with pytest.raises(FileExistsError):
        planned.save(tmp_path / "plan.json")
    assert plain(planned.to_json())["verdict"] == list(planned.verdict())


@pytest.mark.parametrize(
    ("settings", "options", "sentence"),
    [
        ({}, {}, "a plan needs at least one setting with values"),
        ({"current": []}, {}, "a plan needs at least one setting with values"),
        ({"curent": [1e-3]}, {}, "unknown setting 'curent'; it can be Ms, volume"),
        ({"current": [math.nan]}, {}, "a setting is not a finite number"),
        ({"current": [2.5]}, {}, "did you mean 2.5 mA?"),
        ({"current": [1e-3]}, {"noise": -1.0}, "noise = -1, expected a positive standard deviation"),
        ({"current": [1e-3]}, {"duration": 20.0}, "expected 8 to a million samples; both are in seconds"),
        ({"current": [1e-3]}, {"settling": -1.0}, "settling = -1 s, expected a time in seconds"),
        ({"current": [1e-3]}, {"columns": ["mq"]}, "a trace has no column 'mq'"),
        ({"current": [1e-3]}, {"apart": ["volume"]}, "apart = 'volume' is not free"),
        ({"current": [1e-3]}, {"apart": FREE}, "every parameter is apart"),
        ({"current": [1e-3]}, {"free": ["alpha"]}, "free= is for a device"),
        ({"current": [1e-3]}, {"columns": ["voltage"]}, "a plan needs the noise of a recorded value"),
    ],
)
def test_bad_input_gets_one_sentence(fitted, settings, options, sentence):
    with pytest.raises(ValueError) as error:
        plan(fitted, settings, **options)
    assert sentence in str(error.value)


def test_bad_devices_get_one_sentence(device):
    for source, free, sentence in (
        (device, [], "no free parameter: name at least one"),
        (device, ["alhpa"], "free = 'alhpa' is no parameter of this device"),
        ("kubota2013", ["alpha"], "a plan needs a FitResult or an Oscillator, got str"),
    ):
        with pytest.raises(ValueError, match=sentence):
            plan(source, {"current": [1e-3]}, free=free, noise=NOISE)


@pytest.mark.float32
def test_it_computes_in_float64_whatever_the_default_is(device):
    found = plan(device, {"current": [2e-3]}, free=["alpha"], noise=NOISE, **SHORT)
    assert not jax.config.jax_enable_x64
    assert found.best.relative.dtype == np.float64 and 0 < found.best.worst < found.relative[0]
