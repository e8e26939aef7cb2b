"""What the cases share: the reference device, its synthetic traces, random starts, and rows of figures with bars."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import llgrad as lg
from llgrad.core.record import get_leaf, set_leaf

STO = lg.presets.kubota2013()
FREE = ["field.z", "current", "alpha"]


class Row(NamedTuple):
    """One figure of a case, and its bar; without a bar it is shown beside the others."""

    case: str
    figure: str
    value: float | str
    bar: str = ""
    met: bool = True


def value_of(device: Any, path: str) -> float:
    """One number of a device."""
    return float(get_leaf(device, path))


def teacher(device: lg.Oscillator, duration: float, m0: Any = None, dt: float = 0.5e-12, every: int = 20) -> lg.Trace:
    """A noise-free trace of (mx, my, mz), every 10 ps, with a finer step than the fits use."""
    return lg.trace_of(lg.simulate(device, duration=duration, dt=dt, m0=m0, save=lg.Every(every)))


def settled(device: lg.Oscillator) -> Any:
    """A state (3,) on the orbit."""
    m = np.asarray(lg.simulate(device, duration=60e-9, dt=1e-12, save=lg.End()).m[-1])
    return m / np.linalg.norm(m)


def started(device: lg.Oscillator, rng: np.random.Generator, spread: float) -> lg.Oscillator:
    """The device with its free values drawn within ±spread of the truth."""
    for name in FREE:
        device = set_leaf(device, name, value_of(device, name) * (1 + rng.uniform(-spread, spread)))
    return device


def errors(result: lg.fitting.FitResult, device: lg.Oscillator) -> dict[str, float]:
    """Relative errors of the free values (the sign of the field is free where only m_x is seen)."""
    return {name: abs(abs(result.values[name]) / value_of(device, name) - 1) for name in FREE}
