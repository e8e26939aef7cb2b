"""Frequencies as a target, alone or in a table: the orbit at each setting, simulated until it is steady."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.core.record import set_leaf
from llgrad.core.status import Outcome
from llgrad.core.trajectory import Trajectory
from llgrad.core.vector import Vec3, unstack
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.targets.recording import Bound, Recording
from llgrad.kernels.steppers import Stepper
from llgrad.observables.frequency import best_frequency
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate
from llgrad.solve.task import Engine


class OrbitRecording(Recording):
    """What is told by the frequency of m·p on the steady orbit.

    Each run starts at its own state, or the reference state, settles, and is then measured for `measured` samples.
    """

    stepper: Stepper
    engine: Engine | None
    step: float = eqx.field(static=True)
    save_every: int = eqx.field(static=True)
    settled: int = eqx.field(static=True)
    """Samples that are dropped while the orbit settles."""
    measured: int = eqx.field(static=True)
    settings: Any
    """Values of what is swept [SI], (K,); one of any value where nothing is."""
    starts: Any
    """States (K, 3) that the runs begin from; None for the reference state."""

    def mask(self, horizon: Any) -> Any:
        """An orbit has no time: it counts on the last window only."""
        return jnp.broadcast_to(jnp.isinf(horizon), self.data.shape[:1])

    def at(self, model: Oscillator, setting: Any) -> Oscillator:
        """The device at one value of what is swept."""
        return model

    def orbit(self, model: Oscillator, m0: Vec3) -> tuple[Any, Trajectory]:
        """m·p (T,) while it is measured, and the run."""
        run = simulate(
            model,
            duration=(self.settled + self.measured) * self.save_every * self.step,
            dt=self.step,
            m0=m0,
            save=Every(self.save_every),
            stepper=self.stepper,
            engine=self.engine,
            throw=False,
        )
        p = model.polariser
        return (run.mx * p.x + run.my * p.y + run.mz * p.z)[self.settled :], run

    def frequency_of(self, along: Any, run: Trajectory) -> Any:
        """Frequency [Hz] of m·p."""
        return best_frequency(along, dt=run.dt)

    def orbit_frequencies(self, bound: Bound) -> tuple[Any, Any]:
        """Frequencies [Hz] (K,) of the steady orbits, and whether the runs went well."""

        def one(setting: Any, state: Any) -> tuple[Any, Any]:
            along, run = self.orbit(self.at(bound.model, setting), unstack(state))
            return self.frequency_of(along, run), run.status.code == Outcome.FINISHED

        settings = jnp.asarray(self.settings)
        states = jnp.broadcast_to(bound.m0.stack(), (*settings.shape, 3)) if self.starts is None else self.starts
        found, fine = jax.vmap(one)(settings, states)
        return found, fine.all()


class TableRecording(OrbitRecording):
    """Frequencies (K, 1) at K values of one setting."""

    setting: str = eqx.field(static=True)
    unit: str = eqx.field(static=True)

    def at(self, model: Oscillator, setting: Any) -> Oscillator:
        return set_leaf(model, self.setting, setting)

    def predict(self, bound: Bound, mask: Any) -> tuple[Any, Any]:
        predicted, fine = self.orbit_frequencies(bound)
        return predicted[:, None], fine
