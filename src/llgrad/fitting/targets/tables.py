"""Frequencies as a target, alone or in a table: the orbit at each setting, simulated until it is steady."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.core.record import set_leaf
from llgrad.core.status import Outcome
from llgrad.core.vector import Vec3
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.targets.recording import Bound, Recording
from llgrad.kernels.steppers import Stepper
from llgrad.observables.frequency import best_frequency
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate
from llgrad.solve.task import Engine


class OrbitRecording(Recording):
    """What is told by the frequency of m·p on the steady orbit.

    Each run starts at the reference state, settles, and is then measured for `measured` samples.
    """

    stepper: Stepper
    engine: Engine | None
    step: float = eqx.field(static=True)
    save_every: int = eqx.field(static=True)
    settled: int = eqx.field(static=True)
    """Samples that are dropped while the orbit settles."""
    measured: int = eqx.field(static=True)

    def mask(self, horizon: Any) -> Any:
        """An orbit has no time: it counts on the last window only."""
        return jnp.broadcast_to(jnp.isinf(horizon), self.data.shape[:1])

    def orbit_frequency(self, model: Oscillator, m0: Vec3) -> tuple[Any, Any]:
        """Frequency [Hz] of the steady orbit, and whether the run went well."""
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
        along = (run.mx * p.x + run.my * p.y + run.mz * p.z)[self.settled :]
        return best_frequency(along, dt=run.dt), run.status.code == Outcome.FINISHED


class TableRecording(OrbitRecording):
    """Frequencies (K, 1) at K values of one setting."""

    setting: str = eqx.field(static=True)
    settings: Any
    """Values of the setting [SI], (K,)."""

    def predict(self, bound: Bound, mask: Any) -> tuple[Any, Any]:
        def one(value: Any) -> tuple[Any, Any]:
            return self.orbit_frequency(set_leaf(bound.model, self.setting, value), bound.m0)

        predicted, fine = jax.vmap(one)(self.settings)
        return predicted[:, None], fine.all()
