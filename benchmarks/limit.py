"""limit.cpp, compiled at run time: what hand-written code reaches on this machine."""

from __future__ import annotations

import ctypes
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

from benchmarks.device import DT, START, parameters

FLAGS = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC", "-pthread"]


def compiled() -> ctypes.CDLL | str:
    """The library, or why there is none."""
    compiler = shutil.which("g++") or shutil.which("clang++") or shutil.which("c++")
    if compiler is None:
        return "no C++ compiler is installed"
    source = pathlib.Path(__file__).with_name("limit.cpp")
    target = pathlib.Path(tempfile.mkdtemp()) / "limit.so"
    done = subprocess.run([compiler, *FLAGS, str(source), "-o", str(target)], capture_output=True, text=True)
    if done.returncode:
        return f"{compiler} failed: {done.stderr.splitlines()[0] if done.stderr else done.returncode}"
    return ctypes.CDLL(str(target))


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def one(library: ctypes.CDLL, steps: int) -> np.ndarray:
    """One trajectory: its last state (3,)."""
    m, p = np.array([START.x, START.y, START.z]), np.ascontiguousarray(parameters(1)[:, 0])
    library.one(ctypes.c_int64(steps), ctypes.c_double(DT * 1e9), _pointer(m), _pointer(p))
    return m


def many(library: ctypes.CDLL, lanes: int, steps: int, threads: int) -> np.ndarray:
    """Many trajectories: their last states (3, lanes)."""
    m = np.repeat(np.array([[START.x], [START.y], [START.z]]), lanes, axis=1)
    p = np.ascontiguousarray(parameters(lanes))
    library.many(
        ctypes.c_int64(lanes), ctypes.c_int64(steps), ctypes.c_double(DT * 1e9), _pointer(m), _pointer(p),
        ctypes.c_int64(threads),
    )  # fmt: skip
    return m
