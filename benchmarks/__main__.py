"""`make bench`: measure, print ratios first and times second, write benchmarks/results.json."""

from __future__ import annotations

import json
import os
import pathlib
import platform
import sys

import jax
from rich.console import Console
from rich.table import Table

from benchmarks.cases import everything
from benchmarks.rows import Row, Times
from llgrad.core.run_record import run_record

RESULTS = pathlib.Path(__file__).with_name("results.json")


def main() -> None:
    """Run every case."""
    jax.config.update("jax_enable_x64", True)
    console, rows, times = Console(), [], []
    for found, compared in everything("--quick" in sys.argv):
        times += found
        rows += compared
        for row in compared:
            console.print(f"{row.work}: {row.what} {row.value:.3g}")
    console.print(_ratios(rows), _seconds(times))
    entry = run_record("benchmarks", command="make bench") | {
        "processors": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "ratios": [{**row._asdict(), "met": row.met} for row in rows],
        "times": [one._asdict() for one in times],
    }
    RESULTS.write_text(json.dumps(entry, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print(f"wrote {RESULTS}")


def _ratios(rows: list[Row]) -> Table:
    table = Table("work", "what", "value", "bar", "", title="ratios (medians, candidates in turns)")
    for row in rows:
        bar = f"{'≤' if row.at_most else '≥'} {row.bar:g}"
        table.add_row(row.work, row.what, f"{row.value:.3g}", bar, "met" if row.met else "missed")
    return table


def _seconds(times: list[Times]) -> Table:
    table = Table("work", "candidate", "ns per step", "ms", title="times")
    for one in times:
        for name, seconds in one.seconds.items():
            table.add_row(one.work, name, f"{seconds / one.steps * 1e9:.4g}", f"{seconds * 1e3:.4g}")
    return table


if __name__ == "__main__":
    main()
