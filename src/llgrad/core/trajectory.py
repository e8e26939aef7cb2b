"""What a simulation gives: time, magnetisation, how it was made and how it ended."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float, PyTree

from llgrad.core.speed.namespace import namespace
from llgrad.core.status import Status
from llgrad.core.vector import Vec3


class Stats(NamedTuple):
    """How a trajectory was computed."""

    engine: str
    """Which engine ran."""
    reason: str
    """Why that one, where it was not the first choice; else empty."""
    stepper: str
    steps: int
    """Number of time steps (of the grid of saved times for an adaptive solver)."""
    dt: float
    """Time step used [s]; at most the dt that was asked for."""
    save_every: int
    samples: int = 1
    """States kept of each step, by the stepper's polynomial."""
    error: float | None = None
    """Estimated error |Δm| of the end state of a run with an accuracy; NaN where it cannot be told."""


class Trajectory(eqx.Module):
    """A simulated run. Axes are (batch…, T, N, 3): batch under `vmap`, N for an array only.

    `t` (T,) [s]; `m` (T, 3) or (T, N, 3), unit vectors; `status`; `stats`; `model` and `drive` as they were given.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12)
    >>> run.t.shape, run.m.shape, run.mz.shape, round(run.dt * 1e12, 6)  # ps
    ((501,), (501, 3), (501,), 2.0)
    """

    t: Float[jax.Array, "T"]
    m: Float[jax.Array, "*batch T 3"]
    status: Status
    model: PyTree
    drive: PyTree
    stats: Stats = eqx.field(static=True)

    @property
    def dt(self) -> float:
        """Time between two saved states [s]."""
        return self.stats.dt * self.stats.save_every / self.stats.samples

    @property
    def mx(self) -> Float[jax.Array, "*batch T"]:
        """Component along x, (T,) or (T, N)."""
        return self._component(0)

    @property
    def my(self) -> Float[jax.Array, "*batch T"]:
        """Component along y, (T,) or (T, N)."""
        return self._component(1)

    @property
    def mz(self) -> Float[jax.Array, "*batch T"]:
        """Component along z, (T,) or (T, N)."""
        return self._component(2)

    def _component(self, axis: int) -> Any:
        if namespace(self.m) is np:
            return jax.device_put(np.asarray(self.m)[..., axis])  # JAX would compile something for each new shape
        return self.m[..., axis]

    def __repr__(self) -> str:
        return f"Trajectory: m {self.m.shape}, {_how(self.stats)}, {self.status.sentence}"


class SystemSignal(eqx.Module):
    """One signal of a run of a `System`: `t` [s] and `values`, (batch…, T), in `unit`; differentiable.

    Of an array of N members (batch…, T, N).
    """

    t: Float[jax.Array, "T"]
    values: Float[jax.Array, "*batch T"]
    name: str = eqx.field(static=True)
    unit: str = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    """Time between two samples [s]."""
    noisy: bool = eqx.field(static=True, default=False)
    """Whether the run had noise."""

    @property
    def columns(self) -> dict[str, Any]:
        """The values by their name, as of a `Trace` of one column."""
        return {self.name: self.values}

    @property
    def units(self) -> dict[str, str]:
        """The unit by the name."""
        return {self.name: self.unit}

    def select(self, name: str) -> Self:
        """The signal itself, by its name. Raises ValueError for another."""
        if name != self.name:
            raise ValueError(f"this is the signal {self.name!r}, and not {name!r}")
        return self

    def __repr__(self) -> str:
        unit = "" if self.unit == "1" else f" [{self.unit}]"
        return f"SystemSignal {self.name}{unit}: {self.values.shape}, every {self.dt * 1e12:.6g} ps"


class SystemTrajectory(eqx.Module):
    """A simulated run of a `System`, or of an array of N of them. Axes are (batch…, T, N): batch under `vmap`, N for an
    array only.

    `t` (T,) [s]; `state`, a tree of the form of the system's start, of (T,) or (T, N) arrays; `status`; `stats`;
    `model` and `drive` as they were given. What a dictionary of a state holds is found by its name as well: `run.x`;
    `run.signal` gives any component, or output of the system, by its name.

    >>> import llgrad as lg
    >>> source = lg.circuits.VoltageSource(0.1, resistance=50.0)
    >>> circuit = lg.circuits.Circuit(source, lg.circuits.Capacitor(20e-12, name="C"))
    >>> run = lg.simulate(circuit, duration=1e-9, dt=10e-12)
    >>> run.t.shape, sorted(run.state), "voltage" in run.signals
    ((101,), ['C'], True)
    """

    t: Float[jax.Array, "T"]
    state: PyTree[Float[jax.Array, "*batch T"]]
    status: Status
    model: PyTree
    drive: PyTree
    stats: Stats = eqx.field(static=True)

    def __getattr__(self, name: str) -> Any:
        state = self.__dict__.get("state")
        if isinstance(state, dict) and name in state:
            return state[name]
        raise AttributeError(f"a run of {type(self.__dict__.get('model')).__name__} has no {name!r}")

    @property
    def dt(self) -> float:
        """Time between two saved states [s]."""
        return self.stats.dt * self.stats.save_every / self.stats.samples

    @property
    def signals(self) -> tuple[str, ...]:
        """The names of all signals: what the system declares in `outputs`, and the components of its state."""
        return self.model.signals(self.state)

    def signal(self, name: str | None = None) -> SystemSignal:
        """A component of the state ("x", "free.z"), or an output of the system, in the course of the run.

        What `frequency`, `spectrum`, `line_width` and the pictures take. None is the only output, or, without outputs,
        the only component. Raises ValueError for another name, and for None where there are several.
        """
        return self.model.read(self, name)

    @property
    def m(self) -> Float[jax.Array, "*batch T 3"]:
        """The unit vector (T, 3), or (T, N, 3), of a state that has one. Raises ValueError for none, or many."""
        spins = [node for node in jax.tree.leaves(self.state, is_leaf=_is_vector) if _is_vector(node)]
        if len(spins) != 1:
            raise ValueError(f"the state has {len(spins)} unit vectors; take the one that is meant from run.state")
        return spins[0].stack()

    def __repr__(self) -> str:
        return f"SystemTrajectory of {type(self.model).__name__}: {_how(self.stats)}, {self.status.sentence}"


def _is_vector(node: Any) -> bool:
    return isinstance(node, Vec3)


def _how(stats: Stats) -> str:
    why = f" ({stats.reason})" if stats.reason else ""
    saved = f"{stats.samples} states of each" if stats.samples > 1 else f"saved every {stats.save_every}"
    return f"{stats.steps} steps of {stats.dt * 1e12:.6g} ps, {saved}, {stats.stepper} on {stats.engine}{why}"
