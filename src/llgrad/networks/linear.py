"""A linear classifier of signals, by which it is told how much a front end does alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_count, checked_number
from llgrad.datasets.signals.frames.augment import SignalAugmentation
from llgrad.datasets.signals.sets import SignalSet
from llgrad.datasets.signals.signals import Signals


class LinearSoftmax(NamedTuple):
    """What a linear softmax made of a set of signals.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> frames, labels = rng.normal(size=(60, 4, 2)), np.arange(60) % 2
    >>> frames[:, 1] += labels[:, None]
    >>> data = lg.data.SignalSet.stratified(lg.data.Signals(frames, labels))
    >>> found = lg.networks.linear_softmax(data, penalties=[1.0, 10.0])
    >>> found.accuracy == 1 - found.errors / found.tested
    True
    """

    predictions: np.ndarray
    """The class of each signal to test (n,), int32."""
    errors: int
    """How many of them are wrong."""
    tested: int
    """How many there are."""
    penalty: float
    """λ, chosen on validation."""
    validation: dict[float, float]
    """The accuracy on validation by each λ tried."""
    logits: np.ndarray
    """ln p of each class for each signal to test (n, classes); −∞ of a class that none was trained on."""

    @property
    def accuracy(self) -> float:
        """The part of the signals to test that is right."""
        return 1 - self.errors / self.tested

    def __repr__(self) -> str:
        return (
            f"LinearSoftmax: {self.errors} of {self.tested} wrong ({self.accuracy:.2%} right), λ = {self.penalty:g} "
            f"with {self.validation[self.penalty]:.2%} on validation"
        )


def linear_softmax(
    data: SignalSet,
    penalties: Iterable[float] = (1.0, 10.0, 100.0, 1000.0),
    by: str = "stratified",
    seed: int = 0,
    augmentation: SignalAugmentation | None = None,
    copies: int = 4,
    front: Callable[[Signals], Signals] | None = None,
) -> LinearSoftmax:
    """A softmax that is linear in all features of all frames, trained on `data.train` and tested once on `data.test`.

        p(c | u) ∝ exp(w_c · z + b_c),   minimise Σ −ln p(label | u) + λ/2 Σ_c |w_c|²,

    where z is u (T F,), each of its entries less its mean over the signals to train and divided by its standard
    deviation there. λ is the one of `penalties` with the best accuracy on validation signals out of `data.train` (the
    larger of equals), after which all of `data.train` is learned from. scikit-learn's LogisticRegression solves it.

    Args:
        data: signals of one number of frames, as `data.through(Segments(8))` makes them, or `front` does here.
        penalties: values of λ to try.
        by: "stratified", a fifth of each class for validation, or "groups", each group in turn, with the mean accuracy.
        seed: draws the validation signals of "stratified", and the copies.
        augmentation: changes of the signals to train, as in `Recipe`, in `copies` of them that are learned from too.
        copies: how many; λ counts for each signal once, however many copies there are of it.
        front: a front end that comes behind the changes, such as `Segments(8)` of signals of different lengths.

    Raises ValueError for signals of different lengths, a single class, and a penalty that is not positive.

    >>> rng = np.random.default_rng(0)
    >>> frames, labels = rng.normal(size=(60, 4, 2)), np.arange(60) % 2
    >>> frames[:, 1] += labels[:, None]
    >>> linear_softmax(SignalSet.stratified(Signals(frames, labels)), penalties=[1.0, 10.0]).accuracy > 0.7
    True
    """
    check_kind("data", data, SignalSet, "divide signals by SignalSet.by_index, by_group or stratified")
    given = penalties if isinstance(penalties, Iterable) and not isinstance(penalties, str) else [penalties]
    tried = sorted({checked_number("penalties", one, expected="positive numbers") for one in given}, reverse=True)
    if not tried or tried[-1] <= 0:
        raise ValueError(f"penalties = {penalties!r}, expected positive numbers, at least one")
    if by not in ("stratified", "groups"):
        raise ValueError(f"by = {by!r}, expected 'stratified' or 'groups'")
    if augmentation is not None:
        check_kind(
            "augmentation", augmentation, SignalAugmentation, "such as lg.training.SignalAugmentation(stretch=0.1)"
        )
    seed = checked_count("seed", seed, 0)
    changes = _Changes(augmentation, checked_number("copies", copies, low=1, whole=True), seed, front)
    folds = SignalSet.each_group(data.train) if by == "groups" else [SignalSet.stratified(data.train, 0.2, seed)]
    seen = [changes.of(fold) for fold in folds]
    count = len(data.train.classes)
    found = {λ: float(np.mean([_wrong(fold, λ, count) for fold in seen])) for λ in tried}
    best = min(tried, key=lambda λ: found[λ])
    logits = _logits(changes.of(data), best, count)
    predictions = logits.argmax(axis=1).astype(np.int32)
    errors = int((predictions != data.test.labels).sum())
    return LinearSoftmax(predictions, errors, len(data.test), best, {λ: 1 - part for λ, part in found.items()}, logits)


class _Seen(NamedTuple):
    """Features (n, T F) to learn from and to test, with the labels."""

    train: np.ndarray
    labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    copies: int
    """How often each signal to train is there."""


class _Changes(NamedTuple):
    """What is done to the signals to train, and then to all."""

    augmentation: SignalAugmentation | None
    copies: int
    seed: int
    front: Callable[[Signals], Signals] | None

    def of(self, data: SignalSet) -> _Seen:
        """The features of a set. Raises ValueError for signals of different lengths."""
        if self.augmentation is not None:
            data = SignalSet(self.augmentation.copies(data.train, self.copies, self.seed), data.test)
        data = data if self.front is None else data.through(self.front)
        length = _length(data)
        often = 1 if self.augmentation is None else self.copies + 1
        return _Seen(_flat(data.train, length), data.train.labels, _flat(data.test, length), data.test.labels, often)


def _wrong(seen: _Seen, penalty: float, count: int) -> float:
    """The part of the signals to test that is wrong."""
    return float((_logits(seen, penalty, count).argmax(axis=1) != seen.test_labels).mean())


def _logits(seen: _Seen, penalty: float, count: int) -> np.ndarray:
    """What a softmax finds for the signals to test: ln p of each of `count` classes."""
    from scipy.special import log_softmax
    from sklearn.linear_model import LogisticRegression  # late: llgrad is imported without scikit-learn
    from threadpoolctl import threadpool_limits  # which scikit-learn needs

    if np.unique(seen.labels).size < 2:
        raise ValueError("the signals to train are of one class, expected at least two")
    mean, spread = seen.train.mean(axis=0), seen.train.std(axis=0)
    spread = np.where(spread > 1e-12 * np.abs(mean).max(), spread, 1.0)  # a feature that never changes says nothing
    model: Any = LogisticRegression(C=1 / (penalty * seen.copies), max_iter=2000)
    with threadpool_limits(
        1
    ):  # many small products: on a busy machine, threads of BLAS that wait took 50 times as long
        model.fit((seen.train - mean) / spread, seen.labels)
    told = model.decision_function((seen.test - mean) / spread)
    if told.ndim == 1:  # of two classes, the logarithm of their odds
        told = np.stack([np.zeros_like(told), told], axis=1)
    logits = np.full((len(told), count), -np.inf)
    logits[:, model.classes_] = log_softmax(told, axis=1)
    return logits


def _length(data: SignalSet) -> int:
    lengths = np.concatenate([data.train.lengths, data.test.lengths])
    if (lengths != lengths[0]).any():
        raise ValueError(
            f"the signals have {lengths.min()} to {lengths.max()} frames, expected one number for a linear softmax; "
            "cut them into equal numbers, as by data.through(Segments(8))"
        )
    return int(lengths[0])


def _flat(signals: Signals, length: int) -> np.ndarray:
    return signals.values.reshape(len(signals), length * signals.features).astype(np.float64)
