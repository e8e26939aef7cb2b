"""One trained array: unbounded numbers that training changes, and the physical settings that they stand for."""

from __future__ import annotations

import enum
import math
from typing import Any, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.devices.bounds import Between
from llgrad.devices.oscillator import Oscillator
from llgrad.networks.bench.design import Stage
from llgrad.networks.bench.settings import Settings
from llgrad.networks.bench.timeline import Timeline
from llgrad.networks.trained.encoder import Encoder


class Part(enum.Enum):
    """What training may change."""

    INPUT = "input"
    """Input gains and offsets."""
    COUPLING = "coupling"
    FIELD = "field"
    """Field along z on each oscillator."""
    CURRENT = "current"
    """Direct current through each oscillator."""
    DAMPING = "damping"
    """Fixed by fabrication, and so not trained unless asked for."""
    READOUT = "readout"


KNOBS_AND_COUPLING = (Part.INPUT, Part.COUPLING, Part.FIELD, Part.CURRENT, Part.READOUT)
"""What is trained by default."""


class Limits(NamedTuple):
    """Between which values the settings of an array may lie."""

    input: float
    """Largest input field [T], either way."""
    coupling: float
    """Largest coupling field on an oscillator, Σ_j |W_ij| [T]."""
    field: tuple[float, float]
    """Field along z [T]."""
    current: tuple[float, float]
    """Direct current [A]."""
    damping: tuple[float, float] = (0.001, 0.5)
    """Gilbert damping."""


def natural_field(device: Oscillator, hold: float, frames: int = 1) -> float:
    """The field [T] that turns the magnetisation by about half a turn while an image is shown: π/(γ · hold · √frames),
    as the turns of many frames add up like steps of a random walk.
    """
    return math.pi / (device.gamma * hold * math.sqrt(frames))


def usual_limits(device: Oscillator, hold: float, frames: int = 1) -> Limits:
    """Limits in proportion to the natural field B_0, and to the device's own current:
    input ±3 B_0, coupling 8 B_0, field ±B_0, current ±2 I.
    """
    unit = natural_field(device, hold, frames)
    current = 2 * abs(device.current) or 5e-3
    return Limits(3 * unit, 8 * unit, (-unit, unit), (-current, current))


def _check_limits(limits: Limits) -> None:
    for name in ("input", "coupling"):
        if not 0 < (value := getattr(limits, name)) < math.inf:
            raise ValueError(f"the limit of {name} is {value!r} T, expected a positive field")
    for name in ("field", "current", "damping"):
        low, high = getattr(limits, name)
        if not -math.inf < low < high < math.inf or (name == "damping" and low <= 0):
            positive = " positive" if name == "damping" else ""
            raise ValueError(
                f"the limits of {name} are ({low!r}, {high!r}), expected two{positive} numbers (low, high)"
            )


class OscillatorLayer(eqx.Module):
    """A coupled array whose settings are trained within limits.

    Fields, currents and dampings are low + (high − low)/(1 + e^{−u}) of an unbounded u (N,). Input gains, offsets and
    coupling are in units of a field, usually the natural one; the coupling of oscillator i is scaled so that
    Σ_j |W_ij| stays within its limit, and W_ii = 0.
    """

    encoder: Encoder
    field: Any
    current: Any
    alpha: Any
    coupling: Any
    device: Oscillator = eqx.field(static=True)
    timeline: Timeline = eqx.field(static=True)
    limits: Limits = eqx.field(static=True)
    unit: float = eqx.field(static=True)
    """The field [T] of an input gain or a coupling of 1."""

    @classmethod
    def create(
        cls, device: Oscillator, count: int, encoder: Encoder, timeline: Timeline, limits: Limits, unit: float, key: Any
    ) -> Self:
        """Fields spread over 0.2 to 0.6 of their upper limit and currents at 0.3 of theirs, or where the limits are
        nearest to that; weak random coupling.
        """
        _check_limits(limits)
        if not 0 < unit < math.inf:
            raise ValueError(f"unit = {unit!r} T, expected a positive field, such as 0.05")
        keys = jax.random.split(key, 2)

        def free(bound: tuple[float, float], value: Any) -> Any:
            fraction = jnp.clip((value - bound[0]) / (bound[1] - bound[0]), 1e-3, 0.999)
            return jnp.log(fraction / (1 - fraction)).astype(jnp.float32)

        fields = limits.field[1] * jax.random.uniform(keys[0], (count,), jnp.float32, 0.2, 0.6)
        inside = min(max(device.alpha, 1.01 * limits.damping[0]), 0.99 * limits.damping[1])
        strength = min(0.5, limits.coupling / unit / 4) / math.sqrt(count)
        return cls(
            encoder,
            free(limits.field, fields),
            free(limits.current, jnp.full(count, 0.3 * limits.current[1], jnp.float32)),
            free(limits.damping, jnp.full(count, inside, jnp.float32)),
            strength * jax.random.uniform(keys[1], (count, count), jnp.float32, -1.0, 1.0),
            device,
            timeline,
            limits,
            unit,
        )

    @property
    def count(self) -> int:
        """Number of oscillators."""
        return self.field.shape[0]

    def settings(self, trained: tuple[Part, ...] = tuple(Part)) -> Settings:
        """The physical settings [SI]. A damping that is not among the trained parts is the device's own."""
        unit, limits = self.unit, self.limits
        coupling = unit * self.coupling * (1 - jnp.eye(self.count, dtype=self.coupling.dtype))
        total = jnp.sum(jnp.abs(coupling), axis=1, keepdims=True)
        coupling = coupling * (limits.coupling / jnp.maximum(total, limits.coupling))
        own = jnp.full(self.count, self.device.alpha, self.field.dtype)
        return Settings(
            gains=unit * self.encoder.gains(),
            offset=unit * self.encoder.offset(),
            input_limit=limits.input,
            field=Between(*limits.field).physical(self.field),
            current=Between(*limits.current).physical(self.current),
            alpha=Between(*limits.damping).physical(self.alpha) if Part.DAMPING in trained else own,
            coupling=coupling,
        )

    def stage(self, trained: tuple[Part, ...] = tuple(Part)) -> Stage:
        """This layer as it stands on the bench."""
        return Stage(self.device, self.settings(trained), self.timeline)
