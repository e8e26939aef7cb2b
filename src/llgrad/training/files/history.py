"""What happened in a run: one JSON object a line, the first of them the run record, each on the disk when written.

A line with "epoch" and "loss" is the summary of an epoch; a line with "event" is something to be known about one step.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any, Final

from llgrad.core.files import plain, strict_json, writing
from llgrad.core.run_record import open_record
from llgrad.training.files.saving import saving

KIND: Final = "metrics"


class History:
    """The metrics of a run in memory and, where a path is given, in a file."""

    def __init__(self, path: pathlib.Path | None = None):
        self.path = path
        self.rows: list[dict[str, Any]] = []

    def begin(self, record: Mapping[str, Any]) -> None:
        """Start the file with its run record, in place of what was there."""
        if self.path is not None:
            with saving(self.path), writing(self.path, overwrite=True) as file:
                file.write_text(_line(record), encoding="utf-8")

    def resume(self, step: int) -> None:
        """Go back to how the file was at a checkpoint: later lines, and a line cut short, are dropped."""
        if self.path is None:
            return
        record, rows = read_metrics(self.path)
        self.rows = [row for row in rows if row["step"] <= step]
        with saving(self.path), writing(self.path, overwrite=True) as file:
            file.write_text(_line(record) + "".join(map(_line, self.rows)), encoding="utf-8")

    def add(self, row: Mapping[str, Any]) -> None:
        """Append a line; it has the number of the last step that it is about as "step"."""
        self.rows.append(dict(row))
        if self.path is None:
            return
        with saving(self.path), self.path.open("a", encoding="utf-8") as stream:
            stream.write(_line(row))
            stream.flush()
            os.fsync(stream.fileno())

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """The summaries of the epochs."""
        return [row for row in self.rows if "event" not in row]


def read_metrics(path: pathlib.Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(run record, rows) of a file of metrics. A last line that was cut short is left out.

    Raises ValueError for a file of another kind or version, or one that is damaged before its last line.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    try:
        record = open_record(strict_json(lines[0]), KIND)
        rows = [strict_json(line) for line in lines[1:-1]]
    except json.JSONDecodeError:
        raise ValueError(f"{path} is not a file of metrics, or is damaged: a line is not JSON") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if not all(isinstance(row, dict) and isinstance(row.get("step"), int) for row in rows):
        raise ValueError(f"{path} is damaged: a line has no number of its step")
    return record, rows


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(plain(entry), ensure_ascii=False, allow_nan=False) + "\n"
