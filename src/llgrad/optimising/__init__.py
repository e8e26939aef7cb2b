"""The best device: an aim, ranges and limits in, a device and what it hangs on out."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.optimising.aims import maximise, minimise, of_device, of_orbit
    from llgrad.optimising.answers.result import Optimum, load_optimum
    from llgrad.optimising.front import Front, pareto_front
    from llgrad.optimising.grid import Grid, grid_search
    from llgrad.optimising.optimise import optimise
    from llgrad.optimising.robust import Expected, Worst

__all__ = [
    "Expected",
    "Front",
    "Grid",
    "Optimum",
    "Worst",
    "grid_search",
    "load_optimum",
    "maximise",
    "minimise",
    "of_device",
    "of_orbit",
    "optimise",
    "pareto_front",
]

as_room(__name__)
