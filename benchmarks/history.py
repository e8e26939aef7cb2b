"""Numbers of benchmarks as a history: a file of lines, each a JSON object of one run, that only ever grows.

A benchmark that prints figures keeps them with `--json FILE`.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
from collections.abc import Mapping
from typing import Any

from llgrad.core.run_record import run_record


def add_option(parser: argparse.ArgumentParser) -> None:
    """Let the command line say where figures are kept: --json FILE."""
    parser.add_argument("--json", metavar="FILE", help="a file of lines, to which the figures of this run are added")


def asked() -> str | None:
    """The file after --json, of a command that reads its other words itself."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_option(parser)
    return parser.parse_known_args()[0].json


def keep(path: str | os.PathLike[str] | None, name: str, numbers: Mapping[str, float], **more: Any) -> None:
    """Add the numbers of a run of the benchmark `name`, with what they were measured on; nothing without a path."""
    if path is None:
        return
    entry = run_record(f"benchmark {name}") | {
        "processors": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        **more,
        "numbers": {key: float(value) for key, value in numbers.items()},
    }
    with pathlib.Path(path).open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")
