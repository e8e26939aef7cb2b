"""Device files: what is saved is what is loaded, as JSON and as TOML, terms and junction included."""

import subprocess
import sys

import pytest

import llgrad as lg

STO = lg.presets.kubota2013().replace(junction=lg.devices.LinearJunction(R_P=100.0, delta_R=50.0))
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


def test_a_file_of_any_kind_is_read_in_a_process_that_imported_nothing_else(tmp_path):
    layers = tuple(lg.Layer(name, Ms=1e6, thickness=1e-9, area=1e-14, alpha=0.01) for name in ("lower", "upper"))
    size = (100e-9, 60e-9, 1e-9)
    couplings = (
        lg.stacks.StrayField.of_prisms(("lower", "upper"), size, size, offset=(0, 0, 3e-9)),
        lg.stacks.InterlayerDMI(("lower", "upper"), D=(0.0, 0.0, 1e-4)),
    )
    devices = {name: lg.presets.load(name) for name in lg.presets.names()} | {
        "coupled": lg.Stack(layers, couplings),
        "heated": lg.systems.Heated(STO, 1e5, 1e-15, laws=lg.systems.PowerLaw("Ms", curie=1000.0)),
        "model": lg.systems.AmplitudeModel(omega_0=1e10, N=1e9, Gamma_G=1e8, Q=0.0, sigma=1e11, current=2e-3),
        "terms": STO.replace(terms=(lg.physics.CubicAnisotropy(1e-2), lg.physics.OerstedField((0.0, 1.0, 0.0)))),
    }
    for name, device in devices.items():
        lg.save_device(tmp_path / f"{name}.json", device)
    read = "print({name: type(lg.load_device(f'{name}.json')).__name__ for name in sys.argv[1:]})"
    for names in ([*devices], *([name] for name in ("coupled", "heated", "model"))):
        ended = subprocess.run(
            [sys.executable, "-c", f"import sys, llgrad as lg; {read}", *names],
            capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip
        assert ended.stdout.strip() == str({name: type(devices[name]).__name__ for name in names}), ended.stderr
