"""A recorded trace as a target."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final

import equinox as eqx
import jax.numpy as jnp

from llgrad.core.status import Outcome
from llgrad.core.trajectory import SystemTrajectory
from llgrad.fitting.targets.measurement import best_line, interpolate, low_pass
from llgrad.fitting.targets.recording import Recording, RecordingSetup
from llgrad.kernels.steppers import Stepper
from llgrad.observables.resistance import voltage
from llgrad.solve.saving import Every, Interval
from llgrad.solve.simulate import simulate_quietly
from llgrad.solve.task import Engine

ROUND: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""Numbers of steps between two samples: few, so that starts with other fields share what was compiled."""


class TraceRecording(Recording):
    """Components of m, or a voltage, or signals of a system, at the trace's times.

    A voltage is that of the junction, or m·p without one, up to a gain and an offset; where these are not held they are
    profiled out in closed form.
    """

    t: Any
    """Times since the first sample [s], (T,)."""
    columns: tuple[str, ...] = eqx.field(static=True)
    stepper: Stepper
    engine: Engine | None
    step: float = eqx.field(static=True)
    """Time step [s]."""
    save_every: int = eqx.field(static=True)
    """Steps between samples, or 0 where states are interpolated (uneven samples, a delay, a filter)."""
    duration: float = eqx.field(static=True)
    interval: float = eqx.field(static=True, default=0.0)
    """Time between the states kept [s] where the step follows an accuracy and may span several; else 0."""

    def mask(self, horizon: Any) -> Any:
        return self.t <= horizon

    def until(self, horizon: float) -> TraceRecording:
        """The same recording cut after `horizon` [s], simulated no further than needed."""
        count = int((self.t <= horizon).sum())
        if count >= self.t.shape[0] or count < 2:
            return self
        duration = float(self.t[count - 1]) + self.duration - float(self.t[-1])
        if self.save_every:  # whole intervals, however the times of the trace are rounded
            duration = self.duration * (count - 1) / (self.t.shape[0] - 1)
        return dataclasses.replace(
            self, t=self.t[:count], data=self.data[:count], sigma=self.sigma[:count], duration=duration
        )

    def signals(self, bound: RecordingSetup) -> tuple[list[Any], Any]:
        """The columns (T,) before gain and offset, and whether the run went well."""
        run = simulate_quietly(
            bound.model,
            duration=self.duration,
            dt=self.step,
            m0=bound.m0,
            drive=bound.drive,
            save=Interval(self.interval) if self.interval else Every(self.save_every or 1),
            stepper=self.stepper,
            engine=self.engine,
            throw=False,
        )
        columns = [column_of(run, name) for name in self.columns]
        if bound.bandwidth is not None:
            columns = [low_pass(column, run.dt, bound.bandwidth) for column in columns]
        if not self.save_every:
            columns = [interpolate(column, run.dt, self.t + bound.delay) for column in columns]
        return columns, run.status.code == Outcome.FINISHED

    def predict(self, bound: RecordingSetup, mask: Any) -> tuple[Any, Any]:
        columns, fine = self.signals(bound)
        if (place := self.voltage_column) is not None:
            gain, offset = best_line(columns[place], self.data[:, place], mask, self.gain, self.offset)
            columns[place] = gain * columns[place] + offset
        return jnp.stack(columns, axis=1), fine

    @property
    def voltage_column(self) -> int | None:
        return self.column_with_line(self.columns)

    def line(self, bound: RecordingSetup) -> Any:
        columns, _ = self.signals(bound)
        place, everywhere = self.voltage_column or 0, jnp.ones(self.t.shape, bool)
        return self.own_line(*best_line(columns[place], self.data[:, place], everywhere, self.gain, self.offset))

    def predict_on_line(self, bound: RecordingSetup, line: Any) -> tuple[Any, Any]:
        columns, fine = self.signals(bound)
        place, (gain, offset) = self.voltage_column or 0, self.whole_line(line)
        columns[place] = gain * columns[place] + offset
        return jnp.stack(columns, axis=1), fine


def column_of(run: Any, name: str) -> Any:
    """A column of a run: a signal of a system; a component of m, or a voltage, which is m·p for a device without a
    junction."""
    if isinstance(run, SystemTrajectory):
        return run.signal(name).values
    if name != "voltage":
        return run.m[..., "xyz".index(name[-1])]
    if run.model.junction is not None:
        return voltage(run)
    p = run.model.polariser
    return run.mx * p.x + run.my * p.y + run.mz * p.z


def grid_of_trace(t: Any, even: bool, interval: float, step: float, lead: float) -> tuple[float, int, float]:
    """(time step, steps between samples, simulated time) for a trace; 0 steps where the states must be interpolated."""
    if even and not lead:
        needed = interval / step * (1 - 1e-9)
        every = next((n for n in ROUND if n >= needed), math.ceil(needed))
        return interval / every, every, interval * (len(t) - 1)
    return step, 0, float(t[-1]) + lead + 3 * step
