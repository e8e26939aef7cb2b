"""How reliably, how exactly and how fast a fit finds a device: `python benchmarks/identification.py [--quick]`.

Every teacher is synthetic: the reference device, simulated with a finer step than the fits use; one case is a
measurement. Seeds are fixed; give another with --seed. Prints each figure with its bar, and writes
benchmarks/identification.json, in which the cases that are not run keep their last figures.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

CASES = ("five", "one", "strong", "voltage", "table", "warm", "resonance", "systems", "orbits", "loops")
RESULTS = pathlib.Path(__file__).with_suffix(".json")


def cases() -> dict[str, Callable[..., Iterator[Any]]]:
    """Every case, by its name."""
    from benchmarks.fits import convergence, coverage, loops, orbits, resonance, systems, warm

    functions = (
        convergence.five_nanoseconds,
        convergence.one_component,
        convergence.strong_field,
        coverage.a_voltage,
        coverage.a_table,
        warm.room_temperature,
        resonance.spin_diode,
        systems.of_systems,
        orbits.of_orbits,
        loops.both_layers,
    )
    return dict(zip(CASES, functions, strict=True))


def run_case(name: str, seed: int, quick: bool) -> dict[str, Any]:
    """Run a case and print its rows; its entry in the file of results. Every case has random numbers of its own."""
    import jax
    import numpy as np

    from llgrad.core.run_record import run_record

    began, rows = time.perf_counter(), []
    with jax.enable_x64(True):
        for row in cases()[name](10 if quick else 1, np.random.default_rng([seed, CASES.index(name)])):
            rows.append(row._asdict())
            value = row.value if isinstance(row.value, str) else f"{row.value:.4g}"
            bar = f" (bar: {row.bar}) {'met' if row.met else 'MISSED'}" if row.bar else ""
            print(f"{row.case}: {row.figure}: {value}{bar}", flush=True)
    seconds = time.perf_counter() - began
    print(f"[{name}: {seconds:.0f} s]", flush=True)
    command = f"python benchmarks/identification.py --case {name} --seed {seed}{' --quick' * quick}"
    return run_record("benchmarks", command=command, seed=seed) | {"seconds": seconds, "rows": rows}


def main() -> None:
    """Run the cases."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the starts and draws")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", choices=CASES, action="append", help="only this one; may be repeated")
    parser.add_argument("--out", type=pathlib.Path, default=RESULTS, help="the file of results")
    chosen = parser.parse_args()
    for name in chosen.case or CASES:
        entry = run_case(name, chosen.seed, chosen.quick)
        kept = json.loads(chosen.out.read_text(encoding="utf-8")) if chosen.out.exists() else {}
        kept = {case: one for case, one in kept.items() if case in CASES} | {name: entry}
        ordered = {case: kept[case] for case in CASES if case in kept}
        chosen.out.write_text(json.dumps(ordered, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    main()
