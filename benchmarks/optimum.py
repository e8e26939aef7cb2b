"""The narrowest line at 6 GHz: by `lg.optimise` from many starts, and by a grid over current and anisotropy on which
the field is solved for, at each point, so that the frequency is 6 GHz. Both find the same orbits; every device that is
asked for is counted, starts without an orbit and the checks of the answer included.

`python -m benchmarks.optimum` prints the table; the grid takes a minute (`--points 30` for a smaller one).
"""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np

import llgrad as lg
from benchmarks.history import asked, keep

DEVICE: Final = lg.presets.kubota2013().replace(temperature=300.0)
AIM: Final = lg.minimise("line_width")
FREE: Final[dict[str, Any]] = {"field.z": (0, "5kOe"), "H_k": ("1.6T", "2.2T"), "current": (0, "3mA")}
LIMITS: Final[dict[Any, Any]] = {"frequency": "6GHz"}
SAME: Final = 1e-4
"""A start has reached the optimum where its line is wider by less than this part of it."""
SEEDS: Final = 5


def main() -> None:
    """Print what both found, and what it took."""
    points = int(sys.argv[sys.argv.index("--points") + 1]) if "--points" in sys.argv else 100
    grid = lg.optimising.grid_search(DEVICE, AIM, FREE, LIMITS, points=points, solve="field.z")
    print(grid)
    value = grid.value if grid.value is not None else np.inf
    figures = {"grid [Hz]": value, "grid, evaluations": grid.evaluations}
    for seed in range(SEEDS):
        one = lg.optimise(DEVICE, AIM, FREE, LIMITS, seed=seed)
        figures |= {f"seed {seed} [Hz]": one.value, f"seed {seed}, evaluations": one.evaluations}
        print(
            f"one call (seed {seed}, {len(one.starts)} starts): {one.value / 1e3:.4f} kHz, {value / one.value:.3f} "
            f"times narrower than the grid's; {one.evaluations} evaluations all told, "
            f"1/{grid.evaluations / one.evaluations:.0f} of the grid's"
        )
    many = lg.optimise(DEVICE, AIM, FREE, LIMITS, starts=100)
    reached = [one for one in many.starts if one.value is not None and one.value < (1 + SAME) * many.value]
    each, led = [one.evaluations for one in reached], sum(one.led_back for one in many.starts)
    print(
        f"100 starts: {len(reached)} reach {many.value / 1e3:.4f} kHz; {led} began where there is no orbit and were "
        f"led back; a search takes {np.median(each):.0f} evaluations (largest {max(each)}, "
        f"1/{grid.evaluations / max(each):.0f} of the grid's); {many.evaluations} all told"
    )
    print(many)
    figures |= {"100 starts [Hz]": many.value, "100 starts that reach it": len(reached)}
    keep(asked(), "optimum", figures)


if __name__ == "__main__":
    main()
