"""Questions to the process that reads HDF5 files: one process serves them all, and a new one where it ended."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
from typing import Any, Final

import numpy as np

from llgrad.datasets.recordings.recording import Unreadable

SILENCE = 60.0
"""Seconds without an answer after which the process is ended."""
LONGEST: Final = 50_000_000
"""Bytes of the longest list of a file."""
_WORKER: Final = pathlib.Path(__file__).with_name("worker.py")


class Library:
    """The process, started when it is first asked."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0
        self.lock = threading.Lock()

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is not None and self.owner == os.getpid() and self.process.poll() is None:
            return self.process
        self.close()
        environment = os.environ | {
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "HDF5_USE_FILE_LOCKING": "FALSE",
        }
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self.owner = os.getpid()
        return self.process

    def close(self) -> None:
        """End the process."""
        if self.process is not None and self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    with contextlib.suppress(BrokenPipeError):  # what it was still to be told is told to nobody
                        stream.close()
        self.process = None

    def listed(self, path: pathlib.Path) -> dict[str, Any]:
        """The datasets and groups of a file. Raises Unreadable where it is damaged."""
        with self.lock:
            return self._answer(self._ask({"do": "list", "path": os.path.abspath(path)}), path)

    def read(self, path: pathlib.Path, name: str, kind: np.dtype, axis: int, row: int, part: slice) -> np.ndarray:
        """Numbers of a row of a dataset. Raises Unreadable where it is damaged."""
        asked = {"name": name, "axis": axis, "row": row, "start": part.start, "stop": part.stop}
        found = np.empty(max(part.stop - part.start, 0), kind)
        view, at = found.view(np.uint8).data.cast("B"), 0
        with self.lock:
            process = self._ask({"do": "read", "path": os.path.abspath(path)} | asked)
            while size := self._answer(process, path)["bytes"]:
                if at + size > len(view):
                    self.close()
                    raise Unreadable(f"{path} is damaged: more numbers of {name} than it says")
                self._fill(process, view[at : at + size], path)
                at += size
        if at != len(view):
            raise Unreadable(f"{path} is cut off or damaged: {at} of {len(view)} bytes of {name}")
        return found

    def _ask(self, request: dict[str, Any]) -> subprocess.Popen[bytes]:
        for _ in range(2):
            process = self._running()
            if process.stdin is None:
                break
            try:
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
                return process
            except BrokenPipeError:  # it ended since it was looked at: the next one is asked
                self.close()
        raise Unreadable("the process that reads HDF5 files cannot be asked")

    def _answer(self, process: subprocess.Popen[bytes], path: pathlib.Path) -> dict[str, Any]:
        line = self._waiting(process, lambda stream: stream.readline(LONGEST), path)
        answer = json.loads(line) if line.endswith(b"\n") else self._ended(path)
        if "error" in answer:
            said = " ".join(answer["error"].split())[:200]
            raise Unreadable(f"{path} cannot be read as HDF5: it is damaged or cut off ({said})")
        return answer

    def _fill(self, process: subprocess.Popen[bytes], view: memoryview, path: pathlib.Path) -> None:
        at = 0
        while at < len(view):
            got = self._waiting(process, lambda stream, at=at: stream.readinto(view[at:]), path)
            if not got:
                self._ended(path)
            at += got

    def _waiting(self, process: subprocess.Popen[bytes], read: Any, path: pathlib.Path) -> Any:
        """What is read from the process, which is ended where it is silent for too long."""
        alarm = threading.Timer(SILENCE, process.kill)
        alarm.start()
        try:
            return read(process.stdout)
        finally:
            alarm.cancel()

    def _ended(self, path: pathlib.Path) -> Any:
        self.close()
        raise Unreadable(f"{path} is damaged: the HDF5 library ended where it read it")


LIBRARY: Final = Library()
atexit.register(LIBRARY.close)
