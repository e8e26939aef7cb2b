"""The processes of a run that is shared out, as each of them sees it: sums, and what all must have in common.

All of them take part in every call here, in the same order. One that ends is noticed by the others in their next call,
at once where its connection closes, and after `HEARTBEAT` seconds where it only falls silent.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any, Final

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Float, PyTree

from llgrad.core.speed.starting import check_platform
from llgrad.training.stopping import TrainingError

HEARTBEAT: Final = 60
"""Seconds after which a process that gives no sign of life is taken for dead."""


class ProcessLost(TrainingError):
    """Another process of the run has ended, or cannot be reached."""


class Processes:
    """The processes that `jax.distributed` has joined. The first of them leads: it writes the files.

    Each computes on one device of its own. `lg.training.train(…, processes=…)` shares every batch out between them.

    >>> import llgrad as lg
    >>> alone = lg.training.Processes()
    >>> alone.count, alone.leads
    (1, True)
    """

    def __init__(self) -> None:
        check_platform()
        self.rank, self.count = jax.process_index(), jax.process_count()
        one: dict[int, Any] = {}
        for device in jax.devices():
            one.setdefault(device.process_index, device)
        self._mine = one[self.rank]
        mesh = Mesh(np.array([one[rank] for rank in range(self.count)]), ("process",))
        self._shared = NamedSharding(mesh, PartitionSpec("process"))
        everywhere = NamedSharding(mesh, PartitionSpec())
        self._sum: Any = jax.jit(
            jax.shard_map(
                lambda part: jax.lax.psum(part[0], "process"),
                mesh=mesh,
                in_specs=PartitionSpec("process"),
                out_specs=PartitionSpec(),
            )
        )
        self._gather: Any = jax.jit(lambda parts: parts, out_shardings=everywhere)

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and tells how far the run is."""
        return self.rank == 0

    def sum(self, values: Float[np.ndarray, "..."] | Float[jax.Array, "..."]) -> Float[jax.Array, "..."]:
        """The sum over the processes of a float32 array, on this process's device; the same bits in each."""
        return self._reach(self._sum, values)

    def gather(self, values: np.ndarray) -> np.ndarray:
        """The arrays of all processes, (processes, …), of one shape."""
        return np.asarray(self._reach(self._gather, values))

    def from_first(self, tree: PyTree) -> PyTree:
        """The arrays of the first process in place of this one's, of the same shapes and types."""
        leaves, structure = jax.tree.flatten(tree)
        mine = [np.asarray(leaf) for leaf in leaves]
        words = np.frombuffer(b"".join(leaf.tobytes() for leaf in mine), np.uint8)
        if not words.size:
            return tree
        first = self.gather(words)[0]
        found, at = [], 0
        for leaf in mine:
            found.append(jax.numpy.array(first[at : at + leaf.nbytes].view(leaf.dtype).reshape(leaf.shape)))
            at += leaf.nbytes
        return jax.tree.unflatten(structure, found)

    def check_same(self, what: str) -> None:
        """Raises ValueError, in each process, where the text that says what the run is differs between them."""
        digests = self.gather(np.frombuffer(hashlib.sha256(what.encode()).digest(), np.uint8))
        others = np.flatnonzero((digests != digests[0]).any(axis=1))
        if others.size:
            raise ValueError(
                f"process {others[0] + 1} of {self.count} has other images than the first one, or another recipe or "
                "network, or is at another step: start all of them with the same command on the same files"
            )

    def _reach(self, operation: Any, values: Any) -> jax.Array:
        """An operation on the arrays (…) of all processes as one (processes, …); its result on this one's device."""
        with _reaching():
            mine = jax.device_put(values[None], self._mine)
            parts = jax.make_array_from_single_device_arrays((self.count, *mine.shape[1:]), self._shared, [mine])
            return jax.block_until_ready(operation(parts).addressable_data(0))


@contextlib.contextmanager
def _reaching() -> Iterator[None]:
    """A failure of the connection, as one sentence. JAX raises a ValueError where it computes without a thread."""
    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ProcessLost(f"another process of the run has ended, or cannot be reached ({reason})") from None
