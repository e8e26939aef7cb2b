"""Networks as files: one JSON with everything that predicts, every number exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.files import Path, read_json, write_json
from llgrad.core.run_record import run_record
from llgrad.networks.baselines import SoftmaxNetwork, TanhNetwork
from llgrad.networks.network import Network
from llgrad.networks.trained.classifier import OscillatorClassifier
from llgrad.networks.trained.regressor import OscillatorRegressor

KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (OscillatorClassifier, OscillatorRegressor, TanhNetwork, SoftmaxNetwork)
}
"""The networks that a file may hold."""


def network_from_spec(spec: Mapping[str, Any]) -> Network:
    """A network of the shape of a spec, with weights of no meaning.

    Raises ValueError for a spec of no known network, or one that lacks an entry.
    """
    kind = KINDS.get(str(spec.get("type")))
    if kind is None:
        raise ValueError(f"unknown network {spec.get('type')!r}, expected one of {', '.join(KINDS)}")
    try:
        return kind.from_spec(spec)
    except KeyError as missing:
        raise ValueError(f"this {spec['type']} has no entry {missing}; the file is damaged") from None
    except (TypeError, AttributeError, IndexError):
        raise ValueError(f"an entry of this {spec['type']} is not what it should be; the file is damaged") from None


def save_network(path: Path, network: Network, *, overwrite: bool = False, **record: Any) -> None:
    """Write a network as JSON. `record` goes to the run record: seed, data_hash, command.

    >>> import llgrad as lg
    >>> lg.networks.save_network("network.json", lg.networks.SoftmaxNetwork.create((8, 8), 10))
    >>> type(lg.networks.load_network("network.json")).__name__
    'SoftmaxNetwork'
    """
    check_kind("network", network, Network, "give (path, network)")
    arrays = [np.asarray(leaf, np.float32) for leaf in jax.tree.leaves(eqx.filter(network, eqx.is_array))]
    entry = run_record("network", dtype="float32", **record) | {
        "network": network.spec(),
        "arrays": [{"shape": list(array.shape), "values": array.ravel().astype(float).tolist()} for array in arrays],
    }
    write_json(path, entry, overwrite)


def load_network(path: Path) -> Network:
    """The network of a file that `save_network` wrote.

    Raises ValueError for a file of another kind, or one whose arrays do not fit.

    >>> import llgrad as lg
    >>> lg.networks.save_network("same.json", lg.networks.SoftmaxNetwork.create((8, 8), 10))
    >>> lg.networks.load_network("same.json").weights.shape
    (64, 10)
    """
    entry = read_json(path, "network")
    try:
        found = [_array(one) for one in entry["arrays"]]
        _check_sizes(entry["network"], sum(array.size for array in found))
        network = network_from_spec(entry["network"])
    except (KeyError, TypeError, AttributeError, ArithmeticError):
        raise ValueError(f"{path}: it does not hold a network and its arrays; the file is damaged") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    arrays, rest = eqx.partition(network, eqx.is_array)
    leaves, tree = jax.tree.flatten(arrays)
    if [leaf.shape for leaf in leaves] != [array.shape for array in found]:
        raise ValueError(
            f"{path}: its arrays have the shapes {[a.shape for a in found]}, expected {[a.shape for a in leaves]}; "
            "the file is damaged"
        )
    return eqx.combine(jax.tree.unflatten(tree, [jnp.asarray(array) for array in found]), rest)


def _check_sizes(spec: Mapping[str, Any], numbers: int) -> None:
    """Raises ValueError for a network that is larger than its arrays: it would not fit into the memory."""
    for name, value in spec.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, int) and one > numbers:
                raise ValueError(f"{name} = {one} in a file of {numbers} numbers; the file is damaged")


def _array(entry: Mapping[str, Any]) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large for float32 is not finite then
        array = np.asarray(entry["values"], np.float64).astype(np.float32)
    shape = entry["shape"]
    whole = isinstance(shape, list) and all(type(length) is int and length >= 0 for length in shape)
    if not whole or array.size != math.prod(shape) or not np.isfinite(array).all():
        raise ValueError(f"an array of the shape {entry['shape']} lacks numbers; the file is damaged")
    return array.reshape(entry["shape"])
