"""What changes in training when every batch is shared out: each process has its part, and all take the same step."""

from __future__ import annotations

import functools
import json
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.files import plain
from llgrad.datasets.samples.kinds import Samples, SampleSet, data_hash
from llgrad.networks.network import Network
from llgrad.networks.prediction import predict
from llgrad.training.evaluation import Evaluation, evaluate, judged_as
from llgrad.training.processes.processes import Processes
from llgrad.training.recipe import Recipe
from llgrad.training.step import State, StepPlan, TrainingStep
from llgrad.training.stopping import Ending, Stop


def check_batch(recipe: Recipe, processes: Processes) -> None:
    """Raises ValueError, in one sentence, for a batch that cannot be shared out evenly."""
    batch, count = recipe.batch, processes.count
    if batch % count:
        fitting = max(count, count * round(batch / count))
        raise ValueError(
            f"batch = {batch} cannot be shared out evenly over {count} processes; choose a multiple of {count}, such "
            f"as {fitting}, or another number of processes"
        )


def agreed(
    network: Network, recipe: Recipe, data: SampleSet, processes: Processes | None, place: Any = None
) -> Network:
    """The network that all processes begin with, bit for bit: that of the first one.

    Raises ValueError where they have other images, or another recipe, network or place in the run.
    """
    if processes is None:
        return network
    check_batch(recipe, processes)
    processes.check_same(json.dumps([data_hash(data), recipe.to_json(), plain(network.spec()), place]))
    arrays, rest = eqx.partition(network, eqx.is_array)
    with jax.enable_x64(False):
        return eqx.combine(processes.from_first(arrays), rest)


class SharedStep(TrainingStep):
    """The step of a batch of which each process has a part.

    Loss and gradient are means over the batch, summed by every process to the same bits, so that the state stays the
    same in all of them. What is drawn for an image depends on its number in the batch, not on who has it.
    """

    def __init__(self, network: Network, recipe: Recipe, epoch_steps: int, processes: Processes):
        super().__init__(network, recipe, epoch_steps)
        self.processes = self._together = processes
        self._size = recipe.batch // processes.count
        self._first = processes.rank * self._size

    def part(self, index: np.ndarray) -> np.ndarray:
        return index[self._first : self._first + self._size]

    def __call__(self, state: State, images: Any, labels: Any, step: int) -> Any:
        first, together = np.uint32(self._first), self._together
        with jax.enable_x64(False):
            mine = _found(self.plan, state.trained, self.frozen, images, labels, np.int32(step), self.key, first)
            return _updated(self.plan, together.count, state, together.sum(mine), np.int32(step))


@functools.partial(jax.jit, static_argnums=0)
def _found(plan: StepPlan, trained: Any, frozen: Any, images: Any, labels: Any, step: Any, key: Any, first: Any) -> Any:
    """Loss, number recognised and gradient of a part of a batch, in one row."""
    found = plan.gradient(trained, frozen, images, labels, jax.random.fold_in(key, step), first)
    return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(found)])


@functools.partial(jax.jit, static_argnums=(0, 1), donate_argnums=2)
def _updated(plan: StepPlan, count: int, state: State, total: Any, step: Any) -> Any:
    """(next state, outcome) from the sum of the rows of `count` processes."""
    leaves, structure = jax.tree.flatten(state.trained)
    ends = np.cumsum([2, *(leaf.size for leaf in leaves)])
    pieces = [total[end - leaf.size : end].reshape(leaf.shape) for leaf, end in zip(leaves, ends[1:], strict=True)]
    gradient = jax.tree.unflatten(structure, [piece / count for piece in pieces])
    return plan.update(state, total[0] / count, total[1], gradient, step)


class SharedStop(Stop):
    """Stops all processes at the same step, whichever of them was asked to."""

    def __init__(self, processes: Processes, time_limit: float | None = None):
        super().__init__(time_limit)
        self._processes = processes

    @property
    def ending(self) -> Ending | None:
        mine, kinds = super().ending, (Ending.interrupted, Ending.out_of_time)
        votes = np.asarray(self._processes.sum(np.array([mine is kind for kind in kinds], np.float32)))
        return next((kind for kind, number in zip(kinds, votes, strict=True) if number), None)


def evaluate_together(network: Network, images: Samples, processes: Processes | None) -> Evaluation:
    """How well a network recognises images, of which each process sees a part."""
    if processes is None:
        return evaluate(network, images)
    count = len(images)
    size = math.ceil(count / processes.count)
    mine = np.minimum(np.arange(processes.rank * size, (processes.rank + 1) * size), count - 1)
    logits = processes.gather(predict(network, images.take(mine)))
    return judged_as(network, logits.reshape(-1, *logits.shape[2:])[:count], images)
