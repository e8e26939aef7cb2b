"""One trained array: unbounded numbers that training changes, and the physical settings that they stand for."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Self, cast

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.core.record import as_number, get_leaf, leaf_units
from llgrad.devices.bounds import Between
from llgrad.devices.oscillator import Oscillator
from llgrad.networks.bench.design import Stage
from llgrad.networks.bench.settings import Settings
from llgrad.networks.bench.timeline import Timeline
from llgrad.networks.bench.wiring import NOUNS, Device, DeviceWiring
from llgrad.networks.trained.encoder import Encoder


class Part(enum.Enum):
    """What training may change.

    >>> import llgrad as lg
    >>> [part.value for part in lg.networks.Part]
    ['input', 'coupling', 'field', 'current', 'damping', 'readout']
    """

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


Trainable = Part | str
"""A part, or the name of a setting of a system."""


class Limits(NamedTuple):
    """Between which values the settings of an array may lie.

    What is None is the usual one. Of a `System` the input and the coupling only, in the units of their terminals; its
    `settings` have ranges of their own.

    >>> import llgrad as lg
    >>> lg.networks.Limits(current=(0.0, 3e-3)).damping
    (0.001, 0.5)
    """

    input: float | None = None
    """Largest input field [T], either way."""
    coupling: float | None = None
    """Largest coupling field on an oscillator, Σ_j |W_ij| [T]."""
    field: tuple[float, float] | None = None
    """Field along z [T]."""
    current: tuple[float, float] | None = None
    """Direct current [A]."""
    damping: tuple[float, float] = (0.001, 0.5)
    """Gilbert damping."""


Bounds = tuple[tuple[float, float], ...]
"""The range of each setting that a device has of its own, in their order."""


def bounds_of(
    device: Device, wiring: DeviceWiring, limits: Limits, settings: Mapping[str, tuple[float, float]]
) -> Bounds:
    """The ranges of the settings. Raises ValueError, in one sentence, for what is none."""
    for name, unit in (("input", wiring.input_unit), ("coupling", wiring.coupling_unit)):
        check_positive(f"the limit of {name} is", getattr(limits, name), unit)
    if isinstance(device, Oscillator):
        given: Mapping[str, Any] = {"field": limits.field, "current": limits.current, "damping": limits.damping}
    else:
        given = settings
        if not limits.field is limits.current is None:
            raise ValueError(
                f"limits of field and current are an Oscillator's; those of {type(device).__name__} are given with its "
                "settings, as in settings={'current': (0.0, 5e-3)}"
            )
    found = []
    for setting in wiring.own:
        pair = given[setting.part]
        low, high = map(as_number, pair) if isinstance(pair, (tuple, list)) and len(pair) == 2 else (math.nan, math.nan)
        if any(isinstance(end, bool) or not isinstance(end, (int, float)) for end in (low, high)):
            low = high = math.nan
        if not -math.inf < low < high < math.inf or (setting.part == "damping" and low <= 0):
            positive = " positive" if setting.part == "damping" else ""
            raise ValueError(f"the limits of {setting.part} are {pair!r}, expected two{positive} numbers (low, high)")
        found.append((float(low), float(high)))
    return tuple(found)


def check_positive(what: str, value: Any, unit: str) -> None:
    """Raise ValueError for a number that is not above zero, or not finite."""
    if not (isinstance(value, (int, float)) and 0 < value < math.inf):
        raise ValueError(f"{what} {value!r} {unit}, expected a positive {NOUNS.get(unit, 'number')}, such as 0.05")


class Scales(NamedTuple):
    """What an input gain of 1 and a coupling of 1 are, in the units of their terminals."""

    input: float
    coupling: float


class TrainedLayer(eqx.Module):
    """A coupled array whose settings are trained within limits.

    What each device has of its own (fields, currents, dampings; of a system its settings) is low + (high − low)/(1 +
    e^{−u}) of an unbounded u (N,), and found by its name: `layer.current`. Input gains, offsets and coupling are in
    units of their `scales`; the coupling of device i is scaled so that Σ_j |W_ij| stays within its limit, and W_ii = 0.
    """

    encoder: Encoder
    own: tuple[Any, ...]
    """u of each setting, in their order."""
    coupling: Any
    device: Device = eqx.field(static=True)
    timeline: Timeline = eqx.field(static=True)
    wiring: DeviceWiring = eqx.field(static=True)
    limits: Limits = eqx.field(static=True)
    bounds: Bounds = eqx.field(static=True)
    scales: Scales = eqx.field(static=True)

    @classmethod
    def create(
        cls,
        device: Device,
        count: int,
        encoder: Encoder,
        timeline: Timeline,
        wiring: DeviceWiring,
        limits: Limits,
        bounds: Bounds,
        scales: Scales,
        key: Any,
    ) -> Self:
        """Of oscillators fields spread over 0.2 to 0.6 of their upper limit and currents at 0.3 of theirs, or where the
        limits are nearest to that; of systems the device's own values, spread by a tenth of the range. Weak random
        coupling.
        """
        keys = jax.random.split(key, 2)
        begin = _begin_spins if isinstance(device, Oscillator) else _begin
        strength = min(0.5, cast(float, limits.coupling) / scales.coupling / 4) / math.sqrt(count)
        coupling = strength * jax.random.uniform(keys[1], (count, count), jnp.float32, -1.0, 1.0)
        return cls(
            encoder,
            tuple(map(_free, bounds, begin(device, wiring, bounds, count, keys[0]))),
            0.0 * coupling if wiring.coupling is None else coupling,
            device,
            timeline,
            wiring,
            limits,
            bounds,
            scales,
        )

    def __getattr__(self, name: str) -> Any:
        names = [setting.name for setting in self.__dict__["wiring"].own] if "wiring" in self.__dict__ else []
        if name in names:
            return self.own[names.index(name)]
        raise AttributeError(f"this layer has no {name!r}; each device has {', '.join(names) or 'none of its own'}")

    def replace(self, **changes: Any) -> Self:
        """A copy with some changed, the unbounded numbers of the settings among them."""
        own = tuple(changes.pop(setting.name, u) for setting, u in zip(self.wiring.own, self.own, strict=True))
        return dataclasses.replace(self, **{"own": own, **changes})

    @property
    def count(self) -> int:
        """Number of oscillators."""
        return self.coupling.shape[0]

    def settings(self, trained: tuple[Trainable, ...] | None = None) -> Settings:
        """The physical settings [SI]. What fabrication fixes is the device's own unless it is among the trained parts;
        None is everything.
        """
        scales, limits = self.scales, self.limits
        coupling = scales.coupling * self.coupling * (1 - jnp.eye(self.count, dtype=self.coupling.dtype))
        total, most = jnp.sum(jnp.abs(coupling), axis=1, keepdims=True), cast(float, limits.coupling)
        coupling = coupling * (most / jnp.maximum(total, most))
        names = None if trained is None else {name_of(part) for part in trained}
        own = {}
        for setting, bound, u in zip(self.wiring.own, self.bounds, self.own, strict=True):
            fixed = not setting.knob and names is not None and setting.part not in names
            own[setting.name] = (
                jnp.full(self.count, get_leaf(self.device, setting.path), u.dtype)
                if fixed
                else Between(*bound).physical(u)
            )
        return Settings(
            gains=scales.input * self.encoder.gains(),
            offset=scales.input * self.encoder.offset(),
            input_limit=cast(float, limits.input),
            coupling=coupling,
            own=own,
            wiring=self.wiring,
        )

    def stage(self, trained: tuple[Trainable, ...] | None = None) -> Stage:
        """This layer as it stands on the bench."""
        return Stage(self.device, self.settings(trained), self.timeline)


def name_of(part: Trainable) -> str:
    """The name of what is trained."""
    return part.value if isinstance(part, Part) else part


def _free(bound: tuple[float, float], value: Any) -> Any:
    fraction = jnp.clip((value - bound[0]) / (bound[1] - bound[0]), 1e-3, 0.999)
    return jnp.log(fraction / (1 - fraction)).astype(jnp.float32)


def _begin_spins(device: Any, wiring: DeviceWiring, bounds: Bounds, count: int, key: Any) -> list[Any]:
    """Field, current and damping [SI] at the start."""
    field, current, damping = bounds
    fields = field[1] * jax.random.uniform(key, (count,), jnp.float32, 0.2, 0.6)
    inside = min(max(device.alpha, 1.01 * damping[0]), 0.99 * damping[1])
    return [fields, jnp.full(count, 0.3 * current[1], jnp.float32), jnp.full(count, inside, jnp.float32)]


def _begin(device: Any, wiring: DeviceWiring, bounds: Bounds, count: int, key: Any) -> list[Any]:
    """The settings [SI] of a system at the start: its own values, or nothing at a terminal."""
    leaves, found = leaf_units(device), []
    for place, (setting, (low, high)) in enumerate(zip(wiring.own, bounds, strict=True)):
        value = float(get_leaf(device, setting.path)) if setting.path in leaves else 0.0
        spread = jax.random.uniform(jax.random.fold_in(key, place), (count,), jnp.float32, -0.1, 0.1)
        found.append(value + spread * (high - low) if setting.knob else jnp.full(count, value, jnp.float32))
    return found
