"""The state of a run as one file of plain arrays: it appears whole or not at all, and the one before stays till then.

The record holds the place in the run and the sums of the epoch so far; numbers go through JSON exactly.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.files import read_npz, write_npz
from llgrad.networks.network import Network
from llgrad.training.files.saving import saving
from llgrad.training.loop import Position, Tally
from llgrad.training.step import State, TrainingStep

KIND: Final = "checkpoint"
START: Final = "start"


def save_checkpoint(path: pathlib.Path, record: Mapping[str, Any], step: TrainingStep, position: Position) -> None:
    """Write the whole state of a run in place of the checkpoint before it.

    Raises OSError, with one sentence, where it cannot be written; the checkpoint before it is untouched then.
    """
    place = {
        "step": position.step,
        "epoch_steps": step.epoch_steps,
        "tally": dataclasses.asdict(position.tally),
        "rejected_in_a_row": position.rejected_in_a_row,
        "seconds": position.seconds,
    }
    arrays = named_arrays("network", step.network(position.state)) | named_arrays("optimiser", position.state.optimiser)
    with saving(path):
        write_npz(path, {**record, "place": place}, jax.device_get(arrays), overwrite=True)


def save_start(path: pathlib.Path, record: Mapping[str, Any], network: Network) -> None:
    """Write the network as it is before the first step. Raises OSError, with one sentence, where it cannot be."""
    with saving(path):
        write_npz(path, dict(record), jax.device_get(named_arrays("network", network)), overwrite=True)


def read_start(path: pathlib.Path, like: Network) -> Network:
    """The network that `save_start` wrote. Raises ValueError where it is damaged, or not of the shape of `like`."""
    arrays = read_npz(path, START)[1]
    _check_finite(path, arrays)
    return network_of(path, arrays, like)


def read_checkpoint(path: pathlib.Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(record, arrays) of a checkpoint. Raises ValueError for a damaged file, another kind or a later version."""
    record, arrays = read_npz(path, KIND)
    if not isinstance(record.get("place"), Mapping):
        raise ValueError(f"{path} is damaged: it does not say where in the run it was saved")
    _check_finite(path, arrays)
    return record, arrays


def _check_finite(path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
    """A run keeps no state that is not finite, so such a number is damage."""
    for name, array in arrays.items():
        if array.dtype.kind in "fc" and not np.isfinite(array).all():
            raise ValueError(f"{path} is damaged: {name} has a number that is not finite")


def network_of(path: pathlib.Path, arrays: Mapping[str, np.ndarray], like: Network) -> Network:
    """The network of a checkpoint. Raises ValueError where it is not of the shape of `like`."""
    return with_arrays(path, "network", like, arrays)


def position_of(
    path: pathlib.Path, record: Mapping[str, Any], arrays: Mapping[str, np.ndarray], step: TrainingStep
) -> Position:
    """The position that a checkpoint holds, for a step made with the checkpoint's network."""
    place, begun = record["place"], step.begin()
    if place["epoch_steps"] != step.epoch_steps:
        raise ValueError(
            f"{path} was saved in a run of {place['epoch_steps']} steps an epoch, and these images make "
            f"{step.epoch_steps}: resume with the images that the run began with"
        )
    optimiser = with_arrays(path, "optimiser", begun.optimiser, arrays)
    return Position(
        state=State(begun.trained, optimiser),
        step=int(place["step"]),
        tally=Tally(**place["tally"]),
        rejected_in_a_row=int(place["rejected_in_a_row"]),
        seconds=float(place["seconds"]),
    )


def named_arrays(prefix: str, tree: Any) -> dict[str, Any]:
    """Every array of a tree by its path, such as "network.readout.weights"."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {_name(prefix, path): leaf for path, leaf in leaves if isinstance(leaf, (jax.Array, np.ndarray))}


def with_arrays(file: pathlib.Path, prefix: str, tree: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The tree with the arrays of a file in place of its own.

    Raises ValueError where an array is missing, left over, or of another shape or type.
    """
    wanted = named_arrays(prefix, tree)
    found = {name for name in arrays if name.startswith(f"{prefix}.")}
    if missing := sorted(set(wanted) ^ found):
        has = "has no" if missing[0] in wanted else "has an array more,"
        raise ValueError(f"{file} {has} {missing[0]}: it belongs to a network of another kind")
    for name, leaf in wanted.items():
        array = arrays[name]
        if (array.shape, array.dtype) != (leaf.shape, leaf.dtype):
            raise ValueError(
                f"{file}: {name} is {array.dtype} {array.shape}, expected {leaf.dtype} {tuple(leaf.shape)}: "
                "it belongs to a network of another shape"
            )

    def put(path: Any, leaf: Any) -> Any:
        name = _name(prefix, path)
        if name not in wanted:
            return leaf
        return jnp.array(arrays[name]) if isinstance(leaf, jax.Array) else arrays[name]

    return jax.tree_util.tree_map_with_path(put, tree)


def _name(prefix: str, path: Any) -> str:
    return f"{prefix}.{jax.tree_util.keystr(path, simple=True, separator='.')}"
