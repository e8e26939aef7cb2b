"""What a simulation gives: time, magnetisation, how it was made and how it ended."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx

from llgrad.core.status import Status


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
    """

    t: Any
    m: Any
    status: Status
    model: Any
    drive: Any
    stats: Stats = eqx.field(static=True)

    @property
    def dt(self) -> float:
        """Time between two saved states [s]."""
        return self.stats.dt * self.stats.save_every / self.stats.samples

    @property
    def mx(self) -> Any:
        """Component along x, (T,) or (T, N)."""
        return self.m[..., 0]

    @property
    def my(self) -> Any:
        """Component along y, (T,) or (T, N)."""
        return self.m[..., 1]

    @property
    def mz(self) -> Any:
        """Component along z, (T,) or (T, N)."""
        return self.m[..., 2]

    def __repr__(self) -> str:
        s = self.stats
        why = f" ({s.reason})" if s.reason else ""
        saved = f"{s.samples} states of each" if s.samples > 1 else f"saved every {s.save_every}"
        return (
            f"Trajectory: m {self.m.shape}, {s.steps} steps of {s.dt * 1e12:.6g} ps, {saved}, "
            f"{s.stepper} on {s.engine}{why}, {self.status.sentence}"
        )
