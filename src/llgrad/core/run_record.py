"""The run record: how every file that llgrad writes begins, so that later versions can read it.

It says what the file is ("format"), in which version of that format, what made it, when, from which device, seed and
data. A change of the format raises `FORMAT_VERSION` and adds one function to `MIGRATIONS`; older files stay readable.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import platform
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np

from llgrad.core.record import Record, to_json

FORMAT_VERSION: Final = 1
"""Version of the formats that this llgrad writes."""

LIBRARIES: Final = ("jax", "jaxlib", "equinox", "optax", "numpy", "scipy")

Migration = Callable[[dict[str, Any]], dict[str, Any]]

MIGRATIONS: Final[dict[int, Migration]] = {}
"""For each older version, the function that turns its entry into one of the next version."""


def run_record(
    kind: str,
    *,
    device: Record | None = None,
    seed: int | None = None,
    data_hash: str | None = None,
    dtype: str | None = None,
    command: str | None = None,
) -> dict[str, Any]:
    """The first entries of a file: format, versions, time (UTC), and what the result depends on.

    Args:
        kind: what the file is, such as "trajectory" or "fit"; stored as "llgrad.trajectory".
        device: the record of the device, stored with units.
        seed: seed of the random numbers, where there were any.
        data_hash: `hash_of` the data that went in.
        dtype: float type of the computation, such as "float64".
        command: the command line.
    """
    return {
        "format": f"llgrad.{kind}",
        "format_version": FORMAT_VERSION,
        "llgrad": version(),
        "python": platform.python_version(),
        **{library: _version_of(library) for library in LIBRARIES},
        "platform": f"{platform.system()} {platform.machine()}",
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command,
        "seed": seed,
        "data_hash": data_hash,
        "dtype": dtype,
        "device": None if device is None else to_json(device),
    }


def open_record(entry: Any, kind: str) -> dict[str, Any]:
    """A record that was read from a file, brought to the present version.

    Raises ValueError where it is none of llgrad's, of another kind, or of a later version.
    """
    found = entry.get("format") if isinstance(entry, Mapping) else None
    if not (isinstance(found, str) and found.startswith("llgrad.")):
        if found is None:
            raise ValueError(f"this is not a file of llgrad: it has no entry 'format'; expected format llgrad.{kind}")
        raise ValueError(
            f"this is not a file of llgrad: its entry 'format' is {repr(found)[:80]}, expected a word such as "
            "'llgrad.fit'"
        )
    if entry["format"] != f"llgrad.{kind}":
        raise ValueError(f"this is a file of the format {entry['format']}, expected llgrad.{kind}")
    found = entry.get("format_version")
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise ValueError(
            f"format_version = {found!r}, expected a whole number up to {FORMAT_VERSION}; the file is damaged"
        )
    if found > FORMAT_VERSION:
        raise ValueError(
            f"this file has version {found} of {entry['format']}, written by llgrad {entry.get('llgrad')}; "
            f"this llgrad ({version()}) reads up to version {FORMAT_VERSION}: install a later llgrad"
        )
    opened = dict(entry)
    for old in range(found, FORMAT_VERSION):
        opened = MIGRATIONS[old](opened) | {"format_version": old + 1}
    return opened


def hash_of(arrays: Iterable[Any]) -> str:
    """SHA-256 of arrays, read as float64: the same numbers have the same hash, whatever file they came from."""
    digest = hashlib.sha256()
    for array in arrays:
        values = np.ascontiguousarray(np.asarray(array, dtype="<f8"))
        digest.update(repr(values.shape).encode())
        digest.update(values.tobytes())
    return f"sha256:{digest.hexdigest()}"


def version() -> str:
    """The version of llgrad: "0+unknown" where it runs from a source tree that is not installed."""
    return _version_of("llgrad") or "0+unknown"


def _version_of(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
