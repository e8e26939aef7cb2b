"""A recording whose predictions are of states that are looked for, not simulated, and come with their slopes."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from llgrad.fitting.targets.recording import Recording


class PredictedRecording(NamedTuple):
    """What is predicted for a recording."""

    predicted: np.ndarray
    """(T, 1)."""
    residuals: np.ndarray
    """Over their σ, (T,)."""
    slopes: np.ndarray
    """Theirs by the parameters [SI], (T, p)."""
    near: Any
    """The orbits behind it; nothing for a loop."""


class LinePrediction(NamedTuple):
    """What is predicted with the free ones of gain and offset as parameters of their own."""

    values: np.ndarray
    """Of those, at their best (k,)."""
    predicted: np.ndarray
    """(T, 1)."""
    slopes: np.ndarray
    """Of the residuals over their σ by the parameters and by these, (T, p + k)."""


class Sought(Recording):
    """What is predicted from orbits, or from states at rest, that are found one recording after the other."""

    near: eqx.AbstractVar[Any]
    """What it is looked for near; nothing where it follows from the parameters alone."""

    @abc.abstractmethod
    def seen(self, values: Any, m0: Any, near: Any) -> PredictedRecording:
        """What is predicted at parameters (p,) [SI] and a reference state, of what is found near others."""

    def seen_of_each(self, values: Any, m0: Any, near: Any) -> list[PredictedRecording]:
        """The same of several sets of parameters (S, p), each with a state and what is looked near."""
        return [self.seen(*one) for one in zip(values, m0, near, strict=True)]

    def seen_on_line(self, values: Any, m0: Any, near: Any) -> LinePrediction:
        """The same with gain and offset apart."""
        seen = self.seen(values, m0, near)
        return LinePrediction(np.zeros(0), seen.predicted, seen.slopes)
