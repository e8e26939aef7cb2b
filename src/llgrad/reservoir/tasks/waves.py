"""Waves: a chaotic series to be foretold, and two shapes to be told apart."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from llgrad.core.arguments.numbers import checked_count, checked_number
from llgrad.reservoir.tasks.task import SignalTask, checked_length

SUBSTEPS: Final = 10
"""Runge–Kutta steps in a unit of time of the Mackey–Glass equation."""
SETTLED: Final = 1000.0
"""Units of time before the first symbol."""
POINTS: Final = 8
"""Symbols in a period of a sine or square."""


def mackey_glass(length: int = 4000, ahead: int = 1, delay: float = 17.0, seed: int = 0) -> SignalTask:
    """The Mackey–Glass series, some symbols ahead:

        dx/dt = 0.2 x(t − τ)/(1 + x(t − τ)¹⁰) − 0.1 x,

    one symbol a unit of time, brought to mean 0 and rms 1; the target of x_t is x_{t+ahead}. With τ = 17 it is weakly
    chaotic. Integrated by the classical Runge–Kutta method with steps of 0.1, the delayed value at half of a step by
    cubic interpolation; it starts from 1.2 with a deviation that the seed draws, and 1000 units go before the first
    symbol.

    Source: M. C. Mackey, L. Glass, Science 197, 287 (1977) (recalled).

    >>> task = mackey_glass(length=200, ahead=3)
    >>> bool(np.allclose(task.target[:-3], task.signal[3:]))
    True
    """
    length = checked_length(length, 2)
    ahead = checked_count("ahead", ahead, 1, "a number of symbols, at least 1")
    delay = checked_number("delay", delay, low=0.5, expected="the delay τ in units of time, such as 17")
    if delay > 1000 or abs(delay * SUBSTEPS - round(delay * SUBSTEPS)) > 1e-9 * SUBSTEPS * delay:
        raise ValueError(f"delay = {delay!r}, expected the delay τ in units of time, up to 1000 in steps of 0.1: 17")
    start = 1.2 + 0.1 * np.random.default_rng(checked_count("seed", seed, 0)).uniform(-1, 1)
    x = _integrated(round(SETTLED) + length + ahead, delay, start)[round(SETTLED) :]
    x = (x - x[:length].mean()) / x[:length].std()
    about = f"x(t + {ahead}) of Mackey–Glass, τ = {delay:g}"
    return SignalTask("mackey-glass", x[:length, None], x[ahead : ahead + length, None], (f"{ahead} ahead",), about)


def _integrated(count: int, delay: float, start: float) -> np.ndarray:
    """x at whole units of time."""
    h, back = 1 / SUBSTEPS, round(delay * SUBSTEPS)
    x = np.full(back + count * SUBSTEPS + 1, start)

    def rate(now: float, then: float) -> float:
        return 0.2 * then / (1 + then**10) - 0.1 * now

    for k in range(back, len(x) - 1):
        old, new, i = x[k - back], x[k - back + 1], k - back
        middle = (-x[i - 1] + 9 * old + 9 * new - x[i + 2]) / 16 if i > 0 and i + 2 <= k else (old + new) / 2
        now = x[k]
        k1 = rate(now, old)
        k2 = rate(now + h / 2 * k1, middle)
        k3 = rate(now + h / 2 * k2, middle)
        k4 = rate(now + h * k3, new)
        x[k + 1] = now + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x[back + SUBSTEPS :: SUBSTEPS][:count]


def sine_square(length: int = 4000, seed: int = 0) -> SignalTask:
    """Sine or square: periods of eight symbols, each a sine sin(2πk/8) or a square (1 for four symbols, −1 for four),
    drawn at random; the target is 1 during a square, −1 during a sine.

    A square and the extremes of a sine are equal (both ±1), so a single symbol does not tell. The rate of
    wrongly told symbols is that of the sign of the answer.

    Source: Y. Paquot et al., Sci. Rep. 2, 287 (2012) (recalled); of a spin-torque oscillator J. Torrejon et al., Nature
    547, 428 (2017) (recalled).

    >>> task = sine_square(length=80)
    >>> sorted(set(task.target[:, 0].tolist()))
    [-1.0, 1.0]
    """
    length = checked_length(length, POINTS)
    periods = math.ceil(length / POINTS)
    square = np.random.default_rng(checked_count("seed", seed, 0)).integers(0, 2, periods).astype(bool)
    phase = np.arange(POINTS)
    shapes = np.stack([np.sin(2 * np.pi * phase / POINTS), np.where(phase < POINTS // 2, 1.0, -1.0)])
    signal = shapes[square.astype(int)].reshape(-1)[:length]
    target = np.repeat(np.where(square, 1.0, -1.0), POINTS)[:length]
    return SignalTask("sine-square", signal[:, None], target[:, None], ("square",), "1 for a square, −1 for a sine")
