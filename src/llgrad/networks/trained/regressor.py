"""The network of oscillators that answers every frame of a signal with numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, Key

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_count
from llgrad.core.record import as_count
from llgrad.datasets.samples.targets import TargetSignals
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.timeline import Frames, Pooling
from llgrad.networks.bench.wiring import Device
from llgrad.networks.trained.classifier import OscillatorClassifier


class OscillatorRegressor(OscillatorClassifier):
    """Frames → field on each oscillator → the coupled array evolves → read-out → numbers, at each frame that is read.

    Training makes the mean of ((answer − target)/scale)² small, over the numbers and the frames that are read, with the
    scale of each number its standard deviation over the targets to train. Next-step prediction is a regression with
    `lg.data.TargetSignals.next_steps`.

    >>> import jax
    >>> import llgrad as lg
    >>> course = np.sin(0.2 * np.arange(101)) * np.sin(0.03 * np.arange(101))
    >>> pieces = lg.data.TargetSignals.next_steps(course, frames=25)
    >>> with jax.enable_x64(False):  # networks compute in float32
    ...     network = OscillatorRegressor.of(
    ...         lg.presets.kubota2013(), pieces, key=jax.random.key(0), oscillators=4, hold=0.1e-9, washout=5
    ...     )
    ...     network(pieces.batch([0, 1])).shape
    (2, 20, 1)
    """

    target_mean: tuple[float, ...] = eqx.field(static=True, default=(0.0,))
    target_scale: tuple[float, ...] = eqx.field(static=True, default=(1.0,))

    @classmethod
    def of(
        cls, device: Device, signals: TargetSignals, *, key: Key[jax.Array, ""], washout: int = 0, **options: Any
    ) -> Self:
        """A network with random weights for the `TargetSignals` that it shall be trained on.

        Args:
            device: what all oscillators have in common.
            signals: from which shape, mean and spread are taken.
            key: a `jax.random.key` for the weights.
            washout: frames at the start of a signal that are not read, while the reset is forgotten.
            options: `oscillators`, `hold`, `dt`, `input`, `settings`, `signal`, `segment`, `truncate` and all else that
                `OscillatorClassifier.create` takes.

        Raises ValueError where nothing is left to read, or a target never changes.
        """
        check_kind("signals", signals, TargetSignals, "such as lg.data.TargetSignals.next_steps(signal)")
        frames, _ = signals.shape
        washout = as_count(washout)
        if isinstance(washout, bool) or not isinstance(washout, int) or not 0 <= washout < frames:
            raise ValueError(
                f"washout = {washout!r}, expected frames from 0 to {frames - 1}: the signals have {frames}"
            )
        wanted = signals.labels.astype(np.float64)
        mean, scale = wanted.mean(axis=(0, 1)), wanted.std(axis=(0, 1))
        if (flat := np.flatnonzero(scale == 0)).size:
            raise ValueError(
                f"the target {signals.classes[flat[0]]!r} is {mean[flat[0]]:g} at each frame; leave it out"
            )
        if given := [name for name in ("frames_read", "pooling", "frames", "shape", "classes") if name in options]:
            raise ValueError(f"{given[0]} follows from the signals, washout and every; leave it out")
        every = checked_count("every", options.pop("every", 1), 1)
        made = cls.create(
            device,
            shape=signals.shape,
            classes=len(signals.classes),
            key=key,
            frames=Frames.SIGNAL,
            frames_read=-(-(frames - washout) // every),
            every=every,
            pooling=Pooling.EACH,
            **{"centre": signals.mean, "spread": signals.spread, **options},
        )
        return made.aimed(mean, scale)

    def aimed(self, mean: Float[ArrayLike, "O"], scale: Float[ArrayLike, "O"]) -> Self:
        """The same for targets of this mean and spread (O,)."""
        rounded = (tuple(np.asarray(part, np.float32).tolist()) for part in (mean, scale))
        return dataclasses.replace(self, **dict(zip(("target_mean", "target_scale"), rounded, strict=True)))

    @classmethod
    def _checked(cls, pooling: Pooling) -> Pooling:
        if pooling is not Pooling.EACH:
            raise ValueError("a regressor answers at each frame that is read; make it by OscillatorRegressor.of")
        return pooling

    def design(self) -> Design:
        """The network in physical numbers; its read-out answers in those of the targets."""
        made = super().design()
        weights, bias = made.readout.weights, made.readout.bias
        scale = jnp.asarray(self.target_scale, bias.dtype)
        aimed = weights * scale[None], bias * scale + jnp.asarray(self.target_mean, bias.dtype)
        return eqx.tree_at(lambda design: (design.readout.weights, design.readout.bias), made, aimed)

    def losses(
        self, answers: Float[jax.Array, "B K O"], targets: Float[jax.Array, "B K O"], smoothing: float = 0.0
    ) -> Float[jax.Array, "B"]:
        """The mean square error of each signal (B,), in units of the targets' spread."""
        read = self.answered(targets.shape[1])
        wanted = targets[:, read.start : read.stop : read.step]
        return jnp.mean(
            jnp.square((answers - wanted) / jnp.asarray(self.target_scale, answers.dtype)[None, None]), axis=(1, 2)
        )

    def score(self, answers: Float[jax.Array, "B K O"], targets: Float[jax.Array, "B K O"]) -> Float[jax.Array, ""]:
        """The part of the variance that is told, summed over the signals."""
        return jnp.sum(1 - self.losses(answers, targets))

    def answered(self, frames: int) -> range:
        """Of a signal of so many frames those that are read."""
        return self.layers[-1].timeline.read(frames)

    def spec(self) -> dict[str, Any]:
        """Everything but the arrays, ready for JSON."""
        return super().spec() | {"target_mean": list(self.target_mean), "target_scale": list(self.target_scale)}

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Self:
        """A network of the shape of a spec, with weights of no meaning."""
        return super().from_spec(spec).aimed(spec["target_mean"], spec["target_scale"])
