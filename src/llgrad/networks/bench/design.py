"""A network as it stands on the bench: all that predicts, in physical numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, PyTree

from llgrad.datasets.samples.sequences import Sequences
from llgrad.networks.bench.readout import OutputSignals, Readout, Signal
from llgrad.networks.bench.response import Disturbance, input_of, respond
from llgrad.networks.bench.settings import Settings
from llgrad.networks.bench.timeline import Frames, Pooling, Timeline
from llgrad.networks.bench.wiring import Device
from llgrad.networks.frames.backward import WHOLE, Backward
from llgrad.solve.task import Engine


class Stage(eqx.Module):
    """One array of a design: what its devices share, its settings, and its time line."""

    device: Device
    settings: Settings
    timeline: Timeline

    def read(self, signal: Signal | OutputSignals, states: Any, frames: Any) -> Any:
        """Signals (K, R, B, N, width) of the states at the read-outs of frames (K, B, F)."""
        return signal.read(states, self.device, self.settings, input_of(self.settings, frames)[:, None])

    def seen(self, signal: Signal | OutputSignals, frames: Any, *options: Any) -> tuple[Any, slice]:
        """Signals (frames read, R, B, N, width) of the frames that the read-out sees, and which these are; `options`
        are those of `respond`.
        """
        read = self.timeline.read(frames.shape[0])
        chosen = slice(read.start, read.stop, read.step)
        disturbance, engine, active, backward = options
        states = respond(
            self.device, self.settings, self.timeline, frames, disturbance, engine, active, backward, read=read
        )
        return self.read(signal, states, frames[chosen]), chosen

    def features(
        self, signal: Signal | OutputSignals, frames: Any, every: bool = False, engine: Engine | None = None
    ) -> Any:
        """Signals of frames (K, B, F) as a linear layer takes them: of the frames that the read-out sees, together or
        their mean (B, ·); or of every frame (B, K, ·).
        """
        if every:
            states = respond(self.device, self.settings, self.timeline, frames, None, engine)
            read = self.read(signal, states, frames)
        else:
            read = self.seen(signal, frames, None, engine, None, WHOLE)[0]
            if self.timeline.pooling is Pooling.MEAN:
                read = read.mean(axis=0)[None]
        kept = jnp.moveaxis(read, 2, 0)
        return kept.reshape(*kept.shape[: 2 if every else 1], -1)


class Design(eqx.Module):
    """Arrays one after the other, and a linear read-out of the last. The first sees pixels; each later one sees all
    components of m at the read-outs of the one before it, of systems the signals that are read.

    >>> import jax, llgrad as lg
    >>> import numpy as np
    >>> with jax.enable_x64(False):  # networks compute in float32
    ...     network = lg.OscillatorClassifier.create(
    ...         lg.presets.kubota2013(), shape=(8, 8), classes=10, key=jax.random.key(0), oscillators=16
    ...     )
    ...     design = network.design()
    ...     logits = design(np.zeros((2, 8, 8), np.float32))
    >>> logits.shape, len(design.stages)
    ((2, 10), 1)
    """

    stages: tuple[Stage, ...]
    readout: Readout
    shape: tuple[int, int] = eqx.field(static=True)
    """Size (H, W) of the images; of signals (T, F), the frames of those that it was made for, and their features."""
    scale: float = eqx.field(static=True, default=1.0)
    """The pixel value that is fed as 1."""
    classes: tuple[str, ...] = eqx.field(static=True, default=())
    """Names of the classes; none where they are only numbered."""
    engine: Engine | None = eqx.field(static=True, default=None)
    backward: Backward = eqx.field(static=True, default=Backward())
    """What a gradient keeps of many frames."""

    @property
    def features(self) -> int:
        """Numbers in a frame."""
        return math.prod(self.shape) // self.stages[0].timeline.frames.count(self.shape)

    def answered(self, frames: int) -> range:
        """Of a signal of so many frames those that are answered; none where there is one answer to all of it."""
        last = self.stages[-1].timeline
        return last.read(frames) if last.pooling is Pooling.EACH else range(0)

    def states(
        self,
        images: Float[np.ndarray | jax.Array, "B ..."] | Sequences,
        disturbances: tuple[Disturbance, ...] | None = None,
    ) -> list[PyTree[Float[jax.Array, "K R B N ..."]]]:
        """States of each array at its read-outs, for images (B, H, W) in [0, 1]: m (K, R, B, N, 3) of oscillators, of
        systems a tree of (K, R, B, N).
        """
        found, frames, options = self._up_to_last(images, disturbances)
        last = self.stages[-1]
        return [*found, respond(last.device, last.settings, last.timeline, frames, *options)]

    def signals(
        self,
        images: Float[np.ndarray | jax.Array, "B ..."] | Sequences,
        disturbances: tuple[Disturbance, ...] | None = None,
    ) -> Float[jax.Array, "R B N width"]:
        """What is read (read-outs, B, N, width) for images (B, H, W) in [0, 1]."""
        read = self.read(images, disturbances)[0]
        return read.reshape(-1, *read.shape[2:])

    def read(
        self,
        images: Float[np.ndarray | jax.Array, "B ..."] | Sequences,
        disturbances: tuple[Disturbance, ...] | None = None,
    ) -> tuple[Float[jax.Array, "K R B N width"], Bool[jax.Array, "K B"] | None]:
        """What is read of the last array (frames read, R, B, N, width), and where signals have begun (frames, B)."""
        _, frames, options = self._up_to_last(images, disturbances)
        signals, chosen = self.stages[-1].seen(self.readout.signal, frames, *options)
        begun = options[2]
        return signals, None if begun is None else begun[chosen]

    def _up_to_last(
        self, images: Any, disturbances: tuple[Disturbance, ...] | None
    ) -> tuple[list[Any], Any, tuple[Any, ...]]:
        """The states of each array but the last, the frames that the last is shown, and how it runs: its disturbance,
        engine, where signals have begun (None where all have), what a gradient keeps.
        """
        self.check(images)
        frames, begun = self.stages[0].timeline.frames.laid_out(images)
        found: list[Any] = []
        given = [None] * len(self.stages) if disturbances is None else disturbances
        for stage, disturbance in zip(self.stages[:-1], given, strict=False):
            options = (disturbance, self.engine, begun, self.backward)
            found.append(respond(stage.device, stage.settings, stage.timeline, frames, *options))
            passed = stage.read(self.readout.signal.passed_on, found[-1], frames)
            frames = jnp.moveaxis(passed, 2, 1).reshape(passed.shape[0], passed.shape[2], -1)
        return found, frames, (given[len(found)], self.engine, begun, self.backward)

    def check(self, images: Float[np.ndarray | jax.Array, "B ..."] | Sequences, what: str = "the images have") -> None:
        """Raise ValueError for images of another size, or signals of other frames."""
        timeline, given = self.stages[0].timeline, images.shape[1:]
        values = images.values if isinstance(images, Sequences) else images
        if isinstance(values, np.ndarray) and not np.isfinite(values).all():
            place = np.argwhere(~np.isfinite(values))[0]
            raise ValueError(
                f"number {tuple(map(int, place[1:]))} of sample {place[0]} is {values[tuple(place)]}; repair it"
            )
        if timeline.frames is Frames.SIGNAL:
            if len(given) != 2 or given[1] != self.features:
                raise ValueError(
                    f"the signals have the shape {'×'.join(map(str, given))} (frames × features), and the network is "
                    f"made for frames of {self.features} features"
                )
            last = self.stages[-1].timeline
            if last.pooling is Pooling.TOGETHER and (read := len(last.read(given[0]))) != self.weighed:
                raise ValueError(
                    f"the signals have {given[0]} frames, of which {read} are read, and the network has weights for "
                    f"{self.weighed}; give other signals, or make it with pooling=Pooling.MEAN"
                )
        elif given != self.shape:
            text = "×".join(map(str, given))
            raise ValueError(f"{what} {text} pixels, and the network is made for {'×'.join(map(str, self.shape))}")

    @property
    def weighed(self) -> int:
        """Frames that the read-out has weights of their own for."""
        last = self.stages[-1]
        of_frame = last.timeline.readouts * last.settings.count * self.readout.signal.width
        return self.readout.weights.shape[0] // of_frame

    def answer(
        self, signals: Float[jax.Array, "K R B N width"], begun: Bool[jax.Array, "K B"] | None = None
    ) -> Float[jax.Array, "B ..."]:
        """Logits of what `read` found."""
        return self.readout.of_frames(signals, self.stages[-1].timeline.pooling, begun)

    def __call__(self, images: Any, disturbances: tuple[Disturbance, ...] | None = None) -> Any:
        """Logits (B, classes) of images (B, H, W) in [0, 1], signals (B, T, F), or `Sequences` of different lengths;
        (B, frames read, outputs) where each frame is answered.
        """
        return self.answer(*self.read(images, disturbances))

    def with_images(self, scale: float, classes: Iterable[str]) -> Self:
        """The same for images of this pixel scale, with the names of the classes.

        Raises ValueError for another number of classes.
        """
        names, count = tuple(str(name) for name in classes), self.readout.bias.shape[0]
        if len(names) != count:
            raise ValueError(f"there are {len(names)} names of classes, and the network tells {count} apart")
        return dataclasses.replace(self, scale=float(scale), classes=names)

    def with_settings(self, settings: Iterable[Settings]) -> Self:
        """The same with other settings, one for each array."""
        stages = tuple(
            dataclasses.replace(stage, settings=changed) for stage, changed in zip(self.stages, settings, strict=True)
        )
        return dataclasses.replace(self, stages=stages)
