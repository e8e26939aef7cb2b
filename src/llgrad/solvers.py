"""How a run is made: the simulation, its engines and steppers, its start and step, what is kept, how it ended."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.core.interrupts import Interrupted
    from llgrad.core.status import Outcome, SimulationError
    from llgrad.core.trajectory import SystemTrajectory, Trajectory
    from llgrad.kernels.steppers import RK4, DormandPrince5, DormandPrince8, Heun, Tsitouras5
    from llgrad.solve.diffrax_engine import Diffrax
    from llgrad.solve.native import Native
    from llgrad.solve.saving import End, Every, Interval
    from llgrad.solve.simulate import simulate
    from llgrad.solve.start import default_start
    from llgrad.solve.step_size import suggest_dt
    from llgrad.solve.xla import XLA

__all__ = [
    "RK4",
    "XLA",
    "Diffrax",
    "DormandPrince5",
    "DormandPrince8",
    "End",
    "Every",
    "Heun",
    "Interrupted",
    "Interval",
    "Native",
    "Outcome",
    "SimulationError",
    "SystemTrajectory",
    "Trajectory",
    "Tsitouras5",
    "default_start",
    "simulate",
    "suggest_dt",
]

as_room(__name__)
