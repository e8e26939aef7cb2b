"""Which sweeps carry a line that can be used, and in a sentence why another does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from llgrad.fitting.resonance.lorentzian import Line

SIGNIFICANCE: Final = 1e-4
"""Probability below which a line by chance is not believed in."""
LARGEST_WIDTH: Final = 1.0
"""Largest half width, in half windows: a wider line cannot be told from its background."""
LARGEST_ERROR: Final = 0.3
"""Largest standard error of the half width, in half widths."""


def reason_unusable(line: Line, tell: Callable[[float], str]) -> str | None:
    """Why a line is not used, as the end of a sentence "the sweep at … is left out: …"; None where it is used.

    A line is used where it explains the sweep significantly better than the background alone (F test), is as much as
    its half width inside the fitted fields, so that both its flanks are seen, and has a half width that the data fix.
    `tell` writes a field [T] with its unit.
    """
    import scipy.stats  # slow to import

    fields = line.sweep.field
    low, high = float(fields.min()), float(fields.max())
    if not np.isfinite(line.gain) or scipy.stats.f.sf(line.gain, 4, line.freedom) > SIGNIFICANCE:
        return "it shows no line: the background alone explains it as well"
    if not low < line.resonance < high:
        side = "below" if line.resonance <= low else "above"
        return f"its line, if it has one, lies {side} the fitted fields, which show a tail only"
    room = min(line.resonance - low, high - line.resonance)
    if room < line.half_width:
        edge = "lower" if line.resonance - low < high - line.resonance else "upper"
        return (
            f"its line at {tell(line.resonance)} is only {tell(room)} from the {edge} end of the fitted fields, "
            f"less than its half width ({tell(line.half_width)}): one flank is missing"
        )
    if line.half_width > LARGEST_WIDTH * (high - low) / 2:
        return f"its line is wider than the fitted fields (half width {tell(line.half_width)})"
    if not line.half_width_error < LARGEST_ERROR * line.half_width:
        return f"its half width is not fixed by the data ({tell(line.half_width)} ± {tell(line.half_width_error)})"
    return None
