"""Which shape the lines of a file have: the evidence of all its sweeps together, since one instrument recorded them.

Every shape has the same number of parameters, so the difference of AICc, and that of BIC, is Σ n ln(Σr²) over the
sweeps, n points each, of one shape minus the other: K. P. Burnham and D. R. Anderson, Model Selection and Multimodel
Inference, 2nd ed. (2002), section 2.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from llgrad.datasets.sweeps import Sweep, Sweeps
from llgrad.fitting.resonance.comparison import NO_SUPPORT
from llgrad.fitting.resonance.lorentzian import EVERYTHING, Background, FieldWindow, Line, fewest_points, fit_line
from llgrad.fitting.resonance.shapes.shape import PEAK_TO_PEAK, LineShape
from llgrad.fitting.resonance.usable import reason_unusable

TRIED: Final = (0.15, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8)
"""Modulation amplitudes that are tried, in medians of the half width."""


class ShapeChoice(NamedTuple):
    """The shape of the lines of a file, and what speaks for it."""

    shape: LineShape
    lines: tuple[Line, ...]
    """The line of every sweep with enough points, usable or not, in that shape."""
    margin: float
    """AICc of the other shape minus that of this one, over all lines; negative where the other explains them better."""
    evidence: int
    """Lines that the margin comes from."""
    forced: bool
    """Whether the user named the shape."""
    modulation: float | None
    """Amplitude of the field modulation [T] that the user gave."""

    @property
    def other(self) -> LineShape:
        """The shape that was not taken."""
        return _other(self.shape)

    def sentences(self, sweeps: Sweeps) -> tuple[str, ...]:
        """What was chosen and by how much, and what the numbers of a line mean."""
        other = self.other
        lines = f"{self.evidence} line{'' if self.evidence == 1 else 's'}"
        if not self.forced:
            chosen = f"line shape: {self.shape.words}, chosen over {other.words} by ΔAICc = {self.margin:.3g} ({lines})"
        elif self.margin < -NO_SUPPORT:
            chosen = (
                f"line shape: {self.shape.words}, as you asked, AGAINST THE DATA: {other.words} explain them better by "
                f"ΔAICc = {-self.margin:.3g} ({lines}); widths and α below are not to be believed"
            )
        else:
            better = "better" if self.margin >= 0 else "worse"
            chosen = (
                f"line shape: {self.shape.words}, as you asked (they explain {lines} {better} than {other.words}: "
                f"ΔAICc = {abs(self.margin):.3g})"
            )
        meaning = "half width w is half the full width at half maximum of the symmetric Lorentzian (FWHM = 2w)"
        if self.shape is LineShape.LORENTZIAN:
            return chosen, meaning
        meaning += f"; peak to peak, its derivative is ΔH_pp = 2w/√3 = {PEAK_TO_PEAK:.4f} w wide"
        if self.modulation is None:
            small = "taken as far smaller than the widths (an amplitude a widens a line to about √(w² + a²))"
            return chosen, meaning, f"modulation: {small}; give it where it is not"
        return chosen, meaning, f"modulation: {sweeps.show_field(self.modulation)} amplitude, as given, in the shape"


def choose_shape(
    sweeps: Sweeps,
    window: FieldWindow,
    background: Background,
    shape: LineShape | None = None,
    modulation: float | None = None,
) -> ShapeChoice:
    """The shape of the lines, chosen by the evidence of all sweeps unless `shape` names it.

    `modulation` [T] is the amplitude of the field modulation of derivative lines, where it is known.

    Raises ValueError where the data do not decide, where a modulation was given and the lines are no derivatives, and
    where derivatives are plainly wider than they would be without a modulation and none was given.
    """
    enough = [s for s in sweeps.sweeps if window.holds(s.field).sum() >= fewest_points(background)]
    fitted = {kind: _fit(enough, window, background, kind, modulation or 0.0) for kind in LineShape}
    clear = [
        number
        for number, lines in enumerate(zip(*fitted.values(), strict=True))
        if any(reason_unusable(line, sweeps.show_field) is None for line in lines)
    ]
    costs = {kind: _aicc([lines[number] for number in clear]) for kind, lines in fitted.items()}
    best = min(costs, key=lambda kind: costs[kind])
    chosen = shape or best
    margin = costs[_other(chosen)] - costs[chosen]
    if shape is None and clear and margin < NO_SUPPORT:
        raise ValueError(
            f"these sweeps do not tell {LineShape.LORENTZIAN.words} from {LineShape.DERIVATIVE.words} "
            f"(ΔAICc = {margin:.2g} on "
            f"{len(clear)} lines), and the widths depend on it; name what was recorded: shape=Shape.LORENTZIAN or "
            "Shape.DERIVATIVE (--shape lorentzian or --shape derivative), the latter for a modulated field and a "
            "lock-in amplifier"
        )
    if modulation is not None and chosen is LineShape.LORENTZIAN:
        because = "" if shape else f"; these are {chosen.words} by ΔAICc = {margin:.3g}"
        raise ValueError(f"a field modulation belongs to derivative lines{because}; leave it out, or name that shape")
    if chosen is LineShape.DERIVATIVE and modulation is None and clear:
        _check_modulation(sweeps, background, [fitted[chosen][n] for n in clear])
    return ShapeChoice(chosen, fitted[chosen], float(margin), len(clear), shape is not None, modulation)


def _other(shape: LineShape) -> LineShape:
    return LineShape.DERIVATIVE if shape is LineShape.LORENTZIAN else LineShape.LORENTZIAN


def _fit(
    sweeps: Sequence[Sweep], window: FieldWindow, background: Background, shape: LineShape, modulation: float
) -> tuple[Line, ...]:
    amplitude = modulation if shape is LineShape.DERIVATIVE else 0.0
    return tuple(fit_line(sweep, window, background, shape, amplitude) for sweep in sweeps)


def _aicc(lines: Sequence[Line]) -> float:
    """AICc without the terms that all shapes share."""
    return float(sum(line.residuals.size * np.log(max(line.cost, 1e-24)) for line in lines))


def _check_modulation(sweeps: Sweeps, background: Background, lines: Sequence[Line]) -> None:
    """Raise ValueError where a modulation that is not small explains derivative lines far better than none."""
    typical = float(np.median([line.half_width for line in lines]))
    plain, best, amplitude = _aicc(lines), np.inf, 0.0
    for part in TRIED:
        amplitude_tried = part * typical
        cost = _aicc(
            [
                fit_line(line.sweep, EVERYTHING, background, LineShape.DERIVATIVE, amplitude_tried, near=line)
                for line in lines
            ]
        )
        if cost >= best:
            break
        best, amplitude = cost, amplitude_tried
    if plain - best > NO_SUPPORT:
        raise ValueError(
            f"these derivative lines are widened by their modulation: an amplitude of about "
            f"{sweeps.show_field(amplitude)} explains them better than a small one by ΔAICc = {plain - best:.3g}; give "
            "the amplitude of the modulated field (half of peak to peak), modulation= in tesla (--modulation 2Oe)"
        )
