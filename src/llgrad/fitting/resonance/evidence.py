"""What the evidence is worth: α and the geometries once more with other windows and backgrounds, and the verdict.

Neither choice is made by the data, so what depends on them is a systematic error, and no verdict.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from llgrad.datasets.sweeps import Sweeps
from llgrad.fitting.resonance.comparison import NO_SUPPORT, GeometryFit, compare, fewest_lines
from llgrad.fitting.resonance.damping import width_law
from llgrad.fitting.resonance.lorentzian import Background, FieldWindow, Line, fewest_points, fit_line
from llgrad.fitting.resonance.shapes.choice import ShapeChoice
from llgrad.fitting.resonance.usable import reason_unusable

EDGES: Final = (0.8, 0.9, 1.0, 1.1, 1.2)
"""Lower ends of the window, in units of the chosen one."""
PARTS: Final = (0.1, 0.2, 0.3)
"""The same where none was chosen: parts of each sweep that are left out at its lower end."""


class Variation(NamedTuple):
    """The analysis once more, with another window or background and the same sweeps."""

    low: float
    """Lower end of the window [T]; −∞ where the sweeps begin anywhere."""
    part: float
    """Part of each sweep, from 0 to 1, that is left out at its lower end."""
    background: Background
    alpha: float
    alpha_error: float
    lines: int
    """Lines that were usable."""
    delta_aicc: dict[str, float]
    """AICc above the best, by the geometry's name."""


def vary(
    sweeps: Sweeps,
    window: FieldWindow,
    choice: ShapeChoice,
    frequencies: np.ndarray,
    width_frequencies: np.ndarray,
    chosen: GeometryFit,
) -> tuple[Variation, ...]:
    """Every window and background: α from the sweeps at `width_frequencies`, the geometries from `frequencies`.

    The shape of the lines is the chosen one; α is that of the chosen geometry, refitted. A variation in which one of
    the sweeps is not usable any more leaves it out, and one with too few sweeps is left out itself.
    """
    found = []
    for low, part in _edges(window):
        for background in Background:
            lines = _lines(sweeps, FieldWindow(low, window.high), part, background, choice, frequencies)
            wide = [line for line in lines if line.frequency in width_frequencies]
            if len(lines) >= fewest_lines() and len(wide) >= 3:
                found.append(_variation(low, part, background, lines, wide, chosen))
    return tuple(found)


def _variation(
    low: float, part: float, background: Background, lines: list[Line], wide: list[Line], chosen: GeometryFit
) -> Variation:
    fits = compare(np.array([line.resonance for line in lines]), np.array([line.frequency for line in lines]))
    gamma = next(fit.gamma for fit in fits if fit.geometry is chosen.geometry)
    law = width_law(*(np.array([getattr(x, n) for x in wide]) for n in ("frequency", "half_width", "half_width_error")))
    alpha, error = law.alpha(gamma)
    deltas = {fit.geometry.name: fit.aicc - fits[0].aicc for fit in fits}
    return Variation(low, part, background, alpha, error, len(lines), deltas)


def _lines(
    sweeps: Sweeps,
    window: FieldWindow,
    part: float,
    background: Background,
    choice: ShapeChoice,
    frequencies: np.ndarray,
) -> list[Line]:
    lines, near = [], {line.frequency: line for line in choice.lines}
    for sweep in sweeps.sweeps:
        begin = float(sweep.field.min() + part * np.ptp(sweep.field)) if part else -np.inf
        cut = FieldWindow(max(window.low, begin), window.high)
        if sweep.frequency in frequencies and cut.holds(sweep.field).sum() >= fewest_points(background):
            lines.append(
                fit_line(sweep, cut, background, choice.shape, choice.modulation or 0.0, near[sweep.frequency])
            )
    return [line for line in lines if reason_unusable(line, sweeps.show_field) is None]


def _edges(window: FieldWindow) -> list[tuple[float, float]]:
    """Lower ends [T], and parts of each sweep, that are left out."""
    if np.isfinite(window.low):
        return [(-np.inf, 0.0), *((part * window.low, 0.0) for part in EDGES)]
    return [(-np.inf, 0.0), *((-np.inf, part) for part in PARTS)]


def supported(fits: tuple[GeometryFit, ...], variations: tuple[Variation, ...]) -> tuple[GeometryFit, ...]:
    """The geometries that the data do not exclude, the best first.

    A geometry is excluded where its AICc is more than 10 above the best, with the chosen window and background and
    with every other that keeps all lines. One at its bound is the curve of a simpler one, and no candidate of its own.
    """

    def alive(fit: GeometryFit) -> bool:
        deltas = [fit.aicc - fits[0].aicc, *(v.delta_aicc[fit.geometry.name] for v in variations)]
        return min(deltas) <= NO_SUPPORT

    return tuple(fit for fit in fits if alive(fit) and not (fit.at_bound and fit is not fits[0]))


def verdict(fits: tuple[GeometryFit, ...], variations: tuple[Variation, ...], from_fields: float) -> tuple[str, ...]:
    """The verdict. `from_fields` [Hz] is the scatter of f that the errors of the resonance fields alone would make."""
    variations = tuple(v for v in variations if v.lines == len(fits[0].residuals))
    alive = supported(fits, variations)
    said = [_choice(fits, alive, variations)]
    if dead := [fit for fit in fits if fit not in alive and not fit.at_bound]:
        said.append("excluded: " + "; ".join(f"{fit.geometry.name} ({fit.rms / 1e6:.3g} MHz rms)" for fit in dead))
    if bound := [fit for fit in fits if fit.at_bound]:
        said.append("at a bound, so no candidates of their own: " + ", ".join(fit.geometry.name for fit in bound))
    said.append(f"the errors of the resonance fields alone would scatter f by {from_fields / 1e6:.2g} MHz")
    return tuple(said)


def _choice(fits: tuple[GeometryFit, ...], alive: tuple[GeometryFit, ...], variations: tuple[Variation, ...]) -> str:
    best = fits[0]
    if len(alive) == 1:
        rest = [fit.aicc - best.aicc for fit in fits[1:] if not fit.at_bound]
        margin = f" by ΔAICc = {min(rest):.3g} or more" if rest else ""
        named = f"{best.geometry.name}, f = {best.geometry.formula}"
        tried = ", with every window and background" if variations else "; no other window or background could be tried"
        return f"the data choose {named}{margin}{tried}"
    others = [
        f"{fit.geometry.name} (ΔAICc = {fit.aicc - best.aicc:.2g}, ΔBIC = {fit.bic - best.bic:.2g})"
        for fit in alive[1:]
    ]
    names = ", ".join([best.geometry.name, *others[:-1]]) + f" and {others[-1]}"
    winners = np.array([min(v.delta_aicc, key=lambda name: v.delta_aicc[name]) for v in variations])
    turns = int((winners != best.geometry.name).sum())
    change = f"; {turns} of {len(winners)} other windows and backgrounds prefer another than the first" if turns else ""
    return f"undecided between {names}{change}: the fields and γ' depend on that choice"
