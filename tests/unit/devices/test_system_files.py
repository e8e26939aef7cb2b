"""Systems of one's own in files: the parameters come back to their class, each with its unit, and to no other."""

import json

import jax
import numpy as np
import pytest
from tests.unit.solve.systems import MEMBERS, Hopf, Stack

import llgrad as lg


@pytest.mark.parametrize("ending", ["json", "toml"])
@pytest.mark.parametrize("name", MEMBERS)
def test_a_system_comes_back_to_its_class(name, ending, tmp_path):
    path = tmp_path / f"system.{ending}"
    lg.save_device(path, MEMBERS[name])
    found = lg.systems.load_system(path, type(MEMBERS[name]))
    np.testing.assert_array_equal(jax.tree.leaves(found), jax.tree.leaves(MEMBERS[name]))


def test_a_fit_gives_its_system_back(tmp_path):
    run = lg.simulate(MEMBERS["Hopf"], duration=1e-9, dt=10e-12)
    result = lg.fit(MEMBERS["Hopf"].replace(gain=8e8), run, free=["gain"], m0=Hopf.start(MEMBERS["Hopf"]), dt=10e-12)
    path = result.save(tmp_path / "fit.json")
    assert lg.systems.load_system(path, Hopf).gain == result.values["gain"]
    entry = json.loads(path.read_text())
    assert entry["parameters"]["gain"]["unit"] == "1/s" and entry["device"]["type"] == "Hopf"


REFUSED = {
    "another class": (lambda path: lg.systems.load_system(path, Stack), "it describes Hopf, and not Stack"),
    "no class": (lambda path: lg.systems.load_system(path, lg.Oscillator), "expected the class of a System"),
    "a system of numbers": (
        lambda path: lg.systems.load_system(path, MEMBERS["Hopf"]),
        "expected the class of a System",
    ),
    "a device": (lg.load_device, "it describes Hopf, expected an Oscillator or a System of llgrad; .* load_system"),
    "no file": (lambda path: lg.systems.load_system(path.with_name("no.json"), Hopf), "does not exist"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_file_does_not_hold_is_refused(name, tmp_path):
    path = tmp_path / "system.json"
    lg.save_device(path, MEMBERS["Hopf"])
    load, words = REFUSED[name]
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        load(path)


def test_a_class_of_an_example_is_no_system_of_llgrad(tmp_path):
    """What a docstring's example defines has the name of its module, which does not hold it."""
    example = type(
        "Hopf", (lg.System,), {"__module__": "llgrad.devices.system", "start": Hopf.start, "rate": Hopf.rate}
    )
    assert example in lg.System.__subclasses__()
    lg.save_device(tmp_path / "system.json", MEMBERS["Hopf"])
    with pytest.raises(ValueError, match="it describes Hopf, expected an Oscillator or a System of llgrad"):
        lg.load_device(tmp_path / "system.json")
