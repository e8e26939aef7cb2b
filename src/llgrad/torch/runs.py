"""What a `Simulator` runs: a function of arrays, of what is trained and of what each call gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from llgrad.core.record import get_leaf, leaf_units, listed, set_leaf
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.oscillator import Oscillator
from llgrad.devices.states.components import component_names
from llgrad.devices.system import System
from llgrad.drives.base import Waveform
from llgrad.drives.constant import Constant
from llgrad.drives.drive import CHANNEL_UNITS, Drive
from llgrad.drives.sampled import Sampled
from llgrad.kernels.steppers import Stepper
from llgrad.solve.saving import End, Every, Interval, grid_of
from llgrad.solve.simulate import simulate
from llgrad.solve.systems import member_of
from llgrad.solve.task import Engine
from llgrad.torch.bounded import told_of
from llgrad.torch.parameters import FreeNumber, named, physical

START: Final = "m0"
SEED: Final = "seed"


class Runs(NamedTuple):
    """Runs of one model that differ in numbers."""

    model: Oscillator | OscillatorArray | System | SystemArray
    duration: float
    dt: float
    save: Every | End | Interval
    stepper: Stepper
    engine: Engine | None
    m0: Any
    drive: Mapping[str, Waveform]
    """What acts in every run, by channel."""
    free: tuple[FreeNumber, ...]
    given: tuple[str, ...]
    driven: tuple[str, ...]
    signals: tuple[str, ...]
    """What is returned of a System."""
    noise: bool

    @property
    def paths(self) -> tuple[str, ...]:
        """What each call gives, but for a seed."""
        return (*self.given, *self.driven)

    @property
    def is_of_oscillators(self) -> bool:
        """Whether the state is a magnetisation."""
        return isinstance(self.model, (Oscillator, OscillatorArray))

    @property
    def of_each(self) -> tuple[int, ...]:
        """(N,) of an array, () of one device."""
        return (self.model.count,) if isinstance(self.model, (OscillatorArray, SystemArray)) else ()

    def shape_of(self, path: str) -> tuple[int | None, ...]:
        """The axes of what a call gives for one run; None for the number of samples of a drive."""
        if path == START and path in self.given:
            return (*self.of_each, 3)
        if path in self.driven:
            return (None, *self.of_each)
        return np.shape(get_leaf(self.model, path)) if path in leaf_units(self.model) else self.of_each

    def times(self) -> np.ndarray:
        """Times (T,) [s] of the states that are kept."""
        coupled = isinstance(self.model, OscillatorArray) and self.model.coupling is not None
        dense = self.stepper.tableau.dense is not None and not (
            self.noise or coupled or isinstance(self.model, SystemArray)
        )
        grid = grid_of(self.duration, self.dt, self.save, dense)
        return np.arange(0 if grid.keep_initial else 1, grid.saves + 1) * grid.interval

    def function(self, *arrays: Any) -> tuple[Any, Any]:
        """Runs of unbounded numbers, of inputs with a leading axis (B,) each, and of a seed: values and status."""
        free, rest = arrays[: len(self.free)], arrays[len(self.free) :]
        inputs = rest[: len(self.paths)]
        key = jax.random.key(rest[-1]) if self.noise else None
        if not inputs:
            values, told = self._one(free, (), key)
            return values, told_of(*told)
        count = inputs[0].shape[0]
        keys = None if key is None else jax.vmap(lambda place: jax.random.fold_in(key, place))(jnp.arange(count))
        values, told = jax.vmap(lambda given, own: self._one(free, given, own))(inputs, keys)
        return values, told_of(*told)

    def _one(self, free: tuple[Any, ...], inputs: tuple[Any, ...], key: Any) -> tuple[Any, Any]:
        model, m0, drive = with_values(self.model, physical(self.free, free)), self.m0, dict(self.drive)
        for path, value in zip(self.paths, inputs, strict=True):
            if path in self.driven:
                _add(drive, path, Sampled(self._sample_times(path, value.shape[0]), value))
            elif path == START:
                m0 = value
            elif path in leaf_units(self.model):
                model = set_leaf(model, path, value)
            else:
                _add(drive, path, Constant(value))
        run = simulate(
            model,  # type: ignore[arg-type]
            duration=self.duration,
            dt=self.dt,
            m0=m0,
            drive=self._as_drive(drive),  # type: ignore[arg-type]
            save=self.save,
            stepper=self.stepper,
            engine=self.engine,
            key=key,
            throw=False,
        )
        if not self.is_of_oscillators:
            return jnp.stack([run.signal(name).values for name in self.signals], axis=-1), (run.status, None)  # type: ignore[union-attr]
        if START not in self.given:
            return run.m, (run.status, None)
        return run.m, (run.status, jnp.sqrt(jnp.sum(jax.lax.stop_gradient(m0) ** 2, axis=-1)))

    def _sample_times(self, path: str, count: int) -> np.ndarray:
        between = self.duration / max(count - 1, 1)
        if count < 2 or self.dt > between * (1 + 1e-9):
            raise ValueError(
                f"{named(path)} has {count} samples in {self.duration:g} s, and dt = {self.dt:g} s; expected two "
                "samples or more, and no step longer than the time between two"
            )
        return np.linspace(0.0, self.duration, count)

    def _as_drive(self, drive: Mapping[str, Waveform]) -> Any:
        if not drive:
            return None
        return Drive(**drive) if self.is_of_oscillators else drive


def with_values(model: Any, values: Mapping[str, Any]) -> Any:
    """A model with numbers changed, by path."""
    for path, value in values.items():
        model = set_leaf(model, path, value)
    return model


def _add(drive: dict[str, Waveform], name: str, waveform: Waveform) -> None:
    drive[name] = drive[name] + waveform if name in drive else waveform


def channels_of(model: Any) -> Mapping[str, str]:
    """What can be driven, with its unit."""
    return CHANNEL_UNITS if isinstance(model, (Oscillator, OscillatorArray)) else member_of(model).inputs


def check_inputs(model: Any, free: Iterable[str], given: tuple[str, ...], driven: tuple[str, ...]) -> None:
    """Raise ValueError, in one sentence, for what a model cannot be given, and for what is named twice."""
    channels, units = channels_of(model), leaf_units(model)
    spins = isinstance(model, (Oscillator, OscillatorArray))
    known = [*([START] if spins else ()), *units, *(() if spins else channels)]
    seen: dict[str, str] = dict.fromkeys(map(named, free), "free")
    for argument, paths, allowed in (("given", given, known), ("driven", driven, list(channels))):
        for path in paths:
            if path not in allowed:
                raise ValueError(
                    f"{argument} has {path!r}, expected of {type(model).__name__} one of {listed(allowed) or 'nothing'}"
                )
            if named(path) in seen or named(path) == SEED:
                raise ValueError(
                    f"{path!r} is in {argument}, and {seen.get(named(path), 'what a noisy run is given')} too; name it "
                    "once"
                )
            seen[named(path)] = argument
    if not seen:
        raise ValueError("nothing is free, given or driven, so all calls would be one run; use lg.simulate for that")


def signals_of(model: Any, signals: Any) -> tuple[str, ...]:
    """What is returned of a System. Raises ValueError for a signal that it has not, and for one of an oscillator."""
    if isinstance(model, (Oscillator, OscillatorArray)):
        if signals is not None:
            raise ValueError("signals are of a System; of an oscillator all of m is returned, (…, T, 3)")
        return ()
    system = member_of(model)
    known, names = system.signals(system.start()), component_names(system.start())
    chosen = names if signals is None else (signals,) if isinstance(signals, str) else tuple(signals)
    if unknown := [name for name in chosen if name not in known]:
        raise ValueError(f"signals has {unknown[0]!r}, expected of {type(system).__name__} {', '.join(known)}")
    return tuple(chosen)
