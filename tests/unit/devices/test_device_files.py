"""Device files: what is saved is what is loaded, as JSON and as TOML, terms and junction included."""

import subprocess
import sys

import pytest

import llgrad as lg

DEVICES = {
    "preset": lg.presets.kubota2013(),
    "with terms and a junction": lg.presets.kubota2013().replace(
        terms=(lg.physics.UniaxialAnisotropy(H_k=3e-3, axis=(0.0, 1.0, 0.0)),),
        junction=lg.devices.ConductanceJunction(R_P=200.0, tmr=0.8),
    ),
}


@pytest.mark.parametrize("ending", ["json", "toml"])
@pytest.mark.parametrize("name", DEVICES)
def test_round_trip(tmp_path, name, ending):
    path = tmp_path / f"device.{ending}"
    lg.save_device(path, DEVICES[name])
    assert lg.load_device(path) == DEVICES[name]


def test_quantities_may_be_text_with_any_unit(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('type = "Oscillator"\nMs = "1448.3 emu/cm3"\nvolume = "22619nm3"\ncurrent = "2.5mA"\n')
    device = lg.load_device(path)
    assert device.Ms == pytest.approx(1.4483e6)
    assert device.volume == pytest.approx(2.2619e-23)
    assert device.current == pytest.approx(2.5e-3)


def test_a_wrong_unit_is_one_sentence(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('type = "Oscillator"\nMs = "20ns"\nvolume = "22619nm3"\n')
    with pytest.raises(ValueError, match="'20ns' is in s, expected a quantity in A/m"):
        lg.load_device(path)


def test_an_existing_file_is_kept(tmp_path):
    path = tmp_path / "device.toml"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="exists already"):
        lg.save_device(path, DEVICES["preset"])
    assert path.read_text() == "mine"


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected a device file, \.json or \.toml"):
        lg.save_device(tmp_path / "device.yaml", DEVICES["preset"])


EVERY_KIND = """
import importlib, pkgutil
import llgrad.physics.presets.files
from llgrad.core.record import Record

def kinds(base=Record):
    return {base}.union(*(kinds(kind) for kind in base.__subclasses__()))

known = kinds()
for room in ("llgrad.physics", "llgrad.devices"):
    for module in pkgutil.walk_packages(importlib.import_module(room).__path__, room + "."):
        importlib.import_module(module.name)
new = [kind for kind in kinds() - known if kind.__module__.startswith(("llgrad.physics", "llgrad.devices"))]
print([kind.__name__ for kind in new if kind.__name__ != "SystemArray"])  # which no file holds
"""


def test_a_file_may_hold_every_kind_in_a_process_that_imported_nothing_else():
    ended = subprocess.run([sys.executable, "-c", EVERY_KIND], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
