"""Numbers at places of a file, and samples that stay there until they are asked for."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from llgrad.datasets.recordings.recording import Unreadable, scaled


class Bytes:
    """The bytes of a file, mapped: only what is looked at is read."""

    def __init__(self, path: Path, order: str = "<"):
        self.path = path
        self.size = path.stat().st_size
        if self.size == 0:
            raise Unreadable(f"{path} is empty")
        self.data = np.memmap(path, np.uint8, mode="r")
        self.order = order

    def number(self, kind: str, at: int) -> float:
        """A number of the kind of `struct`, in the byte order of the file."""
        return self.numbers(kind, at)[0]

    def whole(self, kind: str, at: int) -> int:
        """A whole number."""
        return int(self.numbers(kind, at)[0])

    def numbers(self, kinds: str, at: int) -> tuple[float, ...]:
        layout = struct.Struct(self.order + kinds)
        return layout.unpack(self.part(at, layout.size))

    def part(self, at: int, size: int) -> bytes:
        """Bytes of the file. Raises Unreadable where it ends before."""
        if at < 0 or size < 0 or at + size > self.size:
            raise Unreadable(f"{self.path} is cut off or damaged: it ends before byte {at + size} of {self.size}")
        return self.data[at : at + size].tobytes()

    def text(self, at: int, size: int) -> str:
        """Text up to its first zero, without signs that are none."""
        found = self.part(at, size).split(b"\0")[0].decode("latin-1").strip()
        return "".join(sign for sign in found if sign.isprintable())

    def samples(
        self, at: int, count: int, dtype: str, scale: float = 1.0, offset: float = 0.0
    ) -> Callable[[slice], np.ndarray]:
        """A function that gives scale · code + offset of samples. Raises Unreadable where the file ends before."""
        kind = np.dtype(self.order + dtype)
        if count < 0 or at < 0 or at + count * kind.itemsize > self.size:
            raise Unreadable(
                f"{self.path} is cut off or damaged: {count} samples from byte {at} on, and it has {self.size} bytes"
            )
        if not np.isfinite([scale, offset]).all():
            raise Unreadable(f"{self.path} says a scale of {scale:g} and an offset of {offset:g}; it is damaged")
        path = self.path

        def take(part: slice) -> np.ndarray:
            first, last = max(part.start, 0), min(part.stop, count)
            codes = np.fromfile(path, kind, max(last - first, 0), offset=at + first * kind.itemsize)
            return scaled(codes.astype(np.float64), scale, offset)

        return take
