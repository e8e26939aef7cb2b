"""Where the C header of XLA's foreign-function interface puts what `ffi` reads, so that a new version can be judged."""

from __future__ import annotations

import re
from typing import Final

WIDE: Final = {
    "XLA_FFI_Args": 40,
    "XLA_FFI_Rets": 40,
    "XLA_FFI_Attrs": 48,
    "XLA_FFI_Api_Version": 24,
    "XLA_FFI_Extension_Base": 24,
    "XLA_FFI_InternalExtension": 24,
    "XLA_FFI_TypeId": 8,
}
"""Bytes of the structs that lie whole within another; every other one is reached by a pointer."""


def fields(text: str, struct: str) -> list[tuple[str, str]]:
    """(type, name) of every field of a struct of a header. Raises ValueError where the header has no such struct."""
    found = re.search(rf"struct {struct} {{(.*?)\n}}", text, re.DOTALL)
    if found is None:
        raise ValueError(f"the header has no struct {struct}")
    body = re.sub(r"//.*", "", found[1])
    body = re.sub(r"_XLA_FFI_API_STRUCT_FIELD\((\w+)\)", r"void* \1", body)
    parts = (re.match(r"(?:const )?(.*?)\s*(\w+)$", part.strip()) for part in body.split(";"))
    return [(part[1], part[2]) for part in parts if part]


def size(kind: str) -> int:
    """Bytes of a field of a type; an int or an enum where nothing else is known."""
    if "*" in kind or kind in ("size_t", "int64_t"):
        return 8
    return WIDE.get(kind, 4)


def word_of(text: str, struct: str, field: str) -> int:
    """Index of the 64-bit word in which a field of a struct begins. Raises ValueError where there is none."""
    offset = 0
    for kind, name in fields(text, struct):
        step = size(kind)
        align = min(step, 8)
        offset = -(-offset // align) * align
        if name == field:
            return offset // 8
        offset += step
    raise ValueError(f"the struct {struct} has no field {field}")
