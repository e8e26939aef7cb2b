"""What has to be set, or made, for one array: every number in SI, with its unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jax
import jax.numpy as jnp

from llgrad.core.record import Record, quantity
from llgrad.core.vector import Vec3
from llgrad.devices.array import OscillatorArray
from llgrad.devices.coupling import FieldCoupling
from llgrad.devices.oscillator import Oscillator


class Settings(Record):
    """The settings of an array of N oscillators that is fed with F numbers u_k, pixels from 0 to 1.

    The input is a field along x, B_i = Σ_k gains_ki u_k + offset_i, between ∓ `input_limit` (what the field lines can
    give).
    """

    gains: Any = quantity("T", about="input field of each oscillator per unit of each input, (F, N)")
    offset: Any = quantity("T", about="input field at zero input, (N,)")
    input_limit: float = quantity("T", about="largest input field")
    field: Any = quantity("T", about="field along z, (N,)")
    current: Any = quantity("A", about="direct current, (N,)")
    alpha: Any = quantity("1", about="Gilbert damping, (N,)")
    coupling: Any = quantity("T", about="W_ij, from oscillator j to oscillator i, per unit of m_x, (N, N)")

    @property
    def count(self) -> int:
        """Number of oscillators."""
        return self.field.shape[0]

    def array(self, device: Oscillator, field_x: Any = 0.0) -> OscillatorArray:
        """The array with these settings, of devices alike in all else, with a steady field along x [T] added."""
        field = Vec3(device.field.x + field_x, device.field.y, self.field)
        oscillator = device.replace(field=field, current=self.current, alpha=self.alpha)
        return OscillatorArray(oscillator, self.count, FieldCoupling(self.coupling))


KNOBS: Final = ("gains", "offset", "field", "current")
"""What is set at the bench; the others are fixed when the devices are made."""


def quantised(settings: Settings, bits: int, full: Mapping[str, float | None] = {}) -> Settings:
    """The settings with every knob a multiple of its full scale over 2^(bits − 1) − 1; gradients pass the steps.

    `full` holds full scales by the name of the knob; where there is none, it is the largest setting.
    """
    changed = {}
    for name in KNOBS:
        value = getattr(settings, name)
        largest = full.get(name) or jax.lax.stop_gradient(jnp.max(jnp.abs(value)))
        step = jnp.asarray(largest, value.dtype) / (2 ** (bits - 1) - 1)
        coarse = jnp.round(value / jnp.where(step > 0, step, 1.0)) * step
        changed[name] = value + jax.lax.stop_gradient(coarse - value)
    return settings.replace(**changed)
