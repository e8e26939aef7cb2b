"""A network as it stands on the bench: all that predicts, in physical numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp

from llgrad.devices.oscillator import Oscillator
from llgrad.networks.bench.readout import Readout
from llgrad.networks.bench.response import Disturbance, respond
from llgrad.networks.bench.settings import Settings
from llgrad.networks.bench.timeline import Timeline
from llgrad.solve.task import Engine


class Stage(eqx.Module):
    """One array of a design: what its devices share, its settings, and its time line."""

    device: Oscillator
    settings: Settings
    timeline: Timeline


class Design(eqx.Module):
    """Arrays one after the other, and a linear read-out of the last. The first sees pixels; each later one sees all
    components of m at the read-outs of the one before it.
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
        """Magnetisation (K, R, B, N, 3) of each array at its read-outs, for images (B, H, W) in [0, 1]."""
        if images.shape[1:] != self.shape:
            given = "×".join(map(str, images.shape[1:]))
            raise ValueError(
                f"the images have {given} pixels, and the network is made for {'×'.join(map(str, self.shape))}"
            )
        frames, found = self.stages[0].timeline.frames.cut(images), []
        for index, stage in enumerate(self.stages):
            disturbance = None if disturbances is None else disturbances[index]
            m = respond(stage.device, stage.settings, stage.timeline, frames, disturbance, self.engine)
            found.append(m)
            frames = jnp.moveaxis(m, 2, 1).reshape(m.shape[0], m.shape[2], -1)
        return found

    def signals(self, m: Any) -> Any:
        """What is read (read-outs, B, N, width) of states (K, R, B, N, 3) of the last array."""
        stage = self.stages[-1]
        read = m[-stage.timeline.frames_read :]
        read = read.reshape(-1, *read.shape[2:])
        return self.readout.signal.of(read, stage.device, stage.settings.current)

    def __call__(self, images: Any, disturbances: tuple[Disturbance, ...] | None = None) -> Any:
        """Logits (B, classes) of images (B, H, W) in [0, 1]."""
        return self.readout(self.signals(self.states(images, disturbances)[-1]))

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
