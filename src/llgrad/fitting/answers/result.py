"""The answer of a fit: values with errors, how sure they are, and how they were found."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Float, PyTree

from llgrad.core.files import write_json
from llgrad.core.record import to_json
from llgrad.core.run_record import hash_of, run_record
from llgrad.core.units import show, show_with_error
from llgrad.datasets.trace import Trace
from llgrad.fitting.answers.explanation.sentences import explanation, shown_rms
from llgrad.fitting.answers.quality import Quality, is_lost
from llgrad.fitting.loops.measured import MeasuredLoop, SwitchingFields
from llgrad.fitting.orbits.tables.table import OrbitTable
from llgrad.fitting.problem import Problem
from llgrad.fitting.targets.experiment import Data, Experiment
from llgrad.fitting.targets.recording import LINE
from llgrad.observables.line_width import LineWidth
from llgrad.observables.spectrum import Spectrum


class FittedProblem(NamedTuple):
    """The fitted problem, its noise as weights, and where its minimum is."""

    problem: Problem
    u: np.ndarray
    """Unbounded parameters (p,)."""
    m0: np.ndarray
    """Reference starting states (R, 3)."""


class FitResult(eqx.Module):
    """Parameters found from data. Dictionaries are keyed by parameter name; numbers are in SI.

    >>> import llgrad as lg
    >>> sto = lg.presets.kubota2013()
    >>> trace = lg.trace_of(lg.simulate(sto, duration=1e-9, dt=2e-12, save=lg.Every(5)))
    >>> result = lg.fit(sto.replace(alpha=0.006), trace, free=["alpha"], dt=2e-12)
    >>> round(result.model.alpha, 5), result.units["alpha"], result.explained, result.at_bound
    (0.005, '1', True, {'alpha': False, 'm0.polar': False, 'm0.azimuthal': False})
    """

    values: dict[str, float]
    errors: dict[str, float]
    """Standard errors (one sigma); infinite where the data do not fix the parameter, and all of them where the model
    does not explain the data."""
    units: dict[str, str]
    start: dict[str, float]
    """Where the search began; a profiled gain and offset have no start."""
    at_bound: dict[str, bool]
    status: str
    converged: bool
    verdict: tuple[str, ...]
    """In sentences: what speaks against the model, then what the data can and cannot tell apart, and what else is to be
    known."""
    names: tuple[str, ...]
    correlation: Float[np.ndarray, "p p"]
    """Correlations (p, p) of the errors, in the order of `names`."""
    quality: tuple[Quality, ...]
    """How well each recording is explained."""
    noise: float
    """Noise of a value of the first recording: the one given (of a table, the rms of its errors), or else the rms of
    the residuals, corrected for the parameters fitted."""
    history: list[dict[str, Any]]
    simulations: int
    """Simulations that the fit took, each tangent counted as one."""
    seconds: float
    method: str
    model: PyTree
    """The device with the values found (that of the first experiment)."""
    m0: tuple[tuple[float, ...], ...]
    """The starting state of each experiment, used or found: the components of m, or of a system's state."""
    experiments: tuple[Experiment, ...]
    predictions: tuple[dict[str, Any], ...]
    """The fitted curve of each column of each experiment."""
    line_widths: tuple[LineWidth | None, ...] = ()
    """Frequency and line width of each trace whose phase diffuses; None for others."""
    solution: FittedProblem | None = None
    """What `profile` goes on from; it is not saved."""

    @property
    def data(self) -> Data:
        """The recorded data of the first experiment."""
        return self.experiments[0].data

    @property
    def prediction(self) -> dict[str, Any]:
        """The fitted curve of each column of the first experiment, at its times."""
        return self.predictions[0]

    @property
    def explained(self) -> bool:
        """Whether the model explains the data, if only in part; where it does not, the values mean nothing."""
        return not is_lost(self.quality)

    @property
    def explanation(self) -> tuple[str, ...]:
        """Whether the model explains the data, in a sentence that comes before any parameter; then the reasons."""
        return explanation(self.quality, self.experiments)

    @property
    def caveat(self) -> str:
        """What is to be said wherever the errors are used: that the model explains the data in part only, or not."""
        return self.explanation[0] if any(one.doubtful or one.failure for one in self.quality) else ""

    @property
    def heading(self) -> str:
        """Heading of the values in a table: an error is told only where the model explains the data."""
        return "value ± standard error" if self.explained else "value, without an error"

    def remark(self, name: str) -> str:
        """What stands beside a parameter in a table."""
        if self.at_bound[name]:
            return "at its bound"
        fixed = np.isfinite(self.errors[name]) or not self.explained
        return "" if fixed else "not fixed by the data"

    def __str__(self) -> str:
        rows = [("parameter", self.heading, "start", "")]
        for name in self.names:
            unit, error = self.units[name], self.errors[name]
            start = show(self.start[name], unit) if name in self.start else ""
            rows.append((name, show_with_error(self.values[name], error, unit), start, self.remark(name)))
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        table.insert(1, "-" * max(map(len, table)))
        left = ", ".join(shown_rms(one) for one in self.quality)
        foot = (
            f"{self.method}: {self.status}; residual rms {left}; {self.simulations} simulations in {self.seconds:.2f} s"
        )
        first = self.explanation
        return "\n".join([*first, "", *table, foot, *(one for one in self.verdict if one not in first)])

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        """A dictionary that begins with the versioned run record; `core.files.plain` makes it JSON."""
        arrays = [array for experiment in self.experiments for array in _arrays(experiment.data)]
        parameters = {
            name: {
                "value": self.values[name],
                "error": self.errors[name],
                "unit": self.units[name],
                "start": self.start.get(name),
                "at_bound": self.at_bound[name],
            }
            for name in self.names
        }
        return run_record("fit", device=self.model, data_hash=hash_of(arrays), dtype="float64") | {
            "parameters": parameters,
            "values": self.values,
            "status": self.status,
            "converged": self.converged,
            "explained": self.explained,
            "explanation": list(self.explanation),
            "verdict": list(self.verdict),
            "held": {name: held for name in LINE if (held := getattr(self.experiments[0], name)) is not None},
            "correlation": {"names": list(self.names), "matrix": self.correlation},
            "columns": list(self.data.columns) if isinstance(self.data, Trace) else [],
            "residual_rms": self.quality[0].rms,
            "noise": self.noise,
            "quality": [one.to_json() for one in self.quality],
            "line_widths": [None if one is None else one.to_json() for one in self.line_widths],
            "method": self.method,
            "simulations": self.simulations,
            "seconds": self.seconds,
            "m0": list(self.m0[0]),
            "starting_states": [list(state) for state in self.m0],
            "model": to_json(self.model),
            "history": self.history,
        }

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the result as JSON; the file appears whole or not at all. An existing file is kept unless
        `overwrite`."""
        write_json(path, self.to_json(), overwrite)
        return Path(path)


def minimum_of(result: Any, noun: str, verb: str) -> FittedProblem:
    """The minimum that a fit found, for what goes on from there (a profile, a posterior).

    Raises ValueError, in one sentence, for what is no fit, or has no minimum with errors that its covariance tells.
    """
    if not isinstance(result, FitResult):
        raise ValueError(f"a {noun} goes on from the result of a fit, got {type(result).__name__}; give lg.fit(…)")
    if not result.converged:
        raise ValueError(f"this fit has no minimum to {verb} ({result.status}); fit again until it converges")
    if not result.explained:
        raise ValueError(f"{result.explanation[0]}; there is nothing to {verb} until it does")
    if result.solution is None:
        raise ValueError(f"a {noun} goes on from a fit in memory, and this one was read from a file; fit again")
    if any(recording.clusters for recording in result.solution.problem.recordings):
        raise ValueError(f"a fit in segments has no {noun}: its residuals are correlated")
    return result.solution


def _arrays(data: Any) -> list[Any]:
    if isinstance(data, Trace):
        return [data.t, *data.columns.values()]
    if isinstance(data, OrbitTable):
        return [*data.settings.values(), *data.measured.values()]
    if isinstance(data, (MeasuredLoop, SwitchingFields)):
        return [data.field, data.values]
    return [data.frequency, data.density] if isinstance(data, Spectrum) else [data.values, data.frequencies]
