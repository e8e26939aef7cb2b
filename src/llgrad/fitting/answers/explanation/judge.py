"""One recording of a fit: its numbers, and the judgement of its kind."""

from __future__ import annotations

import numpy as np

from llgrad.datasets.trace import Trace
from llgrad.fitting.answers.explanation.loops import judge_loop, judge_switching
from llgrad.fitting.answers.explanation.tables import judge_spectrum, judge_table
from llgrad.fitting.answers.explanation.traces import judge_trace
from llgrad.fitting.answers.quality import Quality
from llgrad.fitting.loops.measured import MeasuredLoop, SwitchingFields
from llgrad.fitting.orbits.tables.table import as_orbit_table
from llgrad.fitting.targets.experiment import Experiment
from llgrad.observables.spectrum import Spectrum


def judged(
    found: Quality, experiment: Experiment, residuals: np.ndarray, weights: np.ndarray, slopes: np.ndarray, used: int
) -> Quality:
    """The quality of one recording with R², the shape of its residuals, and whether the model explains it.

    Args:
        found: by `quality`.
        experiment: the recording.
        residuals: predicted − recorded (T, C), in the unit of the data.
        weights: standard deviation of each (T, C), up to a factor where the noise was not given.
        slopes: of the residuals over their weights (T C, q).
        used: how many of the fit's parameters count as this recording's.
    """
    data = experiment.data
    if isinstance(data, Trace):
        return judge_trace(found, experiment, data, residuals, used)
    if isinstance(data, Spectrum):
        return judge_spectrum(found, data, residuals, weights)
    if isinstance(data, MeasuredLoop):
        return judge_loop(found, data, residuals, used)
    if isinstance(data, SwitchingFields):
        return judge_switching(found, data, residuals)
    return judge_table(found, as_orbit_table(data), residuals[:, 0], weights[:, 0], slopes, used)
