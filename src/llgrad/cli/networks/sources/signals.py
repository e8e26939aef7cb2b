"""Signals on the command line: where they come from, what is kept to test, and the front ends before a network."""

from __future__ import annotations

import os
import pathlib
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from llgrad.cli.device_options import names_in, quantity
from llgrad.datasets.signals.frames.augment import SignalAugmentation
from llgrad.datasets.signals.frames.shaping import Deltas, Normalised, Trimmed
from llgrad.datasets.signals.fronts import LogMel, RawSamples, Segments
from llgrad.datasets.signals.reading import TABLES, read_signals
from llgrad.datasets.signals.sets import SignalSet
from llgrad.datasets.signals.signals import Signals
from llgrad.networks.linear import LinearSoftmax, linear_softmax

FRONTS: Final = {
    "logmel": LogMel,
    "raw": RawSamples,
    "trimmed": Trimmed,
    "normalised": Normalised,
    "deltas": Deltas,
    "segments": Segments,
}
UNITS: Final = {"window": "s", "hop": "s", "low": "Hz", "high": "Hz"}
"""Of settings that are quantities; a number without one is in it."""
PART: Final = "part=20%"
"""What is kept to test where nobody says."""
LINEAR_SEGMENTS: Final = 8
"""Parts into which signals of different lengths are cut for a linear softmax."""


def is_signals(dataset: str) -> bool:
    """Whether a name is that of signals, and not of images: a folder, a zip, a table, or an .npz with `signals`."""
    path = pathlib.Path(dataset)
    if path.is_dir() or path.suffix.lower() in (".zip", *TABLES):
        return True
    if path.suffix.lower() != ".npz" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "signals.npy" in archive.namelist()


class SignalSource(NamedTuple):
    """Where signals come from, and how they are divided and seen."""

    dataset: str
    test: str = PART
    fronts: tuple[str, ...] = ()
    split: int = 0

    def load(self) -> SignalSet:
        """The signals. Raises ValueError, in one sentence, where they cannot be had."""
        made = [_front(text) for text in self.fronts]
        data = _divided(read_signals(self.dataset), self.test, self.split)
        for front in made:
            data = data.through(front)
        return data

    def notes(self) -> dict[str, Any]:
        """What the run writes down, so that it finds its signals again from any folder."""
        return {
            "source": os.path.abspath(self.dataset),
            "test_rule": self.test,
            "fronts": list(self.fronts),
            "split": self.split,
        }

    @classmethod
    def of_notes(cls, begun: Mapping[str, Any], dataset: str | None) -> SignalSource:
        """The source of a run; what is given here goes before what the run has written down."""
        fronts = tuple(map(str, begun.get("fronts") or ()))
        return cls(dataset or str(begun["source"]), str(begun.get("test_rule") or PART), fronts, int(begun["split"]))


def _divided(signals: Signals, rule: str, split: int) -> SignalSet:
    """The signals in two parts. Raises ValueError for a rule that is none."""
    name, _, text = rule.partition("=")
    if name != "part" and split:
        raise ValueError(f"--split draws what --test part keeps, and --test {rule} draws nothing; leave it out")
    if name == "group" and text:
        return SignalSet.by_group(signals, names_in("--test group", text))
    if name == "index" and text:
        low, _, high = text.partition(":")
        if low.isdecimal() and (high or low).isdecimal():
            return SignalSet.by_index(signals, range(int(low), int(high or low) + 1))
    if name == "part" and text:
        return SignalSet.stratified(signals, quantity("--test part", text, "1"), split)
    raise ValueError(
        f"--test {rule}, expected part=20%, index=0:4 (the repetitions 0 to 4), or group=NAME (a speaker, or several)"
    )


def _front(text: str) -> Callable[[Signals], Signals]:
    """The front end of an option: logmel:channels=16,centred=yes. Raises ValueError for one that is none."""
    name, _, rest = text.partition(":")
    kind: Any = FRONTS.get(name)
    if kind is None:
        raise ValueError(f"--front {text}: there is no {name!r}; expected {', '.join(FRONTS)}")
    return kind(**_settings(f"--front {text}", rest, kind()))


def augmentation_of(text: str) -> SignalAugmentation:
    """The changes of an option: stretch=10%,time_mask=4. Raises ValueError for what is none."""
    return SignalAugmentation(**_settings(f"--augment {text}", text, SignalAugmentation()))


def _settings(option: str, text: str, known: Any) -> dict[str, Any]:
    """The values NAME=VALUE,… of an option. Raises ValueError for a name that `known` has not."""
    given = {}
    for part in text.split(",") if text else ():
        key, _, value = (one.strip() for one in part.partition("="))
        if key in given:
            raise ValueError(f"{option}: {key} is given twice; give it once")
        if key not in known.__dict__ or not value:
            raise ValueError(f"{option}: expected NAME=VALUE of {', '.join(known.__dict__)}, such as {_such(known)}")
        given[key] = _value(option, key, value, known.__dict__[key])
    return given


def _such(front: Any) -> str:
    key, value = next(iter(front.__dict__.items()))
    return f"{key}={value}"


def _value(option: str, key: str, text: str, usual: Any) -> Any:
    if isinstance(usual, bool):
        if text not in ("yes", "no"):
            raise ValueError(f"{option}: {text} is neither yes nor no")
        return text == "yes"
    if key in UNITS and text[-1:].isalpha():
        return quantity(f"{option}: {key}", text, UNITS[key])
    try:
        if isinstance(usual, int):
            return int(text)
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise ValueError(f"{option}: {text!r} is no {'whole ' * isinstance(usual, int)}number") from None


def linear_beside(data: Any, augmentation: SignalAugmentation | None = None) -> LinearSoftmax | None:
    """What a linear softmax makes of the same features, and of changed copies of them; None for images."""
    if not isinstance(data, SignalSet):
        return None
    front = None if _of_one_length(data) else Segments(LINEAR_SEGMENTS)
    return linear_softmax(data, augmentation=augmentation, front=front)


def _of_one_length(data: SignalSet) -> bool:
    lengths = np.concatenate([data.train.lengths, data.test.lengths])
    return bool((lengths == lengths[0]).all())


def linear_in_words(found: LinearSoftmax, data: Any, augmented: bool = False) -> str:
    """The line that stands beside the accuracy of a network."""
    cut = "" if _of_one_length(data) else f", each signal in {LINEAR_SEGMENTS} parts"
    return (
        f"a linear softmax on the same features{', augmented' * augmented}{cut}: accuracy {found.accuracy:.2%} "
        f"({found.tested - found.errors} of {found.tested} signals)"
    )


def linear_entry(found: LinearSoftmax) -> dict[str, Any]:
    """The same for JSON."""
    return {"linear_softmax": {"accuracy": found.accuracy, "errors": found.errors, "penalty": found.penalty}}
