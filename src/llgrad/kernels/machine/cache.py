"""Kernels on disk: the module of LLVM as text, and the object file that was made of it beside it, in a private folder.

A file is named by a hash of what it computes, of this package's own sources, of the processor, and of the versions of
everything that compiles it. So a stale kernel is never found, and two processes that write the same file write the
same meaning. Nothing here may break a run: an unreadable or unwritable folder means that kernels are compiled anew, in
a temporary folder of this process.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pathlib
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable
from typing import Any, Final

import jax
import jaxlib.version
import llvmlite
from llvmlite import binding

from llgrad.kernels.machine import llvm

VARIABLE: Final = "LLGRAD_CACHE_DIR"
OBJECT: Final = ".o"
_LOCK: Final = threading.RLock()
_LOADED: Final[dict[str, int]] = {}


def folder() -> pathlib.Path:
    """Where kernels are kept: $LLGRAD_CACHE_DIR, or llgrad/kernels in the user's cache folder."""
    if given := os.environ.get(VARIABLE):
        return pathlib.Path(given)
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "llgrad" / "kernels"


def load(key: str, kind: str, write: Callable[[], Any], about: Callable[[], str] = str) -> int:
    """Address of the function `handler` of a module of LLVM, which `write` gives where no object file of this `key` is
    in the cache. `about` says what a reader of the text should know.
    """
    name = f"{kind}_{_key(key)}"
    with _LOCK:
        if name not in _LOADED:
            _LOADED[name] = _load(name, key, write, about)
        return _LOADED[name]


def _load(name: str, key: str, write: Callable[[], Any], about: Callable[[], str]) -> int:
    path = _private_folder() / f"{name}.ll"
    try:
        if (code := _object_beside(path)) is not None:
            return llvm.link(code, "handler")
        text = "".join(f"; {line}\n" for line in [*key.splitlines(), *about().splitlines()]) + str(write())
        code = llvm.object_of(text)
    except Exception as problem:  # a damaged file shows as any kind of exception: compiled once more
        code = llvm.object_of(str(write()))  # raises where it was not the folder that failed
        warnings.warn(f"the kernel cache {path.parent} could not be used ({problem!r}); compiled anew", stacklevel=2)
        return llvm.link(code, "handler")
    try:
        _write(path, text.encode())
        _write(path.with_suffix(OBJECT), hashlib.sha256(code).hexdigest().encode() + b"\n" + code)
    except Exception as problem:  # a full disk: the kernel is there, and runs
        _warn_once(str(path.parent), repr(problem))
    return llvm.link(code, "handler")


def _object_beside(path: pathlib.Path) -> bytes | None:
    """The object file beside a module's text; None where there is none.

    Raises ValueError for a damaged one: LLVM would end the process.
    """
    file = path.with_suffix(OBJECT)
    if not file.exists():
        return None
    digest, _, code = file.read_bytes().partition(b"\n")
    if digest.decode(errors="replace") != hashlib.sha256(code).hexdigest():
        raise ValueError(f"{file} is damaged; llgrad cache --clear deletes it")
    return code


def _write(path: pathlib.Path, content: bytes) -> None:
    """Write a file as a whole or not at all; one that is there with this content stays."""
    if path.exists() and path.read_bytes() == content:
        return
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, suffix=".tmp", delete=False) as file:
        file.write(content)
    os.replace(file.name, path)


def _private_folder() -> pathlib.Path:
    """The cache folder, made if need be; a temporary one where it cannot be written or belongs to somebody else."""
    path = folder()
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.stat().st_uid != os.getuid():
            raise PermissionError(f"{path} belongs to another user")
        path.chmod(0o700)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as problem:
        _warn_once(str(path), str(problem))
        return _temporary_folder()


@functools.cache
def _warn_once(path: str, problem: str) -> None:
    warnings.warn(f"the kernel cache {path} cannot be written ({problem}); kernels are compiled anew", stacklevel=4)


@functools.cache
def _temporary_folder() -> pathlib.Path:
    return pathlib.Path(tempfile.mkdtemp(prefix="llgrad-kernels-"))


def _key(text: str) -> str:
    return hashlib.sha256(f"{_versions()}\n{text}".encode()).hexdigest()[:20]


@functools.cache
def _versions() -> str:
    """What the meaning of a kernel depends on, apart from what it computes."""
    kernels = pathlib.Path(__file__).parent.parent
    sources = [*sorted(kernels.rglob("*.py")), kernels.parent / "core" / "random.py"]
    own = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    compiler = ".".join(map(str, binding.llvm_version_info))
    parts = [jax.__version__, jaxlib.version.__version__, llvmlite.__version__, compiler, *llvm.processor(), own]
    return " ".join(parts)


def entries() -> list[tuple[pathlib.Path, int]]:
    """The generated files in the cache folder, and the size in bytes of each with its compiled code."""
    return [
        (file, sum(part.stat().st_size for part in (file, file.with_suffix(OBJECT)) if part.exists()))
        for file in sorted([*folder().glob("*.py"), *folder().glob("*.ll")])
    ]


def about(file: pathlib.Path) -> str:
    """What the text of a kernel says of itself."""
    lines = file.read_text(errors="replace").splitlines()
    return "\n".join(line[2:] for line in lines if line.startswith("; ") and "ModuleID" not in line)


def xla_entries() -> list[tuple[pathlib.Path, int]]:
    """The programs that XLA compiled for the command line, and the size in bytes of each."""
    return [(file, file.stat().st_size) for file in sorted((folder() / "xla").glob("*")) if file.is_file()]


def clear() -> int:
    """Delete all kernels of the cache folder; returns how many there were. Kernels in use stay loaded."""
    found = entries()
    for file, _ in found:
        file.unlink(missing_ok=True)
        file.with_suffix(OBJECT).unlink(missing_ok=True)
    for name in ("__pycache__", "xla"):
        shutil.rmtree(folder() / name, ignore_errors=True)
    return len(found)
