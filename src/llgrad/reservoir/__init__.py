"""Reservoirs: oscillators and arrays that a signal drives, read by a line, measured, and tuned by gradients."""

from typing import TYPE_CHECKING

from llgrad.core.speed.rooms import as_room

if TYPE_CHECKING:
    from llgrad.reservoir.baselines import EchoStateNetwork, LinearTaps
    from llgrad.reservoir.bench import at_resolution, load_reservoir, save_reservoir
    from llgrad.reservoir.estimator import Reservoir
    from llgrad.reservoir.measures.dynamics import Consistency, DrivenExponent, consistency, driven_exponent
    from llgrad.reservoir.measures.information import InformationCapacity, information_capacity
    from llgrad.reservoir.measures.memory import MemoryCapacity, memory_capacity
    from llgrad.reservoir.measures.ranks import Ranks, ranks
    from llgrad.reservoir.tasks.memory import parity, short_term_memory
    from llgrad.reservoir.tasks.narma import narma
    from llgrad.reservoir.tasks.task import SignalTask
    from llgrad.reservoir.tasks.waves import mackey_glass, sine_square
    from llgrad.reservoir.tuning.aims import aim_of_task, capacity_aim
    from llgrad.reservoir.tuning.grid import TuningGrid, tuning_grid
    from llgrad.reservoir.tuning.tune import Tuned, tune

__all__ = [
    "Consistency",
    "DrivenExponent",
    "EchoStateNetwork",
    "InformationCapacity",
    "LinearTaps",
    "MemoryCapacity",
    "Ranks",
    "Reservoir",
    "SignalTask",
    "Tuned",
    "TuningGrid",
    "aim_of_task",
    "at_resolution",
    "capacity_aim",
    "consistency",
    "driven_exponent",
    "information_capacity",
    "load_reservoir",
    "mackey_glass",
    "memory_capacity",
    "narma",
    "parity",
    "ranks",
    "save_reservoir",
    "short_term_memory",
    "sine_square",
    "tune",
    "tuning_grid",
]

as_room(__name__)
