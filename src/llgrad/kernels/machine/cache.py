"""Kernels on disk: the module of LLVM as text, and the object file (or, for a GPU, the PTX) that was made of it beside
it, in a private folder.

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
from typing import Any, Final, NamedTuple

import jax
import jaxlib.version
import llvmlite
from llvmlite import binding

from llgrad.kernels.machine import llvm, nvptx

VARIABLE: Final = "LLGRAD_CACHE_DIR"


class CompiledForm(NamedTuple):
    """What is made of a module of LLVM: the file's suffix, how it is made of the text, how it is used."""

    suffix: str
    made: Callable[[str], bytes]
    used: Callable[[bytes], Any]


OBJECT: Final = CompiledForm(".o", llvm.object_of, lambda code: llvm.link(code, "handler"))
PTX: Final = CompiledForm(".ptx", nvptx.ptx_of, bytes.decode)
_LOCK: Final = threading.RLock()
_LOADED: Final[dict[str, Any]] = {}


def folder() -> pathlib.Path:
    """Where kernels are kept: $LLGRAD_CACHE_DIR, or llgrad/kernels in the user's cache folder."""
    if given := os.environ.get(VARIABLE):
        return pathlib.Path(given)
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "llgrad" / "kernels"


def load(key: str, kind: str, write: Callable[[], Any], about: Callable[[], str] = str) -> int:
    """Address of the function `handler` of a module of LLVM, which `write` gives where no object file of this `key` is
    in the cache. `about` says what a reader of the text should know.
    """
    return _kept(key, kind, write, about, OBJECT)


def ptx(key: str, kind: str, write: Callable[[], Any], about: Callable[[], str] = str) -> str:
    """The PTX of a module of LLVM for a GPU, found and kept in the same way."""
    return _kept(f"ptx\n{key}", kind, write, about, PTX)


def _kept(key: str, kind: str, write: Callable[[], Any], about: Callable[[], str], form: CompiledForm) -> Any:
    name = f"{kind}_{_key(key)}"
    with _LOCK:
        if name not in _LOADED:
            _LOADED[name] = _load(name, key, write, about, form)
        return _LOADED[name]


def _load(name: str, key: str, write: Callable[[], Any], about: Callable[[], str], form: CompiledForm) -> Any:
    path = _private_folder() / f"{name}.ll"
    try:
        if (code := _made_before(path.with_suffix(form.suffix))) is not None:
            return form.used(code)
        text = "".join(f"; {line}\n" for line in [*key.splitlines(), *about().splitlines()]) + str(write())
        code = form.made(text)
    except Exception as problem:  # a damaged file shows as any kind of exception: compiled once more
        code = form.made(str(write()))  # raises where it was not the folder that failed
        warnings.warn(f"the kernel cache {path.parent} could not be used ({problem!r}); compiled anew", stacklevel=2)
        return form.used(code)
    try:
        _write(path, text.encode())
        _write(path.with_suffix(form.suffix), hashlib.sha256(code).hexdigest().encode() + b"\n" + code)
    except Exception as problem:  # a full disk: the kernel is there, and runs
        _warn_once(str(path.parent), repr(problem))
    return form.used(code)


def _made_before(file: pathlib.Path) -> bytes | None:
    """What a file holds that was made of a module; None where there is none.

    Raises ValueError for a damaged one: LLVM would end the process.
    """
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
        (file, sum(part.stat().st_size for part in (file, *_made_of(file)) if part.exists()))
        for file in sorted([*folder().glob("*.py"), *folder().glob("*.ll")])
    ]


def _made_of(file: pathlib.Path) -> list[pathlib.Path]:
    return [file.with_suffix(form.suffix) for form in (OBJECT, PTX)]


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
        for part in _made_of(file):
            part.unlink(missing_ok=True)
    for name in ("__pycache__", "xla"):
        shutil.rmtree(folder() / name, ignore_errors=True)
    return len(found)
