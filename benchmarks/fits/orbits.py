"""Tables of what orbits tell: how long a fit takes, cold and warm, and whether its intervals are honest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import llgrad as lg
from benchmarks.fits.coverage import rows_of
from benchmarks.fits.teachers import STO, Row

COMPENSATED = STO.replace(H_k=1.82, field=(0.0, 0.0, 0.1), temperature=300.0)
"""Its anisotropy field cancels the demagnetising field: ν is small, and frequencies and widths tell α and V apart."""
CURRENTS = np.array([2.0e-3, 2.5e-3, 3.0e-3, 4.0e-3])
TEMPERATURES = (200.0, 300.0)
ERRORS = {"frequency": 1e6, "line_width": 0.05}
"""Of a frequency [Hz], and of a width in parts of it."""
PAIR = ("alpha", "volume")
START = COMPENSATED.replace(alpha=1.1 * COMPENSATED.alpha, volume=0.9 * COMPENSATED.volume)


def of_orbits(part: int, rng: np.random.Generator) -> Iterator[Row]:
    """Frequencies and line widths at four currents and two temperatures, 1 MHz and 5 %."""
    settings = {"current": np.tile(CURRENTS, 2), "temperature": np.repeat(TEMPERATURES, 4)}
    devices = [COMPENSATED.replace(current=i, temperature=t) for i, t in zip(*settings.values(), strict=True)]
    orbits = [lg.orbit(device) for device in devices]
    true = {name: np.array([float(getattr(orbit, name)) for orbit in orbits]) for name in ERRORS}
    sigma = {"frequency": np.full(8, ERRORS["frequency"]), "line_width": ERRORS["line_width"] * true["line_width"]}

    def drawn() -> lg.data.OrbitTable:
        noisy = {name: values + sigma[name] * rng.normal(size=8) for name, values in true.items()}
        return lg.data.OrbitTable(settings, noisy, sigma)

    draws = 1000 // part
    case = f"frequencies and line widths of 8 settings, {draws} draws"
    _, cold = timed(drawn())
    yield Row(case, "first fit, processor seconds", cold)
    distances: dict[str, list[float]] = {name: [] for name in PAIR}
    seconds = []
    for _ in range(draws):
        found, taken = timed(drawn())
        seconds.append(taken)
        for name in PAIR:
            distances[name].append((found.values[name] - getattr(COMPENSATED, name)) / found.errors[name])
    yield Row(case, "each further fit, processor seconds, median", float(np.median(seconds)))
    yield from rows_of(case, distances)


def timed(table: lg.data.OrbitTable) -> tuple[Any, float]:
    """A fit, and the processor seconds that it took."""
    began = time.process_time()
    found = lg.fit(START, table, free=PAIR)
    return found, time.process_time() - began
