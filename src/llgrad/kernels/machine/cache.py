"""Kernels on disk: generated source, readable, and Numba's compiled code beside it, in a private folder.

A file is named by a hash of its text, of this package's own sources, and of the versions of everything that compiles
it. So a stale kernel is never found, and two processes that write the same file write the same bytes. Nothing here
may break a run: an unreadable or unwritable folder means that kernels are compiled anew, in a temporary folder of
this process.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import warnings
from types import ModuleType
from typing import Any, Final

import jax
import jaxlib.version
import llvmlite
import numba

VARIABLE: Final = "LLGRAD_CACHE_DIR"
_LOCK: Final = threading.RLock()
_LOADED: Final[dict[str, ModuleType]] = {}


def folder() -> pathlib.Path:
    """Where kernels are kept: $LLGRAD_CACHE_DIR, or llgrad/kernels in the user's cache folder."""
    if given := os.environ.get(VARIABLE):
        return pathlib.Path(given)
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "llgrad" / "kernels"


def load(text: str, kind: str) -> ModuleType:
    """The module of a generated source text, compiled or read from the cache. `kind` begins the file's name."""
    name = f"{kind}_{_key(text)}"
    with _LOCK:
        if name not in _LOADED:
            _LOADED[name] = _load(name, text)
        return _LOADED[name]


def _load(name: str, text: str) -> ModuleType:
    path = _private_folder() / f"{name}.py"
    try:
        _write(path, text)
        return _execute(name, path)
    except Exception as problem:
        # A damaged index or object file shows as any kind of exception; compile apart from the folder, once more.
        warnings.warn(f"the kernel cache {path.parent} could not be used ({problem!r}); compiling anew", stacklevel=2)
        path = _temporary_folder() / f"{name}.py"
        _write(path, text)
        return _execute(name, path)


def _execute(name: str, path: pathlib.Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"llgrad_kernel_{name}", path)
    if specification is None or specification.loader is None:
        raise ImportError(f"no module can be made from {path}")
    module = importlib.util.module_from_spec(specification)
    sys.modules[module.__name__] = module  # Numba looks a cached function's module up by its name
    specification.loader.exec_module(module)
    return module


def _write(path: pathlib.Path, text: str) -> None:
    """Write a file as a whole or not at all; one that is there with this text stays, and so does its compiled code."""
    if path.exists() and path.read_text() == text:
        return
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False) as file:
        file.write(text)
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
    """What the meaning of a generated file depends on, apart from its text."""
    sources = sorted(pathlib.Path(__file__).parent.glob("*.py"))
    own = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    parts: list[Any] = [jax.__version__, jaxlib.version.__version__, numba.__version__, llvmlite.__version__, own]
    return " ".join(map(str, parts))


def entries() -> list[tuple[pathlib.Path, int]]:
    """The generated files in the cache folder, and the size in bytes of each with its compiled code."""
    path = folder()
    compiled = list((path / "__pycache__").glob("*")) if path.exists() else []
    return [
        (file, sum(p.stat().st_size for p in (file, *(c for c in compiled if c.name.startswith(file.stem)))))
        for file in sorted(path.glob("*.py"))
    ]


def xla_entries() -> list[tuple[pathlib.Path, int]]:
    """The programs that XLA compiled for the command line, and the size in bytes of each."""
    return [(file, file.stat().st_size) for file in sorted((folder() / "xla").glob("*")) if file.is_file()]


def clear() -> int:
    """Delete all kernels of the cache folder; returns how many there were. Kernels in use stay loaded."""
    found = entries()
    for file, _ in found:
        file.unlink(missing_ok=True)
    for name in ("__pycache__", "xla"):
        shutil.rmtree(folder() / name, ignore_errors=True)
    return len(found)
