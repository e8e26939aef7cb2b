"""What happens to files on their way: cut off, bytes that flip, cells, rows, keys and members that are others."""

from __future__ import annotations

import io
import json
import pathlib
import re
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.fuzzing.samples import Sample, arrays_of

CELLS = (
    *(
        "",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "1e999",
        "-1e999",
        "1e308",
        "-1e308",
        "1e-320",
        "0",
        "-0.0",
        "-1",
        "abc",
        "9" * 400,
    ),
    *(
        "1_000",
        "0x10",
        "１",
        "٣",
        "−1",
        "½",
        "1,5",
        "1.5.1",
        "1e",
        "--",
        "#",
        "%",
        '"',
        "''",
        "null",
        "true",
        "∞",
        "µ",
        "\x00",
    ),
    *("(Oe)", "[mT]", "GHz", "RBW", "5 GHz", "data", "t (s)", "x" * 3000, "\ufeff", "\u2028", "1 2", "1;2", "1\t2"),
)
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        [],
        {},
        "x",
        "",
        -1,
        0,
        1e308,
        -1e308,
        float("nan"),
        float("inf"),
        10**400,
        "2.5mA",
        "nan",
        "1e999 A",
    ),
    *(
        [1, 2],
        [[1.0]],
        ["a"],
        [None],
        {"value": "x"},
        {"value": None, "unit": "A"},
        {"type": "Oscillator"},
        {"type": []},
    ),
    *({"value": [1, 2, 3, 4], "unit": "T"}, [{}], [{"type": "Vec3"}], "Oscillator", 2.5, 7),
)
BINARY = (".mat", ".idx", ".gz", ".h5", ".nc", ".tdms", ".trc", ".wfm", ".isf", ".bin")
Damage = Callable[[bytes, np.random.Generator], bytes]


def damaged(sample: Sample, rng: np.random.Generator) -> bytes:
    """A sample after one to three mishaps."""
    ending = pathlib.Path(sample.name).suffix
    ways: list[Damage] = [_cut, _flip, _insert, _drop_bytes]
    if ending == ".npz":
        ways = [*ways, _members, _members, _members, _members, _zip]
    elif ending == ".json":
        ways = [_json] * 8 + [*ways, _cells, _rows]
    elif ending not in BINARY:
        ways = [*ways, *(_cells, _rows, _separators, _header, _columns) * 3, _encoding]
    content = sample.content
    for _ in range(int(rng.choice([1, 1, 1, 1, 2, 3]))):
        content = ways[int(rng.integers(len(ways)))](content, rng)
    return content


def _place(content: bytes, rng: np.random.Generator) -> int:
    return int(rng.integers(len(content) + 1))


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: _place(content, rng)]


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(content)
    for _ in range(int(rng.integers(1, 9)) if found else 0):
        found[int(rng.integers(len(found)))] ^= 1 << int(rng.integers(8))
    return bytes(found)


def _insert(content: bytes, rng: np.random.Generator) -> bytes:
    at = _place(content, rng)
    return content[:at] + rng.bytes(int(rng.integers(1, 9))) + content[at:]


def _drop_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    at = _place(content, rng)
    return content[:at] + content[at + int(rng.integers(1, 40)) :]


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")


def _cells(content: bytes, rng: np.random.Generator) -> bytes:
    parts = re.split(r"([,;\t\n ]+)", _text(content))
    for _ in range(int(rng.integers(1, 4))):
        parts[int(rng.integers(len(parts)))] = CELLS[int(rng.integers(len(CELLS)))]
    return "".join(parts).encode("utf-8", errors="replace")


def _rows(content: bytes, rng: np.random.Generator) -> bytes:
    rows = _text(content).split("\n")
    at, way = int(rng.integers(len(rows))), int(rng.integers(5))
    if way == 0:
        del rows[at]
    elif way == 1:
        rows.insert(at, rows[int(rng.integers(len(rows)))])
    elif way == 2:
        rows = [rows[i] for i in rng.permutation(len(rows))]
    elif way == 3:
        rows.insert(at, "")
    else:
        rows = rows * 2
    return "\n".join(rows).encode("utf-8")


def _separators(content: bytes, rng: np.random.Generator) -> bytes:
    marks = (",", ";", "\t", " ", ".", "\n", "\r\n", "\r", ":")
    old, new = (marks[int(rng.integers(len(marks)))] for _ in range(2))
    return _text(content).replace(old, new, int(rng.choice([1, 2, 10**6]))).encode("utf-8")


def _header(content: bytes, rng: np.random.Generator) -> bytes:
    first, *rest = _text(content).split("\n")
    words = re.split(r"([^\w]+)", first)
    words[int(rng.integers(len(words)))] = CELLS[int(rng.integers(len(CELLS)))]
    return "\n".join(["".join(words), *rest]).encode("utf-8", errors="replace")


def _columns(content: bytes, rng: np.random.Generator) -> bytes:
    text = _text(content)
    mark = max(",;\t", key=text.count)
    rows = [row.split(mark) for row in text.split("\n")]
    at, way = int(rng.integers(max(map(len, rows)))), int(rng.integers(3))
    for row in rows:
        if at < len(row):
            if way == 0:
                del row[at]
            elif way == 1:
                row.append(row[at])
            else:
                row[0], row[at] = row[at], row[0]
    return "\n".join(mark.join(row) for row in rows).encode("utf-8")


def _encoding(content: bytes, rng: np.random.Generator) -> bytes:
    return _text(content).encode(("utf-16", "latin-1", "utf-8-sig", "cp1252")[int(rng.integers(4))], errors="replace")


def _json(content: bytes, rng: np.random.Generator) -> bytes:
    try:
        entry = json.loads(content)
    except ValueError:
        return _flip(content, rng)
    places = list(_places(entry))
    if not places:
        return b"[" * 100_000 if rng.random() < 0.1 else _cut(content, rng)
    owner, key = places[int(rng.integers(len(places)))]
    if rng.random() < 0.3 and isinstance(owner, dict):
        del owner[key]
    else:
        owner[key] = VALUES[int(rng.integers(len(VALUES)))]
    return json.dumps(entry).encode()


def _places(entry: Any) -> Any:
    keys = list(entry) if isinstance(entry, dict) else range(len(entry)) if isinstance(entry, list) else []
    for key in keys:
        yield entry, key
        yield from _places(entry[key])


def _members(content: bytes, rng: np.random.Generator) -> bytes:
    try:
        arrays = arrays_of(content)
        name = list(arrays)[int(rng.integers(len(arrays)))]
        arrays |= _changed(arrays, name, rng)
    except Exception:  # damaged already
        return _flip(content, rng)
    stream, save = io.BytesIO(), np.savez if rng.random() < 0.5 else np.savez_compressed
    save(stream, allow_pickle=True, **arrays)
    return stream.getvalue()


def _changed(arrays: dict[str, np.ndarray], name: str, rng: np.random.Generator) -> dict[str, Any]:
    array = arrays[name]
    if array.dtype.kind == "U":
        return {name: np.array(_json(str(array).encode(), rng).decode())}
    flat = array.astype(float).ravel()
    if flat.size:
        flat[int(rng.integers(flat.size))] = rng.choice([np.nan, np.inf, -1e308, 1e308, -1, 0, 1e19])
    ways: list[Any] = [
        array[:-1] if array.ndim else array,
        array[:0] if array.ndim else array,
        array.T[::-1],
        array[None],
        array.astype(complex) * 1j,
        array.astype(str),
        array.astype(bool),
        array.astype(np.float16),
        array.astype(">f4"),
        array.astype("datetime64[s]") if array.dtype.kind in "iu" else array.astype("S"),
        array.astype(object),
        array.astype(np.longdouble),
        np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
        np.array("text"),
        np.array(5),
    ]
    if rng.random() < 0.5:
        return {name: flat.reshape(array.shape)}
    other = (
        name
        if rng.random() < 0.7
        else str(rng.choice(["t", "m", "voltage", "record", "scale", "classes", "/", "x_ns"]))
    )
    return {other: ways[int(rng.integers(len(ways)))]}


def _zip(content: bytes, rng: np.random.Generator) -> bytes:
    """A member of an archive cut off, flipped, doubled, or under another name or method."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as old:
            members = [(info.filename, old.read(info)) for info in old.infolist()]
    except Exception:  # damaged already
        return _cut(content, rng)
    at = int(rng.integers(len(members)))
    name, data = members[at]
    members[at] = [(name, _flip(data, rng)), (name, _cut(data, rng)), (name + "x", data), ("../" + name, data)][
        int(rng.integers(4))
    ]
    if rng.random() < 0.2:
        members.append(members[at])
    stream = io.BytesIO()
    method = (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)[int(rng.integers(3))]
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", method) as new:
        warnings.simplefilter("ignore")  # two of one name are what is wanted
        for name, data in members:
            new.writestr(name, data)
    return stream.getvalue()
