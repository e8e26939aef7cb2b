"""A study of simulations: many devices and settings, side by side."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.record import set_leaf
from llgrad.core.status import Outcome
from llgrad.core.trajectory import Trajectory
from llgrad.devices.oscillator import Oscillator
from llgrad.solve.simulate import simulate_quietly
from llgrad.solve.step_size import suggest_dt
from llgrad.studies.work import Item, Work, checked_devices, checked_settings, digest, each_setting, labels_of
from llgrad.studies.work import with_settings as device_with

WIDTH: Final = 16
"""Runs of a program: a row does not depend on how many others there are."""


def mean_mx(run: Trajectory) -> Any:
    """Mean of m_x over the second half of a run."""
    return jnp.mean(run.mx[run.mx.shape[0] // 2 :])


def mean_mz(run: Trajectory) -> Any:
    """Mean of m_z over the second half of a run."""
    return jnp.mean(run.mz[run.mz.shape[0] // 2 :])


def spread_mx(run: Trajectory) -> Any:
    """Standard deviation of m_x over the second half of a run."""
    return jnp.std(run.mx[run.mx.shape[0] // 2 :])


MEASURES: Final = {"mean_mx": mean_mx, "mean_mz": mean_mz, "spread_mx": spread_mx}
"""What is measured of a run where nothing else is said."""


@dataclass(frozen=True)
class Simulations(Work):
    """A run of every device with every combination of settings; numbers of each.

    Args:
        devices: an `Oscillator`, or several by name.
        duration: of each run [s].
        settings: values of the device that are gone through, by path: {"current": ["1mA", "2mA"]}.
        measures: functions of a `Trajectory` that give one number, by name, written with `jax.numpy` (`lg.observables`
            are); by default the means of m_x and m_z and the standard deviation of m_x over the second half.
        described: units of these, where they are not 1: {"f": "Hz"}.
        dt: time step [s]; None takes the shortest that the devices need at the ends of the settings.
        options: other arguments of `lg.simulate`, such as {"m0": (1, 0, 0)}.

    Computes in float64. A run that is not finite is a row that says so. Measures are known by their names and modules.

    >>> import llgrad as lg
    >>> work = lg.studies.Simulations(lg.presets.kubota2013(), 1e-9, {"current": ["0A", "1mA"]})
    >>> len(work.items()), work.units()
    (2, {'mean_mx': '1', 'mean_mz': '1', 'spread_mx': '1'})
    """

    devices: Oscillator | Mapping[str, Oscillator]
    duration: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    measures: Mapping[str, Callable[[Trajectory], Float[ArrayLike, ""]]] = field(default_factory=lambda: dict(MEASURES))
    described: Mapping[str, str] = field(default_factory=dict)
    dt: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    kind = "simulations"

    def __post_init__(self) -> None:
        devices = checked_devices(self.devices, (Oscillator,))
        check_kind("duration", self.duration, (int, float), "give a time in seconds, such as 20e-9")
        if not 0 < self.duration < 1:
            raise ValueError(f"duration = {self.duration} s, expected a time in seconds, such as 20e-9")
        if strange := [name for name in self.described if name not in self.measures]:
            raise ValueError(f"described names {strange[0]!r}, which is not measured; give it to measures too")
        object.__setattr__(self, "devices", devices)
        object.__setattr__(self, "settings", checked_settings(devices, self.settings))

    @property
    def _named(self) -> dict[str, Oscillator]:
        return cast(dict[str, Oscillator], self.devices)  # so since they were checked

    @cached_property
    def step(self) -> float:
        """The time step [s] of all runs."""
        if self.dt is not None:
            return self.dt
        names = list(self.settings)
        ends = [(min(values), max(values)) for values in self.settings.values()]
        corners = [dict(zip(names, corner, strict=True)) for corner in itertools.product(*ends)]
        drive = self.options.get("drive")
        return min(suggest_dt(device_with(d, corner), drive) for d in self._named.values() for corner in corners)

    def identity(self) -> str:
        names = [f"{name}={f.__module__}.{f.__qualname__}" for name, f in self.measures.items()]
        return digest(self.kind, self.duration, self.step, names, dict(self.options))

    def items(self) -> list[Item]:
        found, identity = [], self.identity()
        for name, device in self._named.items():
            for settings in each_setting(self.settings):
                key = digest(identity, device_with(device, settings))
                found.append(Item(key, labels_of("", name, settings), name, (name, settings)))
        return found

    def run(self, items: list[Item]) -> list[dict[str, Any]]:
        device = self._named[items[0].payload[0]]
        values = np.array([list(item.payload[1].values()) for item in items], float).reshape(len(items), -1)
        rows: list[dict[str, Any]] = []
        with jax.enable_x64(True):
            for first in range(0, len(items), WIDTH):
                some = np.minimum(np.arange(first, first + WIDTH), len(items) - 1)
                numbers, fine = _measured(self._run_of(device), jnp.asarray(values[some]))
                count = min(WIDTH, len(items) - first)
                rows += [_row(numbers, fine, place) for place in range(count)]
        return rows

    def _run_of(self, device: Oscillator) -> Callable[[Any], Any]:
        paths = tuple(self.settings)

        def run(values: Any) -> tuple[dict[str, Any], Any]:
            changed = device
            for place, path in enumerate(paths):
                changed = set_leaf(changed, path, values[place])
            found = simulate_quietly(changed, duration=self.duration, dt=self.step, throw=False, **self.options)
            numbers = {name: measure(found) for name, measure in self.measures.items()}
            return numbers, found.status.code == Outcome.FINISHED

        return run

    def units(self) -> dict[str, str]:
        return {name: self.described.get(name, "1") for name in self.measures}


def _measured(run: Callable[[Any], Any], values: Any) -> Any:
    return jax.tree.map(np.asarray, eqx.filter_jit(jax.vmap(run))(values))


def _row(numbers: dict[str, np.ndarray], fine: np.ndarray, place: int) -> dict[str, Any]:
    if not fine[place]:
        return {"failure": "the run is not finite; choose a smaller dt"}
    return {name: float(found[place]) for name, found in numbers.items()} | {"failure": None}
