"""The network of oscillators that recognises images, as training sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.files import plain
from llgrad.core.record import as_count, from_json, have_shapes_of_one, to_json
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.readout import Readout, Signal
from llgrad.networks.bench.timeline import Frames, Timeline
from llgrad.networks.imperfections import Imperfections
from llgrad.networks.network import Network
from llgrad.networks.trained.encoder import DenseEncoder, Encoder, PatchEncoder
from llgrad.networks.trained.layer import (
    KNOBS_AND_COUPLING,
    Limits,
    OscillatorLayer,
    Part,
    natural_field,
    usual_limits,
)
from llgrad.solve.task import Engine

STEPS = 16
"""Time steps while a frame is held, where nobody says."""


class OscillatorClassifier(Network):
    """Pixels → field on each oscillator → the coupled array evolves → read-out → logits; all of it trained.

    `design()` is the same network in physical numbers.
    """

    layers: tuple[OscillatorLayer, ...]
    readout: Readout
    shape: tuple[int, int] = eqx.field(static=True)
    """Size (H, W) of the images."""
    trained: tuple[Part, ...] = eqx.field(static=True, default=KNOBS_AND_COUPLING)
    imperfections: Imperfections | None = eqx.field(static=True, default=None)
    """What training sees where it gives a key."""
    engine: Engine | None = eqx.field(static=True, default=None)

    @classmethod
    def create(
        cls,
        device: Oscillator,
        *,
        shape: tuple[int, int],
        classes: int,
        key: Any,
        oscillators: int | tuple[int, ...] = 256,
        hold: float = 0.44e-9,
        dt: float | None = None,
        frames: Frames = Frames.WHOLE,
        readouts: int = 1,
        frames_read: int = 1,
        patch: tuple[int, int] | None = None,
        centre: Any = None,
        signal: Signal = Signal.MAGNETISATION,
        start: tuple[float, float, float] = (0.6, 0.0, 0.8),
        limits: Limits | None = None,
        unit: float | None = None,
        trained: tuple[Part, ...] = KNOBS_AND_COUPLING,
        imperfections: Imperfections | None = None,
    ) -> Self:
        """A network with random weights.

        Args:
            device: what all oscillators have in common; their field along z and their current are settings.
            shape: size (H, W) of the images.
            classes: number of classes.
            key: a `jax.random.key` for the weights.
            oscillators: number in each array, one number for one array.
            hold: time for which a frame is held [s].
            dt: time step [s]; None takes 16 steps in a frame.
            frames: the whole image at once, or row by row, or pixel by pixel.
            readouts: read-outs in a frame, evenly spaced.
            frames_read: how many of the last frames the read-out sees.
            patch: (side, stride) of a convolution in the first encoder; None lets every pixel act on every oscillator.
            centre: the image (H, W), or the frame of it (F,), of which the input field is the bias alone, such as
                `data.train.mean`: training takes far fewer steps with it; None for a black one.
            signal: what is read.
            start: state after the reset.
            limits: of the settings; None takes `usual_limits`.
            unit: the field of an input gain or a coupling of 1 [T]; None takes `natural_field`.
            trained: what training may change.
            imperfections: what training sees.
        """
        oscillators = as_count(oscillators)
        counts = (oscillators,) if isinstance(oscillators, int) else tuple(map(as_count, oscillators))
        if not counts or min(counts) < 1:
            raise ValueError(f"oscillators = {oscillators!r}, expected one or more in each array")
        timeline = Timeline(hold, dt or hold / STEPS, Vec3(*start), frames, readouts, frames_read)
        cut = frames.count(shape)
        limits = limits or usual_limits(device, hold, cut)
        unit = natural_field(device, hold, cut) if unit is None else unit
        keys = jax.random.split(key, 2 * len(counts) + 1)
        mean = None if centre is None else _mean_frame(frames, centre, shape)
        layers, width = [], shape[0] * shape[1] // cut
        for index, count in enumerate(counts):
            if index:
                patch = mean = None
            encoder = _encoder(width, count, shape, patch, mean, keys[2 * index])
            layers.append(OscillatorLayer.create(device, count, encoder, timeline, limits, unit, keys[2 * index + 1]))
            width = 3 * count * readouts
        read = counts[-1] * readouts * min(frames_read, cut) * signal.width
        weights = jax.random.normal(keys[-1], (read, classes), jnp.float32) * (read**-0.5)
        readout = Readout(weights, jnp.zeros(classes, jnp.float32), signal)
        return cls(tuple(layers), readout, (shape[0], shape[1]), tuple(trained), imperfections)

    def design(self) -> Design:
        """The network in physical numbers."""
        stages = tuple(layer.stage(self.trained) for layer in self.layers)
        return Design(stages, self.readout, self.shape, engine=self.engine)

    def built(self) -> Design:
        return self.design()

    def __call__(self, images: Any, key: Any = None, first: Any = 0) -> Any:
        design = self.design()
        if key is None or self.imperfections is None:
            return design(images)
        made, run = jax.random.split(key)
        return self.imperfections.logits(self.imperfections.drawn(design, made), images, run, first)

    def trainable(self) -> Any:
        """True at the arrays of the trained parts."""
        everywhere = jax.tree.map(lambda _: False, self)
        for part, where in _PARTS.items():
            if part in self.trained:
                on = jax.tree.map(lambda _: True, where(self))
                everywhere = eqx.tree_at(where, everywhere, on)
        return everywhere

    def spec(self) -> dict[str, Any]:
        """Everything but the arrays, ready for JSON."""
        first = self.layers[0]
        encoder = first.encoder
        timeline = first.timeline
        return {
            "type": type(self).__name__,
            "device": to_json(first.device),
            "shape": list(self.shape),
            "classes": self.readout.bias.shape[0],
            "oscillators": [layer.count for layer in self.layers],
            "hold": timeline.hold,
            "dt": timeline.dt,
            "frames": timeline.frames.value,
            "readouts": timeline.readouts,
            "frames_read": timeline.frames_read,
            "centre": None if encoder.centre is None else list(encoder.centre),
            "patch": [encoder.patch, encoder.stride] if isinstance(encoder, PatchEncoder) else None,
            "signal": self.readout.signal.value,
            "start": [timeline.start.x, timeline.start.y, timeline.start.z],
            "limits": plain(first.limits._asdict()),
            "unit": first.unit,
            "trained": [part.value for part in self.trained],
            "imperfections": None if self.imperfections is None else to_json(self.imperfections),
        }

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Self:
        """A network of the shape of a spec, with weights of no meaning. In a spec of before, a unit is that of a
        single frame, and there is no centre.
        """
        device = from_json(spec["device"])
        if not have_shapes_of_one(device):
            raise ValueError("its device has an array where a number is expected; the file is damaged")
        limits: dict[str, Any] = {
            name: tuple(value) if isinstance(value, (list, tuple)) else value for name, value in spec["limits"].items()
        }
        return cls.create(
            device,
            shape=tuple(spec["shape"]),
            classes=spec["classes"],
            key=jax.random.key(0),
            oscillators=tuple(spec["oscillators"]),
            hold=spec["hold"],
            dt=spec["dt"],
            frames=Frames(spec["frames"]),
            readouts=spec["readouts"],
            frames_read=spec["frames_read"],
            patch=None if spec["patch"] is None else tuple(spec["patch"]),
            centre=spec.get("centre"),
            signal=Signal(spec["signal"]),
            start=tuple(spec["start"]),
            limits=Limits(**limits),
            unit=spec.get("unit", natural_field(device, spec["hold"])),
            trained=tuple(Part(value) for value in spec["trained"]),
            imperfections=None if spec["imperfections"] is None else from_json(spec["imperfections"]),
        )


_PARTS: dict[Part, Any] = {
    Part.INPUT: lambda net: [leaf for layer in net.layers for leaf in jax.tree.leaves(layer.encoder)],
    Part.COUPLING: lambda net: [layer.coupling for layer in net.layers],
    Part.FIELD: lambda net: [layer.field for layer in net.layers],
    Part.CURRENT: lambda net: [layer.current for layer in net.layers],
    Part.DAMPING: lambda net: [layer.alpha for layer in net.layers],
    Part.READOUT: lambda net: [net.readout.weights, net.readout.bias],
}


def _mean_frame(frames: Frames, image: Any, shape: tuple[int, int]) -> tuple[float, ...]:
    """The mean of the frames of an image, float32; a single frame is its own."""
    with np.errstate(over="ignore"):  # what is too large for float32 is not finite then
        image = np.asarray(image, np.float32)
    frame = shape[0] * shape[1] // frames.count(shape)
    if image.shape not in (shape, (frame,)) or not np.isfinite(image).all():
        raise ValueError(f"centre has the shape {image.shape}, expected a finite image {shape}")
    if image.ndim == 1:
        return tuple(image.tolist())
    return tuple(np.asarray(frames.cut(image[None])).mean(axis=(0, 1)).tolist())


def _encoder(
    inputs: int,
    count: int,
    shape: tuple[int, int],
    patch: tuple[int, int] | None,
    centre: tuple[float, ...] | None,
    key: Any,
) -> Encoder:
    """Gains so small that a usual image gives fields below the natural one."""
    if patch is None:
        return DenseEncoder.create(inputs, count, key, 1.4 * inputs**-0.5, centre)
    probe = PatchEncoder.create(shape, 1, *patch, key, 1.0)
    channels, rest = divmod(count, probe.places)
    if rest or not channels:
        raise ValueError(
            f"{count} oscillators over {probe.places} places of a {patch[0]}×{patch[0]} patch: expected a multiple of "
            f"{probe.places}, such as {max(channels, 1) * probe.places}"
        )
    return PatchEncoder.create(shape, channels, *patch, key, 1.4 / patch[0], centre)
