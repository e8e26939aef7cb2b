"""The words that `kernels/machine/ffi.py` reads lie where the C header of the installed jaxlib puts them."""

import ctypes

import pytest

from llgrad.kernels.machine import ffi, layout

TEXT = ffi.header_file().read_text()


@pytest.fixture
def another_header(tmp_path, monkeypatch):
    """Put another header in the place of the installed one's."""

    def use(text):
        path = tmp_path / "c_api.h"
        path.write_text(text)
        monkeypatch.setattr(ffi, "header_file", lambda: path)

    return use


def version(major, minor):
    """The installed header, with another version."""
    found = ffi.api_version()
    text = TEXT.replace(f"define XLA_FFI_API_MAJOR {found[0]}", f"define XLA_FFI_API_MAJOR {major}")
    return text.replace(f"define XLA_FFI_API_MINOR {found[1]}", f"define XLA_FFI_API_MINOR {minor}")


def test_every_word_lies_where_it_is_read():
    assert ffi.misplaced(TEXT) == []
    bases = [name for name in ("XLA_FFI_Extension_Base", "XLA_FFI_InternalExtension") if f"struct {name} {{" in TEXT]
    assert [layout.word_of(TEXT, base, "type") for base in bases] == [ffi.EXTENSION_TYPE]


def test_the_measure_knows_alignment():
    assert layout.size("int") == ctypes.sizeof(ctypes.c_int)
    assert layout.word_of(TEXT, "XLA_FFI_ThreadPool_Schedule_Args", "data") == 4


def test_the_installed_version_can_be_used():
    ffi.check_interface()


def test_a_newer_version_with_the_same_words_can_be_used(another_header):
    another_header(version(0, 99))
    assert ffi.api_version() == (0, 99)
    ffi.check_interface()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (version(1, 0), "has version 1.0 of XLA's foreign-function interface; tested are .*; its major version"),
        (
            version(0, 99).replace("  XLA_FFI_Args args;", "  void* new;\n  XLA_FFI_Args args;"),
            "has version 0.99 .*; args of XLA_FFI_CallFrame is word 8, not 7",
        ),
        (version(0, 99).replace("struct XLA_FFI_Buffer {", "struct XLA_FFI_Block {"), "no struct XLA_FFI_Buffer"),
        ("", "no version of XLA's foreign-function interface"),
    ],
)
def test_what_cannot_be_used_is_said(another_header, text, said):
    another_header(text)
    with pytest.raises(ValueError, match=said):
        ffi.check_interface()
