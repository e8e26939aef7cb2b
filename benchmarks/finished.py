"""Runs of training that came to their end: only those are tested, so only those have a figure."""

from __future__ import annotations

import llgrad as lg


def finished(run: lg.training.Trained) -> lg.training.Trained:
    """The run itself; SystemExit, which ends the script in a sentence, where it was stopped before its last epoch."""
    if run.accuracy is None:
        reached = run.history[-1]["epoch"] if run.history else 0
        raise SystemExit(
            f"a run ended early ({run.ending} after {reached} of {run.recipe.epochs} epochs), so nothing was tested "
            "and it has no figure; what was printed before stands, run the script again for the rest"
        )
    return run
