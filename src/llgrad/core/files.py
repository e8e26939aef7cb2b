"""Files that appear whole or not at all, and that replace nothing unless told to.

Every writer of llgrad goes through `writing`: it fills a temporary file beside the target and renames it at the end.
JSON and NPZ files begin with a run record (`core/run_record.py`); NPZ files hold plain arrays, never objects.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import json
import lzma
import math
import os
import pathlib
import secrets
import struct
import sys
import tokenize
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from llgrad.core.arguments.kinds import checked_path
from llgrad.core.run_record import open_record

Path = str | os.PathLike[str]
_MARKS: Final = (  # that of UTF-32 begins with that of UTF-16
    *((mark, "utf-32") for mark in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)),
    *((mark, "utf-16") for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)),
)


def check_target(path: Path, overwrite: bool = False) -> pathlib.Path:
    """The path, if a file can be written there: ask before a long run, not after it.

    Raises FileExistsError where the file exists and `overwrite` is false; FileNotFoundError for a folder that is not
    there; IsADirectoryError and PermissionError where the path is a folder or may not be written.
    """
    target = checked_path("path", path)
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder, expected the name of a file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder {target.parent} does not exist; make it first")
    if target.exists() and not target.is_file():
        raise FileExistsError(f"{target} is not an ordinary file; choose another name")
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} exists already; it is kept: choose another name, or ask for it to be replaced")
    if not os.access(target.parent, os.W_OK) or (target.exists() and not os.access(target, os.W_OK)):
        raise PermissionError(f"{target} cannot be written: permission denied")
    return target


@contextlib.contextmanager
def writing(path: Path, overwrite: bool = False) -> Iterator[pathlib.Path]:
    """The name of a temporary file that takes the place of `path` when the block ends well, and else vanishes.

    >>> with writing("numbers.txt") as file:
    ...     _ = file.write_text("1 2 3")
    """
    target = check_target(path, overwrite)
    temporary = target.with_name(f".{target.stem}-{secrets.token_hex(4)}{target.suffix}")
    try:
        yield temporary
        _to_disk(temporary)
        os.replace(temporary, check_target(path, overwrite))
        _to_disk(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _to_disk(path: pathlib.Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk: a power cut must not undo a renaming by halves."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, entry: Mapping[str, Any], overwrite: bool = False) -> None:
    """Write a record and its results as JSON; a number that is not finite is written as null."""
    with writing(path, overwrite) as file:
        file.write_text(
            json.dumps(plain(entry), indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )


def read_json(path: Path, kind: str) -> dict[str, Any]:
    """What `write_json` wrote, brought to the present version. Raises ValueError for a file of another kind."""
    file = checked_path("path", path)
    try:
        return open_record(strict_json(unicode_text(file.read_bytes())), kind)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError(f"{path} is not a JSON file") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def unicode_text(data: bytes) -> str:
    """Text in UTF-8, or in UTF-16 or UTF-32 where the byte order mark of one stands first.

    Excel's "Unicode Text" and the > of PowerShell before version 6 write UTF-16 with its mark. Raises
    UnicodeDecodeError.

    >>> unicode_text("t (µs)".encode("utf-16")), unicode_text("t (µs)".encode())
    ('t (µs)', 't (µs)')
    """
    return data.decode(next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8-sig"))


def strict_json(text: str) -> Any:
    """What a JSON text holds. Raises ValueError where an entry comes twice, a number is not finite, or it is no JSON.

    Python's reader keeps the last of two equal names, takes NaN and Infinity, which are no JSON, and makes infinity of
    1e999.
    """
    try:
        return json.loads(text, object_pairs_hook=_no_name_twice, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("its entries are nested too deep") from None


def strict_toml(text: str) -> dict[str, Any]:
    """What a TOML text holds. Raises ValueError where it is no TOML; Python's reader has an error of its own for depth.

    >>> strict_toml("field.z = '200Oe'")
    {'field': {'z': '200Oe'}}
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("its entries are nested too deep") from None


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entry = dict(pairs)
    if len(entry) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the entry {next(n for n in names if names.count(n) > 1)!r} comes twice; keep one of them")
    return entry


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _no_constant(digits)


def _no_constant(word: str) -> Any:
    raise ValueError(f"it holds {word}, expected finite numbers")


def write_npz(path: Path, record: Mapping[str, Any], arrays: Mapping[str, Any], overwrite: bool = False) -> None:
    """Write arrays as NPZ; its first member, "record", is the run record as JSON text."""
    text = json.dumps(plain(record), ensure_ascii=False, allow_nan=False)
    with writing(path, overwrite) as file, file.open("wb") as stream:
        np.savez_compressed(
            stream,
            allow_pickle=False,
            record=np.array(text),
            **{name: np.asarray(array) for name, array in arrays.items()},
        )


def write_table(
    path: Path, record: Mapping[str, Any], columns: Mapping[str, np.ndarray], overwrite: bool = False
) -> None:
    """Write columns of equal length as CSV, after the run record as a comment; an empty field is a number that there
    is not."""
    text = json.dumps(plain(record), ensure_ascii=False, allow_nan=False)
    with writing(path, overwrite) as file, file.open("w", encoding="utf-8", newline="") as stream:
        stream.write(f"# run record: {text}\n")
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(columns)
        lines.writerows(zip(*(_fields(column) for column in columns.values()), strict=True))


def write_result(
    path: Path,
    entry: Callable[[], Mapping[str, Any]],
    record: Mapping[str, Any],
    columns: Callable[[], Mapping[str, Any]],
    overwrite: bool = False,
) -> pathlib.Path:
    """Write a result by the ending of the path: its entry as .json, or its run record and its columns as .npz or .csv.

    Raises ValueError for another ending, and what `check_target` does.
    """
    file = checked_path("path", path)
    ending = file.suffix.lower()
    if ending == ".json":
        write_json(file, entry(), overwrite)
    elif ending in (".npz", ".csv"):
        (write_npz if ending == ".npz" else write_table)(file, record, columns(), overwrite)
    else:
        raise ValueError(f"path = {str(path)!r}, expected a name that ends in .json, .npz or .csv")
    return file


def _fields(column: np.ndarray) -> list[Any]:
    return ["" if isinstance(value, float) and math.isnan(value) else value for value in column.tolist()]


def read_npz(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(record, arrays) of what `write_npz` wrote. Raises ValueError for a file that is none of this kind."""
    arrays = load_arrays(path)
    if "record" not in arrays or arrays["record"].dtype.kind != "U" or arrays["record"].ndim:
        raise ValueError(f"{path} has no run record, expected one of llgrad.{kind}")
    try:
        return open_record(strict_json(str(arrays.pop("record"))), kind), arrays
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file, by name. Raises ValueError for any other file, and for one that is damaged.

    Damage shows as nearly any exception of zipfile, zlib, struct and NumPy's header reader, so each of them is listed.
    """
    with open(path, "rb") as stream:
        try:
            with np.load(stream, allow_pickle=False) as file:
                return {name: _sound(np.asarray(file[name])) for name in file.files}
        except _DAMAGE:
            raise ValueError(f"{path} is not an NPZ file of plain arrays, or it is damaged") from None


def _sound(array: np.ndarray) -> np.ndarray:
    """The array, where its text is made of characters: NumPy takes any four bytes for one."""
    if array.dtype.kind == "U" and array.size and np.any(_codes(array) > sys.maxunicode):
        raise ValueError("text that holds no characters")
    return array


def _codes(text: np.ndarray) -> np.ndarray:
    words = np.frombuffer(np.ascontiguousarray(text).tobytes(), np.uint32)
    return words if text.dtype.isnative else words.byteswap()


_DAMAGE: Final = (
    ValueError, OSError, EOFError, KeyError, IndexError, AttributeError, TypeError, SyntaxError, OverflowError,
    MemoryError, RuntimeError, struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tokenize.TokenError,
)  # fmt: skip
"""What NumPy, zipfile and the decompressors raise for bytes that are no NPZ file (a UnicodeError is a ValueError)."""


def plain(value: Any) -> Any:
    """JSON-ready: dictionaries, lists, text, booleans, numbers, and null for a number that is not finite."""
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return plain(np.asarray(value).tolist())
