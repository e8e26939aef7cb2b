"""Does the model explain a measured loop?"""

from __future__ import annotations

import numpy as np

from llgrad.fitting.answers.explanation.shape import is_correlated, is_noise, outliers, r_squared
from llgrad.fitting.answers.explanation.traces import unexplained
from llgrad.fitting.answers.quality import ColumnFit, Quality
from llgrad.fitting.loops.measured import MeasuredLoop, SwitchingFields


def judge_loop(found: Quality, data: MeasuredLoop, residuals: np.ndarray, used: int) -> Quality:
    """By R², as a trace is, and by single points far off, as the rows are that were taken while the device switched."""
    recorded, r = data.values[:, None], residuals
    value = r_squared(recorded, r)
    column = ColumnFit(data.quantity, data.unit, float(np.sqrt(np.mean(r**2))), float(recorded.std()), value)
    correlated = is_correlated(r, float(recorded.std()) or 1.0)
    shaped = (found.chi2_per_freedom is not None and found.doubtful) or correlated or not is_noise(r)
    failure = unexplained([column], recorded, r, value, lambda: shaped, used)
    far = 0 if correlated else outliers(r[:, 0])
    said = (
        f"{far} of {r.size} values of {data.quantity} lie farther from the model than noise brings any; leave out "
        "those that were taken while the device switched"
    )
    warnings = (*found.warnings, *([said] if far else []))
    return found._replace(warnings=warnings, unit=data.unit, r_squared=value, columns=(column,), failure=failure)


def judge_switching(found: Quality, data: SwitchingFields, residuals: np.ndarray) -> Quality:
    """By χ² alone, as there are few of them, each with its error."""
    rms = float(np.sqrt(np.mean(residuals**2)))
    value = r_squared(data.fields[:, None], residuals) if data.fields.size > 1 else None
    column = ColumnFit(data.quantity, data.unit, rms, float(data.fields.std()), value)
    return found._replace(unit=data.unit, r_squared=value, columns=(column,))
