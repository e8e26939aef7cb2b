"""`Reservoir`: an oscillator or an array that a signal drives, and a linear read-out of it, as an estimator."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.core.arguments.numbers import checked_number
from llgrad.devices.array import OscillatorArray
from llgrad.devices.arrays.system_array import SystemArray
from llgrad.devices.oscillator import Oscillator
from llgrad.kernels.steppers import RK4
from llgrad.reservoir.checking import (
    check_states,
    check_varies,
    checked_hold,
    checked_input,
    checked_mask,
    checked_model,
    checked_numbers,
    checked_read,
    checked_signal,
    checked_step,
)
from llgrad.reservoir.readout import PENALTIES, RidgeReadout, fitted, nrmse
from llgrad.reservoir.running import HeldState, Reading, SignalCourse, begun, count_of, operands, reading_of, run
from llgrad.reservoir.wiring import Wiring
from llgrad.solve.step_size import suggest_dt
from llgrad.solve.systems import step_of_system

PIECE: Final = 2**25
"""Bytes of states that are held at a time where a prediction does not need all of them."""


class Estimator:
    """scikit-learn's interface of what has its parameters in its constructor, without importing it."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments that it was made with, by name."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **changes: Any) -> Self:
        """The same object with other arguments. Raises ValueError for a name that it does not have, and for a value
        that it would not be made with."""
        if unknown := [name for name in changes if name not in self._names()]:
            raise ValueError(f"{type(self).__name__} has no {unknown[0]!r}; it has {', '.join(self._names())}")
        type(self)(**{**self.get_params(), **changes})
        for name, value in changes.items():
            setattr(self, name, value)
        return self

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls).parameters]

    def __repr__(self) -> str:
        usual = {name: one.default for name, one in inspect.signature(type(self)).parameters.items()}
        told = [f"{k}={_short(v)}" for k, v in self.get_params().items() if v is not usual[k] and k != "model"]
        return f"{type(self).__name__}({', '.join(told)})"

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags

        target = TargetTags(required=True, multi_output=True, one_d_labels=False)
        inputs = InputTags(one_d_array=True, two_d_array=True)
        return Tags(estimator_type="regressor", target_tags=target, regressor_tags=RegressorTags(), input_tags=inputs)


def _short(value: Any) -> str:
    return f"array{np.shape(value)}" if np.ndim(value) else repr(value) if not hasattr(value, "shape") else f"{value}"


class WithReadout(Estimator, abc.ABC):
    """What has states (T, K) of a signal, and reads them by ridge regression: the reservoirs and the baselines."""

    washout: Any
    noise: Any
    seed: Any
    penalties: Any
    validation: Any
    readout_: RidgeReadout
    """Weights, offset and penalty, after `fit`."""
    features: int = 1
    """Of a symbol of the signal that it was fitted on."""
    _seen: int | None = None
    """The same; None where states were fitted, whose signal is not known."""

    @abc.abstractmethod
    def states(self, signal: Float[ArrayLike, "T *F"]) -> np.ndarray:
        """What is read of each symbol, (T, K), the washout included."""

    def _check(self) -> None:
        """Raise ValueError for an argument that is none, once it is made; what takes a signal looks again."""
        checked_number("noise", self.noise, low=0.0)
        checked_number("seed", self.seed, low=0, whole=True)
        self._checked_penalties()

    def fit(self, signal: Float[ArrayLike, "T *F"], target: Float[ArrayLike, "T *Y"]) -> Self:
        """Find the read-out of a signal (T,) or (T, F) and its target (T,) or (T, Y).

        The first `washout` symbols are shown and not used. The penalty is chosen on the last part `validation` of the
        rest, and the read-out fitted again on all of it.
        """
        signal = checked_signal("signal", signal)
        wanted = checked_signal("target", target, len(signal))
        self._checked_readout(len(signal))
        self.fit_states(self.states(signal), wanted)
        self._flat, self.features = np.ndim(target) == 1, signal.shape[1]
        self._seen = signal.shape[1]
        return self

    def fit_states(self, states: np.ndarray, target: np.ndarray) -> Self:
        """Find the read-out of states (T, K) that are known already, and a target (T, Y)."""
        states = checked_signal("states", states)
        target = checked_signal("target", target, len(states))
        washout, part, penalties = self._checked_readout(len(states))
        check_states(states[washout:], -1, 0.0)
        self.readout_ = fitted(states[washout:], target[washout:], penalties, part)
        self._flat, self._seen = False, None
        return self

    def predict(self, signal: Float[ArrayLike, "T *F"]) -> np.ndarray:
        """The answers (T,) or (T, Y) to a signal, which begins where no symbol was shown before; those of the first
        `washout` symbols are of little use."""
        self._fitted()
        signal = checked_signal("signal", signal)
        self._check_features(signal)
        return self._shaped(self.readout_(self.states(signal)))

    def score(self, signal: Float[ArrayLike, "T *F"], target: Float[ArrayLike, "T *Y"]) -> float:
        """R² = 1 − NRMSE² after the washout, the mean over the targets: 1 is perfect, 0 the mean as an answer."""
        error = self.errors(signal, target)
        return float(np.mean(1 - error**2))

    def errors(self, signal: Float[ArrayLike, "T *F"], target: Float[ArrayLike, "T *Y"]) -> np.ndarray:
        """NRMSE (Y,) after the washout, of each target."""
        signal = checked_signal("signal", signal)
        wanted = checked_signal("target", target, len(signal))
        washout, _, _ = self._checked_readout(len(signal))
        check_varies(wanted[washout:])
        predicted = np.asarray(self.predict(signal)).reshape(len(signal), -1)
        return np.asarray(nrmse(predicted[washout:], wanted[washout:]))

    def _fitted(self) -> None:
        if not hasattr(self, "readout_"):
            raise ValueError(f"this {type(self).__name__} has no read-out yet; call fit(signal, target) first")

    def _check_features(self, signal: np.ndarray) -> None:
        if self._seen not in (None, signal.shape[1]):
            raise ValueError(f"the signal has {signal.shape[1]} features, expected {self._seen}, as in fit")

    def _shaped(self, values: np.ndarray) -> np.ndarray:
        return values[:, 0] if self._flat else values

    def _checked_penalties(self) -> tuple[int, float, tuple[float, ...]]:
        washout = checked_number("washout", self.washout, low=0, whole=True)
        part = checked_number("validation", self.validation, low=0.0)
        if not part < 1:
            raise ValueError(f"validation = {part}, expected the part of the signal that chooses the penalty, below 1")
        penalties = tuple(checked_number("penalties", one, low=0.0) for one in np.atleast_1d(self.penalties).tolist())
        if not penalties or (len(penalties) > 1 and part == 0):
            raise ValueError(
                f"{len(penalties)} penalties and a validation part of {part:g}: give one penalty, or a part"
                " to choose by"
            )
        return washout, part, penalties

    def _checked_readout(self, length: int) -> tuple[int, float, tuple[float, ...]]:
        washout, part, penalties = self._checked_penalties()
        if (length - washout) * (1 - part) < 2 or (len(penalties) > 1 and (length - washout) * part < 2):
            raise ValueError(
                f"the signal has {length} symbols, too few for a washout of {washout} and a validation part of {part:g}"
            )
        return washout, part, penalties


class Reservoir(WithReadout):
    """An oscillator, or an array, that a signal drives, with a linear read-out: fit(signal, target), predict, score.

    A symbol u_t of the signal is held for `hold`; during node i of it (there are `nodes`, of hold/nodes each) what acts
    on oscillator j is bias + gain Σ_f u_tf mask_fij, added to what the model has itself. At the end of each node the
    model is read. One oscillator with many nodes is time multiplexing (L. Appeltant et al., Nat. Commun. 2, 468
    (2011); recalled), and with `feedback` what was read acts again `delay` nodes later, held for a node.

    Args:
        model: Oscillator, OscillatorArray, System or SystemArray; it starts in its own start.
        hold: time of a symbol [s].
        input: what the signal acts on: "current", "field_x", "field_y", "field_z", or an input of a system.
        gain, bias: in the unit of that (A, T, …).
        nodes: virtual nodes in a symbol.
        mask: weights of shape (F, nodes, N), axes of one may be left out; None draws ±1 for several nodes, from −1 to 1
            for several oscillators.
        feedback: what acts per unit of the first number read. delay: after how many nodes; None is nodes + 1, so that a
            node feeds the next one (a delay of a whole symbol mixes no nodes: ar5iv.org/abs/2006.13404).
        read: names of components ("mx", "my", "mz"; of a system its own), or a function of the states (numbers or a
            tuple of them). None reads all components.
        noise: standard deviation of the noise of each reading, in parts of the rms deviation of all readings of the
            signal from their means (one detector for all nodes).
        dt: longest time step [s]; None as in `simulate`.
        washout: symbols at the beginning that are not used.
        penalties, validation: of the ridge regression, tried on the last part of the signal; λ = penalty · mean
            variance.
        seed: of mask, noise and temperature.

    Long signals go in pieces: states of 10⁶ symbols are (10⁶, K) numbers, a prediction of them, without `noise`, needs
    no such memory. Raises ValueError, one sentence each, for states that diverge or are constant, a NaN in the signal,
    a signal that is too short.

    >>> import llgrad as lg
    >>> from llgrad.reservoir import Reservoir, narma
    >>> device = lg.presets.kubota2013().replace(current=0.0, alpha=0.05, field=(0, 0, 0.3))
    >>> reservoir = Reservoir(device, hold=1e-9, input="field_x", gain=0.1, nodes=10, washout=20)
    >>> task = narma(2, length=300, seed=1)
    >>> reservoir.fit(task.signal, task.target).score(task.signal, task.target) > 0.5
    True
    """

    def __init__(
        self,
        model: Any,
        *,
        hold: float,
        input: str = "current",
        gain: float = 1.0,
        bias: Any = 0.0,
        nodes: int = 1,
        mask: Any = None,
        feedback: float = 0.0,
        delay: int | None = None,
        read: str | Sequence[str] | Callable[[Any], Any] | None = None,
        noise: float = 0.0,
        dt: float | None = None,
        washout: int = 100,
        penalties: Sequence[float] = PENALTIES,
        validation: float = 0.25,
        seed: int = 0,
    ):
        self.model, self.hold, self.input, self.gain, self.bias = model, hold, input, gain, bias
        self.nodes, self.mask, self.feedback, self.delay, self.read = nodes, mask, feedback, delay, read
        self.noise, self.dt, self.washout, self.seed = noise, dt, washout, seed
        self.penalties, self.validation = penalties, validation
        self._check()

    def _check(self) -> None:
        super()._check()
        checked_hold(self.hold)
        checked_number("nodes", self.nodes, low=1, whole=True)
        if self.delay is not None:
            checked_number("delay", self.delay, low=1, whole=True)
        if self.dt is not None:
            checked_step(self.dt)

    def states(self, signal: Float[ArrayLike, "T *F"]) -> np.ndarray:
        signal = checked_signal("signal", signal)
        course = self.course(signal)
        read = np.asarray(course.read, dtype=float)
        washout = checked_number("washout", self.washout, low=0, whole=True)
        check_states(read[washout if len(read) > washout + 1 else 0 :], int(course.failed), float(self.hold))
        return self.noisy(read)

    def course(self, signal: Float[ArrayLike, "T *F"], held: HeldState | None = None) -> SignalCourse:
        """What is read of a signal (T, F) without noise, and where the oscillators stand after it: as `held`, a signal
        that never ends goes on from there, piece by piece."""
        signal = checked_signal("signal", signal)
        wiring = self.wiring(signal.shape[1])
        channel, reading = checked_input(self.model, self.input), self.reading
        if held is None:
            held = begun(self.model, wiring, reading)
        dtype = jnp.result_type(float)
        wiring = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), wiring)
        return _run(operands(self.model), wiring, channel, reading, jnp.asarray(signal, dtype), held, self._key())

    def predict(self, signal: Float[ArrayLike, "T *F"]) -> np.ndarray:
        self._fitted()
        signal = checked_signal("signal", signal)
        self._check_features(signal)
        wide = self.readout_.weights.shape[0]
        size = max(1, PIECE // (8 * wide))
        if len(signal) <= size or self.noise:
            return super().predict(signal)
        held, answers = None, []
        for first in range(0, len(signal), size):
            course = self.course(signal[first : first + size], held)
            held, read = course.held, np.asarray(course.read, dtype=float)
            check_states(read, int(course.failed), float(self.hold))
            answers.append(self.readout_(read))
        return self._shaped(np.concatenate(answers))

    def noisy(self, read: np.ndarray) -> np.ndarray:
        """Readings (T, K) with the noise of the read-out, of the seed and the length."""
        noise = checked_number("noise", self.noise, low=0.0)
        if not noise:
            return read
        size = noise * float(np.sqrt(read.var(axis=0).mean()))
        rng = np.random.default_rng([checked_number("seed", self.seed, low=0, whole=True), len(read)])
        return read + size * rng.standard_normal(read.shape)

    @property
    def reading(self) -> Reading:
        """What reads the states."""
        model = checked_model(self.model)
        if callable(self.read):
            return self.read
        if self.read is None:
            member = getattr(model, "system", model)
            device = isinstance(model, (Oscillator, OscillatorArray))
            names = ("mx", "my", "mz") if device else tuple(member.signals(member.start())[len(member.outputs) :])
            return reading_of(model, names or tuple(member.outputs))
        return reading_of(model, checked_read(self.read))

    def wiring(self, features: int = 1) -> Wiring:
        """How a signal of so many features reaches the model."""
        model = checked_model(self.model)
        features = checked_number("features", features, low=1, whole=True)
        hold, count = checked_hold(self.hold), count_of(model)
        nodes = checked_number("nodes", self.nodes, low=1, whole=True)
        steps = max(1, int(np.ceil(hold / nodes / self._step() * (1 - 1e-9))))
        mask = self._drawn(features, nodes, count) if self.mask is None else self.mask
        mask = checked_mask(mask, features, nodes, count)
        bias = checked_numbers("bias", self.bias, f"one number, or ({count},)")
        if bias.shape not in ((), (count,)):
            raise ValueError(f"bias has the shape {bias.shape}, expected one finite number, or ({count},)")
        feedback = checked_number("feedback", self.feedback)
        wanted = nodes + 1 if self.delay is None else checked_number("delay", self.delay, low=1, whole=True)
        gain = checked_number("gain", self.gain)
        return Wiring(mask, gain, bias, feedback, hold, steps, wanted if feedback or self.delay is not None else 0)

    def _step(self) -> float:
        if self.dt is not None:
            return checked_step(self.dt)
        if isinstance(self.model, (Oscillator, OscillatorArray)):
            return suggest_dt(self.model)
        return step_of_system(self.model, {}, RK4(), None)

    def _drawn(self, features: int, nodes: int, count: int) -> np.ndarray:
        rng = np.random.default_rng(checked_number("seed", self.seed, low=0, whole=True))
        shape = (features, nodes, count)
        if count > 1:
            return rng.uniform(-1, 1, shape)
        return rng.choice([-1.0, 1.0], shape) if nodes > 1 or features > 1 else np.ones(shape)

    def _key(self) -> Any:
        """The key of thermal noise; None for a model that has none."""
        model = self.model
        if isinstance(model, (Oscillator, OscillatorArray)):
            device = model.oscillator if isinstance(model, OscillatorArray) else model
            warm = bool(np.any(np.asarray(device.temperature) > 0))
        else:
            warm = (model.system if isinstance(model, SystemArray) else model).noises > 0
        return jax.random.key(self.seed) if warm else None


@eqx.filter_jit
def _run(model: Any, wiring: Any, channel: str, reading: Any, signal: Any, held: Any, key: Any) -> SignalCourse:
    return run(model, wiring, channel, reading, signal, held, key)
