"""Maps: every point is what `lg.orbit` says of it, and what a simulation shows; lines are exact; where there is no
orbit, a region says why."""

import numpy as np
import pytest
from tests.orbits.devices import AMPLITUDE, closed_form, reference
from tests.orbits.systems import Lorenz

import llgrad as lg
from llgrad.experiments.sweeps import sweep as sweeping

DEVICE = reference(0.02, 1e-3)
CURRENTS, FIELDS = np.linspace(0.0, 3.6e-3, 10), np.linspace(0.002, 0.02, 7)
ORBITS = (lg.experiments.Region.OSCILLATES, lg.experiments.Region.BISTABLE)
RESTS = (
    lg.experiments.Region.REST,
    lg.experiments.Region.BELOW,
    lg.experiments.Region.DEATH,
    lg.experiments.Region.WRONG_SIGN,
)


@pytest.fixture(scope="module")
def found():
    return lg.sweep(DEVICE, {"current": CURRENTS, "field.z": FIELDS})


def at(i, j):
    return DEVICE.replace(current=CURRENTS[i], field=(0.0, 0.0, FIELDS[j]))


def test_every_kind_of_region_is_there(found):
    assert {lg.experiments.Region(n).name for n in np.unique(found.regions)} >= {"OSCILLATES", "BELOW", "DEATH", "REST"}
    assert (np.isfinite(found["frequency"]) == found.has_orbit).all()
    assert np.isnan(found["line_width"][~found.has_orbit]).all() and not np.isnan(found.rest[~found.has_orbit]).any()
    assert (found.error[found.has_orbit] <= 1e-8).all()
    assert (found.regions[0] == lg.experiments.Region.BELOW)[1:].all()


@pytest.mark.parametrize("seed", range(8))
def test_a_point_is_what_an_orbit_says_of_it(found, seed):
    i, j = (int(n) for n in np.random.default_rng(seed).integers(0, found.regions.shape))
    try:
        orbit = lg.orbit(at(i, j))
    except ValueError as error:
        assert found.regions[i, j] in RESTS, error
        assert "comes to rest at" in str(error)
        return
    assert found.regions[i, j] in ORBITS
    np.testing.assert_allclose(found["frequency"][i, j], orbit.frequency, rtol=2e-8)
    np.testing.assert_allclose(found["line_width"][i, j], orbit.line_width, rtol=1e-6)
    np.testing.assert_allclose(found["return_rate"][i, j], orbit.return_rate, rtol=1e-6)
    np.testing.assert_allclose(found["amplitude"][i, j], 2 * abs(orbit.harmonics()[1]), rtol=1e-6)


@pytest.mark.parametrize("place", [(2, 6), (8, 6), (1, 2), (3, 1)])
def test_a_point_is_what_a_simulation_shows(found, place):
    """A long run is back after a period, and not after a part of it; or it stays at rest where the map says."""
    device = at(*place).replace(temperature=0.0)
    end = np.asarray(lg.simulate(device, duration=1500e-9, accuracy=1e-6, save=lg.End()).m[-1])
    if found.regions[place] not in ORBITS:
        np.testing.assert_allclose(end, found.rest[place], atol=1e-4)
        return
    period = 1 / found["frequency"][place]
    back = lg.simulate(device, duration=period, m0=end, accuracy=1e-8).m
    back = np.asarray(back)
    np.testing.assert_allclose(back[-1], end, atol=1e-5)
    assert np.abs(back[len(back) // 8 : -len(back) // 8] - end).max(1).min() > 0.1


def test_the_hopf_line_is_that_of_the_thresholds(found):
    """In a row of the grid there are two: that of the state along the field, and that of the one against it."""
    row = found.onsets.values[:, 1] == FIELDS[-1]
    order = np.argsort(found.onsets.values[row, 0])
    against, along = (p for p in lg.orbits.thresholds(at(0, -1), "current", 0.0, 1e-3) if p.kind == "Hopf")
    held, frequencies = np.transpose([(p.held, p.frequency) for p in (against, along)])
    np.testing.assert_allclose(found.onsets.values[row, 0][order], held, rtol=1e-10)
    np.testing.assert_allclose(found.onsets.frequencies[row][order], frequencies, rtol=1e-9)
    assert found.onsets.supercritical[row][order].tolist() == [against.supercritical, along.supercritical]
    assert along.supercritical  # above H_c = 59.1 Oe


def test_orbits_are_told_once_round():
    """Here Newton's method, from the guess of few states, closes after three turns."""
    near = lg.sweep(reference(0.003, 0.35e-3), {"current": [0.3e-3, 0.35e-3]}, quantities="frequency")
    np.testing.assert_allclose(near["frequency"][1], lg.orbit(reference(0.003, 0.35e-3)).frequency, rtol=2e-8)


def test_a_region_of_hysteresis_is_told_whole():
    """Below H_c an orbit attracts at currents at which the state at rest does too."""
    onset = 0.28021471e-3
    found = lg.sweep(reference(0.002, 0.0), {"current": onset * np.linspace(0.985, 1.005, 5)}, quantities="frequency")
    np.testing.assert_allclose(found.onsets.values, [[onset]], rtol=1e-7)
    both = found.regions == lg.experiments.Region.BISTABLE
    assert both[found["current"] < onset].any() and (found.stable[both] > 0).all()
    assert not found.onsets.supercritical.any()


def test_the_amplitude_model_in_closed_form():
    found = lg.sweep(AMPLITUDE, {"supercriticality": [0.5, 1.5, 3.0], "damping": [0.5e8, 1e8]})
    assert (found.regions[0] == lg.experiments.Region.REST).all() and (
        found.regions[1:] == lg.experiments.Region.OSCILLATES
    ).all()
    for i, zeta in enumerate(found["supercriticality"][1:], 1):
        for j, damping in enumerate(found["damping"]):
            expected = closed_form(AMPLITUDE.replace(supercriticality=zeta, damping=damping))
            for name in ("frequency", "return_rate", "line_width"):
                np.testing.assert_allclose(found[name][i, j], expected[name], rtol=1e-8, err_msg=name)


def test_coupled_oscillators():
    """Of an array each number is that of every oscillator, and the orbit is that of the whole."""
    array = lg.OscillatorArray(DEVICE, 2, lg.FieldCoupling(np.array([[0.0, -1e-3], [-1e-3, 0.0]])))
    found = lg.sweep(array, {"current": [0.1e-3, 2.5e-3]}, quantities="frequency", accuracy=1e-4)
    assert found.regions.tolist() == [lg.experiments.Region.BELOW, lg.experiments.Region.OSCILLATES]
    np.testing.assert_allclose(found["frequency"][1], 0.380139006e9, rtol=1e-4)  # what lg.orbit says
    assert found.rest.shape == (2, 6) and found.rest[0, 2] > 0.99 and found.rest[0, 5] > 0.99


def test_where_there_is_neither_orbit_nor_rest_the_exponent_tells_chaos():
    """Lorenz: at rest at ρ = 10, chaos at 28 (0.906 of its unit), and periodic in the window at 160."""
    found = lg.sweep(Lorenz(), {"rho": [10.0, 28.0, 160.0]}, quantities="frequency", chaos=50e-9)
    assert found.regions.tolist() == [
        lg.experiments.Region.REST,
        lg.experiments.Region.NEITHER,
        lg.experiments.Region.OSCILLATES,
    ]
    np.testing.assert_allclose(abs(found.rest[0]), [24**0.5, 24**0.5, 9.0], rtol=1e-9)
    np.testing.assert_allclose(found.exponents, [np.nan, 0.906e9, np.nan], rtol=0.15)
    assert np.isnan(found["frequency"][:2]).all() and found["frequency"][2] > 0


def test_length_and_angles_of_a_vector():
    device = reference(0.2, 2.5e-3)
    by_angle = lg.sweep(device, {"field.polar": ["0deg", "3deg"]}, quantities="frequency")
    tilted = device.replace(field=(0.2 * np.sin(np.radians(3)), 0.0, 0.2 * np.cos(np.radians(3))))
    np.testing.assert_allclose(by_angle["frequency"], [lg.orbit(d).frequency for d in (device, tilted)], rtol=1e-8)
    by_length = lg.sweep(tilted, {"field": "180mT:200mT:2"}, quantities="frequency")
    np.testing.assert_allclose(by_length["frequency"][1], by_angle["frequency"][1], rtol=1e-9)


def test_a_file_holds_all_of_it(found, tmp_path):
    found.save(tmp_path / "map.npz")
    again = lg.experiments.load_map(tmp_path / "map.npz")
    assert repr(again) == repr(found)
    for name in ("frequency", "line_width", "current"):
        np.testing.assert_array_equal(again[name], found[name])
    for name in ("regions", "rest", "stable", "error", "noise_ratio"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    np.testing.assert_array_equal(again.onsets.values, found.onsets.values)
    found.save(tmp_path / "map.csv")
    lines = (tmp_path / "map.csv").read_text().splitlines()
    assert len(lines) == 1 + found.regions.size
    assert lines[0].startswith(
        "current (A),field.z (T),frequency (Hz),amplitude,line_width (Hz),return_rate (1/s),error"
    )
    assert lines[1].endswith(",4,below threshold") or lines[1].endswith(",3,at rest")
    with pytest.raises(FileExistsError):
        found.save(tmp_path / "map.csv")
    with pytest.raises(ValueError, match=r"\.npz or \.csv"):
        found.save(tmp_path / "map.txt")


def test_a_locking_range_that_is_too_wide_is_told():
    drive = {"field_x": 1e-5}
    found = lg.sweep(lg.presets.kubota2013(), {"current": [0.4e-3, 2.5e-3]}, quantities={"locking": {"drive": drive}})
    strengths = [
        lg.orbit(lg.presets.kubota2013().replace(current=current)).locking(drive).strength
        for current in found.axes[0].values.tolist()
    ]
    wide = sum(strength > 0.1 for strength in strengths)
    assert wide == 1 and [note for note in found.notes if note.startswith("at 1 point the half locking range")]
    assert not any("line width" in note for note in found.notes), "nobody asked for it"


def test_an_interrupted_map_keeps_what_there_is(monkeypatch):
    monkeypatch.setattr(sweeping, "BLOCK", 8)
    heard = []

    def tell(told):
        heard.append(told["fraction"])
        if len(heard) == 3:
            raise KeyboardInterrupt

    part = lg.sweep(DEVICE, {"current": CURRENTS, "field.z": FIELDS}, quantities="frequency", progress=tell)
    assert (part.regions == lg.experiments.Region.NOT_COMPUTED).any() and part.has_orbit.any()
    assert heard == sorted(heard) and any("interrupted: " in note for note in part.notes)


MISTAKES = {
    "unknown": ({"curent": [1e-3, 2e-3]}, {}, "unknown parameter 'curent' (did you mean 'current'?)"),
    "third": ({"current": [1, 2], "alpha": [1, 2], "H_k": [1, 2]}, {}, "3 parameters are varied"),
    "one value": ({"current": [1e-3]}, {}, "a list of two or more"),
    "range of one": ({"current": "0mA:5mA:1"}, {}, "a range of 1 values has no two ends"),
    "unit": ({"current": "0mA:5mT:3"}, {}, "'5mT' is in T, expected a quantity in A"),
    "no unit": ({"current": "0:5:3"}, {}, "has no unit"),
    "log": ({"current": "0mA:5mA:3:log"}, {}, "a logarithmic range has two ends of one sign"),
    "twice": ({"current": [1e-3, 1e-3]}, {}, "must be finite, and ascend or descend"),
    "scale": ({"current": [1.0, 2.0]}, {}, "current = 1"),
    "vector twice": ({"field": [0.1, 0.2], "field.z": [0.1, 0.2]}, {}, "say the same vector twice"),
    "quantity": ({"current": [1e-3, 2e-3]}, {"quantities": ("width",)}, "'width' is no quantity of an orbit"),
    "drive": ({"current": [1e-3, 2e-3]}, {"quantities": ("locking",)}, "'locking' needs drive=…"),
    "cold": ({"current": [1e-3, 2e-3]}, {"quantities": ("line_width",)}, "this device is at 0 K"),
    "accuracy": ({"current": [1e-3, 2e-3]}, {"accuracy": 2.0}, "accuracy = 2"),
    "chaos": ({"current": [1e-3, 2e-3]}, {"chaos": -1.0}, "chaos = -1"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_sentences(name):
    parameters, settings, words = MISTAKES[name]
    with pytest.raises(ValueError, match=r"^") as caught:
        lg.sweep(lg.presets.kubota2013(), parameters, **settings)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_an_array_without_a_coupling_has_no_common_orbit():
    with pytest.raises(ValueError, match="not coupled"):
        lg.sweep(lg.OscillatorArray(DEVICE, 2), {"current": [1e-3, 2e-3]})
