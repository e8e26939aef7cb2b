"""How a real array differs from the designed one: spread, heat, noise, coarse settings, slow and late edges."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.core.record import Record, quantity
from llgrad.devices.system import System
from llgrad.networks.bench.design import Design, Stage
from llgrad.networks.bench.response import Disturbance
from llgrad.networks.bench.settings import Settings, quantised
from llgrad.networks.bench.wiring import Device

TOO_WIDE: Final = 0.5
"""Relative spreads stay below this."""


class Imperfections(Record):
    """What an array suffers. Zero, or no bits, turns an imperfection off.

    Of a `System` spread acts on the settings that are named for its network, and a noise of its own, which no
    temperature sets, acts as well; the ideal network is without any noise.

    Training draws a new array for every batch, and new noise for every image; an evaluation keeps each drawn array for
    the whole test set.

    >>> import llgrad as lg
    >>> print(lg.networks.Imperfections(spread=0.1, temperature=300.0, rise_time=50e-12))
    Imperfections
      spread       0.1    relative spread (1σ) of gain, coupling and each setting
      temperature  300 K  temperature of the free layers
      read_noise   0      noise of a read-out (1σ) over its full scale
      rise_time    50 ps  10–90 % rise time of the input
      jitter       0 s    error (1σ) of the time of an edge
    """

    spread: float = quantity("1", default=0.0, about="relative spread (1σ) of gain, coupling and each setting")
    temperature: float = quantity("K", default=0.0, about="temperature of the free layers")
    read_noise: float = quantity("1", default=0.0, about="noise of a read-out (1σ) over its full scale")
    rise_time: float = quantity("s", default=0.0, about="10–90 % rise time of the input")
    jitter: float = quantity("s", default=0.0, about="error (1σ) of the time of an edge")
    bits: int | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        for name in ("spread", "temperature", "read_noise", "rise_time", "jitter"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} = {getattr(self, name)!r}, expected zero or more")
        if self.spread >= TOO_WIDE:
            raise ValueError(f"spread = {self.spread:g}, expected a fraction below {TOO_WIDE}; 10 % is 0.1")
        if self.bits is not None and not 2 <= self.bits <= 24:
            raise ValueError(f"bits = {self.bits!r}, expected a resolution between 2 and 24 bits")

    def drawn(self, design: Design, key: Any) -> Design:
        """One array as it comes out of fabrication and off the bench's converters, by a key."""
        stages = []
        for index, stage in enumerate(design.stages):
            settings = stage.settings if self.bits is None else quantised(stage.settings, self.bits)
            settings = self._spread(settings, jax.random.fold_in(key, index))
            device = _at(stage.device, self.temperature)
            stages.append(eqx.tree_at(lambda s: (s.settings, s.device), stage, (settings, device)))
        return eqx.tree_at(lambda d: d.stages, design, tuple(stages))

    def logits(self, design: Design, images: Any, key: Any, first: Any = 0) -> Any:
        """Logits (B, classes) of images (B, H, W) in one run each of a drawn array, with the noise of a key.

        The noise of an image depends on the key and its number alone, so a batch may be split over processes: `first`
        is the number of the first image within the whole batch.
        """
        keys = jax.random.split(key, len(design.stages) + 1)
        batch, shape = images.shape[0], images.shape[1:]
        numbers = jnp.arange(batch, dtype=jnp.uint32) + jnp.asarray(first).astype(jnp.uint32)
        frames = design.stages[0].timeline.frames.count((shape[0], shape[1]))
        disturbances = tuple(
            self._disturbance(stage, frames, _by_number(own, numbers))
            for stage, own in zip(design.stages, keys[1:], strict=True)
        )
        signals, begun = design.read(images, disturbances)
        if self.read_noise:
            flat = signals.reshape(-1, *signals.shape[2:])
            of_image = (flat.shape[0], *flat.shape[2:])
            noise = jax.vmap(lambda own: jax.random.normal(own, of_image, flat.dtype), out_axes=1)
            noisy = flat + self.read_noise * noise(_by_number(keys[0], numbers))
            signals = noisy.reshape(signals.shape)
        return design.answer(signals, begun)

    def _spread(self, settings: Settings, key: Any) -> Settings:
        if not self.spread:
            return settings
        changed = {}
        for index, (name, value) in enumerate(settings.varying.items()):
            factor = 1 + self.spread * jax.random.normal(jax.random.fold_in(key, index), value.shape, value.dtype)
            made = name in settings.own and name not in settings.knobs  # such as a damping, which has a sign
            changed[name] = value * (jnp.maximum(factor, 0.05) if made else factor)
        return settings.replace(**changed)

    def _disturbance(self, stage: Stage, frames: int, images: Any) -> Disturbance:
        """By the keys of the images (B,)."""
        timeline = stage.timeline
        keys = jax.vmap(lambda own: jax.random.split(own, frames + 1))(images)
        jitter = self.jitter * jax.vmap(lambda own: jax.random.normal(own, (frames,)))(keys[:, 0]).T
        rise_time = self.rise_time
        if self.jitter and not rise_time:
            rise_time = timeline.hold / (timeline.readouts * timeline.steps)  # an edge that a step can resolve
        return Disturbance(rise_time, jitter, keys[:, 1:].T if self._is_noisy(stage.device) else None)

    def _is_noisy(self, device: Device) -> bool:
        """Whether runs need random numbers: at a temperature, or for a noise that a system has of its own."""
        return device.noises > 0 if isinstance(device, System) else self.temperature > 0


def _at(device: Device, temperature: float) -> Device:
    """The device at a temperature. Raises ValueError for one that has none."""
    if "temperature" in {field.name for field in dataclasses.fields(device)}:
        return device.replace(temperature=temperature)
    if temperature:
        raise ValueError(
            f"temperature = {temperature:g} K: {type(device).__name__} has no temperature; its own noise, where it has "
            "one, acts in drawn arrays anyway"
        )
    return device


def _by_number(key: Any, numbers: Any) -> Any:
    """A key for each number."""
    return jax.vmap(lambda number: jax.random.fold_in(key, number))(numbers)
