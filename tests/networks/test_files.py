"""Networks as files: every bit comes back, and a damaged file is a sentence."""

from __future__ import annotations

import json

import pytest
from tests.networks.small import HOLD, ROWS, bits, classifier, pixels

import llgrad as lg
from llgrad.networks.files import KINDS, network_from_spec

NETWORKS = {
    "default": lambda key: classifier(None),
    "rows, two arrays": lambda key: classifier(None, oscillators=(5, 5), centre=pixels(1)[0], **ROWS),
    "everything else": lambda key: classifier(
        None,
        patch=(2, 1),
        oscillators=9,
        centre=pixels(1)[0],
        signal=lg.networks.Signal.VOLTAGE,
        start=(0.0, 0.6, 0.8),
        limits=lg.networks.Limits(0.1, 0.3, (-0.02, 0.05), (-1e-3, 3e-3)),
        trained=(lg.networks.Part.READOUT, lg.networks.Part.DAMPING),
        imperfections=lg.networks.Imperfections(spread=0.1, bits=8),
    ),
    "tanh": lambda key: lg.networks.TanhNetwork.create((4, 4), 3, 5, key, pixels(1)[0]),
    "softmax": lambda key: lg.networks.SoftmaxNetwork.create((4, 4), 3),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_comes_back_with_every_bit(name, key, tmp_path):
    network = NETWORKS[name](key)
    lg.networks.save_network(tmp_path / "network.json", network, seed=3)
    loaded = lg.networks.load_network(tmp_path / "network.json")
    assert bits(loaded) == bits(network) and loaded.spec() == network.spec() == json.loads(json.dumps(network.spec()))
    assert type(loaded) is type(network) and type(network).__name__ in KINDS
    assert (loaded(pixels(3)) == network(pixels(3))).all()
    assert json.loads((tmp_path / "network.json").read_text())["seed"] == 3


def damaged(tmp_path, change):
    lg.networks.save_network(tmp_path / "network.json", classifier(), overwrite=True)
    entry = json.loads((tmp_path / "network.json").read_text())
    change(entry)
    (tmp_path / "network.json").write_text(json.dumps(entry))
    with pytest.raises(ValueError) as error:
        lg.networks.load_network(tmp_path / "network.json")
    assert str(error.value).startswith(f"{tmp_path / 'network.json'}: ")
    return str(error.value).split(": ", 1)[1]


def test_damaged_files_are_sentences(tmp_path):
    for change, sentence in (
        (lambda e: e.pop("arrays"), "it does not hold a network and its arrays; the file is damaged"),
        (lambda e: e["network"].pop("hold"), "this OscillatorClassifier has no entry 'hold'; the file is damaged"),
        (lambda e: e["network"].update(shape=4), "an entry of this OscillatorClassifier is not what it should be"),
        (
            lambda e: e["network"].update(type="Oracle"),
            "unknown network 'Oracle', expected one of OscillatorClassifier",
        ),
        (lambda e: e["network"].update(oscillators=[6]), "its arrays have the shapes"),
        (lambda e: e["arrays"][0]["values"].pop(), "an array of the shape [16, 5] lacks numbers; the file is damaged"),
        (lambda e: e["arrays"][0]["values"].__setitem__(0, None), "an array of the shape [16, 5] lacks numbers"),
        (lambda e: e.update(format="llgrad.fit"), "this is a file of the format llgrad.fit, expected llgrad.network"),
    ):
        assert damaged(tmp_path, change).startswith(sentence)


def test_a_spec_is_of_a_known_network():
    with pytest.raises(ValueError, match="unknown network None, expected one of OscillatorClassifier, OscillatorReg"):
        network_from_spec({})
    assert network_from_spec(classifier().spec()).layers[0].timeline.hold == HOLD
