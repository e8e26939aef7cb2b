"""Labelled signals from a file or a folder of them."""

from __future__ import annotations

import os
from typing import Any

from llgrad.core.arguments.kinds import checked_path
from llgrad.datasets.signals.arrays import read_arrays
from llgrad.datasets.signals.columns import read_columns
from llgrad.datasets.signals.recordings import read_folder, read_zip
from llgrad.datasets.signals.signals import Signals, checked_rate

TABLES = (".csv", ".tsv", ".txt")


def read_signals(path: str | os.PathLike[str], rate: float | None = None) -> Signals:
    """Labelled signals: a folder or a zip of WAV files, an `.npz` file of arrays, or a CSV table.

    - **WAV** (folder, folders in it, or a `.zip`, which is read where it is and never unpacked): one file for each
      signal, mono, named LABEL_SPEAKER_INDEX.wav, as 7_anna_12.wav. Labels become the classes in the order of their
      numbers, or of their names; speakers the groups. Whole numbers of b bits are divided by 2^(b−1), so that full
      scale is 1. All must have one rate.
    - **`.npz`**: `signals` (n, T, F) or (n, T), `labels` (n,) numbers from 0 or names, and, where known, `lengths` (n,)
      or `mask` (n, T), `classes`, `groups` (n,), `indices` (n,), and `rate`.
    - **CSV**: with a column `sample`, each row is a frame: `sample` (equal for the rows of one signal, which stand
      together), `label`, and, where known, `group` (or `speaker`) and `index`; every other column is a feature. Without
      it each row is one signal of one feature: `label`, `group`, `index`, and the values of its frames in turn; empty
      cells at its end are not there.

    Args:
        path: the file or folder.
        rate: frames per second [Hz], where the file does not say it; a WAV file of another rate is refused.

    Returns:
        All signals; `SignalSet.by_index`, `.by_group` and `.stratified` divide them.

    Raises:
        ValueError: in one sentence that names the file, for a file that is missing, damaged or of no known kind, labels
            that are missing, a value that is not finite, frames of different lengths, a WAV file of another rate or of
            two channels, and a zip with a name that leads outside it.

    >>> import numpy as np
    >>> from scipy.io import wavfile
    >>> for name in ("0_anna_0", "0_ben_0", "1_anna_0"):
    ...     wavfile.write(f"{name}.wav", 8000, np.arange(4, dtype=np.int16) * 8192)
    >>> signals = read_signals(".")
    >>> signals
    Signals: 3 of 4 frames of 1 feature, 2 classes, 2 groups, 8 kHz
    >>> signals.one(0)[:, 0].tolist(), signals.group_names
    ([0.0, 0.25, 0.5, 0.75], ('anna', 'ben'))
    """
    file = checked_path("path", path)
    rate = None if rate is None else checked_rate(rate)
    if not file.exists():
        raise ValueError(f"{file} does not exist; check the name and the folder")
    if file.is_dir():
        return read_folder(file, rate)
    readers: dict[str, Any] = {".zip": read_zip, ".npz": read_arrays} | dict.fromkeys(TABLES, read_columns)
    if (reader := readers.get(file.suffix.lower())) is None:
        advice = "; put it into a folder, as LABEL_SPEAKER_INDEX.wav" if file.suffix.lower() == ".wav" else ""
        raise ValueError(
            f"{file} is no set of signals; expected a folder or a .zip of WAV files, an .npz, or a .csv{advice}"
        )
    return reader(file, rate)
