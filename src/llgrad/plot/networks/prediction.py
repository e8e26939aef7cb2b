"""The picture of a regression: what was answered against what was wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import ArrayLike, Float

from llgrad.plot.style import BLUE, GREY, figure, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST: Final = 3
"""Targets that are drawn."""
MOST_POINTS: Final = 5000


def predictions(
    wanted: Float[ArrayLike, "n frames targets"], answers: Float[ArrayLike, "n frames targets"], names: Sequence[str]
) -> Figure:
    """Answers against what was wanted, each point a frame of a signal, with the NRMSE of each target: the root of the
    mean square error over the variance of the target.

    Args:
        wanted: (n, frames, targets).
        answers: the same shape.
        names: of the targets; three are drawn.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> wanted = np.linspace(0, 1, 20).reshape(2, 10, 1)
    >>> lg.plot.predictions(wanted, wanted + 0.01, ["y"]).axes[0].get_xlabel()
    'wanted'
    """
    wanted, answers = (np.asarray(values, float) for values in (wanted, answers))
    if wanted.shape != answers.shape or wanted.ndim != 3 or wanted.shape[2] != len(names) or not wanted.size:
        raise ValueError(
            f"wanted {wanted.shape} and answers {answers.shape}: expected (n, frames, {len(names)}) of both"
        )
    shown = list(names)[:MOST]
    step = -(-wanted[..., 0].size // MOST_POINTS)
    with figure(4.2) as drawn:
        for number, (axes, name) in enumerate(zip(drawn.subplots(1, len(shown), squeeze=False)[0], shown, strict=True)):
            x, y = wanted[..., number].ravel(), answers[..., number].ravel()
            ends = [float(x.min()), float(x.max())]
            axes.plot(ends, ends, color=GREY, linewidth=1)
            axes.plot(x[::step], y[::step], ".", markersize=2.5, color=BLUE, alpha=0.5)
            axes.set_xlabel("wanted")
            axes.set_ylabel("answer" if not number else "")
            error = float(np.sqrt(np.square(y - x).mean() / max(x.var(), np.finfo(float).tiny)))
            title(axes, f"{name}: NRMSE {error:.3g}")
    return drawn
