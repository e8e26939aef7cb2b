"""What has to be set, or made, for one array: every number in SI, with its unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.core.record import Record, as_count, quantity
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.networks.bench.wiring import Device, DeviceWiring


class Settings(Record):
    """The settings of an array of N devices that is fed with F numbers u_k, pixels from 0 to 1.

    The input is added to one terminal of each device, B_i = Σ_k gains_ki u_k + offset_i, between ∓ `input_limit` (what
    the lines can give). What each device has of its own is found by its name as well: `settings.current`.
    """

    wiring: DeviceWiring = eqx.field(static=True)
    gains: Any = quantity("of the input", about="input of each device per unit of each input number, (F, N)")
    offset: Any = quantity("of the input", about="input at zero, (N,)")
    input_limit: float = quantity("of the input", about="largest input")
    coupling: Any = quantity("of what is received", about="W_ij, from device j to i, per unit emitted, (N, N)")
    own: Any = quantity("of each setting", about="what each has of its own by name, (N,)")

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__.get("own", {})
        if name in own:
            return own[name]
        raise AttributeError(f"these settings have no {name!r}; each device has {', '.join(own) or 'none of its own'}")

    def replace(self, **changes: Any) -> Self:
        """A copy with some changed, those that each device has of its own among them."""
        own = {name: changes.pop(name, value) for name, value in self.own.items()}
        return super().replace(**{"own": own, **changes})

    @property
    def count(self) -> int:
        """Number of devices."""
        return self.offset.shape[0]

    @property
    def varying(self) -> dict[str, Any]:
        """Every setting that has a number for each device, or more, by its name."""
        return {"gains": self.gains, "offset": self.offset, **self.own, "coupling": self.coupling}

    @property
    def knobs(self) -> tuple[str, ...]:
        """What is set at the bench; the others are fixed when the devices are made."""
        return ("gains", "offset", *(setting.name for setting in self.wiring.own if setting.knob))

    @property
    def units(self) -> dict[str, str]:
        """The unit of each setting."""
        wiring = self.wiring
        own = {setting.name: setting.unit for setting in wiring.own}
        return dict.fromkeys(("gains", "offset"), wiring.input_unit) | own | {"coupling": wiring.coupling_unit}

    def array(self, device: Device, given: Any = 0.0) -> OscillatorArray | SystemArray:
        """The array with these settings, of devices alike in all else, with a steady input added."""
        return self.wiring.array(device, self.count, self.own, self.coupling, given)


def check_bits(bits: Any) -> None:
    """Raise ValueError for a resolution that is none; None is as fine as numbers are."""
    found = as_count(bits)
    if found is not None and (isinstance(found, bool) or not isinstance(found, int) or not 2 <= found <= 24):
        raise ValueError(f"bits = {bits!r}, expected a resolution between 2 and 24 bits")


def quantised(settings: Settings, bits: int, full: Mapping[str, float | None] = {}) -> Settings:
    """The settings with every knob a multiple of its full scale over 2^(bits − 1) − 1; gradients pass the steps.

    `full` holds full scales by the name of the knob; where there is none, it is the largest setting.
    """
    changed = {}
    for name in settings.knobs:
        value = settings.varying[name]
        largest = full.get(name) or jax.lax.stop_gradient(jnp.max(jnp.abs(value)))
        step = jnp.asarray(largest, value.dtype) / (2 ** (bits - 1) - 1)
        coarse = jnp.round(value / jnp.where(step > 0, step, 1.0)) * step
        changed[name] = value + jax.lax.stop_gradient(coarse - value)
    return settings.replace(**changed)
