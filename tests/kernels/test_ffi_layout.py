"""The words that `kernels/ffi.py` reads lie where the C header of the installed jaxlib puts them."""

import ctypes
import re

import pytest

from llgrad.kernels.machine import ffi

TEXT = ffi.header_file().read_text()
WIDE = {
    "XLA_FFI_Args": 40,
    "XLA_FFI_Rets": 40,
    "XLA_FFI_Attrs": 48,
    "XLA_FFI_Api_Version": 24,
    "XLA_FFI_Extension_Base": 24,
    "XLA_FFI_TypeId": 8,
}


def fields(struct: str) -> list[tuple[str, str]]:
    """(type, name) of every field of a struct of the header."""
    body = re.search(rf"struct {struct} {{(.*?)\n}}", TEXT, re.DOTALL)[1]
    body = re.sub(r"//.*", "", body)
    body = re.sub(r"_XLA_FFI_API_STRUCT_FIELD\((\w+)\)", r"void* \1", body)
    found = [re.match(r"(?:const )?(.*?)\s*(\w+)$", part.strip()) for part in body.split(";") if part.strip()]
    return [(match[1], match[2]) for match in found]


def size(kind: str) -> int:
    if "*" in kind or kind in ("size_t", "int64_t"):
        return 8
    if kind in WIDE:
        return WIDE[kind]
    return 4  # int, enum


def word_of(struct: str, field: str) -> int:
    """Index of the 64-bit word in which a field begins."""
    offset = 0
    for kind, name in fields(struct):
        step = size(kind)
        align = min(step, 8)
        offset = -(-offset // align) * align
        if name == field:
            return offset // 8
        offset += step
    raise KeyError(field)


@pytest.mark.parametrize(
    ("struct", "field", "expected"),
    [
        ("XLA_FFI_CallFrame", "extension_start", ffi.FRAME_EXTENSION),
        ("XLA_FFI_CallFrame", "api", ffi.FRAME_API),
        ("XLA_FFI_CallFrame", "ctx", ffi.FRAME_CONTEXT),
        ("XLA_FFI_Buffer", "data", ffi.BUFFER_DATA),
        ("XLA_FFI_Buffer", "rank", ffi.BUFFER_RANK),
        ("XLA_FFI_Buffer", "dims", ffi.BUFFER_DIMENSIONS),
        ("XLA_FFI_Metadata_Extension", "metadata", ffi.EXTENSION_METADATA),
        ("XLA_FFI_Metadata", "traits", ffi.METADATA_TRAITS),
        ("XLA_FFI_Api", "XLA_FFI_Error_Create", ffi.API_ERROR_CREATE),
        ("XLA_FFI_Api", "XLA_FFI_Error_Destroy", ffi.API_ERROR_DESTROY),
        ("XLA_FFI_Api", "XLA_FFI_ThreadPool_Schedule", ffi.API_SCHEDULE),
        ("XLA_FFI_Api", "XLA_FFI_ThreadPool_NumThreads", ffi.API_THREADS),
    ],
)
def test_word(struct, field, expected):
    assert word_of(struct, field) == expected


def test_arguments_and_results_within_the_frame():
    args, rets = word_of("XLA_FFI_CallFrame", "args"), word_of("XLA_FFI_CallFrame", "rets")
    assert args + word_of("XLA_FFI_Args", "size") == ffi.FRAME_ARGUMENT_COUNT
    assert args + word_of("XLA_FFI_Args", "args") == ffi.FRAME_ARGUMENTS
    assert rets + word_of("XLA_FFI_Rets", "size") == ffi.FRAME_RESULT_COUNT
    assert rets + word_of("XLA_FFI_Rets", "rets") == ffi.FRAME_RESULTS
    assert word_of("XLA_FFI_Extension_Base", "type") == ffi.EXTENSION_TYPE
    assert word_of("XLA_FFI_Metadata", "api_version") + 2 == ffi.METADATA_VERSION


def test_the_measure_knows_alignment():
    assert size("int") == ctypes.sizeof(ctypes.c_int)
    assert word_of("XLA_FFI_ThreadPool_Schedule_Args", "data") == 4


def test_version():
    assert ffi.api_version() in ffi.TESTED
    ffi.check_interface()
