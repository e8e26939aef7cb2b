"""Branches of fixed points and cycles and their critical points, as they are told."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from llgrad.core.files import Path, write_result
from llgrad.core.record import as_number
from llgrad.core.run_record import run_record
from llgrad.core.units import show
from llgrad.orbits.branches.critical import Critical
from llgrad.orbits.branches.cycles.result import CycleBranch
from llgrad.orbits.flow import Model
from llgrad.orbits.results.orbit import Orbit


@dataclass(frozen=True)
class Threshold:
    """Where a fixed point changes: "Hopf", "fold", or "branch point".

    >>> import llgrad as lg
    >>> (onset,) = lg.orbits.thresholds(lg.presets.kubota2013(), "current", 0.2e-3, 1e-3)
    >>> round(float(onset.frequency) / 1e9, 3), onset.supercritical
    (1.727, True)
    """

    kind: str
    value: float | Float[jax.Array, ""]
    """Of the number that is followed, in SI units; differentiable."""
    held: float
    """The same, a plain number."""
    frequency: float | Float[jax.Array, ""]
    """Frequency [Hz] with which the cycle of a Hopf point begins; 0 of others."""
    y: np.ndarray
    """The numbers of the state (d,)."""
    lyapunov: float | None
    """First Lyapunov coefficient of a Hopf point; 0 where it vanishes, as of a centre, and does not decide."""
    source: Critical
    """The equations that it solves, for its derivatives."""

    @property
    def supercritical(self) -> bool | None:
        """Of a Hopf point, whether a stable cycle grows from it, without hysteresis; None of others, and of a
        degenerate one, whose first Lyapunov coefficient is zero."""
        return None if not self.lyapunov else self.lyapunov < 0


@dataclass(frozen=True)
class Branch:
    """A branch of fixed points, point after point.

    >>> import llgrad as lg
    >>> branches = lg.follow(lg.presets.kubota2013(), "current", 0.2e-3, 1e-3)
    >>> [(bool(branch.stable[0]), bool(branch.stable[-1])) for branch in branches.branches]
    [(True, False), (False, False), (False, False), (False, False)]
    """

    values: np.ndarray
    """Of the number (P,), in SI units."""
    y: np.ndarray
    """The numbers of the states (P, d)."""
    growing: np.ndarray
    """In how many directions deviations grow (P,): 0 where the state is stable."""
    matrices: np.ndarray
    """∂(dq/dt)/∂q (P, n, n) [1/ns]."""
    ends: tuple[str, str]
    """Why it ends: at the "edge" of the range, in a "loop", or "lost"."""
    neutral: np.ndarray
    """Whether some deviation neither grows nor decays (P,), here and at a neighbour, as of a centre: then the state is
    not stable, and not unstable either where `growing` is 0."""
    observed: np.ndarray | None = None
    """The observable (P,), where cycles were followed too."""

    @property
    def stable(self) -> np.ndarray:
        """Whether each state is stable (P,): all deviations decay."""
        return (self.growing == 0) & ~self.neutral


@dataclass(frozen=True)
class Branches:
    """All branches of fixed points and cycles over a range of one number.

    >>> import llgrad as lg
    >>> branches = lg.follow(lg.presets.kubota2013(), "current", 0.2e-3, 1e-3)
    >>> branches.parameter, branches.unit, len(branches.branches), len(branches.cycles)
    ('current', 'A', 4, 1)
    """

    branches: tuple[Branch, ...]
    thresholds: tuple[Threshold, ...]
    """By their values, from the lowest."""
    parameter: str
    unit: str
    over: tuple[float, float]
    """Least and largest value of the number that was followed."""
    device: Model
    names: tuple[str, ...]
    """Of the numbers of a state."""
    cycles: tuple[CycleBranch, ...] = ()
    note: str = ""
    """Why there are no cycles; empty where they were followed."""
    notes: tuple[str, ...] = ()
    """Sentences about curves of states at rest, which are no branches, and about branches that may be missing; of
    families of cycles at one value of the number their branch tells (`CycleBranch.stands`)."""
    complete: bool = True
    """Whether no state at rest is known to be missing: at the values at which they were looked for `lg.equilibria` was
    complete, and between critical points the indices of the branches add up as they must (Poincaré–Hopf). False too
    where curves of them are not followed, or the sum is not known."""

    def orbits(self, value: float) -> tuple[Orbit, ...]:
        """Every cycle at a value of the number, stable or not, as an `Orbit`: its curve, and all that it tells.

        Raises ValueError for a value outside of the range that was followed, where cycles were not followed, and where
        one cannot be solved, next to a fold.

        >>> import llgrad as lg
        >>> branches = lg.follow(lg.presets.kubota2013(), "current", 0.2e-3, 1e-3)
        >>> orbits = [branches.orbits(current) for current in (0.3e-3, 0.5e-3, 1e-3)]
        >>> [len(found) for found in orbits], orbits[2][0].m.shape[1]
        ([0, 1, 1], 3)
        """
        low, high = self.over
        number = as_number(value)
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not low <= number <= high:
            shown = " to ".join(show(float(f"{end:.8g}"), self.unit) for end in self.over)
            raise ValueError(f"value = {value!r}, expected one of {self.parameter} that was followed, {shown}, in SI")
        if self.note and not self.cycles:
            raise ValueError(f"there are no orbits here: {self.note}")
        return tuple(orbit for branch in self.cycles for orbit in branch.orbits(value))

    def to_json(self) -> dict[str, Any]:
        """What was found, in SI units, with its run record."""
        return run_record("branches", device=self.device) | {
            "parameter": self.parameter,
            "unit": self.unit,
            "over": list(self.over),
            "names": list(self.names),
            "thresholds": [
                {
                    "kind": point.kind,
                    "value": point.held,
                    "frequency_Hz": _plain(point.frequency),
                    "supercritical": point.supercritical,
                    "state": point.y.tolist(),
                }
                for point in self.thresholds
            ],
            "branches": [
                {
                    "values": branch.values.tolist(),
                    "states": branch.y.tolist(),
                    "growing": branch.growing.tolist(),
                    "neutral": branch.neutral.tolist(),
                    "ends": list(branch.ends),
                }
                for branch in self.branches
            ],
            "cycles": [branch.to_json() for branch in self.cycles],
            "note": self.note,
            "notes": list(self.notes),
            "complete": self.complete,
        }

    def save(self, path: Path, *, overwrite: bool = False) -> pathlib.Path:
        """Write it as .json (`to_json`), or every point of every branch as the columns of `table`: .npz or .csv.

        Raises ValueError for another ending, FileExistsError and others as `core.files.check_target` does.
        """
        return write_result(path, self.to_json, run_record("branches", device=self.device), self.table, overwrite)

    def table(self) -> dict[str, np.ndarray]:
        """Every point as columns (M,), of states at rest and cycles alike; what one of them has not is NaN.

        "branch" counts them, "kind" is "equilibrium" or "cycle"; then the number that is followed by its name,
        "growing" (0: stable), "turns", "frequency_Hz", "error", "multiplier" (the largest: real and imaginary part),
        "observable_low" and "observable_high", and the least and largest value of each number of the state.
        """
        parts = [_of_rest(branch) for branch in self.branches] + [_of_cycles(branch) for branch in self.cycles]
        counts = [len(part["value"]) for part in parts]
        found = {
            "branch": np.repeat(np.arange(len(parts)), counts),
            "kind": np.repeat(["equilibrium"] * len(self.branches) + ["cycle"] * len(self.cycles), counts),
        }
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
        found |= {self.parameter if name == "value" else name: column for name, column in joined.items()}
        lows, highs = found.pop("lows", np.zeros((0, 0))), found.pop("highs", np.zeros((0, 0)))
        for i, name in enumerate(self.names if parts else ()):
            found |= {f"{name}_low": lows[:, i], f"{name}_high": highs[:, i]}
        return found

    def __len__(self) -> int:
        return len(self.branches)

    def __getitem__(self, place: int) -> Branch:
        return self.branches[place]

    def __repr__(self) -> str:
        of_cycles = f" and {len(self.cycles)} of cycles" if self.cycles else ""
        count = len(self.thresholds) + sum(len(branch.critical) for branch in self.cycles)
        lines = [f"{len(self)} branches of equilibria{of_cycles} over {self.parameter}, {count} critical points"]
        for point in self.thresholds:
            where = f"{self.parameter} = {show(float(f'{point.held:.8g}'), self.unit)}"
            state = "(" + ", ".join(f"{part:.4f}" for part in point.y.round(4) + 0.0) + ")"
            how = {None: "", True: ", supercritical", False: ", subcritical"}[point.supercritical]
            how = ", degenerate (its first Lyapunov coefficient is zero)" if point.lyapunov == 0 else how
            begins = "" if point.kind != "Hopf" else f", {show(float(f'{_plain(point.frequency):.5g}'), 'Hz')}"
            lines.append(f"  {where}: {point.kind}{how}{begins} at {state}")
        lines += [line for branch in self.cycles for line in branch.told(self.parameter, self.unit)]
        lines += [f"  {note}" for note in self.notes]
        lost = [branch for branch in self.branches if "lost" in branch.ends]
        if lost:
            lines.append(f"  {len(lost)} branches end inside the range, where they could not be followed further")
        return "\n".join(lines)


def _of_rest(branch: Branch) -> dict[str, np.ndarray]:
    none = np.full(len(branch.values), np.nan)
    seen = none if branch.observed is None else branch.observed
    return {
        "value": branch.values,
        "growing": branch.growing,
        "turns": np.zeros(len(none), int),
        "frequency_Hz": none,
        "error": none,
        "multiplier_real": none,
        "multiplier_imaginary": none,
        "observable_low": seen,
        "observable_high": seen,
        "lows": branch.y,
        "highs": branch.y,
    }


def _of_cycles(branch: CycleBranch) -> dict[str, np.ndarray]:
    return {
        "value": branch.values,
        "growing": branch.growing,
        "turns": np.full(len(branch.values), branch.turns),
        "frequency_Hz": branch.frequencies,
        "error": branch.errors,
        "multiplier_real": np.real(branch.multipliers[:, 0]),
        "multiplier_imaginary": np.imag(branch.multipliers[:, 0]),
        "observable_low": branch.low,
        "observable_high": branch.high,
        "lows": branch.lows,
        "highs": branch.highs,
    }


def _plain(value: Any) -> float:
    return float(jax.lax.stop_gradient(value))
