"""Labelled signals, each a course of frames of its own length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int

from llgrad.core.arguments.kinds import check_kind
from llgrad.core.arguments.numbers import checked_count
from llgrad.core.units import show
from llgrad.datasets.images.images import Images
from llgrad.datasets.samples.sequences import Index, Sequences


class Signals(eqx.Module):
    """n signals, signal i of `lengths[i]` frames of F features each, with the number of its class, `labels[i]`.

    The frames of all signals stand one behind the other in `values` (all frames, F), NumPy float32, so that no memory
    goes into padding; `padded` gives them as (B, T, F) with a mask. All arrays are read-only.

    Args:
        signals: an array (n, T, F), or (n, T) of one feature; or a list of n arrays (T_i, F) or (T_i,).
        labels: whole numbers (n,): the class of each signal, from 0.
        classes: the names of the classes; their numbers if not given.
        lengths: frames of each signal (n,), for an array whose signals are padded; what is behind them is dropped.
        groups: a name for each signal (n,), such as its speaker; None where there are none.
        indices: whole numbers (n,) from 0: which repetition each signal is; None where that is not known.
        rate: frames per second [Hz]; None where that is not known.
        name: what the signals are called.
        sha256: the hash of the file they came from, by its name.
        made: what was done to them since, one word or sentence each.

    Raises ValueError, in one sentence, for frames of different widths, a value that is not finite, a signal without a
    frame, labels that are missing or no class, and lengths, groups or indices that do not fit.

    >>> signals = Signals([[0.0, 0.5, 1.0], [1.0, 0.0]], [0, 1], ["up", "down"], groups=["s1", "s2"], rate=8e3)
    >>> signals
    Signals: 2 of 2 to 3 frames of 1 feature, 2 classes, 2 groups, 8 kHz
    >>> values, mask = signals.padded()
    >>> values[..., 0].tolist(), mask.tolist()
    ([[0.0, 0.5, 1.0], [1.0, 0.0, 0.0]], [[True, True, True], [True, True, False]])
    >>> signals.take([1]).one(0).tolist(), signals.counts.tolist()
    ([[1.0], [0.0]], [1, 1])
    """

    values: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    groups: np.ndarray | None
    """The number of each signal's group, in `group_names`."""
    indices: np.ndarray | None
    classes: tuple[str, ...] = eqx.field(static=True)
    group_names: tuple[str, ...] = eqx.field(static=True)
    rate: float | None = eqx.field(static=True)
    name: str = eqx.field(static=True)
    sha256: dict[str, str] = eqx.field(static=True)
    made: tuple[str, ...] = eqx.field(static=True)

    def __init__(
        self,
        signals: Any,
        labels: Any,
        classes: Iterable[str] | None = None,
        *,
        lengths: Any = None,
        groups: Any = None,
        indices: Any = None,
        rate: float | None = None,
        name: str = "signals",
        sha256: Mapping[str, str] | None = None,
        made: Iterable[str] = (),
    ):
        values, self.lengths = _laid_out(signals, lengths)
        count = self.lengths.size
        self.values = _read_only(_finite(values, self.lengths))
        self.labels, self.classes = _labelled(labels, classes, count)
        self.group_names, self.groups = _grouped(groups, count)
        self.indices = None if indices is None else _whole_numbers("indices", indices, count)
        self.rate = None if rate is None else checked_rate(rate)
        self.name = str(name)
        self.sha256 = dict(sha256 or {})
        self.made = tuple(made)

    @classmethod
    def from_images(
        cls,
        images: Images,
        by: str | None = None,
        frames: int | None = None,
        permuted: int | None = None,
        name: str = "images",
        sha256: Mapping[str, str] | None = None,
    ) -> Signals:
        """Images (H, W) as signals, their pixels from 0 to 1, line after line; `SignalSet.from_images` says more."""
        check_kind("images", images, Images, "give a part of what lg.load_images gives, such as its train")
        count = _cut(images, by, frames)
        how = f"images in {count} {'frame' if count == 1 else 'frames'}"
        if permuted is not None:
            images, how = images.permuted(permuted), f"{how}, pixels permuted with seed {permuted}"
        frames_of_all = images.scaled().reshape(len(images), count, -1)
        return cls(frames_of_all, images.labels, images.classes, name=name, sha256=sha256, made=(how,))

    def __len__(self) -> int:
        return self.lengths.size

    @property
    def features(self) -> int:
        """Features of a frame."""
        return self.values.shape[1]

    @property
    def longest(self) -> int:
        """Frames of the longest signal."""
        return int(self.lengths.max())

    @property
    def shape(self) -> tuple[int, int]:
        """Frames of the longest signal, and features of a frame (T, F)."""
        return self.longest, self.features

    @property
    def mean(self) -> np.ndarray:
        """The mean frame (F,)."""
        return self.values.mean(axis=0, dtype=np.float64).astype(np.float32)

    @property
    def spread(self) -> np.ndarray:
        """The standard deviation of each feature over all frames (F,); 1 of one that never changes."""
        found = self.values.std(axis=0, dtype=np.float64).astype(np.float32)
        return np.where(found > 0, found, np.float32(1))

    @property
    def counts(self) -> np.ndarray:
        """How many signals each class has (classes,)."""
        return np.bincount(self.labels, minlength=len(self.classes))

    @property
    def starts(self) -> np.ndarray:
        """Where each signal begins in `values` (n,)."""
        return np.concatenate([[0], np.cumsum(self.lengths, dtype=np.int64)[:-1]])

    def one(self, number: int) -> np.ndarray:
        """Signal `number` (T, F)."""
        start = self.starts[number]
        return self.values[start : start + self.lengths[number]]

    def pieces(self) -> list[np.ndarray]:
        """All signals, each (T_i, F): views, not copies."""
        return np.split(self.values, self.starts[1:])

    def padded(self, index: Index | None = None, frames: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The signals at `index` (all of them without one), zero behind their ends, and where they have not ended.

        `frames`: T; the longest of the signals at `index` if not given. Returns values (B, T, F), float32, and the
        mask (B, T). Raises ValueError for a signal that is longer than `frames`.
        """
        chosen = np.arange(len(self)) if index is None else np.arange(len(self))[index].reshape(-1)
        lengths, starts = self.lengths[chosen], self.starts[chosen]
        most = int(lengths.max(initial=1)) if frames is None else checked_count("frames", frames, 1)
        if (late := np.flatnonzero(lengths > most)).size:
            raise ValueError(
                f"signal {chosen[late[0]]} has {lengths[late[0]]} frames, expected at most frames = {most}; "
                "give more frames, or cut the signals into equal numbers by Segments"
            )
        mask = np.arange(most)[None] < lengths[:, None]
        values = np.zeros((chosen.size, most, self.features), np.float32)
        values[mask] = self.values[(starts[:, None] + np.arange(most)[None])[mask]]
        return values, mask

    def batch(self, index: Index) -> np.ndarray | Sequences:
        """What a network is given of the signals at `index`: (B, T, F), with their lengths where those differ."""
        values, _ = self.padded(index, self.longest)
        if (self.lengths == self.longest).all():
            return values
        return Sequences(values, self.lengths[index].reshape(-1))

    def take(self, index: Index) -> Signals:
        """The signals at `index`: numbers, a slice, or a mask (n,). Classes and names of groups stay what they are."""
        chosen = np.atleast_1d(np.arange(len(self))[index])
        if not chosen.size:
            raise ValueError("no signal is left; choose at least one")
        starts = self.starts
        kept = [self.values[starts[i] : starts[i] + self.lengths[i]] for i in chosen]
        return self._with(np.concatenate(kept), self.lengths[chosen], self.made, chosen)

    def replaced(
        self,
        values: Float[np.ndarray, "frames F"],
        lengths: Int[np.ndarray, "n"] | Sequence[int],
        rate: float | None,
        how: str,
    ) -> Signals:
        """Other frames of the same signals, with all else that is known of them; `how` says what was done."""
        lengths = np.asarray(lengths)
        flat = _finite(np.asarray(values, np.float32), lengths)
        return self._with(flat, lengths, (*self.made, how), slice(None), rate=rate)

    def _with(self, values: np.ndarray, lengths: np.ndarray, made: tuple[str, ...], chosen: Any, **changed: Any) -> Any:
        """Signals like these, without another look at what was looked at already."""
        other = object.__new__(type(self))
        fields = {name: getattr(self, name) for name in ("classes", "group_names", "rate", "name", "sha256")} | changed
        arrays = {name: getattr(self, name) for name in ("labels", "groups", "indices")}
        fields |= {name: None if array is None else _read_only(array[chosen]) for name, array in arrays.items()}
        fields |= {"values": _read_only(values), "lengths": _read_only(lengths.astype(np.int32)), "made": made}
        for name, value in fields.items():
            object.__setattr__(other, name, value)
        return other

    def __repr__(self) -> str:
        parts = [f"{len(self)} of {size_of(self.lengths, self.features)}", f"{len(self.classes)} classes"]
        if self.groups is not None:
            parts.append(f"{len(self.group_names)} groups")
        if self.rate is not None:
            parts.append(show(self.rate, "Hz"))
        return f"Signals: {', '.join(parts)}"


def size_of(lengths: np.ndarray, features: int) -> str:
    """How many frames of how many features, in words."""
    low, high = int(lengths.min()), int(lengths.max())
    frames = f"{low} to {high} frames" if low < high else f"{high} {'frame' if high == 1 else 'frames'}"
    return f"{frames} of {features} {'feature' if features == 1 else 'features'}"


def _laid_out(signals: Any, lengths: Any) -> tuple[np.ndarray, np.ndarray]:
    """All frames (all, F) in float32, and the number of each signal's own."""
    if isinstance(signals, np.ndarray) or (hasattr(signals, "__array__") and not isinstance(signals, (list, tuple))):
        array = _numbers("the signals", signals)
        if array.ndim not in (2, 3) or not array.size:
            raise ValueError(
                f"the signals have the shape {array.shape}, expected (n, frames, features) or (n, frames), at least one"
            )
        array = array[..., None] if array.ndim == 2 else array
        kept = _lengths(lengths, array.shape[0], array.shape[1])
        return array[np.arange(array.shape[1])[None] < kept[:, None]], kept
    if not isinstance(signals, (list, tuple)) or not signals:
        raise ValueError("the signals are no array and no list of arrays; give one (frames, features) for each signal")
    if lengths is not None:
        raise ValueError("lengths are for an array of padded signals, and these came one by one; leave lengths out")
    pieces = [_piece(number, piece) for number, piece in enumerate(signals)]
    widths = np.array([piece.shape[1] for piece in pieces])
    if (other := np.flatnonzero(widths != widths[0])).size:
        raise ValueError(
            f"signal {other[0]} has frames of {widths[other[0]]} features and signal 0 of {widths[0]}; "
            "expected frames of one length"
        )
    return np.concatenate(pieces), _read_only(np.array([len(piece) for piece in pieces], np.int32))


def _piece(number: int, given: Any) -> np.ndarray:
    try:
        piece = _numbers(f"signal {number}", given)
    except ValueError as error:
        if "real numbers" in str(error):
            raise
        raise ValueError(f"signal {number} has frames of different lengths; expected (frames, features)") from None
    if piece.ndim not in (1, 2) or not piece.size:
        raise ValueError(
            f"signal {number} has the shape {piece.shape}, expected (frames, features), at least one frame"
        )
    return piece[:, None] if piece.ndim == 1 else piece


def _numbers(what: str, given: Any) -> np.ndarray:
    array = np.asarray(given)
    if array.dtype.kind not in "buif":
        raise ValueError(f"{what} hold no real numbers (their type is {array.dtype}); expected numbers")
    with np.errstate(over="ignore"):  # what is too large for float32 is not finite then, and refused
        return array.astype(np.float32)


def _lengths(lengths: Any, count: int, most: int) -> np.ndarray:
    if lengths is None:
        return _read_only(np.full(count, most, np.int32))
    found = _whole_numbers("lengths", lengths, count)
    if (bad := np.flatnonzero((found < 1) | (found > most))).size:
        raise ValueError(f"length {bad[0]} is {found[bad[0]]}, expected 1 to {most}, the frames there are")
    return found


def _finite(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    if np.isfinite([values.min(), values.max()]).all():  # not a number is the largest and the smallest
        return values
    row, feature = np.argwhere(~np.isfinite(values))[0]
    ends = np.cumsum(lengths)
    signal = int(np.searchsorted(ends, row, side="right"))
    frame = row - (ends[signal - 1] if signal else 0)
    raise ValueError(
        f"feature {feature} of frame {frame} of signal {signal} is {values[row, feature]}; "
        "repair it, or give lengths where it stands behind the signal's end"
    )


def _labelled(labels: Any, classes: Iterable[str] | None, count: int) -> tuple[np.ndarray, tuple[str, ...]]:
    if labels is None:
        raise ValueError(f"labels are missing; expected whole numbers ({count},): the class of each signal, from 0")
    found = _whole_numbers("labels", labels, count)
    if classes is None and found.max() > count:
        raise ValueError(f"the largest label is {found.max()}, with {count} signals; number the classes from 0")
    names = tuple(str(name) for name in (range(int(found.max()) + 1) if classes is None else classes))
    if len(set(names)) < len(names):
        raise ValueError(f"the class {next(n for n in names if names.count(n) > 1)} comes twice; expected other names")
    if (bad := np.flatnonzero(found >= len(names))).size:
        raise ValueError(
            f"label {bad[0]} is {found[bad[0]]}, expected 0 to {len(names) - 1}: there are {len(names)} classes"
        )
    return found, names


def _grouped(groups: Any, count: int) -> tuple[tuple[str, ...], np.ndarray | None]:
    if groups is None:
        return (), None
    names = np.asarray(groups)
    if names.shape != (count,) or names.dtype.kind not in "Uui":
        raise ValueError(
            f"groups have the type {names.dtype} and the shape {names.shape}, expected one name for each, ({count},)"
        )
    known, codes = np.unique(names, return_inverse=True)
    return tuple(str(name) for name in known.tolist()), _read_only(codes.astype(np.int32))


def _whole_numbers(what: str, given: Any, count: int) -> np.ndarray:
    array = np.asarray(given)
    if array.dtype.kind not in "ui" or array.shape != (count,):
        raise ValueError(
            f"{what} have the type {array.dtype} and the shape {array.shape}, expected whole numbers ({count},), "
            "one for each signal"
        )
    if array.min() < 0 or array.max() > np.iinfo(np.int32).max:
        worst = array.min() if array.min() < 0 else array.max()
        raise ValueError(f"{what} go to {worst}, expected whole numbers from 0")
    return _read_only(array.astype(np.int32))


def checked_rate(rate: Any) -> float:
    """Frames per second [Hz]. Raises ValueError for what is none."""
    number = isinstance(rate, (int, float, np.number)) and not isinstance(rate, bool)
    if not number or not np.isfinite(rate) or rate <= 0:
        raise ValueError(f"rate = {rate!r}, expected frames per second [Hz], a positive number")
    return float(rate)


def _cut(images: Images, by: str | None, frames: int | None) -> int:
    """Into how many frames an image is cut."""
    height, width = images.shape
    if (by is None) == (frames is None):
        raise ValueError('give one of by= ("rows" or "pixels") and frames= (how many an image is cut into)')
    if frames is None:
        known = {"rows": height, "pixels": height * width}
        if by not in known:
            raise ValueError(f"by = {by!r}, expected {' or '.join(map(repr, known))}")
        return known[by]
    divides = f"a number that divides the {height}×{width} = {height * width} pixels"
    if height * width % (count := checked_count("frames", frames, 1, divides)):
        raise ValueError(f"frames = {frames!r}, expected {divides}")
    return count


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
