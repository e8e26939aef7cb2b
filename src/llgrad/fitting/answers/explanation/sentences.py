"""What a fit says first: whether the model explains the data, and why it does not.

The printed answer, the JSON, the report and the titles of pictures show the sentences of this file.
"""

from __future__ import annotations

from collections.abc import Sequence

from llgrad.core.units import show
from llgrad.fitting.answers.quality import Quality
from llgrad.fitting.targets.experiment import Experiment


def explanation(qualities: Sequence[Quality], experiments: Sequence[Experiment]) -> tuple[str, ...]:
    """Whether the model explains the data, in one sentence, and the reasons; the worst first."""
    pairs = list(zip(qualities, experiments, strict=True))
    named = [_named(e, i, len(pairs)) for i, (_, e) in enumerate(pairs)]
    bad = [(q, name) for (q, _), name in zip(pairs, named, strict=True) if q.failure]
    part = [(q, name) for (q, _), name in zip(pairs, named, strict=True) if q.doubtful and not q.failure]
    said = [f"the model does not explain {name}: {q.failure}" for q, name in bad]
    if bad:
        said[0] += "; the values below mean nothing until it does"
    said += [f"the model explains {name} only in part: {numbers(q)}" for q, name in part]
    if not said:
        name = "the data" if len(pairs) == 1 else f"all {len(pairs)} recordings"
        said = [f"the model explains {name}: {_range_of_numbers(qualities)}"]
    alone = len(pairs) == 1
    said += [w if alone else f"{name}: {w}" for (q, _), name in zip(pairs, named, strict=True) for w in q.warnings]
    if bad:
        said.append(
            "try other starting values, or several; let free what may be held at a wrong value; and check units, "
            "columns and the kind of device"
        )
    return tuple(dict.fromkeys(said))


def speaking(qualities: Sequence[Quality], experiments: Sequence[Experiment]) -> tuple[str, ...]:
    """The sentences of `explanation` that speak against the model or the noise; none for a good fit."""
    said = explanation(qualities, experiments)
    return said if any(one.doubtful or one.failure for one in qualities) else said[1:]


def numbers(one: Quality) -> str:
    """R², the rms of the residuals with its unit, and χ², in a few words."""
    parts = [] if one.r_squared is None else [f"R² = {shown_r_squared(one.r_squared)}{_worst_column(one)}"]
    parts.append(f"residual rms {shown_rms(one)}")
    parts += [] if one.chi2_per_freedom is None else [f"χ² per degree of freedom {one.chi2_per_freedom:.3g}"]
    return ", ".join(parts)


def _worst_column(one: Quality) -> str:
    """The column that is explained far worse than all together."""
    known = [column for column in one.columns if column.r_squared is not None]
    worst = min(known, key=lambda column: column.r_squared or 0.0, default=None)
    if one.r_squared is None or worst is None or worst.r_squared is None or not one.doubtful:
        return ""
    far = 1 - worst.r_squared > max(4 * (1 - one.r_squared), 0.1)
    return f" ({shown_r_squared(worst.r_squared)} of {worst.name})" if far else ""


def shown_rms(one: Quality) -> str:
    """The rms of the residuals with its unit."""
    return short(one.rms, one.unit)


def shown_r_squared(value: float) -> str:
    """R² to read: what is missing to 1 where that is little."""
    missing = 1 - value
    if missing < 1e-15:
        return "1"
    if value < 0:
        return f"−{-value:.0f}" if value < -10 else f"−{-value:.2g}"
    return f"{value:.2g}" if missing > 0.1 else f"{value:.4f}" if missing > 5e-4 else f"1 − {missing:.1g}"


def in_short(one: Quality) -> str:
    """For the title of a picture: whether the model explains the recording, R², and χ² per degree of freedom."""
    word = "Not explained" if one.failure else "Explained in part" if one.doubtful else "Fit"
    known = [] if one.r_squared is None else [f"R² = {shown_r_squared(one.r_squared)}"]
    known += [] if one.chi2_per_freedom is None else [f"χ²/ν = {one.chi2_per_freedom:.3g}"]
    return f"{word}: {', '.join(known)}" if known else word


def _named(experiment: Experiment, index: int, count: int) -> str:
    return "the data" if count == 1 else f"the recording {experiment.label or index + 1!r}"


def _range_of_numbers(qualities: Sequence[Quality]) -> str:
    if len(qualities) == 1:
        return numbers(qualities[0])
    found = sorted(q.r_squared for q in qualities if q.r_squared is not None)
    chi2 = sorted(q.chi2_per_freedom for q in qualities if q.chi2_per_freedom is not None)
    parts = [f"R² from {shown_r_squared(found[0])} to {shown_r_squared(found[-1])}"] if found else []
    parts += [f"χ² per degree of freedom from {chi2[0]:.3g} to {chi2[-1]:.3g}"] if chi2 else []
    return ", ".join(parts) or ", ".join(numbers(q) for q in qualities)


def short(value: float, unit: str) -> str:
    """A number with its unit and three digits."""
    return show(float(f"{value:.3g}"), unit)
