"""What a bench can do, held against what a design asks of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import Record, as_count, quantity
from llgrad.core.units import show
from llgrad.networks.bench.design import Design
from llgrad.networks.bench.settings import Settings, check_bits, quantised


class Bench(Record):
    """The largest settings of a bench, either way, and the resolution of its converters.

    None is no limit. `bits` count the sign: a setting is a multiple of the largest one over 2^(bits − 1) − 1. Where the
    bench names no largest value, the largest of the design is taken.

    >>> import llgrad as lg
    >>> bench = lg.networks.Bench(field=50e-3, current=3e-3, bits=8)
    >>> print(bench)
    Bench
      field    50 mT  largest field, along x (input) and along z
      current  3 mA   largest direct current
      bits     8
    """

    field: float | None = quantity("T", default=None, about="largest field, along x (input) and along z")
    current: float | None = quantity("A", default=None, about="largest direct current")
    bits: int | None = eqx.field(static=True, default=None, converter=as_count)

    def __check_init__(self) -> None:
        for name in ("field", "current"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"{name} = {value!r}, expected a positive number, or None for no limit")
        check_bits(self.bits)

    def largest(self, unit: str) -> float | None:
        """The largest setting of a unit; None where there is no limit."""
        return {"T": self.field, "A": self.current}.get(unit)


@dataclasses.dataclass(frozen=True)
class Excess:
    """A setting that a bench cannot give."""

    array: int
    """Which array, counted from 1."""
    setting: str
    unit: str
    oscillators: int
    """On how many oscillators."""
    of: int
    largest: float
    limit: float

    def __str__(self) -> str:
        return (
            f"{self.setting} of array {self.array}: {self.oscillators} of {self.of} oscillators exceed "
            f"{self._shown(self.limit)}; the largest is {self._shown(self.largest)}"
        )

    def _shown(self, value: float) -> str:
        """Fields in both units of the bench."""
        return show(value, self.unit) + (f" ({1e4 * value:.4g} Oe)" if self.unit == "T" else "")


def input_name(settings: Settings) -> str:
    """What the input is called among the settings that a bench may not reach."""
    return f"input {settings.wiring.noun} (worst image)"


def largest_settings(settings: Settings) -> dict[str, tuple[str, Any]]:
    """(unit, largest size (N,)) of what is set on each oscillator; of the input field, over all possible images."""
    gains, offset = (np.asarray(value, float) for value in (settings.gains, settings.offset))
    up, down = np.maximum(gains, 0).sum(axis=0) + offset, np.minimum(gains, 0).sum(axis=0) + offset
    largest = np.minimum(np.maximum(abs(up), abs(down)), settings.input_limit)
    own = {
        setting.about: (setting.unit, abs(np.asarray(settings.own[setting.name], float)))
        for setting in settings.wiring.own
        if setting.knob
    }
    return {input_name(settings): (settings.wiring.input_unit, largest)} | own


def excesses(design: Design, bench: Bench) -> list[Excess]:
    """The settings of a design that a bench cannot give."""
    found = []
    for number, stage in enumerate(design.stages, 1):
        for name, (unit, sizes) in largest_settings(stage.settings).items():
            limit = bench.largest(unit)
            if limit is None:
                continue
            over = int(np.sum(sizes > limit * (1 + 1e-6)))
            if over:
                found.append(Excess(number, name, unit, over, len(sizes), float(sizes.max()), limit))
    return found


def set_on(design: Design, bench: Bench) -> Design:
    """The design as a bench can set it: settings cut off at the largest ones, and rounded to the converters' steps."""
    with jax.enable_x64(False):
        return design.with_settings([_set_on(stage.settings, bench) for stage in design.stages])


def _set_on(settings: Settings, bench: Bench) -> Settings:
    limits = {name: bench.largest(unit) for name, unit in settings.units.items()}
    own = [setting.name for setting in settings.wiring.own if setting.knob]
    limited = settings.replace(
        input_limit=min(settings.input_limit, limits["offset"] or settings.input_limit),
        **{name: _cut(settings.own[name], limits[name]) for name in own},
    )
    full = {name: limits[name] for name in (*own, "offset")}
    return limited if bench.bits is None else quantised(limited, bench.bits, full)


def _cut(value: Any, limit: float | None) -> Any:
    return value if limit is None else jnp.clip(value, -limit, limit)
