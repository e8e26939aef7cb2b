"""How a real array differs from the designed one: spread, heat, noise, coarse settings, slow and late edges."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float, Int, Integer, Key

from llgrad.core.record import Record, as_count, quantity
from llgrad.datasets.samples.sequences import Sequences
from llgrad.devices.system import System
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.response import Disturbance
from llgrad.networks.bench.settings import Settings, check_bits, quantised
from llgrad.networks.bench.wiring import Device

TOO_WIDE: Final = 0.5
"""Relative spreads stay below this."""
OCTAVES: Final = 24
"""Of 1/f noise, from one frame to 2^23 of them; what is slower stands still."""
DRIFT: Final = 7
"""The draw of a key that 1/f noise is made of, besides those of its splits."""


class Imperfections(Record):
    """What an array suffers. Zero, or no bits, turns an imperfection off.

    Of a `System` spread acts on the settings that are named for its network, and a noise of its own, which no
    temperature sets, acts as well; the ideal network is without any noise.

    1/f noise of an input is a sum of numbers that are held for 1, 2, 4, … frames, each drawn from one distribution, so
    that every octave has the same variance: S(f) ≈ σ²/(f ln 2) below the rate of frames, σ = `flicker` × largest input.

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
      flicker      0      1/f noise of each input (1σ of an octave) over the largest input
    """

    spread: float = quantity("1", default=0.0, about="relative spread (1σ) of gain, coupling and each setting")
    temperature: float = quantity("K", default=0.0, about="temperature of the free layers")
    read_noise: float = quantity("1", default=0.0, about="noise of a read-out (1σ) over its full scale")
    rise_time: float = quantity("s", default=0.0, about="10–90 % rise time of the input")
    jitter: float = quantity("s", default=0.0, about="error (1σ) of the time of an edge")
    flicker: float = quantity(
        "1", default=0.0, about="1/f noise of each input (1σ of an octave) over the largest input"
    )
    bits: int | None = eqx.field(static=True, default=None, converter=as_count)

    def __check_init__(self) -> None:
        for name in ("spread", "temperature", "read_noise", "rise_time", "jitter", "flicker"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} = {getattr(self, name)!r}, expected zero or more")
        for name in ("rise_time", "jitter"):
            if getattr(self, name) >= 1e-3:
                raise ValueError(f"{name} = {getattr(self, name):g} s, expected seconds below 1e-3; 50 ps is 50e-12")
        if self.spread >= TOO_WIDE:
            raise ValueError(f"spread = {self.spread:g}, expected a fraction below {TOO_WIDE}; 10 % is 0.1")
        check_bits(self.bits)

    def drawn(self, design: Design, key: Key[jax.Array, ""]) -> Design:
        """One array as it comes out of fabrication and off the bench's converters, by a key."""
        stages = []
        for index, stage in enumerate(design.stages):
            settings = stage.settings if self.bits is None else quantised(stage.settings, self.bits)
            settings = self._spread(settings, jax.random.fold_in(key, index))
            device = _at(stage.device, self.temperature)
            stages.append(eqx.tree_at(lambda s: (s.settings, s.device), stage, (settings, device)))
        return eqx.tree_at(lambda d: d.stages, design, tuple(stages))

    def logits(
        self,
        design: Design,
        images: Float[np.ndarray | jax.Array, "B ..."] | Sequences,
        key: Key[jax.Array, ""],
        first: Int[ArrayLike, ""] = 0,
    ) -> Float[jax.Array, "B ..."]:
        """Logits (B, classes) of images (B, H, W) in one run each of a drawn array, with the noise of a key.

        The noise of an image depends on the key and its number alone, so a batch may be split over processes: `first`
        is the number of the first image within the whole batch.
        """
        batch, shape = images.shape[0], images.shape[1:]
        numbers = jnp.arange(batch, dtype=jnp.uint32) + jnp.asarray(first).astype(jnp.uint32)
        frames = design.stages[0].timeline.frames.count((shape[0], shape[1]))
        noise = self.noise(design, key, numbers)
        every = jnp.arange(frames, dtype=jnp.uint32)
        disturbances = tuple(noise.disturbance(number, every) for number in range(len(design.stages)))
        signals, begun = design.read(images, disturbances)
        read = jnp.asarray(design.stages[-1].timeline.read(frames), jnp.uint32)
        return design.answer(noise.read(signals, read), begun)

    def noise(self, design: Design, key: Key[jax.Array, ""], numbers: Integer[jax.Array, "B"]) -> ArrayNoise:
        """What differs from run to run, of the images, or signals, of these numbers (B,)."""
        keys = jax.random.split(key, len(design.stages) + 1)
        return ArrayNoise(self, design, tuple(_by_number(own, numbers) for own in keys))

    @property
    def has_edges(self) -> bool:
        """Whether an input changes late or slowly, so that a frame feels the beginning of the next one."""
        return bool(self.rise_time or self.jitter)

    def _spread(self, settings: Settings, key: Any) -> Settings:
        if not self.spread:
            return settings
        changed = {}
        for index, (name, value) in enumerate(settings.varying.items()):
            factor = 1 + self.spread * jax.random.normal(jax.random.fold_in(key, index), value.shape, value.dtype)
            made = name in settings.own and name not in settings.knobs  # such as a damping, which has a sign
            changed[name] = value * (jnp.maximum(factor, 0.05) if made else factor)
        return settings.replace(**changed)

    def is_noisy(self, device: Device) -> bool:
        """Whether runs need random numbers: at a temperature, or for a noise that a system has of its own."""
        return device.noises > 0 if isinstance(device, System) else self.temperature > 0


class ArrayNoise(eqx.Module):
    """The noise of images, or signals, each by a key of its own, frame by frame: that of a frame depends on its number
    alone, so a signal may go on without end.
    """

    imperfections: Imperfections
    design: Design
    keys: tuple[Any, ...]
    """Of the read-out and of each array, (B,)."""

    def disturbance(self, number: int, frames: Any) -> Disturbance:
        """Of an array in the frames (K,), by their numbers."""
        stage, suffered = self.design.stages[number], self.imperfections
        timeline, pairs = stage.timeline, jax.vmap(jax.random.split)(self.keys[number + 1])
        jitter = suffered.jitter * _of_frames(pairs[:, 0], frames, jax.random.normal)
        rise_time = suffered.rise_time
        if suffered.jitter and not rise_time:
            rise_time = timeline.hold / (timeline.readouts * timeline.steps)  # an edge that a step can resolve
        keys = _of_frames(pairs[:, 1], frames, lambda key: key) if suffered.is_noisy(stage.device) else None
        return Disturbance(rise_time, jitter, keys, self._drift(number, frames) if suffered.flicker else None)

    def _drift(self, number: int, frames: Any) -> Any:
        """1/f noise of the inputs of an array (K, B, N), in their unit."""
        settings = self.design.stages[number].settings
        keys = jax.vmap(lambda key: jax.random.fold_in(key, DRIFT))(self.keys[number + 1])

        def octave(total: Any, which: Any) -> tuple[Any, None]:
            own = jax.vmap(lambda key: jax.random.fold_in(key, which))(keys)
            return total + _of_frames(own, frames >> which, draw), None

        def draw(key: Any) -> Any:
            return jax.random.normal(key, (settings.count,), settings.offset.dtype)

        zero = jnp.zeros((frames.shape[0], keys.shape[0], settings.count), settings.offset.dtype)
        total, _ = jax.lax.scan(octave, zero, jnp.arange(OCTAVES, dtype=frames.dtype))
        return jnp.asarray(self.imperfections.flicker * settings.input_limit, zero.dtype) * total

    def read(self, signals: Any, frames: Any) -> Any:
        """Signals (K, R, B, N, width) of the frames (K,) with the noise of the read-out."""
        if not self.imperfections.read_noise:
            return signals
        shape = (signals.shape[1], *signals.shape[3:])
        noise = _of_frames(self.keys[0], frames, lambda key: jax.random.normal(key, shape, signals.dtype))
        return signals + self.imperfections.read_noise * jnp.moveaxis(noise, 1, 2)


def _of_frames(keys: Any, frames: Any, draw: Any) -> Any:
    """What is drawn for each frame (K,) of each key (B,): (K, B, …)."""
    return jax.vmap(lambda frame: jax.vmap(lambda key: draw(jax.random.fold_in(key, frame)))(keys))(frames)


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
