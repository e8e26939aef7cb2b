"""Training of a network: recipes, schedules, runs that can be resumed, and how good the network is."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.datasets.signals.frames.augment import SignalAugmentation
    from llgrad.training.committee import committee
    from llgrad.training.evaluation import Evaluation, evaluate
    from llgrad.training.processes.processes import Processes
    from llgrad.training.recipe import Recipe
    from llgrad.training.schedules import ConstantSchedule, CosineSchedule, EveryEpochs, EverySeconds
    from llgrad.training.stopping import TrainingError
    from llgrad.training.train import Trained, resume, train

__all__ = [
    "ConstantSchedule",
    "CosineSchedule",
    "Evaluation",
    "EveryEpochs",
    "EverySeconds",
    "Processes",
    "Recipe",
    "SignalAugmentation",
    "Trained",
    "TrainingError",
    "committee",
    "evaluate",
    "resume",
    "train",
]

as_room(__name__)
