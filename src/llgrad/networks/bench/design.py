"""A network as it stands on the bench: all that predicts, in physical numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.networks.bench.readout import OutputSignals, Readout, Signal
from llgrad.networks.bench.response import Disturbance, input_of, respond
from llgrad.networks.bench.settings import Settings
from llgrad.networks.bench.timeline import Timeline
from llgrad.networks.bench.wiring import Device
from llgrad.solve.task import Engine


class Stage(eqx.Module):
    """One array of a design: what its devices share, its settings, and its time line."""

    device: Device
    settings: Settings
    timeline: Timeline

    def read(self, signal: Signal | OutputSignals, states: Any, frames: Any) -> Any:
        """Signals (K, R, B, N, width) of the states at the read-outs of frames (K, B, F)."""
        return signal.read(states, self.device, self.settings, input_of(self.settings, frames)[:, None])

    def features(
        self, signal: Signal | OutputSignals, frames: Any, every: bool = False, engine: Engine | None = None
    ) -> Any:
        """Signals of frames (K, B, F) as a read-out takes them: of the last frames that are read together (B, ·), or of
        every frame (B, K, ·).
        """
        states = respond(self.device, self.settings, self.timeline, frames, None, engine)
        last = slice(None if every else -self.timeline.frames_read, None)
        read = self.read(signal, jax.tree.map(lambda part: part[last], states), frames[last])
        kept = jnp.moveaxis(read, 2, 0)
        return kept.reshape(*kept.shape[: 2 if every else 1], -1)


class Design(eqx.Module):
    """Arrays one after the other, and a linear read-out of the last. The first sees pixels; each later one sees all
    components of m at the read-outs of the one before it, of systems the signals that are read.
    """

    stages: tuple[Stage, ...]
    readout: Readout
    shape: tuple[int, int] = eqx.field(static=True)
    """Size (H, W) of the images."""
    scale: float = eqx.field(static=True, default=1.0)
    """The pixel value that is fed as 1."""
    classes: tuple[str, ...] = eqx.field(static=True, default=())
    """Names of the classes; none where they are only numbered."""
    engine: Engine | None = eqx.field(static=True, default=None)

    def states(self, images: Any, disturbances: tuple[Disturbance, ...] | None = None) -> list[Any]:
        """States of each array at its read-outs, for images (B, H, W) in [0, 1]: m (K, R, B, N, 3) of oscillators, of
        systems a tree of (K, R, B, N).
        """
        return self._run(images, disturbances)[0]

    def signals(self, images: Any, disturbances: tuple[Disturbance, ...] | None = None) -> Any:
        """What is read (read-outs, B, N, width) for images (B, H, W) in [0, 1]."""
        read = self._run(images, disturbances)[1]
        return read.reshape(-1, *read.shape[2:])

    def _run(self, images: Any, disturbances: tuple[Disturbance, ...] | None) -> tuple[list[Any], Any]:
        """The states of each array, and the signals of the last (frames read, R, B, N, width)."""
        if images.shape[1:] != self.shape:
            given = "×".join(map(str, images.shape[1:]))
            raise ValueError(
                f"the images have {given} pixels, and the network is made for {'×'.join(map(str, self.shape))}"
            )
        frames, found = self.stages[0].timeline.frames.cut(images), []
        for index, stage in enumerate(self.stages[:-1]):
            disturbance = None if disturbances is None else disturbances[index]
            found.append(respond(stage.device, stage.settings, stage.timeline, frames, disturbance, self.engine))
            passed = stage.read(self.readout.signal.passed_on, found[-1], frames)
            frames = jnp.moveaxis(passed, 2, 1).reshape(passed.shape[0], passed.shape[2], -1)
        stage = self.stages[-1]
        disturbance = None if disturbances is None else disturbances[-1]
        found.append(respond(stage.device, stage.settings, stage.timeline, frames, disturbance, self.engine))
        last = slice(-stage.timeline.frames_read, None)
        read = jax.tree.map(lambda part: part[last], found[-1])
        return found, stage.read(self.readout.signal, read, frames[last])

    def __call__(self, images: Any, disturbances: tuple[Disturbance, ...] | None = None) -> Any:
        """Logits (B, classes) of images (B, H, W) in [0, 1]."""
        return self.readout(self.signals(images, disturbances))

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
