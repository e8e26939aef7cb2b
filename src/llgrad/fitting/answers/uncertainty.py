"""How well the data fix the answer: covariance, and what cannot be told apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from llgrad.core.units import show
from llgrad.devices.bounds import POSITIVE
from llgrad.devices.ranges import OSCILLATOR
from llgrad.fitting.answers.quality import Quality
from llgrad.fitting.targets.recording import PREFIX
from llgrad.fitting.targets.starting import is_start

INSEPARABLE: Final = 1e-6
"""Relative singular value of the Jacobian below which a combination of parameters changes nothing."""

UNSEEN: Final = 1e-13
"""Relative size of its slopes below which a parameter changes nothing: rounding."""

WEAK: Final = 0.999
"""Correlation above which two parameters are reported as nearly inseparable."""

_FROM_ANYWHERE: Final = ("delay", "offset", f"{PREFIX}delay", f"{PREFIX}offset")
"""Parameters that are counted from a zero of no meaning, beside those of a starting state, so that products of their
powers mean nothing."""

IDENTIFIABLE: Final = "every free parameter is identifiable from these data"


class Uncertainty(NamedTuple):
    """Standard errors (p,), correlations (p, p), and the verdict in sentences."""

    errors: np.ndarray
    correlation: np.ndarray
    verdict: tuple[str, ...]


def uncertainty(
    names: tuple[str, ...], values: np.ndarray, jacobian: np.ndarray, sizes: Mapping[str, float] | None = None
) -> Uncertainty:
    """From the Jacobian (M, p) of residuals of unit variance with respect to the physical values.

    `sizes`: how large the components of a starting state are that are not 1.

    Covariance (JᵀJ)⁻¹. Directions are judged after every column was scaled to length 1, so that a parameter of a noisy
    recording counts beside those of an exact one; a direction whose singular value is below `INSEPARABLE` of the
    largest gives its parameters an infinite error. A column below `UNSEEN` of the longest, in relative changes δx/x,
    is zero.
    """
    given = sizes or {}
    size = np.array([given.get(name, 1.0) for name in names])
    scale = np.where(np.array([is_start(name) for name in names]) | (values == 0), size, np.abs(values))
    relative = jacobian * scale
    length = np.linalg.norm(relative, axis=0)
    seen = length > UNSEEN * length.max(initial=0.0)
    length = np.where(seen, length, 1.0)
    _, singular, rows = np.linalg.svd(np.where(seen, relative / length, 0.0), full_matrices=False)
    dead = singular <= INSEPARABLE * max(singular[0], 1e-300)
    variance = np.where(dead, 0.0, 1.0 / np.where(dead, 1.0, singular) ** 2)
    covariance = np.einsum("k,ki,kj->ij", variance, rows, rows)
    touched = np.any(np.abs(rows[dead]) > 1e-3, axis=0)
    deviation = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        product = np.outer(deviation, deviation)
        correlation = np.where(product > 0, covariance / product, np.eye(len(names)))
    errors = np.where(touched, np.inf, deviation / length * scale)
    return Uncertainty(errors, correlation, _verdict(names, values, rows[dead] / length, correlation, touched))


def doubts(
    names: tuple[str, ...],
    values: Mapping[str, float],
    sure: Uncertainty,
    at_bound: Mapping[str, bool],
    measured: Sequence[Quality],
    of_system: Collection[str] | None = None,
) -> tuple[str, ...]:
    """What the data can and cannot tell apart, with what speaks against single values: a bound, a
    value that no device has, an error larger than a value that is positive by its nature.

    That parameters are identifiable is said only where the model explains all of the data. `of_system`: of a system,
    those of its parameters that are positive by their bound; of a device None, as its quantities are known.
    """
    said, ranges = [], OSCILLATOR if of_system is None else {}
    for name, error in zip(names, sure.errors, strict=True):
        value, path = values[name], name.split("[")[0]
        allowed = ranges.get(path.split(".")[0])
        positive = path.rsplit(".", 1)[-1] in POSITIVE if of_system is None else name in of_system
        if at_bound[name]:
            said.append(f"{name} ended at its bound: its best value may lie beyond; widen the bound, or hold it")
        if allowed is not None and not allowed.low <= value <= allowed.high:
            low, high = show(allowed.low, allowed.unit), show(allowed.high, allowed.unit)
            said.append(f"{name} = {show(value, allowed.unit)} is no value of a device ({low} to {high})")
        if positive and np.isfinite(error) and error > abs(value):
            said.append(
                f"{name} is not told apart from zero by these data: its standard error is larger than its value"
            )
    sound = not any(one.doubtful or one.failure for one in measured)
    kept = [one for one in sure.verdict if one != IDENTIFIABLE or (sound and not said)]
    return (*kept, *said)


def _verdict(
    names: tuple[str, ...], values: np.ndarray, dead: np.ndarray, correlation: np.ndarray, touched: np.ndarray
) -> tuple[str, ...]:
    sentences = []
    if len(dead):
        involved = [name for name, yes in zip(names, touched, strict=True) if yes]
        if len(involved) == 1:
            sentences.append(f"the data do not depend on {involved[0]}: it cannot be found from them")
        else:
            fixed = _fixed_combinations(dead, touched, names)
            sentences.append(f"{', '.join(involved)} cannot be told apart by these data: only {fixed}")
    for i in range(len(names)):
        for j in range(i):
            if abs(correlation[i, j]) > WEAK and not (touched[i] or touched[j]):
                sign = "ratio" if correlation[i, j] * np.sign(values[i] * values[j]) > 0 else "product"
                sentences.append(
                    f"{names[j]} and {names[i]} are nearly inseparable (correlation "
                    f"{correlation[i, j]:.4f}): their {sign} is far better known than either"
                )
    return tuple(sentences) or (IDENTIFIABLE,)


def _fixed_combinations(dead: np.ndarray, touched: np.ndarray, names: tuple[str, ...]) -> str:
    """What the dead directions leave unchanged, in words: products of powers, of parameters that have a size."""
    index = np.flatnonzero(touched)
    _, singular, rows = np.linalg.svd(dead[:, index] / np.linalg.norm(dead[:, index], axis=1, keepdims=True))
    fixed = rows[int((singular > 1e-9).sum()) :]
    if any(is_start(names[i]) or names[i].split("[")[0] in _FROM_ANYWHERE for i in index):
        return f"{len(fixed)} of their combinations {'is' if len(fixed) == 1 else 'are'} fixed"
    products = [_product(row, [names[i] for i in index]) for row in _simplify(fixed)]
    return f"{' and '.join(products) or 'none of them'} {'are' if len(products) > 1 else 'is'} fixed"


def _simplify(basis: np.ndarray) -> list[np.ndarray]:
    """The row space of a basis in reduced echelon form, each row starting with the power 1."""
    rows = [row.copy() for row in basis]
    done: list[np.ndarray] = []
    for column in range(basis.shape[1] if len(basis) else 0):
        rows.sort(key=lambda row: -abs(row[column]))
        if rows and abs(rows[0][column]) > 1e-3:
            pivot = rows.pop(0)
            pivot = pivot / pivot[column]
            rows = [row - row[column] * pivot for row in rows]
            done = [row - row[column] * pivot for row in done] + [pivot]
    return done


def _product(powers: np.ndarray, names: list[str]) -> str:
    parts: list[str] = []
    for power, name in zip(powers, names, strict=True):
        if abs(power) > 0.01:
            sign = "·" if power > 0 else "/"
            exponent = "" if abs(abs(power) - 1) < 0.02 else f"^{abs(power):.2g}"
            parts.append(f"{sign if parts else ('' if power > 0 else '1/')}{name}{exponent}")
    return "".join(parts)
