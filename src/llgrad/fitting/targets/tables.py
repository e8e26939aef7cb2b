"""Frequencies as a target, alone or in a table: the orbit at each setting, simulated until it is steady."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from llgrad.core.record import set_leaf
from llgrad.core.status import Outcome
from llgrad.core.trajectory import Trajectory
from llgrad.core.vector import Vec3, unstack
from llgrad.devices.oscillator import Oscillator
from llgrad.experiments.closed_orbit import Steps, closed_orbit, distances_after
from llgrad.fitting.targets.recording import Bound, Recording
from llgrad.kernels.steppers import Stepper
from llgrad.observables.frequency import best_frequency
from llgrad.solve.saving import Every
from llgrad.solve.simulate import simulate
from llgrad.solve.task import Engine

CLOSED: Final = 1e-7
"""An orbit is closed where m comes back to itself within this angle [rad]."""
NEARBY: Final = 0.1
"""And is the one that was followed where period and state differ by less than this part from the run's."""
MOST_TURNS: Final = 4
"""The strongest tone of m·p may be the so-manyth harmonic of the orbit: the second of one that is symmetric about p."""


class Orbit(NamedTuple):
    """Where a run has come to."""

    frequency: Any
    """[Hz], of the strongest tone of m·p."""
    amplitude: Any
    """Standard deviation of m·p."""
    state: Any
    """The last (3,); on the orbit where it is closed."""
    closed: Any
    """Whether the frequency is that of a closed orbit that attracts, and not of a run that may still change."""
    fine: Any
    """Whether the runs went well."""


class OrbitRecording(Recording):
    """What is told by the frequency of m·p on the steady orbit.

    Each run starts at its own state, settles, and is then measured for `measured` samples. Near
    where it ends the closed orbit is found: its period, and how that depends on the parameters, have no memory of the
    start. Where there is none nearby (the device rests, or is far from steady), the frequency is the run's.
    """

    stepper: Stepper
    engine: Engine | None
    step: float = eqx.field(static=True)
    save_every: int = eqx.field(static=True)
    settled: int = eqx.field(static=True)
    """Samples that are dropped while the orbit settles."""
    measured: int = eqx.field(static=True)
    turn: int = eqx.field(static=True)
    """Steps of a period where the orbit is closed."""
    settings: Any
    """Values of what is swept [SI], (K,); one of any value where nothing is."""
    starts: Any
    """States (K, 3) that the runs begin from."""

    @property
    def recorded(self) -> Any:
        """The frequencies [Hz] (K,) that were recorded."""
        return self.data[:, 0]

    def mask(self, horizon: Any) -> Any:
        """An orbit has no time: it counts on the last window only."""
        return jnp.broadcast_to(jnp.isinf(horizon), self.data.shape[:1])

    def at(self, model: Oscillator, setting: Any) -> Oscillator:
        """The device at one value of what is swept."""
        return model

    def orbit(self, model: Oscillator, m0: Vec3) -> Orbit:
        """The orbit of one device that m0 leads to."""
        still = jax.lax.stop_gradient(model)
        first = self._run(still, jax.lax.stop_gradient(m0), self.settled, self.settled)
        run = self._run(model, unstack(jax.lax.stop_gradient(first.m[-1])), self.measured, 1)
        p = still.polariser
        along = run.mx * p.x + run.my * p.y + run.mz * p.z
        frequency = best_frequency(along, dt=run.dt)
        fine = (first.status.code == Outcome.FINISHED) & (run.status.code == Outcome.FINISHED)
        found = self._closed(model, jax.lax.stop_gradient(run.m), jax.lax.stop_gradient(frequency))
        period, state, closed = found
        frequency = jnp.where(closed, period, frequency)
        return Orbit(frequency, jnp.std(along), jnp.where(closed, state, run.m[-1]), closed, fine)

    def _run(self, model: Oscillator, m0: Vec3, samples: int, every: int) -> Trajectory:
        return simulate(
            model,
            duration=samples * self.save_every * self.step,
            dt=self.step,
            m0=m0,
            save=Every(every * self.save_every),
            stepper=self.stepper,
            engine=self.engine,
            throw=False,
        )

    def _closed(self, model: Oscillator, m: Any, frequency: Any) -> tuple[Any, Any, Any]:
        """Frequency [Hz] of the closed orbit nearest to the end of a run m (T, 3), a state on it, and whether it is
        one."""
        steps = Steps(self.turn, self.stepper, self.engine)
        back = distances_after(jax.lax.stop_gradient(model), m[-1], 1 / frequency, MOST_TURNS, steps)
        turns = (1 + jnp.argmax(back <= 2 * back.min() + 1e-3)).astype(frequency.dtype)
        found = closed_orbit(model, m[-1], turns / frequency, steps)
        size = jnp.sqrt(jnp.max(jnp.sum((m - m[-1:]) ** 2, axis=1)))
        moved = jnp.sqrt(jnp.sum((found.state - m[-1]) ** 2))
        own = turns / found.period
        near = (jnp.abs(own / frequency - 1) < NEARBY) & (moved < NEARBY * size)
        return own, found.state, near & (found.gap < CLOSED) & (jnp.abs(found.multiplier) < 1) & (size > CLOSED)

    def orbit_frequencies(self, bound: Bound) -> tuple[Any, Any]:
        """Frequencies [Hz] (K,) of the steady orbits, and whether the runs went well."""
        settings = jnp.asarray(self.settings)
        one = lambda setting, m0: self.orbit(self.at(bound.model, setting), unstack(m0))  # noqa: E731
        found = jax.vmap(one)(settings, self.starts)
        return found.frequency, found.fine.all()


class TableRecording(OrbitRecording):
    """Frequencies (K, 1) at K values of one setting."""

    setting: str = eqx.field(static=True)
    unit: str = eqx.field(static=True)

    def at(self, model: Oscillator, setting: Any) -> Oscillator:
        return set_leaf(model, self.setting, setting)

    def predict(self, bound: Bound, mask: Any) -> tuple[Any, Any]:
        predicted, fine = self.orbit_frequencies(bound)
        return predicted[:, None], fine
