"""The process that reads HDF5 files: a request is a line of JSON on stdin, an answer a line of JSON and raw numbers.

It is run as a script and imports nothing of llgrad. The HDF5 library (2.0.0, of h5py 3.16) can end its process where
a byte of a file is wrong (double free, segmentation fault): then this one ends, and not the user's.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from typing import Any

import numpy as np

h5py: Any = importlib.import_module("h5py")  # its stubs do not know all of it

BLOCK = 1 << 20
"""Samples that are sent at once."""
MOST = 20_000
"""Objects of a file that are looked at."""
DEEPEST = 30
LARGEST = 1100.0
"""A dataset is at most so many times larger than what is stored of it: deflate makes no more of a byte."""
MEMORY = 8 << 30


def limited() -> None:
    """Keep the process from taking all memory, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def plain(value: Any) -> Any:
    """An attribute for JSON: text and short arrays of numbers; None for what is neither."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.dtype.kind == "S" and array.size == 1:
        return array.reshape(-1)[0].decode("utf-8", "replace")
    if array.dtype.kind in "OU" and array.size == 1 and isinstance(array.reshape(-1)[0], (str, bytes)):
        return plain(array.reshape(-1)[0])
    if array.dtype.kind in "fiub" and array.size <= 16:
        return array.reshape(-1)[0].item() if array.size == 1 else array.tolist()
    return None


def attributes(node: Any) -> dict[str, Any]:
    """The attributes of an object that have a plain value."""
    found = {}
    for key in list(node.attrs)[:200]:
        if key in ("REFERENCE_LIST", "DIMENSION_LIST"):
            continue
        value = plain(node.attrs[key])
        if value is not None:
            found[key] = value
    return found


def listed(file: Any) -> dict[str, Any]:
    """Every dataset and group of a file, by its name."""
    arrays: list[dict[str, Any]] = []
    groups = {"": attributes(file)}
    seen: set[Any] = set()
    scales: dict[Any, str] = {}

    def look(group: Any, prefix: str, depth: int) -> None:
        for key in group:
            name = f"{prefix}{key}"
            kind = group.get(key, getlink=True)
            if not isinstance(kind, h5py.HardLink) or key.startswith("#"):
                continue
            node = group[key]
            address = h5py.h5o.get_info(node.id).addr
            if address in seen or len(seen) > MOST or depth > DEEPEST:
                continue
            seen.add(address)
            if isinstance(node, h5py.Group):
                groups[name] = attributes(node)
                look(node, f"{name}/", depth + 1)
            elif isinstance(node, h5py.Dataset):
                scales[address] = name
                arrays.append(described(node, name))

    look(file, "", 0)
    for array in arrays:
        found = [scales.get(address) for address in array.pop("addresses")]
        array["scales"] = found if found else [None] * len(array["shape"])
    return {"arrays": arrays, "groups": groups}


def described(node: Any, name: str) -> dict[str, Any]:
    """What is to be known of a dataset."""
    kind = node.dtype
    if not node.shape or kind.kind not in "fiu":
        return {"name": name, "shape": list(node.shape or ()), "dtype": "S1", "attributes": {}, "addresses": []}
    stored = node.id.get_storage_size()
    if node.size * kind.itemsize > LARGEST * stored + 65536:
        raise ValueError(f"{name} says {node.size} numbers and has {stored} bytes")
    addresses = []
    own = h5py.h5o.get_info(node.id).addr
    for dimension in node.dims:
        first = dimension[0] if len(dimension) else None
        addresses.append(h5py.h5o.get_info(first.id).addr if first is not None else own if node.is_scale else None)
    return {
        "name": name,
        "shape": list(node.shape),
        "dtype": kind.str,
        "attributes": attributes(node),
        "addresses": addresses,
    }


def send(head: dict[str, Any]) -> None:
    """An answer."""
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n")
    sys.stdout.buffer.flush()


def read(file: Any, asked: dict[str, Any]) -> None:
    """Send the numbers of a row of a dataset, in blocks, each after a line that says how many bytes it has."""
    node = file[asked["name"]]
    axis, row = asked["axis"], asked["row"]
    others = [0] * node.ndim
    left = row
    for other in reversed(range(node.ndim)):
        if other != axis:
            others[other] = left % node.shape[other]
            left //= node.shape[other]
    for first in range(asked["start"], asked["stop"], BLOCK):
        index = [
            slice(first, min(first + BLOCK, asked["stop"])) if one == axis else others[one] for one in range(node.ndim)
        ]
        block = np.ascontiguousarray(node[tuple(index)])
        send({"bytes": block.nbytes})
        sys.stdout.buffer.write(block.data)
    send({"bytes": 0})


def main() -> None:
    """Answer until stdin ends."""
    limited()
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        try:
            with h5py.File(asked["path"], "r") as file:
                if asked["do"] == "list":
                    send(listed(file))
                else:
                    read(file, asked)
        except Exception as error:  # of any kind, and told to who asked
            send({"error": f"{type(error).__name__}: {error}"[:400]})


if __name__ == "__main__":
    main()
