"""How long a map of 101 × 101 points with line widths takes: the first, and two more of other points once compiled.

`python -m benchmarks.maps`
"""

import os
import time

import numpy as np

import llgrad as lg
from benchmarks.history import asked, keep

COUNT = 101
DEVICE = lg.presets.kubota2013().replace(temperature=300.0)


def mapped(top: float) -> tuple[float, float, lg.experiments.Map]:
    """Wall and processor time [s] of a map up to a current [A], and the map."""
    axes = {"current": np.linspace(0.0, top, COUNT), "field": np.linspace(0.0, 50e-3, COUNT)}
    wall, processor = time.perf_counter(), time.process_time()
    found = lg.sweep(DEVICE, axes, quantities=("frequency", "line_width"))
    return time.perf_counter() - wall, time.process_time() - processor, found


def main() -> None:
    """Print all."""
    figures = {}
    for name, top in (("first", 4.8e-3), ("again", 4.9e-3), ("and again", 5e-3)):
        wall, processor, found = mapped(top)
        figures |= {f"{name}, wall [s]": wall, f"{name}, processor [s]": processor}
        oscillates = int(np.isfinite(found["frequency"]).sum())
        print(
            f"{name}: {COUNT} × {COUNT} points, {oscillates} with an orbit: {wall:.1f} s on {os.cpu_count()} "
            f"processors, {processor:.1f} s of their time"
        )
    keep(asked(), "maps", figures)


if __name__ == "__main__":
    main()
