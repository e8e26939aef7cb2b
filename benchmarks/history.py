"""Numbers of benchmarks as a history: a file of lines, each a JSON object of one run, that only ever grows."""

from __future__ import annotations

import json
import os
import pathlib
import platform
from collections.abc import Mapping
from typing import Any

from llgrad.core.run_record import run_record


def keep(path: str | os.PathLike[str], name: str, numbers: Mapping[str, float], **more: Any) -> None:
    """Add the numbers of a run of the benchmark `name`, with what they were measured on."""
    entry = run_record(f"benchmark {name}") | {
        "processors": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        **more,
        "numbers": dict(numbers),
    }
    with pathlib.Path(path).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")
