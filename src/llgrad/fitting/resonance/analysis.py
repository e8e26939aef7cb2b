"""`fit_resonance`: from field sweeps to γ', anisotropy fields and α, with what is left out and what is undecided."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

from llgrad.core.units import show
from llgrad.datasets.sweeps import Sweeps
from llgrad.fitting.resonance.comparison import NO_SUPPORT, check_gamma, compare, departs, fewest_lines
from llgrad.fitting.resonance.damping import first_on_the_law, remark_on_alpha, width_law
from llgrad.fitting.resonance.evidence import vary, verdict
from llgrad.fitting.resonance.geometries import TWO_ANISOTROPIES
from llgrad.fitting.resonance.lorentzian import EVERYTHING, Background, FieldWindow, Line, fewest_points
from llgrad.fitting.resonance.result import ResonanceResult
from llgrad.fitting.resonance.shapes.choice import ShapeChoice, choose_shape
from llgrad.fitting.resonance.shapes.residuals import reason_unexplained
from llgrad.fitting.resonance.shapes.shape import LineShape
from llgrad.fitting.resonance.usable import reason_unusable

OFF_THE_CURVE = 0.01
"""Probability below which a low-frequency line counts as off the curve through those above it."""

MOST_REASONS = 3
"""Reasons that a refusal names."""
AGAINST_THE_DATA = "no α: the data speak against the shape of the lines that was asked for"


class _Chosen(NamedTuple):
    """Lines by increasing frequency, and what was left out on the way, in sentences by frequency."""

    lines: list[Line]
    left_out: dict[float, str]


def fit_resonance(
    sweeps: Sweeps,
    *,
    window: FieldWindow = EVERYTHING,
    background: Background = Background.LINEAR,
    shape: LineShape | None = None,
    modulation: float | None = None,
    frequencies: tuple[float, float] | None = None,
    width_frequencies: tuple[float, float] | None = None,
) -> ResonanceResult:
    """Lines of all sweeps, their geometry and the damping.

    1. a symmetric and an antisymmetric line on a background for each sweep: Lorentzians, or the derivatives of such
       that a lock-in amplifier gives for a modulated field, whichever the sweeps together speak for;
    2. f against H for each geometry, compared by AICc and BIC;
    3. α from the half width at half maximum against f, w = w₀ + α f/γ';
    4. both again for other windows and backgrounds: the systematic spread.

    Sweeps without a usable line are left out, each with its reason, and so are those that the shape does not explain,
    and the lowest frequencies where their lines leave the curve, or are wider than the law, of all those above them.

    Args:
        sweeps: the data (see `lg.read_sweeps`).
        window: the fields that are used, `lg.fitting.FieldWindow(low=0.25)` [T]; the whole sweeps by default.
        background: what lies below each line.
        shape: the shape of the lines (`lg.fitting.LineShape`); by default the data choose.
        modulation: amplitude of the modulated field, half of its peak-to-peak value [T], where the lines are
            derivatives and it is known; without it, it is taken as far smaller than the widths.
        frequencies: the sweeps that may be used, from and to [Hz]; by default all.
        width_frequencies: those used for α; by default the ones that follow the law.

    Raises ValueError where fewer than six sweeps carry a usable line that the shape explains, where the data do not
    decide between the shapes, where derivatives are widened by a modulation that was not given, and where γ' is that of
    no electron, so that a unit must be wrong.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> H = np.linspace(0.0, 0.6, 301)
    >>> def sweep(f):  # a line at f = γ/2π (H + 0.1 T), whose half width is α f 2π/γ + 1 mT
    ...     centre, half = f / 28e9 - 0.1, 0.01 * f / 28e9 + 1e-3
    ...     return lg.data.Sweep(f, H, 1e-6 / (1 + ((H - centre) / half) ** 2) + 1e-9 * np.sin(np.arange(301)))
    >>> found = lg.fit_resonance(lg.data.Sweeps([sweep(f) for f in (6e9, 8e9, 10e9, 12e9, 14e9, 16e9)]))
    >>> round(float(found.alpha[0]), 3)  # and its standard error
    0.01
    """
    began = time.perf_counter()
    _check(sweeps, window, background, shape, modulation)
    choice = choose_shape(sweeps, window, background, shape, modulation)
    chosen = _chosen(sweeps, choice, window, background, frequencies)
    lines = chosen.lines
    f, h = np.array([line.frequency for line in lines]), np.array([line.resonance for line in lines])
    fits = compare(h, f)
    check_gamma(fits[0], sweeps.field_unit)
    wide, remark = _on_the_law(lines, width_frequencies)
    law = width_law(*_widths(wide))
    variations = vary(sweeps, window, choice, f, _widths(wide)[0], fits[0])
    errors = fits[0].gamma * np.array([line.resonance_error for line in lines])
    return ResonanceResult(
        sweeps=sweeps,
        window=window,
        background=background,
        choice=choice,
        fitted=choice.lines,
        lines=tuple(lines),
        left_out=chosen.left_out,
        fits=fits,
        verdict=verdict(fits, variations, float(np.sqrt(np.mean(errors**2)))),
        width_lines=tuple(wide),
        width_remark=remark,
        alpha_remark=AGAINST_THE_DATA if choice.margin < -NO_SUPPORT else remark_on_alpha(*law.alpha(fits[0].gamma)),
        law=law,
        variations=variations,
        seconds=time.perf_counter() - began,
    )


def _check(sweeps: Any, window: FieldWindow, background: Background, shape: Any, modulation: float | None) -> None:
    if not isinstance(sweeps, Sweeps):
        raise ValueError(f"expected Sweeps, got {type(sweeps).__name__}; see lg.read_sweeps")
    if shape is not None and not isinstance(shape, LineShape):
        raise ValueError(
            f"shape = {shape!r}, expected Shape.LORENTZIAN or Shape.DERIVATIVE, or None to let data choose"
        )
    low, high = sweeps.range()
    if modulation is not None and not 0 <= modulation < high - low:
        raise ValueError(
            f"modulation = {modulation:g} T, expected an amplitude from 0 to less than the swept {high - low:.3g} T"
        )
    if not window.low < window.high:
        raise ValueError(f"the window goes from {window.low:g} T to {window.high:g} T; expected the lower end first")
    if not any(_enough(sweep, window, background) for sweep in sweeps.sweeps):
        low, high = (sweeps.show_field(edge) for edge in sweeps.range())
        longest = max(sweep.field.size for sweep in sweeps.sweeps)
        if longest < fewest_points(background):
            raise ValueError(
                f"the sweeps have up to {longest} points; a line on a {background.name.lower()} background needs at "
                f"least {fewest_points(background)}: record more, over the line and both its flanks"
            )
        raise ValueError(f"the window holds too few points of any sweep; the fields go from {low} to {high}")


def _enough(sweep: Any, window: FieldWindow, background: Background) -> bool:
    return bool(window.holds(sweep.field).sum() >= fewest_points(background))


def _chosen(
    sweeps: Sweeps,
    choice: ShapeChoice,
    window: FieldWindow,
    background: Background,
    allowed: tuple[float, float] | None,
) -> _Chosen:
    """The lines that the geometries are fitted to."""
    try:
        usable = _usable(sweeps, list(choice.lines), window, background, allowed)
        return _explained(usable, chosen_by_user=allowed is not None)
    except ValueError as error:
        if choice.margin >= -NO_SUPPORT:
            raise
        raise ValueError(
            f"{choice.other.words} explain these sweeps better than {choice.shape.words}, which were asked for, by "
            f"ΔAICc = {-choice.margin:.3g}; leave the shape out: {error}"
        ) from None


def _usable(
    sweeps: Sweeps, fitted: list[Line], window: FieldWindow, background: Background, allowed: tuple[float, float] | None
) -> _Chosen:
    low, high = allowed or (0.0, np.inf)
    lines, left_out = (
        [],
        {
            sweep.frequency: f"fewer than {fewest_points(background)} of its points lie in the window"
            for sweep in sweeps.sweeps
            if not _enough(sweep, window, background)
        },
    )
    for line in fitted:
        reason = reason_unusable(line, sweeps.show_field)
        if reason is None and not low <= line.frequency <= high:
            reason = "it lies outside the frequencies asked for"
        if reason is None:
            lines.append(line)
        else:
            left_out[line.frequency] = reason
    if len(lines) < fewest_lines():
        raise ValueError(_too_few(lines, left_out))
    return _Chosen(lines, left_out)


def _too_few(lines: list[Line], left_out: dict[float, str]) -> str:
    by_reason: dict[str, list[str]] = {}
    for frequency, reason in sorted(left_out.items()):
        by_reason.setdefault(reason, []).append(show(frequency, "Hz"))
    why = "; ".join(f"{', '.join(of)}: {reason}" for reason, of in list(by_reason.items())[:MOST_REASONS])
    return (
        f"{len(lines)} of {len(lines) + len(left_out)} sweeps carry a usable line, expected at least {fewest_lines()}"
        + (f" ({why})" if why else "")
    )


def _explained(chosen: _Chosen, chosen_by_user: bool) -> _Chosen:
    """The lines on the curve that their shape explains; the curve is drawn once more without those that it does not."""
    first = _on_the_curve(chosen, chosen_by_user)
    reasons = {line.frequency: reason_unexplained(line) for line in first.lines}
    wrong = {frequency: reason for frequency, reason in reasons.items() if reason is not None}
    if not wrong:
        return first
    left = [line for line in chosen.lines if line.frequency not in wrong]
    if len(left) < fewest_lines():
        raise ValueError(_too_few(left, wrong | chosen.left_out))
    return _on_the_curve(_Chosen(left, chosen.left_out | wrong), chosen_by_user)


def _on_the_curve(chosen: _Chosen, chosen_by_user: bool) -> _Chosen:
    """Without the lowest frequencies whose lines leave the curve of all above: a layer that is not saturated there."""
    lines = chosen.lines
    first = len(lines) - max(fewest_lines(), (len(lines) + 1) // 2)
    h, f = np.array([line.resonance for line in lines]), np.array([line.frequency for line in lines])
    while first > 0 and not chosen_by_user:
        probability = departs(TWO_ANISOTROPIES, h[first:], f[first:], h[first - 1], f[first - 1])
        if probability < OFF_THE_CURVE:
            off = {
                line.frequency: "its line is off the curve f(H) of all higher frequencies "
                f"(p = {probability:.1g} at {show(float(f[first - 1]), 'Hz')}); the layer may not be saturated there"
                for line in lines[:first]
            }
            return _Chosen(lines[first:], chosen.left_out | off)
        first -= 1
    return chosen


def _widths(lines: list[Line]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.array([line.frequency for line in lines]),
        np.array([line.half_width for line in lines]),
        np.array([line.half_width_error for line in lines]),
    )


def _on_the_law(lines: list[Line], allowed: tuple[float, float] | None) -> tuple[list[Line], str | None]:
    """The lines that α is taken from, and why others are not."""
    if allowed is not None:
        wide = [line for line in lines if allowed[0] <= line.frequency <= allowed[1]]
        if len(wide) < 3:
            raise ValueError(
                f"{len(wide)} usable lines lie between {show(allowed[0], 'Hz')} and {show(allowed[1], 'Hz')}; "
                "α needs at least three"
            )
        return wide, None
    first, excess = first_on_the_law(*_widths(lines))
    if first == 0:
        return lines, None
    ends = show(lines[0].frequency, "Hz"), show(lines[first - 1].frequency, "Hz")
    which = f"the line at {ends[0]} is" if first == 1 else f"the lines from {ends[0]} to {ends[1]} are"
    return lines[first:], (
        f"{which} not used for α: off the straight line through those above "
        f"(at {ends[1]} by {excess:+.1f} standard deviations), as in a layer that is not quite saturated"
    )
