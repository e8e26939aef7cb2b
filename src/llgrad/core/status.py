"""How a run ended: an enumeration of sentences, never a silent NaN."""

from __future__ import annotations

import enum
from typing import Any

import equinox as eqx
import numpy as np
from jax.core import Tracer


class SimulationError(RuntimeError):
    """A simulation that did not end well; its text says where and what to do.

    >>> import llgrad as lg
    >>> issubclass(lg.solvers.SimulationError, RuntimeError)
    True
    """


class Outcome(enum.IntEnum):
    """The ways in which a run ends.

    >>> import llgrad as lg
    >>> run = lg.simulate(lg.presets.kubota2013(), duration=1e-9, dt=2e-12)
    >>> lg.solvers.Outcome(int(run.status.code)).name, run.status.ok
    ('FINISHED', True)
    """

    FINISHED = 0
    TOO_COARSE = 1
    NON_FINITE = 2
    TOO_MANY_STEPS = 3
    INTERRUPTED = 4


class Status(eqx.Module):
    """Outcome of a run (or, under `vmap`, of each run of a batch), and the time at which it went wrong."""

    code: Any
    """An `Outcome`, as an integer array."""
    time: Any
    """Time [s] of the first bad step, or until which an interrupted run came; meaningless where it finished."""

    @property
    def traced(self) -> bool:
        """Whether the outcome is not known yet, inside `jit`, `vmap` or `grad`."""
        return isinstance(self.code, Tracer)

    @property
    def ok(self) -> Any:
        """Whether every run finished; a traced boolean under `jit`."""
        if self.traced:
            return (self.code == Outcome.FINISHED).all()
        return bool(np.all(np.asarray(self.code) == Outcome.FINISHED))

    @property
    def sentence(self) -> str:
        """What happened, and what to do about it."""
        if self.traced:
            return "not known yet (traced)"
        codes, times = np.ravel(np.asarray(self.code)), np.ravel(np.asarray(self.time))
        bad = np.flatnonzero(codes)
        if bad.size == 0:
            return "finished"
        which = "" if codes.size == 1 else f"{bad.size} of {codes.size} runs failed; run {bad[0]}: "
        when = f"t = {times[bad[0]] * 1e9:.6g} ns"
        match Outcome(int(codes[bad[0]])):
            case Outcome.TOO_COARSE:
                return (
                    f"{which}step too coarse: a step changed |m|² by more than 10 % at {when}; use a "
                    "smaller dt (see suggest_dt)"
                )
            case Outcome.INTERRUPTED:
                return f"{which}interrupted at {when}; what was kept until then is here, and can be continued"
            case Outcome.TOO_MANY_STEPS:
                return (
                    f"{which}the adaptive solver reached its largest number of steps before {when}; raise "
                    "max_steps or loosen rtol"
                )
            case _:
                return (
                    f"{which}became non-finite at {when}; check the drive and the device's values, or use a smaller dt"
                )

    def __repr__(self) -> str:
        return f"Status({self.sentence})"
