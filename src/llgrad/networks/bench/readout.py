"""What is read of an array, and the linear layer behind it."""

from __future__ import annotations

import enum
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from llgrad.core.record import is_concrete
from llgrad.devices.oscillator import Oscillator


class Signal(enum.Enum):
    """What is measured of an oscillator at a read-out."""

    MAGNETISATION = "magnetisation"
    """All three components of m."""
    X = "x"
    """m_x alone."""
    VOLTAGE = "voltage"
    """The voltage I R(m·p) of its junction [V], over the device's own I R(0)."""

    @property
    def width(self) -> int:
        """Numbers per oscillator and read-out."""
        return 3 if self is Signal.MAGNETISATION else 1

    def of(self, m: Any, device: Oscillator, current: Any) -> Any:
        """Signals (…, N, width) of magnetisations (…, N, 3)."""
        if self is Signal.MAGNETISATION:
            return m
        if self is Signal.X:
            return m[..., :1]
        p, junction = device.polariser, device.junction
        if junction is None:
            raise ValueError(
                "the voltage of an array cannot be read: its device has no junction; give one, as in "
                "device.replace(junction=ConductanceJunction(R_P=1e3, tmr=1.0))"
            )
        if is_concrete(device.current) and device.current == 0:
            raise ValueError(
                "the voltage of an array is read over I R(0) of its device, whose current is 0 A; give it one, as in "
                "device.replace(current=2e-3)"
            )
        cosine = m[..., 0] * p.x + m[..., 1] * p.y + m[..., 2] * p.z
        scale = device.current * junction.at_current(jnp.zeros((), m.dtype), device.current)
        current = jnp.broadcast_to(current, cosine.shape)
        return (current * junction.at_current(cosine, current) / scale)[..., None]


class Readout(eqx.Module):
    """logits = Σ weights · signals + bias, over all oscillators and read-outs."""

    weights: Any
    """(read-outs · N · width, classes)."""
    bias: Any
    """(classes,)."""
    signal: Signal = eqx.field(static=True, default=Signal.MAGNETISATION)

    def __call__(self, signals: Any) -> Any:
        """Logits (B, classes) of signals (read-outs, B, N, width)."""
        flat = jnp.moveaxis(signals, 1, 0).reshape(signals.shape[1], -1)
        return jnp.matmul(flat, self.weights) + self.bias[None]
