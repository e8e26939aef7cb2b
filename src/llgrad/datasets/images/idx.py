"""IDX files, in which MNIST and its relatives come: a magic number, the dimensions, the bytes; gzipped or not.

The format: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np

GZIP: Final = b"\x1f\x8b"
UNSIGNED_BYTES: Final = 0x08
"""The code of the only type that image files have."""


def read_idx(path: str | Path) -> np.ndarray:
    """The array of unsigned bytes in an IDX file, gzipped or not, read-only.

    Raises ValueError, in one sentence that names the file, where it is none, damaged, or not as long as it says.

    >>> _ = Path("labels").write_bytes(gzip.compress(idx_bytes(np.array([5, 0, 4], np.uint8))))
    >>> read_idx("labels").tolist()
    [5, 0, 4]
    """
    return parse_idx(unpacked(Path(path)), path)


def unpacked(path: Path) -> bytes:
    """The bytes of a file, unpacked where it is gzipped, which its first bytes tell, not its name."""
    if not path.exists():
        raise ValueError(f"{path} does not exist; check the name and the folder")
    if not path.is_file():
        raise ValueError(f"{path} cannot be read: it is no file; expected an IDX file")
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data.startswith(GZIP) else data
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is gzipped and damaged ({error}); fetch the file again") from None


def parse_idx(data: bytes, path: str | Path) -> np.ndarray:
    """The array in the bytes of an unpacked IDX file; `path` is for the sentence of what is wrong."""
    if len(data) < 4 or data[:2] != b"\0\0" or data[3] == 0:
        raise ValueError(
            f"{path} is not an IDX file: it begins with {data[:4].hex(' ') or 'nothing'}, "
            "expected 00 00, a type and a number of dimensions"
        )
    if data[2] != UNSIGNED_BYTES:
        raise ValueError(f"{path} has the IDX type 0x{data[2]:02x}, expected unsigned bytes, 0x{UNSIGNED_BYTES:02x}")
    dimensions = data[3]
    header = 4 + 4 * dimensions
    if len(data) < header:
        raise ValueError(f"{path} is cut short: it ends within its header, after {len(data)} bytes; fetch it again")
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    declared, there = math.prod(shape), len(data) - header
    if declared != there:
        what = "is cut short" if there < declared else "is too long"
        size = "×".join(str(length) for length in shape)
        raise ValueError(f"{path} {what}: it declares {size} = {declared} bytes and has {there}; fetch the file again")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def idx_bytes(array: np.ndarray) -> bytes:
    """The IDX file of an array of unsigned bytes."""
    head = bytes([0, 0, UNSIGNED_BYTES, array.ndim])
    return head + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8, casting="safe").tobytes()
