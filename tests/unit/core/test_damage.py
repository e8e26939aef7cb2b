"""Law: a damaged file ends in one sentence (a ValueError), or gives what is finite and of its own kind.

Every file kind that llgrad writes and loads is cut, flipped, and has pieces taken out, doubled or overwritten, at
seeded places. A number may become another number: text has no check sum, and says so nowhere.
"""

import pathlib
import warnings

import jax
import numpy as np
import pytest

import llgrad as lg
from llgrad.core.files import read_npz
from llgrad.fitting.planning.known import known_from_file

GOLDEN = pathlib.Path(__file__).parents[2] / "data"
DAMAGES = {"network.json": 20}
"""How often each kind of file is damaged; 60 times where it is quick to load."""

DEVICE = lg.presets.lee2004().replace(
    terms=(lg.physics.UniaxialAnisotropy(H_k=3e-3, axis=(0.0, 1.0, 0.0)),),
    junction=lg.devices.ConductanceJunction(R_P=200.0, tmr=0.8),
)


def device_file(path):
    lg.save_device(path, DEVICE)


def by_hand(path):
    path.write_text(
        'type = "Oscillator"\nMs = "1420kA/m"\nalpha = 0.014\npolariser = "90deg, 1deg"\nfield = "(2000, 0, 0) Oe"\n'
        'current = "50MA/cm2"\n[ellipse]\ndiameters = ["129.6nm", "72nm"]\nthickness = "3nm"\n'
    )


def network():
    with jax.enable_x64(False):
        return lg.OscillatorClassifier.create(
            DEVICE, shape=(2, 2), classes=2, key=jax.random.key(3), oscillators=2, hold=0.2e-9, dt=25e-12
        )


KINDS = {
    "device.json": (device_file, lg.load_device, lg.Oscillator),
    "device.toml": (device_file, lg.load_device, lg.Oscillator),
    "written by hand.toml": (by_hand, lg.load_device, lg.Oscillator),
    "fit.json": (lambda path: path.write_bytes((GOLDEN / "fit_v1.json").read_bytes()), lg.load_device, lg.Oscillator),
    "known.json": (
        lambda path: path.write_bytes((GOLDEN / "fit_v1.json").read_bytes()),
        lambda path: known_from_file(path).values,
        np.ndarray,
    ),
    "run.npz": (
        lambda path: path.write_bytes((GOLDEN / "trajectory_v1.npz").read_bytes()),
        lambda path: read_npz(path, "trajectory"),
        tuple,
    ),
    "a run as data.npz": (
        lambda path: path.write_bytes((GOLDEN / "trajectory_v1.npz").read_bytes()),
        lg.read_trace,
        lg.Trace,
    ),
    "network.json": (
        lambda path: lg.networks.save_network(path, network()),
        lg.networks.load_network,
        lg.OscillatorClassifier,
    ),
    "design.json": (
        lambda path: lg.networks.save_design(path, network().design()),
        lg.networks.load_design,
        lg.networks.Design,
    ),
}


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one fault in them."""
    at, size = int(rng.integers(len(data))), int(rng.integers(1, 40))
    match int(rng.integers(7)):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + bytes([data[at] ^ (1 << int(rng.integers(8)))]) + data[at + 1 :]
        case 2:
            return data[:at] + bytes([int(rng.integers(256))]) + data[at + 1 :]
        case 3:
            return data[:at] + data[at + size :]
        case 4:
            return data[:at] + data[at : at + size] + data[at:]
        case 5:
            return data[:at] + rng.bytes(size) + data[at + size :]
        case _:
            return data[:at] + b"\x00" * size + data[at + size :]


def is_finite(found) -> bool:
    leaves = [leaf for leaf in jax.tree.leaves(found) if not isinstance(leaf, (str, bytes, bool, type(None)))]
    return all(bool(np.all(np.isfinite(np.asarray(leaf, dtype=float)))) for leaf in leaves if hasattr(leaf, "dtype")
               or isinstance(leaf, (int, float)))  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_damage_ends_in_a_sentence_or_in_something_whole(tmp_path, name):
    write, load, kind = KINDS[name]
    path = tmp_path / name
    write(path)
    whole, rng = path.read_bytes(), np.random.default_rng(20261127)
    assert isinstance(load(path), kind) and is_finite(load(path))
    refused = 0
    for count in range(DAMAGES.get(name, 60)):
        path.write_bytes(damaged(whole, rng))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = load(path)
        except ValueError as error:
            refused += 1
            assert str(error).startswith(str(path)) and "\n" not in str(error), (count, str(error))
        else:
            assert isinstance(found, kind) and is_finite(found), count
    assert refused > DAMAGES.get(name, 60) // 4
