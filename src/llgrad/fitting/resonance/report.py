"""The printed report of a resonance fit: tables of lines, geometries and α, and the verdict in sentences."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import numpy as np

from llgrad.core.units import show
from llgrad.fitting.resonance.comparison import NO_SUPPORT
from llgrad.fitting.resonance.lorentzian import Background
from llgrad.fitting.resonance.shapes.shape import PEAK_TO_PEAK, LineShape


def report(result: Any) -> str:
    """The report of a `ResonanceResult` as text."""
    parts = [_data(result), _lines(result), _geometries(result), _damping(result)]
    return "\n\n".join(parts) + f"\n\nleast squares in {result.seconds:.2f} s"


def _data(result: Any) -> str:
    sweeps, window = result.sweeps, result.window
    ends = [
        f"H {sign} {sweeps.show_field(edge)}"
        for edge, sign in ((window.low, "≥"), (window.high, "≤"))
        if np.isfinite(edge)
    ]
    fitted = f"fitted where {' and '.join(ends)}" if ends else "fitted over the whole sweeps"
    shape = [textwrap.fill(_sentence(text), 120, subsequent_indent="  ") for text in result.choice.sentences(sweeps)]
    doubt = [_sentence(result.alpha_remark)] if result.alpha_remark else []
    return "\n".join([*sweeps.notes, *shape, *doubt, f"{fitted}, on a {result.background.name.lower()} background"])


def _lines(result: Any) -> str:
    sweeps = result.sweeps
    pairs = result.choice.shape is LineShape.DERIVATIVE
    rows = [("frequency", "resonance field", "half width w", *(("ΔH_pp",) if pairs else ()), "phase", "R²", "")]
    for line in result.fitted:
        used = "α" if line in result.width_lines else "" if line in result.lines else "not used"
        rows.append(
            (
                show(line.frequency, "Hz"),
                sweeps.show_field(line.resonance, line.resonance_error),
                sweeps.show_field(line.half_width, line.half_width_error),
                *([sweeps.show_field(PEAK_TO_PEAK * line.half_width)] if pairs else []),
                f"{round(math.degrees(line.mixing))}°",
                f"{line.r_squared:.4f}",
                used,
            )
        )
    phase = "phase = atan2(antisymmetric, symmetric part): 0° or 180° absorption, ±90° dispersion"
    return "\n".join([f"Lines (those marked α give the damping; {phase})", *_table(rows), *_left_out(result)])


def _left_out(result: Any) -> list[str]:
    """One sentence for each reason, with all its sweeps."""
    by_reason: dict[str, list[float]] = {}
    for frequency, reason in sorted(result.left_out.items()):
        by_reason.setdefault(reason, []).append(frequency)
    said = []
    for reason, frequencies in by_reason.items():
        listed = ", ".join(f"{f / 1e9:g}" for f in frequencies)
        plural = len(frequencies) > 1
        text = (
            reason.replace("its line, if it has one, lies", "their lines, if they have any, lie") if plural else reason
        )
        text = text.replace("its line is", "their lines are") if plural else text
        said.append(f"not used: the {'sweeps' if plural else 'sweep'} at {listed} GHz: {text}")
    return said


def _geometries(result: Any) -> str:
    sweeps, best = result.sweeps, result.fits[0]
    rows = [("geometry", "γ' (GHz/T)", "fields", "rms (MHz)", "ΔAICc", "ΔBIC", "α")]
    lowest = min(fit.bic for fit in result.fits)
    for fit in result.fits:
        fields = ", ".join(
            f"{name} = {sweeps.show_field(value, error)}"
            for name, value, error in zip(fit.geometry.symbols, fit.fields, fit.field_errors, strict=True)
        )
        alpha, error = result.law.alpha(fit.gamma)
        rows.append(
            (
                fit.geometry.name,
                f"{fit.gamma / 1e9:.2f} ± {fit.gamma_error / 1e9:.2f}",
                f"{', '.join(fit.geometry.symbols)} at its bound" if fit.at_bound else fields,
                f"{fit.rms / 1e6:#.3g}".rstrip("."),
                f"{fit.aicc - best.aicc:.1f}",
                f"{fit.bic - lowest:.1f}",
                f"{alpha:.5f} ± {error:.5f}",
            )
        )
    count, ends = len(result.lines), [result.lines[i].frequency / 1e9 for i in (0, -1)]
    head = f"Geometries, on {count} lines from {ends[0]:g} to {ends[1]:g} GHz"
    formulas = "; ".join(f"{fit.geometry.name}: {fit.geometry.formula}" for fit in result.fits)
    formulas = textwrap.fill(f"f is {formulas}; γ' = γ/2π", 120, subsequent_indent="  ")
    said = (_sentence(text) for text in result.verdict)
    return "\n".join([head, *_table(rows), formulas, *said])


def _damping(result: Any) -> str:
    sweeps, law = result.sweeps, result.law
    alpha, error = result.alpha
    low, high = result.alpha_spread
    ends = [result.width_lines[i].frequency / 1e9 for i in (0, -1)]
    spread = f"systematic: α from {low:.4f} to {high:.4f} over the windows and backgrounds below"
    if not result.variations:
        spread = "systematic: not known, as no other window or background keeps enough lines"
    ends95 = law.interval(result.fits[0].gamma)
    value = (
        f"α = {alpha:.5f} ± {error:.5f} (standard error; 95 %: {ends95[0]:.5f} to {ends95[1]:.5f}), "
        f"with γ' of {result.fits[0].geometry.name}"
    )
    if result.choice.margin < -NO_SUPPORT:
        value, spread = _sentence(result.alpha_remark), "systematic: larger than all that is below"
    elif result.alpha_remark:
        value = f"{_sentence(result.alpha_remark)}; {value}"
    rows = [
        f"Damping, from half width w = w₀ + α f/γ' on {len(result.width_lines)} lines, {ends[0]:g} to {ends[1]:g} GHz",
        value,
        f"w₀ = {sweeps.show_field(law.intercept, law.intercept_error)} (inhomogeneous, half width); "
        f"χ² per degree of freedom {law.chi2:.2f}",
        spread,
        *([_sentence(result.width_remark)] if result.width_remark else []),
        *(_table(_variation_rows(result)) if result.variations else []),
    ]
    return "\n".join(rows)


def _variation_rows(result: Any) -> list[tuple[str, ...]]:
    rows = [("α with", *(background.name.lower() for background in Background))]
    for low, part in dict.fromkeys((v.low, v.part) for v in result.variations):
        of_background = {v.background: v for v in result.variations if (v.low, v.part) == (low, part)}
        name = f"H ≥ {result.sweeps.show_field(low)}" if np.isfinite(low) else "all fields"
        name = f"without the lowest {part:.0%} of each sweep" if part else name
        cells = [f"{of_background[b].alpha:.4f}" if b in of_background else "" for b in Background]
        rows.append((name, *cells))
    return rows


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]
