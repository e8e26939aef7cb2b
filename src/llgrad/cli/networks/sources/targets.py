"""Regression on the command line: signals with targets, or with what comes next, and linear taps beside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.cli.device_options import quantity
from llgrad.cli.networks.sources.signals import PART
from llgrad.datasets.samples.reading import has_targets, read_targets
from llgrad.datasets.samples.targets import TargetSet, TargetSignals
from llgrad.networks.prediction import error_of, targets_of
from llgrad.reservoir.readout import PENALTIES, fitted

MOST_TAPS: Final = 12
"""Frames that linear taps see."""
PIECE: Final = 100
"""Frames of a piece of a single long signal, where nobody says."""
OF_REGRESSION: Final = ("ahead", "piece", "washout")
"""Options that mean nothing without targets, by the names of their arguments."""


def is_regression(dataset: str, given: Mapping[str, Any]) -> bool:
    """Whether numbers are wanted at each frame: the file has targets, or what comes next is asked for."""
    return "ahead" in given or has_targets(dataset)


class TargetSource(NamedTuple):
    """Where signals with targets come from, and how they are cut and divided."""

    dataset: str
    test: str = PART
    ahead: int | None = None
    piece: int | None = None

    def load(self) -> TargetSet:
        """The signals. Raises ValueError, in one sentence, where they cannot be had."""
        name, _, text = self.test.partition("=")
        if name != "part" or not text:
            raise ValueError(
                f"--test {self.test}: of signals with targets the last part is kept to test, as in --test part=20%"
            )
        signals = read_targets(self.dataset, self.ahead)
        size = self.piece
        if size is None and len(signals) == 1:
            size = min(PIECE, signals.shape[0])
        title = os.path.splitext(os.path.basename(self.dataset))[0]
        return TargetSet.last_kept(signals.cut(size), quantity("--test part", text, "1"), title)

    def notes(self) -> dict[str, Any]:
        """What the run writes down, so that it finds its signals again from any folder."""
        return {
            "source": os.path.abspath(self.dataset),
            "target_rule": self.test,
            "ahead": self.ahead,
            "piece": self.piece,
        }

    @classmethod
    def of_notes(cls, begun: Mapping[str, Any], dataset: str | None) -> TargetSource:
        """The source of a run; what is given here goes before what the run has written down."""
        counts = (None if begun.get(name) is None else int(begun[name]) for name in ("ahead", "piece"))
        return cls(dataset or str(begun["source"]), str(begun["target_rule"]), *counts)


class Taps(NamedTuple):
    """What ridge regression on the last frames makes of the signals to test."""

    taps: int
    nrmse: float

    def in_words(self) -> str:
        """The line that stands beside the error of a network."""
        frames = "frame" if self.taps == 1 else f"{self.taps} frames"
        return f"linear taps, ridge regression on the last {frames}: NRMSE {self.nrmse:.4f}"

    def to_json(self) -> dict[str, Any]:
        """The same for JSON."""
        return {"linear_taps": {"taps": self.taps, "nrmse": self.nrmse}}


def taps_beside(data: TargetSet, network: Any) -> Taps:
    """Linear taps at the frames that a network answers: at each, the last twelve frames, or as many as there are before
    its first answer; the penalty is chosen on the last quarter of the signals to train.
    """
    read = np.array(network.answered(data.train.shape[0]))
    taps = min(MOST_TAPS, int(read[0]) + 1)
    seen, wanted = (_flat(_taken(data.train, taps, read)), _flat(data.train.labels[:, read].astype(np.float64)))
    found = fitted(seen, wanted, PENALTIES, 0.25)
    answers = found(_flat(_taken(data.test, taps, read))).reshape(len(data.test), read.size, -1)
    return Taps(taps, float(np.sqrt(error_of(answers, targets_of(network, data.test)))))


def _taken(signals: TargetSignals, taps: int, read: np.ndarray) -> np.ndarray:
    """The last frames before each that is read (n, frames read, taps F)."""
    before = read[:, None] - np.arange(taps)
    return signals.values[:, before].reshape(len(signals), read.size, -1).astype(np.float64)


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, values.shape[-1])
