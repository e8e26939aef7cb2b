"""The measured spin-diode sweeps, as `llgrad fit … --min-field 2500Oe` fits them, against lines fitted by hand."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Iterator

import numpy as np

import llgrad as lg
from benchmarks.fits.teachers import Row
from llgrad.fitting.resonance.lorentzian import Window

FILE = pathlib.Path(__file__).parents[3] / "shared" / "data" / "spin-diode" / "5360_4p.csv"
BY_HAND = {5: (3174, 154), 8: (4172, 137), 10: (4835, 142), 12: (5501, 145), 15: (6508, 158), 17: (7176, 159)}
"""Resonance field and half width [Oe] at each frequency [GHz]."""
OERSTED = 1e-4


def spin_diode(part: int, rng: np.random.Generator) -> Iterator[Row]:
    """H > 2500 Oe and a linear background."""
    case = "measured spin-diode sweeps above 2500 Oe"
    if not FILE.exists():
        yield Row(case, "not measured", f"there is no {FILE.name}")
        return
    began = time.perf_counter()
    result = lg.fit_resonance(
        lg.read_sweeps(FILE, field_unit="Oe", voltage_unit="V"), window=Window(low=2500 * OERSTED)
    )
    seconds = time.perf_counter() - began
    lines = {round(line.frequency / 1e9): line for line in result.fitted}
    off = np.array(
        [
            (lines[f].resonance / (h * OERSTED) - 1, lines[f].half_width / (w * OERSTED) - 1)
            for f, (h, w) in BY_HAND.items()
        ]
    )
    field, width = (float(x) for x in np.abs(off).max(axis=0))
    yield Row(case, "largest departure of a resonance field", field, "≤ 0.005", field <= 0.005)
    yield Row(case, "largest departure of a half width", width, "≤ 0.06", width <= 0.06)
    alpha, (low, high) = result.alpha[0], result.alpha_spread
    yield Row(case, "alpha", alpha, "0.0065 to 0.0075", bool(0.0065 <= alpha <= 0.0075))
    spread = f"{low:.4f} to {high:.4f}"
    yield Row(case, "its spread over windows and backgrounds", spread, "about 0.006 to 0.008")
    rms = min(fit.rms for fit in result.fits) / 1e6
    yield Row(case, "rms of the best geometry [MHz]", rms, "≤ 10", bool(rms <= 10))
    said = next((line for line in result.verdict if line.lower().startswith("undecided")), "decided")
    yield Row(case, "says that the evidence is undecided", said, "undecided", said != "decided")
    yield Row(case, "seconds", seconds, "< 60", seconds < 60)
