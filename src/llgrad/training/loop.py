"""The loop over steps and epochs. It prints nothing and writes no file: it tells, and asks whether to go on.

The order of the images is a function of the seed and the epoch, and every draw one of the seed and the step. So a run
that goes on from a checkpoint ends with the same bits as one that was never stopped.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import jax
import numpy as np

from llgrad.datasets.samples.kinds import Samples
from llgrad.training.processes.shared import evaluate_together
from llgrad.training.step import State, StepOutcome, TrainingStep
from llgrad.training.stopping import Ending, Stop, TrainingError

MOST_REJECTED: Final = 10
"""So many steps left out in a row end a run: no batch gives a finite gradient any more, and none is going to."""


@dataclasses.dataclass
class Tally:
    """Sums over the accepted steps of the epoch so far."""

    loss: float = 0.0
    correct: float = 0.0
    gradient_norm: float = 0.0
    accepted: int = 0
    rejected: int = 0


@dataclasses.dataclass
class Position:
    """Where a run is, between two steps."""

    state: State
    step: int = 0
    """Number of steps done."""
    tally: Tally = dataclasses.field(default_factory=Tally)
    rejected_in_a_row: int = 0
    """Steps left out since the last one that was accepted."""
    seconds: float = 0.0
    """Time spent on training, over all processes that worked on the run."""


Progress = Callable[[dict[str, Any]], None]


class Hooks(NamedTuple):
    """Who is told what."""

    add: Callable[[Mapping[str, Any]], None]
    """Takes each row of the history."""
    save: Callable[[Position], None]
    """Takes each state that is to be kept."""
    progress: Progress | None = None
    """Called after each step; a KeyboardInterrupt that it raises stops the run."""


def order_of(seed: int, epoch: int, count: int) -> np.ndarray:
    """The order (count,) in which an epoch, counted from 0, takes the images."""
    return np.random.default_rng([seed, epoch]).permutation(count)


class TrainingLoop:
    """Training of one network on one set of images.

    Args:
        step: the compiled step, with its recipe.
        images: the training images.
        held_out: images to measure progress on after each epoch, or None.
    """

    def __init__(self, step: TrainingStep, images: Samples, held_out: Samples | None, hooks: Hooks, stop: Stop):
        self.step, self.recipe, self.images, self.held_out = step, step.recipe, images, held_out
        self.hooks, self.stop = hooks, stop
        self.steps = self.recipe.epochs * step.epoch_steps
        self._order = (-1, np.zeros(0, int))
        self._last: dict[str, Any] | None = None

    def run(self, at: Position) -> Ending:
        """Train from a position to the end, or until asked to stop; `at` is where the run then is.

        Raises TrainingError after `MOST_REJECTED` steps in a row without a finite gradient.
        """
        clock = _Clock(at)
        saved = (clock.seconds(), at.step // self.step.epoch_steps)
        batch = self._batch(at.step) if at.step < self.steps else None
        while at.step < self.steps:
            self._check(at)
            if (ending := self.stop.ending) is not None:
                return ending
            at.state, outcome = self.step(at.state, *batch, at.step)  # type: ignore[misc]
            batch = self._batch(at.step + 1) if at.step + 1 < self.steps else None
            self._note(at, jax.device_get(outcome))
            at.step += 1
            at.seconds = clock.seconds()
            if at.step % self.step.epoch_steps == 0:
                self._end_epoch(at, clock)
            self._tell(at, clock)
            now, epoch = at.seconds, at.step // self.step.epoch_steps
            if self.recipe.checkpoint.due(now - saved[0], epoch - saved[1]) and at.step < self.steps:
                self.hooks.save(at)
                saved = (now, epoch)
        self._check(at)
        return Ending.finished

    def _batch(self, step: int) -> tuple[Any, Any]:
        """Images (B, H, W), or signals, and labels (B,) of a step: those of its batch that this process sees."""
        epoch, number = divmod(step, self.step.epoch_steps)
        if self._order[0] != epoch:
            self._order = (epoch, order_of(self.recipe.seed, epoch, len(self.images.labels)))
        index = self._order[1][number * self.recipe.batch : (number + 1) * self.recipe.batch]
        index = self.step.part(index)
        return self.images.batch(index), self.images.labels[index]

    def _note(self, at: Position, outcome: StepOutcome) -> None:
        """Add a step to the sums of its epoch, or tell that it was left out."""
        if outcome.accepted:
            at.rejected_in_a_row = 0
            at.tally.accepted += 1
            at.tally.loss += float(outcome.loss)
            at.tally.correct += float(outcome.correct)
            at.tally.gradient_norm += float(outcome.gradient_norm)
            return
        at.rejected_in_a_row += 1
        at.tally.rejected += 1
        what = "loss" if not np.isfinite(outcome.loss) else "gradient"
        epoch = at.step // self.step.epoch_steps + 1
        self.hooks.add({"event": "step left out", "epoch": epoch, "step": at.step + 1, "not_finite": what})

    def _check(self, at: Position) -> None:
        if at.rejected_in_a_row >= MOST_REJECTED:
            first = at.step - at.rejected_in_a_row + 1
            raise TrainingError(
                f"loss or gradient were not finite in {at.rejected_in_a_row} steps in a row, {first} to {at.step} of "
                f"{self.steps}; the network is as it was before them: train again with a smaller learning rate, a "
                "smaller clip or a smaller time step"
            )

    def _end_epoch(self, at: Position, clock: _Clock) -> None:
        """The summary of an epoch, and the sums set back for the next one."""
        tally = at.tally
        accepted = max(tally.accepted, 1)
        row: dict[str, Any] = {
            "epoch": at.step // self.step.epoch_steps,
            "step": at.step,
            "loss": tally.loss / accepted if tally.accepted else None,
            "accuracy": tally.correct / (accepted * self.recipe.batch) if tally.accepted else None,
            "learning_rate": self.step.rate(at.step - 1),
            "gradient_norm": tally.gradient_norm / accepted if tally.accepted else None,
            "rejected": tally.rejected,
        }
        if self.held_out is not None:
            found = evaluate_together(self.step.network(at.state), self.held_out, self.step.processes)
            row |= {"validation_accuracy": found.accuracy, "validation_loss": found.loss}
        at.seconds, at.tally = clock.seconds(), Tally()
        self._last = row
        self.hooks.add(row | {"seconds": round(at.seconds, 3)})

    def _tell(self, at: Position, clock: _Clock) -> None:
        """Progress after a step: loss and accuracy of the epoch so far, and the best figure for the time left."""
        if self.hooks.progress is None:
            return
        epoch, tally = (at.step - 1) // self.step.epoch_steps + 1, at.tally
        if tally.accepted:
            loss, accuracy = tally.loss / tally.accepted, tally.correct / (tally.accepted * self.recipe.batch)
        else:
            loss, accuracy = (self._last or {}).get("loss"), (self._last or {}).get("accuracy")
        entry = {"epoch": epoch, "epochs": self.recipe.epochs, "step": at.step, "steps": self.steps}
        entry |= {"loss": loss, "accuracy": accuracy, "fraction": at.step / self.steps}
        if self._last is not None and "validation_accuracy" in self._last:
            entry["validation_accuracy"] = self._last["validation_accuracy"]
        entry["seconds_left"] = clock.left(at.step, self.steps)
        try:
            self.hooks.progress(entry)
        except KeyboardInterrupt:
            self.stop.ask()


class _Clock:
    """Time spent on a run, and what is left at the pace since the first step, which took compilation too."""

    def __init__(self, at: Position):
        self._before, self._began = at.seconds, time.monotonic()
        self._first: tuple[int, float] | None = None

    def seconds(self) -> float:
        return self._before + time.monotonic() - self._began

    def left(self, step: int, steps: int) -> float | None:
        now = time.monotonic()
        if self._first is None:
            self._first = (step, now)
        done, spent = step - self._first[0], now - self._first[1]
        return (steps - step) * spent / done if done else None
