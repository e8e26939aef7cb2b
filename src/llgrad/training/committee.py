"""Several networks that answer as one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from llgrad.core.arguments.kinds import check_kind
from llgrad.training.evaluation import Evaluation, judged


def committee(evaluations: Iterable[Evaluation]) -> Evaluation:
    """What several networks make of the same images or signals together: the geometric mean of their probabilities.

        p(c | u) ∝ (∏_k p_k(c | u))^{1/K},   logits = (1/K) Σ_k ln p_k(c | u),

    of K networks. They may see the samples through other front ends, and be of other devices. The cross entropy of
    this mean is at most the mean of theirs; each that errs in a way of its own is outvoted.

    Source: G. E. Hinton, Neural Computation 14, 1771 (2002), a product of experts, here with equal weights; recalled.

    Args:
        evaluations: of `lg.evaluate`, or `Trained.test`, with the samples in one order.

    Raises ValueError for none, for regressions, and for evaluations of other samples.

    >>> labels = np.array([0, 1])
    >>> sure, unsure = np.array([[2.0, 0.0], [0.0, 2.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    >>> committee([judged(sure, labels), judged(unsure, labels)]).accuracy
    1.0
    """
    check_kind("evaluations", evaluations, Iterable, "give what lg.evaluate makes of each network, in a list")
    members = list(evaluations)
    if not members:
        raise ValueError("evaluations are empty, expected at least one: give what lg.evaluate makes of each network")
    for number, member in enumerate(members):
        name = f"evaluations[{number}]"
        check_kind(name, member, Evaluation, "give what lg.evaluate makes of each network")
        if member.is_regression:
            raise ValueError(f"{name} is of a regression, expected classes: the mean of numbers is np.mean of logits")
        if member.logits.shape != members[0].logits.shape or not np.array_equal(member.labels, members[0].labels):
            raise ValueError(
                f"{name} has other samples or classes than evaluations[0]; evaluate all networks on the same, in one "
                "order"
            )
    with np.errstate(invalid="ignore"):  # a member without an answer leaves none, as in `judged`
        logits = np.mean([_log_probabilities(member.logits) for member in members], axis=0)
    return judged(logits, members[0].labels)._replace(kind=members[0].kind)


def _log_probabilities(logits: np.ndarray) -> np.ndarray:
    wide = logits.astype(np.float64)
    wide = wide - wide.max(axis=1, keepdims=True)
    return wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
