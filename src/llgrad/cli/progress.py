"""Long work: a bar on a terminal, and Ctrl-C that is heard while compiled code runs."""

from __future__ import annotations

import contextvars
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import jax
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from llgrad.cli.compilation import keep_compiled
from llgrad.cli.output import INTERRUPTED, say

Report = Callable[[dict[str, Any]], None]


def working(
    label: str,
    task: Callable[[Report], Any],
    interruptible: bool = False,
    *,
    stopping: str = "stopping with the best so far",
    kept: str = "nothing was written",
) -> Any:
    """What `task(report)` returns, computed in float64 beside the main thread while a bar shows how far it is.

    `report` takes a dictionary with "fraction" and, if it has them, "stage" and "cost", or else a "remark" to show. The
    bar is drawn on stderr, and only where that is a terminal. Ctrl-C ends the process at once with status 130: files
    are written later, by the main thread, so none can be half-written. Where the task is `interruptible`, the first
    Ctrl-C makes the next `report` raise KeyboardInterrupt in the task, which then returns the best it has; a second one
    ends the process. `stopping` is said at the first, and `kept` when the process ends.
    """
    keep_compiled()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[remark]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    outcome: dict[str, Any] = {}
    stop, done = threading.Event(), threading.Event()
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        line = bar.add_task(label, total=None, remark="")

        def report(entry: dict[str, Any]) -> None:
            if stop.is_set():
                raise KeyboardInterrupt
            cost = f"cost {entry['cost']:.3g}" if entry.get("cost") is not None else ""
            parts = [entry["remark"]] if "remark" in entry else [entry.get("stage", ""), cost]
            remark = ", ".join(part for part in parts if part)
            bar.update(line, total=1.0, completed=entry["fraction"], remark=remark)

        here = contextvars.copy_context()  # a thread begins with none, and would advise in Python
        threading.Thread(target=here.run, args=(_run, task, report, outcome, done), daemon=True).start()
        waiting = True
        while waiting:
            try:
                while not done.wait(0.1):  # join would take a thread for ended when Ctrl-C comes (Python before 3.13)
                    pass
                waiting = False
            except KeyboardInterrupt:
                if interruptible and not stop.is_set():
                    stop.set()
                    say(f"{stopping}; Ctrl-C again ends at once")
                    continue
                bar.stop()
                say(f"interrupted; {kept}")
                sys.stdout.flush()
                os._exit(INTERRUPTED)  # compiled code cannot be stopped, only left behind
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]


def _run(task: Callable[[Report], Any], report: Report, outcome: dict[str, Any], done: threading.Event) -> None:
    try:
        with jax.enable_x64(True):
            outcome["value"] = task(report)
    except BaseException as error:
        outcome["error"] = error
    finally:
        done.set()
