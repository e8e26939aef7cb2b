"""What a reservoir is compared with: the symbols of before themselves, and an echo-state network of equal size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.numbers import checked_number
from llgrad.reservoir.checking import checked_signal
from llgrad.reservoir.estimator import WithReadout
from llgrad.reservoir.readout import PENALTIES


class LinearTaps(WithReadout):
    """The last `taps` symbols themselves, u_t … u_{t−taps+1}, and the same read-out: what needs no reservoir.

    >>> from llgrad.reservoir import narma
    >>> task = narma(10, length=1500)
    >>> LinearTaps(taps=12).fit(task.signal, task.target).errors(task.signal, task.target).round(1).tolist()
    [0.4]
    """

    def __init__(
        self,
        taps: int = 12,
        *,
        noise: float = 0.0,
        washout: int = 100,
        penalties: Sequence[float] = PENALTIES,
        validation: float = 0.25,
        seed: int = 0,
    ):
        self.taps, self.noise, self.washout, self.seed = taps, noise, washout, seed
        self.penalties, self.validation = penalties, validation
        self._check()

    def _check(self) -> None:
        super()._check()
        checked_number("taps", self.taps, low=1, whole=True)

    def states(self, signal: Float[ArrayLike, "T *F"]) -> np.ndarray:
        signal = checked_signal("signal", signal)
        taps = checked_number("taps", self.taps, low=1, whole=True)
        if taps > len(signal):
            raise ValueError(f"taps = {taps}, and the signal has {len(signal)} symbols; give a longer signal")
        padded = np.concatenate([np.zeros((taps - 1, signal.shape[1])), signal])
        windows = np.lib.stride_tricks.sliding_window_view(padded, taps, axis=0)
        return _noisy(windows[:, :, ::-1].reshape(len(signal), -1), self.noise, self.seed)


class EchoStateNetwork(WithReadout):
    """x_{t+1} = (1 − leak) x_t + leak tanh(W x_t + gain W_in u_t + bias b), a tanh network of `size` units.

    W has normal weights, a part `density` of them, and the spectral radius `radius`; W_in and b are even in [−1, 1].

    Source: H. Jaeger, GMD Report 148 (2001) (recalled).

    >>> from llgrad.reservoir import narma
    >>> task = narma(10, length=2000)
    >>> network = EchoStateNetwork(size=100, gain=1.0, radius=0.9).fit(task.signal, task.target)
    >>> bool(network.errors(task.signal, task.target)[0] < 0.6)
    True
    """

    def __init__(
        self,
        size: int = 100,
        *,
        radius: float = 0.9,
        gain: float = 1.0,
        bias: float = 0.0,
        leak: float = 1.0,
        density: float = 0.1,
        noise: float = 0.0,
        washout: int = 100,
        penalties: Sequence[float] = PENALTIES,
        validation: float = 0.25,
        seed: int = 0,
    ):
        self.size, self.radius, self.gain, self.bias, self.leak = size, radius, gain, bias, leak
        self.density, self.noise, self.washout, self.seed = density, noise, washout, seed
        self.penalties, self.validation = penalties, validation
        self._check()

    def _check(self) -> None:
        super()._check()
        checked_number("size", self.size, low=1, whole=True)
        checked_number("radius", self.radius, low=0.0)
        for name in ("gain", "bias"):
            checked_number(name, getattr(self, name))
        for name in ("leak", "density"):
            if not 0 < checked_number(name, getattr(self, name)) <= 1:
                raise ValueError(f"{name} = {getattr(self, name)!r}, expected a part above 0 and up to 1")

    def states(self, signal: Float[ArrayLike, "T *F"]) -> np.ndarray:
        self._check()
        signal, size, leak = checked_signal("signal", signal), int(self.size), float(self.leak)
        rng = np.random.default_rng(checked_number("seed", self.seed, low=0, whole=True))
        weights = rng.standard_normal((size, size)) * (rng.random((size, size)) < self.density)
        largest = float(np.abs(np.linalg.eigvals(weights)).max())
        if largest == 0:
            raise ValueError(f"density = {self.density!r} leaves no weights; give a larger one")
        weights *= self.radius / largest
        acting = self.gain * signal @ rng.uniform(-1, 1, (signal.shape[1], size)) + self.bias * rng.uniform(-1, 1, size)
        states, x = np.empty((len(signal), size)), np.zeros(size)
        for t, now in enumerate(acting):
            x = (1 - leak) * x + leak * np.tanh(weights @ x + now)
            states[t] = x
        return _noisy(states, self.noise, self.seed)


def _noisy(states: np.ndarray, noise: Any, seed: int) -> np.ndarray:
    """The noise of a `Reservoir`'s read-out."""
    noise = checked_number("noise", noise, low=0.0)
    if not noise:
        return states
    size = noise * float(np.sqrt(states.var(axis=0).mean()))
    return states + size * np.random.default_rng([seed, len(states)]).standard_normal(states.shape)
