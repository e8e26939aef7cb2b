"""The answer of a plan: candidates, the best first, with the errors before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import equinox as eqx
import numpy as np

from llgrad.core.files import write_json
from llgrad.core.run_record import run_record
from llgrad.core.units import show
from llgrad.devices.oscillator import Oscillator
from llgrad.fitting.answers.uncertainty import WEAK, Uncertainty
from llgrad.fitting.planning.information import Recorder

BROKEN: Final = 0.99
"""Correlation below which a degeneracy counts as broken."""

PRINTED: Final = 8
"""Candidates in the printed table."""


class Candidate(NamedTuple):
    """A trace at some settings, and how well all would be known with it."""

    settings: dict[str, float]
    """[SI]"""
    after: Uncertainty
    relative: np.ndarray
    """Standard errors after it, relative to the values (p,)."""

    @property
    def worst(self) -> float:
        """The largest of them."""
        return float(self.relative.max())


class Plan(eqx.Module):
    """What to measure next. Errors are in SI, relative errors in parts of the value.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> proposal = lg.fitting.plan(sto, {"current": [2e-3, 3e-3]}, free=["alpha"], duration=1e-9, noise=0.01)
    >>> len(proposal.candidates), proposal.names
    (2, ('alpha',))
    """

    model: Oscillator
    names: tuple[str, ...]
    units: dict[str, str]
    before: Uncertainty
    relative: np.ndarray
    """Relative standard errors before (p,)."""
    candidates: tuple[Candidate, ...]
    """The one whose trace shrinks the worst relative error most first."""
    failed: tuple[dict[str, float], ...]
    """Settings that could not be simulated."""
    recorder: Recorder
    setting_units: dict[str, str]
    simulations: int
    seconds: float

    @property
    def best(self) -> Candidate:
        """The candidate to measure."""
        return self.candidates[0]

    def verdict(self, candidate: Candidate | None = None) -> tuple[str, ...]:
        """Sentences on what a candidate (the best one) would change."""
        chosen = candidate or self.best
        where = ", ".join(
            f"{name} = {show(value, self.setting_units[name])}" for name, value in chosen.settings.items()
        )
        i = int(np.argmax(self.relative))
        before, after = self.relative[i], chosen.relative[i]
        gain = f" ({before / after:.3g} times better)" if np.isfinite(before) and after > 0 else ""
        j = int(np.argmax(chosen.relative))
        then = "" if j == i else f"; the worst is then {self.names[j]}, {percent(chosen.relative[j])}"
        return (
            f"measure at {where}: the error of {self.names[i]}, now the worst, goes from {percent(before)} to "
            f"{percent(after)}{gain}{then}",
            *self._degeneracies(chosen),
        )

    def _degeneracies(self, chosen: Candidate) -> list[str]:
        sentences = []
        lost = [n for n, e in zip(self.names, self.before.errors, strict=True) if not np.isfinite(e)]
        if lost:
            still = [n for n, e in zip(self.names, chosen.after.errors, strict=True) if not np.isfinite(e)]
            told = [name for name in lost if name not in still]
            sentences += [f"it fixes {', '.join(told)}, which the data so far do not"] if told else []
            sentences += [f"{', '.join(still)}: still not fixed"] if still else []
        for i, name in enumerate(self.names):
            for j in range(i):
                before, after = (c.correlation[i, j] for c in (self.before, chosen.after))
                if abs(before) > WEAK and name not in lost and self.names[j] not in lost:
                    word = "breaks" if abs(after) < BROKEN else "eases" if abs(after) < WEAK else "does not break"
                    sentences.append(
                        f"it {word} the degeneracy of {self.names[j]} and {name}: their correlation goes from "
                        f"{before:.4f} to {after:.4f}"
                    )
        return sentences

    def __str__(self) -> str:
        settings = list(self.setting_units)
        rows = [(*settings, *self.names, "largest correlation")]
        rows.append((*["now"] + [""] * (len(settings) - 1), *map(percent, self.relative), _strongest(self.before)))
        for candidate in self.candidates[:PRINTED]:
            shown = [show(value, self.setting_units[name]) for name, value in candidate.settings.items()]
            rows.append((*shown, *map(percent, candidate.relative), _strongest(candidate.after)))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        table.insert(1, "-" * max(map(len, table)))
        one = self.recorder
        count = f"{len(self.candidates)} candidates" + (f", {len(self.failed)} more failed" if self.failed else "")
        head = (
            f"Relative standard errors with one more trace of {show(one.duration, 's')}, a sample every "
            f"{show(one.interval, 's')}, of {', '.join(one.columns)}, noise {one.noise:.3g}"
        )
        foot = f"{count}; {self.simulations} simulations in {self.seconds:.2f} s"
        return "\n".join([head, *table, foot, *self.verdict()])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        """A dictionary that begins with the versioned run record; `core.files.plain` makes it JSON."""
        return run_record("plan", device=self.model, dtype="float64") | {
            "parameters": {name: {"unit": self.units[name]} for name in self.names},
            "recorder": self.recorder._asdict(),
            "before": self._entry(self.before, self.relative),
            "candidates": [
                {
                    "settings": {n: {"value": v, "unit": self.setting_units[n]} for n, v in c.settings.items()},
                    "worst_relative_error": c.worst,
                    **self._entry(c.after, c.relative),
                }
                for c in self.candidates
            ],
            "failed": [dict(settings) for settings in self.failed],
            "verdict": list(self.verdict()),
            "simulations": self.simulations,
            "seconds": self.seconds,
        }

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the plan as JSON; an existing file is kept unless `overwrite`."""
        write_json(path, self.to_json(), overwrite)
        return Path(path)

    def _entry(self, sure: Uncertainty, relative: np.ndarray) -> dict[str, Any]:
        return {
            "errors": dict(zip(self.names, sure.errors.tolist(), strict=True)),
            "relative_errors": dict(zip(self.names, relative.tolist(), strict=True)),
            "correlation": sure.correlation,
        }


def percent(part: float) -> str:
    """A relative error to read."""
    return f"{100 * part:.2g} %" if np.isfinite(part) else "not fixed"


def _strongest(sure: Uncertainty) -> str:
    off = np.abs(sure.correlation - np.diag(np.diag(sure.correlation)))
    return f"{off.max():.4f}" if len(off) > 1 else ""
