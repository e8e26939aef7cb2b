"""Intervals of what is counted: of a probability, and of a rate of events that come at random."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

CONFIDENCE: Final = 0.95


class IntervalEnds(NamedTuple):
    """The ends of an interval, arrays of one shape."""

    low: Any
    high: Any


def probability_interval(count: Any, number: Any, confidence: float = CONFIDENCE) -> IntervalEnds:
    """Jeffreys' interval of a probability of which `count` of `number` independent trials told: the quantiles of
    Beta(k + ½, n − k + ½).

    Where none was seen it is one-sided, from 0 to 1 − (1 − c)^(1/n) (near 3/n at 95 %), and likewise where all were.

    Source: L. D. Brown, T. T. Cai, A. DasGupta, Statistical Science 16, 101 (2001), section 4.

    >>> low, high = probability_interval(0, 1000)
    >>> float(low), round(float(high), 6)
    (0.0, 0.002991)
    """
    from scipy.special import betaincinv

    k, n = np.broadcast_arrays(np.asarray(count, float), np.asarray(number, float))
    tail = (1 - confidence) / 2
    with np.errstate(divide="ignore"):
        none = -np.expm1(np.log(1 - confidence) / n)
    low = np.where(k == n, 1 - none, np.where(k == 0, 0.0, betaincinv(k + 0.5, n - k + 0.5, tail)))
    high = np.where(k == 0, none, np.where(k == n, 1.0, betaincinv(k + 0.5, n - k + 0.5, 1 - tail)))
    return IntervalEnds(low, high)


def rate_interval(count: Any, exposure: Any, confidence: float = CONFIDENCE) -> IntervalEnds:
    """The interval of a rate of which `count` events in a time `exposure` told: the quantiles of Gamma(k + ½)/time
    (Jeffreys); where none was seen from 0 to −ln(1 − c)/time, near 3/time at 95 %.

    >>> low, high = rate_interval(100, 1e-6)
    >>> round(float(low) / 1e6, 1), round(float(high) / 1e6, 1)
    (81.8, 121.1)
    """
    from scipy.special import gammaincinv

    k, time = np.broadcast_arrays(np.asarray(count, float), np.asarray(exposure, float))
    tail = (1 - confidence) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(k == 0, 0.0, gammaincinv(k + 0.5, tail) / time)
        high = np.where(k == 0, -np.log(1 - confidence), gammaincinv(k + 0.5, 1 - tail)) / time
    return IntervalEnds(low, high)
