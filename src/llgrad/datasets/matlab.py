"""MATLAB files (.mat) of versions 4 to 7: looked through before SciPy reads them.

SciPy 1.17 trusts the types and sizes in a file of version 5 (which versions 5 to 7 of MATLAB write): a flipped byte in
one ends the process by a segmentation fault. Here every element is walked through first: its type is known, it ends
within its parent, and it holds as many numbers as its dimensions say.

Source: MAT-File Format, MathWorks, version 5 (R2023b), chapter 1.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
"""Bytes of a number of each type of data."""
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED, _UTF8 = 1, 5, 6, 14, 15, 16
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMBERS: Final = range(6, 16)
"""Classes of arrays of numbers, double to uint64."""
_HEADER: Final = 128
_COMPLEX: Final = 0x0800
_DEEPEST: Final = 20
_DAMAGED: Final = (
    *(
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        AttributeError,
        EOFError,
        OSError,
        MemoryError,
        RuntimeError,
    ),
    zlib.error,
)
"""What SciPy raises for bytes that are no MATLAB file."""


class _Later(Exception):
    """A file of version 7.3, which is HDF5."""


class _Element(NamedTuple):
    kind: int
    content: bytes


def load_mat(path: Path) -> dict[str, Any]:
    """The variables of a MATLAB file. Raises ValueError, in one sentence, for one that is damaged or of version 7.3."""
    import scipy.io  # slow to import, and only MATLAB's files need it

    content = path.read_bytes()
    try:
        is_old = 0 in content[:4]  # a file of version 4 begins with a small number
        return scipy.io.loadmat(path, squeeze_me=True, variable_names=None if is_old else _names(content))
    except _Later:
        raise ValueError(
            f"{path} is a MATLAB file of version 7.3 (HDF5), which is not read; "
            "save it in MATLAB with save('name.mat', …, '-v7'), or export it as CSV"
        ) from None
    except (*_DAMAGED, scipy.io.matlab.MatReadError) as error:
        raise ValueError(f"{path} cannot be read as a MATLAB file ({error})") from None


def _names(content: bytes) -> list[str]:
    """The variables of a file of version 5 that SciPy may read: not sparse ones, functions and objects.

    Raises ValueError for a file that is damaged, _Later for one of version 7.3.
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None:
        raise ValueError("no header")
    if struct.unpack(f"{order}H", content[124:126])[0] >> 8 == 2:
        raise _Later
    names = []
    for element in _elements(content[_HEADER:], order):
        packed = element.kind == _COMPRESSED
        for one in _elements(zlib.decompress(element.content), order) if packed else [element]:
            name, is_read = _checked(one, order, 0)
            names += [name] if is_read and name else []
    return names


def _elements(data: bytes, order: str) -> Iterator[_Element]:
    """The elements that stand one behind another."""
    at = 0
    while at < len(data):
        if len(data) - at < 8:
            raise ValueError("cut off")
        kind, size = struct.unpack_from(f"{order}II", data, at)
        start = at + 8
        if kind >> 16:  # a small element: size and type in one word, the data in the next
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
            if size > 4:
                raise ValueError("a size that cannot be")
        if start + size > len(data) or (kind not in _SIZES and kind not in (_MATRIX, _COMPRESSED)):
            raise ValueError("cut off, or a type that is none")
        yield _Element(kind, data[start : start + size])
        small = start == at + 4
        at = at + 8 if small else start + (size if kind == _COMPRESSED else -(-size // 8) * 8)


def _checked(element: _Element, order: str, depth: int) -> tuple[str, bool]:
    """The name of an array, and whether it is one that is read. Raises ValueError for one that is damaged."""
    if element.kind != _MATRIX or depth > _DEEPEST:
        raise ValueError("no array where one is expected")
    if not element.content:  # an empty array within a cell
        return "", True
    flags, dimensions, name, *rest = _elements(element.content, order)
    headed = dimensions.kind in (_INT32, _UINT32) and name.kind in (_INT8, _UTF8)
    if not headed or (flags.kind, len(flags.content)) != (_UINT32, 8):
        raise ValueError("an array that is not headed as one")
    word = struct.unpack(f"{order}I", flags.content[:4])[0]
    if len(dimensions.content) % 4:
        raise ValueError("dimensions that cannot be")
    lengths = struct.unpack(f"{order}{len(dimensions.content) // 4}i", dimensions.content)
    if len(lengths) < 2 or min(lengths) < 0:
        raise ValueError("dimensions that cannot be")
    is_read = _is_read(word & 0xFF, bool(word & _COMPLEX), math.prod(lengths), rest, order, depth)
    return name.content.decode("utf-8"), is_read


def _is_read(kind: int, is_complex: bool, count: int, rest: list[_Element], order: str, depth: int) -> bool:
    """Whether an array is of a class that is read. Raises ValueError where what stands behind its head does not fit its
    class and dimensions."""
    if kind in _NUMBERS or kind == _CHAR:
        parts = 2 if is_complex and kind != _CHAR else 1
        if len(rest) != parts or any(one.kind not in _SIZES for one in rest):
            raise ValueError("an array without its numbers")
        wrong = any(len(one.content) != count * _SIZES[one.kind] for one in rest)
        if wrong and not (kind == _CHAR and rest[0].kind == _UTF8):  # a sign of UTF-8 may have several bytes
            raise ValueError("an array with another number of elements than its dimensions say")
        return True
    if kind == _STRUCT:
        length, names, *rest = rest
        size = struct.unpack(f"{order}i", length.content)[0] if len(length.content) == 4 else 0
        if names.kind != _INT8 or size < 1 or len(names.content) % size:
            raise ValueError("a structure without names")
        count *= len(names.content) // size
    elif kind != _CELL:
        return False
    if len(rest) != count:
        raise ValueError("a cell array or a structure with another number of elements than its dimensions say")
    return all([_checked(one, order, depth + 1)[1] for one in rest])
