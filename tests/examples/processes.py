"""Scripts run as a user runs them, each in a process of its own, but the libraries are imported once for all of them.

A process that has imported llgrad and computed nothing forks for each script: the import is most of what a short script
takes.
"""

from __future__ import annotations

import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import NamedTuple

FORKS = """
import atexit, json, os, runpy, sys, traceback
import llgrad, llgrad.plot


def run(script, arguments, folder, out, err):
    for stream, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    os.chdir(folder)
    sys.argv, sys.path[0] = [script, *arguments], os.path.dirname(script)
    status = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(**json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
PLAIN = {key: value for key, value in os.environ.items() if not key.startswith("JAX_")}


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@functools.cache
def _forks() -> subprocess.Popen[str]:
    """It ends with this process, which closes what it reads from."""
    command = [sys.executable, "-W", "error", "-c", FORKS]
    return subprocess.Popen(command, env=PLAIN, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def run_script(script: pathlib.Path, *arguments: str, folder: pathlib.Path | None = None) -> Done:
    """Run a script under JAX's own defaults; a warning is an error."""
    with tempfile.TemporaryDirectory() as beside:
        out, err = pathlib.Path(beside, "out"), pathlib.Path(beside, "err")
        task = {"script": str(script), "arguments": arguments, "folder": str(folder or pathlib.Path.cwd())}
        forks = _forks()
        assert forks.stdin is not None and forks.stdout is not None
        forks.stdin.write(json.dumps({**task, "out": str(out), "err": str(err)}) + "\n")
        forks.stdin.flush()
        status = int(forks.stdout.readline())
        return Done(status, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))
