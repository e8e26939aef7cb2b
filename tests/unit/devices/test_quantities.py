"""One rule for quantities, in every form that a person writes: scalars, vectors, each component, one unit for all.

The table: quantity × form × good or bad, in JSON, in TOML and on the command line. A good one gives the same device
everywhere; a bad one ends in one sentence that names the quantity.
"""

import json

import numpy as np
import pytest
import tomli_w

import llgrad as lg
from llgrad.cli.device_options import device_with
from llgrad.core.record import get_leaf

BASE = {"type": "Oscillator", "Ms": "1.4e6A/m", "volume": "22619nm3"}
D45 = 0.03 / np.sqrt(2)

# quantity: (what is written, its SI value); text is tried on the command line too
GOOD = [
    ("current", "2.5mA", 2.5e-3),
    ("current", " 2.5 mA ", 2.5e-3),
    ("current", {"value": 2500, "unit": "uA"}, 2.5e-3),
    ("alpha", 0.02, 0.02),
    ("alpha", "0.02", 0.02),
    ("alpha", "2%", 0.02),
    ("alpha", {"value": 0.02}, 0.02),
    ("alpha", {"value": 0.02, "unit": "1"}, 0.02),
    ("H_k", "18616Oe", 1.8616),
    ("H_k", "1.5 MA/m", 1.5e6 * 4e-7 * np.pi),
    ("Ms", "1448.3 emu/cm3", 1.4483e6),
    ("Ms", {"value": 1448.3, "unit": "emu/cm³"}, 1.4483e6),
    ("gamma", "28GHz/T", 2 * np.pi * 28e9),
    ("temperature", "300K", 300.0),
    ("field", ["300Oe", "0Oe", "0Oe"], (0.03, 0, 0)),
    ("field", ["300Oe", "-20mT", "0 kA/m"], (0.03, -0.02, 0)),
    ("field", [{"value": 300, "unit": "Oe"}, "0T", "0T"], (0.03, 0, 0)),
    ("field", "300Oe, 0Oe, 0Oe", (0.03, 0, 0)),
    ("field", "(300, 0, 0) Oe", (0.03, 0, 0)),
    ("field", "(300,0,-1e2)Oe", (0.03, 0, -0.01)),
    ("field", {"value": [300, 0, 0], "unit": "Oe"}, (0.03, 0, 0)),
    ("field", {"value": [0.03, 0.0, 0.0], "unit": "T"}, (0.03, 0, 0)),
    ("field", {"x": "300Oe"}, (0.03, 0, 0)),
    ("field", {"x": "300Oe", "z": "1mT"}, (0.03, 0, 1e-3)),
    ("field", "300Oe at 90deg, 45deg", (D45, D45, 0)),
    ("field", {"magnitude": "300Oe", "theta": "90deg", "phi": "45deg"}, (D45, D45, 0)),
    ("polariser", [0, 0.6, 0.8], (0, 0.6, 0.8)),
    ("polariser", "0, 0.6, 0.8", (0, 0.6, 0.8)),
    ("polariser", "90deg, 0.5 rad", (np.cos(0.5), np.sin(0.5), 0)),
    ("polariser", {"theta": "90deg", "phi": "0deg"}, (1, 0, 0)),
    ("demag", "(0.02, 0.05, 0.93)", (0.02, 0.05, 0.93)),
]

# quantity, what is written, what the sentence says; text is tried on the command line too
BAD = [
    ("current", "2.5", "current: '2.5' has no unit"),
    ("current", 2.5e-3, "current: 0.0025 has no unit"),
    ("current", {"value": 2.5}, "current: .* has no entry 'unit'"),
    ("current", {"unit": "mA"}, "current: .* has no entry 'value'"),
    ("current", {"value": "2.5mA", "unit": "mA"}, "current: '2.5mA' is not a number"),
    ("current", {"value": 2.5, "unit": "mA", "units": "mA"}, "current: .* has no place for units"),
    ("current", {"value": 2.5, "unit": 1}, "current: unit = 1 is not a word"),
    ("current", "2.5mT", "current: '2.5mT' is in T, expected a quantity in A"),
    ("current", "3MA/cm2", "current: '3MA/cm2' is a current density, and the area .* is not known"),
    ("current", "2.5 furlongs", "current: unknown unit 'furlongs'"),
    ("current", "1e999mA", "current: '1e999mA' is not a finite number"),
    ("current", True, "current: True is not a number"),
    ("Ms", None, "Ms: None is not a number"),
    ("alpha", [], r"alpha: \[\] is not a number"),
    ("alpha", {"value": [0.1, [0.1]]}, "alpha: .* has rows of different lengths"),
    ("H_k", "1.8616", "H_k: '1.8616' has no unit"),
    ("field", "300Oe", "field: '300Oe' is no vector; expected three components"),
    ("field", "300Oe, 0Oe", "field: .* is no vector"),
    ("field", ["300Oe", "0Oe"], "field: .* is no vector"),
    ("field", [0.03, 0, 0], "field: 0.03 has no unit"),
    ("field", ["300", "0", "0"], "field: '300' has no unit"),
    ("field", "300, 0, 0", "field: '300' has no unit"),
    ("field", "(300, 0, 0)", "field: '300' has no unit"),
    ("field", "(300Oe, 0Oe, 0Oe) Oe", "field: '300Oe' is in T, expected a quantity in 1"),
    ("field", ["300Oe", "0A", "0Oe"], "field: '0A' is in A, expected a quantity in T"),
    ("field", {"value": [300, 0, 0]}, "field: .* has no entry 'unit'"),
    ("field", {"value": [300, 0], "unit": "Oe"}, "field: .* is no vector"),
    ("field", {"value": 300, "unit": "Oe"}, "field: .* is no vector"),
    ("field", {"value": [300, 0, 0], "unit": "mA"}, "field: .* is in A, expected a quantity in T"),
    ("field", {"magnitude": "300Oe", "theta": "90deg"}, "field: .* is no vector"),
    ("field", "300Oe at 90, 45", "field: '90' has no unit; expected an angle"),
    ("field", "300 at 90deg, 45deg", "field: '300' has no unit"),
    ("field", {"x": 0.1}, "field: 0.1 has no unit"),
    ("field", True, "field: True is no vector"),
    ("polariser", "90deg", "polariser: '90deg' is no vector; .*its two angles"),
    ("polariser", "90, 0", "polariser: '90' has no unit; expected an angle"),
    ("polariser", "90rad, 0rad", "polariser: '90rad' is more than a full turn; did you mean degrees"),
    ("polariser", [1, 1, 0], "polariser = .* has length 1.41421, expected a unit vector"),
    ("polariser", ["1T", 0, 0], "polariser: '1T' is in T, expected a quantity in 1"),
    ("terms", "none", "terms = 'none', expected a list of records"),
    ("terms", [{"type": "Sine", "amplitude": "1T", "frequency": "1GHz"}], "terms holds Sine, expected FieldTerm"),
    ("terms", [3], "expected a record, an object with the entry 'type', got int"),
    ("junction", [], r"junction = \[\], expected a record"),
    ("junction", {"type": "Oscillator"}, "Oscillator is not whole: it has no Ms, volume"),
]  # fmt: skip


def written(tmp_path, ending, entry):
    path = tmp_path / f"device.{ending}"
    path.write_text(tomli_w.dumps(entry) if ending == "toml" else json.dumps(entry), encoding="utf-8")
    return path


def ways(tmp_path, name, value):
    """Every way to load a device with one quantity so written; TOML has no null, and text is --set's too."""
    entry = BASE | {name: value}
    found = {"json": lambda: lg.load_device(written(tmp_path, "json", entry))}
    if value is not None:
        found["toml"] = lambda: lg.load_device(written(tmp_path, "toml", entry))
    if isinstance(value, str) and name not in ("terms", "junction"):
        found["--set"] = lambda: device_with(str(written(tmp_path, "json", BASE)), {name: value})
    return found


@pytest.mark.parametrize(("name", "value", "expected"), GOOD, ids=lambda v: str(v)[:40])
def test_a_form_is_read_the_same_everywhere(tmp_path, name, value, expected):
    for way, load in ways(tmp_path, name, value).items():
        found = get_leaf(load(), name)
        numbers = np.asarray(found.stack()) if isinstance(found, lg.Vec3) else found
        assert numbers == pytest.approx(expected, rel=1e-9, abs=1e-15), way


@pytest.mark.parametrize(("name", "value", "sentence"), BAD, ids=lambda v: str(v)[:40])
def test_what_is_no_form_gets_its_sentence_everywhere(tmp_path, name, value, sentence):
    for load in ways(tmp_path, name, value).values():
        with pytest.raises(ValueError, match=sentence):
            load()


ELLIPSE = {"diameters": ["160nm", "80nm"], "thickness": "5nm"}
WITHOUT = {"type": "Oscillator", "Ms": "8e5A/m"}

# entries beside WITHOUT: (volume [m³], current [A])
SHAPES = [
    ({"ellipse": ELLIPSE}, 5.0265e-23, 0.0),
    ({"ellipse": {"semi_axes": "80nm, 40nm", "thickness": "5nm"}, "current": "10MA/cm2"}, 5.0265e-23, 1.00531e-3),
    ({"ellipse": ELLIPSE, "current": "1e11A/m²"}, 5.0265e-23, 1.00531e-3),
    ({"ellipse": ELLIPSE, "current": {"value": 1e7, "unit": "A/cm²"}}, 5.0265e-23, 1.00531e-3),
    ({"area": "1e4nm2", "thickness": "2nm", "current": "1e11A/m2"}, 2e-23, 1e-3),
    ({"volume": "2e4nm3", "thickness": "2nm", "current": "-1e11A/m2"}, 2e-23, -1e-3),
    ({"volume": "2e4nm3", "area": "5000nm2", "current": "1e11A/m2"}, 2e-23, 5e-4),
]
NO_SHAPES = [
    ({"ellipse": ELLIPSE, "volume": "2e4nm3"}, "volume beside the ellipse would say the shape twice"),
    ({"ellipse": ELLIPSE, "demag": [0, 0, 1]}, "demag beside the ellipse"),
    ({"ellipse": ELLIPSE, "thickness": "5nm"}, "thickness beside it would say its shape twice"),
    ({"ellipse": {"diameters": ["160nm", "80nm"]}}, "an ellipse is {diameters"),
    ({"ellipse": ELLIPSE | {"semi_axes": "1nm,1nm"}}, "takes diameters or semi_axes, one of the two"),
    ({"ellipse": {"diameters": [160e-9, 80e-9], "thickness": "5nm"}}, "ellipse.diameters: 1.6e-07 has no unit"),
    ({"ellipse": {"diameters": "160nm", "thickness": "5nm"}}, "diameters = '160nm', expected two lengths"),
    ({"ellipse": {"diameters": "160m, 80m", "thickness": "5nm"}}, "diameters = 160 m is out of range"),
    ({"ellipse": "160nm"}, "an ellipse is {diameters"),
    ({"thickness": "2nm"}, "thickness alone gives no volume"),
    ({"area": "1e4nm2"}, "Oscillator is not whole: it has no volume"),
    ({"area": "1e4nm2", "thickness": "2nm", "volume": "3e4nm3"}, "is not area × thickness"),
    ({"area": 1e-14, "thickness": "2nm"}, "area: 1e-14 has no unit"),
    ({"area": "-1nm2", "thickness": "2nm"}, "area = '-1nm2', expected one positive quantity"),
]


@pytest.mark.parametrize(("entries", "volume", "current"), SHAPES, ids=lambda v: str(v)[:40])
def test_a_shape_gives_volume_factors_and_area(tmp_path, entries, volume, current):
    for ending in ("json", "toml"):
        device = lg.load_device(written(tmp_path, ending, WITHOUT | entries))
        assert (device.volume, device.current) == pytest.approx((volume, current), rel=1e-4)
        assert (device.demag.z < 1) == ("ellipse" in entries)


@pytest.mark.parametrize(("entries", "sentence"), NO_SHAPES, ids=lambda v: str(v)[:40])
def test_a_shape_that_says_too_little_or_too_much(tmp_path, entries, sentence):
    for ending in ("json", "toml"):
        with pytest.raises(ValueError, match=sentence):
            lg.load_device(written(tmp_path, ending, WITHOUT | entries))


def test_shapes_on_the_command_line(tmp_path):
    file = str(written(tmp_path, "json", BASE))
    round_one = {"ellipse.diameters": "160nm, 80nm", "ellipse.thickness": "5nm", "current": "10MA/cm2"}
    device = device_with(file, round_one)
    assert (device.volume, device.current) == pytest.approx((5.0265e-23, 1.00531e-3), rel=1e-4)
    assert device.demag == lg.devices.ellipse(diameters=(160e-9, 80e-9), thickness=5e-9).demag
    assert device_with(file, {"thickness": "2nm", "current": "1e11A/m2"}).current == pytest.approx(1.13095e-3)
    assert device_with("kubota2013", {"current": "1e11A/m2"}).current == pytest.approx(np.pi * 60e-9**2 * 1e11)
    with pytest.raises(ValueError, match="volume beside the ellipse would say the shape twice"):
        device_with(file, round_one | {"volume": "2e4nm3"})
    with pytest.raises(ValueError, match="the area that it flows through is not known"):
        device_with(file, {"current": "1e11A/m2"})


@pytest.mark.parametrize("ending", ["json", "toml"])
def test_what_llgrad_writes_has_a_unit_for_every_quantity(tmp_path, ending):
    device = lg.presets.kubota2013().replace(
        terms=(lg.physics.UniaxialAnisotropy(H_k=3e-3),), junction=lg.devices.ConductanceJunction(R_P=200.0, tmr=0.8)
    )
    lg.save_device(tmp_path / f"a.{ending}", device)
    assert lg.load_device(tmp_path / f"a.{ending}") == device


def test_an_entry_that_comes_twice(tmp_path):
    (tmp_path / "a.json").write_text('{"type": "Oscillator", "alpha": 0.01, "Ms": "1e6A/m", "alpha": 0.02}')
    with pytest.raises(ValueError, match="the entry 'alpha' comes twice; keep one of them"):
        lg.load_device(tmp_path / "a.json")
    (tmp_path / "a.toml").write_text('type = "Oscillator"\nalpha = 0.01\nalpha = 0.02\n')
    with pytest.raises(ValueError, match=r"a.toml cannot be read: Cannot overwrite a value"):
        lg.load_device(tmp_path / "a.toml")
