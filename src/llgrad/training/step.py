"""One step of training: loss and gradient of a batch, then AdamW; parameters change by finite steps only.

`StepPlan.gradient` is a function of a batch and `StepPlan.update` one of its gradient, so that a batch can be shared
out between them: the means over the parts of a batch are all that passes.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.datasets.images.augment import augment
from llgrad.networks.network import Network
from llgrad.training.processes.processes import Processes
from llgrad.training.recipe import Recipe
from llgrad.training.schedules import EverySeconds

if TYPE_CHECKING:
    import optax


class State(NamedTuple):
    """What a step changes."""

    trained: Any
    """The network with its trainable arrays only (float32)."""
    optimiser: Any


class StepOutcome(NamedTuple):
    """What a step tells: float32 numbers."""

    loss: Any
    """Mean loss of the batch, before the step: of classes the cross entropy [nat]."""
    correct: Any
    """Number of images of the batch that were recognised; of a regression its `score`."""
    gradient_norm: Any
    """Norm of the gradient before it was clipped."""
    accepted: Any
    """1 where loss and gradient were finite; 0 where the step was left out."""


@dataclasses.dataclass(frozen=True)
class StepPlan:
    """What is fixed when a step is compiled: runs of equal plans, whatever their seeds, share one program."""

    recipe: Recipe
    epoch_steps: int
    decayed: tuple[bool, ...]
    """Whether weight decay pulls, for each trained array."""
    tree: Any
    """Structure of the network without its arrays."""
    leaves: tuple[Any, ...]
    """What is in it: numbers, words, constants."""

    def network(self, trained: Any, frozen: Any) -> Network:
        """The whole network."""
        leaves = [leaf.array if isinstance(leaf, _Constant) else leaf for leaf in self.leaves]
        return eqx.combine(trained, frozen, jax.tree.unflatten(self.tree, leaves))

    def optimiser(self) -> optax.GradientTransformation:
        """AdamW's direction; the learning rate is multiplied later, by the number of the step."""
        import optax

        recipe = self.recipe
        clip = optax.identity() if recipe.clip is None else optax.clip_by_global_norm(recipe.clip)
        decay = optax.add_decayed_weights(
            recipe.weight_decay, mask=lambda trained: jax.tree.unflatten(jax.tree.structure(trained), self.decayed)
        )
        return optax.chain(clip, optax.scale_by_adam(), decay)

    def gradient(
        self, trained: Any, frozen: Any, images: Any, labels: Any, key: Any, first: Any = 0
    ) -> tuple[Any, Any, Any]:
        """(mean loss, number recognised, gradient of the loss) of a batch, augmented and with imperfections by key.

        `first` is the number of the first image within the whole batch, where this is a part of one.
        """
        for_images, for_network = jax.random.split(key)
        recipe = self.recipe
        if recipe.moves_images:
            images = augment(
                for_images, images, recipe.shift, recipe.rotation, recipe.zoom, first, mirror=recipe.mirror
            )
        if recipe.augmentation is not None:
            images = recipe.augmentation(for_images, images, first)

        def loss_of(trained: Any) -> tuple[Any, Any]:
            network = self.network(trained, frozen)
            answers = network(images, for_network, first)
            losses = network.losses(answers, labels, recipe.label_smoothing)
            return jnp.mean(losses), network.score(answers, labels)

        (loss, correct), gradient = jax.value_and_grad(loss_of, has_aux=True)(trained)
        return loss, correct, gradient

    def update(self, state: State, loss: Any, correct: Any, gradient: Any, step: Any) -> tuple[State, StepOutcome]:
        """The state after a gradient, unchanged where the loss or the gradient is not finite."""
        rate = self.rate(step.astype(jnp.float32))
        norm = jnp.sqrt(sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(gradient)))
        accepted = jnp.isfinite(loss) & jnp.isfinite(norm)
        with jax.numpy_dtype_promotion("standard"):  # optax is not held to strict promotion
            direction, optimiser = self.optimiser().update(gradient, state.optimiser, state.trained)
        trained = jax.tree.map(lambda value, change: value - rate * change, state.trained, direction)
        new = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), State(trained, optimiser), state)
        return new, StepOutcome(loss, correct, norm, accepted.astype(jnp.float32))

    def rate(self, step: Any) -> Any:
        """The learning rate of a step, its number as float32."""
        return self.recipe.learning_rate * self.recipe.schedule.factor(step / self.epoch_steps, self.recipe.epochs)


class TrainingStep:
    """The compiled step of a network and a recipe, in one process.

    Args:
        network: where training begins.
        recipe: how.
        epoch_steps: number of steps in an epoch.
    """

    processes: Processes | None = None
    """Who shares the step out."""

    def __init__(self, network: Network, recipe: Recipe, epoch_steps: int):
        self.recipe, self.epoch_steps = recipe, epoch_steps
        self._start, rest = eqx.partition(network, network.trainable())
        _check_trained(self._start)
        self.frozen, static = eqx.partition(rest, eqx.is_array)
        leaves, tree = jax.tree.flatten(static)
        same = recipe.replace(seed=0, validation=0.0, checkpoint=EverySeconds(), time_limit=None)
        constants = tuple(_Constant(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves)
        self.plan = StepPlan(same, epoch_steps, tuple(jax.tree.leaves(decayed_of(network))), tree, constants)
        with jax.enable_x64(False):
            self.key = jax.random.key(np.uint32(recipe.seed), impl="threefry2x32")

    def begin(self) -> State:
        """The state before the first step: copies, since the buffers of a state are given away to the next one."""
        with jax.enable_x64(False):
            trained = jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), self._start)
            return State(trained, self.plan.optimiser().init(trained))

    def network(self, state: State) -> Network:
        """The network of a state, with copies of its arrays."""
        return self.plan.network(jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), state.trained), self.frozen)

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        with jax.enable_x64(False):
            return float(self.plan.rate(jnp.float32(step)))

    def part(self, index: np.ndarray) -> np.ndarray:
        """Of the images of a batch, the numbers of those that this process sees."""
        return index

    def __call__(self, state: State, images: Any, labels: Any, step: int) -> tuple[State, StepOutcome]:
        """(next state, outcome) of step number `step`, counted from 0. `state` is used up.

        Args:
            images: float32 (B, H, W) in [0, 1], or what else the network is given, of the part of the batch.
            labels: int32 (B,), or float32 targets.
        """
        with jax.enable_x64(False):
            return _advance(self.plan, state, self.frozen, images, labels, np.int32(step), self.key)


@functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
def _advance(plan: StepPlan, state: State, frozen: Any, images: Any, labels: Any, step: Any, key: Any) -> Any:
    """(next state, outcome). Every draw is a function of the run's key and the number of the step."""
    found = plan.gradient(state.trained, frozen, images, labels, jax.random.fold_in(key, step))
    return plan.update(state, *found, step)


class _Constant:
    """An array that is built into the program, compared by its numbers."""

    def __init__(self, array: np.ndarray):
        self.array = array
        self._same = (array.shape, array.dtype.str, array.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Constant) and self._same == other._same

    def __hash__(self) -> int:
        return hash(self._same)


def decayed_of(network: Network) -> Any:
    """A tree like the network with True where weight decay pulls: all trained matrices, unless the network says."""
    said = getattr(network, "decayed", None)
    trained = eqx.filter(network, network.trainable())
    return (
        jax.tree.map(lambda leaf: leaf.ndim >= 2, trained) if said is None else eqx.filter(said(), network.trainable())
    )


def _check_trained(trained: Any) -> None:
    leaves = jax.tree_util.tree_leaves_with_path(trained)
    if not leaves:
        raise ValueError("the network has nothing to train: its trainable() is False everywhere")
    for path, leaf in leaves:
        if not eqx.is_array(leaf) or leaf.dtype != jnp.float32:
            kind = getattr(leaf, "dtype", type(leaf).__name__)
            name = jax.tree_util.keystr(path, simple=True, separator=".")
            raise ValueError(f"{name} of the network is {kind}, expected a float32 array: networks train in float32")
