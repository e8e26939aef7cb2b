"""What `llgrad train` does where nobody says otherwise, by the set of images."""

from __future__ import annotations

from typing import Final, NamedTuple

from llgrad.cli.networks.sources.signals import is_signals
from llgrad.networks.trained.natural import STEPS
from llgrad.training.recipe import Recipe


class Defaults(NamedTuple):
    """A network and how it is trained."""

    recipe: Recipe
    oscillators: tuple[int, ...]
    """Number in each array, one after the other."""
    duration: float = 0.44e-9
    """Time for which an image is shown to the array [s]."""
    steps: int = STEPS
    """Time steps in it."""
    readouts: int = 1
    """Read-outs in it."""


DEVICE: Final = "kubota2013"

LARGE: Final = Defaults(
    Recipe(epochs=50, batch=250, learning_rate=2e-3, weight_decay=1e-3, shift=2, label_smoothing=0.1),
    (256,),
    duration=0.25e-9,
    steps=10,
    readouts=2,
)

BY_SET: Final = {
    "digits": Defaults(Recipe(epochs=40, batch=50, learning_rate=5e-3, label_smoothing=0.1), (128,)),
    "mnist": LARGE,
    "fashion-mnist": LARGE._replace(recipe=LARGE.recipe.replace(shift=1, learning_rate=1.5e-3)),
}


OF_SIGNALS: Final = Defaults(Recipe(epochs=40, batch=50, learning_rate=5e-3, label_smoothing=0.1), (64,))


OF_TARGETS: Final = Defaults(Recipe(epochs=60, batch=20, learning_rate=1e-2, weight_decay=0.0), (64,))


def defaults_of(name: str, regression: bool = False) -> Defaults:
    """The defaults for a set; images of the user's own are taken for a large one."""
    if regression:
        return OF_TARGETS
    return OF_SIGNALS if is_signals(name) else BY_SET.get(name.lower(), LARGE)
