"""Growing windows: the way out of the false minima of oscillating data.

The squared error of a trace of length T has one basin only while |δf| T ≲ 0.5. Fitting the first fraction of a period,
and then ever longer windows from where the last one ended, keeps |δf| T small all the way.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from llgrad.fitting.problem import Problem

FIRST: Final = 0.35
"""First window, in periods of the fastest precession."""

GROWTH: Final = 1.7
"""Ratio of each window to the one before."""


def growing_windows(problem: Problem, grow: bool = True) -> list[np.ndarray]:
    """Masks (T,) of the samples that each stage uses; the last one is the whole trace.

    The first window has at least twice as many values as there are parameters.
    """
    t = np.asarray(problem.t)
    whole = np.ones(t.shape, bool)
    if not grow:
        return [whole]
    least = math.ceil(2 * len(problem.names) / len(problem.columns)) + 1
    length = max(FIRST * 2 * math.pi / problem.rate, float(t[min(least, t.size - 1)]))
    masks = []
    while length * GROWTH < t[-1]:
        masks.append(t <= length)
        length *= GROWTH
    return [*masks, whole]
